"""Unexpected errors of a whole program: told once, kept in the log, and a crash is known later."""

import faulthandler
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import paths
from gui import app
from gui.options import parse

ROOT = Path(__file__).parents[2]
BEGIN = """
import faulthandler, sys, threading
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtWidgets import QApplication, QPushButton
from gui import pages
pages.page_names = lambda: ["digits", "runs"]  # those that it is about: a start takes half the time
from gui import app
from gui.options import parse
from gui.session_state import State

def until(condition, then):
    QTimer.singleShot(20, lambda: then() if condition() else until(condition, then))

built = app._build
def build(options):
    made = built(options)
    QTimer.singleShot(0, lambda: begin(made[1]))
    return made
app._build = build

def said(window):
    return window.notices.words.text()

def click(window, name):
    window.findChild(QPushButton, name).click()
"""
ERRORS = """
def fail():
    raise ZeroDivisionError("in a slot")

def fail_in_thread():
    raise LookupError("in a thread")

def begin(window):
    session = window.pages["digits"].session
    window.show_page("digits")
    until(lambda: session.state is State.READY, lambda: train(window, session))

def train(window, session):
    window.pages["digits"].run_bar.transport.train.click()
    for _ in range(3):
        QTimer.singleShot(0, fail)
    qWarning("a warning of Qt")
    until(lambda: "in a slot" in said(window), lambda: more(window, session))

def more(window, session):
    print("1:", said(window))
    threading.Thread(target=fail_in_thread).start()
    until(lambda: "in a thread" in said(window), lambda: last(window, session))

def last(window, session):
    print("2:", said(window))
    click(window, "copyReport")
    print("copied:", QApplication.clipboard().text())
    step = len(session.history.loss.x)
    until(lambda: len(session.history.loss.x) > step + 1, lambda: crash(session))

def crash(session):
    print("trains on", session.state.name, flush=True)
    faulthandler._sigsegv()
"""
AGAIN = """
def begin(window):
    print("notice:", said(window))
    click(window, "showRuns")
    print("page:", window.page_name, flush=True)
    window.close()
"""
DISPLAY_LOST = """
def begin(window):
    session = window.pages["digits"].session
    window.show_page("digits")
    until(lambda: session.state is State.READY, lambda: train(window, session))

def train(window, session):
    window.pages["digits"].run_bar.transport.train.click()
    until(lambda: len(session.history.loss.x), lambda: QApplication.exit(1))  # as Qt does then
"""
SIGNALLED = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have it ignore
def begin(window):
    window.closing.connect(lambda: print("closed", flush=True))
    until(lambda: window.worker.isRunning(), lambda: os.kill(os.getpid(), {number}))
"""
KILLED = """
import os, signal
def begin(window):
    os.kill(os.getpid(), signal.SIGKILL)
"""
QUIET = """
def begin(window):
    print("notice:", repr(said(window)), flush=True)
    window.close()
"""
END = """
sys.exit(app.run(parse(["--device", "cpu", *sys.argv[1:]])))
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that runs the program with what it is to do; its files are the test's."""
    places = {
        "GLASSBOX_SETTINGS": str(tmp_path / "settings.json"),
        "GLASSBOX_RUNS": str(tmp_path / "runs"),
        "QT_QPA_PLATFORM": "offscreen",
    }
    return lambda script, *words: subprocess.run(
        [sys.executable, "-c", BEGIN + script + END, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **places},
        check=False,
        timeout=240,
    )


def test_errors_are_told_once_and_a_crash_is_known_at_the_next_start(start, tmp_path):
    """The training goes on; the report has all; the interrupted run is offered after a crash."""
    done = start(ERRORS)
    out, log = done.stdout, (tmp_path / "glassbox.log").read_text()
    assert "1: Something unexpected went wrong" in out and "in a slot); what runs goes on." in out
    assert "2: Something unexpected went wrong" in out and "in a thread), and 1 more before" in out
    assert "4 unexpected errors, 2 of them distinct" in out and "torch 2" in out
    assert out.count("ZeroDivisionError: in a slot\n") == log.count("ZeroDivisionError") == 1
    assert "LookupError: in a thread" in log and "Qt: a warning of Qt" in log
    assert "trains on TRAINING" in out and done.returncode < 0, done.stderr
    again = start(AGAIN)
    assert "ended unexpectedly" in again.stdout and "resume" in again.stdout, again.stderr
    assert "digits-" in again.stdout and "page: runs" in again.stdout
    log = (tmp_path / "glassbox.log").read_text()
    assert "ended unexpectedly" in log and "Segmentation fault" in log
    assert again.returncode == 0
    assert start(QUIET).stdout == "notice: ''\n"
    assert not list(tmp_path.glob("glassbox.[!l]*")) and not (tmp_path / "glassbox.lock").exists()


def test_a_display_that_is_lost_is_known_at_the_next_start(start, tmp_path):
    """Qt ends the program by itself then: the run is offered, and what was set is kept."""
    done = start(DISPLAY_LOST)
    assert done.returncode == 1 and not done.stderr.strip(), done.stderr
    assert json.loads((tmp_path / "settings.json").read_text())["page"] == "digits"
    (record,) = (tmp_path / "runs").glob("digits-*/run.json")
    values = json.loads(record.read_text())  # as one that was resumed, and began the day before
    record.write_text(json.dumps(values | {"begun": values["begun"] - 24 * 3600}))
    again = start(AGAIN)
    assert "ended unexpectedly" in again.stdout and "resume" in again.stdout, again.stderr
    assert "digits-" in again.stdout and "page: runs" in again.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_closes_the_window(start, tmp_path, number):
    """As a person does: nothing is told of it at the next start."""
    done = start(SIGNALLED.format(number=int(number)))
    assert done.returncode == 0 and "closed" in done.stdout, done.stderr
    assert not (tmp_path / "glassbox.lock").exists()
    assert start(QUIET).stdout == "notice: ''\n"


def test_a_fresh_start_knows_nothing_of_a_crash(start, tmp_path):
    """It neither tells of it nor forgets it for the next start."""
    assert start(KILLED).returncode < 0
    assert start(QUIET, "--fresh").stdout == "notice: ''\n"
    assert "ended unexpectedly" in start(QUIET).stdout


def test_a_place_where_no_log_can_be_written_is_a_sentence(start, tmp_path):
    """The program starts all the same."""
    (tmp_path / "glassbox.log").mkdir()
    done = start(QUIET)
    assert "glassbox.log can't be written" in done.stdout and done.returncode == 0, done.stderr


@pytest.mark.parametrize("blocked", [False, True])
def test_an_error_of_the_start_is_in_the_log_and_a_sentence(
    blocked, qapp, tmp_path, monkeypatch, capsys
):
    """Where the last run's end can't be looked up, too."""
    log = tmp_path / "glassbox.log"
    if blocked:
        log.with_suffix(".fault").mkdir()
    monkeypatch.setattr(paths, "LOG", log)
    monkeypatch.setattr(faulthandler, "enable", lambda file: None)  # it is pytest's here
    monkeypatch.setattr(faulthandler, "disable", lambda: None)

    def build(options):
        raise ZeroDivisionError("before the window")

    monkeypatch.setattr(app, "_build", build)
    assert app.run(parse([])) == 1
    *_, sentence = capsys.readouterr().err.splitlines()
    assert "could not be opened (ZeroDivisionError('before the window'))" in sentence
    assert str(log) in sentence and ("can't be used" in sentence) == blocked
    assert log.read_text().count("ZeroDivisionError: before the window") == 1
