"""The record of a watched loop: one JSON file, written whole as the loop goes."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..environment import environment
from ..errors import UserError
from ..files import free_place, read_json, write_json
from ..paths import RUNS
from ..telemetry.events import Array
from ..telemetry.history import Curve, History
from .folder import LOOP_SUFFIX

FORMAT = "glassbox-watch-1"
POINTS = 2000
LARGEST = 64 << 20
LONGEST_NAME = 80  # letters

Points = Sequence[tuple[int, float]]
"""Steps, and a value of each."""


@dataclass(frozen=True)
class LoopRecord:
    """What is kept of a watched loop.

    Attributes:
        steps, losses: of as many steps as are known.
        validations, accuracies: on other data.
        seconds: since the loop began.
        rates: the learning rate.
        count: how many steps are done.
        batch_size: examples a step; 0 if it is not known.
        settings: what could be inferred of the loop, by label.
        device: where it computes.
        layers: numbers of each layer in the last observed step.
        diagnosis: as plain values; None while the loop goes on.
        error: what it ended with; "" for none.
    """

    steps: Array
    losses: Array
    validations: Points = ()
    accuracies: Points = ()
    seconds: Points = ()
    rates: Points = ()
    count: int = 0
    batch_size: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    layers: Sequence[Mapping[str, Any]] = ()
    diagnosis: Mapping[str, Any] | None = None
    error: str = ""

    def __post_init__(self) -> None:
        if self.steps.ndim != 1 or self.steps.shape != self.losses.shape:
            raise ValueError(self.steps)
        if self.diagnosis is not None and not isinstance(self.diagnosis["verdict"], str):
            raise TypeError(self.diagnosis)


def place_for(record: Path | str | bool | None, name: str) -> Path | None:
    """Return where a record goes; None for nowhere."""
    if record is False:
        return None
    if record is None or record is True:
        plain = re.sub(r"[^\w.+-]+", "-", str(name)).strip("-.")[:LONGEST_NAME]
        return free_place(RUNS, plain or "notebook", LOOP_SUFFIX)
    return Path(record)


def write_record(path: Path, record: LoopRecord) -> None:
    """Write what is known so far, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    stride = -(-max(1, len(record.steps)) // POINTS)
    values = dataclasses.asdict(record)
    values |= {"steps": record.steps[::stride], "losses": record.losses[::stride]}
    write_json(path, {"format": FORMAT, **values, "environment": environment(record.device)})


def read_record(path: Path) -> LoopRecord:
    """Read a record; its diagnosis is plain values, or None while the loop goes on.

    Raises:
        UserError: it is no record, or is damaged.
    """
    try:
        return read_json(path, LoopRecord, LARGEST, FORMAT)
    except ValueError:
        raise UserError(f"{path} is no record of watch; choose a file that it wrote.") from None


def history_of(record: LoopRecord) -> History:
    """Return the curves of a record, as those of any run."""
    history = History()
    history.loss.extend(record.steps, record.losses)
    _extend(history.seconds, record.seconds)
    _extend(history.rate, record.rates)
    for name, points in (("val_loss", record.validations), ("val_accuracy", record.accuracies)):
        if points:
            history.evaluations[name] = Curve()
            _extend(history.evaluations[name], points)
    return history


def _extend(curve: Curve, points: Points) -> None:
    if known := [point for point in points if math.isfinite(point[1])]:
        curve.extend(*np.array(known, float).T)
