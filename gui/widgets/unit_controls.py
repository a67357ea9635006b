"""What can be done to one unit of a layer: mute it, scale it, set it to a number."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from core.numbers import number
from core.telemetry.events import Array
from gui.inputs import DoubleSpinBox, Slider, SpinBox
from gui.theme import GAP
from gui.widgets.buttons import identified, push_button
from gui.widgets.card import label

if TYPE_CHECKING:
    from core.interventions import Intervention

MOST_SCALED = 4  # what an output is multiplied by, at most
STEPS = 20  # of the slider, between one factor and the next whole one
FARTHEST = 10_000.0  # what an output can be set to, at most


class UnitControls(QWidget):
    """A unit by its number, and the interventions on it."""

    selected = Signal(int)
    """Another unit was chosen here."""
    changed = Signal(int, float, float)
    """A unit is to say this factor times what it says, plus this number."""

    def __init__(self, with_values: bool = True) -> None:
        """Make them.

        Args:
            with_values: whether the units' activations will be known.
        """
        super().__init__()
        self._means: Array | None = None
        self._shown: Array | None = None
        self._told: Mapping[int, Intervention] = {}
        self.unit = identified(
            SpinBox(), "unitNumber", "Unit", "The unit that is changed here, from 0."
        )
        self.mute = push_button(
            "muteUnit",
            "Mute",
            "Ablation: it says 0 to every input. Press it again to undo.",
            "choice",
        )
        self.mute.setCheckable(True)
        self.factor = identified(
            Slider(Qt.Orientation.Horizontal),
            "unitFactor",
            "Factor of the unit's output",
            "What the unit says is multiplied by this: 0 mutes it, 1 leaves it as it is.",
        )
        self.times = label("", "small")
        self.times.setObjectName("unitTimes")
        self.times.setMinimumWidth(44)
        self.value = identified(
            DoubleSpinBox(),
            "unitValue",
            "The number that the unit is set to",
            "Activation patching: the unit says this number, whatever it is handed.",
        )
        self.value.setRange(-FARTHEST, FARTHEST)
        self.value.setDecimals(3)
        self.value.setSingleStep(0.1)
        self.value.setKeyboardTracking(False)
        for box in (self.unit, self.value):
            box.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.setFixedWidth(72)
        self.set_mean = push_button(
            "setUnitMean",
            "Its mean",
            "Mean ablation: set it to its mean activation over the examples that this layer is"
            " shown, which tells the layers behind it less that is unusual than 0 does.",
        )
        self.set_shown = push_button(
            "setUnitShown",
            "Its value now",
            "Activation patching: keep it at its activation for the present input (of a filter the"
            " mean over its map), then try another input.",
        )
        if not with_values:
            self.set_mean.hide()
            self.set_shown.hide()
        self._arrange()
        self.unit.valueChanged.connect(self._on_unit)
        self.mute.clicked.connect(self._on_mute)
        self.factor.valueChanged.connect(self._on_factor)
        self.value.valueChanged.connect(self._on_value)
        self.set_mean.clicked.connect(lambda: self._set_to(self._means))
        self.set_shown.clicked.connect(lambda: self._set_to(self._shown))

    def _arrange(self) -> None:
        self.factor.setRange(0, MOST_SCALED * STEPS)
        self.factor.setPageStep(STEPS)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setSpacing(GAP)
        words = label("Unit", "small")
        words.setBuddy(self.unit)
        first.addWidget(words)
        first.addWidget(self.unit)
        first.addWidget(self.mute)
        first.addWidget(self.factor, 1)
        first.addWidget(self.times)
        set_to = label("Set to", "small")
        set_to.setBuddy(self.value)
        for widget in (set_to, self.value, self.set_mean, self.set_shown):
            second.addWidget(widget)
        second.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(6)
        grid.addLayout(first, 0, 0)
        grid.addLayout(second, 1, 0)

    def set_units(self, count: int) -> None:
        """Choose among so many units from now on, of which the first one is selected."""
        self._means = self._shown = None
        self.unit.blockSignals(True)
        self.unit.setRange(0, count - 1)
        self.unit.setValue(0)
        self.unit.blockSignals(False)
        self._show()

    def set_values(self, means: Array, shown: Array) -> None:
        """Know the units' mean activations, and those for the present input, which may be none."""
        self._means, self._shown = means, shown if shown.size else None
        self._show()

    def show_interventions(self, told: "Mapping[int, Intervention]") -> None:
        """Show what is done to the units of this layer."""
        self._told = told
        self._show()

    def select(self, unit: int) -> None:
        """Select a unit."""
        self.unit.setValue(unit)

    def _show(self) -> None:
        """Show the selected unit's state; nobody changes it by that."""
        unit = self.unit.value()
        told = self._told.get(unit)
        factor, added = (told.factor, told.added) if told else (1.0, 0.0)
        is_set = factor == 0.0 and added != 0.0
        for widget in (self.factor, self.value, self.mute):
            widget.blockSignals(True)
        self.mute.setChecked(factor == 0.0 and added == 0.0)
        self.factor.setValue(round(STEPS * factor))
        self.value.setValue(added)
        for widget in (self.factor, self.value, self.mute):
            widget.blockSignals(False)
        self.times.setText(f"= {number(added)}" if is_set else f"× {factor:.2f}")
        self.set_mean.setEnabled(self._means is not None)
        self.set_shown.setEnabled(self._shown is not None)

    def _on_unit(self, unit: int) -> None:
        self._show()
        self.selected.emit(unit)

    def _on_mute(self, on: bool) -> None:
        self._change(0.0 if on else 1.0, 0.0)

    def _on_factor(self, steps: int) -> None:
        self._change(steps / STEPS, 0.0)

    def _on_value(self, value: float) -> None:
        self._change(0.0, value)

    def _set_to(self, values: Array | None) -> None:
        if values is not None:
            self._change(0.0, float(values[self.unit.value()]))

    def _change(self, factor: float, added: float) -> None:
        self.changed.emit(self.unit.value(), factor, added)


def done_to(intervention: "Intervention") -> str:
    """Say what is done to a part: ``muted``, ``× 2``, ``set to 0.3``."""
    factor, added = intervention.factor, intervention.added
    if factor == 0.0:
        return f"set to {number(added)}" if added else "muted"
    return f"× {number(factor)}" + (f" + {number(added)}" if added else "")


def marks(told: "Mapping[int, Intervention]") -> tuple[frozenset[int], frozenset[int]]:
    """Return which units are muted, and which are changed in another way."""
    muted = frozenset(unit for unit, each in told.items() if each.factor == each.added == 0.0)
    return muted, frozenset(told) - muted


def of_units(interventions: "Iterable[Intervention]", layer: str) -> "dict[int, Intervention]":
    """Return what is done to the units of a layer, by unit."""
    return {
        each.part.index: each
        for each in interventions
        if each.part.layer == layer and not each.part.head
    }
