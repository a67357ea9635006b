"""A sign: a shape in a colour of the theme, on a quiet round; what it says needs no colour."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from core.paths import RESOURCES
from gui import theme

VERDICT_ROLES = {
    "broken": "fault",
    "too_small": "warning",
    "undertrained": "warning",
    "overfitting": "warning",
    "at_floor": "update",
    "fine": "update",
    "unknown": "muted",
}
"""The colour of each verdict."""
RESULTS = {
    True: ("verdict-fine", "update", "as expected"),
    False: ("verdict-broken", "fault", "not as expected"),
    None: ("unseen", "faint", "not checked"),
}
"""The picture, the colour and the words for what passed, failed, or could not be looked at."""


@lru_cache(maxsize=32)
def _source(icon: str) -> str:
    return (RESOURCES / "icons" / f"{icon}.svg").read_text(encoding="utf-8")


class Sign(QWidget):
    """An icon of resources/icons, drawn sharp at any size."""

    def __init__(self, side: int, ground: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._role, self._ground = "", "muted", ground
        self.setFixedSize(side, side)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_sign(self, icon: str, role: str, words: str = "") -> None:
        """Show an icon in a colour; words say the same to a screen reader."""
        self._icon, self._role = icon, role
        self.setAccessibleName(words)
        self.update()

    def show_verdict(self, verdict: str) -> None:
        """Show the sign of a verdict."""
        self.show_sign(f"verdict-{verdict}", VERDICT_ROLES[verdict])

    def show_result(self, passed: bool | None) -> None:
        """Show whether something was as expected."""
        icon, role, words = RESULTS[passed]
        self.show_sign(icon, role, words)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the round and the shape on it."""
        if not self._icon:
            return
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        inset = 0.0
        if self._ground:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.colour(self._role, 34))
            painter.drawEllipse(area)
            inset = 0.2 * area.width()
        drawn = _source(self._icon).replace("currentColor", now.colour(self._role).name())
        renderer = QSvgRenderer(QByteArray(drawn.encode()))
        renderer.render(painter, area.adjusted(inset, inset, -inset, -inset))
