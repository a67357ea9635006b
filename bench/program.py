"""The real window, driven from a measurement."""

import time
from collections.abc import Callable
from typing import Any

import torch
from PySide6.QtWidgets import QApplication

from bench.rows import sized
from core import playgrounds
from core.paths import data_folder
from core.playgrounds.digits.recipe import RECIPES, DigitsRecipe
from core.training.device import use_threads
from core.training.learner import Learner
from core.training.recipe import Recipe
from gui import app
from gui.session import Session
from gui.session_state import State
from gui.window import MainWindow

RECIPE = {
    "modern": RECIPES["modern"],
    "small": DigitsRecipe(model="mlp", hidden=(100, 70), batch_norm=False, augment="none", lr=1e-3),
}


def pump(until: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the program work until something holds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("the program did not get there")
        QApplication.processEvents()
        time.sleep(0.001)


def ready(page: str = "digits", *options: str) -> tuple[MainWindow, Session]:
    """Return the program at a page, all starters loaded and judged, and the page's session."""
    words = ["--fresh", "--theme", "light", "--page", page, *options]
    folder = data_folder()
    _, window = app.build([*words, "--data", str(folder)] if folder else words)
    chosen: Any = window.pages[page]
    everything = [other for other in window.pages.values() if hasattr(other, "session")]
    for other in sized(everything, [chosen]):
        pump(lambda other=other: bool(other.session.history.evaluations))
    return window, chosen.session


def begin(window: MainWindow, recipe: Recipe, seconds: int) -> None:
    """Start a training through the present page's own button."""
    page: Any = window.page
    page.session.recipe = recipe
    page.run_bar.transport.length.setValue(seconds)
    page.run_bar.transport.train.click()
    pump(lambda: page.session.state is State.TRAINING)


def bare_rate(recipe: DigitsRecipe, seconds: float) -> float:
    """Steps a second of the same steps in a plain loop, with nobody watching."""
    playground = playgrounds.get("digits")
    learner = Learner(playground, recipe, playground.load(None), torch.device("cpu"))
    use_threads(learner.model, learner.device)
    for _ in range(5):
        learner.learn(*learner.take(), 0.1)
    begin, steps = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        learner.learn(*learner.take(), 0.5)
        steps += 1
    return steps / (time.perf_counter() - begin)
