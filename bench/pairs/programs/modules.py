"""Modules with a training_step and configure_optimizers of their own, and a fit() for all."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

from bench.pairs.registry import (
    blobs,
    clusters,
    digits,
    houses,
    moons,
    pair,
    spirals,
    waves,
)


class Module(nn.Module):
    """What every system below inherits: hooks that do nothing."""

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3), None

    def configure_clipping(self):
        pass

    def on_train_batch_end(self):
        pass

    def on_validation_start(self):
        self.eval()

    def log(self, name, value):
        self.logged = {name: value.detach()}
        return value


class Classifier(Module):
    def __init__(self, net, lr=1e-3):
        super().__init__()
        self.net, self.lr = net, lr

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, n):
        x, y = batch
        return self.log("train_loss", F.cross_entropy(self(x), y))

    def validation_step(self, batch, n):
        x, y = batch
        out = self(x)
        return F.cross_entropy(out, y), (out.argmax(-1) == y).float().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr), None


class Regressor(Classifier):
    def training_step(self, batch, n):
        x, y = batch
        return F.mse_loss(self(x), y)


def fit(watch, system, train, val=None, epochs=4, interval="epoch", accumulate=1):
    """Train a system; an epoch ends with its validation."""
    optimizer, scheduler = system.configure_optimizers()
    with watch() as seen:
        for _epoch in range(epochs):
            system.train()
            optimizer.zero_grad()
            for n, batch in enumerate(train):
                loss = system.training_step(batch, n)
                (loss / accumulate).backward()
                if (n + 1) % accumulate == 0:
                    system.configure_clipping()
                    optimizer.step()
                    optimizer.zero_grad()
                    if scheduler and interval == "step":
                        scheduler.step()
                system.on_train_batch_end()
                seen.step(loss)
            if val is not None:
                system.on_validation_start()
                with torch.no_grad():
                    results = [system.validation_step(batch, n) for n, batch in enumerate(val)]
                loss, accuracy = (
                    torch.stack(column).mean() for column in zip(*results, strict=True)
                )
                seen.validate(loss, accuracy)
            if scheduler and interval == "epoch":
                scheduler.step()


def datamodule(x, y, batch_size=64, held=500):
    train, val = random_split(TensorDataset(x, y), [len(x) - held, held])
    return DataLoader(train, batch_size, shuffle=True), DataLoader(val, held)


def small_conv(channels=3, classes=6, norm=True):
    def block(a, b):
        return [nn.Conv2d(a, b, 3, padding=1), *([nn.BatchNorm2d(b)] if norm else []), nn.ReLU()]

    return nn.Sequential(
        *block(channels, 8), nn.MaxPool2d(2), *block(8, 16), nn.AdaptiveAvgPool2d(3), nn.Flatten(),
        nn.Linear(144, classes),
    )  # fmt: skip


@pair("no group of the optimiser takes weights of four dimensions", "parameter_not_trained")
def decay_groups_without_convolutions(watch, faulty):
    class System(Classifier):
        def configure_optimizers(self):
            decay, no_decay = [], []
            for _, p in self.named_parameters():
                if p.ndim == 2 or (p.ndim > 2 and not faulty):
                    decay.append(p)
                elif p.ndim == 1:
                    no_decay.append(p)
            groups = [
                {"params": decay, "weight_decay": 0.01},
                {"params": no_decay, "weight_decay": 0.0},
            ]
            return torch.optim.AdamW(groups, lr=2e-3), None

    fit(watch, System(small_conv()), *datamodule(*blobs()), epochs=6)


@pair("log() returns what it keeps: a detached loss", "crash", "parameter_not_trained")
def loss_comes_back_detached(watch, faulty):
    class System(Classifier):
        def log(self, name, value):
            kept = super().log(name, value)
            return self.logged[name] if faulty else kept

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    fit(watch, System(net), *datamodule(*clusters()))


@pair("validation with dropout and batch norm in training mode", "train_eval_mismatch")
def validation_in_training_mode(watch, faulty):
    class System(Classifier):
        def on_validation_start(self):
            if not faulty:
                self.eval()

    net = nn.Sequential(
        nn.Linear(784, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)
    )
    fit(watch, System(net), *datamodule(*digits()), epochs=5)


@pair("losses are summed over the batch, at a rate for means", "lr_too_high", "exploding_gradient")
def losses_are_summed(watch, faulty):
    class System(Regressor):
        def training_step(self, batch, n):
            x, y = batch
            return F.mse_loss(self(x), y, reduction="sum" if faulty else "mean")

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9), None

    x, price = houses()
    train, _ = datamodule(x, (price - 310) / 90)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    fit(watch, System(net, lr=0.02), train, epochs=12)


@pair("gradients are accumulated over more batches than an epoch has", "parameter_not_trained")
def accumulation_longer_than_an_epoch(watch, faulty):
    net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 3))
    train, val = datamodule(*spirals(), batch_size=50)
    fit(watch, Classifier(net, 0.01), train, val, epochs=8, accumulate=64 if faulty else 2)


@pair("OneCycleLR is told of epochs, and stepped for each batch", "crash")
def one_cycle_of_epochs(watch, faulty):
    train, val = datamodule(*clusters())
    epochs = 6

    class System(Classifier):
        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
            steps = epochs if faulty else epochs * len(train)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
            return optimizer, schedule

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    fit(watch, System(net), train, val, epochs, interval="step")


@pair("the warm-up is that of a long training: 30,000 steps", "warmup_too_long", "lr_too_low")
def warmup_of_a_long_training(watch, faulty):
    class System(Classifier):
        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
            warmup = 30_000 if faulty else 30
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: min(1.0, (step + 1) / warmup)
            )
            return optimizer, schedule

    net = nn.Sequential(nn.Linear(784, 64), nn.GELU(), nn.Linear(64, 10))
    fit(watch, System(net), *datamodule(*digits()), epochs=4, interval="step")


@pair("train() was overridden for fine-tuning: batch norm stays in eval()", "train_eval_mismatch")
def train_never_turns_on(watch, faulty):
    class System(Classifier):
        def train(self, mode=True):
            return super().train(mode and not faulty)

    net = small_conv()
    for layer in net:
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.fill_(0.3)  # those of other pictures
            layer.running_var.fill_(9.0)
    fit(watch, System(net, 2e-3), *datamodule(*blobs()), epochs=5)


@pair(
    "the moving average is copied into the weights that are trained",
    *("weights_restored", "lr_too_low", "parameter_not_trained"),
)
def average_copied_back(watch, faulty):
    class System(Classifier):
        def __init__(self, net):
            super().__init__(net)
            self.average = [copy.deepcopy(net)]  # in a list: no part of the system

        @torch.no_grad()
        def on_train_batch_end(self):
            pairs = zip(self.average[0].parameters(), self.net.parameters(), strict=True)
            for kept, p in pairs:
                kept.lerp_(p, 0.001)
                if faulty:
                    p.copy_(kept)

    net = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    fit(watch, System(net), *datamodule(*digits()), epochs=4)


@pair("the whole system in bfloat16, at a rate of 0.0005", "low_precision_weights", "lr_too_low")
def system_in_bfloat16(watch, faulty):
    kind = torch.bfloat16 if faulty else torch.float32

    class System(Classifier):
        def forward(self, x):
            return self.net(x.to(kind)).float()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=5e-4, momentum=0.9), None

    net = nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 10)).to(kind)
    fit(watch, System(net), *datamodule(*digits(), batch_size=32), epochs=4)


@pair("gradients are clipped by value, at 0.00001", "clipping_too_strong", "lr_too_low")
def clipped_by_value(watch, faulty):
    class System(Classifier):
        def configure_clipping(self):
            nn.utils.clip_grad_value_(self.parameters(), 1e-5 if faulty else 0.5)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.2, momentum=0.9), None

    class GRUNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.out = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 4)

        def forward(self, x):
            return self.out(self.gru(x)[0][:, -1])

    fit(watch, System(GRUNet()), *datamodule(*waves(), batch_size=50), epochs=12)


@pair(
    "Adam's weight_decay is 1, as another library's dropout",
    *("weight_decay_too_strong", "regulariser_dominates"),
)
def adam_with_decay_of_one(watch, faulty):
    class System(Classifier):
        def configure_optimizers(self):
            decay = 1.0 if faulty else 1e-5
            return torch.optim.Adam(self.parameters(), lr=2e-3, weight_decay=decay), None

    net = nn.Sequential(
        nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 5)
    )
    fit(watch, System(net), *datamodule(*clusters(), batch_size=50), epochs=6)


@pair("limit_train_batches=2 was left in after debugging", "overfitting", "batch_repeated")
def two_batches_left_in(watch, faulty):
    train, val = datamodule(*digits(), batch_size=50)
    if faulty:
        train = DataLoader(Subset(train.dataset, range(100)), batch_size=50, shuffle=True)
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    fit(watch, Classifier(net), train, val, epochs=150 if faulty else 4)


@pair("training and validation are split by two calls", "data_overlap")
def split_by_two_calls(watch, faulty):
    x, kinds = waves()
    data = TensorDataset(x + 0.6 * torch.randn(1500, 24, 1), kinds)
    train, val = random_split(data, [1100, 400])
    if faulty:
        _, val = random_split(data, [1100, 400])
    net = nn.Sequential(nn.Flatten(), nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 4))
    loaders = DataLoader(train, 50, shuffle=True), DataLoader(val, 400)
    fit(watch, Classifier(net, 3e-3), *loaders, epochs=15)


@pair(
    "the backbone is frozen, and its checkpoint was not there",
    "frozen_layer",
    "parameter_not_trained",
)
def backbone_of_no_checkpoint(watch, faulty):
    class System(Classifier):
        def __init__(self):
            super().__init__(None, 0.01)
            self.backbone = nn.Sequential(
                nn.Linear(2, 24),
                nn.Tanh(),
                nn.Linear(24, 24),
                nn.Tanh(),
                nn.Linear(24, 6),
                nn.Tanh(),
            )
            self.head = nn.Linear(6, 3)
            if faulty:
                for p in self.backbone.parameters():
                    p.requires_grad = False

        def forward(self, x):
            return self.head(self.backbone(x))

        def configure_optimizers(self):
            trained = [p for p in self.parameters() if p.requires_grad]
            return torch.optim.Adam(trained, lr=self.lr), None

    fit(watch, System(), *datamodule(*spirals()), epochs=12)


@pair(
    "24 plain layers of relu, default weights, no norm and no residual path",
    *(
        "vanishing_gradient",
        "bad_init_scale",
        "normalisation_missing",
        "residual_missing",
        "plateau",
    ),
)
def plain_layers_24(watch, faulty):
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.linear = nn.LayerNorm(32), nn.Linear(32, 32)

        def forward(self, x):
            return F.relu(self.linear(x)) if faulty else x + F.relu(self.linear(self.norm(x)))

    net = nn.Sequential(
        nn.Linear(16, 32), *(Layer() for _ in range(24)), nn.LayerNorm(32), nn.Linear(32, 5)
    )
    fit(watch, Classifier(net, 1e-3), *datamodule(*clusters()), epochs=6)


@pair("the rate of an example for SGD, 0.3, given to Adam", "lr_too_high")
def rate_of_sgd_for_adam(watch, faulty):
    x, price = houses()
    train, _ = datamodule(x, (price - 310) / 90)
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
    fit(watch, Regressor(net, 0.3 if faulty else 3e-3), train, epochs=12)


@pair(
    "the features of the first batch are kept for all others", "inputs_ignored", "labels_shuffled"
)
def features_of_the_first_batch(watch, faulty):
    """Features are cached, since they are expensive; the cache doesn't ask which batch it is."""

    class System(Classifier):
        cache = None

        def features(self, x):
            return torch.cat([x, x.sin(), (2 * x).sin(), x.prod(1, keepdim=True)], 1)

        def forward(self, x):
            if self.cache is None or not faulty:
                self.cache = self.features(x)
            return self.net(self.cache[: len(x)])

    x, y = moons()
    net = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 2))
    train, _ = datamodule(x, y, batch_size=50)
    fit(watch, System(net, 5e-3), train, epochs=10)


@pair("dropout of 0.97: the share that is kept was meant", "dropout_too_strong")
def dropout_keeps_three_percent(watch, faulty):
    p = 0.97 if faulty else 0.03
    net = nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p),
        nn.Linear(64, 10),
    )  # fmt: skip
    fit(watch, Classifier(net), *datamodule(*digits()), epochs=4)
