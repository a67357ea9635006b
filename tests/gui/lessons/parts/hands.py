"""Hands for the live parts of lesson 1."""

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.playgrounds.digits.recipe import DigitsRecipe
from gui.session_state import State
from tests.gui.lessons.shelf import Shelf

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
FEW = {"steps": 20, "batch_size": 32, "augment": "none"}
CNN = DigitsRecipe(channels=(4, 6), kernel=3, **FEW)
MLP = DigitsRecipe(model="mlp", hidden=(24,), batch_norm=False, **FEW)


def opened(qtbot, *names):
    """Open a window with these playgrounds, torch loaded; close it at the end."""
    window = Shelf(*names)
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.worker.ready, timeout=60_000):
        window.worker.start()
    window.until = lambda condition: qtbot.waitUntil(condition, timeout=60_000)
    yield window
    window.close()


def learn(shelf, name, recipe):
    """Train a playground's network for the recipe's steps."""
    session, ended = shelf.pages[name].session, []
    session.ended.connect(ended.append)
    session.recipe = recipe
    session.start(1.0)
    shelf.until(lambda: bool(ended) and session.state is State.READY)
    return session.replica.model


def hover(board, point) -> None:
    """Move the mouse there; the offscreen platform's own cursor does not tell of it reliably."""
    kind, none = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
    there, no_key = QPointF(point), Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(kind, there, board.mapToGlobal(there), none, none, no_key)
    QApplication.sendEvent(board, move)


def cell(board, name, row, column) -> QPoint:
    """Return the middle of a cell."""
    return board.grids()[name].cell(row, column).center().toPoint()


def drag(board, edge, way) -> None:
    """Drag an edge so far."""
    start = board.grips()[edge].center().toPoint()
    QTest.mousePress(board, LEFT, pos=start)
    for share in (0.5, 1.0):
        QTest.mouseMove(board, start + way * share)
        QApplication.processEvents()
    QTest.mouseRelease(board, LEFT, pos=start + way)
