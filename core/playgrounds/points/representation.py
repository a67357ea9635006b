"""The points of a data set as a network represents them, from layer to layer."""

import numpy as np
import torch
from torch import nn

from ...telemetry.events import Event
from ...training import representation
from ...training.control import Question
from .datasets import divided_rows, generated
from .models import MLP
from .recipe import DRAWN, PointsRecipe


def ask_representation(place: str, recipe: PointsRecipe) -> Question:
    """Return what to ask a points model: what a place makes of the points of its recipe.

    The answer has the points' own ``inputs`` (N, 1 or 2) and their ``targets``: classes (N,) or
    values (N, 1). Those that train and those that validate are among them.
    """

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, MLP)
        drawn = recipe.dataset == DRAWN
        found = divided_rows(model.drawn, recipe) if drawn else generated(recipe)
        parts = (found.train, found.validation)
        inputs = np.concatenate([part.inputs for part in parts])
        targets = np.concatenate([part.targets for part in parts])
        batch = torch.from_numpy(inputs)
        return representation.answer(model, step, place, [batch], inputs=inputs, targets=targets)

    return ask
