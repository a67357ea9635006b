"""When a loss stops being a number: where it began, and the way back to good weights."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..layers import Layer, layers_of
from ..telemetry.events import Metrics
from .learner import Learner

EVERY = 1.0  # seconds between two copies of the good weights


@dataclass(frozen=True)
class Finding:
    """The step and the layer in which the first number was lost."""

    step: int
    layer: str
    where: str
    what: str


class NanGuard:
    """Keeps a copy of the learner from which all was well, and what was done since.

    If the loss becomes NaN or infinite, the steps since the copy are done again, this time
    looking at every layer: slow, but only once, and it names the first layer that lost a number.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._at = 0.0
        self._weights: dict[str, Tensor] = {}
        self._state: dict[str, Tensor] = {}
        self.renew(now=True)

    def renew(self, now: bool = False) -> None:
        """Take a new copy, if the last one is old; all is well at this moment."""
        if not now and time.perf_counter() - self._at < EVERY:
            return
        model = self._learner.model
        if not all(torch.isfinite(p).all() for p in model.parameters()):
            return  # the last step spoiled them; the next loss will tell
        self._at = time.perf_counter()
        self._learner.trail.clear()
        self._weights = {name: t.detach().clone() for name, t in model.state_dict().items()}
        self._state = {name: t.detach().clone() for name, t in self._learner.state().items()}

    def find(self, metrics: Metrics) -> Finding:
        """Return where it began; leaves the learner with the last good weights."""
        bad = int(np.flatnonzero(~np.isfinite(metrics.losses))[0])
        step = metrics.step - len(metrics.losses) + 1 + bad
        what = "NaN" if np.isnan(metrics.losses[bad]) else "infinite"
        done = list(self._learner.trail)
        self._go_back()
        begun = self._learner.step
        layer, where = "", ""
        with _Watch(self._learner.model) as watch:
            for progress in done[: step - begun]:
                self._learner.learn(*self._learner.take(), progress, watch)
                if watch.layer:
                    break
            layer, where = watch.layer, watch.where
        reached = self._learner.step
        self._go_back()
        found = reached if layer else step
        return Finding(max(found, begun + 1), layer, where, what)

    def _go_back(self) -> None:
        self._learner.model.load_state_dict(self._weights)
        self._learner.restore(self._state)


class _Watch:
    """Notes the first layer whose output or whose weights hold something that is NaN."""

    def __init__(self, model: nn.Module) -> None:
        self._layers = layers_of(model)
        self._handles: list[Any] = []
        self.layer = ""
        self.where = ""

    def __enter__(self) -> "_Watch":
        for name, layer in self._layers.items():
            self._handles.append(layer.register_forward_hook(self._hook(name)))
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str) -> Any:
        def look(module: Layer, inputs: Any, output: Tensor) -> None:
            self._note(name, output, "its output")

        return look

    def _note(self, name: str, tensor: Tensor | None, where: str) -> None:
        if not self.layer and tensor is not None and not torch.isfinite(tensor).all():
            self.layer, self.where = name, where

    def before_update(self) -> None:
        """Backward runs from the last layer to the first, and so does this."""
        for name, layer in reversed(self._layers.items()):
            self._note(name, layer.product.weight.grad, "its gradient")

    def after_update(self) -> None:
        """Look at what the update made of the weights."""
        for name, layer in self._layers.items():
            self._note(name, layer.product.weight, "its updated weights")
