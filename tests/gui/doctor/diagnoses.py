"""Diagnoses as the doctor makes them, for tests and for a look at the page."""

# ruff: noqa: E501, a line a check can be read as the table that it is

import math

from core.doctor.diagnosis import Cause, Check, Diagnosis, Experiment, Picture, Proof, Series

STEPS = tuple(float(s) for s in range(0, 1200, 4))
RATIO = Picture(
    "How large is an update against its weights?",
    "bars",
    (Series("update to weight", (), (0.031, 0.048, 0.022, 0.09)),),
    names=("embedding", "hidden 1", "hidden 2", "output"),
    y_label="update over weight",
    log=True,
    levels=(("healthy", 0.001),),
)
LOSS = Picture(
    "Does the loss fall?",
    "lines",
    (
        Series("training", STEPS, tuple(3.2 + 0.9 * math.sin(s / 17) * s / 1200 for s in STEPS)),
        Series("validation", STEPS[::20], tuple(3.3 + s / 2400 for s in STEPS[::20])),
    ),
    y_label="nats a character",
    levels=(("a uniform guess", 3.296), ("pairs", 2.454)),
)
CLASSES = Picture(
    "How often does each label occur?",
    "bars",
    (Series("share", (), tuple(0.02 + 0.06 * ((7 * i) % 10) / 10 for i in range(27))),),
    names=tuple(".abcdefghijklmnopqrstuvwxyz"),
    y_label="share of the labels",
    levels=(("even", 1 / 27),),
)
GRADIENTS = Picture(
    "Does the gradient arrive everywhere?",
    "lines",
    tuple(
        Series(name, STEPS, tuple(10 ** (-level - s / 900) for s in STEPS))
        for name, level in (("hidden 1", 4.0), ("hidden 2", 2.6), ("output", 1.0))
    ),
    y_label="size of the gradient",
    log=True,
)
RATES = Picture(
    "Does another learning rate help?",
    "bars",
    (Series("loss", (), (2.31, 3.21, 4.9)),),
    names=("a third", "as it is", "three times"),
    y_label="loss after 300 steps",
    levels=(("a uniform guess", 3.296),),
)
BATCH = Picture(
    "Can it overfit a single batch?",
    "lines",
    (
        Series(
            "loss on the batch", STEPS[:100], tuple(3.3 * math.exp(-s / 90) for s in STEPS[:100])
        ),
    ),
    y_label="loss",
    levels=(("by memorising", 0.05),),
)
WIDTHS = Picture(
    "Would a wider one learn more?",
    "lines",
    tuple(
        Series(name, STEPS, tuple(2.1 + d + 1.1 * math.exp(-s / 200) for s in STEPS))
        for name, d in (("half as wide", 0.09), ("as it is", 0.02), ("twice as wide", 0.0))
    ),
    y_label="validation loss",
)

PROVED = Proof(
    True,
    "learning rate 0.0005",
    "The loss on new data after 300 steps, without the fix and with it: 3.21 → 2.31, 0.9 lower;"
    " 80 % interval: 0.85 to 0.95.",
    3.21,
    2.31,
    0.9,
    0.85,
    0.95,
    300,
    (("lr", 0.0005),),
    Picture(
        "With the fix and without: loss on new data",
        "lines",
        tuple(
            Series(f"{name} the fix", STEPS[:75], tuple(3.3 - part * s / 300 for s in STEPS[:75]))
            for name, part in (("without", 0.09), ("with", 0.99))
        ),
        y_label="loss",
    ),
)
USELESS = Proof(
    False,
    "context 8",
    "The loss on new data after 300 steps, without the fix and with it: 2.46 → 2.47, 0.01 higher;"
    " 80 % interval: −0.02 to 0.04.",
    2.46,
    2.47,
    -0.01,
    -0.04,
    0.02,
    300,
    (("context", 8),),
)
WIDER = Proof(
    True,
    "width 416",
    "The loss on new data after 300 steps, without the fix and with it: 2.12 → 1.99, 0.13 lower;"
    " 80 % interval: 0.1 to 0.16.",
    2.12,
    1.99,
    0.13,
    0.1,
    0.16,
    300,
    (("width", 416),),
)

RATE = Cause(
    "lr_too_high",
    "The learning rate is too high",
    "all layers",
    "An update changes 3 % of a weight in every step where about 0.1 % is usual, and the loss"
    " swings between 2.4 and 4.1 around a uniform guess of 3.30.",
    "Divide the learning rate by ten; a third of it already reached 2.31 in 300 steps on a copy.",
    0.93,
    (("lr", 0.0005),),
    proof=PROVED,
)
DEAD = Cause(
    "dead_units",
    "Units never answer",
    "hidden 2",
    "61 of 200 units gave 0 for every example of 12 batches; up to one in five is usual for relu.",
    "Lower the learning rate first; then look again.",
    0.58,
)
CONTEXT = Cause(
    "context_too_short",
    "Context too short",
    "",
    "With 1 letter of context no network gets below the pairs' loss of 2.454 nats; it stands at"
    " 2.461.",
    "Give it 8 letters or more of context.",
    0.31,
    proof=USELESS,
)

_GOOD = (
    ("The loss at the start", "3.31", "3.30, a uniform guess among 27"),
    ("Inputs are normalised", "letters, no numbers", "mean near 0, spread near 1"),
    ("Labels are in range", "0 to 26", "0 to 26"),
    ("Labels belong to their inputs", "shuffled ones are learned 9 times slower", "slower"),
    ("First weights", "spread 0.08 to 0.20", "0.06 to 0.24, from the fan in"),
    ("Units of a layer differ", "no two alike", "no two alike"),
    ("Something between the layers bends", "tanh, tanh", "an activation"),
    ("The loss suits the task", "cross-entropy over 27 classes", "cross-entropy"),
    ("Softmax is applied once", "outputs from \u22124.1 to 5.3", "not shares that sum to 1"),
    ("Every parameter gets a gradient", "9 of 9", "all"),
    ("Every parameter is updated", "9 of 9", "all"),
    ("Gradients are zeroed", "each step's is its own", "no memory of the last step"),
    ("The update goes downhill", "\u22120.98", "against the gradient"),
    ("Examples of a batch don't mix", "0", "0"),
    ("The future is hidden", "0", "0"),
    ("Training and validation data are apart", "0.4 % in both", "below 2 %"),
    ("Training and use agree", "the same to 1e\u22127", "the same"),
)
CHECKS = (
    Check("lr_too_high", "The size of an update", False, "10^\u22121.5 of the weights", "near 10^\u22123", "all layers", 0.9, RATIO),
    Check("oscillation", "The loss falls", False, "swings by 0.9 around 3.3", "falls, with swings below 0.2", "", 0.6, LOSS),
    Check("dead_units", "Units answer", False, "61 of 200 never", "at most 40 of 200", "hidden 2", 0.5, GRADIENTS),
    *(Check(f"good_{i}", title, True, got, want) for i, (title, got, want) in enumerate(_GOOD)),
    Check("class_imbalance", "All labels occur", True, "0.4 % to 18 %", "more than 0.1 % each", "", 0.0, CLASSES),
    Check("future_leak", "Blocks look only back", None, "there is no attention in this network"),
    Check("overfitting", "New data is read as well", None, "too few steps to tell"),
    Check("train_eval_mismatch", "Batch norm in use", None, "there is none"),
    Check("regulariser_dominates", "The regulariser is a small part", None, "there is none"),
)  # fmt: skip
EXPERIMENTS = (
    Experiment("overfit_one_batch", "Can it overfit a single batch?", "Yes: 0.04 after 380 steps.", "below 0.05", True, (("loss", 0.04),), 4.1, BATCH),
    Experiment("learning_rates", "Does another learning rate help?", "A third reaches 2.31 where it now reaches 3.21.", "no more than 0.05 lower", False, (), 7.0, RATES),
    Experiment("widths", "Would a wider one learn more?", "Hardly: 0.02 lower at twice the width.", "less than 0.05 lower", True, (), 9.3, WIDTHS),
    Experiment("shuffled_labels", "Does it use its inputs?", "Yes: with shuffled labels it learns nothing.", "no better than a uniform guess", True, (), 3.2),
    Experiment("floors", "What would counting reach?", "Pairs of letters 2.454, triples 2.21.", "", None, (), 0.4),
)  # fmt: skip
BROKEN = Diagnosis(
    "broken",
    "The learning rate is too high: each step throws the weights about, so the loss swings"
    " instead of falling.",
    0.93,
    (RATE, DEAD, CONTEXT),
    CHECKS,
    EXPERIMENTS,
    seconds=27.4,
)
SMALL = Diagnosis(
    "too_small",
    "The model is too small: twice the width reaches 1.99 where this one stands still at 2.12.",
    0.81,
    (),
    tuple(check for check in CHECKS if check.passed is not False),
    EXPERIMENTS[2:3],
    (("width", 416),),
    seconds=31.0,
    proof=WIDER,
)
FINE = Diagnosis(
    "fine",
    "All that was looked at is as it should be, and the loss still falls.",
    0.77,
    (),
    tuple(check for check in CHECKS if check.passed),
    EXPERIMENTS[:1],
    seconds=29.0,
)
EARLY = Diagnosis("unknown", "It has not done enough steps yet.", 0.2, (), CHECKS[3:9])
