"""The names playground: the letters of a name so far in, the next letter out."""

import copy
import math
import time
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UserError
from ...ngrams import counted
from ...playground import Playground, Vocabulary, scaled
from ...sampling import Sampling
from ...telemetry.events import Answer, Array, Event
from ...telemetry.inspection import inspect_layer
from ...training.control import Question
from . import wordlist
from .alphabet import Alphabet
from .download import fetch_names
from .encode import IGNORED, Letters, windows
from .evaluation import (
    bigrams,
    check_alphabet,
    letters_of,
    loss_of,
    spread,
    totals,
)
from .models import LetterModel, build
from .player import Player
from .recipe import MODELS, RECIPES, SWITCHES, NamesRecipe
from .reports import read_as
from .wordlist import Names

EXAMPLES = 200  # windows, or names, that an opened layer is shown
JUDGED = 3000  # training names that the training loss is taken over


class NamesPlayground(Playground):
    """makemore: from counting pairs of letters to a transformer."""

    name = "names"
    title = "Names"
    about = "Train a network on names, letter by letter, and let it finish the ones you begin."
    recipe_type = NamesRecipe
    recipes = RECIPES
    models = MODELS
    switches = SWITCHES
    sampled = 4

    def load(self, source: Path | None) -> Names:
        """Return the names of a file or a data folder, else the bundled ones."""
        return wordlist.load(source)

    def dataset(self, data: Names, recipe: Any) -> str:
        """Say which list it is."""
        return data.title

    def vocabulary(self, data: Names, recipe: NamesRecipe) -> Vocabulary:
        """Return the letters of the list, the end mark first."""
        return {"letters": data.alphabet.letters}

    def describe_data(
        self, data: Names, vocabulary: Vocabulary, recipe: Any = None
    ) -> dict[str, Any]:
        """Return the training names, and how often each letter follows each other one in them."""
        return {
            "title": data.title,
            "words": frozenset(data.train),
            "train_size": len(data.train),
            "letters": data.alphabet.letters,
            "lecture": wordlist.is_lectures(data),
            "bigrams": bigrams(data.train, data.alphabet),
        }

    def sizes(self, data: Names, recipe: NamesRecipe) -> tuple[int, int]:
        """Count the letters, and the training names or the windows that they have."""
        names = len(data.train)
        windows = names + sum(map(len, data.train))
        return len(data.alphabet), names if recipe.whole else windows

    def build(
        self, recipe: NamesRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> LetterModel:
        """Make the model of a recipe for the letters of a list."""
        return build(recipe, Alphabet(vocabulary.get("letters", "")), initialised)

    def example_input(self, recipe: NamesRecipe, examples: int, tokens: int) -> Tensor:
        """Return names (B, T), or windows (B, C), of zeros."""
        length = min(tokens, recipe.sees) if recipe.whole else recipe.sees
        return torch.zeros(examples, length, dtype=torch.long)

    def prepare(
        self, data: Names, recipe: NamesRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> Letters:
        """Return the training names as the recipe's model reads them."""
        alphabet = Alphabet(vocabulary["letters"])
        check_alphabet(alphabet, data.alphabet)
        return letters_of(data.train, alphabet, recipe.sees, recipe.whole).to(device)

    def held_out(
        self, data: Names, recipe: NamesRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> Letters:
        """Return the dev names as the recipe's model reads them."""
        alphabet = Alphabet(vocabulary["letters"])
        check_alphabet(alphabet, data.alphabet)
        return letters_of(data.dev, alphabet, recipe.sees, recipe.whole).to(device)

    def baselines(
        self, data: Names, recipe: NamesRecipe, vocabulary: Vocabulary
    ) -> dict[str, float]:
        """Return dev's loss by counting letters, pairs and triples of the training names."""
        alphabet = Alphabet(vocabulary["letters"])
        learned, judged = (windows(part, alphabet, 2) for part in (data.train, data.dev))
        return counted(
            learned.inputs, learned.targets, judged.inputs, judged.targets, len(alphabet)
        )

    def resized(self, recipe: NamesRecipe, factor: float) -> dict[str, Any]:
        """Widen the hidden layers, the memory, or everything."""
        if recipe.model in ("mlp", "mlp-bn"):
            return {"hidden": tuple(scaled(size, factor, 4096) for size in recipe.hidden)}
        if recipe.model in ("wavenet", "gru"):
            return {"width": scaled(recipe.width, factor, 2048)}
        if recipe.model == "transformer":
            return {"embedding": scaled(recipe.embedding, factor, 512)}
        return {}

    def loss(self, recipe: NamesRecipe, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy: -ln of the right letter's probability, the mean over all letters."""
        if outputs.dim() == 2:
            return F.cross_entropy(outputs, targets)
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)

    def uniform_loss(self, recipe: NamesRecipe, vocabulary: Vocabulary) -> float:
        """Return ln V."""
        return math.log(len(vocabulary["letters"]))

    def validate(
        self, model: nn.Module, data: Names, recipe: NamesRecipe, limit: int | None = None
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Loss on dev and on training names, and the total of each of the latter, in nats."""
        assert isinstance(model, LetterModel)
        check_alphabet(model.alphabet, data.alphabet)
        numbers = {"val_loss": loss_of(model, spread(data.dev, limit))}
        seen = spread(data.train, limit // 2 if limit else JUDGED)
        surprises = totals(model, seen)
        letters = sum(len(word) + 1 for word in seen)
        numbers["train_loss"] = float(surprises.sum(dtype=np.float64)) / letters
        return numbers, {"totals": surprises}

    def test(self, model: nn.Module, data: Names, recipe: NamesRecipe) -> dict[str, float]:
        """Nats per letter on all dev and all test names, the end mark included."""
        assert isinstance(model, LetterModel)
        check_alphabet(model.alphabet, data.alphabet)
        return {
            "dev_loss": loss_of(model, data.dev),
            "test_loss": loss_of(model, data.test),
            "dev_size": len(data.dev),
        }

    def fetch(
        self, folder: Path, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
    ) -> None:
        """Download makemore's names."""
        fetch_names(folder, progress, cancelled)

    def sample(
        self,
        model: nn.Module,
        recipe: Any,
        tell: Callable[[str], None] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Return names that begin with the prompt, each as far as the network went on."""
        assert isinstance(model, LetterModel)
        typed = unicodedata.normalize("NFC", options["prompt"])
        prompt = model.alphabet.fold(typed)
        sampling = Sampling(options["temperature"], options["top_k"], options["top_p"])
        begin = time.perf_counter()
        made = Player(model).names(
            prompt, options["count"], sampling, options["seed"], options["tokens"]
        )
        spent = time.perf_counter() - begin
        letters = sum(len(name.text) + 1 - len(prompt) for name in made)
        answer: dict[str, Any] = {
            "samples": [name.text for name in made],
            "tokens_per_second": round(letters / spent, 1),
        }
        note = read_as(typed, prompt)
        return {**answer, "note": note} if note else answer


@lru_cache(maxsize=2)
def _examples(letters: str, context: int, whole: bool) -> tuple[Tensor, Tensor]:
    """Return inputs (N, C) from bundled dev names, and each as a picture (N, C, V) of ones."""
    alphabet = Alphabet(letters)
    words = [word for word in wordlist.bundled().dev if set(word) <= set(letters)]
    words = words or [letter * 3 for letter in letters[1:]]
    inputs = letters_of(spread(words, 120), alphabet, context, whole).inputs[:EXAMPLES]
    return inputs, F.one_hot(inputs.long(), len(alphabet)).byte()


def look_into(layer: str, prefix: str) -> Question:
    """Return what to ask a names model about a layer: with names, and with what was typed."""

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, LetterModel)
        inputs, pictures = _examples(model.alphabet.letters, model.context, model.whole)
        return inspect_layer(model, layer, step, inputs, _typed(model, prefix), pictures)

    return ask


def _typed(model: LetterModel, prefix: str) -> Tensor:
    """Return a prefix as a model reads it, (1, C); what it does not know is left out."""
    read = model.alphabet.fold(prefix)
    known = "".join(letter for letter in read if letter in model.alphabet.letters[1:])
    codes = torch.from_numpy(model.alphabet.encode_prefix(known))
    tokens = F.pad(codes, (1, 0))[None, -model.context :]
    return tokens if model.whole else F.pad(tokens, (model.context - tokens.shape[1], 0))


def dream(count: int) -> Question:
    """Return what to ask a names model for: the bigrams of so many names of its own."""

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, LetterModel)
        still = copy.deepcopy(model).cpu().eval()
        counts: Array | None
        try:
            counts = Player(still).bigrams(count, seed=step)
        except UserError:  # it has diverged, which the run's own end will tell
            counts = None
        return Answer("bigrams", step, {"counts": counts})

    return ask


PLAYGROUND = NamesPlayground()
