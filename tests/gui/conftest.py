"""The whole program in a real window, with a network to play with."""

import pytest

from core.playgrounds.digits.recipe import DigitsRecipe
from gui import session as session_module
from gui.state import State
from gui.window import MainWindow

QUICK = DigitsRecipe(model="mlp", hidden=(32,), augment="none", batch_size=64, lr=3e-3)


class Program:
    """The window, one of its pages, and hands for both."""

    def __init__(self, qtbot, window, page):
        self.qtbot = qtbot
        self.window = window
        self.page = window.pages[page]
        window.show_page(page)
        self.session = self.page.session

    def until(self, condition, seconds=60):
        """Let the program work until something holds."""
        self.qtbot.waitUntil(condition, timeout=1000 * seconds)

    def ready(self):
        """Wait until one can play and train."""
        self.until(lambda: self.session.state is State.READY)

    def train(self, recipe=QUICK, seconds=60, data=None):
        """Press Train for a recipe, and wait until it does."""
        self.session.recipe = recipe
        self.session.data = data
        self.page.run_bar.transport.length.setValue(seconds)
        self.page.run_bar.transport.train.click()
        self.until(lambda: self.session.state is State.TRAINING)
        self.until(lambda: len(self.session.history.loss.x) > 0)

    def stop(self):
        """Press Stop, and wait until the run has ended."""
        self.page.run_bar.transport.stop.click()
        self.ready()


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder of this test's own for what a training keeps."""
    monkeypatch.setattr(session_module, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def window(qtbot, qapp, runs):
    """The program's window, shown; closed at the end."""
    made = MainWindow(None, "cpu")
    qtbot.addWidget(made, before_close_func=lambda w: None)
    made.show()
    made.fill()
    yield made
    made.close()


@pytest.fixture
def program(qtbot, window):
    """The program at its digits."""
    made = Program(qtbot, window, "digits")
    made.ready()
    return made


@pytest.fixture
def naming(qtbot, window):
    """The program at its names, the shipped network loaded and judged."""
    made = Program(qtbot, window, "names")
    made.until(lambda: bool(made.session.history.evaluations))
    made.ready()
    return made
