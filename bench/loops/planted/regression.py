"""What goes wrong in regression.py, and what does not."""

from bench.loops.planted.words import HIGH, LOW, SEEDS, SIZE, STILL, fault, healthy

RE_LOSS = "loss = ((prediction - y_train[rows]) ** 2).mean()"
RE_Y = "y = torch.sin(3 * x) + 0.5 * x + 0.1 * torch.randn((1500, 1), generator=g)"
RE_LR = "lr, beta, iterations = 0.02, 0.9, 4000"
RE_STEP = "            p.data -= lr * velocity[i]\n"
RE_PARAMS = "params = [weight1, bias1, weight2, bias2, weight3, bias3]"
RE_W2 = "weight2 = torch.randn((64, 64), generator=g) / 64**0.5"
RE_W1 = "weight1 = torch.randn((1, 64), generator=g)"
RE_W3 = "weight3 = torch.randn((64, 1), generator=g) / 64**0.5"
RE_SCALED = (("x_train, y_train =", "x = x * 1000\nx_train, y_train ="),)

FAULTS = (
    # The difference is then taken of every prediction with every target: no error of this task.
    fault(
        "loss_broadcast",
        "a row minus a column",
        (RE_Y, RE_Y + "\ny = y.squeeze(1)"),
        also="wrong_loss",
    ),
    fault(
        "wrong_loss",
        "the square forgotten",
        (RE_LOSS, "loss = (prediction - y_train[rows]).mean()"),
    ),
    fault("inputs_not_normalised", "in other units", *RE_SCALED),
    fault(
        "no_nonlinearity",
        "no tanh",
        ("hidden = torch.tanh(x @ weight1 + bias1)", "hidden = x @ weight1 + bias1"),
        ("hidden = torch.tanh(hidden @ weight2 + bias2)", "hidden = hidden @ weight2 + bias2"),
        (RE_LR, "lr, beta, iterations = 0.0005, 0.9, 4000"),
    ),
    fault("lr_too_high", "rate 1", (RE_LR, "lr, beta, iterations = 1.0, 0.9, 4000")),
    fault("lr_too_low", "rate 1e-7", (RE_LR, "lr, beta, iterations = 1e-7, 0.9, 4000")),
    fault(
        "lr_growing", "the rate grows with every step", (RE_STEP, RE_STEP + "        lr *= 1.002\n")
    ),
    fault(
        "plateau",
        "the rate falls with every step",
        (RE_STEP, RE_STEP + "        lr *= 0.9\n"),
        also=LOW,
    ),
    fault(
        "oscillation",
        "momentum 0.999",
        (RE_LR, "lr, beta, iterations = 0.02, 0.999, 4000"),
        also=HIGH,
    ),
    fault(
        "gradients_not_zeroed",
        "p.grad = None forgotten",
        ("        for p in params:\n            p.grad = None\n", ""),
    ),
    fault(
        "wrong_update_sign", "plus for minus", (RE_STEP, "            p.data += lr * velocity[i]\n")
    ),
    fault(
        "parameter_not_trained",
        "the first layer left out",
        (RE_PARAMS, "params = [weight2, bias2, weight3, bias3]"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "the second layer left out",
        (RE_PARAMS, "params = [weight1, bias1, weight3, bias3]"),
        also=STILL,
    ),
    fault(
        "saturated_units",
        "weights drawn far too large",
        (RE_W1, RE_W1 + " * 30"),
        (RE_W2, RE_W2 + " * 10"),
        also=SIZE,
    ),
    fault(
        "symmetric_init",
        "all weights zero",
        (RE_W1, "weight1 = torch.zeros((1, 64))"),
        ("bias1 = torch.randn(64, generator=g)", "bias1 = torch.zeros(64)"),
        (RE_W2, "weight2 = torch.zeros((64, 64))"),
        (RE_W3, "weight3 = torch.zeros((64, 1))"),
    ),
    fault(
        "nan",
        "the root of a negative number",
        (
            "hidden = torch.tanh(x @ weight1 + bias1)",
            "hidden = torch.tanh(x.sqrt() @ weight1 + bias1)",
        ),
    ),
    fault(
        "labels_shuffled",
        "targets of other rows",
        (
            RE_LOSS,
            "loss = ((prediction - y_train[torch.randint(0, len(y_train), (100,))]) ** 2).mean()",
        ),
    ),
    fault(
        "data_overlap",
        "tested on training points",
        ("x_test, y_test = x[1200:], y[1200:]", "x_test, y_test = x[:300], y[:300]"),
    ),
    fault(
        "regulariser_dominates",
        "sum of all squares",
        (RE_LOSS, RE_LOSS + " + 0.5 * sum((p**2).sum() for p in params)"),
    ),
    fault(
        "detached_regulariser",
        "squares of p.data",
        (RE_LOSS, RE_LOSS + " + 0.01 * sum((p.data**2).sum() for p in params)"),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", (RE_LR, "lr, beta, iterations = 0.04, 0.9, 4000")),
    healthy("rate / 2", (RE_LR, "lr, beta, iterations = 0.01, 0.9, 4000")),
    healthy("no momentum", (RE_LR, "lr, beta, iterations = 0.02, 0.0, 4000")),
    healthy(
        "ReLU",
        ("torch.tanh(x @ weight1 + bias1)", "torch.relu(x @ weight1 + bias1)"),
        ("torch.tanh(hidden @ weight2 + bias2)", "torch.relu(hidden @ weight2 + bias2)"),
        (RE_LR, "lr, beta, iterations = 0.01, 0.9, 4000"),
    ),
    healthy(
        "absolute error",
        ("((prediction - y_train[rows]) ** 2).mean()", "(prediction - y_train[rows]).abs().mean()"),
        (RE_LR, "lr, beta, iterations = 0.005, 0.9, 4000"),
    ),
    healthy(
        "much noise in the targets", ("0.1 * torch.randn((1500, 1)", "0.5 * torch.randn((1500, 1)")
    ),
    healthy("few iterations", (RE_LR, "lr, beta, iterations = 0.02, 0.9, 1000")),
    healthy(
        "sines for a nonlinearity",
        ("torch.tanh(hidden @ weight2 + bias2)", "torch.sin(hidden @ weight2 + bias2)"),
    ),
    healthy(
        "a straight line's data, a straight line", ("torch.sin(3 * x) + 0.5 * x", "2 + 0.5 * x")
    ),
)
