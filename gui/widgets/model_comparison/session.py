"""A model comparison of a page: its models are trained, and what each run reached is kept."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.model_comparison import Result
from core.telemetry.events import DataDescribed, Finished, Started, Stopped
from core.telemetry.history import History
from gui.session import Session
from gui.session_state import State
from gui.widgets.model_comparison.panel import ComparisonPanel
from gui.widgets.model_comparison.run import ComparisonRun
from gui.widgets.recipe_card import RecipeCard

Reached = Callable[[History], tuple[float, float] | None]


class ComparisonSession(QObject):
    """Connects a comparison's panel to a session.

    Args:
        session: what trains.
        recipe: the card in which a comparison chooses its recipes.
        panel: shows what was reached.
        reached: returns what a run reached on what it learned from and on what it did not; None
            where it was not judged.
        model_of: returns the compared model that a run's model and recipe are; None for none.
        other_data: says that the references are about other data.
    """

    added = Signal(object)
    """A run has reached something: its Result."""

    def __init__(
        self,
        session: Session,
        recipe: RecipeCard,
        panel: ComparisonPanel,
        reached: Reached,
        model_of: Callable[[str], str | None],
        other_data: str,
    ) -> None:
        super().__init__(session)
        self._session, self._recipe, self._panel = session, recipe, panel
        self._reached, self._model_of, self._other_data = reached, model_of, other_data
        self.run = ComparisonRun(session, panel.models, recipe.choose)
        self.files: dict[str, str] = {}
        """The checkpoint of each model that the panel shows."""
        self._trained = ""
        self._data = ""
        """What the results are of."""
        panel.trainAsked.connect(self.run.start)
        panel.stopAsked.connect(self.run.stop)
        panel.rowChosen.connect(self._open)
        self.run.progressed.connect(panel.set_running)
        self.run.ended.connect(lambda: panel.set_running(None, 0.0, ""))
        session.data_described.connect(self._on_data_described)
        session.data_chosen.connect(self._compare_with)
        session.started.connect(self._on_started)
        session.ended.connect(self._on_ended)
        session.state_changed.connect(
            lambda state: panel.set_enabled_to_train(state is State.READY)
        )

    def _on_data_described(self, event: DataDescribed) -> None:
        if event.values["title"] != self._data:
            self._data = event.values["title"]
            self._panel.clear_results()  # what was reached on two data sets can't be compared
            self.files.clear()
        self._compare_with(event)

    def _compare_with(self, event: DataDescribed) -> None:
        self._panel.set_comparable(event.values["lecture"], self._other_data)

    def _on_started(self, event: Started) -> None:
        self._trained = self._recipe.box.currentText()

    def _on_ended(self, event: object) -> None:
        info, numbers = self._session.info, self._reached(self._session.history)
        if not isinstance(event, Finished | Stopped) or info is None or numbers is None:
            return
        if not event.checkpoint:
            return  # it was stopped before its first step
        result = Result(self._trained, info.parameters, event.step, event.seconds, *numbers)
        if model := self._model_of(info.model):
            self._panel.show_result(model, result)
            self.files[model] = event.checkpoint
        self.added.emit(result)

    def _open(self, model: str) -> None:
        if file := self.files.get(model):
            self._session.open_checkpoint(Path(file))
