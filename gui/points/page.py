"""The points page: train on the left and in the middle, the plane on the right."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from core.errors import UserError
from core.paths import SETTINGS
from core.playgrounds.points import datasets
from core.playgrounds.points.datasets import Row
from core.playgrounds.points.recipe import DRAWN, MOST_POINTS, RECIPES, PointsRecipe
from core.telemetry.events import DataDescribed, LayerInfo, Loaded, Started
from core.training.control import Question
from gui.points.live_field import LiveField
from gui.points.markers import point_marks
from gui.points.plane_card import PlaneCard
from gui.points.unit_maps import UnitMaps
from gui.session_state import State
from gui.state_file import value_of
from gui.training_page import TrainingPage
from gui.widgets.card import Card, say
from gui.widgets.curve_card import AccuracyCard
from gui.widgets.learning_panel import LearningPanel
from gui.widgets.lr_range_card import LRRangeCard
from gui.widgets.object_names import qualify
from gui.widgets.page_frame import lay_out
from gui.widgets.page_tabs import PageTabs, add_tab
from gui.widgets.representation_card import RepresentationCard
from gui.widgets.scroll_column import UNDER_TABS, scrolled
from gui.widgets.unit_controls import UnitControls, marks, of_units
from gui.worker import Worker

TITLE, ICON, ORDER = "Points", "points", 4
HELP = "Points. Train a network on 2-D data and watch its decision boundary."
ABOUT = "Points of a plane: a network learns to tell them apart, and you see its answer everywhere."
RANGE_TEST_STEPS = 600
MAPS_EVERY = 0.1  # seconds between two pictures of the units
WIDE = 332  # pixels of the column with the plane
DRAWINGS = SETTINGS.with_name("points")
"""The folder of points that were drawn, a file for each drawing that was trained on."""


class Page(TrainingPage):
    """Points: recipe, run, layers, the map of every unit, and the plane."""

    learning: LearningPanel
    range_test: LRRangeCard
    representation: RepresentationCard

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__("points", RECIPES, worker, data, device)
        self._folder = data
        self._rows: list[Row] = []
        self._run_rows: list[Row] = []
        """Those that were drawn when the run began."""
        self._used: set[Path] = set()
        """Files of drawings that a run has learned from, or that were there before."""
        self._pick: tuple[str, int] | None = None
        self.learning = LearningPanel(self.session, self._question, AccuracyCard())
        self.range_test = LRRangeCard("loss")
        self.range_test.follow(self.session, RANGE_TEST_STEPS)
        self.representation = RepresentationCard(
            self.session, worker, self._represented, point_marks, {"input": "input coordinates"}
        )
        self.maps = UnitMaps()
        self._newest: Any = None
        """The newest field; None for none of these points."""
        self._mapped = 0.0
        """When the maps of the units were painted last."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(round(1000 * MAPS_EVERY))
        self._soon.timeout.connect(self._show_maps)
        self.units = Card("Units: activations over the plane")
        self.units.body.addWidget(self.maps)
        self.controls = UnitControls(with_values=False)
        qualify(self.controls, "maps")
        self.controls.hide()
        self.units.body.addWidget(self.controls)
        self.units.body.addStretch(1)
        self.card = PlaneCard()
        self.live = LiveField(self.session, self.card.plane, self._field_question)
        self.tabs = PageTabs("pointsTabs")
        add_tab(self.tabs, scrolled(self.units, UNDER_TABS, fills=True), "Units")
        add_tab(self.tabs, self.learning, "Learning")
        add_tab(self.tabs, self.network_panel, "Network")
        add_tab(self.tabs, scrolled(self.representation, UNDER_TABS, fills=True), "PCA")
        add_tab(self.tabs, scrolled(self.range_test, UNDER_TABS, fills=True), "LR test")
        self.home = self.card.plane
        middle = (self.run_bar, self.tabs, self.code)
        lay_out(self, TITLE, ABOUT, [self.recipe], middle, [self.card], WIDE)
        self._connect()
        self._show_points(self.session.recipe)

    def _connect(self) -> None:
        session, card = self.session, self.card
        card.network.follow(self.network)
        session.recipe_changed.connect(self._show_points)
        session.data_chosen.connect(lambda event: self._give_data())
        session.state_changed.connect(self._on_state)
        session.data_described.connect(self._on_described)
        session.started.connect(self._on_started)
        session.loaded.connect(self._on_loaded)
        self.live.changed.connect(self._on_field)
        self.tabs.currentChanged.connect(lambda index: self._show_maps())
        self.maps.chosen.connect(self._on_unit)
        session.intervened.connect(self._show_interventions)
        self.controls.changed.connect(self._change_unit)
        self.controls.selected.connect(self._on_selected)
        card.answer_asked.connect(self._show_answer)
        card.draw_asked.connect(self._draw_points)
        card.plane.drawn.connect(self._on_drawn)
        card.plane.stroke_ended.connect(self._give_data)
        card.cleared.connect(self._clear)

    def kept_widgets(self) -> list[QWidget]:
        """Keep the tab."""
        return [self.tabs]

    def save_state(self) -> dict[str, Any]:
        """Keep the points that were drawn, too."""
        return super().save_state() | {"drawn": self._rows}

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Take the points that were drawn, too."""
        problems = super().restore_state(values)
        rows, self._rows = value_of(values, "drawn", list, []), []
        try:
            self._rows = datasets.check_rows(rows, "The last drawing") if rows else []
        except UserError as error:
            problems.append(f"Points: {error}")
        self._show_points(self.session.recipe)
        return problems

    def _show_points(self, recipe: PointsRecipe) -> None:
        """Show the points that the next run learns from, and the field if it is of such points."""
        drawn = recipe.dataset == DRAWN
        points = None
        if not drawn:
            points = datasets.generated(recipe)
        elif self._enough:
            points = datasets.divided_rows(self._rows, recipe)
        self.card.set_drawing(drawn)
        curve = recipe.inputs == 1
        self.card.show_points(points, recipe.classes, curve, self._rows if drawn else [])
        if not self._fits:
            self._on_field(None)
        else:
            self.live.refresh()
        self._give_data()

    @property
    def _trained(self) -> PointsRecipe:
        """The recipe of the network."""
        assert isinstance(self.session.trained, PointsRecipe)
        return self.session.trained

    @property
    def _fits(self) -> bool:
        """Whether the network has learned points of the kind that is shown."""
        return bool(self._trained.dataset == self.session.recipe.dataset)

    @property
    def _enough(self) -> bool:
        """Whether what is drawn can be learned from."""
        return len(self._rows) >= datasets.FEWEST and len({row[2] for row in self._rows}) == 2

    def _give_data(self) -> None:
        """Let the next run learn from what is drawn, if that is what it is to learn from."""
        session, message = self.session, ""
        if session.recipe.dataset != DRAWN:
            source = self._folder
        elif not self._enough:
            source = self._folder
            message = f"Draw at least {datasets.FEWEST} points, some of each class."
        elif session.state.running:
            source = session.data
            if self._rows != self._run_rows:
                message = "The run learns from the points that it began with."
        else:
            source = self._save()
        say(self.card.message, message, "small")
        if source != session.data:
            before, session.data = session.data, source
            if before and before.parent == DRAWINGS and before not in self._used:
                before.unlink(missing_ok=True)

    def _save(self) -> Path | None:
        try:
            known = set(DRAWINGS.glob("*.csv"))
            path = datasets.save_rows(self._rows, DRAWINGS)
        except UserError as error:
            say(self.card.message, str(error), "fault")
            return self._folder
        if path in known and path != self.session.data:
            self._used.add(path)
        return path

    def _on_state(self, state: State) -> None:
        if state is State.READY:  # what was drawn during a run is for the next one
            self._give_data()

    def _on_described(self, event: DataDescribed) -> None:
        """Show the points that the network on the page was trained on, if somebody drew them."""
        rows = event.values.get("drawn", [])
        if rows and rows != self._rows and self._fits and not self.session.state.running:
            self._rows = [list(row) for row in rows]
            self._show_points(self.session.recipe)

    def _on_started(self, event: Started) -> None:
        if self.session.data is not None:
            self._used.add(self.session.data)
        self._run_rows = self._rows
        self._show_network(event)

    def _on_loaded(self, event: Loaded) -> None:
        self._show_network(event.started)

    def _show_network(self, started: Started) -> None:
        self.maps.set_layers(started.layers)
        self.learning.second.setVisible(self._trained.classes > 0)  # values have no accuracy
        if pick := self._pick:
            units = next((info.units for info in started.layers if info.name == pick[0]), 0)
            self._take_pick(None)
            self._take_pick(pick if pick[1] < units else None)
        self._show_points(self.session.recipe)

    def _on_field(self, field: Any) -> None:
        field = field if self._fits else None
        self.card.show_field(field)
        if field is not None:
            self.card.network.answered_at(field.step)
        self._newest = field
        if field is None or time.monotonic() - self._mapped >= MAPS_EVERY:
            self._show_maps()
        elif not self._soon.isActive():
            self._soon.start()

    def _show_maps(self) -> None:
        """Show the newest activations; less often than the plane, for they are many pictures."""
        self._mapped = time.monotonic()
        if self.maps.isVisible() or self._newest is None:
            self.maps.show_field(self._newest)
            self._mark()

    def _field_question(self, deliver: Callable[[Any], object]) -> Any:
        from core.playgrounds.points.field import ask_field

        return ask_field(deliver, self._pick)

    def _on_unit(self, index: int) -> None:
        """Show a unit large; clicked once more, the network's answer."""
        pick = self.maps.place_of(index)
        self._take_pick(None if pick == self._pick else pick)

    def _show_answer(self) -> None:
        self._take_pick(None)

    def _take_pick(self, pick: tuple[str, int] | None) -> None:
        if pick and (self._pick is None or self._pick[0] != pick[0]):
            self.controls.set_units(next(i.units for i in self._infos if i.name == pick[0]))
        self._pick = self.maps.picked = pick
        self.controls.setVisible(pick is not None)
        if pick:
            self.controls.select(pick[1])
        self._show_interventions()
        self.card.unit = f"{pick[0]}, unit {pick[1]}" if pick else ""
        self.maps.update()
        self.live.refresh()

    @property
    def _infos(self) -> tuple[LayerInfo, ...]:
        return self.session.info.layers if self.session.info is not None else ()

    def _on_selected(self, unit: int) -> None:
        """Another unit of the same layer was chosen by its number."""
        if self._pick and self._pick[1] != unit:
            self._take_pick((self._pick[0], unit))

    def _change_unit(self, unit: int, factor: float, added: float) -> None:
        from core.interventions import Intervention, Part

        if self._pick:
            self.session.change_part(Intervention(Part(self._pick[0], unit), factor, added))

    def _show_interventions(self) -> None:
        """Show what is done to the units of the layer whose unit is shown large."""
        layer = self._pick[0] if self._pick else ""
        self.controls.show_interventions(of_units(self.session.interventions, layer))
        self._mark()

    def _mark(self) -> None:
        """Mark the maps of the units that are changed."""
        told = {
            self.maps.index_of(info.name, unit): each
            for info in self._infos
            for unit, each in of_units(self.session.interventions, info.name).items()
            if self.maps.has(info.name, unit)
        }
        self.maps.mark_units(*marks(told), -1)

    def _draw_points(self) -> None:
        self.session.draft.set("dataset", DRAWN)
        self.card.plane.setFocus()

    def _on_drawn(self, rows: list[Row]) -> None:
        self._rows = rows[-MOST_POINTS:]
        recipe = self.session.recipe
        points = datasets.divided_rows(self._rows, recipe) if self._enough else None
        self.card.show_points(points, recipe.classes, False, self._rows)

    def _clear(self) -> None:
        self._on_drawn([])
        self._give_data()

    def _represented(self, place: str) -> Question:
        from core.playgrounds.points.representation import ask_representation

        return ask_representation(place, self._trained)

    def _question(self, layer: str) -> Callable[[Any, int], Any]:
        """Return what to ask about a layer."""
        from core.playgrounds.points.playground import look_into

        return look_into(layer)

    def abandon(self) -> None:
        """Show nothing more: the window closes."""
        self._soon.stop()
        super().abandon()
