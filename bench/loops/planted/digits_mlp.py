"""What goes wrong in digits_mlp.py, and what does not."""

from bench.loops.planted.words import HIGH, LEFT_OUT, LOW, SEEDS, STILL, fault, healthy

DM_OPT = "optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)"
DM_STEP = "            optimizer.step()\n"
DM_LOSS = "loss_fn = nn.CrossEntropyLoss()"
DM_BACK = (
    "            optimizer.zero_grad()\n            loss.backward()\n            optimizer.step()\n"
)

FAULTS = (
    fault(
        "inputs_not_normalised",
        "not divided by 255",
        ('torch.tensor(data["images"]).float() / 255', 'torch.tensor(data["images"]).float()'),
    ),
    fault(
        "labels_shuffled",
        "images shuffled without their labels",
        ("images, labels = images[order], labels[order]", "images = images[order]"),
    ),
    fault(
        "labels_noisy",
        "two of five labels drawn by chance",
        (
            "images, labels = images[order], labels[order]",
            "images, labels = images[order], labels[order]\n"
            "labels = torch.where(torch.rand(5000) < 0.4, torch.randint(0, 10, (5000,)), labels)",
        ),
    ),
    fault("labels_out_of_range", "nine outputs", ("nn.Linear(256, 10)", "nn.Linear(256, 9)")),
    fault(
        "labels_out_of_range",
        "labels from 1 to 10",
        ('torch.tensor(data["labels"]).long()', 'torch.tensor(data["labels"]).long() + 1'),
    ),
    fault(
        "class_imbalance",
        "nearly all are ones",
        (
            "train_x, train_y = images[:4000], labels[:4000]",
            "keep = (labels[:4000] == 1) | (torch.rand(4000) < 0.01)\n"
            "train_x, train_y = images[:4000][keep], labels[:4000][keep]",
        ),
        ("epochs = 8", "epochs = 70"),
    ),
    fault(
        "double_softmax",
        "softmax as the last layer",
        ("    nn.Linear(256, 10),\n", "    nn.Linear(256, 10),\n    nn.Softmax(dim=1),\n"),
    ),
    fault(
        "wrong_loss",
        "squared error over tanh",
        (
            DM_LOSS,
            "def loss_fn(z, y):\n"
            "    return ((torch.tanh(z) - nn.functional.one_hot(y, 10).float()) ** 2).mean()\n",
        ),
    ),
    fault("wrong_loss", "NLLLoss of logits", (DM_LOSS, "loss_fn = nn.NLLLoss()")),
    # Outputs that are cut at zero can die as units do.
    fault(
        "wrong_loss",
        "ReLU as the last layer",
        ("    nn.Linear(256, 10),\n", "    nn.Linear(256, 10),\n    nn.ReLU(),\n"),
        also="dead_units",
    ),
    fault(
        "batch_mixed",
        "log-softmax over the batch",
        ("    nn.Linear(256, 10),\n", "    nn.Linear(256, 10),\n    nn.LogSoftmax(dim=0),\n"),
        (DM_LOSS, "loss_fn = nn.NLLLoss()"),
    ),
    fault(
        "no_nonlinearity",
        "linear layers only",
        (
            "    nn.Linear(784, 512),\n    nn.ReLU(),\n    nn.Linear(512, 256),\n    nn.ReLU(),\n",
            "    nn.Linear(784, 512),\n    nn.Linear(512, 256),\n",
        ),
    ),
    fault(
        "vanishing_gradient",
        "eight layers of sigmoids",
        (
            "    nn.Linear(784, 512),\n    nn.ReLU(),\n    nn.Linear(512, 256),\n    nn.ReLU(),\n",
            "    nn.Linear(784, 256),\n    nn.Sigmoid(),\n"
            + "    nn.Linear(256, 256),\n    nn.Sigmoid(),\n" * 7,
        ),
        (DM_OPT, "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)"),
    ),
    fault(
        "gradients_not_zeroed", "zero_grad forgotten", ("            optimizer.zero_grad()\n", "")
    ),
    fault("wrong_update_sign", "maximize", (DM_OPT, DM_OPT[:-1] + ", maximize=True)")),
    fault(
        "parameter_not_trained",
        "the optimiser knows the last layer only",
        (DM_OPT, "optimizer = torch.optim.Adam(model[5].parameters(), lr=5e-4)"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "requires_grad False of a layer",
        (DM_OPT, "for p in model[3].parameters():\n    p.requires_grad = False\n" + DM_OPT),
        also=LEFT_OUT,
    ),
    fault("lr_too_high", "rate 0.3", ("lr=5e-4", "lr=0.3")),
    fault("lr_too_low", "rate 1e-7", ("lr=5e-4", "lr=1e-7")),
    fault(
        "lr_growing",
        "ExponentialLR with gamma above 1, every batch",
        (DM_OPT, DM_OPT + "\nscheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 1.015)"),
        (DM_STEP, DM_STEP + "            scheduler.step()\n"),
    ),
    fault(
        "plateau",
        "StepLR stepped every batch",
        (DM_OPT, DM_OPT + "\nscheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.1)"),
        (DM_STEP, DM_STEP + "            scheduler.step()\n"),
        also=LOW,
    ),
    fault(
        "oscillation",
        "momentum 0.99 with rate 0.5",
        (DM_OPT, "optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.99)"),
        also=HIGH,
    ),
    fault(
        "symmetric_init",
        "all weights 0.01",
        (DM_OPT, "for p in model.parameters():\n    nn.init.constant_(p, 0.01)\n" + DM_OPT),
    ),
    fault(
        "symmetric_init",
        "all weights zero",
        (DM_OPT, "for p in model.parameters():\n    nn.init.zeros_(p)\n" + DM_OPT),
    ),
    fault(
        "bad_init_scale",
        "weights of size 1",
        (DM_OPT, "for p in model.parameters():\n    nn.init.normal_(p)\n" + DM_OPT),
    ),
    fault(
        "overfitting",
        "100 images, 250 epochs",
        (
            "train_x, train_y = images[:4000], labels[:4000]",
            "train_x, train_y = images[:100], labels[:100]",
        ),
        ("epochs = 8", "epochs = 250"),
    ),
    fault(
        "data_overlap",
        "validated on training images",
        (
            "val_x, val_y = images[4000:], labels[4000:]",
            "val_x, val_y = images[:1000], labels[:1000]",
        ),
    ),
    fault(
        "train_eval_mismatch",
        "only the training images are standardised",
        (
            "train_x, train_y = images[:4000], labels[:4000]",
            "train_x, train_y = (images[:4000] - 0.13) / 0.31, labels[:4000]",
        ),
    ),
    fault(
        "nan",
        "divided by the deviation of each pixel",
        (
            'labels = torch.tensor(data["labels"]).long()\n',
            'labels = torch.tensor(data["labels"]).long()\n'
            "images = (images - images.mean(0)) / images.std(0)\n",
        ),
        also="inputs_not_normalised",  # the NaN is in the inputs, which the issue lists there
    ),
    fault(
        "detached_regulariser",
        "squares of p.data",
        (
            "loss = loss_fn(logits, y)\n",
            "loss = loss_fn(logits, y) + 0.01 * sum((p.data**2).sum() for p in "
            "model.parameters())\n",
        ),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("lr=5e-4", "lr=1e-3")),
    healthy("rate / 2", ("lr=5e-4", "lr=2.5e-4")),
    healthy("SGD at 0.1", (DM_OPT, "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)")),
    healthy(
        "tanh",
        (
            "    nn.Linear(784, 512),\n    nn.ReLU(),\n    nn.Linear(512, 256),\n    nn.ReLU(),\n",
            "    nn.Linear(784, 512),\n    nn.Tanh(),\n    nn.Linear(512, 256),\n    nn.Tanh(),\n",
        ),
    ),
    healthy(
        "dropout 0.2",
        (
            "    nn.ReLU(),\n    nn.Linear(256, 10),\n",
            "    nn.ReLU(),\n    nn.Dropout(0.2),\n    nn.Linear(256, 10),\n",
        ),
    ),
    healthy(
        "label smoothing",
        ("loss_fn = nn.CrossEntropyLoss()", "loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)"),
    ),
    healthy(
        "AdamW with weight decay",
        (DM_OPT, "optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.05)"),
    ),
    healthy("three epochs", ("epochs = 8", "epochs = 3")),
    healthy(
        "linear, on purpose",
        (
            "    nn.Linear(784, 512),\n    nn.ReLU(),\n    nn.Linear(512, 256),\n"
            "    nn.ReLU(),\n    nn.Linear(256, 10),\n",
            "    nn.Linear(784, 10),\n",
        ),
    ),
    healthy(
        "two micro-batches a step",
        (
            "            loss = loss_fn(logits, y)\n" + DM_BACK + "            seen.step(loss)\n",
            "            loss = loss_fn(logits, y)\n            (loss / 2).backward()\n"
            "            half = not half\n            if not half:\n"
            "                optimizer.step()\n                optimizer.zero_grad()\n"
            "                seen.step(loss)\n",
        ),
        ("epochs = 8\n", "epochs = 8\nhalf = False\n"),
    ),
    healthy(
        "standardised",
        (
            "images, labels = images[order], labels[order]",
            "images, labels = (images[order] - 0.13) / 0.31, labels[order]",
        ),
    ),
    healthy(
        "full batch",
        ("batch_size=64, shuffle=True", "batch_size=4000"),
        ("epochs = 8", "epochs = 40"),
        ("lr=5e-4", "lr=2e-3"),
    ),
    healthy(
        "one-cycle schedule",
        (
            DM_OPT,
            DM_OPT + "\nscheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, 504)",
        ),
        (
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
    ),
)
