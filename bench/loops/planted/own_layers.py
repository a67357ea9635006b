"""What goes wrong in own_layers.py, and what does not."""

from bench.loops.planted.words import LEFT_OUT, SEEDS, SIZE, STILL, ZERO_P, fault, healthy, rates

OL_LR = "lr = 0.1 if i < 2000 else 0.01"
OL_LOSS = "loss = F.cross_entropy(x, Yb)"
OL_LAYERS = (
    "    Linear(n_embd * block_size, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),\n"
    "    Linear(n_hidden, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),\n"
    "    Linear(n_hidden, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),\n"
    "    Linear(n_hidden, vocab_size, bias=False), BatchNorm1d(vocab_size),\n"
)
OL_PLAIN = (
    "    Linear(n_embd * block_size, n_hidden), Tanh(),\n"
    + "    Linear(n_hidden, n_hidden), Tanh(),\n" * 4
    + "    Linear(n_hidden, vocab_size),\n"
)
OL_LAST = (
    "    layers[-1].gamma *= 0.1  # last layer: make less confident\n",
    "    layers[-1].weight *= 0.1\n",
)
OL_GAIN = "layer.weight *= 5 / 3"
OL_PARAMETERS = "parameters = [C] + [p for layer in layers for p in layer.parameters()]"

FAULTS = (
    fault(
        "no_nonlinearity", "Tanh returns its input", ("self.out = torch.tanh(x)", "self.out = x")
    ),
    fault(
        "vanishing_gradient",
        "six layers of sigmoids, no batch norm",
        (OL_LAYERS, OL_PLAIN),
        OL_LAST,
        ("self.out = torch.tanh(x)", "self.out = torch.sigmoid(x)"),
        (OL_GAIN, "layer.weight *= 1.0"),
    ),
    fault(
        "saturated_units",
        "no batch norm, gain of 6",
        (OL_LAYERS, OL_PLAIN),
        OL_LAST,
        (OL_GAIN, "layer.weight *= 6"),
        also=SIZE,
    ),
    fault(
        "exploding_gradient",
        "ReLU, no batch norm, gain of 5",
        (OL_LAYERS, OL_PLAIN),
        OL_LAST,
        ("self.out = torch.tanh(x)", "self.out = torch.relu(x)"),
        (OL_GAIN, "layer.weight *= 5"),
        (OL_LR, "lr = 0.0001"),
        also=SIZE,
    ),
    fault(
        "bad_init_scale",
        "no batch norm, gain of 0.1",
        (OL_LAYERS, OL_PLAIN),
        OL_LAST,
        (OL_GAIN, "layer.weight *= 0.1"),
        also="vanishing_gradient",  # what such weights do
    ),
    fault(
        "parameter_not_trained",
        "C left out of the parameters",
        (OL_PARAMETERS, "parameters = [p for layer in layers for p in layer.parameters()]"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "the first layer left out",
        (
            OL_PARAMETERS,
            "parameters = [C] + [p for layer in layers[1:] for p in layer.parameters()]",
        ),
        also=LEFT_OUT,
    ),
    fault("gradients_not_zeroed", "p.grad = None forgotten", (ZERO_P, "")),
    fault(
        "wrong_update_sign", "minus forgotten", ("p.data += -lr * p.grad", "p.data += lr * p.grad")
    ),
    *rates(
        OL_LR, "lr = 50", "lr = 0.000001", "lr = 0.1 / min(1, 50 / (i + 1))", "lr = 0.1 * 0.98**i"
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
        (OL_LOSS, "loss = F.cross_entropy(F.softmax(x, dim=1), Yb)"),
    ),
    fault(
        "train_eval_mismatch",
        "training never set back to True",
        ("layer.training = True", "layer.training = False"),
    ),
    fault(
        "train_eval_mismatch",
        "running statistics stand still",
        ("eps=1e-5, momentum=0.05", "eps=1e-5, momentum=0.0"),
    ),
    fault(
        "symmetric_init",
        "weights all the same",
        ("torch.randn((fan_in, fan_out), generator=g)", "torch.ones((fan_in, fan_out))"),
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
    # The inputs are constant, and over what is constant the batch norm's gradients blow up.
    fault(
        "inputs_ignored",
        "the context is never moved on",
        ("            context = context[1:] + [stoi[ch]]\n", ""),
        also="inputs_not_normalised nan",
    ),
    fault("context_too_short", "one letter of context", ("block_size = 3", "block_size = 1")),
    fault(
        "overfitting", "200 names", ("build_dataset(words[:24000])", "build_dataset(words[:200])")
    ),
    fault(
        "data_overlap",
        "dev is part of train",
        ("build_dataset(words[24000:27000])", "build_dataset(words[:3000])"),
    ),
    fault(
        "detached_regulariser",
        "squares of p.data",
        (OL_LOSS, OL_LOSS + " + 0.1 * sum((p.data**2).mean() for p in parameters)"),
    ),
    fault(
        "regulariser_dominates",
        "sum of all squares",
        (OL_LOSS, OL_LOSS + " + 0.5 * sum((p**2).sum() for p in parameters)"),
    ),
    fault(
        "batch_mixed",
        "transpose before the reshape",
        ("x = emb.view(emb.shape[0], -1)", "x = emb.transpose(0, 1).reshape(emb.shape[0], -1)"),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("0.1 if i < 2000 else 0.01", "0.2 if i < 2000 else 0.02")),
    healthy("rate / 2", ("0.1 if i < 2000 else 0.01", "0.05 if i < 2000 else 0.005")),
    healthy("ReLU", ("self.out = torch.tanh(x)", "self.out = torch.relu(x)")),
    healthy(
        "no batch norm",
        (
            OL_LAYERS,
            OL_LAYERS.replace(", bias=False), BatchNorm1d(n_hidden)", ")").replace(
                ", bias=False), BatchNorm1d(vocab_size)", ")"
            ),
        ),
        ("    layers[-1].gamma *= 0.1", "    layers[-1].weight *= 0.1"),
    ),
    healthy(
        "no gain, which a batch norm forgives", ("layer.weight *= 5 / 3", "layer.weight *= 1.0")
    ),
    healthy(
        "six layers",
        (
            OL_LAYERS,
            "    Linear(n_embd * block_size, n_hidden, bias=False), BatchNorm1d(n_hidden), "
            "Tanh(),\n"
            + "    Linear(n_hidden, n_hidden, bias=False), BatchNorm1d(n_hidden), Tanh(),\n" * 4
            + "    Linear(n_hidden, vocab_size, bias=False), BatchNorm1d(vocab_size),\n",
        ),
        ("max_steps, batch_size = 3000", "max_steps, batch_size = 2000"),
    ),
    healthy("a batch of 32", ("batch_size = 3000, 64", "batch_size = 3000, 32")),
    healthy("few steps", ("max_steps, batch_size = 3000", "max_steps, batch_size = 1000")),
    healthy("context of 8", ("block_size = 3", "block_size = 8")),
    healthy(
        "label smoothing",
        ("loss = F.cross_entropy(x, Yb)", "loss = F.cross_entropy(x, Yb, label_smoothing=0.1)"),
    ),
)
