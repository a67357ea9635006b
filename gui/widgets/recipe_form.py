"""A form for a recipe, made from the descriptions of its settings."""

import math
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QWidget

from core.training.recipe import Recipe, Setting
from gui.inputs import ComboBox, Slider
from gui.recipe_draft import RecipeDraft
from gui.rich_text import rich
from gui.widgets.card import label
from gui.widgets.undo_keys import UndoableLine

STEPS_A_DECADE = 20  # of the slider of a number that wants a logarithmic one


class RecipeForm(QWidget):
    """One row a setting, under the heading of its group; what has no effect is hidden.

    It shows a draft and sends edits to it. An impossible value stays as typed, and is outlined.
    """

    typing = Signal(str, str)
    """A setting, and its text while it is typed; the draft has it once the field is left."""
    appeared = Signal(QWidget)
    """The field of the one setting that a choice made appear, such as the rank behind lora."""

    def __init__(self, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._rows: dict[str, list[QWidget]] = {}
        self._inputs: dict[str, QWidget] = {}
        self._sliders: dict[str, Slider] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(7)
        self._grid.setHorizontalSpacing(10)
        self._grid.setColumnStretch(1, 1)
        settings = draft.recipe.settings()
        for group in dict.fromkeys(about.group for about in settings.values()):
            self._add_heading(group)
            for key, about in settings.items():
                if about.group == group:
                    self._add_setting(key, about)
        draft.changed.connect(self._show)
        draft.complained.connect(lambda sentence: self._outline())
        self._show(draft.recipe)

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
            widget.setToolTip(rich(f"{about.help}{live}"))
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
        value = getattr(self._draft.recipe, key)
        if isinstance(value, bool):
            box = QCheckBox("on")
            box.toggled.connect(lambda on: self._draft.set(key, on))
            return box
        if about.choices:
            combo = ComboBox()
            combo.addItems(list(about.choices))
            combo.setSizeAdjustPolicy(
                ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.textActivated.connect(lambda text: self._choose(key, text))
            return combo
        line = UndoableLine()
        line.editingFinished.connect(lambda: self._take_text(key, line))
        line.textEdited.connect(lambda text: self.typing.emit(key, text))
        return line

    def _choose(self, key: str, text: str) -> None:
        hidden = [field for field in self._inputs.values() if field.isHidden()]
        self._draft.set(key, text)
        fresh = [field for field in hidden if not field.isHidden()]
        if len(fresh) == 1:
            self.appeared.emit(fresh[0])

    def _make_slider(self, key: str, about: Setting) -> Slider:
        slider = Slider(Qt.Orientation.Horizontal)
        # The useful part of the range: from a millionth to ten.
        low, high = math.log10(max(about.low, 1e-6)), math.log10(min(about.high, 10.0))
        slider.setRange(round(low * STEPS_A_DECADE), round(high * STEPS_A_DECADE))
        slider.setObjectName(f"slider_{key}")
        slider.setAccessibleName(f"{about.label}, logarithmic")
        slider.setToolTip("<p>Drag to change it by factors, even while a training runs.</p>")
        slider.sliderPressed.connect(self._draft.end_drag)
        slider.valueChanged.connect(
            lambda position: self._draft.set(
                key, float(f"{10 ** (position / STEPS_A_DECADE):.3g}"), drag=True
            )
        )
        self._sliders[key] = slider
        return slider

    def _show(self, recipe: Recipe) -> None:
        for key, about in recipe.settings().items():
            self._show_value(key, getattr(recipe, key))
            for widget in self._rows[key]:
                widget.setVisible(about.applies(recipe))
        self._outline()

    def _show_value(self, key: str, value: Any) -> None:
        field = self._inputs[key]
        with QSignalBlocker(field):
            if isinstance(field, QCheckBox):
                field.setChecked(value)
            elif isinstance(field, ComboBox):
                field.setCurrentText(value)
            elif isinstance(field, QLineEdit):
                field.setText(_text(value))
        if key in self._sliders:
            with QSignalBlocker(self._sliders[key]):
                self._sliders[key].setValue(round(math.log10(value) * STEPS_A_DECADE))

    def set_running(self, running: bool) -> None:
        """While a run goes on, only what may change live can be changed."""
        for key, about in self._draft.recipe.settings().items():
            for widget in self._rows[key][1:]:
                widget.setEnabled(about.live or not running)

    def _take_text(self, key: str, line: QLineEdit) -> None:
        shown = self._draft.typed.get(key, _text(getattr(self._draft.recipe, key)))
        if line.text() != shown:
            self._draft.set(key, line.text())

    def _outline(self) -> None:
        """Outline the field whose text is no possible value."""
        for key, field in self._inputs.items():
            wrong = key in self._draft.typed
            if isinstance(field, QLineEdit) and bool(field.property("wrong")) != wrong:
                field.setProperty("wrong", wrong)
                field.style().polish(field)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(str(size) for size in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
