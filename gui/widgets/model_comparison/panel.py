"""How far each model gets: models of a playground, trained and compared."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout

from core.model_comparison import ComparedModel, Measure, Result
from gui.theme import GAP, MARGIN
from gui.widgets.card import Card, label, say
from gui.widgets.model_comparison.controls import ComparisonControls
from gui.widgets.model_comparison.picture import ComparisonPicture
from gui.widgets.model_comparison.table import ComparisonTable
from gui.widgets.table_cells import PAD


class ComparisonPanel(Card):
    """Trains nothing itself: it asks, and is told what each model reached.

    Args:
        models: the models, from the simplest on.
        measure: what they are compared by.
    """

    trainAsked = Signal(str, int)
    """Train all: with which recipes, ``tuned`` or ``lecture``, and the seconds a model."""
    stopAsked = Signal()
    rowChosen = Signal(str)
    """Play with the network of this model, which has a result."""

    def __init__(self, models: Sequence[ComparedModel], measure: Measure) -> None:
        super().__init__("Model comparison")
        self.setObjectName("ladderPanel")
        self.setAccessibleName("Model comparison")
        self.models = tuple(models)
        self._comparable = True
        self.controls = ComparisonControls(models, measure)
        self.table = ComparisonTable(models, measure)
        self.picture = ComparisonPicture(models, measure)
        self.note = label("", "small", wrap=True)
        self.note.setObjectName("ladderNote")
        self._arrange()
        self.note.hide()
        self.controls.train_clicked.connect(self.trainAsked)
        self.controls.stop_clicked.connect(self.stopAsked)
        self.table.chosen.connect(self.rowChosen)
        self.picture.chosen.connect(self.table.selectRow)

    def _arrange(self) -> None:
        # The table's rows reach further out than the text, so that all text begins on one line.
        self.body.setContentsMargins(MARGIN - PAD, MARGIN - 2, MARGIN - PAD, MARGIN)
        self.head.setContentsMargins(PAD, 0, PAD, 0)
        above, below = QVBoxLayout(), QVBoxLayout()
        for column in (above, below):
            column.setContentsMargins(PAD, 0, PAD, 0)
            column.setSpacing(GAP)
        above.addWidget(self.controls)
        below.addWidget(self.note)
        below.addSpacing(GAP)
        below.addWidget(self.picture)
        self.body.addLayout(above)
        self.body.addWidget(self.table)
        self.body.addLayout(below)
        self.body.addStretch(1)

    def show_result(self, model: str, result: Result) -> None:
        """Show what a model reached; costs a row of texts and one repaint."""
        self.table.show_result(model, result)
        self._draw()

    def clear_results(self) -> None:
        """Forget all results."""
        self.table.clear_results()
        self._draw()

    def set_running(self, model: str | None, share: float, words: str) -> None:
        """Show which model trains now; costs a few pixels of the bar, unless the model changes.

        Args:
            model: its name, or None when nothing is compared.
            share: how far the whole comparison is, 0 to 1.
            words: what to say beside it, such as the time that is left.
        """
        self.table.set_running(model)
        self.controls.show_progress(model is not None, share, words)

    def set_enabled_to_train(self, enabled: bool) -> None:
        """Say whether a comparison may be started now."""
        self.controls.set_may_train(enabled)

    def set_comparable(self, comparable: bool, words: str) -> None:
        """Say whether the data is what the reference is about; if not, ``words`` say so."""
        self._comparable = comparable
        self.table.set_comparable(comparable)
        say(self.note, "" if comparable else words, "small")
        self._fit()
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the note the lines that it needs at the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        # Said as a minimum: a scroll area asks for no height for a width.
        needed = self.note.heightForWidth(self.width() - 2 * MARGIN)
        self.note.setMinimumHeight(max(0, needed))

    def _draw(self) -> None:
        self.picture.show_results(self.table.results, self.table.best, self._comparable)
