"""Lesson 6: the switches of a recipe one after another, trained with paired seeds.

``{{ablation playgrounds="text names digits"}}``: the playgrounds that can be chosen, each with
switches of its own.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout

from core import registry
from core.code.script import changed_lines, write_script
from core.errors import UserError
from core.lessons.ablation import (
    FEWEST_SEEDS,
    MOST_SEEDS,
    PLAIN,
    Study,
    Switch,
    TrainedSwitch,
    alone,
    switches_of,
    unit_of,
)
from core.lessons.ablation_runs import Timed, UnderWay
from core.numbers import duration, number
from core.problems import problem_of
from core.telemetry.events import Failed, Finished, Stopped
from core.training.device import choose_device
from core.training.memory import is_mixed
from gui import jobs
from gui.background_job import STOPPING, BackgroundJob, Stage
from gui.charts.axes import with_unit
from gui.charts.lines import Line, PaintedChart
from gui.charts.navigation import NAVIGATION
from gui.charts.smoothing import smoothed
from gui.inputs import ComboBox, SpinBox
from gui.lessons.ablation.board import EffectBoard, effect_in_words
from gui.lessons.context import LessonContext
from gui.rich_text import rich
from gui.theme import GAP
from gui.widgets.buttons import identified, progress_bar, push_button, retitle
from gui.widgets.card import Card, label, say
from gui.widgets.glossary import TERM
from gui.widgets.object_names import qualify
from gui.widgets.run_now import offer_run_now, run_now_button
from gui.widgets.script_card import SHOW, ScriptCard
from gui.widgets.segmented_control import Segments

LENGTHS = (50, 100, 200, 500, 1000, 2000)
SEEDS = 3
HIGH, CODE = 250, 420  # pixels of the chart, and of the script
SMOOTHING = 0.6
ALL = "All, one after another"
START_HELP = (
    "Train the plain recipe, then each switch on top of those before it, all with the first seed,"
    " then with the next. What is done stays, also when you stop."
)
MEASURING = "Measuring how long a step takes on this machine\u2026"
CODE_HELP = "The selected recipe as a plain PyTorch script; marked is what its switch has changed."
ABOUT = "All of this training in plain PyTorch, without Glassbox."
CHANGED = "This line is the switch's."
LEFT_OUT = " Half precision is left out: it would make nothing faster here."
Key = tuple[str, int, int, Path | None]
"""Of a study: the playground, steps, the one switch that was chosen or 0, and the data."""


class Part(Card):
    """What to train, Start and Stop, the effects so far, and the curves of the selected switch."""

    played = Signal()
    """There are effects, and no training is under way."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("ablation")
        self._context = context
        self._studies: dict[Key, Study] = {}
        self._timed: dict[str, Timed] = {}
        """By playground."""
        self._chosen: dict[str, tuple[int, int]] = {}
        """Of each playground, the places of what was chosen in the two lists."""
        self._switches: list[Switch] = []
        self._left_out = ""
        """A sentence about a switch that is left out."""
        self._timing_of = ""
        self._selected = 1
        self._under: UnderWay | None = None
        self.job = BackgroundJob(context.worker, self, "the trainings of lesson 6")
        self.timing = BackgroundJob(context.worker, self, "a measurement of lesson 6")
        self.subject = Segments("Playground")
        for name in options["playgrounds"].split():
            title = registry.get(name).title
            words = f"The switches of {title}, on the data that its page has."
            self.subject.add(name, title, f"switchSubject_{name}", words)
        self.subject.setProperty(TERM, "Ablation study")
        self.choice = identified(
            ComboBox(),
            "switchChoice",
            "Switches",
            "All switches, each on top of those before it, or one alone on the plain recipe.",
        )
        self.length = identified(
            ComboBox(),
            "switchSteps",
            "Steps of each training",
            "Steps of each training. All have the same number, with the same batches, so that the"
            " answer does not depend on how fast this machine is; what a step costs stands beside"
            " it.",
        )
        for steps in LENGTHS:
            self.length.addItem(f"{steps:,} steps", steps)
        self.seeds = identified(
            SpinBox(),
            "switchSeeds",
            "Seeds",
            "How many times all of it is trained, each time from other first weights and with other"
            " batches. More seeds make the intervals shorter.",
        )
        self.seeds.setRange(FEWEST_SEEDS, MOST_SEEDS)
        self.seeds.setValue(SEEDS)
        self.seeds.setSuffix(" seeds")
        self.seeds.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.start = push_button("switchStart", "Start", START_HELP, "primary")
        self.stop = push_button(
            "switchStop", "Stop", "End here. The training under way is dropped, the others stay."
        )
        self.run_now = run_now_button("switchNow")
        self.bar = progress_bar("switchProgress", "Progress of all trainings")
        self.words = label("", "muted", wrap=True)
        self.words.setObjectName("switchWords")
        self.problem = label("", "fault", wrap=True)
        self.problem.setObjectName("switchProblem")
        self.problem.hide()
        self.board = EffectBoard()
        self.about = label("", "", wrap=True)
        self.about.setObjectName("switchAbout")
        self.chart = PaintedChart(
            "switchChart",
            "Training loss with the selected switch and without",
            "",
            "step",
            lambda value: number(value, 4),
        )
        self.chart.setToolTip(
            rich("The mean over the seeds. Thin lines are the other switches.", NAVIGATION)
        )
        self.chart.setFixedHeight(HIGH)
        self.code = ScriptCard(push_button("switchCode", SHOW, CODE_HELP, "link"))
        qualify(self.code, "switches")
        self.code.setMinimumHeight(CODE)
        self.code.hide()
        self._arrange()
        self._connect()
        self._choose_subject()
        self._trained = self._key
        """Of the trainings under way, or of the last ones."""

    def _arrange(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, widgets in (
            (first, (self.subject, self.choice)),
            (second, (self.length, self.seeds, self.start, self.stop, self.run_now)),
        ):
            row.setSpacing(GAP)
            for widget in widgets:
                row.addWidget(widget)
            row.addStretch(1)
        second.insertWidget(second.count() - 1, self.bar, 20)
        self.body.setSpacing(12)
        self.body.addLayout(first)
        self.body.addLayout(second)
        for part in (self.words, self.problem, self.board, self.about, self.chart):
            self.body.addWidget(part)
        self.body.addWidget(self.code.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.code)

    def _connect(self) -> None:
        self.subject.chosen.connect(lambda name: self._choose_subject())
        self.choice.currentIndexChanged.connect(
            lambda index: self._choose_switches(self._offered())
        )
        self.length.currentIndexChanged.connect(lambda index: self._show())
        for box in (self.choice, self.length):
            box.currentIndexChanged.connect(lambda index: self._remember())
        self.seeds.valueChanged.connect(lambda value: self._refresh())
        self.start.clicked.connect(self._start)
        self.stop.clicked.connect(lambda: self.job.stop(abandon=True))
        self.board.chosen.connect(self._select)
        self.code.toggled.connect(self._show_code)
        self.job.frame.connect(self._refresh)
        self.job.ended.connect(self._on_ended)
        self.timing.ended.connect(self._on_timed)
        for job in (self.job, self.timing):
            job.received.connect(self._on_event)
            job.stage_changed.connect(lambda stage: self._refresh())
            job.waiting_changed.connect(lambda words: self._refresh())
        offer_run_now(self.run_now, self.job, self.timing)

    # What is studied.

    @property
    def name(self) -> str:
        """The playground's name."""
        return self.subject.key()

    @property
    def _key(self) -> Key:
        data = self._context.session(self.name).data
        return self.name, int(self.length.currentData()), int(self.choice.currentData()), data

    @property
    def study(self) -> Study:
        """The study of what is chosen, begun or not."""
        key = self._key
        if key not in self._studies:
            self._studies[key] = Study(self._switches, key[1])
            for other in self._alike(key):
                self._studies[key].take(other)
        return self._studies[key]

    def _alike(self, key: Key) -> list[Study]:
        """Return the other studies of a playground that are as long and have the same data."""
        name, steps, _, data = key
        others = [k for k in self._studies if (k[0], k[1], k[3]) == (name, steps, data)]
        return [self._studies[other] for other in others if other != key]

    def _offered(self) -> list[Switch]:
        """Return the plain recipe of the playground, and all of its switches on the device."""
        playground = registry.get(self.name)
        try:
            device = choose_device(self._context.session(self.name).device).type
        except UserError:  # one that was asked for and is not there: the job says so
            device = "cpu"
        return switches_of(playground, is_mixed(playground.recipe_for(), device))

    def _choose_subject(self) -> None:
        """Offer a playground's switches, with what was chosen there before."""
        playground = registry.get(self.name)
        assert playground.switches is not None
        default = LENGTHS.index(playground.switches.steps)
        only, length = self._chosen.get(self.name, (0, default))
        offered = self._offered()
        say(self.problem, "")
        with QSignalBlocker(self.choice), QSignalBlocker(self.length):
            self.choice.clear()
            self.choice.addItem(ALL, 0)
            for place, switch in enumerate(offered[1:], 1):
                self.choice.addItem(f"Only: {switch.title}", place)
            self.choice.setCurrentIndex(only)
            self.length.setCurrentIndex(length)
        self._choose_switches(offered)
        if self.isVisible():
            self._measure()

    def _remember(self) -> None:
        self._chosen[self.name] = self.choice.currentIndex(), self.length.currentIndex()

    def _choose_switches(self, offered: list[Switch]) -> None:
        """Take all of a playground's switches, or the plain recipe and one of them."""
        only, switches = int(self.choice.currentData()), registry.get(self.name).switches
        assert switches is not None
        self._switches = offered
        self._left_out = LEFT_OUT if len(self._switches) <= len(switches.added) else ""
        if only:
            self._switches = alone(self._switches, only)
        self._select(1)

    def _measure(self) -> None:
        """Measure how long a step takes, once for each playground."""
        if self.name not in self._timed and not self.timing.stage.running:
            self._timing_of = self.name
            say(self.problem, "")
            self.timing.start(partial(jobs.ablation_times, self._request(), self._switches))

    def _request(self) -> jobs.RunRequest:
        session = self._context.session(self.name)
        recipe = self._switches[-1].recipe
        return jobs.RunRequest(
            self.name, recipe, session.data, session.device, steps=self.study.steps
        )

    def _start(self) -> None:
        self._trained = self._key
        todo = self.study.missing(self.seeds.value())
        self._under = UnderWay(*todo[0], 0)
        say(self.problem, "")
        self.job.start(partial(jobs.ablation, self._request(), self._switches, todo))

    # What comes back.

    def _on_event(self, event: object) -> None:
        if isinstance(event, Timed):
            self._timed[self._timing_of] = event
        elif isinstance(event, UnderWay):
            if self.job.stage is Stage.WAITING:
                self.job.enter(Stage.TRAINING)
            self._under = event
        elif isinstance(event, TrainedSwitch):
            trained = self._studies[self._trained]
            trained.add(event)
            for other in self._alike(self._trained):
                other.take(trained)
            self._show()

    def _on_ended(self, event: Finished | Stopped | Failed | None) -> None:
        if isinstance(event, Failed):
            say(self.problem, event.sentence, "fault")
        self._under = None
        self._show()
        if any(self.study.effect(place).gains for place in range(len(self._switches))):
            self.played.emit()
        if self.isVisible() and not isinstance(event, Failed):
            self._measure()  # of a playground that was chosen meanwhile

    def _on_timed(self, event: Finished | Stopped | Failed | None) -> None:
        """A measurement has ended, of this playground or of one that was chosen before."""
        if self._timing_of != self.name:
            if self.isVisible():
                self._measure()
        elif isinstance(event, Failed):
            say(self.problem, event.sentence, "fault")
        self._refresh()

    # What is shown.

    def _select(self, place: int) -> None:
        """Show the curves and the code of a switch."""
        self._selected = place
        self._show()
        self._write_code()

    def _show(self) -> None:
        """Show the effects so far, and the curves of the selected switch."""
        playground, study, place = registry.get(self.name), self.study, self._selected
        recipe = self._switches[0].recipe
        unit = unit_of(playground, recipe)
        self.board.show_study(study, unit, place)
        self.chart.y_title = with_unit("smoothed training loss", playground.loss_unit(recipe))
        term = self._switches[place].term if place else None
        self.board.setProperty(TERM, term.title if term else "Ablation study")
        say(self.about, self._about(unit), "")
        self.chart.set_lines(self._lines())
        known = len(study.curve(place)) or len(study.curve(max(0, place - 1)))
        self.chart.set_hint("" if known else "The curves of the selected switch appear here.")
        self._refresh()

    def _about(self, unit: str) -> str:
        """Say what the selected switch is, what it brought, and where it is from."""
        switch, effect = self._switches[self._selected], self.study.effect(self._selected)
        said = [effect_in_words(effect, unit, self.study.steps)] if effect.gains else []
        if not self._selected:
            words = switch.recipe.describe(switch.settings)
            return f"{PLAIN}, where it differs from the default one: {words}."
        if switch.term is not None:
            said.append(f"{switch.term.title}: {switch.term.meaning}")
            said += [f"Source: {switch.source}."] if switch.source else []
        return " ".join(said)

    def _lines(self) -> list[Line]:
        """Return the smoothed curves: the selected one, the one before it, and all others faint."""
        lines, title = [], self._switches[self._selected].title
        for place in range(len(self._switches)):
            y = self.study.curve(place)
            if not len(y):
                continue
            x = np.arange(1.0, len(y) + 1)
            y = smoothed(x, y, SMOOTHING)
            if place == self._selected:
                lines.append(Line(f"with: {title}", "text", 2.0, x=x, y=y))
            elif place == self._selected - 1:
                dash = (3.2, 2.4)
                lines.append(Line(f"without: {title}", "text", 1.6, dash=dash, x=x, y=y))
            else:
                name = "" if any(line.quiet for line in lines) else "other switches"
                lines.append(Line(name, "muted", 1.0, 110, x=x, y=y, quiet=bool(name)))
        return lines

    def _refresh(self) -> None:
        """Enable what is possible now, and say how far it is and how long it takes."""
        running = self.job.stage.running
        missing = self.study.missing(self.seeds.value())
        whole = len(self._switches) * self.seeds.value()
        for widget in (self.subject, self.choice, self.length, self.seeds):
            widget.setEnabled(not running)
        known = self.name in self._timed or bool(self.problem.text())
        self.start.setEnabled(not running and known and bool(missing))
        retitle(self.start, "Continue" if 0 < len(missing) < whole else "Start")
        stopping = self.job.stage is Stage.STOPPING
        self.stop.setEnabled(running and not stopping)
        self.bar.setVisible(running)
        under = self._under if running else None
        self.board.set_running((under.place, under.seed) if under else None)
        part = under.step / self.study.steps if under else 0.0
        self.bar.setValue(round(1000 * (whole - len(missing) + part) / whole))
        waits = self.job.waits_for or self.timing.waits_for
        say(self.words, STOPPING if stopping else waits or self._plan(len(missing), under))

    def _plan(self, missing: int, under: UnderWay | None) -> str:
        """Say what is trained, and how long that takes."""
        seeds, steps = self.seeds.value(), self.study.steps
        if not missing:
            return f"All is trained: {seeds} seeds of {steps:,} steps. More seeds make it surer."
        timed = self._timed.get(self.name)
        if timed is None:
            return "" if self.problem.text() else MEASURING
        guess = steps * timed.step + timed.rest
        left = self.study.seconds_left(seeds, guess)
        if under is not None:
            title = self._switches[under.place].title
            left -= self.study.seconds(under.place, guess) * under.step / steps
            now = f"Seed {under.seed} of {seeds}: {title}, step {under.step:,} of {steps:,}"
            return f"{now}. About {duration(max(1.0, left))} left."
        done = "" if missing == seeds * len(self._switches) else "still "
        trainings = f"{missing} training{'s' * (missing > 1)}"
        words = (
            f"{done}{trainings} of {steps:,} steps each: about {duration(left)} on this machine."
        )
        return f"{words[:1].upper()}{words[1:]}{self._left_out}"

    def _show_code(self, shown: bool) -> None:
        self.code.setVisible(shown)
        self._write_code()

    def _write_code(self) -> None:
        """Write the script of the selected recipe, if it is shown; marked is what its switch is."""
        if not self.code.shown:
            return
        place, source = self._selected, self._context.session(self.name).data
        steps = {"steps": self.study.steps, "seed": 1}
        try:
            script, before = (
                write_script(self.name, self._switches[at].recipe.replace(steps), source)
                for at in (place, max(0, place - 1))
            )
        except (UserError, OSError) as error:
            self.code.show_none(problem_of(error))
            return
        self.code.file_name = f"switch-{place}"
        title = self._switches[place].title
        self.code.show_script(script, changed_lines(before, script), f"{title}. {ABOUT}", CHANGED)

    def showEvent(self, event: QShowEvent) -> None:
        """Measure how long a step takes, when this is first seen."""
        super().showEvent(event)
        self._show()  # the page of the playground may have other data now
        self._measure()

    def abandon(self) -> None:
        """End what runs: the window closes."""
        self.job.abandon()
        self.timing.abandon()
