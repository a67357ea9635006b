"""A copy of a network for inference, apart from the one that is being trained."""

from collections.abc import Mapping

import numpy as np
import torch

from ..playground import Playground, Vocabulary
from ..telemetry.events import Array
from .recipe import Recipe
from .shape import build_shape


class Replica:
    """A model of its own that takes copies of the newest weights; always in eval mode.

    Args:
        playground: what it is of.
        recipe: how it was made.
        vocabulary: what its inputs and outputs stand for.
        arrays: its weights by name, which are copied; zeros where there are none yet.

    It runs on the CPU and on one thread: one small input at a time is faster there than its way to
    a GPU and back, and the training keeps the other cores.
    """

    @torch.no_grad()
    def __init__(
        self,
        playground: Playground,
        recipe: Recipe,
        vocabulary: Vocabulary,
        arrays: Mapping[str, Array] | None = None,
    ) -> None:
        self.playground = playground
        self.recipe = recipe
        self.vocabulary = vocabulary
        # To make weights here would take random numbers from the training's.
        model = build_shape(playground, recipe, vocabulary)
        if arrays is None:
            model = model.to_empty(device="cpu")
            for tensor in model.state_dict().values():
                tensor.zero_()
        else:  # at once, for a large network's take a while
            # A read-only array can't be wrapped without a warning.
            model.load_state_dict({n: torch.tensor(a) for n, a in arrays.items()}, assign=True)
        self.model = model.eval()
        self._state = self.model.state_dict()

    @torch.no_grad()
    def update(self, arrays: Mapping[str, Array]) -> None:
        """Copy newer weights, by name."""
        for name, array in arrays.items():
            np.copyto(self._state[name].numpy(), array)
