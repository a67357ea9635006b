"""What goes wrong in char_rnn.py, and what does not."""

from bench.loops.planted.words import LEFT_OUT, SEEDS, SIZE, STILL, fault, healthy

RN_OPT = "opt = torch.optim.Adam(model.parameters(), lr=lr)"
RN_CELL = "h = torch.tanh(x[:, t] @ self.w_xh + h @ self.w_hh + self.b_h)"
RN_HH = "nn.Parameter(torch.randn(n_hidden, n_hidden) * 0.9 * n_hidden**-0.5)"
RN_CLIP = "            nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
RN_SGD = "opt = torch.optim.SGD(model.parameters(), lr=0.1)"

FAULTS = (
    fault(
        "exploding_gradient",
        "ReLU cell, large recurrent weights, no clipping",
        (RN_CELL, RN_CELL.replace("torch.tanh", "torch.relu")),
        (RN_HH, "nn.Parameter(torch.randn(n_hidden, n_hidden) * 3 * n_hidden**-0.5)"),
        (RN_CLIP, ""),
        also=SIZE,
    ),
    fault(
        "saturated_units",
        "weights drawn at full size",
        (
            "nn.Parameter(torch.randn(32, n_hidden) * 32**-0.5)",
            "nn.Parameter(torch.randn(32, n_hidden) * 2)",
        ),
        also=SIZE,
    ),
    fault(
        "parameter_not_trained",
        "w_hh is no nn.Parameter",
        (RN_HH, "torch.randn(n_hidden, n_hidden) * 0.9 * n_hidden**-0.5"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "w_xh is no nn.Parameter",
        (
            "nn.Parameter(torch.randn(32, n_hidden) * 32**-0.5)",
            "torch.randn(32, n_hidden) * 32**-0.5",
        ),
        also=STILL,
    ),
    fault("future_leak", "inputs not shifted", ("inputs = data[:, :T]", "inputs = data[:, 1:]")),
    # Stacked the other way, a name's letters get other names' labels.
    fault(
        "batch_mixed",
        "stacked along the time",
        ("torch.stack(outs, dim=1)", "torch.stack(outs, dim=0)"),
        also="labels_shuffled",
    ),
    # w_xh and the embedding then get no gradient.
    fault(
        "inputs_ignored",
        "the cell forgets its input",
        (RN_CELL, "h = torch.tanh(h @ self.w_hh + self.b_h)"),
        also=LEFT_OUT,
    ),
    fault(
        "no_nonlinearity",
        "no tanh",
        (RN_CELL, "h = x[:, t] @ self.w_xh + h @ self.w_hh + self.b_h"),
    ),
    fault(
        "labels_out_of_range", "26 outputs for 27 letters", ("RNN(27, 128, 27)", "RNN(27, 128, 25)")
    ),
    fault(
        "labels_shuffled",
        "targets shuffled by themselves",
        ("data, target = data[shuffled], target[shuffled]", "data = data[shuffled]"),
    ),
    fault(
        "double_softmax",
        "softmax in the model",
        (
            "return self.head(torch.stack(outs, dim=1))",
            "return F.softmax(self.head(torch.stack(outs, dim=1)), dim=-1)",
        ),
    ),
    fault("gradients_not_zeroed", "zero_grad forgotten", ("            opt.zero_grad()\n", "")),
    fault(
        "wrong_update_sign",
        "maximize",
        (RN_OPT, "opt = torch.optim.Adam(model.parameters(), lr=lr, maximize=True)"),
    ),
    fault("lr_too_high", "rate 1", ("lr=0.003", "lr=1.0")),
    fault("lr_too_low", "rate 1e-7", ("lr=0.003", "lr=1e-7")),
    fault(
        "lr_growing",
        "the rate grows with every batch",
        (
            "            opt.step()\n",
            '            opt.param_groups[0]["lr"] *= 1.01\n            opt.step()\n',
        ),
    ),
    fault(
        "overfitting",
        "100 names",
        (
            "take = torch.randint(0, cut, (batch_size,))",
            "take = torch.randint(0, 100, (batch_size,))",
        ),
    ),
    fault(
        "data_overlap",
        "validated on training names",
        (
            "held_out = loss_of(model, inputs[cut:], target[cut:])",
            "held_out = loss_of(model, inputs[:2000], target[:2000])",
        ),
    ),
    fault(
        "symmetric_init",
        "weights all the same",
        (
            RN_OPT,
            "nn.init.constant_(model.w_xh, 0.05)\n    nn.init.constant_(model.w_hh, 0.01)\n"
            "    nn.init.constant_(model.head.weight, 0.01)\n    " + RN_OPT,
        ),
    ),
    fault(
        "frozen_layer",
        "the recurrent weights frozen",
        (
            RN_OPT,
            "model.w_hh.requires_grad_(False)\n    model.w_xh.requires_grad_(False)\n    " + RN_OPT,
        ),
        also=LEFT_OUT,
    ),
    fault(
        "regulariser_dominates",
        "weight decay 1",
        (RN_OPT, "opt = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1.0)"),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("lr=0.003", "lr=0.006")),
    healthy("rate / 2", ("lr=0.003", "lr=0.0015")),
    healthy("no clipping", ("            nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n", "")),
    healthy("narrow", ("RNN(27, 128, 27)", "RNN(27, 48, 27)")),
    healthy(
        "the gradient cut after each letter",
        ("h @ self.w_hh + self.b_h", "h.detach() @ self.w_hh + self.b_h"),
    ),
    healthy("few steps", ("steps=700", "steps=250")),
    healthy("a batch of 16", ("batch_size=64", "batch_size=16")),
    healthy(
        "SGD at 0.5 with clipping",
        (
            "opt = torch.optim.Adam(model.parameters(), lr=lr)",
            "opt = torch.optim.SGD(model.parameters(), lr=0.5)",
        ),
    ),
    healthy(
        "RMSprop",
        (
            "torch.optim.Adam(model.parameters(), lr=lr)",
            "torch.optim.RMSprop(model.parameters(), lr=1e-3)",
        ),
    ),
)
