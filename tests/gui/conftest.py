"""The whole program in a real window, with a network to play with."""

import shutil

import pytest
import torch
from PySide6.QtWidgets import QApplication

from core import paths, playgrounds
from core.paths import CHECKPOINTS
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.training.control import Control
from core.training.trainer import Run, train
from gui import background_job, theme
from gui import session as session_module
from gui import window as window_module
from gui.overrides import catch_errors
from gui.pages import page_modules, page_names
from gui.session_state import State
from gui.window import MainWindow
from tests.conftest import windows
from tests.gui.hands import Hands

catch_errors()  # one in a painting fails its test, and does not end all of a worker's

QUICK = DigitsRecipe(model="mlp", hidden=(32,), augment="none", batch_size=64, lr=3e-3)


@pytest.fixture(autouse=True)
def ship(tmp_path_factory, monkeypatch):
    """Ship these starters and no others: a window opens and judges each, which takes seconds."""
    folder = tmp_path_factory.mktemp("shipped")
    monkeypatch.setattr(session_module, "CHECKPOINTS", folder)

    def bring(*names, source=CHECKPOINTS):
        for name in names:
            shutil.copy(source / f"{name}.safetensors", folder)

    return bring


@pytest.fixture
def all_starters(ship):
    """All that is shipped: every page has a network."""
    ship("digits", "names", "text")


@pytest.fixture(autouse=True)
def no_tooltip_left():
    """A tooltip is a window too; it would stay for a while."""
    yield
    for window in windows(QApplication):
        if window.objectName() == "qtooltip_label":
            window.close()


@pytest.fixture
def qtbot(qtbot, monkeypatch):
    """Also give a widget that is shown by itself the style sheet that its page would give it."""
    add = qtbot.addWidget

    def add_styled(widget, **rest):
        if not isinstance(widget, MainWindow):  # its parts have it
            theme.style(widget)
        add(widget, **rest)

    monkeypatch.setattr(qtbot, "addWidget", add_styled)
    return qtbot


class Program(Hands):
    """The window at a playground's page, and what one does there."""

    def __init__(self, qtbot, window, page):
        super().__init__(qtbot, window, page)
        self.session = self.page.session

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

    def learn(self, recipe, data=None):
        """Press Train for a recipe that says its steps, and wait until they are done."""
        ended = []
        self.session.ended.connect(ended.append)
        self.session.recipe = recipe
        self.session.data = data
        self.page.run_bar.transport.train.click()
        self.until(lambda: bool(ended))
        self.ready()

    def stop(self):
        """Press Stop, and wait until the run has ended."""
        self.page.run_bar.transport.stop.click()
        self.ready()


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder of this test's own for what a training keeps."""
    monkeypatch.setattr(session_module, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def pages():
    """The pages of the window: all. Tests of one page have that one built alone, to save time."""
    return page_names()


@pytest.fixture
def window(qtbot, qapp, runs, pages, monkeypatch):
    """The program's window, shown; closed at the end."""
    modules = {name: module for name, module in page_modules().items() if name in pages}
    monkeypatch.setattr(window_module, "page_modules", lambda: modules)
    made = MainWindow(None, "cpu")
    qtbot.addWidget(made, before_close_func=lambda w: None)
    made.show()
    made.fill()
    yield made
    made.close()


@pytest.fixture
def program(qtbot, ship, window):
    """The program at its digits, with the shipped network."""
    ship("digits")
    made = Program(qtbot, window, "digits")
    made.ready()
    return made


def judged_names(qtbot, window):
    """Return the program at its names, with a network that is loaded and judged."""
    made = Program(qtbot, window, "names")
    made.until(lambda: bool(made.session.history.evaluations))
    made.ready()
    return made


@pytest.fixture
def naming(qtbot, ship, window):
    """The program at its names, with the shipped network."""
    ship("names")
    return judged_names(qtbot, window)


@pytest.fixture(scope="session")
def letters_recipe():
    """A names network that learns something in a second."""
    return NamesRecipe(hidden=(24,), embedding=4, context=3, batch_size=64, lr=1e-2, dropout=0.0)


@pytest.fixture(scope="session")
def sixty(letters_recipe):
    """The same, for sixty steps."""
    return letters_recipe.replace({"steps": 60})


@pytest.fixture(scope="session")
def small_starter(tmp_path_factory, letters_recipe):
    """A folder with a small network in place of the shipped one: it is judged at once."""
    playground, folder = playgrounds.get("names"), tmp_path_factory.mktemp("shipped")
    out = folder / "names.safetensors"
    data = playground.load(None)
    list(
        train(
            Run(playground, letters_recipe, data, torch.device("cpu"), steps=600, out=out),
            Control(),
        )
    )
    return folder


@pytest.fixture
def bare(qtbot, window):
    """The program at its names where nothing is shipped: no network was ever there."""
    made = Program(qtbot, window, "names")
    made.ready()
    return made


@pytest.fixture
def quick(qtbot, ship, small_starter, monkeypatch, window):
    """The program at its names, with a small network in place of the shipped one."""
    ship("names", source=small_starter)
    monkeypatch.setattr(background_job, "SHARE", 1.0)  # look often
    return judged_names(qtbot, window)


@pytest.fixture
def greek_network(towns, letters_recipe, tmp_path):
    """A checkpoint of a network that knows Greek letters only."""
    playground, out = playgrounds.get("names"), tmp_path / "greek.safetensors"
    data = playground.load(towns)
    run = Run(playground, letters_recipe, data, torch.device("cpu"), steps=60, out=out)
    list(train(run, Control()))
    return out
