"""Rules on the data: inputs, labels, and whether they belong together."""

import math
import re

from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.input_experiments import ShuffledInputs
from ..experiments.leakage_experiments import MIXED, BatchLeakage
from ..experiments.learning_experiments import OtherRates, OverfitBatch
from ..experiments.reference_networks import References
from ..watch.observation import Observation, ObservedLoss
from ..watch.training_kind import CLASSIFICATION, CONTRASTIVE, REGRESSION
from .rule import SQUARED_LOSSES, Rule, rule, wired

LARGE_INPUTS = 10.0
"""Root mean square; the lectures' and torchvision's normalisations give about 1."""
TINY_INPUTS, LITTLE_LEARNED = 0.01, 0.6
"""The largest number of all inputs that are far too small; and the part of the loss that is then
left."""
SHIFTED = 0.5
"""Share of validation windows that overlap nearly whole, far more than at the edge of two parts."""
MET_AGAIN = 1.5
"""Times that an example is met, from which on what is left in the data comes back."""
MANY_PASSES = 3
"""Times that a loop is begun, from which on it is one over epochs."""
MAJORITY, MAJORITY_OF_TWO = 0.75, 0.92
"""Shares of the most frequent class, of three classes or more, and of two."""
WELL_LEARNED, SCARCE = 0.25, 0.1
"""Part of the loss of a guess by frequencies, below which rare classes are learned; and the share
of all rare ones below which a loss says little of them."""
OTHER_PARTS = 0.2
"""Share of a loss that is of other parts, which may count classes in another way."""
BLOCKED = 0.95
"""Share of a layer's units that are saturated or dead, beyond which it hands on nothing."""
WEIGHED_DOWN = 3.0
"""Times by which weights of classes make the share of the rare ones smaller."""
MANY_TARGETS = 16
"""In a batch, from which on its class frequencies count."""
LEARNED = 0.9
"""Part of the entropy of the labels, below which something was learned of the inputs."""
ONE_CLASS = 0.9
"""Share of one class, from which on some hundred examples have too few others for simple models."""
UNPREDICTABLE, LEARNED_A_LITTLE = 0.02, 0.005
"""How much better than by class frequency simple models predict labels that are shuffled."""
HARDLY_ANY = 0.1
"""Share of new examples that are equal to learned ones, up to which these are new indeed."""
CONTRADICTED = 0.7
"""Share of examples that come again with another label, over that by chance."""
SELDOM_SEEN, OFTEN_CHANGED = 2.0, 40.0
"""Times that a row may have been met before, below which it is not memorised; and that an example
was, in rows that differ each time, from which on it may be all the same."""
CLEARLY_BELOW = 0.7
"""Part of the loss that noise of labels leaves at least, below which there is not that much."""
LABEL_NOISE = 0.13
"""Share of labels that contradict their nearest neighbours."""
TRAINING_HARDER = 0.07
"""Part by which the loss on training data is above that on new data, as labels are wrong there."""
LARGE_TARGETS, REACHED = 30.0, 0.5
"""Mean or standard deviation of targets; and the share of their variance that is well below it."""
MANY_STEPS = 200
"""After which something would have been learned of labels that belong to their inputs."""
FAR_HIGHER = (10.0, 100.0)
"""Multiples of a learning rate with which shuffled labels would hardly be learned."""
LIKELIHOODS = ("cross_entropy", "nll_loss", "nll_by_hand")
FEW_CLASSES = 0.6
"""Gradient by other examples, over that by the largest."""
OVERLAP, COPIED = 0.4, 0.1
MANY_CLASSES = 15
CLASSES_USED = 0.5
BYTES = (128, 256)
"""Classes of a network that reads text as it is stored: ASCII, or any."""

OUT_OF_RANGE = re.compile(
    r"target -?\d+ is out of bounds|index -?\d+ is out of bounds|index out of range"
    r"|class values must be|out of range|>= n_classes|device-side assert",
    re.IGNORECASE,
)


@rule(
    "labels_out_of_range",
    "label range",
    "Every label is one of the outputs: 0 to K - 1; none is the blank of a CTC loss.",
    "labels from 0 to K - 1",
    "Graves et al. 2006, Connectionist temporal classification, of the blank",
)
def labels_out_of_range(rule: Rule, evidence: Evidence) -> Check:
    if evidence.crash and OUT_OF_RANGE.search(evidence.crash):
        return rule.failed(evidence.crash, 0.95, "the labels")
    if words := wired(rule, evidence):
        return rule.failed(words, 0.97, "the labels", "labels beside the blank")
    for step in evidence.observations:
        loss = step.criterion
        counts = loss.is_classification and loss.integer_targets and loss.target_count
        if counts and loss.classes > 1 and (loss.target_min < 0 or loss.target_max >= loss.classes):
            span = f"labels from {loss.target_min:g} to {loss.target_max:g}"
            measured = f"{span} for {loss.classes} outputs"
            return rule.failed(measured, 0.95, "the labels", f"0 to {loss.classes - 1}")
    first = evidence.first
    if not first or not first.criterion.is_classification:
        return rule.not_checked("no classification")
    loss = first.criterion
    measured = f"{loss.target_min:g} to {loss.target_max:g}"
    return rule.passed(measured, f"0 to {loss.classes - 1}")


@rule(
    "inputs_not_normalised",
    "input normalisation",
    f"Inputs have about mean 0 and standard deviation 1; their root mean square is at most"
    f" {LARGE_INPUTS:g}, and not all are below {TINY_INPUTS:g} while the loss hardly falls.",
    "mean 0, std 1",
)
def inputs_not_normalised(rule: Rule, evidence: Evidence) -> Check:
    first = evidence.first
    inputs = [x for x in first.inputs if not x.is_tokens and x.finite] if first else []
    if first and not first.layers:
        return rule.not_checked("no layer was observed that takes the inputs")
    if not inputs:
        return rule.not_checked("the inputs are tokens, or none were found")
    worst = max(inputs, key=lambda x: x.mean**2 + x.std**2)
    size = math.sqrt(worst.mean**2 + worst.std**2)
    measured = f"mean {worst.mean:.3g}, std {worst.std:.3g}"
    if size > LARGE_INPUTS or (abs(worst.mean) > 4 * worst.std > 0 and abs(worst.mean) > 2):
        sure = min(0.9, 0.6 + 0.1 * math.log10(max(1.0, size)))
        return rule.failed(measured, sure, "the inputs")
    largest = max(x.largest for x in inputs)
    if 0 < largest < TINY_INPUTS and evidence.ended > LITTLE_LEARNED * evidence.began:
        measured += f", at most {largest:.1g}: next to the biases they are nothing"
        return rule.failed(measured, 0.9, "the inputs")
    return rule.passed(measured)


@rule(
    "inputs_ignored",
    "dependence on the inputs",
    "Examples differ, and so do their outputs; a mask leaves out padding, and not the tokens.",
    "different inputs, different outputs",
    "PyTorch's documentation of MultiheadAttention (key_padding_mask)",
)
def inputs_ignored(rule: Rule, evidence: Evidence) -> Check:
    if words := wired(rule, evidence):
        return rule.failed(words, 0.95, "the mask", "padding is left out")
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: it may have no inputs")
    if evidence.crash and len(evidence.observations) < 2:
        return rule.not_checked("first weights may well be zero")
    given = [step for step in evidence.observations if step.inputs]
    constant = [x for x in given if all(i.constant for i in x.inputs if len(i.shape) > 0)]
    if evidence.constant_inputs or (given and len(constant) == len(given)):
        return rule.failed("all examples are equal", 0.95, "the inputs")
    done = evidence.experiments.get("inputs_exchanged")
    if done is not None and done.passed is False:
        found = evidence.result(ShuffledInputs)
        # Small changes may come of a signal that fades on its way; through a layer of which all
        # is saturated or dead none comes at all.
        layers = evidence.last.layers if evidence.last else ()
        blocked = any(x.saturated > BLOCKED or x.dead > BLOCKED for x in layers)
        sure = 0.95 if found and found.change == 0 and not blocked else 0.6
        return rule.failed(done.measured, sure, "between input and output", done.expected)
    if evidence.last and evidence.last.draws_examples:
        return rule.not_checked("its examples are drawn in the step")
    if not given and evidence.last and evidence.last.criterion.kind:
        return rule.failed("the loss depends on no data but the labels", 0.6, "the inputs")
    return rule.by_experiment(evidence, "inputs_exchanged")


def _is_binary(step: Observation) -> bool:
    return "binary" in step.criterion.kind


def _classifies(evidence: Evidence) -> bool:
    first = evidence.first
    if first is None or not evidence.is_supervised:
        return False
    return first.criterion.is_classification or _is_binary(first)


@rule(
    "class_imbalance",
    "class balance",
    f"The most frequent class is at most {MAJORITY:.0%} of the labels, of two classes"
    f" {MAJORITY_OF_TWO:.0%}, or weights don't make it count still more.",
    f"at most {MAJORITY:.0%}",
)
def class_imbalance(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.first or not _classifies(evidence):
        return rule.not_checked("no classification")
    losses = [step.criterion for step in evidence.observations]
    if losses[-1].weighted:
        return _weighed_the_wrong_way(rule, losses)
    last = evidence.observations[-1]
    if abs(last.loss - losses[-1].value) > OTHER_PARTS * abs(last.loss):
        return rule.not_checked("another part of the loss may count them in another way")
    shares = [x.top_share for x in losses if x.target_count >= MANY_TARGETS]
    top = sum(shares) / len(shares) if shares else 0.0
    classes = evidence.first.criterion.classes
    if evidence.data and evidence.data.top_share > 0:
        # A sampler may draw rare classes as often as others.
        top = min(top or 1.0, evidence.data.top_share)
        classes = max(classes, evidence.data.classes)
    # Of pictures whose pixels have classes, most is background.
    given = evidence.first.inputs[:1]
    dense = any(not x.is_tokens and losses[0].target_count > 4 * x.shape[0] for x in given)
    of_two = _is_binary(evidence.first) or classes == 2
    limit = MAJORITY_OF_TWO if of_two or dense else MAJORITY
    measured = f"the most frequent class is {top:.0%} of the labels"
    if top > limit and _rare_are_learned(evidence, top):
        return rule.passed(f"{measured}, and the rare ones are predicted on new data, too")
    if top > limit:
        return rule.failed(measured, 0.6 + 0.35 * top, "the labels", f"at most {limit:.0%}")
    return rule.passed(measured, f"at most {limit:.0%}")


def _rare_are_learned(evidence: Evidence, top: float) -> bool:
    """Whether the loss on new data is so low that it can't be that of the frequent class alone."""
    if not evidence.validations or not SCARCE < 1 - top < 1:
        return False
    guess = -top * math.log(top) - (1 - top) * math.log(1 - top)  # or more, of several rare ones
    return evidence.validations[-1][1] < WELL_LEARNED * guess


def _weighed_the_wrong_way(rule: Rule, losses: list[ObservedLoss]) -> Check:
    """Of classes that count with weights: these leave still less to the rare ones."""
    known = [x for x in losses if x.target_count >= MANY_TARGETS and x.weighed_share > 0]
    if not known:
        return rule.passed("classes count with weights")
    top = sum(x.top_share for x in known) / len(known)
    share = sum(x.weighed_share for x in known) / len(known)
    of_two = "binary" in known[0].kind or known[0].classes == 2
    limit = MAJORITY_OF_TWO if of_two else MAJORITY
    measured = f"with its weight the most frequent class is {share:.0%} of the loss"
    if share > limit and 1 - share < (1 - top) / WEIGHED_DOWN:
        measured += f", without {top:.0%}: weights make the rare ones count less"
        return rule.failed(measured, 0.9, "the weights of the classes", f"at most {limit:.0%}")
    return rule.passed(measured, f"at most {limit:.0%}")


@rule(
    "targets_unscaled",
    "scale of the targets",
    f"Targets of a regression are at most {LARGE_TARGETS:g} in mean and standard deviation, or the"
    " network comes well below the variance of the targets all the same, and learns what else it"
    " is to predict.",
    "about mean 0, std 1",
    "Bishop 1995, Neural networks for pattern recognition, section 8.2",
)
def targets_unscaled(rule: Rule, evidence: Evidence) -> Check:
    first = evidence.first
    if first is None or evidence.training_kind != REGRESSION or first.criterion.one_hot:
        return rule.not_checked("no regression")
    loss = first.criterion
    mean, std = loss.target_mean, loss.target_std
    measured = f"targets have a mean of {mean:.3g} and a standard deviation of {std:.3g}"
    if not max(abs(mean), std) > LARGE_TARGETS:
        return rule.passed(measured)
    drowned = evidence.experiments.get("tasks_weighed")
    if drowned is not None and drowned.passed is False:
        return rule.failed(f"{measured}. {drowned.measured}", 0.85, "the targets")
    guess = std**2 if loss.kind in SQUARED_LOSSES else std
    if evidence.ended < REACHED * guess * max(1.0, first.summed):
        return rule.passed(f"{measured}, and the network reaches them")
    measured += f"; the loss is {evidence.ended:.3g}, that of their mean {guess:.3g}"
    return rule.failed(measured, 0.9, "the targets")


@rule(
    "not_shuffled",
    "order of the data",
    f"A batch has more than {FEW_CLASSES:.0%} of the classes that a random one would have.",
    "most classes in each batch",
    "LeCun et al. 1998, Efficient BackProp, section 4.2",
)
def not_shuffled(rule: Rule, evidence: Evidence) -> Check:
    data = evidence.data
    known = data is not None and math.isfinite(data.classes_in_batch)
    if data is None or not known or evidence.training_kind not in ("", CLASSIFICATION):
        return rule.not_checked("no classification, or too few batches were kept")
    expected = f"{data.classes_expected:.1f} of them"
    measured = f"a batch has {data.classes_in_batch:.1f} of {data.classes} classes"
    if data.classes_in_batch < FEW_CLASSES * data.classes_expected:
        return rule.failed(f"{measured}: the data is sorted", 0.93, "the batches", expected)
    return rule.passed(measured, expected)


@rule(
    "data_exhausted",
    "data for each epoch",
    f"A loop that is begun {MANY_PASSES} times or more does steps in more than the first.",
    "steps in each epoch",
)
def data_exhausted(rule: Rule, evidence: Evidence) -> Check:
    if not (evidence.is_unedited and evidence.observations):
        return rule.not_checked("how often the loop is begun is seen in whole programs alone")
    if empty := evidence.empty_passes:
        if empty + 1 >= MANY_PASSES:
            measured = (
                f"begun {empty + 1} times, the loop did its {evidence.done:,} steps in the first"
            )
            return rule.failed(f"{measured}, and none in the others", 0.93, "the data")
        return rule.not_checked("it was begun too seldom")
    return rule.passed("no epoch without steps was seen")


@rule(
    "batch_repeated",
    "batches that differ",
    "The batches of two steps differ, unless each has all examples.",
    "another batch in each step",
)
def batch_repeated(rule: Rule, evidence: Evidence) -> Check:
    if evidence.data is None:
        return rule.not_checked("the batches were not understood")
    if where := evidence.data.repeated:
        measured = f"all steps learn from one and the same batch: {where}"
        return rule.failed(measured, 0.9, "the batch")
    return rule.passed("no batch that stays was found")


@rule(
    "data_overwritten",
    "data that stays as it is",
    "No operation in place writes to the rows that a batch shows without a copy, unless each is met"
    " once only.",
    "changes of a copy",
    "PyTorch's documentation of tensor views",
)
def data_overwritten(rule: Rule, evidence: Evidence) -> Check:
    if evidence.data is None:
        return rule.not_checked("the batches were not understood")
    words = wired(rule, evidence)
    if words and not evidence.sure_visits < MET_AGAIN:
        return rule.failed(words, 0.96, "the batch")
    return rule.passed("it stays" if not words else "each example is met once")


@rule(
    "labels_shuffled",
    "labels that match the inputs",
    "Simple models predict labels from inputs better than by class frequency, or networks predict"
    " those of examples that they did not learn from; an example that comes again has the label it"
    " had; targets of a picture's pixels are not those of it flipped or rotated.",
    "clearly less",
)
def labels_shuffled(rule: Rule, evidence: Evidence) -> Check:
    data, overfit = evidence.data, evidence.experiments.get("overfit_one_batch")
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the targets", "those of the inputs")
    if data is not None and data.moved_targets:
        return rule.failed(
            data.moved_targets, 0.93, "the pictures", "targets moved as pictures are"
        )
    if evidence.training_kind == CONTRASTIVE:
        return _partners_shuffled(rule, evidence)
    if not evidence.is_supervised:
        return rule.not_checked(f"{evidence.training_kind}: there are no labels")
    if evidence.first and evidence.first.criterion.kind in SQUARED_LOSSES:
        return _targets_shuffled(rule, evidence)
    if not _classifies(evidence):
        return rule.not_checked("no classification")
    if any(step.criterion.mixed for step in evidence.observations):
        return rule.not_checked("examples and labels are mixed with one another, as in mixup")
    if (
        data is not None
        and data.contradicted > CONTRADICTED
        and evidence.ended > (LEARNED * data.entropy)
    ):
        measured = f"of {data.came_again} examples that came again, {data.other_label:.0%} had"
        return rule.failed(f"{measured} another label", 0.9, "the labels", "the same label")
    new = _losses_on_new_labels(evidence)
    if data is not None and new and min(new) < LEARNED * data.entropy:
        return rule.passed(f"new labels are predicted with a loss of {min(new):.3g}")
    if data is not None and math.isfinite(data.predictability):
        better = f"{data.predictability:.0%} better than class frequency"
        measured = f"simple models predict them {better}"
        # What was learned beyond the frequencies belongs together, whatever few examples say. A
        # sequence of which the simple models see a token can't have been learned by heart.
        learned = evidence.ended < LEARNED * data.entropy and (
            data.predictability > LEARNED_A_LITTLE or data.sees_whole is False
        )
        if data.predictability >= UNPREDICTABLE or learned:
            return rule.passed(measured, "well above 0 %")
    if data is not None and data.top_share > ONE_CLASS:
        words = f"{data.top_share:.0%} of the labels are one class"
        return rule.not_checked(f"{words}: simple models have too few of the others to learn from")
    if data is not None and data.independent_tokens:
        return rule.not_checked("tokens that are drawn: labels may depend on several together")
    if data is not None and math.isfinite(data.predictability) and data.sees_whole:
        return rule.failed(measured, 0.85, "the labels", "well above 0 %")
    entropy = data.entropy if data else math.nan
    if math.isfinite(entropy) and overfit and overfit.passed and len(evidence.losses) >= MANY_STEPS:
        level = evidence.ended / entropy if entropy > 0 else math.nan
        measured = f"the loss stays at {evidence.ended:.3g}, class frequency alone is {entropy:.3g}"
        means = evidence.smooth(20)
        falls = means[len(means) // 2] - means[-1] >= 0.01 * abs(means[-1])
        if 0.97 < level < 1.1 and not falls:
            return rule.failed(measured, 0.6, "the labels")
        return rule.passed(measured)
    return rule.not_checked("too few examples were observed")


def _losses_on_new_labels(evidence: Evidence) -> list[float]:
    """Return losses on examples that were not learned from: of the network, or of others like it.

    Simple models don't see every rule; a network that found it predicts what it has not learned.
    """
    new = [loss for _, loss in evidence.validations]
    found = evidence.result(References)
    if found is not None and found.come_again < HARDLY_ANY:
        new += [found.smaller, found.same, found.larger, *([found.own] if found.is_new else [])]
    return [loss for loss in new if math.isfinite(loss)]


def _partners_shuffled(rule: Rule, evidence: Evidence) -> Check:
    """Of pairs that are to be found among others: no pair is found better than by chance."""
    first, last = evidence.first, evidence.last
    by_chance = evidence.uniform
    if first is None or last is None or first.criterion.kind != "cross_entropy":
        return rule.not_checked("no pairs among others")
    if len(evidence.losses) < MANY_STEPS or not by_chance > 0:
        return rule.not_checked("too few steps were observed")
    measured = f"the loss is {evidence.ended:.3g}, by chance {by_chance:.3g}"
    if 0.99 < evidence.ended / by_chance < 1.05 and evidence.began < 1.2 * by_chance:
        return rule.failed(f"{measured}: partners are not alike", 0.7, "the pairs")
    return rule.not_checked(f"{evidence.training_kind}: there are no labels")


def _targets_shuffled(rule: Rule, evidence: Evidence) -> Check:
    """Of a regression: one batch can be overfit, but all are predicted no better than constant."""
    overfit, found = evidence.experiments.get("overfit_one_batch"), evidence.result(OverfitBatch)
    data = evidence.data
    spread = data.target_variance if data else math.nan
    constant = spread if math.isfinite(spread) else evidence.uniform
    known = found and overfit and overfit.passed and constant > 0
    if not found or not known or len(evidence.losses) < MANY_STEPS:
        return rule.not_checked("it was not tried, or too few steps were observed")
    measured = f"the loss is {evidence.ended:.3g}, of the best constant {constant:.3g}"
    rates = evidence.result(OtherRates)
    if rates and min(rates.finite(*FAR_HIGHER), default=math.inf) < 0.9 * constant:
        return rule.passed(f"{measured}, and a far higher learning rate lowers it")
    if 0.95 < evidence.ended / constant < 1.15 and found.end < 0.6 * constant:
        return rule.failed(measured, 0.65, "the targets")
    return rule.passed(measured)


@rule(
    "labels_noisy",
    "label noise",
    f"At most {LABEL_NOISE:.0%} of the labels contradict those of similar examples, or new ones are"
    " predicted far better than such labels could be. Classes of pixels are not interpolated.",
    f"at most {LABEL_NOISE:.0%}",
)
def labels_noisy(rule: Rule, evidence: Evidence) -> Check:
    data, harder = evidence.data, evidence.training_harder
    if not evidence.is_supervised:
        return rule.not_checked(f"{evidence.training_kind}: there are no labels")
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the targets", "the nearest class")
    if TRAINING_HARDER < harder < math.inf:
        measured = f"the loss on training data is {harder:.0%} above that on new data"
        return rule.failed(measured, 0.6 + min(0.3, harder), "the labels", "about equal")
    if any(step.criterion.mixed for step in evidence.observations):
        return rule.not_checked("examples and labels are mixed with one another, as in mixup")
    if data is None or not math.isfinite(data.label_noise):
        return rule.not_checked("simple models can't compare the examples")
    measured = f"{data.label_noise:.0%} contradict their nearest neighbours"
    new = _losses_on_new_labels(evidence)
    if evidence.visits < SELDOM_SEEN and not evidence.sure_visits > OFTEN_CHANGED:
        new.append(evidence.ended)  # what is rotated or drawn anew each time is hardly memorised
    # Of labels that are wrong so often, even those that are right cost at least that much.
    least = -math.log1p(-min(data.label_noise, 0.99))
    logarithmic = evidence.first is not None and evidence.first.criterion.kind in LIKELIHOODS
    if logarithmic and new and min(new) < CLEARLY_BELOW * least:
        return rule.passed(f"new labels are predicted with a loss of {min(new):.3g}")
    if data.label_noise > LABEL_NOISE and not data.predictability < UNPREDICTABLE:
        return rule.failed(measured, 0.55 + data.label_noise, "the labels")
    return rule.passed(measured)


@rule(
    "future_leak",
    "target leakage",
    "The input does not contain the target, and no sum of its columns is it, unless a series' own"
    " past tells it; no column is the mean target of a category with that of the validation data;"
    " the target is not the tensor in which parts of the input are hidden.",
    "not at all",
    "Kaufman et al. 2012, Leakage in data mining",
)
def future_leak(rule: Rule, evidence: Evidence) -> Check:
    steps = evidence.observations
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the inputs")
    if not evidence.is_supervised:
        return rule.not_checked(f"{evidence.training_kind}: there are no labels")
    # A decoder gets the question beside the answer: to copy it may be the task.
    leaks = [x for x in steps if len(x.inputs) == 1 and x.inputs[0].leaks_target]
    if len(leaks) > len(steps) / 2:
        return rule.failed("the inputs contain the labels", 0.93, "the inputs")
    if evidence.data and evidence.data.leaking_column:
        return rule.failed(evidence.data.leaking_column, 0.85, "the inputs", "a part of them")
    done = evidence.experiments.get("future_hidden")
    # Only the next token is the future: a tag or a hidden word may depend on what comes later.
    next_token = [x for x in steps if any(i.next_in_row for i in x.inputs)]
    if done is not None and done.passed is False and len(next_token) > len(steps) / 2:
        return rule.failed(done.measured, 0.93, "the attention mask", done.expected)
    if not any(step.inputs for step in steps):
        return rule.not_checked("the inputs were not understood")
    return rule.passed(
        done.measured if done and done.passed else "the inputs do not contain the labels"
    )


@rule(
    "batch_mixed",
    "independence of the examples in a batch",
    "The output of an example depends on no other example of its batch.",
    "on its own input",
    "Karpathy 2019, A recipe for training neural networks",
)
def batch_mixed(rule: Rule, evidence: Evidence) -> Check:
    steps = evidence.observations
    if words := wired(rule, evidence):
        return rule.failed(words, 0.93, "the pooling", "nodes of one graph alone")
    if not evidence.loss_is_comparable:
        return rule.not_checked(f"{evidence.training_kind}: its loss may compare examples")
    columns = sum(any(x.transposed for x in step.inputs) for step in steps) > len(steps) / 2
    apart = evidence.result(BatchLeakage)
    if columns and apart is not None and apart.share > MIXED and apart.along <= MIXED:
        return rule.passed("sequences stand in columns, and the network runs along them")
    if columns:
        measured = "the token that follows is in the row below, not in the next column"
        return rule.failed(measured, 0.9, "the batch", "a row for each sequence")
    if sum(step.criterion.softmax_over_batch for step in steps) > len(steps) / 2:
        measured = "a softmax runs along the batch dimension"
        return rule.failed(measured, 0.93, "before the loss", "along the classes")
    done = evidence.experiments.get("examples_apart")
    if done is not None and done.passed is False:
        found = evidence.result(BatchLeakage)
        sure = 0.6 if found and found.normed else 0.9
        return rule.failed(done.measured, sure, "between input and output", done.expected)
    return rule.by_experiment(evidence, "examples_apart")


@rule(
    "data_overlap",
    "overlap of validation and training data",
    f"At most {OVERLAP:.0%} of the validation examples are training examples, too; of rows of"
    f" numbers that are not equal by chance {COPIED:.0%}; of at most {SHIFTED:.0%} of the windows"
    " of a series training has one that begins a place apart, or one on either side with half of"
    " their numbers. No network goes on from one fold of a cross-validation to the next.",
    "none",
)
def data_overlap(rule: Rule, evidence: Evidence) -> Check:
    data = evidence.data
    if data is not None and data.folds and evidence.is_supervised:
        return rule.failed(data.folds, 0.93, "the validation data of a fold", "a network for each")
    if data is None or not math.isfinite(data.overlap):
        why = data.not_compared if data else ""
        if evidence.validations and not why:
            why = "what was validated on is not known row by row"
        return rule.not_checked(why or "no validation data was found")
    if data.windows:
        return rule.failed(data.windows, 0.93, data.overlap_with, "windows of another time")
    measured = f"{data.overlap:.0%} of {data.overlap_with} is in the training data"
    if data.overlap > OVERLAP:
        return rule.failed(measured, 0.6 + 0.35 * data.overlap, data.overlap_with)
    if data.copied > COPIED:
        measured = (
            f"{data.copied:.0%} of {data.overlap_with} are rows of the training data, number for"
            " number, as where rows are repeated before the split, or copied after it"
        )
        return rule.failed(measured, 0.9, data.overlap_with)
    if data.shifted > SHIFTED:
        measured = (
            f"{data.shifted:.0%} of {data.shifted_with} are windows of which the training data has"
            " one that begins a place apart: all of their numbers but one are learned from"
        )
        return rule.failed(measured, 0.9, data.shifted_with, "windows of another time")
    return rule.passed(measured)


@rule(
    "vocabulary_unused",
    "output classes that occur",
    f"At least {CLASSES_USED:.0%} of {MANY_CLASSES} or more output classes occur as targets, unless"
    " they are all bytes there are.",
    "most of them",
)
def vocabulary_unused(rule: Rule, evidence: Evidence) -> Check:
    data = evidence.data
    loss = evidence.first.criterion if evidence.first else None
    classes = loss.classes if loss and loss.is_classification else 0
    supervised = evidence.is_supervised
    if not supervised or data is None or not data.classes_used >= 0 or classes < MANY_CLASSES:
        return rule.not_checked("there are few classes, or too few targets were observed")
    used = data.classes_used * classes
    share = min(1.0, used / max(1.0, classes - evidence.spare_classes))
    measured = f"{data.classes_used:.0%} of {classes:,} output classes occur"
    if share < CLASSES_USED and classes not in BYTES:
        return rule.failed(measured, 0.9 - 0.6 * share, "the vocabulary")
    return rule.passed(measured)


@rule(
    "context_too_short",
    "context length",
    "A network with hidden layers has a context of more than one token.",
    "more than one token",
    "Shannon 1951; makemore, part 2",
)
def context_too_short(rule: Rule, evidence: Evidence) -> Check:
    data = evidence.data
    if data is None or not data.context or not evidence.is_supervised:
        return rule.not_checked("the inputs are not a sequence of tokens")
    layers = [x for x in evidence.last.layers if not x.is_embedding] if evidence.last else []
    measured = f"a context of {data.context} token{'s' if data.context > 1 else ''}"
    if data.context == 1 and len(layers) > 1:
        if math.isfinite(data.context_entropy):
            measured += (
                f"; given one, the entropy of the next is {data.context_entropy:.2f} nats, given"
                f" two {data.longer_context_entropy:.2f}"
            )
        return rule.failed(measured, 0.72, "the inputs")
    return rule.passed(measured)
