"""What a network wrote: a quiet block of a few lines, the whole of it for whoever points at it."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.rich_text import rich

LINES, INSET = 4, 9
SQUARE = "\u25a1"
NOT_PRINTED = "\u00b7"


def readable(sample: str) -> str:
    """Return a sample without empty lines and without letters that can't be seen."""
    lines = (line.strip() for line in sample.split("\n"))
    kept = "\n".join(line for line in lines if line)
    return "".join(c if c == "\n" or c.isprintable() else NOT_PRINTED for c in kept)


def fixed_font() -> QFont:
    """Return the system's letters of one width, as large as the rest."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(12)
    return font


class SampleBlock(QWidget):
    """The first lines of a sample."""

    def __init__(self, sample: str) -> None:
        super().__init__()
        self.text = readable(sample)
        self._font = fixed_font()
        self._line = QFontMetricsF(self._font).height() + 2
        self.setAccessibleName("What it writes")
        self.setAccessibleDescription(self.text)
        self.setToolTip(rich(self.text))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)

    def sizeHint(self) -> QSize:
        """Be as high as its lines."""
        return QSize(260, round(LINES * self._line) + 2 * INSET)

    def minimumSizeHint(self) -> QSize:
        """Be readable."""
        return QSize(160, self.sizeHint().height())

    def lines(self, width: float) -> list[str]:
        """Return the lines that fit, the last one shortened if there are more."""
        found: list[str] = []
        for paragraph in self.text.split("\n"):
            found += _broken(paragraph, self._font, width)
            if len(found) > LINES:
                break
        if len(found) > LINES:
            rest = found[LINES - 1] + " " + found[LINES]
            right = Qt.TextElideMode.ElideRight
            last = QFontMetricsF(self._font).elidedText(rest + "\u2026", right, width)
            found = [*found[: LINES - 1], last]
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground and the lines."""
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("sunken"))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setFont(self._font)
        painter.setPen(now.colour("text"))
        wide = self.width() - 2 * INSET
        for row, words in enumerate(self.lines(wide)):
            place = QRectF(QPointF(INSET, INSET + row * self._line), QPointF(INSET + wide, 0))
            place.setHeight(self._line)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)


def _broken(words: str, font: QFont, width: float) -> list[str]:
    layout = QTextLayout(words, font)
    option = QTextOption()
    noise = words.count(SQUARE) > len(words) / 4  # there are no words to keep whole
    mode = QTextOption.WrapMode
    option.setWrapMode(mode.WrapAnywhere if noise else mode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    found: list[str] = []
    while len(found) <= LINES and (line := layout.createLine()).isValid():
        line.setLineWidth(max(1.0, width))
        begin = line.textStart()
        found.append(words[begin : begin + line.textLength()].rstrip())
    layout.endLayout()
    return found
