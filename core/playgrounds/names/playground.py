"""The names playground: the letters of a name so far in, the next letter out."""

import math
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import UserError
from core.playground import Playground, Vocabulary
from core.playgrounds.names import wordlist
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.download import fetch_names
from core.playgrounds.names.encode import IGNORED, Letters
from core.playgrounds.names.evaluation import (
    bigrams,
    check_alphabet,
    letters_of,
    loss_of,
    spread,
    surprise,
    totals,
)
from core.playgrounds.names.models import LetterModel, build
from core.playgrounds.names.recipe import MODELS, RECIPES, NamesRecipe
from core.playgrounds.names.reports import END, Name, Surprise
from core.playgrounds.names.wordlist import LONGEST, Names
from core.sampling import Sampling, generate
from core.telemetry.events import Array

MOST = 100_000  # names at a time
CHUNK = 2000  # names in a batch
JUDGED = 5000  # training names that the training loss is taken over


class NamesPlayground(Playground):
    """makemore: from counting pairs of letters to a transformer."""

    name = "names"
    title = "Names"
    about = "Train a network on names, letter by letter, and let it finish the ones you begin."
    recipe_type = NamesRecipe
    recipes = RECIPES
    models = MODELS

    def load(self, source: Path | None) -> Names:
        """Return the names of a file or a data folder, else the bundled ones."""
        return wordlist.load(source)

    def dataset(self, data: Names) -> str:
        """Say which list it is."""
        return data.title

    def vocabulary(self, data: Names) -> Vocabulary:
        """Return the letters of the list, the end mark first."""
        return {"letters": data.alphabet.letters}

    def survey(self, data: Names) -> dict[str, Any]:
        """Return the training names, and how often each letter follows each other one in them."""
        return {
            "title": data.title,
            "words": frozenset(data.train),
            "letters": data.alphabet.letters,
            "bigrams": bigrams(data.train, data.alphabet),
        }

    def build(
        self, recipe: NamesRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> LetterModel:
        """Make the model of a recipe for the letters of a list."""
        return build(recipe, Alphabet(vocabulary.get("letters", "")), initialised)

    def prepare(
        self, data: Names, recipe: NamesRecipe, vocabulary: Vocabulary, device: torch.device
    ) -> Letters:
        """Return the training names as the recipe's model reads them."""
        alphabet = Alphabet(vocabulary["letters"])
        return letters_of(data.train, alphabet, recipe.sees, recipe.whole).to(device)

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
        """Loss on dev names (at the end on training names too); the totals of training names."""
        assert isinstance(model, LetterModel)
        check_alphabet(model, data.alphabet)
        numbers = {"val_loss": loss_of(model, spread(data.dev, limit))}
        seen = spread(data.train, limit or JUDGED)
        surprises = totals(model, seen)
        letters = sum(len(word) + 1 for word in seen)
        numbers["train_loss"] = float(surprises.sum(dtype=np.float64)) / letters
        return numbers, {"totals": surprises}

    def test(self, model: nn.Module, data: Names, recipe: NamesRecipe) -> dict[str, float]:
        """Nats per letter on all dev and all test names, the end mark included."""
        assert isinstance(model, LetterModel)
        check_alphabet(model, data.alphabet)
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

    @torch.no_grad()
    def next_letters(self, model: LetterModel, prefix: str) -> Array:
        """Return the probabilities (V,) of what follows a prefix.

        Raises:
            UserError: a letter of it is not in the alphabet.
        """
        shares: Array = model.after(_start(model, prefix, 1))[0].softmax(-1).numpy()
        return shares

    def names(
        self,
        model: LetterModel,
        prefix: str,
        count: int,
        sampling: Sampling,
        seed: int | None = None,
        longest: int = LONGEST,
        known: frozenset[str] = frozenset(),
    ) -> list[Name]:
        """Return names that begin with a prefix; the same seed gives the same ones.

        Args:
            model: on the CPU, ready for use.
            prefix: may be empty, and longer than the context.
            count: how many.
            sampling: how each letter is drawn.
            seed: of the random numbers; None for new ones each time.
            longest: letters that are added to the prefix at most.
            known: the training names.

        Raises:
            UserError: a letter of the prefix is not in the alphabet, or the count is impossible.
        """
        if not 1 <= count <= MOST:
            raise UserError(f"A count of {count:,} is not possible: ask for 1 to {MOST:,} names.")
        generator = torch.Generator()
        generator.manual_seed(seed) if seed is not None else generator.seed()
        made: list[Name] = []
        for begin in range(0, count, CHUNK):
            start = _start(model, prefix, min(CHUNK, count - begin))
            tokens, chances = generate(model.after, start, sampling, generator, 0, longest)
            for row, chance in zip(tokens[:, 1:].tolist(), chances.exp().tolist(), strict=True):
                text = model.alphabet.decode(row).rstrip(END)
                made.append(Name(text, chance, text in known))
        return made

    def surprise(self, model: LetterModel, word: str) -> Surprise:
        """Return how surprised a network is by each letter of a name.

        Raises:
            UserError: a letter is not in the alphabet.
        """
        word = unicodedata.normalize("NFC", word)
        model.alphabet.encode_prefix(word)
        return Surprise(word + END, surprise(model, word))

    def sample(self, model: nn.Module, recipe: Any, **options: Any) -> dict[str, Any]:
        """Return names that begin with the prompt, each as far as the network went on."""
        assert isinstance(model, LetterModel)
        sampling = Sampling(options["temperature"], options["top_k"], options["top_p"])
        begin = time.perf_counter()
        made = self.names(
            model,
            options["prompt"],
            options["count"],
            sampling,
            options["seed"],
            options["tokens"],
        )
        spent = time.perf_counter() - begin
        letters = sum(len(name.text) + 1 - len(options["prompt"]) for name in made)
        return {
            "samples": [name.text for name in made],
            "tokens_per_second": round(letters / spent, 1),
        }


def _start(model: LetterModel, prefix: str, count: int) -> Tensor:
    """Return (count, 1 + len(prefix)): the mark that begins a name, and the prefix."""
    codes = torch.from_numpy(model.alphabet.encode_prefix(prefix))
    return F.pad(codes, (1, 0)).expand(count, -1)


PLAYGROUND = NamesPlayground()
