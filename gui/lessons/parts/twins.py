"""Two networks side by side: a question, both trained on the same batches, what was measured.

``{{twins experiments="sigmoid depth" settings=shown}}``: the ids of ``core.lessons.experiments``;
the settings are shown from the beginning, or when a person wants networks of their own.
"""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.lessons.experiment import LectureExperiment, own_experiment
from core.lessons.experiments import EXPERIMENTS
from core.lessons.pair_settings import Side
from core.lessons.questions import outcome
from core.telemetry.events import Failed, Finished, Stopped
from gui.background_job import Stage
from gui.lessons.context import LessonContext
from gui.lessons.paired_runs.headings import PairHeadings
from gui.lessons.paired_runs.question import PairQuestion
from gui.lessons.paired_runs.results import PairResults
from gui.lessons.paired_runs.run import PairedRun
from gui.lessons.paired_runs.run_bar import PairRunBar
from gui.lessons.paired_runs.settings import PairSettingsForm
from gui.widgets.card import Card, label, say
from gui.widgets.segmented_control import Segments

OWN = "own"
OWN_HELP = "Set up two networks of your own, beginning with these two."


class Part(QWidget):
    """An experiment at a time: its two networks, its question, a run of both, and the answer."""

    played = Signal()
    """A run of both has ended, and what came out is told."""

    def __init__(self, room: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        ids = options["experiments"].split()
        key = ids[0]
        self.setObjectName(f"twins_{key}")
        self._room, self._shown = room, options.get("settings") == "shown"
        self.run = PairedRun(room.worker, self)
        self.experiment: LectureExperiment = EXPERIMENTS[key]
        self.choice = Segments("Experiments")
        for name in ids:
            about = EXPERIMENTS[name]
            self.choice.add(name, about.title, f"twinExperiment_{name}", about.about)
        self.choice.add(OWN, "Your own", f"twinOwn_{key}", OWN_HELP)
        self.about = label("", "muted", wrap=True)
        self.heads, self.settings = PairHeadings(), PairSettingsForm(key)
        self.question, self.bar = PairQuestion(key), PairRunBar(key)
        self.results = PairResults(key)
        self._arrange()
        self._connect()
        self._choose(key)

    def _arrange(self) -> None:
        card = Card()
        card.body.setSpacing(14)
        for widget in (
            self.choice,
            self.about,
            self.heads,
            self.settings,
            self.question,
            self.bar,
            self.results,
        ):
            card.body.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(card)

    def _connect(self) -> None:
        self.choice.chosen.connect(self._choose)
        self.settings.changed.connect(self._take_own)
        self.question.guessed.connect(self._refresh)
        self.bar.start.clicked.connect(self._start)
        self.bar.pause_wanted.connect(self.run.set_paused)
        self.bar.stop.clicked.connect(self.run.stop)
        self.run.stage_changed.connect(lambda stage: self._refresh())
        self.run.pause_changed.connect(self.bar.set_paused)
        self.run.frame.connect(self._on_frame)
        self.run.ended.connect(self._on_ended)

    @property
    def sides(self) -> tuple[Side, Side]:
        """The two networks."""
        return self.experiment.first, self.experiment.second

    def _choose(self, name: str) -> None:
        """Turn to an experiment, or to two networks of a person's own."""
        own = name == OWN
        self.settings.setVisible(own or self._shown)
        self._show(own_experiment(*self.sides) if own else EXPERIMENTS[name])
        self.settings.show_sides(self.sides)

    def _take_own(self, sides: tuple[Side, Side]) -> None:
        """Take two networks that a person has set up."""
        self.experiment = own_experiment(*sides)
        if self.choice.key() == OWN:
            self._choose(OWN)
        else:
            self.choice.buttons[OWN].setChecked(True)

    def _show(self, experiment: LectureExperiment) -> None:
        self.experiment = experiment
        self.about.setText(experiment.about)
        self.heads.show_sides(self.sides)
        self.question.ask(experiment.question)
        self.results.clear(experiment.rows)
        self.bar.clear()
        self._refresh()

    def _start(self) -> None:
        first, second = (side.for_steps(self.bar.steps) for side in self.sides)
        self.question.reopen()
        self.results.clear(self.experiment.rows)
        self.run.begin((first, second), self._room.session("names").data)

    def _refresh(self) -> None:
        """Enable what can be done now."""
        running = self.run.stage.running
        self.choice.setEnabled(not running)
        self.settings.setEnabled(not running)
        self.question.set_open(not running and not self.question.answered)
        self.bar.show_stage(self.run.stage, self.question.guess >= 0)

    def _on_frame(self) -> None:
        accounts = self.run.accounts
        both_seen = all(account.first is not None for account in accounts)
        if both_seen and not self.experiment.question.at_end and not self.question.answered:
            self._answer()
        self.bar.show_progress(self.run.step, self.run.progress)
        if self.isVisible():
            self.results.show_accounts(accounts)

    def _answer(self) -> None:
        question, accounts = self.experiment.question, self.run.accounts
        self.question.show_answer(question.right(*accounts), question.answer(*accounts))

    def _on_ended(self, event: Finished | Stopped | Failed) -> None:
        accounts = self.run.accounts
        if isinstance(event, Failed):
            say(self.question.answer, event.sentence, "fault")
        elif all(account.first is not None for account in accounts):
            if self.experiment.question.at_end:
                self._answer()
            self.results.tell(outcome(*accounts))
            self.played.emit()
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while it was hidden."""
        super().showEvent(event)
        if self.run.stage is not Stage.IDLE or self.results.filled:
            self.results.show_accounts(self.run.accounts)

    def abandon(self) -> None:
        """End what runs: the window closes."""
        self.run.abandon()
