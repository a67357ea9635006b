"""The tools beside the canvas: those of the sheet above it, those of the pen beneath."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui import theme
from gui.inputs import Slider
from gui.theme import IconButton
from gui.widgets.canvas import PEN

THINNEST, THICKEST = 10, 56


def button(icon: str, name: str, help: str, checkable: bool = False) -> IconButton:
    """Return a button that is a picture."""
    made = IconButton(icon, help)
    made.setObjectName(name)
    made.setCheckable(checkable)
    made.setFixedSize(28, 28)  # narrow, so that the pictures nearly end where the canvas ends
    return made


class Dot(QWidget):
    """A dot as wide as a pen: it says what the slider beside it is about."""

    def __init__(self, diameter: int) -> None:
        super().__init__()
        self.setFixedSize(diameter, 14)
        self._diameter = diameter

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().colour("muted"))
        dot = QRectF(0, 0, self._diameter, self._diameter)
        dot.moveCenter(QRectF(self.rect()).center())
        painter.drawEllipse(dot)


class PenTools(QWidget):
    """The pen's width, and what undoes and changes what it drew."""

    def __init__(self) -> None:
        super().__init__()
        self.width_slider = Slider(Qt.Orientation.Horizontal)
        self.width_slider.setObjectName("penWidth")
        self.width_slider.setAccessibleName("Width of the pen")
        self.width_slider.setToolTip(
            "Width of the pen. The network learned from strokes about an eighth as wide as the "
            "digit is high; try how far from that it still reads."
        )
        self.width_slider.setRange(THINNEST, THICKEST)
        self.width_slider.setPageStep(6)
        self.width_slider.setValue(PEN)
        self.undo = button(
            "undo", "undoButton", "Undo the last stroke, clearing or picture. Ctrl+Z"
        )
        self.redo = button("redo", "redoButton", "Redo what was undone. Ctrl+Shift+Z or Ctrl+Y")
        self.clear = button("clear", "clearButton", "Clear the canvas. Delete; Ctrl+Z undoes it.")
        self.invert = button(
            "invert",
            "invertButton",
            "Swap ink and paper. The network still gets ink on paper and answers the same: trained "
            "on one polarity, it would make nothing of the other.",
        )
        self.saliency = button(
            "eye",
            "saliencyButton",
            "Show what matters. In orange: which pixels would change the answer most, ink or not "
            "(the size of the gradient of the answer's score by each pixel).",
            checkable=True,
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(Dot(5))
        row.addSpacing(2)
        row.addWidget(self.width_slider, 1)
        row.addSpacing(2)
        row.addWidget(Dot(12))
        row.addSpacing(theme.MARGIN)
        for tool in (self.saliency, self.invert, self.undo, self.redo, self.clear):
            row.addWidget(tool)


class FileTools(QWidget):
    """Pictures in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.open = button(
            "open", "openImageButton", "Open a picture of a digit. Or drop one on the canvas."
        )
        self.paste = button(
            "paste", "pasteButton", "Paste a picture from the clipboard. Ctrl+V on the canvas."
        )
        self.save = button("save", "saveImageButton", "Save the drawing as a PNG, black on white.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for tool in (self.open, self.paste, self.save):
            row.addWidget(tool)
