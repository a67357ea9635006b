"""What shows a network of another page: it looks when it is seen, and again at new weights."""

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent

from gui.lessons.context import LessonContext
from gui.session import Session
from gui.widgets.card import Card, label

CALM = 500  # milliseconds between two looks while a network learns


class Follower(Card):
    """A live part with a network; a subclass says in :meth:`look` what it shows of it."""

    def __init__(self, room: LessonContext, playground: str, title: str = "") -> None:
        super().__init__(title)
        self.session = room.session(playground)
        self.source = label("", "small")
        """Says whose numbers these are."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(CALM)
        self._soon.timeout.connect(self._look)
        for signal in (self.session.weights_changed, self.session.started, self.session.loaded):
            signal.connect(self._later)

    def look(self) -> None:
        """Show the network as it is now; asked for only while this is seen."""
        raise NotImplementedError

    def _later(self, event: object = None) -> None:
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()

    def _look(self) -> None:
        self.source.setText(whose(self.session))
        self.look()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._look()

    def abandon(self) -> None:
        """Look no more."""
        self._soon.stop()


def whose(session: Session) -> str:
    """Say which network a session has: its model, its size, and how far it has learned."""
    page = session.name.capitalize()
    if session.info is None or session.weights is None:
        return f"There is no network yet: train one on the {page} page."
    info, step = session.info, session.weights.step
    return (
        f"The network of the {page} page: {info.model}, {info.parameters:,} parameters,"
        f" after {step:,} steps."
    )
