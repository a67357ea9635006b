"""What widgets say, as plain values by their object names, and back at the next start."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QSplitter, QTabWidget, QWidget

from gui.inputs import DoubleSpinBox, Slider, SpinBox
from gui.state_file import value_of

LARGEST = 1 << 16  # pixels of a part of a splitter


def values_of(widgets: Sequence[QWidget]) -> dict[str, Any]:
    """Return what numbers, texts, tabs and splitters say, by their object names."""
    return {widget.objectName(): _value_of(widget) for widget in widgets}


def give_values(widgets: Sequence[QWidget], values: Mapping[str, Any]) -> None:
    """Let widgets say what they said; what is missing or of another kind changes nothing."""
    for widget in widgets:
        _give(widget, values, widget.objectName())


def _value_of(widget: QWidget) -> Any:
    if isinstance(widget, QTabWidget):
        return widget.tabText(widget.currentIndex())  # a version may have other tabs
    if isinstance(widget, QSplitter):
        return widget.sizes()
    if isinstance(widget, QLineEdit):
        return widget.text()
    if isinstance(widget, QPlainTextEdit):
        return widget.toPlainText()
    if isinstance(widget, SpinBox | DoubleSpinBox | Slider):
        return widget.value()
    raise TypeError(f"{widget.objectName()} is of no kind whose value can be kept")


def _give(widget: QWidget, values: Mapping[str, Any], key: str) -> None:
    if isinstance(widget, QTabWidget):
        titles = [widget.tabText(index) for index in range(widget.count())]
        if (title := value_of(values, key, str, "")) in titles:
            widget.setCurrentIndex(titles.index(title))
    elif isinstance(widget, QSplitter):
        sizes = value_of(values, key, list, [])
        if len(sizes) == widget.count() and all(type(s) is int and 0 < s < LARGEST for s in sizes):
            widget.setSizes(sizes)
    elif isinstance(widget, QLineEdit):
        widget.setText(value_of(values, key, str, widget.text()))
    elif isinstance(widget, QPlainTextEdit):
        widget.setPlainText(value_of(values, key, str, widget.toPlainText()))
    elif isinstance(widget, SpinBox | Slider):
        number = value_of(values, key, int, widget.value())
        widget.setValue(min(max(widget.minimum(), number), widget.maximum()))
    elif isinstance(widget, DoubleSpinBox):
        widget.setValue(value_of(values, key, float, widget.value()))
