"""How a change to a script is written down: a fault with its cause, or a healthy variant."""

from dataclasses import dataclass

Edit = tuple[str, str]
"""A text, which stands in the script exactly once, and what replaces it."""


@dataclass(frozen=True)
class Fault:
    """A mistake in a script.

    Attributes:
        id: the cause to be named.
        how: what the person did, in a few words.
        edits: what is replaced.
        also: other causes that are as right.
    """

    id: str
    how: str
    edits: tuple[Edit, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Healthy:
    """A way to write a script that is in order; a doctor that names a cause is wrong.

    Attributes:
        how: what is different, in a few words.
        edits: what is replaced.
        seed: the seed it runs with; None for the script's own.
        allowed: causes that may be named without being false, as long as nothing is called broken.
    """

    how: str
    edits: tuple[Edit, ...] = ()
    seed: int | None = None
    allowed: tuple[str, ...] = ()


def fault(id: str, how: str, *edits: Edit, also: str = "") -> Fault:
    """Return a fault; ``also`` as words."""
    return Fault(id, how, edits, tuple(also.split()))


def healthy(how: str, *edits: Edit, seed: int | None = None, allowed: str = "") -> Healthy:
    """Return a healthy variant; ``allowed`` as words."""
    return Healthy(how, edits, seed, tuple(allowed.split()))


SEEDS = (healthy("as it is"), healthy("seed 1", seed=1), healthy("seed 2", seed=2))

# The same fact, said of the parameter or of its layer: what is left out of the optimiser does not
# move, whoever left it out.
STILL = "frozen_layer"
LEFT_OUT = "parameter_not_trained"
# A step that throws the weights about is seen as a rate too high, or as a loss that swings.
HIGH = "lr_too_high"
# A schedule that ends too early rates a rate that is too low, and a loss that stands.
LOW = "lr_too_low"
# Units saturate or die, and gradients blow up, because the initialisation has a wrong size.
SIZE = "bad_init_scale"

ZERO_P = "        for p in parameters:\n            p.grad = None\n"


def rates(old: str, high: str, low: str, growing: str, ending: str) -> tuple[Fault, ...]:
    """Return the faults of a learning rate that is written as ``old``."""
    return (
        fault("lr_too_high", "rate far too high", (old, high)),
        fault("lr_too_low", "rate far too low", (old, low)),
        fault("lr_growing", "the schedule divides by min(1, ...)", (old, growing)),
        fault("plateau", "the rate decays within moments", (old, ending), also=LOW),
    )
