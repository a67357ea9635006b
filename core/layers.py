"""A layer: a matrix product and what follows it.

Every model of every playground is made of these, so that whoever looks at a network (probes, the
layer wall, the doctor) finds the same thing in a digit's MLP and in a transformer.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


class Layer(nn.Module):
    """``product``, then batch norm, activation, pooling and dropout, where it has them.

    Attributes:
        product: the module that holds the matrix; its ``weight`` is (out, in) or (out, in, k, k).
        activation: the word for what bends it: relu, tanh, sigmoid, gelu, or "" for none.
    """

    def __init__(
        self,
        product: nn.Linear | nn.Conv2d,
        activation: str = "",
        norm: bool = False,
        pool: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        flat = isinstance(product, nn.Linear)
        width = product.weight.shape[0]
        self.product = product
        self.activation = activation
        self.norm: nn.Module = nn.Identity()
        if norm:
            self.norm = nn.BatchNorm1d(width) if flat else nn.BatchNorm2d(width)
        self.bend: nn.Module = ACTIVATIONS[activation]() if activation else nn.Identity()
        self.pool: nn.Module = nn.MaxPool2d(pool) if pool > 1 else nn.Identity()
        self.dropout: nn.Module = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Carry a batch through: (B, in, ...) to (B, out, ...)."""
        out: Tensor = self.dropout(self.pool(self.bend(self.norm(self.product(x)))))
        return out

    @property
    def fan_in(self) -> int:
        """How many numbers one output is summed from."""
        return self.product.weight[0].numel()

    @property
    def fan_out(self) -> int:
        """How many outputs the layer has (channels, for a convolution)."""
        return self.product.weight.shape[0]


def layers_of(model: nn.Module) -> dict[str, Layer]:
    """Return the layers of a model by name, in the order in which it defines them."""
    return {name: m for name, m in model.named_modules() if isinstance(m, Layer)}


@torch.no_grad()
def initialise(
    model: nn.Module, how: str, gain: float = 1.0, generator: torch.Generator | None = None
) -> None:
    """Set the weights of every layer; biases become zero.

    Args:
        model: made of layers.
        how: ``kaiming`` (He et al. 2015, std = gain of the activation / sqrt(fan in)), ``xavier``
            (Glorot and Bengio 2010, from both fans), ``normal`` (std = ``gain``, whatever the
            size: the notebook's way) or ``zeros``.
        gain: for ``normal``, the standard deviation.
        generator: where the random numbers come from.

    With kaiming and xavier the output layer is drawn ten times smaller, so that the first guess is
    an even one and the loss starts at ln K (lecture 3 of makemore, "fixing the initial loss").
    """
    layers = list(layers_of(model).values())
    for layer in layers:
        weight = layer.product.weight
        if how == "zeros":
            weight.zero_()
        else:
            weight.normal_(0.0, _std(layer, how, gain), generator=generator)
            if layer is layers[-1] and how != "normal":
                weight.mul_(0.1)
        if layer.product.bias is not None:
            layer.product.bias.zero_()


GAINS = {"relu": math.sqrt(2), "gelu": math.sqrt(2), "tanh": 5 / 3}
"""What an activation takes from the spread of a signal, and the weights must give back."""


def _std(layer: Layer, how: str, gain: float) -> float:
    if how == "normal":
        return gain
    give_back = GAINS.get(layer.activation, 1.0)
    if how == "kaiming":
        return give_back / math.sqrt(layer.fan_in)
    fan_out = layer.fan_out * layer.product.weight[0, 0].numel()
    return give_back * math.sqrt(2.0 / (layer.fan_in + fan_out))


def squared_error(outputs: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean squared error of (B, K) outputs against one-hot labels (B,), over all B x K numbers."""
    target = F.one_hot(labels, outputs.shape[-1]).to(outputs.dtype)
    return F.mse_loss(outputs, target * (1.0 - smoothing) + smoothing / outputs.shape[-1])
