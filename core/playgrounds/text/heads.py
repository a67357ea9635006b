"""What the attention heads of a GPT do: their scores on repeated tokens, and their importance.

A head is known by where it looks when a sequence of random tokens comes a second time (Olsson et
al. 2022, "In-context learning and induction heads"): nothing but the first time tells what follows.

In the comments L are the layers, H the heads of each, N the tokens that are repeated.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import UserError
from ...interventions import Intervention, Part, importance, intervened
from ...layers import Layer
from ...telemetry.events import Answer, Array, Event, frozen
from ...tokenizers import Tokenizer
from ...training.ablation import BESIDE, SLICE, until
from ...training.evaluation import evaluation_mode, place_of
from ...transformer import Block
from . import corpus
from .inside import sample_tokens
from .models import GPT
from .recipe import TEXT

SEQUENCES, LONGEST = 4, 128  # sequences of random tokens, and how many of these are repeated
FEW_SEQUENCES, SHORT = 2, 64  # the same for a large network
LEAST = 4  # tokens of a context in which two can be repeated
JUDGED = 4096  # held-out tokens that importance is measured on, about
FEW_JUDGED = 512  # the same for a large network
CHARACTERS = 60_000  # of a text that these are cut from
SCORES, IMPORTANCE = "head scores", "head importance"
"""The topics of the answers."""


@dataclass(frozen=True)
class HeadScores:
    """Where each head looks, and what the network gains by it.

    Attributes:
        induction: attention from a token of the second time to the one that followed it the first
            time, the mean, (L, H) (Olsson et al. 2022).
        previous: attention to the token before, the mean, (L, H) (Elhage et al. 2021).
        first: attention to the first token, the attention sink, the mean, (L, H) (Xiao et al.
            2023).
        loss: of the first and of the second time, nats per token, (2,); the tokens are random, so
            that what the second is below the first is learned from the sequence itself.
        repeated: N.
    """

    induction: Array
    previous: Array
    first: Array
    loss: Array
    repeated: int

    def chance(self, name: str) -> float:
        """Return the score of a head that looks at all tokens before alike."""
        rows = range(self.repeated if name == "induction" else 1, 2 * self.repeated - 1)
        return sum(1 / (row + 1) for row in rows) / len(rows)


@lru_cache(maxsize=2)
def held_out_tokens(tokenizer: Tokenizer, source: Path | None, dataset: str = TEXT) -> Tensor:
    """Return tokens of the last tenth of a text, as :func:`corpus.load` takes it, (n,).

    Of the plays, where the tokenizer knows none of its characters.

    Raises:
        UserError: it is not there any more.
    """
    text = tokenizer.known(corpus.load(source, dataset).val.start(CHARACTERS))
    tokens = torch.from_numpy(tokenizer.encode(text)).long()
    return tokens if len(tokens) > 1 else sample_tokens(tokenizer)


def repeated_tokens(model: GPT, source: Path | None, dataset: str = TEXT) -> Tensor:
    """Return sequences of random tokens that come twice, (sequences, 2N); the same at each call.

    The tokens occur in the text, unless it has only one, and none comes twice in the first time,
    so that each has one earlier place in the second.
    """
    count, longest = (FEW_SEQUENCES, SHORT) if model.is_large else (SEQUENCES, LONGEST)
    try:
        tokens = held_out_tokens(model.tokenizer, source, dataset)
    except UserError:  # random ones can be had of any text
        tokens = sample_tokens(model.tokenizer)
    there = torch.unique(tokens)
    if len(there) < 2:
        there = torch.arange(model.tokenizer.size)
    size = min(model.context // 2, longest, len(there))
    generator = torch.Generator().manual_seed(0)
    once = [there[torch.randperm(len(there), generator=generator)[:size]] for _ in range(count)]
    return torch.stack(once).repeat(1, 2)


@torch.no_grad()
def head_scores(model: GPT, source: Path | None, dataset: str = TEXT) -> HeadScores:
    """Measure where the heads look on repeated tokens.

    Args:
        model: with a context of at least LEAST, and two tokens at least.
        source: the text whose tokens are repeated in random order, as :func:`corpus.load` takes it.
        dataset: that of a recipe, as there.
    """
    tokens = repeated_tokens(model, source, dataset).to(place_of(model))
    count = tokens.shape[1] // 2
    found: list[Tensor] = []
    blocks = [block for block in model.blocks if isinstance(block, Block)]

    def listen(block: Block) -> None:
        def measure(layer: Layer, output: Tensor) -> None:
            # At once: the maps of all layers of a large network would not fit into memory.
            maps = block.attention(output.float())  # (sequences, H, 2N - 1, 2N - 1)
            # Query N + j looks at key j + 1: N - 1 places back, from the N-th query on.
            induction = maps.diagonal(1 - count, -2, -1)[..., 1:]
            previous, first = maps.diagonal(-1, -2, -1), maps[..., 1:, 0]
            found.append(torch.stack([x.mean((0, 2)) for x in (induction, previous, first)]))

        block.attend.listener = measure

    for block in blocks:
        listen(block)
    try:
        with evaluation_mode(model):
            scores = model(tokens[:, :-1]).float()
    finally:
        for block in blocks:
            block.attend.listener = block.entered = None
    nats = F.cross_entropy(scores.transpose(1, 2), tokens[:, 1:], reduction="none").mean(0)
    # The first token of the second time can't be foreseen; of the first time nobody guesses it.
    loss = torch.stack([nats[: count - 1].mean(), nats[count:].mean()])
    induction, previous, first = map(frozen, torch.stack(found, 1))
    return HeadScores(induction, previous, first, frozen(loss), count)


def ask_scores(
    interventions: Sequence[Intervention], source: Path | None, dataset: str = TEXT
) -> Callable[[Any, int], Event]:
    """Return what to ask a GPT about its heads, as it is and with these interventions.

    The text is that of :func:`head_scores`. The answer has ``scores`` of the network as it is,
    ``changed`` with the interventions (the same where there are none), and ``seconds`` that it
    took.
    """

    def ask(model: Any, step: int) -> Event:
        assert isinstance(model, GPT)
        begin = time.perf_counter()
        scores = changed = head_scores(model, source, dataset)
        if interventions:
            with intervened(model, interventions):
                changed = head_scores(model, source, dataset)
        seconds = time.perf_counter() - begin
        return Answer(SCORES, step, {"scores": scores, "changed": changed, "seconds": seconds})

    return ask


class HeadImportanceMeter:
    """Mutes one head after another, and measures by how much the loss on held-out text rises.

    To be asked as a question again and again: each time it goes on for a slice of time, on the copy
    that it made of the network the first time, so that a training beside it hardly waits.

    Args:
        source: the text whose last tenth judges, as :func:`corpus.load` takes it.
        dataset: that of a recipe, as there.
    """

    def __init__(self, source: Path | None, dataset: str = TEXT) -> None:
        self._source, self._dataset = source, dataset
        self._found: dict[Part, float] = {}
        self._begun: _Begun | None = None

    @torch.no_grad()
    def __call__(self, model: Any, step: int) -> Event:
        """Go on; the answer says how far it is.

        It has ``importance`` (L, H) in nats per token, NaN for a head whose turn is to come,
        ``measured`` and ``heads``, how many of how many, and ``stretches`` of ``tokens`` tokens, on
        which; with a ``problem``, a sentence, only that.
        """
        try:
            return self._go_on(model, step)
        except UserError as error:  # the text is not there any more
            return Answer(IMPORTANCE, step, {"problem": str(error)})

    def _go_on(self, model: Any, step: int) -> Event:
        assert isinstance(model, GPT)
        end = time.perf_counter() + (BESIDE if model.training else SLICE)
        if self._begun is None:
            # One that nobody trains is a copy already.
            own = copy.deepcopy(model) if model.training else model
            self._begun = _begin(own.eval(), step, self._source, self._dataset)
        begun, heads = self._begun, self._begun.model.heads
        shape = len(begun.model.blocks), heads
        while len(self._found) < shape[0] * heads:
            layer, first = divmod(len(self._found), heads)
            parts = (Part(head_layer(layer), head, head=True) for head in range(first, heads))
            due = until(end, parts)
            self._found |= importance(begun.model, due, partial(begun.loss, layer))
            if time.perf_counter() > end:
                break
        rises = np.full(shape[0] * heads, np.nan)
        rises[: len(self._found)] = list(self._found.values())
        stretches, tokens = begun.inputs.shape
        values = {
            "importance": rises.reshape(shape),
            "measured": len(self._found),
            "heads": rises.size,
            "stretches": stretches,
            "tokens": tokens,
        }
        return Answer(IMPORTANCE, begun.step, values)


def head_layer(layer: int) -> str:
    """Return the name of the layer that is handed what the heads of a block have gathered."""
    return f"blocks.{layer}.project"


@dataclass(frozen=True)
class _Begun:
    """A network and what it is judged on.

    Attributes:
        step: that it is of.
        inputs, targets: (B, T).
        streams: the residual stream before each block, (B, T, E): what comes before a head that is
            muted need not be computed again.
    """

    model: GPT
    step: int
    inputs: Tensor
    targets: Tensor
    streams: list[Tensor]

    def loss(self, layer: int) -> Tensor:
        """Return the mean loss, from the stream before this block on."""
        x = self.streams[layer]
        for block in list(self.model.blocks)[layer:]:
            x = block(x)
        # Stretch by stretch: the scores of all would be large where the vocabulary is.
        pairs = zip(x, self.targets, strict=True)
        return torch.stack([F.cross_entropy(self.model.answer(y), t) for y, t in pairs]).mean()


def _begin(model: GPT, step: int, source: Path | None, dataset: str) -> _Begun:
    tokens = held_out_tokens(model.tokenizer, source, dataset)
    most, size = (FEW_JUDGED, SHORT) if model.is_large else (JUDGED, model.context)
    size = min(size, model.context, len(tokens) - 1)
    starts = torch.arange(0, len(tokens) - size, size)
    starts = starts[:: max(1, len(starts) // max(1, most // size))][: max(1, most // size)]
    places = starts[:, None] + torch.arange(size)
    inputs, targets = (tokens[places + shift].to(place_of(model)) for shift in (0, 1))
    return _Begun(model, step, inputs, targets, model.streams(inputs)[:-1])
