"""Tokenizers: text to numbers and back, without loss, whatever the text.

Three kinds behind one class, all of them a :class:`tiktoken.Encoding`: characters, a byte-pair
encoding that was trained on the text itself (Sennrich et al. 2016; Karpathy's "Let's build the GPT
tokenizer"), and GPT-2's. Each has the 256 bytes among its tokens, so that there is no text that it
can't encode: a character that it never met is spelled in bytes. The exception are the characters of
one text alone, as nanoGPT numbers them: any other character is refused.
"""

import base64
import binascii
import codecs
import contextlib
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from functools import cache, cached_property, lru_cache
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import byte_pairs
from .byte_pairs import BYTES
from .errors import UserError
from .interruption import heed
from .paths import RESOURCES
from .telemetry.events import Array

if TYPE_CHECKING:
    import tiktoken

KINDS = ("bpe", "characters", "gpt2")
ASCII = 128
LARGEST = 1 << 20  # tokens, far above any vocabulary that is made here
SHORT = 100_000  # characters, whose pairs are merged in a moment whatever they are
KEPT = 8  # of the latest tokenizers: each takes a megabyte
LOOK = 0.05  # seconds between two looks at the process that learns byte pairs
EVERY_CHARACTER = r"(?s:.)"
WORDS = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
"""How a text is cut before pairs are merged: GPT-4's way, with numbers of two digits at most."""
GPT2_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
"""How GPT-2 cuts a text, in the possessive form that takes no long while over any text."""
GPT2_END = "<|endoftext|>"
"""The last token of GPT-2's: what stands between two texts."""


class Tokenizer:
    """An encoding, and which of its tokens a network knows.

    Attributes:
        kind: one of ``KINDS``.
        size: how many tokens there are, V.
        learned: the tokens beyond the 256 bytes, in the order in which they were learned; () for
            GPT-2's, which nobody here has learned.
    """

    def __init__(
        self,
        kind: str,
        encoding: "tiktoken.Encoding",
        learned: tuple[bytes, ...] = (),
        kept: Array | None = None,
    ) -> None:
        self.kind = kind
        self.learned = learned
        self._encoding = encoding
        self._kept = kept
        self.size: int = encoding.n_vocab if kept is None else len(kept)
        if kept is not None:
            self._new = np.full(encoding.n_vocab, -1, np.int64)
            self._new[kept] = np.arange(len(kept))

    def __deepcopy__(self, memo: object) -> "Tokenizer":
        """Be its own copy: nothing in it ever changes."""
        return self

    def __eq__(self, other: object) -> bool:
        """Be the same as one with the same tokens."""
        return isinstance(other, Tokenizer) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.size))

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        names = {"bpe": "byte pairs of its text", "characters": "characters", "gpt2": "GPT-2's"}
        return names[self.kind]

    @cached_property
    def closed(self) -> bool:
        """Whether it knows some characters alone, and no bytes to spell others with."""
        return self.kind == "characters" and self._kept is not None and self._new[BYTES - 1] < 0

    def knows(self, character: str) -> bool:
        """Whether it can encode a character."""
        return not self.closed or character in self._characters

    @cached_property
    def _characters(self) -> frozenset[str]:
        return frozenset(token.decode("utf-8", "replace") for token in self._bytes)

    def known(self, text: str) -> str:
        """Return a text without the characters that it can't encode."""
        return "".join(filter(self.knows, text)) if self.closed else text

    def encode(self, text: str) -> Array:
        """Return the tokens of a text, (n,) int64; half of a surrogate pair is no character.

        Raises:
            UserError: it is closed, and lacks a character of the text.
        """
        try:
            tokens = self._encoding.encode_to_numpy(text, disallowed_special=()).astype(np.int64)
        except UnicodeEncodeError:
            return self.encode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        except ValueError:  # a run of a million spaces is more than its pattern can hold
            half = len(text) // 2
            return np.concatenate([self.encode(text[:half]), self.encode(text[half:])])
        if self._kept is None:
            return tokens
        known: Array = self._new[tokens]
        if (known >= 0).all():
            return known
        if self.closed:
            raise UserError(self.refusal(text))
        return np.concatenate(
            [
                self._new[[token]] if self._new[token] >= 0 else self._spelled(token)
                for token in tokens
            ]
        )

    def refusal(self, text: str) -> str:
        """Say why a text can't be encoded; "" where it can be."""
        if not self.closed or not (strange := sorted(set(text) - self._characters)):
            return ""
        shown = " ".join(f"“{c if c.isprintable() else ascii(c)[1:-1]}”" for c in strange[:8])
        return (
            f"This network knows {self.size:,} characters, and not {shown}"
            f"{' …' if len(strange) > 8 else ''}; use a text without them, such as the one that it"
            " was trained on."
        )

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; what is no whole character becomes a replacement mark."""
        return b"".join(self.bytes_of(token) for token in tokens).decode("utf-8", "replace")

    def bytes_of(self, token: int) -> bytes:
        """Return what one token stands for, which may be part of a character."""
        return self._bytes[token]

    @cached_property
    def _bytes(self) -> list[bytes]:
        kept = range(self._encoding.n_vocab) if self._kept is None else self._kept.tolist()
        return [self._encoding.decode_single_token_bytes(token) for token in kept]

    @cached_property
    def newline(self) -> int:
        """The token of a line's end, with which a text that has no beginning begins.

        It is the first token where there is no line's end.
        """
        return 0 if not self.knows("\n") else int(self.encode("\n")[0])

    def _spelled(self, token: int) -> Array:
        """Return a token that is not kept as the tokens of its bytes."""
        spelled = self._encoding.decode_single_token_bytes(int(token))
        return self._new[[self._encoding.encode_single_token(bytes([byte])) for byte in spelled]]

    def keeping(self, occurring: Array) -> "Tokenizer":
        """Return it with the tokens that occur in a text only, and the bytes.

        Args:
            occurring: how often each token occurs, (V,).
        """
        old = np.arange(self.size) if self._kept is None else self._kept
        spelled = [self._encoding.encode_single_token(bytes([byte])) for byte in range(BYTES)]
        kept = np.union1d(old[np.flatnonzero(occurring)], spelled).astype(np.int64)
        return Tokenizer(self.kind, self._encoding, self.learned, kept)

    def closed_to(self, kept: Array) -> "Tokenizer":
        """Return it with these tokens only: characters, and no bytes to spell others with.

        Args:
            kept: the tokens, in order, (n,).
        """
        return Tokenizer(self.kind, self._encoding, self.learned, kept)

    def merges(self) -> list[tuple[bytes, bytes]]:
        """Return the pairs that were merged, in the order in which they were learned."""
        ranks = {bytes([byte]): byte for byte in range(BYTES)}
        pairs = []
        for rank, token in enumerate(self.learned if self.kind == "bpe" else (), BYTES):
            pairs.append(_halves(token, ranks))
            ranks[token] = rank
        return pairs

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON; the inverse of :func:`from_dict`."""
        values: dict[str, Any] = {"tokenizer": self.kind}
        if self.kind != "gpt2":
            values["learned"] = [base64.b64encode(token).decode() for token in self.learned]
        if self._kept is not None:
            values["kept"] = self._kept.tolist()
        return values


def characters(found: Iterable[str]) -> Tokenizer:
    """Return the tokenizer of these characters: one token each; those beyond ASCII follow bytes."""
    learned = tuple(sorted({c for c in found if not c.isascii()}))
    return _made("characters", tuple(c.encode("utf-8", "surrogatepass") for c in learned))


def only_characters(found: Iterable[str]) -> Tokenizer:
    """Return the tokenizer of these characters and no others, numbered by their codes.

    That is how nanoGPT's ``prepare.py`` numbers them: ``sorted(set(text))``.
    """
    letters = set(found)
    whole = characters(letters)
    places = {token.decode("utf-8", "replace"): i for i, token in enumerate(whole.learned, BYTES)}
    kept = sorted(places.get(letter, ord(letter)) for letter in letters)
    return whole.closed_to(np.array(kept, np.int64))


def train_bpe(pieces: Iterable[str], size: int) -> Tokenizer:
    """Learn byte pairs from a text: the commonest pair becomes a token, again and again.

    A text that is not short is learned from in a process of its own: see :mod:`core.byte_pairs`.

    Args:
        pieces: the text.
        size: how many tokens there are at most, the 256 bytes included; fewer where no pair is
            left to merge, as in a short text.

    Raises:
        CancelledError: nobody waits for it any more (:mod:`core.interruption`).
        UserError: that process did not come to its end.
    """
    coming = iter(pieces)
    begun = list(islice(coming, 2))
    short = len(begun) < 2 and sum(map(len, begun)) < SHORT
    learn = byte_pairs.learn if short else _learn_apart
    return _made("bpe", tuple(learn(chain(begun, coming), size, WORDS)))


def _learn_apart(pieces: Iterable[str], size: int, pattern: str) -> list[bytes]:
    command = [sys.executable, "-P", byte_pairs.__file__, str(size), pattern]
    with (
        tempfile.TemporaryFile() as found,
        subprocess.Popen(  # noqa: S603, a script of our own
            command, stdin=subprocess.PIPE, stdout=found, stderr=subprocess.DEVNULL
        ) as process,
    ):
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin:  # its status says more
                for piece in pieces:
                    process.stdin.write(json.dumps(piece).encode() + b"\n")
            while process.poll() is None:
                heed()
                time.sleep(LOOK)
            heed()  # Ctrl+C in a terminal has ended it, too
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise UserError(
                "The byte pairs of this text could not be learned: the process that learns them"
                f" ended with status {process.returncode}, as where memory is short. Close what"
                " else needs memory, or choose a smaller text."
            )
        found.seek(0)
        return [bytes.fromhex(line.decode()) for line in found]


def gpt2() -> Tokenizer:
    """Return GPT-2's tokenizer, whose merges are shipped."""
    return Tokenizer("gpt2", _gpt2())


@cache
def _gpt2() -> "tiktoken.Encoding":
    import tiktoken

    # The file writes each byte as a letter: those that can be seen as themselves, then the others.
    seen = [byte for byte in range(BYTES) if chr(byte).isprintable() and chr(byte) != " "]
    hidden = [byte for byte in range(BYTES) if byte not in seen]
    letters = {chr(byte): byte for byte in seen}
    letters |= {chr(BYTES + place): byte for place, byte in enumerate(hidden)}
    tokens = [bytes([byte]) for byte in (*seen, *hidden)]
    with gzip.open(RESOURCES / "gpt2" / "merges.txt.gz", "rt", encoding="utf-8") as file:
        for line in file.read().splitlines()[1:]:
            tokens.append(bytes(letters[letter] for letter in line.replace(" ", "")))
    return tiktoken.Encoding(
        "gpt2",
        pat_str=GPT2_WORDS,
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={GPT2_END: len(tokens)},
    )


def from_dict(values: Mapping[str, Any]) -> Tokenizer:
    """Return the tokenizer of a checkpoint.

    Raises:
        UserError: it is none.
    """
    kind = values.get("tokenizer")
    if kind not in KINDS:
        raise UserError(f"It has no tokenizer that is known here; there are {', '.join(KINDS)}.")
    try:
        learned = tuple(base64.b64decode(t, validate=True) for t in values.get("learned", []))
        kept = tuple(int(token) for token in values["kept"]) if "kept" in values else None
        if kept is not None and not all(abs(token) < LARGEST for token in kept):
            raise ValueError
    except (TypeError, ValueError, OverflowError, binascii.Error):
        raise UserError("Its tokens can't be read.") from None
    return _restored(str(kind), learned, kept)


@lru_cache(maxsize=KEPT)
def _restored(kind: str, learned: tuple[bytes, ...], kept: tuple[int, ...] | None) -> Tokenizer:
    if kind == "gpt2":
        whole = gpt2()
    elif len(set(learned)) < len(learned) or not all(len(token) > 1 for token in learned):
        raise UserError("It has a token twice, or an empty one.")
    elif len(learned) > LARGEST:
        raise UserError(f"It has more than {LARGEST:,} tokens.")
    else:
        whole = _made(kind, learned)
    if kept is None:
        return whole
    ids = np.array(kept, np.int64)
    if not len(ids) or (np.diff(ids) <= 0).any() or ids[0] < 0 or ids[-1] >= whole.size:
        raise UserError("The tokens that it keeps are none of its tokenizer's.")
    if kind == "characters" and not ((ids >= ASCII) & (ids < BYTES)).any():
        return whole.closed_to(ids)
    held = np.zeros(whole.size, np.int64)
    held[ids] = 1
    if (made := whole.keeping(held)).size != len(ids):
        raise UserError("It does not keep the bytes, without which not every text can be encoded.")
    return made


@lru_cache(maxsize=KEPT)
def _made(kind: str, learned: tuple[bytes, ...]) -> Tokenizer:
    import tiktoken

    tokens = [*(bytes([byte]) for byte in range(BYTES)), *learned]
    pattern = EVERY_CHARACTER if kind == "characters" else WORDS
    encoding = tiktoken.Encoding(
        f"glassbox {kind}",
        pat_str=pattern,
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={},
    )
    return Tokenizer(kind, encoding, learned)


def _halves(token: bytes, ranks: Mapping[bytes, int]) -> tuple[bytes, bytes]:
    """Return the two tokens that this one was merged from: merge its bytes until two are left."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        found = [ranks.get(a + b, LARGEST) for a, b in pairwise(parts)]
        at = int(np.argmin(found))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


class Whole:
    """Hands on the characters of tokens as soon as they are whole."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, token: int, last: bool = False) -> str:
        """Return what can be shown now that this token is there; "" within a character."""
        return self._decoder.decode(self._tokenizer.bytes_of(token), last)

    def end(self) -> str:
        """Return a replacement mark if a character was left unfinished."""
        return self._decoder.decode(b"", True)
