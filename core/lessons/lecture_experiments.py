"""The five steps of the lecture as experiments, with the lecture's numbers.

The lecture is makemore, part 3 ("Activations & Gradients, BatchNorm"), by Andrej Karpathy; its
numbers are those that its notebook and its video show.
"""

from collections.abc import Mapping

from .experiment import LectureExperiment, ResultRow
from .pair_history import Account
from .pair_settings import Side
from .questions import Measure, Question, better, reach_of

FIVE = Side(depth=5)
"""The lecture's deep network: five hidden layers of 100, tanh."""
CONFIDENT = Side(depth=1, width=200, gain=30**0.5, last=200**0.5)
"""The lecture's first network: every weight is drawn with a spread of 1."""
MODEST = CONFIDENT.replace({"last": 0.01 * 200**0.5})
HACKED = MODEST.replace({"gain": 0.2 * 30**0.5})
KAIMING = MODEST.replace({"gain": 5 / 3})


def _judged(lecture: tuple[str, str]) -> tuple[ResultRow, ...]:
    """Return the lecture's losses on new names, after 200,000 steps, of both sides."""
    words = "Loss on new names,"
    return (
        ResultRow(f"{words} A", lecture[0], lambda a, b: a.val_loss, ".3f", judged=True),
        ResultRow(f"{words} B", lecture[1], lambda a, b: b.val_loss, ".3f", judged=True),
    )


def _first_loss() -> LectureExperiment:
    def answer(a: Account, b: Account) -> str:
        return (
            f"The first loss of A is {a.first_loss:.2f}, that of B {b.first_loss:.2f}."
            f" An even guess costs {a.uniform_loss:.2f}."
        )

    return LectureExperiment(
        "The first loss",
        "The lecture's first network. B is the same, but the last layer's weights are 100 times"
        " smaller.",
        CONFIDENT,
        MODEST,
        Question(
            "Nobody has learned anything yet. What is the first loss of A?",
            ("about 3.3, as for an even guess", "about 8", "more than 15"),
            (5.0, 15.0),
            lambda a, b: a.first_loss,
            answer,
        ),
        (
            ResultRow("First loss of A", "27.88", lambda a, b: a.first_loss),
            ResultRow("First loss of B", "3.32", lambda a, b: b.first_loss),
            *_judged(("2.168", "2.13")),
        ),
    )


def _flat(name: str) -> Measure:
    def measure(a: Account, b: Account) -> float:
        return (a if name == "A" else b).hidden(1).saturated

    return measure


def _saturation(
    title: str, about: str, first: Side, second: Side, rows: tuple[ResultRow, ...]
) -> LectureExperiment:
    def answer(a: Account, b: Account) -> str:
        shares = (a.hidden(1).saturated, b.hidden(1).saturated)
        return f"In layer 1 of A {shares[0]:.0%} lie beyond \u00b10.97; in B {shares[1]:.0%}."

    question = Question(
        "How many of the numbers that layer 1 of A says lie at the flat ends of tanh?",
        ("fewer than a tenth", "a tenth to a third", "a third to a half", "more than half"),
        (0.1, 1 / 3, 0.5),
        _flat("A"),
        answer,
    )
    return LectureExperiment(title, about, first, second, question, rows)


def _spread() -> LectureExperiment:
    def answer(a: Account, b: Account) -> str:
        spreads = [side.hidden(n).std for side in (a, b) for n in (1, -1)]
        return (
            "The spread goes from {:.2f} in layer 1 to {:.2f} in layer 5 of A, and from {:.2f} to"
            " {:.2f} in B.".format(*spreads)
        )

    return LectureExperiment(
        "Gain 1 or 5/3",
        "The lecture's five layers of tanh. A divides by √inputs alone; B multiplies by 5/3 as"
        " well, to give back what tanh takes.",
        FIVE.replace({"gain": 1.0}),
        FIVE,
        Question(
            "Layer 1 of A has a spread of about 0.6. What is left of it in layer 5?",
            ("less than 0.1", "0.1 to 0.45", "about the same", "more"),
            (0.1, 0.45, 0.75),
            lambda a, b: a.hidden(-1).std,
            answer,
        ),
        (
            ResultRow("Spread of layer 1, A", "0.62", lambda a, b: a.hidden(1).std),
            ResultRow("Spread of layer 5, A", "0.32", lambda a, b: a.hidden(-1).std),
            ResultRow("Spread of layer 1, B", "0.75", lambda a, b: b.hidden(1).std),
            ResultRow("Spread of layer 5, B", "0.66", lambda a, b: b.hidden(-1).std),
            ResultRow("At the flat ends in layer 1, B", "20%", _flat("B"), ".0%"),
        ),
    )


def _any_gain() -> LectureExperiment:
    def answer(a: Account, b: Account) -> str:
        return (
            f"The spread of layer 5 is {a.hidden(-1).std:.2f} in A and {b.hidden(-1).std:.2f} in B:"
            " whatever the weights' size, the norm brings each product to the same one."
        )

    return LectureExperiment(
        "Any gain",
        "Five layers of tanh, batch norm in both. The weights of A are eight times smaller than"
        " those of B.",
        FIVE.replace({"norm": "batch", "gain": 0.2}),
        FIVE.replace({"norm": "batch"}),
        Question(
            "How large is the spread of layer 5 in A, against that in B?",
            ("less than a tenth", "about half", "about the same", "larger"),
            (0.1, 0.8, 1.25),
            lambda a, b: a.hidden(-1).std / b.hidden(-1).std,
            answer,
        ),
        (
            ResultRow("Spread of layer 1, B", "0.63", lambda a, b: b.hidden(1, first=False).std),
            ResultRow("Spread of layer 5, B", "0.65", lambda a, b: b.hidden(-1, first=False).std),
            ResultRow(
                "At the flat ends in layer 1, B",
                "2.6%",
                lambda a, b: b.hidden(1, first=False).saturated,
                ".1%",
            ),
            ResultRow("Gradient of layer 1 ÷ layer 5, B", "1.4", lambda a, b: b.reach, ".1f"),
        ),
    )


def _pace() -> LectureExperiment:
    def answer(a: Account, b: Account) -> str:
        lines = f"The line of A ends at {a.pace:.1f}, that of B at {b.pace:.1f}."
        return lines.replace("-", "\u2212")

    return LectureExperiment(
        "The update line",
        "The lecture's five layers of tanh. A learns at a rate of 0.001, B at 0.1.",
        FIVE.replace({"lr": 0.001}),
        FIVE,
        Question(
            "How far does a step of A move the weights of a hidden layer, against their size?"
            " (as a power of ten)",
            ("about \u22125", "about \u22124", "about \u22123", "about \u22122"),
            (-4.5, -3.5, -2.5),
            lambda a, b: a.pace,
            answer,
            at_end=True,
        ),
        (
            ResultRow("Update line of A", "far below \u22123", lambda a, b: a.pace, ".1f"),
            ResultRow("Update line of B", "a little above \u22123", lambda a, b: b.pace, ".1f"),
        ),
    )


LECTURE: Mapping[str, LectureExperiment] = {
    "first-loss": _first_loss(),
    "saturation": _saturation(
        "One layer",
        "The lecture's network with a modest last layer. B is the same, but the hidden layer's"
        " weights are five times smaller.",
        MODEST,
        HACKED,
        _judged(("2.13", "2.103")),
    ),
    "saturation-deep": _saturation(
        "Five layers",
        "The lecture's five layers of tanh. The gain of A is 3, that of B is Kaiming's 5/3.",
        FIVE.replace({"gain": 3.0}),
        FIVE,
        (
            ResultRow("At the flat ends in layer 1, A", "48%", _flat("A"), ".0%"),
            ResultRow("At the flat ends in layer 1, B", "20%", _flat("B"), ".0%"),
            ResultRow(
                "At the flat ends in layer 5, A",
                "42%",
                lambda a, b: a.hidden(-1).saturated,
                ".0%",
            ),
            ResultRow(
                "At the flat ends in layer 5, B", "6%", lambda a, b: b.hidden(-1).saturated, ".0%"
            ),
        ),
    ),
    "spread": _spread(),
    "small-gain": LectureExperiment(
        "Gain 0.5",
        "Five layers of tanh. The gain of A is 0.5, that of B is Kaiming's 5/3.",
        FIVE.replace({"gain": 0.5}),
        FIVE,
        reach_of("A", "How much of layer 5's gradient will layer 1 of A see?"),
        (
            ResultRow("Spread of layer 5, A", "0.02", lambda a, b: a.hidden(-1).std),
            ResultRow("Gradient of layer 1 ÷ layer 5, A", "0.062", lambda a, b: a.reach, ".3f"),
            ResultRow("Gradient of layer 1 ÷ layer 5, B", "1.4", lambda a, b: b.reach, ".1f"),
        ),
    ),
    "kaiming": LectureExperiment(
        "One layer",
        "The lecture's network. A is drawn with the 0.2 that was found by trying, B by Kaiming's"
        " rule.",
        HACKED,
        KAIMING,
        better("Which will be better on names that neither has seen?"),
        _judged(("2.103", "2.107")),
    ),
    "any-gain": _any_gain(),
    "norm-mlp": LectureExperiment(
        "One layer",
        "The lecture's network by Kaiming's rule; B is the same, with batch norm.",
        KAIMING,
        KAIMING.replace({"norm": "batch"}),
        better("Which will be better on names that neither has seen?"),
        _judged(("2.107", "2.105")),
    ),
    "pace": _pace(),
}
