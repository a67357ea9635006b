"""What goes wrong in bigram_onehot.py, and what does not."""

from bench.loops.planted.words import HIGH, SEEDS, SIZE, Healthy, fault, healthy, rates

BG_W = "W = torch.randn((27, 27), generator=g, requires_grad=True)"
BG_LOSS = "loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()"
BG_STEP = "W.data += -50 * W.grad"
# Of a bigram it is true, and no fault, that one letter is all it sees.
SHORT = "context_too_short"

FAULTS = (
    *rates(
        BG_STEP,
        "W.data += -2000 * W.grad",
        "W.data += -0.01 * W.grad",
        "W.data += -50 / min(1, 5 / (k + 1)) * W.grad",
        "W.data += -50 * 0.8**k * W.grad",
    ),
    fault("oscillation", "rate of 400", (BG_STEP, "W.data += -400 * W.grad"), also=HIGH),
    fault("gradients_not_zeroed", "W.grad = None forgotten", ("        W.grad = None\n", "")),
    fault("wrong_update_sign", "minus forgotten", (BG_STEP, "W.data += 50 * W.grad")),
    fault(
        "double_softmax",
        "cross_entropy of probabilities",
        (BG_LOSS, "loss = F.cross_entropy(probs, ys)"),
    ),
    fault(
        "labels_shuffled",
        "only the labels are shuffled",
        ("ys = torch.tensor(ys)", "ys = torch.tensor(ys)[torch.randperm(len(ys))]"),
    ),
    fault(
        "labels_out_of_range",
        "26 outputs for 27 letters",
        (BG_W, "W = torch.randn((27, 26), generator=g, requires_grad=True)"),
    ),
    fault(
        "wrong_loss",
        "squared error of the probabilities",
        (BG_LOSS, "loss = ((probs - F.one_hot(ys, 27).float()) ** 2).mean()"),
    ),
    fault(
        "batch_mixed",
        "normalised over the batch",
        ("counts.sum(1, keepdim=True)", "counts.sum(0, keepdim=True)"),
    ),
    fault(
        "detached_regulariser",
        "squares of W.data",
        ("0.01 * (W**2).mean()", "0.1 * (W.data**2).mean()"),
    ),
    fault("regulariser_dominates", "times 10", ("0.01 * (W**2)", "10 * (W**2)")),
    # exp() of what is drawn far too large.
    fault(
        "nan",
        "exp of enormous weights",
        (BG_W, "W = torch.randn((27, 27), generator=g) * 50\nW.requires_grad = True"),
        also=SIZE,
    ),
    fault(
        "bad_init_scale",
        "weights ten times too large",
        (BG_W, "W = torch.randn((27, 27), generator=g) * 10\nW.requires_grad = True"),
    ),
    fault(
        "inputs_ignored",
        "always the first letter of the name",
        ("xs.append(ix1)", "xs.append(stoi[chs[0]])"),
        (BG_STEP, "W.data += -5 * W.grad"),
        also="inputs_not_normalised",  # they are constant
    ),
    fault("future_leak", "the label is the input", ("ys.append(ix2)", "ys.append(ix1)")),
)

HEALTHY = tuple(
    Healthy(h.how, h.edits, h.seed, (SHORT,))
    for h in (
        *SEEDS,
        healthy("rate / 2", ("W.data += -50 *", "W.data += -25 *")),
        healthy("rate 10", ("W.data += -50 *", "W.data += -10 *")),
        healthy(
            "weights zero, which a single layer may",
            (BG_W, "W = torch.zeros((27, 27), requires_grad=True)"),
        ),
        healthy("no regulariser", (" + 0.01 * (W**2).mean()", "")),
        healthy(
            "log_softmax",
            (
                "-probs[torch.arange(num), ys].log().mean()",
                "-torch.log_softmax(logits, 1)[torch.arange(num), ys].mean()",
            ),
        ),
        healthy(
            "cross_entropy",
            ("-probs[torch.arange(num), ys].log().mean()", "F.cross_entropy(logits, ys)"),
        ),
        healthy("fewer names", ("words[:8000]", "words[:4000]")),
        healthy("100 steps", ("range(200)", "range(100)")),
        healthy(
            "Adam",
            (
                "with watch() as seen:\n",
                "optimizer = torch.optim.Adam([W], lr=0.1)\nwith watch() as seen:\n",
            ),
            ("        W.data += -50 * W.grad\n", "        optimizer.step()\n"),
        ),
    )
)
