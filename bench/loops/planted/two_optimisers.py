"""What goes wrong in two_optimisers.py, and what does not."""

from bench.loops.planted.words import LEFT_OUT, SEEDS, SIZE, STILL, fault, healthy

TO_BODY = "optim_body = torch.optim.Adam(body.parameters(), lr=1e-3)"
TO_SCORES = "scores = body(embedding(train_inputs[rows]))"
TO_LOSS = "loss = criterion(scores, train_targets[rows])"
TO_WINDOW = "padded[at - CONTEXT : at]"

FAULTS = (
    fault(
        "parameter_not_trained",
        "the embedding's step forgotten",
        ("        optim_embedding.step()\n", ""),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "the body's optimiser knows its head only",
        (TO_BODY, "optim_body = torch.optim.Adam(body.head.parameters(), lr=1e-3)"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "detach between the two",
        (TO_SCORES, "scores = body(embedding(train_inputs[rows]).detach())"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "the second layer frozen",
        (TO_BODY, "body.second.requires_grad_(False)\n" + TO_BODY),
        also=LEFT_OUT,
    ),
    fault(
        "gradients_not_zeroed",
        "the body's zero_grad forgotten",
        ("        optim_body.zero_grad()\n", ""),
    ),
    fault("lr_too_high", "the body's rate 0.5", ("lr=1e-3", "lr=0.5")),
    fault("lr_too_low", "both rates tiny", ("lr=1e-3", "lr=1e-7"), ("lr=3e-3", "lr=1e-7")),
    fault(
        "lr_growing",
        "the rate grows with every step",
        (
            "        optim_body.step()\n",
            '        optim_body.param_groups[0]["lr"] *= 1.003\n        optim_body.step()\n',
        ),
    ),
    fault("wrong_update_sign", "the body maximises", (TO_BODY, TO_BODY[:-1] + ", maximize=True)")),
    fault(
        "labels_shuffled",
        "labels of other rows",
        (
            TO_LOSS,
            "loss = criterion(scores, train_targets[torch.randint(0, len(train_inputs), "
            "(BATCH,))])",
        ),
    ),
    fault(
        "double_softmax",
        "softmax in the body",
        ("return self.head(x)", "return torch.softmax(self.head(x), dim=1)"),
    ),
    fault(
        "wrong_loss",
        "squared error over tanh",
        (
            TO_LOSS,
            "loss = nn.functional.mse_loss(scores.tanh(), "
            "nn.functional.one_hot(train_targets[rows], 27).float())",
        ),
    ),
    fault(
        "no_nonlinearity",
        "no ReLUs",
        (
            "x = torch.relu(self.hidden(embedded.flatten(1)))",
            "x = self.hidden(embedded.flatten(1))",
        ),
        ("x = torch.relu(self.second(x))", "x = self.second(x)"),
    ),
    fault(
        "future_leak",
        "the window reaches to the target",
        (TO_WINDOW, "padded[at - CONTEXT + 1 : at + 1]"),
    ),
    fault(
        "inputs_ignored",
        "always the first window",
        (TO_WINDOW, "padded[:CONTEXT]"),
        also="inputs_not_normalised",
    ),  # they are constant
    fault(
        "batch_mixed",
        "transpose before the reshape",
        ("embedded.flatten(1)", "embedded.transpose(0, 1).reshape(len(embedded), -1)"),
    ),
    fault("context_too_short", "one letter of context", ("CONTEXT = 4", "CONTEXT = 1")),
    fault(
        "data_overlap",
        "validated on training names",
        ("windows(names[15000:17000])", "windows(names[:2000])"),
    ),
    fault("overfitting", "150 names", ("windows(names[:15000])", "windows(names[:150])")),
    fault(
        "labels_out_of_range",
        "26 outputs for 27 letters",
        ("Body(CONTEXT * 16, 128, len(ALPHABET))", "Body(CONTEXT * 16, 128, 26)"),
        ('"." + "abcdefghijklmnopqrstuvwxyz"', '"abcdefghijklmnopqrstuvwxyz" + "."'),
    ),
    fault(
        "symmetric_init",
        "the body's weights all the same",
        (TO_BODY, "for p in body.parameters():\n    nn.init.constant_(p, 0.02)\n" + TO_BODY),
    ),
    fault(
        "bad_init_scale",
        "the body's weights of size 1",
        (TO_BODY, "for p in body.parameters():\n    nn.init.normal_(p)\n" + TO_BODY),
    ),
    fault(
        "vocabulary_unused",
        "room for 1500 tokens",
        ("nn.Embedding(len(ALPHABET), 16, sparse=True)", "nn.Embedding(1500, 16, sparse=True)"),
        ("Body(CONTEXT * 16, 128, len(ALPHABET))", "Body(CONTEXT * 16, 128, 1500)"),
    ),
    fault(
        "regulariser_dominates", "weight decay 1", (TO_BODY, TO_BODY[:-1] + ", weight_decay=1.0)")
    ),
    fault(
        "dead_units",
        "biases of -4",
        (
            TO_BODY,
            "nn.init.constant_(body.hidden.bias, -4)\nnn.init.constant_(body.second.bias, -4)\n"
            + TO_BODY,
        ),
        also=SIZE,
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rates x 2", ("lr=3e-3", "lr=6e-3"), ("lr=1e-3", "lr=2e-3")),
    healthy("rates / 2", ("lr=3e-3", "lr=1.5e-3"), ("lr=1e-3", "lr=5e-4")),
    healthy(
        "a dense embedding under SGD",
        ("sparse=True", "sparse=False"),
        (
            "torch.optim.SparseAdam(embedding.parameters(), lr=3e-3)",
            "torch.optim.SGD(embedding.parameters(), lr=0.5)",
        ),
    ),
    healthy(
        "AdamW with weight decay",
        (TO_BODY, "optim_body = torch.optim.AdamW(body.parameters(), lr=1e-3, weight_decay=0.1)"),
    ),
    healthy("few steps", ("STEPS, BATCH = 2000, 128", "STEPS, BATCH = 600, 128")),
    healthy("a batch of 32", ("STEPS, BATCH = 2000, 128", "STEPS, BATCH = 2000, 32")),
    healthy("GELU", ("torch.relu(self.second(x))", "nn.functional.gelu(self.second(x))")),
    healthy(
        "a residual connection",
        ("x = torch.relu(self.second(x))", "x = x + torch.relu(self.second(x))"),
    ),
    healthy(
        "the embedding every second step",
        (
            "        optim_embedding.step()\n",
            "        if step % 2:\n            optim_embedding.step()\n",
        ),
    ),
)
