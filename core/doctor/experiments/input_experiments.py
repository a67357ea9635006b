"""Do outputs depend on inputs, and labels belong to them? Tried with those of other examples."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...training.shared_state import RandomState
from ..diagnosis import Picture, Series
from ..evidence import Evidence
from ..watch.training_kind import AUTOENCODER
from ..watch.watcher import Batch
from .experiment import ExperimentResult, Outcome
from .replay import Replay
from .step_experiment import experiment

MASKED = 1e6
"""Outputs beyond are those of a mask."""


@dataclass(frozen=True)
class ShuffledInputs(ExperimentResult):
    """How much outputs change with the inputs, as a share of their size."""

    change: float


@experiment("inputs_exchanged", "Shuffled inputs", "other inputs, other outputs")
def shuffled_inputs(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Do the outputs depend on the inputs? With those of other examples they should differ."""
    inputs, targets = replay.batches[-1]
    with torch.no_grad():
        random = RandomState.take()
        own = replay.outputs((inputs, targets)).float()
        random.restore()
        other = replay.outputs((tuple(t.roll(1, 0) for t in inputs), targets)).float()
    own, other = (t.masked_fill(t.abs() > MASKED, 0.0) for t in (own, other))
    if not bool((own - other).isfinite().all()):
        raise ValueError("the outputs are NaN")
    rows = rows_of(own, len(inputs[0]))
    size = float(own.abs().mean()) + 1e-12
    change = float((own - other).abs().mean()) / size
    spread = float((rows - rows.mean(0)).abs().mean()) + 1e-12
    depends = not (change < 1e-6 or spread / size < 1e-6)
    measured = f"With the inputs of other examples the outputs change by {change:.2%}."
    if not depends:
        measured = "With the inputs of other examples the outputs are exactly the same."
    return Outcome(depends, measured, ShuffledInputs(change))


def rows_of(outputs: Tensor, count: int) -> Tensor:
    """Return outputs as a row for each example."""
    if outputs.numel() % count or count < 2:
        raise ValueError("the outputs are not one row for each example")
    return outputs.reshape(count, -1)


@dataclass(frozen=True)
class ChangedLoss(ExperimentResult):
    """The loss on real batches, and on changed ones."""

    real: float
    other: float


@experiment("inputs_zeroed", "Zeroed inputs", "a higher loss, once something was learned")
def zeroed_inputs(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """What do the inputs contribute? Without them it can only guess (Karpathy 2019)."""
    _told_apart(evidence)
    batches = replay.matching_batches()[-6:]
    zeroed = [(tuple(torch.zeros_like(t) for t in inputs), targets) for inputs, targets in batches]
    return _compare(replay, batches, zeroed, "zeroed inputs")


@experiment("labels_exchanged", "Shuffled labels", "a higher loss, once something was learned")
def shuffled_labels(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Has it learned which labels belong to which inputs? With shuffled ones it should be worse."""
    _told_apart(evidence)
    batches = replay.matching_batches()[-6:]
    shuffled = [(inputs, targets.roll(1, 0)) for inputs, targets in batches]
    if all(torch.equal(t, other) for (_, t), (_, other) in zip(batches, shuffled, strict=True)):
        raise ValueError("all labels of a batch are equal")
    return _compare(replay, batches, shuffled, "shuffled labels")


def _told_apart(evidence: Evidence) -> None:
    """Raise ValueError where inputs and targets can't be changed without one another."""
    if evidence.training_kind == AUTOENCODER:
        raise ValueError("the targets are the inputs")


def _compare(replay: Replay, batches: list[Batch], changed: list[Batch], what: str) -> Outcome:
    real, other = replay.mean_loss(batches), replay.mean_loss(changed)
    if not math.isfinite(other - real):
        raise ValueError("a loss is NaN or infinite")
    return Outcome(
        other > real,
        f"With {what} the loss is {other:.3g}, with real ones {real:.3g}.",
        ChangedLoss(real, other),
        Picture(
            "",
            "bars",
            (Series("loss", (0.0, 1.0), (real, other)),),
            names=("real", what.split()[0]),
            x_label="",
        ),
    )
