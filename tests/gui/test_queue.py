"""Several things at once: one thread trains, the others wait and say for what, or go first."""

import dataclasses
import itertools
import threading
from functools import partial

import pytest
import torch

from core import playgrounds
from core.interruption import CancelledError
from core.runs.bundle import pack
from core.telemetry.events import Fetched, Idle, Metrics, Stopped
from core.training.control import Control
from core.training.learner import Learner
from core.training.memory import RISEN
from core.training.trainer import Run, _Loop, train
from gui import jobs, network_source
from gui import worker as worker_module
from gui.session_state import State
from gui.training_page import WAITS
from gui.worker import Worker
from tests.gui.conftest import QUICK, Program


@pytest.fixture
def pages():
    """The pages that are used here."""
    return ("digits", "names")


@pytest.fixture
def digits(quick):
    """The page of digits, beside that of names."""
    quick.window.show_page("digits")
    made = Program(quick.qtbot, quick.window, "digits")
    made.ready()
    return made


def _press_train(page, recipe):
    page.session.recipe = recipe
    page.page.run_bar.transport.train.click()


def _message(page):
    return page.page.run_bar.message.text()


def test_a_paused_run_lets_others_pass(quick, digits, letters_recipe):
    """It stands at its step, and goes on after they have trained."""
    quick.train(letters_recipe)
    quick.page.run_bar.transport.pause.click()
    quick.until(lambda: quick.session.state is State.PAUSED)
    stood = quick.session.history.loss.x[-1]
    digits.learn(QUICK.replace({"steps": 20}))
    assert digits.session.history.loss.x[-1] == 20
    assert quick.session.state is State.PAUSED and quick.session.history.loss.x[-1] == stood
    quick.page.run_bar.transport.pause.click()
    quick.until(lambda: quick.session.history.loss.x[-1] > stood)
    quick.stop()


def test_who_waits_says_for_whom_and_may_go_first(quick, digits, letters_recipe):
    """Run now holds the other one, which keeps its place and goes on afterwards."""
    quick.train(letters_recipe)
    _press_train(digits, QUICK)
    digits.until(lambda: digits.session.state is State.WAITING)
    assert "Waits for Names" in _message(digits) and digits.page.marks() == [WAITS]
    assert not digits.page.run_bar.transport.pause.isEnabled()
    digits.page.run_bar.run_now.click()
    digits.until(lambda: digits.session.state is State.TRAINING)
    quick.until(lambda: quick.session.state is State.WAITING)
    assert "Waits for Digits" in _message(quick)
    assert digits.page.run_bar.run_now.isHidden() and not quick.page.run_bar.run_now.isHidden()
    held = quick.session.history.loss.x[-1]
    digits.stop()
    quick.until(lambda: quick.session.history.loss.x[-1] > held)
    assert quick.session.state is State.TRAINING and not _message(quick).strip()
    quick.stop()


def test_stop_withdraws_what_waits(quick, digits, letters_recipe, runs):
    """It leaves no record, and the network that was there stays."""
    before = quick.session.weights
    digits.train(QUICK)
    _press_train(quick, letters_recipe)
    quick.until(lambda: quick.session.state is State.WAITING)
    quick.page.run_bar.transport.stop.click()
    assert quick.session.state is State.READY and quick.session.weights is before
    assert "nothing was kept or changed" in _message(quick)
    assert quick.page.network.words == network_source.SHIPPED
    digits.stop()
    assert [folder.name.partition("-")[0] for folder in runs.iterdir()] == ["digits"]


def test_a_run_that_is_stopped_before_its_first_step_leaves_nothing(quick, letters_recipe, runs):
    """The network of before is used again."""
    quick.session.recipe = letters_recipe
    quick.session.start(60, paused=True)
    quick.until(lambda: quick.session.state is State.PAUSED)
    assert quick.page.network.words != network_source.SHIPPED
    quick.page.run_bar.transport.stop.click()
    quick.until(lambda: quick.page.network.words == network_source.SHIPPED)
    quick.ready()
    assert not list(runs.iterdir()) and "nothing was kept" in _message(quick)


def test_a_held_training_learns_what_it_would_have_learned_alone(qtbot, letters_recipe):
    """Its dropout draws the same random numbers, whatever was trained in between."""
    recipe = letters_recipe.replace({"dropout": 0.2})
    playground = playgrounds.get("names")
    data = playground.load(None)
    learners, queued, events = [], threading.Event(), []

    def make(*arguments):
        learners.append(Learner(*arguments))
        return learners[-1]

    run = Run(playground, recipe, data, torch.device("cpu"), steps=300, make_learner=make)
    list(train(run, Control()))
    worker = Worker()
    worker.start()

    def overtaken(control, report):
        queued.wait(60)
        for event in train(run, control):
            if isinstance(event, Metrics) and not any(isinstance(e, Metrics) for e in events):
                worker.run_now(rival)  # it has done a step
            events.append(event)
            yield event

    task = worker.do(overtaken, Control(), "first")
    rival = worker.do(lambda control, report: train(run, control), Control(), "second")
    queued.set()
    qtbot.waitUntil(lambda: task.mailbox.closed and rival.mailbox.closed, timeout=60_000)
    worker.close()
    assert any(isinstance(event, Idle) for event in events)
    alone, held, second = (learner.model.state_dict() for learner in learners)
    for name, tensor in alone.items():
        assert torch.equal(tensor, held[name]) and torch.equal(tensor, second[name]), name


def test_what_waits_for_the_network_lets_others_pass(qtbot, letters_recipe, monkeypatch, tmp_path):
    """A download holds up no training."""
    playground, text = playgrounds.get("names"), playgrounds.get("text")
    arrived = threading.Event()
    monkeypatch.setattr(type(text), "fetch", lambda *rest: arrived.wait(60))
    run = Run(playground, letters_recipe, playground.load(None), torch.device("cpu"), steps=20)
    worker = Worker()
    worker.start()
    first = worker.do(partial(jobs.fetch, "text", tmp_path), Control(), "first")
    second = worker.do(lambda control, report: train(run, control), Control(), "second")
    qtbot.waitUntil(lambda: second.mailbox.closed, timeout=60_000)
    assert not first.mailbox.closed and not worker.waits_for(first)
    arrived.set()
    qtbot.waitUntil(lambda: first.mailbox.closed, timeout=60_000)
    worker.close()
    assert any(isinstance(event, Fetched) for event in first.mailbox.drain())


def test_nothing_is_left_when_the_window_closes_over_a_queue(qtbot, letters_recipe):
    """What trains, is held or waits ends; the thread with it."""
    playground = playgrounds.get("names")
    data, cpu = playground.load(None), torch.device("cpu")
    run = Run(playground, letters_recipe, data, cpu, seconds=3600)
    worker = Worker()
    worker.start()
    tasks = [
        worker.do(lambda control, report: train(dataclasses.replace(run), control), Control())
        for _ in range(3)
    ]
    qtbot.waitUntil(lambda: tasks[0].step > 0, timeout=60_000)
    worker.run_now(tasks[1])
    qtbot.waitUntil(lambda: tasks[1].step > 0 and tasks[0].still, timeout=60_000)
    worker.close()
    endings = [e for t in tasks[:2] for e in t.mailbox.drain() if isinstance(e, Stopped)]
    assert len(endings) == 2 and not tasks[2].begun


@pytest.mark.parametrize(("risen", "times"), [(0, 2), (2 * RISEN, 4)])
def test_what_a_job_has_freed_goes_back_when_it_has_ended(qtbot, monkeypatch, risen, times):
    """Not after each question, which takes longer than to answer it: if memory has risen much."""
    given = []
    monkeypatch.setattr(worker_module, "give_back", lambda: given.append("memory"))
    monkeypatch.setattr(worker_module, "resident", itertools.count(step=risen).__next__)
    worker = Worker()
    worker.start()
    for quick in (False, True, False, True):
        task = worker.do(lambda control, report: [], Control(), quick=quick)
        qtbot.waitUntil(lambda task=task: task.mailbox.closed, timeout=60_000)
    worker.close()
    assert len(given) == times


def test_what_the_window_has_freed_goes_back_while_nothing_is_done(qtbot, monkeypatch):
    """Drawing frees memory, too; and who asks for something meanwhile does not wait for it."""
    given, held = [], threading.Event()
    monkeypatch.setattr(worker_module, "RESTS", 0.01)
    monkeypatch.setattr(worker_module, "resident", itertools.count(step=2 * RISEN).__next__)
    monkeypatch.setattr(worker_module, "give_back", lambda: given.append(held.wait(30)))
    worker = Worker()
    worker.start()
    qtbot.waitUntil(worker.isRunning)
    task = worker.do(lambda control, report: [], Control())  # at once, whatever is given back
    held.set()
    qtbot.waitUntil(lambda: task.mailbox.closed and len(given) > 2, timeout=60_000)
    worker.close()


@pytest.mark.parametrize("way", ["csv", "zip", "tensorboard", "import", "read"])
def test_a_window_that_closes_waits_for_no_file(recorded, tmp_path, way):
    """Exports, imports and the reading of a text end before their next piece; nothing is left."""
    job = partial(jobs.export_run, recorded, way, tmp_path / "out")
    if way == "import":
        pack(recorded, tmp_path / "run.zip")
        job = partial(jobs.import_run, tmp_path / "run.zip", tmp_path / "runs")
    elif way == "read":
        (tmp_path / "text.txt").write_text("To be or not to be\n" * 100)
        job = partial(jobs.describe_data, "text", tmp_path / "text.txt")
    before, control = set(tmp_path.rglob("*.*")), Control()
    control.stop(abandon=True)
    with pytest.raises(CancelledError):
        list(job(control, [].append))
    assert set(tmp_path.rglob("*.*")) == before


def test_the_end_of_a_run_reaches_a_table_that_was_hidden(quick, sixty, monkeypatch):
    """On a busy machine only the first step was measured: the last state is told all the same."""
    monkeypatch.setattr(_Loop, "probes", lambda loop, alone: not loop.learner.step)
    learning = quick.page.learning
    quick.page.tabs.setCurrentIndex(1)
    quick.learn(sixty)
    assert quick.session.weights.step == quick.session.snapshot.step == 60
    assert learning.step.text() != "step 60"
    quick.page.tabs.setCurrentIndex(0)
    assert learning.table.snapshot is quick.session.snapshot and learning.step.text() == "step 60"
    assert quick.page.network.words.endswith("step 60")
    name = quick.session.info.layers[0].name
    learning.open_layer(name)
    quick.until(lambda: learning.layer.step.text() == "step 60")


def test_a_page_that_was_hidden_shows_the_end(quick, digits, sixty):
    """The layer table of a network that was trained while another page was looked at."""
    assert quick.window.page is digits.page
    quick.learn(sixty)
    quick.window.show_page("names")
    assert quick.page.learning.step.text() == "step 60"
