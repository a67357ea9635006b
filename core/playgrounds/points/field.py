"""What a network answers all over the plane, and each of its units."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ...layers import size_of
from ...telemetry.events import Answer, Array, Event, frozen
from ...training.control import Question
from ...training.evaluation import evaluation_mode, place_of
from .datasets import SIDE
from .models import MLP

FINEST, COARSEST = 100, 24  # answers along a side
WORK = 40_000_000  # products that a field may cost, so that a training hardly notices
UNIT_GRID = 25  # about how many activations along a side a unit's map has
MOST_UNITS = 32  # of a layer, that have a map
TOPIC = "field"


@dataclass(frozen=True)
class Field:
    """The answers at the centres of a grid over the plane, at a step.

    Attributes:
        step: of the training.
        answers: probabilities (S, S, classes), or values (S, S, 1), the highest row first; where a
            curve is learned the values (1, S, 1) from left to right.
        units: by the layer's name, the activations of its first units (units, s, s).
        picked: the activations (S, S) of the unit that was asked for; None for none.
    """

    step: int
    answers: Array
    units: Mapping[str, Array]
    picked: Array | None = None


def finest(model: MLP) -> int:
    """Return along a side how many answers a network can give often enough."""
    if model.inputs == 1:
        return FINEST
    return int(np.clip(math.sqrt(WORK / size_of(model)), COARSEST, FINEST))


def grid(side: int, inputs: int) -> Array:
    """Return the centres of the cells of a grid, row by row: (S * S, 2), or (S, 1) of a line."""
    along = ((np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1) * SIDE
    if inputs == 1:
        return along[:, None]
    x, y = np.meshgrid(along, along[::-1])
    return np.stack([x.ravel(), y.ravel()], 1)


@torch.no_grad()
def field_of(model: MLP, step: int, pick: tuple[str, int] | None = None) -> Field:
    """Return the field of a network.

    Args:
        model: is left as it was.
        step: where its training stands.
        pick: the name of a layer and the index of a unit that is asked for in full.
    """
    side = finest(model)
    rows = 1 if model.inputs == 1 else side
    x = torch.from_numpy(grid(side, model.inputs)).to(place_of(model))
    units, picked = dict[str, Array](), None
    every = max(1, side // UNIT_GRID)
    layers = [(f"hidden.{index}", layer) for index, layer in enumerate(model.hidden)]
    with evaluation_mode(model):
        for name, layer in [*layers, ("output", model.output)]:
            x = layer(x)
            maps = x.view(rows, side, -1)
            units[name] = frozen(maps[::every, ::every, :MOST_UNITS].permute(2, 0, 1).contiguous())
            if pick is not None and pick[0] == name and pick[1] < maps.shape[2]:
                picked = frozen(maps[:, :, pick[1]].contiguous())
    answers = x.softmax(1) if x.shape[1] > 1 else x
    return Field(step, frozen(answers.view(rows, side, -1)), units, picked)


def ask_field(deliver: Callable[[Field], object], pick: tuple[str, int] | None = None) -> Question:
    """Return what to ask a points model for: its field, which is delivered where it is answered.

    A screen that shows it thirty times a second can't wait for the events of a run, which it is
    handed ten times a second. ``deliver`` is called by the thread that trains.
    """

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, MLP)
        deliver(field_of(model, step, pick))
        return Answer(TOPIC, step, {})

    return ask
