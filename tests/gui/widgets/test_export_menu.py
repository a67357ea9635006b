"""Any card of the window as a file, by the right mouse button or by Ctrl+E."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QWidget

from gui.widgets.curve_card import LossCard
from gui.widgets.export_file import PICTURE


@pytest.fixture
def pages():
    """The page that is used here."""
    return ("digits",)


def press_right(widget):
    """Press the right mouse button in the middle of a plot; what it ignores goes on upwards."""
    place = widget.rect().center()
    reason = QContextMenuEvent.Reason.Mouse
    event = QContextMenuEvent(reason, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_card_is_saved_as_a_picture(program, tmp_path, monkeypatch, kind):
    """Its title is the name that is proposed; what lies there is the card."""
    path = tmp_path / f"loss.{kind}"
    proposed = []
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(path)])
    monkeypatch.setattr(
        QFileDialog, "exec", lambda self: proposed.append(self.windowTitle()) or True
    )
    card = program.page.findChild(LossCard)
    press_right(card.plot)
    menu = program.window.findChild(QMenu, "exportCardMenu")
    menu.findChild(QAction, f"exportCard_{kind}").trigger()
    menu.close()
    assert proposed == ["Export"]
    if kind == "png":
        assert QImage(str(path)).width() == 2 * card.width()
    else:
        assert QSvgRenderer(str(path)).viewBox().width() == card.width()


def test_what_can_not_be_written_is_said(program, tmp_path, monkeypatch):
    """A sentence in a box, and nothing is left of it."""
    said = []
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: ["/proc/no/loss.png"])
    monkeypatch.setattr(QFileDialog, "exec", lambda self: True)
    monkeypatch.setattr(QMessageBox, "warning", lambda *words: said.append(words[2]))
    press_right(program.page.findChild(LossCard).plot)
    menu = program.window.findChild(QMenu, "exportCardMenu")
    menu.findChild(QAction, "exportCard_png").trigger()
    menu.close()
    assert "can't be written" in said[0]


def test_a_picture_that_is_no_card_is_offered_too(program):
    """The pictures of a lesson stand in one card with its question."""
    part = QWidget(program.window)
    part.setProperty(PICTURE, "How fast do they learn?")
    part.setGeometry(0, 0, 140, 100)
    part.show()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(50, 50), QPoint(50, 50))
    QApplication.sendEvent(program.window, event)
    menu = program.window.findChild(QMenu, "exportCardMenu")
    assert {action.text() for action in menu.actions()} == {"Save as PNG…", "Save as SVG…"}
    menu.close()


def test_the_keys_export_what_has_the_focus(program, tmp_path, monkeypatch):
    """Ctrl+E opens the menu; the arrow keys and Enter choose the values of the chart as CSV."""
    plot = program.page.findChild(LossCard).plot
    program.train()
    program.until(lambda: len(plot.csv_rows()) > 0)
    program.stop()
    path = tmp_path / "loss.csv"
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(path)])
    monkeypatch.setattr(QFileDialog, "exec", lambda self: True)
    program.window.activateWindow()
    plot.setFocus()
    program.until(plot.hasFocus)
    QTest.keyClick(plot, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    menu = program.window.findChild(QMenu, "exportCardMenu")
    assert [action.objectName() for action in menu.actions()] == [
        "exportCard_png",
        "exportCard_svg",
        "exportCard_csv",
    ]
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(menu, key)
    title, *rows = path.read_text().splitlines()
    assert title.startswith("step,") and "validation" in title and rows


def test_the_keys_export_a_table_as_markdown(program, tmp_path, monkeypatch):
    """The model comparison, as it stands there."""
    page, path = program.page, tmp_path / "models.md"
    program.turn_to("Models")
    table = page.comparison_panel.table
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(path)])
    monkeypatch.setattr(QFileDialog, "exec", lambda self: True)
    program.window.activateWindow()
    table.setFocus()
    program.until(table.hasFocus)
    QTest.keyClick(table, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    menu = program.window.findChild(QMenu, "exportCardMenu")
    assert menu.actions()[3].text() == "Save as Markdown…"
    for key in (*[Qt.Key.Key_Down] * 3, Qt.Key.Key_Return):
        QTest.keyClick(menu, key)
    head, line, *rows = path.read_text().splitlines()
    assert head.startswith("| ") and set(line) == set("| -") and len(rows) == table.rowCount()


def test_without_a_card_the_keys_say_so(program):
    """Nothing happens silently."""
    program.window.activateWindow()
    button = program.window.findChild(QWidget, "go_digits")
    button.setFocus()
    program.until(button.hasFocus)
    QTest.keyClick(button, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert "can be exported" in program.window.notices.words.text()


def test_where_no_card_is_nothing_is_offered(program):
    """The rail is no picture."""
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(20, 700), QPoint(20, 700))
    QApplication.sendEvent(program.window, event)
    assert program.window.findChild(QMenu, "exportCardMenu") is None
