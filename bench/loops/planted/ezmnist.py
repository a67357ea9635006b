"""What goes wrong in ezmnist.py, and what does not."""

from bench.loops.planted.words import LOW, SEEDS, SIZE, STILL, Edit, fault, healthy

EZ_RELUS = tuple(
    (f"{before} @ w{n} + b{n}).relu()", f"{before} @ w{n} + b{n})")
    for n, before in enumerate(("x", "h1", "h2", "h3"), 1)
)
EZ_SIGMOIDS = tuple((old, new + ".sigmoid()") for old, new in EZ_RELUS)
EZ_WEIGHTS = (
    "w1 = torch.randn(784, 128) * (2 / 784) ** 0.5",
    "w2 = torch.randn(128, 128) * (2 / 128) ** 0.5",
    "w3 = torch.randn(128, 64) * (2 / 128) ** 0.5",
    "w4 = torch.randn(64, 64) * (2 / 64) ** 0.5",
    "w5 = torch.randn(64, 10) * (1 / 64) ** 0.5",
)
EZ_LR = "lr, steps = 0.05, 2000"
EZ_LOSS = "loss = F.cross_entropy(logits, Y_train[batch])"
EZ_ZERO = "        for p in params:\n            p.grad = None\n"
EZ_STEP = "                p -= lr * p.grad\n"
EZ_PARAMS = "params = [w1, b1, w2, b2, w3, b3, w4, b4, w5, b5]"


def ez_weights(scale: str) -> tuple[Edit, ...]:
    """Return all weights drawn with another factor."""
    return tuple((old, old[: old.index(" * ")] + scale) for old in EZ_WEIGHTS)


FAULTS = (
    fault(
        "inputs_not_normalised",
        "not divided by 255",
        ("dtype=torch.float32) / 255.0", "dtype=torch.float32)"),
    ),
    fault("vanishing_gradient", "sigmoids", *EZ_SIGMOIDS),
    # Weights that small are what makes the gradients vanish.
    fault(
        "bad_init_scale", "weights of size 0.01", *ez_weights(" * 0.01"), also="vanishing_gradient"
    ),
    fault("bad_init_scale", "weights of size 1", *ez_weights(""), also="exploding_gradient"),
    fault("exploding_gradient", "weights of size 0.4", *ez_weights(" * 0.4"), also=SIZE),
    fault(
        "bad_init_scale",
        "rand for randn",
        *((old, old.replace("randn", "rand").replace(" * (", " * 2 * (")) for old in EZ_WEIGHTS),
        also="exploding_gradient",
    ),
    fault(
        "dead_units",
        "biases of -3",
        *(
            (f"b{n} = torch.zeros({size})", f"b{n} = torch.full(({size},), -3.0)")
            for n, size in ((1, 128), (2, 128), (3, 64), (4, 64))
        ),
        also=SIZE,
    ),
    fault(
        "symmetric_init",
        "weights all the same",
        *(
            (old, old.replace("torch.randn(", "torch.ones(").replace(" * (", " * 0.2 * ("))
            for old in EZ_WEIGHTS
        ),
    ),
    fault(
        "symmetric_init",
        "weights all zero",
        *((old, old.replace("torch.randn(", "torch.zeros(")) for old in EZ_WEIGHTS),
    ),
    fault(
        "labels_shuffled",
        "images shuffled without their labels",
        ("X, Y = X[perm], Y[perm]", "X = X[perm]"),
    ),
    fault(
        "labels_shuffled",
        "labels of another minibatch",
        (EZ_LOSS, "loss = F.cross_entropy(logits, Y_train[torch.randint(0, len(Y_train), (64,))])"),
    ),
    fault(
        "labels_noisy",
        "two of five labels drawn by chance",
        (
            "X, Y = X[perm], Y[perm]",
            "X, Y = X[perm], Y[perm]\n"
            "Y = torch.where(torch.rand(5000) < 0.4, torch.randint(0, 10, (5000,)), Y)",
        ),
    ),
    fault(
        "class_imbalance",
        "nearly all are sevens",
        (
            "X_train, Y_train = X[:4200], Y[:4200]",
            "keep = (Y[:4200] == 7) | (torch.rand(4200) < 0.01)\n"
            "X_train, Y_train = X[:4200][keep], Y[:4200][keep]",
        ),
    ),
    fault(
        "labels_out_of_range",
        "nine outputs",
        (EZ_WEIGHTS[4], "w5 = torch.randn(64, 9) * (1 / 64) ** 0.5"),
        ("b5 = torch.zeros(10)", "b5 = torch.zeros(9)"),
    ),
    fault(
        "double_softmax",
        "softmax in the network",
        ("return h4 @ w5 + b5", "return F.softmax(h4 @ w5 + b5, dim=1)"),
    ),
    fault(
        "wrong_loss",
        "squared error over tanh",
        (EZ_LOSS, "loss = F.mse_loss(logits.tanh(), F.one_hot(Y_train[batch], 10).float())"),
    ),
    fault(
        "wrong_loss",
        "minus the mean logit of the label",
        (EZ_LOSS, "loss = -logits[torch.arange(64), Y_train[batch]].mean()"),
    ),
    fault(
        "batch_mixed",
        "log-softmax over the batch",
        (EZ_LOSS, "loss = -F.log_softmax(logits, dim=0)[torch.arange(64), Y_train[batch]].mean()"),
    ),
    fault("no_nonlinearity", "no ReLUs", *EZ_RELUS),
    fault("gradients_not_zeroed", "p.grad = None forgotten", (EZ_ZERO, "")),
    fault("wrong_update_sign", "plus for minus", (EZ_STEP, "                p += lr * p.grad\n")),
    fault(
        "parameter_not_trained",
        "w1 and b1 left out",
        (EZ_PARAMS, "params = [w2, b2, w3, b3, w4, b4, w5, b5]"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "w3 left out",
        (EZ_PARAMS, "params = [w1, b1, w2, b2, b3, w4, b4, w5, b5]"),
        also=STILL,
    ),
    fault("lr_too_high", "rate 3", (EZ_LR, "lr, steps = 3, 2000")),
    fault("lr_too_low", "rate 1e-6", (EZ_LR, "lr, steps = 1e-6, 2000")),
    fault(
        "lr_growing",
        "the rate grows with every step",
        (
            "        losses.append(loss.item())",
            "        lr *= 1.003\n        losses.append(loss.item())",
        ),
    ),
    fault(
        "plateau",
        "the rate falls with every step",
        (
            "        losses.append(loss.item())",
            "        lr *= 0.95\n        losses.append(loss.item())",
        ),
        also=LOW,
    ),
    fault(
        "detached_regulariser",
        "squares of p.detach()",
        (EZ_LOSS, EZ_LOSS + " + 0.1 * sum((p.detach() ** 2).mean() for p in params)"),
    ),
    fault(
        "regulariser_dominates",
        "sum of all squares",
        (EZ_LOSS, EZ_LOSS + " + 0.5 * sum((p**2).sum() for p in params)"),
    ),
    fault(
        "nan",
        "divided by the deviation of each pixel",
        (
            "perm = torch.randperm(5000)",
            "X = (X - X.mean(0)) / X.std(0)\nperm = torch.randperm(5000)",
        ),
        also="inputs_not_normalised",  # the NaN is in the inputs, which the issue lists there
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", (EZ_LR, "lr, steps = 0.1, 2000")),
    healthy("rate / 2", (EZ_LR, "lr, steps = 0.025, 2000")),
    healthy("few steps", (EZ_LR, "lr, steps = 0.05, 500")),
    healthy(
        "tanh",
        *(
            (f"({before} @ w{n} + b{n}).relu()", f"({before} @ w{n} + b{n}).tanh()")
            for n, before in enumerate(("x", "h1", "h2", "h3"), 1)
        ),
    ),
    healthy(
        "leaky ReLU",
        *(
            (f"({before} @ w{n} + b{n}).relu()", f"F.leaky_relu({before} @ w{n} + b{n})")
            for n, before in enumerate(("x", "h1", "h2", "h3"), 1)
        ),
    ),
    healthy(
        "dropout 0.2",
        (
            "return h4 @ w5 + b5",
            "return F.dropout(h4, 0.2, training=torch.is_grad_enabled()) @ w5 + b5",
        ),
    ),
    healthy(
        "label smoothing",
        (EZ_LOSS, "loss = F.cross_entropy(logits, Y_train[batch], label_smoothing=0.1)"),
    ),
    healthy(
        "weight decay, light", (EZ_LOSS, EZ_LOSS + " + 1e-4 * sum((p**2).sum() for p in params)")
    ),
    healthy(
        "residual connections",
        ("h2 = (h1 @ w2 + b2).relu()", "h2 = h1 + (h1 @ w2 + b2).relu()"),
        ("h4 = (h3 @ w4 + b4).relu()", "h4 = h3 + (h3 @ w4 + b4).relu()"),
    ),
    healthy(
        "one-hot by hand",
        (EZ_LOSS, "loss = -(F.one_hot(Y_train[batch], 10) * logits.log_softmax(1)).sum(1).mean()"),
    ),
    healthy(
        "torch.optim.SGD",
        (
            "with watch() as seen:\n",
            "optimizer = torch.optim.SGD(params, lr=lr)\nwith watch() as seen:\n",
        ),
        (
            "        with torch.no_grad():\n            for p in params:\n"
            "                p -= lr * p.grad\n",
            "        optimizer.step()\n",
        ),
    ),
)
