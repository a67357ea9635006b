"""A lesson on the screen: its text in a scrolled column, and the live parts between."""

import importlib
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)

from core.lessons.text import Afterwards, Block, Code, Heading, Items, Lesson, Live, Paragraph
from gui.lessons.context import LessonContext
from gui.lessons.prose import MEASURE, Prose, heading
from gui.lessons.reveal import Reveal
from gui.widgets.card import label

WIDEST = 980  # pixels of a live part
SIZES = {2: 20, 3: 16}
"""Pixels of a heading's letters by its level."""
ABOVE = {2: 34, 3: 16}
"""Pixels of room above a heading."""


class Column(QWidget):
    """As high as the text in it needs: a scroll area does not hear of that by itself."""

    def event(self, event: QEvent) -> bool:
        """Take the height anew when something in it has changed."""
        done = super().event(event)
        layout = self.layout()
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and layout is not None:
            self.setMinimumHeight(layout.totalHeightForWidth(self.width()))
        return done


class WheelGuard(QObject):
    """Keeps the wheel from fields that are not being edited, so that it scrolls the lesson."""

    def __init__(self, view: QScrollArea) -> None:
        super().__init__(view)
        self._view = view

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hand the wheel to the lesson."""
        if not isinstance(event, QWheelEvent) or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        QApplication.sendEvent(self._view.viewport(), event)
        return True


class LessonView(QScrollArea):
    """One lesson. Its live parts are made when :meth:`enliven` is called, which takes torch."""

    reached = Signal(str)
    """Another section is read now: its anchor."""

    def __init__(self, lesson: Lesson, room: LessonContext, follow: Callable[[str], None]) -> None:
        super().__init__()
        self.lesson, self._room, self._follow = lesson, room, follow
        self.setObjectName(f"lesson_{lesson.name}")
        self.setAccessibleName(lesson.title)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.parts: list[QWidget] = []
        """Its live parts."""
        self._headings: dict[str, QWidget] = {}
        self._guard = WheelGuard(self)  # a scroll area's own filter serves its scroll bars
        self._anchor = ""
        """The heading that was asked for last."""
        self._left = 0
        """Where it was left, in pixels."""
        self.verticalScrollBar().rangeChanged.connect(lambda low, high: self._stay())
        self.verticalScrollBar().valueChanged.connect(self._tell_section)
        self._places: list[tuple[QHBoxLayout, Live]] = []
        self._curtains: dict[int, Reveal] = {}
        """By the number of the live part before each."""
        inner = Column()
        inner.setMaximumWidth(WIDEST)
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(2, 0, 14, 60)
        self._column.setSpacing(14)
        self._write()
        self.setWidget(inner)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)

    def _write(self) -> None:
        self._add(heading(self.lesson.title, 28), WIDEST)
        self._add(Prose(self.lesson.promise, 16, "muted"))
        for block in self.lesson.blocks:
            self._write_block(block)
        self._column.addStretch(1)

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
        elif isinstance(block, Afterwards):
            curtain = Reveal(block.paragraphs, self._follow)
            curtain.setMaximumWidth(MEASURE)
            row = QHBoxLayout()
            _put(row, curtain)
            self._column.addLayout(row)
            self._curtains[len(self._places) - 1] = curtain
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

    def enliven(self) -> None:
        """Make the live parts, once."""
        for number, (place, live) in enumerate(self._places):
            part = importlib.import_module(f"gui.lessons.parts.{live.name}").Part(
                self._room, live.options
            )
            self.parts.append(part)
            if curtain := self._curtains.get(number):
                part.played.connect(curtain.open)
            _put(place, part)
            for field in part.findChildren(QWidget):
                if isinstance(field, QAbstractSlider | QAbstractSpinBox | QComboBox):
                    self._leave_the_wheel(field)
        self._places.clear()

    def _leave_the_wheel(self, field: QWidget) -> None:
        """Let the wheel scroll the lesson where it would change a number by accident."""
        if not isinstance(field, QScrollBar):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self._guard)

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
        self.reached.emit(anchor)  # the last ones can't come to the top

    def _tell_section(self, value: int) -> None:
        """Tell which section has come into the upper third, or at the end, the last one."""
        height = self.viewport().height()
        line = value + (height if value == self.verticalScrollBar().maximum() else height // 3)
        passed = [s.anchor for s in self.lesson.sections if self._headings[s.anchor].y() <= line]
        self.reached.emit(passed[-1] if passed else "")

    def _scroll(self) -> None:
        if place := self._headings.get(self._anchor):
            self.verticalScrollBar().setValue(place.y() - 8)
            self._left = self.verticalScrollBar().value()

    def _stay(self) -> None:
        """Go after the heading that was asked for, unless one has scrolled on by oneself."""
        if self.verticalScrollBar().value() == self._left:
            self._scroll()

    def abandon(self) -> None:
        """Tell the parts that the window closes."""
        for part in self.parts:
            if hasattr(part, "abandon"):
                part.abandon()


def _put(row: QHBoxLayout, widget: QWidget) -> None:
    """Put a widget into a row of its own, where it is as wide as it may be.

    A column would reckon its height for the whole width, though it may not take that.
    """
    row.addWidget(widget, 1)
    row.addStretch()


def _code(lines: str) -> QLabel:
    made = label(lines, "code")
    made.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    return made
