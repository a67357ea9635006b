"""How the network learns: curves above, the layer table below, or one layer opened."""

import math
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core import registry
from core.telemetry.events import Evaluated, LayerInfo, LayerView, Loaded, Metrics, Started
from gui.session import Session
from gui.widgets.ablation_asker import AblationAsker
from gui.widgets.card import Card, label, say
from gui.widgets.curve_card import CurveCard, LossCard
from gui.widgets.layer_panel import LayerPanel
from gui.widgets.layer_table import LayerTable

REDRAW = 1.0  # seconds between two drawings of a curve: it changes slowly and costs the most
WAITING = "Train, and each layer's activations, gradients and updates are measured as it learns."
ASK = 1000  # milliseconds between two updates of an opened layer


class _LayersCard(Card):
    """Takes what height is left, also less than it would like: its table scrolls."""

    def hasHeightForWidth(self) -> bool:
        """Say no: else Qt never gives it less than its wrapped texts and its table would like."""
        return False


class LearningPanel(QWidget):
    """Curves and layers of a session.

    Args:
        session: whose run is shown.
        question: given a layer's name, returns what to ask the model about it.
        second: what is drawn beside the loss.
    """

    def __init__(self, session: Session, question: Callable[[str], Any], second: CurveCard) -> None:
        super().__init__()
        self._session = session
        self._question = question
        self._open = ""
        self._drawn = 0.0
        self.loss, self.second = LossCard(), second
        self.log = QCheckBox("log")
        self.log.setObjectName("lossLog")
        self.log.setAccessibleName("Logarithmic loss axis")
        self.log.setToolTip("<p>Logarithmic y-axis: small gains late in a run show.</p>")
        self.log.toggled.connect(self._on_log)
        self.table = LayerTable()
        self.step = label("", "muted")
        self.step.setObjectName("tableStep")
        self.step.setToolTip("<p>The training step in which these layers were measured.</p>")
        self.layer = LayerPanel()
        self._ablation = AblationAsker(session, self.layer.ablation)
        self._timer = QTimer(self)
        self._timer.setInterval(ASK)
        self._timer.timeout.connect(self.refresh_layer)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(12)
        self.loss.head.addWidget(self.log)
        row.addWidget(self.loss, 1)
        row.addWidget(self.second, 1)
        self._curves = QWidget()
        row.setContentsMargins(0, 0, 0, 0)
        self._curves.setLayout(row)
        self._curves.setFixedHeight(218)
        card = _LayersCard("Layers: activations, gradients, updates")
        card.head.addWidget(self.step)
        scroll = self._scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.table)
        self.remark = label(WAITING, "small", wrap=True)
        self.remark.setObjectName("wallRemark")
        self.remark.setFixedHeight(34)  # two lines, always: what comes and goes moves nothing
        self.remark.setAlignment(Qt.AlignmentFlag.AlignTop)
        card.body.addWidget(self.remark)
        card.body.addWidget(scroll)
        overview = QWidget()
        inner = QVBoxLayout(overview)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(12)
        inner.addWidget(self._curves)
        inner.addWidget(card, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(overview)
        self._stack.addWidget(self.layer)
        column.addWidget(self._stack)

    def _connect(self) -> None:
        session = self._session
        session.started.connect(self._on_started)
        session.loaded.connect(self._on_loaded)
        session.metrics_added.connect(self._on_metrics)
        session.evaluated.connect(self._on_evaluated)
        session.frame.connect(self._draw)
        session.snapshot_taken.connect(lambda snapshot: self._show_snapshot())
        session.layer_viewed.connect(self._on_layer_view)
        session.ended.connect(lambda event: self._draw(now=True))
        session.choice.changed.connect(lambda key: self._show_choice())
        self.table.opened.connect(self.open_layer)
        self.table.walked.connect(session.choice.choose)
        self.layer.closed.connect(self.close_layer)
        self.layer.ablation.changed.connect(self._change_unit)
        session.intervened.connect(self._on_intervened)

    def _on_started(self, event: Started) -> None:
        self._show_layers(event)
        guess = event.uniform_loss
        self.loss.plot.set_line("uniform", guess, f"uniform guess {guess:.2f}")
        self._draw(now=True)

    def _on_loaded(self, event: Loaded) -> None:
        self._show_layers(event.started)
        self._draw(now=True)

    def _show_layers(self, started: Started) -> None:
        self.table.set_layers(started.layers, self._session.history)
        recipe = self._session.trained
        playground = registry.get(self._session.name)
        self.loss.set_unit(playground.loss_unit(recipe))
        self.loss.set_difference(playground.loss_difference(recipe))
        self._show_choice()
        say(self.remark, WAITING, "small")
        self.step.setText("")
        if not self._open:
            return
        if info := next((i for i in started.layers if i.name == self._open), None):
            self._show_layer(info)
        else:
            self.close_layer()

    def _show_choice(self) -> None:
        """Mark the chosen layer in the table."""
        if row := self.table.choose(self._session.choice.key):
            self._scroll.ensureVisible(0, row.center().y(), 0, row.height())

    def _on_metrics(self, metrics: Metrics) -> None:
        self.loss.show_newest(f"{metrics.recent_loss:.4f}", False)

    def _on_evaluated(self, event: Evaluated) -> None:
        """Draw with the next frame: it may be the last of a network that was opened."""
        self._drawn = -math.inf

    def _show_snapshot(self) -> None:
        """Bring the layer table up to date, if it is seen."""
        snapshot = self._session.snapshot
        if snapshot is None or snapshot is self.table.snapshot or not self.table.isVisible():
            return
        self.table.show_snapshot(snapshot)
        self.step.setText(f"step {snapshot.step:,}")
        say(self.remark, *self.table.summary())

    def _on_layer_view(self, view: LayerView) -> None:
        self.layer.show_view(view)
        if view.layer == self._open and self.layer.isVisible():
            self._ablation.refresh()

    def _draw(self, now: bool = False) -> None:
        """Bring the curves up to date, if they are seen and it is time."""
        if not now and (time.monotonic() - self._drawn < REDRAW or not self._curves.isVisible()):
            return
        self._drawn = time.monotonic()
        for card in (self.loss, self.second):
            card.draw(self._session.history)

    def showEvent(self, event: Any) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._draw(now=True)
        self._show_snapshot()
        QTimer.singleShot(0, self, self._show_choice)  # once it is laid out
        if self._open:
            self._timer.start()

    def hideEvent(self, event: Any) -> None:
        """Ask nothing while it is hidden."""
        super().hideEvent(event)
        self._timer.stop()

    def _on_log(self, on: bool) -> None:
        self.loss.set_log(on)
        self._draw(now=True)

    def open_layer(self, name: str) -> None:
        """Open one layer, and keep it up to date while it is seen."""
        info = next(i for i in self._session.info.layers if i.name == name)  # type: ignore[union-attr]
        self._open = name
        self._session.choice.choose(name)
        self._show_layer(info)
        self._stack.setCurrentWidget(self.layer)
        self.refresh_layer()
        self._timer.start()

    def _show_layer(self, info: LayerInfo) -> None:
        """Get ready for the opened layer, of this network."""
        self.layer.open(info)
        self.layer.show_interventions(self._session.interventions)
        self._ablation.open(info.name)

    def close_layer(self) -> None:
        """Go back to the card."""
        self._open = ""
        self._ablation.open("")
        self._timer.stop()
        self._stack.setCurrentIndex(0)
        self._draw(now=True)
        self._show_snapshot()

    def refresh_layer(self) -> None:
        """Update the opened layer: the weights or the drawing have changed."""
        if not self._open or not self.layer.isVisible():
            return
        self._session.ask(self._asked(), "layer")
        names = [info.name for info in self._session.info.layers]  # type: ignore[union-attr]
        if history := self._session.history.layers:
            self.layer.show_history(history[names.index(self._open)])

    def _asked(self) -> Any:
        """Return what to ask about the opened layer: as it is, behind those that are changed."""
        from core.interventions import asked_with

        told = self._session.interventions
        before = [each for each in told if each.part.layer != self._open or each.part.head]
        return asked_with(before, self._question(self._open))

    def _change_unit(self, unit: int, factor: float, added: float) -> None:
        from core.interventions import Intervention, Part

        self._session.change_part(Intervention(Part(self._open, unit), factor, added))

    def _on_intervened(self) -> None:
        self.layer.show_interventions(self._session.interventions)
        self.refresh_layer()
