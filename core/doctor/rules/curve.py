"""Rules on the loss curves: of training, and on new data."""

import math

import numpy as np

from ...telemetry.events import Array
from ..diagnosis import Check, Picture, Series
from ..evidence import Evidence
from ..experiments.reference_networks import References
from .rule import SQUARED_LOSSES, Rule, rule

POINTS = 300
"""Of a curve in a picture."""
FEW_EARLY, FEW_LATE = 5, 2
"""Observed steps at the start, and in the second half, whose sequences are compared."""
ALTERNATING, NOISE = -0.7, -0.3
"""Correlations of a loss with that of the step before: where it oscillates, and of noise alone."""
WAVES = 3
RAISED = 3.0
"""Times the learning rate after which it begins again, and by which it has fallen before."""
HEAVY, UPHILL = 0.985, 0.2
"""A momentum that remembers more than sixty steps, and the share of late steps that go uphill."""
MEMORISED, FAR_FROM_KNOWN = 0.05, 0.25
"""Part of the loss on new data that is left in training of memorised examples; and the part of a
uniform guess that new data then costs where little was learned of it."""
WHOLLY_MEMORISED, LEFT_OPEN = 1e-3, 0.15
"""The same of quantities that are known to their last digits in training: the part of the loss on
new data, and of the variance of the targets."""
RISEN, RISEN_BY = 1.06, 0.05
"""By what a loss on new data rises above its lowest: times that, and part of a uniform guess."""
PLATEAU = 0.97
"""Share of the loss of a guess by class frequency."""
NEGATIVE_LOG_LIKELIHOODS = ("cross_entropy", "nll_loss", "nll_by_hand", "nll_of_columns")
TOLERANCE = 0.05
"""A mean of batches that are not equally large, or weighted classes, may miss the bound by that."""


def _training_series(name: str, evidence: Evidence) -> Series:
    """Return the running mean of the training loss over a fiftieth of the steps."""
    losses = evidence.losses
    if not len(losses):  # of a loop that reports its validation alone
        return Series(name, (), ())
    width = max(1, len(losses) // 50)
    padded = np.pad(losses, (width - 1, 0), mode="edge")
    means = np.convolve(padded, np.ones(width) / width, "valid")
    every = -(-max(1, len(losses)) // POINTS)
    return Series(name, tuple(evidence.steps[::every].tolist()), tuple(means[::every].tolist()))


def _loss_picture(evidence: Evidence) -> Picture:
    guess, name = evidence.uniform, "uniform guess"
    if evidence.first is not None and evidence.first.criterion.kind in SQUARED_LOSSES:
        guess, name = _of_the_mean(evidence), "mean of the targets"
    levels = [(name, guess)] if math.isfinite(guess) else []
    for floor, name in (("pair", "bigram baseline"), ("triple", "trigram baseline")):
        levels += [(name, evidence.floors[floor])] if floor in evidence.floors else []
    return Picture("Loss", "lines", (_training_series("loss", evidence),), levels=tuple(levels))


def _of_the_mean(evidence: Evidence) -> float:
    """Return the squared error of the mean of the targets: all that are known, or the first."""
    known = evidence.data.target_variance if evidence.data else math.nan
    return known if math.isfinite(known) else evidence.uniform


@rule(
    "nan",
    "NaN in the loss",
    "No loss and no input is NaN or infinite.",
    "finite numbers",
    "makemore, part 3",
)
def nan(rule: Rule, evidence: Evidence) -> Check:
    losses = evidence.losses
    if not len(losses):
        return rule.not_checked("there are no losses")
    if not all(x.finite for step in evidence.observations for x in step.inputs):
        return rule.failed("the inputs contain NaN or infinity", 0.95, "the inputs")
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        where = next((x.first_nan for x in evidence.observations if x.first_nan), "")
        before = losses[: bad[0]]
        rose = len(before) > 2 and float(np.nanmax(before[-20:])) > 2 * float(before[0]) + 1
        measured = f"the loss is NaN or infinite from step {int(evidence.steps[bad[0]])} on"
        measured += f"; the first is in {where}" if where else ""
        return rule.failed(measured, 0.55 if rose else 0.9, where)
    return rule.passed(f"{len(losses):,} losses are finite")


@rule(
    "oscillation",
    "oscillation of the loss",
    f"Deviations of the loss from its mean over five steps correlate by more than {ALTERNATING:g}"
    f" from step to step, it rises and falls again in less than {WAVES} waves, beside those where"
    f" the learning rate is raised again, and a momentum of {HEAVY:g} or more leads uphill in less"
    f" than {UPHILL:.0%} of the late steps.",
    f"about {NOISE:g}",
)
def oscillation(rule: Rule, evidence: Evidence) -> Check:
    losses = evidence.losses[np.isfinite(evidence.losses)]
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: its loss may rise and fall")
    if overshoots := _overshoots(evidence):
        return rule.failed(overshoots, 0.75, "the momentum", "against the gradient")
    thinned = len(evidence.steps) > 1 and evidence.steps[1] - evidence.steps[0] > 1
    if len(losses) < 60 or thinned:
        return rule.not_checked("too few steps were observed, or too many to keep each")
    picture = _loss_picture(evidence)
    late = losses[len(losses) // 4 :]
    rest = late - np.convolve(np.pad(late, 2, mode="edge"), np.ones(5) / 5, "valid")
    size = float(rest.std() / (abs(late.mean()) + 1e-12))
    # White noise less its mean over five has a correlation of about -0.25 from step to step.
    correlation = float(np.corrcoef(rest[:-1], rest[1:])[0, 1]) if rest.std() > 0 else 0.0
    measured = f"it changes by {size:.1%} a step, with a correlation of {correlation:.2f}"
    if correlation < ALTERNATING and size > 0.01:
        return rule.failed(measured, 0.75, "the learning rate", picture=picture)
    waves = _waves(losses)
    if waves - _restarts(evidence) >= WAVES:
        if _grows_longer(evidence):
            longer = "its sequences became longer meanwhile, so that the task is harder"
            return rule.not_checked(longer)
        measured, where = f"it rose and fell again {waves} times", "the learning rate or momentum"
        return rule.failed(measured, 0.6, where, "falls", picture)
    return rule.passed(measured, picture=picture)


def _grows_longer(evidence: Evidence) -> bool:
    """Whether all sequences of the second half are longer than all at the start: a curriculum."""
    known = [(x.step, x.inputs[0].shape) for x in evidence.observations if x.inputs]
    lengths = [(at, shape[1]) for at, shape in known if len(shape) > 1]
    early = [length for at, length in lengths if at < evidence.done / 8]
    late = [length for at, length in lengths if at >= evidence.done / 2]
    enough = len(early) >= FEW_EARLY and len(late) >= FEW_LATE
    return enough and min(late) > max(early)


def _overshoots(evidence: Evidence) -> str:
    """Say of how many late steps a momentum of nearly one leads uphill; "" of few."""
    late = evidence.observations[len(evidence.observations) // 2 :]
    moved = [[p.cosine for p in x.parameters if p.update > 0] for x in late]
    cosines = [float(np.median(found)) for found in moved if found]
    momentum = late[-1].momentum if late else 0.0
    if momentum < HEAVY or len(cosines) < 4 or len(evidence.losses) < 100:
        return ""
    uphill = sum(cosine > 0.05 for cosine in cosines) / len(cosines)
    if uphill < UPHILL:
        return ""
    return f"with a momentum of {momentum:g}, {uphill:.0%} of the observed late steps lead uphill"


def _restarts(evidence: Evidence) -> int:
    """Count how often the rate has fallen and is raised again: the loss then rises deliberately.

    As with warm restarts (Loshchilov and Hutter 2017) or a cyclical rate (Smith 2017).
    """
    count, falling, turn = 0, False, 0.0
    for _, rate in evidence.learning_rates:
        if falling:
            turn = min(turn, rate)
            if rate > RAISED * turn:
                count, falling, turn = count + 1, False, rate
        else:
            turn = max(turn, rate)
            if rate < turn / RAISED:
                falling, turn = True, rate
    return count


def _waves(losses: Array) -> int:
    """Count rises that noise does not explain, each followed by a fall."""
    count_of_parts = min(50, len(losses) // 12)
    if count_of_parts < 10:
        return 0  # too few losses in each to know their noise
    parts = np.array_split(losses[len(losses) // 10 :], count_of_parts)
    means = np.array([p.mean() for p in parts])
    noise = np.array([p.std() / math.sqrt(len(p)) for p in parts]).mean()
    low, rising, count, high = means[0], False, 0, means[0]
    for value in means[1:]:
        if not rising:
            low = min(low, value)
            if value > low + max(8 * noise, 0.25 * abs(low)):
                rising, high = True, value
        else:
            high = max(high, value)
            if value < high - max(8 * noise, 0.15 * abs(high)):
                rising, low = False, value
                count += 1
    return count


@rule(
    "plateau",
    "plateau of the loss",
    "The loss falls below that of a guess: by class frequency, or the mean of the targets.",
    "clearly less",
)
def plateau(rule: Rule, evidence: Evidence) -> Check:
    if len(evidence.losses) < 100 or not evidence.first:
        return rule.not_checked("too few steps were observed")
    picture, loss = _loss_picture(evidence), evidence.first.criterion
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: the height of its loss says nothing")
    if loss.weighted:
        return rule.not_checked("classes count with weights, and for a guess they do not")
    if evidence.first.summed > 1:
        return rule.not_checked("the loss is a sum, that of a guess a mean")
    guess = evidence.data.entropy if evidence.data else math.nan
    if loss.kind in SQUARED_LOSSES:
        guess = _of_the_mean(evidence)
    elif not math.isfinite(guess):
        guess = loss.uniform
    if not guess > 0 or guess == math.inf or not loss.kind:
        return rule.not_checked("the loss of a guess by class frequency is not known")
    means = evidence.smooth(20)
    falls = means[len(means) // 2] - means[-1] > 0.01 * abs(means[-1])
    what = "the mean of the targets" if loss.kind in SQUARED_LOSSES else "class frequency"
    reached = _of_criterion(evidence)
    measured = f"the loss is {reached:.3g}, of a guess by {what} {guess:.3g}"
    if reached > PLATEAU * guess and not falls:
        return rule.failed(measured, 0.5, picture=picture)
    return rule.passed(measured, picture=picture)


@rule(
    "overfitting",
    "overfitting",
    "The loss on new data does not rise while that on training data falls, and is not far above"
    " it.",
    "does not rise",
    "makemore, part 2",
)
def overfitting(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: new data has no loss of that kind")
    trained, new, uniform = evidence.training_loss, evidence.new_loss, evidence.uniform
    if trained < 0.6 * new and new - trained > 0.25 and new > 0.4 * uniform:
        measured = f"loss on training data {trained:.3g}, on new data {new:.3g}"
        sure = min(0.92, 0.95 - 0.4 * trained / new)
        return rule.failed(measured, sure, expected="about equal")
    points = [(step, loss) for step, loss in evidence.validations if math.isfinite(loss)]
    if len(points) < 4:
        return rule.not_checked("the loss on new data was measured too rarely")
    steps, losses = np.array(points).T
    tail = max(1, len(losses) // 10)
    end = float(losses[-tail:].mean())
    smooth = np.convolve(np.pad(losses, (tail - 1, 0), mode="edge"), np.ones(tail) / tail, "valid")
    best, at = float(smooth.min()), float(steps[smooth.argmin()])
    train = evidence.train_loss if math.isfinite(evidence.train_loss) else evidence.ended
    scale = uniform if math.isfinite(uniform) else best
    picture = Picture(
        "Training and validation loss",
        "lines",
        (Series("new data", tuple(steps), tuple(losses)), _training_series("training", evidence)),
    )
    measured = f"new data {best:.3g} at step {at:.0f}, now {end:.3g}; training {train:.3g}"
    compared = evidence.result(References)
    noise = compared.noise * end if compared is not None else 0.0
    risen = end > RISEN * best + max(RISEN_BY * scale, noise)
    if risen and train < 0.93 * end and at < 0.85 * steps[-1]:
        sure = min(0.92, 0.6 + 0.6 * (end / best - 1))
        measured += _accuracy_since(evidence, at)
        return rule.failed(measured, sure, f"from step {at:.0f} on", picture=picture)
    if evidence.validates_on_other_scale:
        return rule.passed(f"{measured}, on another scale", picture=picture)
    learned_by_heart = train < MEMORISED * end and end > FAR_FROM_KNOWN * uniform
    far_above = train < 0.4 * end and end > 0.4 * uniform
    squared = evidence.first is not None and evidence.first.criterion.kind in SQUARED_LOSSES
    wholly = squared and train < WHOLLY_MEMORISED * end and end > LEFT_OPEN * uniform
    if wholly or ((far_above or learned_by_heart) and end - train > 0.3):
        return rule.failed(measured, 0.7, "", "not far above training", picture)
    return rule.passed(measured, picture=picture)


def _of_criterion(evidence: Evidence) -> float:
    """Return the loss at the end; where it has several terms, that of outputs and targets alone."""
    late = [step for step in evidence.observations if step.terms]
    late = [step for step in late if step.step > 0.8 * evidence.steps[-1]] or late[-1:]
    values = [step.criterion.value for step in late if math.isfinite(step.criterion.value)]
    return sum(values) / len(values) if values else evidence.ended


def _accuracy_since(evidence: Evidence, step: float) -> str:
    """Say how the accuracy changed since a step; "" if it was not measured."""
    then = [accuracy for at, _, accuracy in evidence.metrics if at <= step]
    if not then or evidence.metrics[-1][0] <= step:
        return ""
    now = evidence.metrics[-1][2]
    if now < then[-1] - 0.002:
        return f"; the accuracy was {then[-1]:.1%}, now {now:.1%}"
    return f"; the accuracy is still {now:.1%}: it grows overconfident on the others"


@rule(
    "metric_disagrees",
    "accuracy that fits the loss",
    "With a loss of L nats at most L / ln 2 of the labels are predicted wrong.",
    "no contradiction",
)
def metric_disagrees(rule: Rule, evidence: Evidence) -> Check:
    known = [x for x in evidence.metrics if math.isfinite(x[1]) and math.isfinite(x[2])]
    if not known:
        return rule.not_checked("no accuracy was measured")
    if not evidence.first or evidence.first.criterion.kind not in NEGATIVE_LOG_LIKELIHOODS:
        return rule.not_checked("the loss is no negative log-likelihood")
    steps, losses, accuracies = (tuple(column) for column in zip(*known, strict=True))
    least = tuple(max(0.0, 1 - loss / math.log(2)) for loss in losses)
    picture = Picture(
        "Accuracy, and the least that the loss allows",
        "lines",
        (Series("accuracy", steps, accuracies), Series("least by the loss", steps, least)),
    )
    measured = f"with a loss of {losses[-1]:.3g} the accuracy is {accuracies[-1]:.1%}"
    expected = f"at least {least[-1]:.1%}" if least[-1] > 0 else ""
    lacks = [low - accuracy for low, accuracy in zip(least, accuracies, strict=True)]
    if lacks[-1] > TOLERANCE and sum(lack > TOLERANCE for lack in lacks) > len(lacks) / 4:
        sure = min(0.95, 0.7 + lacks[-1])
        return rule.failed(measured, sure, "the accuracy", expected, picture)
    return rule.passed(measured, expected, picture)
