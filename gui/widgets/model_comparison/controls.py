"""What to train the models with, and how far the comparison is."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.model_comparison import ComparedModel, Measure
from gui.inputs import ComboBox, SpinBox
from gui.rich_text import rich
from gui.theme import GAP, MARGIN
from gui.widgets.buttons import progress_bar, push_button
from gui.widgets.card import Elided, label
from gui.widgets.model_comparison.text import span
from gui.widgets.table_cells import LEFT

LECTURE = "Each model takes its lecture's number of steps."


class ComparisonControls(QWidget):
    """Recipes and length, Train and Stop, and a slim progress bar."""

    train_clicked = Signal(str, int)
    """The recipes, ``tuned`` or ``lecture``, and the seconds a model."""
    stop_clicked = Signal()

    def __init__(self, models: Sequence[ComparedModel], measure: Measure) -> None:
        super().__init__()
        self._models = len(models)
        self._may_train, self._running = True, False
        self.recipes = ComboBox()
        self.recipes.setObjectName("ladderRecipes")
        self.recipes.setAccessibleName("Recipes to compare")
        self.recipes.addItem("Tuned", "tuned")
        if all("lecture" in compared.recipes for compared in models):
            self.recipes.addItem("Lecture", "lecture")
        if self.recipes.count() == 1:  # shown without a parent it would be a window
            self.recipes.hide()
        self.recipes.setToolTip(
            "<p>Tuned: sizes and optimiser that make the most of the time. Lecture: sizes,"
            " learning rates and steps as in the lecture, so that its numbers come out again.</p>"
        )
        self.recipes.currentIndexChanged.connect(self._refresh)
        self.length = SpinBox()
        self.length.setObjectName("ladderLength")
        self.length.setAccessibleName("Seconds a model")
        self.length.setRange(1, 3600)
        self.length.setValue(20)
        self.length.setFixedWidth(78)
        self.length.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.length.setSuffix(" s")
        self.length.setToolTip(
            "<p>How long to train each model, in seconds. All get the same, so that the comparison"
            " is fair.</p>"
        )
        self.length.valueChanged.connect(self._refresh)
        self.sentence = label("", "small", wrap=True)
        self.sentence.setObjectName("ladderPlan")
        self.sentence.setMinimumHeight(32)  # two lines, always: nothing below moves
        self.sentence.setAlignment(LEFT)
        self.train = push_button(
            "trainLadder",
            "Train all models",
            measure.plan,
        )
        self.train.setProperty("role", "primary")
        self.train.clicked.connect(self._train)
        self.stop = push_button("stopLadder", "Stop", "End here; what is reached is kept.")
        self.stop.clicked.connect(self.stop_clicked)
        self.words = Elided()
        self.words.setObjectName("ladderWords")
        self.bar = progress_bar("ladderProgress", "Progress over all models")
        self._arrange()
        self._refresh()

    def _arrange(self) -> None:
        # As high as the field beside it.
        self.recipes.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        choices = QHBoxLayout()
        choices.setSpacing(GAP)
        choices.addWidget(self.recipes)
        choices.addWidget(self.length)
        choices.addWidget(self.sentence, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.train)
        buttons.addWidget(self.stop)
        buttons.addSpacing(MARGIN - GAP)
        progress = QVBoxLayout()
        progress.setSpacing(6)
        progress.addStretch(1)
        progress.addWidget(self.words)
        progress.addWidget(self.bar)
        progress.addStretch(1)
        buttons.addLayout(progress, 1)
        column.addLayout(choices)
        column.addLayout(buttons)

    @property
    def which(self) -> str:
        """The recipes that are chosen, ``tuned`` or ``lecture``."""
        return str(self.recipes.currentData())

    def set_may_train(self, may: bool) -> None:
        """Say whether a comparison may be started now."""
        self._may_train = may
        self._refresh()

    def show_progress(self, running: bool, share: float, words: str) -> None:
        """Show how far the comparison is, 0 to 1, and what it does."""
        self.bar.setValue(round(1000 * min(1.0, max(0.0, share))))
        if words != self.words.text():
            self.words.setText(words)
            self.words.setToolTip(rich(words))
        if running != self._running:
            self._running = running
            self._refresh()

    def _refresh(self) -> None:
        tuned = self.which == "tuned"
        self.train.setEnabled(self._may_train and not self._running)
        self.stop.setEnabled(self._running)
        self.recipes.setEnabled(not self._running)
        self.length.setEnabled(tuned and not self._running)
        self.bar.setVisible(self._running)
        whole = span(self._models * self.length.value())
        self.sentence.setText(f"a model, about {whole} in all" if tuned else LECTURE)

    def _train(self) -> None:
        self.train_clicked.emit(self.which, self.length.value())
