"""Contexts of a text, and the tokens themselves, as a network represents them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...telemetry.events import Event
from ...training import representation
from ...training.control import Question
from ...training.evaluation import evaluation_mode, place_of
from .inside import sample_tokens
from .models import TextModel

TOKENS = "tokens"
"""The place of the tokens, as the embedding has them."""
MOST_TOKENS = 500
CONTEXTS, LENGTH = 300, 16  # contexts, and their tokens of a model that reads stretches whole
FEWER = 60  # contexts of a large network
ENDS = 12  # tokens of a context that are told


def ask_representation(place: str, frequent: Sequence[int]) -> Question:
    """Return what to ask a text model: what a place makes of contexts from the bundled plays.

    The answer has the ends of the ``contexts`` as bytes, the token behind each, ``targets`` (N,),
    and the bytes of those, ``spelled``. Asked for ``TOKENS``, it is about the embedding of the
    first ``MOST_TOKENS`` tokens of ``frequent``, which are its ``targets``; a model without an
    embedding represents a token by its log-probabilities.
    """

    def ask(model: nn.Module, step: int) -> Event:
        assert isinstance(model, TextModel)
        if place == TOKENS:
            known = [token for token in frequent if token < model.tokenizer.size][:MOST_TOKENS]
            targets = torch.tensor(known or range(min(MOST_TOKENS, model.tokenizer.size)))
            about: dict[str, Any] = {
                "contexts": [],
                "targets": targets.numpy(),
                "spelled": _spelled(model, targets),
            }
            return representation.answer_points(step, place, _token_rows(model, targets), **about)
        contexts, targets = _contexts(model)
        ends = [b"".join(_spelled(model, context)) for context in contexts[:, -ENDS:]]
        about = {"contexts": ends, "targets": targets.numpy(), "spelled": _spelled(model, targets)}
        return representation.answer(model, step, place, [contexts], **about)

    return ask


def _spelled(model: TextModel, tokens: Tensor) -> list[bytes]:
    return [model.tokenizer.bytes_of(token) for token in tokens.tolist()]


@torch.no_grad()
def _token_rows(model: TextModel, tokens: Tensor) -> Tensor:
    """Return a point for each of these tokens, (N, E)."""
    tokens = tokens.to(place_of(model))
    if (layer := getattr(model, "embedding", None)) is not None:
        rows: Tensor = layer.product.weight[tokens]
        return rows
    with evaluation_mode(model):
        return torch.as_tensor(model(tokens[:, None])).log_softmax(-1)


def _contexts(model: TextModel) -> tuple[Tensor, Tensor]:
    """Return contexts (N, T), spread over the sample text, and the token behind each (N,)."""
    tokens = sample_tokens(model.tokenizer).long()
    count = FEWER if model.is_large else CONTEXTS
    size = min(model.context, LENGTH) if model.whole else model.context
    size = min(size, len(tokens) - 1)
    last = len(tokens) - size - 1
    starts = torch.linspace(0, last, min(count, last + 1)).long()
    found = tokens[starts[:, None] + torch.arange(size + 1)]
    return found[:, :-1], found[:, -1]
