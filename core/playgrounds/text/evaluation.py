"""How good a network is at a text: per token, and per character, which tokenizers share."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.playgrounds.text.models import TextModel
from core.playgrounds.text.tokens import Tokens
from core.telemetry.events import Array, frozen
from core.tokenizers import Tokenizer
from core.training.judging import judging, place_of

CHUNK = 4096  # tokens at once: what they need stays within a laptop's memory


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
    ids = torch.cat([torch.tensor([before], dtype=torch.int32), text.ids])
    size, count = min(model.context if model.whole else 64, len(text)), len(text)
    starts = torch.arange(0, count, size)
    if limit is not None and limit < count:
        starts = starts[:: count // limit]
    full, rest = starts[starts + size <= count], starts[starts + size > count]
    with judging(model), torch.no_grad():
        parts = [_nats(model, ids, some, size) for some in torch.split(full, max(1, CHUNK // size))]
        found = torch.cat(parts)
        nats = found.double().sum()
        if len(rest):
            nats += _nats(model, ids, rest, count - int(rest[0])).double().sum()
    ends = (starts + size).clamp(max=count)
    judged = int((ends - starts).sum())
    characters = text.characters
    if judged < count:
        length = lengths(text.tokenizer)
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        characters = sum(int(length[text.ids[a:b].numpy()].sum()) for a, b in pairs)
    places = found.mean(0) if model.whole else found.mean().view(1)
    return Loss(float(nats), judged, characters, frozen(places))


def _nats(model: TextModel, ids: Tensor, starts: Tensor, size: int) -> Tensor:
    """Return -ln of the probability of what follows ids[s] to ids[s + size - 1], for each s."""
    place = place_of(model)
    places = starts[:, None] + torch.arange(size)
    wanted = ids[places + 1].long().to(place)
    if model.whole:
        scores = model(ids[places].long().to(place))
    else:
        back = places.flatten()[:, None] + torch.arange(1 - model.context, 1)
        windows = ids[back.clamp(min=0)].long()
        windows[back < 0] = model.tokenizer.newline
        scores = model(windows.to(place))
    nats = F.cross_entropy(scores.flatten(0, -2).float(), wanted.flatten(), reduction="none")
    return nats.view(wanted.shape).cpu()


@lru_cache(maxsize=8)
def lengths(tokenizer: Tokenizer) -> Array:
    """Return how many characters begin in each token, (V,)."""
    tokens = [np.frombuffer(tokenizer.bytes_of(t), np.uint8) for t in range(tokenizer.size)]
    return np.array([int(((token & 0xC0) != 0x80).sum()) for token in tokens])


def entropies(text: Tokens) -> tuple[float, float]:
    """Return the entropy of a text's tokens, and of each one after the one before it, in nats.

    They are what the best table of tokens and the best table of pairs would reach on this very
    text (Shannon 1951).
    """
    counts = text.counts
    single = _entropy(counts)
    size = text.tokenizer.size
    ids = text.ids.long()
    _, pairs = torch.unique(ids[:-1] * size + ids[1:], return_counts=True)
    return single, max(0.0, _entropy(pairs.numpy()) - single)


def _entropy(counts: Array) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
