"""Where things lie: what is shipped, and what a person brings or makes."""

import os
import sys
import tempfile
from pathlib import Path

from .errors import UserError

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "resources"
CHECKPOINTS = ROOT / "checkpoints"
IN_CHECKOUT = (ROOT / "pyproject.toml").is_file()
"""Whether this runs from a clone, which keeps all it writes, or is installed as a package."""
COMMAND = "python -m core" if IN_CHECKOUT else "glassbox"
"""How the command line is called here, for sentences that name it."""


def _home() -> Path:
    """Return the user's home; a temporary folder for a user without one, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir())


def user_data() -> Path:
    """Return the platform's folder for what a program keeps for its user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or _home() / "AppData/Local") / "Glassbox"
    if sys.platform == "darwin":
        return _home() / "Library/Application Support/Glassbox"
    # A relative path in it is to be ignored, says the XDG base directory specification.
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (named if named.is_absolute() else _home() / ".local/share") / "glassbox"


def expanded(name: str | Path) -> Path:
    """Return a path with ``~`` as the home that it stands for; one of nobody stays as it is."""
    return Path(os.path.expanduser(name))  # noqa: PTH111, pathlib's raises where there is no such user


KEPT = CHECKPOINTS if IN_CHECKOUT else user_data()
RUNS = expanded(os.environ.get("GLASSBOX_RUNS") or KEPT / "runs").absolute()
"""What trainings leave; ``GLASSBOX_RUNS`` names another folder, such as a shared one."""
SETTINGS = expanded(os.environ.get("GLASSBOX_SETTINGS") or KEPT / "settings.json").absolute()
"""What the window remembers; ``GLASSBOX_SETTINGS`` names another file."""
LOG = SETTINGS.with_name("glassbox.log")
"""What went wrong unexpectedly in the window."""
DOWNLOADS = ROOT / "data" if IN_CHECKOUT else KEPT / "data"
TOKENS = DOWNLOADS / "tokens"


def data_source(argument: str | Path | None = None) -> Path | None:
    """Return where data comes from: a file of one's own, or else as :func:`data_folder`.

    Raises:
        UserError: it was named but does not exist.
    """
    if argument and expanded(argument).is_file():
        return expanded(argument)
    return data_folder(argument)


def data_folder(argument: str | Path | None = None) -> Path | None:
    """Return the folder of full data sets: the argument, else ``GLASSBOX_DATA``, else None.

    Raises:
        UserError: the folder was named but does not exist.
    """
    named = argument or os.environ.get("GLASSBOX_DATA")
    if not named:
        return None
    folder = expanded(named)
    if not folder.is_dir():
        source = "--data" if argument else "GLASSBOX_DATA"
        why = "is no folder" if folder.exists() else "does not exist"
        raise UserError(
            f"{source} names {folder}, which {why}; "
            "name the folder that holds mnist/ and names/, or leave it out for the bundled data."
        )
    return folder
