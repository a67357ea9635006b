"""A run that was interrupted, as a run that continues where its record ends."""

import math
from pathlib import Path

import torch

from .. import playgrounds
from ..errors import UserError
from ..paths import data_source
from ..training.checkpoint import Checkpoint, load_checkpoint
from ..training.device import choose_device
from ..training.trainer import Run
from .folder import LAST
from .record_lock import RecordLock, being_written, is_written
from .recorder import FileRecorder
from .run_info import RunInfo, read_run_info, recipe_of


def resume_run(
    folder: Path, data: str | Path | None = None, device: str | None = None, follows: bool = False
) -> Run:
    """Return a run that does what is left of another one, and writes its record on.

    With the same data, on a CPU, it ends with the weights of a run that was never interrupted.

    Args:
        folder: the record.
        data: where its data lies now; None for where it lay.
        device: None for the one that it was on, or the best one here.
        follows: whether another process of a group writes the record.

    Raises:
        UserError: there is nothing left to do, it is being trained, or its data is not there.
    """
    if follows:
        return _run(folder, data, device, None)
    if is_written(folder, read_run_info(folder)):
        raise being_written(folder)
    lock = RecordLock(folder)  # from here on nobody else resumes it
    try:
        return _run(folder, data, device, lock)
    except BaseException:
        lock.release()
        raise


def _run(folder: Path, data: str | Path | None, device: str | None, lock: RecordLock | None) -> Run:
    about = read_run_info(folder)
    if about.state in ("finished", "failed"):
        how = "is finished" if about.state == "finished" else f"failed ({about.sentence})"
        raise UserError(
            f"{folder.name} {how}; to train its network further, begin a new run from its"
            f" checkpoint, {folder / LAST}."
        )
    checkpoint = _checkpoint(folder, about)
    playground = playgrounds.get(about.playground)
    # Where it lay, and nowhere else: what the environment names may be other data.
    named = data or about.source
    source = data_source(named) if named else None
    loaded = playground.load(source)
    recipe = checkpoint.recipe if checkpoint else recipe_of(about)
    if "precision" in recipe.settings() and "precision" not in about.recipe:
        recipe = recipe.replace({"precision": "float32"})  # the only one when it was begun
    if (found := playground.dataset(loaded, recipe)) != about.dataset:
        raise UserError(
            f"{folder.name} was trained on {about.dataset}, and this is {found}; name its data with"
            " --data."
        )
    return Run(
        playground,
        recipe,
        loaded,
        _device(device or about.device),
        about.seconds,
        about.steps,
        resume=checkpoint,
        recorder=FileRecorder(folder, source, lock) if lock else None,
        first_step=about.first,
        elapsed=checkpoint.about["seconds"] if checkpoint else 0.0,
    )


def _checkpoint(folder: Path, about: RunInfo) -> Checkpoint | None:
    """Return the checkpoint to go on from; None if nothing was learned by then."""
    if not (folder / LAST).is_file():
        if about.first:
            raise UserError(f"{folder.name} has lost its checkpoint; train anew.")
        return None
    checkpoint = load_checkpoint(folder / LAST)
    done = checkpoint.about["steps"] - about.first
    counts = hasattr(checkpoint.model(), "observe")  # with it, one step is all there is
    over = counts or done >= (about.steps or math.inf)
    # One that was killed after its last step is not judged yet, and its record has not ended.
    stopped = about.state == "stopped"
    if stopped and done and (over or checkpoint.about["seconds"] >= (about.seconds or math.inf)):
        raise UserError(f"{folder.name} has nothing left to do: its network is in {folder / LAST}.")
    return checkpoint if checkpoint.about["steps"] else None


def _device(name: str) -> torch.device:
    """Return the device of a run, or the best one here, where that is not on this machine."""
    try:
        return choose_device(name)
    except UserError:
        return choose_device("auto")
