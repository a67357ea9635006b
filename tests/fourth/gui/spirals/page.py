"""The spirals page: the recipe, the run, its curves and layers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.playgrounds.spirals.recipe import RECIPES  # type: ignore[import-not-found]
from PySide6.QtWidgets import QTabWidget

from gui.training_page import TrainingPage
from gui.widgets.curve_card import AccuracyCard
from gui.widgets.learning_panel import LearningPanel
from gui.widgets.page_frame import lay_out
from gui.worker import Worker

TITLE, ICON, ORDER = "Spirals", "digits", 9
HELP = "Spirals. Tell three arms of a spiral from one another."
ABOUT = "Train a network to tell three arms of a spiral from one another."


class Page(TrainingPage):
    """Spirals: the recipe, the run, its curves and layers."""

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__("spirals", RECIPES, worker, data, device)
        self.learning = LearningPanel(self.session, self._question, AccuracyCard())
        self.tabs = QTabWidget()
        self.tabs.addTab(self.learning, "Learning")
        self.tabs.addTab(self.network_panel, "Network")
        lay_out(self, TITLE, ABOUT, [self.recipe], (self.run_bar, self.tabs, self.code), [])

    def _question(self, layer: str) -> Callable[[Any, int], Any]:
        """Return what to ask about a layer."""

        def ask(model: Any, step: int) -> Any:
            import torch
            from core.playgrounds.spirals.playground import spirals  # type: ignore[import-not-found]

            from core.telemetry.inspection import inspect_layer

            nothing = torch.empty(0)
            return inspect_layer(model, layer, step, spirals(200, 1).contents, pictures=nothing)

        return ask
