"""Validation digits as a network represents them, from layer to layer."""

from functools import cache

from torch import nn

from ...telemetry.events import Event, frozen
from ...training import representation
from ...training.control import Question
from .data import Split, bundled, prepare


@cache
def _examples() -> Split:
    """Return the 500 bundled digits on which no network was trained."""
    return bundled().validation


def ask_representation(place: str) -> Question:
    """Return what to ask a digits model: what a place makes of 500 validation digits.

    The answer has their ``images`` (N, 28, 28) as bytes and their ``labels`` (N,), too.
    """

    def ask(model: nn.Module, step: int) -> Event:
        digits = _examples()
        images, labels = frozen(digits.images), frozen(digits.labels)
        inputs = [prepare(digits.images)]
        return representation.answer(model, step, place, inputs, images=images, labels=labels)

    return ask
