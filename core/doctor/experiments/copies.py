"""Copies that train: for less time, twice as wide, half as wide; what each brings on new data."""

import math
import time
from collections.abc import Iterator
from typing import Any

from ...errors import UserError
from ...training.control import Control
from ...training.learner import Learner
from ..diagnosis import Experiment, Picture, Series
from ..evidence import Evidence
from .run_access import loss_on, new_batches

ENOUGH = 0.015
"""A change of the loss, as a share of it, that is worth a doubling."""
LONGER, WIDER, NARROWER = (
    "Would more time help?",
    "Would a larger model help?",
    "Would a smaller model do as well?",
)


def try_copies(
    case: Evidence, learner: Learner, control: Control, budget: float
) -> Iterator[tuple[str, float]]:
    """Train copies within a budget; what comes of it stands in the case's trials.

    Args:
        case: takes the experiments.
        learner: what was trained, for how many steps and on what.
        control: may stop it.
        budget: seconds.

    Yields:
        What is tried next, and the share that is done.
    """
    whole, begin = learner.step, time.perf_counter()
    wider = learner.playground.resized(learner.recipe, 2.0)
    share = 0.4 if wider else 0.95
    yield "Would more time help? Copies train for a half and a quarter", 0.0
    now = loss_on(learner, learner.model, new_batches(learner))
    half = _trained(learner, {}, whole // 2, control, begin + 0.65 * share * budget)
    quarter = _trained(learner, {}, whole // 4, control, begin + share * budget)
    if half is None or quarter is None or control.stopping:
        case.trials["longer"] = Experiment("longer", LONGER, NO_TIME, "", None)
        return
    case.trials["longer"] = _longer(case, now, half, quarter, whole)
    if not wider:
        return
    yield "Would a larger model help? One of twice the width trains", 0.4
    steps = whole // 2
    wide = _trained(learner, wider, steps, control, begin + budget)
    if wide is None:  # there was no time: both for a quarter
        steps, half = whole // 4, quarter
        wide = _trained(learner, wider, steps, control, begin + 1.3 * budget)
    case.trials["wider"] = _resized("wider", WIDER, now, half, wide, steps, wider)
    narrower = learner.playground.resized(learner.recipe, 0.5)
    yield "Would a smaller model do? One of half the width trains", 0.8
    narrow = _trained(learner, narrower, steps, control, begin + 1.1 * budget)
    case.trials["narrower"] = _resized("narrower", NARROWER, now, half, narrow, steps, narrower)


NO_TIME = "There was no time to try it."


def _resized(
    name: str,
    title: str,
    now: float,
    same: float,
    other: float | None,
    steps: int,
    changes: dict[str, Any],
) -> Experiment:
    """Say what another width brought in the same number of steps."""
    if other is None:
        return Experiment(name, title, NO_TIME, "", None)
    gain = (same - other) / abs(same) if same else 0.0
    what = ", ".join(f"{key} = {value}" for key, value in changes.items())
    words = "twice the width" if name == "wider" else "half the width"
    return Experiment(
        name,
        title,
        f"After {steps:,} steps new data has a loss of {other:.3g} with {what}, else {same:.3g}.",
        "about the same" if name == "wider" else "higher",
        gain < ENOUGH or name != "wider",
        (("loss", now * (1 - gain)), ("gain", gain)),
        picture=Picture(
            title,
            "bars",
            (Series("loss on new data", (0.0, 1.0), (same, other)),),
            names=("as it is", words),
            x_label="",
        ),
    )


def _longer(case: Evidence, now: float, half: float, quarter: float, whole: int) -> Experiment:
    """Draw three lengths on: what doubling brought last, and how fast that fades."""
    last, before = half - now, quarter - half
    fading = min(1.0, max(0.3, last / before)) if before > 1e-9 and last > 0 else 0.5
    twice = now - max(0.0, last) * fading
    gain = (now - twice) / abs(now) if now else 0.0
    train = case.facts.get("train_loss", math.nan)
    gap = (now - train) / abs(now) if math.isfinite(train) and now else 0.0
    x = (whole / 4, whole / 2, float(whole))
    return Experiment(
        "longer",
        LONGER,
        f"A quarter of the steps reached {quarter:.3g}, half of them {half:.3g}, all {now:.3g} on"
        f" new data: twice as many would reach about {twice:.3g}.",
        "about the same",
        gain < ENOUGH,
        (("now", now), ("twice", twice), ("gain", gain), ("gap", gap), ("noise", 0.004)),
        picture=Picture(
            LONGER,
            "lines",
            (
                Series("measured", x, (quarter, half, now)),
                Series("drawn on", (x[2], 2 * x[2]), (now, twice)),
            ),
        ),
    )


def _trained(
    learner: Learner, changes: dict[str, Any], steps: int, control: Control, end: float
) -> float | None:
    """Train a fresh copy with other settings; return its loss on new data, None without time."""
    try:
        copied = learner.copy(changes)
    except UserError:
        return None
    begin = time.perf_counter()
    for step in range(max(1, steps)):
        copied.learn(*copied.take(), step / max(1, steps))
        if step % 16 == 15:
            now = time.perf_counter()
            if (
                control.stopping
                or now + (now - begin) / (step + 1) * (steps - step - 1) > end + 1.0
            ):
                return None
    return loss_on(copied, copied.model, new_batches(copied))
