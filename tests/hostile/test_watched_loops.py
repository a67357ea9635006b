"""Loops that do what nobody expects: ``watch`` raises nothing into them, and changes nothing."""

import io
import logging
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import torch

from bench.hostile.loops import MODELS, NAMES, RECORDS, REPORTS, Liar, Nothing, learn
from core import watch
from core.paths import RUNS


def assert_same(tmp_path, **hostile):
    """Train with and without; the weights are the same, bit for bit."""
    bare = learn(Nothing(), **hostile)
    seen = watch(quiet=True, record=tmp_path / "x.watch.json", budget=0.1)
    with seen:
        watched = learn(seen, **hostile)
    assert torch.equal(bare, watched)
    assert not torch.overrides._get_current_function_mode_stack()
    return seen


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_any_loss_may_be_reported(tmp_path, report):
    """What is no number is passed over."""
    assert_same(tmp_path, report=report)


def test_what_is_no_loss_is_said_once(tmp_path, caplog):
    """And the loss is taken from the backward pass."""
    with caplog.at_level(logging.WARNING, "glassbox"):
        seen = assert_same(tmp_path, report=lambda loss: None)
    said = [one for one in caplog.messages if "no loss" in one]
    assert len(said) == 1 and "NaN" not in seen.diagnosis.sentence


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_modules_and_variables_may_say_nothing_of_themselves(tmp_path, model):
    """They are not looked into, or the loop is not watched."""
    proxy = Liar()
    assert_same(tmp_path, model=model)
    assert type(proxy) is Liar


@pytest.mark.parametrize("place", RECORDS)
def test_a_record_that_cannot_be_written_ends_no_loop(tmp_path, place, caplog):
    """It is said at the end."""
    (tmp_path / "file").write_text("in the way")
    with watch(quiet=True, record=tmp_path / place, budget=0.1) as seen:
        learn(seen)
    if "gone" not in place:
        assert any("no whole record" in one for one in caplog.messages)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_record_is_a_name(name):
    """Nothing is written outside of the folder of runs."""
    with watch(quiet=True, name=name, budget=0.1) as seen:
        learn(seen)
    file = seen._loop.file
    assert file.parent == RUNS and file.is_file()
    file.unlink()


def test_a_step_of_another_thread_is_none(tmp_path):
    """The thread that began is left as it was; the loop goes on."""
    with watch(quiet=True, record=tmp_path / "x.watch.json", budget=0.1) as seen:
        thread = threading.Thread(target=learn, args=(seen,))
        thread.start()
        thread.join()
    assert not torch.overrides._get_current_function_mode_stack()
    assert "not watched to its end" in seen.diagnosis.sentence


@pytest.mark.parametrize("stream", [None, "closed"])
def test_it_may_have_nowhere_to_print(tmp_path, monkeypatch, stream):
    """Standard output that is closed, or was never there."""
    with closing(Path(tmp_path / "out").open("w")) as file:
        file.close()
        monkeypatch.setattr(sys, "stdout", file if stream else None)
        with watch(record=False, budget=0.1) as seen:
            learn(seen)


def test_it_may_have_nowhere_to_warn(monkeypatch):
    """Logging itself fails where standard error is closed."""
    log = logging.getLogger("glassbox")
    with closing(io.StringIO()) as stream:
        handler = logging.StreamHandler(stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(log, "handlers", [handler])
    monkeypatch.setattr(log, "propagate", False)
    with watch(record=False, budget=0.1, quiet=True) as seen:
        learn(seen, report=lambda _: None)


def test_loops_within_loops_share_one_budget(monkeypatch):
    """That of the outermost one."""
    given = []

    def examine(loop, error=None):
        given.append(loop.budget)
        loop.watcher.stop_recording()

    monkeypatch.setattr("core.doctor.watch_loop.WatchedLoop.end", examine)
    clock = iter(range(100))
    monkeypatch.setattr("core.doctor.watch_loop.time.perf_counter", lambda: float(next(clock)))
    with watch(quiet=True, record=False, budget=2.5):
        for _ in range(4):
            with watch(quiet=True, record=False, budget=15):
                pass
    assert given == [2.5, 1.5, 0.5, 0.0, 0.0]


def test_an_error_of_the_loop_is_the_loops_own(tmp_path):
    """Also where the doctor is lost by then."""
    seen = watch(quiet=True, record=False, budget=0.1)
    with pytest.raises(ZeroDivisionError), seen:
        seen._loop.watcher.count = "broken"
        learn(seen, each=lambda: 1 / 0)


def test_a_loop_may_report_its_validation_alone(tmp_path, caplog):
    """The doctor has no curve of the training then, and does not miss it."""
    losses = iter([3.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    with watch(quiet=True, record=tmp_path / "x.watch.json", budget=0.1) as seen:
        for loss in losses:
            seen.validate(loss)
    assert not [one for one in caplog.records if one.exc_info]
