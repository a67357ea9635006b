"""What every test stands on: real data where it is, a small network, and a look for leaks."""

import os
import random
import shutil
import signal
import tempfile
import threading
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Where tests run side by side, threads that wait actively for one another take the others' time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What a training of a test leaves is not a person's.
os.environ["GLASSBOX_RUNS"] = tempfile.mkdtemp(prefix="glassbox-runs-")
os.environ["GLASSBOX_SETTINGS"] = str(Path(os.environ["GLASSBOX_RUNS"], "settings.json"))

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QThread, QTimer
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid
from torch import nn

from core import playgrounds
from core.paths import CHECKPOINTS
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.runs.recorder import FileRecorder
from core.training.control import Control
from core.training.trainer import Run, train
from gui import theme
from gui.garbage import collecting_nothing


@pytest.fixture(scope="session", autouse=True)
def no_runs_left():
    """What trainings of tests left in the folder of runs goes with them."""
    yield
    shutil.rmtree(os.environ["GLASSBOX_RUNS"], ignore_errors=True)


@pytest.fixture(autouse=True)
def seeds():
    """A test draws the same numbers whichever tests its worker ran before."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def signals():
    """A training of the command line listens to signals; here pytest goes on doing so."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.getsignal(getattr(signal, name)) for name in names}
    yield
    for name, handler in before.items():
        if signal.getsignal(getattr(signal, name)) is not handler:
            signal.signal(getattr(signal, name), handler)


@pytest.fixture(scope="session")
def light_starters(tmp_path_factory):
    """A folder with what is shipped, but not for text: that takes seconds to be judged."""
    folder = tmp_path_factory.mktemp("starters")
    for name in ("digits.safetensors", "names.safetensors"):
        shutil.copy(CHECKPOINTS / name, folder)
    return folder


@pytest.fixture(scope="session")
def qapp(qapp):
    """One application, dressed as the program dresses it."""
    theme.load_fonts()
    theme.apply(qapp, "light")
    return qapp


def windows(app):
    """Yield the windows that there are: garbage that is collected meanwhile may delete some."""
    with collecting_nothing():  # else some of those that are listed are gone before the last is
        found = app.topLevelWidgets()
    yield from filter(isValid, found)


def methods_of_modules():
    """Return those methods of ``nn.Module`` that a watched program calls others for."""
    return nn.Module.state_dict, nn.Module.load_state_dict


METHODS = methods_of_modules()


@pytest.fixture(autouse=True)
def nothing_left(request):
    """A test that leaves a thread, a window or an observer of torch behind fails."""
    before = set(threading.enumerate())
    yield
    app = QApplication.instance()
    if isinstance(app, QApplication):
        app.processEvents()
        # Without an event loop nobody deletes what a test has closed.
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        left = [w for w in windows(app) if w.isVisible() and w.objectName() != "qtooltip_label"]
        for window in left:
            window.close()  # else each test after this one would be told of it
        assert not left, f"windows left open: {left}"
        for window in windows(app):
            workers = [w for w in window.findChildren(QThread) if w.isRunning()]
            assert not workers, f"threads left running: {workers}"
            timers = [t for t in window.findChildren(QTimer) if t.isActive()]
            assert not timers, f"timers left ticking: {timers}"
    modes = torch.overrides._get_current_function_mode_stack()
    assert not modes, f"torch's functions are still observed: {modes}"
    assert methods_of_modules() == METHODS, "methods of nn.Module are replaced: a watcher is open"
    running = [t for t in threading.enumerate() if t not in before and not t.daemon]
    assert not running, f"threads left running: {running}"


@pytest.fixture
def digits():
    """The digits playground."""
    return playgrounds.get("digits")


@pytest.fixture(scope="session")
def bundled():
    """The 5,000 digits that are shipped."""
    return playgrounds.get("digits").load(None)


@pytest.fixture(scope="session")
def real_data():
    """The folder of full data sets, where there is one."""
    folder = Path(os.environ.get("GLASSBOX_DATA", "nowhere"))
    if not (folder / "mnist").is_dir():
        pytest.skip("needs the whole of MNIST: set GLASSBOX_DATA to a folder that holds mnist/")
    return folder


@pytest.fixture
def fourth(monkeypatch):
    """A fourth playground, spirals, and its page: found by being there."""
    import core.playgrounds
    import gui

    folder = Path(__file__).parent / "fourth"
    for package, of in ((core.playgrounds, "core"), (gui, "gui")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder / of)])
    return playgrounds.get("spirals")


TOWNS = ["Αθήνα", "Ξάνθη", "Βόλος", "Πάτρα", "Λάρισα", "Σπάρτη"]
SMALL = DigitsRecipe(model="mlp", hidden=(32,), augment="none", batch_size=64, lr=3e-3)


@pytest.fixture
def small():
    """A recipe that learns something in a second."""
    return SMALL


@pytest.fixture
def run_of(digits, bundled):
    """Make a run of a recipe on the bundled digits: ``run_of(recipe, steps=20)``."""

    def make(recipe, **rest):
        rest.setdefault("steps", 20)
        return Run(digits, recipe, bundled, torch.device("cpu"), **rest)

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A checkpoint of a small network that has learned a little."""
    playground = playgrounds.get("digits")
    path = tmp_path_factory.mktemp("trained") / "small.safetensors"
    run = Run(playground, SMALL, playground.load(None), torch.device("cpu"), steps=150, out=path)
    list(train(run, Control()))
    return path


NAMES = NamesRecipe(hidden=(24,), embedding=4, context=3, batch_size=64, lr=1e-2, dropout=0.0)


@pytest.fixture(scope="session")
def names_run():
    """Make a run of a small names network: ``names_run(steps=60, folder=...)``."""
    playground = playgrounds.get("names")
    data = playground.load(None)

    def make(folder=None, recipe=NAMES, **rest):
        rest.setdefault("steps", 60)
        recorder = FileRecorder(folder, None) if folder else None
        return Run(playground, recipe, data, torch.device("cpu"), recorder=recorder, **rest)

    return make


@pytest.fixture(scope="session")
def recorded(tmp_path_factory, names_run):
    """The record of a run that has ended; to be read, not written."""
    folder = tmp_path_factory.mktemp("recorded") / "names-mlp-20261124-120000"
    list(train(names_run(folder, steps=400), Control()))
    return folder


@pytest.fixture
def towns(tmp_path):
    """A list of one's own, in Greek."""
    path = tmp_path / "towns.txt"
    path.write_text("\n".join(TOWNS * 6), encoding="utf-8")
    return path
