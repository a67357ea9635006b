"""The doctor's page: whom to examine on the left, what it says and why beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.doctor.causes import CAUSES
from core.doctor.diagnosis import Cause, Diagnosis
from core.errors import UserError
from core.telemetry.events import Diagnosed, Failed, Started
from gui.examination import Examination, Patient, Stage
from gui.guessing import Guessing
from gui.widgets.card import label
from gui.widgets.examine_card import ExamineCard
from gui.widgets.fault_gallery import NOTHING, FaultGallery
from gui.widgets.report import ASIDE, Report, Settings
from gui.worker import Worker

TITLE, ICON, ORDER = "Doctor", "doctor", 4
HELP = "Doctor. Is it wrong, too small, or not trained enough? It measures, tries, and says."
ABOUT = "Is it wrong, too small, or not trained enough? The doctor measures, tries, and says."


class Page(QWidget):
    """The doctor: examines the networks of other pages, and those that were broken on purpose."""

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__()
        self.setObjectName("pageDoctor")
        self.examination = Examination(worker, self)
        self.controls = ExamineCard()
        self.gallery = FaultGallery()
        self.report = Report(_about, self._in_words)
        self.game = Guessing(self.gallery, lambda cause: CAUSES[cause].title, self)
        self.pages: dict[str, Any] = {}
        """The pages whose networks can be examined, by their names."""
        self._turn: Callable[[str], None] = lambda name: None
        self._loaded = False
        self._patient = ""
        self._shown = ""
        """The name of the playground that the report is of; "" where nothing may be applied."""
        self._followed = ""
        """The name of the playground whose training the report follows; "" for none."""
        self._newest: Diagnosed | None = None
        self._arrange()
        self._connect()
        worker.ready.connect(self._on_ready)
        worker.broken.connect(self.report.verdict.show_problem)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20 - ASIDE, 18)
        column.setSpacing(14)
        head = QVBoxLayout()
        head.setSpacing(2)
        head.addWidget(label(TITLE, "title"))
        head.addWidget(label(ABOUT, "muted"))
        column.addLayout(head)
        left = QVBoxLayout()
        left.setSpacing(14)
        for widget in (self.controls, self.gallery):
            widget.setFixedWidth(290)
            left.addWidget(widget, int(widget is self.gallery))
        columns = QHBoxLayout()
        columns.setSpacing(14)
        columns.addLayout(left)
        columns.addWidget(self.report, 1)
        column.addLayout(columns, 1)

    def _connect(self) -> None:
        self.controls.patientChosen.connect(self._choose_patient)
        self.controls.examineAsked.connect(self._examine)
        self.controls.stopAsked.connect(self.examination.stop)
        self.gallery.faultChosen.connect(lambda key: self.controls.set_breaking(key != NOTHING))
        self.game.uncovered.connect(self._show_newest)
        self.report.applied.connect(self._apply)
        doctor = self.examination
        doctor.stage_changed.connect(self._on_stage)
        doctor.started.connect(self._on_started)
        doctor.told.connect(self.controls.show_progress)
        doctor.diagnosed.connect(self._on_diagnosed)
        doctor.ended.connect(self._on_ended)
        doctor.frame.connect(lambda: self.report.verdict.curve.draw())

    def meet(self, pages: Mapping[str, Any], turn: Callable[[str], None]) -> None:
        """Get to know the other pages: those with a session have a network to examine."""
        self._turn = turn
        self.pages = {name: page for name, page in pages.items() if hasattr(page, "session")}
        titles = {name: name.capitalize() for name in self.pages}
        self.controls.set_patients(titles)
        for name, page in self.pages.items():
            session = page.session
            session.recipe_changed.connect(lambda recipe: self._show_patient())
            session.data_chosen.connect(lambda event: self._show_patient())
            session.diagnosis_asked.connect(lambda event, name=name: self._show_found(name, event))
            session.diagnosed.connect(lambda event, name=name: self._follow(name, event))
        self._choose_patient(next(iter(self.pages), ""))

    def _on_ready(self) -> None:
        if self.examination.stage is not Stage.CLOSED:
            self._loaded = True
            self._offer_faults()
            self._refresh()

    def _choose_patient(self, name: str) -> None:
        self._patient = name
        self._show_patient()

    def _show_patient(self) -> None:
        """Say what would be examined now, and offer the faults that it can have."""
        if not self._patient or not self.isVisible():
            return
        page = self.pages[self._patient]
        recipe = page.session.recipe
        self.controls.show_patient(self._who(), _in_short(recipe))
        self._offer_faults()

    def _who(self) -> str:
        page = self.pages[self._patient]
        name, data = page.recipe.box.currentText(), page.data.box.currentText()
        return f"{self._patient.capitalize()}: {name}, {data}"

    def showEvent(self, event: Any) -> None:  # noqa: N802, Qt's name
        """Look what stands on the other pages now."""
        super().showEvent(event)
        self._show_patient()

    def _offer_faults(self) -> None:
        if not self._loaded or not self._patient or self.examination.stage.running:
            return
        from core.doctor.faults import fitting

        recipe = self.pages[self._patient].session.recipe
        self.game.offer(fitting(self._patient, recipe))

    def _examine(self, seconds: int, budget: int) -> None:
        session = self.pages[self._patient].session
        if session.problem:
            self.controls.complain(f"Not examined: {session.problem}")
            return
        self._newest, self._followed = None, ""
        fault = self.game.begin()
        self._shown = "" if fault else self._patient
        self.report.clear()
        patient = Patient(
            self._patient,
            session.recipe,
            session.data,
            session.device,
            self._who(),
            seconds,
            budget,
            fault,
        )
        self.examination.begin(patient)

    # What the doctor says.

    def _on_stage(self, stage: Stage) -> None:
        self._refresh()
        if stage is Stage.WAITING:
            self.report.verdict.curve.watch(None)
            self.report.verdict.show_looking("Getting ready…", self._waits_for())
            self.controls.show_progress(" ", 0.0)
        elif stage is Stage.IDLE:
            self.controls.show_plan()
            self._show_patient()

    def _waits_for(self) -> str:
        """Say for which page's run the worker has to be waited for, if for any."""
        busy = [name for name, page in self.pages.items() if page.session.state.running]
        return (
            f"It begins when the run on the {busy[0].capitalize()} page has ended." if busy else ""
        )

    def _refresh(self) -> None:
        running = self.examination.stage.running
        self.controls.set_state(self._loaded, running)
        self.gallery.set_enabled_to_choose(not running)

    def _on_started(self, event: Started) -> None:
        self.report.verdict.curve.watch(self.examination.history, event.uniform_loss)
        words = "Watch the curve. What is wrong?" if self.game.covered else "Watching it learn…"
        note = f"{event.parameters:,} parameters, {event.dataset}."
        self.report.verdict.show_looking(words, note)

    def _on_diagnosed(self, event: Diagnosed) -> None:
        self._newest = event
        if event.final and self.game.covered:
            self.report.verdict.show_looking("The doctor has its answer. What is yours?")
        self._show_newest()

    def _show_newest(self) -> None:
        event, patient = self._newest, self.examination.patient
        if event is None or patient is None or self.game.covered:
            return
        what = f"{patient.who}, broken on purpose" if patient.fault else patient.who
        self.report.show_diagnosis(event.diagnosis, event.final, f"{what}. {_done(event)}")

    def _on_ended(self, event: object) -> None:
        self.report.verdict.curve.draw(now=True)
        if isinstance(event, Failed):
            if self._newest is None:
                self.report.verdict.show_problem(event.sentence)
            self.controls.complain(event.sentence)
        elif self._newest is None:
            self.report.verdict.show_looking("Stopped before anything was seen.")
        if self._newest and self._shown:
            self.pages[self._shown].session.diagnosed.emit(self._newest)
        self.game.answer(self._newest.diagnosis if self._newest else None)

    def _show_found(self, name: str, event: Diagnosed) -> None:
        """Show what was found while a page's network was trained."""
        self._turn("doctor")
        if self.examination.stage.running:
            return
        self.controls.choose(name)
        self._shown = self._followed = name
        self.game.leave()
        self.report.verdict.curve.watch(None)
        self._follow(name, event)

    def _follow(self, name: str, event: Diagnosed) -> None:
        """Keep what was asked for up to date, while that network is trained."""
        if name != self._followed:
            return
        note = f"{name.capitalize()}: found while it was trained, at step {event.step:,}."
        self.report.show_diagnosis(event.diagnosis, event.final, note)

    # Mending.

    def _in_words(self, settings: Settings) -> str:
        """Say what these settings would change in the recipe; "" where nothing may be set."""
        if not settings or not self._shown:
            return ""
        recipe = self.pages[self._shown].session.recipe
        known = recipe.settings()
        return ", ".join(
            f"{known[key].label.lower()} {_value(value)}" for key, value in settings if key in known
        )

    def _apply(self, cause: Cause | None) -> None:
        if not self._shown:
            return
        page = self.pages[self._shown]
        if cause is None:
            assert self.report.diagnosis is not None
            settings = self.report.diagnosis.settings
        else:
            settings = cause.settings
        try:
            recipe = page.session.recipe.replace(dict(settings))
        except UserError as error:
            self.report.say_applied(cause, str(error), "fault")
            return
        page.recipe.adopt(recipe)
        where = self._shown.capitalize()
        self.report.say_applied(cause, f"Set on the {where} page. Examine again to see it mended.")

    def abandon(self) -> None:
        """End what runs: the window closes."""
        self.examination.abandon()


def _about(cause: str) -> str:
    """Return what a cause means."""
    return CAUSES[cause].about if cause in CAUSES else ""


def _in_short(recipe: Any) -> str:
    """Return the settings that are asked about most, in a line."""
    values = recipe.to_dict()
    return (
        f"{values['model']}, {values['optimizer']}, learning rate {_value(values['lr'])},"
        f" batch {values['batch_size']}"
    )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return " ".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _done(event: Diagnosed) -> str:
    """Say how much was looked at and tried."""
    found: Diagnosis = event.diagnosis
    looked = sum(check.passed is not None for check in found.checks)
    words = f"Looked at {looked} things"
    if found.experiments:
        words += f", tried {len(found.experiments)}"
    return f"{words} in {found.seconds:.0f} s." if found.seconds >= 1 else f"{words}."
