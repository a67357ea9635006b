"""A typed gradient against autograd's: right, of another shape, or wrong where, and why."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from ...errors import UserError
from ...expressions.tensor_parser import parse_tensor
from ...expressions.tensor_program import TensorProgram
from ...expressions.tensor_shapes import unbroadcast
from ...numbers import number
from ...telemetry.events import Array, frozen
from .network import BATCH, ForwardPass, known_of
from .steps import GradientStep

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""Rounding of doubles, of the largest element; below the second a gradient is 0."""
NEAR = 1e-3
"""Of the largest element: something small is missing."""
FACTORS = {
    -1.0: "Every element has the wrong sign.",
    1.0 * BATCH: "Every element is n times too large: the loss is a mean over n examples.",
    -1.0 * BATCH: "Every element is n times too large, with the wrong sign.",
    1.0 / BATCH: "Every element is n times too small: where was it divided by n once more?",
    2.0: "Every element is twice too large.",
    0.5: "Every element is half as large as it should be.",
    -2.0: "Every element is twice too large, with the wrong sign.",
    -0.5: "Every element is half as large as it should be, with the wrong sign.",
}


class GradientOutcome(Enum):
    """What a typed gradient is."""

    EXACT = "exact"
    """Equal to autograd's, bit by bit."""
    APPROXIMATE = "approximate"
    """Equal but for rounding: another order of the same operations."""
    NEAR = "nearly"
    """Close, but something small is missing."""
    SHAPE = "wrong shape"
    WRONG = "wrong"
    UNREADABLE = "not readable"
    """It could not be parsed or computed."""

    @property
    def right(self) -> bool:
        """Whether it counts as solved."""
        return self in (GradientOutcome.EXACT, GradientOutcome.APPROXIMATE)


@dataclass(frozen=True)
class GradientVerdict:
    """What was found.

    Attributes:
        outcome: in a word.
        sentence: in full, inline Markdown.
        program: what was parsed; None for what is not readable.
        difference: typed minus autograd's, (rows, columns), where the shape is right.
        worst: the row and column of the largest difference.
        error: of what is not readable, with its place.
        seconds: how long it took.
    """

    outcome: GradientOutcome
    sentence: str
    program: TensorProgram | None = None
    difference: Array | None = None
    worst: tuple[int, int] = (0, 0)
    error: UserError | None = None
    seconds: float = 0.0


def check(
    step: GradientStep, text: str, made: ForwardPass, gradients: Mapping[str, Tensor]
) -> GradientVerdict:
    """Compare a typed gradient with autograd's.

    Args:
        step: what was asked for.
        text: what was typed.
        made: the forward pass.
        gradients: those that may be used, by name such as ``dlogits``.
    """
    begin = time.perf_counter()
    tensors = {**made.tensors, **gradients}
    if step.known is not None:
        tensors = {name: tensors[name] for name in step.known if name in tensors}
    try:
        program = parse_tensor(text, known_of(tensors))
        found = program.run(tensors)
    except UserError as error:
        took = time.perf_counter() - begin
        return GradientVerdict(GradientOutcome.UNREADABLE, str(error), error=error, seconds=took)
    wanted = made.gradients[step.tensor]
    verdict = _compared(step, program, found, wanted, tensors)
    return GradientVerdict(**{**vars(verdict), "seconds": time.perf_counter() - begin})


def _compared(
    step: GradientStep,
    program: TensorProgram,
    found: Tensor,
    wanted: Tensor,
    tensors: Mapping[str, Tensor],
) -> GradientVerdict:
    name = f"`{step.gradient}`"
    if found.shape != wanted.shape:
        said = unbroadcast(tuple(wanted.shape), tuple(found.shape))
        return GradientVerdict(GradientOutcome.SHAPE, said, program)
    if torch.equal(found, wanted):
        sentence = f"Exact: every element of {name} is equal to autograd's."
        return GradientVerdict(GradientOutcome.EXACT, sentence, program)
    difference = found - wanted
    most, size = float(difference.abs().max()), float(wanted.abs().max())
    if most <= RELATIVE * size + ABSOLUTE:
        sentence = (
            f"Right: {name} is equal to autograd's but for rounding; the largest difference is"
            f" {number(most)}."
        )
        return GradientVerdict(GradientOutcome.APPROXIMATE, sentence, program)
    table = _table(difference)
    place = int(table.abs().argmax())
    row, column = divmod(place, table.shape[1])
    flat = int(difference.abs().argmax())
    where = _place_words(flat, tuple(difference.shape))
    typed, right = float(found.reshape(-1)[flat]), float(wanted.reshape(-1)[flat])
    outcome = GradientOutcome.NEAR if most <= NEAR * size else GradientOutcome.WRONG
    reason = _reason(step, found, wanted, tensors)
    if not reason and outcome is GradientOutcome.NEAR:
        reason = "It is close, but more than rounding is missing: a small constant, such as 1e-5?"
    wrong = int((difference.abs() > RELATIVE * size + ABSOLUTE).sum())
    sentence = (
        f"{reason} {wrong:,} of {found.numel():,} elements differ, most at {where}: yours is"
        f" {number(typed)}, autograd's {number(right)}."
    ).strip()
    return GradientVerdict(outcome, sentence, program, frozen(table), (row, column))


def _table(difference: Tensor) -> Tensor:
    """Return a gradient as (rows, columns); one of three dimensions with the last two joined."""
    if difference.dim() < 2:
        return difference.reshape(1, -1)
    return difference.reshape(difference.shape[0], -1)


def _place_words(flat: int, shape: tuple[int, ...]) -> str:
    """Return ``[3, 5]`` for the place of an element."""
    places: list[int] = []
    for size in reversed(shape):
        flat, at = divmod(flat, size)
        places.insert(0, at)
    return f"[{', '.join(map(str, places))}]"


def _reason(
    step: GradientStep, found: Tensor, wanted: Tensor, tensors: Mapping[str, Tensor]
) -> str:
    """Return what is probably wrong, in a sentence; "" if that can't be told."""

    def equal(a: Tensor, b: Tensor) -> bool:
        limit = RELATIVE * float(b.abs().max()) + ABSOLUTE
        return a.shape == b.shape and float((a - b).abs().max()) <= limit

    for place, path in enumerate(step.paths):
        part = parse_tensor(path, known_of(tensors)).run(tensors)
        if equal(found, part):
            other = step.used[1 - place]
            return (
                f"This is what comes back through `{step.used[place]}`. `{step.tensor}` is used a"
                f" second time, in `{other}`: both gradients add up."
            )
    for slip, sentence in step.slips:
        if equal(found, parse_tensor(slip, known_of(tensors)).run(tensors)):
            return sentence
    for factor, sentence in FACTORS.items():
        if equal(found, factor * wanted):
            return sentence
    if wanted.dim() == 2 and wanted.shape[0] == wanted.shape[1] and equal(found, wanted.T):
        return "It is transposed."
    if not float(found.abs().max()):
        return f"This is 0 everywhere, and `{step.gradient}` is not."
    return ""
