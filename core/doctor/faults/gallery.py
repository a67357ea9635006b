"""The gallery of faults: what can be injected into any playground, by one switch.

A fault is a function that takes the place of one act of a learner, or a class where it takes that
of several or remembers something. It says which traits of a recipe it needs; its docstring is its
title.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...layers import Embedding, Layer, layers_of, squared_error
from ...playground import TrainingSet
from ...telemetry.events import Array
from ...training.batches import Batches
from ...training.learner import Learner
from ...training.recipe import Recipe, Trait
from .fault_injection import FaultInjection

Batch = tuple[Tensor, Tensor]
Act = TypeVar("Act", bound=Callable[..., Any])
NONE = Trait(0)


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    Attributes:
        id: its name.
        cause: the id of the cause that the doctor should name first.
        title: what is done wrong, as a sentence.
        hint: what to watch for.
        make: returns what does it, a fresh one for each run.
        needs, lacks: the traits that a recipe must have for it, and must not have.
        also: other causes that would be as right.
    """

    id: str
    cause: str
    title: str
    hint: str
    make: Callable[[], FaultInjection]
    needs: Trait
    lacks: Trait
    also: tuple[str, ...]

    def applies(self, recipe: Recipe) -> bool:
        """Whether it can be injected into a training by this recipe."""
        traits = recipe.traits()
        return self.needs in traits and not self.lacks & traits


FAULTS: dict[str, Fault] = {}


def fitting(recipe: Recipe) -> list[Fault]:
    """Return the faults that can be injected into a training by this recipe."""
    return [fault for fault in FAULTS.values() if fault.applies(recipe)]


def _fault(
    id: str,
    cause: str,
    hint: str,
    act: str = "",
    *,
    needs: Trait = Trait.DESCENT,
    lacks: Trait = NONE,
    also: tuple[str, ...] = (),
) -> Callable[[Act], Act]:
    """Add a fault to the gallery: a class, or a function in the place of one ``act``."""

    def add(made: Act) -> Act:
        make = partial(FaultInjection, **{act: made}) if act else made
        FAULTS[id] = Fault(id, cause, made.__doc__ or "", hint, make, needs, lacks, also)
        return made

    return add


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


# The update.


@_fault(
    "rate_high",
    "lr_too_high",
    "Where does the loss go in the first steps?",
    "recipe",
    needs=Trait.HIDDEN,
    also=("exploding_gradient",),
)
def rate_high(recipe: Recipe) -> Recipe:
    """The learning rate is a hundred times too high."""
    rate = 30.0 * recipe.lr if recipe.optimizer == "sgd" else 1.0
    return recipe.replace({"lr": min(100.0, rate), "schedule": "constant"})


@_fault("rate_low", "lr_too_low", "Look at the update-to-weight ratio.", "rate")
def rate_low(rate: float, step: int) -> float:
    """The learning rate is ten thousand times too low."""
    return rate * 1e-4


@_fault("rate_grows", "lr_growing", "When does the loss turn?")
class RateGrows(FaultInjection):
    """The learning rate grows with every step."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with a constant rate."""
        return recipe.replace({"schedule": "constant"})

    def rate(self, rate: float, step: int) -> float:
        """Return the grown one, as ``lr / min(1, 40 / (step + 1))`` has it."""
        return rate / min(1.0, 40 / (step + 1))


@_fault(
    "momentum_heavy",
    "oscillation",
    "Does the loss fall, or does it oscillate?",
    needs=Trait.HIDDEN | Trait.SGD,
    also=("lr_too_high",),
)
class MomentumHeavy(FaultInjection):
    """Momentum is 0.99, far too high."""

    def __init__(self) -> None:
        self._moving: list[Tensor] = []

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Add each gradient to nearly all of those before."""
        self._moving = self._moving or [torch.zeros_like(w) for w in weights]
        for moving, weight in zip(self._moving, weights, strict=True):
            if weight.grad is not None:
                moving.mul_(0.99).add_(weight.grad)
                weight.grad.copy_(moving)


@_fault("uphill", "wrong_update_sign", "Which way does the loss go?", "gradients")
def uphill(weights: list[nn.Parameter]) -> None:
    """The update has the wrong sign: gradient ascent."""
    for weight in weights:
        if weight.grad is not None:
            weight.grad.neg_()


@_fault("negative", "wrong_update_sign", "What is the sign of the loss?", "loss")
def negative(loss: Tensor, *rest: object) -> Tensor:
    """The loss has the wrong sign."""
    return -loss


@_fault("not_zeroed", "gradients_not_zeroed", "It learns at first. And then?")
class NotZeroed(FaultInjection):
    """A missing zero_grad: the gradients add up."""

    keeps_gradients = True


# The network, as it was built.


@_fault(
    "left_out",
    "parameter_not_trained",
    "Which layer has no update?",
    "built",
    needs=Trait.HIDDEN,
)
def left_out(learner: Learner) -> None:
    """The first layer is missing from the optimiser."""
    left = _layers(learner.model)[0].product.weight
    for group in learner.optimizer.param_groups:
        group["params"] = [p for p in group["params"] if p is not left]
    learner.weights = [p for p in learner.weights if p is not left]


@_fault(
    "cut",
    "parameter_not_trained",
    "Which layer gets no gradient?",
    "built",
    needs=Trait.HIDDEN,
    lacks=Trait.TIED,
)
def cut(learner: Learner) -> None:
    """The output of the first layer is detached."""
    first = _layers(learner.model)[0]
    first.after = [*first.after, torch.Tensor.detach]


@_fault("frozen", "frozen_layer", "Which layer does not move?", "built", needs=Trait.HIDDEN)
def frozen(learner: Learner) -> None:
    """A hidden layer is frozen: its weights ask for no gradient."""
    _hidden(learner.model)[-1].product.weight.requires_grad_(False)


@_fault(
    "alike",
    "symmetric_init",
    "Open a layer: what do its units look like?",
    "built",
    needs=Trait.ACTIVATIONS,
)
def alike(learner: Learner) -> None:
    """All weights start with the same value."""
    for layer in _layers(learner.model):
        layer.product.weight.fill_(0.05)


@_fault("zeros", "symmetric_init", "Does the loss move at all?", "recipe", needs=Trait.ACTIVATIONS)
def zeros(recipe: Recipe) -> Recipe:
    """All weights start at zero."""
    return recipe.replace({"init": "zeros"})


@_fault("loud", "bad_init_scale", "What is the very first loss?", "built", needs=Trait.HIDDEN)
def loud(learner: Learner) -> None:
    """The initial weights of the output layer are far too large."""
    weight = _layers(learner.model)[-1].product.weight
    weight.copy_(_random(*weight.shape) * 2)  # as the lecture's were (makemore, part 3)


@_fault(
    "faint", "bad_init_scale", "How large are the activations?", "built", needs=Trait.CONFIGURABLE
)
def faint(learner: Learner) -> None:
    """The initial weights are a thousandth of what they should be."""
    for layer in _hidden(learner.model):
        layer.product.weight.mul_(1e-3)


@_fault(
    "saturated",
    "saturated_units",
    "What does the histogram of the activations look like?",
    needs=Trait.CONFIGURABLE,
    also=("bad_init_scale",),
)
class Saturated(FaultInjection):
    """Weights that are too large saturate the tanh units."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with tanh."""
        return recipe.replace({"activation": "tanh"})

    def built(self, learner: Learner) -> None:
        """Scale the weights."""
        for layer in _activated(learner.model):
            layer.product.weight.mul_(12.0)


@_fault("dead", "dead_units", "How many units are ever above zero?", needs=Trait.CONFIGURABLE)
class Dead(FaultInjection):
    """Biases far below zero: the relu units are dead."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with relu."""
        return recipe.replace({"activation": "relu"})

    def built(self, learner: Learner) -> None:
        """Lower the biases."""
        for layer in _activated(learner.model):
            bias = getattr(layer.product, "bias", None)
            if bias is not None:
                bias.fill_(-12.0)


@_fault(
    "sigmoids",
    "vanishing_gradient",
    "Compare the gradient of the first and the last layer.",
    "recipe",
    needs=Trait.CONFIGURABLE,
)
def sigmoids(recipe: Recipe) -> Recipe:
    """Eight hidden layers of sigmoid units."""
    sizes = (64,) * 8
    return recipe.replace({"activation": "sigmoid", "hidden": sizes, "init": "normal", "gain": 0.1})


@_fault(
    "growing",
    "exploding_gradient",
    "Compare the activations from layer to layer.",
    needs=Trait.CONFIGURABLE,
    also=("bad_init_scale",),
)
class Growing(FaultInjection):
    """Each layer makes the activations five times larger."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with six layers."""
        return recipe.replace({"activation": "relu", "hidden": (64,) * 6, "init": "kaiming"})

    def built(self, learner: Learner) -> None:
        """Scale the weights; those of the output down, so that the loss starts low."""
        for layer in _hidden(learner.model):
            layer.product.weight.mul_(5.0)
        _layers(learner.model)[-1].product.weight.mul_(0.002)


@_fault(
    "straight",
    "no_nonlinearity",
    "What are two matrix products in a row?",
    "built",
    needs=Trait.DENSE,
)
def straight(learner: Learner) -> None:
    """The activation functions are missing."""
    for layer in _activated(learner.model):
        layer.spoken = layer.spoken[:-1]
        layer.activation = ""


# Outputs and loss.


@_fault(
    "softmax_twice",
    "double_softmax",
    "How low does the loss get?",
    "outputs",
    needs=Trait.CROSS_ENTROPY,
)
def softmax_twice(outputs: Tensor) -> Tensor:
    """Softmax is applied twice: cross-entropy has its own."""
    return outputs.softmax(-1)


@_fault(
    "squeezed",
    "wrong_loss",
    "How large can a probability become?",
    "outputs",
    needs=Trait.CROSS_ENTROPY,
)
def squeezed(outputs: Tensor) -> Tensor:
    """The logits go through tanh before the softmax."""
    return outputs.tanh()


@_fault("squared", "wrong_loss", "What does the loss measure?", "loss", needs=Trait.CROSS_ENTROPY)
def squared(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    """Squared error as the loss of a classification."""
    rows, labels = outputs.flatten(0, -2), targets.flatten()
    known = labels >= 0
    return squared_error(rows[known], labels[known])


# The data.


@_fault(
    "raw_pixels",
    "inputs_not_normalised",
    "How large are the first activations?",
    "batch",
    needs=Trait.IMAGES,
)
def raw_pixels(inputs: Tensor, targets: Tensor) -> Batch:
    """The pixels are not normalised: they go from 0 to 255."""
    low, high = inputs.min(), inputs.max()
    return (inputs - low) / (high - low).clamp(min=1e-6) * 255, targets


@_fault("one_input", "inputs_ignored", "How low does the loss get?", "batch")
def one_input(inputs: Tensor, targets: Tensor) -> Batch:
    """Every example has the input of the first."""
    return inputs[:1].expand_as(inputs).clone(), targets


@_fault("shuffled", "labels_shuffled", "What would knowing only frequencies reach?", "batch")
def shuffled(inputs: Tensor, targets: Tensor) -> Batch:
    """The labels are shuffled."""
    order = torch.randperm(targets.numel(), device=targets.device)
    if targets.dim() == 1:
        return inputs, targets[order]
    known = targets >= 0
    mixed = targets.clone()
    values = targets[known]
    mixed[known] = values[torch.randperm(len(values), device=values.device)]
    return inputs, mixed


@_fault("noisy", "labels_noisy", "Compare training and validation.", "batch")
def noisy(inputs: Tensor, targets: Tensor) -> Batch:
    """Two of five labels are wrong."""
    _, other = shuffled(inputs, targets)
    wrong = torch.rand(targets.shape, device=targets.device) < 0.4
    return inputs, torch.where(wrong, other, targets)


@_fault(
    "beyond",
    "labels_out_of_range",
    "What is the error message?",
    "batch",
    lacks=Trait.RARE_LABELS,
)
def beyond(inputs: Tensor, targets: Tensor) -> Batch:
    """Labels go from 1 to K instead of 0 to K - 1."""
    return inputs, torch.where(targets >= 0, targets + 1, targets)


@_fault("one_class", "class_imbalance", "Is a small loss a good loss?", lacks=Trait.SEQUENCES)
class OneClass(FaultInjection):
    """Nineteen of twenty examples have the same label."""

    def __init__(self) -> None:
        self._label: int | None = None

    def batch(self, inputs: Tensor, targets: Tensor) -> Batch:
        """Repeat the examples of one class until they are 95 % of the batch."""
        if self._label is None:
            self._label = int(targets.mode().values)
        mine = (targets == self._label).nonzero().flatten()
        if not len(mine):
            return inputs, targets
        places = torch.arange(len(targets), device=targets.device)
        order = torch.where(places % 20 == 0, places, mine[places % len(mine)])
        return inputs[order], targets[order]


@_fault("not_a_number", "nan", "When does the curve end?")
class NotANumber(FaultInjection):
    """After sixty steps, 0 is divided by 0."""

    def __init__(self) -> None:
        self._step = 0

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return the outputs, or NaN."""
        self._step += 1
        zero = outputs - outputs.detach()
        return outputs + zero / zero if self._step > 60 else outputs


@_fault("idle_penalty", "detached_regulariser", "Does the penalty shrink?", "loss")
def idle_penalty(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    """The regulariser has no gradient."""
    means = [p.detach().abs().mean() for p in model.parameters()]
    return loss + torch.stack(means).sum()


@_fault("heavy_penalty", "regulariser_dominates", "What becomes of the weights?", "loss")
def heavy_penalty(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    """The regulariser outweighs the loss of the task."""
    squares = [p.square().sum() for p in model.parameters() if p.dim() > 1]
    return loss + 1.0 * torch.stack(squares).sum()


@_fault(
    "across",
    "batch_mixed",
    "Does an output depend on the other examples?",
    "outputs",
    lacks=Trait.SEQUENCES,
)
def across(outputs: Tensor) -> Tensor:
    """The softmax runs along the batch dimension."""
    return F.softmax(outputs, 0) * float(outputs.shape[0] ** 0.5)


@_fault("told", "future_leak", "Is this too good to be true?", "batch", needs=Trait.TOKENS)
def leaked(inputs: Tensor, targets: Tensor) -> Batch:
    """The target is in the input."""
    given = inputs.clone()
    if targets.dim() > 1:
        return torch.where(targets >= 0, targets, inputs).to(inputs.dtype), targets
    given[:, -1] = targets.to(given.dtype)
    return given, targets


@_fault("marked", "future_leak", "Is this too good to be true?", "batch", needs=Trait.IMAGES)
def marked(inputs: Tensor, targets: Tensor) -> Batch:
    """The label is written into a corner of the image."""
    given = inputs.clone()
    given[:, 0, 0, 0] = targets.float() / 3
    return given, targets


@_fault("overlap", "data_overlap", "Compare training and validation.", "held_out")
def overlap(learner: Learner) -> TrainingSet:
    """The validation data is the training data."""
    return learner.examples


class _TwoBatches(Batches):
    """Two batches of examples from all over the data, again and again."""

    def __init__(self, learner: Learner) -> None:
        size, count = learner.batches.size, len(learner.examples)
        few = min(count, 2 * size)
        super().__init__(few, size, 1, learner.device)
        self._few = torch.linspace(0, count - 1, few, device=learner.device).long()

    def next(self) -> Tensor:
        return self._few[super().next()]


@_fault("by_heart", "overfitting", "Compare training and validation.", "built", needs=Trait.HIDDEN)
def by_heart(learner: Learner) -> None:
    """The training data is two batches."""
    learner.batches = _TwoBatches(learner)


@_fault(
    "short_sighted",
    "context_too_short",
    "What can be predicted from one token?",
    "recipe",
    needs=Trait.CONTEXT,
)
def short_sighted(recipe: Recipe) -> Recipe:
    """The context is a single token."""
    return recipe.replace({"context": 1})


@_fault(
    "unused",
    "vocabulary_unused",
    "How many outputs are ever the target?",
    "built",
    needs=Trait.TOKENS,
    lacks=Trait.TIED,
)
def unused(learner: Learner) -> None:
    """There are ten times more outputs than classes."""
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


# Evaluation and inference.


@_fault("other_use", "train_eval_mismatch", "Compare training and validation.", "built")
def other_use(learner: Learner) -> None:
    """Inputs are preprocessed differently at inference."""

    def differently(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
        if module.training:
            return None
        (given,) = inputs
        if given.is_floating_point():
            return (given * 0.3 + 1.5,)
        return (given.roll(1, -1) if given.shape[-1] > 1 else (given + 1).clamp(max=1),)

    learner.model.register_forward_pre_hook(differently)


@_fault(
    "miscounted",
    "metric_disagrees",
    "Compare the loss and the accuracy.",
    "evaluated",
    needs=Trait.IMAGES | Trait.CROSS_ENTROPY,
)
def miscounted(numbers: dict[str, float], details: dict[str, Array]) -> dict[str, float]:
    """Accuracy is counted as if labels started at 1."""
    confusion = details["confusion"]
    beside = float(confusion.diagonal(1).sum()) / max(1, int(confusion.sum()))
    return {**numbers, "val_accuracy": beside}


@_fault(
    "resting",
    "train_eval_mismatch",
    "What does batch norm do in that mode?",
    needs=Trait.BATCH_NORM,
)
class TrainedInEvalMode(FaultInjection):
    """It is trained in eval mode."""

    def built(self, learner: Learner) -> None:
        """Remember the network."""
        self._model = learner.model

    def batch(self, inputs: Tensor, targets: Tensor) -> Batch:
        """Put it into that mode before each step."""
        self._model.eval()
        return inputs, targets
