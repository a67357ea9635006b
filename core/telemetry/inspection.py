"""One layer opened: its weights, top-activating examples, and activations for a picture.

Runs in the training thread at a step edge. It asks a copy of the model, so that the model itself
keeps its modes, its running statistics, its gradients and its hooks.
"""

import copy

import torch
from torch import Tensor, nn

from ..layers import Layer, layers_of
from .events import LayerView, frozen

PICTURED = 64  # units that get pictures; activity is told of all
BEST = 0.1  # share of the examples that a unit's picture is made of
CHUNK = 50  # examples at once: a convolution's maps stay within the processor's cache


@torch.no_grad()
def inspect_layer(
    model: nn.Module,
    name: str,
    step: int,
    examples: Tensor,
    shown: Tensor | None = None,
    pictures: Tensor | None = None,
) -> LayerView:
    """Open one layer. Its activation is what a listener hears, before pooling and dropout.

    Args:
        model: made of :class:`core.layers.Layer`.
        name: one of ``layers_of(model)``.
        step: where the training stands.
        examples: prepared inputs (N, ...), some 200, the same at each look.
        shown: the prepared input (1, ...) that a person made, if there is one.
        pictures: the examples as they are to be seen (N, H, W), if they are no pictures already;
            empty where they can't be seen, and then ``seeks`` is empty too.

    Returns:
        Weights and activity of all units; ``seeks``, and ``maps`` that are pictures, of at most
        the first ``PICTURED``. ``maps`` is empty if nothing is shown.

    Raises:
        KeyError: the model has no such layer.
    """
    weight = layers_of(model)[name].product.weight
    examples = examples.to(weight.device)
    # Without dropout, so no random number is drawn; channels last is how a CPU convolves fastest.
    standing = copy.deepcopy(model).eval().to(memory_format=torch.channels_last)
    layer = layers_of(standing)[name]
    parts = [_activation(standing, layer, part) for part in torch.split(examples, CHUNK)]
    maps = said = weight.new_empty(0)
    if shown is not None:
        maps = _activation(standing, layer, shown.to(weight.device))[0]
        maps = maps[:, -1] if maps.dim() == 2 else maps  # the last place is what was typed last
        said = maps.mean((1, 2)) if maps.dim() == 3 else maps
    activity = torch.cat([_largest(part) for part in parts])  # (N, units)
    sums = torch.stack([part.transpose(0, 1).flatten(1).sum(1) for part in parts]).sum(0)
    places = sum(part[:, 0].numel() for part in parts)
    seen = examples[:, 0] if pictures is None else pictures
    seeks = weight.new_empty(0)
    if seen.numel():
        seeks = _seeks(activity[:, :PICTURED], seen.to(weight.device))
    return LayerView(
        layer=name,
        step=step,
        weights=frozen(weight.T if isinstance(layer.product, nn.Embedding) else weight),
        seeks=frozen(seeks),
        maps=frozen(maps[:PICTURED] if maps.dim() == 3 else maps),
        activity=frozen(activity.T.contiguous()),
        means=frozen(sums / places),
        shown=frozen(said),
    )


def _activation(model: nn.Module, layer: Layer, inputs: Tensor) -> Tensor:
    """Run a batch as far as the layer; returns (B, units), (B, units, S, S) or (B, units, T)."""
    seen: list[Tensor] = []

    layer.listener = lambda layer, output: seen.append(output)  # of a copy: it stays there
    model(inputs)
    return seen[-1].movedim(layer.unit_dim, 1)  # of a layer that is used often, its last word


def _largest(activation: Tensor) -> Tensor:
    """(B, units, ...) to (B, units): a filter is as excited as at its best place."""
    return activation.flatten(2).amax(2) if activation.dim() > 2 else activation


def _seeks(activity: Tensor, pictures: Tensor) -> Tensor:
    """(N, units) and pictures (N, H, W) to (units, H, W): means of the most exciting examples.

    Each of the best tenth counts by how far it lifts the unit above its lowest, so that this holds
    for relu and tanh alike. A unit that says the same to every example looks for nothing: blank.
    """
    ink = pictures.flatten(1).float()  # (N, H * W)
    ink = ink - ink.min()
    ink = ink / ink.max().clamp(min=1e-12)
    lift = (activity - activity.amin(0)).nan_to_num(0.0, 0.0, 0.0)
    best = lift.topk(max(1, round(BEST * len(lift))), dim=0)
    weights = torch.zeros_like(lift).scatter(0, best.indices, best.values)
    weights = weights / weights.sum(0).clamp(min=1e-12)
    return (weights.T @ ink).view(-1, *pictures.shape[-2:])
