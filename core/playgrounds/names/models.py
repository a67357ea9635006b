"""The networks of the names playground: letters in, scores for the next letter out.

All but two see a window of the last letters; ``gru`` and ``transformer`` read a name whole and
answer after each of its letters. In the comments B is the batch, C the context, T the letters of a
name so far, E the embedding, H the hidden units, V the alphabet.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...layers import Embedding, Layer, hidden_layers, initialise
from ...transformer import Block, quieten
from .alphabet import Alphabet
from .recipe import NamesRecipe


class LetterModel(nn.Module):
    """What all of them have: an alphabet, how far they see, and one question.

    Attributes:
        alphabet: what the symbols stand for.
        context: how many letters back it sees.
        whole: whether it reads (B, T) to (B, T, V), instead of windows (B, C) to (B, V).
        widest: numbers of its largest layer, of one window or name.
    """

    whole = False
    widest = 0.0

    def __init__(self, alphabet: Alphabet, context: int) -> None:
        super().__init__()
        self.alphabet = alphabet
        self.context = context

    def read(self, tokens: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read on in names, whose first token is a mark: see :class:`core.sampling.Reader`.

        What it remembers are the tokens that it still sees, (B, C) at most.
        """
        seen = tokens if memory is None else torch.cat([memory, tokens], 1)
        seen = seen[:, -self.context :]
        if self.whole:
            return self(seen)[:, -1], seen
        return self(F.pad(seen, (self.context - seen.shape[1], 0))), seen


class Counts(LetterModel):
    """The bigram by counting (makemore, part 1): how often each letter followed each other one.

    It has no weight and knows no gradient: ``observe`` is all its learning.
    """

    counts: Tensor

    def __init__(self, recipe: NamesRecipe, alphabet: Alphabet) -> None:
        super().__init__(alphabet, 1)
        self.smoothing = recipe.smoothing
        self.register_buffer("counts", torch.zeros(len(alphabet), len(alphabet)))

    @torch.no_grad()
    def observe(self, inputs: Tensor, targets: Tensor) -> None:
        """Count pairs: inputs (N, 1) and the letters (N,) that followed them."""
        size = len(self.alphabet)
        pairs = torch.bincount(inputs[:, -1].long() * size + targets, minlength=size * size)
        self.counts += pairs.view(size, size)

    def forward(self, windows: Tensor) -> Tensor:
        """(B, 1) to log-probabilities (B, V); every pair counts ``smoothing`` times more."""
        rows = self.counts[windows[:, -1].long()].clamp(min=0) + self.smoothing
        return (rows / rows.sum(-1, keepdim=True)).log()


class Bigram(LetterModel):
    """One layer (makemore, part 1): a one-hot letter times a matrix, which is a row of it."""

    def __init__(self, recipe: NamesRecipe, alphabet: Alphabet) -> None:
        super().__init__(alphabet, 1)
        self.output = Layer(Embedding(len(alphabet), len(alphabet)))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, 1) to (B, V)."""
        scores: Tensor = self.output(windows[:, -1])
        return scores


class MLP(LetterModel):
    """Letters as points in a space, side by side, through hidden layers (Bengio et al. 2003)."""

    def __init__(self, recipe: NamesRecipe, alphabet: Alphabet) -> None:
        super().__init__(alphabet, recipe.context)
        norm, inputs = recipe.model == "mlp-bn", recipe.context * recipe.embedding
        self.embedding = Layer(Embedding(len(alphabet), recipe.embedding))
        self.hidden = hidden_layers(inputs, recipe.hidden, recipe.activation, norm, recipe.dropout)
        self.output = Layer(nn.Linear([inputs, *recipe.hidden][-1], len(alphabet)))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C) to (B, V)."""
        x = self.embedding(windows).flatten(1)  # (B, C * E)
        for layer in self.hidden:
            x = layer(x)
        scores: Tensor = self.output(x)
        return scores


class WaveNet(LetterModel):
    """Pairs of neighbours meet, then pairs of pairs (makemore, part 5; WaveNet, 2016)."""

    def __init__(self, recipe: NamesRecipe, alphabet: Alphabet) -> None:
        super().__init__(alphabet, recipe.context)
        self.embedding = Layer(Embedding(len(alphabet), recipe.embedding))
        self.fuse = nn.ModuleList()
        width = recipe.embedding
        for _ in range(recipe.context.bit_length() - 1):
            product = nn.Linear(2 * width, recipe.width, bias=False)
            self.fuse.append(Layer(product, "tanh", norm=True, dropout=recipe.dropout))
            width = recipe.width
        self.output = Layer(nn.Linear(width, len(alphabet)))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C) to (B, V); C is a power of two."""
        x = self.embedding(windows)  # (B, C, E)
        for layer in self.fuse:
            x = layer(x.view(len(x), x.shape[1] // 2, -1))  # half as many places, (B, C / 2, H)
        scores: Tensor = self.output(x.flatten(1))
        return scores


class GRU(LetterModel):
    """A memory that each letter changes in part (Cho et al. 2014; makemore.py)."""

    whole = True

    def __init__(self, recipe: NamesRecipe, alphabet: Alphabet) -> None:
        super().__init__(alphabet, recipe.context)
        size = recipe.width
        self.embedding = Layer(Embedding(len(alphabet), recipe.embedding))
        self.letter = Layer(nn.Linear(recipe.embedding, 3 * size))
        self.memory = Layer(nn.Linear(size, 3 * size, bias=False))
        self.forget = nn.Dropout(recipe.memory_dropout)
        self.dropout = nn.Dropout(recipe.dropout)
        self.output = Layer(nn.Linear(size, len(alphabet)))

    def forward(self, names: Tensor) -> Tensor:
        """(B, T) to (B, T, V)."""
        if not self.training:
            return self._answer_all(names)
        size, going = self.memory.fan_in, _going(names)
        # What is needed, place after place, all in one row: (N,) of (T, B).
        needed = torch.arange(len(names)) < torch.tensor(going)[:, None]
        needed = needed.to(names.device)
        letters = self.letter(self.embedding(names.t()[needed]))  # (N, 3H), all letters at once
        state = letters.new_zeros(len(names), size)
        states = []
        for letter in letters.split(going):
            state = self._step(letter, state[: len(letter)])
            states.append(state)
        found = self.output(self.dropout(torch.cat(states)))  # (N, V)
        scores: Tensor = found.new_zeros(*needed.shape, found.shape[-1])
        scores[needed] = found
        return scores.transpose(0, 1)

    def read(self, tokens: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read on in names: what it remembers is its state, (B, H).

        That reaches back to the first letter, while training and judging begin anew beyond the
        context: of a name that is longer, the two say different things.
        """
        size = self.memory.fan_in
        letters = self.letter(self.embedding(tokens))  # (B, t, 3H)
        state = letters.new_zeros(len(tokens), size) if memory is None else memory
        for letter in letters.unbind(1):
            state = self._step(letter, state)
        scores: Tensor = self.output(state)
        return scores, state

    def _answer_all(self, names: Tensor) -> Tensor:
        """(B, T) to (B, T, V), each name on its own, whatever stands in the others."""
        letters = self.letter(self.embedding(names))  # (B, T, 3H)
        state = letters.new_zeros(len(names), self.memory.fan_in)
        states = []
        for letter in letters.unbind(1):
            state = self._step(letter, state)
            states.append(state)
        scores: Tensor = self.output(torch.stack(states, 1))
        return scores

    def _step(self, letter: Tensor, state: Tensor) -> Tensor:
        """Let a letter (B, 3H) change the state (B, H)."""
        size = state.shape[-1]
        remembered = self.memory(state)  # (B, 3H)
        gates = (letter[:, : 2 * size] + remembered[:, : 2 * size]).sigmoid()
        reset, keep = gates.chunk(2, -1)
        new = _tanh(torch.addcmul(letter[:, 2 * size :], reset, remembered[:, 2 * size :]))
        return torch.lerp(self.forget(new), state, keep)


def _going(names: Tensor) -> list[int]:
    """Return for each place of names (B, T) how many rows still need it: those up to the last.

    With the longest names first, none is computed beyond its end.
    """
    if names.device.type != "cpu":
        return [len(names)] * names.shape[1]
    rows = torch.arange(1, len(names) + 1)[:, None]
    last = ((names != 0) * rows).amax(0).tolist()
    last[0] = len(names)  # the mark that begins a name looks like those behind it
    return [max(1, count) for count in last]


def _tanh(x: Tensor) -> Tensor:
    """Return tanh, in a quarter of the time that torch's takes on a CPU."""
    return 2 * (2 * x).sigmoid() - 1


class Transformer(LetterModel):
    """Attention over all letters of the name so far, as in GPT-2 (makemore.py)."""

    whole = True

    def __init__(self, recipe: NamesRecipe, alphabet: Alphabet) -> None:
        super().__init__(alphabet, recipe.context)
        self.embedding = Layer(Embedding(len(alphabet), recipe.embedding))
        self.position = Layer(Embedding(recipe.context, recipe.embedding))
        self.blocks = nn.ModuleList(
            Block(recipe.embedding, recipe.heads, recipe.dropout) for _ in range(recipe.depth)
        )
        self.norm = nn.LayerNorm(recipe.embedding)
        self.output = Layer(nn.Linear(recipe.embedding, len(alphabet)))

    def forward(self, names: Tensor) -> Tensor:
        """(B, T) to (B, T, V)."""
        places = torch.arange(names.shape[1], device=names.device).expand_as(names)
        x = self.embedding(names) + self.position(places)  # (B, T, E)
        for block in self.blocks:
            x = block(x)
        scores: Tensor = self.output(self.norm(x))
        return scores


KINDS: dict[str, type[LetterModel]] = {
    "bigram-count": Counts,
    "bigram": Bigram,
    "mlp": MLP,
    "mlp-bn": MLP,
    "wavenet": WaveNet,
    "gru": GRU,
    "transformer": Transformer,
}


def build(recipe: NamesRecipe, alphabet: Alphabet, initialised: bool = True) -> LetterModel:
    """Make the model of a recipe; the seed decides its initial weights, if it gets any."""
    model = KINDS[recipe.model](recipe, alphabet)  # type: ignore[arg-type]
    model.widest = recipe.footprint(len(alphabet)).widest
    if initialised:
        generator = torch.Generator().manual_seed(recipe.seed)
        initialise(model, recipe.init, recipe.gain, generator)
        if isinstance(model, Transformer):
            quieten(model, recipe.depth)
    return model
