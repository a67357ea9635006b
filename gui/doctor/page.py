"""The doctor's page: what to diagnose on the left, what it says and why beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.doctor.diagnosis import Cause, Diagnosis
from core.doctor.verdict.causes import CAUSES, lesson_on
from core.errors import UserError
from core.runs.loop_record import LoopRecord, history_of
from core.telemetry.events import Diagnosed, Failed, Started
from core.telemetry.history import History
from core.training.recipe import Recipe
from gui import pages
from gui.background_job import STOPPING, BackgroundJob
from gui.doctor.case_panel import CaseStudyPanel
from gui.doctor.case_study import CaseStudyController
from gui.doctor.examination import Examination, ExaminationRequest, Stage, checkpoint_request
from gui.doctor.examine_card import ExamineCard
from gui.doctor.fault_gallery import NOTHING, FaultGallery
from gui.doctor.fault_game import FaultGameController
from gui.doctor.loop_record_reader import LoopRecordReader
from gui.doctor.open_button import OpenButton
from gui.doctor.program_controller import ProgramController
from gui.doctor.program_panel import ProgramPanel
from gui.doctor.report import Report, Settings
from gui.state_file import value_of
from gui.training_page import TRAINS, WAITS, TrainingPage, training_pages
from gui.widgets.card import label
from gui.widgets.doctor_text import done, in_short, in_words
from gui.widgets.page_button import Mark
from gui.widgets.page_tabs import PageTabs
from gui.widgets.run_now import offer_run_now
from gui.widgets.scroll_column import ASIDE, CardColumn
from gui.widgets.undo_keys import add_undo_keys
from gui.worker import Worker

TITLE, ICON, ORDER = "Doctor", "doctor", 5
HELP = "Doctor. Is a training wrong, too small, or undertrained? It measures, tries, and says."
LEFT = 290  # pixels of what one chooses
CHECKPOINT = ".safetensors"
PROGRAMS = (".py", ".pyw", ".ipynb")
ENDED_EARLY = "The training ended with an error. What is wrong?"
ABOUT = (
    "Is it wrong, too small (underfitting) or not trained enough (undertrained)? The doctor"
    " measures, tries, and says."
)


@dataclass(frozen=True)
class Applied:
    """Settings that were applied.

    Attributes:
        page: the name of the playground whose recipe they are in.
        cause: that they fix; None for the verdict.
        before, after: the recipes.
    """

    page: str
    cause: Cause | None
    before: Recipe
    after: Recipe

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that were changed, as they were before."""
        old, new = self.before.to_dict(), self.after.to_dict()
        return {key: value for key, value in old.items() if value != new[key]}


class Page(pages.Page):
    """The doctor: diagnoses the networks of other pages, also with an injected fault."""

    takes = PROGRAMS

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__()
        self.setObjectName("pageDoctor")
        self.examination = Examination(worker, self)
        self.controls = ExamineCard()
        self.gallery = FaultGallery()
        self.report = Report(_about, self._in_words)
        self.case = CaseStudyPanel()
        self.case_study = CaseStudyController(worker, self.case, self)
        self.program = ProgramPanel()
        self.programs = ProgramController(self.program, self.controls.budget.value, self)
        self.recording = LoopRecordReader(self)
        self.tabs = PageTabs("doctorTabs")
        self.open = OpenButton()
        self.open.take_drops(self)
        self.game = FaultGameController(self.gallery, lambda cause: CAUSES[cause].title, self)
        self.pages: dict[str, TrainingPage] = {}
        """The pages whose networks can be examined, by their names."""
        self._show_page: pages.ShowPage = lambda name, place="": None
        self._loaded = False
        """Whether torch is there."""
        self._patient = ""
        self._shown = ""
        """The name of the playground that the report is of; "" where nothing may be applied."""
        self._followed = ""
        """The name of the playground whose training the report follows; "" for none."""
        self._newest: Diagnosed | None = None
        self._applied: list[Applied] = []
        """What was applied from the report that stands there."""
        self._taken_back: list[Cause | None] = []
        """The causes of which it was taken back, None for the verdict."""
        self._arrange()
        self._connect()
        self._refresh()
        worker.ready.connect(self._on_ready)
        worker.broken.connect(self.report.verdict.show_problem)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20 - ASIDE, 18)
        column.setSpacing(14)
        head = QVBoxLayout()
        head.setSpacing(2)
        head.addWidget(label(TITLE, "title"))
        under = QHBoxLayout()
        under.setContentsMargins(0, 0, ASIDE, 0)
        under.addWidget(label(ABOUT, "muted", wrap=True), 1)
        under.addWidget(self.open)
        head.addLayout(under)
        column.addLayout(head)
        left = CardColumn("doctorColumn", 14, squeeze=True)
        left.setFixedWidth(LEFT + ASIDE)
        for widget in (self.controls, self.gallery):
            widget.setFixedWidth(LEFT)
            left.add(widget, int(widget is self.gallery))
        links = self.gallery.guess.ask_doctor
        self.gallery.roundShown.connect(  # once it is laid out
            lambda: QTimer.singleShot(0, self, lambda: left.ensureWidgetVisible(links))
        )
        columns = QHBoxLayout()
        columns.setSpacing(14 - ASIDE)
        columns.addWidget(left)
        tabs = ((self.report, "Report"), (self.program, "Your program"), (self.case, "Case study"))
        for panel, title in tabs:
            self.tabs.addTab(panel, title)
        columns.addWidget(self.tabs, 1)
        column.addLayout(columns, 1)

    def _connect(self) -> None:
        self.controls.patientChosen.connect(self._choose_patient)
        self.controls.examineAsked.connect(self._examine)
        self.controls.stopAsked.connect(self._stop)
        self.gallery.faultChosen.connect(lambda key: self.controls.set_injecting(key != NOTHING))
        self.game.uncovered.connect(self._show_newest)
        self.report.applied.connect(self._apply)
        self.report.undone.connect(self._undo)
        add_undo_keys(self, self._undo_last, self._redo_last)
        self.report.lessonAsked.connect(self._teach)
        self.case.play.clicked.connect(self._play)
        self.open.chosen.connect(self.open_file)
        self.open.refused.connect(self._complain)
        self.programs.changed.connect(self.marks_changed)
        self.program.reportAsked.connect(self._show_program_report)
        self.recording.opened.connect(self._make_room)
        self.recording.read.connect(self._show_record)
        self.recording.failed.connect(self._complain)
        self.case_study.opened.connect(self._show_chapter)
        self.case_study.study.stage_changed.connect(lambda stage: self._refresh())
        study = self.case_study.study
        study.progressed.connect(partial(self._show_progress, study.job))
        self.case_study.study.ended.connect(self._on_told)
        doctor = self.examination
        doctor.stage_changed.connect(self._on_stage)
        doctor.job.waiting_changed.connect(self._show_waiting)
        offer_run_now(self.controls.run_now, doctor.job)
        self.case_study.study.job.waiting_changed.connect(
            lambda sentence: self.marks_changed.emit()
        )
        doctor.started.connect(self._on_started)
        doctor.progressed.connect(partial(self._show_progress, doctor.job))
        doctor.diagnosed.connect(self._on_diagnosed)
        doctor.ended.connect(self._on_ended)
        doctor.frame.connect(lambda: self.report.verdict.curve.draw())

    def meet(self, pages: Mapping[str, pages.Page], show_page: pages.ShowPage) -> None:
        """Get to know the other pages: those with a session have a network to examine."""
        self._show_page = show_page
        self.pages = training_pages(pages)
        titles = {name: name.capitalize() for name in self.pages}
        self.controls.set_patients(titles)
        for name, page in self.pages.items():
            session = page.session
            session.recipe_changed.connect(lambda recipe: self._show_patient())
            session.data_chosen.connect(lambda event: self._show_patient())
            page.network.changed.connect(self._show_network)
            session.diagnosis_asked.connect(lambda event, name=name: self._show_found(name, event))
            session.diagnosed.connect(lambda event, name=name: self._follow(name, event))
        self._choose_patient(next(iter(self.pages), ""))

    def kept_widgets(self) -> list[QWidget]:
        """Keep the tab, how long an examination takes, and how programs are run."""
        program = (self.program.arguments, self.program.python, self.program.seconds)
        return [self.tabs, self.controls.seconds, self.controls.budget, self.case.steps, *program]

    def save_state(self) -> dict[str, Any]:
        """Keep the playground, too."""
        return super().save_state() | {"playground": self._patient}

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Take the playground, too."""
        if (name := value_of(values, "playground", str, "")) in self.pages:
            self.controls.choose(name)
        return super().restore_state(values)

    def _on_ready(self) -> None:
        if self.examination.stage is not Stage.CLOSED:
            self._loaded = True
            self._offer_faults()
            self._refresh()

    def _choose_patient(self, name: str) -> None:
        self._patient = name
        self.controls.show_plan()  # in the place of what was said of another network
        self._show_patient()

    def _show_patient(self) -> None:
        """Say what would be examined now, and offer the faults that it can have."""
        if not self._patient or not self.isVisible():
            return
        page = self.pages[self._patient]
        recipe = page.session.recipe
        self.controls.show_patient(self._who(), in_short(recipe), recipe.steps)
        self.controls.show_network(page.network.words)
        self._offer_faults()

    def _show_network(self) -> None:
        if self._patient and self.isVisible():
            self.controls.show_network(self.pages[self._patient].network.words)

    def _who(self) -> str:
        page = self.pages[self._patient]
        cards = [card for card in (page.recipe, page.data) if card is not None]
        chosen = ", ".join(card.box.currentText() for card in cards)
        return f"{self._patient.capitalize()}: {chosen}"

    def showEvent(self, event: Any) -> None:
        """Look what stands on the other pages now."""
        super().showEvent(event)
        self._show_patient()

    def _offer_faults(self) -> None:
        if not self._loaded or not self._patient or self.examination.stage.running:
            return
        from core.doctor.faults.gallery import fitting

        recipe = self.pages[self._patient].session.recipe
        self.game.offer(fitting(recipe))

    def _examine(self, seconds: int, budget: int) -> None:
        session = self.pages[self._patient].session
        if session.draft.problem:
            self.controls.complain(f"Not examined: {session.draft.problem}")
            return
        self._clear_away()
        fault = self.game.begin()
        self._shown = "" if fault else self._patient
        self.report.clear()
        run = session.request(seconds)
        self.examination.begin(ExaminationRequest(self._who(), seconds, budget, run, fault))

    @property
    def busy(self) -> bool:
        """Whether an examination or the case goes on."""
        return self.examination.stage.running or self.case_study.study.stage.running

    def marks(self) -> list[Mark]:
        """Return whether an examination, the case or a program goes on, or waits."""
        if self.programs.runs:
            return [TRAINS]
        going = [job for job in self._jobs() if job.stage.running]
        waits = all(job.waits_for or job.stage is Stage.WAITING for job in going)
        return ([WAITS] if waits else [TRAINS]) if going else []

    def _jobs(self) -> tuple[BackgroundJob, ...]:
        return self.examination.job, self.case_study.study.job

    def _stop(self) -> None:
        """End what goes on."""
        self.examination.stop()
        self.case_study.study.stop()

    def _clear_away(self) -> None:
        """Follow no more what stands in the report, and turn to it."""
        self.recording.leave()
        self.report.verdict.curve.watch(None)
        self._newest, self._followed, self._shown = None, "", ""
        self._applied, self._taken_back = [], []
        self.tabs.setCurrentWidget(self.report)

    def _make_room(self) -> None:
        """Make room for a report of what is no network of a page."""
        self._clear_away()
        self.game.leave()

    # The case.

    def _play(self) -> None:
        """Play the case, with the data of the text page."""
        self.tabs.setCurrentWidget(self.case)
        page = self.pages.get("text")
        self.case_study.play(page.session.data if page else None)

    def _on_told(self, event: object) -> None:
        self.controls.show_plan()
        self._show_patient()

    def _show_chapter(self, diagnosis: Diagnosis, history: History, words: str) -> None:
        """Show what was said of a chapter, unless an examination is being reported."""
        if self.examination.stage.running:
            return
        self._make_room()
        self.report.verdict.curve.watch(history)
        self.report.show_diagnosis(diagnosis, True, words, history)

    # Files.

    def open_file(self, path: Path) -> None:
        """Show a record or a program, or examine a checkpoint."""
        if path.suffix.lower() in PROGRAMS:
            self.tabs.setCurrentWidget(self.program)
            self.programs.open(path)
            return
        if path.suffix != CHECKPOINT:
            self.recording.open(path)
            return
        self._make_room()
        self.report.clear()
        sessions = {name: page.session for name, page in self.pages.items()}
        sources = {name: session.data for name, session in sessions.items()}
        device = next((session.device for session in sessions.values()), "auto")
        self.examination.begin(
            checkpoint_request(path, sources, device, self.controls.budget.value())
        )

    def _show_record(self, path: Path, record: LoopRecord, found: Diagnosis | None) -> None:
        """Show how a watched loop goes, or what the doctor said at its end."""
        history, verdict = history_of(record), self.report.verdict
        verdict.curve.watch(history)
        steps = f"{record.count:,} steps" if record.count else "not trained yet"
        note = f"{path.name}: {steps}."
        if found is None:
            self.report.clear()
            verdict.show_looking("The loop goes on\u2026", note)
        else:
            self.report.show_diagnosis(found, True, note, history)

    def _show_program_report(self, diagnosis: Diagnosis, history: History) -> None:
        """Show the whole report of a program's training."""
        self._make_room()
        self.report.verdict.curve.watch(history)
        self.report.show_diagnosis(diagnosis, True, f"{self.program.title()}.", history)

    def _complain(self, sentence: str) -> None:
        """Say why a file can't be opened; what stands there stays."""
        if self.report.diagnosis is None and self.recording.path is None:
            self.report.verdict.show_problem(sentence)
        self.controls.complain(sentence)

    # What the doctor says.

    def _on_stage(self, stage: Stage) -> None:
        self._refresh()
        if stage is Stage.WAITING:
            self.report.verdict.curve.watch(None)
            self.controls.show_progress(" ", 0.0)
            self._show_waiting(self.examination.job.waits_for)
        elif stage is Stage.STOPPING:
            self.controls.show_waiting(STOPPING)
        elif stage is Stage.IDLE:
            self.controls.show_plan()
            self._show_patient()

    def _show_progress(self, job: BackgroundJob, words: str, share: float) -> None:
        """Say what is done now; once that it is stopping, nothing else."""
        self.controls.show_progress(STOPPING if job.stage is Stage.STOPPING else words, share)

    def _show_waiting(self, sentence: str) -> None:
        """Say what an examination waits for that has not begun, or lost its turn."""
        if self.examination.stage.running and self.examination.stage is not Stage.STOPPING:
            self.controls.show_waiting(sentence)
        self.marks_changed.emit()
        if self.examination.stage is Stage.WAITING:
            waits = sentence or "The data is read, and the network made."
            self.report.verdict.show_looking("Getting ready…", waits)

    def _refresh(self) -> None:
        busy = self.busy
        stopping = Stage.STOPPING in (self.examination.stage, self.case_study.study.stage)
        self.controls.set_state(self._loaded, busy, stopping)
        self.gallery.set_enabled_to_choose(not busy)
        self.case.play.setEnabled(self._loaded and not busy)
        self.open.setEnabled(self._loaded and not busy)
        self.marks_changed.emit()

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
        event, request = self._newest, self.examination.request
        if event is None or request is None or self.game.covered:
            return
        what = f"{request.title}, with an injected fault" if request.fault else request.title
        doctor, note = self.examination, f"{what}. {done(event.diagnosis)}"
        even = doctor.info.uniform_loss if doctor.info else 0.0
        seen = doctor.history if event.final else None  # until then its curve stands above
        self.report.show_diagnosis(event.diagnosis, event.final, note, seen, even)

    def _on_ended(self, event: object) -> None:
        self.report.verdict.curve.draw(now=True)
        if isinstance(event, Failed):
            # The error's own words would give a hidden fault away.
            words = ENDED_EARLY if self.game.covered else event.sentence
            if self._newest is None:
                self.report.verdict.show_problem(words)
            self.controls.complain(words)
        elif self._newest is None:
            self.report.verdict.show_looking("Stopped before anything was seen.")
        if self._newest and self._shown:
            self.pages[self._shown].session.diagnosed.emit(self._newest)
        self.game.answer(self._newest.diagnosis if self._newest else None)

    def _show_found(self, name: str, event: Diagnosed) -> None:
        """Show what was found while a page's network was trained."""
        self._show_page("doctor")
        if self.examination.stage.running:
            return
        self._make_room()
        self.controls.choose(name)
        self._shown = self._followed = name
        self._follow(name, event)

    def _follow(self, name: str, event: Diagnosed) -> None:
        """Keep what was asked for up to date, while that network is trained."""
        if name != self._followed:
            return
        note = f"{name.capitalize()}: found while it was trained, at step {event.step:,}."
        history = self.pages[name].session.history
        self.report.show_diagnosis(event.diagnosis, event.final, note, history)

    # Mending.

    def _in_words(self, settings: Settings) -> str:
        """Say what these settings would change in the recipe; "" where nothing may be set."""
        if not settings or not self._shown:
            return ""
        recipe = self.pages[self._shown].session.recipe
        known = recipe.settings()
        return ", ".join(
            f"{known[key].label.lower()} {in_words(value)}"
            for key, value in settings
            if key in known
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
        self._applied.append(Applied(self._shown, cause, page.session.recipe, recipe))
        page.session.draft.take(recipe)
        where = self._shown.capitalize()
        self.report.say_applied(cause, f"Set on the {where} page. Diagnose again to see it fixed.")

    def _undo(self, cause: Cause | None) -> None:
        """Take back what was applied for a cause, or for the verdict."""
        applied = next((done for done in reversed(self._applied) if done.cause is cause), None)
        if applied is None:
            return
        self._applied.remove(applied)
        self._taken_back.append(cause)
        draft = self.pages[applied.page].session.draft
        if draft.recipe == applied.after and draft.can_undo:
            draft.undo()
        else:  # more was changed there since: only what was applied goes back
            draft.take(draft.recipe.replace(applied.changed))
        where = applied.page.capitalize()
        self.report.say_undone(cause, f"Taken back on the {where} page.")

    def _undo_last(self) -> None:
        if self._applied:
            self._undo(self._applied[-1].cause)

    def _redo_last(self) -> None:
        if self._taken_back:
            self._apply(self._taken_back.pop())

    def _teach(self, cause: Cause) -> None:
        """Turn to the lesson on a cause."""
        self._show_page("lessons", lesson_on(cause.id))

    def show_place(self, place: str) -> None:
        """Show the record of a watched loop: the place is its path."""
        self.recording.open(Path(place))

    def abandon(self) -> None:
        """End what runs: the window closes."""
        self.recording.leave()
        self.programs.abandon()
        self.examination.abandon()
        self.case_study.study.abandon()


def _about(cause: str) -> str:
    """Return what a cause means."""
    return CAUSES[cause].about if cause in CAUSES else ""
