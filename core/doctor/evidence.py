"""All that is known of one training: what the rules decide on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..telemetry.events import Array
from .diagnosis import Experiment, Proof
from .watch.observation import InferenceStats, Observation
from .watch.replicas import drifting_replicas, stale_target
from .watch.tape import Met
from .watch.training_kind import (
    ACTOR,
    ADVERSARIAL,
    COMPARABLE,
    DIFFERENTIATES,
    RANGE_TEST,
    SUPERVISED,
)

if TYPE_CHECKING:
    from .watch.watcher import LoopWatcher

Found = TypeVar("Found")
DECAYED = 0.3
"""Below this part of its maximum a learning rate has come to the end of its schedule."""

FEW_RATES, SHORT_TEST = 10, 500
"""Rates that a range test tries at least, and steps that it takes at most."""
RATE_RANGE = 1e4
"""Times the first rate, to which a range test comes at least."""
UNEVEN = 0.15
"""The part of the range by which a rate of it may miss an even spacing of logarithms."""
HARDLY_AN_UPDATE = -3.5
"""The log10 of the update-to-weight ratio at which steps do little, where a range test begins."""
OTHER_SCALE = 5.0
"""Times the training loss, then and at the start, that the first loss on new data is not on one
scale."""
FAR_SCALE = 50.0
"""The same, where neither loss falls any more: no loss of what is memorised is so high."""
FALLEN = 0.9
"""Times its first value, below which the loss on new data has fallen as the training loss has."""
PART_OF_LOSS = 0.1
"""By which a loss may differ from that of one of its batches, where gradients are accumulated."""
APART = 1.25
"""Times their first ratio, to which the two come as a network memorises."""


@dataclass(frozen=True)
class DataStats:
    """What the data shows by itself.

    Attributes:
        classes_used: the share of the output classes that occur as a target; NaN.
        top_share: the share of the most frequent target.
        entropy: of the targets, in nats; NaN.
        target_variance: of real-valued targets, the mean over their columns; NaN.
        classes: how many different targets occur.
        classes_in_batch: how many different ones a batch has, on average; NaN.
        classes_expected: how many it would have if it were drawn at random; NaN.
        overlap: the share of the validation examples that are training examples, too; NaN.
        overlap_with: the variable that holds the validation examples.
        folds: that a network goes through folds of a cross-validation, each validated on rows that
            were learned from in another, in words; "".
        not_compared: why they could not be searched among the training examples; "".
        copied: the share of them that is a row of the training data, number for number, where rows
            are not equal by themselves; NaN.
        context: how many tokens the network sees; 0 if it is given none.
        context_entropy: of the next token given that context, in nats; NaN.
        longer_context_entropy: the same given one token more; NaN.
        predictability: how much better than by class frequency simple models predict the targets
            from the inputs, 0 to 1; NaN if that was not tried.
        pair_entropy: the loss of a table of what follows one token; NaN if there are no tokens.
        label_noise: the share of labels that contradict their nearest neighbours; NaN.
        unordered: whether the targets of a regression are whole numbers that name classes.
        repeated: of what one batch is, that all steps learned from; "" where they differ.
        contradicted: the share of examples that came again in another batch and had another label,
            over that by chance; 0 where none came again.
        came_again, other_label: how many did, and the share that had another label.
        shifted, shifted_with: the share of validation windows of which training has one that begins
            a place apart; NaN; and where they are.
        windows: how many windows of a series both parts have, or share most of, in words; "".
        leaking_column: what of the inputs is the label, or nearly, in words; "".
        moved_targets: that targets of pictures were not flipped or rotated as these, in words; "".
        independent_tokens: whether the tokens of an example tell nothing of one another, as drawn
            ones do: its label may then depend on several of them together.
        sees_whole: whether the simple models see all that the network does: False where it reads
            a sequence or several inputs, and they one token or one input.
    """

    classes_used: float = np.nan
    top_share: float = 0.0
    entropy: float = np.nan
    target_variance: float = np.nan
    classes: int = 0
    classes_in_batch: float = np.nan
    classes_expected: float = np.nan
    overlap: float = np.nan
    overlap_with: str = ""
    folds: str = ""
    not_compared: str = ""
    copied: float = np.nan
    context: int = 0
    context_entropy: float = np.nan
    longer_context_entropy: float = np.nan
    predictability: float = np.nan
    pair_entropy: float = np.nan
    label_noise: float = np.nan
    sees_whole: bool = True
    independent_tokens: bool = False
    unordered: bool = False
    repeated: str = ""
    contradicted: float = 0.0
    came_again: int = 0
    other_label: float = 0.0
    shifted: float = np.nan
    shifted_with: str = ""
    windows: str = ""
    leaking_column: str = ""
    moved_targets: str = ""


@dataclass
class Evidence:
    """All that is known of one training.

    Attributes:
        steps, losses: the loss of each step (thinned, if there were many).
        observations: of some steps, in order.
        validations: steps and losses on other data.
        validated_with: for each of them a sum over the weights that were validated; NaN.
        metrics: steps, losses on other data, and accuracies there.
        crash: the error that ended the loop; "".
        rates: steps and learning rates of the optimiser, evenly spread.
        lost: variables that were parameters, and require no gradient any more.
        tells_error: whether torch raised the error, or its cause is known.
        experiments: by id.
        data: what the data shows by itself; None if it could not be read.
        inference: how the network is used; None if that was not observed.
        training_mode_in_eval: modules that were in training mode while it was evaluated.
        met: where each output met the targets of all examples in an evaluation; None.
        replicas: which networks drift apart that began alike, in words; "".
        stale_target: which target network stays as the other one began, in words; "".
        one_distance: the loss of labelled pairs if all are as far apart, at best; NaN.
        loaded_itself: how weights were kept without a copy, and loaded in vain, in words; "".
        constant_inputs: whether all examples that were drawn are equal.
        floors: the loss of simple predictors, by name.
        networks: how many were trained one after another; the rest is about one of them.
        network: which of them, from 1.
        chosen_by: the loss by which that is the best one, in words; "" where it is the last one.
        planned: the number of steps that the run was to take; 0 if that is not known.
        rates_ahead: steps and learning rates up to there, where the schedule is known.
        visits: how often an example was met before, on average, at most; NaN if unknown.
        sure_visits: the same by the size of the data, or by the examples that were seen again.
        can_validate: whether it is up to the loop's author to measure a loss on new data.
        cut_short: whether the experiments were given up, as the person stopped them.
        cycle: how many steps of a one-cycle schedule are done, and how many it has; zeros without.
        empty_passes: how often the loop was begun again without a step, after the first time.
        left_by: an exception of the program's own that ended the loop, caught or not; "".
        trained_before: names of parameters that were there to be trained in an earlier loop.
        trained_later: names of parameters that the optimisers of a later loop hold.
        is_unedited: whether the loop is one of a program that is watched as it is.
        train_loss: the last one on training data in eval mode; NaN.
        training_loss, new_loss: at the end, on training data and on new data, in eval mode; NaN.
        training_harder: by what share of it the former is above the latter; NaN.
        can_grow: whether there is a wider model of the same kind.
        spare_classes: outputs for what need not occur, such as single bytes.
        seconds: that the experiments took.
        proofs: whether fixes help, by the cause, or by the verdict that asks for one.
    """

    steps: Array
    losses: Array
    observations: list[Observation]
    validations: list[tuple[int, float]] = field(default_factory=list)
    validated_with: list[float] = field(default_factory=list)
    metrics: list[tuple[int, float, float]] = field(default_factory=list)
    crash: str = ""
    rates: list[tuple[int, float]] = field(default_factory=list)
    lost: tuple[str, ...] = ()
    tells_error: bool = False
    experiments: dict[str, Experiment] = field(default_factory=dict)
    data: DataStats | None = None
    inference: InferenceStats | None = None
    training_mode_in_eval: tuple[str, ...] = ()
    met: Met | None = None
    replicas: str = ""
    stale_target: str = ""
    loaded_itself: str = ""
    one_distance: float = np.nan
    constant_inputs: bool = False
    floors: Mapping[str, float] = field(default_factory=dict)
    networks: int = 1
    network: int = 1
    chosen_by: str = ""
    planned: int = 0
    rates_ahead: list[tuple[int, float]] = field(default_factory=list)
    visits: float = np.nan
    sure_visits: float = np.nan
    can_validate: bool = True
    cut_short: bool = False
    cycle: tuple[int, int] = (0, 0)
    empty_passes: int = 0
    left_by: str = ""
    trained_before: frozenset[str] = frozenset()
    trained_later: frozenset[str] = frozenset()
    is_unedited: bool = False
    train_loss: float = np.nan
    training_loss: float = np.nan
    new_loss: float = np.nan
    training_harder: float = np.nan
    can_grow: bool = True
    spare_classes: int = 0
    seconds: float = 0.0
    proofs: dict[str, Proof] = field(default_factory=dict)
    _results: dict[type, object] = field(default_factory=dict)

    def add(self, experiment: Experiment, result: object = None) -> None:
        """Add an experiment, and the numbers that it found; None if it could not be tried."""
        self.experiments[experiment.id] = experiment
        if result is not None:
            self._results[type(result)] = result

    def result(self, kind: type[Found]) -> Found | None:
        """Return what an experiment found, by the type of that; None if it was not tried."""
        found = self._results.get(kind)
        return found if isinstance(found, kind) else None

    @property
    def training_kind(self) -> str:
        """The kind of training, by most of the observed steps; "" if that is not known.

        Where steps take turns, as a generator's and a discriminator's do, it is the kind of both.
        """
        if self._tests_rates():
            return RANGE_TEST
        kinds = [step.training_kind for step in self.observations if step.training_kind]
        for mixed in (ADVERSARIAL, ACTOR, *DIFFERENTIATES):
            if kinds.count(mixed) >= max(1, len(kinds) // 5):
                return mixed
        return max(set(kinds), key=lambda kind: (kinds.count(kind), kind), default="")

    def _tests_rates(self) -> bool:
        """Whether rates from next to nothing to far too much are tried (Smith 2017).

        A schedule that grows by mistake begins with steps that do something.
        """
        if self.done > SHORT_TEST or len(self.learning_rates) < FEW_RATES:
            return False
        rates = np.array([lr for _, lr in self.learning_rates])
        if rates[-1] < RATE_RANGE * rates[0]:
            return False
        steps = np.array([step for step, _ in self.learning_rates], float)
        course = np.log10(rates / rates[0]) / math.log10(rates[-1] / rates[0])
        even = (steps - steps[0]) / (steps[-1] - steps[0])
        matrices = [p for x in self.observations[:2] for p in x.parameters if p.is_matrix]
        begun = [p.log_update_ratio for p in matrices if math.isfinite(p.log_update_ratio)]
        is_even = float(np.abs(course - even).max()) < UNEVEN
        return is_even and bool(begun) and median(begun) < HARDLY_AN_UPDATE

    @property
    def loss_is_comparable(self) -> bool:
        """Whether the loss has a scale that is known, and falls as the network learns."""
        return not self.training_kind or self.training_kind in COMPARABLE

    @property
    def validates_on_other_scale(self) -> bool:
        """Whether the loss on new data is far above from its first value on, and falls alike.

        As a sum over all examples beside a mean. What is memorised takes the two apart, with time.
        """
        points = [(step, loss) for step, loss in self.validations if math.isfinite(loss)]
        if len(points) < 2:
            return False
        (at, first), (_, last) = points[0], points[-1]
        near = self.losses[(self.steps >= 0.8 * at) & (self.steps <= 1.2 * at)]
        then = float(np.median(near)) if len(near) else 0.0
        alike = last * then < APART * first * self.ended
        # What was memorised before the first is above the training loss of then, not of the start.
        times = first / max(then, self.began, 1e-12)
        falls = times > OTHER_SCALE and last < FALLEN * first
        return bool(max(then, self.began) > 0.0 and alike and (falls or times > FAR_SCALE))

    @property
    def losses_alone(self) -> bool:
        """Whether none of the steps showed a weight that is trained."""
        return bool(self.observations) and not any(o.parameters for o in self.observations)

    @property
    def is_supervised(self) -> bool:
        """Whether the labels are facts about the inputs."""
        return not self.training_kind or self.training_kind in SUPERVISED

    @property
    def learning_rates(self) -> list[tuple[int, float]]:
        """Steps and learning rates: the optimiser's own, or those that the updates imply."""
        if self.rates:
            return [(step, lr) for step, lr in self.rates if lr > 0]
        return [(step.step, step.lr) for step in self.observations if step.lr > 0]

    @property
    def rate_has_decayed(self) -> bool:
        """Whether the learning rate has come to the end of its schedule, and can't just go on."""
        rates = [rate for _, rate in self.learning_rates]
        return bool(rates) and rates[-1] < DECAYED * max(rates)

    @property
    def first(self) -> Observation | None:
        """The first step that was observed."""
        return self.observations[0] if self.observations else None

    @property
    def last(self) -> Observation | None:
        """The newest step that was observed."""
        return self.observations[-1] if self.observations else None

    def mean(self, share: float, end: bool = True) -> float:
        """Return the mean loss over the last (or first) share of the steps."""
        good = self.losses[np.isfinite(self.losses)]
        if not len(good):
            return float("nan")
        count = max(1, round(share * len(good)))
        return float((good[-count:] if end else good[:count]).mean())

    @property
    def began(self) -> float:
        """The loss of the first steps."""
        good = self.losses[np.isfinite(self.losses)]
        return float(good[:1].mean()) if len(good) else float("nan")

    @property
    def done(self) -> int:
        """How many steps were done."""
        return int(self.steps[-1]) + 1 if len(self.steps) else 0

    @property
    def ended(self) -> float:
        """The loss of the last tenth of the steps."""
        return self.mean(0.1)

    @property
    def uniform(self) -> float:
        """The loss of a uniform guess."""
        return self.first.criterion.uniform if self.first else float("nan")

    @property
    def loss_floor(self) -> float:
        """Below which no training loss comes, as the targets are smoothed; 0 where not known.

        Known is it where the loss function is all of the loss, and not a part or a multiple of it.
        """
        known = [x for x in self.observations if x.criterion.floor > 0 and x.criterion.value > 0]
        if not known or len(known) < len(self.observations):
            return 0.0
        times = median(step.loss / step.criterion.value for step in known)
        whole = abs(times - 1) < PART_OF_LOSS and all(step.summed == 1 for step in known)
        return min(step.criterion.floor for step in known) if whole else 0.0

    def smooth(self, parts: int = 40) -> Array:
        """Return the mean loss of equal parts of the run, some tens of them."""
        good = np.where(np.isfinite(self.losses), self.losses, np.nan)
        count = min(parts, len(good))
        if not count:
            return np.empty(0)
        pieces = np.array_split(good, count)
        means: Array = np.array([np.nanmean(p) if np.isfinite(p).any() else np.nan for p in pieces])
        return means


def evidence_of(watcher: "LoopWatcher", crash: str = "") -> Evidence:
    """Return all that is known of a watched loop by now.

    Args:
        watcher: of the loop.
        crash: the error that ended it; "".
    """
    steps, losses = watcher.losses()
    return Evidence(
        steps,
        losses,
        list(watcher.observations),
        list(watcher.validations),
        list(watcher.validated_with),
        list(watcher.metrics),
        crash=crash,
        rates=list(watcher.rates),
        lost=watcher.lost,
        tells_error=watcher.tells_error,
        inference=watcher.inference,
        training_mode_in_eval=watcher.training_mode_in_eval,
        met=watcher.met,
        replicas=drifting_replicas(watcher),
        stale_target=stale_target(watcher),
        cycle=watcher.cycle,
        loaded_itself=watcher.loaded_itself.words if watcher.loaded_itself else "",
        networks=watcher.networks,
        network=watcher.number,
        chosen_by=watcher.chosen.words if watcher.chosen else "",
    )
