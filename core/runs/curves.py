"""curves.npz: a history, packed; bounded in size, as a history is."""

import io
import re
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import check_archive, write_whole
from ..telemetry.events import Array
from ..telemetry.history import LAYER_CURVES, LAYER_LIMIT, LIMIT, Curve, History
from .folder import CURVES
from .loop_record import history_of, read_record

LARGEST = 256 << 20
MOST_LAYERS = 1024
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    KeyError,
    EOFError,
    MemoryError,
    OverflowError,
    SyntaxError,  # NumPy reads the header of an array as Python writes it
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a damaged archive of arrays may end in."""


def write_curves(folder: Path, history: History) -> None:
    """Write a history, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    arrays: dict[str, Any] = {}
    for name, curve in history.curves():
        arrays[name] = np.stack([curve.x, curve.y])
        arrays[f"{name}.stride"] = np.array(curve.stride)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(folder / CURVES, buffer.getvalue())


def read_curves(folder: Path, layers: int | None = None) -> History:
    """Read a history; an empty one, where none was written yet.

    Args:
        folder: of the record.
        layers: how many the network has; None if that does not matter.

    Raises:
        UserError: it can't be read, is damaged, or of another network.
    """
    path = folder / CURVES
    if not path.is_file():
        return History()
    try:
        opened = path.open("rb")
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    try:
        with opened, zipfile.ZipFile(opened) as packed:
            check_archive(packed.infolist(), LARGEST)
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as file:
                history = _unpacked({name: file[name] for name in file.files})
    except UNREADABLE:
        raise UserError(
            f"The curves of {folder} are damaged; its checkpoints may be whole."
        ) from None
    if layers is not None and len(history.layers) not in (0, layers):
        raise UserError(f"The curves of {folder} are of another network.")
    return history


def curves_of(path: Path) -> History:
    """Read the curves of a run, or those of a loop that was watched.

    Raises:
        UserError: they are damaged.
    """
    return history_of(read_record(path)) if path.is_file() else read_curves(path)


_LAYER = re.compile(r"layers\.(\d{1,4})\.(\w+)")


def _unpacked(arrays: dict[str, Array]) -> History:
    history = History()
    for name in [name for name in arrays if not name.endswith(".stride")]:
        points, stride = arrays[name], int(arrays[f"{name}.stride"])
        if points.ndim != 2 or len(points) != 2 or points.dtype != np.float64 or stride < 1:
            raise ValueError(name)
        if not np.isfinite(points[0]).all() or np.any(np.diff(points[0]) < 0):
            raise ValueError(name)
        _put(history, name, points, stride)
    return history


def _put(history: History, name: str, points: Array, stride: int) -> None:
    if name in ("loss", "accuracy", "seconds", "rate"):
        setattr(history, name, Curve.of(points, stride))
    elif name.startswith("evaluations."):
        of = name.removeprefix("evaluations.")
        history.evaluations[of] = Curve.of(points, stride)
    elif found := _LAYER.fullmatch(name):
        index, of = int(found[1]), found[2]
        if of not in LAYER_CURVES or index >= MOST_LAYERS:
            raise ValueError(name)
        if index > len(history.layers):
            raise ValueError(name)
        if index == len(history.layers):
            history.layers.append({})
        history.layers[index][of] = Curve.of(points, stride, LAYER_LIMIT)
    else:
        raise ValueError(name)
    if len(points[0]) > LIMIT + 1:
        raise ValueError(name)
