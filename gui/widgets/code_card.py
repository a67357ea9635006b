"""The code behind the training settings: a plain PyTorch script, live while they are changed."""

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton

from core.code.script import changed_lines, make_script, write_script
from core.errors import UserError
from core.problems import problem_of
from core.training.recipe import Recipe
from gui.network_source import NetworkSource
from gui.session import Session
from gui.session_state import State
from gui.widgets.network_words import name_of
from gui.widgets.script_card import ScriptCard

ABOUT = "All of this training in plain PyTorch, without Glassbox."
ONWARD = "The script begins with newly initialised weights, not with the present network."
UNCHANGED = "Change a setting: the lines that it changes are marked."
LOADING = "The code stands here as soon as torch is loaded."
ELSEWHERE = "is not in the network of these settings."
OF_NETWORK = "in plain PyTorch, without Glassbox. The settings beside it are other ones."
NAMED = 3  # settings of one change that are named, at most


class CodeCard(ScriptCard):
    """The script of a session's recipe; the lines that the last change brought are marked.

    The last change is the one that undo would take back. Whoever asks for the code of the network
    on the screen, which may be of other settings, is shown that, until a setting is changed.

    Args:
        session: whose recipe it is.
        button: shows and hides it.
        source: says which network is on the screen.
    """

    def __init__(self, session: Session, button: QPushButton, source: NetworkSource) -> None:
        super().__init__(button, "Esc does it, too.")
        self.hide_button.setShortcut("Esc")
        self._session, self._source = session, source
        self._of_network = False
        """Whether it is the code of the network on the screen."""
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
        session.recipe_changed.connect(lambda recipe: self._show_settings())
        self.toggled.connect(lambda shown: None if shown else self._show_settings())

    def showEvent(self, event: QShowEvent) -> None:
        """Write what has changed meanwhile."""
        super().showEvent(event)
        self._turned_to = ""
        self.refresh()

    def show_network(self) -> None:
        """Show the code of the network on the screen."""
        self._of_network = True
        if not self.shown:
            self.toggle()

    def _show_settings(self) -> None:
        """Show the code of the settings from now on."""
        self._of_network = False

    def refresh(self) -> None:
        """Write the script again, if it can be seen."""
        if self.isVisible():
            self._soon.start(0)

    def _write(self) -> None:
        session, before = self._session, self._session.draft.before
        if session.state is State.LOADING:  # a thread loads it; importing it here would wait
            self.show_none(LOADING, "muted")
            return
        of_network = self._of_network and session.trained != session.recipe
        recipe: Any = session.trained if of_network else session.recipe
        before = None if of_network else before
        try:
            script = make_script(session.name, recipe, session.data)
            old = write_script(session.name, before, session.data) if before else script.text
        except (UserError, OSError) as error:
            self.show_none(problem_of(error))
            return
        self.file_name = f"{session.name}-{recipe.model}"
        lines, key = changed_lines(old, script.text), session.choice.key
        words = _change_in_words(before, recipe, old != script.text, len(lines))
        onward = f" {ONWARD}" if session.resume_from else ""
        about = f"{ABOUT}{onward} {words}"
        if of_network:
            about = f"The code of the network on the map, {self._source.words}, {OF_NETWORK}"
        of_part = script.lines_of(key)
        chosen = ""
        if key:
            chosen = f" Blue: {name_of(key)}." if of_part else f" {name_of(key)} {ELSEWHERE}"
        caption = f"{about}{chosen}"
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
