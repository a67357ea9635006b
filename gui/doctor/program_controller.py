"""Opens a program, asks before it is run, and shows what is seen of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.errors import UserError
from core.programs.program import read_program
from gui.doctor.program_panel import ProgramPanel
from gui.doctor.program_run import ProgramRequest, RunningProgram

TITLE = "Open a script or a notebook"
KINDS = "Python programs (*.py *.ipynb);;All (*)"


class ProgramController(QObject):
    """Has a program of a person's own run, and watched.

    Args:
        panel: shows it.
        budget: says how many seconds experiments on each training may take.

    Attributes:
        running: the program while it is run.
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
        self.running.printed.connect(panel.write)
        self.running.failed.connect(self._fail)
        self.running.ended.connect(panel.show_end)
        self.running.ended.connect(lambda answer: self.changed.emit())

    def _choose(self) -> None:
        folder = self._panel.program.path.parent if self._panel.program else Path.home()
        name, _ = QFileDialog.getOpenFileName(self._panel, TITLE, str(folder), KINDS)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Show a program; nothing of it is run. A bad file leaves all as it was."""
        if self.running.runs:
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
        question.setText(f"Run {path.name}?")
        question.setInformativeText(
            f"It is executed as it stands in {path.parent}, with all your rights, as it would be"
            " in a terminal. Run only what you wrote or trust."
        )
        run = question.addButton("Run", QMessageBox.ButtonRole.AcceptRole)
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.exec()
        if question.clickedButton() is not run:
            return False
        self.agree(path)
        return True

    def _stop(self) -> None:
        self._panel.say("It is stopped\u2026")
        self.running.stop()

    def _fail(self, sentence: str) -> None:
        self._panel.set_running(False)
        self._panel.say(sentence, "fault")
        self.changed.emit()
