"""The comparison as a picture: what each model reached on one scale, to see it go down."""

import math
import textwrap
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen, QPolygonF

from core.model_comparison import ComparedModel, Measure, Result
from gui import theme
from gui.charts.cells import Cells
from gui.widgets.model_comparison.text import told
from gui.widgets.table_cells import LEFT, RIGHT, dot, star

ROW, TOP, BOTTOM, NAMES, VALUES = 17, 22, 20, 96, 58
EMPTY = (
    "Train the models, and what each of them reaches stands here,\n"
    "one below the other: the further left, the better."
)
STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # between two lines of the scale


class ComparisonPicture(Cells):
    """A row a model: what it reached on either data, and what the lecture reached as a tick."""

    def __init__(self, models: Sequence[ComparedModel], measure: Measure) -> None:
        super().__init__(
            "ladderPicture",
            f"{measure.judged} of each model on one scale",
            f"<p>{measure.judged} of each model, on one scale: the further left, the better. The"
            f" ring is its {measure.train.lower()}; the longer the line between the two, the more"
            " it overfits. The short upright line is what others reached.</p>",
        )
        self._measure = measure
        self._models = tuple(models)
        self._results: dict[str, Result] = {}
        self._best: str | None = None
        self._comparable = True
        self._low, self._high = 0.0, 1.0
        self.show_results({}, None, True)

    def show_results(
        self, results: Mapping[str, Result], best: str | None, comparable: bool
    ) -> None:
        """Show what was reached so far.

        Args:
            results: of the models that have one; what is no finite number is left out.
            best: the model to mark.
            comparable: whether the lecture's values are about the same data; else they are
                left out, since they would lie on another scale.
        """
        self._results = {m: r for m, r in results.items() if math.isfinite(r.judged)}
        self._best, self._comparable = best, comparable
        values = [self._ends(result) for result in self._results.values()]
        ticks = [compared.lecture for compared in self._models if compared.lecture and comparable]
        numbers = [n for pair in values for n in pair] + (ticks if values else [])
        low, high = min(numbers, default=0.0), max(numbers, default=1.0)
        room = max(0.04 * (high - low), 0.02)
        self._low, self._high = low - room, high + room
        best_words = f"The best is {best}, {results[best].judged:.3f}." if best else "No results."
        self.setAccessibleDescription(best_words)
        self.update()

    def count(self) -> int:
        """How many rows there are; none before the first result."""
        return len(self._models) if self._results else 0

    def across(self) -> int:
        """The rows stand one below the other."""
        return 1

    def rect_of(self, index: int) -> QRectF:
        """Where a row is."""
        return QRectF(1, TOP + index * ROW, self.width() - 2, ROW)

    def describe(self, index: int) -> str:
        """What a model is and what it reached."""
        compared = self._models[index]
        return textwrap.fill(told(compared, self._results.get(compared.model), self._measure), 64)

    def heightForWidth(self, width: int) -> int:
        """The same at every width."""
        return TOP + len(self._models) * ROW + BOTTOM

    def ticks(self) -> list[float]:
        """Return the numbers of the scale: round ones, a handful."""
        step = self._step()
        first = math.ceil(self._low / step)
        return [n * step for n in range(first, math.floor(self._high / step) + 1)]

    def x_of(self, value: float) -> float:
        """Return where a loss is on the scale."""
        frame = self._frame()
        return frame.left() + frame.width() * (value - self._low) / (self._high - self._low)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, or say what they will be."""
        if self._results:
            super().paintEvent(event)
            return
        theme.paint_hint(QPainter(self), self.rect(), EMPTY)

    def paint(self, painter: QPainter) -> None:
        """Paint the scale, the way down, and each model."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._scale(painter)
        now = theme.current()
        points = [
            QPointF(self.x_of(self._results[compared.model].judged), self.rect_of(i).center().y())
            for i, compared in enumerate(self._models)
            if compared.model in self._results
        ]
        painter.setPen(QPen(now.colour("validation", 70), 1.5))
        painter.drawPolyline(QPolygonF(points))
        for index, compared in enumerate(self._models):
            self._paint_model(painter, self.rect_of(index), compared)

    def _paint_model(self, painter: QPainter, row: QRectF, compared: ComparedModel) -> None:
        now, result = theme.current(), self._results.get(compared.model)
        best = compared.model == self._best
        font = theme.font(11, QFont.Weight.DemiBold if best else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(now.colour("text" if best else "muted" if result else "faint"))
        painter.drawText(row.adjusted(-1, 0, 0, 0), LEFT, compared.model)
        y = row.center().y()
        if compared.lecture is not None and self._comparable:
            x = self.x_of(compared.lecture)
            painter.setPen(QPen(now.colour("muted"), 2))
            painter.drawLine(QPointF(x, y - 6), QPointF(x, y + 6))
        if result is None:
            return
        dev, train = (self.x_of(value) for value in self._ends(result))
        painter.setPen(QPen(now.colour("validation", 150), 2))
        painter.drawLine(QPointF(train, y), QPointF(dev, y))
        dot(painter, QPointF(train, y), "muted", filled=False, size=3)
        dot(painter, QPointF(dev, y), "validation", filled=True, size=3.5)
        value = self._measure.text(result.judged)
        painter.setPen(now.colour("text" if best else "muted"))
        painter.drawText(row.adjusted(0, 0, 1, 0), RIGHT, value)
        if best:
            wide = painter.fontMetrics().horizontalAdvance(value)
            star(painter, QPointF(row.right() - wide - 8, y), 4.2)

    def _scale(self, painter: QPainter) -> None:
        now, frame = theme.current(), self._frame()
        places = 1 if self._step() >= 0.1 else 2
        painter.setFont(theme.font(11))
        for value in self.ticks():
            x = round(self.x_of(value)) + 0.5
            painter.setPen(QPen(now.colour("border"), 1))
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
            painter.setPen(now.colour("muted"))
            foot = QRectF(x - 30, frame.bottom() + 3, 60, 16)
            painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, f"{value:.{places}f}")
        painter.drawText(QRectF(0, 0, self.width(), 16), LEFT, self._measure.axis)
        self._legend(painter)

    def _step(self) -> float:
        wanted = min(8.0, max(3.0, self._frame().width() / 46))
        reach = self._high - self._low
        return next((step for step in STEPS if reach / step <= wanted), STEPS[-1])

    def _legend(self, painter: QPainter) -> None:
        """Name the three marks, from the right."""
        now, m, x, y = theme.current(), self._measure, float(self.width()), 8.0
        names = (m.reference.lower(), m.train.split()[0].lower(), m.judged.split()[0].lower())
        for words, kind in zip(names, ("lecture", "train", "judged"), strict=True):
            if kind == "lecture" and not self._comparable:
                continue
            x -= painter.fontMetrics().horizontalAdvance(words)
            painter.setPen(now.colour("muted"))
            painter.drawText(QRectF(x, 0, 80, 16), LEFT, words)
            x -= 9
            if kind == "lecture":
                painter.setPen(QPen(now.colour("muted"), 2))
                painter.drawLine(QPointF(x, y - 5), QPointF(x, y + 5))
            elif kind == "train":
                dot(painter, QPointF(x, y), "muted", filled=False, size=3)
            else:
                dot(painter, QPointF(x, y), "validation", filled=True, size=3.5)
            x -= 18

    def _ends(self, result: Result) -> tuple[float, float]:
        """Return what was reached on either data; where the latter is NaN, there is no gap."""
        train = result.train
        return result.judged, train if math.isfinite(train) else result.judged

    def _frame(self) -> QRectF:
        rows = len(self._models) * ROW
        return QRectF(NAMES, TOP, max(40, self.width() - NAMES - VALUES), rows)
