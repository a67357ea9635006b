"""The reference of the expression language, made from the tables of the parser."""

from collections.abc import Mapping

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QGridLayout

from core.expressions.functions import CALLABLE, FUNCTIONS, INFIX, SOURCES
from gui.lessons.context import LessonContext
from gui.widgets.card import Card, label

COLUMNS = 2


class Part(Card):
    """Operators, functions and sources of numbers, each in a few words."""

    def __init__(self, context: LessonContext | None, options: Mapping[str, str]) -> None:
        super().__init__("Operators and functions")
        self.setObjectName("expressionFunctions")
        for title, entries in _groups():
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
