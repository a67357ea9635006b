"""The gallery of faults: what can be broken on purpose, in any playground, by one switch.

A fault says which traits of a recipe it needs; ``make`` returns a fresh injection for each run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ...training.recipe import Recipe, Trait
from . import injections as inject
from .fault_injection import FaultInjection

NONE = Trait(0)


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    Attributes:
        id: its name.
        cause: the id of the cause that the doctor should name first.
        title: what is done wrong, as a sentence.
        hint: what to watch for.
        make: returns what does it.
        needs, lacks: the traits that a recipe must have for it, and must not have.
        also: other causes that would be as right.
    """

    id: str
    cause: str
    title: str
    hint: str
    make: Callable[[], FaultInjection]
    needs: Trait = Trait.DESCENT
    lacks: Trait = NONE
    also: tuple[str, ...] = ()

    def applies(self, recipe: Recipe) -> bool:
        """Whether it can be injected into a training by this recipe."""
        traits = recipe.traits()
        return self.needs in traits and not self.lacks & traits


def fitting(recipe: Recipe) -> list[Fault]:
    """Return the faults that can be injected into a training by this recipe."""
    return [fault for fault in FAULTS.values() if fault.applies(recipe)]


FAULTS: dict[str, Fault] = {
    fault.id: fault
    for fault in (
        Fault(
            "rate_high",
            "lr_too_high",
            "The learning rate is a hundred times too high.",
            "Where does the loss go in the first steps?",
            lambda: FaultInjection(recipe=inject.high_rate),
            needs=Trait.HIDDEN,
            also=("exploding_gradient",),
        ),
        Fault(
            "rate_low",
            "lr_too_low",
            "The learning rate is ten thousand times too low.",
            "Look at the update-to-weight ratio.",
            lambda: FaultInjection(rate=lambda rate, step: rate * 1e-4),
        ),
        Fault(
            "rate_grows",
            "lr_growing",
            "The learning rate grows with every step.",
            "When does the loss turn?",
            inject.GrowingRate,
        ),
        Fault(
            "momentum_heavy",
            "oscillation",
            "Momentum is 0.99, far too high.",
            "Does the loss fall, or does it oscillate?",
            inject.HeavyMomentum,
            needs=Trait.HIDDEN | Trait.SGD,
            also=("lr_too_high",),
        ),
        Fault(
            "uphill",
            "wrong_update_sign",
            "The update has the wrong sign: gradient ascent.",
            "Which way does the loss go?",
            lambda: FaultInjection(gradients=inject.ascend),
        ),
        Fault(
            "negative",
            "wrong_update_sign",
            "The loss has the wrong sign.",
            "What is the sign of the loss?",
            lambda: FaultInjection(loss=lambda loss, *rest: -loss),
        ),
        Fault(
            "not_zeroed",
            "gradients_not_zeroed",
            "A missing zero_grad: the gradients add up.",
            "It learns at first. And then?",
            lambda: FaultInjection(keeps_gradients=True),
        ),
        Fault(
            "left_out",
            "parameter_not_trained",
            "The first layer is missing from the optimiser.",
            "Which layer has no update?",
            lambda: FaultInjection(built=inject.leave_out),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "cut",
            "parameter_not_trained",
            "The output of the first layer is detached.",
            "Which layer gets no gradient?",
            lambda: FaultInjection(built=inject.cut),
            needs=Trait.HIDDEN,
            lacks=Trait.TIED,
        ),
        Fault(
            "frozen",
            "frozen_layer",
            "A hidden layer is frozen: its weights ask for no gradient.",
            "Which layer does not move?",
            lambda: FaultInjection(built=inject.freeze),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "alike",
            "symmetric_init",
            "All weights start with the same value.",
            "Open a layer: what do its units look like?",
            lambda: FaultInjection(built=inject.alike),
            needs=Trait.ACTIVATIONS,
        ),
        Fault(
            "zeros",
            "symmetric_init",
            "All weights start at zero.",
            "Does the loss move at all?",
            lambda: FaultInjection(recipe=lambda r: r.replace({"init": "zeros"})),
            needs=Trait.ACTIVATIONS,
        ),
        Fault(
            "loud",
            "bad_init_scale",
            "The initial weights of the output layer are far too large.",
            "What is the very first loss?",
            lambda: FaultInjection(built=inject.loud),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "faint",
            "bad_init_scale",
            "The initial weights are a thousandth of what they should be.",
            "How large are the activations?",
            lambda: FaultInjection(built=inject.shrink),
            needs=Trait.CONFIGURABLE,
        ),
        Fault(
            "saturated",
            "saturated_units",
            "Weights that are too large saturate the tanh units.",
            "What does the histogram of the activations look like?",
            inject.Saturated,
            needs=Trait.CONFIGURABLE,
            also=("bad_init_scale",),
        ),
        Fault(
            "dead",
            "dead_units",
            "Biases far below zero: the relu units are dead.",
            "How many units are ever above zero?",
            inject.DeadUnits,
            needs=Trait.CONFIGURABLE,
        ),
        Fault(
            "sigmoids",
            "vanishing_gradient",
            "Eight hidden layers of sigmoid units.",
            "Compare the gradient of the first and the last layer.",
            lambda: FaultInjection(recipe=inject.sigmoids),
            needs=Trait.CONFIGURABLE,
        ),
        Fault(
            "growing",
            "exploding_gradient",
            "Each layer makes the activations five times larger.",
            "Compare the activations from layer to layer.",
            inject.Exploding,
            needs=Trait.CONFIGURABLE,
            also=("bad_init_scale",),
        ),
        Fault(
            "straight",
            "no_nonlinearity",
            "The activation functions are missing.",
            "What are two matrix products in a row?",
            lambda: FaultInjection(built=inject.straight),
            needs=Trait.DENSE,
        ),
        Fault(
            "softmax_twice",
            "double_softmax",
            "Softmax is applied twice: cross-entropy has its own.",
            "How low does the loss get?",
            lambda: FaultInjection(outputs=lambda outputs: outputs.softmax(-1)),
            needs=Trait.CROSS_ENTROPY,
        ),
        Fault(
            "squeezed",
            "wrong_loss",
            "The logits go through tanh before the softmax.",
            "How large can a probability become?",
            lambda: FaultInjection(outputs=torch.tanh),
            needs=Trait.CROSS_ENTROPY,
        ),
        Fault(
            "squared",
            "wrong_loss",
            "Squared error as the loss of a classification.",
            "What does the loss measure?",
            lambda: FaultInjection(loss=inject.squared),
            needs=Trait.CROSS_ENTROPY,
        ),
        Fault(
            "raw_pixels",
            "inputs_not_normalised",
            "The pixels are not normalised: they go from 0 to 255.",
            "How large are the first activations?",
            lambda: FaultInjection(batch=inject.raw),
            needs=Trait.IMAGES,
        ),
        Fault(
            "one_input",
            "inputs_ignored",
            "Every example has the input of the first.",
            "How low does the loss get?",
            lambda: FaultInjection(batch=inject.same),
        ),
        Fault(
            "shuffled",
            "labels_shuffled",
            "The labels are shuffled.",
            "What would knowing only frequencies reach?",
            lambda: FaultInjection(batch=inject.permuted),
        ),
        Fault(
            "noisy",
            "labels_noisy",
            "Two of five labels are wrong.",
            "Compare training and validation.",
            lambda: FaultInjection(batch=inject.noisy),
        ),
        Fault(
            "beyond",
            "labels_out_of_range",
            "Labels go from 1 to K instead of 0 to K - 1.",
            "What is the error message?",
            lambda: FaultInjection(batch=lambda x, y: (x, torch.where(y >= 0, y + 1, y))),
            lacks=Trait.RARE_LABELS,
        ),
        Fault(
            "one_class",
            "class_imbalance",
            "Nineteen of twenty examples have the same label.",
            "Is a small loss a good loss?",
            inject.OneClass,
            lacks=Trait.SEQUENCES,
        ),
        Fault(
            "not_a_number",
            "nan",
            "After sixty steps, 0 is divided by 0.",
            "When does the curve end?",
            inject.DividedByZero,
        ),
        Fault(
            "idle_penalty",
            "detached_regulariser",
            "The regulariser has no gradient.",
            "Does the penalty shrink?",
            lambda: FaultInjection(loss=inject.detached),
        ),
        Fault(
            "heavy_penalty",
            "regulariser_dominates",
            "The regulariser outweighs the loss of the task.",
            "What becomes of the weights?",
            lambda: FaultInjection(loss=inject.penalised),
        ),
        Fault(
            "across",
            "batch_mixed",
            "The softmax runs along the batch dimension.",
            "Does an output depend on the other examples?",
            lambda: FaultInjection(outputs=inject.mix),
            lacks=Trait.SEQUENCES,
        ),
        Fault(
            "told",
            "future_leak",
            "The target is in the input.",
            "Is this too good to be true?",
            lambda: FaultInjection(batch=inject.copied),
            needs=Trait.TOKENS,
        ),
        Fault(
            "marked",
            "future_leak",
            "The label is written into a corner of the image.",
            "Is this too good to be true?",
            lambda: FaultInjection(batch=inject.marked),
            needs=Trait.IMAGES,
        ),
        Fault(
            "overlap",
            "data_overlap",
            "The validation data is the training data.",
            "Compare training and validation.",
            lambda: FaultInjection(held_out=lambda learner: learner.examples),
        ),
        Fault(
            "by_heart",
            "overfitting",
            "The training data is two batches.",
            "Compare training and validation.",
            lambda: FaultInjection(built=inject.few),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "short_sighted",
            "context_too_short",
            "The context is a single token.",
            "What can be predicted from one token?",
            lambda: FaultInjection(recipe=lambda r: r.replace({"context": 1})),
            needs=Trait.CONTEXT,
        ),
        Fault(
            "unused",
            "vocabulary_unused",
            "There are ten times more outputs than classes.",
            "How many outputs are ever the target?",
            lambda: FaultInjection(built=inject.widened),
            needs=Trait.TOKENS,
            lacks=Trait.TIED,
        ),
        Fault(
            "other_use",
            "train_eval_mismatch",
            "Inputs are preprocessed differently at inference.",
            "Compare training and validation.",
            inject.PreprocessedDifferently,
        ),
        Fault(
            "miscounted",
            "metric_disagrees",
            "Accuracy is counted as if labels started at 1.",
            "Compare the loss and the accuracy.",
            lambda: FaultInjection(evaluated=inject.miscount),
            needs=Trait.IMAGES | Trait.CROSS_ENTROPY,
        ),
        Fault(
            "resting",
            "train_eval_mismatch",
            "It is trained in eval mode.",
            "What does batch norm do in that mode?",
            inject.TrainedInEvalMode,
            needs=Trait.BATCH_NORM,
        ),
    )
}
