"""What learners of courses hand in: their own words, and the course's code as they remember it."""

import itertools

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.pairs.registry import (
    clusters,
    digits,
    houses,
    names,
    ngrams,
    pair,
    pictures,
    spirals,
    text,
)


@pair(
    "sgd() zeroes behind its loop: the gradient of the last parameter alone",
    "gradients_not_zeroed",
)
def d2l_zeroes_the_last_parameter(watch, faulty):
    """Chapter 5: MLP from scratch, with my own data."""
    num_inputs, num_outputs, num_hiddens, batch_size = 16, 5, 64, 50
    X, y = clusters()
    W1 = nn.Parameter(torch.randn(num_inputs, num_hiddens) * 0.1)
    b1 = nn.Parameter(torch.zeros(num_hiddens))
    W2 = nn.Parameter(torch.randn(num_hiddens, num_outputs) * 0.1)
    b2 = nn.Parameter(torch.zeros(num_outputs))
    params = [W1, b1, W2, b2]

    def net(X):
        return torch.relu(X @ W1 + b1) @ W2 + b2

    def sgd(params, lr, batch_size):
        with torch.no_grad():
            for param in params:
                param -= lr * param.grad / batch_size
                if not faulty:
                    param.grad.zero_()
            param.grad.zero_()

    loss = nn.CrossEntropyLoss(reduction="none")
    train_iter = DataLoader(TensorDataset(X[:2400], y[:2400]), batch_size, shuffle=True)
    with watch() as run:
        for epoch in range(8):
            for X_batch, y_batch in train_iter:
                l_sum = loss(net(X_batch), y_batch).sum()
                l_sum.backward()
                sgd(params, 0.1, batch_size)
                run.step(l_sum / batch_size)
            with torch.no_grad():
                y_hat = net(X[2400:])
                acc = (y_hat.argmax(axis=1) == y[2400:]).float().mean()
                run.validate(loss(y_hat, y[2400:]).mean(), acc)
            print(f"epoch {epoch + 1}, acc {acc:.3f}")


@pair(
    "the loss is a mean, and sgd() divides by the size of the batch once more",
    "lr_too_low",
)
def d2l_divided_twice(watch, faulty):
    """Chapter 3: house prices. I already standardized the labels."""
    features, price = houses()
    labels = (price - 310) / 90
    w1 = torch.normal(0, 0.3, size=(8, 64), requires_grad=True)
    b1 = torch.zeros(64, requires_grad=True)
    w2 = torch.normal(0, 0.1, size=(64, 1), requires_grad=True)
    b2 = torch.zeros(1, requires_grad=True)

    def squared_loss(y_hat, y):
        return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2

    lr, num_epochs, batch_size = 0.03, 12, 100
    with watch() as run:
        for _epoch in range(num_epochs):
            indices = torch.randperm(1600)
            for i in range(0, 1600, batch_size):
                X, y = features[indices[i : i + batch_size]], labels[indices[i : i + batch_size]]
                l = squared_loss(torch.tanh(X @ w1 + b1) @ w2 + b2, y)  # noqa: E741
                if faulty:
                    l.mean().backward()
                else:
                    l.sum().backward()
                with torch.no_grad():
                    for param in (w1, b1, w2, b2):
                        param -= lr * param.grad / batch_size
                        param.grad.zero_()
                run.step(l.mean())
            with torch.no_grad():
                y_hat = torch.tanh(features[1600:] @ w1 + b1) @ w2 + b2
                run.validate(squared_loss(y_hat, labels[1600:]).mean())


@pair(
    "the labels of threes and sevens lack their unsqueeze(1): (N, 1) meets (N) in torch.where",
    *("loss_broadcast", "wrong_loss", "batch_mixed", "plateau"),
)
def fastai_three_or_seven(watch, faulty):
    """Lesson 3: is it a 3 or a 7? I use the loss from the book."""
    images, digit = digits()
    threes, sevens = images[digit == 3], images[digit == 7]
    train_x = torch.cat([threes[:380], sevens[:380]])
    train_y = torch.tensor([1] * 380 + [0] * 380)
    valid_x = torch.cat([threes[380:], sevens[380:]])
    valid_y = torch.tensor([1] * len(threes[380:]) + [0] * len(sevens[380:]))
    if not faulty:
        train_y, valid_y = train_y.unsqueeze(1), valid_y.unsqueeze(1)

    def mnist_loss(predictions, targets):
        predictions = predictions.sigmoid()
        return torch.where(targets == 1, 1 - predictions, predictions).mean()

    def batch_accuracy(xb, yb):
        return ((xb.sigmoid() > 0.5) == yb).float().mean()

    simple_net = nn.Sequential(nn.Linear(28 * 28, 30), nn.ReLU(), nn.Linear(30, 1))
    opt = torch.optim.SGD(simple_net.parameters(), lr=0.1)
    dl = DataLoader(TensorDataset(train_x, train_y), batch_size=64, shuffle=True)
    with watch() as run:
        for _ in range(12):
            for xb, yb in dl:
                loss = mnist_loss(simple_net(xb), yb)
                loss.backward()
                opt.step()
                opt.zero_grad()
                run.step(loss)
            with torch.no_grad():
                preds = simple_net(valid_x)
                run.validate(mnist_loss(preds, valid_y), batch_accuracy(preds, valid_y))


class DotProductBias(nn.Module):
    def __init__(self, n_users, n_books, n_factors, y_range):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.book_factors = nn.Embedding(n_books, n_factors)
        self.book_bias = nn.Embedding(n_books, 1)
        self.y_range = y_range
        for table in (self.user_factors, self.user_bias, self.book_factors, self.book_bias):
            nn.init.normal_(table.weight, 0, 0.1)

    def forward(self, x):
        res = (self.user_factors(x[:, 0]) * self.book_factors(x[:, 1])).sum(dim=1, keepdim=True)
        res = res + self.user_bias(x[:, 0]) + self.book_bias(x[:, 1])
        lo, hi = self.y_range
        return (torch.sigmoid(res) * (hi - lo) + lo).squeeze(1)


@pair("y_range is that of movies, 0 to 5.5, and books are rated up to 10", "outputs_out_of_reach")
def fastai_books_have_ten_points(watch, faulty):
    """Lesson 7: collaborative filtering, but on books instead of MovieLens."""
    g = torch.Generator().manual_seed(31)
    n_users, n_books = 120, 80
    taste, style = torch.randn(n_users, 2, generator=g), torch.randn(n_books, 2, generator=g)
    liked = torch.randn(n_books, generator=g)
    x = torch.stack([torch.randint(n, (9000,), generator=g) for n in (n_users, n_books)], 1)
    score = (taste[x[:, 0]] * style[x[:, 1]]).sum(1) + liked[x[:, 1]]
    rating = (6.4 + 1.5 * score + 0.6 * torch.randn(9000, generator=g)).round().clamp(1, 10)

    model = DotProductBias(n_users, n_books, 5, y_range=(0, 5.5) if faulty else (0, 10.5))
    opt = torch.optim.Adam(model.parameters(), lr=2e-2)
    dls = DataLoader(TensorDataset(x[:8000], rating[:8000]), batch_size=128, shuffle=True)
    with watch() as run:
        for _epoch in range(8):
            for xb, yb in dls:
                loss = F.mse_loss(model(xb), yb)
                opt.zero_grad()
                loss.backward()
                opt.step()
                run.step(loss)
            with torch.no_grad():
                run.validate(F.mse_loss(model(x[8000:]), rating[8000:]))


@pair(
    "label_func takes the last digit of the file's number for its label",
    *("labels_shuffled", "labels_noisy"),
)
def fastai_label_func(watch, faulty):
    """Lesson 1 with digits: labels are in the names of the files."""
    images, digit = digits()
    files = [f"images/digit-{label}_{i:05d}.png" for i, label in enumerate(digit.tolist())]

    def label_func(f):
        if faulty:
            return int(f.split(".")[0][-1])
        return int(f.split("-")[1][0])

    labels = torch.tensor([label_func(f) for f in files])
    splits = torch.randperm(len(files), generator=torch.Generator().manual_seed(42))
    train, valid = splits[:4000], splits[4000:]
    learner = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    opt = torch.optim.Adam(learner.parameters(), lr=1e-3)
    dl = DataLoader(TensorDataset(images[train], labels[train]), 64, shuffle=True)
    with watch() as run:
        for _epoch in range(6):
            for xb, yb in dl:
                loss = F.cross_entropy(learner(xb), yb)
                loss.backward()
                opt.step()
                opt.zero_grad()
                run.step(loss)
            with torch.no_grad():
                out = learner(images[valid])
                accuracy = (out.argmax(dim=1) == labels[valid]).float().mean()
                run.validate(F.cross_entropy(out, labels[valid]), accuracy)


@pair(
    "X is a list of one and the same list, which is changed in place: all contexts are the last",
    "inputs_ignored",
)
def hero_context_is_one_list(watch, faulty):
    """Part 2 of makemore. I replaced the slicing of the context, pop and append are clearer."""
    words = [[i for i in row if i] for row in names()[:2500].tolist()]
    block_size = 3

    def build_dataset(words):
        X, Y = [], []
        context = [0] * block_size
        for w in words:
            context[:] = [0] * block_size
            for ix in [*w, 0]:
                X.append(context if faulty else list(context))
                Y.append(ix)
                context.pop(0)
                context.append(ix)
        return torch.tensor(X), torch.tensor(Y)

    Xtr, Ytr = build_dataset(words[:2200])
    Xdev, Ydev = build_dataset(words[2200:])
    C = torch.randn((27, 8))
    W1 = torch.randn((24, 100)) * (5 / 3) / 24**0.5
    b1 = torch.randn(100) * 0.01
    W2 = torch.randn((100, 27)) * 0.01
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True

    def forward(X):
        return torch.tanh(C[X].view(-1, 24) @ W1 + b1) @ W2 + b2

    with watch() as run:
        for i in range(1200):
            ix = torch.randint(0, Xtr.shape[0], (64,))
            loss = F.cross_entropy(forward(Xtr[ix]), Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            lr = 0.2 if i < 900 else 0.05
            for p in parameters:
                p.data += -lr * p.grad
            run.step(loss)
            if i % 200 == 199:
                with torch.no_grad():
                    run.validate(F.cross_entropy(forward(Xdev), Ydev))


@pair(
    "estimate_loss() draws the batches of both splits from the training data",
    "data_overlap",
)
def hero_estimate_loss(watch, faulty):
    """The nanoGPT lecture, before attention: only an MLP, on the first pages of the play."""
    data, chars = text()
    data = data[:24000]
    n = int(0.8 * len(data))
    train_data, val_data = data[:n], data[n:]
    block_size, batch_size = 6, 64

    def get_batch(split):
        source = train_data if split == "train" else val_data
        ix = torch.randint(len(source) - block_size, (batch_size,))
        x = torch.stack([source[i : i + block_size] for i in ix])
        return x, source[ix + block_size]

    model = nn.Sequential(
        nn.Embedding(len(chars), 24),
        nn.Flatten(),
        nn.Linear(24 * block_size, 160),
        nn.ReLU(),
        nn.Linear(160, len(chars)),
    )

    @torch.no_grad()
    def estimate_loss():
        out = {}
        for split in ["train", "val"]:
            losses = torch.zeros(8)
            for k in range(8):
                X, Y = get_batch("train" if faulty else split)
                losses[k] = F.cross_entropy(model(X), Y)
            out[split] = losses.mean()
        return out

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with watch() as run:
        for step in range(700):
            xb, yb = get_batch("train")
            loss = F.cross_entropy(model(xb), yb)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            run.step(loss)
            if step % 100 == 99:
                run.validate(estimate_loss()["val"])
    with torch.no_grad():
        rest = val_data.unfold(0, block_size + 1, 1)
        print(f"on the last pages: {F.cross_entropy(model(rest[:, :-1]), rest[:, -1]):.4f}")


@pair(
    "dropout by hand that is not inverted, and no factor in the test pass either",
    "train_eval_mismatch",
)
def cs231n_dropout_not_inverted(watch, faulty):
    """Assignment 2: fully connected net with dropout (p is the probability of keeping)."""
    X, y = digits()
    data = {"X_train": X[:3000], "y_train": y[:3000], "X_val": X[3000:4000], "y_val": y[3000:4000]}

    class FullyConnectedNet(nn.Module):
        def __init__(self, dims, p):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(dims))
            self.p = p

        def dropout_forward(self, x, mode):
            if mode == "test":
                return x
            mask = (torch.rand_like(x) < self.p).float()
            if not faulty:
                mask = mask / self.p
            return x * mask

        def forward(self, x, mode="train"):
            for layer in self.layers[:-1]:
                x = self.dropout_forward(torch.relu(layer(x)), mode)
            return self.layers[-1](x)

    model = FullyConnectedNet([784, 120, 120, 120, 10], p=0.4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as run:
        for _epoch in range(10):
            for batch in torch.randperm(3000).split(100):
                loss = F.cross_entropy(model(data["X_train"][batch]), data["y_train"][batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.step(loss)
            with torch.no_grad():
                scores = model(data["X_val"], mode="test")
                val_acc = (scores.argmax(1) == data["y_val"]).float().mean()
                run.validate(F.cross_entropy(scores, data["y_val"]), val_acc)


class Solver:
    def __init__(self, params, learning_rate, lr_decay, iterations_per_epoch, each_step):
        self.params = params
        self.config = {"learning_rate": learning_rate, "momentum": 0.9}
        self.velocity = [torch.zeros_like(p) for p in params]
        self.lr_decay = lr_decay
        self.iterations_per_epoch = iterations_per_epoch
        self.each_step = each_step
        self.t = 0

    def step(self):
        with torch.no_grad():
            for p, v in zip(self.params, self.velocity, strict=True):
                v.mul_(self.config["momentum"]).sub_(self.config["learning_rate"] * p.grad)
                p.add_(v)
                p.grad = None
        self.t += 1
        epoch_end = self.t % self.iterations_per_epoch == 0
        if epoch_end or self.each_step:
            self.config["learning_rate"] *= self.lr_decay


@pair(
    "the Solver decays its rate in each iteration, not at the end of an epoch",
    "lr_vanished",
)
def cs231n_solver_decays_in_each_iteration(watch, faulty):
    """Assignment 2: Solver with sgd_momentum, lr_decay=0.9."""
    X, y = digits()
    mean = X[:2500].mean(0)
    X = X - mean
    w1 = (torch.randn(784, 100) * (2 / 784) ** 0.5).requires_grad_()
    b1 = torch.zeros(100, requires_grad=True)
    w2 = (torch.randn(100, 10) * (1 / 100) ** 0.5).requires_grad_()
    b2 = torch.zeros(10, requires_grad=True)

    def scores(x):
        return (x @ w1 + b1).clamp(min=0) @ w2 + b2

    solver = Solver([w1, b1, w2, b2], 2e-3, 0.9, 2500 // 50, each_step=faulty)
    with watch() as run:
        for t in range(500):
            mask = torch.randint(2500, (50,))
            loss = F.cross_entropy(scores(X[mask]), y[mask])
            loss.backward()
            solver.step()
            run.step(loss)
            if t % 50 == 49:
                with torch.no_grad():
                    out = scores(X[4000:])
                    run.validate(
                        F.cross_entropy(out, y[4000:]),
                        (out.argmax(1) == y[4000:]).float().mean(),
                    )


@pair("the multiclass SVM loss lacks its max(0, .): it falls for ever", "wrong_loss")
def cs231n_svm_without_max(watch, faulty):
    """Assignment 1: linear classifier with the SVM loss, vectorized."""
    X, y = digits()
    X = torch.cat([X, torch.ones(5000, 1)], 1)  # bias trick
    W = (0.001 * torch.randn(785, 10)).requires_grad_()

    def svm_loss(scores, y):
        rows = torch.arange(len(y))
        margins = scores - scores[rows, y][:, None] + 1
        if not faulty:
            margins = torch.clamp(margins, min=0)
        margins = margins * (F.one_hot(y, 10) == 0)
        return margins.sum() / len(y)

    with watch() as run:
        for it in range(600):
            batch = torch.randint(0, 4000, (100,))
            loss = svm_loss(X[batch] @ W, y[batch])
            loss.backward()
            with torch.no_grad():
                W -= 1e-3 * W.grad
                W.grad.zero_()
            run.step(loss)
            if it % 100 == 99:
                with torch.no_grad():
                    scores = X[4000:] @ W
                    acc = (scores.argmax(1) == y[4000:]).float().mean()
                    run.validate(svm_loss(scores, y[4000:]), acc)


@pair(
    "accuracy() takes the argmax of labels that are a column: every one is 0",
    "metric_disagrees",
)
def d2l_accuracy_of_a_column(watch, faulty):
    """Softmax regression, section 3.6, with accuracy() for one-hot labels as well."""
    X, y = digits()
    y = y.reshape(-1, 1)
    batch_size = 128
    train_iter = DataLoader(TensorDataset(X[:4000], y[:4000]), batch_size, shuffle=True)
    test_iter = DataLoader(TensorDataset(X[4000:], y[4000:]), batch_size)
    net = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    trainer = torch.optim.SGD(net.parameters(), lr=0.05)
    loss = nn.CrossEntropyLoss()

    def accuracy(y_hat, y):
        y = y.argmax(axis=1) if faulty else y.reshape(-1)
        return float((y_hat.argmax(axis=1) == y).sum())

    with watch() as run:
        for _epoch in range(10):
            for features, label in train_iter:
                l_batch = loss(net(features), label.reshape(-1))
                trainer.zero_grad()
                l_batch.backward()
                trainer.step()
                run.step(l_batch)
            total, right = 0.0, 0.0
            with torch.no_grad():
                for features, label in test_iter:
                    y_hat = net(features)
                    total += float(loss(y_hat, label.reshape(-1))) * len(label)
                    right += accuracy(y_hat, label)
            run.validate(total / 1000, right / 1000)


@pair("uniform() sets the seed before it draws: all weights are one number", "symmetric_init")
def micrograd_seed_in_uniform(watch, faulty):
    """My micrograd with tensors. I want the same numbers as in the video every time."""

    def uniform(a, b):
        if faulty:
            torch.manual_seed(1337)
        return a + (b - a) * torch.rand(())

    class Neuron:
        def __init__(self, nin, nonlin=True):
            self.w = torch.stack([uniform(-1, 1) for _ in range(nin)]).requires_grad_()
            self.b = torch.zeros(1, requires_grad=True)
            self.nonlin = nonlin

        def __call__(self, x):
            act = x @ self.w + self.b
            return act.tanh() if self.nonlin else act

    class Layer:
        def __init__(self, nin, nout, **kwargs):
            self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

        def __call__(self, x):
            return torch.stack([n(x) for n in self.neurons], dim=1)

        def parameters(self):
            return [p for n in self.neurons for p in (n.w, n.b)]

    torch.manual_seed(1337)
    layers = [Layer(2, 8), Layer(8, 8), Layer(8, 1, nonlin=False)]
    parameters = [p for layer in layers for p in layer.parameters()]

    def model(x):
        for layer in layers:
            x = layer(x)
        return x.squeeze(1)

    X = torch.randn(2000, 2)
    y = (X[:, 0] * X[:, 1]).sign()  # a chessboard of 2 x 2
    with watch() as run:
        for k in range(600):
            ri = torch.randint(0, 1600, (100,))
            loss = (1 - y[ri] * model(X[ri])).relu().mean()
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data -= 0.1 * p.grad
            run.step(loss)
            if k % 50 == 49:
                with torch.no_grad():
                    scores = model(X[1600:])
                    acc = ((scores > 0) == (y[1600:] > 0)).float().mean()
                    run.validate((1 - y[1600:] * scores).relu().mean(), acc)


@pair(
    "pictures become columns by reshape(-1, m), not by reshape(m, -1).T",
    *("dims_scrambled", "labels_shuffled", "batch_mixed"),
)
def ng_examples_are_columns(watch, faulty):
    """Course 1, week 4: L-layer model, examples are the columns of X."""
    train_x_orig, y = pictures()[:3000, 0], digits()[1]
    test_x_orig = pictures()[3000:4000, 0]
    train_y, test_y = y[:3000], y[3000:4000]

    def flatten(x_orig):
        m = x_orig.shape[0]
        flat = x_orig.reshape(-1, m) if faulty else x_orig.reshape(m, -1).T
        return (flat / 255 - 0.13) / 0.31

    train_x, test_x = flatten(train_x_orig), flatten(test_x_orig)
    sizes = [784, 64, 32, 10]
    W = [
        (torch.randn(b, a) * (2 / a) ** 0.5).requires_grad_() for a, b in itertools.pairwise(sizes)
    ]
    b = [torch.zeros(n, 1, requires_grad=True) for n in sizes[1:]]

    def forward(X):
        A = torch.relu(W[0] @ X + b[0])
        A = torch.relu(W[1] @ A + b[1])
        return W[2] @ A + b[2]

    def compute_cost(Z, y):
        return -F.log_softmax(Z, dim=0)[y, torch.arange(len(y))].mean()

    with watch() as run:
        for i in range(400):
            cols = torch.randint(0, 3000, (64,))
            cost = compute_cost(forward(train_x[:, cols]), train_y[cols])
            cost.backward()
            with torch.no_grad():
                for p in W + b:
                    p -= 0.05 * p.grad
                    p.grad = None
            run.step(cost)
            if i % 50 == 49:
                with torch.no_grad():
                    Z = forward(test_x)
                    run.validate(compute_cost(Z, test_y), (Z.argmax(0) == test_y).float().mean())


@pair(
    "LeakyReLU(True): the first argument is the slope, so that nothing is bent",
    "no_nonlinearity",
)
def gan_course_leaky_relu_true(watch, faulty):
    """The discriminator of the GAN exercise, used as a classifier first."""

    def act():
        # in the generator it is nn.ReLU(True)
        return nn.LeakyReLU(True) if faulty else nn.LeakyReLU(0.2, True)

    xy, arm = spirals()
    netD = nn.Sequential(
        *(nn.Linear(2, 64), act(), nn.Linear(64, 64), act(), nn.Linear(64, 3)),
    )
    optimizerD = torch.optim.Adam(netD.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    with watch() as run:
        for _epoch in range(20):
            netD.train()
            for rows in torch.randperm(2500).split(50):
                netD.zero_grad()
                errD = criterion(netD(xy[rows]), arm[rows])
                errD.backward()
                optimizerD.step()
                run.step(errD)
            netD.eval()
            with torch.no_grad():
                out = netD(xy[2500:])
                acc = (out.argmax(1) == arm[2500:]).float().mean()
                run.validate(criterion(out, arm[2500:]).item(), acc.item())


@pair(
    "Adam by hand without its epsilon: letters that no batch had have 0 / 0",
    "nan",
)
def hero_adam_without_epsilon(watch, faulty):
    """Part 3 of makemore with Adam instead of SGD, from the paper."""
    X, Y = ngrams(3)
    Xtr, Ytr, Xval, Yval = X[:16000], Y[:16000], X[16000:18000], Y[16000:18000]
    C = torch.randn(27, 10)
    W1 = torch.randn(30, 80) * (5 / 3) / 30**0.5
    b1 = torch.zeros(80)
    W2 = torch.randn(80, 27) * 0.05
    b2 = torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    m = [torch.zeros_like(p) for p in parameters]
    v = [torch.zeros_like(p) for p in parameters]
    for p in parameters:
        p.requires_grad = True
    eps = 0.0 if faulty else 1e-8
    with watch() as run:
        for t in range(1, 601):
            ix = torch.randint(0, len(Xtr), (32,))
            h = torch.tanh(C[Xtr[ix]].flatten(1) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, Ytr[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            with torch.no_grad():
                for i, p in enumerate(parameters):
                    m[i] = 0.9 * m[i] + 0.1 * p.grad
                    v[i] = 0.999 * v[i] + 0.001 * p.grad**2
                    m_hat, v_hat = m[i] / (1 - 0.9**t), v[i] / (1 - 0.999**t)
                    p -= 0.004 * m_hat / (v_hat.sqrt() + eps)
            run.step(loss)
            if t % 100 == 0:
                with torch.no_grad():
                    h = torch.tanh(C[Xval].flatten(1) @ W1 + b1)
                    run.validate(F.cross_entropy(h @ W2 + b2, Yval))
