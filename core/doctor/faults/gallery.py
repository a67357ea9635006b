"""The gallery of faults: what can be broken on purpose, in any playground, by one switch.

Each fault is a :class:`FaultInjection` that overrides some of what a learner does, as a person
would get it wrong. ``make`` returns a fresh one for each run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ...training.recipe import Recipe, Trait
from .fault_injection import FaultInjection
from .injections import (
    Batch,
    Built,
    Dead,
    Exploding,
    Gradients,
    Growing,
    Heavy,
    HeldOut,
    Kept,
    Loss,
    Miscounted,
    OneClass,
    Outputs,
    Poison,
    Rate,
    Resting,
    Saturated,
    Settings,
    Used,
    alike,
    as_relu,
    as_tanh,
    ascend,
    copied,
    cut,
    detached,
    few,
    freeze,
    hot,
    leave_out,
    loud,
    many,
    marked,
    mix,
    noisy,
    penalised,
    permuted,
    raw,
    same,
    scaled,
    sigmoids,
    squared,
    straight,
    widened,
)

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
            lambda: Settings(lambda r: {"lr": min(100.0, hot(r)), "schedule": "constant"}),
            needs=Trait.HIDDEN,
            also=("exploding_gradient",),
        ),
        Fault(
            "rate_low",
            "lr_too_low",
            "The learning rate is ten thousand times too low.",
            "Look at the update line.",
            lambda: Rate(lambda rate, step: rate * 1e-4),
        ),
        Fault(
            "rate_grows",
            "lr_growing",
            "The learning rate grows with every step.",
            "When does the loss turn?",
            Growing,
        ),
        Fault(
            "momentum_heavy",
            "oscillation",
            "Momentum carries each step on for hundreds of others.",
            "Does the loss fall, or does it swing?",
            Heavy,
            needs=Trait.HIDDEN | Trait.SGD,
            also=("lr_too_high",),
        ),
        Fault(
            "uphill",
            "wrong_update_sign",
            "The step goes up the gradient.",
            "Which way does the loss go?",
            lambda: Gradients(ascend),
        ),
        Fault(
            "negative",
            "wrong_update_sign",
            "The loss has lost its minus sign.",
            "What is the sign of the loss?",
            lambda: Loss(lambda loss, *rest: -loss),
        ),
        Fault(
            "not_zeroed",
            "gradients_not_zeroed",
            "Nobody sets the gradients to zero.",
            "It learns at first. And then?",
            Kept,
        ),
        Fault(
            "left_out",
            "parameter_not_trained",
            "The optimiser was not told of the first layer.",
            "Which update line is missing?",
            lambda: Built(leave_out),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "cut",
            "parameter_not_trained",
            "A detach() stands behind the first layer.",
            "Which layer gets no gradient?",
            lambda: Built(cut),
            needs=Trait.HIDDEN,
            lacks=Trait.TIED,
        ),
        Fault(
            "frozen",
            "frozen_layer",
            "A hidden layer is frozen.",
            "Which layer does not move?",
            lambda: Built(freeze),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "alike",
            "symmetric_init",
            "All weights begin with the same value.",
            "Open a layer: what do its units look like?",
            lambda: Built(alike),
            needs=Trait.ACTIVATIONS,
        ),
        Fault(
            "zeros",
            "symmetric_init",
            "All weights begin at zero.",
            "Does the loss move at all?",
            lambda: Settings(lambda r: {"init": "zeros"}),
            needs=Trait.ACTIVATIONS,
        ),
        Fault(
            "loud",
            "bad_init_scale",
            "The last layer begins far too large.",
            "What is the very first loss?",
            lambda: Built(loud),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "faint",
            "bad_init_scale",
            "The first weights are a thousandth of what they should be.",
            "How wide are the activations?",
            lambda: Built(scaled(1e-3)),
            needs=Trait.CONFIGURABLE,
        ),
        Fault(
            "saturated",
            "saturated_units",
            "The weights push tanh to its flat ends.",
            "What shape have the activations?",
            lambda: Saturated(as_tanh),
            needs=Trait.CONFIGURABLE,
            also=("bad_init_scale",),
        ),
        Fault(
            "dead",
            "dead_units",
            "Biases far below zero keep relu shut.",
            "How many units ever say something?",
            lambda: Dead(as_relu),
            needs=Trait.CONFIGURABLE,
        ),
        Fault(
            "sigmoids",
            "vanishing_gradient",
            "Eight layers of sigmoids, one after another.",
            "Compare the gradient of the first and the last layer.",
            lambda: Settings(sigmoids),
            needs=Trait.CONFIGURABLE,
        ),
        Fault(
            "growing",
            "exploding_gradient",
            "Each layer makes the signal five times larger.",
            "Compare the activations from layer to layer.",
            lambda: Exploding(many),
            needs=Trait.CONFIGURABLE,
            also=("bad_init_scale",),
        ),
        Fault(
            "straight",
            "no_nonlinearity",
            "The activations were forgotten.",
            "What are two matrix products in a row?",
            lambda: Built(straight),
            needs=Trait.DENSE,
        ),
        Fault(
            "softmax_twice",
            "double_softmax",
            "A softmax stands before cross-entropy.",
            "How far down does the loss get?",
            lambda: Outputs(lambda outputs: outputs.softmax(-1)),
            needs=Trait.CROSS_ENTROPY,
        ),
        Fault(
            "squeezed",
            "wrong_loss",
            "The scores are squeezed by tanh before the softmax.",
            "How sure can it become?",
            lambda: Outputs(torch.tanh),
            needs=Trait.CROSS_ENTROPY,
        ),
        Fault(
            "squared",
            "wrong_loss",
            "Squared error, where one of several answers is right.",
            "What does the loss ask for?",
            lambda: Loss(squared),
            needs=Trait.CROSS_ENTROPY,
        ),
        Fault(
            "raw_pixels",
            "inputs_not_normalised",
            "Pixels go in from 0 to 255.",
            "How wide are the first activations?",
            lambda: Batch(raw),
            needs=Trait.IMAGES,
        ),
        Fault(
            "one_input",
            "inputs_ignored",
            "Every example is given the input of the first.",
            "How far down does the loss get?",
            lambda: Batch(same),
        ),
        Fault(
            "shuffled",
            "labels_shuffled",
            "Inputs and labels are drawn apart.",
            "What would knowing only frequencies reach?",
            lambda: Batch(permuted),
        ),
        Fault(
            "noisy",
            "labels_noisy",
            "Two of five labels are wrong.",
            "Compare training and validation.",
            lambda: Batch(noisy),
        ),
        Fault(
            "beyond",
            "labels_out_of_range",
            "Labels run from 1 to K.",
            "What does it say?",
            lambda: Batch(lambda x, y: (x, torch.where(y >= 0, y + 1, y))),
            lacks=Trait.RARE_LABELS,
        ),
        Fault(
            "one_class",
            "class_imbalance",
            "Nineteen of twenty examples have the same answer.",
            "Is a small loss a good loss?",
            OneClass,
            lacks=Trait.SEQUENCES,
        ),
        Fault(
            "not_a_number",
            "nan",
            "After sixty steps, 0 is divided by 0.",
            "When does the curve end?",
            Poison,
        ),
        Fault(
            "idle_penalty",
            "detached_regulariser",
            "A penalty is added that has no gradient.",
            "Does the penalty shrink?",
            lambda: Loss(detached),
        ),
        Fault(
            "heavy_penalty",
            "regulariser_dominates",
            "The penalty outweighs the task.",
            "What becomes of the weights?",
            lambda: Loss(penalised),
        ),
        Fault(
            "across",
            "batch_mixed",
            "The softmax runs along the batch.",
            "Does an answer depend on its neighbours?",
            lambda: Outputs(mix),
            lacks=Trait.SEQUENCES,
        ),
        Fault(
            "told",
            "future_leak",
            "The answer stands in the input.",
            "Is this too good to be true?",
            lambda: Batch(copied),
            needs=Trait.TOKENS,
        ),
        Fault(
            "marked",
            "future_leak",
            "The label is written into a corner of the picture.",
            "Is this too good to be true?",
            lambda: Batch(marked),
            needs=Trait.IMAGES,
        ),
        Fault(
            "overlap",
            "data_overlap",
            "It is judged on the examples that it learns from.",
            "Compare training and validation.",
            lambda: HeldOut(lambda learner: learner.examples),
        ),
        Fault(
            "by_heart",
            "overfitting",
            "It has two batches to learn from, and no more.",
            "Compare training and validation.",
            lambda: Built(few),
            needs=Trait.HIDDEN,
        ),
        Fault(
            "short_sighted",
            "context_too_short",
            "It sees a single token.",
            "What can be known from one token?",
            lambda: Settings(lambda r: {"context": 1}),
            needs=Trait.CONTEXT,
        ),
        Fault(
            "unused",
            "vocabulary_unused",
            "There are ten times more outputs than answers.",
            "How many outputs ever are the answer?",
            lambda: Built(widened),
            needs=Trait.TOKENS,
            lacks=Trait.TIED,
        ),
        Fault(
            "other_use",
            "train_eval_mismatch",
            "Inputs are prepared otherwise where it is used.",
            "Compare training and validation.",
            Used,
        ),
        Fault(
            "miscounted",
            "metric_disagrees",
            "Right answers are counted as if labels began at 1.",
            "Compare the loss and the accuracy.",
            Miscounted,
            needs=Trait.IMAGES | Trait.CROSS_ENTROPY,
        ),
        Fault(
            "resting",
            "train_eval_mismatch",
            "It is trained in its mode for use.",
            "What does batch norm do in that mode?",
            Resting,
            needs=Trait.BATCH_NORM,
        ),
    )
}
