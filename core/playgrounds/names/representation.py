"""Beginnings of names, and the letters themselves, as a network represents them."""

from functools import lru_cache

import torch
from torch import Tensor, nn

from ...telemetry.events import Event
from ...training import representation
from ...training.control import Question
from ...training.evaluation import evaluation_mode, place_of
from . import wordlist
from .alphabet import Alphabet
from .encode import IGNORED
from .evaluation import letters_of, spread
from .models import LetterModel

LETTERS = "letters"
"""The place of the letters, as the embedding has them."""
NAMES, MOST = 120, 600  # names, and beginnings of them
MOST_LETTERS = 500


def ask_representation(place: str) -> Question:
    """Return what to ask a names model: what a place makes of beginnings of dev names.

    The answer has the ``contexts``, what the model sees of each name, and the letter after each,
    ``targets``. Asked for ``LETTERS``, it has these as ``targets`` and no contexts; a model
    without an embedding represents a letter by its log-probabilities.
    """

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, LetterModel)
        if place == LETTERS:
            rows = _letter_rows(model)[:MOST_LETTERS]
            letters = model.alphabet.letters[:MOST_LETTERS]
            return representation.answer_points(step, place, rows, targets=letters, contexts=())
        batches, targets, contexts = _beginnings(model.alphabet.letters, model.context, model.whole)
        return representation.answer(
            model, step, place, batches, targets=targets, contexts=contexts
        )

    return ask


@torch.no_grad()
def _letter_rows(model: LetterModel) -> Tensor:
    """Return a point for each letter, (V, E)."""
    if (layer := getattr(model, "embedding", None)) is not None:
        rows: Tensor = layer.product.weight
        return rows
    every = torch.arange(len(model.alphabet), device=place_of(model))
    with evaluation_mode(model):
        return torch.as_tensor(model(every[:, None])).log_softmax(-1)


@lru_cache(maxsize=2)
def _beginnings(
    letters: str, context: int, whole: bool
) -> tuple[list[Tensor], str, tuple[str, ...]]:
    """Return beginnings of names in batches of one length, the letters behind them, both as text.

    What stands before a name's first letter is left out.
    """
    alphabet = Alphabet(letters)
    words = [word for word in wordlist.bundled().dev if set(word) <= set(letters)]
    words = words or [letter * 3 for letter in letters[1:]]
    found = letters_of(spread(words, NAMES), alphabet, context, whole)
    if whole:
        rows, places = (found.targets != IGNORED).nonzero().unbind(1)
    else:
        rows, places = torch.arange(len(found.targets)), torch.full_like(found.targets, context - 1)
    every = -(-len(rows) // MOST)
    rows, places = rows[::every], places[::every]
    batches, targets = [], []
    for place in sorted(set(places.tolist())):
        here = rows[places == place]
        batches.append(found.inputs[here, : place + 1])
        targets.append(found.targets[here, place] if whole else found.targets[here])
    contexts = tuple(
        "".join(letters[code] for code in row if code)
        for batch in batches
        for row in batch.tolist()
    )
    return batches, "".join(letters[code] for code in torch.cat(targets).tolist()), contexts
