"""The functions of the language: the shape of each result, and its local derivatives in words.

In the words of a derivative ``{a}`` and ``{b}`` stand for the arguments, ``{out}`` for the result,
``{n}`` for the exponent or the count.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Shape = tuple[int, ...]


class ShapeError(ValueError):
    """Shapes that don't match, in words."""


@dataclass(frozen=True)
class Function:
    """A function of the language.

    Attributes:
        name: of the function.
        arguments: how many it takes.
        help: a few words on it.
        shape: from the shapes of the arguments to that of the result; raises ShapeError.
        derivatives: the local derivative with respect to each argument, in words.
        sign: its operator, if it has one.
    """

    name: str
    arguments: int
    help: str
    shape: Callable[..., Shape]
    derivatives: tuple[str, ...]
    sign: str = ""


def size(shape: Shape) -> str:
    """Return a shape in words: ``a number``, ``3 numbers``, ``2×3``."""
    if not shape:
        return "a number"
    return f"{shape[0]} numbers" if len(shape) == 1 else "×".join(map(str, shape))


def _same(shape: Shape) -> Shape:
    return shape


def _one(shape: Shape) -> Shape:
    return ()


def _along(shape: Shape) -> Shape:
    if not shape:
        raise ShapeError("softmax makes probabilities of several numbers; give it a vector")
    return shape


def _together(a: Shape, b: Shape) -> Shape:
    try:
        return tuple(np.broadcast_shapes(a, b))
    except ValueError:
        raise ShapeError(
            f"{size(a)} and {size(b)} don't broadcast: sizes must be equal, or one of them 1"
        ) from None


def _dot(a: Shape, b: Shape) -> Shape:
    if len(a) != 1 or a != b:
        raise ShapeError(f"dot takes two vectors of one length, not {size(a)} and {size(b)}")
    return ()


def _product(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ShapeError("@ is the product of vectors and matrices; for numbers write *")
    inner = b[0]
    if a[-1] != inner:
        raise ShapeError(
            f"{size(a)} @ {size(b)} don't match: a row on the left has {a[-1]} numbers, a column"
            f" on the right {inner}; these must be equal"
        )
    return a[:-1] + b[1:]


_ALL = (
    Function("add", 2, "the sum of two", _together, ("1", "1"), "+"),
    Function("subtract", 2, "the difference of two", _together, ("1", "−1"), "-"),
    Function("multiply", 2, "the product of two", _together, ("{b}", "{a}"), "*"),
    Function("divide", 2, "one over the other", _together, ("1 ÷ {b}", "−{a} ÷ {b}²"), "/"),
    Function("matmul", 2, "matrix product", _product, ("{b}", "{a}"), "@"),
    Function("power", 1, "to a constant power", _same, ("{n} × {a}^({n} − 1)",), "**"),
    Function("negate", 1, "the negative", _same, ("−1",), "-"),
    Function("tanh", 1, "squashes to −1 … 1", _same, ("1 − {out}²",)),
    Function("sigmoid", 1, "squashes to 0 … 1", _same, ("{out} × (1 − {out})",)),
    Function("relu", 1, "0 below zero, else unchanged", _same, ("1 above zero, 0 below",)),
    Function("softplus", 1, "log(1 + exp(x)), a smooth relu", _same, ("sigmoid({a})",)),
    Function("exp", 1, "e to the power of it", _same, ("{out}",)),
    Function("log", 1, "the natural logarithm", _same, ("1 ÷ {a}",)),
    Function("sqrt", 1, "the square root", _same, ("1 ÷ (2 × {out})",)),
    Function("sin", 1, "the sine", _same, ("cos({a})",)),
    Function("cos", 1, "the cosine", _same, ("−sin({a})",)),
    Function("abs", 1, "the absolute value", _same, ("the sign of {a}",)),
    Function("max", 2, "the larger of two", _together, ("1 if larger, else 0",) * 2),
    Function("min", 2, "the smaller of two", _together, ("1 if smaller, else 0",) * 2),
    Function("sum", 1, "of all numbers", _one, ("1 for each number",)),
    Function("mean", 1, "of all numbers", _one, ("1 ÷ {n} for each number",)),
    Function("dot", 2, "products of two vectors, summed", _dot, ("{b}", "{a}")),
    Function("softmax", 1, "probabilities along the last dimension", _along, ("out × (δ − out)",)),
)
FUNCTIONS = {function.name: function for function in _ALL}
INFIX = {f.sign: f.name for f in _ALL if f.sign and f.arguments == 2}
CALLABLE = tuple(f.name for f in _ALL if not f.sign)
"""Functions with a name; the others are operators."""
STACK = Function("stack", 0, "numbers side by side", lambda *shapes: (len(shapes),), ("1",))
"""``[a, b, c]`` of computed numbers."""

SOURCES = {
    "data": "data(2): constant numbers, which are not learned",
    "randn": "randn(n, m): n × m standard normal numbers; learned",
    "moons": "moons(n): n points of two half moons; constant",
    "moons_label": "moons_label(n): +1 or −1, the moon of each of them; constant",
    "noise": "noise(n, m): standard normal, resampled at every step; noise() is one number",
}
"""Functions that make leaves."""
