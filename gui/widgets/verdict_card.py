"""The verdict: in a sentence, large, before anything else."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout

from core.doctor.diagnosis import Diagnosis
from core.numbers import percent
from gui.rich_text import rich
from gui.theme import GAP, MARGIN
from gui.widgets.apply_proof import UndoButton
from gui.widgets.card import Card, label, say
from gui.widgets.confidence_bar import in_words
from gui.widgets.curve_card import LiveLoss
from gui.widgets.doctor_text import tidy
from gui.widgets.status_icon import VERDICT_ROLES, Sign

QUESTION = "Is it wrong, too small (underfitting) or not trained enough (undertrained)?"
ABOUT = (
    "The doctor trains the network of a page while it watches every layer, then tries on copies"
    " what curves can't tell: twice the width, another learning rate, a single batch. It says in"
    " a sentence what is wrong, shows what it measured, and sets the fix."
)
SHORT = 120  # letters of a sentence that may be as large as it should
TEXT_ROLES = {"fault": "fault", "warning": "warning", "update": "good", "muted": "muted"}


class VerdictCard(Card):
    """A sign, the verdict in words, how sure it is; and beside it the loss while it trains."""

    applied = Signal()
    """Set what the verdict asks for."""
    undone = Signal()
    """Take it back."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("verdict")
        self.sign = Sign(44)
        self.kind = label("", "heading", wrap=True)
        self.sure = label("", "muted")
        self.sentence = label("", "verdict", wrap=True)
        self.sentence.setObjectName("verdictSentence")
        self.note = label("", "muted", wrap=True)
        self.note.setObjectName("verdictNote")
        self.apply = QPushButton("Apply")
        self.apply.setObjectName("applyVerdict")
        self.apply.setAccessibleName("Apply what the verdict asks for")
        self.apply.setToolTip("<p>Set in the recipe of its page what the verdict asks for.</p>")
        self.apply.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.apply.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.apply.clicked.connect(self.applied)
        self.undo = UndoButton("undoVerdict")
        self.undo.clicked.connect(self.undone)
        self.done = label("", "good", wrap=True)
        self.proof = label("", "muted", wrap=True)
        self.proof.setObjectName("verdictProof")
        self.curve = LiveLoss()
        self._arrange()
        self.show_nothing()

    def _arrange(self) -> None:
        self.body.setContentsMargins(MARGIN + 2, MARGIN, MARGIN, MARGIN)
        row = QHBoxLayout()
        row.setSpacing(MARGIN)
        row.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(5)
        head = QHBoxLayout()
        head.setSpacing(GAP + 2)
        head.addWidget(self.kind, 1)
        head.addWidget(self.sure, 0, Qt.AlignmentFlag.AlignTop)
        words.addLayout(head)
        words.addWidget(self.sentence)
        words.addWidget(self.note)
        words.addWidget(self.proof)
        foot = QHBoxLayout()
        foot.setSpacing(MARGIN)
        foot.addWidget(self.apply)
        foot.addWidget(self.undo)
        foot.addWidget(self.done, 1)
        foot.addStretch(0)
        words.addLayout(foot)
        words.addStretch(1)
        row.addLayout(words, 1)
        row.addWidget(self.curve, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(row)

    def text(self) -> str:
        """Return what it says: the verdict, how sure, and the sentence."""
        parts = (self.kind.text(), self.sure.text(), self.sentence.text())
        return " ".join(part for part in parts if part)

    def _say_sentence(self, words: str) -> None:
        role = "verdict" if len(words) <= SHORT else "verdict-long"
        say(self.sentence, words, role)

    def _say(self, kind: str, role: str, sure: str, sentence: str, note: str) -> None:
        say(self.kind, kind, role)
        say(self.sure, sure)
        self._say_sentence(tidy(sentence))
        say(self.note, note)
        self.apply.hide()
        self.apply.setEnabled(True)
        self.undo.hide()
        self.proof.hide()
        self.done.hide()
        self.setAccessibleName(self.text())

    def show_nothing(self) -> None:
        """Say what the doctor does, before it has done anything."""
        self.sign.show_sign("doctor", "muted")
        self._say("", "heading", "", QUESTION, ABOUT)

    def show_looking(self, words: str, note: str = "") -> None:
        """Say what is going on, before there is a verdict, or while it is kept back."""
        self.sign.show_sign("eye", "muted")
        self._say("", "heading", "", words, note)

    def show_problem(self, sentence: str) -> None:
        """Say why there is no verdict."""
        self.sign.show_sign("verdict-broken", "fault")
        self._say("No verdict", "fault", "", sentence, "")

    def show_diagnosis(self, diagnosis: Diagnosis, final: bool, note: str, fix: str = "") -> None:
        """Show what the doctor says.

        Args:
            diagnosis: the verdict and its sentence.
            final: whether all has been tried.
            note: what it is of and what was done.
            fix: what Apply would set; "" where there is nothing to set.
        """
        self.sign.show_verdict(diagnosis.verdict)
        role = TEXT_ROLES[VERDICT_ROLES[diagnosis.verdict]]
        so_far = "" if final else "So far: "
        kind = diagnosis.headline.rstrip(".")
        kind = so_far + (kind if final else kind[0].lower() + kind[1:] if kind[0] != "I" else kind)
        sure = f"{in_words(diagnosis.confidence)}, {percent(diagnosis.confidence)}"
        if diagnosis.verdict == "unknown":
            sure = ""
        if diagnosis.training_kind:
            note = f"Kind of training: {diagnosis.training_kind}. {note}"
        self._say(kind, role, sure, diagnosis.sentence, note)
        if diagnosis.proof:
            say(self.proof, f"{diagnosis.proof.words}: {tidy(diagnosis.proof.measured)}")
        self.apply.setVisible(bool(fix))
        self.apply.setText(f"Apply: {fix}")
        self.apply.setToolTip(rich(f"Set this in the recipe of its page: {fix}."))

    def show_applied(self, sentence: str, role: str = "good") -> None:
        """Say that it was set, or why it could not be."""
        say(self.done, sentence, role)
        self.apply.setEnabled(role != "good")
        self.undo.setVisible(role == "good")

    def show_undone(self, sentence: str) -> None:
        """Say that it was taken back; it may be set again."""
        say(self.done, sentence, "muted")
        self.apply.setEnabled(True)
        self.undo.hide()
