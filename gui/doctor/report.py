"""The doctor's report: the verdict, what is wrong, what shows it, what was looked at."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.doctor.diagnosis import Cause, Diagnosis
from core.telemetry.history import History
from gui.doctor.evidence_panel import EvidencePanel
from gui.doctor.findings import Findings
from gui.doctor.verdict_legend import VerdictLegend
from gui.theme import MARGIN
from gui.widgets.export_file import PICTURE
from gui.widgets.scroll_column import ASIDE, UNDER_TABS, CardColumn
from gui.widgets.verdict_card import VerdictCard

Settings = tuple[tuple[str, object], ...]


class Report(QWidget):
    """Shows a diagnosis; what comes while it is hidden is drawn when it is seen.

    Args:
        about: returns what a cause's id means, in a sentence; "" where it is not known.
        fix: returns in words what settings would change; "" where nothing can be set.
    """

    applied = Signal(object)
    """A cause of which the fixing settings are wanted, or None for those of the verdict."""
    undone = Signal(object)
    """A cause, or None for the verdict, of which what was applied is to be taken back."""
    lessonAsked = Signal(object)
    """A cause of which the lesson is wanted."""

    def __init__(self, about: Callable[[str], str], fix: Callable[[Settings], str]) -> None:
        super().__init__()
        self.setProperty(PICTURE, "Report")
        self._fix = fix
        self._latest: tuple[Diagnosis, bool, str] | None = None
        self._loss: tuple[History | None, float] = (None, 0.0)
        self._stale = False
        self.verdict = VerdictCard()
        self.findings = Findings(about)
        self.evidence = EvidencePanel()
        self.legend = VerdictLegend()
        self.area = CardColumn("reportArea", MARGIN)
        for widget in (self.findings, self.evidence, self.legend):
            self.area.add(widget)
        above = QVBoxLayout()
        above.setContentsMargins(0, 0, ASIDE, 0)
        above.addWidget(self.verdict)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, UNDER_TABS, 0, 0)
        whole.setSpacing(14)
        whole.addLayout(above)
        whole.addWidget(self.area, 1)
        self.verdict.applied.connect(lambda: self.applied.emit(None))
        self.findings.applied.connect(self.applied)
        self.verdict.undone.connect(lambda: self.undone.emit(None))
        self.findings.undone.connect(self.undone)
        self.findings.lessonAsked.connect(self.lessonAsked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put as many pictures side by side as fit."""
        super().resizeEvent(event)
        self.evidence.fit(self.width() - ASIDE)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What is shown."""
        return self._latest[0] if self._latest else None

    def export_text(self) -> str:
        """Return what the doctor says as a page of plain text."""
        return self.diagnosis.text() if self.diagnosis else ""

    def export_markdown(self) -> str:
        """Return what the doctor says as a page of Markdown."""
        return self.diagnosis.markdown() if self.diagnosis else ""

    def clear(self) -> None:
        """Show nothing yet: what could be said stands in its place."""
        self._latest, self._stale = None, False
        self.findings.show_causes(None, lambda cause: "")
        self.evidence.show_evidence(None)
        self.legend.show()
        self.area.verticalScrollBar().setValue(0)

    def show_diagnosis(
        self,
        diagnosis: Diagnosis,
        final: bool,
        note: str,
        history: History | None = None,
        uniform: float = 0.0,
    ) -> None:
        """Show what the doctor says.

        Args:
            diagnosis: what it says.
            final: whether all has been tried.
            note: what it is of.
            history: of the training, shown where a cause has no picture of its own.
            uniform: the loss of a uniform guess; 0 if it isn't known.
        """
        self._latest, self._stale = (diagnosis, final, note), True
        self._loss = (history, uniform)
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        self._draw()

    def _draw(self) -> None:
        if self._latest is None or not self._stale:
            return
        self._stale = False
        diagnosis, final, note = self._latest
        fix = self._proved_fix(diagnosis)
        self.verdict.show_diagnosis(diagnosis, final, note, fix)
        self.findings.show_causes(diagnosis, self._proved_fix)
        self.evidence.show_evidence(diagnosis, *self._loss)
        self.legend.hide()

    def _proved_fix(self, part: Cause | Diagnosis) -> str:
        """Return in words what may be applied: nothing that was not proved to help."""
        return self._fix(part.settings) if part.proof and part.proof.proved else ""

    def say_applied(self, cause: Cause | None, sentence: str, role: str = "good") -> None:
        """Say beside the button that something was set, or why it could not be."""
        if cause is None:
            self.verdict.show_applied(sentence, role)
        for card in self.findings.cards:
            if card.cause is cause:
                card.show_applied(sentence, role)

    def say_undone(self, cause: Cause | None, sentence: str) -> None:
        """Say beside the button that what was applied was taken back."""
        if cause is None:
            self.verdict.show_undone(sentence)
        for card in self.findings.cards:
            if card.cause is cause:
                card.show_undone(sentence)
