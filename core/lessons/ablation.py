"""Lesson 6: the switches of a recipe one after another, each trained with the same seeds.

An ablation that adds instead of taking away: a plain recipe, then each switch on top of those
before it. A training with a switch and the one before it have a seed in common, and so the order of
the examples, and the first weights where the network stays the same: they are a pair. The effect of
a switch is the mean difference of its pairs, which varies less than the losses of other seeds do.

No torch in it: :mod:`core.lessons.ablation_runs` does the trainings.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..glossary import Term, find
from ..telemetry.events import Array
from ..training.recipe import Recipe, Trait

if TYPE_CHECKING:
    from ..playground import Playground

FEWEST_SEEDS, MOST_SEEDS = 2, 5
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
"""Student's t: the half width of a 95 % interval in standard errors, by its degrees of freedom."""
FEWEST_PAIRS = 3
"""From which on an effect is said to help or to hurt: of two the spread is one difference."""
PLAIN = "Plain recipe"
Training = tuple[int, int]
"""The place of a switch, 0 for the plain recipe, and a seed."""


@dataclass(frozen=True)
class Switch:
    """A recipe of the study, and what it has that the one before it has not.

    Attributes:
        recipe: with this switch and all before it.
        settings: what it changes; of the plain recipe, what differs from the default one.
        title: the change in a few words.
    """

    recipe: Recipe
    settings: Mapping[str, Any]
    title: str

    @cached_property
    def term(self) -> Term | None:
        """The glossary's entry: of the value that is chosen, such as muon, else of the setting."""
        key, value = next(iter(self.settings.items()))
        label = self.recipe.settings()[key].label
        words = [f"{value} {label}", value, label] if isinstance(value, str) else [label]
        return next((term for word in words if (term := find(word))), None)

    @property
    def source(self) -> str:
        """The lectures and papers of its term; "" for none."""
        return "; ".join(self.term.lecture) if self.term else ""


def switches_of(playground: "Playground", mixes: bool) -> list[Switch]:
    """Return the plain recipe of a playground, and those with one switch after another.

    Args:
        playground: one that has switches.
        mixes: whether its recipe is trained in half precision on the device; else a switch of
            nothing else is left out.
    """
    switches = playground.switches
    assert switches is not None
    recipe = playground.recipe_for().replace(switches.plain)
    found = [Switch(recipe, switches.plain, PLAIN)]
    for settings in switches.added:
        if not mixes and set(settings) == {"precision"}:
            continue
        recipe = recipe.replace(settings)
        words = recipe.describe(settings)
        found.append(Switch(recipe, settings, words[:1].upper() + words[1:]))
    return found


def alone(switches: Sequence[Switch], place: int) -> list[Switch]:
    """Return the plain recipe, and it with one of the switches alone.

    Args:
        switches: all of them, the plain recipe first.
        place: of the one, from 1 on.
    """
    plain, one = switches[0], switches[place]
    return [plain, replace(one, recipe=plain.recipe.replace(one.settings))]


def unit_of(playground: "Playground", recipe: Recipe) -> str:
    """Return the unit of :attr:`TrainedSwitch.loss`: of tokens it is counted per character."""
    unit = playground.loss_unit(recipe)
    return f"{unit} per character" if Trait.TOKENS in recipe.traits() else unit


@dataclass(frozen=True)
class TrainedSwitch:
    """A training of the study that is done.

    Attributes:
        place: of its switch.
        seed: of its weights and batches.
        loss: on validation data; infinite if it diverged.
        losses: of each step, (steps,).
        step_seconds: of a step.
        seconds: all of it, with making the network and its evaluation.
    """

    place: int
    seed: int
    loss: float
    losses: Array
    step_seconds: float
    seconds: float


@dataclass(frozen=True)
class Effect:
    """By how much a switch lowers the validation loss.

    Attributes:
        gains: of each pair of trainings with the same seed; positive is lower, so better. A pair
            of which both diverged is left out, unless there is no other: then they are NaN.
        mean: of the gains; NaN for none, infinite where one of a pair diverged.
        low, high: the ends of its 95 % interval, infinite where one pair is all there is.
    """

    gains: tuple[float, ...]
    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether it helps, hurts, or can't be told from so many seeds; "" without a pair."""
        if not self.gains:
            return ""
        if math.isnan(self.mean):
            return "can\u2019t tell: both diverged"
        if math.isinf(self.mean):
            return "helps: did not diverge" if self.mean > 0 else "hurts: diverged"
        count = len(self.gains)
        if count >= FEWEST_PAIRS and self.low > 0:
            return "helps"
        if count >= FEWEST_PAIRS and self.high < 0:
            return "hurts"
        return f"can\u2019t tell from {count} seed{'s' * (count > 1)}"


def effect_of(gains: Sequence[float]) -> Effect:
    """Return the mean of paired differences and its 95 % interval (Student 1908).

    Args:
        gains: of one pair each, at most five; infinite where one of a pair diverged, NaN where both
            did.
    """
    known = tuple(gain for gain in gains if not math.isnan(gain))
    if not known:
        return Effect(tuple(gains), math.nan, math.nan, math.nan)
    if infinite := [gain for gain in known if math.isinf(gain)]:
        worst = min(infinite)
        return Effect(known, worst, worst, worst)
    mean = statistics.fmean(known)
    if len(known) == 1:
        return Effect(known, mean, -math.inf, math.inf)
    half = T95[len(known) - 1] * statistics.stdev(known) / math.sqrt(len(known))
    return Effect(known, mean, mean - half, mean + half)


class Study:
    """The trainings of some switches for a number of steps: which are done, and what they show.

    Args:
        switches: the plain recipe, and those with one switch after another.
        steps: of each training.
    """

    def __init__(self, switches: Sequence[Switch], steps: int) -> None:
        self.switches, self.steps = switches, steps
        self._done: dict[Training, TrainedSwitch] = {}

    def add(self, trained: TrainedSwitch) -> None:
        """Take a training that is done."""
        self._done[trained.place, trained.seed] = trained

    def take(self, other: "Study") -> None:
        """Take what another study of as many steps has trained by the same recipes."""
        for at, theirs in enumerate(other.switches):
            for place, switch in enumerate(self.switches):
                if switch.recipe == theirs.recipe:
                    for trained in other.of(at):
                        self.add(replace(trained, place=place))

    def missing(self, seeds: int) -> list[Training]:
        """Return what is still to be trained: all switches by the first seed, then the next.

        Args:
            seeds: how many; they are 1, 2 and so on.
        """
        whole = [(place, seed + 1) for seed in range(seeds) for place in range(len(self.switches))]
        return [training for training in whole if training not in self._done]

    def of(self, place: int) -> list[TrainedSwitch]:
        """Return the trainings that are done of a switch, by seed."""
        keys = sorted(key for key in self._done if key[0] == place)
        return [self._done[key] for key in keys]

    def loss(self, place: int) -> float:
        """Return the mean validation loss of a switch over its seeds; NaN before there is one."""
        losses = [trained.loss for trained in self.of(place)]
        return statistics.fmean(losses) if losses else math.nan

    def step_seconds(self, place: int) -> float:
        """Return how long a step takes with a switch, the median over seeds; NaN if unknown."""
        seconds = [trained.step_seconds for trained in self.of(place)]
        return statistics.median(seconds) if seconds else math.nan

    def curve(self, place: int) -> Array:
        """Return the mean training loss of each step over the seeds, (steps,); empty if unknown."""
        curves = [t.losses for t in self.of(place) if len(t.losses) == self.steps]
        return np.mean(curves, axis=0) if curves else np.empty(0)

    def effect(self, place: int) -> Effect:
        """Return what a switch brings against the one before it, over the seeds of both."""
        if not place:
            return effect_of(())
        before = {trained.seed: trained.loss for trained in self.of(place - 1)}
        pairs = [(before[t.seed], t.loss) for t in self.of(place) if t.seed in before]
        return effect_of([a - b for a, b in pairs])

    def seconds(self, place: int, guess: float) -> float:
        """Return how long a training with a switch takes, about, in seconds.

        Args:
            place: of the switch.
            guess: what is returned where none with it is done yet.
        """
        done = self.of(place)
        return statistics.median(trained.seconds for trained in done) if done else guess

    def seconds_left(self, seeds: int, guess: float) -> float:
        """Return how long what is missing takes, about.

        Args:
            seeds: how many.
            guess: seconds of a training with a switch of which none is done yet.
        """
        return sum(self.seconds(place, guess) for place, _ in self.missing(seeds))
