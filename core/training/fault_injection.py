"""What can be done wrong on purpose: every act of a learner, as it should be.

A fault (:mod:`core.doctor.faults.gallery`) overrides some of them. A learner without one does not
ask.
"""

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from ..telemetry.events import Array
    from .learner import Learner
    from .recipe import Recipe


class FaultInjection:
    """Changes nothing."""

    def recipe(self, recipe: "Recipe") -> "Recipe":
        """Return the settings that are used."""
        return recipe

    def data(self, data: Any) -> Any:
        """Return the data that is used."""
        return data

    def built(self, learner: "Learner") -> None:
        """Change what was made: the model, its optimiser, its examples."""

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch that is learned from."""
        return inputs, targets

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return what is judged."""
        return outputs

    def loss(self, loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
        """Return what is made small."""
        return loss

    keeps_gradients = False
    """Whether the gradients of the step before are still there."""

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Change the gradients before the update."""

    def judged(self, numbers: dict[str, float], details: dict[str, "Array"]) -> dict[str, float]:
        """Return what is told of a validation, from its numbers and their details."""
        return numbers

    def rate(self, rate: float, step: int) -> float:
        """Return the learning rate that is used."""
        return rate
