"""What goes wrong in nanogpt.py, and what does not."""

from bench.loops.planted.words import LEFT_OUT, LOW, SEEDS, STILL, fault, healthy

GP_OPT = "optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)"
GP_STEP = "        optimizer.step()\n"
GP_LOSS = "loss = F.cross_entropy(logits.view(b * t, c), targets.view(b * t))"
GP_Y = "y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])"

FAULTS = (
    fault(
        "future_leak",
        "tril forgotten",
        ('        wei = wei.masked_fill(self.tril[:t, :t] == 0, float("-inf"))\n', ""),
    ),
    fault(
        "future_leak",
        "x and y the same slice",
        (GP_Y, "y = torch.stack([data[i : i + block_size] for i in ix])"),
    ),
    # Where the mask hides a place from every sequence, this is 0/0, too.
    fault(
        "batch_mixed",
        "softmax over the batch",
        ("wei = F.softmax(wei, dim=-1)", "wei = F.softmax(wei, dim=0)"),
        also="nan",
    ),
    # What stands before a character is then of other texts: one character is all it knows.
    fault(
        "batch_mixed",
        "sequences stacked as columns",
        (
            "x = torch.stack([data[i : i + block_size] for i in ix])",
            "x = torch.stack([data[i : i + block_size] for i in ix], dim=1)",
        ),
        (GP_Y, GP_Y[:-1] + ", dim=1)"),
        ("targets.view(b * t)", "targets.reshape(b * t)"),
        also="context_too_short",
    ),
    # Without its tokens, the table of tokens gets no gradient.
    fault(
        "inputs_ignored",
        "only the positions are embedded",
        ("x = tok_emb + pos_emb", "x = pos_emb.expand(tok_emb.shape)"),
        also=LEFT_OUT,
    ),
    fault(
        "parameter_not_trained",
        "heads in a plain list",
        (
            "nn.ModuleList([Head(head_size) for _ in range(num_heads)])",
            "[Head(head_size) for _ in range(num_heads)]",
        ),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "the optimiser knows the blocks only",
        (GP_OPT, "optimizer = torch.optim.AdamW(model.blocks.parameters(), lr=learning_rate)"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "the table of tokens frozen",
        (GP_OPT, "model.token_embedding_table.requires_grad_(False)\n" + GP_OPT),
        also=LEFT_OUT,
    ),
    fault(
        "train_eval_mismatch",
        "generates from the first characters",
        ("idx_cond = idx[:, -block_size:]", "idx_cond = idx[:, :block_size]"),
    ),
    fault(
        "train_eval_mismatch",
        "dropout while it is judged",
        ("dropout = 0.0", "dropout = 0.4"),
        ("    model.eval()\n    for split", "    for split"),
    ),
    fault(
        "train_eval_mismatch",
        "dropout while it generates",
        ("dropout = 0.0", "dropout = 0.4"),
        ("        model.eval()\n        context", "        context"),
    ),
    fault(
        "double_softmax",
        "softmax before cross_entropy",
        (
            GP_LOSS,
            "loss = F.cross_entropy(F.softmax(logits.view(b * t, c), dim=-1), targets.view(b * t))",
        ),
    ),
    fault(
        "labels_shuffled",
        "y of other places than x",
        (GP_Y, "ix = torch.randint(len(data) - block_size - 1, (batch_size,))\n    " + GP_Y),
    ),
    # Each position has the label of another sequence's: both are said of the same mistake.
    fault(
        "labels_shuffled",
        "targets transposed",
        (GP_LOSS, "loss = F.cross_entropy(logits.view(b * t, c), targets.t().reshape(b * t))"),
        also="batch_mixed",
    ),
    fault(
        "gradients_not_zeroed",
        "zero_grad forgotten",
        ("        optimizer.zero_grad(set_to_none=True)\n", ""),
    ),
    fault(
        "wrong_update_sign",
        "backward of -loss",
        ("        loss.backward()\n", "        (-loss).backward()\n"),
    ),
    fault("lr_too_high", "rate 0.3", ("learning_rate = 2e-3", "learning_rate = 0.3")),
    fault("lr_too_low", "rate 1e-7", ("learning_rate = 2e-3", "learning_rate = 1e-7")),
    fault(
        "lr_growing",
        "the schedule divides by min(1, ...)",
        (
            GP_STEP,
            '        optimizer.param_groups[0]["lr"] = learning_rate / min(1, 10 / (it + 1))\n'
            + GP_STEP,
        ),
    ),
    fault(
        "plateau",
        "the rate decays within moments",
        (GP_STEP, '        optimizer.param_groups[0]["lr"] *= 0.9\n' + GP_STEP),
        also=LOW,
    ),
    fault(
        "context_too_short",
        "one character of context",
        ("block_size = 32", "block_size = 1"),
        ("batch_size = 16", "batch_size = 512"),
    ),
    fault(
        "vocabulary_unused",
        "room for 3000 tokens",
        ("vocab_size = len(chars)", "vocab_size = 3000"),
        ("max_iters = 500", "max_iters = 300"),
    ),
    fault(
        "overfitting",
        "3,000 characters",
        ("start(300_000)", "start(3_000)"),
        ("n_layer = 2", "n_layer = 3"),
    ),
    fault(
        "data_overlap", "validated on training text", ("val_data = data[n:]", "val_data = data[:n]")
    ),
    fault("no_nonlinearity", "no ReLU in the blocks", ("            nn.ReLU(),\n", "")),
    fault(
        "symmetric_init",
        "all weights 0.02",
        (GP_OPT, "for p in model.parameters():\n    nn.init.constant_(p, 0.02)\n" + GP_OPT),
    ),
    fault(
        "bad_init_scale",
        "output weights of size 1",
        (GP_OPT, "nn.init.normal_(model.lm_head.weight)\n" + GP_OPT),
    ),
    fault(
        "nan",
        "a mask that hides the diagonal",
        (
            "torch.tril(torch.ones(block_size, block_size))",
            "torch.tril(torch.ones(block_size, block_size), diagonal=-1)",
        ),
    ),
    fault("regulariser_dominates", "weight decay 50", (GP_OPT, GP_OPT[:-1] + ", weight_decay=50)")),
    fault(
        "wrong_loss",
        "nll_loss of logits",
        (GP_LOSS, "loss = F.nll_loss(logits.view(b * t, c), targets.view(b * t))"),
    ),
    fault(
        "labels_out_of_range",
        "one output too few",
        ("nn.Linear(n_embd, vocab_size)", "nn.Linear(n_embd, vocab_size - 30)"),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("learning_rate = 2e-3", "learning_rate = 4e-3")),
    healthy("rate / 2", ("learning_rate = 2e-3", "learning_rate = 1e-3")),
    healthy("dropout 0.2", ("dropout = 0.0", "dropout = 0.2")),
    healthy(
        "tied weights",
        (
            "self.lm_head = nn.Linear(n_embd, vocab_size)",
            "self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)\n"
            "        nn.init.normal_(self.token_embedding_table.weight, std=0.1)\n"
            "        nn.init.normal_(self.position_embedding_table.weight, std=0.02)\n"
            "        self.lm_head.weight = self.token_embedding_table.weight",
        ),
    ),
    healthy(
        "two micro-batches a step",
        (
            '        xb, yb = get_batch("train")\n        logits, loss = model(xb, yb)\n'
            "        optimizer.zero_grad(set_to_none=True)\n        loss.backward()\n",
            "        optimizer.zero_grad(set_to_none=True)\n        for _ in range(2):\n"
            '            xb, yb = get_batch("train")\n            logits, loss = model(xb, yb)\n'
            "            (loss / 2).backward()\n",
        ),
        ("max_iters = 500", "max_iters = 250"),
    ),
    healthy(
        "clipped gradients",
        (GP_STEP, "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n" + GP_STEP),
    ),
    healthy(
        "cosine after a warm-up",
        (
            GP_STEP,
            '        optimizer.param_groups[0]["lr"] = learning_rate * min(1, it / 50) * (1.05 '
            "- it / max_iters)\n" + GP_STEP,
        ),
    ),
    healthy("GELU", ("            nn.ReLU(),\n", "            nn.GELU(),\n")),
    healthy(
        "few steps",
        ("max_iters = 500", "max_iters = 150"),
        ("eval_interval = 125", "eval_interval = 50"),
    ),
    healthy(
        "no generation",
        ("    with seen.using():\n        model.eval()\n", "    model.eval()\n    if False:\n"),
    ),
    healthy("one layer, wide", ("n_layer = 2", "n_layer = 1"), ("n_embd = 64", "n_embd = 96")),
    healthy(
        "softmax over the last of four dimensions, named",
        ("wei = F.softmax(wei, dim=-1)", "wei = wei.softmax(dim=2)"),
    ),
)
