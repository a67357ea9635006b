"""Rules on the update: its direction, what it reaches, and the learning rate."""

import math
from itertools import pairwise
from statistics import median

import numpy as np

from ...telemetry.layer_health import (
    UPDATE_GOOD,
    UPDATE_LARGE,
    UPDATE_SMALL,
    UPDATE_TOO_LARGE,
    has_grown,
)
from ..diagnosis import Check, Picture, Series
from ..evidence import Evidence
from ..experiments.step_experiments import OtherRates
from ..watch.observation import Observation, ObservedParameter
from .rule import Rule, names, rule

UPHILL, SLIGHTLY_UPHILL = 0.1, 0.05
"""Cosines between update and gradient: of the median, and of three of four steps."""
ROUNDED_OFF = 1e-6
"""Of a float32 parameter's size: a step below is lost, or nearly, in its seven digits."""
LR_GROWS = 1.5
"""Times the learning rate of the start and of the middle."""
DIVERGED = 1.3
"""Times the first loss, or that of a uniform guess."""
JUMP = 3.0
LONG_STEP, LONG_STEP_WHERE_LOWER_IS_BETTER, LONG_STEP_WITH_JUMPS = -2.2, -2.6, -2.0
"""The log10 of the update-to-weight ratio at which other symptoms are blamed on the learning rate:
a loss that diverged, a lower rate that is better, jumps."""
MUCH_TOO_SMALL = UPDATE_SMALL - 0.8
WORTH_CHANGING = 0.04
"""Part of the loss that another learning rate must bring."""


@rule(
    "wrong_update_sign",
    "direction of the update",
    "The update is opposed to the gradient, and the loss is minimised.",
    "below 0",
    "makemore, part 2",
)
def wrong_update_sign(rule: Rule, evidence: Evidence) -> Check:
    steps = [step for step in evidence.observations if step.parameters]
    if not steps:
        return rule.not_checked("no complete step was observed")
    negative = [step for step in steps if step.criterion.kind and step.criterion.sign < 0]
    if len(negative) > len(steps) / 2:
        measured = "the negative of the loss is minimised"
        return rule.failed(measured, 0.93, "the loss", "the loss itself")
    cosines = []
    for step in steps[:12]:
        moved = [p.cosine for p in step.parameters if math.isfinite(p.cosine) and p.update > 0]
        cosines += [median(moved)] if moved else []
    if not cosines:
        return rule.not_checked("no gradient was observed together with its update")
    uphill = sum(cosine > SLIGHTLY_UPHILL for cosine in cosines) / len(cosines)
    measured = f"the cosine between update and gradient is {median(cosines):.2f}"
    if uphill > 0.75 and median(cosines) > UPHILL:
        return rule.failed(measured, 0.95, "the update")
    return rule.passed(measured)


@rule(
    "gradients_not_zeroed",
    "zeroed gradients",
    "The gradient of the step before is zeroed before backward().",
    "zero or None",
    "micrograd",
)
def gradients_not_zeroed(rule: Rule, evidence: Evidence) -> Check:
    steps = evidence.observations
    second = [
        b
        for a, b in pairwise(steps)
        if b.step == a.step + 1 and any(p.update > 0 for p in a.parameters)
    ]
    if not second:
        return rule.not_checked("no two consecutive steps were observed")
    if sum(step.gradients_accumulate for step in second) > len(second) / 2:
        measured = "before backward() the gradients of the last step are still there"
        return rule.failed(measured, 0.95, "before backward()")
    return rule.passed("they are zeroed")


@rule(
    "parameter_not_trained",
    "every parameter is trained",
    "Every parameter has a gradient, is in the optimiser, and is updated.",
    "all are updated",
)
def parameter_not_trained(rule: Rule, evidence: Evidence) -> Check:
    found = _not_updated(evidence)
    if found is None:
        return rule.not_checked("no complete step was observed")
    found = [(p, why) for p, why in found if not _is_frozen(p)]
    if found:
        which = names([p.name for p, _ in found])
        sure = 0.9 if any(p.used for p, _ in found) else 0.55
        return rule.failed(f"{which}: {found[0][1]}", sure, which)
    return rule.passed(f"{len(evidence.observations[-1].parameters)} parameters are updated")


@rule(
    "frozen_layer",
    "frozen layers",
    "No layer that the loss depends on is frozen.",
    "all layers are trained",
)
def frozen_layer(rule: Rule, evidence: Evidence) -> Check:
    found = _not_updated(evidence)
    if found is None:
        return rule.not_checked("no complete step was observed")
    frozen = [p.name for p, _ in found if _is_frozen(p)]
    if frozen:
        measured = f"{names(frozen)} has requires_grad=False, or a learning rate of 0"
        return rule.failed(measured, 0.88, names(frozen))
    return rule.passed("none")


def _is_frozen(p: ObservedParameter) -> bool:
    if not p.requires_grad:
        return "." in p.name
    return p.in_optimizer is True and p.optimizer_lr == 0


def _not_updated(evidence: Evidence) -> list[tuple[ObservedParameter, str]] | None:
    """Return the parameters that are never updated, each with why; None if none is."""
    steps = [x for x in evidence.observations if any(p.update > 0 for p in x.parameters)]
    if not steps:
        return None
    if len(steps) == 1 and evidence.observations[-1].step <= 5:
        return []
    updated = {p.name for step in steps for p in step.parameters if p.update > 0}
    reached = {p.name for step in steps for p in step.parameters if p.gradient > 0}
    # A bias in front of a batch norm, or what only zeros come to, has a gradient of zero.
    found: dict[str, tuple[ObservedParameter, str]] = {}
    for step in steps:
        for p in step.parameters:
            if p.name in updated or p.name.startswith("a parameter of"):
                continue
            if not p.requires_grad and p.used:
                found[p.name] = (p, "it requires no gradient")
            elif p.requires_grad and p.used and math.isnan(p.gradient):
                found[p.name] = (p, "no gradient reaches it")
            elif p.requires_grad and not p.used:
                found[p.name] = (p, "the loss does not depend on it")
            elif p.name in reached and p.in_optimizer is False:
                found[p.name] = (p, "it is not in the optimiser")
            elif p.name in reached and not _is_rounded_off(p, step):
                found[p.name] = (p, "it has a gradient, and the update leaves it out")
    return list(found.values())


def _is_rounded_off(p: ObservedParameter, step: Observation) -> bool:
    """Whether a step as long as that of the others would be too short for its digits."""
    rates = [q.implied_lr for q in step.parameters if q.update > 0 and math.isfinite(q.implied_lr)]
    return bool(rates) and median(rates) * p.gradient < ROUNDED_OFF * p.std


@rule(
    "lr_growing",
    "learning-rate schedule",
    "After a warm-up, the learning rate is constant or falls.",
    "constant or falling",
)
def lr_growing(rule: Rule, evidence: Evidence) -> Check:
    points = [(step.step, step.lr) for step in evidence.observations if step.lr > 0]
    if len(points) < 4 or points[-1][0] < 60:
        return rule.not_checked("the learning rate was observed in too few steps")
    steps, rates = np.array(points).T
    end = steps[-1]
    middle, late = (float(np.interp(part * end, steps, rates)) for part in (0.5, 0.8))
    start = float(np.median(rates[:2]))
    last = float(np.median(rates[-1 if len(rates) < 12 else -2 :]))
    picture = Picture(
        "Learning rate",
        "lines",
        (Series("learning rate", tuple(steps), tuple(rates)),),
        log=True,
    )
    measured = f"from {start:.3g} over {middle:.3g} in the middle to {last:.3g}"
    grows = last > LR_GROWS * max(start, middle) and last > 1.05 * late
    if grows and end > 0.4 * (evidence.planned or end):
        return rule.failed(measured, 0.9, "the learning rate", picture=picture)
    return rule.passed(measured, picture=picture)


def _median_ratios(evidence: Evidence) -> list[float]:
    """Return the median of the update-to-weight ratios of all matrices in each step, log10."""
    found = []
    for step in evidence.observations:
        ratios = [p.log_update_ratio for p in step.parameters if p.is_matrix]
        ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
        if ratios:
            found.append(median(ratios))
    return found


def _ratio_picture(evidence: Evidence) -> Picture:
    lines = []
    for name in [p.name for p in evidence.observations[-1].parameters if p.is_matrix][:8]:
        points = [
            (step.step, p.log_update_ratio)
            for step in evidence.observations
            for p in step.parameters
            if p.name == name and math.isfinite(p.log_update_ratio)
        ]
        if points:
            x, y = zip(*points, strict=True)
            lines.append(Series(name, x, y))
    return Picture(
        "Update-to-weight ratio",
        "lines",
        tuple(lines),
        y_label="log10 of the update-to-weight ratio",
        levels=(("good", UPDATE_GOOD),),
    )


def _ratio_in_words(log_ratio: float) -> str:
    """Return a power of ten as a ratio: ``98 %``, ``1/1,300``."""
    ratio = 10.0**log_ratio
    if ratio >= 0.01:
        return f"{100 * ratio:.0f} %"
    return f"1/{int(float(f'{1 / ratio:.2g}')):,}" if ratio >= 1e-9 else "0"


@rule(
    "lr_too_high",
    "learning rate not too high",
    f"The loss neither diverges nor stays where it began, at steps of less than 10^{UPDATE_LARGE:g}"
    f" of the weights (in the first steps 10^{UPDATE_TOO_LARGE:g}).",
    "about 1/1,000",
    "makemore, parts 2 and 3",
)
def lr_too_high(rule: Rule, evidence: Evidence) -> Check:
    ratios = _median_ratios(evidence)
    if not ratios or len(evidence.losses) < 10:
        return rule.not_checked("too few steps were observed")
    ratio, at_start = median(ratios[1:] or ratios), _ratio_at_start(evidence)
    finite = evidence.losses[np.isfinite(evidence.losses)]
    start = float(finite[0]) if len(finite) else math.nan
    reference = max(start, evidence.uniform if math.isfinite(evidence.uniform) else start)
    top = float(finite[1:].max()) if len(finite) > 1 else math.nan
    diverged = len(finite) < len(evidence.losses) or evidence.ended > DIVERGED * reference + 0.1
    jumps = top > JUMP * reference + 1
    stays = evidence.ended > 0.9 * reference
    measured = f"the update-to-weight ratio is {_ratio_in_words(ratio)}"
    course = f"; the loss went from {start:.3g} to {evidence.ended:.3g}, at most {top:.3g}"
    where, picture, expected, sure = "the learning rate", _ratio_picture(evidence), "", 0.0
    if diverged and (ratio > LONG_STEP or jumps):
        measured, expected, sure = measured + course, "about 1/1,000, and a falling loss", 0.85
    elif (
        _lower_is_better(evidence)
        and ratio > LONG_STEP_WHERE_LOWER_IS_BETTER
        and (len(evidence.losses) >= 100 or ratio > UPDATE_LARGE)
    ):
        measured += f". {evidence.experiments['other_rates'].measured}"
        expected, sure = "no better lower rate", 0.8 if ratio > UPDATE_LARGE or jumps else 0.62
    elif at_start > UPDATE_TOO_LARGE and (jumps or diverged or stays):
        measured = f"at the start the update-to-weight ratio is {_ratio_in_words(at_start)}"
        measured, sure = measured + course, 0.9
    elif ratio > UPDATE_LARGE and stays and at_start > UPDATE_LARGE:
        measured, sure = f"{measured}, and the loss stays at {evidence.ended:.3g}", 0.7
    elif jumps and ratio > LONG_STEP_WITH_JUMPS:
        measured, sure = f"{measured}; the loss jumped to {top:.3g}", 0.6
    if not sure:
        return rule.passed(measured, picture=picture)
    return rule.failed(measured, sure, where, expected, picture)


def _ratio_at_start(evidence: Evidence) -> float:
    """Return the largest median of the update-to-weight ratios at the start; -inf without any."""
    found = []
    for step in evidence.observations[:4]:
        layers = [x for x in step.layers if not x.is_embedding]
        grown = {x.parameter for x in layers if has_grown(x.weight_std, x.fan_in)}
        ratios = [p.log_update_ratio for p in step.parameters if p.name in grown]
        ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
        if ratios:
            found.append(median(ratios))
    return max(found, default=-math.inf)


def _lower_is_better(evidence: Evidence) -> bool:
    """Whether a tenth or a third of the rate gets far lower on the same batches."""
    rates = evidence.result(OtherRates)
    if rates is None:
        return False
    before, same = rates.before, rates.losses[1.0]
    lower = rates.finite(0.1, 1 / 3)
    if not lower or not math.isfinite(before):
        return False
    best = min(lower)
    if not math.isfinite(same):
        return True
    # Near the floor of the loss every lower rate is better, by next to nothing.
    scale = evidence.uniform if math.isfinite(evidence.uniform) else before
    if same - best < WORTH_CHANGING * scale:
        return False
    return (best < 0.78 * same and best < 0.9 * before) or (same > 1.15 * before and best < before)


@rule(
    "lr_too_low",
    "learning rate not too low",
    f"Steps are longer than 10^{UPDATE_SMALL:g} of the weights, or a higher rate is no better.",
    "about 1/1,000",
    "makemore, parts 2 and 3",
)
def lr_too_low(rule: Rule, evidence: Evidence) -> Check:
    ratios = _median_ratios(evidence)
    if not ratios or len(evidence.losses) < 10:
        return rule.not_checked("too few steps were observed")
    ratio = max(ratios[1:] or ratios)  # a schedule may have come down since
    picture = _ratio_picture(evidence)
    measured = f"the update-to-weight ratio is at most {_ratio_in_words(ratio)}"
    gain = math.nan
    if rates := evidence.result(OtherRates):
        before, same = rates.before, rates.losses[1.0]
        higher = rates.finite(3.0, 10.0, 100.0)
        if higher and math.isfinite(same) and before > 0:
            gain = (min(same, before) - min(higher)) / abs(before)
    hardly_falls = evidence.ended > 0.7 * evidence.began
    stays = evidence.ended > 0.97 * evidence.began
    too_small = gain > WORTH_CHANGING or stays or (ratio < MUCH_TOO_SMALL and hardly_falls)
    if ratio < UPDATE_SMALL and too_small:
        done = evidence.experiments.get("other_rates")
        measured += f". {done.measured}" if done and done.passed is not None else ""
        sure = 0.6 + min(0.3, 0.15 * (UPDATE_SMALL - ratio))
        return rule.failed(measured, sure, "the learning rate", picture=picture)
    return rule.passed(measured, picture=picture)
