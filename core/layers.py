"""A layer: a matrix product and what follows it.

Every model of every playground is made of these, so that whoever looks at a network (probes, the
layer table, the doctor) finds the same thing in a digit's MLP and in a transformer.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Embedding(nn.Embedding):
    """A table whose first numbers are drawn by :func:`initialise`, and not before.

    To draw them without memory, as a model is built that a file is held against, torch would load
    its compiler: seconds, in which a window can't be relied on to answer.
    """

    def reset_parameters(self) -> None:
        """Leave the numbers as they are."""


class TiedLinear(nn.Module):
    """An output with the matrix of the embedding: x @ W.T (Press and Wolf 2017).

    The embedding stays the one that owns the matrix: it is learned, kept and counted once.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self._owner = [embedding]  # in a list, where torch does not take it for a part of this

    @property
    def weight(self) -> Tensor:
        """The embedding's matrix (V, E), which as a product has E in and V out."""
        return self._owner[0].weight

    def forward(self, x: Tensor) -> Tensor:
        """(..., E) to (..., V)."""
        return F.linear(x, self.weight)


class LowRankLinear(nn.Linear):
    """A product that stays as it is, and an addition of low rank that learns (Hu et al. 2021).

    It begins at zero: one of the two matrices that the addition is made of has drawn numbers, the
    other one zeros, so that the first one's gradient is zero in the first step, too.

    Attributes:
        down, up: (rank, in) and (out, rank); the addition is ``up @ down``, scaled.
        scale: what it is multiplied by, so that a rank asks for no learning rate of its own.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool, rank: int) -> None:
        super().__init__(inputs, outputs, bias)
        self.scale = ALPHA / rank
        self.down = nn.Parameter(torch.zeros(rank, inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draw the one matrix; the other one stays zero."""
        self.down.normal_(0.0, self.in_features**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return super().forward(x) + self.scale * F.linear(F.linear(x, self.down), self.up)


ALPHA = 16.0
"""Hu et al.'s alpha: over the rank it is what an addition of low rank is multiplied by."""
FACTORS = ("down", "up")
"""What an addition of low rank is made of, beside its product's weight."""


def is_factor(name: str) -> bool:
    """Whether a weight of this name is of an addition of low rank."""
    return name.endswith(tuple(f".product.{factor}" for factor in FACTORS))


@torch.no_grad()
def merged(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights by name, with each addition of low rank added to its product."""
    found = {name: tensor for name, tensor in weights.items() if not is_factor(name)}
    for name, up in weights.items():
        if name.endswith(".product.up"):
            product = name.removesuffix("up")
            down = weights[f"{product}down"]
            found[f"{product}weight"] = found[f"{product}weight"] + ALPHA / len(down) * (up @ down)
    return found


Product = nn.Linear | nn.Conv2d | nn.Embedding | TiedLinear
FEW = 4096  # numbers


class GELU(nn.GELU):
    """x times the share of a normal distribution below x (Hendrycks and Gimpel 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the nonlinearity; the shape stays."""
        if x.numel() > FEW or torch.is_grad_enabled():
            return super().forward(x)
        # For a single token torch's own takes four times as long, most of it to get under way.
        return torch.erf(x * 0.5**0.5).add_(1).mul_(x).mul_(0.5)


class TanhGELU(nn.Module):
    """GELU as GPT-2 has it: a hyperbolic tangent in place of the normal distribution."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the nonlinearity; the shape stays."""
        return F.gelu(x, approximate="tanh")


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": GELU,
    "gelu_tanh": TanhGELU,
}


class FeatureNorm(nn.BatchNorm1d):
    """Batch norm of the last dimension, over all the others: (B, units) or (B, T, units).

    makemore, part 5, where plain batch norm would have normalised each place in time apart.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; the shape stays."""
        if x.dim() == 2:
            return super().forward(x)
        return super().forward(x.flatten(0, -2)).view_as(x)


Listener = Callable[["Layer", Tensor], None]
"""Hears what a layer says: its output before pooling and dropout."""


class Layer(nn.Module):
    """``product``, then batch norm, activation, pooling and dropout, where it has them.

    An embedding is a product too: of a one-hot vector with a matrix, which picks a row.

    Attributes:
        product: the module that holds the matrix; its ``weight`` is (out, in), (out, in, k, k) for
            a convolution, (in, out) for an embedding.
        activation: its activation, one of ``ACTIVATIONS``, or "" for none.
        has_norm: whether it has batch norm.
        listener: hears each of its outputs, while there is one.
        spoken, after: what it does, act by act, up to what the listener hears and behind it.
    """

    def __init__(
        self,
        product: Product,
        activation: str = "",
        norm: bool = False,
        pool: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.product = product
        self.activation = activation
        self.has_norm = norm
        self.listener: Listener | None = None
        spoken: list[nn.Module] = [product]
        if norm:
            pictures = isinstance(product, nn.Conv2d)
            self.norm = (nn.BatchNorm2d if pictures else FeatureNorm)(self.fan_out)
            spoken.append(self.norm)
        if activation:
            spoken.append(ACTIVATIONS[activation]())
        after: list[nn.Module] = [nn.MaxPool2d(pool)] if pool > 1 else []
        if dropout:
            self.dropout = nn.Dropout(dropout)  # an attribute, to hear of training and use
            after.append(self.dropout)
        # Their forwards, not the parts themselves: each call of a module costs a small network two
        # per cent of its step, and nobody hooks the parts of a layer.
        self.spoken = [part.forward for part in spoken]
        self.after = [part.forward for part in after]

    def forward(self, x: Tensor) -> Tensor:
        """Carry a batch through: (..., in) to (..., out); pictures have their channels second."""
        for part in self.spoken:
            x = part(x)
        if self.listener is not None:
            self.listener(self, x)
        for part in self.after:
            x = part(x)
        return x

    @property
    def learned(self) -> tuple[Tensor, ...]:
        """What of its matrix learns: an addition's two factors, else the matrix itself."""
        product = self.product
        if isinstance(product, LowRankLinear):
            return product.down, product.up
        return (product.weight,)

    @property
    def fan_in(self) -> int:
        """How many numbers one output is summed from."""
        weight = self.product.weight
        return len(weight) if isinstance(self.product, nn.Embedding) else weight[0].numel()

    @property
    def fan_out(self) -> int:
        """How many outputs the layer has (channels, for a convolution)."""
        return self.product.weight.shape[1 if isinstance(self.product, nn.Embedding) else 0]

    @property
    def unit_dim(self) -> int:
        """Which dimension of the layer's output its units lie along."""
        return 1 if isinstance(self.product, nn.Conv2d) else -1


def hidden_layers(
    inputs: int, sizes: Sequence[int], activation: str, norm: bool = False, dropout: float = 0.0
) -> nn.ModuleList:
    """Return fully connected layers of these sizes, one after another; batch norm has its bias."""
    return nn.ModuleList(
        Layer(nn.Linear(fan_in, fan_out, bias=not norm), activation, norm, dropout=dropout)
        for fan_in, fan_out in pairwise([inputs, *sizes])
    )


def size_of(model: nn.Module) -> int:
    """How many numbers a model has learned; for one that counts, how many counts it keeps."""
    learned = sum(parameter.numel() for parameter in model.parameters())
    return learned or sum(buffer.numel() for buffer in model.buffers())


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
            size: the notebook's way, and with 0.02 GPT-2's) or ``zeros``. An embedding sums
            nothing, its std is 1; one that is the output too is drawn as that.
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
        bias = getattr(layer.product, "bias", None)
        if bias is not None:
            bias.zero_()


GAINS = {"relu": math.sqrt(2), "gelu": math.sqrt(2), "gelu_tanh": math.sqrt(2), "tanh": 5 / 3}
"""What an activation takes from the spread of a signal, and the weights must give back."""


def _std(layer: Layer, how: str, gain: float) -> float:
    if how == "normal":
        return gain
    if isinstance(layer.product, nn.Embedding):
        return 1.0  # one row is picked, nothing is summed
    give_back = GAINS.get(layer.activation, 1.0)
    if how == "kaiming":
        return give_back / math.sqrt(layer.fan_in)
    fan_out = layer.fan_out * layer.product.weight[0, 0].numel()
    return give_back * math.sqrt(2.0 / (layer.fan_in + fan_out))


def squared_error(outputs: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean squared error of (B, K) outputs against one-hot labels (B,), over all B x K numbers."""
    target = F.one_hot(labels, outputs.shape[-1]).to(outputs.dtype)
    return F.mse_loss(outputs, target * (1.0 - smoothing) + smoothing / outputs.shape[-1])
