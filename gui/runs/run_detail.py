"""One run: what it is, its curves, and a slider through what it was at each of its moments."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QScrollArea, QVBoxLayout, QWidget

from core import playgrounds
from core.errors import UserError
from core.runs.curves import curves_of
from core.runs.library import Entry
from core.runs.run_info import recipe_of
from core.telemetry.history import History
from gui.runs.history_slider import HistorySlider
from gui.runs.keyframe_layers import KeyframeLayers
from gui.runs.keyframe_play import KeyframePlay
from gui.runs.run_card import RunCard
from gui.runs.run_curves import RunCurves
from gui.runs.run_text import loss_unit
from gui.widgets.card import Card, label, say
from gui.widgets.export_file import offer_files

SIDE = 300  # pixels of the columns beside the curves
WIDE = 1040  # pixels of three columns
SLIDER = "Go through the run: its layers, what it wrote or reads, as they were at that step."
SEEN = "What did each layer see at that step?"
UNSEEN = "Nothing was measured before the first step; move the slider."
NONE = "The run has left no moment yet: the first is written at its beginning."


class RunDetail(QWidget):
    """Shows one run; needs torch as soon as a run with weights is shown."""

    failed = Signal(str)
    """Something of the run can't be read, and why."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("runDetail")
        self.entry: Entry | None = None
        self.card, self.curves = RunCard(), RunCurves()
        self.slider = HistorySlider("historySlider", SLIDER)
        self.wall, self.play = KeyframeLayers(), KeyframePlay()
        self.wall.setObjectName("momentWall")
        self.remark = label("", "small", wrap=True)
        self.remark.setObjectName("momentRemark")
        self._history = History()
        self._export_menus: dict[str, QMenu] = {}
        self._step = -1
        self._playable: Path | None = None
        """The folder of the run whose network is played with."""
        self._arrange()
        self.slider.moved.connect(self._look)

    def _arrange(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.wall)
        self._moments = Card(SEEN)
        self._moments.body.addWidget(self.slider)
        self._moments.body.addWidget(self.remark)
        self._moments.body.addWidget(scroll, 1)
        middle = QVBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.curves)
        middle.addWidget(self._moments, 1)
        for side in (self.card, self.play):
            side.setFixedWidth(SIDE)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(12)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self.card, 0, 0)
        self._grid.addLayout(middle, 0, 1)
        self._place_play()

    def _place_play(self) -> None:
        """Put what one plays with below, where it doesn't fit beside the rest."""
        beside = self.width() >= WIDE
        self._grid.addWidget(self.play, *((0, 2) if beside else (1, 0, 1, 2)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Change between three columns and two."""
        super().resizeEvent(event)
        self._place_play()

    def minimumSizeHint(self) -> QSize:
        """Be content with two columns."""
        return QSize(2 * SIDE, super().minimumSizeHint().height())

    def offer_exports(self, tell: Callable[[str, str], None]) -> None:
        """Offer curves and layer table as files, in their context menus and in that of Export."""
        menu = self.card.buttons.menu
        loss, accuracy = self.curves.loss, self.curves.accuracy
        for widget, whole, name, title in (
            (loss.plot, loss, "loss", "Loss"),
            (accuracy.plot, accuracy, "accuracy", "Accuracy"),
            (self.wall, self.wall, "layers", "Layers"),
        ):
            part = menu.addMenu(f"{title} as a picture or table")
            part.addActions(offer_files(widget, name, tell, whole))
            self._export_menus[name] = part

    def show_entry(self, entry: Entry) -> None:
        """Show a run, or what is new of the one that is shown."""
        other = self.entry is None or self.entry.path != entry.path
        if not other and self.entry == entry:
            return
        self.entry = entry
        self.card.show_entry(entry)
        self._show_curves(entry)
        self._show_moments(entry, other)

    def _show_curves(self, entry: Entry) -> None:
        try:
            self._history = curves_of(entry.path)
        except UserError as error:
            self._history = History()
            self.failed.emit(str(error))
        uniform = entry.about.uniform_loss if entry.about else 0.0
        self.curves.show_history(self._history, uniform, loss_unit(entry))

    def _show_moments(self, entry: Entry, other: bool) -> None:
        alone = entry.about is None  # a watched loop has curves, and no weights
        self.curves.set_alone(alone)
        self._moments.setHidden(alone)
        if layers := self._export_menus.get("layers"):
            layers.menuAction().setVisible(not alone)
        if alone:
            self._show_nothing("")
            return
        from core.runs.keyframes import keyframes_of

        # Not those that the record does not tell of yet, or lost sight of as it was interrupted.
        steps = [step for step in keyframes_of(entry.path) if step <= entry.step]
        if other:
            self._step = -1
            self._open_play(entry)
        if not steps:
            self._show_nothing(NONE)
        elif other:
            self.slider.begin(steps)
        else:
            self.slider.show_steps(steps)

    def _show_nothing(self, words: str) -> None:
        self.slider.begin([])
        self.curves.set_mark(None)
        self.wall.set_layers((), History())
        self.wall.hide()
        self.play.hide()
        say(self.remark, words, "small")

    def _open_play(self, entry: Entry) -> None:
        """Make ready a network to play with; a record without its checkpoint has none."""
        assert entry.about is not None
        self._playable = None
        try:
            playground = playgrounds.get(entry.about.playground)
            self.play.open(entry.path, playground, recipe_of(entry.about))
            self._playable = entry.path
        except UserError as error:
            self.failed.emit(str(error))

    def _look(self, step: int) -> None:
        """Show a moment: the mark on the curves, the wall, the network to play with."""
        from core.runs.keyframes import read_keyframe

        if self.entry is None or self.entry.about is None or step == self._step:
            return
        self._step = step
        self.curves.set_mark(step)
        self.play.setVisible(self._playable is not None and self.play.plays)
        try:
            moment = read_keyframe(self.entry.path, step)
        except UserError as error:
            self.wall.hide()
            say(self.remark, str(error), "fault")
            return
        seen = self.wall.show_moment(self.entry.about, self._history, moment.snapshot)
        self.wall.setVisible(seen)
        say(self.remark, *(self.wall.summary() if seen else (UNSEEN, "small")))
        self.play.show_moment(moment)
