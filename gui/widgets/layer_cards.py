"""What the units of a layer look for, what they make of a drawing, and whether they are alive."""

import numpy as np

from core.numbers import number, percent
from core.telemetry.events import Array, LayerInfo, LayerView
from gui.charts.bars import Bars
from gui.charts.colormaps import diverging, grey, on_off, reach
from gui.charts.image_grid import PictureGrid
from gui.charts.matrix import MatrixView
from gui.widgets.card import label
from gui.widgets.insight_card import PICTURED, SOON, InsightCard, capped, set_role

DRAW = "Draw a digit to see it here"
FLAT = {"tanh": 0.97, "sigmoid": 0.97}  # as in core.telemetry.probes
FEW = 32  # units up to which bars are readable; more become a wall of cells


class SeeksCard(InsightCard):
    """For each unit the mean of the examples that excite it most."""

    def __init__(self) -> None:
        super().__init__("What does each unit look for?")
        self.grid = PictureGrid(
            "seeks",
            "What each unit looks for",
            "Each picture is the mean of the examples that excite a unit most.",
        )
        self.add(self.grid)

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        self.note.setText(f"The mean of the examples that excite each unit most.{capped(info)}")
        self.wait()

    def show_view(self, view: LayerView) -> None:
        """Show what the units of a view look for."""

        def tell(unit: int) -> str:
            said = view.activity[unit]
            return (
                f"unit {unit}\nexcited up to {number(float(said.max()))},"
                f" above zero on {percent(float((said > 0).mean()))} of {len(said)} examples"
            )

        self.setVisible(bool(view.seeks.size))  # of a text there are no pictures
        self.grid.show_pictures(view.seeks[:PICTURED], grey, None, tell)
        self.reveal(self.grid)


class MapsCard(InsightCard):
    """The layer's activation for the drawing: feature maps, bars, or a wall of cells."""

    def __init__(self) -> None:
        super().__init__("What does it make of yours?")
        about = "Blue is a unit that found what it looks for; orange is below zero."
        self.grid = PictureGrid("maps", "What each unit says to yours", about)
        self.wall = PictureGrid("mapsWall", "What each unit says to yours", about, cell=22)
        self.bars = Bars("mapsBars", "What each unit says to yours", about)
        self.add(self.grid, self.wall, self.bars)

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        blue = "Blue where a unit finds what it looks for." if info.kernel else "Blue is above zero"
        below = "" if info.kernel else (", orange below." if info.activation != "relu" else ".")
        self.note.setText(f"{blue}{below}{capped(info) if info.kernel else ''}")
        self.wait(DRAW)

    def show_view(self, view: LayerView) -> None:
        """Show the maps of a view; without any, invite to draw."""
        maps = view.maps
        if not maps.size:
            self.wait(DRAW)
            return
        limit = reach(maps)

        def tell(unit: int) -> str:
            said = maps[unit]
            if said.ndim == 0:
                return f"unit {unit}: {number(float(said))}"
            return (
                f"unit {unit}\nup to {number(float(said.max()))},"
                f" above zero on {percent(float((said > 0).mean()))} of the picture"
            )

        if maps.ndim == 3:
            self.grid.show_pictures(maps[:PICTURED], diverging, (-limit, limit), tell)
            self.reveal(self.grid)
        elif len(maps) > FEW:
            cells = maps.reshape(-1, 1, 1)
            self.wall.show_pictures(cells, diverging, (-limit, limit), tell)
            self.reveal(self.wall)
        else:
            finite = np.append(maps[np.isfinite(maps)], 0.0)
            low, top = float(finite.min()), float(finite.max())
            tops = [number(float(value), 2) for value in maps]
            self.bars.show_bars(maps, (low, top if top > low else 1.0), tell, tops=tops)
            self.reveal(self.bars)


class AliveCard(InsightCard):
    """The dead-unit map of lecture 4 of makemore: units across, examples down."""

    def __init__(self) -> None:
        super().__init__("Which units are alive?")
        self.map = MatrixView(
            "aliveMap",
            "Which units are alive on which examples",
            "A column is a unit, a row an example. A unit that no example can move learns nothing.",
            height=176,
            ruled=True,
        )
        self.verdict = label("", "small", wrap=True)
        self.verdict.setObjectName("aliveVerdict")
        self.add(self.map, self.verdict)
        self._activation = ""

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        self._activation = info.activation
        white = "above zero"
        if info.activation == "tanh":
            white = "|a| above 0.97, where tanh is flat"
        elif info.activation == "sigmoid":
            white = "beyond 0.03 or 0.97, where sigmoid is flat"
        self.note.setText(f"A column a unit, a row an example. White: {white}.")
        self.wait(SOON)

    def show_view(self, view: LayerView) -> None:
        """Show which units answer to which examples, and count the dead."""
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
        self.verdict.setText(verdict(white, int(dead.sum()), self._activation))
        set_role(self.verdict, "fault" if dead.any() else "small")
        self.reveal(self.map, self.verdict)


def alive(activity: Array, activation: str) -> tuple[Array, Array]:
    """Return what is white (units, examples), and which units are dead (units,).

    With relu and gelu a unit is dead if it is never above zero; with tanh and sigmoid, if every
    example pushes it to a flat end. Without a bend none can die.
    """
    if activation in FLAT:
        centre = 0.5 if activation == "sigmoid" else 0.0
        white: Array = np.abs(activity - centre) > FLAT[activation] - centre
        dead: Array = np.all(white, axis=1)
        return white, dead
    white = np.greater(activity, 0)
    dead = np.zeros(len(white), bool)
    if activation in ("relu", "gelu"):
        dead = ~np.any(white, axis=1)
    return white, dead


def verdict(white: Array, dead: int, activation: str) -> str:
    """Say in a sentence how many units are dead."""
    units, examples = white.shape
    share = percent(float(white.mean()))
    if not activation:
        return f"{share} of the answers are above zero. Without an activation no unit can die."
    flat = activation in FLAT
    if not dead:
        if flat:
            return (
                f"No unit is stuck: none is flat on all {examples} examples."
                f" {share} of the map is white."
            )
        return f"All {units} units are alive: each is above zero on some of {examples} examples."
    what = (
        f"flat on all of these {examples} examples, so that no gradient passes"
        if flat
        else f"never above zero on these {examples} examples, so that nothing can teach them"
    )
    return f"{dead} of {units} units {'is' if dead == 1 else 'are'} dead: {what}."
