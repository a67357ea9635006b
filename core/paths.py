"""Where things lie: what is shipped, and what a person brings or makes."""

import os
from pathlib import Path

from .errors import UserError

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "resources"
CHECKPOINTS = ROOT / "checkpoints"
RUNS = Path(os.environ.get("GLASSBOX_RUNS") or CHECKPOINTS / "runs").expanduser()
"""What trainings leave; ``GLASSBOX_RUNS`` names another folder, such as a shared one."""
DOWNLOADS = ROOT / "data"
TOKENS = DOWNLOADS / "tokens"


def data_source(argument: str | Path | None = None) -> Path | None:
    """Return where data comes from: a file of one's own, or else as :func:`data_folder`.

    Raises:
        UserError: it was named but does not exist.
    """
    if argument and Path(argument).expanduser().is_file():
        return Path(argument).expanduser()
    return data_folder(argument)


def show_tiktoken(source: Path | None) -> None:
    """Let tiktoken find the files of GPT-2's tokenizer in a data folder that has them."""
    folder = source / "tiktoken" if source else None
    if folder and folder.is_dir():
        os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(folder))


def data_folder(argument: str | Path | None = None) -> Path | None:
    """Return the folder of full data sets: the argument, else ``GLASSBOX_DATA``, else None.

    Raises:
        UserError: the folder was named but does not exist.
    """
    named = argument or os.environ.get("GLASSBOX_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        source = "--data" if argument else "GLASSBOX_DATA"
        raise UserError(
            f"{source} names {folder}, which is not a folder; "
            "name the folder that holds mnist/ and names/, or leave it out for the bundled data."
        )
    return folder
