"""The text page: train on the left and in the middle, let the network write on the right."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core import playgrounds
from core.errors import UserError
from core.playgrounds.text.corpus import holds_tiny, texts_in
from core.playgrounds.text.recipe import RECIPES, REPEATS, TextRecipe
from core.telemetry.events import DataDescribed, Loaded, Started
from core.training.control import Question
from gui.session_state import State
from gui.text.attention_panel import AttentionPanel
from gui.text.heads_asker import HeadsAsker
from gui.text.heads_panel import HeadsPanel
from gui.text.logit_lens_panel import LogitLensPanel
from gui.text.sample_timeline import SampleTimeline
from gui.text.sampler import Sample, Sampler
from gui.text.token_marks import token_marks
from gui.text.tokens_panel import TokensPanel
from gui.text.write_panel import WritePanel
from gui.training_page import TrainingPage
from gui.widgets.card import label
from gui.widgets.curve_card import CharacterCard
from gui.widgets.data_card import DataCard
from gui.widgets.learning_panel import LearningPanel
from gui.widgets.lr_range_card import LRRangeCard
from gui.widgets.page_frame import lay_out
from gui.widgets.page_tabs import PageTabs, add_tab
from gui.widgets.representation_card import RepresentationCard
from gui.widgets.scroll_column import UNDER_TABS, scrolled
from gui.worker import Worker

if TYPE_CHECKING:  # it brings torch
    from core.playgrounds.text.models import TextModel

TITLE, ICON, ORDER = "Text", "text", 3
HELP = "Text. Train a GPT on a text, token by token, and let it write on from your prompt."
ABOUT = (
    "Write a prompt and a network goes on. See the tokens it reads, and the attention between them."
)
WRITE = 350  # pixels of the pane in which it writes
RANGE_TEST_STEPS = 300  # steps of a range test: half a minute of the first recipe on two busy cores
KNOWN = {"nanoGPT, CPU": 1.88, "nanoGPT, A100": 1.4697}
"""What nanoGPT's README reports of its character models on Tiny Shakespeare."""
OWN_TEXT = "This recipe makes its own text: random letters that are repeated (dataset=repeats)."


class Page(TrainingPage):
    """Text: the recipe, the run, the layers, the tokens, attention, and a prompt."""

    data: DataCard
    learning: LearningPanel
    range_test: LRRangeCard
    representation: RepresentationCard

    def __init__(self, worker: Worker, data: Path | None, device: str) -> None:
        super().__init__("text", RECIPES, worker, data, device)
        held = data is not None and data.is_dir() and holds_tiny(data)
        own = "A text of mine…"
        full = "Tiny Shakespeare"
        self.data = DataCard(
            self.session,
            "Shakespeare's plays",
            full,
            held,
            own,
            lambda folder: bool(texts_in(folder)),
        )
        self.own_text = label(OWN_TEXT, "small", wrap=True)
        self.own_text.setObjectName("ownText")
        self.data.body.addWidget(self.own_text)
        self.characters = CharacterCard(KNOWN)
        self.learning = LearningPanel(self.session, self._question, self.characters)
        self.tokens, self.attention, self.inside = TokensPanel(), AttentionPanel(), LogitLensPanel()
        self._playing: TextModel | None = None
        """The network that the panels look into and write with."""
        self._frequent: list[int] = []
        """The tokens of the text, the most frequent first."""
        self.representation = RepresentationCard(
            self.session,
            worker,
            self._represented,
            token_marks,
            {"tokens": "token embedding"},
            leave_out=["embedding"],
        )
        self.heads = HeadsPanel()
        HeadsAsker(self.session, self.heads)
        self.timeline = SampleTimeline()
        self.range_test = LRRangeCard("loss (nats per token)")
        self.range_test.follow(self.session, RANGE_TEST_STEPS)
        self.sampler = Sampler(self.session)
        self.write = WritePanel()
        self._greeted = False
        """Whether torch was there once, so that the device is known."""
        self.tabs = PageTabs("textTabs")
        self.home = self.write.prompt
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        on_the_way = QWidget()
        beneath = QVBoxLayout(on_the_way)
        beneath.setContentsMargins(0, 10, 0, 0)
        beneath.addWidget(self.timeline)
        for panel, title in (
            (self.learning, "Learning"),
            (self.network_panel, "Network"),
            (on_the_way, "Samples"),
            (scrolled(self.tokens, fills=True), "Tokens"),
            (scrolled(self.attention, fills=True), "Attention"),
            (scrolled(self.heads, fills=True), "Heads"),
            (scrolled(self.inside, fills=True), "Logit lens"),
            (scrolled(self.representation, UNDER_TABS, fills=True), "PCA"),
            (scrolled(self.range_test, UNDER_TABS, fills=True), "LR test"),
        ):
            add_tab(self.tabs, panel, title)
        left, middle = (self.data, self.recipe), (self.run_bar, self.tabs, self.code)
        lay_out(self, TITLE, ABOUT, left, middle, [self.write], WRITE)

    def _connect(self) -> None:
        session = self.session
        self.write.follow(self.network)
        session.recipe_changed.connect(self._on_recipe)
        self._on_recipe(session.recipe)
        session.data_described.connect(self._on_data_described)
        session.loaded.connect(self._on_loaded)
        session.started.connect(self._on_started)
        session.weights_changed.connect(self._on_weights)
        session.intervened.connect(self._on_intervened)
        session.state_changed.connect(self._on_state)
        self.heads.selected.connect(self.attention.choose)
        self.attention.chosen.connect(self.heads.select)
        self.sampler.sampled.connect(self._on_sample)
        self.sampler.restarted.connect(self.timeline.clear)
        self.tokens.keepAsked.connect(lambda: self.session.draft.set("occurring", True))
        self.write.textChanged.connect(lambda: self._show_text())
        self.write.prompt.textChanged.connect(self._on_prompt)

    def kept_widgets(self) -> list[QWidget]:
        """Keep the tab, the prompt, and how text is drawn."""
        drawn = self.write.settings
        drawing = [drawn.temperature, drawn.top_k, drawn.top_p, drawn.repetition]
        return [self.tabs, self.write.prompt, *drawing, drawn.length, drawn.seed]

    def _on_recipe(self, recipe: TextRecipe) -> None:
        """Say of a recipe that makes its own text that the chosen one is not learned from."""
        self.own_text.setVisible(recipe.dataset == REPEATS)

    def _on_loaded(self, event: Loaded) -> None:
        self.timeline.clear()
        self._play()
        if title := event.about.get("title"):
            self.run_bar.tell(_introduced(str(title), event), "small")

    def _on_started(self, event: Started) -> None:
        self._play()

    def _play(self) -> None:
        """Play with the session's network from now on."""
        self._playing = model = self.session.replica.model
        self.write.set_model(model)
        self.attention.set_model(model)
        self.heads.set_model(model)
        self.heads.select(self.attention.layer.currentIndex(), 0)
        self.inside.set_model(model)
        self._show_text()

    def _on_data_described(self, event: DataDescribed) -> None:
        """The text that the network is held against, as its tokenizer cuts it."""
        values, info = event.values, self.session.info
        if "tokenizer" not in values or info is None:
            return
        width = info.layers[0].units
        self._frequent = np.argsort(-values["counts"], kind="stable").tolist()
        self.tokens.show_data_views(values, info.parameters, width)
        single, pair = values["unigram"], values["bigram"]
        self.learning.loss.plot.set_line("unigram", single, f"unigram baseline {single:.2f}")
        self.learning.loss.plot.set_line("bigram", pair, f"bigram baseline {pair:.2f}")
        self.characters.set_text(values["tiny"])

    def _on_weights(self) -> None:
        self.write.writing.renew()
        self.attention.follow()
        self.inside.follow()

    def _on_intervened(self) -> None:
        """The network on the screen computes in another way: whoever shows it, shows it anew."""
        self.write.rewrite(self.session.replica.model)
        self.attention.look_again()
        self.inside.look_again()

    def _on_state(self, state: State) -> None:
        self.write.set_busy(state.running)
        if state is State.READY and not self._greeted:
            self._greeted = True
            self._suit_device()

    def _suit_device(self) -> None:
        """Offer the recipe that suits the device, and say why, once torch can tell which it is."""
        from core.training.device import choose_device

        try:
            device = choose_device(self.session.device).type
        except UserError as error:  # a device that was asked for, and is not there
            self.run_bar.tell(str(error))
            return
        name, why = playgrounds.get(self.session.name).recipe_on(device)
        if why and not self.recipe_restored:
            self.recipe.choose(name)
            self.run_bar.tell(why)

    def _on_sample(self, sample: Sample) -> None:
        self.timeline.add(sample)

    def _on_prompt(self) -> None:
        """Let whoever looks into the network look with what was typed."""
        self.write.check_prompt()
        self.learning.refresh_layer()
        self._show_text(typed=True)

    def _show_text(self, typed: bool = False) -> None:
        """Let the panels look at the text that stands there: what was written, or was typed."""
        tokens = self.write.writing.tokens
        if self._playing is None:  # the session's may be the next one already, which they have not
            return
        if typed or not tokens:
            tokenizer, typed_text = self._playing.tokenizer, self.write.prompt.toPlainText()
            tokens = tokenizer.encode(tokenizer.known(typed_text)).tolist()
        self.attention.set_tokens(tokens)
        self.inside.set_tokens(tokens)

    def _represented(self, place: str) -> Question:
        from core.playgrounds.text.representation import ask_representation

        return ask_representation(place, self._frequent)

    def _question(self, layer: str) -> Callable[[Any, int], Any]:
        """Return what to ask about a layer: with some text, and with the prompt."""
        from core.playgrounds.text.inside import look_into

        return look_into(layer, self.write.prompt.toPlainText())

    def abandon(self) -> None:
        """End what runs: the window closes."""
        self.write.writing.stop()
        self.sampler.stop()
        super().abandon()


def _introduced(title: str, event: Loaded) -> str:
    """Say what another program's network is."""
    recipe, count = event.recipe, event.started.parameters
    return (
        f"{title[:1].upper()}{title[1:]}: {count:,} parameters ({4 * count / 1e6:,.0f} MB),"
        f" {recipe['layers']} layers, width {recipe['width']:,}, {recipe['heads']} heads, context"
        f" {recipe['context']:,}. {event.about.get('note', '')}"
    ).strip()
