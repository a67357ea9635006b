"""A chapter of the case: what was fixed, what it brought, what the doctor names next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from gui.doctor.nats_bar import NatsBar
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, label
from gui.widgets.sample_block import SampleBlock

if TYPE_CHECKING:
    from core.lessons.case_study import Chapter

NEXT = "fixed next"


class ChapterCard(Card):
    """One chapter; a click asks for all that the doctor said of it.

    Args:
        chapter: what came of it.
        titles: what the causes are called, by their ids.
        cause: the id of the cause that is fixed next; "" for none.
        fix: what is fixed next, in words; "" for nothing.
    """

    chosen = Signal(int)
    """The chapter's number."""

    def __init__(self, chapter: "Chapter", titles: Mapping[str, str], cause: str, fix: str) -> None:
        super().__init__()
        self.chapter = chapter
        self.setObjectName(f"chapter_{chapter.number}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        fixed = chapter.title if chapter.number == 0 else f"Fixed: {chapter.title}"
        self.setAccessibleName(f"Chapter {chapter.number + 1}. {fixed}")
        self.body.setContentsMargins(MARGIN, MARGIN - 4, MARGIN, MARGIN - 3)
        self.bar = NatsBar(chapter.nats)
        title = label(fixed, "cause", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(MARGIN)
        head.addWidget(title, 1)
        head.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.sample = SampleBlock(chapter.sample)
        row = QHBoxLayout()
        row.setSpacing(MARGIN)
        row.addWidget(self.sample, 5)
        row.addLayout(self._named(titles, cause, fix), 4)
        self.body.addLayout(row)

    def _named(self, titles: Mapping[str, str], cause: str, fix: str) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(3)
        causes = self.chapter.causes
        verdict = self.chapter.diagnosis.headline
        column.addWidget(label("The doctor names" if causes else f"The doctor: {verdict}", "small"))
        for name in causes:
            line = QHBoxLayout()
            line.setSpacing(GAP)
            line.addWidget(
                label(titles.get(name, name), "heading" if name == cause else "", True), 1
            )
            if name == cause:
                line.addWidget(label(NEXT, "good"), 0, Qt.AlignmentFlag.AlignTop)
            column.addLayout(line)
        if fix and cause not in causes:
            column.addWidget(label(f"{NEXT.capitalize()}: {fix}", "good", wrap=True))
        self.open = QPushButton("All that it says")
        self.open.setObjectName(f"openChapter_{self.chapter.number}")
        self.open.setProperty("role", "link")
        self.open.setAccessibleName(f"All that the doctor says: {self.accessibleName()}")
        self.open.setToolTip("<p>Show this chapter's diagnosis in the report.</p>")
        self.open.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.open.clicked.connect(lambda: self.chosen.emit(self.chapter.number))
        column.addStretch(1)
        column.addWidget(self.open, 0, Qt.AlignmentFlag.AlignLeft)
        return column

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Be a button as a whole."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.chosen.emit(self.chapter.number)
