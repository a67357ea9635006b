"""From a text to a graph: arithmetic and the listed functions, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import limits
from .functions import CALLABLE, FUNCTIONS, INFIX, SOURCES, STACK, Function
from .graph import Builder, Graph, Kind, constant_array
from .reader import GrammarReader, python_keyword
from .sources import source
from .tokens import ExpressionError, Place, Token, quoted, tokenize

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


class _Line(GrammarReader[Operand]):
    """Reads one line into a graph."""

    def __init__(self, tokens: Sequence[Token], builder: Builder) -> None:
        super().__init__(tokens)
        self._builder = builder

    def read(self) -> int:
        """Read ``name = expression`` or an expression; return its node."""
        name = self._tokens[0]
        assigned = name.kind == "name" and self._tokens[1].text == "="
        if assigned:
            self._check_name(name)
            self._at = 2
        found = self.expression()
        self.end()
        index = self._node(found)
        if assigned:
            self._builder.assign(name.text, index, name.place)
        return index

    def _check_name(self, token: Token) -> None:
        if token.text in CALLABLE or token.text in SOURCES:
            raise ExpressionError(
                f"{quoted(token.text)} is a function here; take another name.", token.place
            )
        if problem := python_keyword(token.text):
            raise ExpressionError(problem, token.place)

    def place_of(self, operand: Operand) -> Place:
        """Return where an operand stands."""
        return operand.place

    def placed(self, operand: Operand, place: Place) -> Operand:
        """Return an operand at another place."""
        return replace(operand, place=place)

    def number(self, value: float, place: Place) -> Operand:
        """Return a literal."""
        return Literal(value, place)

    def settled(self, left: Operand) -> Operand:
        """Return the left operand as a node: it stands before the right one's."""
        return Computed(self._node(left), left.place)

    def infix(self, left: Operand, sign: str, right: Operand) -> Operand:
        """Return the node of an operator."""
        place = left.place.to(right.place)
        inputs = [self._node(left), self._node(right)]
        return Computed(self._builder.call(FUNCTIONS[INFIX[sign]], inputs, place), place)

    def power(self, base: Operand, exponent: Operand) -> Operand:
        """Return the node of a power, whose exponent is a literal."""
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

    def negative(self, inner: Operand, place: Place) -> Operand:
        """Return the node of a negative; that of a literal is a literal."""
        if isinstance(inner, Literal):
            return Literal(_negative(inner.value), place)
        return Computed(self._builder.call(FUNCTIONS["negate"], [inner.index], place), place)

    def named(self, token: Token) -> Operand:
        """Return the node of a name, a function or a source."""
        name = token.text
        if self.next.text == "(" and (name in CALLABLE or name in SOURCES):
            self.take()
            arguments = self.separated(")")
            place = token.place.to(self.last_place())
            if name in SOURCES:
                return self._source(name, arguments, place)
            return self._apply(FUNCTIONS[name], arguments, place)
        if name in self._builder.names:
            return Computed(self._builder.names[name], token.place)
        if name in CALLABLE or name in SOURCES:
            sentence = f"{quoted(name)} is a function: write {name}(...)."
        elif problem := python_keyword(name):
            sentence = problem
        elif self.next.text == "(":
            sentence = f"there is no function {quoted(name)}; there are {_listed()}."
        else:
            sentence = f"{quoted(name)} has no value yet; give it one on a line above, {name} = 1."
        raise ExpressionError(sentence, token.place)

    def suffix(self, left: Operand) -> Operand:
        """Return the node of a function that is called on an operand."""
        self.take()
        token = self.take()
        if token.text not in CALLABLE:
            raise ExpressionError(
                f"after a point a function is called, as in x.tanh(); there are {_listed()}.",
                token.place,
            )
        self.expect("(", f"a function is called with brackets: .{token.text}()")
        arguments = [left, *self.separated(")")]
        return self._apply(FUNCTIONS[token.text], arguments, left.place.to(self.last_place()))

    def vector(self, items: list[Operand], place: Place) -> Operand:
        """Return a literal of literals, or the node of computed numbers side by side."""
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


def _listed() -> str:
    return ", ".join(CALLABLE)
