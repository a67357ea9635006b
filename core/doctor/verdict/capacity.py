"""Too small, overfitting or held up by its settings: what networks of other sizes say of one."""

import math

from ..diagnosis import WORTH_IT, Z80
from ..evidence import Evidence
from ..experiments.reference_networks import CLEAR, FAR, References

Answer = tuple[str, str, float]
"""A verdict, its sentence, and its confidence."""

BY_SIZE = 0.25
"""The part of a larger network's lead that is by size, and not by what one of the same size is
better by, from which on size is what is missing."""
MUCH = 3.0
"""Times the gain by more steps that a gain by size is, where size is what is missing."""
NEAR = 0.25
"""The part of its loss on new examples by which a network may be better on those of the training,
and is not overfitting."""
OVERFITS = 0.35
"""The part from which on it is, if a network that stopped early is better on new examples."""


def overfitting_by_size(evidence: Evidence) -> Answer | None:
    """See whether a network that stopped early is better on new examples, and this one on old."""
    found = evidence.result(References)
    if found is None or not found.is_new or found.time_gain >= WORTH_IT:
        return None
    if found.time_gain < -WORTH_IT and found.gap > NEAR:
        return (
            "overfitting",
            f"Nothing is broken, but it overfits: its loss is {found.own_trained:.3g} on training"
            f" data and {found.own:.3g} on new examples, and {found.again} take that to"
            f" {found.longer:.3g}. Stop earlier, or try more data, dropout or weight decay.",
            min(0.9, 0.6 - found.time_gain),
        )
    if found.gap < OVERFITS:
        return None
    gain = max(found.recipe_gain, found.smaller_gain)
    if not gain:
        return None
    return (
        "overfitting",
        f"Nothing is broken, but it overfits: its loss is {found.own_trained:.3g} on training data"
        f" and {found.own:.3g} on new examples, where a network of no more parameters that stopped"
        f" early reaches {min(found.at_most_same):.3g}. Stop earlier, or try more data, dropout or"
        " weight decay.",
        min(0.9, 0.6 + gain),
    )


def by_size(evidence: Evidence, gain: float) -> Answer | None:
    """Decide whether the size of a network is what holds it up; None if it is not.

    Args:
        evidence: with the comparison, if it was made.
        gain: what twice as many steps would bring, as a part of the loss.
    """
    found = evidence.result(References)
    if found is None:
        return None
    if math.isfinite(found.time_gain):
        gain = found.time_gain  # what was tried counts more than what was forecast
    lead, near = found.size_gain, found.gap <= NEAR
    if lead and near and found.size_share > BY_SIZE and lead > MUCH * gain:
        return (
            "too_small",
            f"Nothing is wrong, but the model is too small: a network of {found.times_in_words} as"
            f" many parameters reaches {found.larger:.3g} on the same {_examples(found)}, yours"
            f" {found.own:.3g}; one of its own size {found.same:.3g}.",
            min(0.92, 0.55 + lead * found.size_share),
        )
    if found.time_gain >= WORTH_IT and MUCH * found.time_gain > lead:
        return (
            "undertrained",
            f"Nothing is wrong; it needs more time. {found.again.capitalize()}, of a copy, take its"
            f" loss on {_examples(found)} from {found.own:.3g} to {found.longer:.3g}.",
            min(0.92, 0.6 + 2 * found.time_gain),
        )
    if near and found.recipe_gain > max(0.0, gain):
        return (
            "undertrained",
            f"Its size is not what holds it up: a network of as many parameters reaches"
            f" {found.same:.3g} on the same {_examples(found)}, yours {found.own:.3g}. It is"
            " undertrained, or its settings (learning rate, initialisation, architecture) are in"
            " the way.",
            min(0.7, 0.5 + found.recipe_gain / 2),
        )
    return None


def settled_on_new(evidence: Evidence) -> References | None:
    """Return the comparison, if a copy that went on gained nothing on new examples."""
    found = evidence.result(References)
    return found if found and found.is_new and found.time_gain < WORTH_IT else None


def below_baseline(evidence: Evidence) -> Answer | None:
    """See whether it is worse than what predicts without a network, and has not seen them.

    On examples that the network may have learned from it has to be far worse.
    """
    found = evidence.result(References)
    if found is None:
        return None
    most = 1 - CLEAR if found.is_new else FAR
    if not found.best_baseline < most * found.own:
        return None
    settled = found.time_gain < WORTH_IT and found.gap <= NEAR
    if settled and found.best_baseline < FAR * found.own:
        return (
            "unknown",
            f"Nothing wrong was found, but it is not fine: without a network a loss of"
            f" {found.best_baseline:.3g} is reached on the same {_examples(found)}, yours is"
            f" {found.own:.3g}, and {found.again}, of a copy, take it to {found.longer:.3g}. It may"
            " be too small, or its settings (learning rate, initialisation, architecture) are in"
            " the way: no network that was tried shows which.",
            0.5,
        )
    return (
        "undertrained",
        "Nothing wrong was found, but it is not settled: without a network a loss of"
        f" {found.best_baseline:.3g} is reached on the same {_examples(found)}, yours is"
        f" {found.own:.3g}."
        " It is undertrained, or its settings (learning rate, initialisation, architecture) are in"
        " the way.",
        0.55,
    )


def at_floor(evidence: Evidence) -> bool:
    """Whether no network and no baseline that was compared is better, nor itself after a while."""
    found = evidence.result(References)
    if found is None or not found.is_new or math.isnan(found.larger):
        return False
    if found.own - found.longer > Z80 * found.longer_error:
        return False
    others = (found.smaller, found.same, found.larger, found.best_baseline)
    return not any(other < found.own for other in others)


def _examples(found: References) -> str:
    return "new examples" if found.is_new else "examples that it was trained on"
