"""What a text costs: how many tokens several tokenizers make of it."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from ...interruption import heed
from ...playgrounds.text.corpus import bundled
from ...tokenizers import Tokenizer, gpt2, train_bpe
from .patterns import GPT4

if TYPE_CHECKING:
    import tiktoken

SIZES = (512, 1024)
"""Tokens of the byte-pair vocabularies that are learned here, the 256 bytes included."""
LEARNED_FROM = 1 << 20  # characters of the plays, about as many as Tiny Shakespeare has
GPT4_FILES = ("cl100k_base.tiktoken", "9b5ad71b2ce5302211f9c61530b329a4922fc6a4")
"""What GPT-4's tokens are called, by OpenAI and in tiktoken's own folder (the address's SHA-1)."""
GPT4_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""Of that file, as tiktoken checks it."""


@dataclass(frozen=True)
class TextCost:
    """A text, and how many tokens each tokenizer makes of it.

    Attributes:
        title: of the text.
        characters, size, words: how many it has; ``size`` is its bytes in UTF-8, words are what
            white space separates.
        tokens: in the order of ``CostTable.tokenizers``.
    """

    title: str
    characters: int
    size: int
    words: int
    tokens: tuple[int, ...]

    def bytes_per_token(self, column: int) -> float:
        """Return the compression by one of the tokenizers; NaN for no text."""
        return self.size / self.tokens[column] if self.tokens[column] else float("nan")

    def tokens_per_character(self, column: int) -> float:
        """Return what a character costs; NaN for no text."""
        return self.tokens[column] / self.characters if self.characters else float("nan")

    def tokens_per_word(self, column: int) -> float:
        """Return what a word costs; NaN for no word."""
        return self.tokens[column] / self.words if self.words else float("nan")


@dataclass(frozen=True)
class CostTable:
    """Texts by tokenizers.

    Attributes:
        tokenizers: their titles.
        texts: a row for each.
        missing: why GPT-4's tokenizer is not among them; "" where it is.
    """

    tokenizers: tuple[str, ...]
    texts: tuple[TextCost, ...]
    missing: str


def compare(texts: Iterable[tuple[str, str]], data: Path | None) -> CostTable:
    """Encode texts by each tokenizer.

    Args:
        texts: of each its title and the text.
        data: the folder in which GPT-4's tokens may lie, in ``tiktoken/``.

    Raises:
        CancelledError: nobody waits for it any more.
    """
    learned, whole = {size: _learned(size) for size in SIZES}, gpt2()
    counts: dict[str, Callable[[str], int]] = {
        "characters": len,
        "bytes": lambda text: len(text.encode("utf-8")),
        **{f"BPE {size:,}": _counting(made) for size, made in learned.items()},
        "GPT-2": _counting(whole),
    }
    missing = ""
    try:
        encoding = gpt4(data)
        counts["GPT-4"] = lambda text: len(encoding.encode_ordinary(text))
    except UserError as error:
        missing = str(error)
    rows = []
    for title, text in texts:
        heed()
        size, words = len(text.encode("utf-8")), len(text.split())
        tokens = tuple(count(text) for count in counts.values())
        rows.append(TextCost(title, len(text), size, words, tokens))
    return CostTable(tuple(counts), tuple(rows), missing)


def _counting(tokenizer: Tokenizer) -> Callable[[str], int]:
    return lambda text: len(tokenizer.encode(text))


@cache
def _learned(size: int) -> Tokenizer:
    """Return byte pairs that are learned from the shipped plays."""
    return train_bpe([bundled().train.start(LEARNED_FROM)], size)


def gpt4(data: Path | None) -> "tiktoken.Encoding":
    """Return GPT-4's tokenizer, from a file that a person has; nothing is ever fetched.

    Raises:
        UserError: the file is not there, or is not what it should be.
    """
    found = [data / "tiktoken" / name for name in GPT4_FILES] if data else []
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise UserError(
            f"GPT-4's tokens are not on this machine: put {GPT4_FILES[0]} into the folder tiktoken"
            " of the data folder (--data) to have them here, too. Nothing is downloaded for it."
        )
    return _read_gpt4(path, path.stat().st_mtime_ns)


@cache
def _read_gpt4(path: Path, stamp: int) -> "tiktoken.Encoding":
    import tiktoken

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.") from None
    wrong = UserError(f"{path} is not the file of GPT-4's tokens; take it away, or replace it.")
    if hashlib.sha256(raw).hexdigest() != GPT4_SHA256:
        raise wrong
    try:
        pairs = [line.split() for line in raw.splitlines() if line]
        ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    except (ValueError, binascii.Error):
        raise wrong from None
    return tiktoken.Encoding(
        "cl100k_base", pat_str=GPT4.text, mergeable_ranks=ranks, special_tokens={}
    )
