"""The digits page: train on the left and in the middle, draw on the right."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QWidget

from core.errors import UserError
from core.playgrounds.digits.download import holds_mnist
from core.playgrounds.digits.recipe import COMPARED_MODELS, MEASURE, RECIPES
from core.telemetry.events import Array, Evaluated
from core.telemetry.history import History
from core.training.control import Question
from gui.digits.augmented import AugmentedPreview
from gui.digits.digit_marks import digit_marks
from gui.digits.draw_panel import DrawPanel
from gui.digits.evaluation_panel import EvaluationPanel
from gui.digits.robustness_card import RobustnessCard
from gui.state_file import value_of
from gui.training_page import TrainingPage
from gui.widgets.curve_card import AccuracyCard
from gui.widgets.data_card import DataCard
from gui.widgets.learning_panel import LearningPanel
from gui.widgets.lr_range_card import LRRangeCard
from gui.widgets.model_comparison.panel import ComparisonPanel
from gui.widgets.model_comparison.session import ComparisonSession
from gui.widgets.page_frame import lay_out
from gui.widgets.page_tabs import PageTabs, add_tab
from gui.widgets.representation_card import RepresentationCard
from gui.widgets.scroll_column import UNDER_TABS, scrolled
from gui.worker import Worker

TITLE, ICON, ORDER = "Digits", "digits", 1
HELP = "Digits. Train a network on handwritten digits and draw one for it to read."
ABOUT = "Draw a digit and a network reads it. Train your own, and watch every layer learn."
OTHER_DIGITS = "LeCun's values are for all of MNIST; these are fewer digits to learn from."
RANGE_TEST_STEPS = 600  # steps of a range test: some ten seconds of a small network on a CPU


class Page(TrainingPage):
    """Digits: the recipe, the run, the layers, the mistakes, and a canvas that always answers."""

    data: DataCard
    learning: LearningPanel
    range_test: LRRangeCard
    comparison_panel: ComparisonPanel
    representation: RepresentationCard

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__("digits", RECIPES, worker, data, device)
        held = data is not None and holds_mnist(data)
        self.data = DataCard(self.session, "Bundled 5,000", "All of MNIST, 60,000", held)
        self.learning = LearningPanel(self.session, self._question, AccuracyCard())
        self.evaluation = EvaluationPanel()
        self.range_test = LRRangeCard("loss")
        self.range_test.follow(self.session, RANGE_TEST_STEPS)
        self.comparison_panel = ComparisonPanel(COMPARED_MODELS, MEASURE)
        self.comparison = ComparisonSession(
            self.session, self.recipe, self.comparison_panel, _reached, self._model_of, OTHER_DIGITS
        )
        self.representation = RepresentationCard(
            self.session, worker, _represented, digit_marks, {"input": "input pixels"}
        )
        self.robustness = RobustnessCard(self.session, worker, self.network)
        self.examples = AugmentedPreview()
        self.draw = DrawPanel()
        self.recipe.body.addWidget(self.examples)
        self._judged: Evaluated | None = None
        self.tabs = PageTabs("digitsTabs")
        add_tab(self.tabs, self.learning, "Learning")
        add_tab(self.tabs, self.network_panel, "Network")
        add_tab(self.tabs, self.evaluation, "Mistakes")
        add_tab(self.tabs, scrolled(self.representation, UNDER_TABS, fills=True), "PCA")
        add_tab(self.tabs, scrolled(self.robustness, UNDER_TABS, fills=True), "Robustness")
        add_tab(self.tabs, scrolled(self.comparison_panel, UNDER_TABS, fills=True), "Models")
        add_tab(self.tabs, scrolled(self.range_test, UNDER_TABS, fills=True), "LR test")
        self.home = self.draw.canvas
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        left, middle = (self.data, self.recipe), (self.run_bar, self.tabs, self.code)
        lay_out(self, TITLE, ABOUT, left, middle, [self.draw])

    def _connect(self) -> None:
        session = self.session
        self.draw.network.follow(self.network)
        session.loaded.connect(lambda event: self._give_reader())
        session.started.connect(lambda event: self._give_reader())
        session.weights_changed.connect(self.draw.refresh)
        session.evaluated.connect(self._on_evaluated)
        self.tabs.currentChanged.connect(lambda index: self._show_mistakes())
        session.examples_taken.connect(self.examples.show_examples)
        self.evaluation.pictureChosen.connect(self.draw.show_picture)
        self.representation.chosen.connect(self._show_example)
        self.draw.pictureChanged.connect(lambda picture: self.learning.refresh_layer())

    def kept_widgets(self) -> list[QWidget]:
        """Keep the tab and the pen."""
        return [self.tabs, self.draw.pen.width_slider]

    def save_state(self) -> dict[str, Any]:
        """Keep the drawing, too."""
        return super().save_state() | {"drawing": self.draw.canvas.sheet.to_dict()}

    def restore_state(self, values: Mapping[str, Any]) -> list[str]:
        """Take the drawing, too."""
        problems = super().restore_state(values)
        if drawing := value_of(values, "drawing", dict, {}):
            try:
                self.draw.canvas.restore(drawing)
            except UserError as error:
                problems.append(f"Digits: {error}")
        return problems

    def _model_of(self, model: str) -> str | None:
        """Return the model whose recipe was trained; its length and seed are free."""
        trained = self.session.trained.to_dict() | {"steps": 0, "seed": 0}
        for compared in COMPARED_MODELS:
            recipe = RECIPES[compared.recipes["tuned"]].to_dict() | {"steps": 0, "seed": 0}
            if recipe == trained:
                return compared.model
        return None

    def _on_evaluated(self, event: Evaluated) -> None:
        self._judged = event
        self._show_mistakes()

    def _show_mistakes(self) -> None:
        """Show the newest evaluation, if it is looked at: hundreds of pictures take their time."""
        if self._judged and self.tabs.currentWidget() is self.evaluation:
            self.evaluation.show_evaluation(self._judged)
            self._judged = None

    def _show_example(self, values: Mapping[str, Any], index: int) -> None:
        self.draw.show_picture(values["images"][index].astype(np.float32) / 255)

    def _give_reader(self) -> None:
        """Let the canvas ask the newest network."""
        replica = self.session.replica

        def read(picture: Array) -> Array:
            shares: Array = replica.playground.read(replica.model, replica.recipe, picture)
            return shares

        def saliency(picture: Array) -> Array:
            pixels: Array = replica.playground.saliency(replica.model, picture)
            return pixels

        self.draw.set_reader(read, saliency)

    def _question(self, layer: str) -> Callable[[Any, int], Any]:
        """Return what to ask about a layer: with some examples, and with what is on the canvas."""
        from core.playgrounds.digits.playground import look_into

        return look_into(layer, self.draw.picture)


def _represented(place: str) -> Question:
    from core.playgrounds.digits.representation import ask_representation

    return ask_representation(place)


def _reached(history: History) -> tuple[float, float] | None:
    """Return the last errors in per cent: of the newest training batches, and on validation."""
    found = history.evaluations
    if "val_accuracy" not in found or not len(history.accuracy.y):
        return None
    train = float(history.accuracy.smoothed()[-1])
    return 100 * (1 - train), 100 * (1 - float(found["val_accuracy"].y[-1]))
