"""What the script of a training on digits is filled with."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from ....errors import UserError
from ....paths import RESOURCES
from ..download import holds_mnist
from ..recipe import DigitsRecipe

ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "GELU"}


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
        "nonlinearity": ACTIVATIONS[recipe.activation],
        "pairs": list(pairwise([28 * 28, *recipe.hidden])),
        "width": [28 * 28, *recipe.hidden][-1],
        "convolutions": _convolutions(recipe),
    }


def _convolutions(recipe: DigitsRecipe) -> list[dict[str, int]]:
    """Return each convolution's channels, its filters' side, and the side behind its pooling."""
    found, width, side = [], 1, 28
    for index, channels in enumerate(recipe.channels):
        pool = 2 if side % 2 == 0 or index == len(recipe.channels) - 1 else 1
        side //= pool
        kernel = recipe.kernel if index == 0 else 3
        found.append(
            {"inputs": width, "outputs": channels, "kernel": kernel, "pool": pool, "side": side}
        )
        width = channels
    return found
