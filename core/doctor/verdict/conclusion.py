"""From checks and experiments to one diagnosis: one cause, not five symptoms of it."""

import math
from typing import Any

import numpy as np

from ..diagnosis import Cause, Check, Diagnosis
from ..evidence import Evidence
from ..experiments.training_copies import Longer, Wider
from ..watch.training_kind import ACTOR, ADVERSARIAL
from .causes import CAUSES
from .extrapolation import Extrapolation, extrapolate

BROKEN = 0.5
"""The confidence of a cause that makes the verdict ``broken``."""
CLEARER = 0.3
"""By so much more confidence a symptom is a cause of its own."""
WORTH_DOUBLING = 0.03
"""Part of the loss that twice the steps must bring, to call a network undertrained."""
EARLY = 0.5
"""Share of the planned steps, before which the loss is not extrapolated."""
MIN_VALIDATIONS = 10
"""Losses on new data, from which on they are extrapolated in place of those on the batches."""
RISEN = 0.005
"""The part by which a loss on new data has risen for good: less is its noise."""
ORDER = list(CAUSES)
MILD = (
    "overfitting",
    "vocabulary_unused",
    "data_overlap",
    "context_too_short",
    "oscillation",
    "metric_disagrees",
)
"""They leave a network that works, so that they come after what keeps it from learning."""


def causes_of(checks: tuple[Check, ...], advice: dict[str, dict[str, Any]]) -> tuple[Cause, ...]:
    """Return what is wrong, most likely first, without what is explained by something else.

    Args:
        checks: all that were made.
        advice: recipe settings that fix a cause, by its id.
    """
    wrong = [check for check in checks if check.passed is False and check.id in CAUSES]
    kept = [check for check in wrong if not _explained(check, wrong)]
    kept.sort(key=_place)
    return tuple(
        Cause(
            id=check.id,
            title=CAUSES[check.id].title,
            where=check.where,
            evidence=f"{check.measured}; expected: {check.expected}",
            fix=CAUSES[check.id].fix,
            confidence=check.confidence,
            settings=tuple(advice.get(check.id, {}).items()),
        )
        for check in kept
    )


def _place(check: Check) -> tuple[bool, bool, float, int]:
    late = check.id == "overfitting"  # much else makes a network generalise badly
    mild = check.id in MILD and check.confidence < 0.7
    return late, mild, -check.confidence, ORDER.index(check.id)


def _rank(check: Check) -> tuple[float, int]:
    return check.confidence, -ORDER.index(check.id)


def _explained(check: Check, wrong: list[Check]) -> bool:
    """Whether another failed check is the cause of this one."""
    for other in wrong:
        if other is check or check.id not in CAUSES[other.id].explains:
            continue
        back = other.id in CAUSES[check.id].explains
        if back and _rank(check) > _rank(other):
            continue  # each may cause the other: the one of more confidence does
        if other.confidence >= BROKEN and check.confidence < other.confidence + CLEARER:
            return True
    return False


def conclude(
    evidence: Evidence,
    checks: tuple[Check, ...],
    advice: dict[str, dict[str, Any]] | None = None,
    seconds: float = 0.0,
) -> Diagnosis:
    """Return the diagnosis of a training.

    Args:
        evidence: all that is known of it.
        checks: those of the rules.
        advice: recipe settings that fix a cause, by its id; ``too_small`` and ``undertrained``
            may be among them.
        seconds: how long it took.
    """
    advice = advice or {}
    causes = causes_of(checks, advice)
    experiments = tuple(evidence.experiments.values())
    settings: tuple[tuple[str, Any], ...] = ()
    if causes and causes[0].confidence >= BROKEN:
        first = causes[0]
        verdict = "broken"
        measured = first.evidence.split("; expected")[0].rstrip(".")
        sentence, sure = f"{first.title}: {measured}.", first.confidence
    else:
        verdict, sentence, sure = _healthy(evidence)
        settings = tuple(advice.get(verdict, {}).items())
    sure = round(sure, 2)
    return Diagnosis(
        verdict,
        sentence,
        sure,
        causes,
        checks,
        experiments,
        settings,
        seconds,
        evidence.training_kind,
    )


def _healthy(evidence: Evidence) -> tuple[str, str, float]:
    """Distinguish underfitting, undertrained, at its floor and fine."""
    if evidence.crash:
        return "unknown", f"The loop ended with an error: {evidence.crash}.", 0.3
    if evidence.training_kind in (ADVERSARIAL, ACTOR) and len(evidence.losses) >= 20:
        return (
            "unknown",
            f"Nothing wrong was found. Recognised as {evidence.training_kind}: the height of such a"
            " loss does not tell whether it is trained enough; judge what it makes or does.",
            0.4,
        )
    if len(evidence.losses) < 20 or not math.isfinite(evidence.ended):
        return "unknown", "Too few steps were observed; let it run for longer.", 0.3
    if longer := evidence.result(Longer):
        return _by_copies(evidence, longer, evidence.result(Wider))
    done = int(evidence.steps[-1]) + 1
    if done < EARLY * evidence.planned:
        return (
            "undertrained",
            f"Nothing is wrong so far: {done:,} of {evidence.planned:,} steps are done, and the"
            f" loss is {evidence.ended:.3g}.",
            0.5,
        )
    if found := _by_new_data(evidence):
        return found
    means = evidence.smooth(40)
    steps = (evidence.steps[-1] + 1) * np.arange(1, len(means) + 1) / len(means)
    curve = extrapolate(steps, means)
    if curve is None:
        return "unknown", "The loss does not fall steadily enough to be extrapolated.", 0.35
    if curve.gain > WORTH_DOUBLING:
        return _still_falls("the loss", curve.now, curve)
    floor = evidence.floors.get("pair", math.nan)
    new = evidence.new_loss
    if new > 1.02 * floor:
        return (
            "undertrained",
            f"Nothing wrong was found, but the loss on new data, {new:.3g}, is still above that of"
            f" a bigram baseline, {floor:.3g}: let it train for longer.",
            0.55,
        )
    return (
        "fine",
        f"Nothing is wrong, and the loss has settled at {curve.now:.3g}: twice the steps would"
        f" bring it to about {curve.twice:.3g}.",
        0.6,
    )


def _still_falls(what: str, now: float, curve: Extrapolation) -> tuple[str, str, float]:
    return (
        "undertrained",
        f"Nothing is wrong; {what} still falls. It is {now:.3g} now, and with twice the steps would"
        f" be about {curve.twice:.3g} ({curve.low:.3g} to {curve.high:.3g}).",
        min(0.9, 0.55 + 3 * curve.gain),
    )


def _by_new_data(evidence: Evidence) -> tuple[str, str, float] | None:
    """Decide by the loss on new data, where it was measured often enough: it is what counts."""
    points = [(step, loss) for step, loss in evidence.validations if math.isfinite(loss)]
    if len(points) < MIN_VALIDATIONS:
        return None
    steps, losses = np.array(points).T
    lowest = int(losses.argmin())
    best, now = float(losses[lowest]), float(losses[-1])
    if lowest < 0.8 * (len(losses) - 1) and now > (1 + RISEN) * best:
        return (
            "fine",
            f"Nothing is wrong, and more steps would not help: the loss on new data was lowest,"
            f" {best:.3g}, at step {steps[lowest]:,.0f}, and is {now:.3g} now. More data or dropout"
            " might lower it.",
            0.65,
        )
    curve = extrapolate(steps, losses)
    if curve is None:
        return None
    if curve.gain > WORTH_DOUBLING:
        return _still_falls("the loss on new data", now, curve)
    return (
        "fine",
        f"Nothing is wrong, and the loss on new data has settled at {now:.3g}.",
        0.6,
    )


def _by_copies(evidence: Evidence, longer: Longer, wider: Wider | None) -> tuple[str, str, float]:
    """Decide by what was measured: copies trained for longer, copies that are larger."""
    now, twice, by_time = longer.now, longer.twice, longer.gain
    by_size = wider.gain if wider else 0.0
    few = max(0.012, 1.5 * longer.noise)
    if by_time > few and by_time >= 0.8 * by_size:
        return (
            "undertrained",
            f"Nothing is wrong; it needs more time. The loss on new data is {now:.3g}; with twice"
            f" the steps it would be about {twice:.3g}.",
            min(0.92, 0.6 + 5 * by_time),
        )
    if wider and by_size > few and longer.gap < 0.25:
        return (
            "too_small",
            f"Nothing is wrong, but the model is too small: with twice the width the loss on new"
            f" data goes from {now:.3g} to {wider.loss:.3g}, more time brings less.",
            min(0.92, 0.6 + 5 * by_size),
        )
    if by_time > few:
        return (
            "undertrained",
            f"Nothing is wrong; it needs more time. The loss on new data is {now:.3g}; with twice"
            f" the steps it would be about {twice:.3g}.",
            0.6,
        )
    if not evidence.can_grow:
        return (
            "at_floor",
            f"It is as good as this kind of model can be: {now:.3g}, and neither more time nor more"
            " size would lower that.",
            0.8,
        )
    return (
        "fine",
        f"Nothing is wrong. The loss on new data is {now:.3g}; neither twice the steps nor twice"
        " the width would lower it by much.",
        0.75,
    )
