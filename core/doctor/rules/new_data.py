"""What can be seen of other data, that is not learned from: whether what it learns holds there."""

import math

import numpy as np

from ..diagnosis import Check, Picture, Series
from ..evidence import Evidence
from .results import calm, failed, passed, thin, unseen

LOGARITHMIC = ("cross_entropy", "nll_loss", "nll_by_hand")

TOLERATED = 0.05
"""A mean of batches that are not equally large, or weighed classes, may miss the bound by that."""


def holds_for_new(case: Evidence) -> Check:
    """The loss on new data does not rise while that on the training data falls."""
    id, title = "overfitting", "what it learns holds for new data"
    seen, new = case.training_loss, case.new_loss
    if seen < 0.6 * new and new - seen > 0.25 and new > 0.4 * case.uniform:
        measured = f"examples that it learns from: {seen:.3g}, new ones: {new:.3g}"
        return failed(id, title, measured, "about the same", min(0.92, 0.95 - 0.4 * seen / new))
    points = [(s, v) for s, v in case.validations if math.isfinite(v)]
    if len(points) < 4:
        return unseen(id, title, "the loss on new data was measured too seldom")
    steps, values = np.array(points).T
    tail = max(1, len(values) // 10)
    end = float(values[-tail:].mean())
    smooth = np.convolve(np.pad(values, (tail - 1, 0), mode="edge"), np.ones(tail) / tail, "valid")
    lowest = int(smooth.argmin())
    best = float(smooth[lowest])
    train = case.train_loss if math.isfinite(case.train_loss) else case.ended
    scale = case.uniform if math.isfinite(case.uniform) else best
    picture = Picture(
        "Does it hold for new data?",
        "lines",
        (
            Series("new data", tuple(steps), tuple(values)),
            Series("training", tuple(thin(case.steps)), tuple(thin(calm(case.losses)))),
        ),
    )
    measured = (
        f"new data {best:.3g} at step {steps[lowest]:.0f}, now {end:.3g}; training {train:.3g}"
    )
    if end > 1.06 * best + 0.03 * scale and train < 0.93 * end and steps[lowest] < 0.85 * steps[-1]:
        sure = min(0.92, 0.6 + 0.6 * (end / best - 1))
        measured += _grown_sure(case, steps[lowest])
        return failed(
            id, title, measured, "does not rise", sure, f"from step {steps[lowest]:.0f} on", picture
        )
    if train < 0.4 * end and end - train > 0.3 and end > 0.4 * case.uniform:
        return failed(id, title, measured, "not far from training", 0.7, "", picture)
    return passed(id, title, measured, "does not rise", picture)


def _grown_sure(case: Evidence, lowest: float) -> str:
    """Say what became of the right answers since the loss was lowest; "" if nobody counted."""
    then = [right for step, _, right in case.metrics if step <= lowest]
    if not then or case.metrics[-1][0] <= lowest:
        return ""
    now = case.metrics[-1][2]
    if now < then[-1] - 0.002:
        return f"; right were {then[-1]:.1%}, now {now:.1%}"
    return f"; still {now:.1%} are right: it grows too sure of the others"


def told_alike(case: Evidence) -> Check:
    """A loss of L nats leaves at most L / ln 2 of the answers wrong, and the count says so."""
    id, title = "metric_disagrees", "loss and right answers that agree"
    told = [(s, v, r) for s, v, r in case.metrics if math.isfinite(v) and math.isfinite(r)]
    if not told:
        return unseen(id, title, "nobody counted right answers")
    if case.first is None or case.first.criterion.kind not in LOGARITHMIC:
        return unseen(id, title, "the loss is no logarithm of a probability")
    steps, losses, shares = (tuple(column) for column in zip(*told, strict=True))
    least = tuple(max(0.0, 1 - loss / math.log(2)) for loss in losses)
    picture = Picture(
        "Are as many answers right as the loss says?",
        "lines",
        (Series("right, as counted", steps, shares), Series("at least, by the loss", steps, least)),
    )
    measured = f"with a loss of {losses[-1]:.3g}, {shares[-1]:.1%} are counted right"
    expected = f"at least {least[-1]:.1%}" if least[-1] > 0 else "no contradiction"
    lacks = [low - share for low, share in zip(least, shares, strict=True)]
    if lacks[-1] > TOLERATED and sum(lack > TOLERATED for lack in lacks) > len(lacks) / 4:
        sure = min(0.95, 0.7 + lacks[-1])
        return failed(id, title, measured, expected, sure, "the count of right answers", picture)
    return passed(id, title, measured, expected, picture)


RULES = (
    holds_for_new,
    told_alike,
)
