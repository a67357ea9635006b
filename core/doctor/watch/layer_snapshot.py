"""What the layer table of the window shows, of the layers of any program: an observed step.

The numbers are those of the probes (:mod:`core.telemetry.probes`), measured on what a tape keeps.
"""

import math

import torch

from ...telemetry.events import LayerInfo, LayersSeen, LayerStats, Snapshot, frozen
from ...telemetry.probes import BINS, layer_stats, measure_activation, measure_gradient
from .graph import StepGraph
from .inference import NORMALISATION, signature
from .observation import Observation, ObservedLayer, ObservedParameter


def layer_snapshot(graph: StepGraph, seen: Observation) -> LayersSeen:
    """Return the layers of a step, and what was measured of each.

    Args:
        graph: an observed step.
        seen: the numbers of the same step.
    """
    behind = signature(graph.ops, graph.weights)
    known = {parameter.name: parameter for parameter in seen.parameters}
    layers = tuple(
        LayerInfo(
            name=layer.name,
            fan_in=layer.fan_in,
            units=layer.units,
            kernel=graph.weights[key].shape[-1] if layer.kind.startswith("conv") else 0,
            parameters=graph.weights[key].numel(),
            activation=layer.nonlinearity,
            norm=key in behind and NORMALISATION in behind[key].operations,
            is_embedding=layer.is_embedding,
            frozen=layer.frozen or _is_left_out(known.get(layer.parameter)),
        )
        for key, layer in zip(graph.layers, seen.layers, strict=True)
    )
    stats = [
        _measured(graph, key, layer, known.get(layer.parameter))
        for key, layer in zip(graph.layers, seen.layers, strict=True)
    ]
    return LayersSeen(layers, Snapshot(seen.step, tuple(stats)))


def _is_left_out(parameter: ObservedParameter | None) -> bool:
    """Whether no optimiser holds a parameter, and nothing else moves it."""
    return parameter is not None and parameter.in_optimizer is False and not parameter.update > 0


@torch.no_grad()
def _measured(
    graph: StepGraph, key: int, layer: ObservedLayer, parameter: ObservedParameter | None
) -> LayerStats:
    op = graph.nonlinearities.get(key) or graph.layers[key]
    output = op.outputs[0].detach()
    gradient = graph.tape.activation_gradients.get(id(op.outputs[0]))
    unit_dim = 1 if graph.layers[key].name.startswith("conv") else -1
    weight = [layer.weight_std, *((parameter.gradient, parameter.update) if parameter else (0, 0))]
    numbers = [
        measure_activation(output.float(), layer.nonlinearity, unit_dim).cpu(),
        torch.zeros(BINS + 2) if gradient is None else measure_gradient(gradient).cpu(),
        torch.tensor([0.0 if math.isnan(value) else value for value in weight]),
        torch.full((2,), math.nan),
    ]
    return layer_stats(frozen(torch.cat(numbers)), layer.nonlinearity)
