"""What a live part may use of the program around it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gui.session import Session
from gui.worker import Worker

T = TypeVar("T")


class LessonContext:
    """The worker, the networks of the playgrounds, and the ways to other places.

    Args:
        worker: the one thread beside the screen.
        pages: the pages by their names; those of the playgrounds have a session.
        turn: turns to a page.
        open_lesson: opens a lesson at an anchor, "" for its beginning.
    """

    def __init__(
        self,
        worker: Worker,
        pages: Mapping[str, Any],
        turn: Callable[[str], None],
        open_lesson: Callable[[str, str], None],
    ) -> None:
        self.worker = worker
        self._pages, self._turn, self._open = pages, turn, open_lesson
        self._common: dict[object, Any] = {}

    def session(self, name: str) -> Session:
        """Return the session of a playground: its ``replica`` was trained or opened last."""
        session: Session = self._pages[name].session
        return session

    def common(self, kind: Callable[["LessonContext"], T]) -> T:
        """Return what several parts have in common, made when the first of them asks."""
        if kind not in self._common:
            self._common[kind] = kind(self)
        made: T = self._common[kind]
        return made

    def go(self, page: str) -> None:
        """Turn to a page of the program."""
        self._turn(page)

    def open_lesson(self, name: str, anchor: str = "") -> None:
        """Turn to a lesson, at a heading if there is one of that anchor."""
        self._open(name, anchor)
