"""Programs that do what no training should: each ends, is told, and takes nothing with it."""

import time

import pytest

from core.programs.launch import ProgramRun
from core.programs.program import read_program
from tests.core.programs.test_program import notebook

LOOP = """
import os, signal, sys
import torch
w = torch.zeros(3, requires_grad=True)
for i in range(20):
    loss = ((w - 1) ** 2).sum()
    w.grad = None
    loss.backward()
    w.data -= 0.01 * w.grad
    if i == 9:
        {}
"""
MEDDLES = """
import os, sys, time
import torch
from torch.utils.data import DataLoader, TensorDataset

calls = []
original = torch.Tensor.backward

def replaced(self, *arguments, **named):
    calls.append(1)
    return original(self, *arguments, **named)

torch.Tensor.backward = replaced
x = torch.randn(40, 3)
w = torch.zeros(3, requires_grad=True)
for epoch in range(2):
    for (rows,) in DataLoader(TensorDataset(x), batch_size=10, num_workers=2):
        loss = ((rows @ w - 1) ** 2).mean()
        w.grad = None
        loss.backward()
        w.data -= 0.01 * w.grad
    os.chdir("/")
    if not os.fork():
        time.sleep(0.5)
        sys.exit(5)
print(len(calls))
os.wait(), os.wait()
"""
DEAF = """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *_: print("no", flush=True))
print("begun", flush=True)
while True:
    pass
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script to its end; return what was seen, and what it wrote."""
    monkeypatch.setenv("GLASSBOX_RUNS", str(tmp_path / "runs"))

    def to_end(code):
        path = tmp_path / "hostile.py"
        path.write_text(code)
        out = tmp_path / "out"
        with out.open("w") as output, ProgramRun(path, budget=0.3, output=output) as program:
            program.wait()
            return program.answer(), out.read_text()

    return to_end


@pytest.mark.parametrize(
    ("line", "status", "error"),
    [
        ("sys.exit(3)", 3, None),
        ("os._exit(4)", 4, None),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9, "ended by SIGKILL"),
    ],
)
def test_a_loop_that_ends_its_program(run, line, status, error):
    """Its status is the program's own; where it can be, the loop is examined before."""
    answer, written = run(LOOP.format(line))
    assert (answer["exit_status"], answer["error"]) == (status, error), written
    for loop in answer["loops"]:
        assert (loop["steps"] == 10) == bool(loop["diagnosis"]) == (status == 3)


def test_a_loop_that_meddles(run):
    """It forks, has workers, another backward (which nobody else calls), and changes the folder."""
    answer, written = run(MEDDLES)
    assert (answer["exit_status"], answer["error"], written) == (0, None, "8\n")
    (loop,) = answer["loops"]
    assert loop["steps"] == 8 and _passed(loop, "gradients_not_zeroed")


def test_errors_before_any_loop(run):
    """A missing package and a missing file are the program's own errors, with their line."""
    for code, said in (
        ("\nimport nowhere_at_all", "nowhere_at_all"),
        ("\nopen('no.csv')", "no.csv"),
    ):
        answer, _ = run(code)
        assert said in answer["error"] and answer["failed"][0]["line"] == 2
        assert answer["exit_status"] == 1 and answer["loops"] == []


def test_a_program_that_hears_no_signal_is_stopped(tmp_path, monkeypatch):
    """It leaves no process behind."""
    monkeypatch.setattr("core.programs.launch.PATIENCE", 0.2)
    path = tmp_path / "deaf.py"
    path.write_text(DEAF)
    with (tmp_path / "out").open("w") as output, ProgramRun(path, output=output) as program:
        while "begun" not in (tmp_path / "out").read_text():
            assert program.runs
            time.sleep(0.02)
        program.stop()
        assert program.answer()["exit_status"] == -9
    assert (tmp_path / "out").read_text() == "begun\nno\n"


def test_ten_thousand_cells_are_run(tmp_path):
    """In the order of the file."""
    path = notebook(tmp_path, *(f"x{n} = {n}\nx{n}" for n in range(10_000)))
    with (tmp_path / "out").open("w") as output, ProgramRun(path, output=output) as program:
        program.wait()
        assert program.answer()["error"] is None
    assert (tmp_path / "out").read_text().split() == [str(n) for n in range(10_000)]


def test_what_outputs_of_a_notebook_say_is_not_read(tmp_path):
    """Only code is."""
    path = notebook(tmp_path, "1 + 1")
    hostile = '"outputs": [{"data": {"text/html": "<script>evil()</script>"}}]'
    path.write_text(path.read_text().replace('"outputs": []', hostile))
    assert "evil" in path.read_text()
    assert [cell.source for cell in read_program(path).cells] == ["1 + 1"]


def _passed(loop, cause):
    return any(c["id"] == cause and c["passed"] for c in loop["diagnosis"]["checks"])
