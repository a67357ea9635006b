"""The rule on errors: what torch raised, where, and its usual cause."""

import re

from ..diagnosis import Check
from ..evidence import Evidence
from .rule import Rule, rule

KNOWN = (
    (
        r"backward through the graph a second time",
        "something of the last step is used again: a hidden state that needs detach(), or a tensor"
        " that was computed before the loop",
    ),
    (
        r"does not require grad|element 0 of tensors",
        "the loss depends on no parameter that requires a gradient: it was detached, computed under"
        " no_grad, or the weights were made anew",
    ),
    (
        r"modified by an inplace operation",
        "a tensor that the backward pass needs was overwritten; write y = y + x in place of y += x",
    ),
    (r"'NoneType'", "something is None: often .grad, before backward() or of a tensor made anew"),
    (
        r"shapes cannot be multiplied|size mismatch|must match the size|invalid for input of size"
        r"|Expected input batch_size|expected input.* to have|dimension",
        "two shapes do not fit; print them in the line before",
    ),
    (
        r"expected scalar type|Found dtype|expected .* (?:Long|Float)|must have the same dtype",
        "two types do not fit: classes are torch.long, inputs and quantities torch.float32",
    ),
    (r"same device", "a tensor was left on another device; move model and batch with .to(device)"),
    (
        r"no nvidia driver|not compiled with cuda|no cuda gpus|cuda is not available",
        "there is no GPU here; write device = 'cuda' if torch.cuda.is_available() else 'cpu'",
    ),
    (
        r"leaf variable that requires grad",
        "a weight is updated in place while gradients are recorded; update it under"
        " torch.no_grad()",
    ),
    (
        r"can't call numpy\(\) on tensor that requires grad",
        "a loss or an output is still part of the graph; take loss.item(), or detach() it first",
    ),
    (r"out of memory", "the batch or the network is too large for this device"),
)
"""Parts of torch's messages, and what usually causes them."""
CERTAIN = 0.95
"""That it ended with an error was seen, whether its cause is known or not."""


@rule(
    "crash",
    "errors",
    "The loop ends without an error.",
    "no error",
)
def crash(rule: Rule, evidence: Evidence) -> Check:
    if not evidence.crash and not len(evidence.losses):
        return rule.not_checked("there are no losses")
    if not evidence.crash:
        return rule.passed("the loop ended by itself")
    if not evidence.tells_error:
        return rule.not_checked(evidence.crash)
    why = usual_cause(evidence.crash)
    measured = f"{evidence.crash}; usual cause: {why}" if why else evidence.crash
    return rule.failed(measured, CERTAIN, "the line that is named")


def usual_cause(message: str) -> str:
    """Return the usual cause of an error of torch's; "" if it is not known."""
    return next((why for part, why in KNOWN if re.search(part, message, re.IGNORECASE)), "")
