"""The tab of a network's map: the map, and what the chosen block is, with ways to its layer."""

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.telemetry.layer_health import check_layers
from gui.network_source import NetworkSource
from gui.session import Session
from gui.widgets.buttons import push_button
from gui.widgets.card import Card, label, say
from gui.widgets.network_label import NetworkLabel
from gui.widgets.network_map import NetworkMapView
from gui.widgets.network_words import changes_of, explanation_of, legend_of
from gui.widgets.scroll_column import UNDER_TABS

HOW = "Click a block to see what it does with its shapes."


class NetworkPanel(QWidget):
    """The map of a session's network; what is chosen in it is chosen on the whole page.

    Args:
        session: whose network is shown.
        source: says which one that is, which need not be that of the settings beside it.
    """

    opened = Signal(str)
    """A layer, by its name, that is to be opened."""
    table_asked = Signal()
    """The layer table is to be shown."""
    code_asked = Signal()
    """The code is to be shown."""

    def __init__(self, session: Session, source: NetworkSource) -> None:
        super().__init__()
        self._session = session
        self._stale = True
        """Whether the map is not that of the present network."""
        self.map = NetworkMapView()
        self.source = NetworkLabel("networkSource")
        self.source.follow(source)
        self.words = label(HOW, "small", wrap=True)
        self.words.setObjectName("networkWords")
        self.words.setMinimumHeight(50)  # three lines, always: what comes and goes moves nothing
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.count = label("", "muted")
        self.count.setObjectName("networkCount")
        self.count.setToolTip("<p>How many numbers the network learns.</p>")
        self.open = push_button("networkOpen", "Open layer", "Open the chosen layer.")
        self.table = push_button(
            "networkTable", "Show in table", "Show the chosen layer in the layer table."
        )
        self.code = push_button(
            "networkCode",
            "Show in code",
            "Show the lines of the chosen block in this network's code.",
        )
        self._area = QScrollArea()
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        card = Card("Network")
        card.head.addWidget(self.count)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self.map)
        row = QHBoxLayout()
        for button in (self.open, self.table, self.code):
            row.addWidget(button)
        row.addStretch(1)
        card.body.addWidget(self.source)
        card.body.addWidget(self._area, 1)
        card.body.addWidget(self.words)
        card.body.addLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, UNDER_TABS, 0, 0)
        column.addWidget(card)
        self._show_choice()

    def _connect(self) -> None:
        session = self._session
        session.started.connect(lambda event: self._on_network())
        session.loaded.connect(lambda event: self._on_network())
        session.snapshot_taken.connect(lambda snapshot: self._show_snapshot())
        session.choice.changed.connect(lambda key: self._show_choice())
        session.intervened.connect(self._show_changes)
        self.map.chosen.connect(session.choice.choose)
        self.map.opened.connect(self._open)
        self.open.clicked.connect(lambda: self._open(session.choice.key))
        self.table.clicked.connect(self.table_asked)
        self.code.clicked.connect(self.code_asked)

    def showEvent(self, event: Any) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._draw()

    def _on_network(self) -> None:
        self._stale = True
        self._draw()

    def _draw(self) -> None:
        """Map the network, if it is another one and seen."""
        session = self._session
        if not self.isVisible():
            return
        if self._stale and session.replica is not None:
            from core.network_map.listener import map_network

            self._stale = False
            replica = session.replica
            network = map_network(
                replica.model,
                lambda examples, tokens: replica.playground.example_input(
                    replica.recipe, examples, tokens
                ),
            )
            self.map.show_network(network)
            self.count.setText(f"{network.parameters:,} parameters")
        self._show_snapshot()
        QTimer.singleShot(0, self, self._show_choice)  # once it is laid out

    def _show_snapshot(self) -> None:
        """Show what was measured last, if it is seen."""
        session = self._session
        if not self.isVisible() or session.snapshot is None or session.info is None:
            return
        names = [info.name for info in session.info.layers]
        remarks = check_layers(session.info.layers, session.snapshot)
        stats = session.snapshot.layers
        self.map.show_measured(
            dict(zip(names, stats, strict=True)), dict(zip(names, remarks, strict=True))
        )

    def _show_changes(self) -> None:
        """Mark the blocks in which something is muted, scaled or set."""
        self.map.show_changes(changes_of(self._session.interventions))
        self._show_choice()

    def _show_choice(self) -> None:
        """Mark what is chosen, and say what it does."""
        key = self._session.choice.key
        self.map.choose(key)
        block = self.map.block_of(key)
        say(self.words, explanation_of(block) if block else self._how(), "small")
        layer = block is not None and block.kind == "layer"
        self.open.setEnabled(layer)
        self.table.setEnabled(layer)
        self.code.setEnabled(block is not None)
        if rect := self.map.rect_of(key):
            margin = 60
            self._area.ensureVisible(rect.center().x(), rect.center().y(), 0, margin)

    def _how(self) -> str:
        network = self.map.network
        return HOW if network is None else f"{HOW} {legend_of(network)}"

    def _open(self, key: str) -> None:
        block = self.map.block_of(key)
        if block is not None and block.kind == "layer":
            self.opened.emit(key)
