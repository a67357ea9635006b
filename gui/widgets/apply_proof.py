"""Whether a fix was proved, with both curves; and the button that takes back what was applied."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from core.doctor.diagnosis import Proof
from gui.charts.evidence import EvidencePicture
from gui.theme import GAP
from gui.widgets.card import label
from gui.widgets.doctor_text import tidy
from gui.widgets.glossary import TERM
from gui.widgets.status_icon import Sign

HIGH = 128  # pixels of the curves
WIDE = 340


class ProofView(QWidget):
    """A sign, the words "Proved" or "Not proved", what was measured, and both curves beside it."""

    def __init__(self, proof: Proof) -> None:
        super().__init__()
        self.setObjectName("proof")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        row.setSpacing(GAP + 2)
        sign = Sign(18)
        sign.show_result(proof.proved or None)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        tried = f": {proof.fix}" if proof.fix else ""
        self.result = label(f"{proof.words}{tried}", "heading", wrap=True)
        self.measured = label(tidy(proof.measured), "", wrap=True)
        words.addWidget(self.result)
        words.addWidget(self.measured)
        words.addStretch(1)
        row.addLayout(words, 1)
        if proof.picture is not None:
            self.picture = EvidencePicture(HIGH)
            self.picture.setFixedWidth(WIDE)
            self.picture.show_picture(proof.picture)
            row.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)


class UndoButton(QPushButton):
    """Takes back what Apply has set; not seen until something was set.

    Args:
        name: its object name.
    """

    def __init__(self, name: str) -> None:
        super().__init__("Undo")
        self.setObjectName(name)
        self.setProperty("role", "link")
        self.setProperty(TERM, "Recipe")
        self.setAccessibleName("Undo what was applied")
        self.setToolTip("<p>Set the recipe back to what it was. Ctrl+Z does the same.</p>")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()
