"""How good a network is at a text: per token, and per character, which tokenizers share."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...interruption import heed
from ...telemetry.events import Array, frozen
from ...tokenizers import Tokenizer
from ...training.evaluation import at_once, evaluation_mode, place_of
from .models import TextModel
from .tokens import KeptTokens, Tokens

CHUNK = 4096  # tokens at once: what they need stays within a laptop's memory
PAIRED = 1 << 20  # tokens whose pairs are counted at once
TABLE = 1 << 24  # pairs that are counted in a table
MOST_PAIRS = 1 << 23  # else tokens whose pairs are counted


@dataclass(frozen=True)
class Loss:
    """What a text costs a network.

    Attributes:
        nats: -ln of the right token's probability, summed over the tokens.
        tokens: how many there were.
        characters: how many characters they stand for.
        places: the mean at each place of the context, (T,); (1,) for a model of windows.
    """

    nats: float
    tokens: int
    characters: int
    places: Array

    @property
    def per_token(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens

    @property
    def per_character(self) -> float:
        """Nats per character, in which networks with different tokenizers can be compared."""
        return self.nats / max(1, self.characters)


def loss_of(model: TextModel, text: Tokens, before: int, limit: int | None = None) -> Loss:
    """Return what a text costs a network.

    The text is cut into stretches of the model's context, which do not overlap, and each token of
    them is guessed once: the same characters, whatever the tokenizer.

    Args:
        model: the network.
        text: what is guessed.
        before: the token in front of it, from which the first one is guessed.
        limit: about how many tokens are judged, of stretches spread evenly over the text; None
            for all of them.
    """
    count = len(text)
    size = min(model.context if model.whole else at_once(64, model.widest), count)
    starts = torch.arange(0, count, size)
    if limit is not None and limit < count:
        starts = starts[:: count // limit]
    full, rest = starts[starts + size <= count], starts[starts + size > count]
    with evaluation_mode(model), torch.no_grad():
        # A stretch of a model of windows is as many examples as it has tokens.
        widest = model.widest * (1 if model.whole else size)
        chunks = torch.split(full, at_once(CHUNK // size, widest))
        found = torch.cat([_nats(model, text.ids, before, some, size) for some in chunks])
        nats = found.double().sum()
        if len(rest):
            last = _nats(model, text.ids, before, rest, count - int(rest[0]))
            nats += last.double().sum()
    ends = (starts + size).clamp(max=count)
    judged = int((ends - starts).sum())
    characters = text.characters
    if judged < count:
        length = lengths(text.tokenizer)
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        characters = sum(int(length[text.ids[a:b].numpy()].sum()) for a, b in pairs)
    places = found.mean(0) if model.whole else found.mean().view(1)
    return Loss(float(nats), judged, characters, frozen(places))


def _nats(
    model: TextModel, ids: Tensor | KeptTokens, before: int, starts: Tensor, size: int
) -> Tensor:
    """Return -ln of the probability of the tokens from each start on, (len(starts), size)."""
    device = place_of(model)
    places = starts[:, None] + torch.arange(size)
    wanted = ids[places].long()
    if model.whole:
        seen = places - 1
    else:
        seen = places.flatten()[:, None] + torch.arange(-model.context, 0)
    inputs = ids[seen.clamp(min=0)].long()
    inputs[seen == -1] = before
    inputs[seen < -1] = model.tokenizer.newline
    scores = model(inputs.to(device)).flatten(0, -2).float()
    nats = F.cross_entropy(scores, wanted.flatten().to(device), reduction="none")
    return nats.view(wanted.shape).cpu()


@lru_cache(maxsize=8)
def lengths(tokenizer: Tokenizer) -> Array:
    """Return how many characters begin in each token, (V,)."""
    tokens = [np.frombuffer(tokenizer.bytes_of(t), np.uint8) for t in range(tokenizer.size)]
    return np.array([int(((token & 0xC0) != 0x80).sum()) for token in tokens])


def entropies(text: Tokens) -> tuple[float, float]:
    """Return the entropy of a text's tokens, and of each one after the one before it, in nats.

    They are what the best table of tokens and the best table of pairs would reach on this very
    text (Shannon 1951). Of a long text with a large vocabulary the pairs of some stretches are
    counted, spread evenly: a table of all would not fit into memory.
    """
    single, size = _entropy(text.counts), text.tokenizer.size
    starts = range(0, len(text), PAIRED)
    if size * size <= TABLE:
        table = np.zeros(size * size, np.int64)
        for at in starts:
            heed()
            table += np.bincount(_pairs(text.ids[at : at + PAIRED], size), minlength=size * size)
        counts = table
    else:
        some = starts[:: -(-len(text) // MOST_PAIRS)]
        counts = np.unique(
            np.concatenate([_pairs(text.ids[a : a + PAIRED], size) for a in some]),
            return_counts=True,
        )[1]
    return single, max(0.0, _entropy(counts) - single)


def _pairs(ids: Tensor, size: int) -> Array:
    """Return a number for each token and the one behind it."""
    pairs: Array = (ids[:-1].long() * size + ids[1:]).numpy()
    return pairs


def _entropy(counts: Array) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
