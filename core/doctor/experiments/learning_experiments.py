"""Copies that learn: one batch until it overfits, and some steps with other learning rates."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from ..diagnosis import Picture, Series
from ..evidence import Evidence
from ..watch.observation import Observation
from ..watch.watcher import Batch
from .experiment import ExperimentResult, Outcome
from .replay import Replay
from .step_experiment import experiment

NEXT_TO_NOTHING = 100.0
"""Times below its maximum, from which on a learning rate is compared with that part of it."""
LOWERED = 0.9
"""Part of its maximum, below which it is said that the present rate is compared."""
ALONG = 0.9
"""Cosine between update and gradient, from which on an update by hand is gradient descent."""
SAME_LOSS = 0.05
"""Part of the loss by which another rate has to be better than the present one."""
FEW_BATCHES = 4
"""Others than the first one, from which on copies learn from batches with other rates."""


@dataclass(frozen=True)
class OverfitBatch(ExperimentResult):
    """First and last loss on one batch, the least that it allows, and the share of the way."""

    first: float
    end: float
    goal: float
    learned: float


@experiment("overfit_one_batch", "Overfit one batch", "towards 0", 3.0, expensive=True)
def overfit_one_batch(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Can it overfit one batch? What can't is broken, not small (Karpathy 2019)."""
    batch = replay.batches[-1]
    goal = _least_loss(batch)
    best: list[float] = []
    for lr in (1e-2, 1e-3):

        def adam(weights: list[Tensor], lr: float = lr) -> torch.optim.Optimizer:
            return torch.optim.Adam(weights, lr=lr)

        losses = replay.train(replay.copies(), [batch], 300, adam, seconds / 2)
        if not best or min(losses[-10:]) < min(best[-10:]):
            best = losses
        if best[-1] < goal + 0.2 * max(0.0, best[0] - goal):
            break
    first, end = best[0], min(best[-10:])
    learned = (first - end) / max(1e-9, first - goal) if first > goal else 1.0
    uniform = evidence.last.criterion.uniform if evidence.last else math.nan
    if math.isfinite(uniform) and uniform > goal:
        learned = max(learned, (uniform - end) / max(1e-9, uniform - goal))
    return Outcome(
        learned > 0.5,
        f"From {first:.3g} to {end:.3g} in {len(best)} steps.",
        OverfitBatch(first, end, goal, learned),
        Picture(
            "",
            "lines",
            (Series("loss on the batch", tuple(range(len(best))), tuple(best)),),
            levels=(("least possible", goal),),
        ),
        expected=f"towards {goal:.3g}",
    )


def _least_loss(batch: Batch) -> float:
    """Return the least loss that a batch allows: equal inputs may have different labels."""
    inputs, targets = batch
    tokens = [t for t in inputs if not t.is_floating_point()]
    if not tokens or targets.is_floating_point():
        return 0.0
    rows = tokens[0]
    if rows.shape == targets.shape and rows.dim() > 1:  # each position sees those before it
        return 0.0
    if targets.dim() > 1 or len(rows) != len(targets):
        return 0.0
    _, group = torch.unique(rows.reshape(len(rows), -1), dim=0, return_inverse=True)
    pairs = group * (int(targets.max()) + 1) + targets
    return max(0.0, _entropy(pairs) - _entropy(group))


def _entropy(labels: Tensor) -> float:
    _, counts = torch.unique(labels, return_counts=True)
    shares = counts.double() / counts.sum()
    return float(-(shares * shares.log()).sum())


@dataclass(frozen=True)
class OtherRates(ExperimentResult):
    """The loss before, and after some steps with each multiple of the learning rate."""

    before: float
    losses: dict[float, float]

    def values(self) -> tuple[tuple[str, float], ...]:
        """Return the multiples as ``x10`` and the like."""
        after = ((f"x{factor:.3g}", self.losses[factor]) for factor in sorted(self.losses))
        return ("begun", self.before), *after

    def finite(self, *factors: float) -> list[float]:
        """Return the losses of some multiples, of those that were tried and did not diverge."""
        found = (self.losses.get(factor, math.nan) for factor in factors)
        return [loss for loss in found if math.isfinite(loss)]

    @property
    def best(self) -> float:
        """The multiple with the lowest loss."""
        return min(self.losses, key=lambda factor: self.losses[factor])


@experiment(
    "other_rates", "Other learning rates", "the present one among the best", 5.0, expensive=True
)
def other_rates(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Would another learning rate be better, from the same weights on the same batches?"""
    batches = replay.matching_batches()
    if not batches:
        raise ValueError("no batch of this shape was observed")
    differ = sum(not torch.equal(batches[0][1], b[1]) for b in batches[1:])
    if 0 < differ < FEW_BATCHES and not replay.draws_batch:
        raise ValueError("too few of its batches were kept: a copy would overfit these")
    held_out: list[Batch | None] = list(batches[::4])
    trained: list[Batch | None] = [b for place, b in enumerate(batches) if place % 4]
    trained = trained or list(batches)  # all examples in each step
    if replay.draws_batch:
        trained = [None]
        held_out = [None] * len(held_out) if replay.draws_more else held_out
    last = evidence.last
    lr = last.lr if last else math.nan
    if last is None or not (math.isfinite(lr) and lr > 0):
        raise ValueError("its learning rate is not known")
    top = max(rate for _, rate in evidence.learning_rates)
    of = f", of the present rate of {lr:.2g}" if lr < LOWERED * top else ""
    if lr < top / NEXT_TO_NOTHING:  # of next to nothing, every multiple is nothing
        lr = top / NEXT_TO_NOTHING
        of = f", of {lr:.2g}, the schedule being at its end"
    before = replay.mean_loss(held_out)
    losses: dict[float, float] = {}
    begin, steps = replay.spent, 60
    for factor in (1.0, 10.0, 0.1, 3.0, 1 / 3, 100.0):
        if seconds - (replay.spent - begin) < 0.1 and len(losses) > 2:
            break
        copies, make = replay.copies(), optimizer_like(last, lr * factor)
        done = replay.train(copies, trained, steps, make, max(0.3, seconds / 5))
        if factor == 1.0:
            steps = max(10, min(steps, len(done)))
        end = replay.mean_loss(held_out, copies)
        losses[factor] = end if math.isfinite(end) else math.inf
    found = OtherRates(before, losses)
    ordered = sorted(losses)
    each = ", ".join(f"x {factor:.3g}: {losses[factor]:.3g}" for factor in ordered)
    cap = 1.5 * max(found.finite(*ordered), default=1.0)
    # A schedule that has come down, and noise, leave every rate about as good.
    gain = losses[1.0] - losses[found.best]
    return Outcome(
        found.best in (1.0, 3.0, 1 / 3) or gain < SAME_LOSS * abs(before),
        f"After {steps} steps from a loss of {before:.3g}{of}: {each}.",
        found,
        Picture(
            "",
            "bars",
            (
                Series(
                    "loss after some steps",
                    tuple(range(len(ordered))),
                    tuple(min(losses[f], cap) for f in ordered),
                ),
            ),
            names=tuple(f"x {factor:.3g}" for factor in ordered),
            x_label="learning rate",
            levels=(("before", before),),
        ),
    )


def optimizer_like(seen: Observation, lr: float) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    """Return what makes an optimiser of the loop's kind; SGD for an update by hand that is that.

    Raises:
        ValueError: its steps are no multiple of a rate, or it is none that is known.
    """
    kind = seen.optimizer
    cosines = [abs(p.cosine) for p in seen.parameters if p.update > 0 and math.isfinite(p.cosine)]
    if not kind and cosines and median(cosines) < ALONG:
        raise ValueError("its update is by hand, and not along the gradient")
    if not kind or kind == "SGD":
        return lambda weights: torch.optim.SGD(weights, lr=lr, momentum=seen.momentum)
    if kind.startswith("Adam") or kind in ("NAdam", "RAdam"):
        return lambda weights: torch.optim.Adam(weights, lr=lr)
    if kind in ("RMSprop", "Adagrad", "Adadelta", "Rprop"):
        make = getattr(torch.optim, kind)
        return lambda weights: make(weights, lr=lr)
    raise ValueError(f"how {kind} would move copies is not known")
