"""The playgrounds, found by being there: each a package in a folder of ``core.playgrounds``."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from .errors import UserError

if TYPE_CHECKING:
    from .playground import Playground

PACKAGE = f"{__package__}.playgrounds"


def all_names() -> list[str]:
    """Return the names of all playgrounds, without importing them (or torch).

    More folders of playgrounds may be appended to ``core.playgrounds.__path__``.
    """
    path = importlib.import_module(PACKAGE).__path__
    return [found.name for found in pkgutil.iter_modules(path) if found.ispkg]


def get(name: str) -> "Playground":
    """Return the playground of that name.

    Raises:
        UserError: there is none; the sentence names those there are.
    """
    if name not in all_names():
        raise UserError(f"There is no playground '{name}'; there are {', '.join(all_names())}.")
    module = importlib.import_module(f"{PACKAGE}.{name}.playground")
    playground: Playground = module.PLAYGROUND
    return playground
