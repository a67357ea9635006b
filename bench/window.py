"""What the window costs, how quickly it answers, and whether it gives back what it takes."""

import gc
import math
import statistics
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTextEdit, QWidget

from bench.program import RECIPE, bare_rate, begin, pump, ready
from bench.rows import row, show, sized
from core.telemetry.events import Metrics
from core.training.memory import resident
from core.training.recipe import Recipe
from gui.charts.unit_bars import UnitBars
from gui.digits.tour import SEVEN
from gui.session_state import State
from gui.tour import Guide
from gui.window import MainWindow

ROUNDS = sized(3, 1)
MOVES, TRAININGS, DRAWN, MUTED = sized((150, 20, 600, 60), (4, 3, 20, 4))
BUSY = sized(4, 1)  # processes
TURN, SETTLED = sized((300, 200), (20, 10))
"""How long a page rests when it is turned to, and after a change of theme, in milliseconds."""
TRAINED, WATCHED, ALONE = sized((5000, 4000, 4.0), (300, 200, 0.2))
"""How long a race is run with the window and watched, in milliseconds, and bare, in seconds."""


ANSWERS = (
    ("digits", "conv.1", "digitBars"),
    ("names", "embedding", "letterBars"),
    ("text", "blocks.1.expand", "textOutput"),
    ("points", "hidden.0", "pointsPlane"),
)
"""Of each page the layer whose units are muted, and what shows the answer."""


def quantile(values: list[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Lateness(QObject):
    """How much later than asked the event loop comes back to a timer, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(2)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.values.append(1000 * (now - self._last) - 2)
        self._last = now


def race(page: str, recipe: Recipe, bare: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Train in the visible window and bare, in turn.

    Returns:
        Steps a second in the window over those of ``bare``, one a round, and the delays of the
        event loop in milliseconds.
    """
    window, session = ready(page)
    times: list[tuple[int, float]] = []
    session.metrics_added.connect(
        lambda m: times.append((m.step, time.perf_counter())) if isinstance(m, Metrics) else None
    )
    ratios, late = [], []
    for _ in range(ROUNDS):
        alone = bare()
        begin(window, recipe, 30)
        Guide.rest(sized(1000, 100))  # a real event loop: pumping would hide its delays
        times.clear()
        Guide.rest(TRAINED)
        pump(lambda: len(times) > 1)
        (first, start), (last, end) = times[0], times[-1]
        ratios.append((last - first) / (end - start) / alone)
        # Apart from the speed, for it wakes the interpreter 500 times a second.
        lateness = Lateness()
        Guide.rest(WATCHED)
        lateness.deleteLater()
        late += lateness.values
        session.stop()
        pump(lambda: session.state is State.READY)
        print(f"ratio {ratios[-1]:.2f}; bare {alone:.0f} steps/s", file=sys.stderr)
    window.close()
    return ratios, late


def raced(name: str, ratios: list[float], late: list[float]) -> None:
    """Show the rows of a race."""
    delay = f"event loop delay while training, {name}"
    what = f"training in the window against bare, {name}"
    show(
        [
            row(what, statistics.median(ratios), 0.97, "x"),
            row(f"{delay}: p99", quantile(late, 0.99), 8, "ms", True),
            row(f"{delay}: worst", max(late), 33, "ms", True),
        ]
    )


def speed(name: str) -> None:
    """Steps a second in the visible window against the same loop bare; and the delay."""
    recipe = RECIPE[name]
    ratios, late = race("digits", recipe, lambda: bare_rate(recipe, ALONE))
    raced(name, ratios, late)


class Painted(QObject):
    """Notes when a widget was painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.at = 0.0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            # The bars paint in this event: after it, so one turn later, they are on the screen.
            QTimer.singleShot(0, self._note)
        return False

    def _note(self) -> None:
        self.at = time.perf_counter()


def pen() -> None:
    """From a move of the pressed mouse to the bars that it changed, idle and while training."""
    window, session = ready()
    idle = _pen_times(window)
    begin(window, RECIPE["modern"], 60)
    pump(lambda: len(session.history.loss.x) > 5)
    busy = _pen_times(window)
    session.stop()
    pump(lambda: session.state is State.READY)
    window.close()
    show(
        [
            row("mouse move to changed bars, p95: idle", quantile(idle, 0.95), 16, "ms", True),
            row("mouse move to changed bars, p95: training", quantile(busy, 0.95), 30, "ms", True),
        ]
    )


def _pen_times(window: QWidget, moves: int = MOVES) -> list[float]:
    canvas = window.page.findChild(QWidget, "digitCanvas")
    painted = Painted(window.page.findChild(QWidget, "digitBars"))
    window.findChild(QWidget, "clearButton").click()
    side, left = canvas.width(), Qt.MouseButton.LeftButton
    QTest.mousePress(canvas, left, pos=QPoint(side // 4, side // 4))
    times = []
    for move in range(moves):
        x = side // 4 + (move * 7) % (side // 2)
        y = side // 4 + (move * side) // (2 * moves)
        Guide.rest(20)  # QTest.qWait would keep the training thread from running
        start = time.perf_counter()
        QTest.mouseMove(canvas, QPoint(x, y))
        end = start + 0.3
        pump(lambda start=start, end=end: painted.at > start or time.perf_counter() > end)
        # A move over ink that is there already changes no bar, and is left out.
        if painted.at > start:
            times.append(1000 * (painted.at - start))
    QTest.mouseRelease(canvas, left, pos=QPoint(side // 2, side // 2))
    assert len(times) > moves // 2, f"only {len(times)} of {moves} moves changed the bars"
    return times


def mute() -> None:
    """From a click that mutes a unit, or brings it back, to the changed answer on each page."""
    rows = []
    for page, layer, answer in ANSWERS:
        window, session = ready(page)
        guide, learning = Guide(window, Path()), window.page.learning
        if page == "digits":
            for points in SEVEN:
                guide.stroke("digitCanvas", points)
        told: list[float] = []
        if page == "text":
            writing = window.page.write.writing
            writing.streamed.connect(lambda fresh, told=told: told.append(time.perf_counter()))
            window.page.write.generate.click()
        window.page.tabs.setCurrentWidget(learning)
        learning.open_layer(layer)
        pump(lambda panel=learning.layer: panel.step.text() != "")
        seen = guide.find(QWidget, answer)
        seen = seen.viewport() if isinstance(seen, QTextEdit) else seen
        times = _mute_times(learning.layer.ablation.bars, seen, told)
        session.intervene(())
        window.close()
        what = f"click on a unit to the changed answer, p95: {page}"
        rows.append(row(what, quantile(times, 0.95), 50, "ms", True))
    show(rows)


def _mute_times(bars: UnitBars, answer: QWidget, told: list[float]) -> list[float]:
    """Return how long each click took until the answer was painted, in milliseconds.

    Args:
        bars: are clicked.
        answer: what is painted anew.
        told: when a text was told, of which only what is painted behind its beginning counts.
    """
    painted, times = Painted(answer), []
    for turn in range(MUTED):
        at = bars.rect_of(turn // 2 % bars.count()).center().toPoint()
        Guide.rest(50)
        start = time.perf_counter()
        QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=at)
        writes = bool(told)
        pump(
            lambda start=start, writes=writes: (
                painted.at > start and (not writes or painted.at > _after(told, start))
            )
        )
        times.append(1000 * (painted.at - start))
    return times


def _after(times: list[float], start: float) -> float:
    """Return the first of times in order behind a moment; infinity for none."""
    return next((t for t in times[bisect_right(times, start) :]), math.inf)


def memory() -> None:
    """Resident memory after 20 trainings started and stopped, against after 3."""
    window, session = ready()
    sizes = []
    for _ in range(TRAININGS):
        begin(window, RECIPE["modern"], 30)
        pump(lambda: len(session.history.loss.x) > 3)
        session.stop()
        pump(lambda: session.state is State.READY)
        gc.collect()
        sizes.append(resident())
    window.close()
    growth = sizes[-1] / sizes[2] - 1
    show([row(f"memory after {TRAININGS} trainings against after 3", growth, 0.05, "%", most=True)])


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Let other processes want the cores all the time."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def theme() -> None:
    """From a change of theme until the page that is seen is painted in it, with all pages open."""
    window, _ = ready()
    for name in window.pages:
        window.show_page(name)
        Guide.rest(TURN)
    alone = _theme_times(window)
    with busy(BUSY):
        beside = _theme_times(window)
    window.close()
    what = "change of theme, all pages open, slowest page"
    for times, where in ((alone, ""), (beside, f", beside {BUSY} busy")):
        print(
            what + where, {page: f"{1000 * t:.0f} ms" for page, t in times.items()}, file=sys.stderr
        )
    show(
        [
            row(what, max(alone.values()), 0.3, "s", True),
            row(f"{what}, beside {BUSY} busy", max(beside.values()), 0.3, "s", True),
        ]
    )


def _theme_times(window: MainWindow) -> dict[str, float]:
    """Return the median time of each page, in seconds."""
    found = {}
    for name, page in window.pages.items():
        window.show_page(name)
        Guide.rest(TURN)
        painted, times = Painted(page), []
        for _ in range(2 * ROUNDS + 1):
            begun = time.perf_counter()
            window.switch_theme()
            pump(lambda begun=begun, painted=painted: painted.at > begun)
            times.append(painted.at - begun)
            Guide.rest(SETTLED)
        page.removeEventFilter(painted)
        found[name] = statistics.median(times)
    return found


def close() -> None:
    """From closing the window in mid-training until its process is gone."""
    alone = max(_closing_time() for _ in range(ROUNDS))
    beside = max(_closing_time(BUSY) for _ in range(ROUNDS))
    what = "closing in mid-training"
    show(
        [
            row(f"{what} until the process is gone", alone, 2.0, "s", True),
            row(f"{what}, beside {BUSY} busy", beside, 2.0, "s", True),
        ]
    )


def _closing_time(others: int = 0) -> float:
    script = (
        "import time; from bench.program import *; from gui.app import leave\n"
        "w, s = ready(); begin(w, RECIPE['modern'], 60)\n"
        "pump(lambda: len(s.history.loss.x) > 5); print('training', flush=True); input()\n"
        "print(time.time(), flush=True); w.close(); leave(0)"
    )
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        process.stdout.readline()
        with busy(others):
            print(file=process.stdin, flush=True)
            closed = float(process.stdout.readline())
            process.wait()
            return time.time() - closed


def start() -> None:
    """From the start of the process until the first frame, the first page and all of them stand."""
    script = (
        "import time; from gui import app, window\n"
        "kind, times = window.MainWindow, []\n"
        "def note(name):\n"
        "    method = getattr(kind, name)\n"
        "    def noted(self, *rest): times.append(time.time()); return method(self, *rest)\n"
        "    setattr(kind, name, noted)\n"
        "note('fill'); note('_make_page')\n"  # the second page is made when the first is painted
        "a, w = app.build(['--fresh']); a.processEvents()\n"
        "print(times[0], times[2], time.time(), flush=True); w.close()"
    )
    found = []
    for _ in range(ROUNDS):
        begun = time.time()
        process = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True
        )
        found.append([float(word) - begun for word in process.stdout.split()])
    frame, page, pages = (statistics.median(times) for times in zip(*found, strict=True))
    show(
        [
            row("start to the window's first frame", frame, 1.0, "s", True),
            row("start to the first page, complete", page, None, "s", True),
            row("start to all pages, the first one usable", pages, None, "s", True),
        ]
    )


def drawn() -> None:
    """Digits in many hands, replayed on the canvas as mouse strokes and read by the starter."""
    from PySide6.QtWidgets import QLabel

    from bench.hands import digits

    window, _ = ready()
    canvas = window.findChild(QWidget, "digitCanvas")
    answer = window.findChild(QLabel, "digitAnswer")
    right, styles = 0, {}
    examples = list(digits(count=DRAWN, seed=1))
    for label, style, strokes in examples:
        window.findChild(QWidget, "clearButton").click()
        pump(lambda: answer.text() == "")  # the last digit's answer is gone
        for stroke in strokes:
            points = [
                QPoint(round(x * (canvas.width() - 1)), round(y * (canvas.height() - 1)))
                for x, y in stroke
            ]
            QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
            for point in points[1:]:
                QTest.mouseMove(canvas, point)
            QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])
        pump(lambda: answer.text() != "")
        QApplication.processEvents()
        hit = answer.text() == str(label)
        right += hit
        styles.setdefault(f"{label} {style}", []).append(hit)
    window.close()
    for style, hits in sorted(styles.items(), key=lambda item: statistics.mean(item[1])):
        print(f"  {style}: {statistics.mean(hits):.0%} of {len(hits)}", file=sys.stderr)
    what = f"{len(examples)} synthetic pen digits, {len(styles)} styles, on the canvas"
    show([row(what, right / len(examples), 0.95, "%")])


def boundary() -> None:
    """Pictures of the decision boundary a second while it is learned, and the window's share."""
    window, session = ready("points")
    plane = window.findChild(QWidget, "pointsPlane")
    recipe = session.recipe
    begin(window, recipe, 600)
    rates, shares = [], []
    for _ in range(ROUNDS):
        painted, spent, start = plane.painted, time.thread_time(), time.perf_counter()
        Guide.rest(TRAINED)
        seconds = time.perf_counter() - start
        rates.append((plane.painted - painted) / seconds)
        shares.append((time.thread_time() - spent) / seconds)
    window.page.run_bar.transport.stop.click()
    pump(lambda: session.state is State.READY)
    window.close()
    what = f"the decision boundary of {recipe.dataset} while it is trained, in the visible window"
    show(
        [
            row(f"{what}: pictures a second", statistics.median(rates), 30.0, "/s"),
            row(f"{what}: the GUI thread's share", statistics.median(shares), 0.2, "%", most=True),
        ]
    )


def main(words: list[str]) -> None:
    """Measure one thing."""
    verb, *rest = words
    {
        "speed": speed,
        "pen": pen,
        "mute": mute,
        "memory": memory,
        "close": close,
        "theme": theme,
        "start": start,
        "drawn": drawn,
        "boundary": boundary,
    }[verb](*rest)


if __name__ == "__main__":
    main(sys.argv[1:])
