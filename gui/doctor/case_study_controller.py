"""The case on the doctor's page: what is told in the background, shown chapter by chapter."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.doctor.verdict.causes import CAUSES
from core.telemetry.events import Failed, Finished
from core.telemetry.history import History
from gui.background_job import Stage
from gui.doctor.case_panel import PLAN, CaseStudyPanel
from gui.doctor.case_study import CaseStudyJob, count, next_of
from gui.worker import Worker

if TYPE_CHECKING:
    from core.lessons.case_study import Chapter

ENDING = "It ends as soon as what is being measured is measured."


class CaseStudyController(QObject):
    """Brings a telling and its panel together."""

    opened = Signal(object, object, str)
    """A chapter's diagnosis is wanted, its history, and words for it."""

    def __init__(self, worker: Worker, panel: CaseStudyPanel, parent: QObject) -> None:
        super().__init__(parent)
        self.panel = panel
        self.telling = CaseStudyJob(worker, self)
        self._drawn: History | None = None
        panel.stopAsked.connect(self.telling.stop)
        panel.chapterChosen.connect(self._open)
        self.telling.progressed.connect(panel.show_progress)
        self.telling.chapter_told.connect(self._add)
        self.telling.stage_changed.connect(self._on_stage)
        self.telling.ended.connect(self._on_ended)
        self.telling.frame.connect(self._draw)

    def play(self, data: Path | None, waits_for: str) -> None:
        """Tell the case from its beginning, with a text.

        Args:
            data: the text.
            waits_for: whose run has to end first, in a sentence; "" for none.
        """
        if self.telling.stage is not Stage.IDLE:
            return
        self.panel.clear()
        self._drawn = None
        self.panel.curve.watch(None)
        self.panel.show_progress(waits_for or "The notebook is being built\u2026", 0.0)
        self.telling.begin(data, self.panel.steps.value())

    def _on_stage(self, stage: Stage) -> None:
        self.panel.set_running(stage.running)
        if stage is Stage.STOPPING:
            self.panel.show_end(ENDING)
        elif stage is Stage.IDLE and self.telling.info is None:
            self.panel.show_end(PLAN)

    def _draw(self) -> None:
        """Draw the loss of this chapter; until it has any, that of the last one stays."""
        history = self.telling.history
        if history is not self._drawn and len(history.loss.x):
            # What it is held against is another number of outputs by chapter: no level is drawn.
            self._drawn = history
            self.panel.curve.watch(history)
        self.panel.curve.draw()

    def _add(self, chapter: "Chapter") -> None:
        titles = {name: about.title for name, about in CAUSES.items()}
        self.panel.add(chapter, titles, *next_of(chapter.number))

    def _on_ended(self, event: Any) -> None:
        self.panel.curve.draw(now=True)
        told = len(self.telling.chapters)
        if isinstance(event, Failed):
            self.panel.show_end(event.sentence, "fault")
        elif isinstance(event, Finished):
            first, last = self.panel.cards[0].bar.number, self.panel.cards[-1].bar.number
            self.panel.show_end(f"All {told} chapters are told: from {first} to {last} nats.")
        else:
            self.panel.show_end(f"Stopped; {told} of {count()} chapters are told.")

    def _open(self, number: int) -> None:
        chapter = self.telling.chapters[number]
        history = self.telling.histories.get(number, History())
        words = f"The case, chapter {number + 1} of {count()}: {chapter.title}"
        self.opened.emit(chapter.diagnosis, history, words.rstrip(".") + ".")
