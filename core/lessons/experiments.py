"""The experiments of lesson 3, by the ids in the lesson's text.

Those with rows repeat the lecture, makemore, part 3 ("Activations & Gradients, BatchNorm"), by
Andrej Karpathy; its numbers are those of its notebook and its video.
"""

from collections.abc import Callable, Mapping

from .experiment import (
    LectureExperiment,
    Measure,
    Question,
    ResultRow,
    gradient_question,
    validation_question,
)
from .pair_history import NetworkHistory
from .pair_settings import NetworkSettings

SIGMOID = NetworkSettings(activation="sigmoid", gain=1.0)
FIVE = NetworkSettings(depth=5)
"""The lecture's deep network: five hidden layers of 100, tanh."""
CONFIDENT = NetworkSettings(depth=1, width=200, gain=30**0.5, last=200**0.5)
"""The lecture's first network: every weight has a standard deviation of 1."""
SMALL_OUTPUT = CONFIDENT.replace({"last": 0.01 * 200**0.5})
SMALL_HIDDEN = SMALL_OUTPUT.replace({"gain": 0.2 * 30**0.5})
KAIMING = SMALL_OUTPUT.replace({"gain": 5 / 3})


def _validation_rows(a: str, b: str) -> tuple[ResultRow, ...]:
    """Return the lecture's validation losses of both networks, after 200,000 steps."""
    return (
        ResultRow("Validation loss, A", a, lambda a, b: a.val_loss, ".3f", at_end=True),
        ResultRow("Validation loss, B", b, lambda a, b: b.val_loss, ".3f", at_end=True),
    )


def _of(name: str, read: Callable[[NetworkHistory], float]) -> Measure:
    """Measure a quantity of A or of B."""
    return lambda a, b: read(a if name == "A" else b)


def _saturated(name: str, number: int = 1, first: bool = True) -> Measure:
    return _of(name, lambda network: network.hidden(number, first).saturated)


def _std(name: str, number: int, first: bool = True) -> Measure:
    return _of(name, lambda network: network.hidden(number, first).std)


def _gradient_row(name: str, lecture: str, form: str) -> ResultRow:
    words = f"Gradient of layer 1 ÷ layer 5, {name}"
    return ResultRow(words, lecture, _of(name, lambda network: network.gradient_ratio), form)


def _update_row(name: str, lecture: str) -> ResultRow:
    words = f"log10 of the ratio, {name}"
    return ResultRow(words, lecture, _of(name, lambda network: network.update_ratio), ".1f")


def _first_loss() -> LectureExperiment:
    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        return (
            f"The first loss of A is {a.first_loss:.2f}, that of B {b.first_loss:.2f}."
            f" A uniform guess has a loss of {a.uniform_loss:.2f}."
        )

    return LectureExperiment(
        "The first loss",
        "The lecture's first network. B is the same, but the last layer's weights are 100 times"
        " smaller.",
        CONFIDENT,
        SMALL_OUTPUT,
        Question(
            "Before any training: what is the first loss of A?",
            ("about 3.3, as for a uniform guess", "about 8", "more than 15"),
            (5.0, 15.0),
            lambda a, b: a.first_loss,
            answer,
        ),
        (
            ResultRow("First loss of A", "27.88", lambda a, b: a.first_loss),
            ResultRow("First loss of B", "3.32", lambda a, b: b.first_loss),
            *_validation_rows("2.168", "2.13"),
        ),
    )


def _saturation(
    title: str,
    about: str,
    first: NetworkSettings,
    second: NetworkSettings,
    rows: tuple[ResultRow, ...],
) -> LectureExperiment:
    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        shares = (a.hidden(1).saturated, b.hidden(1).saturated)
        return (
            f"In layer 1 of A {shares[0]:.0%} are saturated (beyond \u00b10.97); in B"
            f" {shares[1]:.0%}."
        )

    question = Question(
        "How many of the activations of layer 1 of A are saturated?",
        ("fewer than a tenth", "a tenth to a third", "a third to a half", "more than half"),
        (0.1, 1 / 3, 0.5),
        _saturated("A"),
        answer,
    )
    return LectureExperiment(title, about, first, second, question, rows)


def _gain() -> LectureExperiment:
    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        stds = [network.hidden(n).std for network in (a, b) for n in (1, -1)]
        return (
            "The standard deviation goes from {:.2f} in layer 1 to {:.2f} in layer 5 of A, and"
            " from {:.2f} to {:.2f} in B.".format(*stds)
        )

    return LectureExperiment(
        "Gain 1 or 5/3",
        "The lecture's five layers of tanh. A divides by √fan-in alone; B multiplies by 5/3 as"
        " well, to compensate for the squashing of tanh.",
        FIVE.replace({"gain": 1.0}),
        FIVE,
        Question(
            "Layer 1 of A has a standard deviation of about 0.6. What is it in layer 5?",
            ("less than 0.1", "0.1 to 0.45", "about the same", "more"),
            (0.1, 0.45, 0.75),
            _std("A", -1),
            answer,
        ),
        (
            ResultRow("Std of layer 1, A", "0.62", _std("A", 1)),
            ResultRow("Std of layer 5, A", "0.32", _std("A", -1)),
            ResultRow("Std of layer 1, B", "0.75", _std("B", 1)),
            ResultRow("Std of layer 5, B", "0.66", _std("B", -1)),
            ResultRow("Saturated in layer 1, B", "20%", _saturated("B"), ".0%"),
        ),
    )


def _any_gain() -> LectureExperiment:
    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        return (
            f"The standard deviation of layer 5 is {a.hidden(-1).std:.2f} in A and"
            f" {b.hidden(-1).std:.2f} in B: batch norm rescales each pre-activation, whatever the"
            " size of the weights."
        )

    return LectureExperiment(
        "Any gain",
        "Five layers of tanh, batch norm in both. The weights of A are eight times smaller than"
        " those of B.",
        FIVE.replace({"norm": "batch", "gain": 0.2}),
        FIVE.replace({"norm": "batch"}),
        Question(
            "How large is the standard deviation of layer 5 in A, relative to B?",
            ("less than a tenth", "about half", "about the same", "larger"),
            (0.1, 0.8, 1.25),
            lambda a, b: a.hidden(-1).std / b.hidden(-1).std,
            answer,
        ),
        (
            ResultRow("Std of layer 1, B", "0.63", _std("B", 1, first=False)),
            ResultRow("Std of layer 5, B", "0.65", _std("B", -1, first=False)),
            ResultRow("Saturated in layer 1, B", "2.6%", _saturated("B", first=False), ".1%"),
            _gradient_row("B", "1.4", ".1f"),
        ),
    )


def _update_ratio() -> LectureExperiment:
    def answer(a: NetworkHistory, b: NetworkHistory) -> str:
        words = f"log10 of the ratio is {a.update_ratio:.1f} in A and {b.update_ratio:.1f} in B."
        return words.replace("-", "\u2212")

    return LectureExperiment(
        "The update-to-weight ratio",
        "The lecture's five layers of tanh. The learning rate of A is 0.001, that of B 0.1.",
        FIVE.replace({"lr": 0.001}),
        FIVE,
        Question(
            "What is log10 of the update-to-weight ratio of a hidden layer of A?",
            ("about \u22125", "about \u22124", "about \u22123", "about \u22122"),
            (-4.5, -3.5, -2.5),
            lambda a, b: a.update_ratio,
            answer,
            at_end=True,
        ),
        (
            _update_row("A", "far below \u22123"),
            _update_row("B", "a little above \u22123"),
        ),
    )


EXPERIMENTS: Mapping[str, LectureExperiment] = {
    "sigmoid": LectureExperiment(
        "Sigmoid",
        "Ten layers of sigmoid, and ten of tanh, each with its usual initialisation.",
        SIGMOID,
        NetworkSettings(),
        gradient_question(
            "A", "How much of layer 10's gradient will layer 1 of A, the sigmoids, get at first?"
        ),
    ),
    "depth": LectureExperiment(
        "Depth",
        "Three layers of sigmoid, and twenty.",
        SIGMOID.replace({"depth": 3}),
        SIGMOID.replace({"depth": 20}),
        gradient_question(
            "B",
            "Twenty layers: how much of layer 20's gradient will layer 1 of B get?",
            small=True,
        ),
    ),
    "explode": LectureExperiment(
        "Exploding",
        "No activation at all: ten matrix products. The weights of B are twice those of A.",
        NetworkSettings(activation="none", gain=1.0),
        NetworkSettings(activation="none", gain=2.0),
        gradient_question(
            "B", "How much gradient will layer 1 of B get, relative to its layer 10?"
        ),
    ),
    "norm": LectureExperiment(
        "Batch norm",
        "Ten layers of sigmoid. B is the same, with batch norm.",
        SIGMOID,
        SIGMOID.replace({"norm": "batch"}),
        gradient_question("B", "How much of layer 10's gradient will layer 1 of B get?"),
    ),
    "layer-norm": LectureExperiment(
        "Layer norm",
        "Ten layers of sigmoid, with layer norm in A and batch norm in B.",
        SIGMOID.replace({"norm": "layer"}),
        SIGMOID.replace({"norm": "batch"}),
        gradient_question(
            "A", "Does layer norm help too? How much of the gradient will layer 1 of A get?"
        ),
    ),
    "residual": LectureExperiment(
        "Residual",
        "Ten layers of tanh with a gain of 0.5, which is too small. B is the same, with residual"
        " connections.",
        NetworkSettings(gain=0.5),
        NetworkSettings(gain=0.5, residual=True),
        gradient_question("B", "How much of layer 10's gradient will layer 1 of B get?"),
    ),
    "residual-grows": LectureExperiment(
        "Twenty sums",
        "Twenty layers of relu with a gain of 1. B is the same, with residual connections.",
        NetworkSettings(activation="relu", gain=1.0, depth=20),
        NetworkSettings(activation="relu", gain=1.0, depth=20, residual=True),
        gradient_question("B", "How much of layer 20's gradient will layer 1 of B get?"),
    ),
    "first-loss": _first_loss(),
    "saturation": _saturation(
        "One layer",
        "The lecture's network with a small last layer. B is the same, but the hidden layer's"
        " weights are five times smaller.",
        SMALL_OUTPUT,
        SMALL_HIDDEN,
        _validation_rows("2.13", "2.103"),
    ),
    "saturation-deep": _saturation(
        "Five layers",
        "The lecture's five layers of tanh. The gain of A is 3, that of B is Kaiming's 5/3.",
        FIVE.replace({"gain": 3.0}),
        FIVE,
        (
            ResultRow("Saturated in layer 1, A", "48%", _saturated("A"), ".0%"),
            ResultRow("Saturated in layer 1, B", "20%", _saturated("B"), ".0%"),
            ResultRow("Saturated in layer 5, A", "42%", _saturated("A", -1), ".0%"),
            ResultRow("Saturated in layer 5, B", "6%", _saturated("B", -1), ".0%"),
        ),
    ),
    "spread": _gain(),
    "small-gain": LectureExperiment(
        "Gain 0.5",
        "Five layers of tanh. The gain of A is 0.5, that of B is Kaiming's 5/3.",
        FIVE.replace({"gain": 0.5}),
        FIVE,
        gradient_question("A", "How much of layer 5's gradient will layer 1 of A get?"),
        (
            ResultRow("Std of layer 5, A", "0.02", _std("A", -1)),
            _gradient_row("A", "0.062", ".3f"),
            _gradient_row("B", "1.4", ".1f"),
        ),
    ),
    "kaiming": LectureExperiment(
        "Kaiming",
        "The lecture's network. The factor 0.2 of A was found by trying, B follows Kaiming's rule.",
        SMALL_HIDDEN,
        KAIMING,
        validation_question(),
        _validation_rows("2.103", "2.107"),
    ),
    "any-gain": _any_gain(),
    "norm-mlp": LectureExperiment(
        "One layer",
        "The lecture's network by Kaiming's rule; B is the same, with batch norm.",
        KAIMING,
        KAIMING.replace({"norm": "batch"}),
        validation_question(),
        _validation_rows("2.107", "2.105"),
    ),
    "pace": _update_ratio(),
}
