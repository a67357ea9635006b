"""A recipe's training as a script: plain PyTorch, as a lecture would write it.

A playground has it as a template beside it, ``code/script.py.jinja``, and ``code/__init__.py``
with ``values(recipe, source)``, what the template is filled with beside the recipe. What several
share stands here. What is off leaves no trace in a script.
"""

import difflib
import importlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..registry import PACKAGE
from ..training.recipe import Recipe

if TYPE_CHECKING:
    import jinja2

SHARED = Path(__file__).parent
BY_THE_CLOCK = 2000  # steps of a script, where a recipe names none
MODULES = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "GELU"}
"""What torch calls the module of an activation."""
GAINS = {"gelu": "relu"}
"""What torch calls the gain of an activation that has no name of its own there."""
CELL = "# %%"
"""Begins a cell in Spyder, VS Code and PyCharm, and so in a notebook."""


MARKS = re.compile("\ue000(.*?)\ue001")
"""What a template writes to say which parts of a network a line is of: letters of nobody's."""


@dataclass(frozen=True)
class Script:
    """A script, and where in it the parts of its network stand.

    Attributes:
        text: all of it.
        places: the lines, counted from 1, that define or use a part, by its key in the map of the
            network (:mod:`core.network_map.parts`); the same for all of a transformer's blocks.
    """

    text: str
    places: Mapping[str, Sequence[int]]

    def lines_of(self, key: str) -> Sequence[int]:
        """Return the lines of a part, such as ``hidden.0`` or ``blocks.3.attend``."""
        return self.places.get(re.sub(r"\.\d+\.", ".", key), ())


def make_script(playground: str, recipe: Recipe, source: Path | None = None) -> Script:
    """Return the training of a recipe as a script that needs no Glassbox.

    Its losses are those of the trainer from the same seed, or a comment in it says why not.

    Args:
        playground: its name.
        recipe: what is trained, and how.
        source: a folder of full data, or a file; None for the bundled data.

    Raises:
        UserError: this playground has no script, or the data can't be used.
    """
    package = f"{PACKAGE}.{playground}.code"
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise UserError(f"The {playground} playground has no script to show.") from None
    values = module.values(recipe, source)
    return rendered((Path(module.__path__[0]),), {"recipe": recipe, **values})


def write_script(playground: str, recipe: Recipe, source: Path | None = None) -> str:
    """Return the text of :func:`make_script`."""
    return make_script(playground, recipe, source).text


@cache
def _templates(folders: tuple[Path, ...]) -> "jinja2.Environment":
    """Return the templates of folders, compiled once: a window fills them while one drags."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701, what is made is Python, not HTML
        loader=jinja2.FileSystemLoader([*folders, SHARED], encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["py"] = _literal
    environment.globals["at"] = lambda *keys: f"\ue000{' '.join(keys)}\ue001"
    environment.globals["module_of"] = MODULES.get
    environment.globals["gain_of"] = lambda activation: GAINS.get(activation, activation)
    return environment


def rendered(
    folders: tuple[Path, ...], values: Mapping[str, Any], name: str = "script.py.jinja"
) -> Script:
    """Return a template of these folders, or of what all share, filled with values.

    A template says at the end of a line which parts of a network it is of, ``{{ at("output") }}``.

    Args:
        folders: where templates are looked for first.
        values: what it is filled with; among them the recipe.
        name: of the template.
    """
    steps = values["recipe"].steps or BY_THE_CLOCK
    text = _templates(folders).get_template(name).render(steps=steps, **values)
    # Parts that are left out leave empty lines: none twice within a function, two at most outside.
    text = re.sub(r"\n{2,}(?= )", "\n\n", text)
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    return _parted(text.strip("\n") + "\n")


def _parted(text: str) -> Script:
    """Take the marks out of a script, and tell where they stood."""
    places: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(text.split("\n"), 1):
        for marks in MARKS.findall(line):
            for key in marks.split():
                places[key].append(number)
    return Script(MARKS.sub("", text), places)


def _literal(value: object) -> str:
    """Return a value as Python writes it; a path and a text with double quotes."""
    return (
        json.dumps(str(value), ensure_ascii=False) if isinstance(value, str | Path) else repr(value)
    )


def as_notebook(script: str) -> str:
    """Return a script as a notebook: its docstring as a text, then a cell for each part."""
    _, docstring, rest = script.split('"""', 2)
    parts = [part.partition("\n") for part in rest.split(f"\n{CELL} ")[1:]]
    cells = [_text(f"# {docstring.strip()}")]
    for title, _, source in parts:
        cells += [_text(f"## {title}"), _code(source.strip("\n"))]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    whole = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _text(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    source = text.splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def changed_lines(before: str, after: str) -> list[int]:
    """Return the lines of a script that are not in the one before, counted from 1."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return [
        line + 1
        for kind, _, _, begin, end in matcher.get_opcodes()
        if kind != "equal"
        for line in range(begin, end)
    ]
