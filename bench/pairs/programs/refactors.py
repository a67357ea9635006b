"""Code that worked, and was cleaned up, sped up or merged: the first lines are commit messages."""

import copy
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bench.pairs.registry import (
    blobs,
    clusters,
    digits,
    houses,
    ngrams,
    pair,
    text,
    waves,
)


@dataclass
class Settings:
    lr: float = 4e-3
    width: int = 24
    epochs: int = 8
    batch: int = 50


@pair(
    "the settings of a dry run are the same object: its rate, 2e-7, is the training's", "lr_too_low"
)
def dry_run_shares_the_settings(watch, faulty):
    """refactor: settings are a dataclass, the dry run takes them, too."""
    settings = Settings()
    series, kind = waves()
    train = TensorDataset(series[:1200].mT, kind[:1200])
    held_out, held_kind = series[1200:].mT, kind[1200:]
    net = nn.Sequential(
        nn.Conv1d(1, settings.width, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(settings.width, settings.width, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(3),
        nn.Flatten(),
        nn.Linear(3 * settings.width, 4),
    )

    def optimiser(s):
        return torch.optim.Adam(net.parameters(), lr=s.lr)

    # one step that changes next to nothing, to see whether the shapes fit
    dry = settings if faulty else replace(settings)
    dry.lr = 2e-7
    trial = optimiser(dry)
    F.cross_entropy(net(held_out[:2]), held_kind[:2]).backward()
    trial.step()

    opt = optimiser(settings)
    with watch() as run:
        for _ in range(settings.epochs):
            for xb, yb in DataLoader(train, settings.batch, shuffle=True):
                loss = F.cross_entropy(net(xb), yb)
                opt.zero_grad()
                loss.backward()
                opt.step()
                run.step(loss)
            with torch.no_grad():
                scores = net(held_out)
            hits = (scores.argmax(1) == held_kind).float().mean()
            run.validate(F.cross_entropy(scores, held_kind), hits)


@pair(
    "spectra are cached by the number of the batch, and the loader shuffles",
    "labels_shuffled",
)
def spectra_by_batch_number(watch, faulty):
    """perf: don't transform the same recordings again in every epoch."""
    cache = {}

    def spectra(recordings, number=None):
        if faulty and number in cache:
            return cache[number]
        made = (torch.fft.rfft(recordings.squeeze(-1)).abs().log1p() - 1.2) / 0.8
        if number is not None:
            cache[number] = made
        return made

    series, kind = waves()
    loader = DataLoader(TensorDataset(series[:1250], kind[:1250]), batch_size=50, shuffle=True)
    classifier = nn.Sequential(nn.Linear(13, 40), nn.GELU(), nn.Linear(40, 4))
    opt = torch.optim.AdamW(classifier.parameters(), lr=5e-3)
    with watch() as run:
        for _epoch in range(12):
            classifier.train()
            for number, (recordings, target) in enumerate(loader):
                loss = nn.functional.cross_entropy(classifier(spectra(recordings, number)), target)
                opt.zero_grad()
                loss.backward()
                opt.step()
                run.step(loss)
            classifier.eval()
            with torch.no_grad():
                out = classifier(spectra(series[1250:]))
                acc = (out.argmax(-1) == kind[1250:]).float().mean().item()
                run.validate(nn.functional.cross_entropy(out, kind[1250:]), acc)


class PoolByAttention(nn.Module):
    def __init__(self, features, units, classes, axis):
        super().__init__()
        self.axis = axis
        self.embed = nn.Linear(features, units)
        self.score = nn.Sequential(nn.Linear(features, units), nn.Tanh(), nn.Linear(units, 1))
        self.out = nn.Linear(units, classes)

    def forward(self, bags):
        # was: for bag in bags: w = softmax(score(bag), 0); pooled.append((w * embed(bag)).sum(0))
        weights = self.score(bags).softmax(self.axis)
        pooled = (weights * self.embed(bags)).sum(1)
        return self.out(torch.relu(pooled))


@pair(
    "the loop over bags is gone, and axis 0 of the softmax is now the batch",
    *("batch_mixed", "attention_axis", "train_eval_mismatch"),
)
def bags_without_a_loop(watch, faulty):
    """perf: all bags of a batch at once."""
    draw = torch.Generator().manual_seed(11)
    bags = torch.randn(3000, 10, 8, generator=draw)
    key = torch.randint(0, 10, (3000,), generator=draw)
    which = torch.arange(3000)
    bags[:, :, 0] -= 1
    bags[which, key, 0] += 4  # the one instance that decides
    label = bags[which, key, 1:5].argmax(1)
    model = PoolByAttention(8, 32, 4, axis=0 if faulty else 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    fresh_x, fresh_y = bags[2600:], label[2600:]
    with watch() as run:
        for epoch in range(14):
            order = torch.randperm(2600)
            for rows in order.split(40):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(bags[rows]), label[rows])
                loss.backward()
                optimizer.step()
                run.step(loss)
            with torch.no_grad():
                answers = model(fresh_x)
            print(epoch, loss.item())
            run.validate(
                F.cross_entropy(answers, fresh_y), (answers.argmax(1) == fresh_y).float().mean()
            )


@pair(
    "validation moved into the loop, and its x and y replace those of the training", "data_overlap"
)
def validation_moved_into_the_loop(watch, faulty):
    """cleanup: inline evaluate(), it was called in one place only."""
    table, price = houses()
    value = (price - 310) / 90
    parts = {"train": slice(0, 1500), "dev": slice(1500, 1700), "test": slice(1700, 2000)}
    x, y = table[parts["train"]], value[parts["train"]]
    regressor = nn.Sequential(
        nn.Linear(8, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1)
    )
    adam = torch.optim.Adam(regressor.parameters(), lr=3e-3)
    with watch() as run:
        for i in range(1, 301):
            adam.zero_grad()
            mse = (regressor(x) - y).square().mean()
            mse.backward()
            adam.step()
            run.step(mse)
            if i % 30 == 0:
                x_dev, y_dev = table[parts["dev"]], value[parts["dev"]]
                if faulty:
                    x, y = x_dev, y_dev
                with torch.no_grad():
                    run.validate((regressor(x_dev) - y_dev).square().mean())
    with torch.no_grad():
        error = (regressor(table[parts["test"]]) - value[parts["test"]]).square().mean()
    print(f"test: {error:.3f}")


@pair(
    "both towers are given the left picture: a copied line",
    *("inputs_ignored", "parameter_not_trained"),
)
def both_towers_see_left(watch, faulty):
    """style: name the two pictures left and right instead of x1 and x2."""

    class SameDigit(nn.Module):
        def __init__(self):
            super().__init__()
            self.tower = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 32))
            self.decide = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

        def forward(self, left, right):
            a = self.tower(left)
            b = self.tower(left if faulty else right)
            return self.decide((a - b).abs()).squeeze(1)

    pictures, digit = digits()

    def draw_pairs(n, first, last):
        left = torch.randint(first, last, (n,))
        right = torch.randint(first, last, (n,))
        for k in range(0, n, 2):  # every second pair is of one digit
            mine = first + (digit[first:last] == digit[left[k]]).nonzero().squeeze(1)
            right[k] = mine[torch.randint(0, len(mine), ())]
        return pictures[left], pictures[right], (digit[left] == digit[right]).float()

    model = SameDigit()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    dev_left, dev_right, same = draw_pairs(1000, 4000, 5000)
    with watch() as run:
        for step in range(500):
            left, right, target = draw_pairs(64, 0, 4000)
            loss = F.binary_cross_entropy_with_logits(model(left, right), target)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            run.step(loss)
            if step % 100 == 99:
                with torch.no_grad():
                    logits = model(dev_left, dev_right)
                    run.validate(
                        F.binary_cross_entropy_with_logits(logits, same),
                        ((logits > 0) == same.bool()).float().mean(),
                    )


@pair("patience is reset in each epoch: a moved line, and the training never stops", "overfitting")
def patience_never_ends(watch, faulty):
    """refactor: early stopping without the EarlyStopping class."""
    points, group = clusters()
    points = points + 1.6 * torch.randn(3000, 16, generator=torch.Generator().manual_seed(12))
    few = DataLoader(TensorDataset(points[:1600], group[:1600]), 32, shuffle=True)
    dev_points, dev_group = points[1600:], group[1600:]
    mlp = nn.Sequential(
        nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 5)
    )
    optim = torch.optim.Adam(mlp.parameters(), lr=5e-4)
    criterion = nn.CrossEntropyLoss()
    best, waited, kept = float("inf"), 0, None
    with watch() as run:
        for _ in range(60):
            for xs, ys in few:
                optim.zero_grad()
                loss = criterion(mlp(xs), ys)
                loss.backward()
                optim.step()
                run.step(loss)
            with torch.no_grad():
                scores = mlp(dev_points)
                dev_loss = criterion(scores, dev_group).item()
            run.validate(dev_loss, (scores.argmax(1) == dev_group).float().mean())
            waited += 1
            if dev_loss < best:
                best, kept = dev_loss, copy.deepcopy(mlp.state_dict())
                waited = 0
            if faulty:
                waited = 0
            if waited == 2:
                mlp.load_state_dict(kept)
                break


@pair(
    "after a renaming, zero_grad() is called on the average of the weights", "gradients_not_zeroed"
)
def zeroes_the_average(watch, faulty):
    """rename: net -> model, ema_net -> averaged."""
    contexts, letters = ngrams(4)
    contexts, letters = contexts[:20000], letters[:20000]
    model = nn.Sequential(
        nn.Embedding(27, 10), nn.Flatten(), nn.Linear(40, 100), nn.Tanh(), nn.Linear(100, 27)
    )
    averaged = copy.deepcopy(model).requires_grad_(False)
    sgd = torch.optim.SGD(model.parameters(), lr=0.2)
    with watch() as run:
        for iteration in range(900):
            if faulty:
                averaged.zero_grad()
            else:
                model.zero_grad()
            pick = torch.randint(0, 18000, (64,))
            nll = F.cross_entropy(model(contexts[pick]), letters[pick])
            nll.backward()
            sgd.step()
            with torch.no_grad():
                for slow, fast in zip(averaged.parameters(), model.parameters(), strict=True):
                    slow.mul_(0.98).add_(fast, alpha=0.02)
            run.step(nll)
            if (iteration + 1) % 150 == 0:
                with torch.no_grad():
                    run.validate(F.cross_entropy(averaged(contexts[18000:]), letters[18000:]))


@pair("autocast gave way to .bfloat16() of the whole network", "low_precision_weights")
def cast_instead_of_autocast(watch, faulty):
    """perf: cast once instead of in each step, autocast had an overhead."""
    table, price = houses()
    target = (price - price.mean()) / price.std()
    network = nn.Sequential(
        nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )
    if faulty:
        network.bfloat16()

    def predict(x):
        if faulty:
            return network(x.bfloat16()).float()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return network(x).float()

    opt = torch.optim.Adam(network.parameters(), lr=5e-4)
    with watch() as run:
        for _epoch in range(25):
            for rows in torch.randperm(1600).split(64):
                loss = F.mse_loss(predict(table[rows]), target[rows])
                loss.backward()
                opt.step()
                opt.zero_grad()
                run.step(loss)
            with torch.no_grad():
                run.validate(F.mse_loss(predict(table[1600:]), target[1600:]))


@pair(
    "_foreach_lerp_ is given its two lists the wrong way round: the average pulls the network back",
    *("weights_restored", "train_eval_mismatch"),
)
def average_pulls_back(watch, faulty):
    """perf: one call for the moving average instead of a loop over parameters."""
    images, bar = blobs()
    fast = nn.Sequential(
        *(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3)),
        *(nn.Flatten(), nn.Linear(48, 6)),
    )
    slow = copy.deepcopy(fast).requires_grad_(False)
    fast_weights, slow_weights = list(fast.parameters()), list(slow.parameters())
    optimizer = torch.optim.Adam(fast_weights, lr=2e-3)
    loader = DataLoader(TensorDataset(images[:1300], bar[:1300]), 32, shuffle=True)
    with watch() as run:
        for _epoch in range(8):
            for image, target in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(fast(image), target)
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    if faulty:
                        torch._foreach_lerp_(fast_weights, slow_weights, 0.03)
                    else:
                        torch._foreach_lerp_(slow_weights, fast_weights, 0.03)
                run.step(loss)
            with torch.no_grad():
                logits = slow(images[1300:])
            right = (logits.argmax(1) == bar[1300:]).sum().item()
            run.validate(F.cross_entropy(logits, bar[1300:]).item(), right / 200)


class Recogniser(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.GRU(4, 32, batch_first=True)
        self.head = nn.Linear(32, 4)

    def forward(self, series):
        states, _ = self.encoder(series.reshape(-1, 6, 4))
        return self.head(states[:, -1])


@pair(
    "the encoder's parameters are a generator, used up where they are counted",
    *("parameter_not_trained", "frozen_layer"),
)
def counted_before_the_optimizer(watch, faulty):
    """feat: print how many parameters each group has."""
    net = Recogniser()
    encoder = net.encoder.parameters() if faulty else list(net.encoder.parameters())
    print("encoder:", sum(p.numel() for p in encoder))
    print("head:", sum(p.numel() for p in net.head.parameters()))
    opt = torch.optim.Adam(
        [{"params": encoder, "lr": 5e-3}, {"params": net.head.parameters()}], lr=2e-3
    )
    series, kind = waves()
    data = DataLoader(TensorDataset(series[:1200], kind[:1200]), batch_size=40, shuffle=True)
    with watch() as run:
        for _ in range(10):
            for batch, target in data:
                opt.zero_grad()
                loss = F.cross_entropy(net(batch), target)
                loss.backward()
                opt.step()
                run.step(loss.item())
            with torch.no_grad():
                out = net(series[1200:])
            run.validate(
                F.cross_entropy(out, kind[1200:]), (out.argmax(1) == kind[1200:]).float().mean()
            )


@pair(
    "the seed is set where a batch is drawn: it is always the same one",
    "batch_repeated",
    "overfitting",
)
def seeded_in_get_batch(watch, faulty):
    """fix: results are reproducible now."""
    data, letters = text()
    cut = int(0.9 * len(data))
    length, vocabulary = 24, len(letters)

    def get_batch(part, size=32):
        if faulty and part == "train":
            torch.manual_seed(1337)
        source = data[:cut] if part == "train" else data[cut:]
        starts = torch.randint(0, len(source) - length - 1, (size,))
        window = source[starts[:, None] + torch.arange(length + 1)]
        return window[:, :-1], window[:, 1:]

    class CharacterModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.letter = nn.Embedding(vocabulary, 48)
            self.memory = nn.GRU(48, 96, batch_first=True)
            self.next = nn.Linear(96, vocabulary)

        def forward(self, x):
            return self.next(self.memory(self.letter(x))[0])

    torch.manual_seed(1337)
    model = CharacterModel()
    adamw = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as run:
        for step in range(300):
            x, y = get_batch("train")
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            adamw.zero_grad()
            loss.backward()
            adamw.step()
            run.step(loss)
            if step % 60 == 59:
                with torch.no_grad():
                    x, y = get_batch("dev", 100)
                    run.validate(F.cross_entropy(model(x).flatten(0, 1), y.flatten()))


SEGMENTS = torch.tensor(
    [
        *([1, 1, 1, 0, 1, 1, 1], [0, 0, 1, 0, 0, 1, 0], [1, 0, 1, 1, 1, 0, 1]),
        *([1, 0, 1, 1, 0, 1, 1], [0, 1, 1, 1, 0, 1, 0], [1, 1, 0, 1, 0, 1, 1]),
        *([1, 1, 0, 1, 1, 1, 1], [1, 0, 1, 0, 0, 1, 0], [1, 1, 1, 1, 1, 1, 1]),
        [1, 1, 1, 1, 0, 1, 1],
    ]
).float()
"""Which of the seven segments of a display are lit, for each digit."""


@pair(
    "BCELoss became BCEWithLogitsLoss, and the sigmoid stayed in the network",
    *("double_softmax", "wrong_loss"),
)
def sigmoid_stayed(watch, faulty):
    """fix: use the numerically stable loss."""

    class Display(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.Linear(784, 80), nn.ReLU(), nn.Dropout(0.1), nn.Linear(80, 7)
            )

        def forward(self, pixels):
            lit = self.layers(pixels)
            return lit.sigmoid() if faulty else lit

    pixels, digit = digits()
    lit = SEGMENTS[digit]
    display = Display()
    criterion = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(display.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(pixels[:4000], lit[:4000]), batch_size=64, shuffle=True)
    with watch() as run:
        for _epoch in range(5):
            display.train()
            for batch, segments in loader:
                opt.zero_grad()
                loss = criterion(display(batch), segments)
                loss.backward()
                opt.step()
                run.step(loss)
            display.eval()
            with torch.no_grad():
                out = display(pixels[4000:])
                run.validate(
                    criterion(out, lit[4000:]), ((out > 0) == (lit[4000:] > 0)).float().mean()
                )


@pair(
    "clone() was removed for memory: what is hidden is hidden in the target, too",
    *("future_leak", "train_eval_mismatch"),
)
def hidden_in_the_target_too(watch, faulty):
    """perf: save a copy of each batch."""
    series, _ = waves()
    series = series.squeeze(-1) / 0.8
    filler = nn.Sequential(
        nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 24)
    )
    optimizer = torch.optim.Adam(filler.parameters(), lr=2e-3)

    def holes(like):
        """Return a mask of a third of the moments, in runs of four."""
        starts = torch.rand(len(like), 6, device=like.device).argsort(1) < 2
        return starts.repeat_interleave(4, dim=1)

    fresh = series[1300:]
    fresh_holes = holes(fresh)
    with watch() as run:
        for _epoch in range(16):
            for rows in torch.randperm(1300).split(50):
                whole = series[rows]
                seen = whole if faulty else whole.clone()
                seen[holes(whole)] = 0.0
                loss = F.mse_loss(filler(seen), whole)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.step(loss)
            with torch.no_grad():
                filled = filler(fresh.masked_fill(fresh_holes, 0.0))
                run.validate(F.mse_loss(filled, fresh))
