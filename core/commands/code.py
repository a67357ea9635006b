"""code: a recipe's training as a plain PyTorch script, or a notebook."""

import argparse
from pathlib import Path
from typing import Any

from .. import playgrounds
from ..errors import UserError
from ..paths import data_source
from . import Command
from .run_options import add_recipe_options, recipe_of


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("playground", metavar="PLAYGROUND")
    add_recipe_options(parser)
    parser.add_argument("--notebook", action="store_true", help="as a notebook")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there")


def _code(options: argparse.Namespace) -> dict[str, Any]:
    from ..code.script import as_notebook, write_script
    from ..files import write_whole

    if options.out and options.out.is_dir():
        raise UserError(f"--out {options.out} is a folder; name a file in it.")
    recipe = recipe_of(options, playgrounds.get(options.playground), "cpu")
    code = write_script(options.playground, recipe, data_source(options.data))
    answer = {"playground": options.playground, "recipe": recipe.to_dict()}
    answer |= {"lines": code.count("\n"), "out": str(options.out) if options.out else None}
    code = as_notebook(code) if options.notebook else code
    if options.out:
        write_whole(options.out, code.encode())
    return answer | {"code": code}


def _show(answer: dict[str, Any]) -> str:
    return str(answer["out"] or answer["code"].rstrip("\n"))


CODE = Command(
    "code",
    "print a training as a script without Glassbox, or as a notebook",
    _options,
    _code,
    _show,
)
