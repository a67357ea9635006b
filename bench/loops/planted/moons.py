"""What goes wrong in moons.py, and what does not."""

from bench.loops.planted.words import HIGH, LEFT_OUT, LOW, SEEDS, SIZE, STILL, fault, healthy

MO_OPT = "optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)"
MO_STEP = "        optimizer.step()\n"
MO_TRAIN = "x_train, y_train = make_moons(2000)"

FAULTS = (
    fault(
        "double_softmax",
        "sigmoid before BCEWithLogits",
        ("return self.fc3(x).squeeze(1)", "return torch.sigmoid(self.fc3(x)).squeeze(1)"),
    ),
    fault(
        "wrong_loss",
        "CrossEntropyLoss of one score",
        ("criterion = nn.BCEWithLogitsLoss()", "criterion = nn.CrossEntropyLoss()"),
    ),
    fault(
        "wrong_loss",
        "CrossEntropyLoss of a column of one",
        ("criterion = nn.BCEWithLogitsLoss()", "criterion = nn.CrossEntropyLoss()"),
        (
            "loss = criterion(outputs, targets)",
            "loss = criterion(outputs[:, None], targets[:, None])",
        ),
    ),
    fault(
        "no_nonlinearity",
        "no tanh",
        ("x = self.act(self.fc1(x))", "x = self.fc1(x)"),
        ("x = self.act(self.fc2(x))", "x = self.fc2(x)"),
    ),
    fault(
        "vanishing_gradient",
        "ten sigmoids, one after another",
        ("self.act = nn.Tanh()", "self.act = nn.Sigmoid()"),
        (
            "        x = self.act(self.fc2(x))\n",
            "        for _ in range(10):\n            x = self.act(self.fc2(x))\n",
        ),
    ),
    fault(
        "labels_noisy",
        "every third label flipped",
        (
            MO_TRAIN,
            MO_TRAIN + "\ny_train = torch.where(torch.rand(2000) < 0.35, 1 - y_train, y_train)",
        ),
    ),
    fault(
        "labels_shuffled",
        "only the labels are shuffled",
        (MO_TRAIN, MO_TRAIN + "\ny_train = y_train[torch.randperm(2000)]"),
    ),
    fault(
        "inputs_not_normalised",
        "in other units",
        (
            "return points + noise * torch.randn(n, 2), y",
            "return (points + noise * torch.randn(n, 2)) * 200 + 500, y",
        ),
    ),
    fault(
        "class_imbalance",
        "one of a hundred is of the other",
        ("y = (torch.rand(n) < 0.5).float()", "y = (torch.rand(n) < 0.01).float()"),
    ),
    fault("lr_too_high", "rate 50", ("lr=0.1,", "lr=50,")),
    fault("lr_too_low", "rate 1e-6", ("lr=0.1,", "lr=1e-6,")),
    fault(
        "lr_growing",
        "the rate grows with every step",
        (MO_STEP, MO_STEP + '        optimizer.param_groups[0]["lr"] *= 1.004\n'),
    ),
    fault(
        "plateau",
        "the rate falls with every step",
        (MO_STEP, MO_STEP + '        optimizer.param_groups[0]["lr"] *= 0.9\n'),
        also=LOW,
    ),
    fault(
        "oscillation",
        "momentum 0.999 with rate 1",
        ("lr=0.1, momentum=0.9", "lr=1, momentum=0.999"),
        also=HIGH,
    ),
    fault("gradients_not_zeroed", "zero_grad forgotten", ("        optimizer.zero_grad()\n", "")),
    fault(
        "wrong_update_sign",
        "minus in front of the loss",
        ("loss = criterion(outputs, targets)", "loss = -criterion(outputs, targets)"),
    ),
    fault(
        "parameter_not_trained",
        "the optimiser knows the last layer only",
        (MO_OPT, "optimizer = torch.optim.SGD(net.fc3.parameters(), lr=0.1, momentum=0.9)"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "the second layer frozen",
        (MO_OPT, "net.fc2.requires_grad_(False)\n" + MO_OPT),
        also=LEFT_OUT,
    ),
    fault(
        "symmetric_init",
        "weights all the same",
        (MO_OPT, "for p in net.parameters():\n    nn.init.constant_(p, 0.1)\n" + MO_OPT),
    ),
    fault(
        "symmetric_init",
        "weights all zero",
        (MO_OPT, "for p in net.parameters():\n    nn.init.zeros_(p)\n" + MO_OPT),
    ),
    fault(
        "saturated_units",
        "hidden weights of size 5",
        (
            MO_OPT,
            "nn.init.normal_(net.fc1.weight, std=5)\nnn.init.normal_(net.fc2.weight, std=5)\n"
            + MO_OPT,
        ),
        also=SIZE,
    ),
    # The NaN is in the inputs, which the issue lists there.
    fault(
        "nan",
        "a missing value in the data",
        (MO_TRAIN, MO_TRAIN + '\nx_train[17, 0] = float("nan")'),
        also="inputs_not_normalised",
    ),
    fault(
        "overfitting",
        "25 points with much noise",
        (MO_TRAIN, "x_train, y_train = make_moons(25, noise=0.4)"),
        ("x_val, y_val = make_moons(500)", "x_val, y_val = make_moons(500, noise=0.4)"),
    ),
    fault(
        "data_overlap",
        "validated on training points",
        ("x_val, y_val = make_moons(500)", "x_val, y_val = x_train[:500], y_train[:500]"),
    ),
    fault(
        "train_eval_mismatch",
        "only the validation points are standardised",
        (
            "x_val, y_val = make_moons(500)",
            "x_val, y_val = make_moons(500)\nx_val = (x_val - x_val.mean(0)) / x_val.std(0) * 2",
        ),
    ),
    fault("regulariser_dominates", "weight decay 1", (MO_OPT, MO_OPT[:-1] + ", weight_decay=1.0)")),
    fault(
        "detached_regulariser",
        "squares of p.data",
        (
            "loss = criterion(outputs, targets)",
            "loss = criterion(outputs, targets) + 0.01 * sum((p.data**2).sum() for p in "
            "net.parameters())",
        ),
    ),
)

HEALTHY = (
    *SEEDS[:2],
    healthy("seed 3", seed=3),  # with seed 2 it really overfits: 0.045 rises to 0.074
    healthy("rate x 2", ("lr=0.1,", "lr=0.2,")),
    healthy("rate / 2", ("lr=0.1,", "lr=0.05,")),
    healthy("ReLU", ("self.act = nn.Tanh()", "self.act = nn.ReLU()")),
    healthy("more noise in the points", ("noise=0.15", "noise=0.3")),
    healthy("Adam", (MO_OPT, "optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)")),
    healthy(
        "full batch",
        ("idx = torch.randint(0, len(x_train), (64,))", "idx = torch.arange(len(x_train))"),
        ("n_steps = 2500", "n_steps = 1500"),
    ),
    healthy("few steps", ("n_steps = 2500", "n_steps = 750")),
    healthy(
        "sigmoid and BCELoss",
        ("return self.fc3(x).squeeze(1)", "return torch.sigmoid(self.fc3(x)).squeeze(1)"),
        ("nn.BCEWithLogitsLoss()", "nn.BCELoss()"),
        ("(val_outputs > 0)", "(val_outputs > 0.5)"),
    ),
    healthy(
        "two scores and CrossEntropyLoss",
        ("nn.Linear(hidden, 1)", "nn.Linear(hidden, 2)"),
        ("return self.fc3(x).squeeze(1)", "return self.fc3(x)"),
        ("nn.BCEWithLogitsLoss()", "nn.CrossEntropyLoss()"),
        ("y = (torch.rand(n) < 0.5).float()", "y = (torch.rand(n) < 0.5).long()"),
        ("(val_outputs > 0)", "(val_outputs[:, 1] > val_outputs[:, 0])"),
    ),
    healthy("one of three is of the other", ("torch.rand(n) < 0.5", "torch.rand(n) < 0.33")),
)
