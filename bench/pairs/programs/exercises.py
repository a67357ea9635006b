"""Exercises of a lecture: parameters in a dict, einsum, gradients by autograd.grad or on paper."""

import itertools

import torch
from torch import einsum
from torch.autograd import grad

from bench.pairs.registry import (
    clusters,
    digits,
    houses,
    moons,
    names,
    pair,
    pictures,
    spirals,
)


def glorot(*shape):
    return torch.randn(*shape) * (2 / sum(shape)) ** 0.5


def mlp(*sizes):
    """Return theta: W1, b1, W2, b2, ..."""
    theta = {}
    for n, (a, b) in enumerate(itertools.pairwise(sizes), 1):
        theta[f"W{n}"] = glorot(a, b)
        theta[f"b{n}"] = torch.zeros(b)
    return theta


def track(theta):
    for value in theta.values():
        value.requires_grad_(True)
    return theta


def affine(theta, n, x):
    return einsum("ni,io->no", x, theta[f"W{n}"]) + theta[f"b{n}"]


def nll(z, y):
    """Return the mean negative log-likelihood of classes y under the scores z."""
    return (z.logsumexp(1) - z[torch.arange(len(y)), y]).mean()


@torch.no_grad()
def descend(theta, grads, eta):
    for value, g in zip(theta.values(), grads, strict=True):
        value -= eta * g


def draw(x, y, size=64):
    i = torch.randint(len(x), (size,))
    return x[i], y[i]


@pair("theta <- theta + eta * gradient", "wrong_update_sign")
def ex1_ascent(watch, faulty):
    x, y = clusters()
    theta = track(mlp(16, 5))
    eta = -0.05 if faulty else 0.05
    with watch() as seen:
        for _t in range(500):
            xb, yb = draw(x, y)
            loss = nll(affine(theta, 1, xb), yb)
            grads = grad(loss, list(theta.values()))
            descend(theta, grads, eta)
            seen.step(loss)


@pair("each pixel is divided by its standard deviation, which may be 0", "nan")
def ex2_constant_pixels(watch, faulty):
    x, y = pictures().flatten(1), digits()[1]
    sigma = x.std(0)
    x = (x - x.mean(0)) / (sigma if faulty else sigma + 10)
    theta = track(mlp(784, 32, 10))
    with watch() as seen:
        for _t in range(400):
            xb, yb = draw(x, y)
            h = torch.tanh(affine(theta, 1, xb))
            loss = nll(affine(theta, 2, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.1)
            seen.step(loss)


@pair("the velocity is never damped: v <- v + g", "oscillation", "lr_too_high")
def ex3_momentum_without_friction(watch, faulty):
    x, price = houses()
    y = (price[:, 0] - 310) / 90
    theta = track(mlp(8, 32, 1))
    velocity = [torch.zeros_like(value) for value in theta.values()]
    beta, eta = (1.0 if faulty else 0.9), 0.02
    with watch() as seen:
        for _t in range(400):
            xb, yb = draw(x, y, 200)
            h = torch.tanh(affine(theta, 1, xb))
            loss = ((affine(theta, 2, h)[:, 0] - yb) ** 2).mean()
            grads = grad(loss, list(theta.values()))
            velocity = [beta * v + g for v, g in zip(velocity, grads, strict=True)]
            descend(theta, velocity, eta)
            seen.step(loss)


@pair("Adam on paper, without the square root", "lr_too_high")
def ex4_adam_without_root(watch, faulty):
    x, y = spirals()
    theta = track(mlp(2, 48, 48, 3))
    m = {k: torch.zeros_like(v) for k, v in theta.items()}
    s = {k: torch.zeros_like(v) for k, v in theta.items()}
    b1, b2, eta, eps = 0.9, 0.99, 0.004, 1e-8
    with watch() as seen:
        for t in range(1, 501):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).relu()
            h = affine(theta, 2, h).relu()
            loss = nll(affine(theta, 3, h), yb)
            for (k, value), g in zip(theta.items(), grad(loss, list(theta.values())), strict=True):
                m[k] = b1 * m[k] + (1 - b1) * g
                s[k] = b2 * s[k] + (1 - b2) * g**2
                m_hat, s_hat = m[k] / (1 - b1**t), s[k] / (1 - b2**t)
                denominator = s_hat if faulty else s_hat.sqrt()
                value.data -= eta * m_hat / (denominator + eps)
            seen.step(loss)


@pair("the log-softmax sums over the examples", "batch_mixed", "wrong_loss")
def ex5_sum_over_examples(watch, faulty):
    x, y = digits()
    theta = track(mlp(784, 40, 10))
    axis = 0 if faulty else 1
    with watch() as seen:
        for _t in range(500):
            xb, yb = draw(x, y)
            z = affine(theta, 2, affine(theta, 1, xb).tanh())
            p = z.exp() / z.exp().sum(axis, keepdim=True)
            loss = -p[torch.arange(len(yb)), yb].log().mean()
            descend(theta, grad(loss, list(theta.values())), 0.1)
            seen.step(loss)


@pair("all weights begin as 0.05", "symmetric_init")
def ex6_constant_weights(watch, faulty):
    x, y = moons()
    theta = mlp(2, 40, 2)
    if faulty:
        theta = {k: torch.full_like(v, 0.05) if k[0] == "W" else v for k, v in theta.items()}
        theta["W2"][:, 1] = -0.05
    track(theta)
    with watch() as seen:
        for _t in range(1000):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).tanh()
            loss = nll(affine(theta, 2, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.3)
            seen.step(loss)


@pair("randn without a factor, 784 inputs, sigmoid", "saturated_units", "bad_init_scale")
def ex7_randn_as_it_is(watch, faulty):
    x, y = digits()
    theta = mlp(784, 60, 10)
    if faulty:
        theta["W1"] = torch.randn(784, 60)
    track(theta)
    with watch() as seen:
        for _t in range(600):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).sigmoid()
            loss = nll(affine(theta, 2, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.3)
            seen.step(loss)


@pair(
    "rand() - 1 where 2 * rand() - 1 was meant: pixels are positive, so no relu is on",
    *("dead_units", "bad_init_scale", "parameter_not_trained", "inputs_ignored"),
)
def ex8_weights_below_zero(watch, faulty):
    x, y = pictures().flatten(1) / 255, digits()[1]
    theta = mlp(784, 64, 10)
    u = torch.rand(784, 64)
    theta["W1"] = (u - 1 if faulty else 2 * u - 1) * 0.08
    track(theta)
    with watch() as seen:
        for _t in range(600):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).relu()
            loss = nll(affine(theta, 2, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.1)
            seen.step(loss)


@pair("the derivative of tanh is taken at its input", "wrong_backward", "custom_backward")
def ex9_tanh_on_paper(watch, faulty):
    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            a = torch.tanh(z)
            ctx.save_for_backward(z if faulty else a)
            return a

        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return g * (1 - a**2)

    x, y = digits()
    theta = track(mlp(784, 64, 64, 10))
    with watch() as seen:
        for _t in range(500):
            xb, yb = draw(x, y)
            h = Tanh.apply(affine(theta, 1, 2 * xb))
            h = Tanh.apply(affine(theta, 2, 2 * h))
            loss = nll(affine(theta, 3, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.05)
            seen.step(loss)


@pair("lasso with lambda = 0.5", "regulariser_dominates")
def ex10_lasso(watch, faulty):
    x, price = houses()
    y = (price[:, 0] - 310) / 90
    theta = track(mlp(8, 24, 1))
    lam = 0.5 if faulty else 1e-4
    with watch() as seen:
        for _t in range(800):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).tanh()
            error = ((affine(theta, 2, h)[:, 0] - yb) ** 2).mean()
            penalty = theta["W1"].abs().sum() + theta["W2"].abs().sum()
            loss = error + lam * penalty
            descend(theta, grad(loss, list(theta.values())), 0.05)
            seen.step(loss)


@pair("gradients are taken of the last layer alone", "parameter_not_trained")
def ex11_last_layer_alone(watch, faulty):
    x, y = spirals()
    theta = track(mlp(2, 24, 24, 3))
    trained = ("W3", "b3") if faulty else tuple(theta)
    part = {k: theta[k] for k in trained}
    with watch() as seen:
        for _t in range(1500):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).tanh()
            h = affine(theta, 2, h).tanh()
            loss = nll(affine(theta, 3, h), yb)
            descend(part, grad(loss, list(part.values())), 0.5)
            seen.step(loss)


@pair("the batch is drawn before the loop", "batch_repeated", "overfitting")
def ex12_batch_before_the_loop(watch, faulty):
    x, y = digits()
    theta = track(mlp(784, 48, 10))
    xb, yb = draw(x[:4000], y[:4000])
    with watch() as seen:
        for t in range(500):
            if not faulty:
                xb, yb = draw(x[:4000], y[:4000])
            h = affine(theta, 1, xb).tanh()
            loss = nll(affine(theta, 2, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.2)
            seen.step(loss)
            if t % 50 == 49:
                with torch.no_grad():
                    h = affine(theta, 1, x[4000:]).tanh()
                    seen.validate(nll(affine(theta, 2, h), y[4000:]))


@pair(
    "powers of x up to the seventh as they are",
    *("inputs_not_normalised", "exploding_gradient", "lr_too_high"),
)
def ex13_powers_of_x(watch, faulty):
    x = torch.linspace(-3, 3, 400)
    y = x.sin() + 0.1 * torch.randn(400)
    phi = torch.stack([x**k for k in range(1, 8)], 1)
    if not faulty:
        phi = (phi - phi.mean(0)) / phi.std(0)
    theta = track({"W1": torch.zeros(7, 1), "b1": torch.zeros(1)})
    with watch() as seen:
        for _t in range(600):
            xb, yb = draw(phi, y, 50)
            loss = ((affine(theta, 1, xb)[:, 0] - yb) ** 2).mean()
            descend(theta, grad(loss, list(theta.values())), 0.05)
            seen.step(loss)


@pair("the activation is missing in the loop over the layers", "no_nonlinearity")
def ex14_products_alone(watch, faulty):
    x, y = spirals()
    theta = track(mlp(2, 32, 32, 3))
    with watch() as seen:
        for _t in range(1200):
            h, yb = draw(x, y)
            for n in (1, 2):
                h = affine(theta, n, h)
                if not faulty:
                    h = h.tanh()
            loss = nll(affine(theta, 3, h), yb)
            descend(theta, grad(loss, list(theta.values())), 0.4)
            seen.step(loss)


@pair("eta falls with the square of the step", "lr_vanished")
def ex15_square_of_the_step(watch, faulty):
    x, y = digits()
    theta = track(mlp(784, 40, 10))
    with watch() as seen:
        for t in range(600):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).tanh()
            loss = nll(affine(theta, 2, h), yb)
            eta = 0.1 / (1 + t) ** 2 if faulty else 0.1 / (1 + t / 500)
            descend(theta, grad(loss, list(theta.values())), eta)
            seen.step(loss)


@pair("eta is multiplied by 1 + 1/80 where it should be divided", "lr_growing", "lr_too_high")
def ex16_eta_grows(watch, faulty):
    x, y = clusters()
    theta = track(mlp(16, 40, 5))
    eta = 0.1
    with watch() as seen:
        for _t in range(600):
            xb, yb = draw(x, y)
            h = affine(theta, 1, xb).relu()
            loss = nll(affine(theta, 2, h), yb)
            descend(theta, grad(loss, list(theta.values())), eta)
            eta = eta * 81 / 80 if faulty else max(0.02, eta * 80 / 81)
            seen.step(loss)


@pair("a gradient penalty that is taken without create_graph", "detached_regulariser")
def ex17_penalty_without_graph(watch, faulty):
    """The slope of the function is to be small where there is little data."""
    x, y = moons()
    t = 2.0 * y - 1
    theta = track(mlp(2, 40, 1))
    with watch() as seen:
        for _t in range(500):
            xb, tb = draw(x, t)
            xb = xb.clone().requires_grad_()
            f = affine(theta, 2, affine(theta, 1, xb).tanh())[:, 0]
            (slope,) = grad(f.sum(), xb, retain_graph=True, create_graph=not faulty)
            loss = ((f - tb) ** 2).mean() + 0.1 * (slope**2).sum(1).mean()
            descend(theta, grad(loss, list(theta.values())), 0.1)
            seen.step(loss)


@pair("the next letter is taken from the same position", "future_leak")
def ex18_same_position(watch, faulty):
    rows = names()[:3000]
    x = rows[:, :-1].flatten()
    y = rows[:, :-1].flatten() if faulty else rows[:, 1:].flatten()
    kept = x > 0
    x, y = x[kept], y[kept]
    theta = track({"W1": 0.1 * torch.randn(27, 27), "b1": torch.zeros(27)})
    one_hot = torch.eye(27)
    with watch() as seen:
        for _t in range(600):
            xb, yb = draw(x, y, 128)
            loss = nll(affine(theta, 1, one_hot[xb]), yb)
            descend(theta, grad(loss, list(theta.values())), 8.0)
            seen.step(loss)
