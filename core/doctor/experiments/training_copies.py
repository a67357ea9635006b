"""Trains copies: for less time, twice as wide, half as wide; and compares them on new data."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ...errors import UserError
from ...interruption import heed
from ...training.learner import Learner
from ..diagnosis import WORTH_IT, Picture, Series
from ..evidence import Evidence
from ..watch.work import clock
from .experiment import Declared, ExperimentResult, Outcome
from .proved_fixes import Trained, proof_of, weigh
from .run_access import losses_on, validation_batches

LONGER = Declared("longer", "Twice as many steps", "about the same loss")
WIDER = Declared("wider", "Twice the width", "about the same loss")
NARROWER = Declared("narrower", "Half the width", "a higher loss")
NO_TIME = "There was no time to try it."


@dataclass(frozen=True)
class Longer(ExperimentResult):
    """The loss on new data now and, extrapolated, after twice as many steps.

    Attributes:
        now, twice: the losses.
        gain: what twice as many steps bring, as a share of the loss.
        gap: between training data and new data, as a share of the loss.
        half: the loss of a copy that trained for half the steps.
        risen: by what share of it the loss is surely above that of half the steps; 0.
    """

    now: float
    twice: float
    gain: float
    gap: float
    half: float = math.nan
    risen: float = 0.0


@dataclass(frozen=True)
class Wider(ExperimentResult):
    """The loss on new data that twice the width would have, and its gain."""

    loss: float
    gain: float


class Narrower(Wider):
    """The same of half the width."""


def train_copies(
    evidence: Evidence, learner: Learner, budget: float
) -> Iterator[tuple[str, float]]:
    """Train copies within a budget, and add to the evidence what comes out.

    Args:
        evidence: takes the experiments.
        learner: what was trained, for how many steps and on what.
        budget: seconds.

    Yields:
        What is tried next, and the share that is done.
    """
    steps, begin = learner.step, clock()
    wider = learner.playground.resized(learner.recipe, 2.0)
    share = 0.4 if wider else 0.95
    yield f"{LONGER.title}: copies train for a half and a quarter", 0.0
    now = losses_on(learner, learner.model, validation_batches(learner))
    half = _train(learner, {}, steps // 2, begin + 0.65 * share * budget)
    quarter = _train(learner, {}, steps // 4, begin + share * budget)
    if half is None or quarter is None:
        evidence.add(LONGER.not_done(NO_TIME))
        return
    outcome = _longer(evidence.train_loss, now, half, _mean(quarter), steps)
    evidence.add(LONGER.done(outcome), outcome.result)
    if not wider:
        return
    yield f"{WIDER.title}: a copy trains", 0.4
    count = steps // 2
    wide = _train(learner, wider, count, begin + budget)
    if wide is None:  # there was no time: both for a quarter
        count, half = steps // 4, quarter
        wide = _train(learner, wider, count, begin + 1.3 * budget)
    _compare(evidence, WIDER, _mean(now), half, wide, count, wider)
    if wide is not None:
        trained = Trained([count], ([], []), (half, wide))
        proof = proof_of(trained, learner.recipe.describe(wider), wider)
        evidence.proofs["too_small"] = replace(
            proof, picture=evidence.experiments[WIDER.id].picture
        )
    narrower = learner.playground.resized(learner.recipe, 0.5)
    yield f"{NARROWER.title}: a copy trains", 0.8
    narrow = _train(learner, narrower, count, begin + 1.1 * budget)
    _compare(evidence, NARROWER, _mean(now), half, narrow, count, narrower)


def _train(learner: Learner, changes: dict[str, Any], steps: int, end: float) -> list[float] | None:
    """Train a fresh copy with other settings; return its losses on new data, None without time."""
    try:
        copied = learner.copy(changes)
    except UserError:
        return None
    begin = clock()
    for step in range(max(1, steps)):
        heed()
        copied.learn(*copied.take(), step / max(1, steps))
        if step % 16 == 15:
            now = clock()
            left = (now - begin) / (step + 1) * (steps - step - 1)
            if now + left > end + 1.0:
                return None
    return losses_on(copied, copied.model, validation_batches(copied))


def _mean(losses: list[float]) -> float:
    good = [loss for loss in losses if math.isfinite(loss)]
    return statistics.fmean(good) if good else math.nan


def _longer(
    train_loss: float, all_done: list[float], half_done: list[float], quarter: float, steps: int
) -> Outcome:
    """Extrapolate from three lengths: what doubling brought last, and how fast that fades."""
    now, half = _mean(all_done), _mean(half_done)
    _, surely, _ = weigh(all_done, half_done)
    last, before = half - now, quarter - half
    fading = min(1.0, max(0.3, last / before)) if before > 1e-9 and last > 0 else 0.5
    twice = now - max(0.0, last) * fading
    gain = (now - twice) / abs(now) if now else 0.0
    gap = (now - train_loss) / abs(now) if now else 0.0
    x = (steps / 4, steps / 2, float(steps))
    return Outcome(
        gain < WORTH_IT,
        f"A quarter of the steps reached {quarter:.3g}, half of them {half:.3g}, all {now:.3g} on"
        f" new data: twice as many would reach about {twice:.3g}.",
        Longer(
            now,
            twice,
            gain,
            gap if gap == gap else 0.0,
            half,
            max(0.0, surely) / abs(now) if now else 0.0,
        ),
        Picture(
            "",
            "lines",
            (
                Series("measured", x, (quarter, half, now)),
                Series("extrapolated", (x[2], 2 * x[2]), (now, twice)),
            ),
        ),
    )


def _compare(
    evidence: Evidence,
    declared: Declared,
    now: float,
    same_losses: list[float],
    other_losses: list[float] | None,
    steps: int,
    changes: dict[str, Any],
) -> None:
    """Add what another width brought in the same number of steps."""
    if other_losses is None:
        evidence.add(declared.not_done(NO_TIME))
        return
    same, other = _mean(same_losses), _mean(other_losses)
    gain = (same - other) / abs(same) if same else 0.0
    what = ", ".join(f"{key} = {value}" for key, value in changes.items())
    result = (Wider if declared is WIDER else Narrower)(now * (1 - gain), gain)
    outcome = Outcome(
        gain < WORTH_IT or declared is NARROWER,
        f"After {steps:,} steps new data has a loss of {other:.3g} with {what}, else {same:.3g}.",
        result,
        Picture(
            "",
            "bars",
            (Series("loss on new data", (0.0, 1.0), (same, other)),),
            names=("as it is", declared.title.lower()),
            x_label="",
        ),
    )
    evidence.add(declared.done(outcome), result)
