"""What a watched program calls while it runs."""

import io
import logging
import math
import sys

from core.doctor.watch.watcher import LoopWatcher
from core.doctor.watch_loop import WatchedLoop
from core.programs.instrument import CodePlace
from core.programs.monitor import Training, _guarded


def test_an_epoch_is_no_reason_to_observe(monkeypatch):
    """Steps are observed by their number, also where each epoch enters the loop anew."""
    begun = []
    start = LoopWatcher.start_recording

    def noted(watcher, frame):
        begun.append(watcher.count)
        start(watcher, frame)

    monkeypatch.setattr(LoopWatcher, "start_recording", noted)
    loop = WatchedLoop(record=False, budget=0.0)
    training = Training(CodePlace("a.py", None, 1), loop, math.inf)
    for _ in range(30):
        training.resume(sys._getframe())
        for _ in range(10):
            loop.step(1.0, sys._getframe())
        training.suspend()
    assert begun[:6] == [0, 1, 2, 3, 5, 8] and len(set(begun)) < 30


def test_what_fails_in_it_raises_nothing_where_standard_error_is_closed(monkeypatch):
    """Logging itself fails there."""
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    log = logging.getLogger("glassbox")
    monkeypatch.setattr(log, "handlers", [logging.StreamHandler(stream)])
    monkeypatch.setattr(log, "propagate", False)
    _guarded(int, "a fault of ours")
