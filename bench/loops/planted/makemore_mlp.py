"""What goes wrong in makemore_mlp.py, and what does not."""

from bench.loops.planted.words import SEEDS, SIZE, STILL, ZERO_P, fault, healthy, rates

MM_LR = "lr = 0.1 if step < 4500 else 0.01"
MM_LOSS = "loss = F.cross_entropy(logits, Yb)"
MM_W1 = "generator=g) * (5 / 3) / (block_size * 10) ** 0.5"
MM_W2 = "W2 = torch.randn((200, vocab_size), generator=g) * 0.01"
MM_STEP = "            p.data += -lr * p.grad\n"
MM_HEAD = "g = torch.Generator().manual_seed(SEED)\n"

FAULTS = (
    *rates(
        MM_LR,
        "lr = 10",
        "lr = 0.00001",
        "lr = 0.1 / min(1, 200 / (step + 1))",
        "lr = 0.1 * 0.99**step",
    ),
    fault("bad_init_scale", "output layer drawn at full size", (MM_W2, MM_W2[:-7])),
    fault(
        "saturated_units", "hidden layer without 1/sqrt(fan in)", (MM_W1, "generator=g)"), also=SIZE
    ),
    fault(
        "symmetric_init",
        "all layers zero",
        (
            "W1 = torch.randn((block_size * 10, 200), generator=g) * (5 / 3) / (block_size * "
            "10) ** 0.5",
            "W1 = torch.zeros((block_size * 10, 200))",
        ),
        ("b1 = torch.randn(200, generator=g) * 0.01", "b1 = torch.zeros(200)"),
        (MM_W2, "W2 = torch.zeros((200, vocab_size))"),
    ),
    fault(
        "symmetric_init",
        "all weights the same",
        (
            "W1 = torch.randn((block_size * 10, 200), generator=g) * (5 / 3) / (block_size * "
            "10) ** 0.5",
            "W1 = torch.ones((block_size * 10, 200)) * 0.1",
        ),
        ("b1 = torch.randn(200, generator=g) * 0.01", "b1 = torch.zeros(200)"),
        (MM_W2, "W2 = torch.ones((200, vocab_size)) * 0.01"),
    ),
    # The inputs are constant, which the issue lists under what is not normalised.
    fault(
        "inputs_ignored",
        "the context is never moved on",
        ("            context = context[1:] + [ix]\n", ""),
        also="inputs_not_normalised",
    ),
    fault(
        "labels_shuffled",
        "labels of another minibatch",
        (
            "Xb, Yb = Xtr[ix], Ytr[ix]",
            "Xb, Yb = Xtr[ix], Ytr[torch.randint(0, Xtr.shape[0], (64,))]",
        ),
    ),
    fault(
        "labels_shuffled",
        "only the labels are shuffled",
        ("Xdev, Ydev =", "Ytr = Ytr[torch.randperm(len(Ytr))]\nXdev, Ydev ="),
    ),
    fault(
        "labels_out_of_range",
        "26 outputs for 27 letters",
        (MM_W2, "W2 = torch.randn((200, 26), generator=g) * 0.01"),
        ("b2 = torch.randn(vocab_size, generator=g)", "b2 = torch.randn(26, generator=g)"),
    ),
    fault(
        "wrong_loss",
        "squared error over tanh",
        (MM_LOSS, "loss = F.mse_loss(torch.tanh(logits), F.one_hot(Yb, vocab_size).float())"),
    ),
    fault("wrong_loss", "nll_loss of logits", (MM_LOSS, "loss = F.nll_loss(logits, Yb)")),
    fault(
        "double_softmax",
        "softmax before cross_entropy",
        (MM_LOSS, "loss = F.cross_entropy(F.softmax(logits, dim=1), Yb)"),
    ),
    fault(
        "no_nonlinearity",
        "no tanh",
        ("h = torch.tanh(embcat @ W1 + b1)", "h = embcat @ W1 + b1"),
        (
            "h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)",
            "h = emb.view(len(emb), -1) @ W1 + b1",
        ),
    ),
    fault("gradients_not_zeroed", "p.grad = None forgotten", (ZERO_P, "")),
    fault(
        "wrong_update_sign", "minus forgotten", ("p.data += -lr * p.grad", "p.data += lr * p.grad")
    ),
    fault(
        "parameter_not_trained",
        "C left out of the parameters",
        ("[C, W1, b1, W2, b2]", "[W1, b1, W2, b2]"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "W1 and b1 left out of the parameters",
        ("[C, W1, b1, W2, b2]", "[C, W2, b2]"),
        also=STILL,
    ),
    fault(
        "detached_regulariser",
        "squares of p.data",
        (MM_LOSS, MM_LOSS + " + 0.1 * sum((p.data**2).mean() for p in parameters)"),
    ),
    fault(
        "regulariser_dominates",
        "sum of all squares, times 0.5",
        (MM_LOSS, MM_LOSS + " + 0.5 * sum((p**2).sum() for p in parameters)"),
    ),
    fault(
        "future_leak",
        "the context moves on before it is kept",
        (
            "            xs.append(context)\n            ys.append(ix)\n"
            "            context = context[1:] + [ix]\n",
            "            context = context[1:] + [ix]\n"
            "            xs.append(context)\n            ys.append(ix)\n",
        ),
    ),
    fault(
        "batch_mixed",
        "transpose before the reshape",
        (
            "embcat = emb.view(emb.shape[0], -1)",
            "embcat = emb.transpose(0, 1).reshape(emb.shape[0], -1)",
        ),
    ),
    fault("context_too_short", "one letter of context", ("block_size = 3", "block_size = 1")),
    fault(
        "vocabulary_unused",
        "room for 1500 tokens",
        ("vocab_size = len(itos)", "vocab_size = 1500"),
        ("max_steps = 6000", "max_steps = 2500"),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("0.1 if step < 4500 else 0.01", "0.2 if step < 4500 else 0.02")),
    healthy("rate / 2", ("0.1 if step < 4500 else 0.01", "0.05 if step < 4500 else 0.005")),
    healthy("constant rate", ("0.1 if step < 4500 else 0.01", "0.1")),
    healthy(
        "ReLU",
        ("h = torch.tanh(embcat @ W1 + b1)", "h = torch.relu(embcat @ W1 + b1)"),
        ("h = torch.tanh(emb.view", "h = torch.relu(emb.view"),
    ),
    healthy(
        "label smoothing", (MM_LOSS, "loss = F.cross_entropy(logits, Yb, label_smoothing=0.1)")
    ),
    healthy("light weight decay", (MM_LOSS, MM_LOSS + " + 0.001 * (W1**2).mean()")),
    healthy("few steps", ("max_steps = 6000", "max_steps = 2000")),
    healthy("a batch of 32, small", ("(64,), generator=g)", "(32,), generator=g)")),
    healthy(
        "a narrow hidden layer",
        ("torch.randn(200, generator=g)", "torch.randn(60, generator=g)"),
        ("W1 = torch.randn((block_size * 10, 200)", "W1 = torch.randn((block_size * 10, 60)"),
        ("W2 = torch.randn((200, vocab_size)", "W2 = torch.randn((60, vocab_size)"),
    ),
    healthy("context of 8", ("block_size = 3", "block_size = 8")),
)
