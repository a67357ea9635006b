"""A checkpoint that was named on the command line."""

from typing import TYPE_CHECKING

from ..paths import RUNS
from ..runs.folder import BEST, LAST, run_named
from . import say

if TYPE_CHECKING:
    from ..training.checkpoint import Checkpoint


def opened(name: str) -> "Checkpoint":
    """Return the checkpoint of that name; says what it is, if another program wrote it.

    Of a run it is that with the best weights on validation data, where such were kept.

    Raises:
        UserError: there is none, or it can't be used here.
    """
    from ..training.checkpoint import find_checkpoint, load_checkpoint

    if run := run_named(RUNS, name):
        path = next((run / kept for kept in (BEST, LAST) if (run / kept).is_file()), run / LAST)
        say(f"{run.name}: {path.name}")
        name = str(path)
    checkpoint = load_checkpoint(find_checkpoint(name))
    for key in ("title", "note"):
        if words := checkpoint.about.get(key):
            say(f"{name}: {words}" if key == "title" else str(words))
    return checkpoint
