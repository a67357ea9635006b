"""The notebook ``actual_words``, with its faults, each of which can be fixed by itself.

Its loss fell to about 4 and its samples stayed noise. What was wrong stands in :data:`FIXES`, in
the order in which the case study takes them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..doctor.faults.fault_injection import FaultInjection
from ..layers import layers_of
from ..training.learner import Learner
from ..training.recipe import Recipe

OUTPUTS = 30_522
"""Of the notebook's vocabulary. GPT-2's 50,257 need files; rows that are never met do as well."""
UNSCALED = 5.0
GROWS_FROM = 100
"""The notebook has 1,000: ``lr / min(1, 1000 / (step + 1))``. A tenth shows within a minute."""


@dataclass(frozen=True)
class Fix:
    """One fault of the notebook, and its fix.

    Attributes:
        id: its name.
        cause: the doctor's id for it; "" for what is no fault.
        title: what is done to fix it.
    """

    id: str
    cause: str
    title: str


FIXES = (
    Fix("use", "train_eval_mismatch", "Batch norm also in inference"),
    Fix("vocabulary", "vocabulary_unused", "A vocabulary of this text: 1,024 byte pairs"),
    Fix("rate", "lr_growing", "A constant learning rate"),
    Fix("regulariser", "detached_regulariser", "No regulariser without a gradient"),
    Fix("context", "context_too_short", "A context of eight tokens instead of one"),
    Fix("time", "", "AdamW, larger batches and eight times the steps: it needed time"),
)


class NormByHand:
    """Batch norm by the batch's own statistics, as the notebook had it, behind a product.

    Args:
        module: whose mode it follows.
        used: whether it stands where the network is used, too, by running statistics.
    """

    def __init__(self, module: nn.Module, used: bool) -> None:
        self._module = module
        self._used = used
        self._mean: Tensor | None = None
        self._std: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """(B, H) to (B, H)."""
        if self._module.training:
            mean, std = x.mean(0, keepdim=True), x.std(0, keepdim=True) + 1e-5
            # Detached, the first ones too: a network that keeps a step's graph can't be copied.
            now = mean.detach(), std.detach()
            if self._mean is None or self._std is None:
                self._mean, self._std = now
            else:
                self._mean = 0.99 * self._mean + 0.01 * now[0]
                self._std = 0.99 * self._std + 0.01 * now[1]
            return (x - mean) / std
        if not self._used or self._mean is None or self._std is None:
            return x
        return (x - self._mean) / self._std


class ActualWords(FaultInjection):
    """The notebook, some of its faults fixed.

    Args:
        fixed: ids of :data:`FIXES`.
    """

    def __init__(self, fixed: Collection[str] = ()) -> None:
        self._fixed = frozenset(fixed)

    def recipe(self, recipe: Recipe) -> Recipe:
        """Return the notebook's settings: 20 numbers a token, 500 tanh units, plain descent."""
        fixed = self._fixed
        settings: dict[str, Any] = {
            "model": "mlp",
            "tokenizer": "bpe",
            "vocab_size": 1024,
            "context": 8 if "context" in fixed else 1,
            "width": 20,
            "hidden": (500,),
            "activation": "tanh",
            "init": "kaiming",
            "dropout": 0.0,
            "weight_decay": 0.0,
            "optimizer": "adamw" if "time" in fixed else "sgd",
            "lr": 2e-3 if "time" in fixed else 0.3,
            "schedule": "cosine" if "time" in fixed else "constant",
            "batch_size": 256 if "time" in fixed else 64,
        }
        return recipe.replace(settings)

    def built(self, learner: Learner) -> None:
        """Put the hand-written batch norm in, and widen the output to the notebook's."""
        model = learner.model
        layers = layers_of(model)
        hidden = layers["hidden.0"]
        with torch.no_grad():  # never scaled to their number of inputs, which batch norm hides
            hidden.product.weight.mul_(UNSCALED)
        hidden.spoken.insert(1, NormByHand(model, "use" in self._fixed))
        if "vocabulary" not in self._fixed:
            _widen(layers["output"].product)
            learner.reset_optimizer()

    def rate(self, rate: float, step: int) -> float:
        """Let the rate grow: what divides it gets smaller with every step."""
        if "rate" in self._fixed:
            return rate
        return rate / min(1.0, GROWS_FROM / (step + 1))

    def loss(self, loss: Tensor, outputs: Tensor, targets: Tensor, model: nn.Module) -> Tensor:
        """Add the means of all parameters, detached: they change nothing but the number."""
        if "regulariser" in self._fixed:
            return loss
        return loss + torch.stack([p.detach().mean().abs() for p in model.parameters()]).sum()


def _widen(product: nn.Module) -> None:
    assert isinstance(product, nn.Linear) and product.bias is not None
    missing = OUTPUTS - product.out_features
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        spread = float(product.weight.std())
        rows = spread * torch.randn(missing, product.in_features, generator=generator)
        product.weight = nn.Parameter(torch.cat([product.weight, rows]))
        product.bias = nn.Parameter(torch.cat([product.bias, torch.zeros(missing)]))
    product.out_features = OUTPUTS
