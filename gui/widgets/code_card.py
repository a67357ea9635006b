"""The code behind the training settings: a plain PyTorch script, live while they are changed."""

import io
import tokenize

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QPushButton

from core.code.script import as_notebook, changed_lines, write_script
from core.errors import UserError
from core.files import write_whole
from core.problems import problem_of
from core.training.recipe import Recipe
from gui.session import Session
from gui.session_state import State
from gui.theme import IconButton
from gui.widgets.buttons import identified, push_button, retitle
from gui.widgets.card import Card, label, say
from gui.widgets.export_file import ask_path
from gui.widgets.source_text import SourceMark, SourceText, Stretch

SHOW, HIDE = "Show the code", "Hide the code"
ABOUT = "All of this training in plain PyTorch, without Glassbox."
ONWARD = "The script begins with newly initialised weights, not with the present network."
UNCHANGED = "Change a setting: the lines that it changes are marked."
LOADING = "The code stands here as soon as torch is loaded."
NAMED = 3  # settings of one change that are named, at most
LEAST = 240  # pixels of its height


class CodeCard(Card):
    """The script of a session's recipe; the lines that the last change brought are marked.

    The last change is the one that undo would take back.

    Args:
        session: whose recipe it is.
        button: shows and hides it.
    """

    toggled = Signal(bool)
    """Whether it is to be shown now."""

    def __init__(self, session: Session, button: QPushButton) -> None:
        super().__init__("Code")
        self.shown = False
        self.script = ""
        self._session, self._button = session, button
        self._soon = QTimer(self)  # once, where many settings change at a time
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._write)
        self.copy = push_button("copyCode", "Copy", "Copy the script.")
        self.save_script = push_button("saveScript", "Save as .py…", "Save it as a Python script.")
        self.save_notebook = push_button(
            "saveNotebook", "Save as .ipynb…", "Save it as a notebook, with a cell for each part."
        )
        self.hide_button = IconButton("close", f"{HIDE}. Esc does it, too.")
        self.hide_button.setObjectName("hideCode")
        self.hide_button.setShortcut("Esc")
        self.caption = label("", "muted", wrap=True)
        self.caption.setObjectName("codeCaption")
        self.source = identified(
            SourceText("codeSource"),
            "codeSource",
            "The script of this training",
            "What the present settings do, line by line. It can be selected.",
        )
        self.message = label("", "muted", wrap=True)
        self.message.setObjectName("codeMessage")
        self.message.hide()
        for widget in (self.copy, self.save_script, self.save_notebook, self.hide_button):
            self.head.addWidget(widget)
        self.body.addWidget(self.caption)
        self.body.addWidget(self.source, 1)
        self.body.addWidget(self.message)
        self.setMinimumHeight(LEAST)
        self._connect()

    def _connect(self) -> None:
        self._button.clicked.connect(self.toggle)
        self.hide_button.clicked.connect(self.toggle)
        self.copy.clicked.connect(self._copy)
        self.save_script.clicked.connect(lambda: self._save("py", self.script))
        self.save_notebook.clicked.connect(lambda: self._save("ipynb", as_notebook(self.script)))
        for changed in (
            self._session.recipe_changed,
            self._session.data_chosen,
            self._session.state_changed,
        ):
            changed.connect(lambda event: self.refresh())

    def toggle(self) -> None:
        """Show it in place of the curves, or hide it."""
        self.shown = not self.shown
        retitle(self._button, HIDE if self.shown else SHOW)
        self.toggled.emit(self.shown)
        (self.source if self.shown else self._button).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Write what has changed meanwhile."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Write the script again, if it can be seen."""
        if self.isVisible():
            self._soon.start(0)

    def _write(self) -> None:
        session, before = self._session, self._session.draft.before
        if session.state is State.LOADING:  # a thread loads it; importing it here would wait
            say(self.caption, LOADING)
            self._offer(False)
            return
        recipe: Recipe = session.recipe
        try:
            script = write_script(session.name, recipe, session.data)
            old = write_script(session.name, before, session.data) if before else script
        except (UserError, OSError) as error:
            self.script = ""
            self.source.show_lines([], [])
            say(self.caption, problem_of(error), "fault")
            self._offer(False)
            return
        self._show(script)
        lines = changed_lines(old, script)
        words = _change_in_words(before, recipe, old != script, len(lines))
        self.source.mark_lines({line - 1: [SourceMark(words, "update")] for line in lines})
        self.source.bring_into_view([line - 1 for line in lines])
        onward = f" {ONWARD}" if session.resume_from else ""
        say(self.caption, f"{ABOUT}{onward} {words}")
        self._offer(True)

    def _show(self, script: str) -> None:
        if script == self.script:
            return
        self.script = script
        say(self.message, "")
        lines, place = script.rstrip("\n").split("\n"), self.source.verticalScrollBar()
        at = place.value()
        self.source.show_lines(lines, range(1, len(lines) + 1), _comments(script))
        place.setValue(at)

    def _offer(self, there: bool) -> None:
        for button in (self.copy, self.save_script, self.save_notebook):
            button.setEnabled(there)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.script)
        say(self.message, "The script is copied.")

    def _save(self, kind: str, content: str) -> None:
        name = f"{self._session.name}-{self._session.recipe.model}"
        path = ask_path(self, "Save the code", name, kind)
        if path is None:
            return
        try:
            if path.suffix.lower() != f".{kind}":
                raise UserError(f"{path.name} can't be written as that; end the name in .{kind}.")
            write_whole(path, content.encode())
        except UserError as error:
            say(self.message, str(error), "fault")
        else:
            say(self.message, f"Saved as {path}.")


def _change_in_words(before: Recipe | None, recipe: Recipe, other: bool, marked: int) -> str:
    """Say what is marked.

    Args:
        before: the recipe before the last change.
        recipe: the present one.
        other: whether the script is another one than before.
        marked: how many lines it has that the one before had not.
    """
    if before is None:
        return UNCHANGED
    names = [
        about.label
        for key, about in recipe.settings().items()
        if getattr(before, key) != getattr(recipe, key)
    ]
    what = ", ".join(names) if len(names) <= NAMED else f"{len(names)} settings"
    if marked:
        lines = f"{marked} lines that" if marked > 1 else "line that"
        return f"Marked: the {lines} the last change brought ({what})."
    return f"The last change ({what}) {'took lines out' if other else 'changes no line'}."


def _comments(script: str) -> list[Stretch]:
    """Return where comments and docstrings stand."""
    return [
        (token.start[0] - 1, token.start[1], token.end[1])
        for token in tokenize.generate_tokens(io.StringIO(script).readline)
        if token.type == tokenize.COMMENT or token.string.startswith('"""')
    ]
