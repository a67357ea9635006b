"""The bar of a run: its buttons, its progress, and what went wrong if it did."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from core.runs.folder import title_of
from core.telemetry.events import Failed, Finished, Metrics, Started, Stopped
from gui import theme
from gui.session import NOT_STARTED, Session
from gui.session_state import State
from gui.widgets.buttons import push_button
from gui.widgets.card import label, say
from gui.widgets.finding_badge import FindingBadge
from gui.widgets.run_now import offer_run_now, run_now_button
from gui.widgets.transport import Transport


class RunBar(QWidget):
    """Connects the buttons to a session, and says how a run ended."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.transport = Transport()
        self.message = label(" ", "muted", wrap=True)
        self.message.setObjectName("runMessage")
        self.message.setMinimumHeight(17)  # there even when empty: what is below stands still
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        column.addWidget(self.transport)
        self.resume = push_button(
            "resumeButton",
            "Resume",
            "Do what is left of the run that was stopped, from its last checkpoint. The page Runs"
            " offers the same for every run.",
            "link",
        )
        self.resume.hide()
        self.badge = FindingBadge(session)
        self.run_now = run_now_button("runNowButton")
        offer_run_now(self.run_now, *session.queued)
        self._waiting = False
        row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        row.addWidget(self.message, 1)
        row.addWidget(self.resume, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.run_now, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        self._first: Metrics | None = None
        self._stopped: Path | None = None
        """The record of the run that was stopped, and can be resumed."""
        self.transport.train_clicked.connect(self._train)
        self.transport.pause_clicked.connect(self._pause)
        self.transport.step_clicked.connect(self._step)
        self.transport.stop_clicked.connect(session.stop)
        self.resume.clicked.connect(self._resume)
        session.draft.complained.connect(self._on_complained)
        session.state_changed.connect(self._on_state)
        session.waiting.connect(self._on_waiting)
        session.recipe_changed.connect(lambda recipe: self.transport.show_steps(recipe.steps))
        session.started.connect(self._on_started)
        session.metrics_added.connect(self._on_metrics)
        session.noted.connect(lambda event: self.tell(event.sentence))
        session.ended.connect(self._on_ended)

    def tell(self, sentence: str, role: str = "fault") -> None:
        """Say what went wrong, or something else in another role."""
        say(self.message, sentence, role)

    def _train(self) -> None:
        say(self.message, " ")
        # A value that is still being typed counts: leaving the field takes it over.
        if focused := QApplication.focusWidget():
            focused.clearFocus()
        self._session.start(self.transport.seconds)

    def _offer(self, record: Path | None) -> None:
        """Offer to resume a run, or none."""
        self._stopped = record
        self.resume.setVisible(record is not None)

    def _resume(self) -> None:
        if self._stopped is not None:
            self._session.resume_run(self._stopped)

    def _on_complained(self, sentence: str) -> None:
        """Let a complaint go that is none any more."""
        if self.message.text().startswith(NOT_STARTED):
            say(self.message, f"{NOT_STARTED}{sentence}" if sentence else " ", "fault")

    def _pause(self) -> None:
        if self._session.state is State.PAUSED:
            self._session.resume()
        else:
            self._session.pause()

    def _step(self) -> None:
        if not self._session.state.running:
            say(self.message, " ")
            self._session.start(self.transport.seconds, paused=True)
        self._session.step()

    def _on_state(self, state: State) -> None:
        self.transport.show_state(state, self._session.begun)
        self.resume.setEnabled(state is State.READY)

    def _on_waiting(self, sentence: str) -> None:
        """Say what is waited for."""
        if sentence or self._waiting:
            say(self.message, sentence or " ")
        self._waiting = bool(sentence)

    def _on_started(self, event: Started) -> None:
        self._first = None
        self._on_state(self._session.state)
        say(self.message, event.note or " ")
        self._offer(None)

    def _on_metrics(self, metrics: Metrics) -> None:
        first = self._first = self._first or metrics
        steps = metrics.step - first.step
        rate = steps / (metrics.seconds - first.seconds) if steps else 0.0
        self.transport.show_metrics(metrics, rate)

    def _on_ended(self, event: object) -> None:
        self._offer(None)
        if isinstance(event, Failed):
            self.tell(event.sentence)
        elif isinstance(event, Finished | Stopped):
            if not event.checkpoint:
                say(self.message, "Stopped before its first step; nothing was kept or changed.")
                return
            verb = "Finished" if isinstance(event, Finished) else "Stopped"
            kept = title_of(Path(event.checkpoint))
            words = f"{verb} at step {event.step:,}. Kept as {kept}. {event.note}"
            say(self.message, words.strip())
            if isinstance(event, Stopped):
                self._offer(Path(event.checkpoint).parent)
