"""The reference of the expression language, made from the tables of the parser."""

from collections.abc import Mapping

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QGridLayout

from core.expressions.functions import CALLABLE, FUNCTIONS, INFIX, SOURCES
from core.expressions.tensor_functions import NOT_METHODS, TENSOR_FUNCTIONS
from gui.lessons.context import LessonContext
from gui.widgets.card import Card, label

COLUMNS = 2


class Part(Card):
    """Operators, functions and sources of numbers, each in a few words.

    Option: ``language=tensors`` for that of typed gradients.
    """

    def __init__(self, context: LessonContext | None, options: Mapping[str, str]) -> None:
        super().__init__("Operators and functions")
        self.setObjectName("expressionFunctions")
        tensors = options.get("language") == "tensors"
        for title, entries in _tensor_groups() if tensors else _groups():
            self.body.addWidget(label(title, "muted"))
            self.body.addLayout(_grid(entries))
            self.body.addSpacing(6)

    def abandon(self) -> None:
        """Nothing runs here."""


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    signs = [(f"a {sign} b", FUNCTIONS[name].help) for sign, name in INFIX.items()]
    power = ("a ** 2", "a to a constant power, −16 to 16")
    calls = [(_call(name), FUNCTIONS[name].help) for name in CALLABLE]
    sources = [(head, rest) for head, _, rest in (s.partition(": ") for s in SOURCES.values())]
    return [
        ("Operators", [*signs, power, ("-a", "the negative")]),
        ("Functions; tanh(a) may be written a.tanh() as well", calls),
        ("Sources of numbers", [("w = 0.5", "a name with plain numbers: learned"), *sources]),
    ]


def _tensor_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    signs = [
        ("a + b, a - b", "element by element, broadcast"),
        ("a * b, a / b", "element by element, broadcast"),
        ("a @ b", "the matrix product"),
        ("a ** 2", "each to a constant power"),
        ("a.T", "the transposed matrix"),
        ("a.shape[1]", "the size of a dimension"),
        ("a[range(n), Yb]", "one element of each row"),
        ("d = ... ", "a line may give a name; d[i] = and d += change it"),
    ]
    calls = [
        (f"{'' if name in NOT_METHODS else 'x.'}{name}(...)", function.help)
        for name, function in TENSOR_FUNCTIONS.items()
    ]
    title = "Functions; torch.sum(x, 0) may be written x.sum(0) as well"
    return [("Operators", signs), (title, calls)]


def _call(name: str) -> str:
    return f"{name}(a, b)" if FUNCTIONS[name].arguments == 2 else f"{name}(a)"


def _grid(entries: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(4)
    rows = -(-len(entries) // COLUMNS)
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    for number, (code, help) in enumerate(entries):
        row, column = number % rows, 2 * (number // rows)
        name = label(code)
        name.setFont(font)
        name.setMinimumWidth(118)
        grid.addWidget(name, row, column)
        grid.addWidget(label(help, "muted", wrap=True), row, column + 1)
        grid.setColumnStretch(column + 1, 1)
    return grid
