"""Glassbox: ``from glassbox import watch`` in any script or notebook, ``glassbox`` for the window.

Installed, ``core``, ``gui`` and what they read lie in this package, so that they meet nobody else's
packages of these names. In a checkout they lie beside it.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.doctor.watch_loop import watch as watch

_FOLDER = Path(__file__).resolve().parent
HOME = _FOLDER if (_FOLDER / "core").is_dir() else _FOLDER.parent
"""The folder of ``core`` and ``gui``."""
if HOME != _FOLDER:
    __path__.append(str(HOME))


def load_ipython_extension(shell: Any) -> None:
    """Give Jupyter the cell magic ``%%watch``: ``%load_ext glassbox``."""
    import_module(".core.programs.cell_magic", __name__).register(shell)


def __getattr__(name: str) -> object:
    """Bring what is used of ``core`` when it is asked for: importing this package is quick."""
    if name in ("watch", "__version__"):
        return getattr(import_module(".core", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
