"""Forward trace of a digit: the input and output of each layer, and how one output is summed.

All numbers are the network's own: each stage runs the layer's own operations, one by one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers import Layer, layers_of
from ..playgrounds.digits.data import prepare
from ..telemetry.events import Array, LayerInfo, frozen
from ..telemetry.probes import describe

Place = tuple[int, int]
MAX_ASPECT = 6  # a vector that folds only into longer rectangles stays one row


@dataclass(frozen=True)
class WeightedSum:
    """One output of a layer: ``(inputs * weights).sum() + bias``, and the operations after it.

    Attributes:
        inputs, weights: (R, C), folded into a readable rectangle.
        row: the word for a row of them: "row" or "channel".
        bias: of the output; None where the layer has none.
        steps: the operations after the sum, in order: name, and the number after it.
    """

    inputs: Array
    weights: Array
    row: str
    bias: float | None
    steps: tuple[tuple[str, float], ...]

    @property
    def products(self) -> Array:
        """Each input times its weight (R, C)."""
        return self.inputs * self.weights

    @property
    def rows(self) -> Array:
        """The sum of each row (R,)."""
        sums: Array = self.products.sum(1)
        return sums

    @property
    def total(self) -> float:
        """The sum, with the bias."""
        return float(self.products.sum() + (self.bias or 0.0))


class TraceStage:
    """A layer with its input and output for one example.

    Attributes:
        info: its name and sizes.
        layer: a convolution or a linear layer.
        input: (in,) or (channels, side, side).
        is_picture: whether the input is the digit itself.
        outputs: before pooling: (units,) or (units, side, side).
    """

    def __init__(self, info: LayerInfo, layer: Layer, input: Tensor, is_picture: bool) -> None:
        self.info, self.layer = info, layer
        self.input, self.is_picture = input, is_picture
        self._values = [input]
        for operation in layer.spoken:
            self._values.append(operation(self._values[-1][None])[0])
        self.outputs: Array = frozen(self._values[-1])

    @property
    def is_convolution(self) -> bool:
        """Whether it has an output for each position."""
        return isinstance(self.layer.product, nn.Conv2d)

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations after the sum, in words."""
        norm = ("batch norm",) if self.layer.has_norm else ()
        return norm + ((self.layer.activation,) if self.layer.activation else ())

    def sum_of(self, unit: int, place: Place = (0, 0)) -> WeightedSum:
        """Return how an output is summed, of a convolution the one at ``place``."""
        product = self.layer.product
        at = (unit, *place) if self.is_convolution else (unit,)
        steps = zip(self.operations, self._values[2:], strict=True)
        bias = getattr(product, "bias", None)
        inputs, weights, row = self._folded(unit, place)
        return WeightedSum(
            inputs,
            weights,
            row,
            None if bias is None else bias[unit].item(),
            tuple((words, float(values[at])) for words, values in steps),
        )

    def _folded(self, unit: int, place: Place) -> tuple[Array, Array, str]:
        weight = self.layer.product.weight[unit].detach()
        if self.is_convolution:
            window = _window(self.input, weight.shape[-1], place)
            if len(window) == 1:
                return frozen(window[0]), frozen(weight[0]), "row"
            return frozen(window.flatten(1)), frozen(weight.flatten(1)), "channel"
        rows = 28 if self.is_picture else _rows(len(weight))
        return frozen(self.input.view(rows, -1)), frozen(weight.view(rows, -1)), "row"


@torch.no_grad()
def forward_trace(model: nn.Module, picture: Array) -> tuple[TraceStage, ...]:
    """Run a centred picture (28, 28), 0 paper to 1 ink, through a digits network."""
    infos = dict(zip(layers_of(model).values(), describe(model), strict=True))
    calls: list[tuple[Layer, Tensor]] = []

    def record(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Layer)
        calls.append((layer, inputs[0][0]))

    hooks = [layer.register_forward_pre_hook(record) for layer in infos]
    try:
        model(prepare(torch.from_numpy(picture)[None]))
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(
        TraceStage(infos[layer], layer, input, number == 0)
        for number, (layer, input) in enumerate(calls)
    )


def _window(input: Tensor, kernel: int, place: Place) -> Tensor:
    """Return the receptive field of a filter at a place, (channels, k, k), padded with zeros."""
    before = (kernel - 1) // 2
    after = kernel - 1 - before
    padded = F.pad(input, (before, after, before, after))
    row, column = place
    return padded[:, row : row + kernel, column : column + kernel]


def _rows(length: int) -> int:
    """Return the rows of the rectangle nearest to a square that a vector folds into."""
    divisors = [rows for rows in range(1, int(length**0.5) + 1) if length % rows == 0]
    return divisors[-1] if length / divisors[-1] ** 2 <= MAX_ASPECT else 1


def softmax(logits: Array, temperature: float = 1.0) -> tuple[Array, Array, Array]:
    """Return the steps of a softmax of logits (K,): shifted, exponentials, probabilities.

    The largest is subtracted: that changes no probability, and avoids overflow.
    """
    shifted = (logits - logits.max()) / temperature
    powers = np.exp(shifted)
    return shifted, powers, powers / powers.sum()
