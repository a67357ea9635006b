"""Trainer classes, hooks and configurations: the loop stands in a method, far from the model."""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

from bench.pairs.registry import (
    blobs,
    clusters,
    digits,
    houses,
    moons,
    names,
    ngrams,
    pair,
    pictures,
    spirals,
    text,
    waves,
)


class Trainer:
    """The loop that most pairs of this module share; a pair overrides the part that is at fault."""

    def __init__(self, model, optimizer, criterion=F.cross_entropy, scheduler=None):
        self.model, self.optimizer = model, optimizer
        self.criterion, self.scheduler = criterion, scheduler

    def training_step(self, batch):
        x, y = batch
        return self.criterion(self.model(x), y)

    def update(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def evaluate(self, loader):
        self.model.eval()
        losses, correct, count = [], 0.0, 0
        with torch.no_grad():
            for x, y in loader:
                out = self.model(x)
                losses.append(self.criterion(out, y))
                correct += float((out.argmax(1) == y).sum()) if y.dtype == torch.long else 0.0
                count += len(x)
        self.model.train()
        accuracy = correct / count if y.dtype == torch.long else None
        return torch.stack(losses).mean(), accuracy

    def fit(self, watch, loader, epochs, val_loader=None):
        with watch() as seen:
            for _epoch in range(epochs):
                for batch in loader:
                    loss = self.training_step(batch)
                    self.update(loss)
                    seen.step(loss.detach())
                    self.after_batch()
                if val_loader is not None:
                    seen.validate(*self.evaluate(val_loader))
                self.after_epoch()

    def after_batch(self):
        pass

    def after_epoch(self):
        if self.scheduler:
            self.scheduler.step()


def loaders(x, y, size=50, held=500, shuffle=True):
    """Return a loader of the training data and one of the held-out data."""
    train, val = random_split(TensorDataset(x, y), [len(x) - held, held])
    return DataLoader(train, batch_size=size, shuffle=shuffle), DataLoader(val, batch_size=250)


class ConvNet(nn.Module):
    def __init__(self, channels=3, classes=6, width=12):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classifier = nn.LazyLinear(classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class SeriesNet(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 4)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


@pair("the Trainer's update never zeroes gradients", "gradients_not_zeroed")
def trainer_without_zero_grad(watch, faulty):
    class MyTrainer(Trainer):
        def update(self, loss):
            if not faulty:
                self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    train, val = loaders(*waves())
    model = SeriesNet()
    trainer = MyTrainer(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))
    trainer.fit(watch, train, 10, val)


@pair("the optimiser is given the head alone", "parameter_not_trained", "frozen_layer")
def optimizer_of_the_head(watch, faulty):
    train, val = loaders(*waves())
    model = SeriesNet()
    trained = model.head if faulty else model
    Trainer(model, torch.optim.Adam(trained.parameters(), lr=5e-3)).fit(watch, train, 8, val)


@pair("after the first validation batch norm and dropout stay in eval()", "train_eval_mismatch")
def evaluate_without_train(watch, faulty):
    class MyTrainer(Trainer):
        def evaluate(self, loader):
            result = super().evaluate(loader)
            if faulty:
                self.model.eval()
            return result

    train, val = loaders(*blobs(), size=32)
    model = nn.Sequential(ConvNet(), nn.Identity())
    model(blobs()[0][:2])
    MyTrainer(model, torch.optim.Adam(model.parameters(), lr=2e-3)).fit(watch, train, 5, val)


@pair("milestones that are meant in epochs are counted in batches", "lr_vanished")
def milestones_in_batches(watch, faulty):
    class MyTrainer(Trainer):
        def after_batch(self):
            if faulty:
                self.scheduler.step()

        def after_epoch(self):
            if not faulty:
                self.scheduler.step()

    x, y = digits()
    train, val = loaders(x, y, size=64)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.SGD(model.parameters(), lr=0.05)
    schedule = torch.optim.lr_scheduler.MultiStepLR(opt, [4, 6, 8, 10], gamma=0.1)
    MyTrainer(model, opt, scheduler=schedule).fit(watch, train, 5, val)


@pair(
    "the encoder was frozen for a warm-up and never unfrozen",
    "frozen_layer",
    "parameter_not_trained",
)
def encoder_stays_frozen(watch, faulty):
    class MyTrainer(Trainer):
        def after_batch(self):
            self.steps = getattr(self, "steps", 0) + 1
            if self.steps == 1 and not faulty:
                self.model[0].requires_grad_(True)

    train, val = loaders(*digits(), size=64)
    encoder, head = nn.Sequential(nn.Linear(784, 64), nn.ReLU()), nn.Linear(64, 10)
    model = nn.Sequential(encoder, head)
    encoder.requires_grad_(False)
    MyTrainer(model, torch.optim.Adam(model.parameters(), lr=1e-3)).fit(watch, train, 4, val)


@pair("the validation loader reads the training data", "data_overlap")
def val_loader_is_train_loader(watch, faulty):
    train, val = loaders(*spirals(), size=64)
    if faulty:
        val = DataLoader(train.dataset, batch_size=250)
    model = nn.Sequential(
        nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3)
    )
    Trainer(model, torch.optim.Adam(model.parameters(), lr=5e-3)).fit(watch, train, 10, val)


@pair("correct predictions are divided by ten times their number", "metric_disagrees")
def accuracy_of_the_wrong_count(watch, faulty):
    class MyTrainer(Trainer):
        def evaluate(self, loader):
            loss, accuracy = super().evaluate(loader)
            return loss, accuracy / 10 if faulty else accuracy

    train, val = loaders(*blobs(), size=32)
    model = nn.Sequential(nn.Flatten(), nn.Linear(432, 64), nn.ReLU(), nn.Linear(64, 6))
    MyTrainer(model, torch.optim.Adam(model.parameters(), lr=1e-3)).fit(watch, train, 6, val)


@pair(
    "pixels are divided by 255 three times", "inputs_not_normalised", "lr_too_low", "inputs_ignored"
)
def divided_by_255_again(watch, faulty):
    class Pictures(Dataset):
        def __init__(self):
            self.x, self.y = pictures().flatten(1), digits()[1]

        def __len__(self):
            return 4000

        def __getitem__(self, k):
            x = self.x[k] / 255
            return (x / 255 / 255 if faulty else x), self.y[k]

    loader = DataLoader(Pictures(), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    Trainer(model, torch.optim.SGD(model.parameters(), lr=0.2)).fit(watch, loader, 6)


@pair("the collate function returns an array of zeros that it never fills", "inputs_ignored")
def collate_returns_zeros(watch, faulty):
    def collate(examples):
        x = torch.zeros(len(examples), 16)
        for row, (features, _) in zip(x, examples, strict=True):
            if not faulty:
                row.copy_(features)
        return x, torch.stack([label for _, label in examples])

    dataset = TensorDataset(*clusters())
    loader = DataLoader(dataset, batch_size=50, shuffle=True, collate_fn=collate)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    Trainer(model, torch.optim.Adam(model.parameters(), lr=3e-3)).fit(watch, loader, 5)


@pair("branches are kept in a dict, not in a ModuleDict", "parameter_not_trained")
def branches_in_a_dict(watch, faulty):
    class TwoBranches(nn.Module):
        def __init__(self):
            super().__init__()
            branches = {"left": nn.Linear(8, 24), "right": nn.Linear(8, 24)}
            self.branches = branches if faulty else nn.ModuleDict(branches)
            self.head = nn.Linear(48, 1)

        def forward(self, x):
            both = [self.branches[side](x).tanh() for side in ("left", "right")]
            return self.head(torch.cat(both, 1))

    x, price = houses()
    train, val = loaders(x, (price - price.mean()) / price.std())
    model = TwoBranches()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    Trainer(model, opt, F.mse_loss).fit(watch, train, 8, val)


@pair(
    "the best weights are loaded back after every batch",
    "parameter_not_trained",
    "weights_restored",
)
def best_weights_always_restored(watch, faulty):
    class MyTrainer(Trainer):
        def __init__(self, *parts):
            super().__init__(*parts)
            self.best = copy.deepcopy(self.model.state_dict())

        def after_batch(self):
            if faulty:
                self.model.load_state_dict(self.best)

    train, val = loaders(*moons(), held=400)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    MyTrainer(model, torch.optim.Adam(model.parameters(), lr=1e-2)).fit(watch, train, 8, val)


@pair("the learning rate of the configuration is 5", "lr_too_high")
def configuration_with_a_huge_rate(watch, faulty):
    @dataclass
    class Config:
        lr: float = 5.0 if faulty else 0.02
        epochs: int = 5

    config = Config()
    train, val = loaders(*blobs(), size=32)
    model = ConvNet()
    model(blobs()[0][:2])
    opt = torch.optim.SGD(model.parameters(), lr=config.lr, momentum=0.9)
    Trainer(model, opt).fit(watch, train, config.epochs, val)


@pair("channels and examples are swapped before the linear layer", "batch_mixed")
def flattened_across_examples(watch, faulty):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 8, 3, stride=2), nn.Linear(200, 6)

        def forward(self, x):
            x = self.conv(x).relu()
            if faulty:
                x = x.transpose(0, 1)
            return self.head(x.reshape(-1, 200))

    train, val = loaders(*blobs(), size=32)
    train = DataLoader(train.dataset, batch_size=32, shuffle=True, drop_last=True)
    model = Net()
    Trainer(model, torch.optim.Adam(model.parameters(), lr=3e-3)).fit(watch, train, 5, val)


@pair("noise of a broken export: 40 % of the labels are random", "labels_noisy")
def labels_of_a_broken_export(watch, faulty):
    x, y = digits()
    y = y.clone()
    if faulty:
        broken = torch.rand(len(y)) < 0.4
        y[broken] = torch.randint(0, 10, (int(broken.sum()),))
    train, _ = loaders(x, y, size=64)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    Trainer(model, torch.optim.Adam(model.parameters(), lr=1e-3)).fit(watch, train, 4)


@pair("a network of 200,000 weights learns 100 pictures by heart", "overfitting")
def many_weights_few_pictures(watch, faulty):
    x, y = digits()
    x, y = (x[:600], y[:600]) if faulty else (x, y)
    train, val = loaders(x, y, size=25 if faulty else 64)
    model = nn.Sequential(
        nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)
    )
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    Trainer(model, opt).fit(watch, train, 80 if faulty else 3, val)


@pair("evaluation pictures are turned upside down by another transform", "train_eval_mismatch")
def other_transform_at_evaluation(watch, faulty):
    x, y = pictures() / 255 - 0.13, digits()[1]
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(x[:4500], y[:4500]), batch_size=64, shuffle=True)

    class Evaluator:
        def __init__(self, net):
            self.net = net

        def transform(self, images):
            return images.flip(2) if faulty else images

        def predict(self, images):
            self.net.eval()
            with torch.no_grad():
                return self.net(self.transform(images))

    with watch() as seen:
        for _epoch in range(4):
            for images, labels in loader:
                loss = F.cross_entropy(model(images), labels)
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
        with seen.using():
            scores = Evaluator(model).predict(x[4500:])
        print((scores.argmax(1) == y[4500:]).float().mean())


@pair(
    "the model's log-softmax is followed by a softmax of the metric's code",
    "double_softmax",
    "wrong_loss",
)
def softmax_of_log_softmax(watch, faulty):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(27, 12)
            self.hidden, self.out = nn.Linear(36, 96), nn.Linear(96, 27)

        def forward(self, x):
            logits = self.out(self.hidden(self.embed(x).flatten(1)).tanh())
            return logits.softmax(1) if faulty else logits

    train, val = loaders(*ngrams(3), size=128)
    model = Net()
    Trainer(model, torch.optim.Adam(model.parameters(), lr=5e-3)).fit(watch, train, 3, val)


@pair("targets are shuffled by the sampler, inputs are not", "labels_shuffled")
def sampler_of_the_targets(watch, faulty):
    class Paired(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y
            self.order = torch.randperm(len(x)).tolist()

        def __len__(self):
            return len(self.x)

        def __getitem__(self, k):
            return self.x[k if faulty else self.order[k]], self.y[self.order[k]]

    x, price = houses()
    loader = DataLoader(Paired(x, (price - 310) / 90), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    Trainer(model, opt, F.mse_loss).fit(watch, loader, 8)


@pair(
    "the decay of the optimiser's first group is 3",
    "regulariser_dominates",
    "weight_decay_too_strong",
)
def strong_decay_in_a_group(watch, faulty):
    train, val = loaders(*ngrams(3), size=128)
    model = nn.Sequential(
        nn.Embedding(27, 12), nn.Flatten(), nn.Linear(36, 96), nn.Tanh(), nn.Linear(96, 27)
    )
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() == 1]
    groups = [
        {"params": decayed, "weight_decay": 3.0 if faulty else 1e-4},
        {"params": plain, "weight_decay": 0.0},
    ]
    Trainer(model, torch.optim.SGD(groups, lr=0.2)).fit(watch, train, 3, val)


@pair("the states of an RNN are reset to those of the batch before, without detach", "crash")
def trainer_keeps_hidden(watch, faulty):
    class TextTrainer(Trainer):
        hidden = None

        def training_step(self, batch):
            x, y = batch
            if self.hidden is not None and not faulty:
                self.hidden = self.hidden.detach()
            out, self.hidden = self.model["rnn"](self.model["embed"](x), self.hidden)
            return F.cross_entropy(self.model["head"](out).flatten(0, 1), y.flatten())

    ids, letters = text()
    n = len(letters)
    model = nn.ModuleDict({"embed": nn.Embedding(n, 24), "rnn": nn.GRU(24, 48, batch_first=True)})
    model["head"] = nn.Linear(48, n)
    stream = ids[:40_000].view(10, -1)
    batches = [(stream[:, t : t + 20], stream[:, t + 1 : t + 21]) for t in range(0, 3960, 20)]
    TextTrainer(model, torch.optim.Adam(model.parameters(), lr=5e-3)).fit(watch, batches, 1)


@pair("names are sorted by their first letter, and the loader does not shuffle", "not_shuffled")
def sorted_names(watch, faulty):
    rows = names()
    first = rows[:, 0] - 1
    order = first.argsort()
    rows, first = rows[order][:, 1:], first[order]  # guess the first letter from the others
    loader = DataLoader(TensorDataset(rows, first), batch_size=64, shuffle=not faulty)
    model = nn.Sequential(
        nn.Embedding(27, 12), nn.Flatten(), nn.Linear(132, 64), nn.ReLU(), nn.Linear(64, 26)
    )
    Trainer(model, torch.optim.Adam(model.parameters(), lr=2e-3)).fit(watch, loader, 4)
