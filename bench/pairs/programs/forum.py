"""Bug reports as people post them: short, with a custom module, "my loss does not go down"."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset

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
    text,
    waves,
)


@pair("the hidden state keeps the graph of the batch before", "crash")
def char_rnn_hidden_not_detached(watch, faulty):
    ids, letters = text()
    embed, rnn = nn.Embedding(len(letters), 24), nn.GRU(24, 64, batch_first=True)
    decoder = nn.Linear(64, len(letters))
    params = [*embed.parameters(), *rnn.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(params, lr=3e-3)
    stream = ids[:64_000].view(16, -1)
    hidden = torch.zeros(1, 16, 64)
    with watch() as seen:
        for t in range(0, 150 * 20, 20):
            x, y = stream[:, t : t + 20], stream[:, t + 1 : t + 21]
            if not faulty:
                hidden = hidden.detach()
            out, hidden = rnn(embed(x), hidden)
            loss = F.cross_entropy(decoder(out).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("hidden layers are kept in a Python list", "parameter_not_trained")
def layers_in_a_list(watch, faulty):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(784, 64)
            hidden = [nn.Linear(64, 64) for _ in range(3)]
            self.hidden = hidden if faulty else nn.ModuleList(hidden)
            self.last = nn.Linear(64, 10)

        def forward(self, x):
            x = self.first(x).relu()
            for layer in self.hidden:
                x = layer(x).relu()
            return self.last(x)

    X, y = digits()
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (64,))
            loss = F.cross_entropy(net(X[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the model is made anew after the optimiser", "parameter_not_trained")
def model_made_after_optimizer(watch, faulty):
    def make():
        return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))

    x, price = houses()
    y = (price - 310) / 90
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    if faulty:
        model = make()
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 2000, (64,))
            pred = model(x[i])
            loss = ((pred - y[i]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("an LSTM that wants time first is given the batch first", "batch_mixed")
def lstm_batch_first_forgotten(watch, faulty):
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(1, 32, batch_first=not faulty)
            self.fc = nn.Linear(32, 4)

        def forward(self, x):
            out, _ = self.lstm(x)
            return self.fc(out[:, -1])

    X, y = waves()
    model = Classifier()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 1500, (48,))
            loss = F.cross_entropy(model(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("pictures (N, H, W, C) are turned by view", "dims_scrambled")
def images_viewed_not_permuted(watch, faulty):
    images, labels = blobs()
    images = images.permute(0, 2, 3, 1).contiguous()  # as they come from the file
    net = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(432, 6)
    )
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 1500, (32,))
            x = images[i]
            x = x.view(-1, 3, 12, 12) if faulty else x.permute(0, 3, 1, 2)
            loss = F.cross_entropy(net(x), labels[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "outputs (N, 1) and targets (N) are broadcast to (N, N)",
    *("loss_broadcast", "wrong_loss", "batch_mixed", "plateau"),
)
def mse_broadcast(watch, faulty):
    X, price = houses()
    y = (price.squeeze(1) - 310) / 90
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 2000, (50,))
            out = net(X[i]) if faulty else net(X[i]).squeeze(1)
            loss = ((out - y[i]) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("BCELoss is given scores without a sigmoid", "crash", "wrong_loss")
def bce_without_sigmoid(watch, faulty):
    X, y = moons()
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    criterion = nn.BCELoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 2000, (64,))
            out = net(X[i]).squeeze(1)
            if not faulty:
                out = out.sigmoid()
            loss = criterion(out, y[i].float())
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("w = w - lr * w.grad makes a new tensor", "crash", "parameter_not_trained")
def weights_replaced(watch, faulty):
    X, price = houses()
    y = (price - 310) / 90
    w = torch.zeros(8, 1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 2000, (64,))
            loss = ((X[i] @ w + b - y[i]) ** 2).mean()
            loss.backward()
            if faulty:
                w = w - 0.05 * w.grad
                b = b - 0.05 * b.grad
            else:
                with torch.no_grad():
                    w -= 0.05 * w.grad
                    b -= 0.05 * b.grad
                w.grad = b.grad = None
            seen.step(loss)


@pair("class labels are floats", "crash")
def float_labels(watch, faulty):
    X, y = clusters()
    labels = y.float() if faulty else y
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 3000, (64,))
            loss = F.cross_entropy(net(X[i]), labels[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("an activation is changed in place that backward() needs", "crash")
def changed_in_place(watch, faulty):
    X, y = digits()
    first, second = nn.Linear(784, 64), nn.Linear(64, 10)
    opt = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (64,))
            h = torch.tanh(first(X[i]))
            if faulty:
                h += 0.1
            else:
                h = h + 0.1
            loss = F.cross_entropy(second(h), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("zero_grad stands between backward() and step()", "parameter_not_trained")
def zeroed_before_the_step(watch, faulty):
    X, y = pictures() / 255 - 0.13, digits()[1]
    net = nn.Sequential(
        *(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(400, 10)),
    )
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(X[:3000], y[:3000]), batch_size=32, shuffle=True)
    with watch() as seen:
        for _epoch in range(3):
            for inputs, targets in loader:
                if not faulty:
                    opt.zero_grad()
                loss = F.cross_entropy(net(inputs), targets)
                loss.backward()
                if faulty:
                    opt.zero_grad()
                opt.step()
                seen.step(loss)


@pair("the gradient of a distance of 0", "nan")
def distance_of_zero(watch, faulty):
    """A metric is learned from pairs, and some pairs are twice the same point."""
    X, y = clusters()
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(300):
            a, b = torch.randint(0, 200, (64,)), torch.randint(0, 200, (64,))
            difference = ((net(X[a]) - net(X[b])) ** 2).sum(1)
            distance = difference.sqrt() if faulty else (difference + 1e-6).sqrt()
            same = (y[a] == y[b]).float()
            loss = (same * distance**2 + (1 - same) * (1 - distance).relu() ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("a feature is missing (NaN) in one row of 2,000", "nan")
def missing_value_in_the_table(watch, faulty):
    X, price = houses()
    X, y = X.clone(), (price - 310) / 90
    X[700, 3] = float("nan") if faulty else 0.0
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _epoch in range(8):
            for i in torch.randperm(2000).split(50):
                loss = F.mse_loss(net(X[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)


@pair(
    "batch norm is trained with two examples in a batch",
    *("batch_norm_tiny", "train_eval_mismatch"),
)
def batch_norm_of_two(watch, faulty):
    X, y = digits()
    net = nn.Sequential(nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.SGD(net.parameters(), lr=0.01)
    size = 2 if faulty else 64
    with watch() as seen:
        for step in range(600):
            i = torch.randint(0, 4500, (size,))
            loss = F.cross_entropy(net(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
            if step % 100 == 99:
                net.eval()
                with torch.no_grad():
                    seen.validate(F.cross_entropy(net(X[4500:]), y[4500:]))
                net.train()


@pair("relu on the outputs of a classifier", "wrong_loss", "outputs_out_of_reach", "dead_units")
def relu_on_the_scores(watch, faulty):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)
            self.fc1 = nn.Linear(8 * 25, 32)
            self.fc2 = nn.Linear(32, 6)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1)
            x = self.fc2(F.relu(self.fc1(x)))
            return F.relu(x) if faulty else x

    X, y = blobs()
    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 1500, (32,))
            loss = F.cross_entropy(net(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("nll_loss of probabilities", "wrong_loss", "double_softmax")
def nll_of_softmax(watch, faulty):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(784, 64), nn.Linear(64, 10)

        def forward(self, x):
            x = self.fc2(F.relu(self.fc1(x)))
            return F.softmax(x, dim=1) if faulty else F.log_softmax(x, dim=1)

    X, y = digits()
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    criterion = nn.NLLLoss()
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            opt.zero_grad()
            loss = criterion(net(X[i]), y[i])
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("attention takes its softmax over the batch", "batch_mixed", "attention_axis")
def pooling_over_the_batch(watch, faulty):
    class Pool(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(27, 24)
            self.score = nn.Linear(24, 1)
            self.out = nn.Linear(24, 2)

        def forward(self, ids):
            x = self.embed(ids)
            weights = self.score(x).softmax(0 if faulty else 1)
            return self.out((weights * x).sum(1))

    rows = names()
    labels = (rows == 14).any(1).long()  # is there an n in it?
    net = Pool()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, len(rows), (64,))
            loss = F.cross_entropy(net(rows[i]), labels[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("Embedding.from_pretrained freezes random vectors", "frozen_layer", "parameter_not_trained")
def pretrained_embedding_frozen(watch, faulty):
    X, Y = ngrams(3)
    vectors = 0.3 * torch.randn(27, 10)
    embedding = nn.Embedding.from_pretrained(vectors, freeze=faulty)
    net = nn.Sequential(embedding, nn.Flatten(), nn.Linear(30, 96), nn.Tanh(), nn.Linear(96, 27))
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=3e-3)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(net(X[i]), Y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("training and validation subsets are cut from overlapping indices", "data_overlap")
def subsets_overlap(watch, faulty):
    X, y = clusters()
    data = TensorDataset(X, y)
    order = torch.randperm(3000).tolist()
    train = Subset(data, order[:2600])
    held = Subset(data, order[2000:2600] if faulty else order[2600:])
    train_loader = DataLoader(train, batch_size=50, shuffle=True)
    val_loader = DataLoader(held, batch_size=200)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    with watch() as seen:
        for _epoch in range(6):
            for xb, yb in train_loader:
                loss = F.cross_entropy(net(xb), yb)
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                losses = [F.cross_entropy(net(xb), yb) for xb, yb in val_loader]
            seen.validate(torch.stack(losses).mean())


@pair("the code is detached before the decoder", "parameter_not_trained")
def autoencoder_detached_code(watch, faulty):
    X = pictures().flatten(1) / 255
    encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 16))
    decoder = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid())
    opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            code = encoder(X[i])
            if faulty:
                code = code.detach()
            loss = F.mse_loss(decoder(code), X[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("Adam with a learning rate of 1 on a GRU", "lr_too_high")
def gru_rate_of_one(watch, faulty):
    X, y = waves()
    rnn, head = nn.GRU(1, 32, batch_first=True), nn.Linear(32, 4)
    opt = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=1.0 if faulty else 0.005)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 1500, (48,))
            out, _ = rnn(X[i])
            loss = F.cross_entropy(head(out[:, -1]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("gradients are clipped to a norm of 0.0001", "lr_too_low", "clipping_too_strong")
def clipped_to_nothing(watch, faulty):
    X, y = digits()
    net = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 5000, (64,))
            loss = F.cross_entropy(net(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1e-4 if faulty else 1.0)
            opt.step()
            seen.step(loss)


@pair("numpy between two layers cuts the graph", "parameter_not_trained")
def through_numpy(watch, faulty):
    X, y = blobs()
    conv = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(4), nn.Flatten())
    head = nn.Linear(128, 6)
    opt = torch.optim.Adam([*conv.parameters(), *head.parameters()], lr=2e-3)
    with watch() as seen:
        for _ in range(250):
            i = torch.randint(0, 1500, (32,))
            features = conv(X[i])
            if faulty:
                features = torch.from_numpy(features.detach().numpy())
            loss = F.cross_entropy(head(features), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("a layer's width does not fit the one before it", "crash")
def widths_do_not_fit(watch, faulty):
    X, y = pictures() / 255, digits()[1]
    flat = 12 * 13 * 13
    net = nn.Sequential(
        *(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(12 * 14 * 14 if faulty else flat, 10),
    )
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(150):
            i = torch.randint(0, 5000, (32,))
            loss = F.cross_entropy(net(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
