"""What goes wrong in digits_cnn.py, and what does not."""

from bench.loops.planted.words import HIGH, LEFT_OUT, LOW, SEEDS, STILL, fault, healthy

CN_OPT = "optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)"
CN_STEP = "                optimizer.step()\n"
CN_LOSS = "loss = F.cross_entropy(output, y_train[idx])"
CN_XY = "x, y = torch.from_numpy(x[order]), torch.from_numpy(y[order])"
CN_RETURN = "return x[:4000], y[:4000], x[4000:], y[4000:]"

FAULTS = (
    fault("train_eval_mismatch", "eval() forgotten in the test", ("    model.eval()\n", "")),
    fault(
        "train_eval_mismatch",
        "train() forgotten after the test",
        ("            model.train()\n", ""),
    ),
    fault(
        "train_eval_mismatch",
        "eval() during training",
        ("            model.train()\n", "            model.eval()\n"),
    ),
    fault(
        "train_eval_mismatch",
        "test images not standardised",
        (CN_RETURN, "return x[:4000], y[:4000], x[4000:] * 0.3081 + 0.1307, y[4000:]"),
    ),
    fault(
        "batch_mixed",
        "transposed before it is flattened",
        ("x = torch.flatten(x, 1)", "x = x.transpose(0, 1).reshape(-1, 24 * 7 * 7)"),
    ),
    fault(
        "labels_shuffled",
        "images shuffled without their labels",
        (CN_XY, "x, y = torch.from_numpy(x[order]), torch.from_numpy(y)"),
    ),
    fault(
        "labels_noisy",
        "two of five labels drawn by chance",
        (
            CN_XY,
            CN_XY
            + "\n    y = torch.where(torch.rand(5000) < 0.4, torch.randint(0, 10, (5000,)), y)",
        ),
    ),
    fault(
        "class_imbalance",
        "nearly all are ones",
        (
            CN_RETURN,
            "keep = (y[:4000] == 1) | (torch.rand(4000) < 0.01)\n"
            "    return x[:4000][keep], y[:4000][keep], x[4000:], y[4000:]",
        ),
        ("epochs=6", "epochs=40"),
    ),
    fault("labels_out_of_range", "nine outputs", ("nn.Linear(64, 10)", "nn.Linear(64, 9)")),
    fault(
        "double_softmax",
        "softmax in the model",
        ("return self.fc2(x)", "return F.softmax(self.fc2(x), dim=1)"),
    ),
    fault("wrong_loss", "nll_loss of logits", (CN_LOSS, "loss = F.nll_loss(output, y_train[idx])")),
    fault(
        "gradients_not_zeroed",
        "zero_grad forgotten",
        ("                optimizer.zero_grad()\n", ""),
    ),
    fault(
        "wrong_update_sign",
        "minus in front of the loss",
        (CN_LOSS, "loss = -F.cross_entropy(output, y_train[idx])"),
    ),
    fault(
        "frozen_layer",
        "requires_grad False of both convolutions",
        (
            CN_OPT,
            "for layer in (model.conv1, model.conv2):\n        layer.requires_grad_(False)\n    "
            + CN_OPT,
        ),
        also=LEFT_OUT,
    ),
    fault(
        "parameter_not_trained",
        "the optimiser knows the last layer only",
        (CN_OPT, "optimizer = torch.optim.SGD(model.fc2.parameters(), lr=0.02, momentum=0.9)"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "detach in the middle",
        ("x = torch.flatten(x, 1)", "x = torch.flatten(x, 1).detach()"),
        also=STILL,
    ),
    fault("lr_too_high", "rate 5", ("lr=0.02", "lr=5")),
    fault("lr_too_low", "rate 1e-6", ("lr=0.02", "lr=1e-6")),
    fault(
        "lr_growing",
        "the rate grows with every batch",
        (CN_STEP, CN_STEP + '                optimizer.param_groups[0]["lr"] *= 1.02\n'),
    ),
    fault(
        "plateau",
        "the rate falls with every batch",
        (CN_STEP, CN_STEP + '                optimizer.param_groups[0]["lr"] *= 0.8\n'),
        also=LOW,
    ),
    fault(
        "data_overlap",
        "tested on training images",
        (CN_RETURN, "return x[:4000], y[:4000], x[3000:4000], y[3000:4000]"),
    ),
    fault(
        "overfitting",
        "60 images, no dropout",
        (CN_RETURN, "return x[:60], y[:60], x[4000:4400], y[4000:4400]"),
        ("nn.Dropout(0.3)", "nn.Dropout(0.0)"),
        ("epochs=6", "epochs=120"),
        ("batch_size=64", "batch_size=20"),
    ),
    fault(
        "nan",
        "divided by the deviation of each pixel",
        ("x = (x / 255 - 0.1307) / 0.3081", "x = (x - x.mean(0)) / x.std(0)"),
        also="inputs_not_normalised",  # the NaN is in the inputs, which the issue lists there
    ),
    fault("regulariser_dominates", "weight decay 1", (CN_OPT, CN_OPT[:-1] + ", weight_decay=1.0)")),
    fault(
        "detached_regulariser",
        "squares of p.data",
        (CN_LOSS, CN_LOSS + " + 0.01 * sum((p.data**2).sum() for p in model.parameters())"),
    ),
    fault(
        "symmetric_init",
        "linear layers zero",
        (
            CN_OPT,
            "for layer in (model.fc1, model.fc2):\n        nn.init.zeros_(layer.weight)\n"
            "        nn.init.zeros_(layer.bias)\n    " + CN_OPT,
        ),
    ),
    fault(
        "bad_init_scale",
        "linear weights of size 1",
        (
            CN_OPT,
            "nn.init.normal_(model.fc1.weight)\n    nn.init.normal_(model.fc2.weight)\n    "
            + CN_OPT,
        ),
    ),
    fault(
        "oscillation",
        "momentum 0.99 with rate 0.5",
        ("lr=0.02, momentum=0.9", "lr=0.5, momentum=0.99"),
        also=HIGH,
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("lr=0.02", "lr=0.04")),
    healthy("rate / 2", ("lr=0.02", "lr=0.01")),
    healthy("SGD at 0.1, no momentum", ("lr=0.02, momentum=0.9", "lr=0.1")),
    healthy("Adam", (CN_OPT, "optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)")),
    healthy("no dropout", ("nn.Dropout(0.3)", "nn.Dropout(0.0)"), ("epochs=6", "epochs=4")),
    healthy("dropout 0.5", ("nn.Dropout(0.3)", "nn.Dropout(0.5)")),
    healthy(
        "label smoothing",
        (
            "loss = F.cross_entropy(output, y_train[idx])",
            "loss = F.cross_entropy(output, y_train[idx], label_smoothing=0.1)",
        ),
    ),
    healthy("weight decay", ("momentum=0.9)", "momentum=0.9, weight_decay=5e-4)")),
    healthy(
        "GELU",
        ("F.max_pool2d(F.relu(self.bn1", "F.max_pool2d(F.gelu(self.bn1"),
        ("F.max_pool2d(F.relu(self.bn2", "F.max_pool2d(F.gelu(self.bn2"),
    ),
    healthy(
        "a residual connection",
        (
            "self.dropout = nn.Dropout(0.3)",
            "self.dropout = nn.Dropout(0.3)\n        self.mid = nn.Conv2d(12, 12, 3, padding=1)",
        ),
        (
            "        x = F.max_pool2d(F.relu(self.bn2",
            "        x = x + F.relu(self.mid(x))\n        x = F.max_pool2d(F.relu(self.bn2",
        ),
    ),
    healthy("two epochs", ("epochs=6", "epochs=2")),
    healthy(
        "cosine schedule",
        (
            CN_OPT,
            CN_OPT + "\n    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 378)",
        ),
        (
            "                optimizer.step()\n",
            "                optimizer.step()\n                scheduler.step()\n",
        ),
    ),
    healthy(
        "noise on the images",
        (
            "output = model(x_train[idx])",
            "output = model(x_train[idx] + 0.1 * torch.randn(len(idx), 1, 28, 28))",
        ),
    ),
)
