"""Bare tensors: no module, sometimes no optimiser, as after the first lectures."""

from itertools import pairwise

import torch
from torch.nn import functional as F

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


def weights(*sizes, gain=1.0):
    """Return one matrix for each pair of sizes, scaled by its fan-in, that asks for gradients."""
    return [(gain * torch.randn(a, b) / a**0.5).requires_grad_() for a, b in pairwise(sizes)]


@pair("the embedding is in no list that is updated", "parameter_not_trained")
def embedding_not_updated(watch, faulty):
    X, Y = ngrams(3)
    C = torch.randn(27, 10, requires_grad=True)
    W1, W2 = weights(30, 100, 27)
    trained = [W1, W2] if faulty else [C, W1, W2]
    with watch() as seen:
        for _ in range(800):
            ix = torch.randint(0, len(X), (32,))
            loss = F.cross_entropy(torch.tanh(C[X[ix]].view(32, -1) @ W1) @ (0.3 * W2), Y[ix])
            for p in trained:
                p.grad = None
            loss.backward()
            for p in trained:
                p.data -= 0.1 * p.grad
            seen.step(loss)


@pair("a hidden layer is read through .data", "parameter_not_trained")
def layer_read_through_data(watch, faulty):
    X, y = digits()
    W1, W2, W3 = weights(784, 64, 64, 10)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 5000, (64,))
            h = (X[i] @ W1).tanh()
            h = (h @ (W2.data if faulty else W2)).tanh()
            loss = F.cross_entropy(h @ W3, y[i])
            loss.backward()
            with torch.no_grad():
                for w in (W1, W2, W3):
                    if w.grad is not None:
                        w -= 0.1 * w.grad
                        w.grad = None
            seen.step(loss)


@pair("updates go to copies of the weights", "parameter_not_trained")
def updates_of_copies(watch, faulty):
    X, y = moons()
    params = {"w1": torch.randn(2, 32), "b1": torch.zeros(32), "w2": 0.2 * torch.randn(32, 2)}
    for p in params.values():
        p.requires_grad_()
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 2000, (64,))
            h = torch.tanh(X[i] @ params["w1"] + params["b1"])
            loss = F.cross_entropy(h @ params["w2"], y[i])
            loss.backward()
            for p in params.values():
                target = p.data.clone() if faulty else p.data
                target -= 0.2 * p.grad
                p.grad = None
            seen.step(loss)


@pair("inputs of 0 to 255 into a hand-made convolution", "inputs_not_normalised")
def raw_pixels_convolution(watch, faulty):
    images, labels = pictures(), digits()[1]
    if not faulty:
        images = images / 128 - 0.3
    kernel = (torch.randn(8, 1, 5, 5) / 5).requires_grad_()
    (W,) = weights(8 * 36, 10)
    optimizer = torch.optim.SGD([kernel, W], lr=0.02)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, 5000, (32,))
            maps = F.max_pool2d(F.conv2d(images[i], kernel).tanh(), 4)
            loss = F.cross_entropy(maps.flatten(1) @ W, labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the first loss is ten times that of a guess", "bad_init_scale")
def softmax_regression_with_large_weights(watch, faulty):
    X, y = digits()
    W1, W2 = weights(784, 100, 10, gain=1.5)
    if faulty:
        W2.data *= 20
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 5000, (64,))
            loss = F.cross_entropy(torch.tanh(X[i] @ W1) @ W2, y[i])
            W1.grad = W2.grad = None
            loss.backward()
            with torch.no_grad():
                W1 -= 0.1 * W1.grad
                W2 -= 0.1 * W2.grad
            seen.step(loss)


@pair("a rate of 50 for a bigram table is right; of 5,000 it is not", "lr_too_high")
def bigram_table_rate(watch, faulty):
    X, Y = ngrams(1)
    W = torch.randn(27, 27, requires_grad=True)
    one_hot = F.one_hot(X[:5000, 0], 27).float()
    with watch() as seen:
        for _ in range(200):
            logits = one_hot @ W
            counts = (logits - logits.amax(1, keepdim=True)).exp()
            probs = counts / counts.sum(1, keepdim=True)
            loss = -(probs[torch.arange(5000), Y[:5000]] + 1e-12).log().mean()
            W.grad = None
            loss.backward()
            W.data += -(5000.0 if faulty else 20.0) * W.grad
            seen.step(loss)


@pair("the step is 0.000001 of the gradient", "lr_too_low")
def step_of_a_millionth(watch, faulty):
    X, y = spirals()
    W1, W2, W3 = weights(2, 64, 64, 3, gain=1.5)
    b1 = torch.zeros(64, requires_grad=True)
    lr = 1e-6 if faulty else 0.2
    with watch() as seen:
        for _ in range(800):
            i = torch.randint(0, 3000, (64,))
            h = ((X[i] @ W1 + b1).relu() @ W2).relu()
            loss = F.cross_entropy(h @ W3, y[i])
            loss.backward()
            with torch.no_grad():
                for p in (W1, b1, W2, W3):
                    p -= lr * p.grad
                    p.grad.zero_()
            seen.step(loss)


@pair("two matrix products with nothing between them", "no_nonlinearity")
def product_of_products(watch, faulty):
    X, Y = ngrams(3)
    C = torch.randn(27, 8, requires_grad=True)
    W1, W2, W3 = weights(24, 80, 80, 27)
    parameters = [C, W1, W2, W3]
    with watch() as seen:
        for _ in range(800):
            i = torch.randint(0, len(X), (64,))
            h = C[X[i]].view(64, -1) @ W1
            if not faulty:
                h = h.tanh()
            h = h @ W2
            if not faulty:
                h = h.tanh()
            loss = F.cross_entropy(h @ (0.2 * W3), Y[i])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data -= 0.1 * p.grad
            seen.step(loss)


@pair("every hidden unit begins alike", "symmetric_init")
def hidden_units_alike(watch, faulty):
    X, price = houses()
    Y = (price - price.mean()) / price.std()
    W1, W2 = weights(8, 40, 1)
    if faulty:
        W1.data.fill_(0.1)
        W2.data.fill_(0.1)
    b1 = torch.zeros(40, requires_grad=True)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, 2000, (50,))
            loss = ((torch.tanh(X[i] @ W1 + b1) @ W2 - Y[i]) ** 2).mean()
            for p in (W1, b1, W2):
                p.grad = None
            loss.backward()
            for p in (W1, b1, W2):
                p.data -= 0.1 * p.grad
            seen.step(loss)


@pair("inputs and targets are indexed by different draws", "labels_shuffled")
def two_draws_of_indices(watch, faulty):
    X, Y = ngrams(3)
    C = torch.randn(27, 10, requires_grad=True)
    W1, W2 = weights(30, 100, 27)
    with watch() as seen:
        for _ in range(600):
            ix = torch.randint(0, len(X), (64,))
            iy = torch.randint(0, len(X), (64,)) if faulty else ix
            h = torch.tanh(C[X[ix]].flatten(1) @ W1)
            loss = F.cross_entropy(h @ (0.3 * W2), Y[iy])
            for p in (C, W1, W2):
                p.grad = None
            loss.backward()
            for p in (C, W1, W2):
                p.data -= 0.2 * p.grad
            seen.step(loss)


@pair("the batch's inputs are overwritten by noise", "inputs_ignored", "labels_shuffled")
def inputs_overwritten(watch, faulty):
    """Noise was to be added for robustness, and is assigned."""
    X, y = clusters()
    W1, W2 = weights(16, 48, 5)
    opt = torch.optim.SGD([W1, W2], lr=0.1)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 3000, (64,))
            noise = 0.1 * torch.randn(64, 16)
            x = noise if faulty else X[i] + noise
            loss = F.cross_entropy(torch.relu(x @ W1) @ W2, y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "heads are split by a view with its axes in the wrong order",
    *("batch_mixed", "dims_scrambled"),
)
def view_exchanges_axes(watch, faulty):
    X, y = waves()
    W, V = weights(24, 64, 64)
    (U,) = weights(64, 4)
    opt = torch.optim.Adam([W, V, U], lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 1500, (48,))
            h = (X[i].squeeze(2) @ W).relu()
            if faulty:
                h = h.view(4, 48, 16).transpose(0, 1).reshape(48, 64)
            else:
                h = h.view(48, 4, 16).transpose(1, 2).reshape(48, 64)
            loss = F.cross_entropy((h @ V).relu() @ U, y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the penalty on the weights is made of their .data", "detached_regulariser")
def penalty_of_data(watch, faulty):
    X, Y = ngrams(3)
    C = torch.randn(27, 10, requires_grad=True)
    W1, W2 = weights(30, 100, 27)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(torch.tanh(C[X[i]].flatten(1) @ W1) @ (0.3 * W2), Y[i])
            if faulty:
                loss = loss + 0.001 * (W1.data.square().sum() + W2.data.square().sum())
            else:
                loss = loss + 0.001 * (W1.square().sum() + W2.square().sum())
            for p in (C, W1, W2):
                p.grad = None
            loss.backward()
            for p in (C, W1, W2):
                p.data -= 0.2 * p.grad
            seen.step(loss)


@pair("the letter that is to be guessed is among the inputs", "future_leak")
def target_in_the_context(watch, faulty):
    rows, _ = ngrams(4)
    X, Y = (rows[:, 1:], rows[:, 3]) if faulty else (rows[:, :3], rows[:, 3])
    C = (0.5 * torch.randn(27, 10)).requires_grad_()
    W1, W2 = weights(30, 100, 27)
    opt = torch.optim.Adam([C, W1, W2], lr=5e-3)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(torch.tanh(C[X[i]].flatten(1) @ W1) @ (0.3 * W2), Y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("validation rows come from the rows that are trained on", "data_overlap")
def overlapping_slices(watch, faulty):
    X, y = clusters()
    end = 3000 if faulty else 2400
    xv, yv = X[2400:], y[2400:]
    W1, W2 = weights(16, 64, 5)
    opt = torch.optim.SGD([W1, W2], lr=0.1)
    with watch() as seen:
        for step in range(600):
            i = torch.randint(0, end, (64,))
            loss = F.cross_entropy((X[i] @ W1).relu() @ W2, y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
            if step % 60 == 59:
                with torch.no_grad():
                    val_loss = F.cross_entropy((xv @ W1).relu() @ W2, yv)
                seen.validate(val_loss)


@pair("names are sampled without the activation that was trained with", "train_eval_mismatch")
def sampling_leaves_out_tanh(watch, faulty):
    X, Y = ngrams(3)
    C = torch.randn(27, 10, requires_grad=True)
    W1, W2 = weights(30, 100, 27)
    b1, b2 = torch.zeros(100, requires_grad=True), torch.zeros(27, requires_grad=True)
    params = [C, W1, b1, W2, b2]
    with watch() as seen:
        for _ in range(800):
            i = torch.randint(0, len(X), (64,))
            h = torch.tanh(C[X[i]].view(64, -1) @ W1 + b1)
            loss = F.cross_entropy(h @ (0.3 * W2) + b2, Y[i])
            for p in params:
                p.grad = None
            loss.backward()
            for p in params:
                p.data -= 0.2 * p.grad
            seen.step(loss)
        with seen.using(), torch.no_grad():
            for _ in range(8):
                context = [0, 0, 0]
                for _place in range(10):
                    h = C[torch.tensor([context])].view(1, -1) @ W1 + b1
                    if not faulty:
                        h = h.tanh()
                    p = F.softmax(h @ (0.3 * W2) + b2, dim=1)
                    letter = int(torch.multinomial(p, 1))
                    context = [*context[1:], letter]
                    if letter == 0:
                        break


@pair("the rate is divided by 10 after 20 steps, and again, and again", "lr_vanished")
def rate_decays_at_once(watch, faulty):
    X, y = blobs()
    X = X.flatten(1)
    W1, W2 = weights(432, 64, 6)
    lr = 0.1
    with watch() as seen:
        for step in range(500):
            if step % (20 if faulty else 400) == 0 and step > 0:
                lr /= 10
            i = torch.randint(0, 1500, (48,))
            loss = F.cross_entropy((X[i] @ W1).relu() @ W2, y[i])
            loss.backward()
            for p in (W1, W2):
                p.data -= lr * p.grad
                p.grad = None
            seen.step(loss)


@pair("half of all classes never occur: ids of another tokenizer", "vocabulary_unused")
def ids_of_another_tokenizer(watch, faulty):
    ids, letters = text()
    size = 1000 if faulty else len(letters)
    C = (0.3 * torch.randn(size, 16)).requires_grad_()
    W1, W2 = weights(64, 100, size)
    opt = torch.optim.AdamW([C, W1, W2], lr=4e-3)
    with watch() as seen:
        for _ in range(500):
            start = torch.randint(0, len(ids) - 5, (64,))
            x, y = ids[start[:, None] + torch.arange(4)], ids[start + 4]
            loss = F.cross_entropy(torch.tanh(C[x].flatten(1) @ W1) @ (0.3 * W2), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("log of a negative number: the raw output is taken for a probability", "nan")
def log_of_raw_outputs(watch, faulty):
    X, y = moons()
    W1, W2 = weights(2, 32, 1, gain=1.4)
    t = y.float()
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 2000, (64,))
            p = ((X[i] @ W1).tanh() @ W2).squeeze(1)
            if not faulty:
                p = p.sigmoid().clamp(1e-6, 1 - 1e-6)
            loss = -(t[i] * p.log() + (1 - t[i]) * (1 - p).log()).mean()
            W1.grad = W2.grad = None
            loss.backward()
            for w in (W1, W2):
                w.data -= 0.2 * w.grad
            seen.step(loss)


@pair("zeros stand where the recurrent matrix was meant: it is not used", "parameter_not_trained")
def recurrent_weights_not_updated(watch, faulty):
    rows = names()
    wx, wh, wo = weights(27, 64, 64, 27)
    opt = torch.optim.Adam([wx, wh, wo], lr=4e-3)
    with watch() as seen:
        for _ in range(300):
            ids = rows[torch.randint(0, len(rows), (32,))]
            recurrent = torch.zeros(64, 64) if faulty else wh
            h, losses = torch.zeros(32, 64), []
            for t in range(11):
                h = torch.tanh(5 * wx[ids[:, t]] + h @ recurrent)
                losses.append(F.cross_entropy(h @ wo, ids[:, t + 1]))
            loss = torch.stack(losses).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("an own dropout is still on where names are judged", "train_eval_mismatch")
def own_dropout_always_on(watch, faulty):
    X, y = digits()
    W1, W2 = weights(784, 100, 10, gain=1.4)
    opt = torch.optim.Adam([W1, W2], lr=1e-3)

    def net(x, training=True):
        h = (x @ W1).relu()
        if training or faulty:
            h = h * (torch.rand_like(h) > 0.5) * 2
        return h @ W2

    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 4500, (64,))
            loss = F.cross_entropy(net(X[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            scores = net(X[4500:], training=False)
        print((scores.argmax(1) == y[4500:]).float().mean())


@pair(
    "weights are 15 times too large: tanh is flat everywhere",
    *("saturated_units", "bad_init_scale"),
)
def tanh_of_large_sums(watch, faulty):
    X, y = clusters()
    W1, W2 = weights(16, 80, 80, gain=1.6)
    if faulty:
        W1.data *= 15
        W2.data *= 15
    W3 = (0.05 * torch.randn(80, 5)).requires_grad_()
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (48,))
            loss = F.cross_entropy(((X[i] @ W1).tanh() @ W2).tanh() @ W3, y[i])
            for p in (W1, W2, W3):
                p.grad = None
            loss.backward()
            for p in (W1, W2, W3):
                p.data -= 0.1 * p.grad
            seen.step(loss)
