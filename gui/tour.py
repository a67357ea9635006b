"""The tour: the program uses itself, through real clicks, keys and mouse strokes.

It is a demonstration, the source of the README's pictures, and a test: it exits with 0 only if
everything that it expected was seen. Its trainings are counted in steps and it waits for
conditions, so that it does the same on a slow machine, where it only takes longer.
"""

import importlib
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QEventLoop, QPoint, QPointF, QRect, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QTabWidget, QWidget

from gui import theme
from gui.charts.unit_bars import UnitBars
from gui.inputs import ComboBox
from gui.pages import page_modules
from gui.session import Session
from gui.session_state import State
from gui.training_page import TrainingPage
from gui.widgets.layer_panel import LayerPanel
from gui.widgets.layer_table import LayerTable
from gui.window import MainWindow

PATIENCE, LONG_PATIENCE = 1200.0, 7200.0
"""Seconds after which a wait has failed, however slow the machine is."""
FEWEST_COLOURS = 50
"""Text alone has more, since its edges are smoothed."""
REPAINT = 120  # milliseconds: a session hands on what came ten times a second
Point = tuple[float, float]
W = TypeVar("W", bound=QWidget)


class TourError(Exception):
    """Something that the tour expected did not happen."""


class Guide:
    """Hands and eyes of the tour.

    Attributes:
        window: the program.
        folder: where pictures go.
        long: whether everything is trained to its end: all models, the whole case study.
    """

    def __init__(self, window: MainWindow, folder: Path, long: bool = False) -> None:
        self.window = window
        self.folder = folder
        self.long = long
        self._begin = time.monotonic()

    def say(self, words: str) -> None:
        """Print a line of progress, with the seconds since the beginning."""
        print(f"{time.monotonic() - self._begin:6.1f} s  {words}", flush=True)

    def find(self, kind: type[W], name: str) -> W:
        """Return the widget of that name, on the page that is seen or around the pages."""
        page = self.window.page
        if page.objectName() == name and isinstance(page, kind):
            return page
        found: W | None = page.findChild(kind, name) or self.window.findChild(kind, name)
        if found is None:
            raise TourError(f"there is no {kind.__name__} named {name}")
        return found

    def click(self, name: str) -> None:
        """Press and release the left mouse button in the middle of a widget."""
        widget = self.find(QWidget, name)
        self.wait(f"{name} can be clicked", widget.isEnabled)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def choose(self, name: str, text: str) -> None:
        """Choose an entry of a combo box with the keyboard."""
        box = self.find(ComboBox, name)
        self.wait(f"{name} can be used", box.isEnabled)
        box.setFocus()
        QTest.keyClick(box, Qt.Key.Key_Home)
        for _ in range(box.findText(text)):
            QTest.keyClick(box, Qt.Key.Key_Down)
        self.expect(f"{name} says {text}", box.currentText() == text)

    def type_number(self, name: str, number: int) -> None:
        """Type a number into a spin box."""
        self.type_text(name, str(number))
        QTest.keyClick(self.find(QWidget, name), Qt.Key.Key_Tab)

    def type_text(self, name: str, text: str) -> None:
        """Type a text into a field, in place of what is there."""
        field = self.find(QWidget, name)
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(field, Qt.Key.Key_Delete)
        QTest.keyClicks(field, text)

    def turn_to(self, tabs: str, name: str) -> None:
        """Click on a tab."""
        bar = self.find(QTabWidget, tabs).tabBar()
        index = next(i for i in range(bar.count()) if bar.tabText(i) == name)
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(index).center())
        self.rest(REPAINT)

    def _session(self) -> Session:
        page = self.window.page
        assert isinstance(page, TrainingPage)
        return page.session

    def train(self, recipe: str, steps: int) -> None:
        """Choose a recipe and a number of steps, press Train, and wait for the first loss."""
        session = self._session()
        self.choose("recipeBox", recipe)
        self.set_number("setting_steps", steps)
        before = session.history
        self.click("trainButton")
        self.wait("the training starts", lambda: session.history is not before)
        self.wait("the first loss is drawn", lambda: len(session.history.loss.x) > 0)

    def set_number(self, name: str, number: float) -> None:
        """Type a number into a field of the training settings, and confirm it."""
        self.type_text(name, f"{number:g}")
        QTest.keyClick(self.find(QWidget, name), Qt.Key.Key_Return)

    def show_block(self, key: str) -> None:
        """Choose a block of the network's map, and see its lines in the code."""
        page = self.window.page
        assert isinstance(page, TrainingPage)
        name, panel = page.session.name, page.network_panel
        self.turn_to(page.tabs.objectName(), "Network")
        self.wait(f"{key} is on the map", lambda: panel.map.block_of(key) is not None)
        rect = panel.map.rect_of(key)
        assert rect is not None
        QTest.mouseClick(panel.map, Qt.MouseButton.LeftButton, pos=rect.center())
        self.expect(f"{key}: {panel.words.text()}", page.session.choice.key == key)
        self.look(f"{name}-network")
        self.click("networkCode")
        source = page.code.source
        self.wait("its lines are marked", lambda: bool(source.marked_lines()))
        self.look(f"{name}-network-code")
        self.click("hideCode")

    def open_layer(self, row: int) -> None:
        """Click a row of the layer table, and wait until the layer is shown."""
        table = self.find(LayerTable, "layerWall")
        QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=table.row_rect(row).center())
        panel = self.find(LayerPanel, "layerPanel")
        self.wait("a layer opens", panel.isVisible)
        self.wait("its weights are shown", lambda: not panel.weights.waits.isVisible())

    def mute(self, *units: int) -> None:
        """Click the bars of units of the opened layer; the strip says so, and what it costs."""
        bars = self.find(UnitBars, "unitBars")
        for unit in units:
            at = bars.rect_of_unit(unit).center().toPoint()
            QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=at)
        self.tell_cost()

    def tell_cost(self) -> None:
        """Wait until the strip says what the interventions cost, and say it."""
        cost = self.find(QLabel, "interventionCost")
        self.wait("their cost is measured", lambda: "→" in cost.text())
        words = self.find(QLabel, "interventionWords").text()
        self.expect(f"{words}: {cost.text()}", "intervention" in words)

    def finish(self) -> None:
        """Wait until the run has ended."""
        session = self._session()
        self.wait("the run ends", lambda: session.state is State.READY)

    def stroke(self, name: str, points: Sequence[Point]) -> None:
        """Drag the pressed mouse over a widget; points are shares of its sides."""
        widget = self.find(QWidget, name)
        left = Qt.MouseButton.LeftButton
        places = [self._place(widget, point) for point in _finely(points)]
        QTest.mousePress(widget, left, pos=places[0])
        for place in places[1:]:
            QTest.mouseMove(widget, place)
            QApplication.processEvents()
        QTest.mouseRelease(widget, left, pos=places[-1])

    @staticmethod
    def _place(widget: QWidget, point: Point) -> QPoint:
        x, y = point
        return QPointF(x * (widget.width() - 1), y * (widget.height() - 1)).toPoint()

    @staticmethod
    def rest(milliseconds: int) -> None:
        """Let the program go on by itself; unlike QTest.qWait, other threads may run as well."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def wait(self, what: str, until: Callable[[], bool]) -> None:
        """Let the program work until something holds."""
        end = time.monotonic() + (LONG_PATIENCE if self.long else PATIENCE)
        while not until():
            if time.monotonic() > end:
                raise TourError(f"waited in vain: {what}")
            self.rest(10)

    def expect(self, what: str, holds: bool) -> None:
        """Say what was seen; if it was not, the tour has failed."""
        if not holds:
            raise TourError(f"did not see: {what}")
        self.say(what)

    def look(self, name: str) -> None:
        """Save a picture of the window, on which there must be something to see."""
        self.rest(REPAINT)
        path = self.folder / f"{name}-{theme.current().name}.png"
        picture = self.window.grab()
        if not picture.save(str(path)):
            raise TourError(f"{path} can't be written; name another folder with --tour")
        if _colours(picture.toImage()) < FEWEST_COLOURS:
            raise TourError(f"the window is empty: look at {path}")


class Tour:
    """Plays every page's part, then shows each page in the other theme.

    Args:
        window: the program.
        folder: where pictures go.
        long: whether everything is trained to its end.
        only: the one page that is played, and no other. What a page shows of others' trainings
            (the runs) it waits for in vain then.
    """

    def __init__(
        self, window: MainWindow, folder: Path, long: bool = False, only: str | None = None
    ) -> None:
        self._window = window
        self._guide = Guide(window, folder, long)
        self._folder = folder
        self._pages = [only] if only else list(page_modules())

    def run(self) -> int:
        """Play; return the exit status."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._play()
        except (TourError, OSError) as error:
            self._guide.say(f"glassbox: the tour failed: {error}")
            return 1
        finally:
            self._window.close()
        self._guide.say(f"Done. Pictures are in {self._folder}.")
        return 0

    def _play(self) -> None:
        guide, pages = self._guide, self._pages
        sides = [self._folder / f"{name}-{theme.current().name}.png" for name in pages]
        for number, name in enumerate(pages, 1):
            guide.say(f"Page {number} of {len(pages)}: {name}")
            guide.click(f"go_{name}")
            importlib.import_module(f"gui.{name}.tour").play(guide)
        guide.click("themeButton")
        guide.say(f"Every page again, in the {theme.current().name} theme")
        for name in pages:
            guide.click(f"go_{name}")
            guide.look(name)
            sides.append(self._folder / f"{name}-{theme.current().name}.png")
        _compose(sides, self._folder / "overview.png")


def _compose(pictures: Sequence[Path], out: Path) -> None:
    """Put a picture of each page beside the others, by turns in one theme and in the other."""
    half = len(pictures) // 2
    chosen = [pictures[at + half * (at % 2)] for at in range(half)]
    if half % 2:  # the last place shows the first page in the other theme
        chosen.append(pictures[half])
    wide, high, gap = 800, 500, 16
    rows = len(chosen) // 2
    sheet = QImage(2 * wide + gap, rows * (high + gap) - gap, QImage.Format.Format_RGB32)
    sheet.fill(Qt.GlobalColor.gray)
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for at, path in enumerate(chosen):
        place = QRect(at % 2 * (wide + gap), at // 2 * (high + gap), wide, high)
        painter.drawImage(place, QImage(str(path)))
    painter.end()
    sheet.save(str(out))


def _colours(picture: QImage) -> int:
    """Count the colours of a picture."""
    pixels = picture.convertToFormat(QImage.Format.Format_RGB32)
    return len(np.unique(np.frombuffer(pixels.constBits(), np.uint32)))


def _finely(points: Sequence[Point], step: float = 0.02) -> list[Point]:
    """Add points between those of a polyline, as a hand's movement has them."""
    fine = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        pieces = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / step))
        fine += [
            (x0 + (x1 - x0) * i / pieces, y0 + (y1 - y0) * i / pieces) for i in range(1, pieces + 1)
        ]
    return fine
