"""Loops of further kinds, kept back while thresholds were chosen; as in ``loops.py``."""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.healthy.programs import digits, names
from bench.sizes.loops import Look, characters, fresh_digits, loop, windows


@cache
def houses(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return ten numbers of each house, and its price."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 10, generator=generator)
    area, age, rooms, far = x[:, 0], x[:, 1], x[:, 2], x[:, 3]
    price = area * (1 + 0.5 * torch.tanh(2 * rooms)) - 0.6 * torch.relu(age) * far
    price = price + torch.cos(2 * x[:, 4] + x[:, 5]) + 0.3 * x[:, 6:].sum(1)
    return x, (price + 0.4 * torch.randn(count, generator=generator))[:, None]


@loop
def house_prices(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = houses(rows, 21)
    x_val, y_val = houses(800, 22)
    net = nn.Sequential(
        nn.Linear(10, size), nn.LayerNorm(size), nn.GELU(), nn.Linear(size, size), nn.GELU(),
        nn.Linear(size, 1),
    )  # fmt: skip
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-4)

    def fresh() -> Tensor:
        inputs, prices = houses(4000, 23)
        return F.smooth_l1_loss(net(inputs), prices)

    with watch() as seen:
        for step in range(steps):
            idx = torch.randint(0, len(x), (48,))
            loss = F.smooth_l1_loss(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
            look(step + 1, fresh)
            if (step + 1) % max(1, steps // 12) == 0:
                with torch.no_grad():
                    seen.validate(F.smooth_l1_loss(net(x_val), y_val))


@loop
def linear_units(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    """Bare tensors, and the update by hand."""
    X, Y = houses(rows, 31)
    w1 = torch.randn(10, size) / 10**0.5
    b1 = torch.zeros(size)
    w2 = torch.randn(size, 1) / size**0.5
    b2 = torch.zeros(1)
    ps = [w1, b1, w2, b2]
    for p in ps:
        p.requires_grad = True

    def fresh() -> Tensor:
        inputs, prices = houses(4000, 23)
        return (((inputs @ w1 + b1).clamp(min=0) @ w2 + b2 - prices) ** 2).mean()

    with watch() as seen:
        for step in range(steps):
            ix = torch.randint(0, X.shape[0], (64,))
            h = (X[ix] @ w1 + b1).clamp(min=0)
            loss = ((h @ w2 + b2 - Y[ix]) ** 2).mean()
            for p in ps:
                p.grad = None
            loss.backward()
            rate = 0.05 if step < 0.75 * steps else 0.005
            with torch.no_grad():
                for p in ps:
                    p -= rate * p.grad
            seen.step(loss)
            look(step + 1, fresh)


class Pooled(nn.Module):
    """Two convolutions with pooling, and dropout before the classes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, size, 5), nn.Conv2d(size, 2 * size, 3)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(50 * size, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


@loop
def pooled_cnn(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    images, labels = digits()
    images = images.view(-1, 1, 28, 28)
    train = DataLoader(
        TensorDataset(images[:rows], labels[:rows]), batch_size=50, shuffle=True, drop_last=True
    )
    test = DataLoader(TensorDataset(images[3500:4000], labels[3500:4000]), batch_size=250)
    model = Pooled(size)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    def fresh() -> Tensor:
        model.eval()
        x, y = fresh_digits()
        found = F.cross_entropy(model(x.view(-1, 1, 28, 28)), y)
        model.train()
        return found

    done = 0
    with watch() as seen:
        while done < steps:
            for data, target in train:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(data), target)
                loss.backward()
                optimizer.step()
                done += 1
                seen.step(loss.item())
                look(done, fresh)
                if done == steps:
                    break
            model.eval()
            total = hits = 0.0
            with torch.no_grad():
                for data, target in test:
                    scores = model(data)
                    total += F.cross_entropy(scores, target, reduction="sum").item()
                    hits += (scores.argmax(1) == target).sum().item()
            seen.validate(total / 500, hits / 500)
            model.train()


@loop
def conv_autoencoder(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    pictures = digits()[0].view(-1, 1, 28, 28)
    train, held_out = pictures[:rows], pictures[3500:3800]
    model = nn.Sequential(
        nn.Conv2d(1, size, 3, 2, 1), nn.ReLU(), nn.Conv2d(size, size, 3, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(49 * size, 12), nn.Linear(12, 49 * size), nn.ReLU(),
        nn.Unflatten(1, (size, 7, 7)), nn.ConvTranspose2d(size, size, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(size, 1, 4, 2, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def fresh() -> Tensor:
        x = fresh_digits()[0].view(-1, 1, 28, 28)
        return F.mse_loss(model(x), x)

    with watch() as seen:
        for step in range(steps):
            x = train[torch.randperm(len(train))[:32]]
            loss = F.mse_loss(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
            if (step + 1) % max(1, steps // 10) == 0:
                with torch.no_grad():
                    seen.validate(F.mse_loss(model(held_out), held_out))


@cache
def ratings(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return users, films, and what each user says of the film."""
    taste = torch.Generator().manual_seed(41)
    users = torch.randn(150, 5, generator=taste)
    films = torch.randn(100, 5, generator=taste)
    generator = torch.Generator().manual_seed(seed)
    u = torch.randint(0, 150, (count,), generator=generator)
    f = torch.randint(0, 100, (count,), generator=generator)
    liked = (users[u] * films[f]).sum(1) / 5**0.5
    return u, f, liked + 0.5 * torch.randn(count, generator=generator)


class Tastes(nn.Module):
    """A vector for each user, one for each film, and their product."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.user, self.film = nn.Embedding(150, size), nn.Embedding(100, size)
        nn.init.normal_(self.user.weight, std=0.3)
        nn.init.normal_(self.film.weight, std=0.3)

    def forward(self, user: Tensor, film: Tensor) -> Tensor:
        return (self.user(user) * self.film(film)).sum(-1)


@loop
def film_ratings(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    users, films, scores = ratings(rows, 42)
    val_users, val_films, val_scores = ratings(1500, 43)
    model = Tastes(size)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def fresh() -> Tensor:
        u, f, r = ratings(5000, 44)
        return F.mse_loss(model(u, f), r)

    with watch() as seen:
        for step in range(steps):
            pick = torch.randint(0, len(scores), (256,))
            loss = F.mse_loss(model(users[pick], films[pick]), scores[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
            if (step + 1) % max(1, steps // 12) == 0:
                with torch.no_grad():
                    seen.validate(F.mse_loss(model(val_users, val_films), val_scores))


@cache
def unspaced() -> tuple[Tensor, Tensor]:
    """Return letters of the plays without what is between them, and where each word begins."""
    from core.playgrounds.text.corpus import bundled

    letters, begins, inside = [], [], False
    for letter in bundled().train.start(260_000).lower():
        if letter.isascii() and letter.isalpha():
            letters.append(ord(letter) - 97)
            begins.append(int(not inside))
            inside = True
        else:
            inside = False
    count = len(letters) // 30
    cut = torch.tensor([letters, begins])[:, : 30 * count].view(2, count, 30)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(3))
    return cut[0][order], cut[1][order]


class Tagger(nn.Module):
    """Reads letters in both directions, and says of each whether a word begins."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(26, 12)
        self.gru = nn.GRU(12, size, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * size, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.gru(self.embedding(x))[0])


@loop
def word_beginnings(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    sentences, tags = unspaced()
    train_x, train_y = sentences[:rows], tags[:rows]
    dev_x, dev_y = sentences[5000:5300], tags[5000:5300]
    tagger = Tagger(size)
    optimizer = torch.optim.Adam(tagger.parameters(), lr=5e-3)

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(tagger(x).flatten(0, 1), y.flatten())

    with watch() as seen:
        for step in range(steps):
            chosen = torch.randint(0, len(train_x), (32,))
            loss = loss_of(train_x[chosen], train_y[chosen])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), 1.0)
            optimizer.step()
            seen.step(loss)
            look(step + 1, lambda: loss_of(sentences[5300:], tags[5300:]))
            if (step + 1) % max(1, steps // 10) == 0:
                with torch.no_grad():
                    seen.validate(loss_of(dev_x, dev_y))


class Reader(nn.Module):
    """A GRU that says the next character of each."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 24)
        self.rnn = nn.GRU(24, size, batch_first=True)
        self.out = nn.Linear(size, 100)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(self.embed(x))[0])


@loop
def text_gru(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = windows(characters()[0][:rows], min(rows // 12, 9000), 24)
    x_val, y_val = windows(characters()[1][:9000], 200, 24)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)
    model = Reader(size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x).reshape(-1, 100), y.reshape(-1))

    done = 0
    every = max(1, steps // 10)
    with watch() as seen:
        while done < steps:
            for inputs, targets in loader:
                loss = loss_of(inputs, targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
                done += 1
                look(done, lambda: loss_of(*windows(characters()[1][10_000:], 300, 24)))
                if done % every == 0:
                    with torch.no_grad():
                        seen.validate(loss_of(x_val, y_val))
                if done == steps:
                    break


@cache
def surroundings() -> tuple[Tensor, Tensor]:
    """Return four characters around each place of the plays, and the one in the middle."""
    cut = characters()[0][:120_000].unfold(0, 5, 3)
    cut = cut[torch.randperm(len(cut), generator=torch.Generator().manual_seed(4))]
    return cut[:, [0, 1, 3, 4]], cut[:, 2]


class Cbow(nn.Module):
    """The vectors of what is around, each at its place, and what is amid them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(100, size)
        self.hidden = nn.Linear(4 * size, 4 * size)
        self.scores = nn.Linear(4 * size, 100)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(torch.relu(self.hidden(self.vectors(x).flatten(1))))


@loop
def middle_character(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    contexts, middles = surroundings()
    train_x, train_y = contexts[:rows], middles[:rows]
    valid_x, valid_y = contexts[30_000:31_500], middles[30_000:31_500]
    model = Cbow(size)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

    def fresh() -> Tensor:
        return F.cross_entropy(model(contexts[31_500:36_000]), middles[31_500:36_000])

    with watch() as seen:
        for step in range(steps):
            b = torch.randint(0, len(train_x), (128,))
            loss = F.cross_entropy(model(train_x[b]), train_y[b])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
    del valid_x, valid_y


@cache
def signals(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return noisy oscillations (count, 1, 64) of four shapes, and which shape each has."""
    generator = torch.Generator().manual_seed(seed)
    kind = torch.randint(0, 4, (count,), generator=generator)
    rate = 1.5 + 4 * torch.rand(count, 1, generator=generator)
    begin = torch.rand(count, 1, generator=generator)
    phase = (rate * torch.linspace(0, 1, 64) + begin) % 1
    sine = (2 * math.pi * phase).sin()
    shapes = torch.stack([sine, sine.sign(), 2 * phase - 1, 4 * (phase - 0.5).abs() - 1])
    made = shapes[kind, torch.arange(count)]
    return (made + 0.7 * torch.randn(count, 64, generator=generator))[:, None], kind


@loop
def signal_shapes(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = signals(rows, 51)
    x_test, y_test = signals(500, 52)
    model = nn.Sequential(
        nn.Conv1d(1, size, 7, 2, 3), nn.ReLU(), nn.Conv1d(size, size, 5, 2, 2), nn.ReLU(),
        nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(4 * size, 4),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def fresh() -> Tensor:
        signal, kind = signals(3000, 53)
        return F.cross_entropy(model(signal), kind)

    with watch() as seen:
        for step in range(steps):
            batch = torch.randint(0, len(x), (64,))
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(step + 1, fresh)
            if (step + 1) % max(1, steps // 10) == 0:
                with torch.no_grad():
                    seen.validate(F.cross_entropy(model(x_test), y_test))


@cache
def rings(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return points in eight dimensions, and whether two distances in them fit together."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 8, generator=generator)
    score = 2 * (x[:, :3].norm(dim=1) - x[:, 3:6].norm(dim=1)) + 2 * x[:, 6] * x[:, 7]
    return x, torch.bernoulli(torch.sigmoid(2 * score), generator=generator)[:, None]


@loop
def yes_or_no(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    """Two classes by one number, bare tensors, no validation anywhere."""
    X, Y = rings(rows, 61)
    w1, b1 = (
        (torch.randn(8, size) * (2 / 8) ** 0.5).requires_grad_(),
        torch.zeros(size, requires_grad=True),
    )
    w2, b2 = (
        (torch.randn(size, size) * (2 / size) ** 0.5).requires_grad_(),
        torch.zeros(size, requires_grad=True),
    )
    w3, b3 = (torch.randn(size, 1) / size**0.5).requires_grad_(), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([w1, b1, w2, b2, w3, b3], lr=3e-3)

    def forward(x: Tensor) -> Tensor:
        return torch.relu(torch.relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3

    with watch() as seen:
        for step in range(steps):
            ix = torch.randint(0, len(X), (64,))
            loss = F.binary_cross_entropy_with_logits(forward(X[ix]), Y[ix])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            look(
                step + 1,
                lambda: F.binary_cross_entropy_with_logits(
                    forward(rings(4000, 63)[0]), rings(4000, 63)[1]
                ),
            )


@loop
def long_contexts(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    """The next of six characters, with bare tensors and momentum by hand."""
    data, other = characters()[0][:rows], characters()[1]
    held, fresh_part = other[:10_000], other[10_000:]
    length = 6
    g = torch.Generator().manual_seed(7)
    C = torch.randn((100, 12), generator=g) * 0.5
    W1 = torch.randn((length * 12, size), generator=g) / (length * 12) ** 0.5
    b1 = torch.zeros(size)
    W2 = torch.randn((size, 100), generator=g) * 0.05
    b2 = torch.zeros(100)
    parameters = [C, W1, b1, W2, b2]
    momenta = [torch.zeros_like(p) for p in parameters]
    for p in parameters:
        p.requires_grad = True

    def loss_of(row: Tensor, starts: Tensor) -> Tensor:
        x = row[starts[:, None] + torch.arange(length)]
        h = torch.tanh(C[x].flatten(1) @ W1 + b1)
        return F.cross_entropy(h @ W2 + b2, row[starts + length])

    with watch() as seen:
        for step in range(steps):
            starts = torch.randint(0, len(data) - length, (64,), generator=g)
            x = data[starts[:, None] + torch.arange(length)]
            y = data[starts + length]
            h = torch.tanh(C[x].flatten(1) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, y)
            for p in parameters:
                p.grad = None
            loss.backward()
            with torch.no_grad():
                for p, m in zip(parameters, momenta, strict=True):
                    m.mul_(0.9).add_(p.grad)
                    p -= 0.03 * m
            seen.step(loss)
            look(step + 1, lambda: loss_of(fresh_part, torch.arange(0, 20_000, 6)))
            if (step + 1) % max(1, steps // 10) == 0:
                with torch.no_grad():
                    seen.validate(loss_of(held, torch.arange(0, 9000, 6)))


@cache
def oscillator(count: int, seed: int) -> Tensor:
    """Return a row of two numbers: an oscillator that is driven, with noise."""
    generator = torch.Generator().manual_seed(seed)
    place, speed = 1.0, 0.0
    made = []
    for k in range(4 * count):
        speed += 0.1 * (0.5 * math.cos(0.12 * k) - 0.25 * speed + place - place**3)
        place += 0.1 * speed
        if k % 4 == 0:
            made.append((place, speed))
    row = torch.tensor(made)
    return row + 0.03 * torch.randn(row.shape, generator=generator)


@loop
def driven_oscillator(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    """Two numbers are foretold by the eight before; the end of the row is kept for validation."""
    row = oscillator(6000, 71)
    x, y = row.unfold(0, 9, 1)[..., :8].flatten(1), row[8:]
    X_train, Y_train, X_val, Y_val = x[:rows], y[:rows], x[3500:4200], y[3500:4200]
    model = nn.Sequential(nn.Linear(16, size), nn.Tanh(), nn.Linear(size, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    done = 0
    with watch() as seen:
        while done < steps:
            for k in torch.randperm(len(X_train)).split(64):
                if len(k) < 64 or done == steps:
                    break
                loss = F.l1_loss(model(X_train[k]), Y_train[k])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                done += 1
                seen.step(loss)
                look(done, lambda: F.l1_loss(model(x[4200:]), y[4200:]))
    del X_val, Y_val


class Encoder(nn.Module):
    """One layer of torch's transformer, and the mean over the letters."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(27, size), nn.Embedding(12, size)
        self.layer = nn.TransformerEncoderLayer(size, 2, 2 * size, 0.0, batch_first=True)
        self.head = nn.Linear(size, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.layer(self.letters(x) + self.places(torch.arange(x.shape[1])))
        return self.head(h.mean(1))


@cache
def turned() -> tuple[Tensor, Tensor]:
    """Return names, half of them from their end to their beginning, and which these are."""
    words = names()
    lengths = (words > 0).sum(1, keepdim=True)
    places = torch.arange(12).expand_as(words)
    backward = words.gather(1, (lengths - 1 - places).clamp(min=0)) * (places < lengths)
    is_turned = torch.rand(len(words), generator=torch.Generator().manual_seed(8)) < 0.5
    return torch.where(is_turned[:, None], backward, words), is_turned.long()


@loop
def turned_names(watch: Any, size: int, steps: int, rows: int, look: Look) -> None:
    x, y = turned()
    train = TensorDataset(x[:rows], y[:rows])
    val_x, val_y = x[6000:6800], y[6000:6800]
    loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    model = Encoder(size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    done = 0
    with watch() as seen:
        while done < steps:
            model.train()
            for words, labels in loader:
                loss = F.cross_entropy(model(words), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                done += 1
                seen.step(loss)
                look(done, lambda: F.cross_entropy(model(x[6800:]), y[6800:]))
                if done == steps:
                    break
            model.eval()
            with torch.no_grad():
                seen.validate(F.cross_entropy(model(val_x), val_y))
