"""All that may be written in an expression, made from the list that the parser goes by."""

from collections.abc import Mapping

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.expressions.functions import CALLABLE, FUNCTIONS, INFIX, SOURCES
from gui.lessons.context import LessonContext
from gui.widgets.card import Card, label

COLUMNS = 2


class Part(QWidget):
    """The signs, the functions and the sources of numbers, each in a few words."""

    def __init__(self, room: LessonContext | None, options: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("expressionFunctions")
        card = Card("All that is understood")
        for title, entries in _groups():
            card.body.addWidget(label(title, "muted"))
            card.body.addLayout(_grid(entries))
            card.body.addSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(card)


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    signs = [(f"a {sign} b", FUNCTIONS[name].help) for sign, name in INFIX.items()]
    power = ("a ** 2", "a to a plain power, −16 to 16")
    calls = [(_call(name), FUNCTIONS[name].help) for name in CALLABLE]
    sources = [(head, rest) for head, _, rest in (s.partition(": ") for s in SOURCES.values())]
    return [
        ("Signs", [*signs, power, ("-a", "the other sign")]),
        ("Functions; tanh(a) may be written a.tanh() as well", calls),
        ("Where numbers come from", [("w = 0.5", "a name with plain numbers: learned"), *sources]),
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
