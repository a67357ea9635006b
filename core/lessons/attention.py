"""Attention of a few tokens, step by step: two matrix products with a softmax between them."""

from dataclasses import dataclass

import numpy as np
import torch

from ..playgrounds.text.models import GPT
from ..telemetry.events import Array, frozen
from ..transformer import Block

MAX_TOKENS = 8


@dataclass(frozen=True)
class HeadTrace:
    """One attention head on T tokens; D is its number of dimensions.

    Attributes:
        query, key, value: (T, D), after rotary embedding and normalisation, if the head has them.
        scale: the factor of the products of queries and keys, 1/√D unless they are normalised.
    """

    query: Array
    key: Array
    value: Array
    scale: float

    @property
    def scores(self) -> Array:
        """Scaled products of queries and keys (T, T); -inf for masked, later tokens."""
        products = self.query @ self.key.T * self.scale
        later = np.triu(np.ones(products.shape, bool), 1)
        scores: Array = np.where(later, -np.inf, products)
        return scores

    @property
    def weights(self) -> Array:
        """The attention weights: softmax of the scores, row by row (T, T)."""
        scores = self.scores
        powers = np.exp(scores - scores.max(1, keepdims=True))
        weights: Array = powers / powers.sum(1, keepdims=True)
        return weights

    @property
    def output(self) -> Array:
        """The output of the head: values, averaged by the attention weights (T, D)."""
        output: Array = self.weights @ self.value
        return output


@torch.no_grad()
def trace_head(model: GPT, tokens: list[int], layer: int, head: int) -> HeadTrace:
    """Return queries, keys and values of a head of a GPT for tokens."""
    block = model.blocks[layer]
    assert isinstance(block, Block)
    stream = model.streams(torch.tensor([tokens]))[layer]  # (1, T, E)
    query, key, value = block.three(block.attend(block.norm(stream)))  # (1, H, T, D) each
    q, k, v = (frozen(part[0, head]) for part in (query, key, value))
    return HeadTrace(q, k, v, block.sharpness)


EXAMPLE_TOKENS = ("the", "black", "cat", "it")


def example() -> HeadTrace:
    """Return a head with hand-made numbers, for a network without attention: "it" finds a noun."""
    key = np.array([[0.0, 0.2], [0.4, 1.5], [2.0, 0.3], [0.3, 0.1]])
    query = np.array([[0.2, 0.2], [0.3, 0.4], [0.5, 1.8], [2.2, 0.4]])
    value = np.array([[0.1, 0.0, 0.1], [0.0, 1.0, 0.2], [1.0, 0.1, 0.0], [0.2, 0.1, 0.9]])
    return HeadTrace(query, key, value, 2**-0.5)
