"""A program of tensors: operations in order, with the shape of each known before it is run."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import UserError
from . import limits
from .functions import Shape, ShapeError
from .tensor_shapes import shape_words
from .tokens import ExpressionError, Place

_NOT_FINITE = (
    "this overflows or divides by 0: the result has NaN or infinity in it. Look at its"
    " denominators and exponents."
)
_NO_INDEX = "an index is out of range: there is no such row or column."


@dataclass(frozen=True)
class Known:
    """A name that an expression may use.

    Attributes:
        shape: of its tensor; () for a number.
        integer: whether it holds indices rather than numbers.
        number: of one that is no tensor, such as ``n``.
    """

    shape: Shape
    integer: bool = False
    number: float | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> "Known":
        """Return what is known of a tensor."""
        return cls(tuple(tensor.shape), not tensor.is_floating_point())


@dataclass(frozen=True)
class Operation:
    """One step of a program: a function of earlier results."""

    compute: Callable[..., Tensor]
    inputs: tuple[int, ...]
    shape: Shape
    integer: bool
    place: Place
    name: str = ""
    """Of a leaf: the tensor that it is given."""


@dataclass(frozen=True)
class TensorProgram:
    """Operations, each after its inputs; the last line of the text is the result.

    Attributes:
        operations: in their order; those with a name are given.
        root: the number of the result.
        text: what it was parsed from.
    """

    operations: tuple[Operation, ...]
    root: int
    text: str

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.operations[self.root].shape

    @property
    def names(self) -> frozenset[str]:
        """The tensors that it needs."""
        return frozenset(op.name for op in self.operations if op.name)

    def run(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Compute the result of these tensors; torch can differentiate it.

        Raises:
            ExpressionError: the result is not finite, or an index is out of range.
        """
        result = self.compute(tensors)
        if not torch.isfinite(result).all():
            raise ExpressionError(_NOT_FINITE, self.operations[self.root].place)
        return result

    def compute(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Compute the result, which may be NaN or infinite.

        Raises:
            ExpressionError: an index is out of range.
        """
        values: list[Tensor] = []
        for op in self.operations:
            if op.name:
                values.append(tensors[op.name])
                continue
            try:
                values.append(op.compute(*[values[index] for index in op.inputs]))
            except IndexError:
                raise ExpressionError(_NO_INDEX, op.place) from None
        return values[self.root]


class ProgramBuilder:
    """Appends operations, and refuses what is too large before anything of it exists."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        self.known = known
        self.operations: list[Operation] = []
        self._leaves: dict[str, int] = {}
        self._numbers = 0
        self._products = 0

    def leaf(self, name: str, place: Place) -> int:
        """Return the operation of a known tensor."""
        if name not in self._leaves:
            known = self.known[name]
            made = Operation(torch.clone, (), known.shape, known.integer, place, name)
            self._leaves[name] = self._append(made)
        return self._leaves[name]

    def call(
        self,
        compute: Callable[..., Tensor],
        inputs: Sequence[int],
        shape: Shape,
        place: Place,
        integer: bool = False,
    ) -> int:
        """Append an operation of earlier ones; its shape was found before."""
        return self._append(Operation(compute, tuple(inputs), shape, integer, place))

    def count_products(self, count: int, place: Place) -> None:
        """Count the multiplications of a matrix product.

        Raises:
            ExpressionError: they are too many.
        """
        self._products += count
        if self._products > limits.PRODUCTS:
            raise ExpressionError(
                f"the matrix products together would be more than {limits.PRODUCTS:,}"
                " multiplications; nothing here needs so many.",
                place,
            )

    def _append(self, made: Operation) -> int:
        if len(self.operations) >= limits.NODES:
            raise ExpressionError(
                f"this makes more than {limits.NODES} operations; shorten it.", made.place
            )
        count = math.prod(made.shape)
        self._numbers += count
        if count > limits.TENSOR or self._numbers > limits.NUMBERS:
            raise ExpressionError(
                f"a result of {shape_words(made.shape)} would have {_many(count)} numbers, more"
                f" than there is room for ({limits.TENSOR:,} each, {limits.NUMBERS:,} together);"
                " nothing was computed. Look at the sizes.",
                made.place,
            )
        self.operations.append(made)
        return len(self.operations) - 1


def _many(count: int) -> str:
    return f"{count:,}" if count < 10**12 else "more than a trillion"


def in_place(error: ShapeError, place: Place) -> UserError:
    """Return the error of a shape at its place in the text."""
    words = str(error)
    return ExpressionError(words if words.endswith(("?", ".")) else f"{words}.", place)
