"""A model in its mode for use, wherever it lies."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put a model into its mode for use, and back."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def place_of(model: nn.Module) -> torch.device:
    """Return the device that a model is on."""
    return next(iter([*model.parameters(), *model.buffers()])).device
