"""The gallery of faults: what can be broken on purpose, in any playground, by one switch.

Each fault is a :class:`core.training.fault_injection.FaultInjection` that overrides one act of the
learner, as a person would get it wrong. ``make`` returns a fresh one for each run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...training.fault_injection import FaultInjection
from ...training.recipe import Recipe
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

Applies = Callable[[str, dict[str, Any]], bool]


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    Attributes:
        id: its name.
        cause: the id of the cause that the doctor should name first.
        title: what is done wrong, as a sentence.
        hint: what to watch for.
        make: returns what does it.
        fits: whether it can be done to a playground's recipe.
        also: other causes that would be as right.
    """

    id: str
    cause: str
    title: str
    hint: str
    make: Callable[[], FaultInjection]
    fits: Applies
    also: tuple[str, ...] = ()

    def applies(self, playground: str, recipe: Recipe) -> bool:
        """Whether it can be done there."""
        return self.fits(playground, recipe.to_dict())


def fitting(playground: str, recipe: Recipe) -> list[Fault]:
    """Return the faults that can be planted into a recipe."""
    return [fault for fault in FAULTS.values() if fault.applies(playground, recipe)]


def _any(playground: str, recipe: dict[str, Any]) -> bool:
    return str(recipe["model"]) != "bigram-count"


def _deep(playground: str, recipe: dict[str, Any]) -> bool:
    return _any(playground, recipe) and recipe["model"] not in ("bigram",)


def _tokens(playground: str, recipe: dict[str, Any]) -> bool:
    return _any(playground, recipe) and playground != "digits"


def _pictures(playground: str, recipe: dict[str, Any]) -> bool:
    return playground == "digits"


def _mlp(playground: str, recipe: dict[str, Any]) -> bool:
    return recipe["model"] in ("mlp", "mlp-bn", "cnn", "wavenet")


def _plain(playground: str, recipe: dict[str, Any]) -> bool:
    """A network whose signal nothing normalises on its way."""
    return recipe["model"] == "mlp" and not recipe.get("batch_norm")


def _classes(playground: str, recipe: dict[str, Any]) -> bool:
    return _any(playground, recipe) and recipe.get("loss") != "squared-error"


def _longer(playground: str, recipe: dict[str, Any]) -> bool:
    return _tokens(playground, recipe) and recipe["model"] == "mlp" and recipe["context"] > 1


def _modes(playground: str, recipe: dict[str, Any]) -> bool:
    normed = recipe["model"] in ("mlp-bn", "wavenet") or bool(recipe.get("batch_norm"))
    return normed and _any(playground, recipe)


def _whole(playground: str, recipe: dict[str, Any]) -> bool:
    return recipe["model"] in ("gpt", "transformer", "gru")


def _single(playground: str, recipe: dict[str, Any]) -> bool:
    """Whether each example has one answer."""
    return _any(playground, recipe) and not _whole(playground, recipe)


FAULTS: dict[str, Fault] = {
    fault.id: fault
    for fault in (
        Fault(
            "rate_high",
            "lr_too_high",
            "The learning rate is a hundred times too high.",
            "Where does the loss go in the first steps?",
            lambda: Settings(lambda r: {"lr": min(100.0, hot(r)), "schedule": "constant"}),
            _deep,
            ("exploding_gradient",),
        ),
        Fault(
            "rate_low",
            "lr_too_low",
            "The learning rate is ten thousand times too low.",
            "Look at the update line.",
            lambda: Rate(lambda rate, step: rate * 1e-4),
            _any,
        ),
        Fault(
            "rate_grows",
            "lr_growing",
            "The learning rate grows with every step.",
            "When does the loss turn?",
            Growing,
            _any,
        ),
        Fault(
            "momentum_heavy",
            "oscillation",
            "Momentum carries each step on for hundreds of others.",
            "Does the loss fall, or does it swing?",
            Heavy,
            lambda p, r: _deep(p, r) and r["optimizer"] == "sgd",
            ("lr_too_high",),
        ),
        Fault(
            "uphill",
            "wrong_update_sign",
            "The step goes up the gradient.",
            "Which way does the loss go?",
            lambda: Gradients(ascend),
            _any,
        ),
        Fault(
            "negative",
            "wrong_update_sign",
            "The loss has lost its minus sign.",
            "What is the sign of the loss?",
            lambda: Loss(lambda loss, *rest: -loss),
            _any,
        ),
        Fault(
            "not_zeroed",
            "gradients_not_zeroed",
            "Nobody sets the gradients to zero.",
            "It learns at first. And then?",
            Kept,
            _any,
        ),
        Fault(
            "left_out",
            "parameter_not_trained",
            "The optimiser was not told of the first layer.",
            "Which update line is missing?",
            lambda: Built(leave_out),
            _deep,
        ),
        Fault(
            "cut",
            "parameter_not_trained",
            "A detach() stands behind the first layer.",
            "Which layer gets no gradient?",
            lambda: Built(cut),
            lambda p, r: _deep(p, r) and not r.get("tied"),
        ),
        Fault(
            "frozen",
            "frozen_layer",
            "A hidden layer is frozen.",
            "Which layer does not move?",
            lambda: Built(freeze),
            _deep,
        ),
        Fault(
            "alike",
            "symmetric_init",
            "All weights begin with the same value.",
            "Open a layer: what do its units look like?",
            lambda: Built(alike),
            _mlp,
        ),
        Fault(
            "zeros",
            "symmetric_init",
            "All weights begin at zero.",
            "Does the loss move at all?",
            lambda: Settings(lambda r: {"init": "zeros"}),
            _mlp,
        ),
        Fault(
            "loud",
            "bad_init_scale",
            "The last layer begins far too large.",
            "What is the very first loss?",
            lambda: Built(loud),
            _deep,
        ),
        Fault(
            "faint",
            "bad_init_scale",
            "The first weights are a thousandth of what they should be.",
            "How wide are the activations?",
            lambda: Built(scaled(1e-3)),
            _plain,
        ),
        Fault(
            "saturated",
            "saturated_units",
            "The weights push tanh to its flat ends.",
            "What shape have the activations?",
            lambda: Saturated(as_tanh),
            _plain,
            ("bad_init_scale",),
        ),
        Fault(
            "dead",
            "dead_units",
            "Biases far below zero keep relu shut.",
            "How many units ever say something?",
            lambda: Dead(as_relu),
            _plain,
        ),
        Fault(
            "sigmoids",
            "vanishing_gradient",
            "Eight layers of sigmoids, one after another.",
            "Compare the gradient of the first and the last layer.",
            lambda: Settings(sigmoids),
            _plain,
        ),
        Fault(
            "growing",
            "exploding_gradient",
            "Each layer makes the signal five times larger.",
            "Compare the activations from layer to layer.",
            lambda: Exploding(many),
            _plain,
            ("bad_init_scale",),
        ),
        Fault(
            "straight",
            "no_nonlinearity",
            "The activations were forgotten.",
            "What are two matrix products in a row?",
            lambda: Built(straight),
            lambda p, r: (
                r["model"] in ("mlp", "mlp-bn", "cnn", "wavenet")
                and (r["model"] != "cnn")
                and len(r.get("hidden", (1,))) > 0
            ),
        ),
        Fault(
            "softmax_twice",
            "double_softmax",
            "A softmax stands before cross-entropy.",
            "How far down does the loss get?",
            lambda: Outputs(lambda outputs: outputs.softmax(-1)),
            _classes,
        ),
        Fault(
            "squeezed",
            "wrong_loss",
            "The scores are squeezed by tanh before the softmax.",
            "How sure can it become?",
            lambda: Outputs(torch.tanh),
            _classes,
        ),
        Fault(
            "squared",
            "wrong_loss",
            "Squared error, where one of several answers is right.",
            "What does the loss ask for?",
            lambda: Loss(squared),
            _classes,
        ),
        Fault(
            "raw_pixels",
            "inputs_not_normalised",
            "Pixels go in from 0 to 255.",
            "How wide are the first activations?",
            lambda: Batch(raw),
            _pictures,
        ),
        Fault(
            "one_input",
            "inputs_ignored",
            "Every example is given the input of the first.",
            "How far down does the loss get?",
            lambda: Batch(same),
            _any,
        ),
        Fault(
            "shuffled",
            "labels_shuffled",
            "Inputs and labels are drawn apart.",
            "What would knowing only frequencies reach?",
            lambda: Batch(permuted),
            _any,
        ),
        Fault(
            "noisy",
            "labels_noisy",
            "Two of five labels are wrong.",
            "Compare training and validation.",
            lambda: Batch(noisy),
            _any,
        ),
        Fault(
            "beyond",
            "labels_out_of_range",
            "Labels run from 1 to K.",
            "What does it say?",
            lambda: Batch(lambda x, y: (x, torch.where(y >= 0, y + 1, y))),
            lambda p, r: _any(p, r) and r.get("tokenizer") != "characters",
        ),
        Fault(
            "one_class",
            "class_imbalance",
            "Nineteen of twenty examples have the same answer.",
            "Is a small loss a good loss?",
            OneClass,
            _single,
        ),
        Fault(
            "not_a_number",
            "nan",
            "After sixty steps, 0 is divided by 0.",
            "When does the curve end?",
            Poison,
            _any,
        ),
        Fault(
            "idle_penalty",
            "detached_regulariser",
            "A penalty is added that has no gradient.",
            "Does the penalty shrink?",
            lambda: Loss(detached),
            _any,
        ),
        Fault(
            "heavy_penalty",
            "regulariser_dominates",
            "The penalty outweighs the task.",
            "What becomes of the weights?",
            lambda: Loss(penalised),
            _any,
        ),
        Fault(
            "across",
            "batch_mixed",
            "The softmax runs along the batch.",
            "Does an answer depend on its neighbours?",
            lambda: Outputs(mix),
            _single,
        ),
        Fault(
            "told",
            "future_leak",
            "The answer stands in the input.",
            "Is this too good to be true?",
            lambda: Batch(copied),
            _tokens,
        ),
        Fault(
            "marked",
            "future_leak",
            "The label is written into a corner of the picture.",
            "Is this too good to be true?",
            lambda: Batch(marked),
            _pictures,
        ),
        Fault(
            "overlap",
            "data_overlap",
            "It is judged on the examples that it learns from.",
            "Compare training and validation.",
            lambda: HeldOut(lambda learner: learner.examples),
            _any,
        ),
        Fault(
            "by_heart",
            "overfitting",
            "It has two batches to learn from, and no more.",
            "Compare training and validation.",
            lambda: Built(few),
            _deep,
        ),
        Fault(
            "short_sighted",
            "context_too_short",
            "It sees a single token.",
            "What can be known from one token?",
            lambda: Settings(lambda r: {"context": 1}),
            _longer,
        ),
        Fault(
            "unused",
            "vocabulary_unused",
            "There are ten times more outputs than answers.",
            "How many outputs ever are the answer?",
            lambda: Built(widened),
            lambda p, r: _any(p, r) and not r.get("tied") and p != "digits",
        ),
        Fault(
            "other_use",
            "train_eval_mismatch",
            "Inputs are prepared otherwise where it is used.",
            "Compare training and validation.",
            Used,
            _any,
        ),
        Fault(
            "miscounted",
            "metric_disagrees",
            "Right answers are counted as if labels began at 1.",
            "Compare the loss and the accuracy.",
            Miscounted,
            lambda p, r: _pictures(p, r) and _classes(p, r),
        ),
        Fault(
            "resting",
            "train_eval_mismatch",
            "It is trained in its mode for use.",
            "What does batch norm do in that mode?",
            Resting,
            _modes,
        ),
    )
}
