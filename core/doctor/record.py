"""The record of a watched loop: one JSON file, written whole as the loop goes."""

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.doctor.diagnosis import Diagnosis
from core.errors import UserError
from core.paths import RUNS
from core.training.files import free_place, write_whole

if TYPE_CHECKING:
    from core.doctor.watching import Watching

FORMAT = "glassbox-watch-1"
SUFFIX = ".watch.json"
POINTS = 2000
LARGEST = 64 << 20


def place_for(wish: Path | str | bool | None, name: str) -> Path | None:
    """Return where a record goes; None for nowhere."""
    if wish is False:
        return None
    if wish is None or wish is True:
        return free_place(RUNS, name, SUFFIX)
    return Path(wish)


def write_record(path: Path, watching: "Watching", diagnosis: Diagnosis | None) -> None:
    """Write what was seen so far, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    steps, losses = watching.losses()
    stride = -(-max(1, len(steps)) // POINTS)
    last = watching.looks[-1] if watching.looks else None
    record = {
        "format": FORMAT,
        "steps": [int(step) for step in steps[::stride]],
        "losses": [float(x) if math.isfinite(x) else None for x in losses[::stride]],
        "validations": [[step, _number(value)] for step, value in watching.validations],
        "count": watching.count,
        "layers": [_plain(dataclasses.asdict(layer)) for layer in last.layers] if last else [],
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
        record["steps"] = [int(step) for step in record["steps"]]
        record["losses"] = [math.nan if x is None else float(x) for x in record["losses"]]
        if len(record["steps"]) != len(record["losses"]):
            raise ValueError
        if record["diagnosis"] is not None:
            record["diagnosis"] = Diagnosis.from_dict(record["diagnosis"])
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        raise UserError(f"{path} is no record of watch; choose a file that it wrote.") from None
    return record


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: _number(v) if isinstance(v, float) else v for k, v in values.items()}
