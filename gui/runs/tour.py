"""The tour of the page of runs: open what the tour has trained, go back in it, compare two."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from gui.runs.page import Page
from gui.runs.run_model import NAME, WHEN
from gui.tour import Guide

ALL, NAMES, DIGITS = "All playgrounds", "Names", "Digits"
CALLED = "the tour's own"


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageRuns")
    guide.wait("what the tour trained is in the list", lambda: page.runs.rowCount() >= 2)
    guide.wait("the newest run is opened", page.detail.isVisible)
    _go_back(guide, page)
    _name(guide, page)
    _compare(guide, page)
    guide.choose("runPlayground", ALL)


def _click(guide: Guide, page: Page, row: int, control: bool = False) -> None:
    """Choose a row, beside what is chosen or alone."""
    keys = Qt.KeyboardModifier
    place = page.table.visualRect(page.runs.index(row, WHEN)).center()
    held = keys.ControlModifier if control else keys.NoModifier
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, held, place)
    guide.rest(300)


def _go_back(guide: Guide, page: Page) -> None:
    """Open a run of digits, and see how its answer came about."""
    guide.choose("runPlayground", DIGITS)
    _click(guide, page, 0)
    guide.wait("a run of digits is opened", lambda: page.detail.play.canvas.isVisible())
    slider = guide.find(QWidget, "historySlider")
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Right):
        QTest.keyClick(slider, key)
        guide.rest(100)
    step = page.detail.slider.step
    guide.expect(f"its weights of step {step:,} read the digit", page.detail.play.isVisible())
    guide.look("runs")


def _name(guide: Guide, page: Page) -> None:
    """Give the run a name and a star."""
    page.table.setFocus()
    page.table.setCurrentIndex(page.runs.index(0, NAME))
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    line = guide.find(QLineEdit, "runName")
    line.selectAll()
    QTest.keyClicks(line, CALLED)
    QTest.keyClick(line, Qt.Key.Key_Return)
    guide.wait("the run has its name", lambda: page.runs.entry(0).title == CALLED)
    QTest.keyClick(page.table, Qt.Key.Key_S)
    guide.expect(f"“{page.runs.entry(0).title}” is starred", page.runs.entry(0).card.star)


def _compare(guide: Guide, page: Page) -> None:
    """Lay two runs of names over one another, and their layers side by side."""
    guide.choose("runPlayground", NAMES)
    _click(guide, page, 1)
    _click(guide, page, 3, control=True)
    guide.wait("two runs are compared", page.compare.isVisible)
    sentence = guide.find(QLabel, "compareSentence").text()
    guide.expect(sentence, bool(sentence))
    plot = page.compare.plot
    QTest.mouseMove(plot, plot.rect().center())
    guide.rest(200)
    guide.look("runs-compared")
    guide.turn_to("compareTabs", "Layers")
    walls = page.compare.walls.sides
    guide.expect("the layers of both stand side by side", len(walls) == 2)
    guide.look("runs-layers")
    guide.turn_to("compareTabs", "Curves")
