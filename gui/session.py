"""A session: a playground's network as the screen knows it.

The pages ask it to train, pause, step and stop; it tells them what happened, on the GUI thread, at
a pace at which drawing stays cheap. Nothing is pushed from the training thread: a timer pulls.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core import playgrounds
from core.errors import UserError
from core.files import free_place
from core.paths import CHECKPOINTS, DOWNLOADS, RUNS
from core.runs.curves import read_curves
from core.runs.folder import LAST
from core.runs.run_info import read_run_info, recipe_of
from core.telemetry.events import (
    ENDINGS,
    Answer,
    Diagnosed,
    Evaluated,
    Examples,
    Failed,
    Fetched,
    LayerView,
    Loaded,
    Metrics,
    Noted,
    Paused,
    Progress,
    Resumed,
    Snapshot,
    Started,
    Surveyed,
    Swept,
    Weights,
)
from core.telemetry.history import History
from core.training.control import Control, Question
from core.training.recipe import Recipe
from gui import jobs
from gui.background_job import JobListener
from gui.recipe_draft import RecipeDraft
from gui.session_state import Kind, State
from gui.worker import Job, Worker

MOST_QUESTIONS = 8  # that wait for the worker at once


class Session(QObject):
    """One playground's recipe, run, history and newest network."""

    state_changed = Signal(object)
    recipe_changed = Signal(object)
    loaded = Signal(object)
    started = Signal(object)
    metrics_added = Signal(object)
    snapshot_taken = Signal(object)
    weights_changed = Signal()
    frame = Signal()
    """All that came since the last look was handed on: time to draw."""
    examples_taken = Signal(object)
    surveyed = Signal(object)
    evaluated = Signal(object)
    layer_viewed = Signal(object)
    ended = Signal(object)
    progressed = Signal(object)
    noted = Signal(object)
    """Something is not as it should be, though the run goes on."""
    answered = Signal(object)
    swept = Signal(object)
    sweep_ended = Signal(object)
    data_chosen = Signal(object)
    """``data`` is another one now, read and found to be good; what a screen shows of it."""
    data_failed = Signal(object)
    diagnosed = Signal(object)
    """What the doctor has found by now."""
    diagnosis_asked = Signal(object)
    """A person wants to see all of what it has found."""

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
        self.draft = RecipeDraft(recipe, self)
        """The recipe of the next run, while it is edited."""
        self.draft.changed.connect(self.recipe_changed)
        self.draft.set_by_hand.connect(self._change_live)
        self.data = data
        self.device = device
        self.state = State.LOADING
        self.history = History()
        self._past = History()
        """What is known already of the run that begins, if it was broken off."""
        self.info: Started | None = None
        self.replica: Any = None
        self.weights: Weights | None = None
        self.trained = recipe
        """The recipe that the weights are of, while ``recipe`` is what comes next."""
        self._worker = worker
        self.resume_from: Path | None = None
        """The checkpoint to go on from, instead of fresh weights."""
        self._ordered = recipe
        """The recipe of the run under way, whatever becomes of ``recipe`` meanwhile."""
        self._adopt = False
        self._chosen = data
        """The data that is being read, to be learned from if it is good."""
        self._control = Control()
        self._cancel = threading.Event()
        self._listener = JobListener(worker, self)
        self._listener.frame.connect(self.frame)
        self._questions = 0
        """How many questions wait for their answer, while nothing is trained."""
        self._handlers: dict[type, Callable[[Any], object]] = {
            Started: self._on_started,
            Loaded: self._on_loaded,
            Weights: self._update_replica,
            Fetched: self._on_fetched,
            Answer: self.answered.emit,
            Swept: self.swept.emit,
            Metrics: self.metrics_added.emit,
            Snapshot: self.snapshot_taken.emit,
            Examples: self.examples_taken.emit,
            Evaluated: self.evaluated.emit,
            LayerView: self.layer_viewed.emit,
            Diagnosed: self.diagnosed.emit,
            Progress: self.progressed.emit,
            Noted: self.noted.emit,
            Paused: lambda event: self._enter(State.PAUSED),
            Resumed: lambda event: self._enter(State.TRAINING),
        }
        worker.ready.connect(self._on_ready)
        worker.broken.connect(lambda sentence: self.ended.emit(Failed(0, sentence)))

    @property
    def recipe(self) -> Any:
        """The recipe of the next run."""
        return self.draft.recipe

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        self.draft.take(recipe)

    def _on_ready(self) -> None:
        if self.state is State.CLOSED:
            return
        self._enter(State.READY)
        self.open_starter()

    def open_starter(self) -> None:
        """Play with the network that is shipped, if there is one."""
        if self.starter.is_file():
            self.open_checkpoint(self.starter, adopt=False)

    @property
    def starter(self) -> Path:
        """The file of the network that is shipped."""
        return CHECKPOINTS / f"{self.name}.safetensors"

    def open_checkpoint(self, path: Path, adopt: bool = True) -> None:
        """Play with the network of a file; ``adopt`` makes its recipe the next run's, too."""
        if self.state is State.READY:
            self._adopt = adopt
            self._enter(State.OPENING)
            self._do(Kind.OPEN, jobs.open_checkpoint(self.name, path, self.data))

    def start(self, seconds: float, paused: bool = False) -> None:
        """Train by the present recipe; on from ``resume_from``, if that is set.

        Args:
            seconds: how long, unless the recipe says how many steps.
            paused: stand still before the first step.
        """
        if self.state is not State.READY:
            return
        if self.draft.problem:
            self.ended.emit(Failed(0, f"Not started: {self.draft.problem}"))
            return
        self._control, self._ordered, self._past = Control(paused), self.recipe, History()
        folder = free_place(RUNS, f"{self.name}-{self.recipe.model}")
        steps = self.recipe.steps or None
        order = self._order(None if steps else seconds, steps, folder)
        self._enter(State.STARTING)
        self._do(Kind.RUN, jobs.train(order))

    def resume_run(self, folder: Path) -> None:
        """Do what is left of a run that was broken off or stopped; its record goes on, too."""
        if self.state is not State.READY:
            return
        from core.training.checkpoint import read_recipe

        try:
            about, last = read_run_info(folder), folder / LAST
            recipe = read_recipe(last) if last.is_file() else recipe_of(about)
            self._past = read_curves(folder)
        except UserError as error:
            self.ended.emit(Failed(0, str(error)))
            return
        self.recipe = self._ordered = recipe
        self._control = Control()
        order = self._order(about.seconds, about.steps, folder)
        self._enter(State.STARTING)
        self._do(Kind.RUN, jobs.resume(order))

    def _order(self, seconds: float | None, steps: int | None, folder: Path | None) -> jobs.Order:
        return jobs.Order(
            self.name,
            self.recipe,
            self.data,
            self.device,
            seconds,
            steps,
            folder,
            self.resume_from,
            self._control,
        )

    def fetch(self) -> None:
        """Download the full data set, and choose it."""
        self._cancel = threading.Event()
        self._enter(State.FETCHING)
        self._do(Kind.DATA, jobs.fetch(self.name, DOWNLOADS, self._cancel.is_set))

    def choose_data(self, source: Path | None) -> None:
        """Learn from other data: a folder or a file, or None for the bundled; it is read first."""
        if self.state is State.READY:
            self._chosen = source
            self._enter(State.OPENING)
            self._do(Kind.DATA, jobs.survey(self.name, source))

    def sweep(self, steps: int) -> None:
        """Try learning rates on a fresh network by the present recipe."""
        if self.state is State.READY and self.draft.problem:
            self.sweep_ended.emit(Failed(0, f"Not started: {self.draft.problem}"))
        elif self.state is State.READY:
            self._control = Control()
            self._enter(State.SWEEPING)
            order = self._order(None, steps, None)
            self._do(Kind.SWEEP, jobs.sweep(order))

    def cancel(self) -> None:
        """Give up what the data card shows the progress of: a download, or a text being cut."""
        self._cancel.set()
        if self.state in (State.STARTING, State.SWEEPING):
            self.stop()

    def pause(self) -> None:
        """Stand still at the next step edge."""
        self._control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._control.resume()

    def step(self) -> None:
        """Do a single step and stand still again."""
        self._control.step()

    @property
    def told_to_stop(self) -> bool:
        """Whether the run was asked to end, even if it had ended by itself before it heard."""
        return self._control.stopping

    def stop(self) -> None:
        """End the run; its network is judged and kept."""
        if self.state.running:
            self._enter(State.STOPPING)
        self._control.stop()

    def abandon(self) -> None:
        """End the run at once, for a window that closes; its network is kept, not judged."""
        self._control.stop(abandon=True)
        self._cancel.set()
        self._listener.forget()
        self._enter(State.CLOSED)

    def _change_live(self, key: str, value: Any) -> None:
        """Change a setting of the present run, too, if it may change live."""
        if self.state.running and self.recipe.settings()[key].live:
            self._control.change(key, value)

    def ask(self, question: Question) -> bool:
        """Have the model looked at: the one that is trained between two steps, else a copy of it.

        Returns whether it will be answered: it is refused where there is no network yet, or
        while as many questions wait as there may be.
        """
        if self.state in (State.TRAINING, State.PAUSED):
            self._control.ask(question)
        elif self.weights is not None and self._questions < MOST_QUESTIONS:
            self._questions += 1
            vocabulary = self.replica.vocabulary
            job = jobs.ask(self.name, self.trained, vocabulary, self.weights, question)
            self._listener.do(job, lambda e: self._hand_on(e, Kind.ASK), self._on_answered)
        else:
            return False
        return True

    def _on_answered(self) -> None:
        self._questions -= 1

    def _do(self, kind: Kind, job: Job) -> None:
        self._listener.do(job, lambda event: self._hand_on(event, kind))

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)

    def _hand_on(self, event: object, kind: "Kind") -> None:
        self.history.add(event)
        if isinstance(event, ENDINGS):
            self._on_ended(event, kind)
        elif isinstance(event, Surveyed):
            self._on_surveyed(event, kind)
        elif handle := self._handlers.get(type(event)):
            handle(event)

    def _on_started(self, event: Started) -> None:
        self.info = event
        self.history, self._past = self._past, History()
        self.history.cut(event.step)
        self._make_replica(self._ordered, event)
        self._enter(State.TRAINING)
        self.started.emit(event)

    def _on_loaded(self, event: Loaded) -> None:
        recipe = self.recipe.from_dict(event.recipe)
        if self._adopt:
            self.recipe = recipe
        self.info = event.started
        self.history = History()
        self._make_replica(recipe, event.started)
        self._update_replica(event.weights)
        self._enter(State.READY)
        self.loaded.emit(event)

    def _on_fetched(self, event: Fetched) -> None:
        self._enter(State.READY)
        self.choose_data(Path(event.folder))

    def _on_surveyed(self, event: Surveyed, kind: Kind) -> None:
        if kind is not Kind.DATA:
            self.surveyed.emit(event)
            return
        self.data = self._chosen
        self._enter(State.READY)
        self.data_chosen.emit(event)

    def _on_ended(self, event: object, kind: "Kind") -> None:
        """A run has ended, or another job has failed; only what moved the state moves it back."""
        late = kind is Kind.OPEN and self.state is not State.OPENING
        if kind is not Kind.ASK and not late:
            self._enter(State.READY)
        if kind is Kind.DATA:
            self.data_failed.emit(event)
        elif kind is Kind.SWEEP:
            self.sweep_ended.emit(event)
        else:
            self.ended.emit(event)

    def _make_replica(self, recipe: Recipe, started: Started) -> None:
        import torch

        from core.training.replica import Replica

        self.trained = recipe
        torch.set_num_threads(1)  # of this thread: a picture at a time is quickest alone
        self.replica = Replica(playgrounds.get(self.name), recipe, started.vocabulary)

    def copy_replica(self) -> Any:
        """Return a replica of its own with the present weights, to be kept beside others."""
        from core.training.replica import Replica

        copy = Replica(self.replica.playground, self.trained, self.replica.vocabulary)
        if self.weights is not None:
            copy.update(self.weights.arrays)
        return copy

    def _update_replica(self, weights: Weights) -> None:
        self.weights = weights
        self.replica.update(weights.arrays)
        self.weights_changed.emit()
