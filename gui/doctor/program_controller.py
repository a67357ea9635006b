"""Opens a program, asks before it is run, and shows what is seen of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.errors import UserError
from core.programs.program import read_program
from core.programs.source import save_changed
from gui.doctor.fix_trial import FixTrial, TrialRequest
from gui.doctor.program_panel import ProgramPanel
from gui.doctor.program_run import ProgramRequest, RunningProgram
from gui.rich_text import rich

TITLE = "Open a script or a notebook"
SAVE = "Save a changed copy"
KINDS = "Python programs (*.py *.ipynb);;All (*)"


class ProgramController(QObject):
    """Has a program of a person's own run, and watched.

    Args:
        panel: shows it.
        budget: says how many seconds experiments on each training may take.

    Attributes:
        running: the program while it is run.
        trial: it and a changed copy, while both are run.
    """

    changed = Signal()
    """A program was started, or has ended."""

    def __init__(
        self, panel: ProgramPanel, budget: Callable[[], int], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._budget = budget
        self._panel = panel
        self._agreed: set[Path] = set()
        """The files of which it was agreed that they may be run."""
        self.running = RunningProgram(self)
        panel.openAsked.connect(self._choose)
        panel.runAsked.connect(self._run)
        panel.stopAsked.connect(self._stop)
        self.running.progressed.connect(panel.show_progress)
        self.running.printed.connect(panel.output.write)
        self.running.showed.connect(panel.show_figure)
        self.running.failed.connect(self._fail)
        self.running.ended.connect(panel.show_end)
        self.running.ended.connect(lambda answer: self.changed.emit())
        self.trial = FixTrial(self)
        fix = panel.fix
        fix.copyAsked.connect(self._copy_fix)
        fix.saveAsked.connect(self._save_fix)
        fix.tryAsked.connect(self._try_fix)
        fix.stopAsked.connect(self._stop_trial)
        self.trial.progressed.connect(fix.show_progress)
        self.trial.ended.connect(self._end_trial)
        self.trial.failed.connect(lambda sentence: self._end_trial(sentence, "fault"))

    @property
    def runs(self) -> bool:
        """Whether a program is run, or a change to it is tried."""
        return self.running.runs or self.trial.runs

    def abandon(self) -> None:
        """End whatever is run at once: the window closes."""
        self.running.abandon()
        self.trial.abandon()

    def _choose(self) -> None:
        folder = self._panel.program.path.parent if self._panel.program else Path.home()
        name, _ = QFileDialog.getOpenFileName(self._panel, TITLE, str(folder), KINDS)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Show a program; nothing of it is run. A bad file leaves all as it was."""
        if self.runs:
            self._panel.say("Stop the program that is run before another one is opened.", "fault")
            return
        try:
            self._panel.show_program(read_program(path.absolute()))
        except UserError as error:
            self._panel.say(str(error), "fault")

    def agree(self, path: Path) -> None:
        """Let a program be run without a question: its owner has said so."""
        self._agreed.add(path)

    def _run(self, request: ProgramRequest) -> None:
        """Run the program as its file is now, once it was agreed to."""
        if not self._may_run(request.path):
            return
        self.open(request.path)
        program = self._panel.program
        if program is None or program.path != request.path:
            return
        self._panel.begin()
        self.running.start(replace(request, budget=self._budget()))
        self.changed.emit()

    def _may_run(self, path: Path) -> bool:
        if path in self._agreed:
            return True
        question = QMessageBox(self._panel)
        question.setObjectName("runQuestion")
        question.setIcon(QMessageBox.Icon.Question)
        question.setWindowTitle("Run this program?")
        question.setText(rich(f"Run {path.name}?"))
        question.setInformativeText(
            rich(
                f"It is executed as it stands in {path.parent}, with all your rights, as it would"
                " be in a terminal. Run only what you wrote or trust."
            )
        )
        run = question.addButton("Run", QMessageBox.ButtonRole.AcceptRole)
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.exec()
        if question.clickedButton() is not run:
            return False
        self.agree(path)
        return True

    def _copy_fix(self) -> None:
        if fix := self._panel.fix.fix:
            QGuiApplication.clipboard().setText(fix.diff)

    def _save_fix(self) -> None:
        program, fix = self._panel.program, self._panel.fix.fix
        assert program is not None and fix is not None
        proposed = program.path.with_stem(f"{program.path.stem}-fixed")
        name, _ = QFileDialog.getSaveFileName(self._panel, SAVE, str(proposed), KINDS)
        if not name:
            return
        try:
            save_changed(program, fix.changed, Path(name))
        except UserError as error:
            self._panel.fix.show_outcome(str(error), "fault")
            return
        self._panel.fix.show_outcome(f"The changed copy is in {name}.", "muted")

    def _try_fix(self) -> None:
        program, fix, how = self._panel.program, self._panel.fix.fix, self._panel.request()
        if program is None or fix is None or how is None:
            return
        self._panel.set_running(False, trying=True)
        self.trial.start(TrialRequest(program, fix, self._panel.row, how))
        self.changed.emit()

    def _end_trial(self, sentence: str, role: str = "text") -> None:
        self._panel.set_running(False)
        self._panel.fix.show_outcome(sentence, role)
        self.changed.emit()

    def _stop_trial(self) -> None:
        self._panel.fix.show_stopping()
        self.trial.stop()

    def _stop(self) -> None:
        self._panel.show_stopping()
        self.running.stop()

    def _fail(self, sentence: str) -> None:
        self._panel.set_running(False)
        self._panel.say(sentence, "fault")
        self.changed.emit()
