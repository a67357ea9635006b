"""Faults are injected into a learner from outside: each overrides some of what it does."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...playground import Playground, TrainingSet
from ...telemetry.events import Array
from ...training.checkpoint import Checkpoint
from ...training.distributed import ProcessGroup
from ...training.learner import Learner
from ...training.recipe import Recipe


class FaultInjection:
    """A fault: what a learner does in another way; as it is, it changes nothing.

    Args:
        instead: functions that replace some of the methods, by name:
            ``FaultInjection(outputs=torch.tanh)``.
    """

    def __init__(self, **instead: Any) -> None:
        for name, act in instead.items():
            setattr(self, name, act)

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the settings that are used."""
        return recipe

    def built(self, learner: Learner) -> None:
        """Change what was made: the model, its optimiser, its examples."""

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch that is learned from."""
        return inputs, targets

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return the outputs that the loss is computed from."""
        return outputs

    def loss(self, loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
        """Return the loss that is minimised."""
        return loss

    keeps_gradients = False
    """Whether the gradients of the step before are still there."""

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Change the gradients before the update."""

    def evaluated(self, numbers: dict[str, float], details: dict[str, Array]) -> dict[str, float]:
        """Return the metrics of a validation, from its numbers and their details."""
        return numbers

    def held_out(self, learner: Learner) -> TrainingSet | None:
        """Return the examples that validate; None for those that should."""
        return None

    def rate(self, rate: float, step: int) -> float:
        """Return the learning rate that is used."""
        return rate


class FaultyLearner(Learner):
    """A learner with a fault; the trainer does not know the difference.

    Args:
        fault: what is wrong with it.
        playground, recipe, data, device, resume, group: as for :class:`Learner`.
    """

    def __init__(
        self,
        fault: FaultInjection,
        playground: Playground,
        recipe: Recipe,
        data: Any,
        device: torch.device,
        resume: Checkpoint | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        self._fault = fault
        self._fresh = copy.deepcopy(fault)  # a copy must not share what a fault remembers
        super().__init__(playground, fault.recipe(recipe), data, device, resume, group)
        with torch.no_grad():
            fault.built(self)

    def copy(self, changes: Mapping[str, Any]) -> Learner:
        """Return a fresh learner with the same fault, and other settings."""
        recipe = self.recipe.replace(changes)
        fault = copy.deepcopy(self._fresh)
        # Settings that are the fault stand in the recipe already: what is set now counts.
        fault.recipe = FaultInjection().recipe  # type: ignore[method-assign]
        return FaultyLearner(fault, self.playground, recipe, self.data, self.device)

    def take(self, recipe: Recipe | None = None) -> tuple[Tensor, Tensor]:
        """Return the next batch."""
        return self._fault.batch(*super().take(recipe))

    def held_out(self) -> TrainingSet:
        """Return the examples that validate."""
        return self._fault.held_out(self) or super().held_out()

    def evaluate(self, limit: int | None = None) -> tuple[dict[str, float], dict[str, Array]]:
        """Evaluate the model on validation data."""
        numbers, details = super().evaluate(limit)
        return self._fault.evaluated(numbers, details), details

    def forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs and loss of a batch."""
        outputs = self._fault.outputs(self._forward(inputs))
        loss = self.playground.loss(self.recipe, outputs, targets)
        return outputs, self._fault.loss(loss, outputs, targets, self.model)

    def zero_gradients(self) -> None:
        """Forget the gradients of the step before, or don't."""
        if not self._fault.keeps_gradients:
            super().zero_gradients()

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients, and change them."""
        super().backward(loss)
        with torch.no_grad():
            self._fault.gradients(self.weights)

    def rate(self, progress: float) -> float:
        """Return the learning rate at this part of the run."""
        return self._fault.rate(super().rate(progress), self.step)
