"""run.json: what a run is, and where it stands; small, so that a thousand are read at once."""

import dataclasses
import math
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import playgrounds
from ..errors import UserError
from ..files import read_json, to_json, write_whole
from ..telemetry.events import LayerInfo
from ..training.recipe import Recipe
from .folder import ABOUT

FORMAT = "glassbox-run-1"
LARGEST = 4 << 20
SILENT = 60.0  # seconds without a word, after which nobody on another machine writes any more
LATEST = 1e11  # seconds since 1970: later than any clock; one that is wrong may stand before it
STATES = ("running", "finished", "stopped", "failed")


@dataclass(frozen=True)
class RunInfo:
    """What a run is, and where it stands.

    Attributes:
        playground, model, recipe: what learns, and how it began.
        dataset, source: the data in words, and where it lies; "" for what is bundled.
        device, parameters, layers, uniform_loss: as :class:`core.telemetry.events.Started` says.
        environment: versions, machine, threads.
        first: the step that it began at.
        steps, seconds: how long it is to be, one of them.
        begun: when, in seconds since 1970.
        changes: what was set otherwise on the way: (step, setting, value).
        state: one of ``STATES``; a run that was killed still says running.
        step, spent: how far it is, and after how many seconds of training.
        told: when that was written.
        process: the machine and the number of the process that writes it.
        metrics: the last losses, and how it was judged.
        judged: the step at which it was judged last; 0 where that is not known.
        sentence: why it failed.
        diagnosis: what the doctor said, as plain values; None for nothing yet.
    """

    playground: str
    model: str
    recipe: Mapping[str, Any]
    dataset: str
    source: str
    device: str
    parameters: int
    layers: tuple[LayerInfo, ...]
    uniform_loss: float
    environment: Mapping[str, Any]
    first: int
    steps: int | None
    seconds: float | None
    begun: float
    changes: tuple[tuple[int, str, Any], ...] = ()
    state: str = "running"
    step: int = 0
    spent: float = 0.0
    told: float = 0.0
    process: tuple[str, int] = ("", 0)
    metrics: Mapping[str, float] = field(default_factory=dict)
    judged: int = 0
    sentence: str = ""
    diagnosis: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        numbers = (self.uniform_loss, self.spent, self.seconds, self.begun, self.told)
        if not (
            self.state in STATES
            and all(math.isfinite(number) for number in numbers if number is not None)
            and abs(self.begun) < LATEST
            and (self.steps is None) != (self.seconds is None)
        ):
            raise ValueError(self)

    @property
    def changed(self) -> dict[str, Any]:
        """What was set otherwise on the way, as it is now."""
        return {key: value for _, key, value in self.changes}

    @property
    def validated(self) -> bool:
        """Whether its validation loss is known, and it has not gone far since.

        One that was judged in the first half of its steps alone says nothing of what it is now.
        """
        early = self.judged and 2 * (self.judged - self.first) < self.step - self.first
        return "val_loss" in self.metrics and not early

    @property
    def loss(self) -> float:
        """Its validation loss where that is known, else its training loss; NaN for none."""
        return self.metrics.get("val_loss" if self.validated else "train_loss", math.nan)

    def told_now(self, **changes: Any) -> "RunInfo":
        """Return where it stands now, written by this process."""
        here = (socket.gethostname(), os.getpid())
        return dataclasses.replace(self, told=time.time(), process=here, **changes)


def recipe_of(about: RunInfo) -> Recipe:
    """Return the recipe that a run began with.

    Raises:
        UserError: it is none of this version of Glassbox.
    """
    playground = playgrounds.get(about.playground)
    return playground.recipe_type.from_dict(dict(about.recipe))


def write_run_info(folder: Path, about: RunInfo) -> None:
    """Write it, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    write_whole(folder / ABOUT, run_info_json(about))


def run_info_json(about: RunInfo) -> bytes:
    """Return what stands in the file."""
    return to_json({"format": FORMAT, **dataclasses.asdict(about)})


def read_run_info(folder: Path) -> RunInfo:
    """Read it, and check that it is what it says.

    Raises:
        UserError: it is no record, or is damaged.
    """
    try:
        return read_json(folder / ABOUT, RunInfo, LARGEST, FORMAT)
    except ValueError:
        raise UserError(f"{folder} is no record of a run, or is damaged.") from None
