"""Paired runs: a question, two networks trained on the same batches, and what was measured.

``{{paired_runs experiments="sigmoid depth" settings=shown}}``: the ids of
``core.lessons.experiments``; the settings are shown from the beginning, or only for networks of a
person's own.
"""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from core.code.script import changed_lines
from core.errors import UserError
from core.lessons.code import write_network
from core.lessons.experiment import LectureExperiment, Question, outcome, own_experiment
from core.lessons.experiments import EXPERIMENTS
from core.lessons.pair_settings import Pair
from core.problems import problem_of
from core.telemetry.events import Failed, Finished, Stopped
from gui import theme
from gui.background_job import Stage
from gui.lessons.context import LessonContext
from gui.lessons.paired_runs.results import PairResults
from gui.lessons.paired_runs.run import PairedRun, PairRunBar
from gui.lessons.paired_runs.settings import PairHeadings, PairSettingsForm
from gui.lessons.parts.question import RIGHT, WRONG, Choice
from gui.widgets.buttons import push_button
from gui.widgets.card import Card, label, say
from gui.widgets.object_names import qualify
from gui.widgets.script_card import SHOW, ScriptCard
from gui.widgets.segmented_control import Segments

OWN = "own"
OWN_HELP = "Set up two networks of your own, beginning with these two."
GUESS = "Predict first: click an answer. Then start both networks."
GUESSED, MEASURING = "Now start both networks.", "Measuring\u2026"
CODE = 420  # pixels of the script's height
CODE_HELP = "The training of network B as a plain PyTorch script, with what differs from A marked."
ABOUT = "The training of network B in plain PyTorch, without Glassbox."
DIFFERS, EQUAL = "Marked: the lines that A has not.", "It has the lines of A."


class Part(Card):
    """One experiment at a time: its networks, its question, a run of both, and the results."""

    played = Signal()
    """A run of both has ended, and its results are shown."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        ids = options["experiments"].split()
        key = ids[0]
        self.setObjectName(f"twins_{key}")
        self._context, self._shown = context, options.get("settings") == "shown"
        self.run = PairedRun(context.worker, self)
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
        self.code = ScriptCard(push_button(f"twinCode_{key}", SHOW, CODE_HELP, "link"))
        qualify(self.code, key)
        self.code.file_name = "network-b"
        self.code.setMinimumHeight(CODE)
        self.code.hide()
        self.body.setSpacing(14)
        parts: list[QWidget] = [self.choice, self.about, self.heads, self.settings]
        parts += [self.code.button, self.code, self.question, self.bar, self.results]
        for part in parts:
            self.body.addWidget(part)
        self.body.setAlignment(self.code.button, Qt.AlignmentFlag.AlignLeft)
        self.choice.chosen.connect(self._choose)
        self.settings.changed.connect(self._take_own)
        self.code.toggled.connect(self._show_code)
        self.bar.length.currentIndexChanged.connect(lambda index: self._write_code())
        self.question.guessed.connect(self._refresh)
        self.bar.start.clicked.connect(self._start)
        self.bar.pause_wanted.connect(self.run.set_paused)
        self.bar.stop.clicked.connect(self.run.stop)
        self.run.stage_changed.connect(lambda stage: self._refresh())
        self.run.pause_changed.connect(self.bar.set_paused)
        self.run.frame.connect(self._on_frame)
        self.bar.follow(self.run.job)
        self.run.ended.connect(self._on_ended)
        self._choose(key)

    @property
    def pair(self) -> Pair:
        """The settings of both networks."""
        return self.experiment.first, self.experiment.second

    def _choose(self, name: str) -> None:
        """Show an experiment, or two networks of a person's own."""
        own = name == OWN
        self.settings.setVisible(own or self._shown)
        self.experiment = own_experiment(*self.pair) if own else EXPERIMENTS[name]
        self.about.setText(self.experiment.about)
        self.heads.show_pair(self.pair)
        self.question.ask(self.experiment.question)
        self.results.clear(self.experiment.rows)
        self.bar.clear()
        self._refresh()
        self.settings.show_pair(self.pair)
        self._write_code()

    def _show_code(self, shown: bool) -> None:
        self.code.setVisible(shown)
        self._write_code()

    def _write_code(self) -> None:
        """Write the script of network B again, if it is shown; marked is what A has not."""
        if not self.code.shown:
            return
        source = self._context.session("names").data
        first, second = (settings.for_steps(self.bar.steps) for settings in self.pair)
        try:
            script = write_network(second.trained_like(first), source)
            other = write_network(first, source)
        except (UserError, OSError) as error:
            self.code.show_none(problem_of(error))
            return
        lines = changed_lines(other, script)
        words = DIFFERS if lines else EQUAL
        self.code.show_script(script, lines, f"{ABOUT} {words}", words)

    def _take_own(self, pair: Pair) -> None:
        """Take the settings that a person has changed."""
        self.experiment = own_experiment(*pair)
        if self.choice.key() == OWN:
            self._choose(OWN)
        else:
            self.choice.buttons[OWN].setChecked(True)

    def _start(self) -> None:
        first, second = (settings.for_steps(self.bar.steps) for settings in self.pair)
        self.question.reopen()
        self.results.clear(self.experiment.rows)
        self.run.begin((first, second), self._context.session("names").data)

    def _refresh(self) -> None:
        """Enable what is possible now."""
        running = self.run.stage.running
        self.choice.setEnabled(not running)
        self.settings.setEnabled(not running)
        self.question.set_open(not running and not self.question.answered)
        self.bar.show_stage(self.run.stage, self.question.guess >= 0)

    def _on_frame(self) -> None:
        started = all(history.first is not None for history in self.run.histories)
        if started and not self.experiment.question.at_end and not self.question.answered:
            self._answer()
        self.bar.show_progress(self.run.step, self.run.progress)
        if self.isVisible():
            self.results.show_histories(self.run.histories)

    def _answer(self) -> None:
        question, histories = self.experiment.question, self.run.histories
        self.question.show_answer(question.right(*histories), question.answer(*histories))

    def _on_ended(self, event: Finished | Stopped | Failed) -> None:
        histories = self.run.histories
        if isinstance(event, Failed):
            say(self.question.answer, event.sentence, "fault")
        elif all(history.first is not None for history in histories):
            if self.experiment.question.at_end:
                self._answer()
            say(self.results.outcome, outcome(*histories), "muted")
            self.played.emit()
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while this was hidden."""
        super().showEvent(event)
        if self.run.stage is not Stage.IDLE or self.results.filled:
            self.results.show_histories(self.run.histories)

    def abandon(self) -> None:
        """End what runs: the window closes."""
        self.run.abandon()


class PairQuestion(QWidget):
    """A question with choices to click, and the measured answer below."""

    guessed = Signal()
    """A choice was clicked."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"twinQuestion_{key}")
        self.setAccessibleName("Your prediction")
        self.words = label("", wrap=True)
        self.words.setFont(theme.font(15, QFont.Weight.DemiBold))
        self.answer = label("", wrap=True)
        self.answer.setObjectName(f"twinAnswer_{key}")
        self.answer.setFont(theme.font(14))
        self.choices: list[Choice] = []
        self._key, self._group = key, QButtonGroup(self)
        self._group.idClicked.connect(self._on_clicked)
        self._row = QHBoxLayout()
        self._row.setSpacing(theme.GAP)
        self._row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.words)
        column.addLayout(self._row)
        column.addWidget(self.answer)

    def ask(self, question: Question) -> None:
        """Show a question without a guess."""
        self.words.setText(question.words)
        for old in self.choices:
            self._group.removeButton(old)
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        help = f"{question.words} Click what you expect; both networks are trained to measure it."
        self.choices = [Choice(words, help) for words in question.choices]
        for number, choice in enumerate(self.choices):
            choice.setCheckable(True)
            choice.setObjectName(f"twinChoice{number}_{self._key}")
            self._group.addButton(choice, number)
            self._row.insertWidget(number, choice)
        self.reopen()

    def reopen(self) -> None:
        """Remove the answer; the guess stays."""
        for choice in self.choices:
            choice.show_mark("")
        # There is always a line: what stands below must not move from under the mouse.
        say(self.answer, GUESSED if self.guess >= 0 else GUESS, "muted")

    @property
    def guess(self) -> int:
        """The number of the guessed choice; -1 for none."""
        return self._group.checkedId()

    @property
    def answered(self) -> bool:
        """Whether the measured answer is shown."""
        return any(choice.mark for choice in self.choices)

    def set_open(self, is_open: bool) -> None:
        """Allow or forbid to change the guess."""
        for choice in self.choices:
            choice.setEnabled(is_open)
        if not is_open and not self.answered:
            say(self.answer, MEASURING, "muted")

    def show_answer(self, right: int, sentence: str) -> None:
        """Mark the right choice, and show what was measured; -1 where none is right."""
        for number, choice in enumerate(self.choices):
            wrong = WRONG if number == self.guess and right >= 0 else ""
            choice.show_mark(RIGHT if number == right else wrong)
        say(self.answer, sentence, "")

    def _on_clicked(self) -> None:
        say(self.answer, GUESSED, "muted")
        self.guessed.emit()
