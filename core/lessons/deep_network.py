"""A deep MLP on names, and the playground that builds it: the networks of lesson 3.

In the comments B is the batch, C the context, E the embedding, H the units of a hidden layer,
V the alphabet.
"""

import torch
from torch import Tensor, nn

from ..layers import Embedding, Layer
from ..playground import Vocabulary
from ..playgrounds.names.alphabet import Alphabet
from ..playgrounds.names.evaluation import loss_of, spread
from ..playgrounds.names.models import LetterModel
from ..playgrounds.names.playground import NamesPlayground
from ..playgrounds.names.recipe import NamesRecipe
from ..playgrounds.names.wordlist import Names
from ..telemetry.events import Array
from .pair_settings import LINEAR, NetworkSettings


class LayerNormLayer(Layer):
    """A layer with layer norm between product and activation (Ba et al. 2016)."""

    def __init__(self, product: nn.Linear, activation: str) -> None:
        super().__init__(product, activation)
        self.layer_norm = nn.LayerNorm(self.fan_out)
        self.spoken.insert(1, self.layer_norm.forward)


class DeepMLP(LetterModel):
    """Concatenated embeddings of letters, through ``depth`` hidden layers of the same width."""

    def __init__(self, settings: NetworkSettings, alphabet: Alphabet) -> None:
        super().__init__(alphabet, settings.context)
        self.residual = settings.residual
        self.embedding = Layer(Embedding(len(alphabet), settings.embedding))
        widths = [settings.context * settings.embedding, *[settings.width] * (settings.depth - 1)]
        self.hidden = nn.ModuleList(_hidden(settings, width) for width in widths)
        self.output = Layer(nn.Linear(settings.width, len(alphabet)))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C) to (B, V)."""
        x = self.embedding(windows).flatten(1)  # (B, C * E)
        for number, layer in enumerate(self.hidden):
            # The first one changes the width: there is nothing of its size to add to.
            x = x + layer(x) if self.residual and number else layer(x)  # (B, H)
        logits: Tensor = self.output(x)
        return logits


def _hidden(settings: NetworkSettings, width: int) -> Layer:
    activation = "" if settings.activation == LINEAR else settings.activation
    # A norm subtracts the mean, and with it any bias.
    product = nn.Linear(width, settings.width, bias=settings.norm == "none")
    if settings.norm == "layer":
        return LayerNormLayer(product, activation)
    return Layer(product, activation, norm=settings.norm == "batch")


@torch.no_grad()
def draw_weights(model: DeepMLP, settings: NetworkSettings) -> None:
    """Initialise with a standard deviation of gain / sqrt(fan-in); biases become zero.

    The last layer is drawn before the hidden ones: networks of one seed and width then begin with
    the same numbers but for their gains, however deep they are.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    gains = [(model.embedding, 1.0), (model.output, settings.last)]
    gains += [(layer, settings.gain) for layer in model.hidden if isinstance(layer, Layer)]
    for layer, gain in gains:
        is_lookup = isinstance(layer.product, nn.Embedding)  # nothing is summed
        std = gain if is_lookup else gain / layer.fan_in**0.5
        # Drawn, then multiplied: with a std of zero nothing would be drawn, and the rest differ.
        layer.product.weight.normal_(generator=generator).mul_(std)
        bias = getattr(layer.product, "bias", None)
        if bias is not None:
            bias.zero_()


class DeepNames(NamesPlayground):
    """The names playground with this one network."""

    def build(
        self, recipe: NamesRecipe, vocabulary: Vocabulary, initialised: bool = True
    ) -> LetterModel:
        """Build the network of these settings."""
        assert isinstance(recipe, NetworkSettings)
        model = DeepMLP(recipe, Alphabet(vocabulary["letters"]))
        if initialised:
            draw_weights(model, recipe)
        return model

    def validate(
        self, model: nn.Module, data: Names, recipe: NamesRecipe, limit: int | None = None
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """Loss on dev names alone: the lesson shows nothing of the training names'."""
        assert isinstance(model, LetterModel)
        return {"val_loss": loss_of(model, spread(data.dev, limit))}, {}
