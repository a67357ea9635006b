"""The network of the points playground: an MLP of any shape."""

import torch
from torch import Tensor, nn

from ...layers import Layer, hidden_layers, initialise
from .datasets import Row
from .recipe import PointsRecipe


class MLP(nn.Module):
    """Matrix products one after another: coordinates, hidden layers of any size, an answer.

    Attributes:
        inputs: how many numbers a point has.
        drawn: the points that somebody drew for it; empty where the recipe makes them.
        widest: numbers of its largest layer, of one point.
    """

    def __init__(self, recipe: PointsRecipe, drawn: list[Row]) -> None:
        super().__init__()
        self.inputs, self.drawn = recipe.inputs, drawn
        self.widest = recipe.footprint().widest
        self.hidden = hidden_layers(
            recipe.inputs, recipe.hidden, recipe.activation, dropout=recipe.dropout
        )
        width = [recipe.inputs, *recipe.hidden][-1]
        self.output = Layer(nn.Linear(width, recipe.outputs))

    def forward(self, points: Tensor) -> Tensor:
        """(B, inputs) to (B, classes), or (B, 1) where values are learned."""
        for layer in self.hidden:
            points = layer(points)
        answers: Tensor = self.output(points)
        return answers


def build(recipe: PointsRecipe, drawn: list[Row], initialised: bool = True) -> MLP:
    """Make the model of a recipe; the seed decides its initial weights, if it gets any."""
    model = MLP(recipe, drawn)
    if initialised:
        generator = torch.Generator().manual_seed(recipe.seed)
        initialise(model, recipe.init, recipe.gain, generator)
    return model
