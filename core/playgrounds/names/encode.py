"""Names as tensors: windows of letters with the one that follows, or whole names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...playground import Batch
from ...telemetry.events import Array
from .alphabet import Alphabet
from .reports import END

IGNORED = -1
"""The target where there is nothing to be guessed; cross-entropy leaves it out."""


@dataclass(frozen=True)
class Letters:
    """Inputs and targets of a list of names.

    Windows: inputs (N, C), the C letters before each one, and targets (N,). Whole names: inputs
    (N, C), a name from its beginning, and targets (N, C), what follows each of its letters.
    """

    inputs: Tensor
    targets: Tensor
    _dealt: list[Tensor] = field(default_factory=list, compare=False)
    """An epoch's order, and the windows laid out in it: a batch is then a piece of them."""

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def contents(self) -> Tensor:
        """The inputs, (N, C)."""
        return self.inputs

    def batch(self, indices: Tensor, recipe: Any, generator: torch.Generator) -> Batch:
        """Return these examples; whole names longest first, without columns that none fills."""
        if self.targets.dim() == 1 and indices._base is not None:
            return self._deal(indices, indices._base)
        inputs, targets = self.inputs[indices], self.targets[indices]
        if targets.dim() == 1 or targets.device.type != "cpu":
            return inputs, targets
        # As long as to its last target: a row for what is beyond the context has no other.
        places = torch.arange(1, targets.shape[1] + 1)
        lengths, order = ((targets != IGNORED) * places).amax(1).sort(descending=True)
        used = int(lengths[0])
        return inputs[order, :used], targets[order, :used]

    def _deal(self, indices: Tensor, order: Tensor) -> Batch:
        """Return a piece of an epoch's order; to pick windows one by one costs a twentieth more."""
        if not self._dealt or self._dealt[0] is not order:
            self._dealt[:] = [order, self.inputs[order], self.targets[order]]
        start = indices.storage_offset()
        piece = slice(start, start + len(indices))
        return self._dealt[1][piece], self._dealt[2][piece]

    def to(self, device: torch.device) -> "Letters":
        """Return them on a device."""
        return Letters(self.inputs.to(device), self.targets.to(device))


def windows(words: Sequence[str], alphabet: Alphabet, context: int) -> Letters:
    """Cut names into windows: before the first letter stand end marks (makemore, part 2).

    Raises:
        UserError: a letter is not in the alphabet.
    """
    flat, starts, sizes = _stream(words, alphabet, context)
    # Where each target stands in the stream: the letters and the end mark of every name.
    places = np.repeat(starts, sizes) + _ranks(sizes)
    inputs = np.empty((len(places), context), np.int32)
    for column in range(context):
        inputs[:, column] = flat[places - context + column]
    return Letters(torch.from_numpy(inputs), torch.from_numpy(flat[places]))


def rows(words: Sequence[str], alphabet: Alphabet, context: int) -> Letters:
    """Lay each name in a row, after the mark that begins it (makemore.py).

    What stands beyond the context in a longer name gets rows of its own: the ``context`` letters
    before it, and this one target.

    Raises:
        UserError: a letter is not in the alphabet.
    """
    flat, starts, sizes = _stream(words, alphabet, 1)
    places, ranks = np.repeat(starts, sizes) + _ranks(sizes), _ranks(sizes)
    first = ranks < context
    row = np.repeat(np.arange(len(words)), sizes)
    beyond = places[~first]
    inputs = np.zeros((len(words) + len(beyond), context), np.int32)
    targets = np.full(inputs.shape, IGNORED, np.int64)
    inputs[row[first], ranks[first]] = flat[places[first] - 1]
    targets[row[first], ranks[first]] = flat[places[first]]
    for column in range(context):
        inputs[len(words) :, column] = flat[beyond - context + column]
    targets[len(words) :, -1] = flat[beyond]
    return Letters(torch.from_numpy(inputs), torch.from_numpy(targets))


def _stream(words: Sequence[str], alphabet: Alphabet, marks: int) -> tuple[Array, Array, Array]:
    """Join names, each after some end marks and with one behind it.

    Returns:
        The symbols of all, where each name's first letter stands, and each name's length + 1.
    """
    before = END * marks
    flat = alphabet.encode("".join(before + word + END for word in words))
    sizes = np.array([len(word) + 1 for word in words], np.int64)
    starts = np.cumsum(sizes + marks) - sizes
    return flat, starts, sizes


def _ranks(sizes: Array) -> Array:
    """Return 0 1 .. size - 1 for each size, one after another."""
    ranks: Array = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks
