"""The tour: the program uses itself, through real clicks, keys and mouse strokes.

It is a demonstration, the source of the README's pictures, and a test: it exits with 0 only if
everything that it expected was seen.
"""

import importlib
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabWidget, QWidget

from gui import theme
from gui.pages import page_names
from gui.session_state import State
from gui.window import MainWindow

Point = tuple[float, float]
W = TypeVar("W", bound=QWidget)


class TourError(Exception):
    """Something that the tour expected did not happen."""


class Guide:
    """Hands and eyes of the tour.

    Attributes:
        window: the program.
        folder: where pictures go.
        seconds: how long a training of the tour lasts.
    """

    def __init__(self, window: MainWindow, folder: Path, seconds: float) -> None:
        self.window = window
        self.folder = folder
        self.seconds = seconds

    def find(self, kind: type[W], name: str) -> W:
        """Return the widget of that name, on the page that is seen or around the pages."""
        page = self.window.page
        if page.objectName() == name and isinstance(page, kind):
            return page
        found = page.findChild(kind, name) or self.window.findChild(kind, name)
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
        from PySide6.QtWidgets import QComboBox

        box = self.find(QComboBox, name)
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
        self.rest(200)

    def train(self, recipe: str, seconds: float) -> None:
        """Choose a recipe and a length, press Train, and wait until it shows on the curves."""
        session = self.window.page.session
        self.choose("recipeBox", recipe)
        if self.find(QWidget, "lengthBox").isEnabled():  # some recipes say their number of steps
            self.type_number("lengthBox", max(1, round(seconds)))
        self.click("trainButton")
        self.wait("it starts", lambda: session.state is State.TRAINING)
        self.wait("a few groups of steps are done", lambda: len(session.history.loss.x) >= 3)

    def finish(self) -> None:
        """Wait until the run has ended."""
        session = self.window.page.session
        longest = self.seconds * 3 + 60
        self.wait("the run ends", lambda: session.state is State.READY, longest)

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

    def wait(self, what: str, until: Callable[[], bool], seconds: float = 60.0) -> None:
        """Let the program work until something holds."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                raise TourError(f"waited {seconds:.0f} s in vain: {what}")
            self.rest(20)

    def expect(self, what: str, holds: bool) -> None:
        """Say what was seen; if it was not, the tour has failed."""
        if not holds:
            raise TourError(f"did not see: {what}")
        print(f"  {what}")

    def look(self, name: str) -> None:
        """Save a picture of the window in both themes."""
        for word in ("light", "dark"):
            if theme.current().name != word:
                self.click("themeButton")
            self.rest(250)
            picture = self.window.grab()
            path = self.folder / f"{name}-{word}.png"
            if not picture.save(str(path)):
                raise TourError(f"{path} can't be written; name another folder with --tour")
        self.click("themeButton")
        self.rest(50)


class Tour:
    """Plays every page's part, in the order of their names."""

    def __init__(self, window: MainWindow, folder: Path, seconds: float) -> None:
        self._window = window
        self._guide = Guide(window, folder, seconds)
        self._folder = folder

    def run(self) -> int:
        """Play; return the exit status."""
        status = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for found in page_names():
                print(f"{found}:")
                module = importlib.import_module(f"gui.{found}.tour")
                self._guide.click(f"go_{found}")
                module.play(self._guide)
            print(f"Pictures are in {self._folder}.")
        except (TourError, OSError) as error:
            print(f"glassbox: the tour failed: {error}")
            status = 1
        self._window.close()
        return status


def _finely(points: Sequence[Point], step: float = 0.02) -> list[Point]:
    """Add points between those of a polyline, as a hand's movement has them."""
    fine = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        pieces = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / step))
        fine += [
            (x0 + (x1 - x0) * i / pieces, y0 + (y1 - y0) * i / pieces) for i in range(1, pieces + 1)
        ]
    return fine
