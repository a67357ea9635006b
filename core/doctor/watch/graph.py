"""What a tape shows: weights, data and signal; layers, inputs, and the loss.

A tensor on a tape is one of four kinds:

    weights  made of parameters alone (``W``, ``W.t()``, ``0.1 * W``)
    data     made of what comes from outside (``X[ix]``)
    signal   made of both: activations
    (none)   made of neither: ``arange``, masks, random numbers
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .tape import FACTORIES, RANDOM, SAMPLED, Op, Tape

VIEWS = frozenset("view reshape squeeze flatten float contiguous".split())

Wired = tuple[str, Op | None] | None
"""How something shows, in words, and the call in which it lies, if it is one; or nothing."""

UNIT_LENGTH = 1e-3
"""By which the length of a vector may differ from 1."""


@dataclass(frozen=True, eq=False)
class LossCall:
    """The call of the loss function.

    Attributes:
        op: the call.
        kind: as in :class:`~core.doctor.watch.observation.ObservedLoss`.
        outputs: of the network: logits, (log-)probabilities or quantities.
        targets: what they are compared with.
        sign: +1 where the root grows with the loss, -1 where it falls.
    """

    op: Op
    kind: str
    outputs: Tensor
    targets: Tensor
    sign: int = 1


@dataclass(eq=False)
class StepGraph:
    """A tape, understood as far as it can be; :func:`.build_graph.build_graph` makes it.

    Attributes:
        tape: the step.
        ops: the calls that made the root.
        kinds: ``weights``, ``data`` or ``signal``, by the id of a tensor.
        origin: ids of the tensors that were there before the step and that a tensor is made of.
        constant: ids of tensors that are the same in every step.
        loss: the call of the loss function; None if it was not found.
        terms: the summands of the root, each with its factor.
        inputs: of the network.
        weights: parameters, and tensors that stand where one would, by id.
        layers: the last product with each parameter, by the parameter's id, in order.
        nonlinearities: the first behind each layer, by the id of the layer's parameter.
        linear_pairs: layers (ids of parameters) with no nonlinearity between them.
        maker: the call that made a tensor, by its id.
        writers: the calls that wrote into it afterwards.
        scale: times the loss, that is differentiated, as in mixed precision; 1 otherwise.
    """

    tape: Tape
    ops: list[Op] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)
    origin: dict[int, set[int]] = field(default_factory=dict)
    constant: set[int] = field(default_factory=set)
    loss: LossCall | None = None
    terms: list[tuple[Any, float]] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    weights: dict[int, Tensor] = field(default_factory=dict)
    layers: dict[int, Op] = field(default_factory=dict)
    nonlinearities: dict[int, Op] = field(default_factory=dict)
    linear_pairs: list[tuple[int, int]] = field(default_factory=list)
    maker: dict[int, Op] = field(default_factory=dict)
    writers: dict[int, list[Op]] = field(default_factory=dict)
    scale: float = 1.0

    @property
    def outputs(self) -> Tensor | None:
        """The outputs that the loss function compares; None if it was not found."""
        return self.loss.outputs if self.loss else None

    @property
    def targets(self) -> Tensor | None:
        """What they are compared with."""
        return self.loss.targets if self.loss else None

    def kind(self, value: Any) -> str | None:
        """Return ``weights``, ``data`` or ``signal``; None for anything else."""
        return self.kinds.get(id(value))

    def made_by(self, value: Any) -> Op | None:
        """Return the call that made a tensor; None for what was there before."""
        return self.maker.get(id(value)) if isinstance(value, Tensor) else None

    def made_by_behind_views(self, value: Any) -> Op | None:
        """Return the call that made a tensor, up to eight views left out."""
        op = None
        for _ in range(8):
            op = self.made_by(value)
            if op is None or op.name not in VIEWS:
                return op
            value = op.args[0]
        return None

    def ancestors(self, tensor: Tensor | None) -> set[int]:
        """Return the ids of all that a tensor was made of, itself included."""
        found: set[int] = set()
        todo = [] if tensor is None else [tensor]
        while todo:
            one = todo.pop()
            if id(one) in found:
                continue
            found.add(id(one))
            if op := self.maker.get(id(one)):
                todo += op.inputs
            for writer in self.writers.get(id(one), ()):
                todo += writer.inputs
        return found

    def users(self, value: Tensor) -> list[Op]:
        """Return the calls behind the loss that a tensor goes into."""
        return [op for op in self.ops if any(t is value for t in op.inputs)]

    def back(self, value: Tensor, through: frozenset[str]) -> tuple[Op | None, list[Op]]:
        """Return the call behind some others that a tensor came through, and those."""
        passed: list[Op] = []
        for _ in range(12):
            op = self.made_by(value)
            if op is None or op.name not in through:
                return op, passed
            passed.append(op)
            signals = [t for t in op.inputs if self.kind(t) == "signal"]
            if not signals:
                return op, passed
            value = signals[0]
        return None, passed

    def is_embedding(self, op: Op) -> bool:
        """Whether a product looks up rows of a table: by index, or by a one-hot row."""
        if op.name in ("embedding", "getitem", "index_select"):
            return True
        if op.name in ("matmul", "mm", "linear"):
            left = op.operand(0)
            if isinstance(left, Tensor) and self.kind(left) == "data":
                return is_one_hot(left)
        return False


def of_unit_vectors(op: Op) -> bool:
    """Whether a product is one of vectors of length 1: its results are cosines."""
    if op.name not in ("linear", "matmul", "mm") or len(op.inputs) < 2:
        return False
    left, right = (value.detach().float() for value in op.inputs[:2])
    if left.dim() < 2 or right.dim() < 2:
        return False
    lengths = left.norm(dim=-1), right.norm(dim=-1 if op.name == "linear" else -2)
    return all(bool(((length - 1).abs() < UNIT_LENGTH).all()) for length in lengths)


def is_one_hot(rows: Tensor) -> bool:
    """Whether rows are one-hot."""
    if not rows.is_floating_point() or rows.dim() < 2 or rows.shape[-1] < 3:
        return False
    with torch.no_grad():
        some = rows.reshape(-1, rows.shape[-1])[:256]
        return bool(((some == 0) | (some == 1)).all() and (some.sum(-1) == 1).all())


def shares_storage(some: Tensor, other: Tensor) -> bool:
    """Whether the numbers of two tensors lie in one place; those of a sparse one lie in none."""
    try:
        place = some.untyped_storage().data_ptr()
        return place != 0 and place == other.untyped_storage().data_ptr()
    except NotImplementedError:
        return False


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors in an index."""
    parts = value if isinstance(value, tuple | list) else (value,)
    return [part for part in parts if isinstance(part, Tensor)]


def made_without_data(ops: Iterable[Op]) -> set[int]:
    """Return the ids of tensors that are made of no data: random numbers, counts, their parts."""

    def makes(op: Op) -> bool:
        of_probabilities = op.name in SAMPLED and op.inputs
        return op.name in FACTORIES or (op.name in RANDOM and not of_probabilities)

    return made_only_by(ops, makes)


def made_only_by(ops: Iterable[Op], makes: Callable[[Op], bool]) -> set[int]:
    """Return the ids of tensors that some of the calls make, and of what is made of these alone."""
    found: set[int] = set()
    for op in ops:
        if makes(op) or (op.inputs and all(id(t) in found for t in op.inputs)):
            found |= {id(t) for t in op.outputs}
    return found
