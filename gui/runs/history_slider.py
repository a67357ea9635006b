"""A slider through the steps of which there are moments; it grows with a run that goes on."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.inputs import Slider
from gui.rich_text import rich
from gui.widgets.card import label

WORDS = 132  # pixels, so that the slider stands still while the number changes


class HistorySlider(QWidget):
    """Goes from moment to moment with the mouse or the arrow keys."""

    moved = Signal(int)
    """Another moment is looked at: its step."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__()
        self.steps: list[int] = []
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setObjectName(name)
        self.slider.setAccessibleName("Step of the run")
        self.slider.setToolTip(rich(help))
        self.slider.setPageStep(4)
        self.words = label("", "heading")
        self.words.setFixedWidth(WORDS)
        self.last = label("", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.words)
        row.addWidget(self.slider, 1)
        row.addWidget(self.last)
        self.slider.valueChanged.connect(self._on_value)

    @property
    def step(self) -> int:
        """The step that is looked at; -1 where there is none."""
        return self.steps[self.slider.value()] if self.steps else -1

    def begin(self, steps: list[int]) -> None:
        """Show the steps of another run, at its end."""
        self._put(steps, len(steps) - 1)

    def show_steps(self, steps: list[int]) -> None:
        """Show these steps, ascending; whoever looks at the last one goes on to the new last."""
        if steps == self.steps:
            return
        before, last = self.step, len(steps) - 1
        at_end = self.slider.value() >= len(self.steps) - 1
        nearest = min(range(len(steps)), key=lambda i: abs(steps[i] - before), default=0)
        self._put(steps, last if at_end else nearest)

    def _put(self, steps: list[int], place: int) -> None:
        self.steps = steps
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(steps) - 1))
        self.slider.setValue(max(0, place))
        self.slider.blockSignals(False)
        self.setVisible(len(steps) > 1)
        self.last.setText(f"of {steps[-1]:,}" if steps else "")
        self._on_value()

    def _on_value(self) -> None:
        if self.steps:
            self.words.setText(f"Step {self.step:,}")
            self.slider.setAccessibleDescription(f"Step {self.step:,} of {self.steps[-1]:,}")
            self.moved.emit(self.step)
