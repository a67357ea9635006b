"""The text of lesson 5, which its parts share, and what a job makes of it."""

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from core.lessons.tokenizer.costs import CostTable
from core.lessons.tokenizer.merges import MergeHistory
from core.lessons.tokenizer.patterns import TextPieces
from core.lessons.tokenizer.presets import PRESETS, usable
from core.lessons.tokenizer.special import SpecialTokens
from core.telemetry.events import Failed
from gui import jobs
from gui.background_job import BackgroundJob
from gui.lessons.context import LessonContext
from gui.state_file import value_of

KEPT = "tokenizer"
SETTLED = 200  # milliseconds after the last key


class LessonText(QObject):
    """One text, cut, merged and counted beside the screen; what comes late is of the newest one."""

    edited = Signal()
    """The text is another one."""
    computed = Signal()
    """One of ``pieces``, ``special``, ``history`` and ``costs`` is known."""
    failed = Signal(str)
    """Something can't be computed, and why."""

    def __init__(self, context: LessonContext) -> None:
        super().__init__()
        self._kept, self._data = context.kept, context.data
        kept = value_of(value_of(self._kept, KEPT, dict, {}), "text", str, PRESETS[0].text)
        self.typed = usable(kept)
        """As it stands in the box; its first 10,000 characters are used."""
        self.cut_first = False
        """Whether GPT-4's pattern cuts the text before pairs are merged."""
        self.pieces: TextPieces | None = None
        self.special: SpecialTokens | None = None
        self.history: MergeHistory | None = None
        self.costs: CostTable | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLED)
        self._settle.timeout.connect(self._compute)
        self._job = BackgroundJob(context.worker, self, "the tokens of lesson 5", quick=True)
        self._job.received.connect(self._on_event)
        self._job.ended.connect(self._on_ended)
        self._compute()

    @property
    def text(self) -> str:
        """What of it is used."""
        return usable(self.typed)

    def edit(self, text: str) -> None:
        """Take another text."""
        if text == self.typed:
            return
        self.typed = text
        self._kept[KEPT] = {"text": usable(text)}
        self._settle.start()
        self.edited.emit()

    def cut_by_pattern(self, cut_first: bool) -> None:
        """Merge within pieces, or across the whole text."""
        if cut_first is not self.cut_first:
            self.cut_first = cut_first
            self._compute()

    def _compute(self) -> None:
        self._settle.stop()
        self._job.start(partial(jobs.tokenizer_lesson, self.text, self.cut_first, self._data))

    def _on_event(self, event: object) -> None:
        if isinstance(event, TextPieces):
            self.pieces = event
        elif isinstance(event, SpecialTokens):
            self.special = event
        elif isinstance(event, MergeHistory):
            self.history = event
        elif isinstance(event, CostTable):
            self.costs = event
        else:
            return
        self.computed.emit()

    def _on_ended(self, event: object) -> None:
        if isinstance(event, Failed):
            self.failed.emit(event.sentence)

    def abandon(self) -> None:
        """The window closes."""
        self._settle.stop()
        self._job.abandon()
