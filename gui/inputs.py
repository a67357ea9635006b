"""The program's boxes and sliders: the wheel changes them only while they have the focus.

Somebody who scrolls a page passes many of them. Without the focus they leave the wheel to the page,
and the wheel gives them no focus. The linter refuses Qt's own classes in their place.
"""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,  # noqa: TID251
    QDoubleSpinBox,  # noqa: TID251
    QSlider,  # noqa: TID251
    QSpinBox,  # noqa: TID251
    QWidget,
)

if TYPE_CHECKING:
    _Base = QWidget
else:
    _Base = object


class _WheelNeedsFocus(_Base):
    """Stands before a widget's own class."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # by click and Tab, not by the wheel

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value, or leave the wheel to what scrolls around it."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ComboBox(_WheelNeedsFocus, QComboBox):
    """A box to choose from."""


class SpinBox(_WheelNeedsFocus, QSpinBox):
    """A whole number."""


class DoubleSpinBox(_WheelNeedsFocus, QDoubleSpinBox):
    """A number."""


class Slider(_WheelNeedsFocus, QSlider):
    """A slider."""
