"""Examples as points, where a layer of the network puts them: by PCA, or by t-SNE."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout

from core.numbers import percent
from core.projection import PERPLEXITY, Components, Projected, aligned, usable_perplexity
from core.telemetry.events import Answer, Array, Failed, Loaded, Started
from core.training.control import Question
from gui import jobs
from gui.background_job import BackgroundJob
from gui.charts.scatter import Marks, Scatter
from gui.inputs import ComboBox
from gui.session import Session
from gui.theme import GAP
from gui.widgets.buttons import identified, push_button, retitle
from gui.widgets.card import Card, label
from gui.widgets.segmented_control import Segments
from gui.worker import Worker

if TYPE_CHECKING:
    from core.training.representation import Representation

PCA, TSNE = "pca", "tsne"
EVERY = 1500  # milliseconds between an answer and the next question, while weights change
REST = 10  # times as long as an answer took are between it and the next question, at least
SEED = 42
PERPLEXITIES = (5, 15, 30, 50)
WAITING = "Train a network: where its layers put examples stands here then."
COMPUTING = "The activations of this layer are being computed."
BROKEN = "The activations of this layer are NaN or infinite: the training has diverged."
LIMITS = (
    "Neighbours here are neighbours in the layer. Sizes of clusters and distances between them mean"
    " nothing; try another perplexity, too."
)
"""What a picture by t-SNE can say (Wattenberg, Viégas and Johnson 2016)."""


class RepresentationCard(Card):
    """Asks the network where a layer puts examples, and shows them in a plane.

    PCA follows the training; t-SNE is computed when it is asked for, in a thread of its own.
    Nothing is computed while it is hidden.

    Args:
        session: whose network is asked.
        worker: does t-SNE.
        ask: returns what to ask about a place, which answers with a ``Representation``.
        dress: returns the marks of an answer's points.
        first: further places before the network's layers, and what they are called.
        leave_out: names of layers that are no places here.
    """

    chosen = Signal(object, int)
    """A point was chosen: the answer's values, and its index."""

    def __init__(
        self,
        session: Session,
        worker: Worker,
        ask: Callable[[str], Question],
        dress: Callable[[Mapping[str, Any]], Marks],
        first: Mapping[str, str],
        leave_out: Sequence[str] = (),
    ) -> None:
        super().__init__("Representations")
        self._session, self._ask_about, self._dress = session, ask, dress
        self._first, self._leave_out = first, leave_out
        self._answer: Answer | None = None
        self._before: Array | None = None
        self._projected: Projected | None = None
        self._of = 0
        """The step of the network that t-SNE shows."""
        self._marks: Marks | None = None
        self._waits = self._project_next = False
        self._stale = True
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._want)
        self._job = BackgroundJob(worker, session, quick=True)
        self._build()
        self._connect()

    def _build(self) -> None:
        self.way = Segments("How the points come into the plane")
        self.way.add(
            PCA,
            "PCA",
            "representationPca",
            "Principal component analysis: the plane in which the points differ the most. Distances"
            " in it are true, and the rest is left out. It follows the training.",
        )
        self.way.add(
            TSNE,
            "t-SNE",
            "representationTsne",
            "t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008): points"
            " that are near in the layer come near in the plane. It shows clusters that no plane"
            " could show, and is computed anew when it is asked for.",
        )
        self.place = identified(
            ComboBox(),
            "representationPlace",
            "Layer",
            "Which layer's activations are the points. Go from the first to the last, and see the"
            " classes separate.",
        )
        self.perplexity = identified(
            ComboBox(),
            "representationPerplexity",
            "Perplexity of t-SNE",
            "About how many neighbours count for each point. Small: many small clusters; large: the"
            " coarse structure. It is not the perplexity of a language model, though its formula is"
            " the same.",
        )
        self.place.setSizeAdjustPolicy(
            ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.place.setMinimumContentsLength(9)  # what is longer is shortened where it must be
        for value in PERPLEXITIES:
            self.perplexity.addItem(f"perplexity {value}", float(value))
        self.perplexity.setCurrentIndex(PERPLEXITIES.index(int(PERPLEXITY)))
        help = "Compute t-SNE of the network as it is now; a second click cancels it."
        self.compute = push_button("representationCompute", "Recompute", help)
        self.scatter = Scatter("representationPlot", "Examples where the layer puts them")
        self.scatter.show_hint(WAITING)
        self.words = label("", "small", wrap=True)
        self.words.setObjectName("representationWords")
        self.words.setMinimumHeight(50)  # three lines, always: nothing moves while it is read
        self.words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.head.addWidget(self.way)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.place, 1)
        row.addWidget(self.perplexity)
        row.addWidget(self.compute)
        self.body.addLayout(row)
        self.body.addWidget(self.scatter, 1)
        self.body.addWidget(self.words)
        self.place.setMaximumWidth(260)
        row.insertStretch(1)
        keeps = self.compute.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # so that the row stays as high
        self.compute.setSizePolicy(keeps)
        self._show_tools()

    def _connect(self) -> None:
        session = self._session
        session.started.connect(self._on_network)
        session.loaded.connect(self._on_loaded)
        session.weights_changed.connect(self._on_weights)
        session.answered.connect(self._on_answer)
        self.way.chosen.connect(self._on_way)
        self.place.currentIndexChanged.connect(self._on_place)
        self.perplexity.currentIndexChanged.connect(lambda index: self._project())
        self.compute.clicked.connect(self._on_compute)
        self.scatter.pointed.connect(lambda index: self._say())
        self.scatter.chosen.connect(self._on_chosen)
        self._job.received.connect(self._on_projected)
        self._job.ended.connect(self._on_ended)

    @property
    def projecting(self) -> bool:
        """Whether t-SNE is being computed."""
        return self._job.stage.running

    @property
    def projected(self) -> bool:
        """Whether all of t-SNE has been computed."""
        return self._projected is not None and self._projected.done

    def _on_loaded(self, event: Loaded) -> None:
        self._on_network(event.started)

    def _on_network(self, started: Started) -> None:
        """Offer the layers of another network; a layer that it has, too, stays chosen."""
        from core.training.representation import places_of

        names = places_of([info.name for info in started.layers])
        places = dict(self._first)
        for name in names:
            if name not in self._leave_out:
                last = len(names) > 1 and name == names[-2]
                places[name] = f"{name} (last hidden layer)" if last else name
        if len(names):
            places[names[-1]] = f"{names[-1]} (logits)"
        before = self.place.currentData()
        preset = names[-2] if len(names) > 1 and names[-2] in places else next(iter(places), "")
        self.place.blockSignals(True)
        self.place.clear()
        for key, title in places.items():
            self.place.addItem(title, key)
        chosen = before if before in places else preset
        self.place.setCurrentIndex(max(0, self.place.findData(chosen)))
        self.place.blockSignals(False)
        self._on_place()

    def _on_place(self) -> None:
        """Begin anew at another place or with another network."""
        self._job.stop()
        self._answer = self._before = self._projected = None
        self._waits = False
        self._stale, self._project_next = True, self.way.key() == TSNE
        self.scatter.new_frame()
        self._want()

    def _on_way(self, way: str) -> None:
        self._show_tools()
        self.scatter.new_frame()
        if way == PCA:
            self._job.stop()
            self._before = None
            self._want()
            self._draw()
        elif self.projected:
            self._draw()
        else:
            self._project()

    def _show_tools(self) -> None:
        for tool in (self.perplexity, self.compute):
            tool.setVisible(self.way.key() == TSNE)

    def _on_weights(self) -> None:
        self._stale = True
        if self.way.key() == TSNE:
            self._say()
        elif self.isVisible() and not self._waits and not self._soon.isActive():
            self._ask_later()

    def _ask_later(self) -> None:
        """Ask again, but hold up the training for a small share of its time only."""
        shown = self._answer.values["representation"] if self._answer else None
        rest = 1000 * REST * shown.seconds if shown is not None else 0.0
        self._soon.start(max(EVERY, round(rest)))

    def _want(self) -> None:
        """Ask where the points are, if somebody looks and they may have moved."""
        if self.isVisible() and self._stale and not self._waits and self.place.count():
            self._stale = False
            question = self._ask_about(self.place.currentData())
            self._waits = self._session.ask(question, "representation")
            if self._waits and not self.scatter.count():
                self.scatter.show_hint(COMPUTING)

    def _on_answer(self, answer: Answer) -> None:
        shown: Representation | None = answer.values.get("representation")
        if shown is None or shown.place != self.place.currentData():
            return
        self._waits = False
        self._answer, self._marks = answer, self._dress(answer.values)
        if self._project_next and self.isVisible():
            self._project_next = False
            self._start()
        elif self.way.key() == PCA:
            self._draw()
        if self._stale and self.isVisible() and self.way.key() == PCA:
            self._ask_later()

    @property
    def _components(self) -> Components | None:
        shown = self._answer.values["representation"].components if self._answer else None
        return shown if isinstance(shown, Components) else None

    def _project(self) -> None:
        """Compute t-SNE of the network as it is now."""
        if self.way.key() == TSNE and self.isVisible():
            self._projected = None
            self._project_next = True
            if self._stale or self._answer is None:
                self._want()
            else:
                self._project_next = False
                self._start()

    def _start(self) -> None:
        components = self._components
        if components is None:
            self._draw()
            return
        assert self._answer is not None
        self._of = self._answer.step
        perplexity = float(self.perplexity.currentData())
        self._job.start(partial(jobs.tsne, components.scores, perplexity, SEED))
        self._draw()

    def _on_compute(self) -> None:
        if self.projecting:
            self._job.stop()
        else:
            self._project()

    def _on_projected(self, projected: Projected) -> None:
        self._projected = projected
        if projected.done:
            self.scatter.new_frame()
        self._draw()

    def _on_ended(self, ending: object) -> None:
        if isinstance(ending, Failed) and ending.sentence and self._projected is None:
            self._draw(ending.sentence)
        else:
            self._draw()

    def _draw(self, problem: str = "") -> None:
        """Show the points by the chosen way."""
        if not self.isVisible():
            return
        running = self.projecting and not self.projected
        retitle(self.compute, "Cancel" if running else "Recompute")
        components, marks = self._components, self._marks
        if self._answer is None or marks is None:
            self.scatter.show_hint(COMPUTING if self._waits else WAITING)
        elif components is None:
            self.scatter.show_hint(BROKEN)
        elif self.way.key() == PCA:
            self._before = aligned(components.plane, self._before)
            self.scatter.show_points(self._before, marks)
        elif self._projected is not None and len(self._projected.points) == len(marks.kinds):
            self.scatter.show_points(self._projected.points, marks)
        else:
            self.scatter.show_hint(problem or "t-SNE is being computed." * self.projecting)
        self._say()

    def _say(self) -> None:
        """Say what the point is that is pointed at, or what the picture can say."""
        at = self.scatter.pointed_at()
        pointed = 0 <= at < self.scatter.count()
        self.words.setText(self.scatter.describe(at) if pointed else self._about())

    def _about(self) -> str:
        components, answer = self._components, self._answer
        if components is None or answer is None:
            return ""
        count = len(components.scores)
        if self.way.key() == PCA:
            held = percent(components.in_plane)
            return (
                f"{count:,} examples at step {answer.step:,}, in the plane of the first two"
                f" principal components of {components.dimensions:,} dimensions: they explain"
                f" {held} of the variance. What is near here may be far in the others."
            )
        if self._projected is None:
            return ""
        chosen = float(self.perplexity.currentData())
        used = usable_perplexity(chosen, count)
        most = f", the most for {count:,}" if used < chosen else ""
        if not self._projected.done:
            of = f"{self._projected.iteration} of {self._projected.iterations}"
            cut = "Iteration" if self.projecting else "Cancelled at iteration"
            return f"{cut} {of}. {LIMITS}"
        newer = self._session.weights is not None and self._session.weights.step != self._of
        since = " The network has learned on since." if newer else ""
        return (
            f"{count:,} examples at step {self._of:,}, perplexity {used:.3g}{most}.{since} {LIMITS}"
        )

    def _on_chosen(self, index: int) -> None:
        if self._answer is not None:
            self.chosen.emit(self._answer.values, index)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while this was hidden."""
        super().showEvent(event)
        self._want()
        self._draw()

    def hideEvent(self, event: QHideEvent) -> None:
        """Compute nothing that nobody sees."""
        super().hideEvent(event)
        self._soon.stop()
        self._job.stop()
