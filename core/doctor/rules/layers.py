"""Rules on layers: initialisation, nonlinearities, activations and gradients.

Their thresholds are those of the layer table: :mod:`core.telemetry.layer_health`.
"""

import math
from collections.abc import Collection, Sequence
from statistics import median

from ...telemetry.layer_health import (
    DEAD,
    EXPLODING,
    EXPLODING_NOTICE,
    SATURATION,
    SATURATION_AT_START,
    SIGNAL_FADED,
    SIGNAL_GROWN,
    START,
    VANISHING,
    gradient_norm,
    gradient_ratio,
)
from ..diagnosis import Check, Picture, Series
from ..evidence import Evidence
from ..watch.observation import Observation, ObservedLayer, ObservedParameter
from .rule import SQUARED_LOSSES, Rule, names, rule

FIRST_LOSS, FIRST_LOSS_ALONE, FIRST_LOSS_MARGIN = 1.5, 3.0, 0.5
"""Times ln K, of several layers and of one, and nats above: a larger first loss is a confident
wrong guess."""
GROWS = 30.0
"""Times by which the standard deviation of a signal grows in one layer that is far too large."""
MANY_NONLINEAR = 4
"""Layers with a nonlinearity for each that lacks one, from which on much else may be worse."""
MIN_NEURONS, ALIKE = 4, 1e-5
"""Vectors of a layer's neurons, and by which part of them sizes differ that are computed alike."""
FEW_UNITS = 8
"""Of a layer, below which their saturated share says little."""
LEARNED = 0.1
"""The part of its first loss, below which units may well be saturated: outputs are sure there."""
VANISHING_EARLY, VANISHING_ON_PLATEAU = VANISHING / 5, 2.5 * VANISHING
"""In the first observations alone; and where the loss stays at the entropy of the labels."""
GROWING = 1.5
"""Times the gradients of the first half of the steps: a last one beyond that is still growing."""
GROWN_NORM = 100.0
"""Times the median, where gradients have no scale of their own."""
SMALL_TARGETS = 30.0
"""Targets of a regression up to this size have gradients of a known scale."""
DEAD_IN_A_CODE = 0.9
"""Share of dead units, where nothing but a code is learned."""
MIN_ROWS, FEW_ROWS, DEAD_OF_FEW = 16, 64, 0.8
"""Examples, below which a unit may be zero for all of them by chance, or well may; and the share of
dead units that says something then."""
NEARLY_ALL = 0.05
"""The part of a guess's loss, below which a layer's living units are enough."""
OFTEN = 0.3
"""Share of the observations in which the gradient's norm is too large."""


def _bars(title: str, what: str, found: Sequence[tuple[str, float]], limit: float = 0.0) -> Picture:
    """Return a bar for each layer, on a logarithmic scale if there is no limit."""
    places, values = tuple(range(len(found))), tuple(value for _, value in found)
    return Picture(
        title,
        "bars",
        (Series(what, places, values),),
        names=tuple(name for name, _ in found),
        x_label="layer",
        log=not limit,
        levels=(("limit", limit),) if limit else (),
    )


@rule(
    "bad_init_scale",
    "initialisation scale",
    f"The first loss is at most {FIRST_LOSS:g} times that of a uniform guess (of one layer"
    f" {FIRST_LOSS_ALONE:g} times) plus {FIRST_LOSS_MARGIN:g}, and the signal's standard deviation"
    f" stays between {SIGNAL_FADED:g} and {SIGNAL_GROWN:g}.",
    "about 1",
    "makemore, part 3 (fixing the initial loss); He et al. 2015",
)
def bad_init_scale(rule: Rule, evidence: Evidence) -> Check:
    first = evidence.first
    if first is None or first.step > START:
        return rule.not_checked("the first steps were not observed")
    loss = first.criterion
    outputs = [x for x in first.layers if x.is_output or x.units == loss.classes > 1]
    if any(x.frozen for x in outputs):  # alone, or beside what adapts it (Hu et al. 2021)
        return rule.not_checked("its output layer was trained before, and is frozen")
    if any(x.parameter in evidence.trained_before for x in outputs):  # for another task
        return rule.not_checked("its output layer was trained before")
    if any(
        x.of_unit_vectors for x in outputs
    ):  # of a fixed scale, less a margin (Deng et al. 2019)
        return rule.not_checked("its outputs are cosines, whatever the size of the weights")
    # One layer alone, or behind frozen ones, is convex: it finds its way from any weights of about
    # the right size.
    alone = len([x for x in first.layers if not x.is_embedding and not x.frozen]) == 1
    times = FIRST_LOSS_ALONE if alone else FIRST_LOSS
    if (
        loss.is_classification
        and evidence.loss_is_comparable
        and loss.normalised
        and loss.kind not in SQUARED_LOSSES
        and times * loss.uniform + FIRST_LOSS_MARGIN < loss.value < math.inf
    ):
        excess = loss.value / loss.uniform
        return rule.failed(
            f"the first loss is {loss.value:.2f}, {excess:.1f} times that of a uniform guess",
            min(0.9, 0.55 + 0.12 * excess),
            "the first weights",
            f"about ln {loss.classes} = {loss.uniform:.2f}",
        )
    layers = [x for x in first.layers if not x.is_embedding]
    hidden = [x for x in layers if not x.is_output]
    output = next((x for x in reversed(first.layers) if x.is_output), None)
    picture = None
    if len(layers) > 1:
        title = "Standard deviation of each layer's output"
        picture = _bars(title, "std", [(x.name, x.out_std) for x in layers])
    faded = output is not None and 0 < output.in_std < SIGNAL_FADED
    if output and hidden and faded and not any(x.symmetric for x in hidden):
        measured = f"the standard deviation of the last layer's input is {output.in_std:.1g}"
        return rule.failed(measured, 0.8, hidden[0].name, picture=picture)
    grown = [
        x
        for x in hidden
        if x.out_std > GROWS * max(x.in_std, 0.05) and not x.nonlinearity.startswith("t")
    ]
    if grown and grown[-1].out_std > SIGNAL_GROWN:
        largest = max(x.out_std for x in hidden)
        measured = f"the signal grows to a standard deviation of {largest:.3g}"
        return rule.failed(measured, 0.75, grown[0].name, picture=picture)
    known = math.isfinite(loss.value)
    measured = f"first loss {loss.value if known else first.loss:.3g}"
    expected = f"about {loss.uniform:.3g}" if math.isfinite(loss.uniform) else "of its own scale"
    return rule.passed(measured, expected, picture)


@rule(
    "symmetric_init",
    "symmetric initialisation",
    "The units of a layer differ.",
    "each unit its own weights",
    "makemore, part 3",
)
def symmetric_init(rule: Rule, evidence: Evidence) -> Check:
    first = evidence.first
    hidden = [x for x in first.layers if not x.is_output and x.units > 1] if first else []
    if not hidden and (alike := _neurons_alike(evidence)):
        return rule.failed("neurons of a layer have the same weights and gradients", 0.93, alike)
    if not hidden:
        return rule.not_checked("no hidden layer was observed")
    # Zeros that only begin a branch get different gradients at once: they are no fault.
    later = [step for step in evidence.observations[1:] if step.layers][:3]
    still = [{x.name for x in step.layers if x.symmetric} for step in later]
    symmetric = [x.name for x in hidden if x.symmetric and all(x.name in seen for seen in still)]
    if symmetric:
        measured = "all units of a layer compute the same"
        return rule.failed(measured, 0.95, names(symmetric))
    return rule.passed(f"units differ in {len(hidden)} layers")


def _neurons_alike(evidence: Evidence) -> str:
    """Return the vectors, each a neuron's own weights, that are moved alike in all steps; "".

    Those that are added to the same sum, such as the two biases of a gate, have the same gradient,
    too: they are two or three, and single numbers may be of neurons without any input.
    """
    first, steps = evidence.first, [x for x in evidence.observations if x.parameters]
    if first is None or first.step > START or len(steps) < MIN_NEURONS:
        return ""
    known: dict[tuple[int, ...], list[str]] = {}
    for p in first.parameters:
        if len(p.shape) == 1 and p.shape[0] > 1 and p.requires_grad and p.gradient > 0:
            known.setdefault(p.shape, []).append(p.name)
    for found in known.values():
        if len(found) >= MIN_NEURONS and all(_moved_alike(step, found) for step in steps[:6]):
            return names(found)
    return ""


def _moved_alike(step: Observation, found: Collection[str]) -> bool:
    """Whether parameters have the same size, gradient and update in a step, and are moved."""
    which = [p for p in step.parameters if p.name in found]
    sizes = [[getattr(p, what) for p in which] for what in ("std", "gradient", "update")]
    alike = all(max(x) - min(x) <= ALIKE * max(x) for x in sizes if x)
    return len(which) == len(found) and alike and min(sizes[2]) > 0


@rule(
    "no_nonlinearity",
    "nonlinearity between layers",
    "There is a nonlinearity between two layers, unless the first is a bottleneck, something else"
    " uses its output, too, or it ends one part of a network and the second begins another.",
    "tanh, relu, ...",
    "makemore, part 2",
)
def no_nonlinearity(rule: Rule, evidence: Evidence) -> Check:
    last = evidence.last
    if last is None or len([x for x in last.layers if not x.is_embedding]) < 2:
        return rule.not_checked("no two layers were observed")
    if any(x.frozen for x in last.layers) and not all(x.frozen for x in last.layers):
        return rule.not_checked("layers are frozen: adapters beside them need no nonlinearity")
    by_name = {x.name: x for x in last.layers}
    # What an encoder says may well be a linear code, which a projector or a decoder takes.
    nonlinear_parts = {_part(x.name) for x in last.layers if x.nonlinearity}
    linear = []
    for before, after in last.linear_pairs:
        a, b = by_name.get(before), by_name.get(after)
        parts = {_part(before), _part(after)}
        if len(parts) == 2 and parts <= nonlinear_parts:
            continue
        if a and b and not a.is_embedding and a.units >= min(a.fan_in, b.units):
            linear.append(f"{before} and {after}")
    if linear:
        nonlinear = sum(bool(x.nonlinearity) for x in last.layers)
        one_of_many = nonlinear > MANY_NONLINEAR * len(linear)
        sure = 0.6 if one_of_many else 0.9
        return rule.failed("a matrix product follows a matrix product", sure, names(linear, 2))
    return rule.passed("between all of them")


def _part(name: str) -> str:
    """Return the part of a network that a layer is in, such as ``encoder`` of ``encoder.2``."""
    return name.rpartition(".")[0]


def _hidden(evidence: Evidence, *nonlinearities: str) -> list[tuple[Observation, ObservedLayer]]:
    """Return the observations of hidden layers with one of some nonlinearities."""
    return [
        (step, layer)
        for step in evidence.observations
        for layer in step.layers
        if layer.nonlinearity in nonlinearities and not layer.is_output
    ]


@rule(
    "saturated_units",
    "saturated units",
    f"At the start at most {SATURATION_AT_START:.0%} of a layer's tanh or sigmoid activations are"
    f" saturated, later {SATURATION:.0%}.",
    f"at most {SATURATION_AT_START:.0%}",
    "makemore, part 3",
)
def saturated_units(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: its outputs may stand in the middle")
    found = [(s, x) for s, x in _hidden(evidence, "tanh", "sigmoid") if x.units >= FEW_UNITS]
    if not found:
        return rule.not_checked("no hidden tanh or sigmoid layer was observed")
    first, last = evidence.observations[0], evidence.observations[-1]
    now = [x for step, x in found if step is last]
    title = "Share of saturated activations"
    bars = [(x.name, x.saturated) for x in now]
    picture = _bars(title, "share", bars, SATURATION_AT_START)
    early = [x for step, x in found if step is first and x.saturated > SATURATION_AT_START]
    if early:
        worst = max(early, key=lambda x: x.saturated)
        measured = f"{worst.saturated:.0%} of {worst.name}'s {worst.nonlinearity} units"
        sure = 0.45 + 0.45 * worst.saturated
        return rule.failed(f"{measured} at the start", sure, worst.name, picture=picture)
    late = [x for x in now if x.saturated > SATURATION]
    if late and evidence.ended < LEARNED * evidence.began:
        return rule.passed("they are, but next to all is learned: it is sure of what it does")
    if late:
        worst = max(late, key=lambda x: x.saturated)
        measured = f"{worst.saturated:.0%} of {worst.name}'s {worst.nonlinearity} units"
        sure = 0.45 if worst.saturated < 0.95 else 0.6
        return rule.failed(measured, sure, worst.name, f"at most {SATURATION:.0%}", picture)
    most = max(x.saturated for _, x in found)
    return rule.passed(f"{most:.0%} at most", picture=picture)


@rule(
    "dead_units",
    "dead units",
    f"At most {DEAD:.0%} of a layer's relu units are zero for every example of a batch, of fewer"
    f" than {FEW_ROWS} examples {DEAD_OF_FEW:.0%}; or the loss is below {NEARLY_ALL:.0%} of that of"
    " a guess with the others.",
    f"at most {DEAD:.0%}",
    "makemore, part 3",
)
def dead_units(rule: Rule, evidence: Evidence) -> Check:
    found = [(s, x) for s, x in _hidden(evidence, "relu") if x.rows >= MIN_ROWS or not x.rows]
    if not found:
        why = "no hidden relu layer was observed, or too few examples in a batch"
        return rule.not_checked(why)
    first, last = evidence.observations[0], evidence.observations[-1]
    now = [x for step, x in found if step is last] or [found[-1][1]]
    picture = _bars("Share of dead units", "share", [(x.name, x.dead) for x in now], DEAD)
    worst = max(now, key=lambda x: x.dead - _most_dead(evidence, x))
    measured = f"{worst.dead:.0%} of {worst.name}'s units are zero for every example"
    if worst.dead > _most_dead(evidence, worst):
        # A loss may be divided by a number of parts: its criterion is not.
        loss = max(evidence.ended, last.criterion.value)
        part = loss / evidence.uniform if evidence.uniform > 0 else math.nan
        if part < NEARLY_ALL:  # the others are enough
            measured += f"; with the others the loss is {part:.1%} of that of a guess"
            return rule.passed(measured, picture=picture)
        early = [x.dead for step, x in found if x.name == worst.name and step is first]
        sure = 0.45 + 0.4 * worst.dead + (0.1 if early and early[0] > DEAD else 0.0)
        return rule.failed(measured, sure, worst.name, picture=picture)
    return rule.passed(measured, picture=picture)


def _most_dead(evidence: Evidence, layer: ObservedLayer) -> float:
    """Return the share of dead units that a layer may have; a code without labels may be sparse."""
    if not evidence.is_supervised:
        return DEAD_IN_A_CODE
    return DEAD_OF_FEW if 0 < layer.rows < FEW_ROWS else DEAD


def _weights(step: Observation) -> list[ObservedParameter]:
    """Return the weights of the layers, first to last, without embeddings."""
    by_name = {p.name: p for p in step.parameters}
    layers = [x for x in step.layers if not x.is_embedding]
    return [by_name[x.parameter] for x in layers if x.parameter in by_name]


def _behind_zeros(steps: Sequence[Observation]) -> set[str]:
    """Return the weights that have no gradient at all at first, and one later.

    They feed a product with zeros, as in a branch that begins at zero: an addition of low rank
    (Hu et al. 2021) or a residual branch. Their gradient grows with those zeros.
    """
    if steps[0].step > START:
        return set()
    none = {p.name for p in steps[0].parameters if p.gradient == 0}
    return none & {p.name for step in steps[1:] for p in step.parameters if p.gradient > 0}


@rule(
    "vanishing_gradient",
    "vanishing gradient",
    f"The gradient of the first layer's weights is more than {VANISHING:g} of the largest behind"
    " it. What feeds a branch that begins at zero has no gradient at first: it is judged by the"
    " later half of the steps, and as long as its gradient grows, not at all.",
    f"more than {VANISHING:g}",
    "Hochreiter 1991; makemore, parts 3 and 4",
)
def vanishing_gradient(rule: Rule, evidence: Evidence) -> Check:
    steps = [step for step in evidence.observations if len(_weights(step)) > 1]
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: several networks share the gradient")
    if not steps:
        return rule.not_checked("no two layers were observed")
    late = _behind_zeros(steps)
    judged = steps[1:] or steps
    middle = len(judged) // 2 if late else 0
    growing = _growing(judged[: middle + 1], judged[-1], late)
    ratios = _ratios(judged[middle:], growing)
    if growing and not ratios:
        return rule.passed(f"{names(sorted(growing))} begins without a gradient, and it grows")
    if not ratios:
        return rule.not_checked("no gradient was observed")
    # Adam makes long steps of small gradients, and the weights grow out of it: look early, too.
    ratio, at_first = median(ratios), _ratios(judged, late)[:3]
    early = median(at_first) if at_first else ratio
    if early < VANISHING_EARLY:
        ratio = min(ratio, early)
    weights = _weights(steps[-1])
    title = "Gradient of each layer's weights (root mean square)"
    picture = _bars(title, "gradient", [(p.name, p.gradient) for p in weights])
    measured = f"{weights[0].name} gets {ratio:.1e} of the largest gradient behind it"
    plateau = evidence.data is not None and evidence.ended > 0.97 * evidence.data.entropy
    if ratio < (VANISHING_ON_PLATEAU if plateau else VANISHING):
        sure = 0.6 + min(0.3, 0.1 * max(0.0, math.log10(VANISHING / max(ratio, 1e-12))))
        return rule.failed(measured, sure, weights[0].name, picture=picture)
    return rule.passed(measured, picture=picture)


def _growing(before: Sequence[Observation], last: Observation, of: Collection[str]) -> set[str]:
    """Return those of some weights whose gradient is still on its way up."""
    found: dict[str, list[float]] = {}
    for step in before:
        for p in step.parameters:
            if p.name in of:
                found.setdefault(p.name, []).append(p.gradient)
    return {
        p.name
        for p in last.parameters
        if p.name in found and p.gradient > GROWING * median(found[p.name])
    }


def _ratios(steps: Sequence[Observation], without: Collection[str] = ()) -> list[float]:
    """Return how large the first weights' gradient is in each step, where it can be said."""
    found = [
        gradient_ratio(p.gradient for p in _weights(step) if p.name not in without)
        for step in steps
    ]
    return [ratio for ratio in found if math.isfinite(ratio)]


def _has_scale(evidence: Evidence) -> bool:
    """Whether the loss is a mean of a known height, so that a norm of its gradient says much."""
    first = evidence.first
    if first is None or not evidence.loss_is_comparable or max(first.summed, first.scale) > 1:
        return False
    low, high = first.criterion.target_min, first.criterion.target_max
    small = not (max(abs(low), abs(high)) > SMALL_TARGETS)
    return first.criterion.is_classification or small


@rule(
    "exploding_gradient",
    "exploding gradient",
    f"The norm of all gradients together is above {EXPLODING_NOTICE:g} in at most {OFTEN:.0%} of"
    f" the observed steps, and never above {EXPLODING:,.0f}; of a sum, or a loss without a scale,"
    f" it is at most {GROWN_NORM:g} times its median.",
    f"below {EXPLODING_NOTICE:g}",
    "Pascanu, Mikolov and Bengio 2013",
)
def exploding_gradient(rule: Rule, evidence: Evidence) -> Check:
    by_scale = _has_scale(evidence)
    norms: list[tuple[int, float]] = []
    for step in evidence.observations:
        sizes = [(p.gradient, math.prod(p.shape)) for p in step.parameters if p.gradient >= 0]
        if sizes:
            norms.append((step.step, gradient_norm(sizes)))
    if not norms:
        return rule.not_checked("no gradient was observed")
    steps, values = zip(*norms, strict=True)
    picture = Picture(
        "Norm of the gradient",
        "lines",
        (Series("norm", steps, values),),
        log=True,
        levels=(("limit", EXPLODING_NOTICE),),
    )
    top = max(values)
    often = sum(norm > EXPLODING_NOTICE for norm in values) / len(values)
    measured = f"a norm of {median(values):.3g}, at most {top:.3g}"
    if not by_scale:
        # A sum over examples, or a loss of any height, has gradients of any size: only their
        # growth says something.
        grew = top > GROWN_NORM * median(values) and top > EXPLODING
        if math.isfinite(top) and not grew:
            return rule.passed(f"{measured}, which has no scale here", picture=picture)
    if not math.isfinite(top) or top > EXPLODING or often > OFTEN:
        sure = 0.55 + min(0.35, 0.1 * math.log10(max(1.0, min(top, 1e9) / EXPLODING_NOTICE)))
        return rule.failed(measured, sure, "the gradient", picture=picture)
    return rule.passed(measured, picture=picture)
