"""A curve fitted by bare tensors: a squared error written out, and momentum by hand."""

import os

import torch

from core import watch

SEED = int(os.environ.get("SEED", 42))
torch.set_num_threads(1)
g = torch.Generator().manual_seed(SEED)

x = torch.rand((1500, 1), generator=g) * 4 - 2
y = torch.sin(3 * x) + 0.5 * x + 0.1 * torch.randn((1500, 1), generator=g)
x_train, y_train = x[:1200], y[:1200]
x_test, y_test = x[1200:], y[1200:]

weight1 = torch.randn((1, 64), generator=g)
bias1 = torch.randn(64, generator=g)
weight2 = torch.randn((64, 64), generator=g) / 64**0.5
bias2 = torch.zeros(64)
weight3 = torch.randn((64, 1), generator=g) / 64**0.5
bias3 = torch.zeros(1)
params = [weight1, bias1, weight2, bias2, weight3, bias3]
velocity = [torch.zeros_like(p) for p in params]
for p in params:
    p.requires_grad = True


def predict(x):
    """Return the curve at x."""
    hidden = torch.tanh(x @ weight1 + bias1)
    hidden = torch.tanh(hidden @ weight2 + bias2)
    return hidden @ weight3 + bias3


lr, beta, iterations = 0.02, 0.9, 4000
with watch() as seen:
    for iteration in range(iterations):
        rows = torch.randint(0, len(x_train), (100,), generator=g)
        prediction = predict(x_train[rows])
        loss = ((prediction - y_train[rows]) ** 2).mean()

        for p in params:
            p.grad = None
        loss.backward()
        for i, p in enumerate(params):
            velocity[i] = beta * velocity[i] + p.grad
            p.data -= lr * velocity[i]
        seen.step(loss)

        if iteration % 500 == 499:
            with torch.no_grad():
                test_loss = ((predict(x_test) - y_test) ** 2).mean()
            seen.validate(test_loss)
            print(f"{iteration + 1}: {loss.item():.4f} {test_loss.item():.4f}")
