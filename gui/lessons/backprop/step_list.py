"""The gradients in their order: which are solved, which were seen, and which are still locked."""

from collections.abc import Sequence

from PySide6.QtCore import Qt

from core.lessons.backprop.dojo import Dojo, StepState
from core.lessons.backprop.steps import GradientStep
from gui.widgets.title_list import HINT, TitleList

ROW, ROWS = 28, 20  # pixels of a row; rows before the list scrolls
WIDTH = 196  # pixels
HELP = (
    "The gradients from the loss backwards, as in the lecture. ✓ is solved; one whose answer was"
    " shown counts as seen. A faint one opens when those above it are done."
)


class StepList(TitleList):
    """Steps to choose from."""

    def __init__(self, name: str, steps: Sequence[GradientStep]) -> None:
        super().__init__(name, "Gradients, from the loss backwards", HELP)
        self.show_titles([(step.key, step.gradient) for step in steps], steps[0].key)
        self.setFixedWidth(WIDTH)
        self.setFixedHeight(min(len(steps), ROWS) * ROW)
        self._steps = steps

    def show_states(self, dojo: Dojo) -> None:
        """Mark what is solved and what was seen; what is locked can't be chosen."""
        states = {step.key: dojo.state(step) for step in self._steps}
        self.mark({key: "✓" for key, state in states.items() if state is StepState.SOLVED})
        able = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        for row in range(self.count()):
            item, state = self.item(row), states[self.key_at(row)]
            item.setData(HINT, "seen" if state is StepState.SEEN else "")
            item.setFlags(Qt.ItemFlag.NoItemFlags if state is StepState.LOCKED else able)
            item.setToolTip(f"{item.text()}: {state.value}")
