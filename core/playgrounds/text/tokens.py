"""A text as tokens: read once, cut once, and kept in a file if it is large.

data = TextData(corpus.load(source))
tokenizer = data.tokenizer(recipe)
data.train(tokenizer), data.val(tokenizer)
"""

import hashlib
import itertools
import json
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ... import tokenizers
from ...errors import UserError
from ...files import drafted
from ...interruption import heed
from ...paths import TOKENS
from ...playground import Tell
from ...telemetry.events import Array
from ...tokenizers import Tokenizer
from .corpus import IN_MEMORY, Corpus, Text, repeats
from .recipe import REPEATS, TextRecipe

LEARNED_FROM = 32 << 20  # bytes that pairs are learned from, of a text that has more
COUNTED = 1 << 22  # tokens that are counted at a time
KEPT = 3  # tokenizers whose tokens stay at hand; twice as many stay themselves


def silent(words: str, share: float) -> None:
    """Tell nobody."""


class KeptTokens:
    """Tokens in a file that is mapped into memory, (n,) int32.

    Each time that some are asked for, the file is what it was, or that is said.

    Args:
        path: of the file; its name says when it was written, as :func:`_stamped` has it.

    Raises:
        OSError: it can't be read.
        ValueError: it was changed since, or is empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            # Copied on write, and never written to: torch takes no array that is read-only.
            self._mapped = torch.from_numpy(np.memmap(file, np.int32, mode="c"))
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        if not self._is_whole():
            raise ValueError(path)

    def __len__(self) -> int:
        return len(self._mapped)

    def __getitem__(self, places: int | slice | Tensor) -> Tensor:
        self._check()
        found = self._mapped[places]
        return found if isinstance(places, Tensor) else found.clone()

    def to(self, device: torch.device) -> "KeptTokens | Tensor":
        """Return them on a device."""
        self._check()
        return self if device.type == "cpu" else self._mapped.to(device)

    def _check(self) -> None:
        if not self._is_whole():
            raise UserError(
                f"{self._path}, which keeps the text as tokens, was changed by another program;"
                " begin again, and it is made anew."
            )

    def _is_whole(self) -> bool:
        return _stamped(os.fstat(self._descriptor)) == self._path.stem.partition("-")[2]


def _stamped(about: os.stat_result) -> str:
    """Return when a file was written, and how much, as a part of its name."""
    return f"{about.st_mtime_ns}-{about.st_size}"


@dataclass(frozen=True, eq=False)
class Tokens:
    """A part of a text as one tokenizer cuts it.

    Attributes:
        ids: the tokens, (n,) int32; those of a large text stay in their file.
        characters: how many characters they stand for.
    """

    tokenizer: Tokenizer
    ids: Tensor | KeptTokens
    characters: int

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def counts(self) -> Array:
        """How often each token occurs, (V,)."""
        counts = np.zeros(self.tokenizer.size, np.int64)
        for at in range(0, len(self.ids), COUNTED):
            piece = self.ids[at : at + COUNTED].numpy()
            counts += np.bincount(piece, minlength=self.tokenizer.size)
        return counts


@dataclass(eq=False)
class TextData:
    """A corpus, and what has been made of it so far."""

    corpus: Corpus
    _tokenizers: dict[str, Tokenizer] = field(default_factory=dict)
    _tokens: dict[tuple[str, Tokenizer], Tokens] = field(default_factory=dict)

    def of(self, recipe: TextRecipe | None) -> "TextData":
        """Return what a recipe trains on: this, or the text that it has made; None for this."""
        return _repeats() if recipe and recipe.dataset == REPEATS else self

    def tokenizer(self, recipe: TextRecipe, tell: Tell = silent) -> Tokenizer:
        """Return a recipe's tokenizer, learned from the training part if it has to be learned.

        Raises:
            UserError: GPT-2's tokens are out of reach.
            CancelledError: nobody waits for it any more (:mod:`core.interruption`).
        """
        key = f"{recipe.tokenizer} {recipe.vocab_size if recipe.tokenizer == 'bpe' else ''}"
        if recipe.tokenizer == "characters" and recipe.occurring:
            key += "alone"
        whole = self._at_hand(key, partial(self._make, recipe, tell))
        if recipe.tokenizer != "gpt2" or not recipe.occurring:
            return whole
        return self._at_hand(
            f"{key} occurring", lambda: whole.keeping(self.train(whole, tell).counts)
        )

    def _at_hand(self, key: str, make: Callable[[], Tokenizer]) -> Tokenizer:
        """Return a tokenizer that is at hand, or make it."""
        if key not in self._tokenizers:
            made = make()
            while len(self._tokenizers) >= 2 * KEPT:
                del self._tokenizers[next(iter(self._tokenizers))]
            self._tokenizers[key] = made
        return self._tokenizers[key]

    def _make(self, recipe: TextRecipe, tell: Tell) -> Tokenizer:
        if recipe.tokenizer == "gpt2":
            return tokenizers.gpt2()
        if recipe.tokenizer == "characters":
            made = tokenizers.only_characters if recipe.occurring else tokenizers.characters
            return made(self.corpus.letters)
        return tokenizers.train_bpe(self._lesson(tell), recipe.vocab_size)

    def _lesson(self, tell: Tell) -> Iterator[str]:
        """Return what pairs are learned from: the text, or pieces from all over a large one."""
        text = self.corpus.train
        every = -(-text.size // LEARNED_FROM)
        done = 0
        for number, piece in enumerate(text.pieces()):
            heed()
            done += len(piece)
            tell("Learning byte pairs", min(1.0, done / max(1, text.characters)))
            if number % every == 0:
                yield piece

    def train(self, tokenizer: Tokenizer, tell: Tell = silent) -> Tokens:
        """Return the tokens that are learned from."""
        return self._part("train", self.corpus.train, tokenizer, tell)

    def val(self, tokenizer: Tokenizer, tell: Tell = silent) -> Tokens:
        """Return the tokens that judge."""
        return self._part("val", self.corpus.val, tokenizer, tell)

    def _part(self, which: str, text: Text, tokenizer: Tokenizer, tell: Tell) -> Tokens:
        key = (which, tokenizer)
        if key not in self._tokens:
            while len(self._tokens) >= 2 * KEPT:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[key] = tokenise(text, tokenizer, tell)
        return self._tokens[key]


@cache
def _repeats() -> TextData:
    return TextData(repeats())


def tokenise(text: Text, tokenizer: Tokenizer, tell: Tell = silent) -> Tokens:
    """Return a text as tokens; those of a large text are written to a file, once.

    Raises:
        UserError: there is no room for the file, or the text has changed meanwhile.
        CancelledError: nobody waits for it any more; nothing half-written is left.
    """
    pieces = _cut(text, tokenizer, tell)
    if text.size <= IN_MEMORY:
        parts = [torch.zeros(0, dtype=torch.int32), *map(torch.from_numpy, pieces)]
        return Tokens(tokenizer, torch.cat(parts), text.characters)
    mark = _mark(text, tokenizer)
    try:
        ids = _kept(mark) or _keep(mark, pieces)
    except OSError as error:
        raise UserError(
            f"The tokens can't be written to {TOKENS} ({error.strerror or error}); make room"
            " or choose a smaller text."
        ) from None
    return Tokens(tokenizer, ids, text.characters)


def _kept(mark: str) -> KeptTokens | None:
    """Return the tokens that were written to a file; None where none is as it was written."""
    for path in TOKENS.glob(f"{mark}-*.int32"):
        with suppress(OSError, ValueError):
            return KeptTokens(path)
        with suppress(OSError):  # in use, or somebody else's
            path.unlink()
    return None


def _cut(text: Text, tokenizer: Tokenizer, tell: Tell) -> Iterator[Array]:
    """Return the tokens piece by piece, in order, cut on all cores at once."""
    cores = os.cpu_count() or 1
    pieces = text.pieces()
    done = 0
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[Future[tuple[Array, int]]] = deque()

        def cut(piece: str) -> tuple[Array, int]:
            return tokenizer.encode(piece).astype(np.int32), len(piece)

        try:
            while True:
                ahead = 2 * cores - len(waiting)
                waiting.extend(pool.submit(cut, p) for p in itertools.islice(pieces, ahead))
                if not waiting:
                    return
                tokens, length = waiting.popleft().result()
                heed()
                done += length
                tell("Cutting the text into tokens", done / max(1, text.characters))
                yield tokens
        finally:
            for future in waiting:
                future.cancel()


def _keep(mark: str, pieces: Iterator[Array]) -> KeptTokens:
    """Write tokens to a file, whole or not at all.

    Raises:
        OSError: it can't be written there.
    """
    draft = TOKENS / f"{mark}.int32"
    with drafted(draft) as file:
        for tokens in pieces:
            file.write(tokens.data)
    path = draft.with_stem(f"{mark}-{_stamped(draft.stat())}")
    draft.replace(path)
    return KeptTokens(path)


def _mark(text: Text, tokenizer: Tokenizer) -> str:
    """Return a name for the tokens of exactly this text by this tokenizer."""
    about = [(str(s.source), s.begin, s.end, s.stamp) for s in text.stretches if s.stamp]
    loose = [s.read(0, s.end - s.begin) for s in text.stretches if not s.stamp]
    mark = hashlib.sha256(json.dumps([about, tokenizer.to_dict()]).encode())
    for raw in loose:
        mark.update(raw)
    return mark.hexdigest()[:32]
