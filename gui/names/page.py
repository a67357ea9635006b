"""The names page: train on the left and in the middle, begin a name on the right."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QWidget

from core.model_comparison import Result
from core.playgrounds.names.recipe import COMPARED_MODELS, MEASURE, RECIPES
from core.playgrounds.names.wordlist import holds_names
from core.runs.folder import title_of
from core.telemetry.events import (
    Answer,
    DataDescribed,
    Evaluated,
    Loaded,
    Started,
)
from core.telemetry.history import History
from core.training.control import Question
from gui.names.letters_panel import LettersPanel
from gui.names.name_marks import name_marks
from gui.names.name_panel import NamePanel
from gui.names.surprisal_card import SurprisalCard
from gui.training_page import TrainingPage
from gui.widgets.curve_card import ValidationCard
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

if TYPE_CHECKING:
    from core.playgrounds.names.player import Player

TITLE, ICON, ORDER = "Names", "names", 2
HELP = "Names. Train a network on names, letter by letter, and let it finish yours."
ABOUT = "Start a name and a network completes it. Compare models, from counting to attention."
KEPT = 12  # networks to be put beside another
RANGE_TEST_STEPS = 1000  # steps
STARTER = "The shipped network"
MARKS = {"bigram": 2.48, "MLP": 2.17, "WaveNet": 1.99}
NONE = np.empty(0)
OTHER_LIST = "The lecture's values are for makemore's names.txt; this is another list."


class Page(TrainingPage):
    """Names: recipe, run, layers, letters, model comparison, and a prefix box."""

    data: DataCard
    learning: LearningPanel
    range_test: LRRangeCard
    comparison_panel: ComparisonPanel
    representation: RepresentationCard

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__("names", RECIPES, worker, data, device)
        held = data is not None and holds_names(data)
        full = "makemore's 32,033 names"
        own = "A list of mine, a name a line…"
        self.data = DataCard(self.session, "US names, bundled", full, held, own)
        self.standing = ValidationCard(MARKS, 1.7, 2.7)
        self.learning = LearningPanel(self.session, self._question, self.standing)
        self.letters = LettersPanel()
        self.representation = RepresentationCard(
            self.session, worker, _represented, name_marks, {"letters": "letter embedding"}
        )
        self.comparison_panel = ComparisonPanel(COMPARED_MODELS, MEASURE)
        self.comparison = ComparisonSession(
            self.session,
            self.recipe,
            self.comparison_panel,
            _reached,
            lambda model: model,
            OTHER_LIST,
        )
        self.range_test = LRRangeCard("loss (nats per character)")
        self.names, self.surprise = NamePanel(), SurprisalCard()
        self._words: frozenset[str] = frozenset()
        self._listed = 0
        """How many names the training list has."""
        self._shelf: dict[str, Any] = {}
        """Networks to be put beside the present one, by their names, as replicas."""
        self.tabs = PageTabs("namesTabs")
        self.home = self.names.prefix
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        add_tab(self.tabs, self.learning, "Learning")
        add_tab(self.tabs, self.network_panel, "Network")
        add_tab(self.tabs, self.letters, "Letters")
        add_tab(self.tabs, scrolled(self.representation, UNDER_TABS, fills=True), "PCA")
        add_tab(self.tabs, scrolled(self.comparison_panel, UNDER_TABS, fills=True), "Models")
        add_tab(self.tabs, scrolled(self.range_test, UNDER_TABS, fills=True), "LR test")
        left, middle = (self.data, self.recipe), (self.run_bar, self.tabs, self.code)
        lay_out(self, TITLE, ABOUT, left, middle, (self.names, self.surprise))

    def _connect(self) -> None:
        session = self.session
        self.names.network.follow(self.network)
        session.data_described.connect(self._on_data_described)
        session.data_chosen.connect(self._show_list)
        session.loaded.connect(self._on_loaded)
        session.started.connect(self._on_started)
        session.weights_changed.connect(self._refresh)
        session.intervened.connect(self.names.hurry)
        session.evaluated.connect(self._on_evaluated)
        self.comparison.added.connect(self._on_result)
        session.answered.connect(self._on_answer)
        self.range_test.follow(session, RANGE_TEST_STEPS)
        self.names.nameChosen.connect(self.surprise.show_word)
        self.names.prefixChanged.connect(lambda text: self.learning.refresh_layer())
        self.names.otherChosen.connect(self._put_beside)
        self.letters.dreamWanted.connect(self._dream)

    def kept_widgets(self) -> list[QWidget]:
        """Keep the tab, the beginning of a name, and how names are drawn."""
        drawn = self.names.settings
        numbers = [drawn.temperature, drawn.top_k, drawn.count, drawn.seed]
        return [self.tabs, self.names.prefix, *numbers]

    def _on_data_described(self, event: DataDescribed) -> None:
        """The list that the network is held against: its names are no new ones."""
        self._words = event.values["words"]
        self._listed = event.values["train_size"]
        self._show_list(event)
        self._play()

    def _show_list(self, event: DataDescribed) -> None:
        values = event.values
        self.letters.show_data_views(values)
        self.standing.show_references(values["lecture"])

    def _on_loaded(self, event: Loaded) -> None:
        self._play()
        path = Path(event.path)
        self._keep(STARTER if path == self.session.starter else title_of(path))

    def _on_started(self, event: Started) -> None:
        self._play()

    def _play(self) -> None:
        """Play with the session's network from now on."""
        self.surprise.set_totals(NONE, 0)
        player = self._player(self.session.replica)
        self.names.set_player(player)
        self.letters.set_player(player)
        self.surprise.set_reader(player.surprise, player.uniform)

    def _player(self, replica: Any) -> "Player":
        from core.playgrounds.names.player import Player

        return Player(replica.model, self._words)

    def _refresh(self) -> None:
        self.names.follow()
        self.letters.refresh()
        self.surprise.refresh()

    def _on_answer(self, answer: Answer) -> None:
        if answer.topic == "bigrams":
            self.letters.show_answer(answer)

    def _on_evaluated(self, event: Evaluated) -> None:
        self.surprise.set_totals(event.details["totals"], self._listed)

    def _on_result(self, result: Result) -> None:
        self._keep(f"{result.recipe}, {result.judged:.3f}")

    def _keep(self, title: str) -> None:
        """Keep the present network, to be put beside others."""
        if self.session.weights is None:
            return
        self._shelf.pop(title, None)
        self._shelf[title] = self.session.copy_replica()
        for old in list(self._shelf)[:-KEPT]:
            del self._shelf[old]
        self.names.set_choices(list(self._shelf))

    def _put_beside(self, title: str) -> None:
        if title:
            self.names.set_other(self._player(self._shelf[title]), title)

    def _dream(self, count: int) -> None:
        from core.interventions import asked_with
        from core.playgrounds.names.playground import dream

        question = asked_with(self.session.interventions, dream(count))
        self.session.ask(question, "bigrams")

    def _question(self, layer: str) -> Callable[[Any, int], Any]:
        """Return what to ask about a layer: with some names, and with what was typed."""
        from core.playgrounds.names.playground import look_into

        return look_into(layer, self.names.prefix.text())


def _represented(place: str) -> Question:
    from core.playgrounds.names.representation import ask_representation

    return ask_representation(place)


def _reached(history: History) -> tuple[float, float] | None:
    """Return the last losses on training and dev names."""
    found = history.evaluations
    if "val_loss" not in found:
        return None
    return float(found["train_loss"].y[-1]), float(found["val_loss"].y[-1])
