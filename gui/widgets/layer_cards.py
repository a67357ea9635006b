"""Cards on one layer: top-activating examples, activations for a drawing, and dead units."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from core.numbers import number, percent
from core.telemetry.events import Array, LayerInfo, LayerView
from core.telemetry.layer_health import SATURATED_SIGMOID, SATURATED_TANH, is_dead, is_saturated
from gui.charts.bars import Bars
from gui.charts.cells import Cells
from gui.charts.colormaps import diverging, grey, on_off, reach
from gui.charts.heatmap import MatrixView
from gui.charts.image_grid import PictureGrid
from gui.rich_text import rich
from gui.widgets.card import Card, dress, label

PICTURED = 64  # units; as many as core.telemetry.inspection makes pictures of
SOON = "Comes with the next measurement of the network."
DRAW = "Draw a digit to see it here"
FEW = 32  # units up to which bars are readable; more become a wall of cells


class LayerCard(Card):
    """A term as title, a quiet sentence how to read it, and pictures of one layer.

    Add pictures with ``add``; until there are any, the card says what it waits for.
    """

    def __init__(self, title: str, question: str) -> None:
        super().__init__(title)
        self.title.setToolTip(rich(question))
        self.title.setMinimumHeight(30)  # as high as a choice beside it: titles stand in a line
        self.note = label("", "small", wrap=True)
        self.waits = label(SOON, "muted", wrap=True)
        self.waits.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waits.setMinimumHeight(112)
        self.body.addWidget(self.note)
        self.body.addWidget(self.waits, 1)
        self._pictures: list[QWidget] = []

    def add(self, *pictures: QWidget) -> None:
        """Append pictures, hidden until they are shown."""
        for picture in pictures:
            self.body.addWidget(picture, int(isinstance(picture, Cells)))  # takes spare room
            picture.hide()
            self._pictures.append(picture)

    def reveal(self, *pictures: QWidget) -> None:
        """Show these pictures and no others."""
        self.waits.hide()
        self.note.setVisible(bool(self.note.text()))
        for picture in self._pictures:
            picture.setVisible(picture in pictures)

    def wait(self, words: str = SOON) -> None:
        """Show no picture, but say what is missing."""
        self.waits.setText(words)
        self.waits.show()
        self.note.hide()
        for picture in self._pictures:
            picture.hide()


def capped(info: LayerInfo) -> str:
    """Say that not all units are pictured, if so."""
    return f" The first {PICTURED} of {info.units:,} units." if info.units > PICTURED else ""


class SeeksCard(LayerCard):
    """For each unit the mean of the examples that activate it most."""

    def __init__(self) -> None:
        super().__init__("Top-activating examples", "What does each unit respond to?")
        self.grid = PictureGrid(
            "seeks",
            "Mean of the top-activating examples of each unit",
            "Each picture is the mean of the examples that activate a unit most.",
        )
        self.add(self.grid)

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        self.note.setText(f"The mean of the examples that activate each unit most.{capped(info)}")
        self.wait()

    def show_view(self, view: LayerView) -> None:
        """Show the top-activating examples of a view."""

        def explain(unit: int) -> str:
            values = view.activity[unit]
            return (
                f"unit {unit}\nactivated up to {number(float(values.max()))},"
                f" above zero on {percent(float((values > 0).mean()))} of {len(values)} examples"
            )

        self.setVisible(bool(view.seeks.size))  # of a text there are no pictures
        self.grid.show_pictures(view.seeks[:PICTURED], grey, None, explain)
        self.reveal(self.grid)


class MapsCard(LayerCard):
    """The layer's activation for what was drawn or typed: feature maps, bars, or a wall."""

    def __init__(self) -> None:
        super().__init__(
            "Activations for your input", "How does this layer respond to what you drew or typed?"
        )
        name = "Activation of each unit for your input"
        about = "Blue is an activation above zero, orange one below zero."
        self.grid = PictureGrid("maps", name, about)
        self.wall = PictureGrid("mapsWall", name, about, cell=22)
        self.bars = Bars("mapsBars", name, about)
        self.add(self.grid, self.wall, self.bars)

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        below = "." if info.activation == "relu" else ", orange below."
        self.note.setText(f"Blue is above zero{below}{capped(info) if info.kernel else ''}")
        self.wait(DRAW)

    def show_view(self, view: LayerView) -> None:
        """Show the maps of a view; without any, invite to draw, where that is possible."""
        maps = view.maps
        self.setVisible(bool(maps.size or view.seeks.size))  # nothing is drawn for points
        if not maps.size:
            self.wait(DRAW)
            return
        limit = reach(maps)

        def explain(unit: int) -> str:
            values = maps[unit]
            if values.ndim == 0:
                return f"unit {unit}: {number(float(values))}"
            return (
                f"unit {unit}\nup to {number(float(values.max()))},"
                f" above zero on {percent(float((values > 0).mean()))} of the picture"
            )

        if maps.ndim == 3:
            self.grid.show_pictures(maps[:PICTURED], diverging, (-limit, limit), explain)
            self.reveal(self.grid)
        elif len(maps) > FEW:
            cells = maps.reshape(-1, 1, 1)
            self.wall.show_pictures(cells, diverging, (-limit, limit), explain)
            self.reveal(self.wall)
        else:
            finite = np.append(maps[np.isfinite(maps)], 0.0)
            low, top = float(finite.min()), float(finite.max())
            tops = [number(float(value), 2) for value in maps]
            self.bars.show_bars(maps, (low, top if top > low else 1.0), explain, numbers=tops)
            self.reveal(self.bars)


class AliveCard(LayerCard):
    """The dead-unit map of lecture 4 of makemore: units across, examples down."""

    def __init__(self) -> None:
        super().__init__("Dead units", "Which units respond to which examples?")
        self.map = MatrixView(
            "aliveMap",
            "Which units respond to which examples",
            "A column is a unit, a row an example. A dead unit learns nothing.",
            height=176,
            ruled=True,
            unit_columns=True,
        )
        self.verdict = label("", "small", wrap=True)
        self.verdict.setObjectName("aliveVerdict")
        self.add(self.map, self.verdict)
        self._activation = ""

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        self._activation = info.activation
        white, low = "above zero", SATURATED_SIGMOID
        if info.activation == "tanh":
            white = f"saturated, |a| above {SATURATED_TANH}"
        elif info.activation == "sigmoid":
            white = f"saturated, below {low} or above {1 - low}"
        self.note.setText(f"A column a unit, a row an example. White: {white}.")
        self.wait(SOON)

    def show_view(self, view: LayerView) -> None:
        """Show which units respond to which examples, and count the dead."""
        white, dead = alive(view.activity, self._activation)
        values = white.astype(float)
        values[dead] = np.nan  # a dead unit's column takes the fault colour
        self.map.show_matrix(
            values.T,
            on_off,
            (0.0, 1.0),
            lambda example, unit: (
                f"unit {unit}, example {example}: {number(float(view.activity[unit, example]))}"
                + ("\nthis unit is dead on all examples" if dead[unit] else "")
            ),
        )
        self.verdict.setText(dead_units(white, int(dead.sum()), self._activation))
        dress(self.verdict, "fault" if dead.any() else "small")
        self.reveal(self.map, self.verdict)


def alive(activity: Array, activation: str) -> tuple[Array, Array]:
    """Return what is white (units, examples), and which units are dead (units,).

    White is saturated for tanh and sigmoid, else above zero.
    """
    saturates = activation in ("tanh", "sigmoid")
    white: Array = is_saturated(activity, activation) if saturates else activity > 0
    dead: Array = is_dead(activity.T, activation)
    return white, dead


def dead_units(white: Array, dead: int, activation: str) -> str:
    """Say in a sentence how many units are dead."""
    units, examples = white.shape
    share = percent(float(white.mean()))
    saturates = activation in ("tanh", "sigmoid")
    if not saturates and activation != "relu":
        why = f"a {activation} passes gradient below zero, too" if activation else "no activation"
        return f"{share} of the activations are above zero; {why}: no unit can die."
    if not dead:
        if saturates:
            return (
                f"No unit is dead: none is saturated on all {examples} examples."
                f" {share} of the map is white."
            )
        return f"All {units} units are alive: each is above zero on some of {examples} examples."
    what = "saturated on all of" if saturates else "never above zero on"
    return (
        f"{dead} of {units} units {'is' if dead == 1 else 'are'} dead: {what} these {examples}"
        " examples, so that no gradient passes."
    )
