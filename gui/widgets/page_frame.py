"""The frame that all training pages share: a heading, and columns under it that scroll."""

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from gui.widgets.card import label
from gui.widgets.code_card import CodeCard
from gui.widgets.intervention_strip import InterventionStrip
from gui.widgets.object_names import qualified
from gui.widgets.scroll_column import ASIDE, CardColumn

LEFT, RIGHT = 288, 318
MIDDLE = 426  # pixels that the middle needs: beside less, there is one column at the side
SPACE = 14


def lay_out(
    page: QWidget,
    title: str,
    about: str,
    left: Sequence[QWidget],
    middle: tuple[QWidget, QTabWidget, CodeCard],
    right: Sequence[QWidget],
    width: int = RIGHT,
) -> None:
    """Put a page's widgets where they are on every page.

    Args:
        page: the page, without a layout.
        title: what it is called.
        about: what can be done on it, in a sentence.
        left: data and recipe; the last one takes what height is left.
        middle: the buttons of the run, the tabs, which take what room is left, and the code, which
            takes their room and that of the right column while it is shown.
        right: what one plays with; the first one takes what height is left.
        width: of the right column, in pixels.

    The page's strip of interventions takes the place of what can be done while there are any.
    """
    column = QVBoxLayout(page)
    column.setContentsMargins(20, 16, 20 - ASIDE, 18)
    column.setSpacing(SPACE)
    strip = page.findChild(InterventionStrip)
    column.addLayout(_headed(title, about, strip) if strip else heading(title, about))
    column.addWidget(_Columns(title.lower(), left, middle, right, width), 1)


def heading(title: str, about: str) -> QVBoxLayout:
    """Return a page's title, and under it what can be done on the page."""
    head = QVBoxLayout()
    head.setSpacing(2)
    head.addWidget(label(title, "title"))
    head.addWidget(label(about, "muted", wrap=True))
    return head


def _headed(title: str, about: str, strip: InterventionStrip) -> QGridLayout:
    """Return a heading in which a strip comes and goes, and moves nothing below."""
    head, below = QGridLayout(), label(about, "muted", wrap=True)
    kept = below.sizePolicy()
    kept.setRetainSizeWhenHidden(True)
    below.setSizePolicy(kept)
    strip.shown.connect(lambda shown: below.setVisible(not shown))
    head.setContentsMargins(0, 0, ASIDE, 0)
    head.setVerticalSpacing(2)
    head.setHorizontalSpacing(SPACE)
    head.addWidget(label(title, "title"), 0, 0)
    head.addWidget(below, 1, 0, 1, 2)
    head.addWidget(strip, 0, 1, 2, 1)
    head.setColumnStretch(1, 1)
    return head


class _Columns(QWidget):
    """Three columns; in a narrow window two, the right one on top of the left one."""

    def __init__(
        self,
        page: str,
        left: Sequence[QWidget],
        middle: tuple[QWidget, QTabWidget, CodeCard],
        right: Sequence[QWidget],
        width: int,
    ) -> None:
        super().__init__()
        self._left, self._right, self._width = left, right, width
        self._narrow: bool | None = None
        self._first = CardColumn(qualified("leftColumn", page), SPACE, squeeze=True)
        self._third = CardColumn(qualified("rightColumn", page), SPACE, squeeze=True)
        run_bar, self._tabs, self._code = middle
        second = CardColumn(qualified("middleColumn", page), 10, squeeze=True)
        second.add(run_bar)
        second.add(self._tabs, 1)
        second.add(self._code, 1)
        second.setMinimumWidth(MIDDLE + ASIDE)
        self._third.setFixedWidth(width + ASIDE)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE - ASIDE)
        row.addWidget(self._first)
        row.addWidget(second, 1)
        row.addWidget(self._third)
        self._code.toggled.connect(self._show_code)
        self._arrange(narrow=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Change between three columns and two."""
        super().resizeEvent(event)
        needed = LEFT + MIDDLE + (self._width + SPACE if self._right else 0) + SPACE + ASIDE
        self._arrange(self.width() < needed)

    def _arrange(self, narrow: bool) -> None:
        if narrow == self._narrow or (not self._right and self._narrow is not None):
            return
        self._narrow = narrow
        above = self._right if narrow else ()
        wide = self._width if narrow else LEFT
        for widget in (*above, *self._left):
            self._first.add(widget, int(widget is self._left[-1]))
            widget.setFixedWidth(wide)
        self._first.setFixedWidth(wide + ASIDE)
        if not narrow:
            for widget in self._right:
                self._third.add(widget, int(widget is self._right[0]))
                widget.setFixedWidth(self._width)
        self._show_code(self._code.shown)

    def _show_code(self, shown: bool) -> None:
        self._tabs.setVisible(not shown)
        self._third.setVisible(bool(self._right) and not self._narrow and not shown)
        self._code.setVisible(shown)
        for widget in self._right:  # the settings stand beside the code, also under one another
            widget.setVisible(not shown)
