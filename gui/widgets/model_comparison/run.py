"""Training all models of a comparison: one run after another, in the page's own session."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from core.model_comparison import ComparedModel
from core.telemetry.events import Finished, Metrics
from gui.background_job import STOPPING
from gui.session import Session
from gui.session_state import State


class ComparisonRun(QObject):
    """Takes the recipes of a comparison in turn; a model that is stopped or fails ends it.

    Args:
        session: what trains.
        models: the models, from the simplest on.
        take: chooses a recipe by its name, so that the page shows it.
    """

    progressed = Signal(str, float, str)
    """The model that is trained now, the share of the whole that is done, and words for it."""
    ended = Signal()

    def __init__(
        self, session: Session, models: Sequence[ComparedModel], take: Callable[[str], None]
    ) -> None:
        super().__init__(session)
        self._session = session
        self._models = models
        self._take = take
        self._which, self._seconds = "tuned", 0
        self._at, self._share = -1, 0.0
        session.metrics_added.connect(self._on_metrics)
        session.ended.connect(self._on_ended)

    @property
    def running(self) -> bool:
        """Whether a comparison is being trained."""
        return self._at >= 0

    def start(self, which: str, seconds: int) -> None:
        """Begin with the simplest model.

        Args:
            which: the recipes, ``tuned`` or ``lecture``.
            seconds: the length of each run whose recipe does not say its steps.
        """
        if self._session.state is State.READY:
            self._which, self._seconds, self._at = which, seconds, 0
            self._train()

    def stop(self) -> None:
        """End the present run, and the comparison with it."""
        self._session.stop()
        if self.running:
            self._tell(self._share)

    def _train(self) -> None:
        compared = self._models[self._at]
        self._take(compared.recipes[self._which])
        self._session.resume_from = None  # each model has sizes of its own: it begins afresh
        self._session.start(self._seconds)
        self._tell(0.0)

    def _tell(self, share: float) -> None:
        self._share = share
        compared = self._models[self._at]
        words = f"{compared.model}, {self._at + 1} of {len(self._models)}"
        if self._session.state is State.STOPPING:
            words = STOPPING
        self.progressed.emit(compared.model, (self._at + share) / len(self._models), words)

    def _on_metrics(self, metrics: Metrics) -> None:
        if self.running:
            self._tell(metrics.progress)

    def _on_ended(self, event: object) -> None:
        if not self.running or self._session.state.running:
            return  # another job has failed: the training goes on
        on = isinstance(event, Finished) and not self._session.stop_requested
        if on and self._at + 1 < len(self._models):
            self._at += 1
            self._train()
        else:
            self._at = -1
            self.ended.emit()
