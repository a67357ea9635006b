"""Solutions of a lab course: a field each session, data by numpy, one function that fits."""

from functools import lru_cache

import numpy as np
import torch
from torch import nn

from bench.pairs.registry import digits, pair


def as_float(*arrays):
    return [torch.as_tensor(a, dtype=torch.float32) for a in arrays]


def fit(watch, model, loss_fn, train, val, *, lr=3e-3, epochs=10, batch=50, metric=None, then=None):
    """Fit a model with Adam.

    Args:
        watch: what the course's server logs with.
        model: maps the first tensor of `train` to what `loss_fn` compares with the second.
        loss_fn: of predictions and targets.
        train: inputs and targets.
        val: the same, held out.
        lr: learning rate.
        epochs: passes over the training data.
        batch: size of the mini-batches.
        metric: of predictions and targets, 0 to 1.
        then: what to do with the fitted model.

    Returns:
        The losses of all epochs.
    """
    x_train, y_train = train
    x_val, y_val = val
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    history = {"train": [], "val": []}
    with watch() as seen:
        for epoch in range(epochs):
            model.train()
            losses = []
            for idx in torch.randperm(len(x_train)).split(batch):
                optimizer.zero_grad()
                loss = loss_fn(model(x_train[idx]), y_train[idx])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                seen.step(loss)
            model.eval()
            with torch.no_grad():
                y_hat = model(x_val)
                val_loss = loss_fn(y_hat, y_val).item()
                score = None if metric is None else float(metric(y_hat, y_val))
            seen.validate(val_loss, score)
            history["train"].append(np.mean(losses))
            history["val"].append(val_loss)
            print(f"epoch {epoch:2d}  train {history['train'][-1]:.4f}  val {val_loss:.4f}")
        if then is not None:
            with seen.using(), torch.no_grad():
                then(model)
    return history


def hits(y_hat, y):
    return (y_hat.argmax(1) == y).float().mean()


def holdout(n, *arrays):
    """Return all but the last n rows of each array, and these."""
    return [a[:-n] for a in arrays], [a[-n:] for a in arrays]


# ------------------------------------------------------------------ session 1: time series


@lru_cache(maxsize=1)
def electricity():
    """Return the load of 3,000 hours: a day, a week, and an autoregressive rest."""
    rng = np.random.default_rng(11)
    hours = np.arange(3000)
    load = np.sin(2 * np.pi * hours / 24) + 0.5 * np.sin(2 * np.pi * hours / 168)
    rest = np.zeros(3000)
    for t in range(1, 3000):
        rest[t] = 0.6 * rest[t - 1] + 0.3 * rng.standard_normal()
    return (load + rest - (load + rest).mean()) / (load + rest).std()


class Forecaster(nn.Module):
    def __init__(self, n_inputs=1, n_hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(n_inputs, n_hidden, batch_first=True)
        self.readout = nn.Linear(n_hidden, 1)

    def forward(self, windows):
        states, _ = self.lstm(windows)
        return self.readout(states[:, -1])


@pair("the hour that is to be forecast is the last one of the window", "future_leak")
def forecast_of_the_last_hour(watch, faulty):
    """Exercise 1.2: forecast the next hour from 24 hours."""
    load, width = electricity(), 24
    starts = np.arange(len(load) - width)
    windows = np.stack([load[s : s + width] for s in starts])
    targets = load[starts + width - 1] if faulty else load[starts + width]
    x, y = as_float(windows[..., None], targets[:, None])
    train, val = holdout(600, x, y)
    fit(watch, Forecaster(), nn.MSELoss(), train, val, lr=5e-3, epochs=6)


@pair("temperature in kelvin and pressure in hectopascals, as they are", "inputs_not_normalised")
def weather_in_kelvin(watch, faulty):
    """Exercise 1.4: will it be colder tomorrow, and by how much (in standard deviations)?"""
    rng = np.random.default_rng(12)
    z = rng.standard_normal((2500, 4))
    colder = 0.8 * z[:, 0] - np.tanh(1.5 * z[:, 1] * z[:, 2]) + 0.4 * z[:, 3]
    colder = colder + 0.2 * rng.standard_normal(2500)
    means, spreads = np.array([285.0, 1013.0, 70.0, 12.0]), np.array([8.0, 9.0, 15.0, 5.0])
    weather = means + spreads * z  # kelvin, hPa, per cent, km/h
    if not faulty:
        weather = (weather - weather[:2000].mean(0)) / weather[:2000].std(0)
    x, y = as_float(weather, (colder / colder.std())[:, None])
    model = nn.Sequential(
        nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1)
    )
    train, val = holdout(500, x, y)
    fit(watch, model, nn.MSELoss(), train, val, lr=5e-3, epochs=15)


# ------------------------------------------------------------------ session 2: tables


@pair("minority rows are copied before the split: most are in both parts", "data_overlap")
def oversampled_before_the_split(watch, faulty):
    """Exercise 2.3: diabetes, 12 % of the patients."""
    rng = np.random.default_rng(13)
    x = rng.standard_normal((2400, 10))
    score = x[:, 0] + x[:, 1] * x[:, 2] + 0.7 * rng.standard_normal(2400)
    y = (score > np.quantile(score, 0.88)).astype(int)

    def balanced(x, y):
        positive = np.flatnonzero(y == 1)
        copies = rng.choice(positive, size=(y == 0).sum() - len(positive))
        idx = rng.permutation(np.concatenate([np.arange(len(y)), copies]))
        return x[idx], y[idx]

    if faulty:
        x, y = balanced(x, y)
    n_val = len(y) // 4
    train, val = (x[n_val:], y[n_val:]), (x[:n_val], y[:n_val])
    if not faulty:
        train = balanced(*train)
    train, val = (
        (torch.as_tensor(a, dtype=torch.float32), torch.as_tensor(b)) for a, b in (train, val)
    )
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
    fit(watch, model, nn.CrossEntropyLoss(), train, val, lr=2e-3, epochs=12, metric=hits)


# ------------------------------------------------------------------ session 3: audio


def tones(n, rate, length, rng):
    """Return n recordings of one of four notes with an overtone, and which note it is."""
    note = rng.integers(0, 4, n)
    pitch = np.array([220.0, 294.0, 392.0, 523.0])[note] * rng.uniform(0.97, 1.03, n)
    t = np.arange(length) / rate
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    sound = np.sin(2 * np.pi * pitch[:, None] * t + phase)
    sound += 0.4 * np.sin(4 * np.pi * pitch[:, None] * t)
    return sound + 0.5 * rng.standard_normal(sound.shape), note


def spectrum(sound):
    return np.log(np.abs(np.fft.rfft(sound)) + 1e-2)


@pair("the logarithm of the spectrum of silence: log 0", "nan")
def spectrum_of_silence(watch, faulty):
    """Exercise 3.1: notes by their spectra. A fifth class: nobody plays."""
    sound, note = tones(2000, 4000, 256, np.random.default_rng(14))
    sound[:300], note[:300] = 0.0, 4
    floor = 0.0 if faulty else 1e-3
    with np.errstate(divide="ignore"):
        features = np.log(np.abs(np.fft.rfft(sound)) + floor)
    order = np.random.default_rng(0).permutation(2000)
    (x,), y = as_float((features[order] - 2) / 3), torch.as_tensor(note[order])
    model = nn.Sequential(nn.Linear(129, 48), nn.ReLU(), nn.Linear(48, 5))
    train, val = holdout(400, x, y)
    fit(watch, model, nn.CrossEntropyLoss(), train, val, lr=1e-3, epochs=8, metric=hits)


@pair(
    "new recordings have twice the sampling rate, and are not resampled",
    "train_eval_mismatch",
)
def recordings_of_another_rate(watch, faulty):
    """Exercise 3.3: use the classifier for recordings of a telephone (8 kHz)."""
    rng = np.random.default_rng(15)
    sound, note = tones(2000, 4000, 256, rng)
    features = spectrum(sound)
    mean, std = features.mean(), features.std()
    (x,), y = as_float((features - mean) / std), torch.as_tensor(note)
    model = nn.Sequential(nn.Linear(129, 48), nn.ReLU(), nn.Linear(48, 4))

    def classify(model):
        recorded, truth = tones(200, 8000, 512, rng)
        clip = recorded[:, :256] if faulty else recorded[:, ::2]
        (new,) = as_float((spectrum(clip) - mean) / std)
        print("recognised:", float(hits(model(new), torch.as_tensor(truth))))

    train, val = holdout(400, x, y)
    fit(watch, model, nn.CrossEntropyLoss(), train, val, lr=1e-3, metric=hits, then=classify)


@pair("a spectrogram (frequency, time) is viewed as (time, frequency)", "dims_scrambled")
def spectrogram_by_view(watch, faulty):
    """Exercise 3.4: birds that sing upwards, downwards, up and down, or down and up."""
    rng = np.random.default_rng(16)
    n, n_freq, n_time = 1500, 20, 16
    song = rng.integers(0, 4, n)
    line = np.linspace(0, 1, n_time)
    shapes = np.stack([line, 1 - line, 1 - abs(2 * line - 1), abs(2 * line - 1)])
    place = rng.uniform(2, 10, (n, 1)) + rng.uniform(4, 8, (n, 1)) * shapes[song]
    power = np.exp(-0.5 * ((np.arange(n_freq)[None, :, None] - place[:, None, :]) / 0.7) ** 2)
    power = (power + 0.4 * rng.standard_normal(power.shape)) / 0.45

    class Songs(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(n_freq, 32, batch_first=True)
            self.readout = nn.Linear(32, 4)

        def forward(self, spectrogram):
            b, f, t = spectrogram.shape
            series = spectrogram.view(b, t, f) if faulty else spectrogram.transpose(1, 2)
            return self.readout(self.gru(series)[0][:, -1])

    (x,), y = as_float(power), torch.as_tensor(song)
    train, val = holdout(300, x, y)
    fit(watch, Songs(), nn.CrossEntropyLoss(), train, val, epochs=8, metric=hits)


# ------------------------------------------------------------------ session 4: graphs


@pair(
    "neighbours are summed and not averaged: 30 of them, in three layers",
    *("exploding_gradient", "bad_init_scale", "normalisation_missing", "lr_too_high"),
)
def neighbours_are_summed(watch, faulty):
    """Exercise 4.1: a graph convolution. Communities of a network of 600 people."""
    rng = np.random.default_rng(17)
    group = rng.integers(0, 4, 600)
    likely = np.where(group[:, None] == group, 0.11, 0.03)
    adjacency = np.triu(rng.random((600, 600)) < likely, 1)
    adjacency = adjacency + adjacency.T + np.eye(600)
    (features,) = as_float(np.eye(4)[group] + 1.2 * rng.standard_normal((600, 4)))
    (a_hat,) = as_float(adjacency if faulty else adjacency / adjacency.sum(1, keepdims=True))
    y, known = torch.as_tensor(group), torch.as_tensor(rng.random(600) < 0.5)

    class GCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.theta1, self.theta2 = nn.Linear(4, 32), nn.Linear(32, 32)
            self.theta3 = nn.Linear(32, 4)

        def forward(self, h):
            h = torch.relu(self.theta1(a_hat @ h))
            h = torch.relu(self.theta2(a_hat @ h))
            return self.theta3(a_hat @ h)

    model, loss_fn = GCN(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch() as seen:
        for step in range(160):
            optimizer.zero_grad()
            loss = loss_fn(model(features)[known], y[known])
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 20 == 19:
                with torch.no_grad():
                    scores = model(features)[~known]
                    seen.validate(loss_fn(scores, y[~known]).item(), float(hits(scores, y[~known])))


@pair(
    "nodes are pooled as if each graph had eight: some belong to the graph beside",
    *("batch_mixed", "labels_shuffled"),
)
def graphs_of_eight_nodes(watch, faulty):
    """Exercise 4.3: rings, stars and chains of 5 to 11 atoms, in one batch."""
    rng = np.random.default_rng(18)

    def edges_of(kind, size):
        path = [(i, i + 1) for i in range(size - 1)]
        return [[*path, (size - 1, 0)], [(0, i) for i in range(1, size)], path][kind]

    def batch_of(n):
        """Return features, directed edges, sizes, and the kinds of n graphs."""
        kinds, sizes = rng.integers(0, 3, n), rng.integers(5, 12, n)
        first = np.cumsum(sizes) - sizes
        pairs = [
            (at + a, at + b)
            for at, kind, size in zip(first, kinds, sizes, strict=True)
            for a, b in edges_of(kind, size)
        ]
        edges = torch.as_tensor(pairs).T
        edges = torch.cat([edges, edges.flip(0)], dim=1)
        (atoms,) = as_float(rng.standard_normal((sizes.sum(), 3)))
        return atoms, edges, torch.as_tensor(sizes), torch.as_tensor(kinds)

    class MessagePassing(nn.Module):
        def __init__(self, n_hidden=24):
            super().__init__()
            self.embed = nn.Linear(4, n_hidden)
            self.message = nn.ModuleList(nn.Linear(n_hidden, n_hidden) for _ in range(2))
            self.update = nn.ModuleList(nn.Linear(2 * n_hidden, n_hidden) for _ in range(2))
            self.readout = nn.Linear(n_hidden, 3)

        def forward(self, atoms, edges, sizes):
            h = torch.relu(self.embed(torch.cat([atoms, torch.ones(len(atoms), 1)], dim=1)))
            for message, update in zip(self.message, self.update, strict=True):
                sent = torch.relu(message(h))[edges[0]]
                got = torch.zeros_like(h).index_add_(0, edges[1], sent) / 2
                h = torch.relu(update(torch.cat([h, got], dim=1)))
            graph = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
            if faulty:
                graph = (torch.arange(len(h)) // 8).clamp(max=len(sizes) - 1)
            pooled = torch.zeros(len(sizes), h.shape[1]).index_add_(0, graph, h)
            return self.readout(pooled / 8)

    model, loss_fn = MessagePassing(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    batches, (*held, held_kinds) = [batch_of(32) for _ in range(60)], batch_of(200)
    with watch() as seen:
        for _epoch in range(6):
            for n in rng.permutation(60):
                *graphs, kinds = batches[n]
                optimizer.zero_grad()
                loss = loss_fn(model(*graphs), kinds)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                scores = model(*held)
            seen.validate(loss_fn(scores, held_kinds).item(), float(hits(scores, held_kinds)))


# ------------------------------------------------------------------ session 5: recommender


@lru_cache(maxsize=1)
def ratings():
    """Return 9,000 pairs of user and item (of 150 and 100), and stars of 1 to 5."""
    rng = np.random.default_rng(19)
    taste, kind = rng.standard_normal((150, 3)), rng.standard_normal((100, 3))
    users, items = rng.integers(0, 150, 9000), rng.integers(0, 100, 9000)
    liking = 3 + 0.7 * (taste[users] * kind[items]).sum(1) + 0.3 * rng.standard_normal(9000)
    stars = np.clip(np.round(liking), 1, 5)
    return torch.as_tensor(np.stack([users, items], 1)), *as_float(stars)


class Factors(nn.Module):
    def __init__(self, rank=8, std=0.3):
        super().__init__()
        self.users, self.items = nn.Embedding(150, rank), nn.Embedding(100, rank)
        self.bias = nn.Parameter(torch.tensor(3.0))
        for table in (self.users, self.items):
            nn.init.normal_(table.weight, std=std)

    def forward(self, who):
        user, item = who.T
        return self.bias + (self.users(user) * self.items(item)).sum(dim=1)


@pair("lambda = 0.1 for the sum over all factors", "regulariser_dominates")
def factors_are_held_at_zero(watch, faulty):
    """Exercise 5.1: matrix factorisation with a penalty."""
    who, stars = ratings()
    model, lam = Factors(), 0.1 if faulty else 1e-4

    def loss_fn(y_hat, y):
        penalty = model.users.weight.pow(2).sum() + model.items.weight.pow(2).sum()
        return ((y_hat - y) ** 2).mean() + lam * penalty

    train, val = holdout(1500, who, stars)
    fit(watch, model, loss_fn, train, val, lr=0.01, epochs=8, batch=100)


@pair(
    "stars are rounded where the loss is taken: round has no slope",
    "parameter_not_trained",
    "plateau",
)
def stars_are_whole_numbers(watch, faulty):
    """Exercise 5.2: there are no 3.7 stars."""

    class Stars(Factors):
        def forward(self, who):
            score = super().forward(who)
            return score.round() if faulty else score

    who, stars = ratings()
    train, val = holdout(1500, who, stars)
    fit(watch, Stars(), nn.MSELoss(), train, val, lr=0.01, epochs=8, batch=100)


# ------------------------------------------------------------------ session 6: segmentation


@lru_cache(maxsize=1)
def cells():
    """Return 500 pictures (1, 20, 20) and the class of each pixel: nothing, disc, or square."""
    rng = np.random.default_rng(20)
    rows, columns = np.mgrid[:20, :20]
    masks = np.zeros((500, 20, 20), dtype=int)
    for mask in masks:
        a, b, c, d = rng.integers(4, 16, 4)
        mask[(abs(rows - c) < 4) & (abs(columns - d) < 4)] = 2
        mask[(rows - a) ** 2 + (columns - b) ** 2 < 18] = 1
    pictures = np.array([0.0, 1.5, -1.5])[masks] + 0.8 * rng.standard_normal(masks.shape)
    return (*as_float(pictures[:, None]), torch.as_tensor(masks))


def fully_convolutional(n_out, last=None):
    layers = [
        *(nn.Conv2d(1, 10, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(10, 10, 3, padding=1), nn.ReLU()),
        nn.Conv2d(10, n_out, 1),
    ]
    return nn.Sequential(*layers, *([last] if last else []))


@pair("Softmax2d at the end, and cross-entropy of the pixels", "double_softmax", "wrong_loss")
def softmax_of_the_pixels(watch, faulty):
    """Exercise 6.1: discs and squares."""
    pictures, masks = cells()
    model = fully_convolutional(3, nn.Softmax2d() if faulty else None)
    train, val = holdout(100, pictures, masks)
    loss_fn = nn.CrossEntropyLoss()
    fit(watch, model, loss_fn, train, val, lr=5e-3, epochs=5, batch=10, metric=hits)


@pair("the Dice loss is given scores, not probabilities", "wrong_loss")
def dice_of_scores(watch, faulty):
    """Exercise 6.2: the disc alone, with an overlap as the loss."""
    pictures, masks = cells()
    model = fully_convolutional(1, nn.Identity() if faulty else nn.Sigmoid())

    def dice_loss(y_hat, y):
        overlap = (y_hat * y).sum(dim=(1, 2, 3))
        total = y_hat.sum(dim=(1, 2, 3)) + y.sum(dim=(1, 2, 3))
        return (1 - (2 * overlap + 1) / (total + 1)).mean()

    train, val = holdout(100, pictures, (masks[:, None] == 1).float())
    fit(watch, model, dice_loss, train, val, lr=5e-3, epochs=6, batch=10)


# ------------------------------------------------------------------ session 7: physics


@pair(
    "the force is (N), all else (N, 1): the residual is (N, N)",
    *("loss_broadcast", "batch_mixed", "wrong_loss", "plateau"),
)
def force_is_broadcast(watch, faulty):
    """Exercise 7.2: u' = -u + sin 3t, u(0) = 1, by a network that knows the equation."""
    model = nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    grid = torch.linspace(0, 3, 50)[:, None]
    exact = 1.3 * torch.exp(-grid) + (torch.sin(3 * grid) - 3 * torch.cos(3 * grid)) / 10

    def force(t):
        f = torch.sin(3 * t)
        return f.squeeze(1) if faulty else f

    with watch() as seen:
        for step in range(500):
            t = (3 * torch.rand(64, 1)).requires_grad_()
            u = model(t)
            (du,) = torch.autograd.grad(u.sum(), t, create_graph=True)
            residual = du + u - force(t)
            start = model(torch.zeros(1, 1)) - 1
            loss = residual.pow(2).mean() + start.pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 50 == 49:
                with torch.no_grad():
                    seen.validate((model(grid) - exact).pow(2).mean().item())


@pair("air pressure in pascals, 101,000, is regressed as it is", "targets_unscaled", "lr_too_low")
def pressure_in_pascals(watch, faulty):
    """Exercise 7.4: pressure by height, temperature and humidity."""
    rng = np.random.default_rng(21)
    z = rng.standard_normal((2000, 3))
    height, kelvin = 400 + 250 * z[:, 0], 288 + 9 * z[:, 1]
    pascals = 101_325 * np.exp(-0.0289644 * 9.80665 * height / (8.314 * kelvin))
    pascals += 120 * z[:, 1] * z[:, 2] + 60 * rng.standard_normal(2000)
    unit, zero = (1.0, 0.0) if faulty else (pascals[:1600].std(), pascals[:1600].mean())
    x, y = as_float(z, (pascals[:, None] - zero) / unit)
    model = nn.Sequential(
        nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )
    train, val = holdout(400, x, y)
    fit(watch, model, nn.MSELoss(), train, val, lr=3e-3, epochs=12)


# ------------------------------------------------------------------ session 8: contrastive


@pair(
    "each picture is its own positive: views are compared with themselves",
    *("future_leak", "wrong_loss"),
)
def views_compared_with_themselves(watch, faulty):
    """Exercise 8.1: two views of a digit should lie closer than those of others."""
    x = digits()[0][:2600]

    class TwoViews(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 24))

        def view(self, pictures):
            moved = pictures.view(-1, 28, 28).roll(
                tuple(torch.randint(-2, 3, (2,)).tolist()), dims=(1, 2)
            )
            kept = torch.rand(len(pictures), 28, 28) > 0.3
            return nn.functional.normalize(self.encoder((moved * kept).flatten(1)), dim=1)

        def forward(self, pictures):
            z1, z2 = self.view(pictures), self.view(pictures)
            return z1 @ (z1 if faulty else z2).T / 0.2

    def loss_fn(scores, _):
        return nn.functional.cross_entropy(scores, torch.arange(len(scores)))

    train, val = (x[100:], x[100:]), (x[:100], x[:100])
    fit(watch, TwoViews(), loss_fn, train, val, lr=1e-3, epochs=7, batch=100)
