"""The grammar of both languages of expressions: precedence, brackets, signs and suffixes.

An operator-precedence parser (Pratt 1973), so that nothing is ever handed to Python to run. Its
work grows with the length of the text alone. What is made of the pieces says a subclass: a graph
of differentiable numbers (``parser``), or a program of tensors (``tensor_parser``).
"""

import keyword
from collections.abc import Sequence
from typing import Generic, TypeVar

from . import limits
from .tokens import ExpressionError, Place, Token, quoted

T = TypeVar("T")
PRECEDENCE = {"+": 10, "-": 10, "*": 20, "/": 20, "@": 20, "**": 40}
UNARY = 30
"""A unary sign binds more loosely than ``**``, as in mathematics: -x**2 is -(x**2)."""


class GrammarReader(Generic[T]):
    """Reads the tokens of one line, from left to right; ``T`` is what an operand becomes."""

    suffixes: tuple[str, ...] = (".",)
    """The signs that go on behind an operand."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at, self._depth = 0, 0

    def number(self, value: float, place: Place) -> T:
        """Return the operand of a number."""
        raise NotImplementedError

    def named(self, token: Token) -> T:
        """Return the operand of a name, and read its arguments if it is called."""
        raise NotImplementedError

    def vector(self, items: list[T], place: Place) -> T:
        """Return the operand of ``[a, b]``."""
        raise NotImplementedError

    def negative(self, inner: T, place: Place) -> T:
        """Return the operand of ``-a``."""
        raise NotImplementedError

    def settled(self, left: T) -> T:
        """Return the left operand of an operator, before the right one is read."""
        return left

    def infix(self, left: T, sign: str, right: T) -> T:
        """Return the operand of ``a + b`` and the like."""
        raise NotImplementedError

    def power(self, base: T, exponent: T) -> T:
        """Return the operand of ``a ** b``."""
        raise NotImplementedError

    def suffix(self, left: T) -> T:
        """Return the operand with what stands behind it: ``(a*b).tanh()``."""
        raise NotImplementedError

    def place_of(self, operand: T) -> Place:
        """Return where an operand stands."""
        raise NotImplementedError

    def placed(self, operand: T, place: Place) -> T:
        """Return an operand at another place: its brackets belong to it."""
        raise NotImplementedError

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """Return the next token, and go on to the one behind it."""
        token = self.next
        self._at += token.kind != "end"
        return token

    def expect(self, sign: str, what: str) -> Token:
        """Take a sign that must stand here.

        Raises:
            ExpressionError: another one does; says what was expected.
        """
        if self.next.text != sign:
            raise ExpressionError(f"{what}.", self.next.place)
        return self.take()

    def last_place(self) -> Place:
        """Return where the token before the next one stands."""
        return self._tokens[self._at - 1].place

    def end(self) -> None:
        """Be at the end of the line.

        Raises:
            ExpressionError: something stands behind the expression.
        """
        token = self.next
        if token.kind == "end":
            return
        if token.text == "=":
            sentence = "“=” assigns to one name: a line is name = expression."
        elif token.text in (")", "]"):
            sentence = f"“{token.text}” closes a bracket that was never opened."
        elif token.text == ",":
            sentence = "“,” stands only between the arguments of a function or in [ ]."
        else:
            before = self._tokens[self._at - 1].text
            sentence = (
                f"there is no operator between {quoted(before)} and {quoted(token.text)};"
                " for a product write *."
            )
            if problem := python_keyword(before) or python_keyword(token.text):
                sentence = problem
        raise ExpressionError(sentence, token.place)

    def expression(self, precedence: int = 0) -> T:
        """Read as far as operators have a higher precedence."""
        self._depth += 1
        if self._depth > limits.DEPTH:
            raise ExpressionError(
                f"brackets and signs are nested more than {limits.DEPTH} deep; give a part of it"
                " a name on a line of its own.",
                self.next.place,
            )
        left = self._operand()
        while (sign := self.next.text) in PRECEDENCE and PRECEDENCE[sign] > precedence:
            self.take()
            if sign == "**":
                left = self.power(left, self.expression(PRECEDENCE[sign] - 1))
            else:
                left = self.settled(left)
                left = self.infix(left, sign, self.expression(PRECEDENCE[sign]))
        self._depth -= 1
        return left

    def separated(self, closing: str) -> list[T]:
        """Read expressions with commas between them, up to a bracket that closes them."""
        found: list[T] = []
        while self.next.text != closing:
            found.append(self.item())
            if self.next.text != closing:
                self.expect(",", f"“,” or “{closing}” is expected")
        self.take()
        return found

    def item(self) -> T:
        """Read one of the expressions between commas."""
        return self.expression()

    def _operand(self) -> T:
        """Read an operand, and what stands behind it."""
        token = self.take()
        if token.text in ("-", "+"):
            inner = self.expression(UNARY)
            if token.text == "+":
                return inner
            return self.negative(inner, token.place.to(self.place_of(inner)))
        if token.kind == "number":
            left = self.number(float(token.text), token.place)
        elif token.kind == "name":
            left = self.named(token)
        elif token.text == "(":
            inner = self.expression()
            last = self.expect(")", "a bracket is never closed; write )")
            left = self.placed(inner, token.place.to(last.place))
        elif token.text == "[":
            items = self.separated("]")
            left = self.vector(items, token.place.to(self.last_place()))
        else:
            raise self._missing(token)
        while self.next.kind == "sign" and self.next.text in self.suffixes:
            left = self.suffix(left)
        return left

    def _missing(self, token: Token) -> ExpressionError:
        where = f"before {quoted(token.text)}"
        if token.kind == "end":
            where = f"after {quoted(self._tokens[self._at - 1].text)}"
        return ExpressionError(f"something is missing {where}: a number or a name.", token.place)


def python_keyword(name: str) -> str:
    """Return that a keyword of Python is not allowed; "" for other words."""
    if not keyword.iskeyword(name):
        return ""
    return (
        f"{quoted(name)} is a keyword of Python; here only arithmetic and the listed functions"
        " are allowed."
    )
