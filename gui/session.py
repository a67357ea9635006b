"""A session: a playground's network, its run and its history, for the screen.

The pages ask it to train, pause, step and stop; it reports what happened by signals, on the GUI
thread. Each thing that it has the worker do is a background job of its own.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core import playgrounds
from core.errors import UserError
from core.files import free_place
from core.paths import CHECKPOINTS, DOWNLOADS, RUNS
from core.runs.curves import read_curves
from core.runs.folder import LAST
from core.runs.run_info import read_run_info, recipe_of
from core.telemetry.events import (
    Answer,
    DataDescribed,
    Diagnosed,
    Evaluated,
    Examples,
    Failed,
    Fetched,
    LayerView,
    Loaded,
    LRRangeTest,
    Metrics,
    Noted,
    Paused,
    Progress,
    Resumed,
    Snapshot,
    Started,
    Stopped,
    Weights,
)
from core.telemetry.history import History
from core.training.control import Question
from core.training.recipe import Recipe
from gui import jobs
from gui.background_job import BackgroundJob, Stage
from gui.layer_choice import LayerChoice
from gui.recipe_draft import RecipeDraft
from gui.session_state import State
from gui.worker import NOT_BEGUN, Worker

if TYPE_CHECKING:
    from core.interventions import Intervention
    from core.training.ablation import Judge

NOT_STARTED = "Not started: "


class Session(QObject):
    """One playground's recipe, run, history and newest network."""

    state_changed = Signal(object)
    recipe_changed = Signal(object)
    loaded = Signal(object)
    started = Signal(object)
    metrics_added = Signal(object)
    snapshot_taken = Signal(object)
    weights_changed = Signal()
    intervened = Signal()
    """``interventions`` are other ones now; ``weights_changed`` follows."""
    frame = Signal()
    """All that came since the last time was passed on: time to draw."""
    examples_taken = Signal(object)
    data_described = Signal(object)
    evaluated = Signal(object)
    layer_viewed = Signal(object)
    ended = Signal(object)
    progressed = Signal(object)
    waiting = Signal(str)
    """Which jobs the run or a range test waits for, in a sentence; "" for none."""
    noted = Signal(object)
    """A problem of a run that continues."""
    answered = Signal(object)
    range_tested = Signal(object)
    range_test_ended = Signal(object)
    data_chosen = Signal(object)
    """``data`` is another one now, read and found to be good; what a screen shows of it."""
    data_failed = Signal(object)
    diagnosed = Signal(object)
    """What the doctor has found by now."""
    diagnosis_asked = Signal(object)
    """A person wants to see its report."""

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
        self.draft.changed.connect(self._change_live)
        self.choice = LayerChoice(self)
        """The part of the network that is looked at."""
        self.data = data
        self.device = device
        self.state = State.LOADING
        self.history = History()
        self._past = History()
        """What is known already of the run that begins, if it was interrupted."""
        self.info: Started | None = None
        self.replica: Any = None
        self.interventions: tuple[Intervention, ...] = ()
        """What the replica computes with; the training's own network has none."""
        self._unchanged: tuple[Weights | None, Any] = (None, None)
        """A copy of the replica without interventions, and the weights that it has."""
        self.weights: Weights | None = None
        """Of the network on the screen; None for none, or until its first ones come."""
        self.snapshot: Snapshot | None = None
        """The newest look at the layers, for widgets that were hidden when it was taken."""
        self.trained = recipe
        """The recipe that the weights are of, while ``recipe`` is what comes next."""
        self._worker = worker
        self.first_data = data
        """What to train on as soon as torch is there, if it is not ``data``."""
        self.first_network: Path | None = None
        """The checkpoint to use as soon as torch is there; None for the one that is shipped."""
        self.beginning = True
        """Whether the first data and network are still on their way."""
        self._to_open: list[Path] = []
        """The checkpoints to begin with: the next is opened where one can't be used."""
        self.record: Path | None = None
        """The folder of the run under way, or of the last one."""
        self.resume_from: Path | None = None
        """The checkpoint to continue from, instead of a new initialisation."""
        self._ordered = recipe
        """The recipe of the run under way, whatever becomes of ``recipe`` meanwhile."""
        self._live: dict[str, Any] = {}
        """The settings of the run under way that were changed since it began."""
        self._adopt = False
        self._chosen = data
        """The data that is being read, to be trained on if it can be."""
        self.file: Path | None = None
        """Where the network on the screen is kept; None while it is nowhere yet."""
        self.before: Path | None = None
        """Where the network is kept that was there before the run under way."""
        self._questions: dict[str, Question] = {}
        """Those that have no answer yet and are not the training's, by topic."""
        self._asked: tuple[str, Question] | None = None
        """The question that the worker has, and its topic."""
        page = name.capitalize()
        self._run = self._make_job(self._on_run_ended, page)
        test = f"the learning-rate range test of {page}"
        self._range_test = self._make_job(self._on_range_test_ended, test)
        self._file = self._make_job(self._on_file_ended)
        self._reading = self._make_job(self._on_reading_ended)
        self._download = self._make_job(self._on_reading_ended)
        self._answer = self._make_job(self._on_answer_ended)
        self._handlers: dict[type, Callable[[Any], object]] = {
            Started: self._on_started,
            Loaded: self._on_loaded,
            Weights: self._update_replica,
            DataDescribed: self.data_described.emit,
            Answer: self.answered.emit,
            LRRangeTest: self.range_tested.emit,
            Metrics: self.metrics_added.emit,
            Snapshot: self._on_snapshot,
            Examples: self.examples_taken.emit,
            Evaluated: self.evaluated.emit,
            LayerView: self.layer_viewed.emit,
            Diagnosed: self.diagnosed.emit,
            Progress: self.progressed.emit,
            Noted: self.noted.emit,
            Paused: lambda event: self._enter(State.PAUSED),
            Resumed: lambda event: self._enter(self._moving()),
        }
        worker.ready.connect(self._on_ready)
        worker.broken.connect(self._on_broken)

    def _make_job(self, on_ended: Callable[[Any], None], title: str = "") -> BackgroundJob:
        """Return a job that others wait for by its title; without one it is quick."""
        made = BackgroundJob(self._worker, self, title, quick=not title)
        made.waiting_changed.connect(self._on_waiting)
        made.received.connect(partial(self._on_event, made))
        made.frame.connect(self.frame)
        made.ended.connect(on_ended)
        return made

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
        first = (self.first_network, self.starter)
        self._to_open = [path for path in first if path is not None and path.is_file()]
        if self.first_data != self.data:
            self.choose_data(self.first_data)
        else:
            self._open_next()

    def _open_next(self) -> None:
        if self._to_open:
            self.open_checkpoint(self._to_open.pop(0), adopt=False)
        else:
            self.beginning = False

    def _on_broken(self, sentence: str) -> None:
        if self.state is not State.CLOSED:
            self._enter(State.UNAVAILABLE)
            self.ended.emit(Failed(0, sentence))

    def open_starter(self) -> None:
        """Use the pretrained network that is shipped, if there is one."""
        if self.starter.is_file():
            self.open_checkpoint(self.starter, adopt=False)

    @property
    def starter(self) -> Path:
        """The file of the network that is shipped."""
        return CHECKPOINTS / f"{self.name}.safetensors"

    def open_checkpoint(self, path: Path, adopt: bool = True) -> None:
        """Use the network of a file; ``adopt`` makes its recipe the next run's, too."""
        if self.state is State.READY:
            self._adopt = adopt
            self._enter(State.OPENING)
            self._file.start(partial(jobs.open_checkpoint, self.name, path, self.data))

    def start(self, seconds: float, paused: bool = False) -> None:
        """Train by the present recipe; on from ``resume_from``, if that is set.

        Args:
            seconds: how long, unless the recipe says how many steps.
            paused: pause before the first step.
        """
        if self.state is not State.READY:
            return
        if self.draft.problem:
            self.ended.emit(Failed(0, f"{NOT_STARTED}{self.draft.problem}"))
            return
        self._ordered, self._live, self._past = self.recipe, {}, History()
        folder = self.record = free_place(RUNS, f"{self.name}-{self.recipe.model}")
        request = self.request(seconds)
        self._enter(State.STARTING)
        self._run.start(partial(jobs.train, request, folder, self.resume_from), paused)

    def resume_run(self, folder: Path) -> None:
        """Do what is left of a run that was interrupted or stopped; its record goes on, too."""
        if self.state is not State.READY:
            return
        from core.training.checkpoint import read_recipe

        try:
            about, last = read_run_info(folder), folder / LAST
            recipe = read_recipe(last) if last.is_file() else recipe_of(about)
        except UserError as error:
            self.ended.emit(Failed(0, str(error)))
            return
        try:
            self._past = read_curves(folder, len(about.layers))
        except UserError:  # the run goes on without what was, and says so
            self._past = History()
        self.recipe = self._ordered = recipe
        self._live, self.record = {}, folder
        self._enter(State.STARTING)
        self._run.start(partial(jobs.resume, folder))

    def request(self, seconds: float, steps: int = 0) -> jobs.RunRequest:
        """Return the request for a run by the present recipe.

        Args:
            seconds: how long, where neither ``steps`` nor the recipe says how many steps.
            steps: how many; 0 for as many as the recipe says.
        """
        steps = steps or self.recipe.steps
        length = (None, steps) if steps else (seconds, None)
        return jobs.RunRequest(self.name, self.recipe, self.data, self.device, *length)

    def fetch(self) -> None:
        """Download the full data set, and choose it."""
        self._enter(State.FETCHING)
        self._download.start(partial(jobs.fetch, self.name, DOWNLOADS))

    def choose_data(self, source: Path | None) -> None:
        """Train on other data: a folder or a file, or None for the bundled; it is read first."""
        if self.state is State.READY:
            self._chosen = source
            self._enter(State.OPENING)
            self._reading.start(partial(jobs.describe_data, self.name, source))

    def range_test(self, steps: int) -> None:
        """Do a learning-rate range test on a fresh network by the present recipe."""
        if self.state is State.READY and self.draft.problem:
            self.range_test_ended.emit(Failed(0, f"{NOT_STARTED}{self.draft.problem}"))
        elif self.state is State.READY:
            self._enter(State.RANGE_TEST)
            self._range_test.start(partial(jobs.lr_range_test, self.request(0.0, steps)))

    def cancel(self) -> None:
        """Give up what the data card shows the progress of: a download, or data made ready."""
        self._reading.stop()
        self._download.stop()
        if self.state is State.RANGE_TEST or (self.state.running and not self.begun):
            self.stop()

    def intervene(self, interventions: Iterable["Intervention"]) -> None:
        """Let the network on the screen compute with these, and with no others."""
        from core.interventions import intervene

        kept = tuple(each for each in interventions if not each.changes_nothing)
        if self.replica is None or kept == self.interventions:
            return
        self.interventions = kept
        intervene(self.replica.model, kept)
        self.intervened.emit()
        self.weights_changed.emit()

    def change_part(self, intervention: "Intervention") -> None:
        """Let the network on the screen compute with this one in place of any on the same part."""
        others = [each for each in self.interventions if each.part != intervention.part]
        self.intervene([*others, intervention])

    def judge(self, most: int) -> "Judge":
        """Return who judges the network on the screen on so many validation examples.

        For questions alone: it reads the data where they are answered.
        """
        from core.training.ablation import Judge

        load = partial(jobs.data_of, self.name, self.data)
        playground = playgrounds.get(self.name)
        return Judge(playground, self.trained, self.replica.vocabulary, load, most)

    def pause(self) -> None:
        """Pause before the next step."""
        self._run.control.pause()

    def resume(self) -> None:
        """Continue after a pause."""
        self._run.control.resume()

    def step(self) -> None:
        """Do a single step, then pause."""
        self._run.control.step()

    @property
    def on_cpu(self) -> bool:
        """Whether its networks are trained on the CPU, as far as that is known before torch is."""
        if self.device != "auto":
            return self.device == "cpu"
        if self.state in (State.LOADING, State.UNAVAILABLE):
            return True
        from core.training.device import choose_device

        return choose_device().type == "cpu"

    @property
    def begun(self) -> bool:
        """Whether the run under way has begun: there is a network that it trains."""
        return self._run.stage is Stage.TRAINING

    @property
    def queued(self) -> tuple[BackgroundJob, ...]:
        """What waits for its turn where others have it: the run and the range test."""
        return self._run, self._range_test

    def _moving(self) -> State:
        """Return the state of a run that goes on as soon as it has its turn."""
        return State.WAITING if self._run.waits_for else State.TRAINING

    def _on_waiting(self, sentence: str) -> None:
        if sentence and self.state in (State.STARTING, State.TRAINING):
            self._enter(State.WAITING)
        elif not sentence and self.state is State.WAITING:
            self._enter(State.TRAINING if self.begun else State.STARTING)
        self.waiting.emit(sentence)

    @property
    def stop_requested(self) -> bool:
        """Whether the run was asked to stop, even if it had ended by itself before it did."""
        return self._run.control.stopping

    def stop(self) -> None:
        """End the run, or the range test; a run's network is evaluated and kept."""
        if self.state.running:
            self._enter(State.STOPPING)
            self._run.stop()
        self._range_test.stop()

    def abandon(self) -> None:
        """End the run at once, for a window that closes; its network is kept, not evaluated."""
        for job in self.findChildren(BackgroundJob):
            job.abandon()
        self._enter(State.CLOSED)

    def _change_live(self, recipe: Recipe) -> None:
        """Change the settings of the present run, too, that may change live."""
        for key, about in recipe.settings().items() if self.state.running else ():
            value = getattr(recipe, key)
            if about.live and value != self._live.get(key, getattr(self._ordered, key)):
                self._live[key] = value
                self._run.control.change(key, value)

    def ask(self, question: Question, topic: str) -> bool:
        """Have a question about the model answered by an event: by the training one, else a copy.

        Args:
            question: looks at the model.
            topic: what it is about; it replaces a question on the same that has no answer yet.

        Returns:
            Whether it will be answered: there is a network.
        """
        if self.state is State.CLOSED or (self.weights is None and not self.begun):
            return False
        self._questions[topic] = question
        self._ask_next()
        return True

    def _ask_next(self) -> None:
        if self.begun:
            for topic, question in self._questions.items():
                self._run.control.ask(question, topic)
            self._questions.clear()
        elif self._questions and self.weights and self._answer.stage is Stage.IDLE:
            topic, question = self._asked = next(iter(self._questions.items()))
            del self._questions[topic]
            network = (self.name, self.trained, self.replica.vocabulary, self.weights)
            self._answer.start(partial(jobs.ask, *network, question))

    def _on_answer_ended(self, ending: Any) -> None:
        assert self._asked is not None
        if ending == NOT_BEGUN:
            self._questions.setdefault(*self._asked)
        elif isinstance(ending, Failed):
            self.noted.emit(Noted(ending.sentence))
        self._ask_next()

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)

    def _on_event(self, job: BackgroundJob, event: object) -> None:
        self.history.add(event)
        if job in (self._reading, self._download) and isinstance(event, DataDescribed | Fetched):
            self._on_read(event)
        elif handler := self._handlers.get(type(event)):
            handler(event)

    def _on_started(self, event: Started) -> None:
        self.beginning = False
        self._file.drop()  # what it has still to tell is not of this run's network
        self._meet(event)
        self.file, self.before = None, self.file or self.before
        self.history, self._past = self._past, History()
        self.history.cut(event.step)
        self._make_replica(self._ordered, event)
        self._enter(self._moving())
        self._answer.stop()  # what waits behind the run is the run's to answer
        self._ask_next()
        self.started.emit(event)

    def _on_loaded(self, event: Loaded) -> None:
        self.beginning = False
        recipe = self.recipe.from_dict(event.recipe)
        if self._adopt:
            self.recipe = recipe
        self._meet(event.started)
        self.file = Path(event.path)
        self.history = History()
        self._make_replica(recipe, event.started, event.weights)
        self.weights_changed.emit()
        self._enter(State.READY)
        self.loaded.emit(event)

    def _meet(self, network: Started) -> None:
        """Have another network; what waits is asked of layers that it may not have."""
        before, self.info, self.snapshot = self.info, network, None
        if before is not None and before.layers != network.layers:
            self._questions.clear()
            self._answer.drop()

    def _on_snapshot(self, event: Snapshot) -> None:
        self.snapshot = event
        self.snapshot_taken.emit(event)

    def _on_read(self, event: DataDescribed | Fetched) -> None:
        self._enter(State.READY)
        if isinstance(event, Fetched):
            self.choose_data(Path(event.folder))
        else:
            self.data = self._chosen
            self.data_chosen.emit(event)

    def _on_reading_ended(self, ending: Any) -> None:
        if ending is not None:
            self._enter(State.READY)
            cancelled = Failed(0, "Cancelled before it began; nothing was downloaded.")
            self.data_failed.emit(cancelled if ending == NOT_BEGUN else ending)
        if self.beginning:
            self._open_next()

    def _on_file_ended(self, ending: Any) -> None:
        if self.state is State.OPENING:
            self._enter(State.READY)
        if ending is not None:
            self.ended.emit(ending)
            if self.beginning:
                self._open_next()

    def _on_run_ended(self, ending: Any) -> None:
        self._enter(State.READY)
        for topic, question in self._run.control.take().questions.items():
            self.ask(question, topic)
        if ending is not None and ending.checkpoint:
            self.file = Path(ending.checkpoint)
        elif isinstance(ending, Stopped) and self.file is None and self.before is not None:
            # It was stopped before its first step: what was there comes back.
            self.open_checkpoint(self.before, adopt=False)
        self.ended.emit(ending)

    def _on_range_test_ended(self, ending: Any) -> None:
        self._enter(State.READY)
        self.range_test_ended.emit(ending)

    def _make_replica(
        self, recipe: Recipe, started: Started, weights: Weights | None = None
    ) -> None:
        import torch

        from core.training.replica import Replica

        self.trained = recipe
        torch.set_num_threads(1)  # of this thread: a picture or a token at a time is quickest alone
        arrays = weights.arrays if weights else None
        self.replica = Replica(playgrounds.get(self.name), recipe, started.vocabulary, arrays)
        self.weights = weights  # not those of another network, until the first ones come
        self._unchanged = None, None
        if self.interventions:  # on a network that is gone
            self.interventions = ()
            self.intervened.emit()

    def copy_replica(self) -> Any:
        """Return a replica of its own with the present weights, to be kept beside others."""
        from core.training.replica import Replica

        arrays = self.weights.arrays if self.weights is not None else None
        return Replica(self.replica.playground, self.trained, self.replica.vocabulary, arrays)

    def unchanged_replica(self) -> Any:
        """Return the network on the screen as it is without interventions, for whoever explains it.

        It is the replica itself where there are none.
        """
        if not self.interventions:
            return self.replica
        if self._unchanged[0] is not self.weights:
            self._unchanged = self.weights, self.copy_replica()
        return self._unchanged[1]

    def _update_replica(self, weights: Weights) -> None:
        self.weights = weights
        self.replica.update(weights.arrays)
        self.weights_changed.emit()
