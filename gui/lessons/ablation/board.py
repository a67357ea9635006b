"""The effects as a table with a picture: a row a switch, its pairs, its interval, its verdict."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPen

from core.lessons.ablation import Effect, Study, Training
from core.numbers import fixed, number
from gui import theme
from gui.charts.axes import TICK, TITLE, Scale, paint_x_axis
from gui.charts.cells import Cells

HEAD, ROW = 36, 30  # pixels of height
FOOT = TICK + TITLE + 4
NAMES, LOSS, PACE, VERDICT = 264, 62, 62, 150  # pixels of the columns
SHARE = 0.32  # of the width at most is for the names
GAP = 14.0
AROUND = 80.0  # pixels that the title of the axis may stand out at each side
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
HELP = (
    "<p>A row for each switch, on top of all above it. A small ring is a pair of trainings with the"
    " same seed, the dot their mean, the bar its 95 % interval (by Student). Right of the line"
    " the switch lowers the validation loss; of two seeds that is not said, and one of 20 intervals"
    " is wrong by chance. Click a row for its curves and its code.</p>"
)


class EffectBoard(Cells):
    """What a study has shown so far; one row is selected."""

    def __init__(self) -> None:
        super().__init__("switchBoard", "What each switch brings", HELP)
        self.study: Study | None = None
        self.unit = ""
        self.selected = 0
        self.running: Training | None = None

    def show_study(self, study: Study, unit: str, selected: int) -> None:
        """Show a study, its losses in this unit, with a row selected."""
        self.study, self.unit, self.selected = study, unit, selected
        self.setAccessibleDescription(self.describe(selected))
        self.fit()
        self.updateGeometry()
        self.update()

    def set_running(self, training: Training | None) -> None:
        """Say which training is under way, if any."""
        if training != self.running:
            self.running = training
            self.update()

    def count(self) -> int:
        """How many rows there are."""
        return len(self.study.switches) if self.study else 0

    def across(self) -> int:
        """The rows stand one below the other."""
        return 1

    def rect_of(self, index: int) -> QRectF:
        """Where a row is."""
        return QRectF(1, HEAD + index * ROW, self.width() - 2, ROW)

    def heightForWidth(self, width: int) -> int:
        """As many rows as there are switches, and the axis."""
        return HEAD + ROW * max(1, self.count()) + FOOT

    def frame(self) -> QRectF:
        """Where the effects are drawn."""
        names = min(NAMES, SHARE * self.width())
        wide = self.width() - names - LOSS - PACE - VERDICT - 2 * GAP
        return QRectF(names, HEAD, max(40.0, wide), ROW * max(1, self.count()))

    def scale(self) -> Scale:
        """Return the scale of the effects, with zero and every interval on it."""
        assert self.study is not None
        effects = [self.study.effect(place) for place in range(self.count())]
        gains = [gain for effect in effects for gain in effect.gains]
        ends = [end for effect in effects for end in (effect.low, effect.high)]
        return Scale.over([*gains, *ends], zero=True)

    def describe(self, index: int) -> str:
        """Say in words what was measured of a row."""
        assert self.study is not None
        switch, effect = self.study.switches[index], self.study.effect(index)
        loss, seconds = self.study.loss(index), self.study.step_seconds(index)
        parts = [switch.title]
        if math.isfinite(loss):
            parts.append(
                f"Validation loss {fixed(loss, 3)} {self.unit}; {number(1000 * seconds)} ms a step."
            )
        elif self.study.of(index):
            parts.append("It diverged: its loss became NaN or infinite.")
        if effect.gains:
            parts.append(effect_in_words(effect, self.unit, self.study.steps))
        return "\n".join(parts)

    def paint(self, painter: QPainter) -> None:
        """Paint heads, rows and the axis."""
        if self.study is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame, scale = self.frame(), self.scale()
        measured = any(self.study.effect(place).gains for place in range(self.count()))
        self._paint_heads(painter, frame)
        now = theme.current()
        selected = self.rect_of(self.selected)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("sunken"))
        painter.drawRoundedRect(selected, 5, 5)
        if measured:
            painter.setFont(theme.font(11))
            paint_x_axis(painter, frame, scale, "")
            middle, wide = frame.center().x(), frame.width() + 2 * AROUND
            foot = QRectF(middle - wide / 2, frame.bottom() + TICK + 1, wide, TITLE)
            title = f"validation loss lowered by ({self.unit})"
            painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, title)
        zero = frame.left() + frame.width() * scale.share(0.0)
        painter.setPen(QPen(now.colour("muted"), 1, Qt.PenStyle.DashLine))
        if measured:
            painter.drawLine(QPointF(zero, frame.top()), QPointF(zero, frame.bottom()))
        else:
            first = QRectF(frame.left(), HEAD, frame.width(), ROW)  # it has no effect of its own
            theme.paint_hint(painter, first, "Effects appear here, pair by pair.")
        for index in range(self.count()):
            self._paint_row(painter, index, frame, scale)

    def _paint_heads(self, painter: QPainter, frame: QRectF) -> None:
        now = theme.current()
        painter.setFont(theme.font(11))
        painter.setPen(now.colour("muted"))
        head = QRectF(0, 0, self.width(), HEAD - 4)
        painter.drawText(
            QRectF(8, 0, frame.left() - 16, HEAD - 4), LEFT, "switch, on top of those above"
        )
        painter.drawText(
            QRectF(frame.left(), 0, frame.width(), HEAD - 4), LEFT, "effect, 95 % interval"
        )
        right = frame.right() + GAP
        for words, wide in (("validation\nloss", LOSS), ("ms\na step", PACE)):
            painter.drawText(QRectF(right, 0, wide, head.height()), RIGHT, words)
            right += wide
        painter.drawText(QRectF(right + GAP, 0, VERDICT, head.height()), LEFT, "verdict")

    def _paint_row(self, painter: QPainter, index: int, frame: QRectF, scale: Scale) -> None:
        assert self.study is not None
        now, row, study = theme.current(), self.rect_of(index), self.study
        strong = index == self.selected
        painter.setFont(theme.font(12, QFont.Weight.DemiBold if strong else QFont.Weight.Normal))
        painter.setPen(now.colour("text"))
        title = ("+ " if index else "") + study.switches[index].title
        room = int(frame.left()) - 16
        shown = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(8, row.top(), room, ROW), LEFT, shown)
        effect = study.effect(index)
        if effect.gains and math.isfinite(effect.mean):
            _paint_effect(painter, effect, frame, scale, row.center().y())
        painter.setFont(theme.font(12))
        right = frame.right() + GAP
        loss, seconds = study.loss(index), study.step_seconds(index)
        words = fixed(loss, 3) if study.of(index) else "\u2013"
        painter.setPen(now.colour("text"))
        painter.drawText(QRectF(right, row.top(), LOSS, ROW), RIGHT, words)
        words = number(1000 * seconds) if math.isfinite(seconds) else "\u2013"
        painter.setPen(now.colour("muted"))
        painter.drawText(QRectF(right + LOSS, row.top(), PACE, ROW), RIGHT, words)
        verdict = effect.verdict
        if self.running is not None and self.running[0] == index:
            verdict = f"training, seed {self.running[1]}"
        decided = verdict.startswith(("helps", "hurts"))
        painter.setFont(theme.font(12, QFont.Weight.DemiBold if decided else QFont.Weight.Normal))
        painter.setPen(now.colour("text" if decided else "muted"))
        place = QRectF(right + LOSS + PACE + GAP, row.top(), VERDICT, ROW)
        painter.drawText(place, LEFT, verdict)


def _paint_effect(painter: QPainter, effect: Effect, frame: QRectF, scale: Scale, y: float) -> None:
    """Paint pairs, mean and interval."""
    now = theme.current()

    def x_of(value: float) -> float:
        return frame.left() + frame.width() * scale.share(value)

    if math.isfinite(effect.low):
        low, high = x_of(effect.low), x_of(effect.high)
        painter.setPen(QPen(now.colour("validation", 120), 5, c=Qt.PenCapStyle.FlatCap))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        painter.setPen(QPen(now.colour("validation"), 1.6))
        for end in (low, high):
            painter.drawLine(QPointF(end, y - 6), QPointF(end, y + 6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(now.colour("text", 190), 1.2))
    for gain in effect.gains:
        painter.drawEllipse(QPointF(x_of(gain), y), 3.2, 3.2)
    if len(effect.gains) > 1:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.colour("validation"))
        painter.drawEllipse(QPointF(x_of(effect.mean), y), 4.2, 4.2)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def effect_in_words(effect: Effect, unit: str, steps: int) -> str:
    """Return an effect in a sentence; it is one of trainings of so many steps."""
    count = len(effect.gains)
    seeds = f"{count} seed{'s' * (count > 1)}"
    if not math.isfinite(effect.mean):
        return f"After {steps:,} steps, against the row above: {effect.verdict} ({seeds})."
    way = "lower" if effect.mean >= 0 else "higher"
    by = f"{fixed(abs(effect.mean), 3)} {unit} {way}"
    words = f"After {steps:,} steps, against the row above {by}, {seeds}"
    if math.isfinite(effect.low):
        sides = sorted(
            (effect.low, effect.high) if effect.mean >= 0 else (-effect.low, -effect.high)
        )
        words += f"; 95 % interval: {fixed(sides[0], 3)} to {fixed(sides[1], 3)}"
    return f"{words}: {effect.verdict}."
