"""The units of a layer, how important each is by ablation, and what is done to them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal

from core.numbers import number
from core.telemetry.events import Answer, LayerInfo, LayerView
from gui.charts.unit_bars import UnitBars
from gui.inputs import ComboBox
from gui.widgets.buttons import identified, push_button, retitle
from gui.widgets.card import Card, dress, label
from gui.widgets.unit_controls import UnitControls, done_to, marks

if TYPE_CHECKING:
    from core.interventions import Intervention

MOST = 256  # units of a layer that are shown
BY_UNIT, BY_IMPORTANCE = "by unit", "by importance"
HOW = "By how much the loss rises without each unit. Click one to mute it, again to have it back."
MEASURE, AGAIN, STOP = "Measure all", "Measure again", "Stop"


class AblationCard(Card):
    """Bars of importance that mute on a click, and the controls of the selected unit."""

    changed = Signal(int, float, float)
    """A unit is to say this factor times what it says, plus this number."""
    selected = Signal(int)
    """Another unit is selected."""
    measure_clicked = Signal()
    """Importance is to be measured to the end, or no more."""

    def __init__(self) -> None:
        super().__init__("Importance (ablation)")
        self.order = identified(
            ComboBox(), "unitOrder", "Order of the units", "In which order the units stand."
        )
        self.order.addItems([BY_UNIT, BY_IMPORTANCE])
        self.measure = push_button(
            "measureImportance",
            MEASURE,
            "Mute each unit alone, one after another, and judge the network each time.",
        )
        self.head.addWidget(self.measure)
        self.head.addWidget(self.order)
        self.note = label(HOW, "small", wrap=True)
        self.bars = UnitBars(
            "unitBars",
            "Importance of each unit",
            "<p>A bar a unit. Click one to mute it; with the keys: the arrows, then Space.</p>",
        )
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("importanceWords")
        self.controls = UnitControls()
        for widget in (self.note, self.controls, self.bars, self.words):
            self.body.addWidget(widget)
        self._info: LayerInfo | None = None
        self.units: Sequence[int] = ()
        """Those that are shown, in the order in which they are measured."""
        self._rises: Mapping[int, float] = {}
        self._axis = ""
        self._told: Mapping[int, Intervention] = {}
        self.order.currentIndexChanged.connect(lambda index: self._draw())
        self.measure.clicked.connect(self.measure_clicked)
        self.bars.chosen.connect(lambda index: self._toggle(self.bars.unit_of(index)))
        self.controls.selected.connect(self._on_selected)
        self.controls.changed.connect(self.changed)

    @property
    def unit(self) -> int:
        """The unit that is selected."""
        return self.controls.unit.value()

    @property
    def measured(self) -> bool:
        """Whether the importance of all units that are shown is known."""
        return all(unit in self._rises for unit in self.units)

    def open(self, info: LayerInfo) -> None:
        """Get ready for a layer."""
        self._info, self._rises, self._told = info, {}, {}
        self.units = range(min(MOST, info.units))
        self.order.setCurrentIndex(0)
        self.controls.set_units(info.units)
        self.show_measured(None, False, "")
        self._draw()

    def show_view(self, view: LayerView) -> None:
        """Take the units' activations; of a large layer those are shown that are most active."""
        self.controls.set_values(view.means, view.shown)
        if self._info is not None and self._info.units > MOST and not self._rises:
            most = np.nan_to_num(np.abs(view.activity).mean(1)).argsort()[::-1][:MOST]
            self.units = sorted(most.tolist())
            self._draw()

    def capped(self) -> str:
        """Say that not all units are shown, if so."""
        info = self._info
        if info is None or info.units <= MOST:
            return ""
        return f"The {MOST} most active of {info.units:,} units. "

    def show_interventions(self, told: "Mapping[int, Intervention]") -> None:
        """Mark what is done to the units of this layer."""
        self._told = told
        self.controls.show_interventions(told)
        self._mark()

    def show_measured(self, answer: Answer | None, measuring: bool, done: str) -> None:
        """Show how far the measurement is.

        Args:
            answer: of the meter; None for none.
            measuring: whether it goes on by itself.
            done: a sentence on what there is to say beside the numbers.
        """
        problem = "" if answer is None else answer.values.get("problem", "")
        if answer is not None and not problem:
            self._rises = answer.values["rises"]
            unit = answer.values["unit"]
            self._axis = "rise of the validation loss" + (f" ({unit})" if unit else "")
            self._draw()
        retitle(self.measure, STOP if measuring else AGAIN if self.measured else MEASURE)
        self.words.setText(problem or done)
        dress(self.words, "fault" if problem else "small")

    def select(self, unit: int) -> None:
        """Select a unit, which is done nothing to."""
        self.controls.select(unit)

    def _toggle(self, unit: int) -> None:
        self.select(unit)
        if unit in self._told:
            self.changed.emit(unit, 1.0, 0.0)
        else:
            self.changed.emit(unit, 0.0, 0.0)

    def _on_selected(self, unit: int) -> None:
        self._mark()
        self.selected.emit(unit)

    def _mark(self) -> None:
        self.bars.mark_units(*marks(self._told), self.unit)

    def _draw(self) -> None:
        units = list(self.units)
        if self.order.currentText() == BY_IMPORTANCE:
            units.sort(key=lambda unit: -self._rises.get(unit, -np.inf))
        self.bars.show_units(units, self._rises, self._axis, self._describe)
        self._mark()

    def _describe(self, unit: int) -> str:
        words = f"unit {unit}"
        if unit in self._rises:
            words += f"\n{rise_in_words(self._rises[unit])}"
        if told := self._told.get(unit):
            return f"{words}\n{done_to(told)}; click to have it back"
        return f"{words}\nclick to mute it"


def rise_in_words(rise: float) -> str:
    """Say what a network loses without a part: ``without it the loss rises by 0.02``."""
    return f"without it the loss {'falls' if rise < 0 else 'rises'} by {number(abs(rise))}"
