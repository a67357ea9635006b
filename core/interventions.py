"""Interventions: mute, scale or set a unit, a filter or an attention head, and see what follows.

What a network loses without a part is what that part does for it (ablation: Michel et al. 2019,
"Are sixteen heads really better than one?"; Meyes et al. 2019). Nothing is learned here: the
weights stay, and what a layer says is changed on its way to the next one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .layers import layers_of
from .transformer import Block

A = TypeVar("A")


@dataclass(frozen=True)
class Part:
    """What can be intervened on.

    Attributes:
        layer: a name in ``layers_of(model)``; of a head, that of its block's ``project``, which is
            handed what the heads have gathered.
        index: which unit, filter or head of that layer, from 0.
        head: whether it is an attention head.
    """

    layer: str
    index: int
    head: bool = False

    @property
    def block(self) -> int:
        """Which block a head is of, from 0: the last number in the name of its layer."""
        return int([word for word in self.layer.split(".") if word.isdigit()][-1])


@dataclass(frozen=True)
class Intervention:
    """A part says ``factor`` times what it would have said, plus ``added``.

    Zero and nothing added mutes it; zero and a number sets it to that number (a patch). A filter
    says so at every place of its map, and the unit of a text at every token.
    """

    part: Part
    factor: float = 0.0
    added: float = 0.0

    @property
    def changes_nothing(self) -> bool:
        """Whether the part is left as it is."""
        return self.factor == 1.0 and self.added == 0.0


class _Change:
    """What stands in a layer's row of acts: multiplies by a tensor and adds another one."""

    def __init__(self, factor: Tensor, added: Tensor) -> None:
        self.factor = factor
        self.added = added

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.added.to(x), self.factor.to(x), x)


def intervene(model: nn.Module, interventions: Iterable[Intervention]) -> None:
    """Let a model compute with these interventions from now on, and with no others.

    A unit is changed behind its norm and activation, before pooling and dropout: as the layer's
    listener hears it. A model without interventions is what it was, at no cost.

    Args:
        model: made of :class:`core.layers.Layer`; a replica, not the one that is trained.
        interventions: at most one for each part; those on parts that the model lacks are ignored.
    """
    layers = layers_of(model)
    heads = heads_of(model)
    for layer in layers.values():
        layer.spoken = [act for act in layer.spoken if not isinstance(act, _Change)]
    told = [each for each in interventions if not each.changes_nothing]
    for name, layer in layers.items():
        of_heads = [i for i in told if i.part.layer == name and i.part.head]
        of_units = [i for i in told if i.part.layer == name and not i.part.head]
        count = heads.get(name, 0)
        if change := _change_of(of_heads, count, layer.fan_in // max(1, count), ()):
            layer.spoken.insert(0, change)
        places = (1, 1) if isinstance(layer.product, nn.Conv2d) else ()
        if change := _change_of(of_units, layer.fan_out, 1, places):
            layer.spoken.append(change)


@contextmanager
def intervened(model: nn.Module, interventions: Iterable[Intervention]) -> Iterator[None]:
    """Let a model compute with these interventions for a while, such as one that is trained."""
    before = {layer: layer.spoken for layer in layers_of(model).values()}
    intervene(model, interventions)
    try:
        yield
    finally:
        for layer, spoken in before.items():
            layer.spoken = spoken


def asked_with(
    interventions: Iterable[Intervention], question: Callable[[Any, int], A]
) -> Callable[[Any, int], A]:
    """Return a question that is put to a model while it computes with these interventions."""

    def ask(model: Any, step: int) -> A:
        with intervened(model, interventions):
            return question(model, step)

    return ask


def heads_of(model: nn.Module) -> dict[str, int]:
    """Return how many attention heads there are before each layer that has any, by its name."""
    return {
        f"{name}.project": block.heads
        for name, block in model.named_modules()
        if isinstance(block, Block)
    }


@torch.no_grad()
def importance(
    model: nn.Module, parts: Iterable[Part], loss: Callable[[], Tensor]
) -> dict[Part, float]:
    """Return by how much the loss rises when a part is muted, one part after another.

    Args:
        model: has the interventions of a person, or none, which are undone; hand it a copy.
        parts: of the model.
        loss: computes the loss of the model on the same examples each time, one number.
    """
    intervene(model, ())
    whole = loss().item()
    found = {}
    for part in parts:
        intervene(model, [Intervention(part)])
        found[part] = loss().item() - whole
    intervene(model, ())
    return found


def _change_of(
    interventions: list[Intervention], count: int, width: int, places: tuple[int, ...]
) -> _Change | None:
    """Return the change of a layer's outputs, or of the heads it is handed; None for none.

    Args:
        interventions: of that layer, on its units or on its heads.
        count: how many units or heads there are.
        width: numbers of each.
        places: the dimensions behind that of the units, each 1.
    """
    factor, added = torch.ones(count), torch.zeros(count)
    for each in interventions:
        if each.part.index < count:
            factor[each.part.index], added[each.part.index] = each.factor, each.added
    if (factor == 1.0).all() and (added == 0.0).all():
        return None
    shape = (count * width, *places)
    return _Change(*(x.repeat_interleave(width).view(shape) for x in (factor, added)))
