"""The dojo as the screen knows it: made beside the screen, kept from one start to the next."""

from collections.abc import Mapping
from typing import Any

import torch
from PySide6.QtCore import QObject, Signal

from core.lessons.backprop.checker import GradientVerdict
from core.lessons.backprop.dojo import Dojo
from core.lessons.backprop.steps import GradientStep
from core.telemetry.events import Failed
from gui import jobs
from gui.background_job import BackgroundJob
from gui.lessons.context import LessonContext
from gui.state_file import value_of

KEPT = "backprop"


class DojoProgress(QObject):
    """One learner's dojo, which the parts of the lesson share."""

    ready = Signal()
    """The forward pass is done, and what was kept is back; or all was forgotten."""
    changed = Signal()
    """A step was solved or seen, or all was forgotten."""
    failed = Signal(str)
    """The forward pass can't be done, and why."""

    def __init__(self, context: LessonContext) -> None:
        super().__init__()
        self.dojo: Dojo | None = None
        self.problem = ""
        self._kept = context.kept
        self._job = BackgroundJob(context.worker, self, "the forward pass of lesson 4", quick=True)
        self._job.ended.connect(self._on_ended)
        self._job.start(jobs.backprop_batch)

    def _on_ended(self, event: object) -> None:
        if isinstance(event, Failed):
            self.problem = event.sentence
            self.failed.emit(event.sentence)
            return
        torch.set_num_threads(1)  # of this thread: so small products are fastest with one
        self.dojo = Dojo()
        kept: Mapping[str, Any] = value_of(self._kept, KEPT, dict, {})
        self.dojo.restore(kept)
        self.ready.emit()
        self.changed.emit()

    def check(self, step: GradientStep, text: str) -> GradientVerdict:
        """Check a typed gradient, and keep it."""
        assert self.dojo is not None
        verdict = self.dojo.check(step, text)
        self._keep()
        if verdict.outcome.right:
            self.changed.emit()
        return verdict

    def note(self, step: GradientStep, text: str) -> None:
        """Keep what stands in a step's field."""
        assert self.dojo is not None
        self.dojo.typed[step.key] = text
        self._keep()

    def take_hint(self, step: GradientStep) -> None:
        """Take the next hint of a step."""
        assert self.dojo is not None
        self.dojo.take_hint(step)
        self._keep()

    def show_answer(self, step: GradientStep) -> str:
        """Return the answer of a step, which counts as seen."""
        assert self.dojo is not None
        answer = self.dojo.show_answer(step)
        self._keep()
        self.changed.emit()
        return answer

    def start_over(self) -> None:
        """Forget all progress."""
        assert self.dojo is not None
        self.dojo.start_over()
        self._keep()
        self.ready.emit()
        self.changed.emit()

    def _keep(self) -> None:
        assert self.dojo is not None
        self._kept[KEPT] = self.dojo.save()

    def abandon(self) -> None:
        """The window closes."""
        self._job.abandon()
