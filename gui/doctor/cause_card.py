"""A cause: what is wrong, where, how it is seen, how it is fixed."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton

from core.doctor.diagnosis import Cause
from gui import theme
from gui.rich_text import rich
from gui.theme import GAP, MARGIN
from gui.widgets.apply_proof import ProofView, UndoButton
from gui.widgets.card import Card, label, say
from gui.widgets.confidence_bar import ConfidenceBar
from gui.widgets.doctor_text import tidy
from gui.widgets.glossary import TermLabel


class CauseCard(Card):
    """One cause of a diagnosis.

    Args:
        cause: what is wrong.
        role: the colour of the verdict.
        about: a sentence on what it means, for whoever asks why.
        lesson: whether there is a lesson on it.
        fix: what Apply would set, in words; "" where there is nothing to set.
    """

    applied = Signal(object)
    """Apply the settings that fix this cause."""

    undone = Signal(object)
    """Take them back."""

    lessonAsked = Signal(object)
    """Turn to the lesson on this cause."""

    def __init__(self, cause: Cause, role: str, about: str, lesson: bool, fix: str) -> None:
        super().__init__()
        self.cause = cause
        self._role = role
        self.setAccessibleName(f"{cause.title}. {cause.evidence}")
        self.body.setContentsMargins(MARGIN + 4, MARGIN - 3, MARGIN, MARGIN - 4)
        self.title = label(cause.title, "cause", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(MARGIN)
        head.addWidget(self.title, 1)
        head.addWidget(ConfidenceBar(cause.confidence, role), 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        facts = QGridLayout()
        facts.setHorizontalSpacing(GAP + 2)
        facts.setVerticalSpacing(4)
        facts.setColumnMinimumWidth(0, 58)
        facts.setColumnStretch(1, 1)
        line = cause.lines[0] if cause.lines else None
        seen = (
            ("Location", cause.where),
            ("Line", f"{line.place}: {line.text}" if line else ""),
            ("Evidence", tidy(cause.evidence)),
            ("Fix", tidy(cause.fix)),
        )
        for name, words in seen:
            if words:
                row = facts.rowCount()
                facts.addWidget(label(name, "small"), row, 0, Qt.AlignmentFlag.AlignTop)
                facts.addWidget(TermLabel(words), row, 1)
        self.body.addLayout(facts)
        if cause.proof:
            self.body.addWidget(ProofView(cause.proof))
        self.done = label("", "good", wrap=True)
        self.done.hide()
        self.why = TermLabel(about, "muted")
        self.why.setObjectName(f"why_{cause.id}")
        self.why.hide()
        self.body.addLayout(self._make_buttons(about, lesson, fix))
        self.body.addWidget(self.why)

    def _make_buttons(self, about: str, lesson: bool, fix: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(MARGIN)
        if fix:
            self.apply = QPushButton(f"Apply: {fix}")
            self.apply.setObjectName("applyFix")
            self.apply.setAccessibleName(f"Apply the fix: {fix}")
            self.apply.setToolTip(rich(f"Set this in the recipe of its page: {fix}."))
            self.apply.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.apply.clicked.connect(lambda: self.applied.emit(self.cause))
            self.undo = UndoButton("undoFix")
            self.undo.clicked.connect(lambda: self.undone.emit(self.cause))
            row.addWidget(self.apply)
            row.addWidget(self.undo)
            row.addWidget(self.done, 1)
        if about:
            self.ask = QPushButton("Why?")
            self.ask.setObjectName(f"askWhy_{self.cause.id}")
            self.ask.setProperty("role", "link")
            self.ask.setCheckable(True)
            self.ask.setAccessibleName(f"Why: {self.cause.title}")
            self.ask.setToolTip("<p>What this means, and why it harms.</p>")
            self.ask.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.ask.toggled.connect(self._explain)
            row.addWidget(self.ask)
        if lesson:
            learn = QPushButton("The lesson")
            learn.setObjectName(f"lessonOn_{self.cause.id}")
            learn.setProperty("role", "link")
            learn.setAccessibleName(f"The lesson on: {self.cause.title}")
            learn.setToolTip("<p>Find it out by playing: turn to the lesson on this.</p>")
            learn.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            learn.clicked.connect(lambda: self.lessonAsked.emit(self.cause))
            row.addWidget(learn)
        row.addStretch(0 if fix else 1)
        return row

    def _explain(self, on: bool) -> None:
        self.why.setVisible(on)
        self.ask.setText("Close" if on else "Why?")

    def show_applied(self, sentence: str, role: str = "good") -> None:
        """Say that it was set, or why it could not be."""
        say(self.done, sentence, role)
        self.apply.setEnabled(role != "good")
        self.undo.setVisible(role == "good")

    def show_undone(self, sentence: str) -> None:
        """Say that it was taken back; it may be set again."""
        say(self.done, sentence, "muted")
        self.apply.setEnabled(True)
        self.undo.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame, and its edge in the colour of the verdict."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().colour(self._role))
        painter.drawRoundedRect(QRectF(1, 14, 3, self.height() - 28), 1.5, 1.5)
