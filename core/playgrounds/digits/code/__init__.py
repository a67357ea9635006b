"""What the script of a training on digits is filled with."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from ....errors import UserError
from ....paths import RESOURCES
from ..download import holds_mnist
from ..recipe import PIXELS, DigitsRecipe


def values(recipe: DigitsRecipe, source: Path | None) -> dict[str, Any]:
    """Return where the digits lie, and the layers of the network.

    Raises:
        UserError: the source is a file.
    """
    if source and source.is_file():
        raise UserError(f"digits learns from a folder that holds mnist/; {source} is a file.")
    full = source is not None and holds_mnist(source)
    raw = (source or RESOURCES).resolve() / "mnist" / "MNIST" / "raw"
    bundled = RESOURCES / "digits" / "mnist5000.npz"
    return {
        "full": full,
        "bundled": bundled,
        "data": raw if full else bundled,
        "packed": full and not (raw / "train-images-idx3-ubyte").is_file(),
        "pairs": list(pairwise([PIXELS, *recipe.hidden])),
        "width": [PIXELS, *recipe.hidden][-1],
        "convolutions": recipe.convolutions(),
    }
