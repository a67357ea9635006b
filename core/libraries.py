"""What Glassbox stands on, and a sentence where a part of it is missing or can't be loaded."""

import importlib.util
import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterable

from .paths import IN_CHECKOUT

LIBRARIES = {
    "PySide6": "PySide6-Essentials",
    "pyqtgraph": "pyqtgraph",
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "safetensors": "safetensors",
    "PIL": "pillow",
    "tiktoken": "tiktoken",
    "rustbpe": "rustbpe",
    "regex": "regex",
    "cattrs": "cattrs",
    "networkx": "networkx",
    "jinja2": "Jinja2",
    "openTSNE": "openTSNE",
}
"""Each library by the name that it is imported by, and the name that it is installed by."""
_JOINED = shlex.join if os.name == "posix" else subprocess.list2cmdline
_PIP = _JOINED([sys.executable, "-m", "pip", "install"])
INSTALL = f"{_PIP} -r requirements.txt" if IN_CHECKOUT else f'{_PIP} "glassbox[app]"'


def missing(names: Iterable[str]) -> str:
    """Return a sentence on those of these libraries that are not installed; "" if all are."""
    absent = [LIBRARIES[name] for name in names if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    are = "is" if len(absent) == 1 else "are"
    return f"{', '.join(absent)} {are} not installed; install with: {INSTALL}"


def import_problem(error: BaseException) -> str:
    """Return a sentence if an error is that a library is missing or can't be loaded; else ""."""
    named = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if isinstance(error, ModuleNotFoundError) and named in LIBRARIES and named == error.name:
        return missing([named]) or _unloadable(named, error)
    if isinstance(error, ImportError) and named in LIBRARIES:
        return _unloadable(named, error)
    if isinstance(error, ImportError | OSError):
        # A shared library that is not found is an OSError without a name: who wanted it?
        for frame, _ in traceback.walk_tb(error.__traceback__):
            importing = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if importing in LIBRARIES and importing not in sys.modules:
                return _unloadable(importing, error)
    return ""


def _unloadable(name: str, error: BaseException) -> str:
    library, reason = LIBRARIES[name], " ".join(str(error).split())
    return (
        f"{library} can't be loaded ({reason});"
        f" install it again with: {_PIP} --force-reinstall {library}"
    )
