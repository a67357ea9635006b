"""The record of a watched loop: one JSON file, written whole as the loop goes."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..environment import environment
from ..errors import UserError
from ..files import free_place, write_whole
from ..paths import RUNS
from ..telemetry.events import Array
from ..telemetry.history import Curve, History
from .folder import LOOP_SUFFIX

FORMAT = "glassbox-watch-1"
POINTS = 2000
POINTED = ("validations", "accuracies", "seconds", "rates")
"""What is a list of pairs: a step, and what was known of it."""
ABSENT: dict[str, Any] = {
    **dict.fromkeys(POINTED, ()),
    "batch_size": 0,
    "settings": {},
    "environment": {},
}
"""What records of earlier versions do not have."""
LARGEST = 64 << 20

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


def place_for(record: Path | str | bool | None, name: str) -> Path | None:
    """Return where a record goes; None for nowhere."""
    if record is False:
        return None
    if record is None or record is True:
        return free_place(RUNS, name, LOOP_SUFFIX)
    return Path(record)


def write_record(path: Path, record: LoopRecord) -> None:
    """Write what is known so far, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    stride = -(-max(1, len(record.steps)) // POINTS)
    values = {
        "format": FORMAT,
        "steps": record.steps[::stride].tolist(),
        "losses": [_number(loss) for loss in record.losses[::stride].tolist()],
        "validations": _points(record.validations),
        "accuracies": _points(record.accuracies),
        "seconds": _points(record.seconds),
        "rates": _points(record.rates),
        "count": record.count,
        "batch_size": record.batch_size,
        "settings": record.settings,
        "environment": environment(record.device),
        "layers": [
            {k: _number(v) if isinstance(v, float) else v for k, v in layer.items()}
            for layer in record.layers
        ],
        "diagnosis": record.diagnosis,
    }
    write_whole(path, json.dumps(values, allow_nan=False).encode())


def read_record(path: Path) -> dict[str, Any]:
    """Read a record; its diagnosis is plain values, or None while the loop goes on.

    Raises:
        UserError: it is no record, or is damaged.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record["format"] != FORMAT:
            raise ValueError
        record = {**ABSENT, **record}
        record["steps"] = [int(step) for step in record["steps"]]
        record["losses"] = [math.nan if x is None else float(x) for x in record["losses"]]
        if len(record["steps"]) != len(record["losses"]):
            raise ValueError
        for name in POINTED:
            record[name] = [(int(step), float(x)) for step, x in record[name] if x is not None]
        record["count"] = int(record["count"])
        record["batch_size"] = int(record["batch_size"])
        record["settings"] = {str(k): str(v) for k, v in dict(record["settings"]).items()}
        if record["diagnosis"] is not None and not isinstance(record["diagnosis"]["verdict"], str):
            raise ValueError
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        raise UserError(f"{path} is no record of watch; choose a file that it wrote.") from None
    return record


def history_of(record: dict[str, Any]) -> History:
    """Return the curves of a record, as those of any run."""
    history = History()
    history.loss.extend(np.array(record["steps"]), np.array(record["losses"]))
    _extend(history.seconds, record["seconds"])
    _extend(history.rate, record["rates"])
    for name, of in (("val_loss", "validations"), ("val_accuracy", "accuracies")):
        if record[of]:
            history.evaluations[name] = Curve()
            _extend(history.evaluations[name], record[of])
    return history


def _extend(curve: Curve, points: list[tuple[int, float]]) -> None:
    if points:
        steps, values = zip(*points, strict=True)
        curve.extend(np.array(steps, float), np.array(values))


def _points(points: Points) -> list[tuple[int, float | None]]:
    return [(step, _number(value)) for step, value in points]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
