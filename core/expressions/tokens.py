"""The tokens of a text: numbers, names and operators, each with its place."""

import re
from dataclasses import dataclass

from ..errors import UserError
from . import limits

_PIECE = re.compile(
    r"(?P<space>[ \t]+|#.*)"
    r"|(?P<number>(?:[0-9]+(?:\.(?![A-Za-z_.])[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|[-+*/@()\[\],.=])"
)
_MEANT = {
    **dict.fromkeys("×·∙⋅", "*"),
    **dict.fromkeys("−–—", "-"),
    **dict.fromkeys("÷∕", "/"),
    **dict.fromkeys("^", "**"),
    "²": "**2",
    "³": "**3",
    "√": "sqrt(...)",
    "{": "(",
    "}": ")",
}
"""What was probably meant by a character that the language lacks."""
_ONLY = "a line is arithmetic (+ - * / ** @), brackets, names and the listed functions"


@dataclass(frozen=True)
class Place:
    """Where something stands: its line from 1, its first character from 0, and its length."""

    line: int
    column: int
    length: int = 1

    def to(self, last: "Place") -> "Place":
        """Return the place from here to the end of another, as far as it is on this line."""
        if last.line != self.line:
            return self
        return Place(self.line, self.column, max(1, last.column + last.length - self.column))


class ExpressionError(UserError):
    """A mistake in an expression, in a sentence with its place."""

    def __init__(self, sentence: str, place: Place) -> None:
        super().__init__(f"Line {place.line}, character {place.column + 1}: {sentence}")
        self.place = place


@dataclass(frozen=True)
class Token:
    """``kind`` is number, name, sign or end (of a line)."""

    kind: str
    text: str
    place: Place


def quoted(text: str) -> str:
    """Return a piece of the typed text in quotes: shortened, invisible characters as codes."""
    short = text if len(text) <= limits.NAME else text[: limits.NAME - 1] + "…"
    return "“" + "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in short) + "”"


def tokenize(text: str) -> list[list[Token]]:
    """Return the tokens of each line that is not empty; each line ends with an ``end``.

    A line with open brackets continues on the next one.

    Raises:
        ExpressionError: the text is too long, or a character has no meaning here.
    """
    if len(text) > limits.CHARACTERS:
        found = f"this is longer than {limits.CHARACTERS:,} characters; shorten it."
        raise ExpressionError(found, Place(1, 0))
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > limits.LINES:
        found = f"there may be {limits.LINES} lines at most; shorten it."
        raise ExpressionError(found, Place(limits.LINES + 1, 0))
    made: list[list[Token]] = []
    continued, depth = False, 0
    for number, line in enumerate(lines, 1):
        tokens = _pieces(line, number)
        depth += sum((t.text in "([") - (t.text in ")]") for t in tokens if t.kind == "sign")
        if continued:
            made[-1] += tokens
        elif tokens:
            made.append(tokens)
        continued = depth > 0 and bool(made)
        depth = max(0, depth)
    for tokens in made:
        last = tokens[-1].place
        tokens.append(Token("end", "", Place(last.line, last.column + last.length)))
    return made


def _pieces(line: str, number: int) -> list[Token]:
    tokens, at = [], 0
    while at < len(line):
        found = _PIECE.match(line, at)
        if found is None:
            raise _unknown(line[at], Place(number, at))
        kind, text = str(found.lastgroup), found.group()
        place = Place(number, at, len(text))
        at = found.end()
        if kind == "space":
            continue
        if kind == "name" and len(text) > limits.NAME:
            raise ExpressionError(f"{quoted(text)} is too long a name; take a shorter one.", place)
        if kind == "number":
            _check_number(text, place)
        tokens.append(Token(kind, text, place))
    return tokens


def _check_number(text: str, place: Place) -> None:
    if len(text) > limits.DIGITS or abs(float(text)) > limits.LARGEST:
        most = f"{limits.LARGEST:,.0f}"
        raise ExpressionError(
            f"{quoted(text)} is too large or too long; numbers here go up to {most}.", place
        )


def _unknown(character: str, place: Place) -> ExpressionError:
    said = quoted(character)
    if meant := _MEANT.get(character):
        return ExpressionError(f"{said} is not an operator here; write {meant} instead.", place)
    if character in "\"'`":
        return ExpressionError(f"text in quotes has no meaning here; {_ONLY}.", place)
    if character == "_":
        return ExpressionError("a name begins with a letter, not with “_”.", place)
    if ord(character) > 127:
        code = f"U+{ord(character):04X}"
        named = said if code in said else f"{said} ({code})"
        return ExpressionError(
            f"{named} is not allowed; names are made of a to z, 0 to 9 and _.",
            place,
        )
    return ExpressionError(f"{said} has no meaning here; {_ONLY}.", place)
