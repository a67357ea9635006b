"""A form for a recipe, made from the descriptions of its settings."""

import math
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLineEdit, QSlider, QWidget

from core.errors import UserError
from core.training.recipe import Recipe, Setting
from gui.widgets.card import label

STEPS_A_DECADE = 20  # of the slider of a number that wants a logarithmic one


class RecipeForm(QWidget):
    """One row a setting, under the heading of its group; what has no effect is hidden.

    A value that can't be is kept as typed and outlined, and ``complained`` says why (or "" when all
    is well again); the recipe keeps the last good one.
    """

    changed = Signal(str, object)
    complained = Signal(str)

    def __init__(self, recipe: Recipe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recipe = recipe
        self.problem = ""
        self._rows: dict[str, list[QWidget]] = {}
        self._inputs: dict[str, QWidget] = {}
        self._sliders: dict[str, QSlider] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(7)
        self._grid.setHorizontalSpacing(10)
        self._grid.setColumnStretch(1, 1)
        for group in dict.fromkeys(about.group for about in recipe.settings().values()):
            self._add_heading(group)
            for key, about in recipe.settings().items():
                if about.group == group:
                    self._add_setting(key, about)
        self.show_recipe(recipe)

    def _add_heading(self, group: str) -> None:
        row = self._grid.rowCount()
        heading = label(group, "heading")
        heading.setContentsMargins(0, 10 if row > 1 else 0, 0, 2)
        self._grid.addWidget(heading, row, 0, 1, 2)

    def _add_setting(self, key: str, about: Setting) -> None:
        row = self._grid.rowCount()
        name = label(about.label, "muted")
        field = self._make_input(key, about)
        live = " It may be changed while a training runs." if about.live else ""
        for widget in (name, field):
            widget.setToolTip(f"<p>{about.help}{live}</p>")
        field.setMinimumWidth(60)
        field.setObjectName(f"setting_{key}")
        field.setAccessibleName(about.label)
        name.setBuddy(field)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(field, row, 1)
        self._inputs[key], self._rows[key] = field, [name, field]
        if about.live and about.low > 0 and about.high / about.low > 1e4:
            slider = self._make_slider(key, about)
            self._grid.addWidget(slider, row + 1, 1)
            self._rows[key].append(slider)

    def _make_input(self, key: str, about: Setting) -> QWidget:
        value = getattr(self._recipe, key)
        if isinstance(value, bool):
            box = QCheckBox("on")
            box.toggled.connect(lambda on: self._take(key, on))
            return box
        if about.choices:
            combo = QComboBox()
            combo.addItems(list(about.choices))
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.textActivated.connect(lambda text: self._take(key, text))
            return combo
        line = QLineEdit()
        line.editingFinished.connect(lambda: self._take_text(key, line))
        return line

    def _make_slider(self, key: str, about: Setting) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        # The useful part of the range: from a millionth to ten.
        low, high = math.log10(max(about.low, 1e-6)), math.log10(min(about.high, 10.0))
        slider.setRange(round(low * STEPS_A_DECADE), round(high * STEPS_A_DECADE))
        slider.setObjectName(f"slider_{key}")
        slider.setAccessibleName(f"{about.label}, logarithmic")
        slider.setToolTip("<p>Drag to change it by factors, even while a training runs.</p>")
        slider.valueChanged.connect(
            lambda position: self._take(key, float(f"{10 ** (position / STEPS_A_DECADE):.3g}"))
        )
        self._sliders[key] = slider
        return slider

    def show_recipe(self, recipe: Recipe) -> None:
        """Show these values; tells nobody."""
        self._recipe = recipe
        for key, about in recipe.settings().items():
            self._show_value(key, getattr(recipe, key))
            for widget in self._rows[key]:
                widget.setVisible(about.applies(recipe))
        self._complain(None, "")

    def _show_value(self, key: str, value: Any) -> None:
        field = self._inputs[key]
        with QSignalBlocker(field):
            if isinstance(field, QCheckBox):
                field.setChecked(value)
            elif isinstance(field, QComboBox):
                field.setCurrentText(value)
            elif isinstance(field, QLineEdit):
                field.setText(_text(value))
        if key in self._sliders:
            with QSignalBlocker(self._sliders[key]):
                self._sliders[key].setValue(round(math.log10(value) * STEPS_A_DECADE))

    def set_running(self, running: bool) -> None:
        """While a run goes on, only what may change live can be changed."""
        for key, about in self._recipe.settings().items():
            for widget in self._rows[key][1:]:
                widget.setEnabled(about.live or not running)

    def _take_text(self, key: str, line: QLineEdit) -> None:
        if line.text() != _text(getattr(self._recipe, key)):
            self._take(key, line.text())
        else:
            self._complain(None, "")

    def _take(self, key: str, value: Any) -> None:
        try:
            recipe = self._recipe.replace({key: value})
        except UserError as error:
            self._complain(key, str(error))
            return
        self.show_recipe(recipe)
        self.changed.emit(key, getattr(recipe, key))

    def _complain(self, key: str | None, sentence: str) -> None:
        for name, field in self._inputs.items():
            if isinstance(field, QLineEdit) and field.property("wrong") != (name == key):
                field.setProperty("wrong", name == key)
                field.style().polish(field)
        if sentence != self.problem:
            self.problem = sentence
            self.complained.emit(sentence)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(str(size) for size in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
