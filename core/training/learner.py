"""The learner: a model, its optimiser and its batches, and the one step they do together."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..playground import Playground, TrainingSet
from ..telemetry.events import Array
from .batches import Batches
from .checkpoint import Checkpoint
from .device import mixed_precision
from .distributed import ProcessGroup
from .muon import Muon, hidden_matrices
from .recipe import Recipe
from .shape import build_shape

WARM_UP = 0.08  # of a cosine schedule: Adam's first steps rest on few gradients, so they are short


class Watcher(Protocol):
    """What wants to see the weights on both sides of an update."""

    def before_update(self) -> None:
        """The gradients are there, the weights are the old ones."""

    def after_update(self) -> None:
        """The weights are the new ones."""


class Learner:
    """Everything that changes while a network learns; owned by the thread that trains.

    Raises:
        UserError: the checkpoint to go on from is of another playground or model.
    """

    def __init__(
        self,
        playground: Playground,
        recipe: Recipe,
        data: Any,
        device: torch.device,
        resume: Checkpoint | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        self.playground = playground
        self.recipe = recipe
        self.data = data
        self.device = device
        self.vocabulary = playground.vocabulary(data, recipe)
        self.examples = playground.prepare(data, recipe, self.vocabulary, device)
        self.step = 0
        self.trail: list[float] = []
        """The progress at each step since somebody cleared it, to do those steps again."""
        self.note = ""
        """What could not be taken over from a checkpoint, in a sentence; or how it is trained."""
        self._numbers: torch.dtype | None = None
        if recipe.is_mixed_on(device.type):
            self._numbers, self.note = mixed_precision(device)
        self._scaler: torch.amp.GradScaler | None = None
        if self._numbers is torch.float16:
            self._scaler = torch.amp.GradScaler(device.type)
        torch.manual_seed(recipe.seed)
        self.model = playground.build(recipe, self.vocabulary).to(device)
        if device.type != "mps" and _has_convolutions(self.model):
            self.model = self.model.to(memory_format=torch.channels_last)  # faster convolutions
        self.weights = _learning(self.model)
        self.optimizer = _optimizer(self.model, recipe)
        count = len(self.examples)
        self.fits_by_counting = hasattr(self.model, "observe")
        """Whether it learns by counting: everything in one step, and without a gradient."""
        size = count if self.fits_by_counting else recipe.batch_size
        self.batches = Batches(count, size, recipe.seed, device)
        if resume and self.fits_by_counting:
            raise UserError("What counts has counted everything: begin with fresh weights instead.")
        if resume:
            self._resume(resume)
        self.model.train()
        self.group = group
        self._forward = self.model
        if group:
            self._join(group)

    def _join(self, group: ProcessGroup) -> None:
        """Learn together with other processes that have been given the same."""
        if self.fits_by_counting:
            raise UserError("What counts has one step to do: train it in a single process.")
        group.check(self.batches.size)
        self._forward = group.wrap(self.model)
        if any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in self.model.modules()):
            self.note += " Batch norm sees each process's share of a batch, not all of it."
        if group.rank:  # else dropout would leave the same units out everywhere
            torch.manual_seed(self.recipe.seed + group.rank)

    def leave_group(self) -> None:
        """Dismiss the other processes; from here on it learns alone, from whole batches."""
        if self.group:
            self.group.dismiss()
            self.group, self._forward = None, self.model

    def copy(self, changes: Mapping[str, Any]) -> "Learner":
        """Return a fresh learner of the same kind, with other settings.

        Raises:
            UserError: a setting is impossible.
        """
        recipe = self.recipe.replace(changes)
        return Learner(self.playground, recipe, self.data, self.device)

    def reset_optimizer(self) -> None:
        """Begin with the model's parameters anew, after some were replaced."""
        self.weights = _learning(self.model)
        self.optimizer = _optimizer(self.model, self.recipe)

    def take(self, recipe: Recipe | None = None) -> tuple[Tensor, Tensor]:
        """Return the next batch, ready for the model.

        Args:
            recipe: settings by which examples are prepared, if not those of the training.
        """
        indices = self.batches.next()
        batch = self.examples.batch(indices, recipe or self.recipe, self.batches.generator)
        return self.group.share(batch) if self.group else batch

    def held_out(self) -> TrainingSet:
        """Return the examples that validate."""
        return self.playground.held_out(self.data, self.recipe, self.vocabulary, self.device)

    def evaluate(self, limit: int | None = None) -> tuple[dict[str, float], dict[str, Array]]:
        """Evaluate the model on validation data, about ``limit`` examples; None for all."""
        return self.playground.validate(self.model, self.data, self.recipe, limit)

    def learn(
        self, inputs: Tensor, targets: Tensor, progress: float, watcher: Watcher | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Do one step; return its loss and share of right answers, still on the device."""
        if self.fits_by_counting:
            return self._count(inputs, targets), None
        if self.group and not self.group.rank:
            self.group.lead(progress)
        self.trail.append(progress)
        if self._numbers is None:
            outputs, loss = self.forward(inputs, targets)
        else:
            with torch.autocast(self.device.type, self._numbers):
                outputs, loss = self.forward(inputs, targets)
        self.zero_gradients()
        self.backward(loss)
        if watcher:
            watcher.before_update()
        self._update(self.rate(progress))
        if watcher:
            watcher.after_update()
        self.step += 1
        correct = self.playground.correct(outputs, targets)
        if self.group is None:
            return loss.detach(), correct
        return self.group.mean(loss), None if correct is None else self.group.mean(correct)

    def forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the model's outputs for a batch, and their loss."""
        outputs = self._forward(inputs)
        return outputs, self.playground.loss(self.recipe, outputs, targets)

    def zero_gradients(self) -> None:
        """Forget the gradients of the step before."""
        # By hand, since torch's zero_grad takes a tenth of a small network's step.
        for weight in self.weights:
            weight.grad = None

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients, in their true size."""
        if self._scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            self._scaler.unscale_(self.optimizer)

    def _update(self, rate: float) -> None:
        recipe = self.recipe
        plain = recipe.optimizer == "sgd" and not (recipe.momentum or recipe.weight_decay)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if not plain or self._scaler is not None:
            if self._scaler is None:
                self.optimizer.step()
            else:
                self._scaler.step(self.optimizer)  # leaves a step out whose gradients overflowed
                self._scaler.update()
            return
        # Plain descent as the lectures write it; torch's optimiser takes six times as long to do
        # the same, which for a small network is a tenth of a step.
        with torch.no_grad():
            moves = [weight.grad for weight in self.weights if weight.grad is not None]
            moved: list[Tensor] = [w for w in self.weights if w.grad is not None]
            torch._foreach_add_(moved, moves, alpha=-rate)

    def _count(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Count what follows what; the surprisal afterwards is the loss."""
        self.model.observe(inputs, targets)  # type: ignore[operator]
        outputs = self.model(inputs)
        self.step += 1
        return self.playground.loss(self.recipe, outputs, targets)

    def rate(self, progress: float) -> float:
        """Return the learning rate at this part of the run, 0 to 1."""
        return self.recipe.lr * _factor(self.recipe, progress)

    def change(self, key: str, value: Any) -> None:
        """Change a live setting from the next step on."""
        self.recipe = self.recipe.replace({key: value})
        for group in self.optimizer.param_groups:
            if key == "momentum" and "momentum" in group:
                group["momentum"] = self.recipe.momentum
            if key == "weight_decay" and group["decays"]:
                group["weight_decay"] = self.recipe.weight_decay

    def checkpoint(self, about: dict[str, Any]) -> Checkpoint:
        """Return all of it as a checkpoint that can be gone on from."""
        weights = self.model.state_dict()
        return Checkpoint(
            self.playground, self.recipe, self.vocabulary, weights, self.state(), about
        )

    def state(self) -> dict[str, Tensor]:
        """Return what is not in the weights: optimiser, batches, random numbers, step."""
        state = {f"batches.{name}": t for name, t in self.batches.state().items()}
        state |= {"random": torch.get_rng_state(), "step": torch.tensor(self.step)}
        for index, slots in self.optimizer.state_dict()["state"].items():
            state |= {
                f"optimizer.{index}.{slot}": torch.as_tensor(value)
                for slot, value in slots.items()
                if value is not None
            }
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go back to where :meth:`state` was taken; the weights are set apart from it.

        Raises:
            KeyError, RuntimeError, ValueError, IndexError: it is not such a state.
        """
        self.step = int(state["step"])
        torch.set_rng_state(state["random"].cpu())
        parts = {
            n.removeprefix("batches."): t for n, t in state.items() if n.startswith("batches.")
        }
        self.batches.restore(parts)
        whole = self.optimizer.state_dict()
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in state.items():
            if name.startswith("optimizer."):
                _, index, slot = name.split(".")
                slots.setdefault(int(index), {})[slot] = tensor.clone()
        self.optimizer.load_state_dict({**whole, "state": slots})
        # A fused optimiser goes through weights and slots as they lie in memory, so they must lie
        # alike: a file has them in plain order, convolutions have their channels last.
        for parameter, kept in self.optimizer.state.items():
            for slot, value in kept.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    kept[slot] = torch.empty_like(parameter).copy_(value)

    def _resume(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint's weights, and as much of its place in the run as fits."""
        mine, its = self.recipe.to_dict(), checkpoint.recipe.to_dict()
        if checkpoint.playground is not self.playground or mine["model"] != its["model"]:
            raise UserError("That checkpoint holds another model; choose one of this playground.")
        if checkpoint.vocabulary != self.vocabulary:
            raise UserError(
                "That checkpoint was made for other letters or tokens; train from fresh weights, or"
                " choose the data and the tokenizer that it was trained with."
            )
        try:
            self.model.load_state_dict(dict(self.playground.fitted(checkpoint.weights, self.model)))
        except RuntimeError:
            raise UserError(
                "That checkpoint's layers have other sizes than this recipe; load its recipe first."
            ) from None
        self.step = int(checkpoint.about.get("steps", 0))
        whole = {key: mine[key] == its[key] for key in ("optimizer", "batch_size", "seed")}
        if checkpoint.resume:
            was = build_shape(self.playground, checkpoint.recipe, self.vocabulary)
            shapes = [[weight.shape for weight in _learning(m)] for m in (self.model, was)]
            whole["weights that learn"] = shapes[0] == shapes[1]
        order = checkpoint.resume.get("batches.order")
        whole["data"] = order is None or len(order) == len(self.examples)
        if not checkpoint.resume:
            self.note = "It holds weights alone: optimiser and order of the data begin anew."
        elif not all(whole.values()):
            other = ", ".join(key for key, same in whole.items() if not same)
            self.note = f"Not the same as in its run: {other}; optimiser and order begin anew."
        else:
            self._restore_checked(dict(checkpoint.resume))

    def _restore_checked(self, state: dict[str, Tensor]) -> None:
        """Restore a state from a file, which may say anything."""
        expected = {name for name in state if not name.startswith("optimizer.")}
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        sgd = self.recipe.optimizer == "sgd"
        slots = ["momentum_buffer"] if sgd else ["step", "exp_avg", "exp_avg_sq"]
        orthogonal = 0
        if isinstance(self.optimizer, Muon):
            orthogonal = len(self.optimizer.param_groups[0]["params"])
        for index, parameter in enumerate(parameters):
            for slot in ["step", "momentum_buffer"] if index < orthogonal else slots:
                name = f"optimizer.{index}.{slot}"
                shape = torch.Size([]) if slot == "step" else parameter.shape
                found = state.get(name)
                if sgd and found is None:
                    continue  # momentum may have been switched on, or off, since
                if found is None or found.shape != shape or found.dtype != torch.float32:
                    raise UserError(DAMAGED)
                expected.add(name)
        if expected != set(state):
            raise UserError(DAMAGED)
        try:
            self.restore(state)
        except (KeyError, RuntimeError, ValueError, IndexError, TypeError):
            raise UserError(DAMAGED) from None


DAMAGED = "That checkpoint's place in its run is damaged; train from fresh weights instead."


def _has_convolutions(model: torch.nn.Module) -> bool:
    return any(isinstance(module, torch.nn.Conv2d) for module in model.modules())


def _learning(model: torch.nn.Module) -> list[nn.Parameter]:
    """Return the weights that learn: those that a recipe has frozen do not."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _optimizer(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay pulls at matrices only: biases and batch norm have no reason to be small."""
    if not list(model.parameters()):
        # What only counts has nothing to descend on.
        return torch.optim.SGD([torch.zeros(0, requires_grad=True)], lr=recipe.lr)
    matrices = [p for p in _learning(model) if p.dim() > 1]
    others = [p for p in _learning(model) if p.dim() <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": recipe.weight_decay, "decays": True},
        {"params": others, "weight_decay": 0.0, "decays": False},
    ]
    # Fused, all weights are updated in one call: for small networks a third of a step less.
    fused = next(model.parameters()).device.type in ("cpu", "cuda")
    if recipe.optimizer == "muon" and (hidden := hidden_matrices(model)):
        chosen = {id(p) for p in hidden}
        groups[0]["params"] = [p for p in matrices if id(p) not in chosen]
        first = {**groups[0], "params": hidden}
        return Muon(first, groups, lr=recipe.lr, betas=(0.9, recipe.beta2), fused=fused)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=fused)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, lr=recipe.lr, betas=(0.9, recipe.beta2), fused=fused)


def _factor(recipe: Recipe, progress: float) -> float:
    """Return the schedule's factor on the learning rate, 0 to 1, at a progress of 0 to 1."""
    if recipe.schedule == "cosine":
        if progress < WARM_UP:
            return (progress + 0.01) / (WARM_UP + 0.01)
        return 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))
    if recipe.schedule == "step":
        return float(0.1 ** min(2, int(progress * 3)))
    if recipe.schedule == "drop":
        return 0.1 if progress >= recipe.drop_at else 1.0
    return 1.0
