"""Live parts of lessons, and what they may use of the program around them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from PySide6.QtCore import SignalInstance

from gui.session import Session
from gui.worker import Worker

T = TypeVar("T")


class LessonPart(Protocol):
    """A live part: the widget ``Part(context, options)`` of a module in ``gui.lessons.parts``."""

    def abandon(self) -> None:
        """End what runs: the window closes."""


@runtime_checkable
class PlayablePart(Protocol):
    """A part whose result is explained below it, once it was ``played``."""

    played: SignalInstance


class LessonContext:
    """The worker and the networks of the playgrounds.

    Args:
        worker: the thread beside the screen.
        pages: the pages by their names; those of the playgrounds have a session.
        kept: what comes back at the next start, by the part that keeps it; parts change it.
        data: the data folder or file that the program was started with.
    """

    def __init__(
        self,
        worker: Worker,
        pages: Mapping[str, Any],
        kept: dict[str, Any] | None = None,
        data: Path | None = None,
    ) -> None:
        self.data = data
        self.worker, self._pages = worker, pages
        self.kept: dict[str, Any] = {} if kept is None else kept
        self._shared: dict[object, Any] = {}

    def session(self, name: str) -> Session:
        """Return the session of a playground: its ``replica`` was trained or opened last."""
        session: Session = self._pages[name].session
        return session

    def shared(self, kind: Callable[["LessonContext"], T]) -> T:
        """Return the state that several parts share, made for the first that asks."""
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        made: T = self._shared[kind]
        return made
