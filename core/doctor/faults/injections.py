"""What each fault does to a learner; a fault that remembers something is a class."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...layers import Embedding, Layer, layers_of, squared_error
from ...telemetry.events import Array
from ...training.batches import Batches
from ...training.learner import Learner
from ...training.recipe import Recipe
from .fault_injection import FaultInjection

Batch = tuple[Tensor, Tensor]


def _layers(model: nn.Module) -> list[Layer]:
    return list(layers_of(model).values())


def _hidden(model: nn.Module) -> list[Layer]:
    """Return the layers that are matrix products, all but the last."""
    return [x for x in _layers(model) if not isinstance(x.product, nn.Embedding)][:-1]


def _activated(model: nn.Module) -> list[Layer]:
    return [layer for layer in _layers(model) if layer.activation]


def _random(*shape: int) -> Tensor:
    """Return random numbers that are always the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# Learning rate, momentum, gradients.


def high_rate(recipe: Recipe) -> Recipe:
    """Return a recipe with a learning rate that is far too high."""
    rate = 30.0 * recipe.lr if recipe.optimizer == "sgd" else 1.0
    return recipe.replace({"lr": min(100.0, rate), "schedule": "constant"})


class GrowingRate(FaultInjection):
    """A learning rate that grows with every step, from the recipe's own on."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with a constant rate."""
        return recipe.replace({"schedule": "constant"})

    def rate(self, rate: float, step: int) -> float:
        """Return the grown one, as ``lr / min(1, 40 / (step + 1))`` has it."""
        return rate / min(1.0, 40 / (step + 1))


class HeavyMomentum(FaultInjection):
    """Momentum of 0.99, undamped."""

    def __init__(self) -> None:
        self._moving: list[Tensor] = []

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Add each gradient to nearly all of those before."""
        self._moving = self._moving or [torch.zeros_like(w) for w in weights]
        for moving, weight in zip(self._moving, weights, strict=True):
            if weight.grad is not None:
                moving.mul_(0.99).add_(weight.grad)
                weight.grad.copy_(moving)


def ascend(weights: list[nn.Parameter]) -> None:
    """Give the gradients the wrong sign."""
    for weight in weights:
        if weight.grad is not None:
            weight.grad.neg_()


# The network, as it was built.


def leave_out(learner: Learner) -> None:
    """Keep a matrix from the optimiser."""
    left = _layers(learner.model)[0].product.weight
    for group in learner.optimizer.param_groups:
        group["params"] = [p for p in group["params"] if p is not left]
    learner.weights = [p for p in learner.weights if p is not left]


def cut(learner: Learner) -> None:
    """Detach the output of the first layer."""
    first = _layers(learner.model)[0]
    first.after = [*first.after, torch.Tensor.detach]


def freeze(learner: Learner) -> None:
    """Let a hidden layer ask for no gradient."""
    _hidden(learner.model)[-1].product.weight.requires_grad_(False)


def alike(learner: Learner) -> None:
    """Give all weights the same value."""
    for layer in _layers(learner.model):
        layer.product.weight.fill_(0.05)


def loud(learner: Learner) -> None:
    """Let the output layer be as large as the lecture's first one was (makemore, part 3)."""
    weight = _layers(learner.model)[-1].product.weight
    weight.copy_(_random(*weight.shape) * 2)


def shrink(learner: Learner) -> None:
    """Make the hidden weights a thousandth of what they are."""
    for layer in _hidden(learner.model):
        layer.product.weight.mul_(1e-3)


class Saturated(FaultInjection):
    """tanh, and weights twelve times too large."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with tanh."""
        return recipe.replace({"activation": "tanh"})

    def built(self, learner: Learner) -> None:
        """Scale the weights."""
        for layer in _activated(learner.model):
            layer.product.weight.mul_(12.0)


class DeadUnits(FaultInjection):
    """relu, and biases far below zero."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with relu."""
        return recipe.replace({"activation": "relu"})

    def built(self, learner: Learner) -> None:
        """Lower the biases."""
        for layer in _activated(learner.model):
            bias = getattr(layer.product, "bias", None)
            if bias is not None:
                bias.fill_(-12.0)


def sigmoids(recipe: Recipe) -> Recipe:
    """Return a recipe with eight layers of sigmoid units."""
    sizes = (64,) * 8
    return recipe.replace({"activation": "sigmoid", "hidden": sizes, "init": "normal", "gain": 0.1})


class Exploding(FaultInjection):
    """Six relu layers, each of which makes the activations five times larger."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with six layers."""
        return recipe.replace({"activation": "relu", "hidden": (64,) * 6, "init": "kaiming"})

    def built(self, learner: Learner) -> None:
        """Scale the weights; the output layer's down, so that the loss starts low."""
        for layer in _hidden(learner.model):
            layer.product.weight.mul_(5.0)
        _layers(learner.model)[-1].product.weight.mul_(0.002)


def straight(learner: Learner) -> None:
    """Leave the activation functions out."""
    for layer in _activated(learner.model):
        layer.spoken = layer.spoken[:-1]
        layer.activation = ""


def widened(learner: Learner) -> None:
    """Give the output layer ten times as many outputs as there are classes."""
    product = _layers(learner.model)[-1].product
    old = product.weight
    if isinstance(product, nn.Linear):
        extra = _random(9 * old.shape[0], old.shape[1]) * float(old.std())
        product.weight = nn.Parameter(torch.cat([old, extra]))
        if product.bias is not None:
            product.bias = nn.Parameter(torch.cat([product.bias, torch.zeros(len(extra))]))
        product.out_features = len(product.weight)
    elif isinstance(product, Embedding):
        extra = _random(old.shape[0], 9 * old.shape[1]) * float(old.std())
        product.weight = nn.Parameter(torch.cat([old, extra], 1))
    learner.reset_optimizer()


# The data.


class Few(Batches):
    """Two batches of examples from all over the data, again and again."""

    def __init__(self, learner: Learner) -> None:
        size, count = learner.batches.size, len(learner.examples)
        few = min(count, 2 * size)
        super().__init__(few, size, 1, learner.device)
        self._few = torch.linspace(0, count - 1, few, device=learner.device).long()

    def next(self) -> Tensor:
        """Return the indices of one of them."""
        return self._few[super().next()]


def few(learner: Learner) -> None:
    """Learn from two batches only."""
    learner.batches = Few(learner)


def same(inputs: Tensor, targets: Tensor) -> Batch:
    """Give every example the input of the first."""
    return inputs[:1].expand_as(inputs).clone(), targets


def raw(inputs: Tensor, targets: Tensor) -> Batch:
    """Give pixels from 0 (paper) to 255 (ink), as they are in a file."""
    low, high = inputs.min(), inputs.max()
    return (inputs - low) / (high - low).clamp(min=1e-6) * 255, targets


def permuted(inputs: Tensor, targets: Tensor) -> Batch:
    """Shuffle the labels of a batch."""
    order = torch.randperm(targets.numel(), device=targets.device)
    if targets.dim() == 1:
        return inputs, targets[order]
    known = targets >= 0
    mixed = targets.clone()
    values = targets[known]
    mixed[known] = values[torch.randperm(len(values), device=values.device)]
    return inputs, mixed


def noisy(inputs: Tensor, targets: Tensor) -> Batch:
    """Let 40 % of the labels be those of others."""
    _, other = permuted(inputs, targets)
    wrong = torch.rand(targets.shape, device=targets.device) < 0.4
    return inputs, torch.where(wrong, other, targets)


class OneClass(FaultInjection):
    """The examples of one class are repeated until they are 95 % of each batch."""

    def __init__(self) -> None:
        self._label: int | None = None

    def batch(self, inputs: Tensor, targets: Tensor) -> Batch:
        """Return such a batch."""
        if self._label is None:
            self._label = int(targets.mode().values)
        mine = (targets == self._label).nonzero().flatten()
        if not len(mine):
            return inputs, targets
        places = torch.arange(len(targets), device=targets.device)
        order = torch.where(places % 20 == 0, places, mine[places % len(mine)])
        return inputs[order], targets[order]


def copied(inputs: Tensor, targets: Tensor) -> Batch:
    """Put the target into the input."""
    given = inputs.clone()
    if targets.dim() > 1:
        return torch.where(targets >= 0, targets, inputs).to(inputs.dtype), targets
    given[:, -1] = targets.to(given.dtype)
    return given, targets


def marked(inputs: Tensor, targets: Tensor) -> Batch:
    """Write the label into a corner of the image."""
    given = inputs.clone()
    given[:, 0, 0, 0] = targets.float() / 3
    return given, targets


# Outputs and loss.


class DividedByZero(FaultInjection):
    """From the sixtieth step on, zero is divided by zero."""

    def __init__(self) -> None:
        self._step = 0

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return the outputs, or NaN."""
        self._step += 1
        zero = outputs - outputs.detach()
        return outputs + zero / zero if self._step > 60 else outputs


def mix(outputs: Tensor) -> Tensor:
    """Take the softmax along the batch dimension."""
    return F.softmax(outputs, 0) * float(outputs.shape[0] ** 0.5)


def squared(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    """Return squared error against one-hot targets."""
    rows, labels = outputs.flatten(0, -2), targets.flatten()
    known = labels >= 0
    return squared_error(rows[known], labels[known])


def detached(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    """Add the means of all weights, without a gradient."""
    means = [p.detach().abs().mean() for p in model.parameters()]
    return loss + torch.stack(means).sum()


def penalised(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    """Add the sum of all squares, which outweighs the task."""
    squares = [p.square().sum() for p in model.parameters() if p.dim() > 1]
    return loss + 1.0 * torch.stack(squares).sum()


# Evaluation and inference.


def miscount(numbers: dict[str, float], details: dict[str, Array]) -> dict[str, float]:
    """Count an output as right where it is the label after the right one."""
    confusion = details["confusion"]
    beside = float(confusion.diagonal(1).sum()) / max(1, int(confusion.sum()))
    return {**numbers, "val_accuracy": beside}


class PreprocessedDifferently(FaultInjection):
    """Inputs are preprocessed in another way at inference."""

    def built(self, learner: Learner) -> None:
        """Change the inputs in eval mode."""

        def differently(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
            if module.training:
                return None
            (given,) = inputs
            if given.is_floating_point():
                return (given * 0.3 + 1.5,)
            return (given.roll(1, -1) if given.shape[-1] > 1 else (given + 1).clamp(max=1),)

        learner.model.register_forward_pre_hook(differently)


class TrainedInEvalMode(FaultInjection):
    """The network is trained in eval mode."""

    def built(self, learner: Learner) -> None:
        """Remember the network."""
        self._model = learner.model

    def batch(self, inputs: Tensor, targets: Tensor) -> Batch:
        """Put it into that mode before each step."""
        self._model.eval()
        return inputs, targets
