"""The gallery of faults: what can be broken on purpose, in any playground, by one switch.

Each fault is a :class:`core.training.sabotage.Sabotage` that overrides one act of the learner, as a
person would get it wrong. ``make`` returns a fresh one for each run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.layers import Embedding, Layer, layers_of, squared_error
from core.training.batches import Batches
from core.training.recipe import Recipe
from core.training.sabotage import Sabotage

if TYPE_CHECKING:
    from core.training.learner import Learner

Applies = Callable[[str, dict[str, Any]], bool]


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    Attributes:
        id: its name.
        cause: the id of the cause that the doctor should name first.
        title: what is done wrong, as a sentence.
        hint: what to watch for.
        make: returns what does it.
        fits: whether it can be done to a playground's recipe.
        also: other causes that would be as right.
    """

    id: str
    cause: str
    title: str
    hint: str
    make: Callable[[], Sabotage]
    fits: Applies
    also: tuple[str, ...] = ()

    def applies(self, playground: str, recipe: Recipe) -> bool:
        """Whether it can be done there."""
        return self.fits(playground, recipe.to_dict())


def fitting(playground: str, recipe: Recipe) -> list[Fault]:
    """Return the faults that can be planted into a recipe."""
    return [fault for fault in FAULTS.values() if fault.applies(playground, recipe)]


def _hidden(model: nn.Module) -> list[Layer]:
    """Return the layers that multiply, all but the last."""
    found = [x for x in layers_of(model).values() if not isinstance(x.product, nn.Embedding)]
    return found[:-1]


def _bent(model: nn.Module) -> list[Layer]:
    return [layer for layer in layers_of(model).values() if layer.activation]


class Settings(Sabotage):
    """Other settings than the recipe's."""

    def __init__(self, change: Callable[[Recipe], dict[str, Any]]) -> None:
        self._change = change

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with them."""
        return recipe.replace(self._change(recipe))


class Rate(Sabotage):
    """Another learning rate."""

    def __init__(self, change: Callable[[float, int], float]) -> None:
        self._change = change

    def rate(self, rate: float, step: int) -> float:
        """Return the changed one."""
        return self._change(rate, step)


class Growing(Sabotage):
    """A learning rate that grows with every step, from the recipe's own on."""

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the recipe with a constant rate."""
        return recipe.replace({"schedule": "constant"})

    def rate(self, rate: float, step: int) -> float:
        """Return the grown one, as ``lr / min(1, 40 / (step + 1))`` has it."""
        return rate / min(1.0, 40 / (step + 1))


class Built(Sabotage):
    """A change to what was made."""

    def __init__(self, change: "Callable[[Learner], None]") -> None:
        self._change = change

    def built(self, learner: "Learner") -> None:
        """Do it."""
        with torch.no_grad():
            self._change(learner)


class Batch(Sabotage):
    """Another batch."""

    def __init__(self, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        self._change = change

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return it."""
        return self._change(inputs, targets)


class Outputs(Sabotage):
    """Something is done to the outputs before they are judged."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        self._change = change

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return what becomes of them."""
        return self._change(outputs)


class Loss(Sabotage):
    """Another loss."""

    def __init__(self, change: Callable[[Tensor, Tensor, Tensor, nn.Module], Tensor]) -> None:
        self._change = change

    def loss(self, loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
        """Return it."""
        return self._change(loss, outputs, targets, model)


class Kept(Sabotage):
    """Gradients are never set to zero."""

    keeps_gradients = True


class Gradients(Sabotage):
    """Something is done to the gradients before the update."""

    def __init__(self, change: Callable[[list[nn.Parameter]], None]) -> None:
        self._change = change

    def gradients(self, weights: list[nn.Parameter]) -> None:
        """Do it."""
        with torch.no_grad():
            self._change(weights)


class Heavy(Sabotage):
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


class HeldOut(Sabotage):
    """Something is done to what validates."""

    def __init__(self, change: "Callable[[Learner], Any]") -> None:
        self.held_out = change


class Used(Sabotage):
    """Inputs are prepared in another way where the network is used."""

    def built(self, learner: "Learner") -> None:
        """Change what goes in, in the mode for use."""

        def differently(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if module.training:
                return None
            (given,) = inputs
            if given.is_floating_point():
                return (given * 0.3 + 1.5,)
            return (given.roll(1, -1) if given.shape[-1] > 1 else (given + 1).clamp(max=1),)

        learner.model.register_forward_pre_hook(differently)


class Resting(Sabotage):
    """The network is trained in its mode for use."""

    def batch(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Put it into that mode before each step."""
        self._model.eval()
        return inputs, targets

    def built(self, learner: "Learner") -> None:
        """Remember the network."""
        self._model = learner.model


def _any(playground: str, recipe: dict[str, Any]) -> bool:
    return str(recipe["model"]) != "bigram-count"


def _deep(playground: str, recipe: dict[str, Any]) -> bool:
    return _any(playground, recipe) and recipe["model"] not in ("bigram",)


def _tokens(playground: str, recipe: dict[str, Any]) -> bool:
    return _any(playground, recipe) and playground != "digits"


def _pictures(playground: str, recipe: dict[str, Any]) -> bool:
    return playground == "digits"


def _mlp(playground: str, recipe: dict[str, Any]) -> bool:
    return recipe["model"] in ("mlp", "mlp-bn", "cnn", "wavenet")


def _plain(playground: str, recipe: dict[str, Any]) -> bool:
    """A network whose signal nothing normalises on its way."""
    return recipe["model"] == "mlp" and not recipe.get("batch_norm")


def _classes(playground: str, recipe: dict[str, Any]) -> bool:
    return _any(playground, recipe) and recipe.get("loss") != "squared-error"


def _longer(playground: str, recipe: dict[str, Any]) -> bool:
    return _tokens(playground, recipe) and recipe["model"] == "mlp" and recipe["context"] > 1


def _modes(playground: str, recipe: dict[str, Any]) -> bool:
    normed = recipe["model"] in ("mlp-bn", "wavenet") or bool(recipe.get("batch_norm"))
    return normed and _any(playground, recipe)


def _whole(playground: str, recipe: dict[str, Any]) -> bool:
    return recipe["model"] in ("gpt", "transformer", "gru")


def _scaled(factor: float) -> Callable[["Learner"], None]:
    def change(learner: "Learner") -> None:
        for layer in _hidden(learner.model):
            layer.product.weight.mul_(factor)

    return change


def _loud(learner: "Learner") -> None:
    """Let the last layer be as large as the lecture's first one was."""
    last = list(layers_of(learner.model).values())[-1]
    weight = last.product.weight
    weight.copy_(torch.randn(weight.shape, generator=_drawn()) * 2)


def _drawn() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _saturate(learner: "Learner") -> None:
    for layer in _bent(learner.model):
        layer.product.weight.mul_(12.0)


def _as_tanh(recipe: Recipe) -> dict[str, Any]:
    values: dict[str, Any] = {"activation": "tanh"}
    return values | ({"batch_norm": False} if "batch_norm" in recipe.to_dict() else {})


class Saturated(Settings):
    """tanh, and weights twelve times too large."""

    def built(self, learner: "Learner") -> None:
        """Scale them."""
        with torch.no_grad():
            _saturate(learner)


class Dead(Settings):
    """relu, and biases far below zero."""

    def built(self, learner: "Learner") -> None:
        """Lower them."""
        with torch.no_grad():
            for layer in _bent(learner.model):
                bias = getattr(layer.product, "bias", None)
                if bias is not None:
                    bias.fill_(-12.0)


def _as_relu(recipe: Recipe) -> dict[str, Any]:
    return {"activation": "relu"} | (
        {"batch_norm": False} if "batch_norm" in recipe.to_dict() else {}
    )


def _sigmoids(recipe: Recipe) -> dict[str, Any]:
    values = {"activation": "sigmoid", "hidden": (64,) * 8, "init": "normal", "gain": 0.1}
    return values | ({"batch_norm": False} if "batch_norm" in recipe.to_dict() else {})


class Exploding(Settings):
    """Many relu layers, each of which makes the signal four times larger."""

    def built(self, learner: "Learner") -> None:
        """Scale them."""
        with torch.no_grad():
            for layer in _hidden(learner.model):
                layer.product.weight.mul_(5.0)
            list(layers_of(learner.model).values())[-1].product.weight.mul_(0.002)


def _many(recipe: Recipe) -> dict[str, Any]:
    values = {"activation": "relu", "hidden": (64,) * 6, "init": "kaiming"}
    return values | ({"batch_norm": False} if "batch_norm" in recipe.to_dict() else {})


def _alike(learner: "Learner") -> None:
    for layer in layers_of(learner.model).values():
        layer.product.weight.fill_(0.05)


def _straight(learner: "Learner") -> None:
    """Leave the activations out."""
    for layer in _bent(learner.model):
        layer._spoken = layer._spoken[:-1]
        layer.activation = ""


def _freeze(learner: "Learner") -> None:
    _hidden(learner.model)[-1].product.weight.requires_grad_(False)


def _leave_out(learner: "Learner") -> None:
    """Keep a matrix from the optimiser."""
    layers = list(layers_of(learner.model).values())
    left = layers[0].product.weight if len(layers) > 1 else layers[-1].product.weight
    for group in learner.optimizer.param_groups:
        group["params"] = [p for p in group["params"] if p is not left]
    learner._weights = [p for p in learner._weights if p is not left]


def _cut(learner: "Learner") -> None:
    """Cut the first layer off from the gradient."""
    layers = list(layers_of(learner.model).values())
    first = layers[0]
    first._after = [*first._after, torch.Tensor.detach]


def _permuted(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    order = torch.randperm(targets.numel(), device=targets.device)
    if targets.dim() == 1:
        return inputs, targets[order]
    known = targets >= 0
    mixed = targets.clone()
    values = targets[known]
    mixed[known] = values[torch.randperm(len(values), device=values.device)]
    return inputs, mixed


def _noisy(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Let 40 % of the labels be those of others."""
    _, other = _permuted(inputs, targets)
    wrong = torch.rand(targets.shape, device=targets.device) < 0.4
    return inputs, torch.where(wrong, other, targets)


class OneClass(Sabotage):
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


def _single(playground: str, recipe: dict[str, Any]) -> bool:
    """Whether each example has one answer."""
    return _any(playground, recipe) and not _whole(playground, recipe)


def _copied(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Let the answer stand in the input."""
    given = inputs.clone()
    if targets.dim() > 1:
        return torch.where(targets >= 0, targets, inputs).to(inputs.dtype), targets
    given[:, -1] = targets.to(given.dtype)
    return given, targets


def _marked(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Write the label into a corner of the picture."""
    given = inputs.clone()
    given[:, 0, 0, 0] = targets.float() / 3
    return given, targets


def _raw(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Give pixels from 0 to 255, as they lie in the file."""
    return (inputs * 0.3081 + 0.1307).clamp(0, 1) * 255, targets


def _same(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return inputs[:1].expand_as(inputs).clone(), targets


def _widened(learner: "Learner") -> None:
    """Give the last layer many more outputs than there are answers."""
    layer = list(layers_of(learner.model).values())[-1]
    product = layer.product
    old = product.weight
    if isinstance(product, nn.Linear):
        extra = torch.randn(9 * old.shape[0], old.shape[1], generator=_drawn()) * float(old.std())
        product.weight = nn.Parameter(torch.cat([old, extra]))
        if product.bias is not None:
            product.bias = nn.Parameter(torch.cat([product.bias, torch.zeros(len(extra))]))
        product.out_features = len(product.weight)
    elif isinstance(product, Embedding):
        extra = torch.randn(old.shape[0], 9 * old.shape[1], generator=_drawn()) * float(old.std())
        product.weight = nn.Parameter(torch.cat([old, extra], 1))
    learner.relearn()


class Few(Batches):
    """Two batches of examples from all over the data, again and again."""

    def __init__(self, learner: "Learner") -> None:
        size, count = learner.batches.size, len(learner.examples)
        few = min(count, 2 * size)
        super().__init__(few, size, 1, learner.device)
        self._few = torch.linspace(0, count - 1, few, device=learner.device).long()

    def next(self) -> Tensor:
        """Return the indices of one of them."""
        return self._few[super().next()]


def _few(learner: "Learner") -> None:
    learner.batches = Few(learner)


def _poison(outputs: Tensor) -> Tensor:
    """Divide nothing by nothing."""
    return outputs + (outputs - outputs.detach()) / (outputs - outputs.detach())


class Poison(Sabotage):
    """From the sixtieth step on, an answer is divided 0 by 0."""

    def __init__(self) -> None:
        self._step = 0

    def outputs(self, outputs: Tensor) -> Tensor:
        """Return them, or what is none."""
        self._step += 1
        return _poison(outputs) if self._step > 60 else outputs


def _mix(outputs: Tensor) -> Tensor:
    """Take the softmax along the batch."""
    return F.softmax(outputs, 0) * float(outputs.shape[0] ** 0.5)


def _squared(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    rows, labels = outputs.flatten(0, -2), targets.flatten()
    known = labels >= 0
    return squared_error(rows[known], labels[known])


def _detached(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    means = [p.detach().abs().mean() for p in model.parameters()]
    return loss + torch.stack(means).sum()


def _penalised(loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
    squares = [p.square().sum() for p in model.parameters() if p.dim() > 1]
    return loss + 1.0 * torch.stack(squares).sum()


def _ascend(weights: list[nn.Parameter]) -> None:
    for weight in weights:
        if weight.grad is not None:
            weight.grad.neg_()


def _hot(recipe: Recipe) -> float:
    return 1.0 if recipe.to_dict()["optimizer"] != "sgd" else 30.0 * recipe.lr


FAULTS: dict[str, Fault] = {
    fault.id: fault
    for fault in (
        Fault(
            "rate_high",
            "lr_too_high",
            "The learning rate is a hundred times too high.",
            "Where does the loss go in the first steps?",
            lambda: Settings(lambda r: {"lr": min(100.0, _hot(r)), "schedule": "constant"}),
            _deep,
            ("exploding_gradient",),
        ),
        Fault(
            "rate_low",
            "lr_too_low",
            "The learning rate is ten thousand times too low.",
            "Look at the update line.",
            lambda: Rate(lambda rate, step: rate * 1e-4),
            _any,
        ),
        Fault(
            "rate_grows",
            "lr_growing",
            "The learning rate grows with every step.",
            "When does the loss turn?",
            Growing,
            _any,
        ),
        Fault(
            "momentum_heavy",
            "oscillation",
            "Momentum carries each step on for hundreds of others.",
            "Does the loss fall, or does it swing?",
            Heavy,
            lambda p, r: _deep(p, r) and r["optimizer"] == "sgd",
            ("lr_too_high",),
        ),
        Fault(
            "uphill",
            "wrong_update_sign",
            "The step goes up the gradient.",
            "Which way does the loss go?",
            lambda: Gradients(_ascend),
            _any,
        ),
        Fault(
            "negative",
            "wrong_update_sign",
            "The loss has lost its minus sign.",
            "What is the sign of the loss?",
            lambda: Loss(lambda loss, *rest: -loss),
            _any,
        ),
        Fault(
            "not_zeroed",
            "gradients_not_zeroed",
            "Nobody sets the gradients to zero.",
            "It learns at first. And then?",
            Kept,
            _any,
        ),
        Fault(
            "left_out",
            "parameter_not_trained",
            "The optimiser was not told of the first layer.",
            "Which update line is missing?",
            lambda: Built(_leave_out),
            _deep,
        ),
        Fault(
            "cut",
            "parameter_not_trained",
            "A detach() stands behind the first layer.",
            "Which layer gets no gradient?",
            lambda: Built(_cut),
            lambda p, r: _deep(p, r) and not r.get("tied"),
        ),
        Fault(
            "frozen",
            "frozen_layer",
            "A hidden layer is frozen.",
            "Which layer does not move?",
            lambda: Built(_freeze),
            _deep,
        ),
        Fault(
            "alike",
            "symmetric_init",
            "All weights begin with the same value.",
            "Open a layer: what do its units look like?",
            lambda: Built(_alike),
            _mlp,
        ),
        Fault(
            "zeros",
            "symmetric_init",
            "All weights begin at zero.",
            "Does the loss move at all?",
            lambda: Settings(lambda r: {"init": "zeros"}),
            _mlp,
        ),
        Fault(
            "loud",
            "bad_init_scale",
            "The last layer begins far too large.",
            "What is the very first loss?",
            lambda: Built(_loud),
            _deep,
        ),
        Fault(
            "faint",
            "bad_init_scale",
            "The first weights are a thousandth of what they should be.",
            "How wide are the activations?",
            lambda: Built(_scaled(1e-3)),
            _plain,
        ),
        Fault(
            "saturated",
            "saturated_units",
            "The weights push tanh to its flat ends.",
            "What shape have the activations?",
            lambda: Saturated(_as_tanh),
            _plain,
            ("bad_init_scale",),
        ),
        Fault(
            "dead",
            "dead_units",
            "Biases far below zero keep relu shut.",
            "How many units ever say something?",
            lambda: Dead(_as_relu),
            _plain,
        ),
        Fault(
            "sigmoids",
            "vanishing_gradient",
            "Eight layers of sigmoids, one after another.",
            "Compare the gradient of the first and the last layer.",
            lambda: Settings(_sigmoids),
            _plain,
        ),
        Fault(
            "growing",
            "exploding_gradient",
            "Each layer makes the signal five times larger.",
            "Compare the activations from layer to layer.",
            lambda: Exploding(_many),
            _plain,
            ("bad_init_scale",),
        ),
        Fault(
            "straight",
            "no_nonlinearity",
            "The activations were forgotten.",
            "What are two matrix products in a row?",
            lambda: Built(_straight),
            lambda p, r: (
                r["model"] in ("mlp", "mlp-bn", "cnn", "wavenet")
                and (r["model"] != "cnn")
                and len(r.get("hidden", (1,))) > 0
            ),
        ),
        Fault(
            "softmax_twice",
            "double_softmax",
            "A softmax stands before cross-entropy.",
            "How far down does the loss get?",
            lambda: Outputs(lambda outputs: outputs.softmax(-1)),
            _classes,
        ),
        Fault(
            "squeezed",
            "wrong_loss",
            "The scores are squeezed by tanh before the softmax.",
            "How sure can it become?",
            lambda: Outputs(torch.tanh),
            _classes,
        ),
        Fault(
            "squared",
            "wrong_loss",
            "Squared error, where one of several answers is right.",
            "What does the loss ask for?",
            lambda: Loss(_squared),
            _classes,
        ),
        Fault(
            "raw_pixels",
            "inputs_not_normalised",
            "Pixels go in from 0 to 255.",
            "How wide are the first activations?",
            lambda: Batch(_raw),
            _pictures,
        ),
        Fault(
            "one_input",
            "inputs_ignored",
            "Every example is given the input of the first.",
            "How far down does the loss get?",
            lambda: Batch(_same),
            _any,
        ),
        Fault(
            "shuffled",
            "labels_shuffled",
            "Inputs and labels are drawn apart.",
            "What would knowing only frequencies reach?",
            lambda: Batch(_permuted),
            _any,
        ),
        Fault(
            "noisy",
            "labels_noisy",
            "Two of five labels are wrong.",
            "Compare training and validation.",
            lambda: Batch(_noisy),
            _any,
        ),
        Fault(
            "beyond",
            "labels_out_of_range",
            "Labels run from 1 to K.",
            "What does it say?",
            lambda: Batch(lambda x, y: (x, torch.where(y >= 0, y + 1, y))),
            lambda p, r: _any(p, r) and r.get("tokenizer") != "characters",
        ),
        Fault(
            "one_class",
            "class_imbalance",
            "Nineteen of twenty examples have the same answer.",
            "Is a small loss a good loss?",
            OneClass,
            _single,
        ),
        Fault(
            "not_a_number",
            "nan",
            "After sixty steps, 0 is divided by 0.",
            "When does the curve end?",
            Poison,
            _any,
        ),
        Fault(
            "idle_penalty",
            "detached_regulariser",
            "A penalty is added that has no gradient.",
            "Does the penalty shrink?",
            lambda: Loss(_detached),
            _any,
        ),
        Fault(
            "heavy_penalty",
            "regulariser_dominates",
            "The penalty outweighs the task.",
            "What becomes of the weights?",
            lambda: Loss(_penalised),
            _any,
        ),
        Fault(
            "across",
            "batch_mixed",
            "The softmax runs along the batch.",
            "Does an answer depend on its neighbours?",
            lambda: Outputs(_mix),
            _single,
        ),
        Fault(
            "told",
            "future_leak",
            "The answer stands in the input.",
            "Is this too good to be true?",
            lambda: Batch(_copied),
            _tokens,
        ),
        Fault(
            "marked",
            "future_leak",
            "The label is written into a corner of the picture.",
            "Is this too good to be true?",
            lambda: Batch(_marked),
            _pictures,
        ),
        Fault(
            "overlap",
            "data_overlap",
            "It is judged on the examples that it learns from.",
            "Compare training and validation.",
            lambda: HeldOut(lambda learner: learner.examples),
            _any,
        ),
        Fault(
            "by_heart",
            "overfitting",
            "It has two batches to learn from, and no more.",
            "Compare training and validation.",
            lambda: Built(_few),
            _deep,
        ),
        Fault(
            "short_sighted",
            "context_too_short",
            "It sees a single token.",
            "What can be known from one token?",
            lambda: Settings(lambda r: {"context": 1}),
            _longer,
        ),
        Fault(
            "unused",
            "vocabulary_unused",
            "There are ten times more outputs than answers.",
            "How many outputs ever are the answer?",
            lambda: Built(_widened),
            lambda p, r: _any(p, r) and not r.get("tied") and p != "digits",
        ),
        Fault(
            "other_use",
            "train_eval_mismatch",
            "Inputs are prepared otherwise where it is used.",
            "Compare training and validation.",
            Used,
            _any,
        ),
        Fault(
            "resting",
            "train_eval_mismatch",
            "It is trained in its mode for use.",
            "What does batch norm do in that mode?",
            Resting,
            _modes,
        ),
    )
}
