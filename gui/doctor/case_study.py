"""The case of actual_words as the screen knows it: which chapter is told, and those that were."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.telemetry.events import Answer, Diagnosed, Metrics, Progress, Started
from core.telemetry.history import History
from gui import jobs
from gui.background_job import BackgroundJob, Stage
from gui.worker import Worker

if TYPE_CHECKING:
    from core.lessons.case_study import Chapter

TRAINED = 0.6  # of a chapter's share; the rest is for the doctor
BUDGET = 4.0  # seconds for experiments in each chapter


class CaseStudyJob(BackgroundJob):
    """Has the worker play the case, and hands on its chapters."""

    evaluates_in_vain = True
    turned = Signal(int, str)
    """The number of the chapter that is trained now, and its title."""
    chapter_told = Signal(object)

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(worker, parent)
        self.number = -1
        """That of the chapter that is trained now; -1 before the first one."""
        self.chapters: dict[int, Chapter] = {}
        self.histories: dict[int, History] = {}
        """The loss of each chapter, by its number."""
        self._begun = 0
        self._handlers |= {
            Metrics: self._on_metrics,
            Progress: self._on_progress,
            Answer: self._on_answer,
            Diagnosed: self.diagnosed.emit,
        }

    def begin(self, data: Path | None, steps: int) -> None:
        """Play the case with this text; not while it is played."""
        if self.stage is not Stage.IDLE:
            return
        self.number, self._begun, self.chapters, self.histories = -1, 0, {}, {}
        self._run(lambda control: jobs.play_case_study(data, control, BUDGET, steps))

    def _on_started(self, event: Started) -> None:
        # Counted, since all of these are heard, while of several tellings only the newest is.
        number, self._begun = self._begun, self._begun + 1
        self.history = self.histories[number] = History()
        self._turn(number)
        super()._on_started(event)

    def _on_progress(self, event: Progress) -> None:
        self._turn(_number(event))

    def _turn(self, number: int) -> None:
        if number > self.number:
            self.number = number
            self.turned.emit(number, title_of(number))
            self._say("", 0.0)

    def _say(self, words: str, share: float) -> None:
        """Tell which chapter it is, what is done in it, and how far the whole is."""
        parts = [f"Chapter {self.number + 1} of {count()}: {title_of(self.number)}"]
        self.progressed.emit(" · ".join([*parts, words] if words else parts), self._share(share))

    def _share(self, of_chapter: float) -> float:
        return (max(0, self.number) + of_chapter) / count()

    def _on_metrics(self, event: Metrics) -> None:
        done = event.progress >= 1.0
        words = "the doctor looks, and tries" if done else f"step {event.step:,}"
        self._say(words, TRAINED * event.progress)

    def _on_answer(self, event: Answer) -> None:
        chapter = event.values["chapter"]
        self.chapters[chapter.number] = chapter
        self.chapter_told.emit(chapter)


def _fixes() -> tuple[Any, ...]:
    from core.lessons.actual_words import FIXES  # knows torch, as whoever calls does

    return FIXES


def count() -> int:
    """Return how many chapters there are."""
    return len(_fixes()) + 1


def title_of(number: int) -> str:
    """Return what was fixed before a chapter; the first one is the notebook itself."""
    return _fixes()[number - 1].title if number > 0 else "The notebook, as it was"


def next_of(number: int) -> tuple[str, str]:
    """Return what is fixed after a chapter: the cause's id ("" for none), and in words."""
    fixes = _fixes()
    return (fixes[number].cause, fixes[number].title) if number < len(fixes) else ("", "")


def _number(event: Progress) -> int:
    return round(event.share * count())
