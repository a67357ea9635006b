"""Train, pause, step, stop: the buttons of a run, and its progress."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.numbers import number
from core.telemetry.events import Metrics
from gui import theme
from gui.background_job import STOPPING
from gui.inputs import SpinBox
from gui.rich_text import rich
from gui.session_state import State
from gui.widgets.buttons import progress_bar, push_button, retitle
from gui.widgets.card import Elided

WIDE = 580  # pixels in which buttons and progress stand side by side


class Transport(QWidget):
    """The controls of a run, and its progress."""

    train_clicked = Signal()
    pause_clicked = Signal()
    step_clicked = Signal()
    stop_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = State.LOADING
        self._seconds = 0
        """The seconds that were set, while a recipe's number of steps stands in their place."""
        self.train = push_button("trainButton", "Train", "Train a network by this recipe (F5).")
        self.train.setProperty("role", "primary")
        self.train.setShortcut("F5")
        self.pause = push_button("pauseButton", "Pause", "Pause after this step (F6).")
        self.pause.setShortcut("F6")
        self.step = push_button(
            "stepButton",
            "Step",
            "Do a single step, then pause: forward pass, backward pass, update (F7).",
        )
        self.step.setShortcut("F7")
        self.stop = push_button(
            "stopButton", "Stop", "Stop the run; its network is evaluated and saved (F8)."
        )
        self.stop.setShortcut("F8")
        self.train.clicked.connect(self.train_clicked)
        self.pause.clicked.connect(self.pause_clicked)
        self.step.clicked.connect(self.step_clicked)
        self.stop.clicked.connect(self._ask_to_stop)
        self.length = SpinBox()
        self.length.setObjectName("lengthBox")
        self.length.setAccessibleName("Length of the run in seconds")
        self.length.setRange(1, 86_400)
        self.length.setValue(60)
        self.length.setFixedWidth(92)
        self.length.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.length.setSuffix(" s")
        self.length.setToolTip(
            "<p>How long to train, in seconds. The learning-rate schedule ends with it. Where a"
            " recipe says its number of steps, it takes those instead.</p>"
        )
        self.bar = progress_bar("progressBar", "Progress of the run")
        self.words = Elided()
        self.words.setObjectName("progressWords")
        self._arrange()
        self.show_state(State.LOADING, begun=False)

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        for widget in (self.train, self.length, self.pause, self.step, self.stop):
            row.addWidget(widget)
        row.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addStretch(1)
        right.addWidget(self.words)
        right.addWidget(self.bar)
        right.addStretch(1)
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._both.setContentsMargins(0, 0, 0, 0)
        self._both.setSpacing(theme.GAP)
        self._both.addLayout(row)
        self._both.addLayout(right, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the progress under the buttons, where it doesn't fit beside them."""
        super().resizeEvent(event)
        kinds = QBoxLayout.Direction
        way = kinds.LeftToRight if self.width() >= WIDE else kinds.TopToBottom
        if way != self._both.direction():
            self._both.setDirection(way)
            self.updateGeometry()  # what is below is told that it is higher or lower now

    @property
    def seconds(self) -> int:
        """How long a run lasts, by the clock."""
        return self._seconds or self.length.value()

    def show_steps(self, steps: int) -> None:
        """Show the number of steps that a recipe asks for, in place of seconds; 0 for none."""
        if steps:
            self._seconds = self.seconds
            self.length.setMinimum(0)
            self.length.setSpecialValueText(
                f"{steps:,} steps" if steps < 10_000 else f"{steps / 1000:,.6g}k steps"
            )
            self.length.setValue(0)
        elif self._seconds:
            self.length.setSpecialValueText("")
            self.length.setMinimum(1)
            self.length.setValue(self._seconds)
            self._seconds = 0
        self.show_state(self._state, self._begun)

    def show_state(self, state: State, begun: bool) -> None:
        """Enable what can be done now; what has not begun can not be paused."""
        self._state, self._begun = state, begun
        paused, running = state is State.PAUSED, state.running
        self.train.setEnabled(state is State.READY)
        self.length.setEnabled(not running and not self._seconds)
        going = (State.WAITING, State.TRAINING, State.PAUSED)
        self.pause.setEnabled(begun and state in going)
        retitle(self.pause, "Resume" if paused else "Pause")
        self.step.setEnabled(state is State.READY or (begun and state in going))
        self.stop.setEnabled(state in (State.STARTING, State.RANGE_TEST, *going))
        if state is not State.TRAINING:
            self.words.setText(f"{state.value}…" if state in _BUSY else state.value)
        if not running:
            self.bar.setValue(0)

    def _ask_to_stop(self) -> None:
        """Say so at once: a step may take seconds yet, and so may the evaluation."""
        self.stop.setEnabled(False)
        self.words.setText(STOPPING)
        self.stop_clicked.emit()

    def show_metrics(self, metrics: Metrics, steps_per_second: float) -> None:
        """Show how far the run is and how much time is left."""
        self.bar.setValue(round(1000 * metrics.progress))
        left = metrics.seconds / max(1e-9, metrics.progress) - metrics.seconds
        rate = number(steps_per_second, 2) if steps_per_second < 10 else f"{steps_per_second:,.0f}"
        words = f"Step {metrics.step:,}  ·  {clock(left)} left  ·  {rate}/s"
        if self._state in (State.PAUSED, State.WAITING):
            words = f"{self._state.value} at step {metrics.step:,}  ·  {clock(left)} left"
        elif self._state is State.STOPPING:
            words = f"{STOPPING} at step {metrics.step:,}"
        self.words.setText(words)
        self.words.setToolTip(rich(f"{words} (steps a second)"))


_BUSY = (State.LOADING, State.OPENING, State.RANGE_TEST, State.STARTING, State.STOPPING)


def clock(seconds: float) -> str:
    """Return a length of time in words: ``42 s``, ``3 min 20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
