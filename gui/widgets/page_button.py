"""A page's button in the sidebar, with marks for what goes on there."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent

from gui.rich_text import rich
from gui.theme import IconButton
from gui.widgets.status_icon import Sign

WIDE_BUTTON, NARROW_BUTTON = 132, 48  # pixels, with the title and without
SIDE, SMALL_SIDE = 18, 12  # pixels of a mark


@dataclass(frozen=True)
class Mark:
    """What goes on at a page: a shape in a colour of the theme, and the same in words."""

    icon: str
    role: str
    words: str


class PageButton(IconButton):
    """Turns to a page. Its marks stand at its right, the first one outermost.

    Args:
        name: its object name.
        icon: of resources/icons.
        title: of the page.
        help: what the page is for.
    """

    def __init__(self, name: str, icon: str, title: str, help: str) -> None:
        super().__init__(icon, help)
        self.setObjectName(name)
        self.setText(f"  {title}")
        self.setIconSize(QSize(18, 18))
        self.setCheckable(True)
        self._title, self._help = title, help
        self.signs: list[Sign] = []
        self.set_narrow(False)

    def set_narrow(self, narrow: bool) -> None:
        """Leave out the title, and show marks smaller, at the edge of the icon."""
        style = Qt.ToolButtonStyle
        self._narrow = narrow
        self.setToolButtonStyle(
            style.ToolButtonIconOnly if narrow else style.ToolButtonTextBesideIcon
        )
        self.setFixedWidth(NARROW_BUTTON if narrow else WIDE_BUTTON)
        self._place()

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Show these marks and no others."""
        for sign in self.signs:
            sign.hide()
            sign.deleteLater()
        self.signs = [Sign(SIDE, parent=self) for _ in marks]
        for sign, mark in zip(self.signs, marks, strict=True):
            sign.show_sign(mark.icon, mark.role, mark.words)
            sign.show()
        self._place()
        words = "; ".join(mark.words for mark in marks)
        self.setToolTip(rich(f"{self._help}\nNow: {words}." if words else self._help))
        self.setAccessibleName(f"{self._title}: {words}" if words else self._title)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the marks at the right."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        side, edge = (SMALL_SIDE, 1) if self._narrow else (SIDE, 6)
        for number, sign in enumerate(self.signs):
            sign.setFixedSize(side, side)
            away = number * (side + 2)
            if self._narrow:
                sign.move(self.width() - side - edge, edge + away)
            else:
                sign.move(self.width() - side - 2 - edge - away, (self.height() - side) // 2)
