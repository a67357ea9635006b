"""What goes wrong in char_gru.py, and what does not."""

from bench.loops.planted.words import LEFT_OUT, LOW, SEEDS, STILL, fault, healthy

GR_OPT = "optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)"
GR_STEP = "        optimizer.step()\n"
GR_LOSS = "loss = criterion(out.reshape(-1, out.shape[-1]), y.reshape(-1))"
GR_Y = "y = torch.stack([source[s + 1 : s + SEQ_LEN + 1] for s in starts])"

FAULTS = (
    fault(
        "batch_mixed",
        "batch_first forgotten",
        ("nn.GRU(emb, hidden, batch_first=True)", "nn.GRU(emb, hidden)"),
    ),
    fault(
        "future_leak",
        "bidirectional",
        (
            "nn.GRU(emb, hidden, batch_first=True)",
            "nn.GRU(emb, hidden, batch_first=True, bidirectional=True)",
        ),
        ("nn.Linear(hidden, n_vocab)", "nn.Linear(2 * hidden, n_vocab)"),
    ),
    fault(
        "future_leak",
        "x and y the same slice",
        (GR_Y, "y = torch.stack([source[s : s + SEQ_LEN] for s in starts])"),
    ),
    fault(
        "labels_shuffled",
        "y of other places than x",
        (GR_Y, "starts = torch.randint(0, len(source) - SEQ_LEN - 1, (BATCH,))\n    " + GR_Y),
    ),
    fault(
        "labels_shuffled",
        "y transposed",
        (GR_LOSS, "loss = criterion(out.reshape(-1, out.shape[-1]), y.t().reshape(-1))"),
        also="batch_mixed",  # each has the label of another sequence
    ),
    fault(
        "double_softmax",
        "softmax in the model",
        ("return self.out(h)", "return torch.softmax(self.out(h), dim=-1)"),
    ),
    fault(
        "wrong_loss",
        "squared error over tanh",
        (
            GR_LOSS,
            "loss = nn.functional.mse_loss(out.tanh(), nn.functional.one_hot(y, "
            "len(vocab)).float())",
        ),
    ),
    fault("gradients_not_zeroed", "zero_grad forgotten", ("        optimizer.zero_grad()\n", "")),
    fault(
        "wrong_update_sign",
        "backward of -loss",
        ("        loss.backward()\n", "        (-loss).backward()\n"),
    ),
    fault("lr_too_high", "rate 1", ("lr=4e-3", "lr=1.0")),
    fault("lr_too_low", "rate 1e-7", ("lr=4e-3", "lr=1e-7")),
    fault(
        "lr_growing",
        "the rate grows with every batch",
        (GR_STEP, '        optimizer.param_groups[0]["lr"] *= 1.015\n' + GR_STEP),
    ),
    fault(
        "plateau",
        "the rate falls with every batch",
        (GR_STEP, '        optimizer.param_groups[0]["lr"] *= 0.9\n' + GR_STEP),
        also=LOW,
    ),
    fault(
        "parameter_not_trained",
        "the optimiser knows the last layer only",
        (GR_OPT, "optimizer = torch.optim.Adam(model.out.parameters(), lr=4e-3)"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "detach after the GRU",
        ("return self.out(h)", "return self.out(h.detach())"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "the GRU frozen",
        (GR_OPT, "model.rnn.requires_grad_(False)\n" + GR_OPT),
        also=LEFT_OUT,
    ),
    fault(
        "inputs_ignored",
        "an embedding of zeros",
        ("self.rnn(self.embed(x))", "self.rnn(self.embed(torch.zeros_like(x)))"),
    ),
    fault("overfitting", "2,000 characters", ("start(200_000)", "start(2_000)")),
    fault(
        "data_overlap",
        "validated on training text",
        (
            "train_text, val_text = encoded[:split], encoded[split:]",
            "train_text, val_text = encoded, encoded[split // 2 : split]",
        ),
    ),
    fault(
        "context_too_short",
        "sequences of one character",
        ("SEQ_LEN, BATCH = 32, 32", "SEQ_LEN, BATCH = 1, 1024"),
    ),
    fault(
        "vocabulary_unused",
        "room for 3000 tokens",
        ("model = CharRNN(len(vocab))", "model = CharRNN(3000)"),
        ("num_steps = 400", "num_steps = 200"),
    ),
    fault(
        "bad_init_scale",
        "weights of size 1",
        (GR_OPT, "for p in model.parameters():\n    nn.init.normal_(p)\n" + GR_OPT),
        also="saturated_units",
    ),  # the gates saturate
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("lr=4e-3", "lr=8e-3")),
    healthy("rate / 2", ("lr=4e-3", "lr=2e-3")),
    healthy("LSTM", ("nn.GRU(", "nn.LSTM(")),
    healthy("plain tanh cell", ("nn.GRU(", "nn.RNN(")),
    healthy(
        "two layers with dropout 0.2",
        ("batch_first=True)", "batch_first=True, num_layers=2, dropout=0.2)"),
        ("num_steps = 400", "num_steps = 250"),
    ),
    healthy("no clipping", ("        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n", "")),
    healthy(
        "batch first, by transposing",
        ("nn.GRU(emb, hidden, batch_first=True)", "nn.GRU(emb, hidden)"),
        (
            "h, _ = self.rnn(self.embed(x))",
            "h, _ = self.rnn(self.embed(x).transpose(0, 1))\n        h = h.transpose(0, 1)",
        ),
    ),
    healthy("few steps", ("num_steps = 400", "num_steps = 150")),
    healthy(
        "label smoothing",
        (
            "criterion = nn.CrossEntropyLoss()",
            "criterion = nn.CrossEntropyLoss(label_smoothing=0.1)",
        ),
    ),
    healthy(
        "weight decay",
        (GR_OPT, "optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.1)"),
    ),
)
