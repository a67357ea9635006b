"""From a text to a program of tensors: the gradients of lesson 4, in PyTorch's notation.

A line is ``name = expression``, ``name += expression`` (and -=, *=, /=), ``name[i, j] = ...`` or
an expression; the last line is the result. As in PyTorch ``x[i] += y`` adds only once to a row that
``i`` names twice.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from . import limits
from .functions import ShapeError
from .reader import GrammarReader, python_keyword
from .tensor_functions import (
    NOT_METHODS,
    TENSOR_FUNCTIONS,
    Call,
    Flag,
    Keyword,
    MaxPair,
    Module,
    Number,
    Operand,
    Ref,
    Sizes,
    as_float,
    bind,
    listed,
    matmul,
    transposed,
    whole_of,
)
from .tensor_program import Known, ProgramBuilder, TensorProgram, in_place
from .tensor_shapes import broadcast, indexed
from .tokens import ExpressionError, Place, Token, quoted, tokenize

_EMPTY = "type an expression, such as (1.0 / probs) * dlogprobs."
_INFIX: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_FLAGS = {"True": True, "False": False, "None": None}
_MODULES = ("torch", "F", "nn", "functional")


def parse_tensor(text: str, known: Mapping[str, Known]) -> TensorProgram:
    """Return the program of a text.

    Args:
        text: one or several lines.
        known: the names that it may use.

    Raises:
        ExpressionError: what is wrong, in which line, and what to do; nothing was computed.
    """
    lines = tokenize(text)
    if not lines:
        raise ExpressionError(_EMPTY, Place(1, 0))
    builder, own = ProgramBuilder(known), dict[str, Operand]()
    result: Operand | None = None
    for tokens in lines:
        result = _TensorLine(tokens, builder, own).read()
    if isinstance(result, Number):
        call = Call(builder, "this", {"input": result}, result.place)
        result = call.tensor("input")
    if not isinstance(result, Ref):
        place = result.place if result else Place(1, 0)
        raise ExpressionError("the last line must be a tensor: the gradient.", place)
    result = as_float(builder, result)
    return TensorProgram(tuple(builder.operations), result.index, text)


class _TensorLine(GrammarReader[Operand]):
    """Reads one line into a program."""

    suffixes = (".", "[")

    def __init__(
        self, tokens: Sequence[Token], builder: ProgramBuilder, own: dict[str, Operand]
    ) -> None:
        super().__init__(tokens)
        self._builder, self._own = builder, own

    def read(self) -> Operand:
        """Read a line; return its result."""
        name = self._tokens[0]
        behind = self._behind_target()
        sign = self._assignment_at(behind) if name.kind == "name" else None
        if sign is None:
            found = self.expression()
            self.end()
            return found
        self._check_target(name, plain=sign == "=" and behind == 1)
        self._at = 1
        index: list[Operand] | None = None
        if behind > 1:
            self.take()
            index = self.separated("]")
        self._at = behind + len(sign)
        place = name.place.to(self.last_place())
        before = self._own.get(name.text)
        value = self.expression()
        self.end()
        if index is not None:
            assert before is not None
            if sign != "=":
                value = self.infix(self._indexed(before, index, place), sign[0], value)
            value = self._put(before, index, value, place)
        elif sign != "=":
            assert before is not None
            value = self.infix(before, sign[0], value)
        self._own[name.text] = value
        return value

    def _behind_target(self) -> int:
        """Return the number of the token behind ``name`` or ``name[...]`` at the beginning."""
        if self._tokens[1:] and self._tokens[1].text == "[":
            depth = 0
            for number, token in enumerate(self._tokens[1:], 1):
                depth += (token.text in "([") - (token.text in ")]") if token.kind == "sign" else 0
                if not depth:
                    return number + 1
        return 1

    def _assignment_at(self, at: int) -> str | None:
        """Return ``=`` or ``+=`` and the like, if that stands there."""
        texts = [token.text for token in self._tokens[at : at + 2]]
        if texts[:1] == ["="]:
            return "="
        if len(texts) == 2 and texts[0] in _INFIX and texts[1] == "=":
            return "".join(texts)
        return None

    def _check_target(self, token: Token, plain: bool) -> None:
        name = token.text
        if name in self._builder.known:
            raise ExpressionError(
                f"{quoted(name)} is given and stays as it is; take another name.", token.place
            )
        if problem := python_keyword(name):
            raise ExpressionError(problem, token.place)
        if name in TENSOR_FUNCTIONS or name in _MODULES:
            raise ExpressionError(
                f"{quoted(name)} is a function here; take another name.", token.place
            )
        if not plain and name not in self._own:
            raise ExpressionError(
                f"{quoted(name)} has no value yet that could be changed; begin with {name} = ...",
                token.place,
            )

    def place_of(self, operand: Operand) -> Place:
        """Return where an operand stands."""
        return operand.place

    def placed(self, operand: Operand, place: Place) -> Operand:
        """Return an operand with its brackets."""
        if isinstance(operand, Number):
            return Number(operand.value, place)
        return Ref(operand.index, place) if isinstance(operand, Ref) else operand

    def number(self, value: float, place: Place) -> Operand:
        """Return a number."""
        return Number(value, place)

    def vector(self, items: list[Operand], place: Place) -> Operand:
        """Return ``[0, 1]``: sizes or dimensions."""
        values = [item.value for item in items if isinstance(item, Number)]
        if len(values) < len(items):
            raise ExpressionError("[ ] holds plain numbers here, such as sizes.", place)
        return Sizes(tuple(values), place)

    def negative(self, inner: Operand, place: Place) -> Operand:
        """Return ``-a``."""
        if isinstance(inner, Number):
            return Number(-inner.value, place)
        x = self._tensor(inner)
        return self._make(torch.neg, (x,), self._shape(x), place)

    def infix(self, left: Operand, sign: str, right: Operand) -> Operand:
        """Return ``a + b`` and the like."""
        place = left.place.to(right.place)
        if sign == "@":
            call = Call(self._builder, "@", {"input": left, "other": right}, place)
            return self._shaped(matmul, call)
        compute = _INFIX[sign]
        if isinstance(left, Number) and isinstance(right, Number):
            return self._folded(compute, left, right, place)
        if isinstance(left, Number):
            x = self._tensor(right)
            return self._make(partial(compute, left.value), (x,), self._shape(x), place)
        x = self._tensor(left)
        if isinstance(right, Number):
            value = right.value
            return self._make(lambda t: compute(t, value), (x,), self._shape(x), place)
        y = self._tensor(right)
        try:
            shape = broadcast(self._shape(x), self._shape(y))
        except ShapeError as error:
            raise in_place(error, place) from None
        return self._make(compute, (x, y), shape, place)

    def power(self, base: Operand, exponent: Operand) -> Operand:
        """Return ``a ** b``, whose exponent is a number."""
        if not isinstance(exponent, Number):
            raise ExpressionError("an exponent must be a number.", exponent.place)
        if abs(exponent.value) > limits.EXPONENT:
            most = limits.EXPONENT
            raise ExpressionError(f"exponents go from −{most} to {most}.", exponent.place)
        place = base.place.to(exponent.place)
        if isinstance(base, Number):
            return self._folded(operator.pow, base, exponent, place)
        x, value = self._tensor(base), exponent.value
        return self._make(lambda t: t**value, (x,), self._shape(x), place)

    def _folded(
        self, compute: Callable[[Any, Any], Any], a: Number, b: Number, place: Place
    ) -> Number:
        """Return what two numbers make."""
        try:
            value = compute(a.value, b.value)
        except (ZeroDivisionError, OverflowError):
            value = math.nan
        if isinstance(value, complex) or not math.isfinite(value):
            raise ExpressionError("this divides by 0 or is far too large.", place)
        return Number(float(value), place)

    def named(self, token: Token) -> Operand:
        """Return a known or own tensor, a function's result, or a module."""
        name = token.text
        if name in _FLAGS:
            return Flag(_FLAGS[name], token.place)
        if self.next.text == "(" and name in TENSOR_FUNCTIONS:
            return self._call(token, [])
        if name in self._own:
            return self._own[name]
        if name in self._builder.known:
            known = self._builder.known[name]
            if known.number is not None:
                return Number(known.number, token.place)
            return Ref(self._builder.leaf(name, token.place), token.place)
        if name in _MODULES:
            return Module(name, token.place)
        if name in TENSOR_FUNCTIONS:
            sentence = f"{quoted(name)} is a function: write {name}(...)."
        elif problem := python_keyword(name):
            sentence = problem
        elif self.next.text == "(":
            sentence = f"there is no function {quoted(name)} here; there are {listed()}."
        else:
            sentence = self._unknown(name)
        raise ExpressionError(sentence, token.place)

    def _unknown(self, name: str) -> str:
        gradients = [known for known in self._builder.known if known[0] == "d"]
        if name[0] == "d":
            there = f"gradients known here: {', '.join(gradients)}" if gradients else "none is yet"
            return f"{quoted(name)} is not known here; {there}."
        tensors = ", ".join(known for known in self._builder.known if known not in gradients)
        return f"{quoted(name)} is not known here; there are {tensors}."

    def suffix(self, left: Operand) -> Operand:
        """Return ``x.T``, ``x.sum(0)`` or ``x[i, j]``."""
        sign = self.take()
        if sign.text == "[":
            index = self.separated("]")
            return self._indexed(left, index, left.place.to(self.last_place()))
        token = self.take()
        name, place = token.text, left.place.to(token.place)
        if isinstance(left, Module):
            if name in _MODULES:
                return Module(name, place)
            if name not in TENSOR_FUNCTIONS:
                raise ExpressionError(
                    f"there is no {quoted(name)} here; there are {listed()}.", token.place
                )
            return self._call(token, [])
        if isinstance(left, MaxPair) and name in ("values", "indices"):
            return left.values if name == "values" else left.indices
        if isinstance(left, Ref) and name == "T":
            return self._shaped(transposed, Call(self._builder, ".T", {"input": left}, place))
        if isinstance(left, Ref) and name == "shape":
            return Sizes(tuple(map(float, self._shape(left))), place)
        if name not in TENSOR_FUNCTIONS or name in NOT_METHODS:
            raise ExpressionError(
                "after a point stands T, shape or a function, as in x.sum(0); there are"
                f" {listed()}.",
                token.place,
            )
        return self._call(token, [left])

    def _call(self, token: Token, before: list[Operand]) -> Operand:
        """Read the operands of a function, and return its result."""
        name = token.text
        self.expect("(", f"a function is called with brackets: {name}(...)")
        operands = [*before, *self.separated(")")]
        first = before[0].place if before else token.place
        place = first.to(self.last_place())
        given = bind(name, operands, place)
        return self._shaped(TENSOR_FUNCTIONS[name].apply, Call(self._builder, name, given, place))

    def item(self) -> Operand:
        """Read an operand of a call, which may be set by its name: ``keepdim=True``."""
        following = self._tokens[self._at + 1 : self._at + 2]
        if self.next.kind != "name" or not following or following[0].text != "=":
            return self.expression()
        name = self.take()
        self.take()
        return Keyword(name.text, self.expression(), name.place)

    def _shaped(self, apply: Callable[[Call], Operand], call: Call) -> Operand:
        try:
            return apply(call)
        except ShapeError as error:
            raise in_place(error, call.place) from None

    def _indexed(self, left: Operand, index: list[Operand], place: Place) -> Operand:
        if isinstance(left, Sizes):
            number = index[0] if len(index) == 1 else None
            if isinstance(number, Number):
                at = whole_of(number.value, place)
                if -len(left.values) <= at < len(left.values):
                    return Number(left.values[at], place)
            raise ExpressionError("a shape is indexed by one of its dimensions.", place)
        x = self._raw(left)
        refs = [self._index(one) for one in index]
        try:
            shape = indexed(self._shape(x), [self._shape(ref) for ref in refs])
        except ShapeError as error:
            raise in_place(error, place) from None
        integer = self._builder.operations[x.index].integer
        return self._make(_element, (x, *refs), shape, place, integer)

    def _put(self, left: Operand, index: list[Operand], value: Operand, place: Place) -> Operand:
        """Return a tensor with other numbers in some places; the one before stays."""
        x, refs = self._tensor(left), [self._index(one) for one in index]
        new = self._tensor(value)
        try:
            shape = indexed(self._shape(x), [self._shape(ref) for ref in refs])
            if broadcast(shape, self._shape(new)) != shape:
                raise ShapeError("what is assigned has another shape than what it is assigned to")
        except ShapeError as error:
            raise in_place(error, place) from None
        return self._make(_with_elements, (x, new, *refs), self._shape(x), place)

    def _index(self, operand: Operand) -> Ref:
        if isinstance(operand, Number):
            at = whole_of(operand.value, operand.place)
            return self._make(lambda: torch.tensor(at), (), (), operand.place, True)
        if isinstance(operand, Ref) and self._builder.operations[operand.index].integer:
            return operand
        raise ExpressionError(
            "an index is a whole number, range(n), or a tensor of whole numbers such as Xb or Yb.",
            operand.place,
        )

    def _raw(self, operand: Operand) -> Ref:
        """Return a tensor as it is.

        Raises:
            ExpressionError: it is none.
        """
        if isinstance(operand, Ref):
            return operand
        if isinstance(operand, Number):
            call = Call(self._builder, "this", {"input": operand}, operand.place)
            return call.tensor("input")
        words = {
            MaxPair: "max over a dimension returns two things: write .values or .indices",
            Module: "a function is missing here, such as torch.zeros_like(x)",
            Sizes: "this is a shape or a list, not a tensor",
            Keyword: "= stands only in the arguments of a function, as in keepdim=True",
            Flag: "True, False and None stand only in the arguments of a function",
        }
        raise ExpressionError(f"{words[type(operand)]}.", operand.place)

    def _tensor(self, operand: Operand) -> Ref:
        """Return a tensor of floating-point numbers."""
        return as_float(self._builder, self._raw(operand))

    def _shape(self, ref: Ref) -> tuple[int, ...]:
        return self._builder.operations[ref.index].shape

    def _make(
        self,
        compute: Callable[..., Tensor],
        inputs: tuple[Ref, ...],
        shape: tuple[int, ...],
        place: Place,
        integer: bool = False,
    ) -> Ref:
        return Call(self._builder, "", {}, place).make(compute, inputs, shape, integer)


def _element(x: Tensor, *index: Tensor) -> Tensor:
    return x[tuple(one.long() for one in index)]


def _with_elements(x: Tensor, new: Tensor, *index: Tensor) -> Tensor:
    return x.index_put(tuple(one.long() for one in index), new)
