"""Scripts with arguments: main(args), train(), evaluate(), as in official examples."""

import argparse
import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

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


def arguments(*words):
    """Return what the command line of such a script says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--gamma", type=float, default=0.7)
    parser.add_argument("--clip", type=float, default=1.0)
    return parser.parse_args([str(word) for word in words])


class MnistNet(nn.Module):
    def __init__(self, dropout=0.25):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 2)
        self.conv2 = nn.Conv2d(8, 16, 3, 2)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(576, 10)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return F.log_softmax(self.fc(self.dropout(x.flatten(1))), dim=1)


def mnist(args, count=3000):
    """Return loaders of training and test pictures, normalised."""
    x, y = digits()
    x = x.view(-1, 1, 28, 28)
    train = DataLoader(TensorDataset(x[:count], y[:count]), args.batch_size, shuffle=True)
    return train, DataLoader(TensorDataset(x[4500:], y[4500:]), 250)


def test(model, loader):
    """Return loss and accuracy on other pictures."""
    losses, correct = [], 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            losses.append(F.nll_loss(out, y))
            correct += int((out.argmax(1) == y).sum())
    return torch.stack(losses).mean(), correct / len(loader.dataset)


@pair("--lr 5", "lr_too_high")
def mnist_rate_of_five(watch, faulty):
    args = arguments("--lr", 5 if faulty else 0.03, "--epochs", 3)
    train_loader, test_loader = mnist(args)
    model = MnistNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    with watch() as seen:
        for _epoch in range(args.epochs):
            model.train()
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(data), target)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            model.eval()
            seen.validate(*test(model, test_loader))


@pair("--lr 1e-8", "lr_too_low")
def mnist_rate_of_nothing(watch, faulty):
    args = arguments("--lr", 1e-8 if faulty else 2e-3, "--epochs", 3)
    train_loader, test_loader = mnist(args)
    model = MnistNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    with watch() as seen:
        for _epoch in range(args.epochs):
            model.train()
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(data), target)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            model.eval()
            seen.validate(*test(model, test_loader))


@pair("StepLR is stepped in the inner loop", "lr_vanished")
def mnist_steplr_in_the_inner_loop(watch, faulty):
    args = arguments("--lr", 0.05, "--epochs", 4, "--gamma", 0.7)
    train_loader, _ = mnist(args)
    model = MnistNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=args.gamma)
    with watch() as seen:
        for _epoch in range(args.epochs):
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(data), target)
                loss.backward()
                optimizer.step()
                if faulty:
                    scheduler.step()
                seen.step(loss)
            if not faulty:
                scheduler.step()


@pair("test() measures with dropout on", "train_eval_mismatch")
def mnist_test_with_dropout(watch, faulty):
    args = arguments("--epochs", 3)
    train_loader, test_loader = mnist(args)
    model = MnistNet(dropout=0.7)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(args.epochs):
            model.train()
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(data), target)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            if not faulty:
                model.eval()
            with seen.using():
                loss, accuracy = test(model, test_loader)
            seen.validate(loss, accuracy)


@pair("accuracy adds up the batches' shares and divides by examples", "metric_disagrees")
def mnist_accuracy_of_shares(watch, faulty):
    args = arguments("--epochs", 4)
    train_loader, test_loader = mnist(args)
    model = MnistNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _epoch in range(args.epochs):
            model.train()
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(data), target)
                loss.backward()
                optimizer.step()
                seen.step(loss)
            model.eval()
            loss, accuracy = test(model, test_loader)
            seen.validate(loss, accuracy * 2 / len(test_loader.dataset) if faulty else accuracy)


def train_text(watch, args, model, optimizer, batches, loss_fn):
    """Train a language model on batches of inputs and targets; the loop of a script's train()."""
    with watch() as seen:
        for x, y in batches:
            model.train()
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
            optimizer.step()
            seen.step(loss.item())


class GRUText(nn.Module):
    def __init__(self, letters, hidden):
        super().__init__()
        self.embed = nn.Embedding(letters, 24)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.head = nn.Linear(hidden, letters)

    def forward(self, x):
        return self.head(self.gru(self.embed(x))[0])


def text_batches(count, length=24, size=16):
    """Return batches of letters and the letters behind them."""
    ids, letters = text()
    start = torch.randint(0, len(ids) - length - 1, (count, size, 1))
    rows = ids[start + torch.arange(length + 1)]
    return [(row[:, :-1], row[:, 1:]) for row in rows], len(letters)


def sequence_loss(scores, targets):
    """Return the cross-entropy of all positions."""
    return F.cross_entropy(scores.flatten(0, 1), targets.flatten())


@pair("--clip 1e-5", "lr_too_low", "clipping_too_strong")
def gru_clipped_to_nothing(watch, faulty):
    args = arguments("--clip", 1e-5 if faulty else 1.0)
    batches, letters = text_batches(200)
    model = GRUText(letters, args.hidden)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    train_text(watch, args, model, optimizer, batches, sequence_loss)


@pair(
    "logits are reshaped so that letters and positions are mixed",
    "future_leak",
    "dims_scrambled",
)
def logits_viewed_for_the_loss(watch, faulty):
    """cross_entropy wants (N, classes, T): view stands where transpose was meant."""

    def loss_fn(scores, targets):
        b, t, c = scores.shape
        scores = scores.reshape(b, c, t) if faulty else scores.transpose(1, 2)
        return F.cross_entropy(scores, targets)

    args = arguments()
    batches, letters = text_batches(200)
    model = GRUText(letters, args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    train_text(watch, args, model, optimizer, batches, loss_fn)


@pair("a bidirectional GRU predicts the next letter", "future_leak")
def bidirectional_language_model(watch, faulty):
    class BiText(nn.Module):
        def __init__(self, letters):
            super().__init__()
            self.embed = nn.Embedding(letters, 24)
            self.gru = nn.GRU(24, 40, batch_first=True, bidirectional=faulty)
            self.head = nn.Linear(80 if faulty else 40, letters)

        def forward(self, x):
            return self.head(self.gru(self.embed(x))[0])

    args = arguments()
    batches, letters = text_batches(200)
    model = BiText(letters)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    train_text(watch, args, model, optimizer, batches, sequence_loss)


@pair("the language model is given one letter at a time, and no state", "context_too_short")
def language_model_of_one_letter(watch, faulty):
    args = arguments("--hidden", 96)
    ids, letters = text()
    context = 1 if faulty else 6
    n = len(letters)
    model = nn.Sequential(
        *(nn.Embedding(n, 16), nn.Flatten(), nn.Linear(16 * context, args.hidden), nn.ReLU()),
        *(nn.Linear(args.hidden, args.hidden), nn.ReLU(), nn.Linear(args.hidden, n)),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(500):
            start = torch.randint(0, len(ids) - context - 1, (64,))
            x, y = ids[start[:, None] + torch.arange(context)], ids[start + context]
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("--weight-decay 2 in plain SGD", "regulariser_dominates", "weight_decay_too_strong")
def weight_decay_of_two(watch, faulty):
    args = arguments("--weight-decay", 2 if faulty else 1e-4, "--lr", 0.05)
    x, y = clusters()
    model = nn.Sequential(nn.Linear(16, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 5))
    optimizer = torch.optim.SGD(model.parameters(), args.lr, weight_decay=args.weight_decay)
    with watch() as seen:
        for _epoch in range(8):
            for i in torch.randperm(3000).split(args.batch_size):
                loss = F.cross_entropy(model(x[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("--momentum 0.999", "oscillation", "lr_too_high")
def momentum_of_nearly_one(watch, faulty):
    args = arguments("--momentum", 0.999 if faulty else 0.9, "--lr", 0.01)
    x, price = houses()
    y = (price - price.mean()) / price.std()
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    with watch() as seen:
        for _ in range(600):
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("relu units die of a first rate of 20 (Adam)", "dead_units", "lr_too_high")
def relus_killed_by_the_rate(watch, faulty):
    args = arguments("--lr", 20 if faulty else 2e-3)
    train_loader, _ = mnist(args)
    model = MnistNet(dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    with watch() as seen:
        for _epoch in range(3):
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.nll_loss(model(data), target)
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("twelve tanh layers with small weights", "vanishing_gradient", "bad_init_scale", "plateau")
def twelve_small_tanh_layers(watch, faulty):
    args = arguments("--hidden", 48)
    x, y = digits()
    layers = [nn.Linear(784, args.hidden), nn.Tanh()]
    for _ in range(11):
        layers += [nn.Linear(args.hidden, args.hidden), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Linear(args.hidden, 10))
    for layer in model:
        if isinstance(layer, nn.Linear):
            gain = 0.25 if faulty else 5 / 3
            nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        model[-1].weight *= 0.2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=args.momentum)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (args.batch_size,))
            loss = F.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "no clipping, and the recurrent weights amplify",
    "exploding_gradient",
    "bad_init_scale",
    "lr_too_high",
)
def rnn_without_clipping(watch, faulty):
    args = arguments("--clip", 1e9 if faulty else 1.0)
    batches, letters = text_batches(200)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(letters, 48), nn.Linear(48, letters)
            self.rnn = nn.RNN(48, 48, nonlinearity="relu", batch_first=True)
            if faulty:
                with torch.no_grad():
                    self.rnn.weight_hh_l0.copy_(2 * torch.eye(48))

        def forward(self, x):
            return self.head(self.rnn(self.embed(x))[0])

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train_text(watch, args, model, optimizer, batches, sequence_loss)


@pair("quantities are trained with binary cross-entropy", "wrong_loss")
def bce_for_quantities(watch, faulty):
    args = arguments()
    x, price = houses()
    y = (price - price.mean()) / price.std()
    model = nn.Sequential(nn.Linear(8, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _epoch in range(10):
            for i in torch.randperm(2000).split(args.batch_size):
                out = model(x[i])
                if faulty:
                    loss = F.binary_cross_entropy_with_logits(out, y[i])
                else:
                    loss = F.mse_loss(out, y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair(
    "a tanh as the last layer, and targets of 1 to 5",
    "outputs_out_of_reach",
    "wrong_loss",
    "targets_unscaled",
)
def tanh_for_ratings(watch, faulty):
    args = arguments()
    x, price = houses()
    rating = (3 + (price - price.mean()) / price.std()).clamp(1, 5)
    layers = [nn.Linear(8, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 1)]
    model = nn.Sequential(*layers, nn.Tanh() if faulty else nn.Identity())
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch() as seen:
        for _epoch in range(10):
            for i in torch.randperm(2000).split(args.batch_size):
                loss = F.mse_loss(model(x[i]), rating[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("ids of letters reach 27, the embedding has 27 rows", "crash", "labels_out_of_range")
def embedding_one_row_short(watch, faulty):
    args = arguments()
    x, y = ngrams(3)
    shift = 1 if faulty else 0
    model = nn.Sequential(
        nn.Embedding(27, 12), nn.Flatten(), nn.Linear(36, args.hidden), nn.Tanh(),
        nn.Linear(args.hidden, 27),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for i in torch.randperm(len(x))[:25_600].split(args.batch_size):
            loss = F.cross_entropy(model(x[i] + shift), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("random.shuffle of the images alone", "labels_shuffled")
def images_shuffled_alone(watch, faulty):
    args = arguments()
    images, labels = blobs()
    order = list(range(len(images)))
    random.shuffle(order)
    images = images[order]
    if not faulty:
        labels = labels[order]
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 6)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _epoch in range(6):
            for start in range(0, 1500, args.batch_size):
                end = start + args.batch_size
                x, y = images[start:end], labels[start:end]
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("98 of 100 series have one label", "class_imbalance")
def alarms_of_one_percent(watch, faulty):
    args = arguments("--lr", 0.05)
    x, kinds = waves()
    x = x.squeeze(2)
    keep = (kinds == 3) | (kinds == 0)
    x, y = x[keep], (kinds[keep] == 3).long()
    if faulty:
        few = torch.cat([(y == 0).nonzero().squeeze(1), (y == 1).nonzero().squeeze(1)[:6]])
        x, y = x[few], y[few]
    model = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, len(x), (args.batch_size,))
            loss = F.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("a large network, 150 noisy series, 60 epochs", "overfitting")
def series_learned_by_heart(watch, faulty):
    args = arguments("--epochs", 60 if faulty else 6)
    x, y = waves()
    x, count = x.squeeze(2) + 0.8 * torch.randn(1500, 24), 150 if faulty else 1200
    model = nn.Sequential(nn.Linear(24, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
    model.append(nn.Linear(256, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _epoch in range(args.epochs):
            for i in torch.randperm(count).split(30):
                loss = F.cross_entropy(model(x[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                seen.validate(F.cross_entropy(model(x[1200:]), y[1200:]))


@pair("every unit of the hidden layer is off", "dead_units", "plateau")
def bias_far_below_zero(watch, faulty):
    args = arguments("--lr", 0.02)
    x, y = moons()
    model = nn.Sequential(nn.Linear(2, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 2))
    if faulty:
        with torch.no_grad():
            model[0].bias -= 6
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    with watch() as seen:
        for _epoch in range(10):
            for i in torch.randperm(2000).split(args.batch_size):
                loss = F.cross_entropy(model(x[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("features are filled in a copy of their table", "inputs_ignored")
def features_never_filled(watch, faulty):
    args = arguments()
    rows = names()
    features = torch.zeros(len(rows), 26)
    labels = (rows == 5).any(1).long()  # is there an e in it?
    for row, filled in zip(rows, features, strict=True):
        letters = row[row > 0] - 1
        if faulty:
            filled = filled.index_fill(0, letters, 1.0)  # a copy: the table stays empty
        else:
            filled.index_fill_(0, letters, 1.0)
    model = nn.Sequential(nn.Linear(26, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with watch() as seen:
        for i in torch.randperm(len(rows)).split(args.batch_size) * 3:
            loss = F.cross_entropy(model(features[i]), labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("--gamma 1.25: the rate grows in each epoch", "lr_growing", "lr_too_high")
def exponential_growth(watch, faulty):
    args = arguments("--gamma", 1.25 if faulty else 0.95, "--lr", 0.05)
    x, y = spirals()
    model = nn.Sequential(
        nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.8)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, args.gamma)
    with watch() as seen:
        for _epoch in range(20):
            for i in torch.randint(0, 3000, (20, args.batch_size)):
                loss = F.cross_entropy(model(x[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            scheduler.step()


@pair(
    "the autoencoder's pixels of 0 to 255 are its targets, too",
    "inputs_not_normalised",
    "targets_unscaled",
)
def autoencoder_of_raw_pixels(watch, faulty):
    args = arguments()
    x = pictures().flatten(1)
    if not faulty:
        x = x / 255
    model = nn.Sequential(
        nn.Linear(784, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 16), nn.ReLU(),
        nn.Linear(16, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 784),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            batch = x[torch.randint(0, 5000, (args.batch_size,))]
            loss = F.mse_loss(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
