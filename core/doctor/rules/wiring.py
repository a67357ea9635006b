"""Rules on how a network is wired: reshapes, attention, repeated modules, padding."""

from ..diagnosis import Check
from ..evidence import Evidence
from ..watch.wiring import FEW_EXAMPLES, FEW_VALUES, LARGE_LOGITS, PADDED, WIDE
from .rule import Rule, rule


def _by_wiring(rule: Rule, evidence: Evidence, confidence: float, where: str) -> Check:
    """Return a check that failed if most of the observed steps are wired so."""
    steps = [step for step in evidence.observations if step.layers]
    found = [words for step in steps for cause, words in step.wiring if cause == rule.id]
    if not steps:
        return rule.not_checked("no layer was observed")
    if len(found) > len(steps) / 2:
        return rule.failed(found[-1], confidence, where)
    return rule.passed("nothing of that kind")


@rule(
    "dims_scrambled",
    "reshapes and transposes",
    "No view or reshape has the sizes of before in another order.",
    "permute or transpose",
    "PyTorch's documentation of Tensor.view",
)
def dims_scrambled(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.92, "the reshape")


@rule(
    "attention_unscaled",
    "scale of the attention",
    f"Products of queries and keys of {WIDE} numbers or more are divided by the root of that, or"
    f" have a standard deviation of at most {LARGE_LOGITS:g}.",
    "a standard deviation of about 1",
    "Vaswani et al. 2017, section 3.2.1",
)
def attention_unscaled(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.7, "the attention")


@rule(
    "attention_axis",
    "axis of the attention's softmax",
    "Shares sum to 1 along the axis along which they weigh the values.",
    "along the keys, dim=-1",
    "Vaswani et al. 2017, section 3.2.1",
)
def attention_axis(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.94, "the attention")


@rule(
    "attention_mask_late",
    "place of the attention mask",
    "What is masked is set to -inf before the softmax, so that the rest sums to 1.",
    "before the softmax",
    "Karpathy 2023, Let's build GPT",
)
def attention_mask_late(rule: Rule, evidence: Evidence) -> Check:
    return _by_wiring(rule, evidence, 0.92, "the attention mask")


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
    return _by_wiring(rule, evidence, 0.88, "the batch norm")


@rule(
    "padding_read",
    "padding and the output that is read",
    f"At most {PADDED:.0%} of the rows end in padding where the last output of a recurrent network"
    " is read.",
    "the last token, or packed sequences",
)
def padding_read(rule: Rule, evidence: Evidence) -> Check:
    data = evidence.data
    learned = data is not None and evidence.ended < 0.5 * data.entropy
    if learned:
        return rule.passed("it learns all the same")
    return _by_wiring(rule, evidence, 0.75, "the padding")
