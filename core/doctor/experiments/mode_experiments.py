"""The same batch through a network in both modes, and through the copy that is validated."""

import math
from dataclasses import dataclass

from ..evidence import Evidence
from ..watch.repeatable import FEW_DIGITS
from .experiment import ExperimentResult, Outcome
from .replay import Replay, copy_of
from .step_experiment import experiment

MIN_SETTLED, SETTLED = 4, 0.97
"""Losses on new data, and the part that the last third of them leaves where they have settled."""


@dataclass(frozen=True)
class BothModes(ExperimentResult):
    """The loss of one batch in training mode, and in eval mode."""

    trained: float
    used: float


@experiment(
    "both_modes", "Training mode and eval mode", "about the same, or less in eval mode", 1.0
)
def both_modes(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is it the same network in training and in inference? One batch, both ways."""
    if replay.module is None:
        raise ValueError("no single module with batch norm was found")
    batch = replay.batches[-1]
    modes = [copy_of(replay.module).train(training) for training in (True, False)]
    losses = [replay.loss_of(module, batch) for module in modes]
    trained, used = losses
    return Outcome(
        not used > _far_above(trained),
        f"The same batch has a loss of {trained:.3g} in training mode, {used:.3g} in eval mode.",
        BothModes(trained, used),
    )


@dataclass(frozen=True)
class ValidatedCopy(ExperimentResult):
    """The loss of the network, of the copy that is validated, and of that with its buffers."""

    own: float
    validated: float
    with_buffers: float


@experiment("validated_copy", "The network that is validated", "about the loss of the trained one")
def validated_copy(replay: Replay, evidence: Evidence, seconds: float) -> Outcome:
    """Is what is validated as good as what is trained? A copy may not follow, or not wholly."""
    if replay.validated is None:
        raise ValueError("it is the one that is trained")
    own, validated = (copy_of(m).float().eval() for m in replay.validated)
    with_buffers = copy_of(validated)
    for mine, theirs in zip(with_buffers.buffers(), own.buffers(), strict=True):
        mine.copy_(theirs)
    batches = replay.matching_batches()[-4:]
    losses = [
        sum(replay.loss_of(module, batch) for batch in batches) / len(batches)
        for module in (own, validated, with_buffers)
    ]
    if not losses[0] < _far_above(replay.mean_loss(batches)):
        raise ValueError("in eval mode the trained network is worse itself")
    limit = _far_above(losses[0])
    measured = (
        f"On batches that were learned from, the trained network has a loss of {losses[0]:.3g}, the"
        f" copy that is validated in its place {losses[1]:.3g}"
    )
    if losses[2] < limit < losses[1]:
        measured += f", and {losses[2]:.3g} with the running statistics of the former"
    kinds = {p.dtype for p in replay.validated[1].parameters()} & set(FEW_DIGITS)
    if kinds:
        measured += f"; its weights have the few digits of {kinds.pop()}"
    # An average follows slowly at first.
    follows = losses[2] > limit and not _has_settled(evidence)
    passed = losses[1] <= limit or follows
    return Outcome(passed, f"{measured}.", ValidatedCopy(*losses))


def _far_above(loss: float) -> float:
    return 1.5 * loss + 0.2


def _has_settled(evidence: Evidence) -> bool:
    """Whether the loss on new data has not fallen any more for the last third of the loop."""
    known = [loss for _, loss in evidence.validations if math.isfinite(loss)]
    return len(known) >= MIN_SETTLED and known[-1] > SETTLED * known[-(len(known) // 3) - 1]
