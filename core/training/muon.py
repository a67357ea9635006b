"""Muon: hidden matrices are moved along their momentum with all its directions made alike long."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..layers import layers_of
from .device import multiplies_in_bfloat16

MOMENTUM = 0.95
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial that brings singular values near 1 in five steps (Jordan et al. 2024)."""
TINY = 1e-7


class Muon(torch.optim.AdamW):
    """Muon for the matrices of hidden layers, AdamW for everything else (Jordan et al. 2024).

    An update of a matrix is as large as AdamW's is on average (Liu et al. 2025), so that one
    learning rate serves both. In bfloat16 where the machine multiplies that fastest, and else in
    float32: torch.optim.Muon, always in bfloat16, takes 36 times as long on a processor without.

    Args:
        matrices: a group of weights (out, in) of hidden layers.
        others: groups of all other weights, as AdamW takes them.
        options: AdamW's; the learning rate and the decay are those of the matrices, too.
    """

    def __init__(
        self, matrices: dict[str, Any], others: Sequence[dict[str, Any]], **options: Any
    ) -> None:
        groups = [{**matrices, "orthogonal": True}, *({**g, "orthogonal": False} for g in others)]
        super().__init__(groups, **options)
        # A gradient scaler leaves out a step by itself only where the optimiser does not.
        self._step_supports_amp_scaling = False

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update all weights that have a gradient."""
        groups = self.param_groups
        for group in groups:
            if group["orthogonal"]:
                self._move(group)
        # At last, since it may call the hooks of a step, too: all weights are new by then.
        self.param_groups = [group for group in groups if not group["orthogonal"]]
        try:
            super().step()
        finally:
            self.param_groups = groups

    def _move(self, group: dict[str, Any]) -> None:
        rate, decay = group["lr"], group["weight_decay"]
        for weight in group["params"]:
            if weight.grad is None:
                continue
            kept = self.state[weight]
            if not kept:
                # AdamW asks every weight for its steps when a state is loaded.
                kept |= {"step": torch.tensor(0.0), "momentum_buffer": torch.zeros_like(weight)}
            kept["step"] += 1
            momentum = kept["momentum_buffer"].lerp_(weight.grad, 1 - MOMENTUM)
            ahead = weight.grad.lerp(momentum, MOMENTUM)  # Nesterov's
            fast = multiplies_in_bfloat16(weight.device)
            update = orthogonal(ahead.bfloat16() if fast else ahead)
            size = 0.2 * max(weight.shape) ** 0.5
            weight.mul_(1 - rate * decay).add_(update, alpha=-rate * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix (rows, columns) with the same directions, and all singular values near 1.

    By the Newton-Schulz iteration, in the matrix's own dtype.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=TINY)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def hidden_matrices(model: nn.Module) -> list[Tensor]:
    """Return the weights that learn of its hidden linear layers: all but the output's."""
    hidden = [layer.product for name, layer in layers_of(model).items() if name != "output"]
    return [p.weight for p in hidden if isinstance(p, nn.Linear) and p.weight.requires_grad]
