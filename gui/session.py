"""A session: a playground's network as the screen knows it.

The pages ask it to train, pause, step and stop; it tells them what happened, on the GUI thread, at
a pace at which drawing stays cheap. Nothing is pushed from the training thread: a timer pulls.
"""

import threading
import time
from enum import Enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core import playgrounds
from core.paths import CHECKPOINTS, DOWNLOADS, RUNS
from core.telemetry.events import (
    ENDINGS,
    Evaluated,
    Examples,
    Fetched,
    LayerView,
    Loaded,
    Metrics,
    Paused,
    Progress,
    Resumed,
    Snapshot,
    Started,
    Weights,
)
from core.telemetry.history import History
from core.telemetry.mailbox import Mailbox
from core.training.control import Control, Question
from core.training.recipe import Recipe
from gui import worker as jobs
from gui.worker import Worker

FRAME = 0.1  # seconds between two looks into the mailbox, where drawing is cheap
SLOWEST = 0.5  # seconds between them at most
SHARE = 0.06  # of the wall clock at most goes into drawing


class State(Enum):
    """Where a session stands; the word is what the screen says."""

    LOADING = "Loading torch"
    """The program is up, torch is not; one can draw, but nothing answers yet."""
    READY = "Ready"
    """A network is there to play with; nothing is being trained."""
    STARTING = "Starting"
    """A run was asked for; data and model are being made."""
    TRAINING = "Training"
    """Steps are being done."""
    PAUSED = "Paused"
    """The run stands at a step edge; step, go on or stop."""
    STOPPING = "Stopping"
    """The run ends: the network is judged and kept."""

    FETCHING = "Downloading"
    """Data is being fetched; one can play, not train."""

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self in (State.STARTING, State.TRAINING, State.PAUSED, State.STOPPING)


class Session(QObject):
    """One playground's recipe, run, history and newest network."""

    state_changed = Signal(object)
    loaded = Signal(object)
    started = Signal(object)
    metrics_added = Signal(object)
    snapshot_taken = Signal(object)
    weights_changed = Signal()
    frame = Signal()
    """All that came since the last look was handed on: time to draw."""
    examples_taken = Signal(object)
    evaluated = Signal(object)
    layer_viewed = Signal(object)
    ended = Signal(object)
    progressed = Signal(object)
    fetched = Signal(object)
    fetch_failed = Signal(object)

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        worker: Worker,
        data: Path | None = None,
        device: str = "auto",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.recipe = recipe
        self.data = data
        self.device = device
        self.state = State.LOADING
        self.history = History()
        self.info: Started | None = None
        self.replica: Any = None
        self.weights: Weights | None = None
        self.trained = recipe
        """The recipe that the weights are of, while ``recipe`` is what comes next."""
        self._worker = worker
        self.resume_from: Path | None = None
        """The checkpoint to go on from, instead of fresh weights."""
        self._adopt = False
        self._control = Control()
        self._cancel = threading.Event()
        self._mailboxes: list[Mailbox] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._pull)
        worker.ready.connect(self._on_ready)

    def _on_ready(self) -> None:
        starter = CHECKPOINTS / f"{self.name}.safetensors"
        if starter.is_file():
            self.open_checkpoint(starter, adopt=False)
        else:
            self._enter(State.READY)

    def open_checkpoint(self, path: Path, adopt: bool = True) -> None:
        """Play with the network of a file; ``adopt`` makes its recipe the next run's, too."""
        if not self.state.running:
            self._adopt = adopt
            self._listen(jobs.open_checkpoint(self.name, path, self.data))

    def start(self, seconds: float, paused: bool = False) -> None:
        """Train by the present recipe; on from ``resume_from``, if that is set."""
        if self.state is not State.READY:
            return
        self._control = Control(paused)
        out = RUNS / f"{self.name}-{time.strftime('%Y%m%d-%H%M%S')}.safetensors"
        order = jobs.Order(
            self.name,
            self.recipe,
            self.data,
            self.device,
            seconds,
            out,
            self.resume_from,
            self._control,
        )
        self._enter(State.STARTING)
        self._listen(jobs.train(order))

    def fetch(self) -> None:
        """Download the full data set; ``fetched`` or ``fetch_failed`` tells how it went."""
        self._cancel = threading.Event()
        self._enter(State.FETCHING)
        self._listen(jobs.fetch(self.name, DOWNLOADS, self._cancel.is_set))

    def cancel_fetch(self) -> None:
        """Give up a download."""
        self._cancel.set()

    def pause(self) -> None:
        """Stand still at the next step edge."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._control.resume()

    def step(self) -> None:
        """Do a single step and stand still again."""
        self._control.step()

    def stop(self) -> None:
        """End the run; its network is judged and kept."""
        if self.state.running:
            self._enter(State.STOPPING)
            self._control.stop()

    def abandon(self) -> None:
        """End the run at once, for a window that closes; its network is kept, not judged."""
        self._control.stop(abandon=True)
        self._cancel.set()
        self._timer.stop()
        self._mailboxes.clear()

    def change(self, key: str, value: Any) -> None:
        """Change a setting: of the next run, and of the present one if it may change live."""
        self.recipe = self.recipe.replace({key: value})
        if self.state.running and self.recipe.settings()[key].live:
            self._control.change(key, getattr(self.recipe, key))

    def ask(self, question: Question) -> None:
        """Have the model looked at: the training one at a step edge, else the replica."""
        if self.state in (State.TRAINING, State.PAUSED):
            self._control.ask(question)
        elif self.state is State.READY and self.weights is not None:
            self._listen(jobs.ask(self.name, self.trained, self.weights, question))

    def _listen(self, job: Any) -> None:
        self._mailboxes.append(self._worker.do(job))
        if not self._timer.isActive():
            self._timer.start(0)

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)

    def _pull(self) -> None:
        """Take what has come, hand it on, and look again after a pause that drawing has earned."""
        begin = time.thread_time()
        for mailbox in list(self._mailboxes):
            closed = mailbox.closed  # asked first: what is drained after it is all there was
            for event in mailbox.drain():
                self._hand_on(event)
            if closed:
                self._mailboxes.remove(mailbox)
        self.frame.emit()
        # Painting is done when Qt comes back to its timers: only then is the cost known.
        QTimer.singleShot(0, self, lambda: self._rest(time.thread_time() - begin))

    def _rest(self, spent: float) -> None:
        if self._mailboxes:
            self._timer.start(round(1000 * min(SLOWEST, max(FRAME, spent / SHARE))))

    def _hand_on(self, event: object) -> None:
        self.history.add(event)
        if isinstance(event, Metrics):
            self.metrics_added.emit(event)
        elif isinstance(event, Snapshot):
            self.snapshot_taken.emit(event)
        elif isinstance(event, Weights):
            self._update_replica(event)
        elif isinstance(event, Examples):
            self.examples_taken.emit(event)
        elif isinstance(event, Evaluated):
            self.evaluated.emit(event)
        elif isinstance(event, LayerView):
            self.layer_viewed.emit(event)
        elif isinstance(event, Progress):
            self.progressed.emit(event)
        elif isinstance(event, Fetched):
            self._on_fetched(event)
        elif isinstance(event, Loaded):
            self._on_loaded(event)
        elif isinstance(event, Started):
            self._on_started(event)
        elif isinstance(event, Paused):
            self._enter(State.PAUSED)
        elif isinstance(event, Resumed):
            self._enter(State.TRAINING)
        elif isinstance(event, ENDINGS):
            self._on_ended(event)

    def _on_started(self, event: Started) -> None:
        self.info = event
        self.history = History()
        self._make_replica(self.recipe)
        self._enter(State.TRAINING)
        self.started.emit(event)

    def _on_loaded(self, event: Loaded) -> None:
        recipe = self.recipe.from_dict(event.recipe)
        if self._adopt:
            self.recipe = recipe
        self.info = event.started
        self.history = History()
        self._make_replica(recipe)
        self._update_replica(event.weights)
        self._enter(State.READY)
        self.loaded.emit(event)

    def _on_fetched(self, event: Fetched) -> None:
        self._enter(State.READY)
        self.fetched.emit(event)

    def _on_ended(self, event: object) -> None:
        fetching = self.state is State.FETCHING
        self._enter(State.READY)
        (self.fetch_failed if fetching else self.ended).emit(event)

    def _make_replica(self, recipe: Recipe) -> None:
        import torch

        from core.training.replica import Replica

        self.trained = recipe
        torch.set_num_threads(1)  # of this thread: a picture at a time is quickest alone
        self.replica = Replica(playgrounds.get(self.name), recipe)

    def _update_replica(self, weights: Weights) -> None:
        self.weights = weights
        self.replica.update(weights.arrays)
        self.weights_changed.emit()
