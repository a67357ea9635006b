"""The links from a run to the other pages: where it is used, resumed or diagnosed."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import UserError
from core.runs.folder import BEST, LAST
from core.runs.library import Entry
from gui.pages import Page, ShowPage
from gui.runs.run_text import is_loop
from gui.session import Session
from gui.session_state import State
from gui.training_page import training_pages


class RunLinks(QObject):
    """Opens runs on the pages of their playgrounds, and watched loops on the doctor's."""

    refused = Signal(str)
    """It can't be opened now, and why."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sessions: dict[str, Session] = {}
        """Of the playgrounds, by their names."""
        self._show_page: ShowPage = lambda name, place="": None

    def meet(self, pages: Mapping[str, Page], show_page: ShowPage) -> None:
        """Get to know the pages, and how to turn to one."""
        self.sessions = {name: page.session for name, page in training_pages(pages).items()}
        self._show_page = show_page

    def open(self, entry: Entry) -> None:
        """Use a run's best weights on its page; a watched loop is opened on the doctor's."""
        if is_loop(entry):
            self._show_page("doctor", str(entry.path))
            return
        found = next((f for f in (BEST, LAST) if _is_whole(entry.path / f)), "")
        if not found:
            self.refused.emit(f"{entry.title} has lost its weights; only its curves are left.")
        elif session := self._free_session(entry):
            session.open_checkpoint(entry.path / found)
            self._show_page(entry.playground)

    def resume(self, entry: Entry) -> None:
        """Do what is left of a run, on its page."""
        if session := self._free_session(entry):
            session.resume_run(entry.path)
            self._show_page(entry.playground)

    def _free_session(self, entry: Entry) -> Session | None:
        """Return the session of a run's page; None, with a sentence, if it is busy."""
        session = self.sessions.get(entry.playground)
        if session is not None and session.state is State.READY:
            return session
        busy = f"The {entry.playground.capitalize()} page is busy; stop it there, then try again."
        missing = f"This version of Glassbox has no page for {entry.playground}."
        self.refused.emit(busy if session else missing)
        return None


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is there, and can be read as far as its header tells."""
    from core.training.checkpoint import read_recipe

    try:
        read_recipe(checkpoint)
    except UserError:
        return False
    return True
