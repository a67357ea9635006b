"""What a page of the window is, and which there are: the folders of gui with a module ``page``."""

import importlib
import os
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QTabWidget, QWidget

import gui
from core.errors import UserError
from core.runs.folder import LAST
from core.telemetry.events import Failed
from core.training.recipe import Recipe
from gui import theme
from gui.network_source import NetworkSource
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
from gui.widgets.widget_values import give_values, values_of
from gui.worker import Worker

TRAINS = Mark("play", "update", "training")
WAITS = Mark("waiting", "muted", "waiting for its turn")
W = TypeVar("W", bound=QObject)


class ShowPage(Protocol):
    """Turns to a page, at a place on it if one is named."""

    def __call__(self, name: str, place: str = "") -> None:
        """Turn to the page of that name."""


class Page(QWidget):
    """A page of the window; the class ``Page`` of a page's module is one.

    Attributes:
        home: where the keys go when one turns to it; the page itself if there is no such place.
        takes: endings of files that it opens, wherever on the window they are dropped.
    """

    home: QWidget | None = None
    takes: tuple[str, ...] = ()
    marks_changed = Signal()
    """:meth:`marks` may say something else now."""

    def __init__(self) -> None:
        super().__init__()
        theme.style(self)

    def meet(self, pages: Mapping[str, "Page"], show_page: ShowPage) -> None:
        """Get to know the other pages, which all exist by now, and how to turn to one."""

    def show_place(self, place: str) -> None:
        """Show what a link to this page names, such as a section of a lesson."""

    def open_file(self, path: Path) -> None:
        """Show a file of a kind that it takes."""

    def marks(self) -> list[Mark]:
        """Return what goes on here, for the sidebar: it trains, it waits, the doctor has found."""
        return []

    def kept_widgets(self) -> list[QWidget]:
        """Return the widgets that say at the next start what they say now."""
        return []

    def save_state(self) -> dict[str, Any]:
        """Return what comes back at the next start, as plain values."""
        return {"widgets": values_of(self.kept_widgets())}

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Take what :meth:`save_state` returned, or what a file says that it did.

        Returns:
            A sentence on each thing that can't come back.
        """
        give_values(self.kept_widgets(), value_of(values, "widgets", dict, {}))
        return []

    def abandon(self) -> None:
        """End what runs: the window closes."""


class TrainingPage(Page):
    """The page of a playground: a session, with the recipe and the buttons of its run.

    Args:
        name: of the playground.
        recipes: by their names; the first is the one to begin with.
        worker: does the work.
        data: a folder of full data sets; None for the bundled data.
        device: where networks are trained.
    """

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
            if os.path.isfile(network):  # noqa: PTH113
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


class _MakePage(Protocol):
    def __call__(self, worker: Worker, data: Path | None, device: str) -> Page: ...


class PageModule(Protocol):
    """The module ``page`` of a page's folder."""

    TITLE: ClassVar[str]
    ICON: ClassVar[str]
    HELP: ClassVar[str]
    ORDER: ClassVar[int]
    """The pages stand in ascending order."""
    Page: _MakePage


def page_names() -> list[str]:
    """Return the names of the pages, without importing any."""
    return [
        found.name
        for folder in gui.__path__
        for found in pkgutil.iter_modules([folder])
        if (Path(folder) / found.name / "page.py").exists()
    ]


def page_modules() -> dict[str, PageModule]:
    """Return the pages' modules by name, in their own order."""
    found = {
        name: cast(PageModule, importlib.import_module(f"gui.{name}.page")) for name in page_names()
    }
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
