"""The rule on errors: what torch raised, where, and its usual cause."""

import re

from ..diagnosis import Check
from ..evidence import Evidence
from ..watch.training_kind import ADVERSARIAL
from .rule import Rule, rule

SECOND_BACKWARD = r"backward through the graph a second time"
NOT_DETACHED = (
    "the generated batch must be detached in the discriminator's step, D(fake.detach()), so that"
    " each of both losses has a graph of its own"
)
"""What causes it where one network's loss goes through another one, with an optimiser each."""
USED_AGAIN = (
    "a part of the graph is used again that an earlier backward() has freed: a hidden state that"
    " needs detach(), or a tensor that was computed before the loop"
)
KNOWN = (
    (
        SECOND_BACKWARD,
        f"{USED_AGAIN}, or in a GAN a generated batch that the discriminator's step did not detach",
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
    (
        r"No module named",
        "the Python that ran it lacks this package, or a file beside the program is missing;"
        " install it there, or run with the Python that has it (--python INTERPRETER; in the"
        " window the field behind the arguments)",
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
    if not evidence.crash and evidence.left_by:
        return rule.not_checked(f"{evidence.left_by}, of the program's own, ended the loop")
    if not evidence.crash:
        return rule.passed("the loop ended without one")
    if not evidence.tells_error:
        return rule.not_checked(evidence.crash)
    why = usual_cause(evidence.crash, evidence.training_kind)
    measured = f"{evidence.crash}; usual cause: {why}" if why else evidence.crash
    return rule.failed(measured, CERTAIN, "the line that is named")


def usual_cause(message: str, training_kind: str = "") -> str:
    """Return the usual cause of an error of torch's; "" if it is not known.

    Args:
        message: the error's.
        training_kind: of the training that it ended, if that is known.
    """
    why = next((why for part, why in KNOWN if re.search(part, message, re.IGNORECASE)), "")
    if training_kind == ADVERSARIAL and re.search(SECOND_BACKWARD, message):
        return f"{NOT_DETACHED}; else {USED_AGAIN}"
    return why
