"""The computation graph of an expression, in topological order; no torch is needed to build it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np

from ..telemetry.events import Array
from . import limits
from .functions import STACK, Function, Shape, ShapeError, size
from .tokens import ExpressionError, Place, quoted


class Kind(Enum):
    """Where a node's value comes from."""

    LEARNED = "learned"
    """A name that was assigned plain numbers: gradient descent changes them."""
    CONSTANT = "constant"
    """Data: its gradient is shown, but it isn't changed."""
    LITERAL = "literal"
    """A number without a name: it isn't changed, and its gradient isn't computed."""
    NOISE = "resampled"
    """Random at every step; it receives no gradient."""
    RESULT = "computed"


@dataclass(frozen=True)
class Node:
    """A value of the graph, and the operation that computes it.

    Attributes:
        index: its position in the order of the forward pass.
        operation: the function that computes it, or the source of a leaf.
        kind: where its value comes from.
        inputs: the indices of its inputs; none for a leaf.
        shape: of its value.
        place: where it stands in the text.
        name: its name in the text, or "".
        exponent: of a power.
        start: the initial numbers of a leaf; None for those that are drawn at random.
    """

    index: int
    operation: str
    kind: Kind
    inputs: tuple[int, ...]
    shape: Shape
    place: Place
    name: str = ""
    exponent: float = 1.0
    start: Array | None = field(default=None, compare=False)

    @property
    def count(self) -> int:
        """How many numbers its value has."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Graph:
    """A parsed expression; the node ``root`` is the loss."""

    nodes: tuple[Node, ...]
    root: int
    names: Mapping[str, int]

    def of(self, *kinds: Kind) -> tuple[Node, ...]:
        """Return the nodes of these kinds."""
        return tuple(node for node in self.nodes if node.kind in kinds)

    def ancestors(self, index: int) -> frozenset[int]:
        """Return the nodes that a value depends on, and itself."""
        found, waiting = {index}, [index]
        while waiting:
            fresh = set(self.nodes[waiting.pop()].inputs) - found
            found |= fresh
            waiting += fresh
        return frozenset(found)

    @cached_property
    def with_gradient(self) -> frozenset[int]:
        """The nodes with a gradient: learned or constant numbers, and what depends on them."""
        found: set[int] = set()
        for node in self.nodes:
            if node.kind in (Kind.LEARNED, Kind.CONSTANT) or found & set(node.inputs):
                found.add(node.index)
        return frozenset(found)

    @cached_property
    def forward(self) -> tuple[int, ...]:
        """The nodes that are computed, in the order of the forward pass."""
        return tuple(node.index for node in self.of(Kind.RESULT))

    @cached_property
    def backward(self) -> tuple[int, ...]:
        """The nodes whose gradient is passed on to their inputs, in the order of that."""
        reached = self.ancestors(self.root) & self.with_gradient
        return tuple(index for index in reversed(self.forward) if index in reached)


class Builder:
    """Appends nodes, each after its inputs, and keeps them within the limits."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.names: dict[str, int] = {}
        self._numbers = 0
        self._products = 0

    def leaf(
        self, operation: str, kind: Kind, shape: Shape, place: Place, start: Array | None = None
    ) -> int:
        """Append a node without inputs."""
        if math.prod(shape) > limits.LEAF or max(shape, default=0) > limits.LENGTH:
            raise ExpressionError(
                f"{size(shape)} are too many; {limits.LEAF:,} fit, {limits.LENGTH:,} along one"
                " side.",
                place,
            )
        return self._append(Node(len(self.nodes), operation, kind, (), shape, place, start=start))

    def call(
        self, function: Function, inputs: Sequence[int], place: Place, exponent: float = 1.0
    ) -> int:
        """Append a function of nodes."""
        shapes = [self.nodes[index].shape for index in inputs]
        try:
            shape = function.shape(*shapes)
        except ShapeError as error:
            raise ExpressionError(f"{error}.", place) from None
        if function is STACK and any(shapes):
            raise ExpressionError("[ ] holds computed single numbers, or literals only.", place)
        if function.name == "matmul":
            self._count_products(math.prod(shape) * shapes[0][-1], place)
        made = Node(
            len(self.nodes),
            function.name,
            Kind.RESULT,
            tuple(inputs),
            shape,
            place,
            exponent=exponent,
        )
        return self._append(made)

    def assign(self, name: str, index: int, place: Place) -> None:
        """Give a node a name; literals become learned numbers by that."""
        if name in self.names:
            raise ExpressionError(f"{quoted(name)} has a value already; take another name.", place)
        self.names[name] = index
        node = self.nodes[index]
        if node.name:  # ``b = a`` is a second name for the same node
            return
        kind = Kind.LEARNED if node.kind is Kind.LITERAL else node.kind
        self.nodes[index] = replace(node, name=name, kind=kind)

    def build(self, root: int) -> Graph:
        """Return the graph whose loss is the node ``root``."""
        return Graph(tuple(self.nodes), root, dict(self.names))

    def _append(self, node: Node) -> int:
        self._numbers += node.count
        if len(self.nodes) >= limits.NODES:
            raise ExpressionError(
                f"this makes more than {limits.NODES} nodes; write it with vectors, or shorten it.",
                node.place,
            )
        if self._numbers > limits.NUMBERS:
            raise ExpressionError(
                f"all values together would have more than {limits.NUMBERS:,} numbers; take"
                " fewer examples or a smaller layer.",
                node.place,
            )
        self.nodes.append(node)
        return node.index

    def _count_products(self, count: int, place: Place) -> None:
        self._products += count
        if self._products > limits.PRODUCTS:
            raise ExpressionError(
                f"the matrix products together would be more than {limits.PRODUCTS:,}"
                " multiplications; take a smaller layer.",
                place,
            )


def constant_array(value: object, place: Place) -> Array:
    """Return literal numbers as an array.

    Raises:
        ExpressionError: the rows of a matrix differ in length, or there are none.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except ValueError:
        raise ExpressionError("the rows of a matrix must be equally long.", place) from None
    if array.ndim > 2 or not array.size:
        raise ExpressionError(
            "write a number, a vector [1, 2] or a matrix [[1, 2], [3, 4]].", place
        )
    array.flags.writeable = False
    return array
