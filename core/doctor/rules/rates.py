"""Rules on the learning rate: its height, its schedule, and the clipping of gradients."""

import math
from collections.abc import Sequence
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
from ..experiments.learning_experiments import OtherRates
from ..experiments.reference_networks import References
from ..watch.training_kind import RANGE_TEST
from .rule import Rule, rule
from .updates import LINE_SEARCH, MIN_STEPS

CLIPPED = 0.1
"""Part of the gradient that is left of it by clipping, below which a step is that much shorter."""
HARDLY_LEFT, STAYS, MANY_STEPS = 0.02, 0.9, 100
"""Part of the gradient, and then of the first loss, that so many clipped steps leave."""
EARLY = 0.4
"""Part of the planned steps, before which a warm-up may well not have ended."""
NEARLY_ALL, FEW = 0.8, 0.2
"""Parts of the steps of a schedule: those of the optimiser, and its own, by which it was meant to
do one with each of these."""
NEARLY = 0.05
"""Part of its height by which a linear warm-up may miss a straight line from zero."""
LR_GONE, LONG_BEFORE = 3e-3, 0.6
"""Share of the highest learning rate below which steps do nothing; and of the steps by then."""
MANY_RATES = 30
"""Learning rates that were observed, from which on the last two are near one another."""
MANY_CLIMBS = 4
"""Of eighteen parts of a run, those in which a rate that grows has grown."""
FALLING_PARTS, FALLS_LATE = 10, 0.4
"""Of a run; and the share of its fall that is in the second half where it falls as fast as ever."""
LR_GROWS = 1.5
"""Times the learning rate of the start and of the middle."""
DIVERGED = 1.3
"""Times the first loss, or that of a uniform guess."""
PRETRAINED, SPOILT = 0.8, 1.15
"""Parts of the loss of a uniform guess from which a trained network begins, and of that first loss
in which it ends where it was destroyed."""
SURELY = 4.0
"""Times by which the loss of one batch deviates from another's."""
JUMP = 3.0
LONG_STEP, LONG_STEP_WHERE_LOWER_IS_BETTER, LONG_STEP_WITH_JUMPS = -2.2, -2.6, -2.0
"""The log10 of the update-to-weight ratio at which other symptoms are blamed on the learning rate:
a loss that diverged, a lower rate that is better, jumps."""
MUCH_TOO_SMALL = UPDATE_SMALL - 0.8
SHORT, MUCH_BETTER = -3.5, 0.3
"""The log10 of the update-to-weight ratio, and the part of a loss that is about as at the start
which a far higher rate must bring, where steps that are not so short are too short all the same."""
WORTH_STARTING_AGAIN = 0.2
"""Part of the loss that as many steps again, or a new network of the same size, must bring."""
WORTH_CHANGING = 0.04
"""Part of the loss that another learning rate must bring."""
BELOW_NOW = 0.01
"""Part of a guess's loss by which a lower rate must come below the loss as it is."""
LOWERS, RECOVERED = 0.95, 0.5
"""Parts of a loss, below which a lower rate must take it; and jumps of a higher one are past."""
STANDS, SHAKEN_OUT, BETTER = 0.985, 0.97, 0.95
"""Parts of a loss: of the one before, where it stands still; to which a lower rate takes it at
once; and that a new network of the same size reaches."""
SPOILS, KEEPS = 1.5, 1.2
"""Times a loss, to which the present rate takes it with an optimiser that begins anew, and up to
which a tenth of it does; the former also times that of a new network of the same size."""


@rule(
    "lr_growing",
    "learning-rate schedule",
    "After a warm-up, the learning rate is constant or falls, unless it is looked for: from steps"
    " that do nothing over four powers of ten. A one-cycle schedule that was cut off comes down"
    " later.",
    "constant or falling",
    "Smith 2017, Cyclical learning rates for training neural networks, section 3.3",
)
def lr_growing(rule: Rule, evidence: Evidence) -> Check:
    if evidence.training_kind == RANGE_TEST:
        return rule.not_checked("a learning-rate range test raises it deliberately")
    points = evidence.learning_rates
    if len(points) < 4 or points[-1][0] < 60:
        return rule.not_checked("the learning rate was observed in too few steps")
    steps, rates = np.array(points).T
    end = steps[-1]
    middle, late = (float(np.interp(part * end, steps, rates)) for part in (0.5, 0.8))
    start = float(np.median(rates[:2]))
    last = float(np.median(rates[-1 if len(rates) < MANY_RATES else -2 :]))
    picture = _rates_picture(points)
    measured = f"from {start:.3g} over {middle:.3g} in the middle to {last:.3g}"
    # Cycles and restarts rise, too, but not all the time.
    course = [float(np.interp(part * end, steps, rates)) for part in np.linspace(0.1, 1, 19)]
    rises = sum(b >= 0.99 * a for a, b in pairwise(course)) >= 0.9 * (len(course) - 1)
    # Once or twice it is set anew, by hand or by a plan: that is no growth.
    climbs = sum(b > 1.01 * a for a, b in pairwise(course))
    grows = (
        rises
        and climbs >= MANY_CLIMBS
        and last > LR_GROWS * max(start, middle)
        and last > 1.05 * late
    )
    if grows and (left := _cycle_cut_off(evidence)):
        return rule.not_checked(left)
    if grows and end > EARLY * (evidence.planned or end):
        return rule.failed(measured, 0.9, "the learning rate", picture=picture)
    return rule.passed(measured, picture=picture)


def _cycle_cut_off(evidence: Evidence) -> str:
    """Say that a one-cycle schedule was left before it came down; "" of any other."""
    done, planned = evidence.cycle
    cut_off = done < NEARLY_ALL * planned
    return f"a one-cycle schedule of {planned:,} steps was left after {done:,}" if cut_off else ""


@rule(
    "lr_vanished",
    "learning rate that lasts",
    f"The learning rate does not fall below {LR_GONE:.1%} of its maximum long before the end,"
    " unless a higher one would bring nothing any more. Where no rate is known, as of a momentum by"
    " hand, updates do not fall below that part of their first sizes, and neither over gradients.",
    "steps to the end",
)
def lr_vanished(rule: Rule, evidence: Evidence) -> Check:
    rates, implied = evidence.learning_rates, False
    if len(rates) < MIN_STEPS and evidence.loss_is_comparable:
        rates, implied = _updates_over_gradients(evidence), True
    if len(rates) < 5 or rates[-1][0] < 60:
        return rule.not_checked("the learning rate was observed in too few steps")
    top = median(size for _, size in rates[:MIN_STEPS]) if implied else max(r for _, r in rates)
    if not any(rate > 0 for _, rate in rates):
        return rule.not_checked("nothing is updated")
    picture = _rates_picture([(step, lr) for step, lr in rates if lr > 0])
    alive = [step for step, lr in rates if lr >= LR_GONE * top]
    measured = f"it falls from {top:.3g} to {rates[-1][1]:.3g}"
    if implied:
        measured = f"updates over gradients fall from {top:.3g} to {rates[-1][1]:.3g}"
    if alive[-1] >= LONG_BEFORE * rates[-1][0]:
        return rule.passed(measured, picture=picture)
    measured += f"; from step {alive[-1] + 1} of {rates[-1][0] + 1} on it is below 1/300 of that"
    if implied and not _updates_have_vanished(evidence, alive[-1]):
        return rule.passed(f"{measured}, and updates are not", picture=picture)
    if implied and (better := _another_is_far_better(evidence)):
        measured += f", and {better}"
        return rule.failed(measured, 0.85, "the learning-rate schedule", picture=picture)
    if implied:
        return rule.not_checked(f"{measured}, and nothing else is known to be better")
    found = evidence.result(OtherRates)
    if found is None or not math.isfinite(found.before):
        return rule.failed(measured, 0.75, "the learning-rate schedule", picture=picture)
    lower = found.finite(*found.losses)
    gain = (found.before - min(lower)) / abs(found.before) if lower and found.before else 0.0
    compared = evidence.result(References)
    if compared is not None and math.isfinite(compared.own):
        reached = min(x for x in (compared.longer, compared.same, compared.own) if math.isfinite(x))
        again = float(compared.own - reached) / abs(compared.own)
        if again > WORTH_STARTING_AGAIN:
            measured += f", and a copy that goes on, or one anew, reaches a loss {again:.0%} lower"
            return rule.failed(measured, 0.9, "the learning-rate schedule", picture=picture)
    if gain < WORTH_CHANGING:
        return rule.passed(f"{measured}, and a higher rate brings no more", picture=picture)
    measured += f", and some steps more at a higher rate would lower the loss by {gain:.0%}"
    return rule.failed(measured, 0.92, "the learning-rate schedule", picture=picture)


def _updates_over_gradients(evidence: Evidence) -> list[tuple[int, float]]:
    """Return steps, and the median over parameters of the size of the update by the gradient's."""
    found = []
    for step in evidence.observations:
        sizes = [p.update / p.gradient for p in step.parameters if p.gradient > 0]
        sizes = [size for size in sizes if math.isfinite(size)]
        found += [(step.step, median(sizes))] if sizes else []
    return found


def _updates_have_vanished(evidence: Evidence, after: int) -> bool:
    """Whether updates behind a step are next to nothing beside those of the first steps."""
    sizes = [
        (step.step, median(p.update for p in step.parameters))
        for step in evidence.observations
        if step.parameters
    ]
    first = median(size for _, size in sizes[:MIN_STEPS])
    late = [size for step, size in sizes if step > after]
    return bool(late) and max(late) < LR_GONE * first


def _another_is_far_better(evidence: Evidence) -> str:
    """Say by how much another predictor, or a copy that goes on, beats the network; else ""."""
    found = evidence.result(References)
    if found is None or not found.is_new or not found.own > 0:
        return ""
    known = [x for x in (found.best_baseline, found.same, found.longer) if math.isfinite(x)]
    lower = 1 - min(known, default=found.own) / found.own
    if lower <= WORTH_STARTING_AGAIN:
        return ""
    return f"on the same new examples a loss {lower:.0%} lower is reached without it"


def _median_ratios(evidence: Evidence) -> list[float]:
    """Return the median of the update-to-weight ratios of all matrices in each step, log10."""
    found = []
    for step in evidence.observations:
        ratios = [p.log_update_ratio for p in step.parameters if p.is_matrix]
        ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
        if ratios:
            found.append(median(ratios))
    return found


def _rates_picture(points: Sequence[tuple[int, float]]) -> Picture:
    curve = Series("learning rate", *zip(*points, strict=True))
    return Picture("Learning rate", "lines", (curve,), log=True)


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
    f" of the weights (in the first steps 10^{UPDATE_TOO_LARGE:g}); that of a pretrained network"
    f" does not end above {SPOILT:g} of its first one.",
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
    broke_down = len(finite) < len(evidence.losses)
    # Gradients may be computed by hand, so that a loss is all that is seen of the network.
    by_hand = all(x.evaluates and not x.has_backward for x in evidence.observations)
    if not (evidence.loss_is_comparable or by_hand or broke_down):
        return rule.not_checked(f"{evidence.training_kind}: the height of its loss says nothing")
    if any(x.optimizer in LINE_SEARCH for x in evidence.observations) and not broke_down:
        return rule.not_checked("this optimiser looks for the length of each step by itself")
    diverged = broke_down or evidence.ended > DIVERGED * reference + 0.1
    jumps = top > JUMP * reference + 1
    stays = evidence.ended > 0.9 * reference
    measured = f"the update-to-weight ratio is {_ratio_in_words(ratio)}"
    course = f"; the loss went from {start:.3g} to {evidence.ended:.3g}, at most {top:.3g}"
    where, picture, expected, sure = "the learning rate", _ratio_picture(evidence), "", 0.0
    if _is_spoilt(evidence, start) and ratio > LONG_STEP and evidence.loss_is_comparable:
        measured += f"{course}: what was known at the start is destroyed"
        expected, sure = "about 1/1,000, and a loss that stays below that of the start", 0.85
    elif diverged and (ratio > LONG_STEP or jumps):
        measured, expected, sure = measured + course, "about 1/1,000, and a falling loss", 0.85
    elif (
        _lower_is_better(evidence)
        and ratio > LONG_STEP_WHERE_LOWER_IS_BETTER
        and (len(evidence.losses) >= 100 or ratio > UPDATE_LARGE)
    ):
        measured += f". {evidence.experiments['other_rates'].measured}"
        expected, sure = "no better lower rate", 0.8 if ratio > UPDATE_LARGE or jumps else 0.62
    elif ratio > LONG_STEP_WITH_JUMPS and (words := _held_up(evidence) or _thrown_about(evidence)):
        measured, expected, sure = f"{measured}, and {words}", "no better lower rate", 0.7
    elif at_start > UPDATE_TOO_LARGE and (jumps or diverged or stays):
        measured = f"at the start the update-to-weight ratio is {_ratio_in_words(at_start)}"
        measured, sure = measured + course, 0.9
    elif ratio > UPDATE_LARGE and stays and at_start > UPDATE_LARGE:
        measured, sure = f"{measured}, and the loss stays at {evidence.ended:.3g}", 0.7
    elif jumps and ratio > LONG_STEP_WITH_JUMPS and not _has_recovered(evidence, start):
        measured, sure = f"{measured}; the loss jumped to {top:.3g}", 0.6
    if not sure:
        return rule.passed(measured, picture=picture)
    return rule.failed(measured, sure, where, expected, picture)


def _is_spoilt(evidence: Evidence, start: float) -> bool:
    """Whether a network that knew something at the start ends surely above that loss."""
    late = evidence.losses[-max(4, len(evidence.losses) // 4) :]
    late = late[np.isfinite(late)]
    noise = float(np.diff(late).std()) / math.sqrt(2) if len(late) > 3 else math.inf
    risen = evidence.ended > SPOILT * start and evidence.ended - start > SURELY * noise
    return start < PRETRAINED * evidence.uniform and risen


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
    if same - best < WORTH_CHANGING * scale or before - best < BELOW_NOW * scale:
        return False
    # An optimiser that begins anew moves further at first: by that alone its loss rises, too.
    rises = same > 1.15 * before and best < LOWERS * before
    return rises or (best < 0.78 * same and best < 0.9 * before)


def _held_up(evidence: Evidence) -> str:
    """Say that its rate alone keeps a network from learning more; "" where it need not be that.

    A lower rate takes any loss a little further, at once; here that has long stood still, and a
    network as large, trained anew on the same examples, comes surely below it.
    """
    rates, compared = evidence.result(OtherRates), evidence.result(References)
    means = evidence.smooth(3)
    if rates is None or compared is None or len(means) < 3 or not means[2] > STANDS * means[1]:
        return ""
    lower = rates.finite(0.1, 1 / 3)
    if not lower or not min(lower) < SHAKEN_OUT * min(rates.before, rates.losses[1.0]):
        return ""
    lead = compared.own - compared.same
    if not (compared.same < BETTER * compared.own and lead > 2 * compared.same_error):
        return ""
    return (
        f"the loss stands still. {evidence.experiments['other_rates'].measured} A network as large,"
        f" trained anew, reaches {compared.same:.3g} where this one has {compared.own:.3g}"
    )


def _thrown_about(evidence: Evidence) -> str:
    """Say that its steps lead across a minimum rather than down; "" where they need not.

    From where it is, they lead far up, and those of a tenth do not. Optimisers that begin anew lead
    up for a while in any training; here the loss stands still, and even in training it is far above
    what a network as large, trained anew, has on new examples.
    """
    rates, compared = evidence.result(OtherRates), evidence.result(References)
    means = evidence.smooth(3)
    if rates is None or compared is None or len(means) < 3 or not means[2] > STANDS * means[1]:
        return ""
    tenth, same = rates.losses.get(0.1, math.inf), rates.losses[1.0]
    if not (tenth < KEEPS * rates.before and same > SPOILS * max(tenth, rates.before)):
        return ""
    if not min(compared.own, evidence.ended) > SPOILS * compared.same:
        return ""
    return (
        f"the loss stands still. {evidence.experiments['other_rates'].measured} A network as large,"
        f" trained anew, reaches {compared.same:.3g} on the same examples where this one has"
        f" {compared.own:.3g}"
    )


def _has_recovered(evidence: Evidence, start: float) -> bool:
    """Whether the loss came far below where it began, and no lower rate would do better."""
    tried = evidence.result(OtherRates) is not None
    return tried and evidence.ended < RECOVERED * start and not _lower_is_better(evidence)


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
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: the height of its loss says nothing")
    if any(x.optimizer in LINE_SEARCH for x in evidence.observations):
        return rule.not_checked("this optimiser looks for the length of each step by itself")
    picture = _ratio_picture(evidence)
    measured, sure = _too_short(evidence, ratios)
    if sure:
        return rule.failed(measured, sure, "the learning rate", picture=picture)
    return rule.passed(measured, picture=picture)


def _too_short(evidence: Evidence, ratios: list[float]) -> tuple[str, float]:
    """Say how long steps are, and how sure it is that they are far too short; else 0."""
    ratio = max(ratios[1:] or ratios)  # a schedule may have come down since
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
    nearly_stays = evidence.ended > STAYS * evidence.began
    far_better = ratio < SHORT and nearly_stays and gain > MUCH_BETTER
    if not (far_better or (ratio < UPDATE_SMALL and too_small)):
        return measured, 0.0
    done = evidence.experiments.get("other_rates")
    measured += f". {done.measured}" if done and done.passed is not None else ""
    return measured, 0.6 + min(0.3, 0.15 * max(0.0, UPDATE_SMALL - ratio))


def _steps_too_short(evidence: Evidence) -> str:
    """Say how long steps are where they are far too short; "" where they are not, or unknown."""
    ratios = _median_ratios(evidence)
    line_search = any(x.optimizer in LINE_SEARCH for x in evidence.observations)
    if not ratios or len(evidence.losses) < 10 or not evidence.loss_is_comparable or line_search:
        return ""
    measured, sure = _too_short(evidence, ratios)
    return measured if sure else ""


@rule(
    "clipping_too_strong",
    "clipping of the gradient",
    f"Clipping leaves {CLIPPED:.0%} of the gradient or more, or the steps are long enough all the"
    f" same; of SGD's gradient {HARDLY_LEFT:.0%}, or the loss falls all the same.",
    "only steps that are too long",
    "Pascanu, Mikolov and Bengio 2013",
)
def clipping_too_strong(rule: Rule, evidence: Evidence) -> Check:
    clipped = [x for x in evidence.observations if x.scale >= 1 and math.isfinite(x.clipped)]
    if not clipped:
        return rule.not_checked("no optimiser was seen to find the gradient")
    left = [x.clipped * x.scale for x in clipped]
    measured = f"in the median it leaves {median(left):.2g} of the gradient"
    scale = clipped[-1].scale
    if median(left) < CLIPPED and (short := _steps_too_short(evidence)):
        if scale > 1:
            short += f"; the loss is scaled by {scale:,.0f}, so that unscale_() comes first"
        return rule.failed(f"{measured}; {short}", 0.93, "the clipping")
    # Adam's steps are as long of a small gradient as of a large one.
    plain = evidence.observations[-1].optimizer == "SGD"
    stays = evidence.ended > STAYS * evidence.began and len(evidence.losses) >= MANY_STEPS
    if median(left) < HARDLY_LEFT and plain and stays and evidence.loss_is_comparable:
        measured += f"; the loss goes from {evidence.began:.3g} to {evidence.ended:.3g}"
        return rule.failed(measured, 0.85, "the clipping")
    return rule.passed(measured)


@rule(
    "warmup_too_long",
    "end of the warm-up",
    "A learning rate that begins near 0 comes to its height before the end, or the steps are long"
    " enough all the same and the loss does not fall as fast as ever. A one-cycle schedule of as"
    " many steps as the optimiser does them with it.",
    "some per cent of the steps",
    "Goyal et al. 2017, section 2.2",
)
def warmup_too_long(rule: Rule, evidence: Evidence) -> Check:
    rates = evidence.learning_rates
    done, planned = evidence.cycle
    # One that is meant for epochs has far fewer steps than the optimiser does.
    as_many = planned * NEARLY_ALL <= evidence.done <= planned / NEARLY_ALL
    if as_many and done < planned * FEW:
        measured = (
            f"a schedule of {planned:,} steps has done {done:,} of them in {evidence.done:,} steps"
            " of the optimiser, as where it does one in each epoch"
        )
        return rule.failed(measured, 0.93, "the schedule", picture=_rates_picture(rates))
    if not as_many and (left := _cycle_cut_off(evidence)):
        return rule.not_checked(left)
    if len(rates) < 5 or rates[-1][0] < 60:
        return rule.not_checked("the learning rate was observed in too few steps")
    if rates[-1][0] < EARLY * evidence.planned:
        return rule.not_checked("it may be in the middle of its warm-up")
    steps, heights = np.array(rates).T
    slope, begin = np.polyfit(steps, heights, 1)
    error = float(np.abs(begin + slope * steps - heights).max())
    climbs = slope > 0 and max(error, abs(begin)) < NEARLY * float(heights.max())
    measured = f"from {rates[0][1]:.3g} to {rates[-1][1]:.3g}"
    why = _steps_too_short(evidence) or _still_falls(evidence)
    if climbs and why:
        measured = f"the rate still climbs, {measured} in the last step; {why}"
        return rule.failed(measured, 0.93, "the warm-up", picture=_rates_picture(rates))
    return rule.passed("it does not climb to the end" if not climbs else measured)


def _still_falls(evidence: Evidence) -> str:
    """Say that the loss is lowest at the end, where it falls as fast as ever; else ""."""
    means = evidence.smooth(FALLING_PARTS)
    if len(means) < FALLING_PARTS or not evidence.loss_is_comparable or np.isnan(means).all():
        return ""
    lowest = means[-1] <= np.nanmin(means) + 0.01 * abs(means[-1])
    late = means[len(means) // 2] - means[-1]
    if lowest and late > FALLS_LATE * (means[0] - means[-1]) > 0:
        return f"the loss of {evidence.ended:.3g} falls as fast as ever"
    return ""
