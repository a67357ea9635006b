"""Reference networks: what kind suits an input, how wide it is, and what it takes to train."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise

import torch
from torch import Tensor, nn

from ..evidence import Evidence
from ..watch.graph import StepGraph
from ..watch.tape import RECURRENT
from ..watch.training_kind import AUTOENCODER
from .replay import Replay
from .row_losses import LossTask, targets_of
from .seen_data import SeenData

BATCH, LONG_BATCH = 64, 32
"""Examples in a step; of sequences."""
MIN_STEPS, MAX_STEPS, EPOCHS = 200, 2000, 40
LEAST_LONG, LONG = 1000, 3000
"""Steps, where those were too few: at least, and at most."""
STEP_COST, POSITION_COST, MULTIPLICATIONS = 1e-3, 2e-4, 1e10
"""What a step costs on a usual core: seconds, seconds a position of a sequence, multiplications a
second."""
FEW_FEATURES = 64
MAX_WINDOW = 16
"""Tokens of a context that an MLP is given; a GRU reads longer ones."""
MAX_VOCABULARY = 20_000
MAX_MULTIPLIED = 4
"""Names of which each two are multiplied."""
EMBEDDED = 0.3
"""The deviation of their embeddings at first."""
MAX_WIDTH = 4096
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.LeakyReLU,  # of few units, none may die
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
ATTENTION = frozenset(("scaled_dot_product_attention", "multi_head_attention_forward"))


@dataclass(frozen=True)
class Form:
    """A kind of reference network.

    Attributes:
        name: of it, in words.
        make: makes one of a width.
        work: multiplications that a row takes, by width.
        positions: steps of a sequence that a row takes one after another.
        feed: turns all of examples' inputs into what it is given.
    """

    name: str
    make: Callable[[int], nn.Module]
    work: Callable[[int], float]
    feed: Callable[..., Tensor]
    positions: int = 0

    @property
    def batch(self) -> int:
        """Examples in a step."""
        return LONG_BATCH if self.positions else BATCH


class _Mlp(nn.Module):
    """Layers of one width behind one another, behind an embedding where tokens come in."""

    def __init__(
        self,
        features: int,
        hidden: list[int],
        outputs: tuple[int, ...],
        activation: type[nn.Module],
        vocabulary: int = 0,
        embedding: int = 0,
    ) -> None:
        super().__init__()
        self.outputs = outputs
        self.embedding = nn.Embedding(vocabulary, embedding) if vocabulary else nn.Identity()
        sizes = [features * max(1, embedding), *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), activation()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], math.prod(outputs)))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layers(self.embedding(x).flatten(1))
        return made.reshape(-1, *self.outputs)


class _Convolutional(nn.Module):
    """Two convolutions that halve the picture, and a linear layer."""

    def __init__(self, shape: tuple[int, ...], width: int, outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.outputs = outputs
        self.layers = nn.Sequential(
            nn.Conv2d(shape[0], width, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * width * _quarter(shape), math.prod(outputs)),
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layers(x)
        return made.reshape(-1, *self.outputs)


def _quarter(shape: tuple[int, ...]) -> int:
    """Return the number of places that are left of a picture that was halved twice."""
    return math.prod((side + 3) // 4 for side in shape[1:])


class _Recurrent(nn.Module):
    """A GRU, and a linear layer of each state, or of the last and the mean one."""

    def __init__(
        self, features: int, width: int, outputs: tuple[int, ...], vocabulary: int, each: bool
    ) -> None:
        super().__init__()
        self.outputs, self.each = outputs, each
        features = min(features, width) if vocabulary else features
        self.embedding = nn.Embedding(vocabulary, features) if vocabulary else nn.Identity()
        self.gru = nn.GRU(features, width, batch_first=True)
        wanted = outputs[-1] if each else math.prod(outputs)
        self.head = nn.Linear(width if each else 2 * width, wanted)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.gru(self.embedding(x))
        if self.each:
            made: Tensor = self.head(states)
            return made
        made = self.head(torch.cat([states[:, -1], states.mean(1)], 1))
        return made.reshape(-1, *self.outputs)


class _Joint(nn.Module):
    """Embeddings of several names and their products, and numbers: a linear layer beside an MLP.

    He et al. 2017, Neural collaborative filtering; Cheng et al. 2016, Wide and deep learning.
    """

    def __init__(
        self,
        vocabularies: list[int],
        numbers: int,
        hidden: list[int],
        outputs: tuple[int, ...],
        activation: nn.Module,
    ) -> None:
        super().__init__()
        self.outputs, width = outputs, hidden[0]
        tables = [nn.Embedding(size, width) for size in vocabularies]
        for table in tables:
            nn.init.normal_(table.weight, std=EMBEDDED)
        self.embeddings = nn.ModuleList(tables)
        self.pairs = _pairs(len(vocabularies))
        features = width * (len(vocabularies) + len(self.pairs)) + numbers
        layers: list[nn.Module] = []
        for before, after in pairwise([features, *hidden]):
            layers += [nn.Linear(before, after), activation]
        self.deep = nn.Sequential(*layers, nn.Linear(hidden[-1], outputs[-1]))
        self.wide = nn.Linear(features, outputs[-1])

    def forward(self, x: Tensor) -> Tensor:
        names = len(self.embeddings)
        found = [table(x[:, place].long()) for place, table in enumerate(self.embeddings)]
        products = [found[a] * found[b] for a, b in self.pairs]
        features = torch.cat([*found, *products, x[:, names:]], 1)
        made: Tensor = self.deep(features) + self.wide(features)
        return made.reshape(-1, *self.outputs)


def _pairs(names: int) -> list[tuple[int, int]]:
    """Return which embeddings are multiplied."""
    return list(combinations(range(names), 2)) if names <= MAX_MULTIPLIED else []


def form_of(
    replay: Replay, task: LossTask, data: SeenData, evidence: Evidence, deeper: bool = False
) -> Form:
    """Choose the kind of reference network by the kind of input.

    Args:
        replay: the newest step.
        task: what outputs are compared with.
        data: of the loop.
        evidence: says what layers it has.
        deeper: whether an MLP has one hidden layer more than it, at least two, of rectified units,
            which learn in fewer steps than bounded ones.
    """
    inputs = data.trained.inputs
    aims = targets_of(task, data.trained.targets)
    outputs = (aims.shape[1], task.classes) if task.kind == "classes" else (aims.shape[1],)
    names = {op.name for op in replay.graph.ops}
    reads = bool(names & RECURRENT) or _attends(replay.graph)
    layers = [x for x in (evidence.last.layers if evidence.last else ()) if not x.is_embedding]
    activation = next((x.nonlinearity for x in layers if x.nonlinearity), "relu")
    made_of = nn.LeakyReLU if deeper else ACTIVATIONS.get(activation, nn.LeakyReLU)
    depth = min(3, max(1, len(layers) - 1) + deeper)
    if data.trained.further:
        return _for_several(data, aims, outputs, made_of, depth)
    if not inputs.is_floating_point():
        return _for_tokens(inputs, data, outputs, reads, made_of, depth)
    scale = scaling(inputs)
    if inputs.dim() == 4 and min(inputs.shape[2:]) > 4 and evidence.training_kind != AUTOENCODER:
        if math.prod(outputs) > inputs[0].numel():
            raise ValueError("its outputs are pictures")
        shape = tuple(inputs.shape[1:])
        places, wanted = _quarter(shape), math.prod(outputs)
        return Form(
            "CNN",
            lambda width: _Convolutional(shape, width, outputs),
            lambda w: 36 * shape[0] * w * places + 18 * w * w * places + 2 * w * places * wanted,
            scale,
        )
    if inputs.dim() == 3 and reads and inputs.shape[1] > 1:
        return _recurrent(inputs.shape[2], 0, inputs.shape[1], outputs, scale)
    features = inputs[0].numel()
    if evidence.training_kind == AUTOENCODER:
        code = min((x.units for x in layers), default=features)
        if code >= features:
            raise ValueError("it has no bottleneck")

        def hidden(width: int) -> list[int]:
            return [width, code, width]

    else:

        def hidden(width: int) -> list[int]:
            return [width] * depth

    def flat(x: Tensor) -> Tensor:
        return scale(x).flatten(1)

    return _mlp("MLP", features, hidden, outputs, made_of, flat)


def _attends(graph: StepGraph) -> bool:
    """Whether there is attention: torch's own, or a softmax of a product of activations."""
    if any(op.name in ATTENTION for op in graph.ops):
        return True
    by_product = {
        id(t)
        for op in graph.ops
        if op.name in ("matmul", "bmm") and all(graph.kind(x) == "signal" for x in op.inputs)
        for t in op.outputs
    }
    return any(
        op.name == "softmax" and bool(by_product & graph.ancestors(op.inputs[0]))
        for op in graph.ops
        if op.inputs
    )


def _for_tokens(
    inputs: Tensor,
    data: SeenData,
    outputs: tuple[int, ...],
    reads: bool,
    activation: type[nn.Module],
    depth: int,
) -> Form:
    rows = inputs.reshape(len(inputs), -1)
    if int(rows.min()) < 0 or int(data.new.inputs.min()) < 0:
        raise ValueError("some tokens are negative")
    vocabulary = max(int(rows.max()), int(data.new.inputs.max())) + 1
    if vocabulary > MAX_VOCABULARY:
        raise ValueError("its vocabulary is too large")
    length = rows.shape[1]
    each = outputs[0] == length and len(outputs) > 1 and length > 1

    def whole(x: Tensor) -> Tensor:
        return x.reshape(len(x), -1).long()

    if each or reads or length > MAX_WINDOW:
        return _recurrent(min(32, vocabulary), vocabulary, length, outputs, whole, each)
    embedding = min(10, vocabulary)

    def hidden(width: int) -> list[int]:
        return [width] * depth

    return _mlp("MLP", length, hidden, outputs, activation, whole, vocabulary, embedding)


def _for_several(
    data: SeenData,
    aims: Tensor,
    outputs: tuple[int, ...],
    activation: type[nn.Module],
    depth: int,
) -> Form:
    if outputs[0] > 1:
        # What a sequence is to become may be among the inputs, as in teacher forcing.
        raise ValueError("it has several inputs and several outputs")
    trained = [t.reshape(len(t), -1) for t in data.trained.given]
    new = [t.reshape(len(t), -1) for t in data.new.given]
    if any(bool((t == aims).all(0).any()) for t in trained):
        raise ValueError("its targets are among its inputs")
    names = [place for place, t in enumerate(trained) if not t.is_floating_point()]
    numbers = [place for place in range(len(trained)) if place not in names]
    if sum(trained[place].shape[1] for place in names) > MAX_WINDOW:
        raise ValueError("one of its several inputs is a sequence")
    both = [torch.cat([trained[place], new[place]]) for place in names]
    if any(int(t.min()) < 0 for t in both):
        raise ValueError("some tokens are negative")
    vocabularies = [int(size) + 1 for t in both for size in t.amax(0)]
    if max(vocabularies, default=0) > MAX_VOCABULARY:
        raise ValueError("its vocabulary is too large")
    scales = {place: scaling(trained[place]) for place in numbers}
    count = sum(trained[place].shape[1] for place in numbers)

    def feed(*inputs: Tensor) -> Tensor:
        rows = [t.reshape(len(t), -1) for t in inputs]
        scaled = [scales[place](rows[place]) for place in numbers]
        return torch.cat([*(rows[place].float() for place in names), *scaled], 1)

    def make(width: int) -> nn.Module:
        return _Joint(vocabularies, count, [width] * depth, outputs, activation())

    def work(width: int) -> float:
        features = width * (len(vocabularies) + len(_pairs(len(vocabularies)))) + count
        return (features + outputs[-1]) * width + features * outputs[-1]

    return Form("MLP of embeddings" if names else "MLP", make, work, feed)


def _mlp(
    name: str,
    features: int,
    hidden: Callable[[int], list[int]],
    outputs: tuple[int, ...],
    activation: type[nn.Module],
    feed: Callable[[Tensor], Tensor],
    vocabulary: int = 0,
    embedding: int = 0,
) -> Form:
    def work(width: int) -> float:
        sizes = [features * max(1, embedding), *hidden(width), math.prod(outputs)]
        return sum(a * b for a, b in pairwise(sizes))

    def make(width: int) -> nn.Module:
        return _Mlp(features, hidden(width), outputs, activation, vocabulary, embedding)

    return Form(name, make, work, feed)


def _recurrent(
    features: int,
    vocabulary: int,
    length: int,
    outputs: tuple[int, ...],
    feed: Callable[[Tensor], Tensor],
    each: bool | None = None,
) -> Form:
    in_each = outputs[0] == length and len(outputs) > 1 if each is None else each

    def work(width: int) -> float:
        last = outputs[-1] * length if in_each else 2 * math.prod(outputs)
        return 3 * length * width * (width + features) + width * last

    return Form(
        "GRU",
        lambda width: _Recurrent(features, width, outputs, vocabulary, in_each),
        work,
        feed,
        length,
    )


def scaling(inputs: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what makes inputs of mean 0 and deviation 1: each feature, if there are few."""
    rows = inputs.float()
    if inputs.dim() <= 2 and inputs[0].numel() <= FEW_FEATURES:
        mean, std = rows.mean(0), rows.std(0)
    else:
        mean, std = rows.mean(), rows.std()
    std = std.clamp(min=1e-6)
    return lambda x: (x.float() - mean) / std


def width_of(form: Form, parameters: float) -> int:
    """Return the width with about so many parameters."""

    def count(width: int) -> int:
        with torch.device("meta"):
            return sum(p.numel() for p in form.make(width).parameters())

    low, high = 1, MAX_WIDTH
    while low < high:
        middle = (low + high) // 2
        if count(middle) < parameters:
            low = middle + 1
        else:
            high = middle
    return low if low == 1 or count(low) - parameters < parameters - count(low - 1) else low - 1


def steps_of(form: Form, widths: list[int], rows: int, work: float, long: bool = False) -> int:
    """Return the steps that each may take, if all together are work for some seconds.

    Args:
        form: of the networks.
        widths: theirs.
        rows: examples that they learn from.
        work: seconds of a usual core for all of them.
        long: whether they may learn from each example as often as there is time for.
    """
    seconds = sum(
        STEP_COST + POSITION_COST * form.positions + 3 * form.batch * form.work(w) / MULTIPLICATIONS
        for w in widths
    )
    affordable = int(work / seconds)
    if long:
        return min(LONG, affordable)
    useful = max(2 * MIN_STEPS, EPOCHS * rows // form.batch)
    return min(MAX_STEPS, affordable, useful)
