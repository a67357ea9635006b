"""How good a network is at names: its loss, and its surprisal at each name."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import UserError
from ...telemetry.events import Array, frozen
from ...training.evaluation import at_once, evaluation_mode, place_of
from .alphabet import Alphabet
from .encode import IGNORED, Letters, rows, windows
from .models import LetterModel

CHUNK = 4096  # letters at once: what they need stays within a laptop's memory


def letters_of(words: Sequence[str], alphabet: Alphabet, context: int, whole: bool) -> Letters:
    """Return names as a model reads them."""
    return (rows if whole else windows)(words, alphabet, context)


def check_alphabet(known: Alphabet, met: Alphabet) -> None:
    """Refuse data with letters that a network does not know.

    Raises:
        UserError: there are such letters; names some.
    """
    strange = sorted(set(met.letters) - set(known.letters))
    if strange:
        shown = " ".join(strange[:8]) + (" …" if len(strange) > 8 else "")
        raise UserError(
            f"This network was trained on other letters: it does not know {shown} from this list."
            " Train one on this list, or choose the list that it was trained on."
        )


@torch.no_grad()
def nats(model: LetterModel, letters: Letters) -> Tensor:
    """Return -ln of each target's probability, shaped as the targets; 0 where there is none."""
    device = place_of(model)
    size = CHUNK // letters.inputs.shape[1] if model.whole else CHUNK
    size = at_once(size, model.widest)
    parts = []
    with evaluation_mode(model):
        pairs = zip(
            torch.split(letters.inputs, size), torch.split(letters.targets, size), strict=True
        )
        for inputs, targets in pairs:
            scores = model(inputs.to(device)).flatten(0, -2)
            wanted = targets.to(device).flatten()
            loss = F.cross_entropy(scores, wanted, ignore_index=IGNORED, reduction="none")
            parts.append(loss.view_as(targets))
    return torch.cat(parts)


def loss_of(model: LetterModel, words: Sequence[str]) -> float:
    """Return the mean loss over all letters of these names, end marks included, in nats."""
    letters = letters_of(words, model.alphabet, model.context, model.whole)
    counted = letters.targets != IGNORED
    return float(nats(model, letters).cpu()[counted].double().mean())


def totals(model: LetterModel, words: Sequence[str]) -> Array:
    """Return -ln of each name's probability, (len(words),), end marks included."""
    letters = letters_of(words, model.alphabet, model.context, model.whole)
    surprise = nats(model, letters)
    if model.whole and len(surprise) == len(words):
        return frozen(surprise.sum(1))
    if model.whole:  # long names have rows of their own behind the others
        size = model.context
        owner = [i for i, word in enumerate(words) for _ in range(len(word) + 1 - size)]
        index = torch.tensor([*range(len(words)), *owner])
    else:
        index = torch.arange(len(words)).repeat_interleave(
            torch.tensor([len(word) + 1 for word in words])
        )
    surprise = surprise.sum(1) if model.whole else surprise
    return frozen(torch.zeros(len(words)).index_add_(0, index, surprise.cpu()))


def spread(words: Sequence[str], limit: int | None) -> Sequence[str]:
    """Return at most so many names, spread evenly over the list."""
    return words if not limit else words[:: max(1, -(-len(words) // limit))]


def surprise(model: LetterModel, word: str) -> Array:
    """Return -ln of each letter's probability, the end mark's too, (len(word) + 1,)."""
    letters = letters_of([word], model.alphabet, model.context, model.whole)
    found = nats(model, letters).cpu()
    return frozen(found[letters.targets != IGNORED])


def bigrams(words: Sequence[str], alphabet: Alphabet) -> Array:
    """Return how often each symbol follows each other one, (V, V), the end mark around names."""
    size = len(alphabet)
    pairs = windows(words, alphabet, 1) if words else None
    if pairs is None:
        return np.zeros((size, size), np.int64)
    flat = pairs.inputs[:, 0].long() * size + pairs.targets
    return frozen(torch.bincount(flat, minlength=size * size).view(size, size))
