"""The runs whose losses are forecast: small programs, each with sizes, schedules and seeds.

``TUNING`` are those by which curve families and the width of the band were chosen; ``JUDGING`` are
other programs, which were run once, when that was done.
"""

import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.healthy.programs import RESOURCES, digits, names

Loss = Callable[[Tensor], Tensor]
"""The loss of some rows of a data set, by their numbers."""


@dataclass
class Task:
    """What is trained.

    Attributes:
        model: the network.
        loss: of some rows.
        rows: how many there are; the last ``held`` are never trained on.
        held: rows of validation data.
    """

    model: nn.Module
    loss: Loss
    rows: int
    held: int


@dataclass(frozen=True)
class Case:
    """One training: a program, and how it is trained."""

    program: str
    size: int
    optimizer: str
    rate: float
    schedule: str
    steps: int
    batch: int = 64
    seed: int = 0

    @property
    def name(self) -> str:
        """All of it in words."""
        return (
            f"{self.program} {self.size}, {self.optimizer} {self.rate:g} {self.schedule},"
            f" {self.steps} steps, seed {self.seed}"
        )


def rate_at(schedule: str, progress: float) -> float:
    """Return the factor of the learning rate at a part of the training, 0 to 1."""
    if schedule == "cosine":
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "linear":
        return 1 - 0.98 * progress
    if schedule == "steps":
        return 1.0 if progress < 0.6 else 0.2 if progress < 0.85 else 0.04
    if schedule == "warm-up, cosine":
        warm = 0.1
        return progress / warm if progress < warm else rate_at("cosine", (progress - warm) / 0.9)
    return 1.0


class Last(nn.Module):
    """A recurrent network with an output at each position."""

    def __init__(self, kind: type[nn.RNNBase], width: int, letters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, 12)
        self.core = kind(12, width, batch_first=True)  # type: ignore[call-arg]
        self.out = nn.Linear(width, letters)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, time, letters)."""
        return self.out(self.core(self.embedding(x))[0])


class Decoder(nn.Module):
    """A transformer's decoder."""

    def __init__(self, width: int, layers: int, letters: int, time: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(letters, width), nn.Embedding(time, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 2, 4 * width, 0.0, batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, letters)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, time, letters)."""
        h = self.tokens(x) + self.places.weight[: x.shape[1]]
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        for block in self.blocks:
            h = block(h, src_mask=mask, is_causal=True)
        return self.out(self.norm(h))


@cache
def plays() -> Tensor:
    """Return 400,000 characters of Shakespeare as numbers below 40."""
    with zipfile.ZipFile(RESOURCES / "plays" / "plays.zip") as archive:
        text = "\n".join(
            archive.read(name).decode() for name in sorted(archive.namelist())[:4]
        ).lower()[:400_000]
    common = sorted(set(text), key=lambda c: (-text.count(c), c))[:39]
    known = {letter: number for number, letter in enumerate(common)}
    return torch.tensor([known.get(letter, 39) for letter in text])


def _perceptron(sizes: list[int], bend: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), bend()]
    return nn.Sequential(*layers[:-1])


def _classes(model: nn.Module, x: Tensor, y: Tensor, held: int) -> Task:
    return Task(model, lambda i: F.cross_entropy(model(x[i]), y[i]), len(x), held)


def _letters(model: nn.Module) -> Task:
    """Return the task of writing names: each letter by those before it."""
    rows = names()
    x = torch.cat([torch.zeros(len(rows), 1, dtype=torch.long), rows[:, :-1]], 1)
    ended = torch.cat([torch.zeros(len(rows), 1, dtype=torch.bool), rows[:, :-1] == 0], 1)
    y = rows.masked_fill(ended, -1)

    def loss(i: Tensor) -> Tensor:
        return F.cross_entropy(model(x[i]).flatten(0, 1), y[i].flatten(), ignore_index=-1)

    return Task(model, loss, len(x), 800)


def _windows(model: nn.Module, time: int, letters: int, text: Tensor) -> Task:
    """Return the task of guessing the letter after so many."""
    views = text.unfold(0, time + 1, 1)
    embedding = nn.Embedding(letters, 10)
    whole = nn.ModuleList([embedding, model])

    def loss(i: Tensor) -> Tensor:
        return F.cross_entropy(model(embedding(views[i, :-1]).flatten(1)), views[i, -1])

    return Task(whole, loss, len(views), 2000)


def _text(model: nn.Module, time: int) -> Task:
    """Return the task of guessing each letter of a piece of a play."""
    views = plays().unfold(0, time + 1, 1)[::7]

    def loss(i: Tensor) -> Tensor:
        return F.cross_entropy(model(views[i, :-1]).flatten(0, 1), views[i, 1:].flatten())

    return Task(model, loss, len(views), 200)


def _noisy(model: nn.Module, noise: float) -> Task:
    """Return the task of reading digits in noise that is another one each time."""
    x, y = digits()

    def loss(i: Tensor) -> Tensor:
        return F.cross_entropy(model(x[i] + noise * torch.randn(len(i), 784)), y[i])

    return Task(model, loss, len(x), 1000)


def _small_digits() -> tuple[Tensor, Tensor]:
    x, y = digits()
    return F.avg_pool2d(x.view(-1, 1, 28, 28), 2), y


def digits_mlp(size: int) -> Task:
    """Digits in noise that is another one each time, a multilayer perceptron."""
    return _noisy(_perceptron([784, size, size, 10]), 1.5)


def digits_conv(size: int) -> Task:
    """Digits, a small convolutional network."""
    model = nn.Sequential(
        nn.Conv2d(1, size, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(size, 2 * size, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * size * 9, 10),
    )
    return _classes(model, *_small_digits(), 1000)


def names_gru(size: int) -> Task:
    """Names, a GRU."""
    return _letters(Last(nn.GRU, size, 27))


def names_mlp(size: int) -> Task:
    """Names, the next letter by the three before it."""
    model = _perceptron([30, size, 27], nn.Tanh)
    return _windows(model, 3, 27, names().flatten())


def plays_transformer(size: int) -> Task:
    """Shakespeare, a transformer."""
    return _text(Decoder(size, 1, 40, 32), 32)


def teacher(size: int) -> Task:
    """The outputs of a random network, with noise."""
    x = torch.randn(20_000, 8)
    with torch.no_grad():
        y = _perceptron([8, 24, 1], nn.Tanh)(x) * 4 + 0.3 * torch.randn(20_000, 1)
    model = _perceptron([8, size, size, 1])
    return Task(model, lambda i: F.mse_loss(model(x[i]), y[i]), len(x), 2000)


def digits_autoencoder(size: int) -> Task:
    """Digits through a bottleneck."""
    x = _small_digits()[0].flatten(1)
    model = _perceptron([196, 64, size, 64, 196])
    return Task(model, lambda i: F.mse_loss(model(x[i]), x[i]), len(x), 1000)


def clusters_mlp(size: int) -> Task:
    """Overlapping clusters in 16 dimensions."""
    y = torch.randint(0, 8, (20_000,))
    x = torch.randn(8, 16)[y] + 1.5 * torch.randn(20_000, 16)
    return _classes(_perceptron([16, size, 8]), x, y, 2000)


def digits_residual(size: int) -> Task:
    """Digits in noise, residual blocks with batch norm and dropout."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                nn.BatchNorm1d(size), nn.ReLU(), nn.Dropout(0.2), nn.Linear(size, size)
            )

        def forward(self, x: Tensor) -> Tensor:
            return x + self.inner(x)

    model = nn.Sequential(nn.Linear(784, size), Block(), Block(), nn.Linear(size, 10))
    return _noisy(model, 1.2)


def digits_rows(size: int) -> Task:
    """Digits, read row by row by an LSTM."""
    core, out = nn.LSTM(14, size, batch_first=True), nn.Linear(size, 10)
    x, y = _small_digits()
    rows = x.squeeze(1)
    whole = nn.ModuleList([core, out])
    return Task(
        whole, lambda i: F.cross_entropy(out(core(rows[i])[0][:, -1]), y[i]), len(rows), 1000
    )


def names_transformer(size: int) -> Task:
    """Names, a transformer."""
    return _letters(Decoder(size, 2, 27, 12))


def names_lstm(size: int) -> Task:
    """Names, an LSTM."""
    return _letters(Last(nn.LSTM, size, 27))


def plays_gru(size: int) -> Task:
    """Shakespeare, a GRU."""
    return _text(Last(nn.GRU, size, 40), 24)


def plays_mlp(size: int) -> Task:
    """Shakespeare, the next letter by the eight before it."""
    return _windows(_perceptron([80, size, 40]), 8, 40, plays())


def waves(size: int) -> Task:
    """A sum of waves of two variables, with noise."""
    x = 2 * torch.rand(20_000, 2) - 1
    y = torch.sin(4 * x[:, :1]) * torch.cos(3 * x[:, 1:]) + 0.2 * torch.randn(20_000, 1)
    model = _perceptron([2, size, size, 1], nn.Tanh)
    return Task(model, lambda i: F.mse_loss(model(x[i]), y[i]), len(x), 2000)


def rings(size: int) -> Task:
    """Four rings around the origin of five dimensions, which overlap."""
    x = torch.randn(20_000, 5)
    radius = x.norm(dim=1) + 0.15 * torch.randn(20_000)
    y = torch.bucketize(radius, torch.tensor([1.4, 2.1, 2.8]))
    return _classes(_perceptron([5, size, size, 4], nn.GELU), x, y, 2000)


Program = Callable[[int], Task]
WAYS = (
    ("adam", 1.0, "constant"),
    ("sgd", 1.0, "constant"),
    ("adam", 1.0, "cosine"),
    ("sgd", 1.0, "linear"),
    ("adam", 2.0, "warm-up, cosine"),
)
OTHER_WAYS = (
    ("adam", 1.0, "constant"),
    ("sgd", 0.7, "constant"),
    ("adam", 1.5, "cosine"),
    ("adam", 1.0, "linear"),
    ("sgd", 1.0, "steps"),
)
TUNING: list[tuple[Program, tuple[int, ...], float, int]] = [
    (digits_mlp, (16, 64, 128), 1e-3, 1000),
    (digits_conv, (4, 8, 12), 2e-3, 600),
    (names_gru, (8, 32, 64), 5e-3, 1000),
    (names_mlp, (16, 64, 128), 5e-3, 3000),
    (plays_transformer, (16, 32, 48), 2e-3, 800),
    (teacher, (8, 24, 64), 3e-3, 3000),
    (digits_autoencoder, (4, 8, 16), 2e-3, 1200),
    (clusters_mlp, (4, 16, 32), 5e-3, 1600),
]
"""Programs, their sizes, Adam's learning rate (SGD with momentum has 15 times that), and steps."""
JUDGING: list[tuple[Program, tuple[int, ...], float, int]] = [
    (digits_residual, (24, 48, 96), 1e-3, 1000),
    (digits_rows, (12, 24, 48), 3e-3, 800),
    (names_transformer, (16, 24, 32), 2e-3, 700),
    (names_lstm, (12, 32, 64), 5e-3, 1000),
    (plays_gru, (24, 48, 64), 4e-3, 800),
    (plays_mlp, (24, 64, 128), 3e-3, 2400),
    (waves, (8, 16, 32), 5e-3, 3000),
    (rings, (8, 16, 48), 4e-3, 2000),
]
PROGRAMS = {program.__name__: program for program, *_ in TUNING + JUDGING}


def cases(half: str) -> list[Case]:
    """Return the 40 trainings of a half: ``tuning`` or ``judging``."""
    chosen, ways, seed = (TUNING, WAYS, 0) if half == "tuning" else (JUDGING, OTHER_WAYS, 1000)
    found = []
    for number, (program, sizes, rate, steps) in enumerate(chosen):
        for place, (optimizer, factor, schedule) in enumerate(ways):
            size = sizes[(place + number) % len(sizes)]
            rated = rate * factor * (15 if optimizer == "sgd" else 1)
            batch = 32 if "plays" in program.__name__ and "mlp" not in program.__name__ else 64
            found.append(
                Case(program.__name__, size, optimizer, rated, schedule, steps, batch, seed + place)
            )
    return found
