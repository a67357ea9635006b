"""What breaks a learner: each way as one act of a :class:`FaultInjection`."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...layers import Embedding, Layer, layers_of, squared_error
from ...playground import TrainingSet
from ...training.batches import Batches
from ...training.learner import Learner
from ...training.recipe import Recipe
from .fault_injection import FaultInjection


def hidden(model: nn.Module) -> list[Layer]:
    """Return the layers that multiply, all but the last."""
    found = [x for x in layers_of(model).values() if not isinstance(x.product, nn.Embedding)]
    return found[:-1]


def activated(model: nn.Module) -> list[Layer]:
    """Return the layers that have an activation."""
    return [layer for layer in layers_of(model).values() if layer.activation]


class Settings(FaultInjection):
    """Other settings than the recipe's."""

    def __init__(self, change: Callable[[Recipe], dict[str, Any]]) -> None:
        self._change = change

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with them."""
        return recipe.replace(self._change(recipe))


class Rate(FaultInjection):
    """Another learning rate."""

    def __init__(self, change: Callable[[float, int], float]) -> None:
        self._change = change

    def rate(self, rate: float, step: int) -> float:
        """Return the changed one."""
        return self._change(rate, step)


class Growing(FaultInjection):
    """A learning rate that grows with every step, from the recipe's own on."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with a constant rate."""
        return recipe.replace({"schedule": "constant"})

    def rate(self, rate: float, step: int) -> float:
        """Return the grown one, as ``lr / min(1, 40 / (step + 1))`` has it."""
        return rate / min(1.0, 40 / (step + 1))


class Built(FaultInjection):
    """A change to what was made."""

    def __init__(self, change: Callable[[Learner], None]) -> None:
        self._change = change

    def built(self, learner: Learner) -> None:
        """Do it."""
        with torch.no_grad():
            self._change(learner)


class Batch(FaultInjection):
    """Another batch."""

    def __init__(self, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        self._change = change

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return it."""
        return self._change(inputs, targets)


class Outputs(FaultInjection):
    """Something is done to the outputs before they are judged."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        self._change = change

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return what becomes of them."""
        return self._change(outputs)


class Loss(FaultInjection):
    """Another loss."""

    def __init__(self, change: Callable[[Tensor, Tensor, Tensor, nn.Module], Tensor]) -> None:
        self._change = change

    def loss(self, loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
        """Return it."""
        return self._change(loss, outputs, targets, model)


class Kept(FaultInjection):
    """Gradients are never set to zero."""

    keeps_gradients = True


class Gradients(FaultInjection):
    """Something is done to the gradients before the update."""

    def __init__(self, change: Callable[[list[nn.Parameter]], None]) -> None:
        self._change = change

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Do it."""
        with torch.no_grad():
            self._change(weights)


class Heavy(FaultInjection):
    """Momentum that hardly ends."""

    def __init__(self) -> None:
        self._moving: list[Tensor] = []

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Add each gradient to nearly all of those before."""
        with torch.no_grad():
            self._moving = self._moving or [torch.zeros_like(w) for w in weights]
            for moving, weight in zip(self._moving, weights, strict=True):
                if weight.grad is not None:
                    moving.mul_(0.99).add_(weight.grad)
                    weight.grad.copy_(moving)


class HeldOut(FaultInjection):
    """Something is done to what validates."""

    def __init__(self, change: Callable[[Learner], TrainingSet]) -> None:
        self._change = change

    def held_out(self, learner: Learner) -> TrainingSet:
        """Return it."""
        return self._change(learner)


class Miscounted(FaultInjection):
    """The right answers are counted as if labels began at 1."""

    def evaluated(self, numbers: dict[str, float], details: dict[str, Any]) -> dict[str, float]:
        """Count an answer as right where it is the label behind the right one."""
        confusion = details["confusion"]
        beside = float(confusion.diagonal(1).sum()) / max(1, int(confusion.sum()))
        return {**numbers, "val_accuracy": beside}


class Used(FaultInjection):
    """Inputs are prepared in another way where the network is used."""

    def built(self, learner: Learner) -> None:
        """Change what goes in, in the mode for use."""

        def differently(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if module.training:
                return None
            (given,) = inputs
            if given.is_floating_point():
                return (given * 0.3 + 1.5,)
            return (given.roll(1, -1) if given.shape[-1] > 1 else (given + 1).clamp(max=1),)

        learner.model.register_forward_pre_hook(differently)


class Resting(FaultInjection):
    """The network is trained in its mode for use."""

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Put it into that mode before each step."""
        self._model.eval()
        return inputs, targets

    def built(self, learner: Learner) -> None:
        """Remember the network."""
        self._model = learner.model


def scaled(factor: float) -> Callable[[Learner], None]:
    """Return what multiplies the hidden weights."""

    def change(learner: Learner) -> None:
        for layer in hidden(learner.model):
            layer.product.weight.mul_(factor)

    return change


def loud(learner: Learner) -> None:
    """Let the last layer be as large as the lecture's first one was."""
    last = list(layers_of(learner.model).values())[-1]
    weight = last.product.weight
    weight.copy_(torch.randn(weight.shape, generator=drawn()) * 2)


def drawn() -> torch.Generator:
    """Return random numbers that are always the same."""
    return torch.Generator().manual_seed(0)


def saturate(learner: Learner) -> None:
    """Push units into saturation."""
    for layer in activated(learner.model):
        layer.product.weight.mul_(12.0)


def as_tanh(recipe: Recipe) -> dict[str, Any]:
    """Return tanh, and nothing that normalises."""
    values: dict[str, Any] = {"activation": "tanh"}
    return values | ({"batch_norm": False} if "batch_norm" in recipe.to_dict() else {})


class Saturated(Settings):
    """tanh, and weights twelve times too large."""

    def built(self, learner: Learner) -> None:
        """Scale them."""
        with torch.no_grad():
            saturate(learner)


class Dead(Settings):
    """relu, and biases far below zero."""

    def built(self, learner: Learner) -> None:
        """Lower them."""
        with torch.no_grad():
            for layer in activated(learner.model):
                bias = getattr(layer.product, "bias", None)
                if bias is not None:
                    bias.fill_(-12.0)


def as_relu(recipe: Recipe) -> dict[str, Any]:
    """Return relu, and nothing that normalises."""
    return {"activation": "relu"} | (
        {"batch_norm": False} if "batch_norm" in recipe.to_dict() else {}
    )


def sigmoids(recipe: Recipe) -> dict[str, Any]:
    """Return eight layers of sigmoids."""
    values = {"activation": "sigmoid", "hidden": (64,) * 8, "init": "normal", "gain": 0.1}
    return values | ({"batch_norm": False} if "batch_norm" in recipe.to_dict() else {})


class Exploding(Settings):
    """Many relu layers, each of which makes the signal four times larger."""

    def built(self, learner: Learner) -> None:
        """Scale them."""
        with torch.no_grad():
            for layer in hidden(learner.model):
                layer.product.weight.mul_(5.0)
            list(layers_of(learner.model).values())[-1].product.weight.mul_(0.002)


def many(recipe: Recipe) -> dict[str, Any]:
    """Return six layers of relu."""
    values = {"activation": "relu", "hidden": (64,) * 6, "init": "kaiming"}
    return values | ({"batch_norm": False} if "batch_norm" in recipe.to_dict() else {})


def alike(learner: Learner) -> None:
    """Give all weights the same value."""
    for layer in layers_of(learner.model).values():
        layer.product.weight.fill_(0.05)


def straight(learner: Learner) -> None:
    """Leave the activations out."""
    for layer in activated(learner.model):
        layer.spoken = layer.spoken[:-1]
        layer.activation = ""


def freeze(learner: Learner) -> None:
    """Let a hidden layer ask for no gradient."""
    hidden(learner.model)[-1].product.weight.requires_grad_(False)


def leave_out(learner: Learner) -> None:
    """Keep a matrix from the optimiser."""
    layers = list(layers_of(learner.model).values())
    left = layers[0].product.weight if len(layers) > 1 else layers[-1].product.weight
    for group in learner.optimizer.param_groups:
        group["params"] = [p for p in group["params"] if p is not left]
    learner.weights = [p for p in learner.weights if p is not left]


def cut(learner: Learner) -> None:
    """Cut the first layer off from the gradient."""
    layers = list(layers_of(learner.model).values())
    first = layers[0]
    first.after = [*first.after, torch.Tensor.detach]


def permuted(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Exchange the labels of a batch."""
    order = torch.randperm(targets.numel(), device=targets.device)
    if targets.dim() == 1:
        return inputs, targets[order]
    known = targets >= 0
    mixed = targets.clone()
    values = targets[known]
    mixed[known] = values[torch.randperm(len(values), device=values.device)]
    return inputs, mixed


def noisy(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Let 40 % of the labels be those of others."""
    _, other = permuted(inputs, targets)
    wrong = torch.rand(targets.shape, device=targets.device) < 0.4
    return inputs, torch.where(wrong, other, targets)


class OneClass(FaultInjection):
    """The examples of one class are repeated until they are 95 % of each batch."""

    def __init__(self) -> None:
        self._label: int | None = None

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return such a batch."""
        if self._label is None:
            self._label = int(targets.mode().values)
        mine = (targets == self._label).nonzero().flatten()
        if not len(mine):
            return inputs, targets
        places = torch.arange(len(targets), device=targets.device)
        order = torch.where(places % 20 == 0, places, mine[places % len(mine)])
        return inputs[order], targets[order]


def copied(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Let the answer stand in the input."""
    given = inputs.clone()
    if targets.dim() > 1:
        return torch.where(targets >= 0, targets, inputs).to(inputs.dtype), targets
    given[:, -1] = targets.to(given.dtype)
    return given, targets


def marked(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Write the label into a corner of the picture."""
    given = inputs.clone()
    given[:, 0, 0, 0] = targets.float() / 3
    return given, targets


def raw(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Give pixels from 0 to 255, as they lie in the file."""
    return (inputs * 0.3081 + 0.1307).clamp(0, 1) * 255, targets


def same(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Give every example the input of the first."""
    return inputs[:1].expand_as(inputs).clone(), targets


def widened(learner: Learner) -> None:
    """Give the last layer many more outputs than there are answers."""
    layer = list(layers_of(learner.model).values())[-1]
    product = layer.product
    old = product.weight
    if isinstance(product, nn.Linear):
        extra = torch.randn(9 * old.shape[0], old.shape[1], generator=drawn()) * float(old.std())
        product.weight = nn.Parameter(torch.cat([old, extra]))
        if product.bias is not None:
            product.bias = nn.Parameter(torch.cat([product.bias, torch.zeros(len(extra))]))
        product.out_features = len(product.weight)
    elif isinstance(product, Embedding):
        extra = torch.randn(old.shape[0], 9 * old.shape[1], generator=drawn()) * float(old.std())
        product.weight = nn.Parameter(torch.cat([old, extra], 1))
    learner.reset_optimizer()


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


def poison(outputs: Tensor) -> Tensor:
    """Divide nothing by nothing."""
    return outputs + (outputs - outputs.detach()) / (outputs - outputs.detach())


class Poison(FaultInjection):
    """From the sixtieth step on, an answer is divided 0 by 0."""

    def __init__(self) -> None:
        self._step = 0

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return them, or what is none."""
        self._step += 1
        return poison(outputs) if self._step > 60 else outputs


def mix(outputs: Tensor) -> Tensor:
    """Take the softmax along the batch."""
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


def ascend(weights: list[nn.Parameter]) -> None:
    """Turn the gradients around."""
    for weight in weights:
        if weight.grad is not None:
            weight.grad.neg_()


def hot(recipe: Recipe) -> float:
    """Return a learning rate that is far too high."""
    return 1.0 if recipe.to_dict()["optimizer"] != "sgd" else 30.0 * recipe.lr
