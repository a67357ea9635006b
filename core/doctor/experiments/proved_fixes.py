"""Proved fixes: a copy with a fix and one without are trained alike, and measured on new data.

Both begin with the same weights where the fix leaves them their shape, and take the same batches in
turn. How many steps is decided by the work that one is; the clock is only a bound.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from torch import Tensor

from ...errors import UserError
from ...interruption import heed
from ...numbers import number
from ...training.learner import Learner
from ..diagnosis import WORTH_IT, Z80, Picture, Proof, Series
from ..evidence import Evidence
from ..watch.recorder import TapeRecorder
from ..watch.tape import Op
from ..watch.work import clock, multiplications
from .replay import REPLAY_ERRORS, reason
from .run_access import losses_on, shares_wrong_on, validation_batches

WORK = 4e10
"""Floating-point operations that each of two copies may take."""
FEWEST_STEPS, MOST_STEPS = 40, 300
POINTS = 6
"""Of a curve, besides its first."""
ENOUGH = 0.5
"""The share of the steps from which on a comparison that the clock ended still counts."""
NEW_EXAMPLES = 1024
"""Examples of new data, about."""
MOST_CAUSES = 3
"""Causes whose fix is tried, the likeliest first."""
RATES = ("lr_too_high", "lr_too_low")
"""Causes of which other rates are tried, each ten times as far away as the one before."""
FURTHER = 2
"""So many more than the first."""


class Arm(Protocol):
    """A copy that trains."""

    def step(self, progress: float) -> Tensor:
        """Do one step of a training that is so far; return its loss."""
        ...

    def losses(self) -> list[float]:
        """Return the loss of each batch of new data."""
        ...


@dataclass
class Trained:
    """What two arms came to.

    Attributes:
        steps: at which they were measured.
        curves: the mean losses on new data there, without the fix and with it.
        ends: the loss of each batch of new data at the end, without it and with it.
    """

    steps: list[int]
    curves: tuple[list[float], list[float]]
    ends: tuple[list[float], list[float]]


def train_pair(unfixed: Arm, fixed: Arm, steps: int, end: float) -> Trained | None:
    """Train two arms in turn, step by step, until it is done or the clock ends it.

    Args:
        unfixed: the copy as it is.
        fixed: the copy with the fix.
        steps: how many.
        end: when it has to end, by :func:`clock`.

    Returns:
        What came out; None if there was not enough time.
    """
    arms, alive = (unfixed, fixed), [True, True]
    places = sorted({round(steps * k / POINTS) for k in range(1, POINTS + 1)} - {0})
    ends = tuple(arm.losses() for arm in arms)
    made = Trained([0], ([_mean(ends[0])], [_mean(ends[1])]), (ends[0], ends[1]))
    done = 0
    for place in places:
        for step in range(done, place):
            for index, arm in enumerate(arms):
                if alive[index] and not math.isfinite(float(arm.step(step / steps))):
                    alive[index] = False
            if step % 8 == 7 and clock() > end:
                return made if done >= ENOUGH * steps else None
        done = place
        found = [
            arm.losses() if living else [math.inf] for arm, living in zip(arms, alive, strict=True)
        ]
        made.steps.append(done)
        for curve, losses in zip(made.curves, found, strict=True):
            curve.append(_mean(losses))
        made.ends = (found[0], found[1])
        if not any(alive):
            break
    return made


def _mean(losses: Sequence[float]) -> float:
    mean = statistics.fmean(losses) if losses else math.nan
    return mean if math.isfinite(mean) else math.inf


def weigh(
    unfixed: Sequence[float], fixed: Sequence[float], noise: float = WORTH_IT
) -> tuple[float, float, float]:
    """Return by how much the second losses are lower, and where four of five such gains lie.

    Args:
        unfixed: the losses of batches of new data.
        fixed: the same of the other copy, pair by pair where they are as many.
        noise: by what part of the loss two equal trainings differ, which no batch shows.
    """
    before, after = _mean(unfixed), _mean(fixed)
    if not math.isfinite(before) or not math.isfinite(after):
        better = math.isfinite(after)
        return (math.inf,) * 3 if better else (0.0, -math.inf, 0.0)
    if len(unfixed) == len(fixed):
        error = _error([a - b for a, b in zip(unfixed, fixed, strict=True)])
    else:
        error = math.hypot(_error(unfixed), _error(fixed))
    gain = before - after
    spread = Z80 * math.hypot(error, noise * min(abs(before), abs(after)))
    return gain, gain - spread, gain + spread


def _error(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.inf
    return statistics.stdev(values) / math.sqrt(len(values))


def proof_of(
    trained: Trained, fix: str, settings: Mapping[str, Any], unit: str = "loss", note: str = ""
) -> Proof:
    """Return what two trained arms prove.

    Args:
        trained: what they came to.
        fix: what was fixed, in words.
        settings: of a recipe, if they are the fix.
        unit: what is compared on new data.
        note: a sentence on how it was tried; "".
    """
    before, after = _mean(trained.ends[0]), _mean(trained.ends[1])
    gain, low, high = weigh(*trained.ends)
    proved = low > 0 and gain > WORTH_IT * abs(before)
    if math.isinf(before) and math.isfinite(after):
        start = trained.curves[1][0]
        proved = not after > start  # what diverges more slowly is no fix
        result = f"without it the {unit} ends as NaN or infinity, with it at {number(after)}."
    elif not math.isfinite(after):
        result = f"with it the {unit} ends as NaN or infinity."
    elif not math.isfinite(low):
        result = f"{number(before)} without it, {number(after)} with it; too little data to be sure"
        result += " of a difference."
    else:
        way = "lower" if gain >= 0 else "higher"
        sides = sorted((low, high)) if gain >= 0 else sorted((-high, -low))
        result = (
            f"{number(before)} → {number(after)}, {number(abs(gain))} {way} (80 % interval:"
            f" {number(sides[0])} to {number(sides[1])})."
        )
    count = trained.steps[-1]
    words = f"The {unit} on new data after {count:,} steps, without the fix and with it: {result}"
    x = tuple(float(step) for step in trained.steps)
    curves = [tuple(y if math.isfinite(y) else math.nan for y in c) for c in trained.curves]
    picture = Picture(
        f"With the fix and without: {unit} on new data",
        "lines",
        (Series("without the fix", x, curves[0]), Series("with the fix", x, curves[1])),
        y_label=unit,
        log=_spans(curves),
    )
    return Proof(
        proved,
        fix,
        f"{words} {note}".strip(),
        before,
        after,
        gain,
        low,
        high,
        count,
        tuple(settings.items()),
        picture,
    )


def _spans(curves: Sequence[Sequence[float]]) -> bool:
    """Whether losses lie so far apart that only a logarithmic scale shows them."""
    known = [y for curve in curves for y in curve if math.isfinite(y)]
    return bool(known) and min(known) > 0 and max(known) > 30 * min(known)


def not_tried(why: str, fix: str = "", settings: Mapping[str, Any] | None = None) -> Proof:
    """Return the proof of a fix that could not be tried."""
    return Proof(None, fix, why, settings=tuple((settings or {}).items()))


def steps_for(ops: Iterable[Op]) -> int:
    """Return for how many steps a pair is trained, by the work of one.

    Args:
        ops: the calls of a step's forward pass; backward takes twice their operations.
    """
    work = 6 * sum(multiplications(op) for op in ops)
    return int(min(MOST_STEPS, max(FEWEST_STEPS, WORK / max(1, work))))


# Settings of a recipe.


class _LearnerArm:
    """A learner that trains from its first weights.

    Args:
        learner: a fresh one.
        batches: of new data, as it takes them.
        shares: whether it is judged by its wrong answers, and not by its loss.
    """

    def __init__(self, learner: Learner, shares: bool) -> None:
        self.learner = learner
        self._shares = shares
        self._batches = []
        size = 0
        for batch in validation_batches(learner):
            self._batches.append(batch)
            size += len(batch[1])
            if size >= NEW_EXAMPLES:
                break

    def step(self, progress: float) -> Tensor:
        """Do one step."""
        heed()
        return self.learner.learn(*self.learner.take(), progress)[0]

    def losses(self) -> list[float]:
        """Return the loss of each batch of new data, or the share of wrong answers."""
        judge = shares_wrong_on if self._shares else losses_on
        return judge(self.learner, self.learner.model, self._batches)


def prove_settings(learner: Learner, settings: Mapping[str, Any], end: float) -> Proof:
    """Train two fresh copies of a learner, one with other settings; return what that proves.

    Args:
        learner: what was trained; its own settings are the other side.
        settings: that may be better.
        end: when it has to end, by :func:`clock`.
    """
    fix = learner.recipe.describe(settings)
    try:
        playground, recipe = learner.playground, learner.recipe.replace(settings)
        scales = [playground.uniform_loss(r, learner.vocabulary) for r in (recipe, learner.recipe)]
        shares = not math.isclose(*scales)
        arms = [_LearnerArm(learner.copy(changes), shares) for changes in ({}, settings)]
        probe = learner.copy({})
        with TapeRecorder() as recorder:
            probe.learn(*probe.take(), 0.0)
        count = min(learner.step, steps_for(recorder.tape.ops))
        trained = train_pair(arms[0], arms[1], count, end)
    except UserError as error:
        return not_tried(f"{error}", fix, settings)
    except REPLAY_ERRORS as error:
        return not_tried(f"A copy could not be trained: {reason(error)}.", fix, settings)
    if trained is None:
        return not_tried("There was no time left to train both copies.", fix, settings)
    unit = "share of wrong answers" if shares else "loss"
    return proof_of(trained, fix, settings, unit)


def prove_longer(evidence: Evidence, learner: Learner, steps: int, end: float) -> Proof:
    """Train a fresh copy for more steps than a run that is done; return what that proves."""
    settings = {"steps": steps}
    fix = f"{steps:,} steps in place of {learner.step:,}"
    longer = _LearnerArm(learner.copy({}), False)
    done = _LearnerArm(learner, False)
    ended = done.losses()
    x, curve = [0], [_mean(longer.losses())]
    begin = clock()
    for step in range(steps):
        longer.step(step / steps)
        if step % 16 == 15:
            now = clock()
            if now + (now - begin) / (step + 1) * (steps - step - 1) > end:
                why = "There was no time left to train a copy for as long."
                return not_tried(why, fix, settings)
        if (step + 1) % max(1, steps // POINTS) == 0:
            x.append(step + 1)
            curve.append(_mean(longer.losses()))
    losses = longer.losses()
    proof = proof_of(Trained([0, steps], ([], []), (ended, losses)), fix, settings)
    seen = [(s, v) for s, v in evidence.validations if math.isfinite(v)]
    before = [*seen, (learner.step, _mean(ended))]
    lines = (
        Series("as it was", tuple(float(s) for s, _ in before), tuple(v for _, v in before)),
        Series(f"{steps:,} steps", tuple(map(float, x)), tuple(curve)),
    )
    assert proof.picture is not None
    return replace(proof, picture=replace(proof.picture, series=lines))


def prove_fixes(
    evidence: Evidence,
    learner: Learner,
    causes: Sequence[str],
    advice: Mapping[str, Mapping[str, Any]],
    budget: float,
) -> Iterator[tuple[str, float]]:
    """Try the fixes of some causes, and add to the evidence what that proves.

    Args:
        evidence: takes the proofs.
        learner: what was trained.
        causes: the ids of what is wrong, or of the verdict, the likeliest first.
        advice: settings that may fix them, by their ids.
        budget: seconds.

    Yields:
        What is tried next, and the share that is done.
    """
    todo = [cause for cause in causes if cause in advice and cause not in evidence.proofs]
    todo = todo[:MOST_CAUSES]
    begin = clock()
    for place, cause in enumerate(todo):
        end = begin + budget * (place + 1) / len(todo)
        settings = dict(advice[cause])
        yield f"Trying the fix: {learner.recipe.describe(settings)}", place / len(todo)
        if set(settings) == {"steps"}:
            proof = prove_longer(evidence, learner, settings["steps"], end)
        else:
            proof = prove_settings(learner, settings, end)
        if cause in RATES:
            proof = _other_rates(learner, proof, end)
        evidence.proofs[cause] = proof


def _other_rates(learner: Learner, proof: Proof, end: float) -> Proof:
    about = learner.recipe.settings()["lr"]
    rate = float(str(dict(proof.settings)["lr"]))

    def prove(rate: float) -> Proof:
        rate = float(f"{min(about.high, max(about.low, rate)):.2g}")
        return prove_settings(learner, {"lr": rate}, end)

    return further_rates(proof, learner.recipe.lr, rate, prove, end)


def further_rates(
    proof: Proof,
    own: float,
    rate: float,
    prove: Callable[[float], Proof],
    end: float,
) -> Proof:
    """Go on to rates that are further away, as long as they are better; return the best.

    Args:
        proof: of the first other rate.
        own: the training's rate.
        rate: the first other one.
        prove: tries a rate.
        end: when it has to end, by :func:`clock`.
    """
    for _ in range(FURTHER):
        rate *= 0.1 if rate < own else 10.0
        if proof.proved is None or clock() > end:
            break
        further = prove(rate)
        if further.proved and not further.fixed > proof.fixed:
            proof = further
        elif proof.proved:
            break
    return proof
