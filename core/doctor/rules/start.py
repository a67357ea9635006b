"""What can be seen from the first steps on: first weights, layers, the loss, what learns at all."""

import math
from statistics import median

from ...telemetry.layer_health import (
    SATURATION,
    SATURATION_AT_START,
    SIGNAL_FADED,
    SIGNAL_GROWN,
    START,
)
from ..diagnosis import Check, Picture, Series
from ..evidence import Evidence
from ..experiments.step_experiments import TermGradients
from ..watch.observation import Observation, ObservedParameter
from .results import failed, passed, some, unseen

SURPRISED = 1.5
"""Times ln K, and half a nat: a first loss above is a confident wrong guess (makemore, part 3)."""

FEW_UNITS = 8

ROUNDED = 1e-6
"""Of a float32 parameter's size: a step below is lost, or nearly, in its seven digits."""


def first_loss(case: Evidence) -> Check:
    """The first loss is that of a uniform guess, and the signal reaches the end.

    Source: makemore, part 3 ("fixing the initial loss"); He et al. 2015.
    """
    id, title = "bad_init_scale", "initialisation scale"
    first = case.first
    if first is None or first.step > START:
        return unseen(id, title, "the first steps were not seen")
    seen = first.criterion
    last = next((x for x in reversed(first.layers) if x.is_output), None)
    if (
        seen.is_classification
        and math.isfinite(seen.value)
        and seen.kind not in ("mse_loss", "square")
    ):
        allowed = SURPRISED * seen.uniform + 0.5
        if seen.value > allowed and seen.normalised:
            excess = seen.value / seen.uniform
            return failed(
                id,
                title,
                f"the first loss is {seen.value:.2f}, {excess:.1f} times that of a uniform guess",
                f"about ln {seen.classes} = {seen.uniform:.2f}",
                min(0.9, 0.55 + 0.12 * excess),
                "the first weights",
            )
    hidden = [x for x in first.layers if not x.is_embedding and not x.is_output]
    if (
        last is not None
        and hidden
        and 0 < last.in_std < SIGNAL_FADED
        and not any(x.symmetric for x in hidden)
    ):
        return failed(
            id,
            title,
            f"what reaches the last layer has a spread of {last.in_std:.1g}",
            "about 1",
            0.8,
            hidden[0].name,
            _spreads(first),
        )
    wild = [
        x
        for x in hidden
        if x.out_std > 30 * max(x.in_std, 0.05) and not x.nonlinearity.startswith("t")
    ]
    if wild and wild[-1].out_std > SIGNAL_GROWN:
        return failed(
            id,
            title,
            f"the signal grows to a spread of {max(x.out_std for x in hidden):.3g}",
            "about 1",
            0.75,
            wild[0].name,
            _spreads(first),
        )
    said = f"first loss {seen.value:.3g}" if math.isfinite(seen.value) else f"loss {first.loss:.3g}"
    wanted = f"about {seen.uniform:.3g}" if math.isfinite(seen.uniform) else "of its own scale"
    return passed(id, title, said, wanted, _spreads(first))


def _spreads(look: Observation) -> Picture | None:
    layers = [x for x in look.layers if not x.is_embedding]
    if len(layers) < 2:
        return None
    return Picture(
        "Does the signal keep its spread from layer to layer?",
        "bars",
        (Series("spread", tuple(range(len(layers))), tuple(x.out_std for x in layers)),),
        names=tuple(x.name for x in layers),
        x_label="layer",
        log=True,
    )


def saturated_at_first(case: Evidence) -> Check:
    """Before anything was learned, few units are saturated (makemore, part 3)."""
    id, title = "saturated_units", "saturated units"
    activated = [
        (look, x)
        for look in case.observations
        for x in look.layers
        if x.nonlinearity in ("tanh", "sigmoid") and not x.is_output and x.units >= FEW_UNITS
    ]
    if not activated:
        return unseen(id, title, "there is no tanh and no sigmoid between layers")
    first, last = case.observations[0], case.observations[-1]
    early = [x for look, x in activated if look is first and x.saturated > SATURATION_AT_START]
    late = [x for look, x in activated if look is last and x.saturated > SATURATION]
    picture = Picture(
        "Share of saturated units",
        "bars",
        (
            Series(
                "share",
                tuple(range(len([x for look, x in activated if look is last]))),
                tuple(x.saturated for look, x in activated if look is last),
            ),
        ),
        names=tuple(x.name for look, x in activated if look is last),
        x_label="layer",
        levels=(("too many", SATURATION_AT_START),),
    )
    if early:
        worst = max(early, key=lambda x: x.saturated)
        return failed(
            id,
            title,
            f"{worst.saturated:.0%} of {worst.name}'s {worst.nonlinearity} units"
            " from the first step on",
            f"below {SATURATION_AT_START:.0%}",
            0.45 + 0.45 * worst.saturated,
            worst.name,
            picture,
        )
    if late:
        worst = max(late, key=lambda x: x.saturated)
        return failed(
            id,
            title,
            f"{worst.saturated:.0%} of {worst.name}'s {worst.nonlinearity} units",
            f"below {SATURATION:.0%}",
            0.45 if worst.saturated < 0.95 else 0.6,
            worst.name,
            picture,
        )
    worst = max((x for _, x in activated), key=lambda x: x.saturated)
    return passed(
        id, title, f"at most {worst.saturated:.0%}", f"below {SATURATION_AT_START:.0%}", picture
    )


def units_differ(case: Evidence) -> Check:
    """The units of a layer are not all one and the same."""
    id, title = "symmetric_init", "units that differ"
    first = case.first
    hidden = [x for x in first.layers if not x.is_output and x.units > 1] if first else []
    if not hidden:
        return unseen(id, title, "there is no hidden layer")
    alike = [x.name for x in hidden if x.symmetric]
    if alike:
        measured = "all units of a layer say exactly the same"
        return failed(id, title, measured, "each unit its own weights", 0.95, some(alike))
    return passed(id, title, f"they do in {len(hidden)} layers", "each unit its own weights")


def suitable_loss(case: Evidence) -> Check:
    """For one of several answers, the loss asks for the probability of the right one."""
    id, title = "wrong_loss", "a loss that suits the task"
    first = case.first
    if first is None or not first.criterion.kind:
        return unseen(id, title, "the loss was not understood")
    seen = first.criterion
    between = f"{seen.kind.replace('_', ' ')}"
    if seen.one_hot and seen.kind in (
        "mse_loss",
        "square",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
    ):
        measured = f"{between} against one-hot rows of {seen.classes} classes"
        return failed(id, title, measured, "cross-entropy", 0.8, "the loss")
    if seen.kind == "cross_entropy" and seen.classes == 1:
        return failed(id, title, "cross-entropy of a single output", "one for each class", 0.9, "")
    if seen.output_nonlinearity and seen.kind in (
        "cross_entropy",
        "binary_cross_entropy_with_logits",
    ):
        measured = f"scores come out of {seen.output_nonlinearity}, and into {between}"
        return failed(id, title, measured, "scores of any size", 0.8, "the last layer")
    if not seen.normalised and seen.kind == "nll_loss":
        return failed(id, title, "nll_loss of scores", "of log-probabilities", 0.85, "the loss")
    if not seen.normalised and seen.kind == "nll_by_hand" and not seen.softmax_over_batch:
        return failed(
            id, title, "what is picked are no probabilities", "softmax before", 0.8, "the loss"
        )
    return passed(id, title, between, "cross-entropy for classes, squared error for quantities")


def one_softmax(case: Evidence) -> Check:
    """Scores, and not probabilities, go into cross-entropy (and logits into a sigmoid)."""
    id, title = "double_softmax", "one softmax"
    seen = [look.criterion for look in case.observations if look.criterion.kind]
    if not seen or seen[0].kind in ("mse_loss", "square", "l1_loss"):
        return unseen(id, title, "there is no softmax")
    if any(x.double_softmax for x in seen) or all(x.outputs_are_probabilities for x in seen):
        measured = "what goes into the loss's softmax has gone through one"
        return failed(id, title, measured, "scores of any size", 0.95, "before the loss")
    return passed(id, title, "scores go into it", "scores of any size")


def layers_bend(case: Evidence) -> Check:
    """There is a nonlinearity between two matrix products, unless the first is a bottleneck."""
    id, title = "no_nonlinearity", "a nonlinearity between layers"
    look = case.last
    if look is None or len([x for x in look.layers if not x.is_embedding]) < 2:
        return unseen(id, title, "there are no two layers")
    by_name = {x.name: x for x in look.layers}
    pairs = []
    for before, after in look.linear_pairs:
        a, b = by_name.get(before), by_name.get(after)
        if a and b and not a.is_embedding and a.units >= min(a.fan_in, b.units):
            pairs.append(f"{before} and {after}")
    if pairs:
        measured = "a product of a product"
        return failed(id, title, measured, "tanh, relu, ...", 0.9, some(pairs, 2))
    return passed(id, title, "there is", "tanh, relu, ...")


def everything_learns(case: Evidence) -> Check:
    """Every parameter gets a gradient, is known to the optimiser, and moves."""
    id, title = "parameter_not_trained", "every parameter is trained"
    found = _idle(case)
    if found is None:
        return unseen(id, title, "no complete step was observed")
    idle = [(p, why) for p, why in found if not _frozen(p)]
    if idle:
        names = [p.name for p, _ in idle]
        why = idle[0][1]
        sure = 0.55 if all(not p.used for p, _ in idle) else 0.9
        return failed(id, title, f"{some(names)}: {why}", "all move", sure, some(names))
    count = len(case.observations[-1].parameters)
    return passed(id, title, f"{count} parameters move", "all move")


def nothing_frozen(case: Evidence) -> Check:
    """No layer that takes part rests."""
    id, title = "frozen_layer", "no layer is frozen"
    found = _idle(case)
    if found is None:
        return unseen(id, title, "no complete step was observed")
    idle = [p.name for p, _ in found if _frozen(p)]
    if idle:
        measured = f"{some(idle)} asks for no gradient, or has a learning rate of 0"
        return failed(id, title, measured, "all layers learn", 0.88, some(idle))
    return passed(id, title, "none", "all layers learn")


def _frozen(p: ObservedParameter) -> bool:
    rests = not p.requires_grad and "." in p.name
    return rests or (p.requires_grad and p.in_optimizer is True and p.optimizer_lr == 0)


def _idle(case: Evidence) -> list[tuple[ObservedParameter, str]] | None:
    """Return the parameters that never move, each with why; None if nothing moved at all."""
    looks = [x for x in case.observations if any(p.update > 0 for p in x.parameters)]
    if not looks:
        return None
    moved = {p.name for look in looks for p in look.parameters if p.update > 0}
    reached = {p.name for look in looks for p in look.parameters if p.gradient > 0}
    # A bias in front of a batch norm, or what only zeros come to, has a gradient of nothing.
    still: dict[str, tuple[ObservedParameter, str]] = {}
    for look in looks:
        for p in look.parameters:
            if p.name in moved or p.name.startswith("a parameter of"):
                continue
            if not p.requires_grad and p.used:
                still[p.name] = (p, "it asks for no gradient")
            elif p.requires_grad and p.used and math.isnan(p.gradient):
                still[p.name] = (p, "no gradient reaches it")
            elif p.requires_grad and not p.used:
                still[p.name] = (p, "the loss is not made with it")
            elif p.name in reached and p.in_optimizer is False:
                still[p.name] = (p, "the optimiser does not know it")
            elif p.name in reached and not _rounded_off(p, look):
                still[p.name] = (p, "it has a gradient, and the update leaves it out")
    if not len(looks) > 1 and case.observations[-1].step > 5:
        return list(still.values())
    return list(still.values()) if len(looks) > 1 else []


def _rounded_off(p: ObservedParameter, look: Observation) -> bool:
    """Whether a step as long as that of the others would be too short for its digits."""
    rates = [q.implied_lr for q in look.parameters if q.update > 0 and math.isfinite(q.implied_lr)]
    return bool(rates) and median(rates) * p.gradient < ROUNDED * p.std


def whole_loss_learns(case: Evidence) -> Check:
    """Every part of the loss has a gradient."""
    id, title = "detached_regulariser", "every part of the loss has a gradient"
    looks = [look for look in case.observations if look.terms]
    if not looks:
        return unseen(id, title, "the loss has one part")
    idle = [
        [
            t.value
            for t in look.terms
            if not t.requires_grad and not t.is_criterion and abs(t.value) > 1e-7
        ]
        for look in looks
    ]
    if sum(1 for values in idle if values) > len(looks) / 2:
        values = [v[0] for v in idle if v]
        changes = len(values) > 1 and max(values) - min(values) > 1e-6 * max(map(abs, values))
        measured = f"a part of {values[-1]:.3g} is added without one"
        return failed(id, title, measured, "all parts learn", 0.85 if changes else 0.5, "the loss")
    return passed(id, title, f"{len(looks[-1].terms)} parts", "all parts learn")


def penalty_small(case: Evidence) -> Check:
    """What is added to the criterion does not outweigh it."""
    id, title = "regulariser_dominates", "the task outweighs the penalty"
    trial = case.experiments.get("terms_weighed")
    if trial is not None and trial.passed is False:
        found = case.result(TermGradients)
        sure = min(0.9, 0.6 + 0.1 * math.log10(max(1.0, found.share if found else 1.0)))
        return failed(id, title, trial.measured, trial.expected, sure, "the loss")
    first, last = case.first, case.last
    heavy = _heavy_at_first(case)
    if heavy:
        return failed(id, title, heavy, "the criterion leads", 0.85, "the loss")
    if first and last and last.step > first.step + 20:
        before = {p.name: p.std for p in first.parameters}
        drawn = [
            p
            for p in last.parameters
            if p.is_matrix and p.weight_decay > 0.3 and p.std < 0.2 * before.get(p.name, 0.0)
        ]
        if drawn:
            p = drawn[0]
            measured = (
                f"with a weight decay of {p.weight_decay:g}, {p.name} has shrunk to {p.std:.2g}"
            )
            return failed(id, title, measured, "weights that grow", 0.8, p.name)
    if trial is None or trial.passed is None:
        return unseen(id, title, "the loss has one part")
    return passed(id, title, trial.measured, trial.expected)


def _heavy_at_first(case: Evidence) -> str:
    """Say what outweighed the criterion in the first steps; "" if nothing did."""
    for look in case.observations[:2]:
        task = sum(abs(t.value) for t in look.terms if t.is_criterion)
        rest = sum(abs(t.value) for t in look.terms if t.weights_only and t.requires_grad)
        if task and rest > 2 * task:
            return f"at first the task is {task:.3g} and the penalty {rest:.3g}"
    return ""


RULES = (
    first_loss,
    saturated_at_first,
    units_differ,
    suitable_loss,
    one_softmax,
    layers_bend,
    everything_learns,
    nothing_frozen,
    whole_loss_learns,
    penalty_small,
)
