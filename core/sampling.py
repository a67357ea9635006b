"""Tokens out of logits: temperature, top-k and top-p; knows nothing of text."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from core.errors import UserError


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn from a network's answer.

    Attributes:
        temperature: the logits are divided by it; below 1 the likely grows likelier.
        top_k: only the k likeliest tokens are drawn from; None for all.
        top_p: only the likeliest that together reach this share (Holtzman et al. 2019, "nucleus").

    Raises:
        UserError: one of them is impossible.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise UserError(
                f"A temperature of {self.temperature:g} is not possible: it is above zero, 1 for"
                " the network's own probabilities, 0.1 for nearly always the likeliest."
            )
        if self.top_k is not None and self.top_k < 1:
            raise UserError(f"A top-k of {self.top_k} leaves nothing to draw from; take 1 or more.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UserError(f"A top-p of {self.top_p:g} is not possible: it is above 0, up to 1.")

    def shares(self, logits: Tensor) -> Tensor:
        """Return the probabilities (B, V) that are drawn from, of logits (B, V)."""
        # The largest is taken off first, so that a tiny temperature can't overflow; in single
        # precision it might be no more than zero.
        logits = logits.double()
        logits = (logits - logits.amax(-1, keepdim=True)) / self.temperature
        if self.top_k is not None and self.top_k < logits.shape[-1]:
            least = logits.topk(self.top_k, dim=-1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -math.inf)
        shares = logits.softmax(-1).float()
        if self.top_p is not None and self.top_p < 1:
            ordered, order = shares.sort(dim=-1, descending=True)
            # A token stays if those before it have not reached the share yet: one always stays.
            beyond = ordered.cumsum(-1) - ordered >= self.top_p
            shares = shares.masked_fill(beyond.scatter(-1, order, beyond), 0.0)
            shares = shares / shares.sum(-1, keepdim=True)
        return shares


class Reader(Protocol):
    """A network that reads tokens, one batch after another, and says what may follow."""

    def read(self, tokens: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read on.

        Args:
            tokens: (B, t), what is new.
            memory: (B, ...), what it remembered of those before; None at the beginning.

        Returns:
            The logits (B, V) of the next token, and the memory to go on with (B, ...).
        """
        ...


@torch.no_grad()
def generate(
    reader: Reader,
    start: Tensor,
    sampling: Sampling,
    generator: torch.Generator,
    end: int,
    longest: int,
) -> tuple[Tensor, Tensor]:
    """Continue sequences until each has ended: all at once, those that go on in one batch.

    Args:
        reader: the network; each token is read once.
        start: tokens (B, t) to go on from.
        sampling: how each next token is drawn.
        generator: the random numbers; the same ones give the same sequences.
        end: the token that ends a sequence.
        longest: tokens that are added at most.

    Returns:
        The tokens (B, t + n), ``end`` behind every sequence that is over, and the log-probability
        (B,) of what was added, by the network's own answers (at temperature 1, of all tokens).

    Raises:
        UserError: the network's answers are no numbers (NaN).
    """
    made = start.new_full((len(start), start.shape[1] + longest), end)
    made[:, : start.shape[1]] = start
    chances = torch.zeros(len(start), device=start.device)
    going = torch.arange(len(start), device=start.device)
    logits, memory = reader.read(start)
    if not torch.isfinite(logits).all():
        raise UserError("The network's answers are not numbers any more: it has come apart.")
    for place in range(start.shape[1], made.shape[1]):
        token = torch.multinomial(sampling.shares(logits), 1, generator=generator)
        chances[going] += logits.log_softmax(-1).gather(1, token)[:, 0]
        made[going, place] = token[:, 0].to(made.dtype)
        on = token[:, 0] != end
        going = going[on]
        if not len(going):
            return made[:, : place + 1], chances
        logits, memory = reader.read(token[on], memory[on])
    return made, chances
