"""Errors of ours in what Qt calls are reported, and end nothing."""

import pytest
import shiboken6
from PySide6.QtWidgets import QLabel, QWidget

from gui.overrides import catch_errors


def no_such_row():
    """An error that Python's own C code raises."""
    return [][1]


def deleted():
    """One that Shiboken raises, of a widget that Qt has deleted."""
    label = QLabel()
    shiboken6.delete(label)
    return label.text()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(no_such_row, IndexError), (lambda: 1 / 0, ZeroDivisionError), (deleted, RuntimeError)],
)
def test_an_error_in_a_method_that_qt_calls_is_reported(qtbot, fault, kind):
    """Of a class that is defined before or after: where Python is 3.11 it ended the process."""
    catch_errors()

    class Broken(QWidget):
        def paintEvent(self, event):
            fault()

    with qtbot.capture_exceptions() as errors:
        widget = Broken()
        qtbot.addWidget(widget)
        widget.show()
        qtbot.waitUntil(lambda: bool(errors))
    assert issubclass(errors[0][0], kind)
