"""``%%watch`` on cells in a real kernel: what is shown, how a cell ends, and its weights."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.core.test_cli import ROOT

SETUP = """import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
X = torch.randn(400, 6)
Y = (X[:, 0] > 0).long()

def made():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 2))
    return net, torch.optim.SGD(net.parameters(), lr=0.2)

class Trainer:
    @staticmethod
    def fit(net, opt, steps):
        for step in range(steps):
            ix = torch.randint(400, (64,))
            probs = torch.softmax(net(X[ix]), dim=1)
            loss = F.cross_entropy(probs, Y[ix])
            opt.zero_grad()
            loss.backward()
            opt.step()

def state(net):
    return [p.double().sum().item() for p in net.parameters()]

net, opt = made()
Trainer.fit(net, opt, 60)
expected = state(net)
"""
LOOP = """%%watch --budget 0.1 --no-record

net, opt = made()
for step in range(60):
    ix = torch.randint(400, (64,))
    loss = F.cross_entropy(net(X[ix]), Y[ix])
    opt.zero_grad()
    loss.backward()
    opt.step()
step"""
CELLS = (
    "%load_ext glassbox",
    SETUP,
    "%%watch --budget 0.1 --no-record\nnet, opt = made()\nTrainer.fit(net, opt, 60)\n"
    "print(state(net) == expected)",
    LOOP,
    "%%watch\nwith torch.no_grad():\n    scores = net(X[:9])\n6 * 7;",
    "%%watch --budget 0.1 --no-record --seconds 0.3\nfrom time import sleep\n"
    "while True:\n    %time sleep(0.01)\n    net(X).sum().backward()\n    opt.step()",
    "Trainer.fit(net, opt, 3)\nw = torch.ones(1, requires_grad=True)",
    "%%watch --budget 0.1 --no-record\nfor i in range(3):\n    (w * 2).sum().backward()\n"
    "    w.data -= w.grad\n    if i:\n        undefined",
    "%%watch\nprint('nothing')",
    "%%watch --seconds never\n1",
    "%%watch\nfor (",
)
NOTEBOOK = """
import sys, json, nbformat, nbclient
cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
book = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(book, timeout=None, kernel_name="python3", allow_errors=True).execute()
print(nbformat.writes(book))
"""


@pytest.fixture(scope="module")
def shown():
    """What each cell has shown, in a kernel."""
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        input=json.dumps(CELLS),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return [cell["outputs"] for cell in json.loads(done.stdout)["cells"]]


def words_of(outputs, kind="display_data"):
    """The text of what was displayed."""
    return ["".join(o["data"]["text/plain"]) for o in outputs if o["output_type"] == kind]


def test_a_loop_in_a_function_of_an_earlier_cell_is_watched(shown):
    """With its lines; and the weights are those of the cell without the magic, bit for bit."""
    (words,) = words_of(shown[2])
    assert words.startswith("Cell 2, line 17: ") and "Softmax applied twice" in words
    assert "cell 2, line 19" in words
    assert "True\n" in ["".join(o.get("text", "")) for o in shown[2]]
    (page,) = ("".join(o["data"]["text/html"]) for o in shown[2] if "data" in o)
    assert "<svg" in page and "probs = torch.softmax" in page


def test_a_cell_is_watched_and_its_use_in_a_later_one_compared(shown):
    """A cell's value is shown, unless it ends with a semicolon; batch norm is in training mode."""
    assert words_of(shown[3], "execute_result") == ["59"]
    (words,) = words_of(shown[3])
    assert words.startswith("Cell 4, line 4: ") and "mismatch" not in words
    (words,) = words_of(shown[4])
    assert words.startswith("Cell 4, line 4: ") and words_of(shown[4], "execute_result") == []
    assert "Training/inference mismatch" in words and "cell 5, line 2" in words


def test_a_cell_has_its_time_and_goes_on(shown):
    """And its own magics are executed."""
    (words,) = words_of(shown[5])
    assert words.startswith("Cell 6, line 3: ") and "wall time" in json.dumps(shown[5]).lower()


def test_an_error_is_the_cells_own(shown):
    """It comes behind the diagnosis, with its line; what is not watched shows nothing."""
    assert shown[6] == []
    assert [o["output_type"] for o in shown[7]] == ["display_data", "error"]
    assert words_of(shown[7])[0].startswith("Cell 8, line 2: ")
    assert shown[7][-1]["ename"] == "NameError"
    trace = re.sub("\\x1b.*?m", "", "".join(shown[7][-1]["traceback"]))
    assert "Cell In[8], line 6" in trace and "cell_magic.py" not in trace


def test_what_is_wrong_is_said(shown):
    """No loop, a wrong option, a syntax error."""
    assert words_of(shown[8])[0].startswith("No loop was seen that trains")
    said = json.dumps(shown[9])
    assert "UsageError" in said and "never is not a number" in said and "--budget S" in said
    assert shown[10][-1]["ename"] == "SyntaxError"
