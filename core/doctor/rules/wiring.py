"""Rules on how a network is wired: reshapes, attention, repeated modules, padding."""

import math

from ..diagnosis import Check
from ..evidence import Evidence
from ..experiments.reference_networks import References
from ..watch.node_wiring import SUMS_GROW
from ..watch.padding import COUNTED, PADDED
from ..watch.training_kind import LABELLING, LANGUAGE
from ..watch.wiring import (
    ATTENTION,
    BATCH_NORM,
    FEW_EXAMPLES,
    FEW_VALUES,
    GROWS,
    LARGE_LOGITS,
    MANY_BLOCKS,
    MANY_CALLS,
    PLACES,
    RECURRENCE,
    WIDE,
)
from .layers import FIRST_LOSS, FIRST_LOSS_MARGIN
from .rule import Rule, rule, wired

FAR_BETTER = 0.5
"""Part of a loss that a network as large, trained anew, leaves where this one hardly learns."""
MANY_STEPS, STAYS, TOLD = 200, 0.9, 0.5
"""Steps that leave so much of a guess by class frequency; and what a table then leaves of it."""


def _by_wiring(
    rule: Rule, evidence: Evidence, confidence: float, where: str, of: str = ""
) -> Check:
    """Return a check that failed if most of the observed steps are wired so.

    Args:
        rule: that checks.
        evidence: of the loop.
        confidence: if it failed.
        where: it failed.
        of: the part that a network has to have for that; "" where each may.
    """
    if not any(step.layers for step in evidence.observations):
        return rule.not_checked("no layer was observed")
    if words := wired(rule, evidence):
        return rule.failed(words, confidence, where)
    if of and not any(of in step.parts for step in evidence.observations):
        return rule.not_checked(f"there is no {of}")
    return rule.passed("nothing of that kind")


@rule(
    "dims_scrambled",
    "reshapes and transposes",
    "No view or reshape has the sizes of before in another order, or stands where heads of an"
    " attention and tokens are to change places.",
    "permute or transpose",
    "PyTorch's documentation of Tensor.view",
)
def dims_scrambled(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.92, "the reshape")


@rule(
    "state_detached",
    "gradient through a recurrence",
    f"Where a layer goes on from its own results, {MANY_CALLS} times or more, the loss reaches more"
    " than its last call, or the network learns all the same, as far as others of its size do.",
    "a gradient through all steps of a sequence",
    "Werbos 1990, Backpropagation through time",
)
def state_detached(rule: Rule, evidence: Evidence) -> Check:
    guess = evidence.uniform if math.isfinite(evidence.uniform) else evidence.began
    compared = evidence.result(References)
    others = compared is not None and compared.same < FAR_BETTER * compared.own
    check = _by_wiring(rule, evidence, 0.92, "the recurrence", RECURRENCE)
    if check.passed is False and evidence.ended < STAYS * guess and not others:
        return rule.passed("it learns all the same")
    return check


@rule(
    "attention_unscaled",
    "scale of the attention",
    f"Products of queries and keys of {WIDE} numbers or more are divided by the root of that, or"
    f" have a standard deviation of at most {LARGE_LOGITS:g}.",
    "a standard deviation of about 1",
    "Vaswani et al. 2017, section 3.2.1",
)
def attention_unscaled(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.7, "the attention", ATTENTION)


@rule(
    "attention_axis",
    "axis of the attention's softmax",
    "Shares sum to 1 along the axis along which they weigh the values.",
    "along the keys, dim=-1",
    "Vaswani et al. 2017, section 3.2.1",
)
def attention_axis(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.94, "the attention", ATTENTION)


@rule(
    "attention_mask_late",
    "place of the attention mask",
    "What is masked is set to -inf before the softmax, so that the rest sums to 1.",
    "before the softmax",
    "Karpathy 2023, Let's build GPT",
)
def attention_mask_late(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.92, "the attention mask", ATTENTION)


@rule(
    "layer_repeated",
    "weights of each layer",
    "No module stands in a list of layers more than once.",
    "a module for each place",
)
def layer_repeated(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.88, "the list of layers")


@rule(
    "batch_norm_tiny",
    "examples for a batch norm",
    f"A batch norm sees more than {FEW_EXAMPLES} examples, or {FEW_VALUES} values of a channel.",
    "more examples in a batch",
    "Wu and He 2018, Group normalization",
)
def batch_norm_tiny(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.88, "the batch norm", BATCH_NORM)


@rule(
    "padding_read",
    "padding and the output that is read",
    f"At most {PADDED:.0%} of the rows have padding where the output of a recurrent network is"
    " read: at the end, or at each row's own place.",
    "the last token, or packed sequences",
)
def padding_read(rule: Rule, evidence: Evidence) -> Check:
    data = evidence.data
    check = _by_wiring(rule, evidence, 0.75, "the padding", RECURRENCE)
    if check.passed is False and data is not None and evidence.ended < 0.5 * data.entropy:
        return rule.passed("it learns all the same")
    return check


@rule(
    "padding_in_loss",
    "padding in the loss",
    f"At most {COUNTED:.0%} of the targets lie behind the end of the tokens, all of one class.",
    "ignore_index",
    "PyTorch's documentation of CrossEntropyLoss",
)
def padding_in_loss(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.88, "the loss", PLACES)


@rule(
    "positions_missing",
    "positions of the tokens",
    "Earlier tokens in another order change the last output of a network with attention, and a"
    " table of positions gives each place a row of its own.",
    "another output",
    "Vaswani et al. 2017, section 3.5",
)
def positions_missing(rule: Rule, evidence: Evidence) -> Check:
    if words := wired(rule, evidence):
        return rule.failed(words, 0.92, "the embedding")
    told = _told_by_a_place(evidence)
    if evidence.training_kind not in (LANGUAGE, LABELLING) and not told:
        return rule.not_checked("what is asked of its tokens may not depend on their order")
    done = evidence.experiments.get("positions_exchanged")
    if done is not None and done.passed is False:
        return rule.failed(f"{done.measured}{told}", 0.92, "the embedding", done.expected)
    return rule.by_experiment(evidence, "positions_exchanged")


def _told_by_a_place(evidence: Evidence) -> str:
    """Say what the token of one place tells of the label, where the network learns nothing; ""."""
    data, ended = evidence.data, evidence.ended
    if data is None or len(evidence.losses) < MANY_STEPS or not ended > STAYS * data.entropy:
        return ""
    if not data.pair_entropy < TOLD * data.entropy:
        return ""
    return (
        f" A table of the tokens of one place has a loss of {data.pair_entropy:.3g}, the network"
        f" {ended:.3g}"
    )


@rule(
    "normalisation_missing",
    "normalisation of deep networks",
    f"The sum of {MANY_BLOCKS} residual branches or more grows by at most {GROWS:g} times, sums"
    f" over neighbours by {SUMS_GROW:g} times, they are normalised, or the network learns all the"
    " same.",
    "about 1 in each block",
    "He et al. 2016; Zhang, Dauphin and Ma 2019, Fixup; Kipf and Welling 2017",
)
def normalisation_missing(rule: Rule, evidence: Evidence) -> Check:
    first = evidence.first
    found = [words for cause, words in first.wiring if cause == rule.id] if first else []
    if first is None:
        return rule.not_checked("no complete step was observed")
    if not found and not first.layers:
        return rule.not_checked("no layer was observed")
    if not found:
        return rule.passed("nothing of that kind")
    uniform = evidence.uniform
    begins_wrong = first.criterion.value > FIRST_LOSS * uniform + FIRST_LOSS_MARGIN
    stays = not evidence.ended < 0.9 * uniform
    if math.isfinite(uniform) and (begins_wrong or stays):
        measured = f"{found[0]}; the loss goes from {evidence.began:.3g} to {evidence.ended:.3g}"
        return rule.failed(measured, 0.9, "the blocks")
    return rule.passed(f"{found[0]}, and it learns all the same")


@rule(
    "residual_missing",
    "residual paths",
    "Around one self-attention of several, at least, what it was given is added to what it makes.",
    "x + attention(x)",
    "He et al. 2016; Vaswani et al. 2017, section 3.1",
)
def residual_missing(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.85, "the blocks", ATTENTION)
