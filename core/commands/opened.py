"""A checkpoint that was named on the command line."""

from typing import TYPE_CHECKING

from . import say

if TYPE_CHECKING:
    from ..training.checkpoint import Checkpoint


def opened(name: str) -> "Checkpoint":
    """Return the checkpoint of that name; says what it is, if another program wrote it.

    Raises:
        UserError: there is none, or it can't be used here.
    """
    from ..training.checkpoint import find_checkpoint, load_checkpoint

    checkpoint = load_checkpoint(find_checkpoint(name))
    for key in ("title", "note"):
        if words := checkpoint.about.get(key):
            say(f"{name}: {words}" if key == "title" else str(words))
    return checkpoint
