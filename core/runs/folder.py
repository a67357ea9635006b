"""Where a record's files lie: one folder a run, in ``paths.RUNS``."""

import contextlib
from pathlib import Path

from ..errors import UserError
from ..files import DRAFT
from ..paths import COMMAND, expanded

ABOUT = "run.json"
CARD = "card.json"
CURVES = "curves.npz"
LAST = "last.safetensors"
BEST = "best.safetensors"
MOMENTS = "moments"
LOOP_SUFFIX = ".watch.json"
"""Of the one file that a watched loop leaves (:mod:`core.runs.loop_record`)."""
DRAFTS = f"{DRAFT}*"
"""What a process that was killed while it wrote leaves behind."""


def run_named(runs: Path, name: str) -> Path | None:
    """Return the folder of a run, by its path or by its name; None if there is no such run."""
    try:
        places = (expanded(name), runs / name)
        return next((folder for folder in places if (folder / ABOUT).is_file()), None)
    except (OSError, RuntimeError, ValueError):  # a name that no file can have
        return None


def find_run(runs: Path, name: str) -> Path:
    """Return the folder of a run as :func:`run_named` finds it, or the file of a watched loop.

    Raises:
        UserError: there is no such record.
    """
    if found := run_named(runs, name) or loop_named(runs, name):
        return found
    raise UserError(
        f"There is no run {name}; '{COMMAND} runs' lists them, and a folder with a {ABOUT}"
        " is one, too."
    )


def loop_named(runs: Path, name: str) -> Path | None:
    """Return the file of a watched loop, by its path or by its name; None if there is no such."""
    try:
        places = (expanded(name), runs / name, runs / f"{name}{LOOP_SUFFIX}")
        found = (path for path in places if path.name.endswith(LOOP_SUFFIX))
        return next((path for path in found if path.is_file()), None)
    except (OSError, RuntimeError, ValueError):  # a name that no file can have
        return None


def title_of(checkpoint: Path) -> str:
    """Return what a checkpoint is called: its run's name, or that of its file."""
    in_run = checkpoint.name in (LAST, BEST)
    return checkpoint.parent.name if in_run else checkpoint.stem


def drop_drafts(folder: Path) -> None:
    """Remove what was being written when the process was killed."""
    for draft in folder.rglob(DRAFTS):
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
