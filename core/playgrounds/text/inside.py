"""Looks into a text network: attention weights, the logit lens, nearest tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...layers import layers_of
from ...telemetry.events import Array, Event
from ...telemetry.inspection import inspect_layer
from ...tokenizers import Tokenizer
from ...transformer import Block
from . import corpus
from .models import GPT, TextModel
from .writer import MOST_PROMPT, prompt_tokens

EXAMPLES = 200  # stretches, or windows, that an opened layer is shown
BUSY = 4096  # tokens that these may have together
SHOWN = 40_000  # characters that they are cut from
FEWER, SHORTER = 8, 128  # stretches that a large network is shown, and their tokens
GLANCED = 64  # tokens that the lens of a large network looks through


@dataclass(frozen=True)
class Lens:
    """The logit lens, (layers + 1, T): each layer's next token at each place, its probability."""

    tokens: Array
    probabilities: Array


@torch.no_grad()
def attention(model: GPT, tokens: list[int]) -> Array:
    """Return how much each token looks at each before it, (layers, H, T, T)."""
    heard: list[Tensor] = []
    blocks = [block for block in model.blocks if isinstance(block, Block)]
    for block in blocks:
        block.attend.listener = lambda layer, output: heard.append(output)
    try:
        model(_seen(model, tokens))
    finally:
        for block in blocks:
            block.attend.listener = None
    pairs = zip(blocks, heard, strict=True)
    maps: Array = torch.cat([block.attention(said) for block, said in pairs]).numpy()
    return maps


@torch.no_grad()
def logit_lens(model: GPT, tokens: list[int], places: int | None = None) -> Lens:
    """Return what would be said if each layer were the last (nostalgebraist 2020).

    Args:
        model: the network; a large one looks at the end of the text alone.
        tokens: of the text.
        places: how many of the last tokens are asked about; None for all.
    """
    if model.is_large:
        tokens = tokens[-GLANCED:]
    streams = torch.cat(model.streams(_seen(model, tokens)))  # (layers + 1, T, E)
    best = model.answer(streams[:, -(places or 0) :]).softmax(-1).max(-1)
    return Lens(best.indices.numpy(), best.values.numpy())


@torch.no_grad()
def neighbours(model: TextModel, token: int, count: int) -> list[tuple[int, float]]:
    """Return the tokens whose points lie in the most similar direction, and the cosines.

    Empty for a model without an embedding.
    """
    layer = getattr(model, "embedding", None)
    if layer is None:
        return []
    points = F.normalize(layer.product.weight, dim=1)
    alike = points @ points[token]
    alike[token] = -2.0
    best = alike.topk(min(count, len(alike) - 1))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def _seen(model: TextModel, tokens: list[int]) -> Tensor:
    """Return the last tokens that a model sees, (1, T)."""
    return torch.tensor([tokens[-model.context :]])


@lru_cache(maxsize=2)
def sample_tokens(tokenizer: Tokenizer) -> Tensor:
    """Return tokens from the bundled plays; all in turn, where hardly one occurs in them."""
    text = corpus.bundled().val.start(SHOWN)
    if len(known := tokenizer.known(text)) < len(text) // 2:
        return torch.arange(SHOWN) % tokenizer.size
    return torch.from_numpy(tokenizer.encode(known))


def _examples(model: TextModel) -> Tensor:
    """Return (N, T) tokens, the same at each look."""
    tokens = sample_tokens(model.tokenizer)
    size = min(model.context, len(tokens))
    count = min(EXAMPLES, max(8, BUSY // size), len(tokens) // size)
    if model.is_large:
        count, size = FEWER, min(SHORTER, size)
    return tokens[: count * size].view(count, size)


def look_into(layer: str, prompt: str) -> Callable[[Any, int], Event]:
    """Return what to ask a text model about a layer: with a text, and with what was typed."""

    def ask(model: Any, step: int) -> Event:
        assert isinstance(model, TextModel) and layer in layers_of(model)
        typed = model.tokenizer.known(prompt[-MOST_PROMPT:])
        shown = _seen(model, prompt_tokens(model, typed))
        if not model.whole:
            missing = model.context - shown.shape[1]
            shown = F.pad(shown, (missing, 0), value=model.tokenizer.newline)
        # A text is no picture: what a unit looks for can't be shown as one.
        return inspect_layer(model, layer, step, _examples(model), shown, torch.empty(0))

    return ask
