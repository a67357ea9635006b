"""Each check: what was measured, against what was expected."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from core.doctor.diagnosis import Diagnosis
from gui.rich_text import rich
from gui.theme import MARGIN, IconButton
from gui.widgets.card import Card, label
from gui.widgets.doctor_text import tidy
from gui.widgets.status_icon import Sign


@dataclass(frozen=True)
class Row:
    """A check or an experiment, in words."""

    title: str
    passed: bool | None
    measured: str
    expected: str


def _flowing(text: str, role: str) -> QLabel:
    """Return a text that takes what width its column has."""
    made = label(text, role, wrap=True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    made.setSizePolicy(policy)
    made.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    return made


class CheckGroup(QWidget):
    """Rows under a heading that opens and closes them."""

    def __init__(self, name: str, help: str, opened: bool) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._built = False
        self.button = IconButton("down" if opened else "right", help)
        self.button.setObjectName(name)
        self.button.setToolTip(rich(help))
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setIconSize(QSize(14, 14))
        self.button.setCheckable(True)
        self.button.setProperty("role", "group")
        self.button.setChecked(opened)
        self.button.toggled.connect(self._open)
        self.inside = QWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.inside)
        self.inside.setVisible(opened)
        self.hide()

    def show_rows(self, title: str, rows: Sequence[Row]) -> None:
        """Show these; a group without any is not seen."""
        self.button.setText(f" {title}")
        self.button.setAccessibleName(title)
        self.setVisible(bool(rows))
        if list(rows) != self._rows:
            self._rows, self._built = list(rows), False
            self._open(self.button.isChecked())

    def _open(self, on: bool) -> None:
        self.button.set_icon("down" if on else "right")
        if on and not self._built:
            self._build()
        self.inside.setVisible(on)

    def _build(self) -> None:
        self._built = True
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(4, 0, 0, 4)
        grid.setHorizontalSpacing(MARGIN)
        grid.setVerticalSpacing(7)
        for column, stretch in ((1, 30), (2, 36), (3, 34)):
            grid.setColumnStretch(column, stretch)
        for column, words in enumerate(("", "Check", "Measured", "Expected")):
            if words:
                grid.addWidget(label(words, "small"), 0, column)
        for index, row in enumerate(self._rows, 1):
            sign = Sign(16)
            sign.show_result(row.passed)
            strong = {True: "", False: "heading", None: "muted"}[row.passed]
            grid.addWidget(sign, index, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(_flowing(row.title, strong), index, 1)
            grid.addWidget(_flowing(row.measured, "" if row.passed is False else "muted"), index, 2)
            grid.addWidget(_flowing(row.expected, "muted"), index, 3)
        old, self.inside = self.inside, fresh
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(old, fresh)
        old.hide()
        old.deleteLater()


class CheckList(Card):
    """What failed, what was tried, what passed, what could not be checked."""

    def __init__(self) -> None:
        super().__init__("All checks")
        self.setObjectName("checks")
        self.failed = CheckGroup("checksFailed", "What was failed.", True)
        self.tried = CheckGroup("checksTried", "What was tried on copies, and what came out.", True)
        self.passed = CheckGroup("checksPassed", "What is as it should be.", False)
        self.unseen = CheckGroup(
            "checksUnseen",
            "What this network, its data or so short a run gives no sight of.",
            False,
        )
        for group in (self.failed, self.tried, self.passed, self.unseen):
            self.body.addWidget(group)

    def show_checks(self, diagnosis: Diagnosis | None) -> None:
        """Show the checks and experiments of a diagnosis."""
        if diagnosis is None:
            return
        by: dict[bool | None, list[Row]] = {True: [], False: [], None: []}
        for check in diagnosis.checks:
            title = f"{check.title} ({check.where})" if check.where else check.title
            by[check.passed].append(
                Row(tidy(title), check.passed, tidy(check.measured), tidy(check.expected))
            )
        tried = [
            Row(trial.title, trial.passed, tidy(trial.measured), tidy(trial.expected))
            for trial in diagnosis.experiments
        ]
        for group, rows, words in (
            (self.failed, by[False], "failed"),
            (self.tried, tried, "tried on copies"),
            (self.passed, by[True], "in order"),
            (self.unseen, by[None], "not checked"),
        ):
            group.show_rows(f"{len(rows)} {words}", rows)
        self.setVisible(bool(diagnosis.checks or diagnosis.experiments))
