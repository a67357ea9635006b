"""A run for other programs: its curves as a table, or as TensorBoard's event files."""

import csv
import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import write_whole
from ..interruption import CancelledError, heed
from ..telemetry.history import Curve, History
from ..training.checkpoint import load_checkpoint
from .bundle import pack
from .curves import curves_of
from .folder import LAST
from .keyframes import keyframes_of, read_keyframe
from .loop_record import read_record
from .run_info import read_run_info

_log = logging.getLogger("glassbox")


def to_csv(run: Path, out: Path) -> None:
    """Write the curves as one table: a row for each step that something is known of.

    Raises:
        UserError: it is no record, or the file can't be written.
    """
    history = curves_of(run)
    layers = () if run.is_file() else read_run_info(run).layers
    columns = {
        "seconds": history.seconds,
        "train_loss": history.loss,
        "accuracy": history.accuracy,
        "learning_rate": history.rate,
        **{f"judged.{name}": curve for name, curve in history.evaluations.items()},
    }
    for index, (info, layer) in enumerate(zip(layers, history.layers, strict=False)):
        named = info.name or str(index)
        columns |= {f"{named}.{name}": curve for name, curve in layer.items()}
    points = {
        name: dict(zip(c.x.tolist(), c.y.tolist(), strict=True)) for name, c in columns.items()
    }
    steps = sorted({step for column in points.values() for step in column})
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(["step", *columns])
    for step in steps:
        heed()
        cells = [column.get(step) for column in points.values()]
        known = ["" if cell is None or np.isnan(cell) else f"{cell:.8g}" for cell in cells]
        table.writerow([f"{step:.8g}", *known])
    write_whole(out, buffer.getvalue().encode())


def to_tensorboard(run: Path, out: Path) -> None:
    """Write event files that TensorBoard shows: curves, weights as histograms, samples, recipe.

    Raises:
        UserError: TensorBoard is not installed, or the files can't be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(
            "TensorBoard is not installed here: 'pip install tensorboard', then export again."
        ) from None
    history = curves_of(run)
    recipe, begun = _recipe(run)
    before = set(out.glob("*"))
    try:
        with SummaryWriter(str(out)) as writer:
            told = "\n".join(f"    {key}: {value}" for key, value in recipe.items())
            writer.add_text("recipe", told, 0, begun)
            for name, curve in _scalars(history).items():
                heed()
                times = begun + history.seconds_at(curve.x)
                for step, value, when in zip(curve.x, curve.y, times, strict=True):
                    writer.add_scalar(name, value, int(step), when)
            for step in keyframes_of(run):
                heed()
                try:
                    moment = read_keyframe(run, step)
                except UserError as error:  # the others are whole
                    _log.warning("left out: %s", error)
                    continue
                for name, array in moment.weights.items():
                    heed()
                    if array.dtype == np.float32:
                        writer.add_histogram(f"weights/{name}", array, step)
                if moment.samples:
                    writer.add_text("samples", "\n".join(f"    {t}" for t in moment.samples), step)
    except CancelledError:
        for written in set(out.glob("*")) - before:
            written.unlink()
        raise
    except OSError as error:
        raise UserError(f"{out} can't be written ({error.strerror or error}).") from None


def _recipe(run: Path) -> tuple[Mapping[str, Any], float]:
    """Return the settings of a run, or what was seen of a loop's, and when it began."""
    if run.is_file():
        record = read_record(run)
        lasted = record.seconds[-1][1] if record.seconds else 0.0
        return record.settings, run.stat().st_mtime - lasted
    about = read_run_info(run)
    return about.recipe, about.begun


def _scalars(history: History) -> dict[str, Curve]:
    """Return the curves under TensorBoard's names: what has the same first part shares a chart."""
    named = {"loss": "loss/train", "accuracy": "accuracy/train", "rate": "learning rate"}
    scalars = {}
    for name, curve in history.curves():
        if name == "seconds" or not np.isfinite(curve.y).any():
            continue
        first, _, rest = name.partition(".")
        if first == "evaluations":
            scalars[f"{rest.removeprefix('val_').removeprefix('train_')}/judged {rest}"] = curve
        elif first == "layers":
            index, _, what = rest.partition(".")
            scalars[f"layers, {what}/{index}"] = curve
        else:
            scalars[named[name]] = curve
    return scalars


def network_to_huggingface(checkpoint: Path, out: Path) -> None:
    """Write the network of a checkpoint as Hugging Face has it, in a new folder.

    Raises:
        UserError: it is no checkpoint, can't be expressed there, or can't be written.
    """
    found = load_checkpoint(checkpoint)
    found.playground.write_foreign(found, out)


def export(run: Path, way: str, out: Path) -> None:
    """Write a run for other programs: ``tensorboard``, ``csv``, ``zip`` or ``huggingface``.

    Args:
        run: its folder, or the file of a watched loop.
        way: one of the four.
        out: where to.

    Raises:
        UserError: it is no record, or it can't be written there.
    """
    if way == "zip" and run.is_file():
        raise UserError(f"{run.name} is one file already; copy it to the other machine's runs.")
    if way == "huggingface":
        if not (run / LAST).is_file():
            raise UserError(f"{run.name} has no network of Glassbox to be written.")
        network_to_huggingface(run / LAST, out)
        return
    {"tensorboard": to_tensorboard, "csv": to_csv, "zip": pack}[way](run, out)
