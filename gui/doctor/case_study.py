"""The case study of actual_words: it is played in the background, and shown chapter by chapter."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.doctor.verdict.causes import CAUSES
from core.telemetry.events import Answer, Failed, Finished, Metrics, Progress, Started
from core.telemetry.history import History
from gui import jobs
from gui.background_job import STOPPING, BackgroundJob, Stage
from gui.doctor.case_panel import PLAN, CaseStudyPanel
from gui.widgets.run_now import offer_run_now
from gui.worker import Worker

if TYPE_CHECKING:
    from core.lessons.case_study import Chapter

TRAINED = 0.6  # of a chapter's share; the rest is for the doctor
BUDGET = 4.0  # seconds for experiments in each chapter
ENDING = f"{STOPPING} It ends as soon as what is being measured is measured."


class CaseStudyJob(QObject):
    """Has the worker play the case study, and collects its chapters."""

    chapter_started = Signal(int, str)
    """The number of the chapter that is trained now, and its title."""
    chapter_done = Signal(object)
    progressed = Signal(str, float)
    """What is being done, in words, and the share of the whole that is done."""

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.number = -1
        """That of the chapter that is trained now; -1 before the first one."""
        self.info: Started | None = None
        self.history = History()
        self.chapters: dict[int, Chapter] = {}
        self.histories: dict[int, History] = {}
        """The loss of each chapter, by its number."""
        job = self.job = BackgroundJob(worker, self, "the case study")
        self.stage_changed, self.frame, self.ended = job.stage_changed, job.frame, job.ended
        self.abandon = job.abandon
        job.received.connect(self._on_event)

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return self.job.stage

    def begin(self, data: Path | None, steps: int) -> None:
        """Play the case study with this text; not while it is played."""
        if self.stage is not Stage.IDLE:
            return
        self.number, self.info, self.history = -1, None, History()
        self.chapters, self.histories = {}, {}
        self.job.start(partial(jobs.case_study, data, BUDGET, steps))

    def stop(self) -> None:
        """End here; of a chapter that was stopped, nothing has to be evaluated."""
        self.job.stop(abandon=True)

    def _on_event(self, event: Any) -> None:
        if isinstance(event, Started):
            # Counted, since no start is missed, while of several progresses only the newest comes.
            self.info, number = event, len(self.histories)
            self.history = self.histories[number] = History()
            self._turn(number)
        self.history.add(event)
        if isinstance(event, Progress):
            self._turn(round(event.share * count()))
        elif isinstance(event, Metrics):
            done = event.progress >= 1.0
            words = "the doctor measures and experiments" if done else f"step {event.step:,}"
            self._report(words, TRAINED * event.progress)
        elif isinstance(event, Answer):
            chapter = event.values["chapter"]
            self.chapters[chapter.number] = chapter
            self.chapter_done.emit(chapter)

    def _turn(self, number: int) -> None:
        if number > self.number:
            self.number = number
            self.chapter_started.emit(number, title_of(number))
            self._report("", 0.0)

    def _report(self, words: str, of_chapter: float) -> None:
        """Say which chapter it is, what is done in it, and how far the whole is."""
        parts = [f"Chapter {self.number + 1} of {count()}: {title_of(self.number)}"]
        share = (max(0, self.number) + of_chapter) / count()
        self.progressed.emit(" · ".join([*parts, words] if words else parts), share)


class CaseStudyController(QObject):
    """Brings the case study and its panel together."""

    opened = Signal(object, object, str)
    """A chapter's diagnosis is wanted, its history, and words for it."""

    def __init__(self, worker: Worker, panel: CaseStudyPanel, parent: QObject) -> None:
        super().__init__(parent)
        self.panel = panel
        self.study = CaseStudyJob(worker, self)
        self._drawn: History | None = None
        panel.stopAsked.connect(self.study.stop)
        panel.chapterChosen.connect(self._open)
        self.study.progressed.connect(self._show_progress)
        self.study.chapter_done.connect(self._add)
        self.study.stage_changed.connect(self._on_stage)
        self.study.job.waiting_changed.connect(self._show_waiting)
        offer_run_now(panel.run_now, self.study.job)
        self.study.ended.connect(self._on_ended)
        self.study.frame.connect(self._draw)

    def play(self, data: Path | None) -> None:
        """Play the case study from its beginning, with a text."""
        if self.study.stage is not Stage.IDLE:
            return
        self.panel.clear()
        self._drawn = None
        self.panel.curve.watch(None)
        self.study.begin(data, self.panel.steps.value())
        self._show_waiting(self.study.job.waits_for)

    def _show_progress(self, words: str, share: float) -> None:
        self.panel.show_progress(ENDING if self.study.stage is Stage.STOPPING else words, share)

    def _show_waiting(self, sentence: str) -> None:
        """Say what it waits for, before its first chapter or when it has lost its turn."""
        if self.study.stage is Stage.WAITING:
            sentence = sentence or "The notebook is being built\u2026"
        if self.study.stage.running and self.study.stage is not Stage.STOPPING:
            self.panel.show_waiting(sentence)

    def _on_stage(self, stage: Stage) -> None:
        self.panel.set_running(stage.running, stage is Stage.STOPPING)
        if stage is Stage.STOPPING:
            self.panel.show_end(ENDING)

    def _draw(self) -> None:
        """Draw the loss of this chapter; until it has any, that of the last one stays."""
        history = self.study.history
        if history is not self._drawn and len(history.loss.x):
            # The uniform loss differs by chapter, with the number of outputs: no level is drawn.
            self._drawn = history
            self.panel.curve.watch(history)
        self.panel.curve.draw()

    def _add(self, chapter: "Chapter") -> None:
        titles = {name: about.title for name, about in CAUSES.items()}
        self.panel.add(chapter, titles, *next_of(chapter.number))

    def _on_ended(self, event: Any) -> None:
        self.panel.curve.draw(now=True)
        done = len(self.study.chapters)
        if isinstance(event, Failed):
            self.panel.show_end(event.sentence, "fault")
        elif isinstance(event, Finished):
            first, last = self.panel.cards[0].bar.number, self.panel.cards[-1].bar.number
            self.panel.show_end(f"All {done} chapters are done: from {first} to {last} nats.")
        elif self.study.info is None:
            self.panel.show_end(PLAN)
        else:
            self.panel.show_end(f"Stopped; {done} of {count()} chapters are done.")

    def _open(self, number: int) -> None:
        chapter = self.study.chapters[number]
        history = self.study.histories.get(number, History())
        words = f"Case study, chapter {number + 1} of {count()}: {chapter.title}"
        self.opened.emit(chapter.diagnosis, history, words.rstrip(".") + ".")


def _fixes() -> tuple[Any, ...]:
    from core.lessons.actual_words import FIXES  # knows torch, as whoever calls does

    return FIXES


def count() -> int:
    """Return how many chapters there are."""
    return len(_fixes()) + 1


def title_of(number: int) -> str:
    """Return what was fixed before a chapter; the first one is the notebook itself."""
    return str(_fixes()[number - 1].title) if number > 0 else "The notebook, as it was"


def next_of(number: int) -> tuple[str, str]:
    """Return what is fixed after a chapter: the cause's id ("" for none), and in words."""
    fixes = _fixes()
    return (fixes[number].cause, fixes[number].title) if number < len(fixes) else ("", "")
