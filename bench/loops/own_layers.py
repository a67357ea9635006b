"""makemore, part 3: the lecture's own Linear, BatchNorm1d and Tanh, in a list of layers."""

# ruff: noqa: RUF005 (as the lecture writes it)
import os
import random
from pathlib import Path

import torch
import torch.nn.functional as F

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
g = torch.Generator().manual_seed(SEED)


class Linear:
    """A linear layer."""

    def __init__(self, fan_in, fan_out, bias=True):
        self.weight = torch.randn((fan_in, fan_out), generator=g) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None

    def __call__(self, x):
        self.out = x @ self.weight
        if self.bias is not None:
            self.out += self.bias
        return self.out

    def parameters(self):
        return [self.weight] + ([] if self.bias is None else [self.bias])


class BatchNorm1d:
    """Batch normalisation."""

    def __init__(self, dim, eps=1e-5, momentum=0.05):
        self.eps = eps
        self.momentum = momentum
        self.training = True
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)

    def __call__(self, x):
        if self.training:
            xmean = x.mean(0, keepdim=True)
            xvar = x.var(0, keepdim=True)
        else:
            xmean = self.running_mean
            xvar = self.running_var
        xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
        self.out = self.gamma * xhat + self.beta
        if self.training:
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]


class Tanh:
    """The nonlinearity."""

    def __call__(self, x):
        self.out = torch.tanh(x)
        return self.out

    def parameters(self):
        return []


words = Path("resources/names/names.txt").read_text().splitlines()
random.seed(SEED)
random.shuffle(words)
stoi = {s: i for i, s in enumerate(".abcdefghijklmnopqrstuvwxyz")}
block_size = 3


def build_dataset(words):  # noqa: D103
    xs, ys = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            xs.append(context)
            ys.append(stoi[ch])
            context = context[1:] + [stoi[ch]]
    return torch.tensor(xs), torch.tensor(ys)


Xtr, Ytr = build_dataset(words[:24000])
Xdev, Ydev = build_dataset(words[24000:27000])

n_embd, n_hidden, vocab_size = 10, 100, 27
C = torch.randn((vocab_size, n_embd), generator=g)
layers = [
    Linear(n_embd * block_size, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),
    Linear(n_hidden, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),
    Linear(n_hidden, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),
    Linear(n_hidden, vocab_size, bias=False), BatchNorm1d(vocab_size),
]  # fmt: skip
with torch.no_grad():
    layers[-1].gamma *= 0.1  # last layer: make less confident
    for layer in layers[:-1]:
        if isinstance(layer, Linear):
            layer.weight *= 5 / 3

parameters = [C] + [p for layer in layers for p in layer.parameters()]
for p in parameters:
    p.requires_grad = True

max_steps, batch_size = 3000, 64
with watch() as seen:
    for i in range(max_steps):
        ix = torch.randint(0, Xtr.shape[0], (batch_size,), generator=g)
        Xb, Yb = Xtr[ix], Ytr[ix]
        emb = C[Xb]
        x = emb.view(emb.shape[0], -1)
        for layer in layers:
            x = layer(x)
        loss = F.cross_entropy(x, Yb)
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 2000 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        seen.step(loss)

        if i % 500 == 499:
            for layer in layers:
                layer.training = False
            with torch.no_grad():
                x = C[Xdev].view(Xdev.shape[0], -1)
                for layer in layers:
                    x = layer(x)
                val = F.cross_entropy(x, Ydev)
            for layer in layers:
                layer.training = True
            seen.validate(val)
            print(f"{i:5d}/{max_steps}: {loss.item():.4f} dev {val.item():.4f}")
