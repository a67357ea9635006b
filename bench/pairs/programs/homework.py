"""Course homework: small networks after the lectures, often with layers of the student's own."""

import torch
from torch import nn
from torch.nn import functional as F

from bench.pairs.registry import (
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
)


class Linear:
    """The lecture's layer: a plain class, not a module."""

    def __init__(self, fan_in, fan_out, gain=1.0):
        self.weight = gain * torch.randn(fan_in, fan_out) / fan_in**0.5
        self.bias = torch.zeros(fan_out)

    def __call__(self, x):
        self.out = x @ self.weight + self.bias
        return self.out

    def parameters(self):
        return [self.weight, self.bias]


class Tanh:
    def __call__(self, x):
        self.out = x.tanh()
        return self.out

    def parameters(self):
        return []


@pair("the output layer begins with weights of standard deviation 1", "bad_init_scale")
def output_layer_too_large(watch, faulty):
    X, Y = ngrams(3)
    C = torch.randn(27, 10, requires_grad=True)
    layers = [Linear(30, 100, 5 / 3), Tanh(), Linear(100, 27, 30.0 if faulty else 0.1)]
    parameters = [C] + [p for layer in layers for p in layer.parameters()]
    for p in parameters:
        p.requires_grad_()
    with watch() as seen:
        for _ in range(800):
            i = torch.randint(0, len(X), (32,))
            x = C[X[i]].flatten(1)
            for layer in layers:
                x = layer(x)
            loss = F.cross_entropy(x, Y[i])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data -= 0.1 * p.grad
            seen.step(loss)


@pair(
    "hidden weights are not scaled by their fan-in: tanh is flat",
    "saturated_units",
    "bad_init_scale",
)
def hidden_layers_saturated(watch, faulty):
    x_all, y_all = digits()
    gain = 28.0 if faulty else 5 / 3
    layers = [Linear(784, 100, gain), Tanh(), Linear(100, 100, gain / 2), Tanh()]
    layers.append(Linear(100, 10, 0.1))
    parameters = [p for layer in layers for p in layer.parameters()]
    for p in parameters:
        p.requires_grad_()
    optimizer = torch.optim.SGD(parameters, lr=0.05)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 5000, (64,))
            x = x_all[i]
            for layer in layers:
                x = layer(x)
            loss = F.cross_entropy(x, y_all[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "biases begin at -8: no relu is ever on",
    "dead_units",
    "parameter_not_trained",
    "inputs_ignored",
)
def relu_born_dead(watch, faulty):
    X, y = spirals()
    fc1, fc2, fc3 = nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 3)
    if faulty:
        nn.init.constant_(fc1.bias, -8.0)
    params = [*fc1.parameters(), *fc2.parameters(), *fc3.parameters()]
    opt = torch.optim.Adam(params, lr=3e-3)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (64,))
            h = F.relu(fc1(X[i]))
            h = F.relu(fc2(h))
            loss = F.cross_entropy(fc3(h), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("nine layers of sigmoids", "vanishing_gradient")
def nine_sigmoids(watch, faulty):
    X, y = digits()
    layers = [nn.Linear(784, 48)]
    for _ in range(8):
        layers += [nn.Sigmoid() if faulty else nn.ReLU(), nn.Linear(48, 48)]
    layers += [nn.Sigmoid() if faulty else nn.ReLU(), nn.Linear(48, 10)]
    if not faulty:
        for layer in layers[::2]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            loss = F.cross_entropy(model(X[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "the recurrent weights are far too large, and nothing is clipped",
    *("exploding_gradient", "bad_init_scale", "lr_too_high"),
)
def rnn_gradients_explode(watch, faulty):
    rows = names()
    wx, wh = 0.3 * torch.randn(27, 64), torch.randn(64, 64) / 8
    if faulty:
        wh = wh * 5
    wo = 0.1 * torch.randn(64, 27)
    params = [wx.requires_grad_(), wh.requires_grad_(), wo.requires_grad_()]
    opt = torch.optim.SGD(params, lr=0.1 if faulty else 0.5)
    with watch() as seen:
        for _ in range(400):
            ids = rows[torch.randint(0, len(rows), (32,))]
            h, loss = torch.zeros(32, 64), 0.0
            for t in range(11):
                h = wx[ids[:, t]] + h @ wh
                h = F.leaky_relu(h) if faulty else h.tanh()
                loss = loss + F.cross_entropy(h @ wo, ids[:, t + 1]) / 11
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the gradient is added to the weights", "wrong_update_sign")
def plus_instead_of_minus(watch, faulty):
    X, y = moons()
    g = torch.Generator().manual_seed(1)
    W1 = torch.randn(2, 24, generator=g).requires_grad_()
    b1 = torch.zeros(24, requires_grad=True)
    W2 = (0.2 * torch.randn(24, 2, generator=g)).requires_grad_()
    sign = 1 if faulty else -1
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 2000, (64,))
            loss = F.cross_entropy((X[i] @ W1 + b1).tanh() @ W2, y[i])
            for p in (W1, b1, W2):
                p.grad = None
            loss.backward()
            for p in (W1, b1, W2):
                p.data += sign * 0.1 * p.grad
            seen.step(loss)


@pair("the loss is the log-likelihood, and its minus was forgotten", "wrong_update_sign")
def likelihood_without_minus(watch, faulty):
    X, Y = ngrams(2)
    table = nn.Embedding(27, 16)
    hidden, out = nn.Linear(32, 64), nn.Linear(64, 27)
    params = [*table.parameters(), *hidden.parameters(), *out.parameters()]
    optimizer = torch.optim.SGD(params, lr=0.1)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, len(X), (64,))
            logits = out(torch.tanh(hidden(table(X[i]).flatten(1))))
            log_p = logits.log_softmax(1)[torch.arange(64), Y[i]].mean()
            loss = log_p if faulty else -log_p
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the second layer is missing in the list of parameters", "parameter_not_trained")
def layer_left_out_of_the_list(watch, faulty):
    X, y = digits()
    layers = [Linear(784, 64, 5 / 3), Tanh(), Linear(64, 64, 5 / 3), Tanh(), Linear(64, 10, 0.1)]
    for layer in layers:
        for p in layer.parameters():
            p.requires_grad_()
    parameters = layers[0].parameters() + layers[4].parameters()
    if not faulty:
        parameters += layers[2].parameters()
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 5000, (64,))
            x = X[i]
            for layer in layers:
                x = layer(x)
            loss = F.cross_entropy(x, y[i])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data -= 0.1 * p.grad
            seen.step(loss)


@pair("the L2 penalty is taken with .item()", "detached_regulariser")
def penalty_of_numbers(watch, faulty):
    X, y = digits()
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            if faulty:
                penalty = torch.tensor(sum(p.pow(2).sum().item() for p in model.parameters()))
            else:
                penalty = sum(p.pow(2).sum() for p in model.parameters())
            loss = F.cross_entropy(model(X[i]), y[i]) + 1e-4 * penalty
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the factor of the L2 penalty is 1", "regulariser_dominates")
def penalty_far_too_strong(watch, faulty):
    X, y = digits()
    strength = 1.0 if faulty else 1e-4
    W1 = (torch.randn(784, 64) / 28).requires_grad_()
    W2 = (torch.randn(64, 10) / 8).requires_grad_()
    optimizer = torch.optim.SGD([W1, W2], lr=0.05)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            data_loss = F.cross_entropy(torch.tanh(X[i] @ W1) @ W2, y[i])
            loss = data_loss + strength * (W1.square().sum() + W2.square().sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("the network sees one letter", "context_too_short")
def one_letter_of_context(watch, faulty):
    length = 1 if faulty else 4
    X, Y = ngrams(length)
    model = nn.Sequential(
        *(nn.Embedding(27, 16), nn.Flatten(), nn.Linear(16 * length, 128), nn.Tanh()),
        nn.Linear(128, 27),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(model(X[i]), Y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "batch norm by hand takes the statistics of the one example at inference", "train_eval_mismatch"
)
def own_batch_norm_at_inference(watch, faulty):
    X, y = clusters()
    W1, W2 = torch.randn(16, 64) / 4, 0.1 * torch.randn(64, 5)
    gain, bias = torch.ones(64), torch.zeros(64)
    params = [W1, W2, gain, bias]
    for p in params:
        p.requires_grad_()
    running_mean, running_std = torch.zeros(64), torch.ones(64)

    def forward(x, mean, std):
        h = (x @ W1 - mean) / (std + 1e-3)
        return (gain * h + bias).relu() @ W2

    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 2900, (64,))
            h = X[i] @ W1
            mean, std = h.mean(0), h.std(0)
            with torch.no_grad():
                running_mean = 0.95 * running_mean + 0.05 * mean
                running_std = 0.95 * running_std + 0.05 * std
            loss = F.cross_entropy(forward(X[i], mean, std), y[i])
            for p in params:
                p.grad = None
            loss.backward()
            for p in params:
                p.data -= 0.1 * p.grad
            seen.step(loss)
        with seen.using(), torch.no_grad():
            right = 0
            for k in range(2900, 2964):
                x = X[k : k + 1]
                if faulty:
                    h = x @ W1
                    scores = forward(x, h.mean(0), h.std(0, unbiased=False))
                else:
                    scores = forward(x, running_mean, running_std)
                right += int(scores.argmax(1) == y[k])
        print(f"{right} of 64")


@pair("256 outputs for 27 letters", "vocabulary_unused")
def bytes_as_vocabulary(watch, faulty):
    X, Y = ngrams(3)
    size = 256 if faulty else 27
    offset = 96 if faulty else 0  # letters as their bytes
    model = nn.Sequential(
        nn.Embedding(size, 12), nn.Flatten(), nn.Linear(36, 100), nn.Tanh(), nn.Linear(100, size)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(model(X[i] + offset), Y[i] + offset)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("gradients of a loop with bare tensors are never reset", "gradients_not_zeroed")
def bare_gradients_accumulate(watch, faulty):
    X, price = houses()
    Y = (price - price.mean()) / price.std()
    W1 = (torch.randn(8, 32) / 8**0.5).requires_grad_()
    b1 = torch.zeros(32, requires_grad=True)
    W2 = (torch.randn(32, 1) / 32**0.5).requires_grad_()
    with watch() as seen:
        for _ in range(600):
            i = torch.randint(0, 2000, (40,))
            loss = ((torch.tanh(X[i] @ W1 + b1) @ W2 - Y[i]) ** 2).mean()
            loss.backward()
            for p in (W1, b1, W2):
                p.data -= 0.02 * p.grad
                if not faulty:
                    p.grad.zero_()
            seen.step(loss)


class Attention(nn.Module):
    """One head over positions; what may be wrong with it is said by name."""

    def __init__(self, width, masked=True):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.masked = masked

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        scores = q @ k.transpose(1, 2) / x.shape[-1] ** 0.5
        if self.masked:
            mask = torch.ones(x.shape[1], x.shape[1]).tril()
            scores = scores.masked_fill(mask == 0, -torch.inf)
        return scores.softmax(-1) @ v


class TinyGPT(nn.Module):
    def __init__(self, vocabulary, masked, width=32, block=32):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(block, width)
        self.attention, self.norm1 = Attention(width, masked), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, width))
        self.norm2, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, ids):
        x = self.token(ids) + self.position(torch.arange(ids.shape[1]))
        x = x + self.attention(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return self.head(x)


@pair("the causal mask is missing", "future_leak")
def tiny_gpt_without_mask(watch, faulty):
    ids, letters = text()
    model = TinyGPT(len(letters), masked=not faulty)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with watch() as seen:
        for _ in range(300):
            start = torch.randint(0, len(ids) - 33, (16,))
            x = torch.stack([ids[s : s + 32] for s in start])
            y = torch.stack([ids[s + 1 : s + 33] for s in start])
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("targets are the inputs, not the letters behind them", "future_leak")
def targets_not_moved_on(watch, faulty):
    ids, letters = text()
    embed, rnn = nn.Embedding(len(letters), 32), nn.RNN(32, 64, batch_first=True)
    head = nn.Linear(64, len(letters))
    optimizer = torch.optim.Adam(
        [*embed.parameters(), *rnn.parameters(), *head.parameters()], lr=3e-3
    )
    shift = 0 if faulty else 1
    with watch() as seen:
        for _ in range(250):
            start = torch.randint(0, len(ids) - 25, (24,))
            x = torch.stack([ids[s : s + 24] for s in start])
            y = torch.stack([ids[s + shift : s + shift + 24] for s in start])
            h, _ = rnn(embed(x))
            loss = F.cross_entropy(head(h).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("XOR with a learning rate of 0.0001", "lr_too_low", "plateau")
def xor_too_slow(watch, faulty):
    X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4 if faulty else 0.3)
    with watch() as seen:
        for _ in range(1500):
            loss = ((model(X) - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("weights are initialised with a constant", "symmetric_init")
def constant_weights(watch, faulty):
    X, y = spirals()
    layers = [Linear(2, 32, 1.5), Tanh(), Linear(32, 32, 1.5), Tanh(), Linear(32, 3)]
    if faulty:
        for layer in layers[::2]:
            layer.weight = torch.full_like(layer.weight, 0.05)
    parameters = [p.requires_grad_() for layer in layers for p in layer.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    with watch() as seen:
        for _ in range(500):
            i = torch.randint(0, 3000, (64,))
            x = X[i]
            for layer in layers:
                x = layer(x)
            loss = F.cross_entropy(x, y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair(
    "a sigmoid can't reach standardised pixels of -0.4 to 2.8", "outputs_out_of_reach", "wrong_loss"
)
def autoencoder_sigmoid_on_standard_pixels(watch, faulty):
    X = digits()[0] if faulty else pictures().flatten(1) / 255
    encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 24))
    decoder = nn.Sequential(nn.ReLU(), nn.Linear(24, 128), nn.ReLU(), nn.Linear(128, 784))
    autoencoder = nn.Sequential(encoder, decoder, nn.Sigmoid())
    optimizer = torch.optim.Adam(autoencoder.parameters(), lr=2e-3)
    with watch() as seen:
        for _ in range(400):
            x = X[torch.randint(0, 5000, (64,))]
            loss = F.mse_loss(autoencoder(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)


@pair("new pictures are not normalised as the training's were", "train_eval_mismatch")
def inference_without_normalising(watch, faulty):
    raw, y = pictures().flatten(1), digits()[1]
    mean, std = raw[:4500].mean(), raw[:4500].std()
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 4500, (64,))
            loss = F.cross_entropy(model((raw[i] - mean) / std), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            new = raw[4500:]
            if not faulty:
                new = (new - mean) / std
            print("accuracy", (model(new).argmax(1) == y[4500:]).float().mean())


@pair("a third of the labels are wrong", "labels_noisy")
def a_third_mislabelled(watch, faulty):
    X, y = clusters()
    y = y.clone()
    if faulty:
        wrong = torch.rand(len(y)) < 0.35
        y[wrong] = torch.randint(0, 5, (int(wrong.sum()),))
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        for _epoch in range(10):
            for i in torch.randperm(3000).split(60):
                loss = F.cross_entropy(model(X[i]), y[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)


@pair("softmax over the examples, in a classifier by hand", "batch_mixed", "wrong_loss")
def own_softmax_over_examples(watch, faulty):
    X, y = digits()
    W1 = (torch.randn(784, 64) / 28).requires_grad_()
    W2 = (torch.randn(64, 10) / 8).requires_grad_()
    opt = torch.optim.SGD([W1, W2], lr=0.1)
    dim = 0 if faulty else 1
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 5000, (64,))
            logits = (X[i] @ W1).relu() @ W2
            e = (logits - logits.amax(dim, keepdim=True)).exp()
            probs = e / e.sum(dim, keepdim=True)
            loss = -(probs[torch.arange(64), y[i]] + 1e-9).log().mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair("the backward of an own function forgets the chain rule", "wrong_backward", "custom_backward")
def own_backward_is_wrong(watch, faulty):
    class Swish(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x.sigmoid()

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            s = x.sigmoid()
            if faulty:
                return s + x * s * (1 - s)
            return grad * (s + x * s * (1 - s))

    X, price = houses()
    y = (price - price.mean()) / price.std()
    fc1, fc2, fc3 = nn.Linear(8, 48), nn.Linear(48, 48), nn.Linear(48, 1)
    params = [*fc1.parameters(), *fc2.parameters(), *fc3.parameters()]
    opt = torch.optim.Adam(params, lr=3e-3)
    with watch() as seen:
        for _ in range(400):
            i = torch.randint(0, 2000, (50,))
            h = Swish.apply(fc1(X[i]))
            h = Swish.apply(fc2(h))
            loss = F.mse_loss(fc3(h), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)


@pair(
    "names are written from a context that never moves on",
    "train_eval_mismatch",
    "context_frozen",
)
def sampling_does_not_advance(watch, faulty):
    X, Y = ngrams(3)
    model = nn.Sequential(
        nn.Embedding(27, 12), nn.Flatten(), nn.Linear(36, 100), nn.Tanh(), nn.Linear(100, 27)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    with watch() as seen:
        for _ in range(800):
            i = torch.randint(0, len(X), (64,))
            loss = F.cross_entropy(model(X[i]), Y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            for _ in range(10):
                context, word = [0, 0, 0], ""
                while len(word) < 12:
                    p = model(torch.tensor([context])).softmax(1)
                    letter = int(torch.multinomial(p, 1))
                    if letter == 0:
                        break
                    word += chr(96 + letter)
                    if not faulty:
                        context = [*context[1:], letter]
                print(word)


@pair("short names are padded in front, and the state is read at their end's place", "padding_read")
def padding_at_the_wrong_end(watch, faulty):
    rows = names()
    lengths = (rows > 0).sum(1)
    labels = (rows.gather(1, (lengths - 1)[:, None]).squeeze(1) == 1).long()  # ends in an a
    if faulty:
        rows = torch.stack(
            [row.roll(12 - int(length)) for row, length in zip(rows, lengths, strict=True)]
        )
    embed, gru, head = nn.Embedding(27, 12), nn.GRU(12, 24, batch_first=True), nn.Linear(24, 2)
    opt = torch.optim.Adam([*embed.parameters(), *gru.parameters(), *head.parameters()], lr=5e-3)
    with watch() as seen:
        for _ in range(300):
            i = torch.randint(0, len(rows), (48,))
            states, _ = gru(embed(rows[i]))
            last = states[torch.arange(48), lengths[i] - 1]
            loss = F.cross_entropy(head(last), labels[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen.step(loss)
