"""Loops that do what nobody expects: ``watch`` raises nothing into them, and changes nothing."""

import logging
import sys
import threading
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import watch
from core.paths import RUNS

STEPS = 6


class Nothing:
    """What a loop without Glassbox calls in its place."""

    def step(self, loss):
        """Take a loss."""

    validate = step


class Liar:
    """A proxy that says nothing of itself."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __getattr__(self, name):
        raise RuntimeError("no attributes")


class Unnamed(nn.Linear):
    """A module that does not tell its parts."""

    def named_modules(self, *given, **names):
        raise RuntimeError("no names")

    def named_parameters(self, *given, **names):
        raise RuntimeError("no names")


def learn(seen, around=nullcontext, report=lambda loss: loss, model=nn.Linear, each=lambda: None):
    """Train a small network; return its weights."""
    torch.manual_seed(0)
    network = model(4, 3)
    optimizer = torch.optim.SGD([network.weight, network.bias], 0.1)
    x, y = torch.randn(8, 4), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    with around():
        for _ in range(STEPS):
            each()
            loss = nn.functional.cross_entropy(nn.functional.linear(x, network.weight), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(report(loss))
            seen.validate(report(loss))
    return network.weight.detach()


def assert_same(tmp_path, **hostile):
    """Train with and without; the weights are the same, bit for bit."""
    bare = learn(Nothing(), **hostile)
    seen = watch(quiet=True, record=tmp_path / "x.watch.json", budget=0.1)
    with seen:
        watched = learn(seen, **hostile)
    assert torch.equal(bare, watched)
    assert not torch.overrides._get_current_function_mode_stack()
    return seen


@pytest.mark.parametrize(
    "report",
    [
        lambda loss: None,
        lambda loss: "0.5",
        lambda loss: "a loss",
        lambda loss: [loss.item()],
        lambda loss: {"loss": loss},
        lambda loss: loss.detach().repeat(3),
        lambda loss: loss.detach().to(torch.complex64),
        lambda loss: loss.detach().to("meta"),
        lambda loss: loss.detach().reshape(1).to_sparse(),
        lambda loss: np.array([loss.item()]),
        lambda loss: np.float16(loss.item()),
        lambda loss: 10**400,
        lambda loss: float("nan"),
        lambda loss: torch.empty(0),
        lambda loss: Liar(),
        lambda loss: loss > 1,
    ],
)
def test_any_loss_may_be_reported(tmp_path, report):
    """What is no number is passed over."""
    assert_same(tmp_path, report=report)


def test_what_is_no_loss_is_said_once(tmp_path, caplog):
    """And the loss is taken from the backward pass."""
    with caplog.at_level(logging.WARNING, "glassbox"):
        seen = assert_same(tmp_path, report=lambda loss: None)
    said = [one for one in caplog.messages if "no loss" in one]
    assert len(said) == 1 and "NaN" not in seen.diagnosis.sentence


def test_modules_and_variables_may_say_nothing_of_themselves(tmp_path):
    """They are not looked into, or the loop is not watched."""
    proxy = Liar()
    assert_same(tmp_path, model=Unnamed)
    assert type(proxy) is Liar


@pytest.mark.parametrize("place", ["gone/x.watch.json", "n" * 300, "file/x.json", "null\0.json"])
def test_a_record_that_cannot_be_written_ends_no_loop(tmp_path, place, caplog):
    """It is said at the end."""
    (tmp_path / "file").write_text("in the way")
    with watch(quiet=True, record=tmp_path / place, budget=0.1) as seen:
        learn(seen)
    if "gone" not in place:
        assert any("no whole record" in one for one in caplog.messages)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a\nb", "n" * 300, "..", "C:\\x", "\0"])
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
