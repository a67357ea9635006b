"""Programs run unedited in a process of their own: the same output, weights, status and errors."""

import ast
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import weakref
from pathlib import Path

import pytest

from core.cli import main
from core.commands.watch import WATCH
from core.doctor.diagnosis import CUT_SHORT
from core.errors import UserError
from core.programs.launch import ProgramRun
from core.programs.run_program import _importing
from core.runs.loop_record import read_record
from tests.core.programs.test_program import notebook

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
import torch
import torch.nn.functional as F
from helper import evaluate

steps = int(sys.argv[1])
g = torch.Generator().manual_seed(3)
X = torch.randn((400, 12), generator=g)
Y = (X[:, :3].sum(1) > 0).long()
x_val = torch.randn((99, 12), generator=g)
y_val = (x_val[:, :3].sum(1) > 0).long()
W1 = (torch.randn((12, 20), generator=g) * 0.3).requires_grad_()
W2 = (torch.randn((20, 2), generator=g) * 0.1).requires_grad_()
for i in range(steps):
    ix = torch.randint(0, 400, (32,), generator=g)
    h = X[ix] @ W1
    h = torch.tanh((h - h.mean(0)) / h.std(0))
    loss = F.cross_entropy(h @ W2, Y[ix])
    W1.grad = W2.grad = None
    loss.backward()
    with torch.no_grad():
        for p in (W1, W2):
            p -= 0.1 * p.grad
    if i % 50 == 0:
        print(i, evaluate(x_val, y_val, W1, W2))
scores = torch.tanh(x_val @ W1) @ W2
print(scores.sum().item(), sum(p.double().sum().item() for p in (W1, W2)))
sys.exit(7)
"""
HELPER = """
import torch
import torch.nn.functional as F

@torch.no_grad()
def evaluate(x, y, w1, w2):
    h = x @ w1
    return F.cross_entropy(torch.tanh((h - h.mean(0)) / h.std(0)) @ w2, y).item()
"""
TRAINING = """
import torch
from torch import nn

model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1)


def train(steps, compute):
    for _ in range(steps):
        loss = compute(torch.randn(8, 4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
ODD = f"""
import importlib
import sys
import package.inner
from torch.nn.functional import mse_loss
from package.inner import *
{TRAINING}

@torch.compile(fullgraph=True, backend="eager")
def compute(x):
    loss = nn.functional.cross_entropy(model(x), x[:, :2].argmax(1))
    return loss

train(20, compute)
importlib.reload(package.inner).train(7, compute)
assert {" + ".join(["1"] * 700)} == 700 and {"'a'" + ".strip()" * 400} == "a"
nothing = torch.zeros(2, device="meta")
unseen_loss = mse_loss(nothing, nothing)
sys.excepthook = lambda *error: 1 / 0
raise KeyError("first line\\nsecond line")
"""
FOREVER = """
import multiprocessing, signal, time
import torch

multiprocessing.Process(target=time.sleep, args=(600,)).start()
signal.signal(signal.SIGINT, signal.SIG_IGN)
w = torch.zeros(3, requires_grad=True)
while True:
    loss = ((w - 1) ** 2).sum()
    loss.backward()
    w.data -= 0.01 * w.grad
    w.grad = None
"""


DERIVATIVES = """
import torch
from torch.func import grad, grad_and_value, vmap
torch.manual_seed(0)
x, y = torch.randn(64, 3), torch.randn(64)
w, b = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
for step in range(40):
    loss = ((x @ w + b - y) ** 2).mean()
    if step == 0:
        print(loss.item())
    g, h = torch.autograd.grad(loss, (w, b))
    with torch.no_grad():
        w -= 0.1 * g
        b -= 0.1 * h
x[:5] @ w + b

def error(v, x, y):
    return ((x @ v - y) ** 2).mean()

def with_scores(v, x, y):
    return error(v, x, y), x @ v

v = u = torch.ones(3)
print(error(v, x, y).item())
for step in range(30):
    v = v - 0.1 * grad(error)(v, x, y)
print(error(u, x, y).item())
both = grad_and_value(with_scores, has_aux=True)
for step in range(30):
    gradient, (loss, scores) = both(u, x, y)
    u = u - 0.1 * gradient
aside = grad(with_scores, has_aux=True)
for step in range(1):
    gradient, scores = aside(u, x, y)
    u -= 0.1 * gradient
each = vmap(grad(error), in_dims=(None, 0, 0))(u, x, y)
for t in (w, b, u, v, scores, each):
    print(t.double().sum().item())
"""
ENSEMBLE = """
import copy
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

torch.manual_seed(0)
nets = [nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)) for _ in range(4)]
params, buffers = stack_module_state(nets)
base = copy.deepcopy(nets[0]).to("meta")
x = torch.randn(300, 3)

def squared_loss(params, buffers, x, y):
    return nn.functional.mse_loss(functional_call(base, (params, buffers), (x,)), y)

gradients = vmap(grad(squared_loss), in_dims=(0, 0, None, None))
for step in range(200):
    rows = torch.randint(0, 300, (32,))
    found = gradients(params, buffers, x[rows], x[rows, :1].sin())
    with torch.no_grad():
        for name in params:
            params[name] -= 0.1 * found[name]
"""
CLOSURE = """
import torch
torch.manual_seed(0)
x = torch.randn(80, 3)
y = (x.sum(1) > 0).float()
w = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.LBFGS([w], max_iter=8)

def closure():
    optimizer.zero_grad()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y) + 0.01 * (w ** 2).sum()
    loss.backward()
    return loss

for i in range(25):
    loss = optimizer.step(closure)
    if i == 0:
        print(loss.item())
"""
FUNCTIONAL = """
import torch
torch.manual_seed(0)
x = torch.randn(300, 3)

def squares(w, x):
    return ((x @ w - x.sum(1)) ** 2).mean() + 0.5

def update(w, g):
    return w - 0.1 * g

w = torch.zeros(3)
for step in range(60):
    g = torch.func.grad(squares)(w, x[torch.randint(0, 300, (32,))])
    w = update(w, g)
"""
ADVERSARIAL = """
import torch
from torch import nn
from torch.nn import functional as F

generator, critic = nn.Linear(8, 2), nn.Linear(2, 1)
first = torch.optim.Adam(generator.parameters(), 1e-3)
second = torch.optim.Adam(critic.parameters(), 1e-3)
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for step in range(100):
    fake = generator(torch.randn(64, 8))
    judged = F.binary_cross_entropy_with_logits(critic(torch.randn(64, 2)), ones)
    judged = judged + F.binary_cross_entropy_with_logits(critic(fake), zeros)
    second.zero_grad()
    judged.backward()
    second.step()
    fooled = F.binary_cross_entropy_with_logits(critic(fake), ones)
    first.zero_grad()
    fooled.backward()
    first.step()
"""
DIVERGES = """
import torch

weight = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=1e9)
for step in range(40):
    loss = ((weight - 3) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
BOLTZMANN = """
import torch
w, lr = 0.01 * torch.randn(6, 4), 0.1
data = torch.bernoulli(torch.full((50, 6), 0.3))
for epoch in range(3):
    h = torch.bernoulli(torch.sigmoid(data @ w))
    v = torch.sigmoid(h @ w.T)
    w += lr * (data.T @ h - v.T @ torch.sigmoid(v @ w)) / 50
"""
POLICY = """
import torch
from torch import nn

policy = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(policy.parameters())
for step in range(6):
    chosen = torch.distributions.Categorical(logits=policy(torch.randn(4)))
    optimizer.zero_grad()
    (-chosen.log_prob(chosen.sample())).backward()
    optimizer.step()
"""

WARNED = """
import torch
import torch.nn.functional as F

net = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), 0.01)
for step in range(30):
    out = net(torch.randn(16, 4))
    loss = F.mse_loss(out, torch.zeros(16))
    optimizer.zero_grad()
    loss.backward()
    out.grad
    optimizer.step()
F.mse_loss(out, torch.zeros(16))
torch.nn.CrossEntropyLoss()(out, torch.zeros(3))
"""

LONG_EXAMINED = """
import torch

torch.manual_seed(1)
x = torch.randn(4096, 64)
y = (x[:, :8] ** 2).sum(1, keepdim=True)
net = torch.nn.Sequential(torch.nn.Linear(64, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1))
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for step in range(200):
    rows = torch.randint(4096, (256,))
    loss = torch.nn.functional.mse_loss(net(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

ONE_OF_TWO = """
with torch.no_grad():
    F.mse_loss(NET(x_val), y_val)
optimizer = torch.optim.SGD(NET.parameters(), 0.01)
for step in range(30):
    loss = F.mse_loss(NET(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
TWO = f"""
import torch
import torch.nn.functional as F

x, y, x_val, y_val = torch.randn(200, 4), torch.randn(200, 1), torch.randn(50, 4), torch.ones(50, 1)
one, two = torch.nn.Linear(4, 1), torch.nn.Linear(4, 1)
{ONE_OF_TWO.replace("NET", "one")}
{ONE_OF_TWO.replace("NET", "two")}
with torch.no_grad():
    print(F.mse_loss(one(x_val), y_val).item())
with torch.no_grad():
    print(F.mse_loss(two(x_val), y_val).item())
"""


@pytest.fixture
def program(tmp_path):
    """A faulty script with a module beside it, in a folder of its own."""
    folder = tmp_path / "site-packages"  # its lines are its own, wherever it lies
    folder.mkdir()
    (folder / "helper.py").write_text(HELPER)
    path = folder / "train.py"
    path.write_text(SCRIPT)
    return path


def watched(path, *arguments, output=subprocess.DEVNULL, **options):
    """What is seen of a program that runs to its end."""
    with ProgramRun(path, arguments, output=output, **{"record": False, **options}) as run:
        run.wait()
        return run.answer()


EXHAUSTED = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(400, 4)
y = (x[:, 0] > 0).long()
net = nn.Linear(4, 2)
opt = torch.optim.SGD(net.parameters(), lr=0.01)
batches = zip(x.split(20), y.split(20))
for epoch in range(5):
    for xb, yb in {over}:
        opt.zero_grad()
        nn.functional.cross_entropy(net(xb), yb).backward()
        opt.step()
"""


def test_data_that_is_exhausted_after_the_first_epoch(tmp_path):
    """The epochs behind it do nothing, and nobody says so but the loss, which stays."""
    path, anew = tmp_path / "train.py", "zip(x.split(20), y.split(20))"
    path.write_text(EXHAUSTED.format(over="batches") + EXHAUSTED.format(over=anew))
    loops = watched(path, budget=0.0)["loops"]
    assert [loop["steps"] for loop in loops] == [20, 100]
    causes = [
        {c["id"]: c["lines"][0]["text"] for c in loop["diagnosis"]["causes"] if c["lines"]}
        for loop in loops
    ]
    assert causes[0]["data_exhausted"].startswith("batches = zip(")
    assert "data_exhausted" not in causes[1]


PHASES = """
for phase in ("train", "valid", "test"):
    for xb, yb in zip(x.split(20), y.split(20)):
        loss = nn.functional.cross_entropy(net(xb), yb)
        if phase == "train":
            opt.zero_grad()
            loss.backward()
            opt.step()
"""
MAX_STEPS = """
step = 0
for epoch in range(5):
    for xb, yb in zip(x.split(20), y.split(20)):
        if step == 10:
            break
        opt.zero_grad()
        nn.functional.cross_entropy(net(xb), yb).backward()
        opt.step()
        step += 1
"""
GOALS = """
for goal in (0.68, 5.0, 6.0, 7.0):
    mean = 9.0
    while mean > goal and goal < 1.0:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        mean = loss.item()
"""


def test_a_loop_may_well_do_no_steps(tmp_path):
    """What it goes over is there all the same."""
    path, head = tmp_path / "train.py", EXHAUSTED[: EXHAUSTED.index("batches =")]
    path.write_text("".join(head + loop for loop in (PHASES, MAX_STEPS, GOALS)))
    phases, enough, goals = (
        [cause["id"] for cause in loop["diagnosis"]["causes"]]
        for loop in watched(path, budget=0.0)["loops"]
    )
    assert "data_exhausted" not in phases
    assert "data_exhausted" not in enough
    assert "data_exhausted" not in goals


def test_an_exception_of_the_programs_own_may_end_a_loop(tmp_path):
    """As a callback does that has seen enough: it is caught, and no error."""
    path = tmp_path / "train.py"
    stop = "class Stop(Exception): pass\n"
    body = EXHAUSTED.format(over="zip(x.split(20), y.split(20))")
    body = body.replace(
        "        opt.step()\n", "        opt.step()\n        if epoch: raise Stop\n"
    )
    loop = body[body.index("for epoch") :]
    caught = f"try:\n{textwrap.indent(loop, '    ')}except Stop:\n    pass\n"
    path.write_text(stop + body[: body.index("for epoch")] + caught)
    (seen,) = watched(path, budget=0.0)["loops"]
    assert seen["steps"] == 21 and "error" not in seen["diagnosis"]["sentence"]


def test_a_script_is_watched_as_it_is(program, tmp_path, monkeypatch):
    """Same output and status; steps, validations and use are known, and the cause has its line."""
    command = [sys.executable, program.name, "301"]
    bare = subprocess.run(command, capture_output=True, text=True, cwd=program.parent, check=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLASSBOX_RUNS", "runs")
    with (tmp_path / "out.txt").open("w") as output:
        seen = watched(program, "301", output=output, record=True, budget=1.0)
    assert (tmp_path / "out.txt").read_text() == bare.stdout
    assert seen["exit_status"] == bare.returncode == 7 and seen["error"] is None
    (loop,) = seen["loops"]
    assert loop["where"] == {"file": str(program), "cell": None, "line": 15}
    assert (loop["steps"], loop["validations"]) == (301, 7)
    assert loop["uses"] > 1  # some of those between its steps, and the one behind them
    assert read_record(Path(loop["record"])).count == 301
    assert Path(loop["record"]).parent == tmp_path / "runs", "not beside the program"
    cause = loop["diagnosis"]["causes"][0]
    assert cause["id"] == "train_eval_mismatch"
    assert cause["lines"][0]["line"] == 27 and "x_val @ W1" in cause["lines"][0]["text"]


def test_what_is_imported_is_old_at_once_and_garbage_all_the_same():
    """Python looks through all there is when much that is young has grown old: not for modules."""
    frozen = gc.get_freeze_count()
    gc.unfreeze()  # as it is where no window was open
    with _importing():
        made, cycle = [[]], ast.Name()
        cycle.id, known = cycle, weakref.ref(cycle)
    assert any(one is made for one in gc.get_objects(generation=2))
    assert gc.isenabled() and not gc.get_freeze_count()
    del cycle
    gc.collect()
    assert known() is None
    if frozen:  # a window of another test looks no more at what was imported
        gc.freeze()


def test_what_torch_warns_of_and_an_error_are_told_as_without_us(tmp_path):
    """Of the program's lines, once each, though steps are recorded and repeated."""
    path = tmp_path / "warned.py"
    path.write_text(WARNED)
    command = [sys.executable, str(path)]
    bare = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert bare.stderr.count("Warning") == 3 and "line 15, in <module>" in bare.stderr
    with (tmp_path / "out.txt").open("w") as output:
        watched(path, output=output, budget=2.0)
    assert (tmp_path / "out.txt").read_text() == bare.stderr


def test_a_loss_behind_a_training_is_of_the_network_that_it_is_of(tmp_path, monkeypatch):
    """Not of the training before it, as where the next one's network is judged before it."""
    path = tmp_path / "two.py"
    path.write_text(TWO)
    monkeypatch.setenv("GLASSBOX_RUNS", str(tmp_path))
    with (tmp_path / "out.txt").open("w") as output:
        seen = watched(path, output=output, record=True, budget=0.0)
    losses = [float(line) for line in (tmp_path / "out.txt").read_text().split()]
    kept = [read_record(Path(loop["record"])).validations for loop in seen["loops"]]
    assert [[tuple(one) for one in each] for each in kept] == [[(30, loss)] for loss in losses]


def test_an_ensemble_of_vmap_is_watched_by_the_mean_of_its_losses(tmp_path, capfd):
    """The network that is called with stacked weights has none of its own."""
    path = tmp_path / "ensemble.py"
    path.write_text(ENSEMBLE)
    (loop,) = watched(path, output=None, budget=0.5)["loops"]
    assert loop["steps"] == 200 and 0 < loop["last_loss"] < loop["first_loss"] / 4
    assert loop["diagnosis"]["causes"] == [] and "Traceback" not in capfd.readouterr().err


def test_the_loss_of_a_step_of_lbfgs_is_the_one_that_it_begins_with(tmp_path, capfd):
    """The last one that its closure was asked for is that behind the step, or was only tried."""
    path = tmp_path / "closure.py"
    path.write_text(CLOSURE)
    (loop,) = watched(path, output=None, budget=0.5)["loops"]
    assert loop["steps"] == 25 and loop["diagnosis"]["causes"] == []
    assert loop["first_loss"] == pytest.approx(float(capfd.readouterr().out), rel=1e-6)
    assert loop["last_loss"] < 0.6 * loop["first_loss"]
    assert loop["diagnosis"]["verdict"] in ("fine", "unknown")


def test_of_a_function_that_is_differentiated_the_losses_are_judged_and_that_is_said(tmp_path):
    """New weights in each step: no layer, gradient or update is seen."""
    path = tmp_path / "functional.py"
    path.write_text(FUNCTIONAL)
    (loop,) = watched(path, budget=0.5)["loops"]
    assert loop["steps"] == 60 and loop["last_loss"] < loop["first_loss"]
    found = loop["diagnosis"]
    assert found["causes"] == [] and "judged are its losses alone" in found["sentence"]


def test_a_step_that_fails_is_observed_as_far_as_it_came(tmp_path):
    """Of a first one, too: that one network's loss goes through the other says what is wrong."""
    path = tmp_path / "gan.py"
    path.write_text(ADVERSARIAL)
    (loop,) = watched(path, budget=0.0)["loops"]
    (cause,) = loop["diagnosis"]["causes"]
    assert loop["steps"] == 0 and loop["diagnosis"]["training_kind"] == "adversarial"
    assert cause["id"] == "crash" and "fake.detach()" in cause["evidence"]


def test_a_loss_that_becomes_nan_is_said_above_its_diagnosis(tmp_path, capsys):
    """As are the first step, and at the end the mean of the steps that were finite."""
    path = tmp_path / "diverges.py"
    path.write_text(DIVERGES)
    assert main(["watch", str(path), "--no-record", "--budget", "0.1"]) == 0
    (head,) = [line for line in capsys.readouterr().out.splitlines() if "40 steps in" in line]
    assert head.endswith(", loss 9 (first step) to NaN or infinity.")


def test_what_learns_without_gradients_is_named(tmp_path):
    """Instead of saying only that nothing was seen."""
    path = tmp_path / "boltzmann.py"
    path.write_text(BOLTZMANN)
    seen = watched(path)
    assert seen["loops"] == [] and seen["by_hand"] == [{"name": "w", "cell": None, "line": 8}]
    said = WATCH.show({**seen, "saved": None})
    assert "What learns here is w, changed by hand (line 8)" in said
    path.write_text("count = 0\nfor i in range(3):\n    count += i\n")
    assert watched(path)["by_hand"] == []


def test_a_training_without_a_backward_pass_is_watched(tmp_path):
    """Derivatives that are values, of numbers and of functions: same weights, steps and losses."""
    path = tmp_path / "derivatives.py"
    path.write_text(DERIVATIVES)
    command = [sys.executable, path.name]
    bare = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    with (tmp_path / "out.txt").open("w") as output:
        seen = watched(path, output=output, budget=0.0)
    assert (tmp_path / "out.txt").read_text() == bare.stdout
    loops = seen["loops"]
    assert [loop["steps"] for loop in loops] == [40, 30, 30, 1]
    assert [loop["uses"] for loop in loops] == [1, 0, 0, 0]
    printed = list(map(float, bare.stdout.split()))
    assert [loop["first_loss"] for loop in loops[:3]] == pytest.approx(printed[:3], rel=1e-6)


def test_a_policy_that_acts_on_one_observation_is_shown(tmp_path):
    """A layer without a batch has units, and is no reason to fail."""
    path = tmp_path / "policy.py"
    path.write_text(POLICY)
    seen = watched(path, budget=0.0)
    assert seen["exit_status"] == 0 and [loop["steps"] for loop in seen["loops"]] == [6]


def test_a_training_is_given_its_time_and_the_rest_runs(program):
    """Behind ``--seconds`` the program goes on, to where it uses what it has trained."""
    seen = watched(program, "100000000", seconds=0.5, budget=0.0)
    (loop,) = seen["loops"]
    assert seen["exit_status"] == 7 and 0 < loop["steps"] < 100000000 and loop["uses"]


def test_a_notebook_goes_on_behind_a_cell_that_fails(tmp_path):
    """Cell and line are named; what is no Python is said; a loop in a later cell is watched."""
    path = notebook(
        tmp_path,
        "import torch\n!pip install x\nw = torch.ones(3, requires_grad=True)",
        "x = 1\nundefined",
        "opt = torch.optim.SGD([w], lr=0.1)\nfor i in range(40):\n    loss = (w ** 2).sum()\n"
        "    loss.backward()\n    opt.step()\n    opt.zero_grad()\nloss.item() < 1",
        "input()",
    )
    with (tmp_path / "out.txt").open("w") as output:
        seen = watched(path, output=output, budget=0.0)
    written = (tmp_path / "out.txt").read_text()
    assert "\nTrue\n" in written and "line 2, in <module>\n    undefined\n" in written
    assert seen["exit_status"] == 1 and seen["error"].startswith("NameError")
    failed = [(one["cell"], one["line"]) for one in seen["failed"]]
    assert failed == [(3, 2), (5, 1)] and "nobody to answer" in seen["failed"][1]["error"]
    assert [line["text"] for line in seen["skipped"]] == ["!pip install x"]
    (loop,) = seen["loops"]
    assert loop["where"]["cell"] == 4 and loop["steps"] == 40


def test_what_python_runs_is_run(tmp_path):
    """Compiled functions, deep nesting, packages, reloads, losses that are no numbers, a hook."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text(
        f"{TRAINING}\ntrain(5, lambda x: nn.functional.cross_entropy(model(x), x[:, :2].argmax(1)))"
    )
    (package / "inner.py").write_text(f"from . import optimizer as first{TRAINING}")
    path = tmp_path / "odd.py"
    path.write_text(ODD)
    with (tmp_path / "out.txt").open("w") as output:
        seen = watched(path, output=output, budget=0.0)
    written = (tmp_path / "out.txt").read_text()
    assert "ZeroDivisionError" in written and "KeyError" in written
    assert seen["exit_status"] == 1 and seen["failed"][0]["line"] == ODD.count("\n"), written
    loops = [(Path(loop["where"]["file"]).name, loop["steps"]) for loop in seen["loops"]]
    assert loops == [("__init__.py", 5), ("odd.py", 20), ("inner.py", 7)]


def test_a_package_of_ones_own_is_watched_wherever_it_lies(tmp_path, monkeypatch):
    """On Python's path, as one that was installed to be edited; not what others wrote."""
    library, theirs, project = (tmp_path / name for name in ("library", "theirs", "project"))
    compute = "lambda x: nn.functional.cross_entropy(model(x), x[:, :2].argmax(1))"
    for folder, name in ((library, "own"), (theirs, "others")):
        folder.mkdir()
        (folder / f"{name}.py").write_text(TRAINING)
    (theirs / "others-1.0.dist-info").mkdir()
    project.mkdir()
    (project / "run.py").write_text(
        f"from others import *\ntrain(7, {compute})\nfrom own import *\ntrain(9, {compute})"
    )
    monkeypatch.setenv("PYTHONPATH", f"{library}{os.pathsep}{theirs}")
    (loop,) = watched(project / "run.py", budget=0.0)["loops"]
    assert (Path(loop["where"]["file"]).name, loop["steps"]) == ("own.py", 9)


def test_a_cell_shows_its_last_value_whatever_display_is(tmp_path):
    """Also where a program has such a function; an error in code that it makes has its line."""
    path = notebook(tmp_path, "def display(model, size):\n    return 1", "6 * 7", "1\nexec('a b')")
    with (tmp_path / "out.txt").open("w") as output:
        seen = watched(path, output=output)
    assert (tmp_path / "out.txt").read_text().startswith("42\n")
    assert [(one["cell"], one["line"]) for one in seen["failed"]] == [(4, 2)]


def test_stop_ends_a_program_that_ignores_it_and_what_it_started(tmp_path, monkeypatch):
    """What was seen until then is known."""
    monkeypatch.setattr("core.programs.launch.PATIENCE", 0.2)
    path = tmp_path / "forever.py"
    path.write_text(FOREVER)
    with ProgramRun(path, output=subprocess.DEVNULL, record=False) as run:
        while not any(loop["steps"] for loop in run.answer()["loops"]):
            assert run.runs
            time.sleep(0.05)
        run.stop()
        seen = run.answer()
    assert seen["exit_status"] == -9 and seen["error"] == "ended by SIGKILL"
    assert seen["loops"][0]["steps"] > 0 and seen["loops"][0]["diagnosis"] is None
    assert "the program ended before it was examined" in WATCH.show({**seen, "saved": None})
    # The worker holds this pipe's other end: it has ended, too.
    assert not run.runs


def test_it_is_said_that_a_training_is_examined(program, capfd):
    """On stderr, before the answer, since it takes some seconds."""
    main(["watch", str(program), "--no-record", "--json", "--budget", "2", "--", "60"])
    said = capfd.readouterr()
    assert "\nLine 15 is examined, up to 6 s: three times its budget" in f"\n{said.err}"
    assert json.loads(said.out)["loops"][0]["steps"] == 60


@pytest.mark.parametrize("on_ctrl_c", [signal.default_int_handler, signal.SIG_IGN])
def test_a_signal_that_ends_it_leaves_a_record_that_is_whole(
    tmp_path, monkeypatch, capfd, on_ctrl_c
):
    """Also where experiments are being done: what was observed is judged without them.

    A shell has what it begins in the background ignore Ctrl+C.
    """
    signal.signal(signal.SIGINT, on_ctrl_c)
    path = tmp_path / "long.py"
    path.write_text(LONG_EXAMINED)
    monkeypatch.setenv("GLASSBOX_RUNS", str(tmp_path))
    monkeypatch.setattr("core.programs.launch.PATIENCE", 60.0)
    tell = "core.commands.watch._tell"  # that it is examined now
    monkeypatch.setattr(tell, lambda *_: signal.raise_signal(signal.SIGTERM))
    assert main(["watch", str(path), "--json", "--budget", "60"]) == 128 + signal.SIGTERM
    (loop,) = json.loads(capfd.readouterr().out)["loops"]
    assert loop["steps"] == 200 and loop["diagnosis"]["sentence"].endswith(CUT_SHORT)
    assert read_record(Path(loop["record"])).diagnosis["sentence"].endswith(CUT_SHORT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_signal_loses_what_was_seen(program, monkeypatch, capfd, number):
    """Once the program has ended, what is left is to say it."""
    before, answer = signal.getsignal(number), ProgramRun.answer

    def at_the_end(run):
        signal.raise_signal(number)
        return answer(run)

    monkeypatch.setattr(ProgramRun, "answer", at_the_end)
    assert (
        main(["watch", str(program), "--no-record", "--json", "--budget", "0.1", "--", "60"]) == 7
    )
    assert json.loads(capfd.readouterr().out)["loops"][0]["steps"] == 60
    assert signal.getsignal(number) is before


def test_an_interpreter_that_can_not_run_it_is_said(program, tmp_path):
    """One that is not there, and one that has no torch."""
    with pytest.raises(UserError, match="is no program; name a Python interpreter"):
        watched(program, interpreter=str(tmp_path / "python"))
    with pytest.raises(UserError, match="with torch and numpy"):
        watched(program, interpreter="/bin/false")
