"""A copy of a network for inference, apart from the one that is being trained."""

from collections.abc import Mapping

import torch

from ..playground import Playground, Vocabulary
from ..telemetry.events import Array
from .recipe import Recipe
from .shape import build_shape


class Replica:
    """A model of its own that takes copies of the newest weights; always in eval mode.

    It runs on the CPU and on one thread: one small input at a time is faster there than its way to
    a GPU and back, and the training keeps the other cores.
    """

    @torch.no_grad()
    def __init__(self, playground: Playground, recipe: Recipe, vocabulary: Vocabulary) -> None:
        self.playground = playground
        self.recipe = recipe
        self.vocabulary = vocabulary
        # To make weights here would take random numbers from the training's.
        model = build_shape(playground, recipe, vocabulary)
        self.model = model.to_empty(device="cpu").eval()
        self._state = self.model.state_dict()
        for tensor in self._state.values():
            tensor.zero_()

    @torch.no_grad()
    def update(self, arrays: Mapping[str, Array]) -> None:
        """Copy newer weights, by name."""
        for name, array in arrays.items():
            # A read-only array can't be wrapped without a warning, and copy_ only reads it.
            self._state[name].copy_(torch.tensor(array))
