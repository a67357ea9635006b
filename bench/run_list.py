"""The list of runs in the window: to open it, to filter it, to lay six over one another."""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PySide6.QtWidgets import QApplication

from bench.program import pump, ready
from bench.rows import row, show, sized
from core import paths, playgrounds
from core.playgrounds.names.recipe import NamesRecipe
from core.runs.curves import write_curves
from core.runs.folder import ABOUT, CURVES, LAST
from core.runs.recorder import FileRecorder
from core.telemetry.events import Evaluated, Metrics
from core.telemetry.history import History
from core.training.control import Control
from core.training.trainer import Run, train
from gui.runs.run_table import RunTable

RUNS, COMPARED, STEPS, TIMES = sized((1000, 6, 20_000, 7), (8, 6, 200, 1))
WORDS = ("w", "warm", "warm 17", "", "run 3", "mlp", "")
SMALL = NamesRecipe(model="mlp", hidden=(32,), embedding=8, context=3, dropout=0.0)


def main(words: list[str]) -> None:
    """Open the page with 1,000 runs; filter them; lay six of 20,000 steps over one another."""
    folder = Path(tempfile.mkdtemp(prefix="glassbox-bench-"))
    try:
        _fill(folder)
        paths.RUNS = folder
        window, _ = ready()
        page = window.pages["runs"]
        opened = _opened(window, page)
        filtered = median(_filtered(page, words) for words in WORDS)
        page.tools.words.setText("")
        laid = median(_laid(page) for _ in range(TIMES))
        window.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(
        [
            row("list of 1,000 runs: open", opened, 300, "ms", most=True),
            row("list of 1,000 runs: filter", filtered, 50, "ms", most=True),
            row("six runs of 20,000 steps laid over one another", laid, 300, "ms", most=True),
        ]
    )


def _opened(window: object, page: object) -> float:
    """Return how long it takes to turn to the page, until the newest run is shown and painted."""
    begin = time.perf_counter()
    window.show_page("runs")
    pump(lambda: page.detail.isVisible() and page.detail.entry is not None)
    QApplication.processEvents()
    return 1e3 * (time.perf_counter() - begin)


def _filtered(page: object, words: str) -> float:
    """Return the milliseconds until the runs with these words are painted."""
    begin = time.perf_counter()
    page.tools.words.setText(words)
    QApplication.processEvents()
    return 1e3 * (time.perf_counter() - begin)


def _laid(page: object) -> float:
    """Choose six runs; return the milliseconds until their curves are painted."""
    table: RunTable = page.table
    table.choose([0])
    pump(page.detail.isVisible)
    begin = time.perf_counter()
    table.choose(list(range(COMPARED)))
    pump(page.compare.isVisible)
    page.compare.plot.canvas.viewport().repaint()
    return 1e3 * (time.perf_counter() - begin)


def _fill(folder: Path) -> None:
    """Write one real record, and copies of it with values and curves of their own."""
    first = folder / "names-0000"
    playground = playgrounds.get("names")
    run = Run(playground, SMALL, playground.load(None), torch.device("cpu"), steps=200)
    recorded = Run(**{**vars(run), "recorder": FileRecorder(first, None)})
    list(train(recorded, Control()))
    about, last = json.loads((first / ABOUT).read_text()), (first / LAST).read_bytes()
    for number in range(1, RUNS):
        copy = folder / f"names-{number:04}"
        copy.mkdir()
        recipe = about["recipe"] | {"seed": number, "lr": 10 ** -(1 + number % 30 / 10)}
        values = about | {"begun": about["begun"] + number, "step": STEPS, "recipe": recipe}
        (copy / ABOUT).write_text(json.dumps(values))
        card = {"name": f"run {number}", "note": "warmer" if number % 7 else "", "star": False}
        (copy / "card.json").write_text(json.dumps(card))
        if number >= RUNS - COMPARED:
            (copy / LAST).write_bytes(last)
            shutil.copytree(first / "moments", copy / "moments")
            write_curves(copy, _history(number))
        else:
            shutil.copy(first / CURVES, copy / CURVES)


def _history(seed: int) -> History:
    """Return what a run of 20,000 steps has shown: a falling loss with noise, judged 40 times."""
    random, history = np.random.default_rng(seed), History()
    steps = np.arange(1, STEPS + 1)
    losses = 2 + 1.3 * np.exp(-steps / 3000) + 0.1 * random.standard_normal(STEPS)
    for begin in range(0, STEPS, 20):
        end = begin + 20
        history.add(Metrics(end, losses[begin:end], float("nan"), 1e-3, end / 900, end / STEPS))
        if end % 500 == 0:
            history.add(Evaluated(end, end / 900, {"val_loss": float(losses[begin:end].mean())}))
    return history


if __name__ == "__main__":
    main(sys.argv[1:])
