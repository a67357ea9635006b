"""Text and files that are dropped on a field of several lines."""

import random

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication

from gui.widgets.text_box import TextBox

ACTION, BUTTON, NO_KEY = (
    Qt.DropAction.CopyAction,
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.NoModifier,
)


@pytest.fixture
def box(qtbot):
    """One of a few lines, on the screen."""
    made = TextBox()
    qtbot.addWidget(made)
    made.resize(300, 120)
    made.show()
    return made


def drop(box, mime, place):
    """Drop something, if the box takes it."""
    enter = QDragEnterEvent(place, ACTION, mime, BUTTON, NO_KEY)
    QApplication.sendEvent(box.viewport(), enter)
    if enter.isAccepted():
        event = QDropEvent(QPointF(place), ACTION, mime, BUTTON, NO_KEY)
        QApplication.sendEvent(box.viewport(), event)
    return enter.isAccepted()


def of_text(words):
    """What a selection has that is dragged."""
    mime = QMimeData()
    mime.setText(words)
    return mime


def test_text_is_dropped_wherever_it_may_be(box):
    """Amid long lines, before anything is laid out anew: there Qt's own drop ends the program."""
    draw = random.Random(3)
    for _ in range(60):
        before = "word " * draw.randrange(60) + "\n" * draw.randrange(3)
        box.setPlainText(before)
        box.resize(draw.randrange(30, 400), draw.randrange(20, 200))
        place = QPoint(draw.randrange(300), draw.randrange(120))
        assert drop(box, of_text("dropped " * draw.randrange(1, 40)), place)
        assert "dropped" in box.toPlainText() and len(box.toPlainText()) > len(before)
    assert box.cursorRect().intersects(box.viewport().rect())  # what was dropped is seen


def test_a_file_is_left_to_the_page(box):
    """Its path is no text that somebody wants to write with."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/tmp/names.txt")])
    assert not drop(box, mime, QPoint(5, 5)) and box.toPlainText() == ""


def test_what_is_pasted_is_seen_and_has_a_limit(qtbot):
    """The end of a long text, or as much of it as is taken."""
    box = TextBox(most=400)
    qtbot.addWidget(box)
    box.resize(200, 60)
    box.show()
    QGuiApplication.clipboard().setText("word\n" * 1000)
    box.paste()
    assert len(box.toPlainText()) == 400
    assert box.cursorRect().intersects(box.viewport().rect())
