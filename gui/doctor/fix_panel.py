"""A change to a program that may fix a cause: its diff, a copy of it, and what it brings."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import (
    QFontDatabase,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextDocument,
    QTextOption,
)
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from core.doctor.diagnosis import Cause, Picture
from core.programs.fixes.propose import SourceFix
from gui import theme
from gui.background_job import STOPPING
from gui.charts.evidence import EvidencePicture
from gui.theme import GAP
from gui.widgets.buttons import identified, push_button
from gui.widgets.card import label, say

NO_CAUSE = "A change to the source is proposed here once the doctor has found a cause."
NO_FIX = "No change to this source can be stated; the report says what to do."
NOT_TRIED = "Try it: the program and its changed copy learn from the same seeds."
TRYING = "Both are started; torch takes some seconds."
PICTURE, HIGH = 240, 144  # pixels of the picture
TWO_LINES = 34  # pixels: what came out takes no room from what is below


class DiffColours(QSyntaxHighlighter):
    """Colours what goes and what comes."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self.setObjectName("diffColours")

    def highlightBlock(self, text: str) -> None:
        """Colour a line by its first letter."""
        if text.startswith(("---", "+++", "@@")):
            role = "muted"
        else:
            role = {"-": "fault", "+": "update"}.get(text[:1], "")
        if role:
            letters = QTextCharFormat()
            letters.setForeground(theme.current().colour(role))
            self.setFormat(0, len(text), letters)


class FixPanel(QWidget):
    """Shows the change that is proposed for a cause."""

    copyAsked = Signal()
    saveAsked = Signal()
    tryAsked = Signal()
    stopAsked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fix: SourceFix | None = None
        self._trying = False
        self.words = label(NO_CAUSE, "heading", wrap=True)
        self.words.setObjectName("fixWords")
        self.copy = push_button("copyFix", "Copy", "Copy the diff.")
        self.save = push_button(
            "saveFix", "Save as\u2026", "Save a changed copy of the program; it stays as it is."
        )
        self.test = push_button(
            "tryFix", "Try it", "Run the program and its changed copy beside one another."
        )
        self.stop = push_button("stopTrial", "Stop", "Stop both.")
        self.diff = QPlainTextEdit()
        identified(self.diff, "fixDiff", "The change as a diff", "What goes (-), and comes (+).")
        self.diff.setReadOnly(True)
        self.diff.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.diff.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        # Of what height is left, however long it is.
        self.diff.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.diff.setMinimumHeight(HIGH)
        self.colours = DiffColours(self.diff.document())
        self.picture = EvidencePicture(HIGH)
        self.picture.setObjectName("fixPicture")
        self.picture.setFixedWidth(PICTURE)
        self.outcome = label(NOT_TRIED, "muted", wrap=True)
        self.outcome.setObjectName("fixOutcome")
        self.outcome.setMinimumHeight(TWO_LINES)
        self.outcome.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._arrange()
        for button, asked in (
            (self.copy, self.copyAsked),
            (self.save, self.saveAsked),
            (self.test, self.tryAsked),
            (self.stop, self.stopAsked),
        ):
            button.clicked.connect(asked)
        self.show_fix(None, None)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.words, 1)
        for button in (self.copy, self.save, self.test, self.stop):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        both = QHBoxLayout()
        both.setSpacing(GAP)
        both.addWidget(self.diff, 1)
        both.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GAP, 0, 0)
        column.setSpacing(GAP)
        column.addLayout(head)
        column.addWidget(self.outcome)
        column.addLayout(both, 1)

    def show_fix(self, cause: Cause | None, fix: SourceFix | None) -> None:
        """Show the change for a cause, None where there is none; not while one is tried."""
        if self._trying:
            return
        self.fix = fix
        words = NO_CAUSE if cause is None else f"{cause.title}: {fix.words if fix else NO_FIX}"
        say(self.words, words, "heading")
        self.diff.setPlainText(fix.diff if fix else "")
        self.show_picture(Picture("", "lines", ()))
        say(self.outcome, NOT_TRIED if fix else "", "muted")
        self.set_trying(False)

    def set_trying(self, trying: bool, busy: bool = False) -> None:
        """Offer what can be done now; nothing is tried while the program itself is run."""
        self._trying = trying
        for button in (self.copy, self.save):
            button.setEnabled(self.fix is not None)
        self.test.setEnabled(self.fix is not None and not trying and not busy)
        self.stop.setEnabled(trying)
        if trying:
            say(self.outcome, TRYING, "muted")

    def show_stopping(self) -> None:
        """Say at once that both were asked to stop."""
        self.stop.setEnabled(False)
        say(self.outcome, STOPPING, "muted")

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.colours.rehighlight()

    def show_picture(self, picture: Picture) -> None:
        """Show both losses."""
        self.picture.show_picture(picture)
        self.picture.set_hint("" if picture.series else "Both losses appear here.")

    def show_progress(self, picture: Picture, words: str) -> None:
        """Show both losses, and say how far both are, unless they are being stopped."""
        self.show_picture(picture)
        if self.stop.isEnabled():
            say(self.outcome, words, "muted")

    def show_outcome(self, sentence: str, role: str = "text") -> None:
        """Say what came out."""
        self.set_trying(False)
        say(self.outcome, sentence, role)
