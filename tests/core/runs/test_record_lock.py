"""Who writes a record: the process that has its lock, for as long as it lives."""

import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import UserError
from core.runs import record_lock
from core.runs.record_lock import LOCK, RecordLock, is_written
from core.runs.run_info import read_run_info

ROOT = Path(__file__).parents[3]
NOBODY = 2**22 + 1  # more than any process is numbered
HOLD = """
import sys, pathlib
from core.runs.record_lock import RecordLock
lock = RecordLock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def about(recorded):
    """What a run says that is being trained by this very process."""
    return replace(read_run_info(recorded), state="running").told_now()


def test_it_counts_until_its_process_ends_however_that_is(about, tmp_path):
    """Killed, it is gone at once; that its number was taken again says nothing."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as child:
        assert child.stdout.readline().strip() == b"held"
        elsewhere = replace(about, process=(socket.gethostname(), NOBODY))
        assert is_written(tmp_path, elsewhere), "in a container numbers are other ones"
        with pytest.raises(UserError, match="is being trained at this moment"):
            RecordLock(tmp_path)
        child.kill()
    assert not is_written(tmp_path, about), "the number is that of this process, which lives"
    RecordLock(tmp_path).release()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system there")
def test_a_pipe_is_no_lock(about, tmp_path):
    """In a record that came from elsewhere: nobody waits for who never comes."""
    os.mkfifo(tmp_path / LOCK)
    assert not is_written(tmp_path, replace(about, process=(socket.gethostname(), NOBODY), told=0))


def test_it_is_released_and_forgotten(about, tmp_path):
    """By who ends a run, and where a run was made and never begun."""
    lock = RecordLock(tmp_path)
    assert is_written(tmp_path, about)
    lock.release()
    lock.release()
    assert not is_written(tmp_path, about)
    lock = RecordLock(tmp_path)
    del lock
    assert not is_written(tmp_path, about)


def test_a_look_at_it_takes_it_from_nobody(tmp_path):
    """Who begins a run waits a moment for whoever looks."""
    RecordLock(tmp_path).release()
    looks = os.open(tmp_path / LOCK, os.O_RDONLY)
    assert record_lock._lock(looks, shared=True)
    assert record_lock._is_locked(tmp_path) is False, "two may look"
    threading.Timer(0.02, os.close, [looks]).start()
    RecordLock(tmp_path).release()


def test_where_nothing_can_be_locked_process_and_silence_count(about, tmp_path):
    """A process that is gone, or another machine that is silent, writes no more."""
    here = socket.gethostname()
    assert is_written(tmp_path, about)
    assert not is_written(tmp_path, replace(about, process=(here, NOBODY)))
    long_ago = time.time() - 100
    assert is_written(tmp_path, replace(about, process=("elsewhere", 1)))
    assert not is_written(tmp_path, replace(about, process=("elsewhere", 1), told=long_ago))
    assert not is_written(tmp_path, replace(about, state="finished"))
