"""Start, pause, stop: the buttons of two networks that are trained, and how far they are."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.lessons.pair_settings import LECTURE_STEPS
from gui.background_job import Stage
from gui.theme import GAP
from gui.widgets.card import Elided

LENGTHS = (200, 1000, 5000, LECTURE_STEPS)
PATIENCE = 1500  # milliseconds that a start may take before it is explained
BUSY = "It waits its turn: another network is being trained, on another page or in this lesson."


class PairRunBar(QWidget):
    """Asks for what a person wants of the run; shows where it stands."""

    pause_wanted = Signal(bool)
    """Stand still, or go on."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._paused = self._done = False
        self.start = self._button(f"twinStart_{key}", "Start")
        self.start.setProperty("role", "primary")
        self.pause = self._button(f"twinPause_{key}", "Pause")
        self.pause.setToolTip("Let both networks stand still after this step.")
        self.stop = self._button(f"twinStop_{key}", "Stop")
        self.stop.setToolTip("End here, and judge both networks as they are.")
        self.pause.clicked.connect(lambda: self.pause_wanted.emit(not self._paused))
        self.length = QComboBox()
        self.length.setObjectName(f"twinLength_{key}")
        self.length.setAccessibleName("How many steps both are trained")
        self.length.setToolTip(
            "<p>How many steps both are trained, on the same 32 examples in each. The lecture's"
            " 200,000 take minutes; as there, the learning rate falls to a tenth after half of"
            " them.</p>"
        )
        for steps in LENGTHS:
            self.length.addItem(f"{steps:,} steps", steps)
        self.length.setCurrentIndex(1)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.words = Elided()
        self.words.setObjectName(f"twinWords_{key}")
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(PATIENCE)
        self._waiting.timeout.connect(lambda: self.words.setText(BUSY))
        self._arrange()

    def _button(self, name: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAccessibleName(text)
        # A click leaves the focus where it was: a disabled button would hand it to a stranger.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for widget in (self.start, self.length, self.pause, self.stop):
            row.addWidget(widget)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addWidget(self.words)
        right.addWidget(self.progress)
        row.addSpacing(GAP)
        row.addLayout(right, 1)

    @property
    def steps(self) -> int:
        """How many steps both are to be trained."""
        return int(self.length.currentData())

    def clear(self) -> None:
        """Nothing was run yet."""
        self._done = False
        self.progress.setValue(0)
        self.words.setText("")

    def show_stage(self, stage: Stage, guessed: bool) -> None:
        """Enable what can be done now."""
        if stage is Stage.WAITING:
            self._waiting.start()
            self._done = True
            self.set_paused(False)
        else:
            self._waiting.stop()
            if self.words.text() == BUSY:
                self.words.setText("")
        idle = not stage.running
        self.start.setText("Replay" if self._done and idle else "Start")
        self.start.setAccessibleName(self.start.text())
        self.start.setEnabled(idle and guessed)
        self.start.setToolTip(
            "Train both networks, on the same batches from the same seed."
            if guessed
            else "Guess first: click one of the answers above."
        )
        self.length.setEnabled(idle)
        self.pause.setEnabled(stage is Stage.TRAINING)
        self.stop.setEnabled(stage.running and stage is not Stage.STOPPING)
        self.progress.setVisible(stage.running)
        if idle:
            self.set_paused(False)

    def set_paused(self, paused: bool) -> None:
        """Say whether both stand still."""
        self._paused = paused
        self.pause.setText("Go on" if paused else "Pause")
        self.pause.setAccessibleName(self.pause.text())

    def show_progress(self, step: int, share: float) -> None:
        """Say how far both are."""
        if step:
            self.words.setText(f"step {step:,}" + (", standing still" if self._paused else ""))
        self.progress.setValue(round(1000 * share))
