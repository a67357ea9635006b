"""Asks a session about the heads of its GPT, as often as costs little, while they are seen."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer

from core.playgrounds.text.recipe import TextRecipe
from core.telemetry.events import Answer
from gui.session import Session
from gui.text.heads_panel import HeadsPanel

if TYPE_CHECKING:
    from core.playgrounds.text.heads import HeadImportanceMeter, HeadScores

SHARE = 0.01  # of a training's time that may be spent on its heads' scores
CALM = 500  # milliseconds between two measurements, at least
MOST = 2000  # measurements of one training that are kept


class HeadsAsker(QObject):
    """Connects a panel with a session: scores, importance and interventions."""

    def __init__(self, session: Session, panel: HeadsPanel) -> None:
        super().__init__(panel)
        self._session, self._panel = session, panel
        self._steps: list[int] = []
        self._course: list[HeadScores] = []
        """The scores of the training under way, or of the last one."""
        self._follows = False
        """Whether a training was seen from here, so that the scores of its end belong to it."""
        self._meter: HeadImportanceMeter | None = None
        """What measures importance, while it is."""
        self._stale = True
        """Whether the panel shows scores of other weights, or of other interventions."""
        self._asked = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)
        panel.installEventFilter(self)
        panel.scaled.connect(self._scale)
        panel.measure_clicked.connect(self._measure)
        panel.measure.currentIndexChanged.connect(lambda index: self._show_course())
        session.started.connect(lambda event: self._forget(panel.isVisible()))
        session.loaded.connect(lambda event: self._forget(False))
        session.weights_changed.connect(self._on_weights)
        session.intervened.connect(self._on_intervened)
        session.answered.connect(self._on_answer)

    def _forget(self, follows: bool) -> None:
        """Another network: nothing is known of it."""
        self._follows = follows
        self._steps, self._course, self._meter, self._asked = [], [], None, False
        self._panel.set_measuring(False)
        self._show_course()
        self._on_weights()

    def _show_course(self) -> None:
        self._panel.show_curves(self._steps, self._course)

    def _on_weights(self) -> None:
        self._stale = True
        if self._panel.isVisible() and not self._asked and not self._soon.isActive():
            self._soon.start(0 if not self._session.state.running else CALM)

    def _on_intervened(self) -> None:
        factors = {}
        for each in self._session.interventions:
            if each.part.head:
                factors[each.part.block, each.part.index] = each.factor
        self._panel.show_factors(factors)
        self._stale = True
        if self._panel.isVisible():
            self._soon.start(0)

    @property
    def _text(self) -> tuple[Path | None, str]:
        """The text that the network is of: where it lies, and the dataset of its recipe."""
        recipe = self._session.trained
        assert isinstance(recipe, TextRecipe)
        return self._session.data, recipe.dataset

    def _ask(self) -> None:
        from core.playgrounds.text.heads import LEAST, SCORES, ask_scores
        from core.playgrounds.text.models import GPT

        session = self._session
        model = session.replica.model if session.replica is not None else None
        if not isinstance(model, GPT) or not self._panel.isVisible():
            return
        if model.context < LEAST or model.tokenizer.size < 2:
            return
        self._stale = False
        question = ask_scores(session.interventions, *self._text)
        self._asked = session.ask(question, SCORES)

    def _on_answer(self, answer: Answer) -> None:
        from core.playgrounds.text.heads import IMPORTANCE, SCORES

        if answer.topic == SCORES:
            self._asked = False
            self._panel.show_scores(answer.values["changed"])
            running = self._session.state.running
            self._follows |= running
            if self._follows and (not self._steps or answer.step > self._steps[-1]):
                self._steps.append(answer.step)
                self._course.append(answer.values["scores"])
                del self._steps[:-MOST], self._course[:-MOST]
                self._show_course()
            if self._stale or running:
                pause = answer.values["seconds"] / SHARE if running else 0.0
                self._soon.start(max(CALM, round(1000 * pause)))
        elif answer.topic == IMPORTANCE and self._meter is not None:
            self._show_importance(answer)

    def _show_importance(self, answer: Answer) -> None:
        """Show what is measured by now, and ask for the rest."""
        from core.playgrounds.text.heads import IMPORTANCE

        problem = answer.values.get("problem", "")
        if problem:
            self._panel.importance_words.setText(problem)
        else:
            self._panel.show_importance(answer)
        done = problem or answer.values["measured"] == answer.values["heads"]
        if done or not self._panel.isVisible() or self._meter is None:
            self._meter = None
            self._panel.set_measuring(False)
        else:
            self._session.ask(self._meter, IMPORTANCE)

    def _scale(self, layer: int, head: int, factor: float) -> None:
        from core.interventions import Intervention, Part
        from core.playgrounds.text.heads import head_layer

        part = Part(head_layer(layer), head, head=True)
        self._session.change_part(Intervention(part, factor))

    def _measure(self) -> None:
        """Measure importance; or stop, where it is measured."""
        from core.playgrounds.text.heads import IMPORTANCE, HeadImportanceMeter

        if self._meter is not None:
            self._meter = None
            self._panel.set_measuring(False)
            return
        self._meter = HeadImportanceMeter(*self._text)
        if self._session.ask(self._meter, IMPORTANCE):
            self._panel.set_measuring(True)
        else:
            self._meter = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Catch up when the panel is shown; ask nothing while it is hidden."""
        if event.type() == QEvent.Type.Show and self._stale and not self._asked:
            self._soon.start(0)
        elif event.type() == QEvent.Type.Hide:
            self._soon.stop()
        return False
