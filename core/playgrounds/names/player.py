"""A names network to play with: it finishes names, and says its surprisal at one."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import UserError
from ...sampling import Sampling, generate
from ...telemetry.events import Array
from .evaluation import bigrams, surprise
from .models import LetterModel
from .reports import END, Name, Surprisal
from .wordlist import LONGEST

MOST = 100_000  # names at a time
CHUNK = 2000  # names in a batch
FARTHEST = 1000  # letters that are read, and that a name may go on for


def _bounded(text: str) -> str:
    """Return what is to be read letter by letter, if it is short enough to wait for.

    Raises:
        UserError: it is not.
    """
    if len(text) > FARTHEST:
        raise UserError(f"{len(text):,} letters are too many to read; give up to {FARTHEST:,}.")
    return text


class Player:
    """Asks a network what it would say; changes nothing in it.

    Args:
        model: on the CPU, ready for use.
        known: the training names.
    """

    def __init__(self, model: LetterModel, known: frozenset[str] = frozenset()) -> None:
        self.model = model
        self.known = known

    @property
    def letters(self) -> str:
        """Its alphabet, the end mark first."""
        return self.model.alphabet.letters

    @property
    def uniform(self) -> float:
        """The surprise of a uniform guess, ln V."""
        return math.log(len(self.letters))

    def fold(self, text: str) -> str:
        """Return what was typed as the network reads it (:meth:`.alphabet.Alphabet.fold`)."""
        return self.model.alphabet.fold(text)

    @torch.no_grad()
    def next_letters(self, prefix: str) -> Array:
        """Return the probabilities (V,) of what follows a prefix.

        Raises:
            UserError: a letter of it is not in the alphabet.
        """
        shares: Array = self.model.read(self._start(prefix, 1))[0][0].softmax(-1).numpy()
        return shares

    def names(
        self,
        prefix: str,
        count: int,
        sampling: Sampling,
        seed: int | None = None,
        longest: int = LONGEST,
    ) -> list[Name]:
        """Return names that begin with a prefix; the same seed gives the same ones.

        Args:
            prefix: may be empty, and longer than the context.
            count: how many.
            sampling: how each letter is drawn.
            seed: of the random numbers; None for new ones each time.
            longest: letters that are added to the prefix at most.

        Raises:
            UserError: a letter of the prefix is not in the alphabet, or the count is impossible.
        """
        if not 1 <= count <= MOST:
            raise UserError(f"A count of {count:,} is not possible: ask for 1 to {MOST:,} names.")
        if not 1 <= longest <= FARTHEST:
            raise UserError(f"{longest:,} letters can't be added: ask for 1 to {FARTHEST:,}.")
        if seed is not None and not 0 <= seed < 1 << 63:
            raise UserError(f"A seed of {seed} is not possible: it is from 0 to {(1 << 63) - 1}.")
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        made: list[Name] = []
        for begin in range(0, count, CHUNK):
            start = self._start(prefix, min(CHUNK, count - begin))
            tokens, chances = generate(self.model, start, sampling, generator, 0, longest)
            for row, chance in zip(tokens[:, 1:].tolist(), chances.exp().tolist(), strict=True):
                text = self.model.alphabet.decode(row[: [*row, 0].index(0)])
                made.append(Name(text, chance, text in self.known))
        return made

    def surprise(self, word: str) -> Surprisal:
        """Return the surprisal of each letter of a name.

        Raises:
            UserError: a letter is not in the alphabet.
        """
        word = _bounded(self.fold(word))
        self.model.alphabet.encode_prefix(word)
        return Surprisal(word + END, surprise(self.model, word))

    def bigrams(self, count: int, seed: int) -> Array:
        """Return how often each symbol follows each other one in so many of its names, (V, V)."""
        made = self.names("", count, Sampling(), seed)
        return bigrams([name.text for name in made], self.model.alphabet)

    def embedding(self) -> Array | None:
        """Return the points of its letters, (V, E); None if it has no embedding."""
        layer = getattr(self.model, "embedding", None)
        if layer is None:
            return None
        points: Array = layer.product.weight.detach().numpy()
        return points

    def _start(self, prefix: str, count: int) -> Tensor:
        """Return (count, 1 + len(prefix)): the mark that begins a name, and the prefix."""
        codes = torch.from_numpy(self.model.alphabet.encode_prefix(_bounded(prefix)))
        return F.pad(codes, (1, 0)).expand(count, -1)
