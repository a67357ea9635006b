"""The record of a watched loop: one JSON file, written whole as the loop goes."""

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..doctor.diagnosis import Diagnosis
from ..doctor.watch.inferred_settings import batch_size, manner
from ..environment import environment
from ..errors import UserError
from ..files import free_place, write_whole
from ..paths import RUNS
from ..telemetry.history import Curve, History
from .folder import LOOP_SUFFIX

if TYPE_CHECKING:
    from ..doctor.watch.observation import ObservedLayer
    from ..doctor.watch.watcher import LoopWatcher

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
"""What records of earlier versions do not tell."""
LAYER_KEYS = {"nonlinearity": "bend", "symmetric": "same", "is_output": "last"}
"""What values of a layer are called in the file."""
LARGEST = 64 << 20


def place_for(wish: Path | str | bool | None, name: str) -> Path | None:
    """Return where a record goes; None for nowhere."""
    if wish is False:
        return None
    if wish is None or wish is True:
        return free_place(RUNS, name, LOOP_SUFFIX)
    return Path(wish)


def write_record(path: Path, watching: "LoopWatcher", diagnosis: Diagnosis | None) -> None:
    """Write what was seen so far, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    steps, losses = watching.losses()
    stride = -(-max(1, len(steps)) // POINTS)
    looks = watching.looks
    last = looks[-1] if looks else None
    record = {
        "format": FORMAT,
        "steps": [int(step) for step in steps[::stride]],
        "losses": [float(x) if math.isfinite(x) else None for x in losses[::stride]],
        "validations": [[step, _number(value)] for step, value in watching.validations],
        "accuracies": [[step, _number(right)] for step, _, right in watching.metrics],
        "seconds": [
            *([look.step, round(look.seconds, 3)] for look in looks),
            [watching.count, round(watching.lasted or watching.seconds, 3)],
        ],
        "rates": [[look.step, _number(look.lr)] for look in looks],
        "count": watching.count,
        "batch_size": batch_size(looks),
        "settings": manner(looks),
        "environment": environment(last.device if last else "cpu"),
        "layers": [_layer_values(layer) for layer in last.layers] if last else [],
        "diagnosis": diagnosis.to_dict() if diagnosis else None,
    }
    write_whole(path, json.dumps(record, allow_nan=False).encode())


def read_record(path: Path) -> dict[str, Any]:
    """Read a record; its diagnosis is a :class:`Diagnosis`, or None while the loop goes on.

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
        if record["diagnosis"] is not None:
            record["diagnosis"] = Diagnosis.from_dict(record["diagnosis"])
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


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _layer_values(layer: "ObservedLayer") -> dict[str, Any]:
    return {
        LAYER_KEYS.get(name, name): _number(value) if isinstance(value, float) else value
        for name, value in dataclasses.asdict(layer).items()
    }
