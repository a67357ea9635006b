"""Tells apart networks that one loop trains one after another, as in cross-validation."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...numbers import figures
from ...telemetry.events import Array
from .observation import Observation
from .tape import Tape
from .training_kind import COMPARABLE
from .variables import Variables

MIN_STEPS = 20
"""Steps of one network, before another one may follow: in a GAN or an ensemble they take turns."""
MAX_DOUBTS = 8
"""Times that it moves otherwise, and the network is the same: then it is not asked again."""
COPIED = 0.7
"""Distance from other weights, as a part of their norm, below which weights come from these."""
NEARER = 1.5
"""Times as far from the last weights as from the first ones are weights that begin again there."""
LATE = 0.1
"""The part of its losses, at the end, whose mean a network is compared by without new data."""


@dataclass(frozen=True)
class Reached:
    """How far a network came, to be compared with others that were trained in its place.

    Attributes:
        kind: of its training, and its criterion: other ones have other heights.
        validation: its lowest loss on new data; NaN.
        loss: the mean of its last training losses; NaN.
    """

    kind: tuple[str, str]
    validation: float
    loss: float

    def is_below(self, other: "Reached") -> bool:
        """Whether it came further than another one, by what is known of both."""
        if self.kind[0] not in COMPARABLE or self.kind != other.kind:
            return False
        mine, its = math.isfinite(self.validation), math.isfinite(other.validation)
        if mine and its:
            return self.validation < other.validation
        if mine or its or not math.isfinite(self.loss):
            return False
        return not self.loss >= other.loss  # one that is NaN has come to nothing

    @property
    def words(self) -> str:
        """The loss that it is compared by, in words."""
        if math.isfinite(self.validation):
            return f"its lowest loss on new data, {figures(self.validation)}"
        return f"its training loss, {figures(self.loss)}"


def reached(
    observations: Sequence[Observation], validations: Iterable[tuple[int, float]], losses: Array
) -> Reached:
    """Return how far a network came.

    Args:
        observations: of its steps.
        validations: steps and losses on new data.
        losses: of its steps, (n,).
    """
    last = observations[-1] if observations else None
    new = [loss for _, loss in validations if math.isfinite(loss)]
    late = losses[-max(1, round(LATE * len(losses))) :]
    return Reached(
        (last.training_kind, last.criterion.kind) if last else ("", ""),
        min(new, default=math.nan),
        float(np.mean(late)) if len(late) else math.nan,
    )


class MovedParameter:
    """A parameter that each step moves; where it stands still, another network may be trained.

    To look at it costs a step next to nothing. Whether it is another one is seen in the next step
    that is observed.

    Attributes:
        parameter: that is looked at; None before a step was observed.
        first, last: its values before the first step that was observed, and before the last one.
        moves: in how many steps it was moved; what is made anew for each step never is.
        suspected_at: the step that may be the first of another network; -1.
    """

    def __init__(self) -> None:
        self.parameter: Tensor | None = None
        self.first: Tensor | None = None
        self.last: Tensor | None = None
        self.moves = 0
        self.suspected_at = -1
        self._version, self._gradient_version = 0, 0
        self._gradient: Tensor | None = None
        self._still, self._longest_still = 0, 0
        self._usual: set[int] = set()
        self._change, self._doubts = 0, 0

    def put(self, parameter: Tensor) -> None:
        """Look at this parameter from now on."""
        self.parameter, self.moves = parameter, 0
        self._is_as_before(parameter)

    def note(self, before: Mapping[str, Tensor], variables: Variables) -> None:
        """Keep its values before a step, of which there are those of all parameters by name."""
        if self.parameter is not None:
            self.last = before.get(variables.name(self.parameter))
            self.first = self.last if self.first is None else self.first

    def look(self, step: int) -> None:
        """See how the parameter was moved in a step that is done."""
        if self.parameter is None or self._doubts >= MAX_DOUBTS:
            return
        version = self._version
        if self._is_as_before(self.parameter):
            self._still += 1
            if self._still > self._longest_still and self.suspected_at < 0:
                self.suspected_at = step + 1 - self._still
            return
        self.moves += 1
        if self._still:
            self._longest_still, self._still = max(self._longest_still, self._still), 0
        self._change = self._version - version
        if not self._usual:
            self._usual.add(self._change)
        if self._change not in self._usual and self.suspected_at < 0:
            self.suspected_at = step

    def _is_as_before(self, parameter: Tensor) -> bool:
        """Whether neither it nor its gradient was written; to write to ``.data`` counts as none."""
        gradient, version = parameter.grad, parameter._version
        written = -1 if gradient is None else gradient._version
        same = (
            gradient is self._gradient
            and version == self._version
            and written == self._gradient_version
        )
        self._gradient, self._version, self._gradient_version = gradient, version, written
        return same

    def settle(self) -> None:
        """Take what was suspected as something that this network does."""
        if self.suspected_at >= 0:
            self.suspected_at = -1
            self._doubts += 1
            self._usual.add(self._change)
            self._longest_still = max(self._longest_still, 2 * self._still)


def is_another(
    tape: Tape,
    trained: Sequence[Tensor],
    before: Sequence[Tensor],
    first: Sequence[Tensor],
    others: Iterable[nn.Module],
) -> bool:
    """Whether a step trains a network that has nothing of the one before.

    Args:
        tape: of the step.
        trained: the parameters that it trains.
        before: those of the network before, with the values that they have now.
        first: the values that these began with; empty where they are not known.
        others: networks that were there before the step's own, such as one that all are copies of.
    """
    old = {id(p) for p in before}
    used = {id(t) for op in tape.ops for t in op.inputs}
    if tape.fed_by_eval:  # else what was evaluated is the last validation of the one before
        used |= tape.evaluated_weights
    if old & used:
        return False
    # Of several, as where a copy went on, the last one counts.
    if not begins_again(trained, first[-len(trained) :], before[-len(trained) :]):
        return False
    start = _distance(trained, first[-len(trained) :])
    mine = old | {id(p) for p in trained}
    for module in others:
        parameters = list(module.parameters())
        if mine.isdisjoint(id(p) for p in parameters):
            near = _distance(trained, parameters)
            if near < COPIED and near * 1.05 < start:
                return False  # of that one, which goes on, it is a copy
    return True


def begins_again(now: Sequence[Tensor], first: Sequence[Tensor], last: Sequence[Tensor]) -> bool:
    """Whether weights come from nothing before, or are back where the last ones began."""
    to_last = _distance(now, last)
    return to_last >= COPIED or NEARER * _distance(now, first) < to_last


def has_new_optimizer(
    variables: Variables, trained: Iterable[int], known: Iterable[torch.optim.Optimizer]
) -> bool:
    """Whether the optimisers that hold what is trained are others than those before."""
    ids, earlier = set(trained), list(known)
    holding = [
        o
        for o in variables.optimizers
        if any(id(p) in ids for group in o.param_groups for p in group["params"])
    ]
    return bool(holding) and not any(o is one for o in holding for one in earlier)


@torch.no_grad()
def _distance(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """Return the distance of weights from others, as a part of their norm.

    It is infinite where these are of other shapes.
    """
    if [t.shape for t in some] != [t.shape for t in others] or not some:
        return math.inf
    pairs = zip(some, others, strict=True)
    apart = sum(float((a.float() - b.float()).square().sum()) for a, b in pairs)
    size = sum(float(a.float().square().sum()) for a in some)
    return math.sqrt(apart / max(size, 1e-30))
