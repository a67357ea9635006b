"""What counting alone reaches: the loss of tables of single tokens, pairs and triples.

Floors for networks that guess the next token (Shannon 1951). A pair that was never seen is backed
off to single tokens, a triple to pairs: each table takes the one below it for some of its counts
(interpolated, after Jelinek and Mercer 1980, with Dirichlet weights).
"""

import numpy as np
from torch import Tensor

from .interruption import heed
from .telemetry.events import Array

WEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""How many imagined counts the table below is worth; the best for the judged text is taken."""


def counted(
    learned: Tensor, learned_next: Tensor, judged: Tensor, judged_next: Tensor, size: int
) -> dict[str, float]:
    """Return the loss of counting: ``even``, ``single``, ``pair``, ``triple``, in nats a token.

    Args:
        learned: the two tokens before each one that is counted, (N, 2).
        learned_next: that token, (N,).
        judged: the two tokens before each one that is judged, (M, 2).
        judged_next: that token, (M,).
        size: of the vocabulary.
    """
    (a, b), c = learned.numpy().astype(np.int64).T, learned_next.numpy().astype(np.int64)
    (x, y), z = judged.numpy().astype(np.int64).T, judged_next.numpy().astype(np.int64)
    counts = np.bincount(c, minlength=size)
    single = (counts[z] + 1.0) / (counts.sum() + size)
    floors = {"even": float(np.log(size)), "single": _nats(single)}
    pair = _backed_off(b, c, y, z, size, single)
    floors["pair"] = _nats(pair)
    floors["triple"] = _nats(_backed_off(a * size + b, c, x * size + y, z, size, pair))
    return floors


def _backed_off(
    before: Array, then: Array, asked: Array, wanted: Array, size: int, below: Array
) -> Array:
    """Return the probability of each wanted token behind what was asked, (M,)."""
    heed()
    contexts, context_counts = np.unique(before, return_counts=True)
    heed()
    pairs, pair_counts = np.unique(before * size + then, return_counts=True)
    total = _looked_up(contexts, context_counts, asked)
    seen = _looked_up(pairs, pair_counts, asked * size + wanted)
    found = [(seen + weight * below) / (total + weight) for weight in WEIGHTS]
    return min(found, key=_nats)


def _looked_up(keys: Array, values: Array, asked: Array) -> Array:
    heed()
    places = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    found: Array = np.where(keys[places] == asked, values[places], 0)
    return found


def _nats(probabilities: Array) -> float:
    return float(-np.log(probabilities).mean())
