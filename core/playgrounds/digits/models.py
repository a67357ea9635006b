"""The networks of the digits playground: (B, 1, 28, 28) to ten numbers, one a digit."""

import torch
from torch import Tensor, nn

from ...layers import Layer, hidden_layers, initialise
from .recipe import PIXELS, DigitsRecipe


class MLP(nn.Module):
    """Matrix products one after another: 784 pixels, hidden layers of any size, ten outputs.

    Attributes:
        widest: numbers of its largest layer, of one picture.
    """

    widest = 0.0

    def __init__(self, recipe: DigitsRecipe) -> None:
        super().__init__()
        self.hidden = hidden_layers(
            PIXELS, recipe.hidden, recipe.activation, recipe.batch_norm, recipe.dropout
        )
        width = [PIXELS, *recipe.hidden][-1]
        activation = "tanh" if recipe.output == "tanh" else ""
        self.output = Layer(nn.Linear(width, 10), activation)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, 28, 28) to (B, 10)."""
        x = images.flatten(1)  # (B, 784)
        for layer in self.hidden:
            x = layer(x)
        out: Tensor = self.output(x)
        return out


class CNN(nn.Module):
    """One convolution after another, while the picture shrinks: 28, 14, 7 and last 3 pixels wide.

    After LeNet (LeCun et al. 1998) and VGG (Simonyan and Zisserman 2014), small. Most of the
    filters work on 7 x 7 pixels, where an epoch costs a CPU a fraction of what it costs at 28.

    Attributes:
        widest: numbers of its largest layer, of one picture.
    """

    widest = 0.0

    def __init__(self, recipe: DigitsRecipe) -> None:
        super().__init__()
        self.conv = nn.ModuleList()
        for each in recipe.convolutions():
            sizes = (each.inputs, each.outputs, each.kernel)
            product = nn.Conv2d(*sizes, padding="same", bias=not recipe.batch_norm)
            self.conv.append(Layer(product, recipe.activation, recipe.batch_norm, each.pool))
        self.dropout = nn.Dropout(recipe.dropout)
        self.output = Layer(nn.Linear(each.outputs * each.pooled**2, 10))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, 28, 28) to (B, 10)."""
        x = images
        for layer in self.conv:
            x = layer(x)  # (B, C, S, S)
        scores: Tensor = self.output(self.dropout(x.flatten(1)))
        return scores


def build(recipe: DigitsRecipe, initialised: bool = True) -> nn.Module:
    """Make the model of a recipe; the seed decides its initial weights, if it gets any."""
    model = CNN(recipe) if recipe.model == "cnn" else MLP(recipe)
    model.widest = recipe.footprint().widest
    if initialised:
        generator = torch.Generator().manual_seed(recipe.seed)
        initialise(model, recipe.init, recipe.gain, generator)
    return model
