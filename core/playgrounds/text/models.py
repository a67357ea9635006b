"""The networks of the text playground: tokens in, scores for the next token out.

In the comments B is the batch, T the tokens of a stretch, C the context, E the width, V the
vocabulary.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UserError
from ...layers import (
    Embedding,
    Layer,
    LowRankLinear,
    TiedLinear,
    hidden_layers,
    initialise,
    size_of,
)
from ...tokenizers import Tokenizer
from ...transformer import Block, quieten
from .recipe import TextRecipe

LARGE = 50_000_000
"""Parameters of a network of which a CPU is not asked all that it could be."""
PLACES = "position.product.weight"
"""The name of a GPT's table of places, where it has one."""
LARGEST = 400_000_000  # numbers in one table: with gradient and Adam's averages some 6 GB


@dataclass(frozen=True)
class Kept:
    """Keys and values of a GPT: room for a whole context, of which some is filled.

    Attributes:
        room: (layers, 2, B, H, C, E / H).
        length: how many places are filled.
    """

    room: Tensor
    length: int


class TextModel(nn.Module):
    """What all of them have: a tokenizer, how far they see, and one question.

    Attributes:
        tokenizer: what the tokens stand for.
        context: how many tokens back it sees.
        whole: whether it reads (B, T) to (B, T, V), instead of windows (B, C) to (B, V).
        slides: whether what it remembers forgets its oldest token by itself.
        widest: numbers of its largest layer, of one window or stretch.
    """

    whole = False
    slides = True
    widest = 0.0

    def __init__(self, tokenizer: Tokenizer, context: int) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.context = context

    @cached_property
    def is_large(self) -> bool:
        """Whether a look at a whole context takes seconds on a CPU, as GPT-2's."""
        return size_of(self) >= LARGE

    def read(self, tokens: Tensor, memory: Any = None) -> tuple[Tensor, Any]:
        """Read on: see :class:`core.sampling.Reader`. It remembers the tokens that it sees."""
        seen = tokens if memory is None else torch.cat([memory, tokens], 1)
        seen = seen[:, -self.context :]
        missing = self.context - seen.shape[1]
        return self(F.pad(seen, (missing, 0), value=self.tokenizer.newline)), seen


class Bigram(TextModel):
    """One layer: a row of scores for each token (makemore, part 1)."""

    def __init__(self, recipe: TextRecipe, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer, 1)
        _check_table(tokenizer.size, tokenizer.size)
        self.output = Layer(Embedding(tokenizer.size, tokenizer.size))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, 1) to (B, V)."""
        scores: Tensor = self.output(windows[:, -1])
        return scores


class MLP(TextModel):
    """The last tokens as points, side by side, through hidden layers (Bengio et al. 2003)."""

    def __init__(self, recipe: TextRecipe, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer, recipe.context)
        _check_table(tokenizer.size, max(recipe.width, *recipe.hidden, 1))
        self.embedding = Layer(Embedding(tokenizer.size, recipe.width))
        inputs, sizes = recipe.context * recipe.width, recipe.hidden
        self.hidden = hidden_layers(inputs, sizes, recipe.activation, dropout=recipe.dropout)
        self.output = Layer(nn.Linear([inputs, *sizes][-1], tokenizer.size))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C) to (B, V)."""
        x = self.embedding(windows).flatten(1)  # (B, C * E)
        for layer in self.hidden:
            x = layer(x)
        scores: Tensor = self.output(x)
        return scores


class GPT(TextModel):
    """Attention over all tokens of the context, as in GPT-2 (Radford et al. 2019; nanoGPT)."""

    whole = True
    slides = False

    def __init__(self, recipe: TextRecipe, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer, recipe.context)
        _check_table(tokenizer.size, recipe.width)
        table = Embedding(tokenizer.size, recipe.width)
        self.heads = recipe.heads
        self.embedding = Layer(table)
        self.position: Layer | None = None
        rotary = recipe.position == "rotary"
        if not rotary:
            self.position = Layer(Embedding(recipe.context, recipe.width))
        self.dropout = nn.Dropout(recipe.dropout)
        gelu = "gelu_tanh" if recipe.gelu == "tanh" else "gelu"
        self.blocks = nn.ModuleList(
            Block(
                recipe.width,
                recipe.heads,
                recipe.dropout,
                rotary,
                recipe.qk_norm,
                recipe.bias,
                gelu,
                recipe.rank,
            )
            for _ in range(recipe.layers)
        )
        self.norm = nn.LayerNorm(recipe.width, bias=recipe.bias)
        own = nn.Linear(recipe.width, tokenizer.size, bias=False)
        self.output = Layer(TiedLinear(table) if recipe.tied else own)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) to (B, T, V)."""
        x = self.dropout(self._enter(tokens, 0))
        for block in self.blocks:
            x = block(x)
        return self.answer(x)

    def read(self, tokens: Tensor, memory: Any = None) -> tuple[Tensor, Kept]:
        """Read on; what it remembers are keys and values, written behind those of before.

        Args:
            tokens: (B, t), no more than fit into the context behind those of before.
            memory: as it was handed out last, and to nobody else; None at the beginning.
        """
        if memory is None:
            size = (len(self.blocks), 2, len(tokens), self.heads, self.context)
            weight = self.embedding.product.weight
            memory = Kept(weight.new_empty(*size, weight.shape[1] // self.heads), 0)
        x = self._enter(tokens, memory.length)
        for block, kept in zip(self.blocks, memory.room, strict=True):
            assert isinstance(block, Block)
            x = block.read(x, kept, memory.length)
        return self.answer(x[:, -1]), Kept(memory.room, memory.length + tokens.shape[1])

    def streams(self, tokens: Tensor) -> list[Tensor]:
        """Return the residual stream (B, T, E) before the first block and after each one."""
        x = self._enter(tokens, 0)
        passed = [x]
        for block in self.blocks:
            x = block(x)
            passed.append(x)
        return passed

    def answer(self, x: Tensor) -> Tensor:
        """Return the scores that a residual stream stands for, (..., E) to (..., V)."""
        scores: Tensor = self.output(self.norm(x))
        return scores

    def _enter(self, tokens: Tensor, first: int) -> Tensor:
        """Return tokens (B, T) as points (B, T, E), the first at this place of the context."""
        x: Tensor = self.embedding(tokens)
        if self.position is None:
            return x  # the blocks know the places
        places = torch.arange(first, first + tokens.shape[1], device=tokens.device)
        placed: Tensor = x + self.position(places)
        return placed


def _check_table(rows: int, columns: int) -> None:
    if rows * columns > LARGEST:
        raise UserError(
            f"A table of {rows:,} x {columns:,} numbers would not fit into memory; choose a smaller"
            " vocabulary (tokenizer=bpe), or fewer units."
        )


KINDS: dict[str, type[TextModel]] = {"gpt": GPT, "mlp": MLP, "bigram": Bigram}


def build(recipe: TextRecipe, tokenizer: Tokenizer, initialised: bool = True) -> TextModel:
    """Make the model of a recipe; the seed decides its initial weights, if it gets any."""
    model = KINDS[recipe.model](recipe, tokenizer)  # type: ignore[arg-type]
    model.widest = recipe.footprint(tokenizer.size).widest
    if initialised:
        generator = torch.Generator().manual_seed(recipe.seed)
        initialise(model, recipe.init, recipe.gain, generator)
        if isinstance(model, GPT):
            quieten(model, recipe.layers, recipe.branch_gain)
            _even(model, recipe)
            for part in model.modules():
                if isinstance(part, LowRankLinear):
                    part.draw(generator)
    if isinstance(model, GPT):
        _freeze(model, recipe)
    return model


def _freeze(model: GPT, recipe: TextRecipe) -> None:
    """Let those weights learn that shall."""
    if recipe.trained == "last":
        model.requires_grad_(False)
        for part in (*list(model.blocks)[-recipe.trained_blocks :], model.norm):
            part.requires_grad_(True)
    if recipe.rank:
        model.requires_grad_(False)
        for part in model.modules():
            if isinstance(part, LowRankLinear):
                part.down.requires_grad_(True)
                part.up.requires_grad_(True)


@torch.no_grad()
def _even(model: GPT, recipe: TextRecipe) -> None:
    """Let places count no more than tokens, whose table a tied output has made small."""
    if model.position and recipe.tied and recipe.init in ("kaiming", "xavier"):
        tokens = model.embedding.product.weight
        model.position.product.weight.mul_(tokens.std())
