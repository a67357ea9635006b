"""Attention on a few tokens, step by step: two matrix products with a softmax between them."""

from dataclasses import dataclass

import numpy as np
import torch

from ..playgrounds.text.models import GPT
from ..telemetry.events import Array, frozen
from ..transformer import Block

MOST = 8
"""Tokens; more would not be read."""


@dataclass(frozen=True)
class Look:
    """What one head made of T tokens; D is its number of dimensions.

    Attributes:
        query, key, value: (T, D), as they meet: turned and scaled, where the head does that.
        sharpness: what the products of queries and keys are multiplied by.
    """

    query: Array
    key: Array
    value: Array
    sharpness: float

    @property
    def scores(self) -> Array:
        """How well each query fits each key (T, T); -inf for what lies ahead."""
        fit = self.query @ self.key.T * self.sharpness
        ahead = np.triu(np.ones(fit.shape, bool), 1)
        scores: Array = np.where(ahead, -np.inf, fit)
        return scores

    @property
    def shares(self) -> Array:
        """The scores as shares (T, T), each row with a sum of 1."""
        scores = self.scores
        powers = np.exp(scores - scores.max(1, keepdims=True))
        shares: Array = powers / powers.sum(1, keepdims=True)
        return shares

    @property
    def seen(self) -> Array:
        """What each token takes with it: the values, mixed by its shares (T, D)."""
        seen: Array = self.shares @ self.value
        return seen


@torch.no_grad()
def look(model: GPT, tokens: list[int], layer: int, head: int) -> Look:
    """Return what a head of a GPT makes of tokens."""
    block = model.blocks[layer]
    assert isinstance(block, Block)
    stream = model.streams(torch.tensor([tokens]))[layer]  # (1, T, E)
    query, key, value = block.three(block.attend(block.norm(stream)))  # (1, H, T, D) each
    one, other, what = (frozen(part[0, head]) for part in (query, key, value))
    return Look(one, other, what, block.sharpness)


WORDS = ("the", "black", "cat", "it")
"""The tokens of the example."""


def example() -> Look:
    """Return a head by hand, for want of a network that attends: "it" looks for a thing."""
    key = np.array([[0.0, 0.2], [0.4, 1.5], [2.0, 0.3], [0.3, 0.1]])
    query = np.array([[0.2, 0.2], [0.3, 0.4], [0.5, 1.8], [2.2, 0.4]])
    value = np.array([[0.1, 0.0, 0.1], [0.0, 1.0, 0.2], [1.0, 0.1, 0.0], [0.2, 0.1, 0.9]])
    return Look(query, key, value, 2**-0.5)
