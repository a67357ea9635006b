"""Two ways in which people watch a training today, on the same model in the same run.

TensorBoard histograms of all weights and gradients, at the cadence of the layer table; and one Qt
signal a step into pyqtgraph plots with their defaults.
"""

import statistics
import sys
import tempfile
import time

import pyqtgraph as pg
import torch
from PySide6.QtCore import QThread, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget
from torch.utils.tensorboard import SummaryWriter

from bench.program import RECIPE, bare_rate, pump
from bench.rows import row, show, sized
from core import playgrounds
from core.playgrounds.digits.recipe import DigitsRecipe
from core.training.device import use_threads
from core.training.learner import Learner

CADENCE = 0.1
ROUNDS, SECONDS = sized((3, 4.0), (1, 0.3))


def learner_of(recipe: DigitsRecipe) -> Learner:
    """Return what trains, the same for everyone."""
    playground = playgrounds.get("digits")
    learner = Learner(playground, recipe, playground.load(None), torch.device("cpu"))
    use_threads(learner.model, learner.device)
    return learner


def tensorboard_rate(recipe: DigitsRecipe, seconds: float) -> float:
    """Steps a second with histograms of every weight and gradient, ten times a second."""
    learner, steps, due = learner_of(recipe), 0, 0.0
    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        begin = time.perf_counter()
        while (now := time.perf_counter()) - begin < seconds:
            loss, _ = learner.learn(*learner.take(), 0.5)
            steps += 1
            writer.add_scalar("loss", loss.item(), steps)
            if now >= due:
                due = now + CADENCE
                for name, weight in learner.model.named_parameters():
                    writer.add_histogram(f"weights/{name}", weight, steps)
                    writer.add_histogram(f"gradients/{name}", weight.grad, steps)
        return steps / (time.perf_counter() - begin)


class Pushing(QThread):
    """Trains, and sends a signal a step."""

    stepped = Signal(int, object)

    def __init__(self, recipe: DigitsRecipe, seconds: float) -> None:
        super().__init__()
        self._recipe, self._seconds = recipe, seconds
        self.rate = 0.0

    def run(self) -> None:
        learner, steps = learner_of(self._recipe), 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < self._seconds:
            loss, _ = learner.learn(*learner.take(), 0.5)
            steps += 1
            norms = [float(p.grad.norm()) for p in learner.model.parameters()]
            self.stepped.emit(steps, [loss.item(), *norms])
        self.rate = steps / (time.perf_counter() - begin)


def signal_rate(recipe: DigitsRecipe, seconds: float) -> float:
    """Steps a second with a plot for the loss and for every gradient's norm, drawn each step."""
    app = QApplication.instance() or QApplication([])
    assert app is not None
    window = QWidget()
    grid = QGridLayout(window)
    count = 1 + len(list(learner_of(recipe).model.parameters()))
    curves, values = [], [[] for _ in range(count)]
    for index in range(count):
        plot = pg.PlotWidget()
        curves.append(plot.plot())
        grid.addWidget(plot, index // 4, index % 4)
    window.resize(1200, 800)
    window.show()

    def draw(step: int, numbers: list[float]) -> None:
        for curve, series, number in zip(curves, values, numbers, strict=True):
            series.append(number)
            curve.setData(series)

    thread = Pushing(recipe, seconds)
    thread.stepped.connect(draw)
    thread.start()
    pump(thread.isFinished, seconds * 20 + 60)
    window.close()
    return thread.rate


def main(words: list[str]) -> None:
    """Print the ratios of both against the bare loop, in turn."""
    name = words[0]
    recipe, board, signals = RECIPE[name], [], []
    for _ in range(ROUNDS):
        bare = bare_rate(recipe, SECONDS)
        board.append(tensorboard_rate(recipe, SECONDS) / bare)
        signals.append(signal_rate(recipe, SECONDS) / bare)
    show(
        [
            row(
                f"for comparison: TensorBoard histograms, {name}",
                statistics.median(board),
                None,
                "x",
            ),
            row(f"for comparison: a signal a step, {name}", statistics.median(signals), None, "x"),
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
