"""The letters of a list of names, and names as numbers."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...errors import UserError
from ...telemetry.events import Array
from .reports import END

MOST = 3000
"""Letters that a list may have; Chinese given names have some 2,000."""


@dataclass(frozen=True)
class Alphabet:
    """The symbols of a network: the end mark first, then the letters in Unicode's order.

    Raises:
        UserError: the letters are none, too many, or not told apart.
    """

    letters: str

    def __post_init__(self) -> None:
        letters = self.letters
        if not isinstance(letters, str) or letters[:1] != END or len(letters) < 2:
            raise UserError("Its alphabet is no text of letters that begins with the end mark.")
        if len(set(letters)) != len(letters):
            raise UserError("Its alphabet has a letter twice.")
        if not all(map(may_stand, letters)):
            raise UserError("Its alphabet has control characters, which are no letters.")
        if len(letters) > MOST:
            raise UserError(
                f"It has {len(letters):,} different letters, more than {MOST:,}; choose a list of"
                " names, one a line."
            )

    @classmethod
    def of(cls, words: Iterable[str]) -> "Alphabet":
        """Return the alphabet of these words."""
        return cls(END + "".join(sorted(set().union(*map(set, words)))))

    def __len__(self) -> int:
        """How many symbols there are, the end mark among them."""
        return len(self.letters)

    @cached_property
    def _sorted(self) -> tuple[Array, Array]:
        """The letters' code points, ascending, and the symbol of each."""
        points = _points(self.letters)
        order = np.argsort(points)
        return points[order], order

    def encode(self, text: str) -> Array:
        """Return the symbols of a text, (len(text),) int64; the end mark may stand in it.

        Raises:
            UserError: a letter is not in the alphabet; says which.
        """
        points, (known, symbols) = _points(text), self._sorted
        places = np.searchsorted(known, points).clip(max=len(known) - 1)
        strange = known[places] != points
        if strange.any():
            raise UserError(self._unknown(chr(points[strange.argmax()])))
        codes: Array = symbols[places]
        return codes

    def fold(self, text: str) -> str:
        """Return a text as a network of this alphabet reads it, as a person typed it.

        Composed characters, and the other case of a letter where only that one is known: lists
        of names are mostly lower case, and people begin a name with a capital.
        """
        return "".join(map(self._known_case, unicodedata.normalize("NFC", text)))

    def _known_case(self, letter: str) -> str:
        if letter in self.letters:
            return letter
        other = letter.swapcase()
        return other if len(other) == 1 and other in self.letters else letter

    def encode_prefix(self, text: str) -> Array:
        """Return the symbols of the beginning of a name, as a person typed it: folded.

        Raises:
            UserError: a letter is not in the alphabet, or the end mark stands in it; says which.
        """
        text = self.fold(text)
        if END in text:
            raise UserError(f"A “{END}” ends a name, so none can go on after it; leave it out.")
        return self.encode(text)

    def decode(self, codes: Sequence[int]) -> str:
        """Return the text of symbols."""
        return "".join(map(self.letters.__getitem__, codes))

    def _unknown(self, letter: str) -> str:
        shown = f"“{letter}”" if letter.isprintable() and letter != " " else unicode_name(letter)
        sentence = f"This network has never met {shown}"
        if len(self) <= 80:
            return f"{sentence}; its letters are {' '.join(sorted(self.letters[1:]))}."
        return f"{sentence}; it is not among its {len(self) - 1:,} letters."


def may_stand(letter: str) -> bool:
    """Whether it can be part of a name; joiners that can't be seen can, as in Persian names."""
    return unicodedata.category(letter) not in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")


def unicode_name(letter: str) -> str:
    """Return a letter's name, for one that can't be seen."""
    return f"“{unicodedata.name(letter, f'U+{ord(letter):04X}').lower()}”"


def _points(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
