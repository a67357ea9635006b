"""How robust the network is: its accuracy on digits that are turned, noisy or moved, as curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout

from core.numbers import number, percent
from core.telemetry.events import Failed, Progress
from gui import jobs
from gui.background_job import BackgroundJob
from gui.charts.colormaps import grey
from gui.charts.image_grid import PictureGrid
from gui.charts.lines import Line, PaintedChart
from gui.inputs import ComboBox
from gui.network_source import NONE, SHIPPED, NetworkSource
from gui.rich_text import rich
from gui.session import Session
from gui.theme import GAP
from gui.widgets.buttons import identified, progress_bar, push_button, retitle
from gui.widgets.card import Card, label
from gui.worker import Worker

if TYPE_CHECKING:
    from core.playgrounds.digits.robustness import Robustness

KEPT = 8  # networks whose curves are kept
NOTHING = "compare with: none"
HINT = "Measure, and the accuracy over the {what} stands here."
FIRST = ("rotation", 40.0)
"""Which digits are shown before a curve is pointed at."""
HELP = (
    "Accuracy on validation digits that are distorted, after Hendrycks and Dietterich (2019). The"
    " band is the 95 % interval: it is of a sample of digits."
)


@dataclass(frozen=True)
class Axis:
    """How one distortion is told.

    Attributes:
        title: of the x-axis, with its unit.
        words: an amount in a sentence.
        help: what is done to the digits.
    """

    what: str
    title: str
    words: str
    help: str


AXES = {
    "rotation": Axis(
        "angle",
        "rotation (degrees, counterclockwise)",
        "rotated by {}°",
        "Each digit is turned around its middle. A 6 that is turned far enough is a 9, so that no"
        " network can be right about all.",
    ),
    "noise": Axis(
        "noise",
        "noise (standard deviation)",
        "with noise of standard deviation {}",
        "Gaussian noise is added to the ink of each pixel, from 0 to 1, and cut off there.",
    ),
    "shift": Axis(
        "shift",
        "shift (pixels of 28)",
        "shifted by {} pixels",
        "Each digit is moved in a direction of its own. MNIST's digits lie in the middle with four"
        " pixels around them: what is moved farther leaves the picture in part.",
    ),
}


class RobustnessCard(Card):
    """Measures the network on the page, and puts another one's curves beside its own."""

    def __init__(self, session: Session, worker: Worker, network: NetworkSource) -> None:
        super().__init__("Robustness")
        self._session, self._network = session, network
        self._measured: dict[str, dict[str, Robustness]] = {}
        """The curves of networks by distortion, by what they are called."""
        self._shown = self._under_way = ""
        """The network whose curves are shown, and that which is measured now."""
        self._pointed = FIRST
        self._job = BackgroundJob(worker, session, quick=True)
        self._build()
        self._connect()
        self._offer()
        self._on_network()
        self._draw()

    def _build(self) -> None:
        self.title.setToolTip(rich(HELP))
        self.start = push_button(
            "measureRobustness",
            "Measure",
            "Measure the network on this page, as it is now, on up to 1,000 validation digits.",
        )
        self.compare = identified(
            ComboBox(),
            "compareRobustness",
            "Compare with",
            "Curves that were measured before, or the shipped network's. Train with and without"
            " augmentation to see what it does.",
        )
        self.bar = progress_bar("robustnessProgress", "Progress of the measurement")
        self.bar.hide()
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.start)
        row.addWidget(self.bar, 1)
        row.addStretch(0)
        row.addWidget(self.compare)
        self.charts = {key: _chart(key, axis) for key, axis in AXES.items()}
        grid = QGridLayout()
        grid.setSpacing(GAP)
        grid.addWidget(self.charts["rotation"], 0, 0, 1, 2)
        grid.addWidget(self.charts["noise"], 1, 0)
        grid.addWidget(self.charts["shift"], 1, 1)
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("robustnessWords")
        self.words.setMinimumHeight(50)  # three lines, always: nothing moves while it is read
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.pictures = PictureGrid(
            "robustnessPictures",
            "Some of the distorted digits",
            "What each digit is, and what the network reads, at the amount that is pointed at.",
            cell=26,
        )
        self.body.addLayout(row)
        self.body.addLayout(grid, 1)
        self.body.addWidget(self.words)
        self.body.addWidget(self.pictures)

    def _connect(self) -> None:
        self.start.clicked.connect(self._on_start)
        self.compare.activated.connect(lambda index: self._on_compare())
        self._network.changed.connect(self._on_network)
        self._job.received.connect(self._on_event)
        self._job.ended.connect(self._on_ended)
        for key, chart in self.charts.items():
            chart.pointed.connect(partial(self._on_pointed, key))

    @property
    def measuring(self) -> bool:
        """Whether a network is being measured."""
        return self._job.stage.running

    @property
    def measures(self) -> int:
        """How many networks have curves."""
        return len(self._measured)

    def _on_start(self) -> None:
        session = self._session
        if self.measuring:
            self._job.stop()
        elif session.weights is not None:
            network = (session.trained, session.replica.vocabulary, session.weights)
            before = self._shown
            self._shown = self._network.words
            if before and before != self._shown and not self._compared:
                self._offer(before)
            self._measure(self._shown, network)

    def _measure(self, title: str, network: "jobs.Network") -> None:
        self._under_way = title
        self._measured.pop(title, None)
        self._measured[title] = {}
        for old in [t for t in self._measured if t not in (self._shown, self._compared)]:
            if len(self._measured) > KEPT:
                del self._measured[old]
        self.bar.setValue(0)
        self._job.start(partial(jobs.robustness, network, self._session.data))
        self._draw()

    @property
    def _compared(self) -> str:
        """The network that is compared with; "" for none."""
        return str(self.compare.currentData() or "")

    def _on_compare(self) -> None:
        title = self._compared
        if title == SHIPPED and not self._measured.get(title):
            self._measure(title, Path(self._session.starter))
        self._draw()

    def _offer(self, chosen: str | None = None) -> None:
        """Offer what can be compared with."""
        chosen = self._compared if chosen is None else chosen
        titles = [title for title in self._measured if title != self._shown]
        if self._session.starter.is_file() and SHIPPED not in (self._shown, *titles):
            titles.append(SHIPPED)
        entries = [("", NOTHING), *((title, title) for title in titles)]
        self.compare.blockSignals(True)
        self.compare.clear()
        for key, words in entries:
            self.compare.addItem(words, key)
        self.compare.setCurrentIndex(max(0, self.compare.findData(chosen)))
        self.compare.blockSignals(False)

    def _on_network(self) -> None:
        """There is a network, or another one; the curves stay those of the one measured."""
        self.start.setEnabled(self._network.words != NONE)

    def _on_event(self, event: object) -> None:
        if isinstance(event, Progress):
            self.bar.setValue(round(1000 * event.share))
        else:
            curve: Robustness = event  # type: ignore[assignment]
            self._measured[self._under_way][curve.key] = curve
            self._draw()

    def _on_ended(self, ending: object) -> None:
        curves = self._measured[self._under_way]
        if len(curves) < len(AXES):
            del self._measured[self._under_way]
            if self._under_way == self._shown:
                self._shown = ""
        self._offer()
        self._draw()
        if isinstance(ending, Failed) and ending.sentence and not curves:
            self.words.setText(ending.sentence)

    def _draw(self) -> None:
        retitle(self.start, "Cancel" if self.measuring else "Measure")
        self.bar.setVisible(self.measuring)
        self.compare.setEnabled(not self.measuring)
        own = self._measured.get(self._shown, {})
        other = self._measured.get(self._compared, {})
        for key, chart in self.charts.items():
            lines = _lines("measured", own, key, "validation", ())
            lines += _lines("compared", other, key, "muted", (4.0, 3.0))
            chart.set_hint("" if lines else HINT.format(what=AXES[key].what))
            chart.set_lines(lines)
        self._show_pointed()

    def _on_pointed(self, key: str, amount: float | None) -> None:
        if amount is not None:
            self._pointed = key, amount
            self._show_pointed()

    def _show_pointed(self) -> None:
        """Show some digits at the amount that was pointed at last, and say the accuracy there."""
        key, amount = self._pointed
        curve = self._measured.get(self._shown, {}).get(key)
        self.pictures.setVisible(curve is not None)
        if curve is None:
            self.words.setText("")
            return
        at = int(abs(curve.amounts - amount).argmin())
        there = AXES[key].words.format(number(float(curve.amounts[at])))
        words = f"{curve.size:,} digits {there}. {self._shown[:1].upper()}{self._shown[1:]}:"
        words += f" {_accuracy(curve, at)}"
        if other := self._measured.get(self._compared, {}).get(key):
            words += f"; {self._compared}: {_accuracy(other, at)}"
        self.words.setText(f"{words}.")
        labels, answers = curve.labels.tolist(), curve.answers[at].tolist()
        self.pictures.show_pictures(
            curve.images[at],
            grey,
            (0.0, 255.0),
            lambda index: f"True: {labels[index]}. Predicted: {answers[index]}.",
            [(f"{a} → {b}", "") for a, b in zip(labels, answers, strict=True)],
        )


def _accuracy(curve: "Robustness", at: int) -> str:
    low, high = 100 * curve.low[at], 100 * curve.high[at]
    interval = f"95 % interval {low:.1f} to {high:.1f}"
    return f"accuracy {percent(curve.accuracy[at], 1)} ({interval})"


def _chart(key: str, axis: Axis) -> PaintedChart:
    chart = PaintedChart(
        f"robustness_{key}",
        f"Accuracy over the {axis.what}",
        "accuracy (%)",
        axis.title,
        lambda share: percent(share, 1),
        lambda share, figures: number(100 * share, figures),
    )
    chart.limits = (0.0, 1.04)
    chart.x_holds = ()
    chart.setMinimumSize(180, 150)
    chart.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    chart.set_line("chance", 0.1, "chance 10 %")
    chart.setToolTip(rich(axis.help, HELP))
    return chart


def _lines(
    name: str,
    curves: "Mapping[str, Robustness]",
    key: str,
    role: str,
    dash: Sequence[float],
) -> list[Line]:
    """Return a network's curve under a distortion, if it is measured."""
    if (curve := curves.get(key)) is None:
        return []
    return [
        Line(
            name,
            role,
            dash=tuple(dash),
            x=curve.amounts,
            y=curve.accuracy,
            low=curve.low,
            high=curve.high,
        )
    ]
