"""The network as it was at some steps: its weights, what the probes saw, and what it wrote.

A run's moments lie further and further apart, as the steps do that change it: the first hundred
matter as much as the next thousand. They are bounded in number and in size.
"""

import contextlib
import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..errors import UserError
from ..files import write_whole
from ..telemetry.events import Array, LayerStats, Snapshot
from ..tensor_file import open_tensors
from ..training.checkpoint import MODEL
from .folder import MOMENTS

MOST = 48
ROOM = 256 << 20  # bytes
NEXT = 1.1  # times the last one's step is the earliest for the next
LARGEST = 8 << 30
NAMED = re.compile(r"([0-9]{10,18})\.safetensors")
"""A moment's file; steps fit into 64 bits."""
STATS = "stats."
ARRAYS = ("activation_histogram", "gradient_histogram")
NUMBERS = tuple(f.name for f in dataclasses.fields(LayerStats) if f.name not in ARRAYS)


@dataclass(frozen=True)
class Keyframe:
    """A run at one step.

    Attributes:
        step: how many steps had been done.
        snapshot: what the probes saw in that step; without layers, before the first.
        weights: the network's, by name.
        samples: what it wrote, if it writes.
    """

    step: int
    snapshot: Snapshot
    weights: Mapping[str, Array]
    samples: tuple[str, ...] = ()


def write_moment(folder: Path, moment: Keyframe) -> None:
    """Write a moment, and let others go where there are too many.

    Raises:
        UserError: it can't be written there.
    """
    arrays = {MODEL + name: np.asarray(a, order="C") for name, a in moment.weights.items()}
    layers = moment.snapshot.layers
    for name in ARRAYS if layers else ():
        arrays[STATS + name] = np.stack([getattr(stats, name) for stats in layers])
    about = {
        "step": moment.step,
        "rate_share": moment.snapshot.rate_share,
        "layers": [{name: getattr(s, name) for name in NUMBERS} for s in layers],
        "samples": moment.samples,
    }
    write_whole(_path(folder, moment.step), save(arrays, {"moment": json.dumps(about)}))
    _thin(folder)


def keyframes_of(folder: Path) -> list[int]:
    """Return the steps of which there are moments, ascending."""
    names = (NAMED.fullmatch(path.name) for path in (folder / MOMENTS).glob("*.safetensors"))
    return sorted(int(name[1]) for name in names if name)


def forget_after(folder: Path, step: int) -> None:
    """Remove what came after a step, for a run that goes on from there."""
    for later in keyframes_of(folder):
        if later > step:
            _drop(folder, later)


def read_keyframe(folder: Path, step: int) -> Keyframe:
    """Read a moment; whether its weights fit a network, only that network can tell.

    Raises:
        UserError: there is none of that step, or it is damaged.
    """
    path = _path(folder, step)
    try:
        with open_tensors(path, LARGEST) as file:
            about, arrays = json.loads(file.metadata["moment"]), load(file.read())
        moment = _read(about, arrays)
        if moment.step != step:
            raise ValueError
        return moment
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except (
        SafetensorError,
        ArithmeticError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ):
        raise UserError(f"{path} is damaged; look at another step.") from None


def _read(about: Mapping[str, Any], arrays: Mapping[str, Array]) -> Keyframe:
    for array in arrays.values():
        array.flags.writeable = False
    layers = []
    for index, numbers in enumerate(about["layers"]):
        values: dict[str, Any] = {name: float(numbers[name]) for name in NUMBERS}
        shapes = {name: arrays[STATS + name][index] for name in ARRAYS}
        if any(shape.ndim != 1 for shape in shapes.values()):
            raise ValueError
        layers.append(LayerStats(**values, **shapes))
    weights = {n.removeprefix(MODEL): a for n, a in arrays.items() if n.startswith(MODEL)}
    step = int(about["step"])
    snapshot = Snapshot(step, tuple(layers), float(about["rate_share"]))
    return Keyframe(step, snapshot, weights, tuple(str(text) for text in about["samples"]))


def _thin(folder: Path) -> None:
    """Let those go that lie closest to their neighbours; the first and the last one stay."""
    steps = keyframes_of(folder)
    sizes = {step: _path(folder, step).stat().st_size for step in steps}
    while len(steps) > 2 and (len(steps) > MOST or sum(sizes.values()) > ROOM):
        gaps = [math.log((later + 1) / (earlier + 1)) for earlier, later in _around(steps)]
        gone = steps.pop(1 + gaps.index(min(gaps)))
        _drop(folder, gone)
        del sizes[gone]


def _drop(folder: Path, step: int) -> None:
    """Remove a moment; where it is being looked at and can't be removed, it stays for now."""
    with contextlib.suppress(OSError):
        _path(folder, step).unlink(missing_ok=True)


def _around(steps: list[int]) -> list[tuple[int, int]]:
    return list(zip(steps, steps[2:], strict=False))


def _path(folder: Path, step: int) -> Path:
    return folder / MOMENTS / f"{step:010}.safetensors"
