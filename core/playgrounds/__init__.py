"""The playgrounds, found by being there: each a package in this folder."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from ..playground import Playground


def all_names() -> list[str]:
    """Return the names of all playgrounds, without importing them."""
    return [found.name for found in pkgutil.iter_modules(__path__) if found.ispkg]


def get(name: str) -> "Playground":
    """Return the playground of that name.

    Raises:
        UserError: there is none; the sentence names those there are.
    """
    if name not in all_names():
        raise UserError(f"There is no playground '{name}'; there are {', '.join(all_names())}.")
    module = importlib.import_module(f"{__name__}.{name}.playground")
    playground: Playground = module.PLAYGROUND
    return playground
