"""A digit's way through a network: what each layer was given, said, and how one output is summed.

All numbers are the network's own: each stage runs the layer's own acts, one after another.
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
LONG = 6  # times as long as high: a vector folded into such a rectangle is shown as it is


@dataclass(frozen=True)
class Sum:
    """One output of a layer: ``(inputs * weights).sum() + bias``, and what follows.

    Attributes:
        inputs, weights: (R, C), folded so that the eye finds its way.
        row: what a row of them is: a row, or a channel.
        bias: what is added; None where the layer has none.
        steps: what is done to the sum, in order: words, and the number after it.
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
    """A layer and what it did with one example.

    Attributes:
        info: what stays the same about it: name and sizes.
        layer: a convolution, or a plain matrix.
        given: what came in, (in,) or (channels, side, side).
        outputs: what it said, before pooling: (units,) or (units, side, side).
    """

    def __init__(self, info: LayerInfo, layer: Layer, given: Tensor, picture: bool) -> None:
        self.info, self.layer = info, layer
        self.picture = picture
        """Whether what came in is the digit itself."""
        self.given = given
        self._said = [given]
        for act in layer.spoken:
            self._said.append(act(self._said[-1][None])[0])
        self.outputs: Array = frozen(self._said[-1])

    @property
    def slides(self) -> bool:
        """Whether it is a convolution, with an output for each place."""
        return isinstance(self.layer.product, nn.Conv2d)

    @property
    def acts(self) -> tuple[str, ...]:
        """What follows the sum, in words."""
        norm = ("batch norm",) if self.layer.has_norm else ()
        return norm + ((self.layer.activation,) if self.layer.activation else ())

    def sum_of(self, unit: int, place: Place = (0, 0)) -> Sum:
        """Return how an output is summed; ``place`` is that of a convolution's."""
        product = self.layer.product
        at = (unit, *place) if self.slides else (unit,)
        steps = zip(self.acts, self._said[2:], strict=True)
        bias = getattr(product, "bias", None)
        inputs, weights, row = self._folded(unit, place)
        return Sum(
            inputs,
            weights,
            row,
            None if bias is None else bias[unit].item(),
            tuple((words, float(said[at])) for words, said in steps),
        )

    def _folded(self, unit: int, place: Place) -> tuple[Array, Array, str]:
        weight = self.layer.product.weight[unit].detach()
        if self.slides:
            window = _window(self.given, weight.shape[-1], place)
            if len(window) == 1:
                return frozen(window[0]), frozen(weight[0]), "row"
            return frozen(window.flatten(1)), frozen(weight.flatten(1)), "channel"
        rows = 28 if self.picture else _rows(len(weight))
        return frozen(self.given.view(rows, -1)), frozen(weight.view(rows, -1)), "row"


@torch.no_grad()
def journey(model: nn.Module, picture: Array) -> tuple[TraceStage, ...]:
    """Carry a centred picture (28, 28), 0 paper to 1 ink, through a digits network."""
    infos = dict(zip(layers_of(model).values(), describe(model), strict=True))
    met: list[tuple[Layer, Tensor]] = []

    def meet(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Layer)
        met.append((layer, inputs[0][0]))

    hooks = [layer.register_forward_pre_hook(meet) for layer in infos]
    try:
        model(prepare(torch.from_numpy(picture)[None]))
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(
        TraceStage(infos[layer], layer, given, number == 0)
        for number, (layer, given) in enumerate(met)
    )


def _window(given: Tensor, kernel: int, place: Place) -> Tensor:
    """Return what a filter sees at a place, (channels, k, k); beyond the edge there are zeros."""
    before = (kernel - 1) // 2
    after = kernel - 1 - before
    padded = F.pad(given, (before, after, before, after))
    row, column = place
    return padded[:, row : row + kernel, column : column + kernel]


def _rows(length: int) -> int:
    """Return how many rows a vector is folded into: the nearest to a square that leaves no rest."""
    fitting = [rows for rows in range(1, int(length**0.5) + 1) if length % rows == 0]
    return fitting[-1] if length / fitting[-1] ** 2 <= LONG else 1


def softmax(scores: Array, temperature: float = 1.0) -> tuple[Array, Array, Array]:
    """Return scores (K,) on their way to shares: divided, e to the power of it, shared out.

    The largest is taken off before: that changes no share, and keeps e to it within a computer's
    numbers.
    """
    divided = scores / temperature
    powers = np.exp(divided - divided.max())
    return divided - divided.max(), powers, powers / powers.sum()
