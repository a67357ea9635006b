"""A background job: every event in order, one ending, and a stop that needs not wait its turn."""

import threading

import pytest
from PySide6.QtCore import QObject

from core.telemetry.events import Answer, Failed, Finished, Progress, Started, Stopped
from core.training.control import Control
from gui.background_job import BackgroundJob, Stage
from gui.worker import NOT_BEGUN, Worker

STARTED = Started("names", "mlp", "cpu", "US names", 100, (), 3.3)


@pytest.fixture
def worker(qtbot):
    """A worker that works."""
    made = Worker()
    made.start()
    yield made
    made.close()


class Seen(QObject):
    """A job, and all that it reported."""

    def __init__(self, worker):
        super().__init__()
        self.job = BackgroundJob(worker, self)
        self.events, self.endings, self.stages = [], [], []
        self.job.received.connect(self.events.append)
        self.job.ended.connect(self.endings.append)
        self.job.stage_changed.connect(self.stages.append)


@pytest.fixture
def seen(worker):
    """One on that worker."""
    made = Seen(worker)
    yield made
    made.job.abandon()


def test_no_answer_replaces_another(qtbot, seen):
    """They come all, in order, and the ending last."""

    def work(control, report):
        yield STARTED
        for number in range(50):
            yield Answer("letters", number, {})
        yield Finished(50, 1.0)

    seen.job.start(work)
    qtbot.waitUntil(lambda: bool(seen.endings))
    assert [e.step for e in seen.events if isinstance(e, Answer)] == list(range(50))
    assert seen.endings == [Finished(50, 1.0)]
    assert seen.stages == [Stage.WAITING, Stage.TRAINING, Stage.IDLE]


def test_an_ending_that_is_drained_before_the_job_is_over_is_kept(qtbot, seen):
    """A generator may tidy up after its ending."""
    tidied = threading.Event()

    def work(control, report):
        yield Finished(7, 1.0)
        tidied.wait(20)

    seen.job.start(work)
    qtbot.wait(300)
    assert not seen.endings
    tidied.set()
    qtbot.waitUntil(lambda: seen.endings == [Finished(7, 1.0)])


def test_what_fails_has_one_ending_with_its_reason(qtbot, seen, caplog):
    """A bug is a sentence on the screen, and its whole story in the log."""
    seen.job.start(lambda control, report: 1 / 0)
    qtbot.waitUntil(lambda: bool(seen.endings))
    (ending,) = seen.endings
    assert isinstance(ending, Failed) and "division" in ending.sentence
    assert "a job failed" in caplog.text


def test_a_job_that_only_reports_ends_with_nothing(qtbot, seen):
    """Its callbacks report in the same order."""

    def work(control, report):
        report(Progress("reading", 0.5))
        yield Answer("exported", 0, {})

    seen.job.start(work)
    qtbot.waitUntil(lambda: seen.endings == [None])
    assert {type(event) for event in seen.events} == {Progress, Answer}


def test_a_job_that_waits_is_withdrawn_at_once(qtbot, worker, seen):
    """It never begins; the one that is done meanwhile is not disturbed."""
    held, begun = threading.Event(), []
    worker.do(lambda *rest: [held.wait(20)], Control())
    seen.job.start(lambda *rest: begun.append(True) or [])
    seen.job.stop()
    assert seen.endings == [NOT_BEGUN] and seen.job.stage is Stage.IDLE
    held.set()
    qtbot.wait(100)
    assert not begun and not seen.events


def test_a_job_that_is_stopped_ends_by_itself(qtbot, seen):
    """At its next step, with what it knows by then."""

    def work(control, report):
        yield STARTED
        while not control.stopping:
            pass
        yield Stopped(3, 1.0)

    seen.job.start(work)
    qtbot.waitUntil(lambda: seen.job.stage is Stage.TRAINING)
    seen.job.stop()
    assert seen.job.stage is Stage.STOPPING
    qtbot.waitUntil(lambda: seen.endings == [Stopped(3, 1.0)])


def test_another_job_takes_the_place_of_one_that_waits(qtbot, worker, seen):
    """Nothing comes of the first any more."""
    held = threading.Event()
    worker.do(lambda *rest: [held.wait(20)], Control())
    seen.job.start(lambda *rest: [Answer("first", 0, {})])
    seen.job.start(lambda *rest: [Answer("second", 0, {})])
    held.set()
    qtbot.waitUntil(lambda: seen.endings == [None])
    assert [event.topic for event in seen.events] == ["second"]


def test_without_torch_every_job_says_so(qtbot, monkeypatch):
    """Nothing waits for ever."""
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    worker = Worker()
    seen = Seen(worker)
    seen.job.start(lambda *rest: [])
    worker.start()
    qtbot.waitUntil(lambda: bool(seen.endings))
    seen.job.start(lambda *rest: [])
    qtbot.waitUntil(lambda: len(seen.endings) == 2)
    assert all("torch is not installed" in ending.sentence for ending in seen.endings)
    worker.close()
