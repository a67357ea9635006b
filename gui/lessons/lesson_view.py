"""A lesson on the screen: its text in a scrolled column, with its live parts."""

import importlib
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.lessons.text import (
    Block,
    Code,
    Explanation,
    Heading,
    Items,
    Lesson,
    Live,
    Paragraph,
    lessons,
)
from gui.lessons.context import LessonContext, LessonPart, PlayablePart
from gui.lessons.prose import MEASURE, Prose, heading
from gui.widgets.card import label
from gui.widgets.object_names import qualify

WIDEST = 980  # pixels of a live part
SIZES = {2: 20, 3: 16}
"""Font size of a heading in pixels, by its level."""
ABOVE = {2: 34, 3: 16}
"""Pixels of space above a heading."""
HIDDEN = "The explanation is shown once the experiment has run. [Show it now](reveal:open)"


class TextColumn(QWidget):
    """As high as its text needs: a scroll area does not notice changes of that."""

    def event(self, event: QEvent) -> bool:
        """Update the height when something in it has changed."""
        done = super().event(event)
        layout = self.layout()
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and layout is not None:
            self.setMinimumHeight(layout.totalHeightForWidth(self.width()))
        return done


class Reveal(QWidget):
    """Paragraphs that stay hidden until ``open`` is called, or a link is clicked.

    Args:
        paragraphs: in inline Markdown.
        follow: is called with the target of a clicked link.
    """

    def __init__(self, paragraphs: Sequence[str], follow: Callable[[str], None]) -> None:
        super().__init__()
        self.hint = Prose(HIDDEN, role="muted")
        self.hint.linkActivated.connect(lambda target: self.open())
        self.paragraphs = [Prose(words) for words in paragraphs]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self.hint)
        for paragraph in self.paragraphs:
            paragraph.linkActivated.connect(follow)
            paragraph.hide()
            column.addWidget(paragraph)

    def open(self) -> None:
        """Show the paragraphs."""
        self.hint.hide()
        for paragraph in self.paragraphs:
            paragraph.show()


class LessonView(QScrollArea):
    """One lesson. Its live parts are made by :meth:`make_parts`, once torch is loaded."""

    sectionChanged = Signal(str)
    """Another section is read: its anchor."""

    def __init__(
        self, lesson: Lesson, context: LessonContext, follow: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.lesson, self._context, self._follow = lesson, context, follow
        self.setObjectName(f"lesson_{lesson.name}")
        self.setAccessibleName(lesson.title)
        self.setWidgetResizable(True)
        self.parts: list[LessonPart] = []
        self._headings: dict[str, QWidget] = {}
        self._anchor = ""
        """The heading that was scrolled to last."""
        self._scrolled = 0
        """The scroll position of that, in pixels."""
        self.verticalScrollBar().rangeChanged.connect(lambda low, high: self._keep_anchor())
        self.verticalScrollBar().valueChanged.connect(self._find_section)
        self._places: list[tuple[QHBoxLayout, Live]] = []
        self._reveals: dict[int, Reveal] = {}
        """By the number of the live part before each."""
        inner = TextColumn()
        inner.setMaximumWidth(WIDEST)
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(2, 0, 14, 60)
        self._column.setSpacing(14)
        self._add(heading(self.lesson.title, 28), WIDEST)
        self._add(Prose(self.lesson.summary, 16, "muted"))
        for block in self.lesson.blocks:
            self._write_block(block)
        self._column.addStretch(1)
        self.setWidget(inner)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)

    def _write_block(self, block: Block) -> None:
        if isinstance(block, Heading):
            self._column.addSpacing(ABOVE[block.level])
            self._headings[block.anchor] = self._add(heading(block.words, SIZES[block.level]))
        elif isinstance(block, Paragraph):
            self._add(Prose(block.words))
        elif isinstance(block, Items):
            for number, item in enumerate(block.items, 1):
                self._add_item(f"{number}." if block.numbered else "•", item)
        elif isinstance(block, Code):
            self._add(_code(block.lines))
        elif isinstance(block, Explanation):
            reveal = Reveal(block.paragraphs, self._follow)
            reveal.setMaximumWidth(MEASURE)
            row = QHBoxLayout()
            _put(row, reveal)
            self._column.addLayout(row)
            self._reveals[len(self._places) - 1] = reveal
        else:
            place = QHBoxLayout()
            place.setContentsMargins(0, 8, 0, 10)
            self._column.addLayout(place)
            self._places.append((place, block))

    def _add(self, words: QLabel, widest: int = MEASURE) -> QLabel:
        words.setMaximumWidth(widest)
        if isinstance(words, Prose):
            words.linkActivated.connect(self._follow)
        row = QHBoxLayout()
        _put(row, words)
        self._column.addLayout(row)
        return words

    def _add_item(self, sign: str, words: str) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 0, 0)
        mark, item = Prose(sign, role="muted"), Prose(words)
        mark.setFixedWidth(18)
        item.setMaximumWidth(MEASURE - 30)
        item.linkActivated.connect(self._follow)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        _put(row, item)
        self._column.addLayout(row)

    def make_parts(self) -> None:
        """Make the live parts, once."""
        for number, (place, live) in enumerate(self._places):
            module = importlib.import_module(f"gui.lessons.parts.{live.name}")
            part: LessonPart = module.Part(self._context, live.options)
            assert isinstance(part, QWidget)
            if earlier := self._earlier(live):
                qualify(part, str(earlier + 1))
            self.parts.append(part)
            if reveal := self._reveals.get(number):
                assert isinstance(part, PlayablePart)
                part.played.connect(reveal.open)
            _put(place, part)
        self._places.clear()

    def _earlier(self, live: Live) -> int:
        """Return how many parts of this kind stand before one, here and in earlier lessons."""
        order = list(lessons().values())
        passed = order[: order.index(self.lesson)] if self.lesson in order else []
        blocks = [block for lesson in (*passed, self.lesson) for block in lesson.blocks]
        lives = [block for block in blocks if isinstance(block, Live) and block.name == live.name]
        return next(number for number, block in enumerate(lives) if block is live)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the beginning or the end; the other keys are a scroll area's own."""
        bar = self.verticalScrollBar()
        ends = {Qt.Key.Key_Home: bar.minimum(), Qt.Key.Key_End: bar.maximum()}
        if event.key() in ends:
            bar.setValue(ends[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def show_anchor(self, anchor: str) -> None:
        """Scroll to a heading, and stay there while what is above it is still laid out."""
        self._anchor = anchor
        self._scroll()
        self.sectionChanged.emit(anchor)  # the last ones can't come to the top

    def _find_section(self, value: int) -> None:
        """Find the section in the upper third of the view, or at the end, the last one."""
        height = self.viewport().height()
        line = value + (height if value == self.verticalScrollBar().maximum() else height // 3)
        passed = [s.anchor for s in self.lesson.sections if self._headings[s.anchor].y() <= line]
        self.sectionChanged.emit(passed[-1] if passed else "")

    def _scroll(self) -> None:
        if place := self._headings.get(self._anchor):
            self.verticalScrollBar().setValue(place.y() - 8)
            self._scrolled = self.verticalScrollBar().value()

    def _keep_anchor(self) -> None:
        """Scroll to the heading again, unless a person has scrolled since."""
        if self.verticalScrollBar().value() == self._scrolled:
            self._scroll()

    def abandon(self) -> None:
        """End what runs in the parts: the window closes."""
        for part in self.parts:
            part.abandon()


def _put(row: QHBoxLayout, widget: QWidget) -> None:
    """Put a widget into a row of its own, up to its maximum width.

    A column would compute its height for the whole width, beyond the maximum.
    """
    row.addWidget(widget, 1)
    row.addStretch()


def _code(lines: str) -> QLabel:
    made = label(lines, "code")
    made.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    return made
