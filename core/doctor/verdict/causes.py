"""What can be wrong: every cause by its id, in plain words, with what it means and the fix.

The ids are stable; scripts may rely on them. The table in ``docs/doctor.md`` is made from this one
and the rules: ``python -m bench.doctor causes``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CauseText:
    """A cause in words.

    Attributes:
        title: what is wrong, as one would say it.
        about: what that does to a training, in a sentence.
        fix: what usually fixes it.
        explains: the causes that are often only its symptoms.
        source: the lecture or paper in which it is explained.
    """

    title: str
    about: str
    fix: str
    explains: tuple[str, ...] = ()
    source: str = ""


CAUSES = {
    "nan": CauseText(
        "NaN in the loss",
        "After an overflow, 0/0 or the logarithm of 0 every further result is NaN, and so are the"
        " weights after the next step.",
        "Look at the place where it began: keep 0 out of log and division, or lower the learning"
        " rate if the loss rose before.",
        ("lr_too_high", "plateau"),
        "makemore, part 3",
    ),
    "labels_out_of_range": CauseText(
        "Labels out of range",
        "A label of K or more, or a negative one, points outside of the K outputs.",
        "Let labels run from 0 to K - 1, or give the last layer one output for each class.",
        ("nan",),
    ),
    "wrong_update_sign": CauseText(
        "Gradient ascent: the update has the wrong sign",
        "The weights are moved to where the loss is larger, so it only grows.",
        "Subtract the gradient (p -= lr * p.grad), and minimise the loss, not its negative.",
        (
            "lr_too_high",
            "exploding_gradient",
            "saturated_units",
            "nan",
            "lr_growing",
            "oscillation",
        ),
        "makemore, part 2",
    ),
    "gradients_not_zeroed": CauseText(
        "Gradients not zeroed: missing zero_grad",
        "backward() adds to what .grad holds; without zeroing, each step goes along the sum of all"
        " gradients so far.",
        "Set p.grad = None (or call optimizer.zero_grad()) before backward().",
        ("oscillation", "lr_too_high", "exploding_gradient", "saturated_units", "dead_units"),
        "micrograd: the most common bug",
    ),
    "parameter_not_trained": CauseText(
        "A parameter receives no update",
        "No gradient reaches it, or the update leaves it out: it stays what chance made it.",
        "Give it requires_grad, put it into the list that the update goes through, and let no"
        " detach(), .data or no_grad() stand between it and the loss.",
        ("plateau",),
    ),
    "frozen_layer": CauseText(
        "A layer is frozen",
        "Its weights take part but do not ask for a gradient (or their learning rate is zero), so"
        " what comes after it must live with what chance made of it.",
        "Set requires_grad_(True) on it and hand it to the optimiser, unless it is meant to rest.",
        ("plateau",),
    ),
    "symmetric_init": CauseText(
        "Symmetric initialisation: all units of a layer are equal",
        "Units with equal weights get equal gradients: they stay one unit for ever.",
        "Begin with random weights: randn times gain / sqrt(fan in).",
        ("vanishing_gradient", "plateau", "lr_too_low", "inputs_ignored", "bad_init_scale"),
        "makemore, part 3",
    ),
    "bad_init_scale": CauseText(
        "Bad initialisation scale",
        "Too large, the first guesses are confidently wrong and units saturate; too small, the"
        " signal fades from layer to layer. Either way the first thousands of steps are lost.",
        "Scale by gain / sqrt(fan in) (Kaiming); make the last layer small, so that the loss begins"
        " at ln K.",
        (
            "saturated_units",
            "exploding_gradient",
            "vanishing_gradient",
            "dead_units",
            "lr_too_low",
            "inputs_ignored",
        ),
        "makemore, part 3",
    ),
    "saturated_units": CauseText(
        "Most units are saturated",
        "Where tanh or sigmoid is flat, its gradient is next to zero: what is below hardly learns.",
        "Smaller first weights (gain / sqrt(fan in)), normalised inputs, or batch norm before the"
        " activation.",
        ("vanishing_gradient", "lr_too_low", "plateau"),
        "makemore, part 3",
    ),
    "dead_units": CauseText(
        "Many units are dead",
        "A relu unit that is below zero for every example says nothing and gets no gradient.",
        "A lower learning rate, biases that begin at zero, Kaiming weights, or a leaky relu.",
        ("vanishing_gradient", "plateau", "inputs_ignored"),
        "makemore, part 3",
    ),
    "vanishing_gradient": CauseText(
        "The gradient vanishes on its way to the first layers",
        "Each layer makes it smaller, so the first ones hardly move.",
        "relu or tanh in place of sigmoid, Kaiming weights, batch norm, residual connections.",
        ("lr_too_low", "plateau", "inputs_ignored"),
        "makemore, part 3 and 4",
    ),
    "exploding_gradient": CauseText(
        "The gradient explodes",
        "Each layer, or each turn of a recurrent one, makes it larger; a step then throws the"
        " weights about.",
        "Smaller first weights, normalisation, clip_grad_norm_, a shorter chain.",
        ("lr_too_high", "oscillation", "saturated_units", "nan"),
        "Pascanu, Mikolov and Bengio 2013",
    ),
    "no_nonlinearity": CauseText(
        "No nonlinearity between two layers",
        "Two matrix products in a row are one matrix product: the second layer adds nothing.",
        "Put an activation (tanh, relu) between them.",
        ("plateau",),
        "makemore, part 2",
    ),
    "double_softmax": CauseText(
        "Softmax applied twice",
        "cross_entropy makes probabilities by itself; given probabilities it sees scores between 0"
        " and 1, and can never be sure of anything.",
        "Hand cross_entropy the scores (logits) themselves.",
        ("lr_too_low", "plateau", "vanishing_gradient"),
        "makemore, part 4",
    ),
    "wrong_loss": CauseText(
        "The loss does not suit the task",
        "For one of several answers the loss should ask for the probability of the right one;"
        " squared error, or scores that are squeezed first, teach slowly or not at all.",
        "Linear scores into cross_entropy, for classes; squared error is for quantities.",
        (
            "vanishing_gradient",
            "lr_too_low",
            "plateau",
            "saturated_units",
            "nan",
            "exploding_gradient",
            "lr_too_high",
        ),
    ),
    "inputs_not_normalised": CauseText(
        "Inputs not normalised",
        "Large inputs make large sums: units saturate or die, and no learning rate suits all.",
        "Subtract the mean and divide by the standard deviation (pixels: at least by 255).",
        (
            "saturated_units",
            "dead_units",
            "bad_init_scale",
            "exploding_gradient",
            "lr_too_high",
            "inputs_ignored",
            "vanishing_gradient",
        ),
    ),
    "inputs_ignored": CauseText(
        "The outputs do not depend on the inputs",
        "It says the same whatever it is given, so it can only learn how frequent each answer is.",
        "Follow the input from the batch to the first layer: is it overwritten, zeroed, constant?",
        (
            "labels_shuffled",
            "plateau",
            "lr_too_low",
            "vanishing_gradient",
            "train_eval_mismatch",
            "bad_init_scale",
        ),
    ),
    "labels_shuffled": CauseText(
        "Labels shuffled: they do not belong to their inputs",
        "It overfits a batch and learns nothing that holds for the next one: the loss rests where"
        " knowing only how frequent each answer is would be.",
        "Draw inputs and labels with the same indices, and shuffle them together.",
        ("plateau", "overfitting", "lr_too_low", "labels_noisy"),
    ),
    "labels_noisy": CauseText(
        "Noisy labels",
        "Examples that are alike have contradicting answers; the loss can't fall below that noise.",
        "Clean the labels that the network is surest are wrong; label smoothing limits the harm.",
        ("plateau", "overfitting"),
    ),
    "class_imbalance": CauseText(
        "Class imbalance: nearly all examples have one label",
        "To predict that always is nearly always right, so the rare answers are never learned.",
        "Draw the classes equally often, or weigh their loss by their rareness.",
        ("plateau", "vocabulary_unused", "overfitting"),
    ),
    "detached_regulariser": CauseText(
        "Detached regulariser: a part of the loss has no gradient",
        "It is added to the loss that is shown, and changes nothing that is learned.",
        "Compute it from the parameters themselves: no .data, .item(), detach() or no_grad().",
        (),
    ),
    "regulariser_dominates": CauseText(
        "The regulariser dominates the loss",
        "The weights are drawn to zero more strongly than to any answer.",
        "Make its factor (or the weight decay) smaller, until it is a small part of the loss.",
        (
            "plateau",
            "lr_too_low",
            "vanishing_gradient",
            "inputs_ignored",
            "dead_units",
            "lr_too_high",
            "oscillation",
        ),
    ),
    "batch_mixed": CauseText(
        "Leakage across the batch dimension",
        "What it says to one example depends on the others: a view or a dim argument has taken the"
        " batch for something else.",
        "Keep the batch dimension first and apart; use transpose and not view to exchange"
        " dimensions, and softmax along the last one.",
        ("labels_shuffled", "plateau", "labels_noisy"),
        "Karpathy 2019, A recipe for training neural networks",
    ),
    "future_leak": CauseText(
        "Target leakage: the future leaks into the input",
        "The target is in its input, so that it learns to copy; where the answer is not yet"
        " there, it has learned nothing.",
        "Mask what comes later (tril), and let targets be the inputs one place further on.",
        ("overfitting",),
        "Let's build GPT",
    ),
    "data_overlap": CauseText(
        "The validation data overlaps the training data",
        "Training examples are in the validation data: the validation loss is too low.",
        "Split first, then draw; no example may lie in both parts.",
        (),
    ),
    "train_eval_mismatch": CauseText(
        "Training/inference mismatch",
        "A layer, a normalisation, a mode or a preprocessing differs: the loss falls, and what it"
        " is used for stays noise.",
        "Let one function do the forward pass for both; model.train() to learn, .eval() to use.",
        ("overfitting",),
        "makemore, part 3",
    ),
    "lr_growing": CauseText(
        "The learning rate grows",
        "Steps get longer while the way down gets narrower.",
        "Let it fall or stay: lr / max(1, step / 1000), cosine, or a constant.",
        ("lr_too_high", "oscillation", "exploding_gradient", "nan", "inputs_ignored"),
    ),
    "lr_too_high": CauseText(
        "The learning rate is too high",
        "Steps are so long that they jump over the minimum; the loss jumps, or diverges.",
        "Take a third or a tenth of it; the update-to-weight ratio near 1/1,000 is a good sign.",
        (
            "oscillation",
            "exploding_gradient",
            "saturated_units",
            "dead_units",
            "plateau",
            "nan",
            "inputs_ignored",
            "vanishing_gradient",
            "overfitting",
            "batch_mixed",
        ),
        "makemore, part 2 and 3",
    ),
    "lr_too_low": CauseText(
        "The learning rate is too low",
        "The weights hardly move: the loss falls, but would take for ever.",
        "Take three or ten times as much; the update-to-weight ratio near 1/1,000 is a good sign.",
        ("plateau",),
        "makemore, part 2 and 3",
    ),
    "oscillation": CauseText(
        "The loss oscillates",
        "Steps lead from one side of the valley to the other.",
        "Less momentum, or a lower learning rate.",
        ("plateau",),
    ),
    "overfitting": CauseText(
        "It overfits its examples",
        "The loss on new data rises while that on the training data falls.",
        "More data, dropout or weight decay, a smaller network, or stop where the new data's loss"
        " is lowest.",
        (),
    ),
    "metric_disagrees": CauseText(
        "Loss and accuracy contradict one another",
        "Whoever gives the right answer less than half of all probability pays at least ln 2 = 0.69"
        " nats for it: a loss of L leaves at most L / ln 2 of the answers wrong. What counts fewer"
        " right ones counts something else.",
        "Take both from the same outputs, labels and mode: right is outputs.argmax(-1) == labels,"
        " with the class dimension last, and labels from 0 on.",
    ),
    "context_too_short": CauseText(
        "Context too short",
        "What it is to guess depends on more than it sees; it can't get below what that allows.",
        "Give it more context.",
        ("plateau",),
        "makemore, part 2",
    ),
    "vocabulary_unused": CauseText(
        "Unused output classes",
        "Parameters and time go into tokens or classes that do not occur in the data.",
        "Keep only what occurs, or make a vocabulary from this data.",
        (),
    ),
    "plateau": CauseText(
        "The loss has stopped falling, far from where it could be",
        "Something keeps it there that was not found.",
        "Try a higher learning rate from here, another initialisation, or look at the layers.",
        (),
    ),
}

LESSONS = {
    "1-products": ("no_nonlinearity", "double_softmax", "wrong_loss", "batch_mixed"),
    "2-differentiable": (
        "wrong_update_sign",
        "gradients_not_zeroed",
        "parameter_not_trained",
        "frozen_layer",
        "detached_regulariser",
    ),
    "3-gradients#a-product-of-many-factors": ("vanishing_gradient", "exploding_gradient"),
    "3-gradients#the-first-loss": ("bad_init_scale",),
    "3-gradients#saturation": ("saturated_units", "dead_units", "inputs_not_normalised"),
    "3-gradients#initialisation": ("symmetric_init",),
    "3-gradients#batch-norm": ("train_eval_mismatch",),
    "3-gradients#the-update-to-weight-ratio": (
        "lr_too_high",
        "lr_too_low",
        "lr_growing",
        "oscillation",
    ),
}
"""Which lesson, and which of its headings, lets one find a cause out by playing."""


def lesson_on(cause: str) -> str:
    """Return the lesson on a cause, ``NAME#heading``; "" where there is none."""
    return next((lesson for lesson, causes in LESSONS.items() if cause in causes), "")
