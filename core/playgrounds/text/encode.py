"""Tokens as examples: whole stretches of a text, or windows with the token behind them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...playground import Batch
from .tokens import KeptTokens

MOST_WINDOWS = 1 << 22  # an epoch's order is kept in memory


@dataclass(frozen=True, eq=False)
class Stretches:
    """Stretches of a text for a model that answers after each token.

    Example i begins in the i-th stretch of ``context`` tokens, at a place that is resampled each
    time: an epoch sees the whole text, and no token always stands at the same place.
    """

    ids: Tensor | KeptTokens
    context: int

    @property
    def contents(self) -> Tensor:
        """The tokens of the text, (N,)."""
        return self.ids[:]

    def __len__(self) -> int:
        return max(1, (len(self.ids) - 1) // self.context)

    def batch(self, indices: Tensor, recipe: Any, generator: torch.Generator) -> Batch:
        """Return tokens (B, T), and for each the one behind it (B, T)."""
        starts = _starts(indices, self.context, len(self.ids) - self.context - 1, generator)
        found = _gather(self.ids, starts, self.context + 1)
        return found[:, :-1], found[:, 1:]

    def to(self, device: torch.device) -> "Stretches":
        """Return them on a device."""
        return Stretches(self.ids.to(device), self.context)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a text for a model that answers once, after ``context`` tokens.

    Of a long text an example stands for a few neighbouring windows, one of which is drawn.
    """

    ids: Tensor | KeptTokens
    context: int

    @property
    def stride(self) -> int:
        """How many windows an example stands for."""
        return -(-len(self.ids) // MOST_WINDOWS)

    @property
    def contents(self) -> Tensor:
        """The tokens of the text, (N,)."""
        return self.ids[:]

    def __len__(self) -> int:
        return max(1, (len(self.ids) - self.context) // self.stride)

    def batch(self, indices: Tensor, recipe: Any, generator: torch.Generator) -> Batch:
        """Return tokens (B, C), and the one behind each row (B,)."""
        starts = _starts(indices, self.stride, len(self.ids) - self.context - 1, generator)
        found = _gather(self.ids, starts, self.context + 1)
        return found[:, :-1], found[:, -1]

    def to(self, device: torch.device) -> "Windows":
        """Return them on a device."""
        return Windows(self.ids.to(device), self.context)


def _starts(indices: Tensor, stride: int, last: int, generator: torch.Generator) -> Tensor:
    """Return where examples begin: somewhere in each one's part of the text."""
    if stride == 1:
        return indices.clamp(max=last)
    drawn = torch.randint(stride, indices.shape, generator=generator, device=indices.device)
    return (indices * stride + drawn).clamp(max=last)


def _gather(ids: Tensor | KeptTokens, starts: Tensor, length: int) -> Tensor:
    """Return the tokens from each start on, (B, length) int64."""
    places = torch.arange(length, device=starts.device)
    return ids[starts[:, None] + places].long()
