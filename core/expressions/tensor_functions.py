"""The functions of tensors that a typed gradient may use, with PyTorch's names.

Each takes the operands of its call, checks shapes, and appends one operation to the program. Those
with ``dim`` count it from 0 as PyTorch does; ``one_hot`` gives floating-point numbers at once.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from . import limits
from .functions import Shape, ShapeError
from .tensor_program import ProgramBuilder
from .tensor_shapes import broadcast, dimension, product, reduced, viewed
from .tokens import ExpressionError, Place, quoted


@dataclass(frozen=True)
class Number:
    """A number that is known when the text is read: ``2``, ``n``, ``1/n``."""

    value: float
    place: Place


@dataclass(frozen=True)
class Ref:
    """A tensor: an operation of the program."""

    index: int
    place: Place


@dataclass(frozen=True)
class Sizes:
    """Several numbers that are known: ``h.shape``, ``[0, 1]``."""

    values: tuple[float, ...]
    place: Place


@dataclass(frozen=True)
class Flag:
    """``True``, ``False`` or ``None``."""

    value: bool | None
    place: Place


@dataclass(frozen=True)
class MaxPair:
    """What ``x.max(1)`` returns: its values and its indices."""

    values: Ref
    indices: Ref
    place: Place


@dataclass(frozen=True)
class Module:
    """``torch`` or ``F``: the functions behind it have their names without it, too."""

    name: str
    place: Place


@dataclass(frozen=True)
class Keyword:
    """``keepdim=True`` among the operands of a call."""

    name: str
    value: "Operand"
    place: Place


Operand = Number | Ref | Sizes | Flag | MaxPair | Module | Keyword


@dataclass(frozen=True)
class Call:
    """A function with its operands.

    Attributes:
        builder: takes the operation.
        name: of the function.
        given: the operands by parameter; those of ``*sizes`` as one Sizes.
        place: in the text.
    """

    builder: ProgramBuilder
    name: str
    given: Mapping[str, Operand]
    place: Place

    def tensor(self, name: str) -> Ref:
        """Return the tensor of a parameter; a number becomes one.

        Raises:
            ExpressionError: it is missing, or no tensor.
        """
        found = self.given.get(name)
        if isinstance(found, Number):
            value = found.value
            return self.make(lambda: torch.tensor(value, dtype=torch.float64), (), ())
        if not isinstance(found, Ref):
            place = found.place if found else self.place
            raise ExpressionError(f"{self.name}(...) takes a tensor as {name}.", place)
        return found

    def float_tensor(self, name: str) -> Ref:
        """Return the tensor of a parameter, as floating-point numbers."""
        return as_float(self.builder, self.tensor(name))

    def indices(self, name: str) -> Ref:
        """Return the tensor of a parameter that holds whole numbers."""
        found = self.tensor(name)
        if not self.builder.operations[found.index].integer:
            raise ExpressionError(
                f"{self.name}(...) takes whole numbers as {name}, such as Xb, Yb or"
                f" .max(1).indices.",
                found.place,
            )
        return found

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number that is given as a parameter."""
        found = self.given.get(name)
        if found is None and default is not None:
            return default
        if isinstance(found, Number) and found.value == int(found.value):
            return int(found.value)
        place = found.place if found else self.place
        raise ExpressionError(f"{self.name}(...) takes a whole number as {name}.", place)

    def dims(self) -> tuple[int, ...]:
        """Return the dimensions to reduce, counted from the front; none for all."""
        shape, found = self.shape_of(self.tensor("input")), self.given.get("dim")
        if found is None or (isinstance(found, Flag) and found.value is None):
            return ()
        values = found.values if isinstance(found, Sizes) else (self.whole("dim"),)
        return tuple(dimension(shape, whole_of(v, self.place)) for v in values)

    def flag(self, name: str) -> bool:
        """Return a parameter that is True or False; False where it is left out."""
        found = self.given.get(name)
        if found is None:
            return False
        if isinstance(found, Flag) and found.value is not None:
            return found.value
        raise ExpressionError(f"{name} is True or False.", found.place)

    def sizes(self, name: str = "sizes") -> tuple[int, ...]:
        """Return the sizes of a shape."""
        found = self.given.get(name)
        if not isinstance(found, Sizes) or not found.values:
            raise ExpressionError(f"{self.name}(...) takes sizes, such as (32, -1).", self.place)
        return tuple(whole_of(value, found.place) for value in found.values)

    def shape_of(self, ref: Ref) -> Shape:
        """Return the shape of a tensor."""
        return self.builder.operations[ref.index].shape

    def is_integer(self, ref: Ref) -> bool:
        """Whether a tensor holds whole numbers."""
        return self.builder.operations[ref.index].integer

    def make(
        self,
        compute: Callable[..., Tensor],
        inputs: tuple[Ref, ...],
        shape: Shape,
        integer: bool = False,
    ) -> Ref:
        """Append an operation."""
        if len(shape) > limits.DIMENSIONS:
            raise ExpressionError(
                f"a tensor here has {limits.DIMENSIONS} dimensions at most.", self.place
            )
        numbers = [ref.index for ref in inputs]
        index = self.builder.call(compute, numbers, shape, self.place, integer)
        return Ref(index, self.place)


def whole_of(value: float, place: Place) -> int:
    """Return a number as a whole one.

    Raises:
        ExpressionError: it is none.
    """
    if not math.isfinite(value) or value != int(value):
        raise ExpressionError(f"{value:g} is no whole number, as sizes and dimensions are.", place)
    return int(value)


def as_float(builder: ProgramBuilder, ref: Ref) -> Ref:
    """Return a tensor as floating-point numbers."""
    op = builder.operations[ref.index]
    if not op.integer:
        return ref
    return Ref(builder.call(Tensor.double, (ref.index,), op.shape, ref.place), ref.place)


Handler = Callable[[Call], Operand]
"""Appends the operation of a call."""


@dataclass(frozen=True)
class TensorFunction:
    """A function: its parameters in order, a few words, and what it appends."""

    parameters: tuple[str, ...]
    help: str
    apply: Handler
    needed: int = 1
    """How many parameters must be given."""


def _each(compute: Callable[[Tensor], Tensor]) -> Handler:
    def apply(call: Call) -> Operand:
        x = call.float_tensor("input")
        return call.make(compute, (x,), call.shape_of(x))

    return apply


def _same(call: Call) -> Operand:
    return call.float_tensor("input")


def _reduce(compute: Callable[..., Tensor]) -> Handler:
    def apply(call: Call) -> Operand:
        x = call.float_tensor("input")
        dims, keepdim = call.dims(), call.flag("keepdim")
        shape = call.shape_of(x)
        over = dims or tuple(range(len(shape)))
        made = partial(compute, dim=over, keepdim=keepdim) if over else torch.clone
        return call.make(made, (x,), reduced(shape, dims, keepdim))

    return apply


def _var(call: Call) -> Operand:
    shape = call.shape_of(call.tensor("input"))
    if math.prod(shape[dim] for dim in call.dims() or range(len(shape))) < 2:
        raise ShapeError("the variance of a single number is not defined")
    return _reduce(torch.var)(call)


def _max(call: Call) -> Operand:
    x, keepdim = call.float_tensor("input"), call.flag("keepdim")
    shape, dims = call.shape_of(x), call.dims()
    if not dims:
        return call.make(torch.max, (x,), ())
    after = reduced(shape, dims[:1], keepdim)
    first = dims[0]
    values = call.make(lambda t: t.max(first, keepdim=keepdim).values, (x,), after)
    indices = call.make(lambda t: t.max(first, keepdim=keepdim).indices, (x,), after, True)
    return MaxPair(values, indices, call.place)


def _argmax(call: Call) -> Operand:
    x, keepdim = call.float_tensor("input"), call.flag("keepdim")
    dims = call.dims()
    if not dims:
        raise ExpressionError("argmax needs its dimension here: argmax(1).", call.place)
    after = reduced(call.shape_of(x), dims[:1], keepdim)
    return call.make(partial(torch.argmax, dim=dims[0], keepdim=keepdim), (x,), after, True)


def _view(call: Call) -> Operand:
    x = call.tensor("input")
    shape = viewed(call.shape_of(x), call.sizes())
    return call.make(partial(torch.reshape, shape=shape), (x,), shape, call.is_integer(x))


def _flatten(call: Call) -> Operand:
    x = call.tensor("input")
    shape = (math.prod(call.shape_of(x)),)
    return call.make(torch.flatten, (x,), shape, call.is_integer(x))


def transposed(call: Call) -> Operand:
    """Append ``x.T``."""
    x = call.tensor("input")
    shape = call.shape_of(x)
    if len(shape) > 2:
        raise ShapeError(".T swaps the two dimensions of a matrix; write transpose(a, b)")
    return call.make(torch.t, (x,), shape[::-1], call.is_integer(x))


def _transpose(call: Call) -> Operand:
    x = call.tensor("input")
    shape = list(call.shape_of(x))
    a, b = (dimension(call.shape_of(x), call.whole(name)) for name in ("dim0", "dim1"))
    shape[a], shape[b] = shape[b], shape[a]
    made = partial(torch.transpose, dim0=a, dim1=b)
    return call.make(made, (x,), tuple(shape), call.is_integer(x))


def _filled(value: float, like: bool) -> Handler:
    def apply(call: Call) -> Operand:
        shape = call.shape_of(call.tensor("input")) if like else call.sizes()
        if min(shape, default=1) < 1:
            raise ExpressionError("a size is 1 or more.", call.place)
        return call.make(lambda: torch.full(shape, value, dtype=torch.float64), (), shape)

    return apply


def _one_hot(call: Call) -> Operand:
    x = call.indices("input")
    if "num_classes" not in call.given:
        raise ExpressionError(
            "one_hot needs the number of classes: one_hot(Yb, 27) or one_hot(Yb, logits.shape[1]).",
            call.place,
        )
    classes = call.whole("num_classes")
    if not 1 <= classes <= limits.LENGTH:
        raise ExpressionError(
            f"one_hot makes 1 to {limits.LENGTH:,} classes, not {classes:,}.", call.place
        )
    return call.make(partial(_mark, classes=classes), (x,), (*call.shape_of(x), classes))


def _mark(x: Tensor, classes: int) -> Tensor:
    if x.numel() and not 0 <= int(x.min()) <= int(x.max()) < classes:
        raise IndexError
    return (x.unsqueeze(-1) == torch.arange(classes)).double()


def _softmax(compute: Callable[..., Tensor]) -> Handler:
    def apply(call: Call) -> Operand:
        x = call.float_tensor("input")
        shape = call.shape_of(x)
        dim = dimension(shape, call.whole("dim"))
        return call.make(partial(compute, dim=dim), (x,), shape)

    return apply


def _index_add(call: Call) -> Operand:
    x, source, index = (
        call.float_tensor("input"),
        call.float_tensor("source"),
        call.indices("index"),
    )
    shape, added, rows = (call.shape_of(r) for r in (x, source, index))
    dim = dimension(shape, call.whole("dim"))
    if len(rows) != 1:
        raise ShapeError("the index of index_add is a row of whole numbers: .view(-1) makes one")
    if added != (*shape[:dim], rows[0], *shape[dim + 1 :]):
        wanted = "×".join(map(str, (*shape[:dim], rows[0], *shape[dim + 1 :])))
        raise ShapeError(f"the source of index_add must be {wanted} here")
    made = partial(_add_rows, dim=dim)
    return call.make(made, (x, index, source), shape)


def _add_rows(x: Tensor, index: Tensor, source: Tensor, dim: int) -> Tensor:
    return x.index_add(dim, index.long(), source)


def _range(call: Call) -> Operand:
    count = call.whole("end")
    if not 1 <= count <= limits.LENGTH:
        raise ExpressionError(f"range goes from 1 to {limits.LENGTH:,} here.", call.place)
    return call.make(lambda: torch.arange(count), (), (count,), True)


def _unsqueeze(call: Call) -> Operand:
    x = call.tensor("input")
    shape = call.shape_of(x)
    dim = dimension((*shape, 1), call.whole("dim"))
    after = (*shape[:dim], 1, *shape[dim:])
    return call.make(partial(torch.unsqueeze, dim=dim), (x,), after, call.is_integer(x))


def _squeeze(call: Call) -> Operand:
    x = call.tensor("input")
    shape = call.shape_of(x)
    dim = dimension(shape, call.whole("dim"))
    after = tuple(s for place, s in enumerate(shape) if place != dim or s != 1)
    return call.make(partial(torch.squeeze, dim=dim), (x,), after, call.is_integer(x))


def _expand(call: Call) -> Operand:
    x = call.float_tensor("input")
    shape = call.shape_of(x)
    wanted = call.shape_of(call.tensor("other")) if "other" in call.given else call.sizes()
    if broadcast(shape, wanted) != wanted:
        raise ShapeError(f"{'×'.join(map(str, shape))} can't be expanded to that")
    return call.make(partial(torch.broadcast_to, size=wanted), (x,), wanted)


def matmul(call: Call) -> Operand:
    """Append ``a @ b``."""
    a, b = call.float_tensor("input"), call.float_tensor("other")
    shape = product(call.shape_of(a), call.shape_of(b))
    call.builder.count_products(math.prod(shape) * call.shape_of(a)[1], call.place)
    return call.make(torch.matmul, (a, b), shape)


_ONE, _DIM = ("input",), ("input", "dim", "keepdim")
_SIZES = ("input", "*sizes")
TENSOR_FUNCTIONS: dict[str, TensorFunction] = {
    "sum": TensorFunction(
        _DIM, "x.sum(0, keepdim=True): the sum over a dimension", _reduce(torch.sum)
    ),
    "mean": TensorFunction(_DIM, "the mean over a dimension", _reduce(torch.mean)),
    "var": TensorFunction(_DIM, "the variance over a dimension, with n − 1", _var),
    "max": TensorFunction(_DIM, "x.max(1).values and x.max(1).indices", _max),
    "argmax": TensorFunction(_DIM, "where the largest stands, over a dimension", _argmax),
    "exp": TensorFunction(_ONE, "e to the power of each", _each(torch.exp)),
    "log": TensorFunction(_ONE, "the natural logarithm of each", _each(torch.log)),
    "tanh": TensorFunction(_ONE, "the tanh of each", _each(torch.tanh)),
    "sqrt": TensorFunction(_ONE, "the square root of each", _each(torch.sqrt)),
    "abs": TensorFunction(_ONE, "the absolute value of each", _each(torch.abs)),
    "softmax": TensorFunction(
        ("input", "dim"),
        "F.softmax(x, 1): probabilities over a dimension",
        _softmax(torch.softmax),
        2,
    ),
    "log_softmax": TensorFunction(
        ("input", "dim"), "the logarithm of that", _softmax(torch.log_softmax), 2
    ),
    "one_hot": TensorFunction(
        ("input", "num_classes"),
        "F.one_hot(Yb, 27): 1 at each index, else 0",
        _one_hot,
    ),
    "zeros_like": TensorFunction(_ONE, "zeros in the shape of a tensor", _filled(0.0, True)),
    "ones_like": TensorFunction(_ONE, "ones in the shape of a tensor", _filled(1.0, True)),
    "zeros": TensorFunction(("*sizes",), "zeros of a shape", _filled(0.0, False)),
    "ones": TensorFunction(("*sizes",), "ones of a shape", _filled(1.0, False)),
    "view": TensorFunction(_SIZES, "x.view(n, -1): the same numbers in another shape", _view, 2),
    "reshape": TensorFunction(_SIZES, "the same", _view, 2),
    "flatten": TensorFunction(_ONE, "all numbers in one row", _flatten),
    "transpose": TensorFunction(("input", "dim0", "dim1"), "swaps two dimensions", _transpose, 3),
    "t": TensorFunction(_ONE, "swaps rows and columns, as .T does", transposed),
    "unsqueeze": TensorFunction(("input", "dim"), "adds a dimension of 1", _unsqueeze, 2),
    "squeeze": TensorFunction(("input", "dim"), "removes a dimension of 1", _squeeze, 2),
    "expand": TensorFunction(_SIZES, "repeats dimensions of 1", _expand, 2),
    "expand_as": TensorFunction(
        ("input", "other"), "the same, to the shape of a tensor", _expand, 2
    ),
    "index_add": TensorFunction(
        ("input", "dim", "index", "source"),
        "x.index_add(0, i, rows): adds each row to the row with its index",
        _index_add,
        4,
    ),
    "matmul": TensorFunction(("input", "other"), "the matrix product, as a @ b", matmul, 2),
    "range": TensorFunction(("end",), "range(n): the whole numbers from 0 to n − 1", _range),
    "arange": TensorFunction(("end",), "the same", _range),
    "clone": TensorFunction(_ONE, "the same numbers", _same),
    "float": TensorFunction(_ONE, "the same numbers", _same),
    "double": TensorFunction(_ONE, "the same numbers", _same),
}
ALIASES = {"axis": "dim", "keepdims": "keepdim"}
NOT_METHODS = ("range", "arange", "zeros", "ones", "zeros_like", "ones_like", "one_hot")
"""Functions that are not called behind a tensor."""


def listed() -> str:
    """Return the names of all functions."""
    return ", ".join(TENSOR_FUNCTIONS)


def bind(name: str, operands: list[Operand], place: Place) -> dict[str, Operand]:
    """Return the operands of a call by parameter.

    Raises:
        ExpressionError: there are too many or too few, or one has no such name.
    """
    function = TENSOR_FUNCTIONS[name]
    given: dict[str, Operand] = {}
    waiting = [found for found in operands if not isinstance(found, Keyword)]
    for parameter in function.parameters:
        if parameter.startswith("*"):
            given[parameter[1:]] = _gathered(waiting, place)
            waiting = []
        elif waiting:
            given[parameter] = waiting.pop(0)
    if waiting:
        most = len(function.parameters)
        raise ExpressionError(f"{name}(...) takes {most} operands at most.", waiting[0].place)
    for keyword in operands:
        if not isinstance(keyword, Keyword):
            continue
        key, known = keyword.name, ALIASES.get(keyword.name, keyword.name)
        if known not in function.parameters or known in given:
            names = ", ".join(p for p in function.parameters if p[0] != "*" and p != "input")
            there = f"it has {names}" if names else "it has none"
            raise ExpressionError(
                f"{name}(...) has no {quoted(key)} to be set; {there}.", keyword.place
            )
        given[known] = keyword.value
    if len(given) < function.needed:
        raise ExpressionError(f"{name}(...) needs more: {function.help}.", place)
    return given


def _gathered(operands: Sequence[Operand], place: Place) -> Sizes:
    if len(operands) == 1 and isinstance(operands[0], Sizes):
        return operands[0]
    values = [found.value for found in operands if isinstance(found, Number)]
    if len(values) < len(operands):
        raise ExpressionError("sizes are whole numbers, such as 32, n or h.shape[1].", place)
    return Sizes(tuple(values), place)
