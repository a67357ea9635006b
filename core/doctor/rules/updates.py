"""Rules on the update: its direction, what it reaches, and what is lost of it."""

import math
from itertools import pairwise
from statistics import median

import numpy as np

from ...telemetry.layer_health import (
    UPDATE_SMALL,
)
from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.reference_networks import References
from ..watch.observation import Observation, ObservedLayer, ObservedParameter
from ..watch.training_kind import ACTOR, ADVERSARIAL, DIFFERENTIATES
from .rule import Rule, names, rule, wired

MIN_STEPS = 4
"""Observed steps in which nothing moves, before that is a fault: gradients may be accumulated."""
UPHILL, SLIGHTLY_UPHILL = 0.1, 0.05
"""Cosines between update and gradient: of the median, and of three of four steps."""
WORSE_THAN_CHANCE, MANY_ACCURACIES = 0.25, 3
"""Accuracy of two answers on new data, and how often it was measured, where the other one is
learned."""
ENDLESS, STILL_FALLS = 100.0, 1.2
"""Times the size of the first loss below zero, and times the loss of the middle of the run, where
nothing keeps a term of it from going on."""
MIN_PAIRS = 2
"""Consecutive steps whose update is undone each time."""
ROUNDED_OFF = 1e-6
"""Of a float32 parameter's size: a step below is lost, or nearly, in its seven digits."""
LOST_STEPS = 0.5
"""Share of numbers whose steps are lost in their digits."""
LINE_SEARCH = ("LBFGS",)
"""Optimisers that take many steps within one, each as long as the curvature allows."""
HALVED = 0.5
"""Part of a loss that has fallen far."""
FAR_BETTER = 0.6
"""Part of the loss that a network leaves which is trained whole, where frozen layers are a loss."""
NEARLY_NO_RATE = 1e-3
"""Part of the highest rate, up to which a group of parameters is as good as frozen."""
LOW_RANK = 4
"""Times the rank of adapters, which a layer has that they stand beside."""


@rule(
    "wrong_update_sign",
    "direction of the update",
    "The update is opposed to the gradient, the loss is minimised, and neither a similarity nor the"
    " probability of what is rewarded; it does not"
    " fall without end below zero, as where the sign of one of its terms is wrong, and of two"
    f" answers new data does not get the wrong one more than {1 - WORSE_THAN_CHANCE:.0%} of the"
    " time while the training loss falls.",
    "below 0",
    "makemore, part 2",
)
def wrong_update_sign(rule: Rule, evidence: Evidence) -> Check:
    steps = [step for step in evidence.observations if step.parameters]
    if not steps:
        return rule.not_checked("no complete step was observed")
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the loss", "the loss with the other sign")
    negative = [step for step in steps if step.criterion.kind and step.criterion.sign < 0]
    if len(negative) > len(steps) / 2:
        measured = "the negative of the loss is minimised"
        return rule.failed(measured, 0.93, "the loss", "the loss itself")
    if endless := _falls_without_end(evidence):
        return rule.failed(endless, 0.95, "a term of the loss", "a loss with a lowest value")
    if opposite := _learns_the_opposite(evidence):
        return rule.failed(opposite, 0.9, "the loss", "an accuracy above chance")
    if any(step.optimizer in LINE_SEARCH for step in steps):
        return rule.not_checked("this optimiser takes several steps at once, along no gradient")
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


def _falls_without_end(evidence: Evidence) -> str:
    """Say how far below zero the loss has fallen, and falls still; "" where it has an end."""
    size = max(1.0, abs(evidence.began))
    if evidence.training_kind in (ADVERSARIAL, ACTOR) or not evidence.ended < -ENDLESS * size:
        return ""
    finite = evidence.losses[np.isfinite(evidence.losses)]
    middle = float(np.median(finite[len(finite) // 3 : 2 * len(finite) // 3]))
    if not evidence.ended < STILL_FALLS * min(middle, 0.0):
        return ""
    return (
        f"the loss began at {evidence.began:.3g}, is {evidence.ended:.3g} now and falls still: one"
        " of its terms has no lowest value"
    )


def _learns_the_opposite(evidence: Evidence) -> str:
    """Say how much worse than by chance one of two answers is given on new data; else ""."""
    late = [x for x in evidence.metrics if math.isfinite(x[1])][-MANY_ACCURACIES:]
    by_chance = math.log(2)
    known = evidence.uniform if math.isfinite(evidence.uniform) else evidence.began
    of_two = abs(known - by_chance) < 0.02
    if len(late) < MANY_ACCURACIES or not of_two or not evidence.ended < HALVED * by_chance:
        return ""
    if max(share for *_, share in late) > WORSE_THAN_CHANCE or late[-1][1] < 2 * by_chance:
        return ""
    return (
        f"the training loss falls to {evidence.ended:.3g}, and on new data, at {late[-1][1]:.3g},"
        f" {late[-1][2]:.0%} of the answers are right, by chance 50 %: what is learned is the"
        " opposite"
    )


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
    "gradients_discarded",
    "gradients that are used",
    "Where backward() is called several times before an optimiser does its step, gradients are not"
    " zeroed between these calls, unless the program itself reads them.",
    "zeroed behind the step alone",
    "PyTorch's documentation of torch.optim, gradient accumulation",
)
def gradients_discarded(rule: Rule, evidence: Evidence) -> Check:
    steps = [step for step in evidence.observations if step.has_backward]
    moved = [step for step in steps if any(p.update > 0 for p in step.parameters)]
    if not moved:
        return rule.not_checked("no update was observed")
    found = [step for step in steps if step.discarded]
    passes = sum(step.discarded for step in found)
    if len(found) < MIN_PAIRS or any(step.added for step in steps):
        return rule.passed("no gradient was zeroed before it was used")
    pairs = [(a in moved, b in moved) for a, b in pairwise(steps) if b.step == a.step + 1]
    within = sum(step in moved for step in found) > len(moved) / 2 and len(found) > len(moved) / 2
    # What is skipped at times, as for a gradient that is too long, is updated twice in a row, too.
    between = (True, False) in pairs and (True, True) not in pairs
    measured = (
        f"in {len(found)} steps that were observed, the gradients of {passes} backward() calls were"
        " zeroed before an optimiser had used them"
    )
    if within or between:
        return rule.failed(measured, 0.95, "zero_grad()")
    return rule.passed(f"{measured}; the others were used")


@rule(
    "parameter_not_trained",
    "every parameter is trained",
    "Every parameter has a gradient, is in the optimiser, and is updated, but for copies of a"
    " network whose outputs are detached.",
    "all that are not frozen are updated",
)
def parameter_not_trained(rule: Rule, evidence: Evidence) -> Check:
    if nothing := _nothing_moves(evidence):
        where = "the loss" if "graph" in nothing else "the update"
        return rule.failed(nothing, 0.98, where)
    if behind := _left_behind(evidence):
        return rule.failed(behind, 0.95, "the optimiser")
    if evidence.crash and evidence.lost:
        measured = f"{evidence.crash}. {names(evidence.lost)} was made anew: it is no leaf"
        return rule.failed(measured, 0.97, names(evidence.lost), "an update in place")
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
    "No layer that the loss depends on is frozen, unless deliberately: a module of its own, a"
    " parameter that is made with requires_grad=False, or all up to the head; but not with weights"
    " as they were drawn where one that is trained is far better, and neither by a rate that is"
    " next to nothing beside that of the others.",
    "all layers are trained",
)
def frozen_layer(rule: Rule, evidence: Evidence) -> Check:
    found = _not_updated(evidence)
    if found is None:
        return rule.not_checked("no complete step was observed")
    frozen = [p.name for p, _ in found if _is_frozen(p)]
    if frozen and (better := _random_and_in_the_way(evidence)):
        return rule.failed(f"{names(frozen)} is frozen {better}", 0.85, names(frozen))
    constants = {p.name for p, _ in found if p.made_constant}
    frozen = [name for name in frozen if name not in constants]
    if frozen and (why := _frozen_deliberately(evidence, frozen)):
        return rule.passed(f"{names(frozen)}: {why}")
    if frozen:
        measured = f"{names(frozen)} has requires_grad=False, or a learning rate of 0"
        return rule.failed(measured, 0.88, names(frozen))
    slow = _nearly_still(evidence)
    if slow and (better := _random_and_in_the_way(evidence, tuple(slow))):
        slowest = min(slow, key=lambda name: slow[name])
        measured = f"the learning rate of {slowest} is {slow[slowest]:.1g} of the highest: it stays"
        return rule.failed(f"{measured} {better}", 0.85, names(tuple(slow)))
    return rule.passed("none")


def _nearly_still(evidence: Evidence) -> dict[str, float]:
    """Return the matrices whose group's rate is next to nothing, as a part of the highest one."""
    parts: dict[str, list[float]] = {}
    for step in evidence.observations:
        for p in step.parameters:
            if p.is_matrix and p.used and p.update > 0:
                short = p.log_update_ratio < UPDATE_SMALL
                parts.setdefault(p.name, []).append(p.optimizer_lr / step.lr if short else 1.0)
    return {name: max(found) for name, found in parts.items() if max(found) <= NEARLY_NO_RATE}


def _frozen_deliberately(evidence: Evidence, frozen: list[str]) -> str:
    """Say by what it looks as if layers were frozen deliberately; "" if they do not."""
    last = evidence.observations[-1]
    parameters = {p.name: p for p in last.parameters}
    if all(name in parameters and parameters[name].of_frozen_module for name in frozen):
        return "a module of its own that is frozen whole"
    begun = {p.name for step in evidence.observations for p in step.parameters if _is_frozen(p)}
    if any(p.name in begun and not _is_frozen(p) for p in last.parameters):
        return "others were unfrozen on the way, one after another"
    layers = [x for x in last.layers if x.frozen]
    if layers and not any(_is_as_drawn(evidence, x) for x in layers):
        return "its weights have been trained before"
    matrices = [p for p in last.parameters if p.is_matrix]
    held = [min(p.shape) for p in matrices if p.name in frozen]
    moved = [min(p.shape) for p in matrices if p.name not in frozen]
    if held and len(moved) > 1 and max(moved) <= max(held) / LOW_RANK:
        return "adapters of low rank are trained in its place"
    order = [x.frozen for x in last.layers if not x.is_embedding]
    first = order.index(False) if False in order else len(order)
    outside = all(name in parameters and not parameters[name].in_optimizer for name in frozen)
    if first > 1 and True not in order[first:] and outside:
        return "all layers up to the head are frozen, and the optimiser holds the head only"
    return ""


def _random_and_in_the_way(evidence: Evidence, slow: tuple[str, ...] = ()) -> str:
    """Say how much better a network of the same size is, if what is frozen is as it was drawn.

    Args:
        evidence: of the training.
        slow: parameters that are as good as frozen.
    """
    layers = [x for x in evidence.observations[-1].layers if not x.is_embedding]
    layers = [x for x in layers if x.frozen or x.parameter in slow]
    found = evidence.result(References)
    if not layers or not all(_is_as_drawn(evidence, x) for x in layers) or found is None:
        return ""
    surely = found.own - found.same > 2 * found.same_error
    if not (found.same < FAR_BETTER * found.own and surely and evidence.is_supervised):
        return ""
    return (
        "with weights as they were drawn; a network of its size that is trained whole"
        f" reaches a loss of {found.same:.3g} on the same examples, this one {found.own:.3g}"
    )


def _is_as_drawn(evidence: Evidence, layer: ObservedLayer) -> bool:
    """Whether a layer has its first weights, as far as is known."""
    return layer.as_initialised and layer.parameter not in evidence.trained_before


def _is_frozen(p: ObservedParameter) -> bool:
    if not p.requires_grad:
        return "." in p.name
    return p.in_optimizer is True and p.optimizer_lr == 0


def _nothing_moves(evidence: Evidence) -> str:
    """Say why no parameter moves at all, if none does; else ""."""
    steps = [x for x in evidence.observations if x.has_backward and x.weights_count]
    norms = {step.weights_norm for step in steps}
    if len(steps) < MIN_STEPS or len(norms) > 1 or evidence.crash:
        return ""
    if any(p.update > 0 for step in steps for p in step.parameters) or math.isnan(norms.pop()):
        return ""
    last = steps[-1]
    still = f"no parameter moves, in {len(evidence.losses):,} steps"
    if last.cut:
        return f"{still}: {last.cut}"
    if any(step.zeroed_before_step for step in steps):
        return f"{still}: gradients are zeroed between backward() and the step of the optimiser"
    if any(p.in_optimizer is False and p.used for p in last.parameters):
        return f"{still}: the optimiser does not hold the parameters that the loss is made of"
    if not any(p.gradient > 0 for step in steps for p in step.parameters):
        one = last.criterion.kind == "cross_entropy" and last.criterion.classes == 1
        if one or any(cause == "wrong_loss" for cause, _ in last.wiring):
            return ""  # a softmax of one output is constant: the loss is to blame
        return f"{still}: no gradient reaches them, the graph is cut or the loss is constant"
    if last.lr == 0:
        return f"{still}: the learning rate is 0"
    return f"{still}, though they have gradients: there is no update"


def _left_behind(evidence: Evidence) -> str:
    """Say since when the optimiser holds none of what the loss is made of, as it did before; ""."""
    steps = [x for x in evidence.observations if x.has_backward]
    moved = [n for n, x in enumerate(steps) if any(p.update > 0 for p in x.parameters)]
    late = steps[moved[-1] + 1 :] if moved else []
    if len(late) < MIN_STEPS or evidence.crash:
        return ""
    learned = [[p for p in x.parameters if p.used and p.gradient > 0] for x in late]
    if not all(found and all(p.in_optimizer is False for p in found) for found in learned):
        return ""
    which = names([p.name for p in learned[-1]])
    return (
        f"{which}: since step {late[0].step:,} at the latest no parameter moves, as the optimiser"
        " does not hold those that the network has by now: it was made before them"
    )


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
            if p.name in evidence.trained_later:
                continue  # as where a head is trained first, and then all of it
            if not p.requires_grad and p.used:
                if p.name not in evidence.trained_before:  # else what is learned is kept
                    found[p.name] = (p, "it requires no gradient")
            elif p.requires_grad and p.used and math.isnan(p.gradient):
                if evidence.training_kind in DIFFERENTIATES:
                    continue  # a bias that is added at the end has no derivative
                if _is_copy(p, step, updated):
                    continue
                found[p.name] = (p, "no gradient reaches it")
            elif p.requires_grad and not p.used:
                if not (_is_other_head(p, step) or _is_branch_of_last(p, step, updated)):
                    found[p.name] = (p, "the loss does not depend on it")
            elif p.name in reached and p.in_optimizer is False:
                found[p.name] = (p, "it is not in the optimiser")
            elif p.name in reached and not _is_rounded_off(p, step):
                found[p.name] = (p, "it has a gradient, and the update leaves it out")
    return list(found.values())


def _is_other_head(p: ObservedParameter, step: Observation) -> bool:
    """Whether it is of a layer that stands beside the output layer in a list, for another task.

    Both take as many inputs, and it has another number of outputs than that: a layer that hands on
    as many as it takes may have been left out of a chain.
    """
    owner = p.name.rpartition(".")[0]
    container, _, key = owner.rpartition(".")
    if not container or not (key.isdigit() or "head" in container):
        return False
    mine = [q.shape for q in step.parameters if q.name == f"{owner}.weight"]
    if not mine or len(mine[0]) != 2 or mine[0][0] == mine[0][1]:
        return False
    heads = [x.name for x in step.layers if x.is_output and x.fan_in == mine[0][1]]
    return any(name.rpartition(".")[0] == container for name in heads)


def _is_copy(p: ObservedParameter, step: Observation, updated: set[str]) -> bool:
    """Whether it is of a network that no optimiser holds, built as one that is trained.

    As a target network is, whose outputs are detached: weights are copied into it.
    """
    parts = p.name.split(".")
    shapes = {q.name: q.shape for q in step.parameters}
    for depth in range(1, len(parts)):
        prefix = f"{'.'.join(parts[:depth])}."
        mine = [q for q in step.parameters if q.name.startswith(prefix)]
        if parts[depth - 1].isdigit() or any(q.in_optimizer or q.name in updated for q in mine):
            continue
        inner = {q.name.removeprefix(prefix): q.shape for q in mine}
        if sum(len(shape) > 1 for shape in inner.values()) < 2:
            continue  # a layer, and no network
        others = {".".join(name.split(".")[:depth]) for name in updated}
        for other in others:
            names = {f"{other}.{name}": shape for name, shape in inner.items()}
            if all(shapes.get(name) == shape and name in updated for name, shape in names.items()):
                return True
    return False


def _is_branch_of_last(p: ObservedParameter, step: Observation, updated: set[str]) -> bool:
    """Whether it is a branch of the last of several blocks that is trained in all others.

    What the last block hands on has no taker (Oreshkin et al. 2020, N-BEATS); the rest of it is
    trained, so that it was not left out.
    """
    parts = p.name.split(".")
    names = {q.name for q in step.parameters}
    for place, part in enumerate(parts[:-1]):
        if not part.isdigit():
            continue
        before, behind = ".".join([*parts[:place], ""]), ".".join(["", *parts[place + 1 :]])
        others = {n for n in names if n.startswith(before) and n.endswith(behind)} - {p.name}
        others = {n for n in others if n[len(before) : len(n) - len(behind)].isdigit()}
        last = all(int(n[len(before) : len(n) - len(behind)]) < int(part) for n in others)
        mine = any(n.startswith(f"{before}{part}.") for n in updated)
        if others and last and mine and others <= updated:
            return True
    return False


def _is_rounded_off(p: ObservedParameter, step: Observation) -> bool:
    """Whether a step as long as that of the others would be too short for its digits."""
    rates = [q.implied_lr for q in step.parameters if q.update > 0 and math.isfinite(q.implied_lr)]
    return bool(rates) and median(rates) * p.gradient < ROUNDED_OFF * p.std


@rule(
    "wrong_backward",
    "backward of own functions",
    "What an own autograd.Function hands on is the derivative of its forward, unless that is flat"
    " or only passes its input on.",
    "the derivative of the forward",
    "PyTorch's documentation of torch.autograd.gradcheck",
)
def wrong_backward(rule: Rule, evidence: Evidence) -> Check:
    done = evidence.experiments.get("backward_compared")
    if done is not None and done.passed is False:
        return rule.failed(done.measured, 0.95, "its backward", done.expected)
    return rule.by_experiment(evidence, "backward_compared")


@rule(
    "replicas_drift",
    "replicas that stay alike",
    "Networks that begin alike and are moved alike, on batches of their own, stay alike.",
    "one mean gradient for all",
    "PyTorch's documentation of DistributedDataParallel",
)
def replicas_drift(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.observations:
        return rule.not_checked("no complete step was observed")
    if evidence.replicas:
        return rule.failed(evidence.replicas, 0.88, "the update")
    return rule.passed("no two such networks were found")


@rule(
    "weights_restored",
    "updates that stay",
    "A step begins with the weights that the step before has left, or with better ones.",
    "the updated weights",
)
def weights_restored(rule: Rule, evidence: Evidence) -> Check:
    if worse := _worse_weights(evidence):
        return rule.failed(worse, 0.95, "behind the validation")
    pairs = [(a, b) for a, b in pairwise(evidence.observations) if b.step == a.step + 1]
    moved = [(a, b) for a, b in pairs if any(p.update > 0 for p in a.parameters)]
    moved = [(a, b) for a, b in moved if math.isfinite(a.begun_with - b.begun_with)]
    if len(moved) < MIN_PAIRS:
        return rule.not_checked("too few consecutive steps were observed")
    if all(b.begun_with == a.begun_with for a, b in moved):
        measured = f"after each of {len(moved)} steps the next one began with the same weights"
        return rule.failed(measured, 0.97, "behind the update")
    return rule.passed("they stay")


@rule(
    "weights_not_copied",
    "weights that are kept",
    "What load_state_dict() is given is no state_dict() of the same network from before further"
    " steps, unless it was copied.",
    "a deep copy",
    "PyTorch's documentation of Module.state_dict and of torch.save",
)
def weights_not_copied(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.observations:
        return rule.not_checked("no complete step was observed")
    if evidence.loaded_itself:
        return rule.failed(evidence.loaded_itself, 0.97, "load_state_dict()")
    return rule.passed("none was loaded in vain")


def _worse_weights(evidence: Evidence) -> str:
    """Say how often a step began with weights that were worse than those it gave up; else ""."""
    begun = {x.step: x.begun_with for x in evidence.observations}
    known: list[tuple[int, float, float]] = []
    found = []
    for (step, loss), weights in zip(evidence.validations, evidence.validated_with, strict=False):
        if math.isnan(weights):  # what was given up is not known
            continue
        taken = begun.get(step, weights)
        worse = [x for x in known if x[2] == taken != weights and x[1] > loss]
        found += [f"{was:.3g} (step {at}) in the place of {loss:.3g}" for at, was, _ in worse[:1]]
        known.append((step, loss, weights))
    if len(found) < MIN_PAIRS:
        return ""
    return (
        f"after {len(found)} validations the next step began with earlier weights, whose loss on"
        f" new data was higher: {found[-1]}"
    )


@rule(
    "low_precision_weights",
    "digits of the weights",
    f"Of weights in bfloat16 or float16 at most {LOST_STEPS:.0%} stay where they are in a step.",
    "all move",
    "Micikevicius et al. 2018, Mixed precision training, section 3.1",
)
def low_precision_weights(rule: Rule, evidence: Evidence) -> Check:
    steps = [x for x in evidence.observations[1:] if any(p.update > 0 for p in x.parameters)]
    shares = [max((p.lost_steps for p in x.parameters if p.is_matrix), default=0.0) for x in steps]
    if not shares:
        return rule.not_checked("too few steps were observed")
    lost = median(shares)
    if lost > LOST_STEPS:
        which = max(steps[-1].parameters, key=lambda p: p.lost_steps).name
        measured = f"{lost:.0%} of the numbers of {which} have a gradient, and stay where they are"
        return rule.failed(measured, 0.9, which, "weights in float32")
    return rule.passed(f"{lost:.0%} at most")
