"""From a text to a graph: arithmetic and the listed functions, nothing else.

An operator-precedence parser (Pratt 1973), so that nothing is ever handed to Python to run. Its
work grows with the length of the text alone.
"""

import keyword
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import limits
from .functions import CALLABLE, FUNCTIONS, INFIX, SOURCES, STACK, Function
from .graph import Builder, Graph, Kind, constant_array
from .sources import source
from .tokens import ExpressionError, Place, Token, quoted, tokenize

_PRECEDENCE = {"+": 10, "-": 10, "*": 20, "/": 20, "@": 20, "**": 40}
_UNARY = 30
"""A unary sign binds more loosely than ``**``, as in mathematics: -x**2 is -(x**2)."""
_EMPTY = "type an expression, such as a = 2 and on the next line (a*3 + 1).tanh()."


@dataclass(frozen=True)
class Literal:
    """Numbers as they were written; no node yet, for their use decides of which kind it is."""

    value: Any
    place: Place


@dataclass(frozen=True)
class Computed:
    """A node of the graph."""

    index: int
    place: Place


Operand = Literal | Computed


def parse(text: str) -> Graph:
    """Return the graph of an expression.

    Raises:
        ExpressionError: what is wrong, in which line, and what to do.
    """
    lines = tokenize(text)
    if not lines:
        raise ExpressionError(_EMPTY, Place(1, 0))
    builder, root = Builder(), -1
    for tokens in lines:
        root = _Line(tokens, builder).read()
    node = builder.nodes[root]
    if node.shape:
        raise ExpressionError(
            f"the last line is the loss, so it must be one number; this is"
            f" {'×'.join(map(str, node.shape))} of them. Take mean(...) or sum(...) of it.",
            node.place,
        )
    return builder.build(root)


class _Line:
    """Reads one line, from left to right."""

    def __init__(self, tokens: Sequence[Token], builder: Builder) -> None:
        self._tokens, self._builder = tokens, builder
        self._at, self._depth = 0, 0

    def read(self) -> int:
        """Read ``name = expression`` or an expression; return its node."""
        name = self._tokens[0]
        assigned = name.kind == "name" and self._tokens[1].text == "="
        if assigned:
            self._check_name(name)
            self._at = 2
        found = self._expression(0)
        self._end()
        index = self._node(found)
        if assigned:
            self._builder.assign(name.text, index, name.place)
        return index

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _expect(self, sign: str, what: str) -> Token:
        if self._next.text != sign:
            raise ExpressionError(f"{what}.", self._next.place)
        return self._take()

    def _end(self) -> None:
        token = self._next
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
            if problem := _python(before) or _python(token.text):
                sentence = problem
        raise ExpressionError(sentence, token.place)

    def _check_name(self, token: Token) -> None:
        if token.text in CALLABLE or token.text in SOURCES:
            raise ExpressionError(
                f"{quoted(token.text)} is a function here; take another name.", token.place
            )
        if problem := _python(token.text):
            raise ExpressionError(problem, token.place)

    def _expression(self, precedence: int) -> Operand:
        """Read as far as operators have a higher precedence."""
        self._depth += 1
        if self._depth > limits.DEPTH:
            raise ExpressionError(
                f"brackets and signs are nested more than {limits.DEPTH} deep; give a part of it"
                " a name on a line of its own.",
                self._next.place,
            )
        left = self._operand()
        while (sign := self._next.text) in _PRECEDENCE and _PRECEDENCE[sign] > precedence:
            self._take()
            left = self._power(left) if sign == "**" else self._infix(left, sign)
        self._depth -= 1
        return left

    def _infix(self, left: Operand, sign: str) -> Operand:
        index = self._node(left)
        right = self._expression(_PRECEDENCE[sign])
        place = left.place.to(right.place)
        inputs = [index, self._node(right)]
        return Computed(self._builder.call(FUNCTIONS[INFIX[sign]], inputs, place), place)

    def _power(self, base: Operand) -> Operand:
        exponent = self._expression(_PRECEDENCE["**"] - 1)
        value = exponent.value if isinstance(exponent, Literal) else None
        if not isinstance(value, float):
            raise ExpressionError(
                "an exponent must be a literal; for a variable one write exp(b * log(a)).",
                exponent.place,
            )
        if abs(value) > limits.EXPONENT:
            most = limits.EXPONENT
            raise ExpressionError(
                f"exponents go from −{most} to {most}.",
                exponent.place,
            )
        index = self._node(base)
        place = base.place.to(exponent.place)
        return Computed(self._builder.call(FUNCTIONS["power"], [index], place, value), place)

    def _operand(self) -> Operand:
        """Read an operand, and the methods called on it: ``(a*b).tanh()``."""
        token = self._take()
        if token.text in ("-", "+"):
            return self._signed(token)
        if token.kind == "number":
            left: Operand = Literal(float(token.text), token.place)
        elif token.kind == "name":
            left = self._named(token)
        elif token.text == "(":
            inner = self._expression(0)
            last = self._expect(")", "a bracket is never closed; write )")
            left = replace(inner, place=token.place.to(last.place))
        elif token.text == "[":
            left = self._vector(token)
        else:
            raise self._missing(token)
        while self._next.text == ".":
            left = self._method(left)
        return left

    def _missing(self, token: Token) -> ExpressionError:
        where = f"before {quoted(token.text)}"
        if token.kind == "end":
            where = f"after {quoted(self._tokens[self._at - 1].text)}"
        return ExpressionError(f"something is missing {where}: a number or a name.", token.place)

    def _signed(self, sign: Token) -> Operand:
        inner = self._expression(_UNARY)
        place = sign.place.to(inner.place)
        if sign.text == "+":
            return inner
        if isinstance(inner, Literal):
            return Literal(_negative(inner.value), place)
        return Computed(self._builder.call(FUNCTIONS["negate"], [inner.index], place), place)

    def _named(self, token: Token) -> Operand:
        name = token.text
        if self._next.text == "(" and (name in CALLABLE or name in SOURCES):
            self._take()
            arguments = self._arguments(")")
            place = token.place.to(self._tokens[self._at - 1].place)
            if name in SOURCES:
                return self._source(name, arguments, place)
            return self._apply(FUNCTIONS[name], arguments, place)
        if name in self._builder.names:
            return Computed(self._builder.names[name], token.place)
        if name in CALLABLE or name in SOURCES:
            sentence = f"{quoted(name)} is a function: write {name}(...)."
        elif problem := _python(name):
            sentence = problem
        elif self._next.text == "(":
            sentence = f"there is no function {quoted(name)}; there are {_listed()}."
        else:
            sentence = f"{quoted(name)} has no value yet; give it one on a line above, {name} = 1."
        raise ExpressionError(sentence, token.place)

    def _method(self, left: Operand) -> Operand:
        self._take()
        token = self._take()
        if token.text not in CALLABLE:
            raise ExpressionError(
                f"after a point a function is called, as in x.tanh(); there are {_listed()}.",
                token.place,
            )
        self._expect("(", f"a function is called with brackets: .{token.text}()")
        arguments = [left, *self._arguments(")")]
        place = left.place.to(self._tokens[self._at - 1].place)
        return self._apply(FUNCTIONS[token.text], arguments, place)

    def _arguments(self, closing: str) -> list[Operand]:
        found: list[Operand] = []
        while self._next.text != closing:
            found.append(self._expression(0))
            if self._next.text != closing:
                self._expect(",", f"“,” or “{closing}” is expected")
        self._take()
        return found

    def _vector(self, opening: Token) -> Operand:
        items = self._arguments("]")
        place = opening.place.to(self._tokens[self._at - 1].place)
        if all(isinstance(item, Literal) for item in items):
            value = [item.value for item in items if isinstance(item, Literal)]
            constant_array(value, place)  # an error belongs to this place
            return Literal(value, place)
        return Computed(
            self._builder.call(STACK, [self._node(item) for item in items], place), place
        )

    def _apply(self, function: Function, arguments: list[Operand], place: Place) -> Operand:
        if len(arguments) != function.arguments:
            wanted = "one value" if function.arguments == 1 else "two values"
            raise ExpressionError(f"{function.name} takes {wanted}, not {len(arguments)}.", place)
        inputs = [self._node(found) for found in arguments]
        return Computed(self._builder.call(function, inputs, place), place)

    def _source(self, name: str, arguments: list[Operand], place: Place) -> Operand:
        values = [found.value for found in arguments if isinstance(found, Literal)]
        if len(values) < len(arguments):
            raise ExpressionError(f"the arguments of {name}(...) must be literals.", place)
        return Computed(source(self._builder, name, values, place), place)

    def _node(self, operand: Operand) -> int:
        if isinstance(operand, Computed):
            return operand.index
        start = constant_array(operand.value, operand.place)
        return self._builder.leaf("number", Kind.LITERAL, start.shape, operand.place, start)


def _negative(value: Any) -> Any:
    return [_negative(item) for item in value] if isinstance(value, list) else -value


def _python(name: str) -> str:
    """Return that a keyword of Python is not allowed; "" for other words."""
    if not keyword.iskeyword(name):
        return ""
    return (
        f"{quoted(name)} is a keyword of Python; here only arithmetic and the listed functions"
        " are allowed."
    )


def _listed() -> str:
    return ", ".join(CALLABLE)
