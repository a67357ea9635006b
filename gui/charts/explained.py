"""A painted widget that explains each place in it."""

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QWidget

from gui.rich_text import rich


class Explained(QWidget):
    """A widget whose tooltip is about what the mouse points at."""

    def explain(self, point: QPoint) -> str:
        """Return the tooltip of a place; "" where it is the whole widget's."""
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the place under the mouse."""
        if (
            event.type() == QEvent.Type.ToolTip
            and isinstance(event, QHelpEvent)
            and (words := self.explain(event.pos()))
        ):
            QToolTip.showText(event.globalPos(), rich(words), self)
            return True
        return super().event(event)
