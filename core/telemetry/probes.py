"""Probes: measure each layer in one step, by hooks that remove themselves.

The quantities are those of the makemore lectures (parts 3 and 4): activations and how many of
them saturate, the gradient that reaches a layer's output, the gradient-to-weight ratio, and the
update-to-weight ratio (best near -3 in log10). Of a layer that learns an addition of low rank
(LoRA), gradient and update are those of its two factors, since its matrix stays as it is.
"""

import math
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..interruption import heed
from ..layers import Layer, LowRankLinear, layers_of
from ..transformer import Block, measure_blocks
from .events import LayerInfo, LayerStats, Snapshot, frozen
from .layer_health import is_dead, is_saturated

BINS = 48
MAX_VALUES = 16_384  # in a histogram: plenty for its shape, cheap for a convolution


def probe_batch(model: nn.Module, loss: Callable[[], Tensor], step: int) -> Snapshot:
    """Measure the layers of a network on a batch, without training it.

    Args:
        model: the network, as it stands.
        loss: runs it on the batch and returns the loss.
        step: the step to put on the snapshot.
    """
    with Probe(model) as probe:
        loss().backward()  # type: ignore[no-untyped-call]
        probe.before_update()
        probe.after_update()
    snapshot = probe.snapshot(step, rate_share=0.0)
    model.zero_grad(set_to_none=True)
    return snapshot


def describe(model: nn.Module) -> tuple[LayerInfo, ...]:
    """Return what stays the same about each layer of a model."""
    return tuple(
        LayerInfo(
            name=name,
            fan_in=layer.fan_in,
            units=layer.fan_out,
            kernel=layer.product.weight.shape[-1] if layer.product.weight.dim() == 4 else 0,
            parameters=sum(p.numel() for p in layer.parameters()),
            activation=layer.activation,
            norm=layer.has_norm,
            is_embedding=isinstance(layer.product, nn.Embedding),
            frozen=not any(weight.requires_grad for weight in layer.learned),
            rank=len(layer.product.down) if isinstance(layer.product, LowRankLinear) else 0,
        )
        for name, layer in layers_of(model).items()
    )


class Probe:
    """Measures every layer during one step, then removes itself; given up before its next layer.

    ``with Probe(model) as probe:`` around forward and backward; ``before_update`` and
    ``after_update`` around the optimiser's step; then ``snapshot``. Everything is measured on the
    model's device and comes over in one transfer.
    """

    def __init__(self, model: nn.Module) -> None:
        self.layers = list(layers_of(model).values())
        self._blocks = [m for m in model.modules() if isinstance(m, Block)]
        self._block_stats: dict[Layer, Tensor] = {}
        self._outputs: dict[Layer, Tensor] = {}
        self._forward: dict[Layer, Tensor] = {}
        self._backward: dict[Layer, Tensor] = {}
        self._weights: list[list[Tensor]] = []
        self._update: list[Tensor] = []
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        """Hook onto the layers."""
        for layer in self.layers:
            layer.listener = self._record
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove all hooks, whatever happened."""
        for layer in self.layers:
            layer.listener = None
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _record(self, layer: Layer, output: Tensor) -> None:
        heed()
        # A layer that is used several times in a step (a GRU's hidden-to-hidden) is measured in its
        # last use, which the gradient comes back to first.
        self._outputs[layer] = output.detach()

        def keep_gradient(gradient: Tensor) -> None:
            if layer not in self._backward:
                self._backward[layer] = measure_gradient(gradient.detach())

        if output.requires_grad:
            self._handles.append(output.register_hook(keep_gradient))  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def before_update(self) -> None:
        """Measure the outputs, and keep the weights, to measure their update."""
        for layer, output in self._outputs.items():
            heed()
            self._forward[layer] = measure_activation(output, layer.activation, layer.unit_dim)
        self._block_stats = measure_blocks(self._blocks, self._outputs)
        self._weights = [[w.detach().clone() for w in layer.learned] for layer in self.layers]

    @torch.no_grad()
    def after_update(self) -> None:
        """Measure gradients and updates against the weights."""
        for layer, before in zip(self.layers, self._weights, strict=True):
            heed()
            weights = layer.learned
            gradients = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
            updates = [weight - old for weight, old in zip(weights, before, strict=True)]
            self._update.append(torch.stack([_std(x) for x in (before, gradients, updates)]))

    def snapshot(self, step: int, rate_share: float = 1.0) -> Snapshot:
        """Bring all numbers over, as a snapshot of that step."""
        parts = []
        for layer, update in zip(self.layers, self._update, strict=True):
            no_gradient = torch.zeros(BINS + 2, device=update.device)
            no_block = torch.full((2,), math.nan, device=update.device)
            parts += [self._forward[layer], self._backward.get(layer, no_gradient), update]
            parts += [self._block_stats.get(layer, no_block)]
        flat = frozen(torch.cat(parts))
        size = len(flat) // len(self.layers)
        stats = [
            layer_stats(flat[i * size : (i + 1) * size], layer.activation)
            for i, layer in enumerate(self.layers)
        ]
        return Snapshot(step, tuple(stats), rate_share)


def _sample(x: Tensor) -> Tensor:
    """Return all values of a tensor, flat, or evenly spread ones if they are too many."""
    flat = x.flatten()
    # An odd stride meets every column of a picture in turn.
    return flat[:: max(1, len(flat) // MAX_VALUES) | 1].float()


def _std(parts: Sequence[Tensor]) -> Tensor:
    """Standard deviation of all values together as one number, defined for a single one too."""
    whole = parts[0] if len(parts) == 1 else torch.cat([part.flatten() for part in parts])
    return whole.float().std(correction=0)


def measure_activation(output: Tensor, activation: str, unit_dim: int) -> Tensor:
    """An output to BINS shares, then high, mean, std, zero, saturated, dead.

    The histogram is over [-high, high], or [0, high] where nothing is negative.

    Args:
        output: of a layer, behind its activation function.
        activation: that function; "" for none.
        unit_dim: the dimension of its units.
    """
    values = _sample(output)
    mean, std = values.mean(), values.std(correction=0)
    if activation in ("tanh", "sigmoid"):
        high, saturated = torch.ones_like(mean), is_saturated(values, activation).float().mean()
    else:
        high = 4 * values.square().mean().sqrt() + 1e-12
        saturated = torch.zeros_like(mean)
    dead = torch.zeros_like(mean)
    if activation == "relu":
        units = output.movedim(unit_dim, -1).reshape(-1, output.shape[unit_dim])
        dead = is_dead(units, activation).float().mean()
    zero = (values == 0).float().mean()
    shown = values[values != 0] if values.device.type == "cpu" else values
    low = 0.0 if activation in ("relu", "sigmoid") else -1.0
    shares = torch.histc(shown / high, BINS, low, 1.0) / max(1, len(values))
    return torch.cat([shares, torch.stack([high, mean, std, zero, saturated, dead])])


def measure_gradient(gradient: Tensor) -> Tensor:
    """A gradient of any shape to BINS shares, then high and std."""
    values = _sample(gradient)
    std = values.std(correction=0)
    # A gradient that is exactly zero (behind a relu that is off) says nothing about the spread.
    values = values[values != 0] if values.device.type == "cpu" else values
    high = 4 * values.square().mean().sqrt() if len(values) else torch.zeros_like(std)
    high = high + 1e-30
    shares = torch.histc(values / high, BINS, -1.0, 1.0) / max(1, len(values))
    return torch.cat([shares, torch.stack([high, std])])


def layer_stats(numbers: Any, activation: str) -> LayerStats:
    """Return what was measured of a layer, by name.

    Args:
        numbers: of :func:`measure_activation` and :func:`measure_gradient`; the standard deviations
            of weights, their gradient and their update; the attention's entropy, and the stream.
        activation: its activation function; "" for none.
    """
    high, mean, std, zero, saturated, dead = numbers[BINS : BINS + 6].tolist()
    gradient = numbers[BINS + 6 :]
    gradient_high, gradient_std, weight, weight_gradient, update = gradient[BINS:-2].tolist()
    return LayerStats(
        activation_histogram=numbers[:BINS],
        activation_low=0.0 if activation in ("relu", "sigmoid") else -high,
        activation_high=high,
        mean=mean,
        std=std,
        zero=zero,
        saturated=saturated,
        dead=dead,
        gradient_histogram=gradient[:BINS],
        gradient_high=gradient_high,
        gradient_std=gradient_std,
        weight_std=weight,
        gradient_to_weight=weight_gradient / weight if weight else math.inf,
        update_to_data=math.log10(update / weight) if update and weight else -math.inf,
        attention_entropy=float(gradient[-2]),
        stream=float(gradient[-1]),
    )
