"""A model in its mode for use, wherever it lies."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..interruption import heed
from .footprint import JUDGING, NUMBER


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put a model into its mode for use, and back."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def at_once(most: int, widest: float) -> int:
    """Return how many examples are judged at once, so that a wide network's fit into memory.

    Args:
        most: of a network that is not wide.
        widest: numbers of its largest layer, of one example; 0 where that is not known.
    """
    return max(1, min(most, int(JUDGING / (2 * NUMBER * max(1.0, widest)))))


@contextmanager
def interruptible(model: nn.Module) -> Iterator[None]:
    """Have a model give up before its next layer once nobody waits for what it computes.

    Raises:
        CancelledError: whoever asks for it said so (:mod:`core.interruption`).
    """
    hooks = [module.register_forward_pre_hook(lambda *layer: heed()) for module in model.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def place_of(model: nn.Module) -> torch.device:
    """Return the device that a model is on."""
    return next(iter([*model.parameters(), *model.buffers()])).device
