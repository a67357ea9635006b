"""A run for other programs: its curves as a table, or as TensorBoard's event files."""

import csv
import io
from pathlib import Path

import numpy as np

from core.errors import UserError
from core.runs.about import read_about
from core.runs.bundle import pack
from core.runs.curves import read_curves
from core.runs.moments import moments_of, read_moment
from core.telemetry.history import Curve, History
from core.training.files import write_whole


def to_csv(folder: Path, out: Path) -> None:
    """Write the curves as one table: a row for each step that something is known of.

    Raises:
        UserError: it is no record, or the file can't be written.
    """
    history = read_curves(folder)
    columns = {
        "seconds": history.seconds,
        "train_loss": history.loss,
        "accuracy": history.accuracy,
        "learning_rate": history.rate,
        **{f"judged.{name}": curve for name, curve in history.evaluations.items()},
    }
    for index, (info, layer) in enumerate(
        zip(read_about(folder).layers, history.layers, strict=False)
    ):
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
        cells = [column.get(step) for column in points.values()]
        known = ["" if cell is None or np.isnan(cell) else f"{cell:.8g}" for cell in cells]
        table.writerow([f"{step:.8g}", *known])
    write_whole(out, buffer.getvalue().encode())


def to_tensorboard(folder: Path, out: Path) -> None:
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
    about, history = read_about(folder), read_curves(folder)
    try:
        with SummaryWriter(str(out)) as writer:
            recipe = "\n".join(f"    {key}: {value}" for key, value in about.recipe.items())
            writer.add_text("recipe", recipe, 0, about.begun)
            for name, curve in _scalars(history).items():
                times = about.begun + history.seconds_at(curve.x)
                for step, value, when in zip(curve.x, curve.y, times, strict=True):
                    writer.add_scalar(name, value, int(step), when)
            for step in moments_of(folder):
                moment = read_moment(folder, step)
                for name, array in moment.weights.items():
                    if array.dtype == np.float32:
                        writer.add_histogram(f"weights/{name}", array, step)
                if moment.samples:
                    writer.add_text("samples", "\n".join(f"    {t}" for t in moment.samples), step)
    except OSError as error:
        raise UserError(f"{out} can't be written ({error.strerror or error}).") from None


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


def export(folder: Path, way: str, out: Path) -> None:
    """Write a run for other programs: ``tensorboard``, ``csv`` or ``zip``.

    Raises:
        UserError: it is no record, or it can't be written there.
    """
    {"tensorboard": to_tensorboard, "csv": to_csv, "zip": pack}[way](folder, out)
