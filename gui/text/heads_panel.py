"""The heads of a GPT: what each does, what is lost without it, how it comes while one learns."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout

from core.numbers import fixed, number
from core.telemetry.events import Answer, Array
from gui.charts import colormaps as ramps
from gui.charts.heatmap import ColorScale
from gui.charts.lines import Line, PlotChart
from gui.charts.navigation import NAVIGATION
from gui.inputs import ComboBox, Slider
from gui.rich_text import rich
from gui.text.head_map import HeadMap
from gui.text.paired_cards import PairedCards
from gui.widgets.ablation_card import rise_in_words
from gui.widgets.buttons import identified, push_button, retitle
from gui.widgets.card import Card, label

if TYPE_CHECKING:
    from core.playgrounds.text.heads import HeadScores
    from core.playgrounds.text.models import TextModel

WIDE = 700  # pixels of both cards side by side
PER_UNIT = 20  # steps of the slider between a factor of 0 and one of 1
MOST = 4  # times as large as it is, at most
MANY = 24  # heads of which each has a curve; of more the highest of each layer has
MEASURES = {
    "induction": (
        "Induction score",
        "When random tokens come a second time: how much attention goes from a token to the one"
        " that followed it the first time (Olsson et al. 2022). A head that does so copies what"
        " came next before: an induction head.",
    ),
    "previous": (
        "Previous-token score",
        "How much attention goes to the token just before, on the same random tokens. An induction"
        " head in a later layer needs such a head (Elhage et al. 2021): mute it and see.",
    ),
    "first": (
        "First-token score",
        "How much attention goes to the first token, on the same random tokens: the attention sink,"
        " where a head looks that has nothing to add (Xiao et al. 2023).",
    ),
    "importance": (
        "Importance (ablation)",
        "By how much the loss on held-out text rises when the head is muted. Below zero, the"
        " network is better off without it on that text.",
    ),
}
LEARN = (
    "Random tokens, then the same again: only who looks back can guess the second time. Measured"
    " while a network learns and this is on the screen, in at most 1 % of its time."
)
NO_CURVES = "Train a gpt, such as “induction heads”, and stay on this tab to see its heads change"


class HeadsPanel(PairedCards):
    """The map of heads with the controls of the chosen one; and the curves of a training."""

    selected = Signal(int, int)
    """Another head was chosen: its layer and its number, from 0."""
    scaled = Signal(int, int, float)
    """The output of a head is to be multiplied: its layer, its number, the factor."""
    measure_clicked = Signal()
    """Importance is to be measured; or no more, while it is."""

    def __init__(self) -> None:
        super().__init__()
        self._shape = (0, 0)
        self._choice = -1
        """The cell of the chosen head; -1 for none."""
        self._scores: HeadScores | None = None
        self._importance: Array | None = None
        self._factors: dict[int, float] = {}
        self.measure = ComboBox()
        identified(self.measure, "headMeasure", "Colour the heads by", "")
        for key, (title, help) in MEASURES.items():
            self.measure.addItem(title, key)
            place = self.measure.count() - 1
            self.measure.setItemData(place, rich(help), Qt.ItemDataRole.ToolTipRole)
        self.scale = ColorScale("headScale", "What the colours of the heads stand for.")
        self.map = HeadMap()
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("headWords")
        self.words.setMinimumHeight(32)  # two lines, always: what comes and goes moves nothing
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.mute = push_button(
            "muteHead",
            "Mute",
            "Let the chosen head add nothing: what the network writes, its candidates, the logit"
            " lens and the heads behind it change at once. The network that is trained is left as"
            " it is.",
        )
        self.factor = Slider(Qt.Orientation.Horizontal)
        help = "What the head's output is multiplied by: 0 mutes it, 1 leaves it as it is."
        identified(self.factor, "headFactor", "Factor of the chosen head", help)
        self.factor.setRange(0, MOST * PER_UNIT)
        self.factor.setValue(PER_UNIT)
        self.factor_words = label("× 1.00", "muted")
        self.factor_words.setMinimumWidth(44)
        self.importance = push_button(
            "measureImportance",
            "Measure importance",
            "Mute one head after another, and see by how much the loss on held-out text rises. It"
            " is done beside everything else, on a copy.",
        )
        self.importance_words = label("", "small", wrap=True)
        self.importance_words.setObjectName("importanceWords")
        self.curves = PlotChart("headCurves", "Scores of the heads", "induction score", "step")
        self.curves.setToolTip(rich("How each head's score changes while it learns.", NAVIGATION))
        self.curves.limits = (0.0, None)
        self.curves.y_holds = (0.1,)
        self.gap = PlotChart(
            "repeatedLoss", "Loss on repeated random tokens", "loss (nats per token)", "step"
        )
        self.gap.setToolTip(
            rich(
                "The loss on random tokens, and on the same ones when they come again. Where the"
                " second falls below the first, the network learns from what it reads: in-context"
                " learning (Olsson et al. 2022).",
                NAVIGATION,
            )
        )
        self.best = label("", "muted")
        self.best.setToolTip(rich("The head with the highest score now: the blue curve."))
        self._arrange()
        self._connect()
        self._show()
        self.show_curves([], [])

    def _arrange(self) -> None:
        heads, learning = Card("Attention heads"), Card("Heads while it learns")
        heads.head.addWidget(self.measure)
        learning.head.addWidget(self.best)
        scale = QHBoxLayout()
        scale.addStretch(1)
        scale.addWidget(self.scale)
        controls = QHBoxLayout()
        for widget, stretch in ((self.mute, 0), (self.factor, 1), (self.factor_words, 0)):
            controls.addWidget(widget, stretch)
        measuring = QHBoxLayout()
        measuring.addWidget(self.importance)
        measuring.addWidget(self.importance_words, 1)
        heads.body.addLayout(scale)
        heads.body.addWidget(self.map)
        heads.body.addWidget(self.words)
        heads.body.addLayout(controls)
        heads.body.addLayout(measuring)
        heads.body.addStretch(1)
        learning.body.addWidget(label(LEARN, "small", wrap=True))
        for chart in (self.curves, self.gap):
            chart.setMinimumHeight(150)
            learning.body.addWidget(chart, 1)
        self.pair(heads, learning, (1, 1), WIDE)

    def _connect(self) -> None:
        self.measure.currentIndexChanged.connect(lambda index: self._show())
        self.map.selected.connect(self._on_selected)
        self.map.muteToggled.connect(self._toggle)
        self.mute.clicked.connect(lambda: self._toggle(self._choice))
        self.factor.valueChanged.connect(self._on_factor)
        self.importance.clicked.connect(self.measure_clicked)

    # What is shown.

    def set_model(self, model: "TextModel") -> None:
        """Show the heads of this network from now on, of which nothing is known yet."""
        from core.playgrounds.text.models import GPT

        self._shape = (len(model.blocks), model.heads) if isinstance(model, GPT) else (0, 0)
        self._scores = self._importance = None
        self._factors = {}
        self.importance_words.setText("")
        self._choice = 0 if self._shape[0] else -1
        self._show()

    def show_scores(self, scores: "HeadScores") -> None:
        """Show where the heads look."""
        if scores.induction.shape == self._shape:
            self._scores = scores
            self._show()

    def show_importance(self, answer: Answer) -> None:
        """Show how important the heads are that have been measured by now."""
        values = answer.values
        if values["importance"].shape != self._shape:
            return
        self._importance = values["importance"]
        part = values["measured"] < values["heads"]
        rest = f"{values['measured']} of {values['heads']} heads, " if part else ""
        self.importance_words.setText(
            f"{rest}on {values['stretches']} validation sequences of {values['tokens']} tokens, at"
            f" step {answer.step:,}."
        )
        if self.measure.currentData() != "importance":
            self.measure.setCurrentIndex(self.measure.findData("importance"))
        self._show()

    def set_measuring(self, measuring: bool) -> None:
        """Offer to stop while importance is measured."""
        retitle(self.importance, "Stop" if measuring else "Measure importance")

    def show_factors(self, factors: Mapping[tuple[int, int], float]) -> None:
        """Show by what the heads' outputs are multiplied, by layer and head."""
        across = max(1, self._shape[1])
        self._factors = {layer * across + head: f for (layer, head), f in factors.items()}
        self._show_controls()

    def show_curves(self, steps: list[int], scores: "list[HeadScores]") -> None:
        """Show how the scores of a training went, (n,) of each."""
        key = self.measure.currentData()
        key = "induction" if key == "importance" else key
        self.curves.y_title = MEASURES[key][0].lower()
        self.curves.set_hint("" if steps else NO_CURVES)
        self.gap.setVisible(bool(steps))
        if not steps:
            self.best.setText("")
            return
        x = np.array(steps, float)
        y = np.stack([getattr(each, key) for each in scores])  # (n, layers, heads)
        heads = y.reshape(len(y), -1)
        best = int(heads[-1].argmax())
        faint = heads if heads.shape[1] <= MANY else y.max(2)
        self.best.setText(f"highest: {self._name(best)}, {fixed(heads[-1, best], 2)}")
        lines = [Line("", "muted", 1.0, 130, x=x, y=course) for course in faint.T]
        lines.append(Line(self._name(best), "activation", 2.2, x=x, y=heads[:, best]))
        chance = scores[-1].chance(key)
        self.curves.set_line("chance", chance, f"uniform attention {chance:.2f}")
        self.curves.set_lines(lines)
        losses = np.stack([each.loss for each in scores])
        self.gap.set_lines(
            [
                Line("first time", "muted", x=x, y=losses[:, 0]),
                Line("second time", "validation", x=x, y=losses[:, 1]),
            ]
        )

    def select(self, layer: int, head: int) -> None:
        """Choose a head, as if it were clicked, but tell nobody."""
        if 0 <= layer < self._shape[0] and 0 <= head < self._shape[1]:
            self._choice = layer * self._shape[1] + head
            self._show_controls()

    @property
    def selection(self) -> tuple[int, int]:
        """The chosen layer and head, from 0; -1 for none."""
        return divmod(self._choice, self._shape[1]) if self._choice >= 0 else (-1, -1)

    def _show(self) -> None:
        """Colour the map by what is chosen."""
        key = self.measure.currentData()
        self.measure.setToolTip(rich(MEASURES[key][1]))
        values = np.full(self._shape, np.nan)
        if key == "importance":
            values = values if self._importance is None else self._importance
            reach = ramps.reach(values)
            known = bool(np.isfinite(values).any())
            ends = (f"\u2212{number(reach)}", number(reach)) if known else ("", "")
            self.scale.show_scale(ramps.diverging, ends, "nats per token")
            self.map.show_heads(values, ramps.diverging, (-reach, reach), self._describe)
        else:
            values = values if self._scores is None else getattr(self._scores, key)
            self.scale.show_scale(ramps.sequential, ("0", "1"), "share of the attention")
            self.map.show_heads(values, ramps.sequential, (0.0, 1.0), self._describe)
        self._show_controls()

    def _show_controls(self) -> None:
        """Show what is known of the chosen head, and by what it is multiplied."""
        muted = frozenset(i for i, factor in self._factors.items() if factor == 0)
        choice = self._choice
        self.map.mark(muted, frozenset(self._factors) - muted, choice)
        for widget in (self.mute, self.factor, self.importance, self.measure):
            widget.setEnabled(self.map.count() > 0)
        self.words.setText(self._describe(choice) if choice >= 0 else "")
        factor = self._factors.get(choice, 1.0)
        retitle(self.mute, "Mute" if factor else "Unmute")
        blocked = self.factor.blockSignals(True)
        self.factor.setValue(round(factor * PER_UNIT))
        self.factor.blockSignals(blocked)
        self.factor_words.setText(f"× {factor:.2f}")

    def _name(self, index: int) -> str:
        layer, head = divmod(index, max(1, self._shape[1]))
        return f"layer {layer + 1}, head {head + 1}"

    def _describe(self, index: int) -> str:
        """Say all that is known of a head."""
        place = divmod(index, max(1, self._shape[1]))
        parts = []
        if self._scores is not None:
            names = {"induction": "induction", "previous": "previous token", "first": "first token"}
            found = {words: getattr(self._scores, key)[place] for key, words in names.items()}
            parts.append(", ".join(f"{words} {fixed(value, 2)}" for words, value in found.items()))
        if self._importance is not None and np.isfinite(self._importance[place]):
            parts.append(f"{rise_in_words(self._importance[place])} nats")
        factor = self._factors.get(index, 1.0)
        if factor != 1.0:
            parts.append(f"× {factor:.2f}" if factor else "muted")
        name = self._name(index).capitalize()
        return f"{name}: {'; '.join(parts)}." if parts else f"{name}."

    # What is done.

    def _on_selected(self, index: int) -> None:
        self._choice = index
        self._show_controls()
        self.selected.emit(*self.selection)

    def _toggle(self, index: int) -> None:
        """Mute a head, or hear it again."""
        if index >= 0:
            factor = 0.0 if self._factors.get(index, 1.0) else 1.0
            self.scaled.emit(*divmod(index, self._shape[1]), factor)

    def _on_factor(self, value: int) -> None:
        if self._choice >= 0:
            self.scaled.emit(*self.selection, value / PER_UNIT)
