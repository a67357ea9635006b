"""The code behind the training settings: a plain PyTorch script, live while they are changed."""

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton

from core.code.script import changed_lines, make_script, write_script
from core.errors import UserError
from core.problems import problem_of
from core.training.recipe import Recipe
from gui.session import Session
from gui.session_state import State
from gui.widgets.network_words import name_of
from gui.widgets.script_card import ScriptCard

ABOUT = "All of this training in plain PyTorch, without Glassbox."
ONWARD = "The script begins with newly initialised weights, not with the present network."
UNCHANGED = "Change a setting: the lines that it changes are marked."
LOADING = "The code stands here as soon as torch is loaded."
ELSEWHERE = "is not in the network of these settings."
NAMED = 3  # settings of one change that are named, at most


class CodeCard(ScriptCard):
    """The script of a session's recipe; the lines that the last change brought are marked.

    The last change is the one that undo would take back.

    Args:
        session: whose recipe it is.
        button: shows and hides it.
    """

    def __init__(self, session: Session, button: QPushButton) -> None:
        super().__init__(button, "Esc does it, too.")
        self.hide_button.setShortcut("Esc")
        self._session = session
        self._turned_to = ""
        """The part of the network whose lines were brought into view last."""
        self._soon = QTimer(self)  # once, where many settings change at a time
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._write)
        notices = (
            session.recipe_changed,
            session.data_chosen,
            session.state_changed,
            session.choice.changed,
        )
        for changed in notices:
            changed.connect(lambda event: self.refresh())

    def showEvent(self, event: QShowEvent) -> None:
        """Write what has changed meanwhile."""
        super().showEvent(event)
        self._turned_to = ""
        self.refresh()

    def refresh(self) -> None:
        """Write the script again, if it can be seen."""
        if self.isVisible():
            self._soon.start(0)

    def _write(self) -> None:
        session, before = self._session, self._session.draft.before
        if session.state is State.LOADING:  # a thread loads it; importing it here would wait
            self.show_none(LOADING, "muted")
            return
        recipe: Recipe = session.recipe
        try:
            script = make_script(session.name, recipe, session.data)
            old = write_script(session.name, before, session.data) if before else script.text
        except (UserError, OSError) as error:
            self.show_none(problem_of(error))
            return
        self.file_name = f"{session.name}-{session.recipe.model}"
        lines, key = changed_lines(old, script.text), session.choice.key
        words = _change_in_words(before, recipe, old != script.text, len(lines))
        onward = f" {ONWARD}" if session.resume_from else ""
        of_part = script.lines_of(key)
        chosen = ""
        if key:
            chosen = f" Blue: {name_of(key)}." if of_part else f" {name_of(key)} {ELSEWHERE}"
        caption = f"{ABOUT}{onward} {words}{chosen}"
        part = of_part, f"{name_of(key)}, as chosen under Network or in the layer table."
        self.show_script(script.text, lines, caption, words, part)
        if key != self._turned_to:  # a change of settings leaves the view where it is
            self._turned_to = key
            self.source.bring_into_view([line - 1 for line in of_part])


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
