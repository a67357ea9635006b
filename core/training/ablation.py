"""What interventions cost: the loss on held-out examples with and without them, unit by unit.

Muting each unit alone and looking at the loss (ablation) says what the network needs it for (Meyes
et al. 2019, "Ablation studies in artificial neural networks").
"""

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..interventions import Intervention, Part, importance, intervened
from ..layers import Layer, layers_of, size_of
from ..playground import Playground, Vocabulary
from ..telemetry.events import Answer, Event
from .evaluation import at_once, evaluation_mode, place_of

EXAMPLES, FEWER = 500, 200  # for the cost of interventions, and for each unit's importance
WORK = 4e9  # products that one judgement may cost, about: a second of a slow core
SHORTEST = 16  # tokens of an example that is cut
CHUNK = 100  # examples at once, at most: a convolution's maps stay in the processor's cache
SLICE, BESIDE = 0.4, 0.1  # seconds of a question at most: alone, and between two steps
COST, IMPORTANCE = "cost of interventions", "importance of units"
"""The topics of the answers."""


@dataclass(frozen=True)
class Judged:
    """How good a network is: its loss, and the share of right answers, NaN where none is right."""

    loss: float
    accuracy: float


class Judge:
    """Judges networks of a recipe on some examples that validate, the same ones each time.

    Args:
        playground: of the networks.
        recipe, vocabulary: of the networks.
        load: returns the playground's data.
        most: how many examples; fewer of a large network, or shorter ones.
    """

    def __init__(
        self,
        playground: Playground,
        recipe: Any,
        vocabulary: Vocabulary,
        load: Callable[[], Any],
        most: int,
    ) -> None:
        self._playground, self._vocabulary = playground, vocabulary
        self._recipe = playground.evaluated_recipe(recipe)
        self._load, self._most = load, most
        self._batch: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def __call__(self, model: nn.Module) -> Judged:
        """Judge a model, which is left as it was.

        Raises:
            UserError: the data is not there any more, or has what the network does not know.
        """
        losses, hits, seen = 0.0, 0.0, 0
        with evaluation_mode(model):
            for inputs, targets in self.batches(model):
                outputs, count = model(inputs), len(targets)
                losses += count * float(self._playground.loss(self._recipe, outputs, targets))
                correct = self._playground.correct(outputs, targets)
                hits += math.nan if correct is None else count * float(correct)
                seen += count
        return Judged(losses / seen, hits / seen)

    def batches(self, model: nn.Module) -> list[tuple[Tensor, Tensor]]:
        """Return the examples and their targets, as much as this model bears, where it lies."""
        place = place_of(model)
        if self._batch is None:
            self._batch = self._chosen(size_of(model), place)
        size = at_once(CHUNK, getattr(model, "widest", 0.0))
        inputs, targets = (torch.split(part.to(place), size) for part in self._batch)
        return list(zip(inputs, targets, strict=True))

    def _chosen(self, size: int, place: torch.device) -> tuple[Tensor, Tensor]:
        held_out = self._playground.held_out(self._load(), self._recipe, self._vocabulary, place)
        count = min(self._most, len(held_out))
        spread = torch.arange(count, device=place) * (len(held_out) // count)
        generator = torch.Generator(place).manual_seed(0)
        inputs, targets = held_out.batch(spread[:1], self._recipe, generator)
        # Of a network that answers at each token, an example is as much work as it has tokens.
        tokens = targets.shape[1] if _by_token(targets) else 1
        bearable = max(1, int(WORK / (size * tokens)))
        spread = spread[:: -(-count // min(count, bearable))]
        inputs, targets = held_out.batch(spread, self._recipe, generator)
        length = max(SHORTEST, int(WORK / size))
        return (inputs[:, :length], targets[:, :length]) if tokens > length else (inputs, targets)

    @property
    def unit(self) -> str:
        """What the loss is measured in, such as nats; "" for nothing that has a name."""
        return self._playground.loss_unit(self._recipe)

    @property
    def words(self) -> str:
        """Say on what it judges, once it has: ``500 validation examples``."""
        assert self._batch is not None
        targets = self._batch[1]
        words = f"{len(targets):,} validation example{'s' * (len(targets) != 1)}"
        return f"{words} of up to {targets.shape[1]:,} tokens" if _by_token(targets) else words


def _by_token(targets: Tensor) -> bool:
    """Whether there is a target for each token of an example."""
    return targets.dim() > 1 and not targets.is_floating_point()


class CostMeter:
    """Compares a network with interventions with the same one without.

    Args:
        judge: of the network.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._before: tuple[int, Judged] | None = None
        """The network without any, at a step."""

    def question(self, interventions: Iterable[Intervention]) -> Callable[[Any, int], Event]:
        """Return what to ask a model.

        The answer has ``before`` and ``after``, each :class:`Judged`, ``examples`` in words, the
        ``unit`` of the loss, the ``interventions``, and ``seconds`` that it took; with a
        ``problem``, a sentence, only that and the interventions.
        """
        told = tuple(interventions)

        def ask(model: Any, step: int) -> Event:
            begin = time.perf_counter()
            try:
                if self._before is None or self._before[0] != step:
                    self._before = step, self._judge(model)
                with intervened(model, told):
                    after = self._judge(model)
            except UserError as error:
                return Answer(COST, step, {"problem": str(error), "interventions": told})
            values = {
                "before": self._before[1],
                "after": after,
                "examples": self._judge.words,
                "unit": self._judge.unit,
                "interventions": told,
                "seconds": time.perf_counter() - begin,
            }
            return Answer(COST, step, values)

        return ask


class ImportanceMeter:
    """Mutes one unit of a layer after another, and measures by how much the loss rises.

    To be asked as a question again and again: each time it goes on for a slice of time, on the copy
    that it made of the network the first time, so that a training beside it hardly waits.

    Args:
        judge: of the network.
        layer: its name.
        units: of that layer, in the order in which they are measured.
    """

    def __init__(self, judge: Judge, layer: str, units: Sequence[int]) -> None:
        self.layer = layer
        self._judge, self._units = judge, units
        self._rises: dict[int, float] = {}
        self._copy: nn.Module | None = None
        self._step = 0
        self._seconds = 0.0

    @property
    def done(self) -> bool:
        """Whether all units are measured."""
        return len(self._rises) == len(self._units)

    @torch.no_grad()
    def __call__(self, model: Any, step: int) -> Event:
        """Go on; the answer says how far it is.

        It has ``rises`` of the loss by unit, for those that are measured, the seconds that are
        ``left``, ``examples`` in words, the ``unit`` of the loss, and the ``meter``; with a
        ``problem``, a sentence, only that and the meter.
        """
        try:
            self._go_on(model, step)
        except UserError as error:
            return Answer(IMPORTANCE, step, {"problem": str(error), "meter": self})
        values = {
            "rises": dict(self._rises),
            "left": self._seconds_left,
            "examples": self._judge.words,
            "unit": self._judge.unit,
            "meter": self,
        }
        return Answer(IMPORTANCE, self._step, values)

    @property
    def _seconds_left(self) -> float:
        """How long the rest takes, about."""
        return self._seconds / max(1, len(self._rises)) * (len(self._units) - len(self._rises))

    def _go_on(self, model: Any, step: int) -> None:
        if self._copy is None and not self.done:
            # Channels last is how a CPU convolves fastest.
            self._copy = copy.deepcopy(model).eval().to(memory_format=torch.channels_last)
            self._step = step
            _keep_earlier(self._copy, self.layer, self._judge)
        if self._copy is not None:
            begin = time.perf_counter()
            end = begin + (BESIDE if model.training else SLICE)
            due = self._units[len(self._rises) :]
            parts = (Part(self.layer, unit) for unit in due)
            found = importance(self._copy, until(end, parts), self._loss)
            self._rises |= {part.index: rise for part, rise in found.items()}
            self._seconds += time.perf_counter() - begin
        if self.done:
            self._copy = None

    def _loss(self) -> Tensor:
        assert self._copy is not None
        return torch.tensor(self._judge(self._copy).loss)


class _Replay:
    """Says again, in turn, what a layer said to each batch of a judgement."""

    def __init__(self, outputs: Sequence[Tensor]) -> None:
        self._outputs = cycle(outputs)

    def __call__(self, x: Tensor) -> Tensor:
        return next(self._outputs)


def _keep_earlier(model: nn.Module, name: str, judge: Judge) -> None:
    """Let a model say again what it said up to a layer, which no unit of that layer changes.

    A layer that is used more than once for a batch, as a memory is, computes as before.
    """
    layers = layers_of(model)
    heard: dict[Layer, list[Tensor]] = {}

    def listen(layer: Layer, output: Tensor) -> None:
        heard.setdefault(layer, []).append(output)

    for layer in layers.values():
        layer.listener = listen
    judge(model)
    for layer in layers.values():
        layer.listener = None
    batches = len(judge.batches(model))
    for layer, outputs in heard.items():  # in the order in which they were first used
        if len(outputs) == batches:
            layer.spoken = [_Replay(outputs)]
        if layer is layers[name]:
            return


def until(end: float, parts: Iterable[Part]) -> Iterator[Part]:
    """Yield parts until the time is over, at least one."""
    for part in parts:
        yield part
        if time.perf_counter() > end:
            return
