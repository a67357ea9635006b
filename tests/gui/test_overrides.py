"""Errors of ours in what Qt calls are reported, and end nothing."""

import pytest
import shiboken6
from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtWidgets import QLabel, QTableView, QWidget

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


def test_so_is_one_of_a_class_that_is_mixed_in_and_one_of_a_model_that_is_sorted(qtbot):
    """Qt finds the first in a class that knows nothing of Qt."""
    catch_errors()

    class Mixed:
        def paintEvent(self, event):
            no_such_row()

    class Broken(Mixed, QWidget):
        pass

    class Model(QAbstractTableModel):
        def rowCount(self, parent=None):
            return 1

        columnCount = rowCount

        def data(self, index, role=0):
            return None

        def sort(self, column, order=None):
            no_such_row()

    with qtbot.capture_exceptions() as errors:
        widget, table, model = Broken(), QTableView(), Model()
        for shown in (widget, table):
            qtbot.addWidget(shown)
        widget.show()
        qtbot.waitUntil(lambda: bool(errors))
        table.setModel(model)
        with pytest.raises(IndexError):
            table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert issubclass(errors[0][0], IndexError)
