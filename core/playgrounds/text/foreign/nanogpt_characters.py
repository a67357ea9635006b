"""Which characters a network of nanoGPT's knows: its file numbers them and does not name them.

nanoGPT keeps the names in ``meta.pkl``, a pickle, which is never opened. But its ``prepare.py``
numbers the characters of ``input.txt`` by their codes (``sorted(set(text))``), so the text says
them again. Whether it is that text is held against the network: with other characters its loss is
no better than a uniform guess.
"""

import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .... import tokenizers
from ....errors import UserError
from ....tokenizers import Tokenizer
from .. import corpus
from ..models import build
from ..recipe import TextRecipe
from .gpt2 import TOKENS

TEXT = "input.txt"
DATASET = "shakespeare_char"
TINY = frozenset("\n !$&',-.3:;?" + string.ascii_letters)
"""The 65 characters of Tiny Shakespeare."""
SIMPLE = re.compile(r"\w[\w-]*")
STRETCHES = 8  # of the text's beginning, a context each
BELIEVED = 0.9
"""The share of a uniform guess's loss that a network has to stay below, to be believed."""


@dataclass(frozen=True)
class Characters:
    """Characters that are taken for a network's own.

    Attributes:
        tokenizer: theirs.
        text: what text they come from, in words.
        note: a sentence: where they come from, and what they were held against.
    """

    tokenizer: Tokenizer
    text: str
    note: str


def characters_of(
    path: Path, dataset: Any, recipe: TextRecipe, weights: Mapping[str, Tensor]
) -> Characters:
    """Return a network's characters, from the text beside it or from Tiny Shakespeare.

    Args:
        path: of its file.
        dataset: what its configuration names as its data, whatever that is.
        recipe: of the network.
        weights: by their names here.

    Raises:
        UserError: there is no such text, or the network does not fit it; says what to do.
    """
    rows = len(weights["embedding.product.weight"])
    problem = ""
    for place in _places(path, dataset):
        if not place.is_file():
            continue
        try:
            text = corpus.load(place)
        except UserError as error:
            problem = problem or str(error).rstrip(".")
            continue
        # Python reads a line's end as one character, however a file writes it.
        letters = {"\n" if letter == "\r" else letter for letter in text.letters}
        if len(letters) != rows:
            problem = problem or f"{place} has {len(letters):,} different characters"
            continue
        size = STRETCHES * recipe.context + 1
        start = text.train.start(2 * size).replace("\r\n", "\n").replace("\r", "\n")
        tokenizer = tokenizers.only_characters(letters)
        if (loss := _loss(recipe, tokenizer, weights, start[:size])) < _bound(rows):
            return _believed(tokenizer, f"the text {place}", loss)
        problem = problem or (
            f"with the characters of {place} its loss is {loss:.2f}, no better than a guess"
            f" ({math.log(rows):.2f})"
        )
    if rows == len(TINY) and not problem:
        tokenizer = tokenizers.only_characters(TINY)
        start = tokenizer.known(corpus.bundled().train.start(4 * STRETCHES * recipe.context))
        loss = _loss(recipe, tokenizer, weights, start[: STRETCHES * recipe.context + 1])
        if loss < _bound(rows):
            return _believed(tokenizer, "Tiny Shakespeare", loss)
        problem = (
            f"with the {rows} of Tiny Shakespeare its loss on Shakespeare is {loss:.2f}, no better"
            f" than a guess ({math.log(rows):.2f})"
        )
    raise UserError(
        f"{path} knows {rows:,} tokens and not the {TOKENS:,} of GPT-2, and which they are it does"
        f" not say{f' ({problem})' if problem else ''}; if they are characters, put the {TEXT} that"
        " it was trained on beside it, from which nanoGPT's prepare.py numbered them."
    )


def _places(path: Path, dataset: Any) -> list[Path]:
    """Return where the text may lie: beside the file, or where nanoGPT's prepare.py keeps it."""
    folder = path.absolute().parent
    names = [DATASET]
    if isinstance(dataset, str) and SIMPLE.fullmatch(dataset) and dataset != DATASET:
        names.insert(0, dataset)
    return [folder / TEXT, *(folder.parent / "data" / name / TEXT for name in names)]


def _bound(rows: int) -> float:
    return BELIEVED * math.log(max(1, rows))


@torch.no_grad()
def _loss(
    recipe: TextRecipe, tokenizer: Tokenizer, weights: Mapping[str, Tensor], text: str
) -> float:
    """Return the loss on a text, in nats per character."""
    model = build(recipe, tokenizer, initialised=False)
    model.load_state_dict(dict(weights))
    model.eval()
    ids = torch.from_numpy(tokenizer.encode(text))
    size = min(recipe.context, len(ids) - 1)
    count = (len(ids) - 1) // size
    inputs, targets = (part[: count * size].view(count, size) for part in (ids[:-1], ids[1:]))
    return float(F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten()))


def _believed(tokenizer: Tokenizer, text: str, loss: float) -> Characters:
    note = (
        f"Its {tokenizer.size} characters are taken to be those of {text}, numbered by their codes:"
        f" with them its loss is {loss:.2f}, against {math.log(tokenizer.size):.2f} of a uniform"
        " guess."
    )
    return Characters(tokenizer, text, note)
