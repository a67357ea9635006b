"""What can be seen of the learning rate: how far a step goes, and what becomes of that."""

import math
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
from .results import failed, part, passed, unseen

RISES = 1.3


def rate_falls(case: Evidence) -> Check:
    """After a warm-up, the learning rate stays or falls."""
    id, title = "lr_growing", "the learning rate stays or falls"
    points = [(look.step, look.lr) for look in case.observations if look.lr > 0]
    if len(points) < 4 or points[-1][0] < 60:
        return unseen(id, title, "the learning rate was seen too seldom")
    steps, rates = np.array(points).T
    end = steps[-1]
    half = float(np.interp(end / 2, steps, rates))
    late = float(np.interp(0.8 * end, steps, rates))
    few = 1 if len(rates) < 12 else 2
    last, begun = float(np.median(rates[-few:])), float(np.median(rates[:2]))
    picture = Picture(
        "What becomes of the learning rate?",
        "lines",
        (Series("learning rate", tuple(steps), tuple(rates)),),
        log=True,
    )
    measured = f"from {begun:.3g} over {half:.3g} in the middle to {last:.3g}"
    planned = case.planned or end
    if last > 1.5 * half and last > 1.05 * late and last > 1.5 * begun and end > 0.4 * planned:
        return failed(id, title, measured, "stays or falls", 0.9, "the learning rate", picture)
    return passed(id, title, measured, "stays or falls", picture)


def _ratios(case: Evidence) -> list[float]:
    """Return each look's median update-to-weight ratio over the matrices, log10."""
    found = []
    for look in case.observations:
        values = [
            p.log_update_ratio
            for p in look.parameters
            if p.is_matrix and math.isfinite(p.log_update_ratio)
        ]
        if values:
            found.append(median(values))
    return found


def _update_picture(case: Evidence) -> Picture:
    names = [p.name for p in case.observations[-1].parameters if p.is_matrix][:8]
    series = []
    for name in names:
        points = [
            (look.step, p.log_update_ratio)
            for look in case.observations
            for p in look.parameters
            if p.name == name and math.isfinite(p.log_update_ratio)
        ]
        if points:
            x, y = zip(*points, strict=True)
            series.append(Series(name, tuple(x), tuple(y)))
    return Picture(
        "How far does a step move the weights?",
        "lines",
        tuple(series),
        y_label="update-to-weight ratio (log10)",
        levels=(("good", UPDATE_GOOD),),
    )


def rate_not_high(case: Evidence) -> Check:
    """Steps are not so long that the loss diverges, or rests where it began."""
    id, title = "lr_too_high", "steps that are not too long"
    ratios = _ratios(case)
    if not ratios or len(case.losses) < 10:
        return unseen(id, title, "too few steps were seen")
    ratio = median(ratios[1:] or ratios)
    picture = _update_picture(case)
    finite = case.losses[np.isfinite(case.losses)]
    began = float(finite[0]) if len(finite) else math.nan
    reference = max(began, case.uniform if math.isfinite(case.uniform) else began)
    top = float(finite[1:].max()) if len(finite) > 1 else math.nan
    burst = not np.isfinite(case.losses).all() or case.ended > RISES * reference + 0.1
    leaps = top > 3 * reference + 1
    measured = f"a step changes weights by {part(ratio)} of their size"
    trial = case.experiments.get("other_rates")
    better = _lower_is_better(case)
    if burst and (ratio > -2.2 or leaps):
        measured += f"; the loss went from {began:.3g} to {case.ended:.3g}, at most {top:.3g}"
        return failed(
            id,
            title,
            measured,
            "about 1/1,000, and a loss that falls",
            0.85,
            "the learning rate",
            picture,
        )
    if better and ratio > -2.6 and (len(case.losses) >= 100 or ratio > UPDATE_LARGE):
        assert trial is not None
        measured += f". {trial.measured}"
        sure = 0.8 if ratio > UPDATE_LARGE or leaps else 0.62
        return failed(
            id, title, measured, "no lower rate learns better", sure, "the learning rate", picture
        )
    stuck = case.ended > 0.9 * reference
    at_once = _first_ratio(case)
    if at_once > UPDATE_TOO_LARGE and (leaps or burst or stuck):
        measured = f"the first steps change weights by {part(at_once)} of their size"
        measured += f"; the loss went from {began:.3g} to {case.ended:.3g}, at most {top:.3g}"
        return failed(id, title, measured, "about 1/1,000", 0.9, "the learning rate", picture)
    if ratio > UPDATE_LARGE and stuck and at_once > UPDATE_LARGE:
        measured += f", and the loss rests at {case.ended:.3g}"
        return failed(id, title, measured, "about 1/1,000", 0.7, "the learning rate", picture)
    if leaps and ratio > -2:
        measured += f"; the loss jumped to {top:.3g}"
        return failed(id, title, measured, "about 1/1,000", 0.6, "the learning rate", picture)
    return passed(id, title, measured, "about 1/1,000", picture)


def _first_ratio(case: Evidence) -> float:
    """Return the largest early median update-to-weight ratio; -inf if there is none."""
    found = []
    for look in case.observations[:4]:
        sized = {
            x.parameter
            for x in look.layers
            if not x.is_embedding and has_grown(x.weight_std, x.fan_in)
        }
        values = [
            p.log_update_ratio
            for p in look.parameters
            if p.name in sized and math.isfinite(p.log_update_ratio)
        ]
        if values:
            found.append(median(values))
    return max(found, default=-math.inf)


def _lower_is_better(case: Evidence) -> bool:
    """Whether a tenth or a third of the rate gets far lower on the same batches."""
    rates = case.result(OtherRates)
    if rates is None:
        return False
    begun, same = rates.before, rates.losses[1.0]
    lower = rates.finite(0.1, 1 / 3)
    if not lower or not math.isfinite(begun):
        return False
    best = min(lower)
    if not math.isfinite(same):
        return True
    # Near the floor of the loss every lower rate is better, by next to nothing.
    if same - best < 0.04 * (case.uniform if math.isfinite(case.uniform) else begun):
        return False
    return (best < 0.78 * same and best < 0.9 * begun) or (same > 1.15 * begun and best < begun)


def rate_not_low(case: Evidence) -> Check:
    """Steps are not so short that nothing comes of them."""
    id, title = "lr_too_low", "steps that are not too short"
    ratios = _ratios(case)
    if not ratios or len(case.losses) < 10:
        return unseen(id, title, "too few steps were seen")
    ratio = max(ratios[1:] or ratios)  # a schedule may have come down since
    picture = _update_picture(case)
    measured = f"a step changes weights by at most {part(ratio)} of their size"
    trial = case.experiments.get("other_rates")
    gain = math.nan
    if rates := case.result(OtherRates):
        begun, same = rates.before, rates.losses[1.0]
        higher = rates.finite(3.0, 10.0, 100.0)
        if higher and math.isfinite(same) and begun > 0:
            gain = (min(same, begun) - min(higher)) / abs(begun)
    stands = case.ended > 0.7 * case.began
    rests = case.ended > 0.97 * case.began
    if ratio < UPDATE_SMALL and (gain > 0.04 or rests or (ratio < UPDATE_SMALL - 0.8 and stands)):
        if trial and trial.passed is not None:
            measured += f". {trial.measured}"
        sure = 0.6 + min(0.3, 0.15 * (UPDATE_SMALL - ratio))
        return failed(id, title, measured, "about 1/1,000", sure, "the learning rate", picture)
    return passed(id, title, measured, "about 1/1,000", picture)


RULES = (
    rate_falls,
    rate_not_high,
    rate_not_low,
)
