"""What goes wrong in mlp_batchnorm.py, and what does not."""

from bench.loops.planted.words import SEEDS, SIZE, STILL, ZERO_P, fault, healthy, rates

BN_LR = "lr = 0.1 if i < 4000 else 0.01"
BN_LOSS = "loss = F.cross_entropy(logits, Yb)"
BN_W1 = (
    "W1 = (\n    torch.randn((n_embd * block_size, n_hidden), generator=g)\n"
    "    * (5 / 3)\n    / (n_embd * block_size) ** 0.5\n)"
)

FAULTS = (
    fault(
        "train_eval_mismatch",
        "sampled without the batch norm",
        ("        hpreact = bngain * (hpreact - bnmean_running) / bnstd_running + bnbias\n", ""),
    ),
    fault(
        "train_eval_mismatch",
        "running statistics never updated",
        (
            "        with torch.no_grad():\n"
            "            bnmean_running = 0.99 * bnmean_running + 0.01 * bnmeani\n"
            "            bnstd_running = 0.99 * bnstd_running + 0.01 * bnstdi\n",
            "",
        ),
    ),
    fault(
        "train_eval_mismatch",
        "sampled with the context backwards",
        ("        context = context[1:] + [ix]\n", "        context = [ix] + context[:-1]\n"),
    ),
    *rates(
        BN_LR,
        "lr = 30",
        "lr = 0.000001",
        "lr = 0.1 / min(1, 100 / (i + 1))",
        "lr = 0.1 * 0.98**i",
    ),
    fault("gradients_not_zeroed", "p.grad = None forgotten", (ZERO_P, "")),
    fault(
        "wrong_update_sign", "minus forgotten", ("p.data += -lr * p.grad", "p.data += lr * p.grad")
    ),
    fault(
        "labels_shuffled",
        "labels of another minibatch",
        (
            "Xb, Yb = Xtr[ix], Ytr[ix]",
            "Xb, Yb = Xtr[ix], Ytr[torch.randint(0, len(Ytr), (batch_size,))]",
        ),
    ),
    fault(
        "double_softmax",
        "softmax before cross_entropy",
        (BN_LOSS, "loss = F.cross_entropy(F.softmax(logits, dim=1), Yb)"),
    ),
    fault(
        "wrong_loss",
        "squared error over tanh",
        (BN_LOSS, "loss = F.mse_loss(torch.tanh(logits), F.one_hot(Yb, vocab_size).float())"),
    ),
    fault(
        "parameter_not_trained",
        "C left out of the parameters",
        ("[C, W1, W2, b2, bngain, bnbias]", "[W1, W2, b2, bngain, bnbias]"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "W1 left out of the parameters",
        ("[C, W1, W2, b2, bngain, bnbias]", "[C, W2, b2, bngain, bnbias]"),
        also=STILL,
    ),
    fault(
        "no_nonlinearity",
        "no tanh anywhere",
        ("h = torch.tanh(hpreact)", "h = hpreact"),
        ("return F.cross_entropy(torch.tanh(hpreact) @ W2", "return F.cross_entropy(hpreact @ W2"),
        ("logits = torch.tanh(hpreact) @ W2", "logits = hpreact @ W2"),
    ),
    fault(
        "future_leak",
        "the context moves on before it is kept",
        (
            "            xs.append(context)\n            ys.append(stoi[ch])\n"
            "            context = context[1:] + [stoi[ch]]\n",
            "            context = context[1:] + [stoi[ch]]\n"
            "            xs.append(context)\n            ys.append(stoi[ch])\n",
        ),
    ),
    fault(
        "nan",
        "a zero layer under the batch norm",
        (BN_W1, "W1 = torch.zeros((n_embd * block_size, n_hidden))"),
        also="symmetric_init bad_init_scale",  # it is the zeros that the division by 0 comes from
    ),
    fault(
        "batch_mixed",
        "transpose before the reshape",
        (
            "        embcat = emb.view(emb.shape[0], -1)",
            "        embcat = emb.transpose(0, 1).reshape(len(emb), -1)",
        ),
    ),
    fault(
        "overfitting",
        "300 names",
        ("build_dataset(words[:n1])", "build_dataset(words[:300])"),
    ),
    fault(
        "data_overlap",
        "dev is part of train",
        ("build_dataset(words[n1:n2])", "build_dataset(words[: n2 - n1])"),
    ),
    fault(
        "detached_regulariser",
        "means of detached weights",
        (BN_LOSS, BN_LOSS + " + 0.1 * sum(p.detach().abs().mean() for p in parameters)"),
    ),
    fault(
        "saturated_units",
        "gain of 20",
        ("bngain = torch.ones((1, n_hidden))", "bngain = 20 * torch.ones((1, n_hidden))"),
        also=SIZE,
    ),
    fault("context_too_short", "one letter of context", ("block_size = 3", "block_size = 1")),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("0.1 if i < 4000 else 0.01", "0.2 if i < 4000 else 0.02")),
    healthy("rate / 2", ("0.1 if i < 4000 else 0.01", "0.05 if i < 4000 else 0.005")),
    healthy(
        "ReLU",
        ("h = torch.tanh(hpreact)", "h = torch.relu(hpreact)"),
        (
            "return F.cross_entropy(torch.tanh(hpreact)",
            "return F.cross_entropy(torch.relu(hpreact)",
        ),
        ("logits = torch.tanh(hpreact) @ W2", "logits = torch.relu(hpreact) @ W2"),
    ),
    healthy(
        "label smoothing", (BN_LOSS, "loss = F.cross_entropy(logits, Yb, label_smoothing=0.1)")
    ),
    healthy("a batch of 32", ("batch_size = 5000, 64", "batch_size = 5000, 32")),
    healthy("a batch of 256, fewer steps", ("batch_size = 5000, 64", "batch_size = 2500, 256")),
    healthy("few steps", ("max_steps, batch_size = 5000", "max_steps, batch_size = 1500")),
    healthy("context of 5", ("block_size = 3", "block_size = 5")),
    healthy(
        "clipped gradients",
        (
            "        lr = 0.1",
            "        torch.nn.utils.clip_grad_norm_(parameters, 1.0)\n        lr = 0.1",
        ),
    ),
    healthy(
        "cosine after a warm-up",
        (
            "lr = 0.1 if i < 4000 else 0.01",
            "lr = 0.15 * min(1, i / 200) * (0.5 + 0.5 * torch.cos(torch.tensor(3.1416 * i / "
            "max_steps)).item())",
        ),
    ),
    healthy(
        "no sampling",
        ("    with seen.using():\n        for _ in range(10):\n            print(sample())\n", ""),
    ),
)
