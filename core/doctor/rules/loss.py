"""Rules on the loss function and its terms."""

import math
from statistics import median

from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.loss_experiments import TermGradients
from ..watch.loss_wiring import shapes_that_met
from ..watch.pairs import BY_LABEL
from ..watch.training_kind import CONTRASTIVE, DISTANCES
from .rule import SQUARED_LOSSES, Rule, rule, wired

NO_SOFTMAX = (*SQUARED_LOSSES, "l1_loss")
SLIGHTLY = 0.01
"""Beyond 0 and 1, from which on targets are no probabilities."""
CONSTANT = 1e-7
"""Of a term: below it adds nothing."""
OUT_OF_REACH = 0.05
"""Share of targets that outputs can't reach."""
PENALTY = 2.0
"""Times the criterion, above which a penalty dominates the first steps."""
BONUS = 1.0
"""Worth of a nat of entropy, over the range of the advantages: above it a policy stays random."""
LIMITED = 0.5
"""Nats below which no cross-entropy of cosines can fall, from which on that is felt."""
SPREAD, MANY_LATE, MANY_STEPS = 3e-3, 3, 100
"""Part of their squared length by which embeddings differ that are no points of one; in so many of
the last observed steps, once so many steps are done."""
STRONG_DECAY, SHRUNK = 0.3, 0.2
"""A weight decay under which weights shrink to this share of what they were."""


@rule(
    "wrong_loss",
    "loss function",
    "Classes are trained with the cross-entropy of unbounded logits, a margin of labels that are"
    " -1 and 1, or one of scores that is cut off at its end; quantities with squared error, or a"
    " likelihood that gets a rate or its logarithm as it takes it, the logarithm of a standard"
    " deviation that it divides by, and who is still alive as the risk set; of few examples it is"
    " below what is added to it. Where the error of an example grows, the loss does not fall; that"
    " of a flow has the volumes of all its parts. What is pulled together is nearer in the data"
    " than what is pushed apart, or embeddings tell both from one another.",
    "cross-entropy for classes, squared error for quantities",
    "Nix and Weigend 1994; Cox 1975, Partial likelihood; Hadsell, Chopra and LeCun 2006",
)
def wrong_loss(rule: Rule, evidence: Evidence) -> Check:
    first = evidence.first
    if words := wired(rule, evidence):
        pairs = "that those that are alike are pulled together" if BY_LABEL in words else ""
        return rule.failed(words, 0.93, "the loss", pairs)
    for one in ("volume_compared", "pulled_and_pushed"):
        done = evidence.experiments.get(one)
        if done is not None and done.passed is False:
            return rule.failed(done.measured, 0.9, "the loss", done.expected)
    if first is None or not first.criterion.kind:
        return rule.not_checked("the loss was not understood")
    loss = first.criterion
    kind = loss.kind.replace("_", " ")
    if loss.one_hot and loss.kind in DISTANCES and evidence.is_supervised:
        measured = f"{kind} against one-hot rows of {loss.classes} classes"
        return rule.failed(measured, 0.8, "the loss", "cross-entropy")
    if evidence.data and evidence.data.unordered and loss.kind in DISTANCES:
        measured = f"{kind} against the numbers of classes, which are in no order"
        return rule.failed(measured, 0.85, "the loss", "cross-entropy of an output for each class")
    beyond = loss.target_min < -SLIGHTLY or loss.target_max > 1 + SLIGHTLY
    if loss.kind.startswith("binary") and beyond:
        measured = f"{kind} of targets from {loss.target_min:.3g} to {loss.target_max:.3g}"
        return rule.failed(measured, 0.93, "the loss", "targets from 0 to 1")
    if loss.kind == "cross_entropy" and loss.classes == 1:
        return rule.failed("cross-entropy of one output", 0.9, expected="one for each class")
    logits = ("cross_entropy", "binary_cross_entropy_with_logits")
    if loss.output_nonlinearity and loss.kind in logits:
        measured = f"logits go through {loss.output_nonlinearity} before {kind}"
        return rule.failed(measured, 0.8, "the last layer", "unbounded logits")
    lowest = math.log1p((loss.classes - 1) * math.exp(-2.0))  # one at 1, all others at -1
    limited = loss.outputs_are_cosines and loss.kind == "cross_entropy" and lowest > LIMITED
    if limited and evidence.is_supervised:
        measured = (
            f"scores are cosines, from -1 to 1: of {loss.classes} classes the loss can't fall below"
            f" {lowest:.2g}"
        )
        return rule.failed(measured, 0.85, "the loss", "cosines times a scale, 10 to 30")
    if loss.outputs_are_probabilities and loss.kind == "nll_loss":
        measured = f"nll_loss of probabilities, a loss of {evidence.ended:.3g}"
        return rule.failed(measured, 0.95, "the loss", "log-probabilities, a loss above 0")
    negative = evidence.ended < 0 and loss.kind == "nll_by_hand" and evidence.is_supervised
    if loss.outputs_are_probabilities and negative:
        measured = f"probabilities are maximised and not their logarithms: {evidence.ended:.3g}"
        return rule.failed(measured, 0.85, "the loss", "a logarithm, a loss above 0")
    if not loss.normalised and loss.kind == "nll_loss":
        return rule.failed("nll_loss of logits", 0.85, "the loss", "of log-probabilities")
    if not loss.normalised and loss.kind == "nll_by_hand" and not loss.softmax_over_batch:
        measured = "the log is taken of outputs that are not probabilities"
        return rule.failed(measured, 0.8, "the loss", "a softmax before it")
    return rule.passed(kind)


@rule(
    "loss_broadcast",
    "shapes of outputs and targets",
    "Outputs and targets have one shape, in an evaluation, too, or both were given a dimension, to"
    " compare all with all.",
    "equal shapes",
    "PyTorch's documentation, Broadcasting semantics",
)
def loss_broadcast(rule: Rule, evidence: Evidence) -> Check:
    losses = [step.criterion for step in evidence.observations]
    if words := next((x.broadcast for x in losses if x.broadcast), ""):
        return rule.failed(words, 0.95, "the loss")
    if evidence.met is not None and evidence.is_supervised:
        outputs, targets, _ = evidence.met
        words = shapes_that_met(outputs, targets, outputs.numel() * targets.numel())
        return rule.failed(words, 0.9, "the evaluation")
    if not any(x.kind for x in losses):
        return rule.not_checked("the loss was not understood")
    return rule.passed("nothing is broadcast to more than there is")


@rule(
    "outputs_out_of_reach",
    "range of the outputs",
    f"At most {OUT_OF_REACH:.0%} of the targets of a regression lie beyond what the last activation"
    " can bring out.",
    "none",
    "Bishop 1995, Neural networks for pattern recognition, section 6.1",
)
def outputs_out_of_reach(rule: Rule, evidence: Evidence) -> Check:
    losses = [x.criterion for x in evidence.observations if x.criterion.kind in DISTANCES]
    if not losses or losses[-1].one_hot:
        return rule.not_checked("no regression")
    share = sum(x.unreachable for x in losses) / len(losses)
    if not losses[-1].output_nonlinearity and not share:
        return rule.passed("no activation behind the last layer")
    last = losses[-1]
    measured = (
        f"{share:.0%} of the targets, from {last.target_min:.3g} to {last.target_max:.3g}, can't"
        f" come out of {last.output_nonlinearity or 'the last activation, scaled as it is'}"
    )
    if share > OUT_OF_REACH:
        return rule.failed(measured, 0.92, "the last layer")
    return rule.passed(measured)


@rule(
    "double_softmax",
    "a single softmax",
    "Cross-entropy gets logits and not probabilities, and so does a sigmoid's loss.",
    "logits",
    "makemore, part 4",
)
def double_softmax(rule: Rule, evidence: Evidence) -> Check:
    losses = [step.criterion for step in evidence.observations if step.criterion.kind]
    if not losses:
        return rule.not_checked("the loss was not understood")
    if losses[0].kind in NO_SOFTMAX:
        return rule.not_checked("there is no softmax")
    if any(x.double_softmax for x in losses) or all(
        x.outputs_are_probabilities and x.kind == "cross_entropy" for x in losses
    ):
        measured = "the softmax of the loss is taken of probabilities"
        return rule.failed(measured, 0.95, "before the loss")
    return rule.passed("the loss gets logits")


@rule(
    "detached_regulariser",
    "gradients of all loss terms",
    "Every term of the loss has a gradient.",
    "a gradient of every term",
)
def detached_regulariser(rule: Rule, evidence: Evidence) -> Check:
    steps = [step for step in evidence.observations if step.terms]
    if words := wired(rule, evidence):
        return rule.failed(words, 0.92, "the loss", "create_graph=True")
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: its loss has no criterion")
    if not steps:
        return rule.not_checked("the loss has one term")
    detached = []
    for step in steps:
        others = [x for x in step.terms if not x.requires_grad and not x.is_criterion]
        detached += [x.value for x in others if abs(x.value) > CONSTANT][:1]
    if len(detached) > len(steps) / 2:
        span = max(detached) - min(detached)
        varies = len(detached) > 1 and span > 1e-6 * max(map(abs, detached))
        measured = f"a term of {detached[-1]:.3g} without one is added"
        if varies:  # a constant, such as that of a normal distribution, hurts nobody
            return rule.failed(measured, 0.85, "the loss")
    return rule.passed(f"{len(steps[-1].terms)} terms")


@rule(
    "regulariser_dominates",
    "regularisation strength",
    "The gradient of the criterion is larger than that of the penalty.",
    "the criterion is larger",
)
def regulariser_dominates(rule: Rule, evidence: Evidence) -> Check:
    bonuses = [step.entropy_bonus for step in evidence.observations if step.entropy_bonus > 0]
    if bonuses and (worth := median(bonuses)) > BONUS:
        measured = f"a nat of entropy is worth {worth:.3g} times what the advantages differ by"
        return rule.failed(measured, 0.9, "the loss", "a small part of it")
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: its loss has no criterion")
    done = evidence.experiments.get("terms_weighed")
    if done is not None and done.passed is False:
        found = evidence.result(TermGradients)
        sure = min(0.9, 0.6 + 0.1 * math.log10(max(1.0, found.share if found else 1.0)))
        return rule.failed(done.measured, sure, "the loss", done.expected)
    freed = evidence.experiments.get("penalty_left_out")
    if freed is not None and freed.passed is False:
        return rule.failed(freed.measured, 0.9, "the loss", freed.expected)
    for step in evidence.observations[:2]:
        task = sum(abs(x.value) for x in step.terms if x.is_criterion)
        penalty = sum(abs(x.value) for x in step.terms if x.weights_only and x.requires_grad)
        if task and penalty > PENALTY * task:
            measured = f"at the start the criterion is {task:.3g} and the penalty {penalty:.3g}"
            return rule.failed(measured, 0.85, "the loss")
    first, last = evidence.first, evidence.last
    if first and last and last.step > first.step + 20:
        before = {p.name: p.std for p in first.parameters}
        for p in last.parameters:
            shrunk = p.std < SHRUNK * before.get(p.name, 0.0)
            if p.is_matrix and p.weight_decay > STRONG_DECAY and shrunk:
                measured = f"with a weight decay of {p.weight_decay:g}, {p.name} has shrunk to"
                return rule.failed(f"{measured} {p.std:.2g}", 0.8, p.name, "weights that grow")
    if done is None or done.passed is None:
        return rule.not_checked("the loss has one term")
    return rule.passed(done.measured, done.expected)


@rule(
    "collapse",
    "partners and others",
    "Where examples are compared, partners of other examples have a higher loss, once it has"
    f" fallen; their embeddings differ by {SPREAD:.1%} of their squared length or more; and the"
    " nearest of some is none that a mask has set to 0.",
    "a higher loss",
    "Hadsell, Chopra and LeCun 2006; Chen and He 2021, SimSiam",
)
def collapse(rule: Rule, evidence: Evidence) -> Check:
    if words := wired(rule, evidence):
        return rule.failed(words, 0.95, "the loss", "inf where the mask is 0")
    late = [x for x in evidence.observations[-MANY_LATE:] if math.isfinite(x.spread)]
    compared = evidence.training_kind == CONTRASTIVE and len(evidence.losses) >= MANY_STEPS
    if compared and len(late) == MANY_LATE and max(x.spread for x in late) < SPREAD:
        measured = (
            f"embeddings of different examples differ by {late[-1].spread:.1g} of their squared"
            f" length; the loss is {evidence.ended:.3g}"
        )
        return rule.failed(measured, 0.9, "the loss", "embeddings that differ")
    done = evidence.experiments.get("partners_exchanged")
    if done is not None and done.passed is False:
        return rule.failed(done.measured, 0.9, "the loss", done.expected)
    return rule.by_experiment(evidence, "partners_exchanged")
