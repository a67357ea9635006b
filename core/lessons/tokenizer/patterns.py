r"""The patterns that cut a text before pairs are merged: GPT-2's and GPT-4's.

Both are tiktoken's (``tiktoken_ext/openai_public.py``), in the possessive form that takes no long
while over any text. The lecture shows the forms of 2023: that of GPT-2 cuts alike, that of GPT-4
took a last run of white space apart at its line ends. They need ``\p{L}``, which Python's own
``re`` does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...interruption import heed

MANY = 1000  # pieces between two questions whether to go on


@dataclass(frozen=True, eq=False)
class Pattern:
    """A pattern, alternative by alternative: the first that fits cuts off a piece.

    Attributes:
        name: of the network that it was made for.
        alternatives: what each is for, and the alternative.
        source: where it stands in tiktoken.
    """

    name: str
    alternatives: Mapping[str, str]
    source: str

    @property
    def text(self) -> str:
        """The whole pattern."""
        return "|".join(self.alternatives.values())

    @cached_property
    def _compiled(self) -> Any:
        import regex  # type: ignore[import-untyped]

        return regex.compile("|".join(f"({part})" for part in self.alternatives.values()))

    def pieces(self, text: str) -> tuple["Piece", ...]:
        """Return the pieces of a text, which joined are the text.

        Raises:
            CancelledError: nobody waits for it any more.
        """
        kinds, found = tuple(self.alternatives), []
        for number, match in enumerate(self._compiled.finditer(text)):
            if number % MANY == 0:
                heed()
            found.append(Piece(match.start(), match.group(), kinds[match.lastindex - 1]))
        return tuple(found)


@dataclass(frozen=True)
class Piece:
    """A piece of a text.

    Attributes:
        start: the place of its first character.
        kind: which alternative cut it off.
    """

    start: int
    text: str
    kind: str


GPT2 = Pattern(
    "GPT-2",
    {
        "the end of a contraction": r"'(?:[sdmt]|ll|ve|re)",
        "letters, with a space before them": r" ?\p{L}++",
        "digits, with a space before them": r" ?\p{N}++",
        "other signs, with a space before them": r" ?[^\s\p{L}\p{N}]++",
        "white space": r"\s++$|\s+(?!\S)|\s",
    },
    "tiktoken_ext/openai_public.py, r50k_pat_str",
)
GPT4 = Pattern(
    "GPT-4",
    {
        "the end of a contraction, in capitals or not": r"'(?i:[sdmt]|ll|ve|re)",
        "letters, with one space or sign before them": r"[^\r\n\p{L}\p{N}]?+\p{L}++",
        "one to three digits": r"\p{N}{1,3}+",
        "other signs, with a space before and line ends behind them": (
            r" ?[^\s\p{L}\p{N}]++[\r\n]*+"
        ),
        "white space": r"\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    },
    "tiktoken_ext/openai_public.py, cl100k_base",
)


@dataclass(frozen=True)
class TextPieces:
    """A text as both patterns cut it."""

    text: str
    gpt2: tuple[Piece, ...]
    gpt4: tuple[Piece, ...]

    @cached_property
    def differing(self) -> tuple[frozenset[int], frozenset[int]]:
        """Which pieces of each the other has not, told by their places in ``gpt2``, ``gpt4``."""
        return _only(self.gpt2, self.gpt4), _only(self.gpt4, self.gpt2)


def cut(text: str) -> TextPieces:
    """Cut a text by both patterns.

    Raises:
        CancelledError: nobody waits for it any more.
    """
    return TextPieces(text, GPT2.pieces(text), GPT4.pieces(text))


def _only(ours: tuple[Piece, ...], theirs: tuple[Piece, ...]) -> frozenset[int]:
    known = {(piece.start, piece.text) for piece in theirs}
    return frozenset(i for i, p in enumerate(ours) if (p.start, p.text) not in known)
