"""How a letter is drawn and called where it stands alone, and which letters are vowels."""

import unicodedata

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from core.playgrounds.names.reports import END

VOWELS = set("aeiouyæœøıаеиоуыэюяєіїαεηιουω")
"""Latin, Cyrillic and Greek; with an accent or as a capital they are found by what is under it."""
NO_VOWELS = set("йў")  # an и and an у under a breve, and yet consonants
MARK = 8.0  # pixels that the end mark takes


def draw_signs(painter: QPainter, where: QRectF, letters: str) -> None:
    """Draw letters in the middle of a place, with a small square for an end mark."""
    if END not in letters:
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, "".join(map(sign, letters)))
        return
    metrics = QFontMetricsF(painter.font())
    wide = [MARK if c == END else metrics.horizontalAdvance(sign(c)) for c in letters]
    left = where.center().x() - sum(wide) / 2
    for letter, width in zip(letters, wide, strict=True):
        place = QRectF(left, where.top(), width, where.height())
        if letter == END:
            end_mark(painter, place.center())
        else:
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, sign(letter))
        left += width


def end_mark(painter: QPainter, centre: QPointF) -> None:
    """Draw the end of a name in the painter's colour: a small hollow square, as on a stop key."""
    painter.save()
    painter.setPen(QPen(painter.pen().color(), 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(centre.x() - 3, centre.y() - 2.5, 6, 6), 1, 1)
    painter.restore()


def sign(letter: str) -> str:
    """Return a letter in a form that is seen where it stands alone."""
    if letter.isspace():
        return "␣"
    if unicodedata.combining(letter):
        return "-" + letter  # a mark alone would sit on whatever stands before it
    return letter if letter.isprintable() else "?"


def called(letter: str, first: bool = False) -> str:
    """Return what a letter is called in a sentence; the end mark before a name begins it."""
    if letter == END:
        return "beginning" if first else "end"
    return sign(letter) if letter.strip() else "space"


def is_vowel(letter: str) -> bool:
    """Tell whether a letter is a vowel, as far as its script is an alphabet known here."""
    small = letter.lower()
    if unicodedata.normalize("NFC", small) in NO_VOWELS:
        return False
    return unicodedata.normalize("NFD", small)[:1] in VOWELS
