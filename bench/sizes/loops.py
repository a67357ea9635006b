"""Training loops of many kinds, each of any size, length and amount of data.

A loop reports to ``seen``, as under ``watch``, and hands ``look`` a function that says how high the
loss is on new examples: the doctor never sees it, the measurement of the labels does.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.healthy.programs import digits, names
from core.playgrounds.text.corpus import bundled

Look = Callable[[int, Callable[[], Tensor]], None]
"""Is told each step, and how to measure the loss on new examples."""
Loop = Callable[[Any, int, int, int, Look], None]
"""Takes ``watch``, a width, the steps, the rows of training data and ``look``."""

LOOPS: dict[str, Loop] = {}


def loop(run: Loop) -> Loop:
    """Declare a loop."""
    LOOPS[run.__name__] = run
    return run


def fresh_digits() -> tuple[Tensor, Tensor]:
    """Return pictures that no loop is given."""
    x, y = digits()
    return x[4000:], y[4000:]


@loop
def digits_mlp(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = digits()
    train_set = TensorDataset(x[:rows], y[:rows])
    val_set = TensorDataset(x[3500:4000], y[3500:4000])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=250)
    model = nn.Sequential(nn.Linear(784, size), nn.ReLU(), nn.Linear(size, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    step = 0
    with watch() as seen:
        while step < steps:
            model.train()
            for xb, yb in train_loader:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
                step += 1
                look(step, lambda: F.cross_entropy(model(fresh_digits()[0]), fresh_digits()[1]))
                if step == steps:
                    break
            model.eval()
            with torch.no_grad():
                losses = [F.cross_entropy(model(xb), yb) for xb, yb in val_loader]
                seen.validate(sum(losses) / len(losses))


@loop
def digits_cnn(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = digits()
    x_train, y_train = x[:rows].view(-1, 1, 28, 28), y[:rows]
    x_val, y_val = x[3500:4000].view(-1, 1, 28, 28), y[3500:4000]
    model = nn.Sequential(
        nn.Conv2d(1, size, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(size, 2 * size, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(98 * size, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def fresh() -> Tensor:
        x, y = fresh_digits()
        return F.cross_entropy(model(x.view(-1, 1, 28, 28)), y)

    with watch() as seen:
        for step in range(steps):
            i = torch.randint(0, len(x_train), (32,))
            loss = F.cross_entropy(model(x_train[i]), y_train[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
    del x_val, y_val


@cache
def contexts(part: int) -> tuple[Tensor, Tensor]:
    """Return contexts of three letters and the next one: for training, validation, or neither."""
    words = names()[[slice(0, 5000), slice(5000, 5500), slice(5500, 8000)][part]]
    padded = F.pad(words, (3, 0))
    rows = padded.unfold(1, 4, 1).flatten(0, 1)
    ended = torch.cat([torch.ones(len(words), 1), (words[:, :-1] > 0).float()], 1).flatten() > 0
    rows = rows[ended]
    return rows[:, :3], rows[:, 3]


@loop
def names_mlp(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    Xtr, Ytr = (t[:rows] for t in contexts(0))
    Xdev, Ydev = contexts(1)
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1 = torch.randn((30, size), generator=g) * (5 / 3) / 30**0.5
    b1 = torch.zeros(size)
    W2 = torch.randn((size, 27), generator=g) * 0.1
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True

    def fresh() -> Tensor:
        x, y = contexts(2)
        return F.cross_entropy(torch.tanh(C[x].view(-1, 30) @ W1 + b1) @ W2 + b2, y)

    with watch() as seen:
        for i in range(steps):
            ix = torch.randint(0, Xtr.shape[0], (64,), generator=g)
            emb = C[Xtr[ix]]
            h = torch.tanh(emb.view(-1, 30) @ W1 + b1)
            logits = h @ W2 + b2
            loss = F.cross_entropy(logits, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            lr = 0.3 if i < 0.7 * steps else 0.03
            for p in parameters:
                p.data += -lr * p.grad
            seen.step(loss)
            look(i + 1, fresh)
    del Xdev, Ydev


class Gru(nn.Module):
    """Reads letters, and says the next of each."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(27, 16)
        self.gru = nn.GRU(16, size, batch_first=True)
        self.head = nn.Linear(size, 27)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(self.embedding(x))[0])


@loop
def names_gru(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    words = names()
    train, val = words[:rows], words[6000:7000]
    model = Gru(size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

    def loss_of(batch: Tensor) -> Tensor:
        inputs = F.pad(batch[:, :-1], (1, 0))
        targets = batch.clone()
        targets[:, 1:][(batch[:, 1:] == 0) & (batch[:, :-1] == 0)] = -1
        return F.cross_entropy(model(inputs).view(-1, 27), targets.view(-1), ignore_index=-1)

    with watch() as seen:
        for step in range(steps):
            if step and step % max(1, steps // 12) == 0:
                with torch.no_grad():
                    seen.validate(loss_of(val))
            loss = loss_of(train[torch.randint(0, len(train), (32,))])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, lambda: loss_of(names()[7000:]))


@cache
def characters() -> tuple[Tensor, Tensor]:
    """Return the characters of some plays as numbers, and others."""
    text = bundled().train.start(400_000)
    known = {letter: place for place, letter in enumerate(sorted(set(text)))}
    row = torch.tensor([known[letter] for letter in text])
    return row[:360_000], row[360_000:]


class Block(nn.Module):
    """Attention and an MLP, each around a shortcut."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.register_buffer("mask", torch.tril(torch.ones(length, length)) == 0)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(x.shape[-1])
        scores = scores.masked_fill(self.mask[: x.shape[1], : x.shape[1]], -math.inf)
        x = x + self.project(F.softmax(scores, -1) @ v)
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """A small GPT of one head."""

    def __init__(self, vocabulary: int, width: int, length: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(length, width)
        self.block = Block(width, length)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, x: Tensor) -> Tensor:
        h = self.token(x) + self.position(torch.arange(x.shape[1]))
        return self.head(self.norm(self.block(h)))


def windows(row: Tensor, count: int, length: int) -> tuple[Tensor, Tensor]:
    """Return windows of a row, and those one place further on."""
    starts = torch.linspace(0, len(row) - length - 2, count).long()
    cut = row[starts[:, None] + torch.arange(length + 1)]
    return cut[:, :-1], cut[:, 1:]


@loop
def text_transformer(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    block_size, batch_size = 24, 32
    train_data, val_data = characters()[0][:rows], characters()[1][:10_000]
    model = Transformer(100, size, block_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)

    def get_batch(split: str) -> tuple[Tensor, Tensor]:
        data = train_data if split == "train" else val_data
        ix = torch.randint(len(data) - block_size, (batch_size,))
        x = torch.stack([data[i : i + block_size] for i in ix])
        y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])
        return x, y

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        logits = model(x)
        B, T, C = logits.shape
        return F.cross_entropy(logits.view(B * T, C), y.reshape(B * T))

    with watch() as seen:
        for step in range(steps):
            if step and step % max(1, steps // 10) == 0:
                with torch.no_grad():
                    losses = [loss_of(*get_batch("val")) for _ in range(4)]
                    seen.validate(torch.stack(losses).mean())
            loss = loss_of(*get_batch("train"))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, lambda: loss_of(*windows(characters()[1][10_000:], 200, block_size)))


class Lstm(nn.Module):
    """Reads characters, and says the next of each."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.lstm = nn.LSTM(16, size, batch_first=True)
        self.head = nn.Linear(size, 100)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.lstm(self.embedding(x))
        return self.head(states)


@loop
def text_lstm(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    data = characters()[0][:rows]
    val = characters()[1][:8000]
    model = Lstm(size)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with watch() as seen:
        for step in range(steps):
            starts = torch.randint(0, len(data) - 21, (32, 1))
            batch = data[starts + torch.arange(21)]
            logits = model(batch[:, :-1])
            loss = F.cross_entropy(logits.transpose(1, 2), batch[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            seen.step(loss)

            def fresh() -> Tensor:
                x, y = windows(characters()[1][8000:], 200, 20)
                return F.cross_entropy(model(x).transpose(1, 2), y)

            look(step + 1, fresh)
    del val


@cache
def table(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return rows of a table, and a class that a network of some size decides by them."""
    teacher = torch.Generator().manual_seed(11)
    w1 = torch.randn(12, 40, generator=teacher) / 12**0.5 * 2
    w2 = torch.randn(40, 5, generator=teacher)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 12, generator=generator)
    scores = torch.relu(x @ w1) @ w2
    noise = torch.rand(scores.shape, generator=generator).log().neg().log().neg()
    return x, (scores + noise).argmax(1)


@loop
def tabular_classes(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    X, y = table(8000, 1)
    X_train, y_train, X_test, y_test = X[:rows], y[:rows], X[6000:7000], y[6000:7000]
    model = nn.Sequential(
        nn.Linear(12, size), nn.Tanh(), nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 5)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()

    def fresh() -> Tensor:
        x, y = table(3000, 2)
        return criterion(model(x), y)

    step = 0
    with watch() as seen:
        while step < steps:
            order = torch.randperm(len(X_train))
            for k in range(0, len(order) - 63, 64):
                rows_of_batch = order[k : k + 64]
                loss = criterion(model(X_train[rows_of_batch]), y_train[rows_of_batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
                step += 1
                look(step, fresh)
                if step == steps:
                    break
    del X_test, y_test


@cache
def prices(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return eight numbers a row, and a value that hangs together with them in a curved way."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count, 8, generator=generator)
    y = (
        torch.sin(6 * x[:, 0] * x[:, 1])
        + 2 * (x[:, 2] - 0.5) ** 2
        + torch.sin(9 * x[:, 3]) * x[:, 4]
    )
    return x, (2 * y + 0.5 * torch.randn(count, generator=generator))[:, None]


@loop
def tabular_values(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = prices(rows, 1)
    x_valid, y_valid = prices(600, 2)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True, drop_last=True)
    model = nn.Sequential(
        nn.Linear(8, size), nn.ReLU(), nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    step = 0
    with watch() as seen:
        while step < steps:
            for inputs, targets in loader:
                loss = F.mse_loss(model(inputs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                decay.step()
                seen.step(loss.item())
                step += 1
                look(step, lambda: F.mse_loss(model(prices(3000, 3)[0]), prices(3000, 3)[1]))
                if step == steps:
                    break
            with torch.no_grad():
                seen.validate(F.mse_loss(model(x_valid), y_valid).item())


@cache
def spiral(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return points on three arms, and which arm each is on."""
    generator = torch.Generator().manual_seed(seed)
    arm = torch.randint(0, 3, (count,), generator=generator)
    radius = torch.rand(count, generator=generator)
    angle = 5 * radius + arm * 2 * math.pi / 3 + 0.35 * torch.randn(count, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1) * 2, arm


@loop
def spirals(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    X, Y = spiral(rows, 1)
    X_test, Y_test = spiral(400, 2)
    w1, b1 = torch.randn(2, size), torch.zeros(size)
    w2, b2 = torch.randn(size, size) / size**0.5, torch.zeros(size)
    w3, b3 = torch.randn(size, 3) * 0.1, torch.zeros(3)
    params = [w1, b1, w2, b2, w3, b3]
    for p in params:
        p.requires_grad_()
    optimizer = torch.optim.Adam(params, lr=5e-3)

    def forward(x: Tensor) -> Tensor:
        return torch.tanh(torch.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3

    with watch() as seen:
        for step in range(steps):
            logits = forward(X)
            loss = -F.log_softmax(logits, 1)[torch.arange(len(Y)), Y].mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, lambda: F.cross_entropy(forward(spiral(3000, 3)[0]), spiral(3000, 3)[1]))
    del X_test, Y_test


@cache
def series(count: int, seed: int) -> Tensor:
    """Return a chaotic row of numbers (Mackey and Glass 1977), with some noise."""
    generator = torch.Generator().manual_seed(seed)
    made = [1.2 + 0.2 * float(torch.rand(1, generator=generator)) for _ in range(18)]
    for _ in range(count * 3 + 300):
        made.append(made[-1] + 0.2 * made[-18] / (1 + made[-18] ** 10) - 0.1 * made[-1])
    row = torch.tensor(made[-count * 3 :: 3])
    row = (row - row.mean()) / row.std()
    return row + 0.1 * torch.randn(count, generator=generator)


def pieces(row: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Return all windows of a row, and the number behind each."""
    cut = row.unfold(0, length + 1, 1)
    return cut[:, :-1, None], cut[:, -1:]


class Forecaster(nn.Module):
    """Reads numbers, and says the next."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, size, batch_first=True)
        self.head = nn.Linear(size, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


@loop
def time_series(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    train_x, train_y = pieces(series(rows + 16, 1), 16)
    val_x, val_y = pieces(series(600, 2), 16)
    model = Forecaster(size)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def fresh() -> Tensor:
        x, y = pieces(series(2000, 3), 16)
        return F.mse_loss(model(x), y)

    with watch() as seen:
        for step in range(steps):
            batch = torch.randint(0, len(train_x), (32,))
            loss = F.mse_loss(model(train_x[batch]), train_y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
            if (step + 1) % max(1, steps // 15) == 0:
                with torch.no_grad():
                    seen.validate(F.mse_loss(model(val_x), val_y))


@loop
def autoencoder(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    data = digits()[0]
    train, test = data[:rows], data[3500:4000]
    encoder = nn.Sequential(nn.Linear(784, size), nn.ReLU(), nn.Linear(size, 16), nn.Tanh())
    decoder = nn.Sequential(nn.Linear(16, size), nn.ReLU(), nn.Linear(size, 784))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)

    def fresh() -> Tensor:
        x, _ = fresh_digits()
        return F.mse_loss(decoder(encoder(x)), x)

    with watch() as seen:
        for step in range(steps):
            x = train[torch.randint(0, len(train), (64,))]
            loss = F.mse_loss(decoder(encoder(x)), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
    del test


def surface(x: Tensor) -> Tensor:
    """Return a curved surface over the plane."""
    return torch.sin(3 * x[:, :1]) * torch.cos(2 * x[:, 1:]) + 0.5 * torch.sin(4 * x[:, :1] + 1)


@loop
def drawn_surface(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    net = nn.Sequential(
        nn.Linear(2, size), nn.Tanh(), nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def fresh() -> Tensor:
        x = torch.rand(3000, 2, generator=torch.Generator().manual_seed(5)) * 2 - 1
        return F.mse_loss(
            net(x),
            surface(x) + 0.1 * torch.randn(3000, 1, generator=torch.Generator().manual_seed(6)),
        )

    with watch() as seen:
        for step in range(steps):
            x = torch.rand(64, 2) * 2 - 1
            y = torch.sin(3 * x[:, :1]) * torch.cos(2 * x[:, 1:]) + 0.5 * torch.sin(
                4 * x[:, :1] + 1
            )
            y = y + 0.1 * torch.randn_like(y)
            loss = ((net(x) - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            decay.step()
            seen.step(loss)
            look(step + 1, fresh)


@cache
def wave(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return places, and a wave with noise there."""
    generator = torch.Generator().manual_seed(seed)
    x = 4 * torch.rand(count, 1, generator=generator) - 2
    return x, torch.sin(3 * x) + 0.5 * x + 0.4 * torch.randn(count, 1, generator=generator)


@loop
def noisy_wave(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = wave(rows, 1)
    x_test, y_test = wave(800, 2)
    w1, b1 = torch.randn(1, size) * 2, torch.randn(size)
    w2, b2 = torch.randn(size, 1) / size**0.5, torch.zeros(1)
    weights = [w1, b1, w2, b2]
    for w in weights:
        w.requires_grad_()
    optimizer = torch.optim.Adam(weights, lr=2e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def fresh() -> Tensor:
        x, y = wave(4000, 3)
        return F.mse_loss(torch.tanh(x @ w1 + b1) @ w2 + b2, y)

    with watch() as seen:
        for step in range(steps):
            batch = torch.randint(0, len(x), (64,))
            prediction = torch.tanh(x[batch] @ w1 + b1) @ w2 + b2
            loss = ((prediction - y[batch]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            seen.step(loss)
            look(step + 1, fresh)
    del x_test, y_test


@cache
def clouds(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return points of six clouds that overlap, and which cloud each is of."""
    centres = 1.2 * torch.randn(6, 4, generator=torch.Generator().manual_seed(7))
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 6, (count,), generator=generator)
    return centres[labels] + torch.randn(count, 4, generator=generator), labels


@loop
def clouds_mlp(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    train = TensorDataset(*clouds(rows, 1))
    test = TensorDataset(*clouds(1000, 2))
    train_loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(test, batch_size=500)
    net = nn.Sequential(nn.Linear(4, size), nn.ReLU(), nn.Linear(size, 6))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def fresh() -> Tensor:
        x, y = clouds(4000, 3)
        return F.cross_entropy(net(x), y)

    step = 0
    with watch() as seen:
        while step < steps:
            for inputs, labels in train_loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(net(inputs), labels)
                loss.backward()
                optimizer.step()
                scheduler.step()
                seen.step(loss)
                step += 1
                look(step, fresh)
                if step == steps:
                    break
    del test_loader
