"""A run that was broken off, as a run that goes on where its record ends."""

from pathlib import Path

from core import playgrounds
from core.errors import UserError
from core.paths import data_source
from core.runs.about import read_about, recipe_of
from core.runs.folder import LAST
from core.runs.recorder import Recorder
from core.training.checkpoint import load_checkpoint
from core.training.device import choose_device
from core.training.trainer import Run


def going_on(folder: Path, data: str | Path | None = None, device: str | None = None) -> Run:
    """Return a run that does what is left of another one, and writes its record on.

    With the same data, on a CPU, it ends with the weights of a run that was never broken off.

    Args:
        folder: the record.
        data: where its data lies now; None for where it lay.
        device: None for the one that it was on.

    Raises:
        UserError: there is nothing left to do, it is being trained, or its data is not there.
    """
    about = read_about(folder)
    if about.alive:
        raise UserError(f"{folder.name} is being trained at this moment; stop it there first.")
    if about.state in ("finished", "failed"):
        how = "is finished" if about.state == "finished" else f"failed ({about.sentence})"
        raise UserError(
            f"{folder.name} {how}; to train its network further, begin a new run from its"
            f" checkpoint, {folder / LAST}."
        )
    playground = playgrounds.get(about.playground)
    recipe = recipe_of(about)
    source = data_source(data or about.source or None)
    recorder, checkpoint = Recorder(folder, source), None
    if (folder / LAST).is_file():
        checkpoint = load_checkpoint(folder / LAST)
        recipe = checkpoint.recipe
    elif about.first:
        raise UserError(f"{folder.name} has lost its checkpoint; train anew.")
    return Run(
        playground,
        recipe,
        playground.load(source),
        choose_device(device or about.device),
        about.seconds,
        about.steps,
        resume=checkpoint if checkpoint and checkpoint.about["steps"] else None,
        scribe=recorder,
        first=about.first,
        spent=checkpoint.about["seconds"] if checkpoint else 0.0,
    )
