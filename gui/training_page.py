"""The page of a playground: what the pages of digits, names, text and points have in common."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QTabWidget, QWidget

from core.errors import UserError
from core.files import is_file
from core.runs.folder import LAST
from core.telemetry.events import Failed
from core.training.recipe import Recipe
from gui.network_source import NetworkSource
from gui.pages import Page, ShowPage
from gui.session import Session
from gui.session_state import State
from gui.state_file import value_of
from gui.widgets.code_card import CodeCard
from gui.widgets.data_card import DataCard
from gui.widgets.intervention_strip import InterventionStrip
from gui.widgets.learning_panel import LearningPanel
from gui.widgets.lr_range_card import LRRangeCard
from gui.widgets.model_comparison.panel import ComparisonPanel
from gui.widgets.network_panel import NetworkPanel
from gui.widgets.object_names import qualified, qualify
from gui.widgets.page_button import Mark
from gui.widgets.recipe_card import RecipeCard
from gui.widgets.representation_card import RepresentationCard
from gui.widgets.run_bar import RunBar
from gui.worker import Worker

TRAINS = Mark("play", "update", "training")
WAITS = Mark("waiting", "muted", "waiting for its turn")
W = TypeVar("W", bound=QObject)


class TrainingPage(Page):
    """The page of a playground: a session, with the recipe and the buttons of its run.

    Args:
        name: of the playground.
        recipes: by their names; the first is the one to begin with.
        worker: does the work.
        data: a folder of full data sets; None for the bundled data.
        device: where networks are trained.
    """

    stands_alone = True
    tabs: QTabWidget
    """The tabs in the middle; one of them is ``network_panel``."""
    data: DataCard | None = None
    """Where other data can be chosen; None where there is none."""
    learning: LearningPanel | None = None
    """The curves and the layers; None where there are none."""
    recipe_restored = False
    """Whether the recipe is the last one of the start before this."""
    range_test: LRRangeCard | None = None
    """The learning-rate range test; None where there is none."""
    comparison_panel: ComparisonPanel | None = None
    """The model comparison; None where there is none."""
    representation: RepresentationCard | None = None
    """Examples as points, where a layer puts them; None where there is none."""

    def __init__(
        self,
        name: str,
        recipes: Mapping[str, Recipe],
        worker: Worker,
        data: Path | None,
        device: str,
    ) -> None:
        super().__init__()
        self.setObjectName(f"page{name.capitalize()}")
        first = next(iter(recipes.values()))
        self.session = Session(name, first, worker, data, device, self)
        self.network = NetworkSource(self.session, self)
        self.recipe = RecipeCard(self.session, recipes, self.network)
        self.run_bar = RunBar(self.session)
        self.strip = InterventionStrip(self.session, self)
        self.code = CodeCard(self.session, self.recipe.show_code, self.network)
        self.network_panel = NetworkPanel(self.session, self.network)
        self.network_panel.opened.connect(self._open_layer)
        self.network_panel.table_asked.connect(self._show_table)
        self.network_panel.code_asked.connect(self.code.show_network)
        self.recipe.start_from.currentTextChanged.connect(lambda words: self.code.refresh())
        self.session.state_changed.connect(lambda state: self.marks_changed.emit())
        self.run_bar.badge.changed.connect(self.marks_changed)
        self.session.range_test_ended.connect(self._on_range_test_ended)

    def _on_range_test_ended(self, event: object) -> None:
        if isinstance(event, Failed):
            self.run_bar.tell(event.sentence)

    def _show_table(self) -> None:
        if self.learning is not None:
            self.learning.close_layer()
            self.tabs.setCurrentWidget(self.learning)

    def _open_layer(self, name: str) -> None:
        if self.learning is not None:
            self.tabs.setCurrentWidget(self.learning)
            self.learning.open_layer(name)

    def marks(self) -> list[Mark]:
        """Return whether a network is trained or waits, and what the doctor has found."""
        found, state = [], self.session.state
        if state is State.PAUSED:
            found.append(Mark("pause", "muted", "paused"))
        elif state is State.WAITING:
            found.append(WAITS)
        elif state.running or state is State.RANGE_TEST:
            found.append(TRAINS)
        if finding := self.run_bar.badge.finding():
            icon, role, title = finding
            found.append(Mark(icon, role, f"the doctor has found: {title}"))
        return found

    def shared(self) -> list[QWidget]:
        """Return the parts whose like is on the other playgrounds' pages, too."""
        parts = (
            self.data,
            self.recipe,
            self.run_bar,
            self.strip,
            self.code,
            self.learning,
            self.network_panel,
            self.range_test,
            self.comparison_panel,
            self.representation,
        )
        return [part for part in parts if part is not None]

    def meet(self, pages: Mapping[str, Page], show_page: ShowPage) -> None:
        """Take names that no other page has, before anybody asks for one."""
        for part in self.shared():
            qualify(part, self.session.name)

    def findChild(  # noqa: N802, Qt's name
        self,
        type: type[W],
        name: str | None = None,
        options: Qt.FindChildOption = Qt.FindChildOption.FindChildrenRecursively,
    ) -> W | None:
        """Find a widget by its name, with the page's behind it or without: it is this page's."""
        found: W | None
        if name is None:
            found = super().findChild(type, options=options)
        else:
            own = qualified(name, self.session.name)
            found = super().findChild(type, name, options) or super().findChild(type, own, options)
        return found

    def save_state(self) -> dict[str, Any]:
        """Return recipe, data, network and the length of a run, and what its widgets say."""
        session = self.session
        data, network = session.data, self.network.path
        if session.beginning:
            data, network = session.first_data, session.first_network
        elif self.network.in_training and session.record:
            # It is written when the run has ended, if that has done a step.
            network = session.record / LAST if len(session.history.loss.x) else session.before
        return super().save_state() | {
            "recipe": session.recipe.to_dict(),
            "data": str(data) if data else None,
            "network": str(network) if network and network != session.starter else None,
            "seconds": self.run_bar.transport.seconds,
        }

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Take recipe, data and network, as far as they are still there."""
        problems = super().restore_state(values)
        title, session = self.session.name.capitalize(), self.session
        length = self.run_bar.transport.length
        seconds = value_of(values, "seconds", int, length.value())
        if length.minimum() <= seconds <= length.maximum():
            length.setValue(seconds)  # before a recipe may put steps in its place
        if recipe := value_of(values, "recipe", dict, {}):
            try:
                session.draft.take(session.recipe.from_dict(recipe), remember=False)
                self.recipe_restored = True
            except UserError as error:
                problems.append(f"{title}: the last training settings can't be used. {error}")
        if "data" in values:
            data = value_of(values, "data", str, "")
            if not data or os.path.exists(data):  # noqa: PTH110, pathlib raises where none may look
                session.first_data = Path(data) if data else None
            else:
                problems.append(f"{title}: {data} is gone; the bundled data is used.")
        if network := value_of(values, "network", str, ""):
            if is_file(network):
                session.first_network = Path(network)
            else:
                gone = "is gone; the shipped network is used."
                problems.append(f"{title}: the network {network} {gone}")
        return problems

    def abandon(self) -> None:
        """End the run, and what the session has asked for."""
        self.session.abandon()


def training_pages(pages: Mapping[str, Page]) -> dict[str, TrainingPage]:
    """Return the pages of playgrounds, by their names."""
    return {name: page for name, page in pages.items() if isinstance(page, TrainingPage)}
