"""How much memory a training takes, by arithmetic on its recipe, before any of it is taken.

No torch in it: a form asks at each key. What is counted are numbers of four bytes; how near the
estimate comes is measured by ``python -m bench memory-estimate``.
"""

from dataclasses import dataclass
from itertools import pairwise

NUMBER = 4  # bytes
DROPOUT = 1.25
"""Of each number that may be dropped: what is left of it, and a byte that says whether it was."""
MIXED = 0.8
"""Of what a training in half precision keeps: 0.77 and 0.79 of two GPTs in bfloat16 on a CPU."""
MIXED_CONVOLUTIONS = 0.52
"""Of all that convolutions and norms keep and lay out anew there: half, but for a pool's places."""
JUDGING = 256 << 20
"""Bytes that a slice of the judged examples may take."""
ALWAYS = 160 << 20
"""Bytes of buffers and code that torch takes with the first step, whatever it trains."""


@dataclass(frozen=True)
class Footprint:
    """What a recipe's training consists of.

    Attributes:
        weights: of the model.
        kept: numbers that an example of a batch keeps from its way in to its way back.
        widest: numbers of its largest layer, for which gradients are there beside all that.
        data: numbers of an example that are there for the whole run.
        learned: how many of the weights learn; None for all.
        convolves: whether its layers are convolutions, whose copies are in half precision, too.
        prepared: numbers of an example while it is prepared, such as turned, where those of the
            largest layer are fewer.
    """

    weights: int
    kept: float
    widest: float
    data: float = 0.0
    learned: int | None = None
    convolves: bool = False
    prepared: float = 0.0

    def size(
        self, optimizer: str, momentum: float, batch: int, examples: int, mixed: bool = False
    ) -> int:
        """Return how many bytes it takes at its most.

        Args:
            optimizer: of the recipe.
            momentum: of the recipe.
            batch: how many examples a step takes.
            examples: how many there are.
            mixed: whether products are in half precision, so that most of what is kept is, too.
        """
        slots = (1 if momentum else 0) if optimizer == "sgd" else 2
        # The copy from which a training goes on if its loss becomes NaN; the best weights so far,
        # and those of the last moment; weights once more, as the bytes of a checkpoint.
        copies = 1 + 2 + 1
        # Of those that learn a gradient; and slots, which are copied and written, too.
        learned = self.weights if self.learned is None else self.learned
        weights = self.weights * (1 + copies) + learned * (1 + 3 * slots)
        kept = (MIXED_CONVOLUTIONS if self.convolves else MIXED) if mixed else 1.0
        widest = kept if self.convolves else 1.0
        step = batch * (self.kept * kept + max(self.widest * widest, self.prepared))
        return int(NUMBER * (weights + step + examples * self.data)) + JUDGING // 4 + ALWAYS


def dense(sizes: tuple[int, ...], norm: bool = False, dropout: bool = False) -> tuple[int, float]:
    """Return weights, and numbers kept an example, of products one after another.

    Args:
        sizes: of the input, and of each product's output.
        norm: whether batch norm follows each.
        dropout: whether dropout follows each.
    """
    weights = sum((a + 1 + norm) * b for a, b in pairwise(sizes))
    return weights, sum(sizes[1:]) * (1 + norm + DROPOUT * dropout)


def blocks(count: int, width: int, dropout: bool, turned: bool = False) -> tuple[int, float]:
    """Return weights, and numbers kept a token, of a transformer's blocks.

    Args:
        count: how many blocks.
        width: of the stream.
        dropout: whether they have dropout.
        turned: whether queries and keys are normalised or turned by their place.
    """
    return count * 12 * width * (width + 1), count * width * (
        20 + 4 * turned + 2 * DROPOUT * dropout
    )
