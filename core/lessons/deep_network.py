"""A deep network on names, and the playground that builds it: what lesson 3 trains.

In the comments B is the batch, C the letters seen, E the embedding, H the units of a hidden layer,
V the alphabet.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..layers import Embedding, Layer
from ..playground import Vocabulary
from ..playgrounds.names.alphabet import Alphabet
from ..playgrounds.names.models import LetterModel
from ..playgrounds.names.playground import NamesPlayground
from ..playgrounds.names.recipe import NamesRecipe
from .pair_settings import PLAIN, Side


class LayerNormed(Layer):
    """A layer whose product is brought to mean 0 and spread 1 over its units (Ba et al. 2016)."""

    def __init__(self, product: nn.Linear, activation: str) -> None:
        super().__init__(product, activation)
        self.layer_norm = nn.LayerNorm(self.fan_out)
        self.spoken.insert(1, self.layer_norm.forward)


class Deep(LetterModel):
    """Letters as points, side by side, through ``depth`` hidden layers of the same width."""

    def __init__(self, side: Side, alphabet: Alphabet) -> None:
        super().__init__(alphabet, side.context)
        self.residual = side.residual
        self.embedding = Layer(Embedding(len(alphabet), side.embedding))
        widths = [side.context * side.embedding, *[side.width] * (side.depth - 1)]
        self.hidden = nn.ModuleList(_hidden(side, width) for width in widths)
        self.output = Layer(nn.Linear(side.width, len(alphabet)))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C) to (B, V)."""
        x = self.embedding(windows).flatten(1)  # (B, C * E)
        for number, layer in enumerate(self.hidden):
            # The first one changes the width: there is nothing of its size to add to.
            x = x + layer(x) if self.residual and number else layer(x)  # (B, H)
        scores: Tensor = self.output(x)
        return scores


def _hidden(side: Side, width: int) -> Layer:
    bend = "" if side.activation == PLAIN else side.activation
    # A norm takes the mean away, and with it whatever a bias had added.
    product = nn.Linear(width, side.width, bias=side.norm == "none")
    if side.norm == "layer":
        return LayerNormed(product, bend)
    return Layer(product, bend, norm=side.norm == "batch")


@torch.no_grad()
def draw(model: Deep, side: Side) -> None:
    """Draw the first weights: gain / sqrt(fan in) for each hidden layer; biases become zero.

    The last layer is drawn before the hidden ones: networks of one seed and width then begin with
    the same numbers but for their gains, however deep they are.
    """
    generator = torch.Generator().manual_seed(side.seed)
    for layer, gain in _gains(model, side):
        picks = isinstance(layer.product, nn.Embedding)  # a row is picked, nothing is summed
        std = gain if picks else gain / layer.fan_in**0.5
        # Drawn, then multiplied: a gain of zero would draw nothing, and shift what comes after.
        layer.product.weight.normal_(generator=generator).mul_(std)
        bias = getattr(layer.product, "bias", None)
        if bias is not None:
            bias.zero_()


def _gains(model: Deep, side: Side) -> Iterator[tuple[Layer, float]]:
    yield model.embedding, 1.0
    yield model.output, side.last
    for layer in model.hidden:
        assert isinstance(layer, Layer)
        yield layer, side.gain


class DeepNames(NamesPlayground):
    """The names playground with this one network."""

    def build(
        self, recipe: NamesRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> LetterModel:
        """Make the network of a side."""
        assert isinstance(recipe, Side)
        model = Deep(recipe, Alphabet(vocabulary["letters"]))
        if initialised:
            draw(model, recipe)
        return model
