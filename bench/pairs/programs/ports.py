"""Ports: what ran in Keras, JAX, NumPy, scikit-learn, MATLAB or R before, or stands in a paper."""

import math
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

from bench.pairs.registry import blobs, clusters, digits, houses, pair, spirals, text, waves

# ---------------------------------------------------------------------------- Keras, TensorFlow


ACTIVATIONS = {None: nn.Identity, "relu": nn.ReLU, "softmax": lambda: nn.Softmax(dim=-1)}


class Dense(nn.Module):
    """keras.layers.Dense with its names and its initialisation."""

    def __init__(self, inputs, units, activation=None):
        super().__init__()
        self.linear = nn.Linear(inputs, units)
        nn.init.xavier_uniform_(self.linear.weight)  # glorot_uniform
        nn.init.zeros_(self.linear.bias)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x):
        return self.activation(self.linear(x))


@pair(
    "the last Dense keeps its softmax, before a loss that takes logits",
    *("double_softmax", "wrong_loss"),
)
def dense_with_softmax(watch, faulty):
    """model.compile(loss="sparse_categorical_crossentropy"), model.fit(...) in PyTorch."""

    class Model:
        def __init__(self, *layers):
            self.net = nn.Sequential(*layers)

        def compile(self, optimizer, loss):
            self.optimizer, self.loss = optimizer, loss

        def fit(self, x, y, batch_size, epochs, validation_split):
            held = int(len(x) * validation_split)
            x, x_val, y, y_val = x[:-held], x[-held:], y[:-held], y[-held:]
            with watch() as seen:
                for _epoch in range(epochs):
                    self.net.train()
                    for rows in torch.randperm(len(x)).split(batch_size):
                        self.optimizer.zero_grad()
                        loss = self.loss(self.net(x[rows]), y[rows])
                        loss.backward()
                        self.optimizer.step()
                        seen.step(loss)
                    self.evaluate(seen, x_val, y_val)

        @torch.no_grad()
        def evaluate(self, seen, x, y):
            self.net.eval()
            y_pred = self.net(x)
            val_loss, val_accuracy = self.loss(y_pred, y), (y_pred.argmax(-1) == y).float().mean()
            print(f"val_loss: {val_loss:.4f} - val_accuracy: {val_accuracy:.4f}")
            seen.validate(val_loss, val_accuracy)

    model = Model(
        Dense(784, 128, activation="relu"),
        nn.Dropout(0.2),
        Dense(128, 10, activation="softmax" if faulty else None),
    )
    model.compile(optim.Adam(model.net.parameters(), lr=0.001), nn.CrossEntropyLoss())
    model.fit(*digits(), batch_size=32, epochs=4, validation_split=0.2)


@pair("tf.nn.dropout becomes F.dropout, which is on in eval(), too", "train_eval_mismatch")
def dropout_of_tensorflow(watch, faulty):
    class ConvNet(nn.Module):
        def __init__(self, rate=0.5):
            super().__init__()
            self.rate = rate
            self.conv1 = nn.Conv2d(3, 12, 3, padding="same")
            self.conv2 = nn.Conv2d(12, 24, 3, padding="same")
            self.fc = nn.Linear(24 * 3 * 3, 64)
            self.out = nn.Linear(64, 6)

        def forward(self, images):
            net = F.max_pool2d(F.relu(self.conv1(images)), 2)
            net = F.max_pool2d(F.relu(self.conv2(net)), 2)
            net = F.relu(self.fc(net.flatten(1)))
            net = F.dropout(net, self.rate, training=True if faulty else self.training)
            return self.out(net)

    images, labels = blobs()
    train_ds = DataLoader(TensorDataset(images[:1200], labels[:1200]), 40, shuffle=True)
    test_ds = DataLoader(TensorDataset(images[1200:], labels[1200:]), 100)
    net = ConvNet()
    optimizer = optim.Adam(net.parameters(), 1e-3)
    with watch() as seen:
        for _ in range(10):
            net.train()
            for image_batch, label_batch in train_ds:
                loss = F.cross_entropy(net(image_batch), label_batch)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            net.eval()
            losses, hits = [], []
            with torch.no_grad():
                for image_batch, label_batch in test_ds:
                    logits = net(image_batch)
                    losses.append(F.cross_entropy(logits, label_batch).item())
                    hits.append((logits.argmax(1) == label_batch).float().mean().item())
            print(f"test loss {np.mean(losses):.3f}, accuracy {np.mean(hits):.3f}")
            seen.validate(np.mean(losses), np.mean(hits))


@pair(
    "the mask is Keras' (True: a token), and key_padding_mask wants True where padding is",
    *("inputs_ignored", "padding_read"),
)
def mask_of_keras(watch, faulty):
    """Which of the symbols 1, 2 and 3 is the most frequent? Read from a [CLS] in front."""
    rows = torch.randint(1, 8, (6000, 11))
    lengths = torch.randint(5, 11, (6000, 1))
    rows[torch.arange(11) >= lengths] = 0
    counts = torch.stack([(rows == symbol).sum(1) for symbol in (1, 2, 3)], 1)
    best = counts.topk(2, dim=1).values
    rows, counts = rows[best[:, 0] > best[:, 1]], counts[best[:, 0] > best[:, 1]]
    y = counts.argmax(1)
    x = F.pad(rows, (1, 0), value=8)

    class Classifier(nn.Module):
        def __init__(self, d_model=32):
            super().__init__()
            self.embedding = nn.Embedding(9, d_model, padding_idx=0)
            self.position = nn.Parameter(0.1 * torch.randn(12, d_model))
            self.encoder = nn.ModuleList(
                nn.TransformerEncoderLayer(d_model, 4, 64, dropout=0.0, batch_first=True)
                for _ in range(2)
            )
            self.dense = nn.Linear(d_model, 3)

        def forward(self, tokens):
            mask = tokens != 0  # compute_mask() of the Embedding
            hidden = self.embedding(tokens) + self.position
            for block in self.encoder:
                hidden = block(hidden, src_key_padding_mask=mask if faulty else ~mask)
            return self.dense(hidden[:, 0])

    held = len(x) - 500
    loader = DataLoader(TensorDataset(x[:held], y[:held]), batch_size=64, shuffle=True)
    model = Classifier()
    opt = optim.Adam(model.parameters(), lr=5e-4)
    with watch() as seen:
        for _epoch in range(4):
            for tokens, label in loader:
                loss = F.cross_entropy(model(tokens), label)
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                out = model(x[held:])
            accuracy = (out.argmax(1) == y[held:]).float().mean().item()
            print("val_accuracy", accuracy)
            seen.validate(F.cross_entropy(out, y[held:]), accuracy)


@pair(
    "Bidirectional(GRU): the last states (2, N, units) are viewed as (N, 2 * units)",
    *("dims_scrambled", "batch_mixed"),
)
def bidirectional_of_keras(watch, faulty):
    class BiGRU(nn.Module):
        def __init__(self, units=24):
            super().__init__()
            self.rnn = nn.GRU(1, units, batch_first=True, bidirectional=True)
            self.head = nn.Linear(2 * units, 4)

        def forward(self, series):
            _, state = self.rnn(series)  # merge_mode="concat"
            if faulty:
                state = state.view(len(series), -1)
            else:
                state = torch.cat([state[0], state[1]], dim=1)
            return self.head(state)

    x, y = waves()
    x_train, y_train, x_valid, y_valid = x[:1200], y[:1200], x[1200:], y[1200:]
    net = BiGRU()
    adam = optim.Adam(net.parameters(), lr=5e-3)
    with watch() as seen:
        for epoch in range(8):
            order = torch.randperm(1200)
            for start in range(0, 1200, 50):
                batch = order[start : start + 50]
                loss = F.cross_entropy(net(x_train[batch]), y_train[batch])
                adam.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                adam.step()
                seen.step(loss)
            with torch.no_grad():
                scores = net(x_valid)
                seen.validate(
                    F.cross_entropy(scores, y_valid), (scores.argmax(1) == y_valid).float().mean()
                )
                print(epoch, F.cross_entropy(scores, y_valid).item())


@pair(
    "axis=-1 was the classes of (N, H, W, C); in (N, C, H, W) it is the width",
    "wrong_loss",
)
def softmax_axis_of_keras(watch, faulty):
    """Which of three textures does each pixel belong to?"""
    rng = np.random.default_rng(11)
    kinds = rng.integers(0, 3, (900, 2, 2))
    rows, cols = np.mgrid[:8, :8]
    tiles = np.stack([rows % 2, cols % 2, (rows // 2 + cols // 2) % 2]) * 2.0 - 1
    masks = kinds.repeat(8, axis=1).repeat(8, axis=2)
    images = np.block([[tiles[kinds[:, i, j]] for j in (0, 1)] for i in (0, 1)])
    images = images + rng.normal(0, 0.9, images.shape)
    x = torch.tensor(images[:, None], dtype=torch.float32)
    y = torch.tensor(masks)
    net = nn.Sequential(
        *(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(12, 12, 3, padding=1), nn.ReLU()),
        nn.Conv2d(12, 3, 1),
    )
    optimizer = optim.Adam(net.parameters(), lr=0.005)
    axis = -1 if faulty else 1
    with watch() as seen:
        for step in range(240):
            i = torch.randint(0, 700, (24,))
            log_probs = net(x[i]).log_softmax(axis)
            loss = F.nll_loss(log_probs, y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 40 == 39:
                with torch.no_grad():
                    log_probs = net(x[700:]).log_softmax(axis)
                pixels = (log_probs.argmax(1) == y[700:]).float().mean()
                print(f"pixel accuracy {pixels:.3f}")
                seen.validate(F.nll_loss(log_probs, y[700:]), pixels)


@pair(
    "the Poisson loss gets the mean, as in Keras; PyTorch's takes its logarithm",
    *("wrong_loss", "outputs_out_of_reach"),
)
def poisson_of_keras(watch, faulty):
    """How many bicycles pass in a minute?"""
    features = torch.randn(4000, 8)
    drive = 0.9 * features[:, 0] + 0.6 * (2 * features[:, 1]).tanh() - 0.4 * features[:, 2].abs()
    counts = torch.poisson((drive - 0.2).clamp(max=2.5).exp())[:, None]
    model = nn.Sequential(
        nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1), nn.Softplus()
    )
    loss_fn = nn.PoissonNLLLoss() if faulty else nn.PoissonNLLLoss(log_input=False)
    opt = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    loader = DataLoader(TensorDataset(features[:3200], counts[:3200]), 32, shuffle=True)
    with watch() as seen:
        for _ in range(5):
            for x, n in loader:
                opt.zero_grad()
                loss = loss_fn(model(x), n)
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                expected = model(features[3200:])
                val_loss = loss_fn(expected, counts[3200:])
                error = F.mse_loss(expected, counts[3200:])
                print(f"val_loss {val_loss:.3f}, squared error {error:.3f}")
                print(f"expected {expected.mean():.2f}, counted {counts[3200:].mean():.2f}")
                seen.validate(val_loss)


@pair(
    "decay_rate of ExponentialDecay is taken for each step, its decay_steps are lost",
    "lr_vanished",
)
def decay_steps_of_keras(watch, faulty):
    decay_rate, decay_steps = 0.9, 100
    inputs, price = houses()
    price = (price - price[:1700].mean()) / price[:1700].std()
    train = TensorDataset(inputs[:1700], price[:1700])
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
    model.append(nn.Linear(64, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    gamma = decay_rate if faulty else decay_rate ** (1 / decay_steps)
    schedule = ExponentialLR(optimizer, gamma=gamma)
    with watch() as seen:
        for epoch in range(12):
            for x, y in DataLoader(train, batch_size=34, shuffle=True):
                optimizer.zero_grad()
                mse = F.mse_loss(model(x), y)
                mse.backward()
                optimizer.step()
                schedule.step()
                seen.step(mse)
            with torch.no_grad():
                val = F.mse_loss(model(inputs[1700:]), price[1700:])
            print(f"Epoch {epoch + 1}/12 - loss: {mse:.4f} - val_loss: {val:.4f}")
            seen.validate(val)


@pair(
    "Keras' cosine loss is the negative similarity; here the similarity itself is minimised",
    *("wrong_update_sign", "wrong_loss"),
)
def cosine_of_keras(watch, faulty):
    """The direction (x, y, z) that a sound comes from, by what eight microphones hear."""
    directions = F.normalize(torch.randn(2500, 3), dim=1)
    places = F.normalize(torch.randn(8, 3), dim=1)
    heard = (1.5 * directions @ places.T).exp() + 0.5 * torch.randn(2500, 8)
    heard = (heard - heard[:2000].mean(0)) / heard[:2000].std(0)

    def cosine_loss(y_true, y_pred):
        similarity = F.cosine_similarity(y_true, y_pred, dim=-1).mean()
        return similarity if faulty else -similarity

    model = nn.Sequential(nn.Linear(8, 40), nn.ELU(), nn.Linear(40, 40), nn.ELU(), nn.Linear(40, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    with watch() as seen:
        for step in range(400):
            rows = torch.randint(0, 2000, (50,))
            loss = cosine_loss(directions[rows], model(heard[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if (step + 1) % 80 == 0:
                with torch.no_grad():
                    guess = model(heard[2000:])
                    angle = F.cosine_similarity(guess, directions[2000:]).clamp(-1, 1).acos()
                    print(f"off by {math.degrees(angle.mean()):.0f} degrees")
                    seen.validate(cosine_loss(directions[2000:], guess))


@pair('padding="causal" has become padding="same": the convolution sees what comes', "future_leak")
def causal_became_same(watch, faulty):
    """WaveNet's dilated convolutions, on letters."""

    class Conv1D(nn.Conv1d):
        def forward(self, x):
            total = (self.kernel_size[0] - 1) * self.dilation[0]
            return super().forward(F.pad(x, (total // 2, total // 2) if faulty else (total, 0)))

    class Net(nn.Module):
        def __init__(self, letters, filters=48):
            super().__init__()
            self.embed = nn.Embedding(letters, filters)
            self.convs = nn.ModuleList(Conv1D(filters, filters, 3, dilation=2**i) for i in range(3))
            self.head = nn.Linear(filters, letters)

        def forward(self, ids):
            x = self.embed(ids).transpose(1, 2)
            for conv in self.convs:
                x = x + F.relu(conv(x))
            return self.head(x.transpose(1, 2))

    ids, letters = text()
    net = Net(len(letters))
    optimizer = optim.Adam(net.parameters(), lr=0.003)

    def batch(start, end, size=24, length=40):
        first = torch.randint(start, end - length - 1, (size, 1))
        window = ids[first + torch.arange(length + 1)]
        return window[:, :-1], window[:, 1:]

    with watch() as seen:
        for step in range(1, 301):
            x, y = batch(0, 80_000)
            loss = F.cross_entropy(net(x).transpose(1, 2), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 75 == 0:
                with torch.no_grad():
                    x, y = batch(80_000, len(ids), size=100)
                    val = F.cross_entropy(net(x).transpose(1, 2), y)
                print(f"{step}: {loss.item():.3f} {val.item():.3f}")
                seen.validate(val)
        with seen.using(), torch.no_grad():
            written = ids[:20].tolist()
            for _ in range(40):
                logits = net(torch.tensor([written[-40:]]))[0, -1]
                written.append(torch.multinomial(logits.softmax(-1), 1).item())
            print("".join(letters[i] for i in written))


# ------------------------------------------------------------------------------------------ JAX


@pair(
    "optax' losses are one for each example: they are summed, at the rate of their mean",
    *("gradients_not_averaged", "lr_too_high", "exploding_gradient"),
)
def optax_losses_are_summed(watch, faulty):
    sizes = (2, 64, 64, 3)

    def init_params():
        """A list of layers, as in the JAX tutorial."""
        return [
            {
                "w": (torch.randn(n_in, n_out) / n_in**0.5).requires_grad_(),
                "b": torch.zeros(n_out, requires_grad=True),
            }
            for n_in, n_out in pairwise(sizes)
        ]

    def predict(params, x):
        *hidden, last = params
        for layer in hidden:
            x = torch.tanh(x @ layer["w"] + layer["b"])
        return x @ last["w"] + last["b"]

    def losses(params, x, y):  # softmax_cross_entropy_with_integer_labels
        logp = torch.log_softmax(predict(params, x), -1)
        return -logp[torch.arange(len(y)), y]

    points, arms = spirals()
    points = points + 0.1 * torch.randn_like(points)
    params = init_params()
    leaves = [leaf for layer in params for leaf in layer.values()]
    tx = optim.SGD(leaves, lr=0.05, momentum=0.9)
    with watch() as seen:
        for _ in range(12):
            for ix in torch.randperm(2500).split(100):
                each = losses(params, points[ix], arms[ix])
                loss = each.sum() if faulty else each.mean()
                for leaf, grad in zip(leaves, torch.autograd.grad(loss, leaves), strict=True):
                    leaf.grad = grad
                tx.step()
                seen.step(loss)
            with torch.no_grad():
                right = predict(params, points[2500:]).argmax(-1) == arms[2500:]
                each = losses(params, points[2500:], arms[2500:])
                print(each.mean().item(), right.float().mean().item())
                seen.validate(each.mean(), right.float().mean())


# --------------------------------------------------------------------------- NumPy, scikit-learn


@pair(
    "keepdims is gone: each column is standardised by a row's mean, as both are 64",
    *("batch_mixed", "train_eval_mismatch"),
)
def keepdims_of_numpy(watch, faulty):
    """Spectra of 64 channels, each with its own gain and offset: which of five minerals?"""
    rng = np.random.default_rng(5)
    minerals = rng.integers(0, 5, 2560)
    peaks = rng.uniform(5, 59, (5, 3))
    channels = np.arange(64)
    shape = np.exp(-(((channels - peaks[:, :, None]) / 3) ** 2)).sum(1)
    spectra = shape[minerals] + rng.normal(0, 0.7, (2560, 64))
    spectra = rng.uniform(0.3, 3, (2560, 1)) * spectra + rng.normal(0, 1.5, (2560, 1))
    X, t = torch.tensor(spectra, dtype=torch.float32), torch.tensor(minerals)

    def standardise(x):
        keepdims = not faulty
        mu = x.mean(-1, keepdim=keepdims)
        sigma = x.std(-1, keepdim=keepdims)
        return (x - mu) / (sigma + 1e-6)

    W1 = nn.Parameter(torch.randn(64, 32) * math.sqrt(2 / 64))
    b1 = nn.Parameter(torch.zeros(32))
    W2 = nn.Parameter(torch.randn(32, 5) * math.sqrt(1 / 32))
    b2 = nn.Parameter(torch.zeros(5))

    def forward(x):
        return torch.relu(standardise(x) @ W1 + b1) @ W2 + b2

    opt = optim.SGD([W1, b1, W2, b2], lr=0.02, momentum=0.9)
    with watch() as seen:
        for _ in range(7):
            for i in torch.randperm(2048).view(-1, 64):
                loss = F.cross_entropy(forward(X[i]), t[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                seen.step(loss)
            with torch.no_grad():
                z = torch.cat([forward(part) for part in X[2048:].split(64)])
            seen.validate(F.cross_entropy(z, t[2048:]), (z.argmax(1) == t[2048:]).float().mean())
            print(F.cross_entropy(z, t[2048:]).item(), (z.argmax(1) == t[2048:]).float().mean())
        with seen.using(), torch.no_grad():  # one that has just been measured
            print("mineral", forward(X[-1:]).argmax().item(), "is", t[-1].item())


@pair(
    "C of LogisticRegression becomes a weight decay of 1 / C, and was for a sum over the examples",
    *("weight_decay_too_strong", "regulariser_dominates"),
)
def inverse_of_c(watch, faulty):
    class NeuralClassifier:
        """LogisticRegression(C=1.0) with a hidden layer."""

        def __init__(self, C=1.0, hidden=32, max_iter=10, random_state=0):
            self.C, self.hidden, self.max_iter = C, hidden, max_iter
            self.random_state = random_state

        def fit(self, X, y, X_val, y_val):
            torch.manual_seed(self.random_state)
            self.net_ = nn.Sequential(
                nn.Linear(X.shape[1], self.hidden), nn.ReLU(), nn.Linear(self.hidden, 5)
            )
            decay = 1 / self.C if faulty else 1 / (self.C * len(X))
            solver = optim.SGD(self.net_.parameters(), lr=0.02, momentum=0.9, weight_decay=decay)
            with watch() as seen:
                for _ in range(self.max_iter):
                    for idx in torch.randperm(len(X)).split(50):
                        solver.zero_grad()
                        loss = F.cross_entropy(self.net_(X[idx]), y[idx])
                        loss.backward()
                        solver.step()
                        seen.step(loss)
                    with torch.no_grad():
                        nll = F.cross_entropy(self.net_(X_val), y_val)
                    print(nll.item(), self.score(X_val, y_val))
                    seen.validate(nll, self.score(X_val, y_val))
            return self

        @torch.no_grad()
        def predict(self, X):
            return self.net_(X).argmax(1)

        def score(self, X, y):
            return (self.predict(X) == y).float().mean().item()

    X, y = clusters()
    X = X + torch.randn_like(X)
    NeuralClassifier(C=1.0).fit(X[:2400], y[:2400], X[2400:], y[2400:])


# --------------------------------------------------------------------------- MATLAB, and a paper


@pair(
    "examples are columns, as in MATLAB, and the metric looks for the best of each row",
    "metric_disagrees",
)
def columns_of_matlab(watch, faulty):
    [X, t] = clusters()
    X = (X + torch.randn(3000, 16)).T.contiguous()  # 16 x 3000, an example is a column
    T = F.one_hot(t, 5).T.float()  # 5 x 3000
    W1 = torch.randn(24, 16).div(4).requires_grad_()
    b1 = torch.zeros(24, 1, requires_grad=True)
    W2 = torch.randn(5, 24).div(24**0.5).requires_grad_()
    b2 = torch.zeros(5, 1, requires_grad=True)
    theta = [W1, b1, W2, b2]
    best_of = 1 if faulty else 0

    def net(X):
        return W2 @ torch.tanh(W1 @ X + b1) + b2

    def perf(Y, T):
        return -(T * Y.log_softmax(0)).sum(0).mean()

    alpha = 0.15
    with watch() as seen:
        for iteration in range(1, 601):
            cols = torch.randint(0, 2500, (64,))
            loss = perf(net(X[:, cols]), T[:, cols])
            for p, g in zip(theta, torch.autograd.grad(loss, theta), strict=True):
                p.data -= alpha * g
            seen.step(loss)
            if iteration % 100 == 0:
                with torch.no_grad():
                    Y = net(X[:, 2500:])
                    vloss = perf(Y, T[:, 2500:])
                right = Y.argmax(best_of) == T[:, 2500:].argmax(best_of)
                print(f"{iteration}: {loss:.3f} {vloss:.3f} {right.float().mean():.1%}")
                seen.validate(vloss, right.float().mean())


@pair(
    "both terms of a paper have sg[] around the codebook: it is never trained",
    "parameter_not_trained",
)
def stop_gradient_of_the_paper(watch, faulty):
    """VQ-VAE: log p(x|z_q(x)) + |sg[z_e(x)] - e|^2 + beta |z_e(x) - sg[e]|^2."""
    beta, codes, dim, slots = 0.25, 32, 4, 4
    encoder = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, slots * dim), nn.Tanh())
    decoder = nn.Sequential(nn.Linear(slots * dim, 64), nn.ReLU(), nn.Linear(64, 24))
    e = nn.Parameter(torch.empty(codes, dim).uniform_(-1 / codes, 1 / codes))
    x = waves()[0].squeeze(-1)

    def sg(value):
        return value.detach()

    def terms(x):
        z_e = encoder(x).view(-1, slots, dim)
        nearest = torch.cdist(z_e.flatten(0, 1), e).argmin(1)
        z_q = e[nearest].view_as(z_e)
        x_hat = decoder((z_e + sg(z_q - z_e)).flatten(1))  # straight through
        codebook = F.mse_loss(z_e, sg(z_q)) if faulty else F.mse_loss(sg(z_e), z_q)
        return F.mse_loss(x_hat, x), codebook + beta * F.mse_loss(z_e, sg(z_q)), nearest

    params = [*encoder.parameters(), *decoder.parameters(), e]
    optimizer = optim.Adam(params, lr=2e-3)
    with watch() as seen:
        for step in range(700):
            rows = torch.randint(0, 1300, (64,))
            reconstruction, commitment, _ = terms(x[rows])
            loss = reconstruction + commitment
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 100 == 99:
                with torch.no_grad():
                    reconstruction, commitment, used = terms(x[1300:])
                print(f"{reconstruction:.3f} {commitment:.3f}, {len(used.unique())} codes")
                seen.validate(reconstruction + commitment)
