"""``watch``: three lines around anybody's loop; the loop is the same, and what it says is kept."""

# ruff: noqa: N806, the loops have the lectures' names

import contextlib
import json
import logging
import math
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor import diagnose
from core.doctor.diagnosis import CUT_SHORT, Cause, Diagnosis, read_diagnosis
from core.doctor.lines import program_lines
from core.doctor.lines.finders import lines_of
from core.doctor.watch import watcher
from core.errors import UserError
from core.runs import loop_record as record
from core.runs.folder import LOOP_SUFFIX
from core.runs.loop_record import FORMAT, read_record
from core.training.pace import Pace
from tests.core.test_cli import ROOT, answer, core, refused

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 60


@pytest.fixture(scope="module")
def pictures(bundled):
    """Digits as rows of numbers around 0, and their labels."""
    order = torch.randperm(len(bundled.train), generator=torch.Generator().manual_seed(0))
    images = bundled.train.images[order].flatten(1).float()
    return (images / 255 - 0.13) / 0.31, bundled.train.labels[order]


def watching(on, **options):
    """``watch`` that says nothing, or nothing at all."""
    options = {"quiet": True, "record": False, "share": 1.0, "budget": 0.6, **options}
    return watch(**options) if on else contextlib.nullcontext()


def lecture(data, on, **options):
    """makemore, part 2: bare tensors, a generator of one's own, plain descent."""
    inputs, labels = data
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 10), generator=g)
    W1, b1 = torch.randn((30, 100), generator=g) * 0.3, torch.randn(100, generator=g) * 0.01
    W2, b2 = torch.randn((100, 27), generator=g) * 0.01, torch.zeros(27)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    with watching(on, **options) as seen:
        for i in range(STEPS):
            ix = torch.randint(0, inputs.shape[0], (32,), generator=g)
            h = torch.tanh(C[inputs[ix]].view(-1, 30) @ W1 + b1)
            loss = F.cross_entropy(h @ W2 + b2, labels[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data += -(0.1 if i < 50 else 0.01) * p.grad
            if seen:
                seen.step(loss)
    return [*parameters, g.get_state()], seen


def dropping(data, on, **options):
    """A module with dropout under Adam, its batches shuffled by the global random numbers."""
    inputs, labels = data
    torch.manual_seed(5)
    model = nn.Sequential(
        nn.Linear(784, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    with watching(on, **options) as seen:
        for _ in range(STEPS):
            ix = torch.randperm(len(inputs))[:32]
            loss = nn.functional.cross_entropy(model(inputs[ix]), labels[ix])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if seen:
                seen.step(loss.item())
    slots = [t for state in optimizer.state.values() for t in state.values()]
    return [*model.state_dict().values(), *slots], seen


def by_hand(data, on, **options):
    """makemore, part 3: batch norm by hand, running statistics, and in-place updates."""
    inputs, labels = data
    g = torch.Generator().manual_seed(1)
    C = torch.randn((27, 10), generator=g, requires_grad=True)
    W1 = (torch.randn((30, 60), generator=g) * 0.3).requires_grad_()
    W2 = (torch.randn((60, 27), generator=g) * 0.01).requires_grad_()
    gain, bias = torch.ones((1, 60), requires_grad=True), torch.zeros((1, 60), requires_grad=True)
    mean_running, std_running = torch.zeros((1, 60)), torch.ones((1, 60))
    parameters = [C, W1, W2, gain, bias]
    with watching(on, **options) as seen:
        for _ in range(STEPS):
            ix = torch.randint(0, len(inputs), (32,), generator=g)
            before = C[inputs[ix]].view(32, -1) @ W1
            mean, std = before.mean(0, keepdim=True), before.std(0, keepdim=True)
            h = torch.tanh(gain * (before - mean) / std + bias)
            with torch.no_grad():
                mean_running = 0.999 * mean_running + 0.001 * mean
                std_running.mul_(0.999).add_(0.001 * std)
            loss = F.cross_entropy(h @ W2, labels[ix])
            grads = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for p, grad in zip(parameters, grads, strict=True):
                    p -= 0.1 * grad
            if seen:
                seen.step(loss)
    return [*parameters, mean_running, std_running, g.get_state()], seen


@pytest.mark.parametrize(
    ("loop", "kind"),
    [(lecture, "letters"), (dropping, "pictures"), (by_hand, "letters")],
    ids=["bare tensors", "module with dropout", "batch norm by hand"],
)
def test_a_run_under_watch_is_the_same_run(request, loop, kind):
    """Weights, statistics, optimiser and all generators agree, bit for bit, experiments and all."""
    data = request.getfixturevalue(kind)

    def everything(on):
        torch.manual_seed(9)
        random.seed(9)
        np.random.seed(9)
        made, seen = loop(data, on)
        return [t.detach().clone() for t in made], seen, torch.get_rng_state(), random.getstate()

    alone, _, torch_alone, python_alone = everything(False)
    numpy_alone = np.random.get_state()[1].copy()
    watched, seen, torch_watched, python_watched = everything(True)
    assert all(torch.equal(a, b) for a, b in zip(alone, watched, strict=True))
    assert torch.equal(torch_alone, torch_watched) and python_alone == python_watched
    assert np.array_equal(numpy_alone, np.random.get_state()[1])
    found = seen.diagnosis
    assert found.verdict != "broken", found.text()
    assert any(trial.passed is not None for trial in found.experiments)  # it was looked at


def test_gradients_are_left_as_they_are(letters):
    """What the last backward pass left in .grad is still there, and is not another tensor."""
    inputs, labels = letters
    torch.manual_seed(0)
    C, W = torch.randn(27, 4, requires_grad=True), torch.randn(12, 27, requires_grad=True)
    with watching(True):
        loss = F.cross_entropy(C[inputs[:32]].flatten(1) @ W, labels[:32])
        loss.backward()
        kept, values = W.grad, W.grad.clone()
    assert W.grad is kept and torch.equal(W.grad, values)


def test_names_of_variables_reach_the_diagnosis(letters):
    """A tensor that was left out of the update is called what the person calls it."""
    inputs, labels = letters
    g = torch.Generator().manual_seed(3)
    letters_as_points = torch.randn((27, 8), generator=g, requires_grad=True)
    into = (torch.randn((24, 50), generator=g) * 0.3).requires_grad_()
    out_of = (torch.randn((50, 27), generator=g) * 0.1).requires_grad_()
    with watching(True) as seen:
        for _ in range(30):
            ix = torch.randint(0, len(inputs), (32,), generator=g)
            loss = F.cross_entropy(
                (letters_as_points[inputs[ix]].flatten(1) @ into).tanh() @ out_of, labels[ix]
            )
            for p in (letters_as_points, into, out_of):
                p.grad = None
            loss.backward()
            for p in (letters_as_points, out_of):
                p.data -= 0.1 * p.grad
            seen.step(loss)
    cause = seen.diagnosis.causes[0]
    assert cause.id == "parameter_not_trained" and cause.where == "into"
    assert "into" in seen.diagnosis.sentence and "1. A parameter" in seen.diagnosis.text()


class Reader(nn.Module):
    """A small network with names in it."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(784, 32)
        self.then = nn.Linear(32, 10)

    def forward(self, x):
        """Score the digits."""
        return self.then(F.relu(self.first(x)))


def test_names_of_modules_reach_the_diagnosis(pictures):
    """A layer whose optimiser was not told of it has its name in the module."""
    inputs, labels = pictures
    torch.manual_seed(0)
    model = Reader()
    optimizer = torch.optim.Adam(model.then.parameters(), lr=1e-3)
    with watching(True) as seen:
        for step in range(12):
            loss = F.cross_entropy(model(inputs[step * 32 :][:32]), labels[step * 32 :][:32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    cause = seen.diagnosis.causes[0]
    assert cause.id == "parameter_not_trained" and "first.weight" in cause.where
    assert "optimiser" in cause.evidence


def test_what_is_far_from_the_loop_may_be_handed_over(pictures):
    """Models and optimisers that are in no variable nearby are given to ``watch``."""
    inputs, labels = pictures
    torch.manual_seed(0)
    boxes = [[[[Reader()]]]]
    optimizer = torch.optim.SGD(boxes[0][0][0][0].parameters(), lr=0.1)
    with watch(boxes[0][0][0][0], optimizer, quiet=True, record=False, budget=0.0) as seen:
        for step in range(12):
            loss = F.cross_entropy(
                boxes[0][0][0][0](inputs[step * 32 :][:32]), labels[step * 32 :][:32]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    names = {check.id: check.measured for check in seen.diagnosis.checks}
    assert names["parameter_not_trained"] == "4 parameters are updated"


@pytest.mark.parametrize("when", [0, 7])
def test_a_loop_that_crashes_is_diagnosed_and_crashes_all_the_same(letters, tmp_path, when):
    """A label out of range raises torch's own error; the diagnosis says what it means."""
    inputs, labels = letters
    torch.manual_seed(0)
    C, W = torch.randn(27, 8, requires_grad=True), torch.randn(24, 27, requires_grad=True)
    path = tmp_path / f"crash{LOOP_SUFFIX}"
    seen = watch(quiet=True, record=path, share=1.0, budget=1.0)
    with pytest.raises(IndexError, match="out of bounds"), seen:
        for step in range(20):
            ix = torch.randint(0, len(inputs), (32,))
            aims = labels[ix] + (27 if step == when else 0)
            loss = F.cross_entropy(C[inputs[ix]].flatten(1) @ W, aims)
            C.grad = W.grad = None
            loss.backward()
            C.data -= 0.1 * C.grad
            W.data -= 0.1 * W.grad
            seen.step(loss)
    found = seen.diagnosis
    assert found.verdict == "broken" and found.causes[0].id == "labels_out_of_range"
    assert "out of bounds" in found.causes[0].evidence
    kept = read_record(path)
    assert kept.count == when and read_diagnosis(path)[1] == found


def test_weights_that_are_made_anew_are_named_with_the_line():
    """The update of the second step fails: the first one has made other tensors of the weights."""
    torch.manual_seed(0)
    x = torch.randn(50, 3)
    w, b = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    seen = watch(quiet=True, record=False, budget=0.0)
    with pytest.raises(RuntimeError, match="does not require grad"), seen:
        for _ in range(3):
            loss = (x @ w + b - 1).square().mean()
            loss.backward()
            with torch.no_grad():
                w = w - 0.1 * w.grad
                b = b - 0.1 * b.grad
            seen.step(loss)
    cause = seen.diagnosis.causes[0]
    assert cause.id == "parameter_not_trained" and cause.where == "w, b"
    assert "loss.backward()" in cause.evidence


def test_a_crash_is_a_finding():
    """Torch's message, the line, and the usual cause."""
    seen = watch(quiet=True, record=False, budget=0.0)
    state = torch.zeros(4, requires_grad=True)
    with pytest.raises(RuntimeError, match="second time"), seen:
        hidden = state.exp()
        for _ in range(3):
            loss = hidden.square().sum()
            loss.backward()
            seen.step(loss)
    cause = seen.diagnosis.causes[0]
    assert cause.id == "crash" and "loss.backward()" in cause.evidence
    assert "detach()" in cause.evidence and seen.diagnosis.verdict == "broken"


def test_an_inference_after_the_loop_is_examined_too(letters, tmp_path, capsys):
    """In a notebook the use is a later cell: the diagnosis and the record are made again."""
    inputs, labels = letters
    path = tmp_path / f"later{LOOP_SUFFIX}"
    torch.manual_seed(0)
    C, W = torch.randn(27, 8, requires_grad=True), (0.2 * torch.randn(24, 27)).requires_grad_()
    with watch(record=path, budget=0.0) as seen:
        for step in range(60):
            batch = inputs[step * 32 :][:32]
            h = C[batch].flatten(1) @ W
            loss = F.cross_entropy((h - h.mean(0)) / h.std(0), labels[step * 32 :][:32])
            C.grad = W.grad = None
            loss.backward()
            C.data -= 0.1 * C.grad
            W.data -= 0.1 * W.grad
            seen.step(loss)
    before = seen.diagnosis
    capsys.readouterr()
    with seen.using(), torch.no_grad():
        (C[inputs[:32]].flatten(1) @ W).softmax(1)
    assert "train_eval_mismatch" not in [cause.id for cause in before.causes]
    assert seen.diagnosis.causes[0].id == "train_eval_mismatch"
    assert read_diagnosis(path)[1] == seen.diagnosis
    assert "Examined again" in capsys.readouterr().out


def test_the_steps_alone_decide_what_is_observed(letters, monkeypatch):
    """Within its costs, however slow the loop is: steps 0, 1, 2, 3, 5, 8, ..."""
    monkeypatch.setattr(watcher, "FREE_SECONDS", math.inf)
    found = []
    for seconds in (0.0, 0.003):
        inputs, labels = letters
        W = torch.zeros(27, 27, requires_grad=True)
        with watch(quiet=True, record=False, budget=0.0) as seen:
            for step in range(60):
                time.sleep(seconds)
                W.grad = None
                loss = F.cross_entropy(W[inputs[step * 32 :][:32, -1]], labels[step * 32 :][:32])
                loss.backward()
                W.data -= W.grad
                seen.step(loss)
        found.append([one.step for one in seen._loop.watcher.observations])
    assert found[0] == found[1] == [0, 1, 2, 3, 5, 8, 13, 21, 34, 55]


def test_a_machine_that_is_busy_observes_the_same_steps(letters, monkeypatch):
    """What observations cost is counted in work, so that the clock hardly ever decides."""
    monkeypatch.setattr(watcher, "FREE_SECONDS", 0.03)
    found = []
    for slower in (0.0, 1.0):
        monkeypatch.setattr(watcher, "clock", lambda slower=slower: slower * time.thread_time())
        _, seen = lecture(letters, True, budget=0.0, share=0.02)
        found.append([one.step for one in seen._loop.watcher.observations])
    assert found[0] == found[1] and 6 < len(found[0]) < 13


def test_a_loss_is_kept_as_it_was_reported():
    """Whatever the loop writes into its tensor later, as one does that sums its losses there."""
    w = torch.ones(3, requires_grad=True)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(30):
            loss = ((w - 2 - step) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
            w.grad, value = None, loss.detach()
            seen.step(loss)
            value.zero_()
    assert (seen._loop.watcher.losses()[1] > 0).all()


def test_two_adversaries_are_no_fault():
    """Their losses stay where they are, and one's pass leaves gradients in the other."""
    torch.manual_seed(0)
    g, d = nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    of_g, of_d = torch.optim.Adam(g.parameters(), 1e-3), torch.optim.Adam(d.parameters(), 1e-3)
    with watching(True, budget=2.0) as seen:
        for _ in range(120):
            fake = g(torch.randn(32, 4))
            d_loss = F.softplus(-d(torch.randn(32, 2) + 1)).mean()
            d_loss = d_loss + F.softplus(d(fake.detach())).mean()
            of_d.zero_grad()
            d_loss.backward()
            of_d.step()
            g_loss = F.softplus(-d(fake)).mean()
            of_g.zero_grad()
            g_loss.backward()
            of_g.step()
            seen.step(g_loss)
    found = seen.diagnosis
    assert found.training_kind == "adversarial" and not found.causes, found.text()
    assert found.verdict == "unknown" and "adversarial" in found.text()


def test_an_error_that_is_not_torchs_goes_on_its_way(letters):
    """A mistake of the person's own is re-raised and blamed on no layer."""
    seen = watch(quiet=True, record=False, budget=0.0)
    with pytest.raises(KeyError, match="missing"), seen:
        raise KeyError("missing")
    assert seen.diagnosis.verdict == "unknown" and not seen.diagnosis.causes


def test_a_loop_that_is_interrupted_is_diagnosed(letters, capsys):
    """Ctrl-C ends the loop as ever, and what was seen by then is told."""
    inputs, labels = letters
    torch.manual_seed(0)
    W = torch.zeros(27, 27, requires_grad=True)
    seen = watch(record=False, share=1.0, budget=0.0)
    with pytest.raises(KeyboardInterrupt), seen:
        for step in range(100):
            W.grad = None
            loss = F.cross_entropy(W[inputs[step * 32 :][:32, -1]], labels[step * 32 :][:32])
            loss.backward()
            W.data -= 10.0 * W.grad
            seen.step(loss)
            if step == 60:
                raise KeyboardInterrupt
    assert seen.diagnosis.verdict != "broken" and seen.diagnosis.checks
    assert seen.diagnosis.text() in capsys.readouterr().out


def test_a_loop_whose_examination_is_interrupted_is_recorded_whole(letters, monkeypatch, tmp_path):
    """By what was observed, without the experiments; the interrupt goes its way."""
    examine, budgets = diagnose.examine_loop, []

    def interrupted(watcher, budget, crash):
        budgets.append(budget)
        if len(budgets) == 1:
            raise KeyboardInterrupt
        return examine(watcher, budget, crash)

    monkeypatch.setattr(diagnose, "examine_loop", interrupted)
    path = tmp_path / "loop.watch.json"
    inputs, labels = letters
    W = torch.zeros(27, 27, requires_grad=True)
    with pytest.raises(KeyboardInterrupt), watch(record=path, quiet=True) as seen:
        for step in range(30):
            W.grad = None
            loss = F.cross_entropy(W[inputs[step * 32 :][:32, -1]], labels[step * 32 :][:32])
            loss.backward()
            W.data -= W.grad
            seen.step(loss)
    assert budgets == [15.0, 0.0]
    assert read_record(path).diagnosis["sentence"].endswith(CUT_SHORT)


def test_it_says_its_diagnosis_and_where_the_record_is(letters, capsys, monkeypatch, tmp_path):
    """At the end it prints a page; the record goes to the runs, named after the script."""
    monkeypatch.setattr(record, "RUNS", tmp_path)
    _, seen = lecture(letters, True, quiet=False, record=None, budget=0.0)
    said = capsys.readouterr().out
    (kept,) = tmp_path.iterdir()
    assert seen.diagnosis.text() in said and str(kept) in said
    assert kept.name.startswith("test_watch_loop-") and kept.name.endswith(LOOP_SUFFIX)

    lecture(letters, True, quiet=True, record=True, name="mine", budget=0.0)
    lecture(letters, True, quiet=True, record=True, name="mine", budget=0.0)
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("mine-")]) == 2
    assert capsys.readouterr().out == ""


def test_no_record_is_kept_where_none_is_wanted(letters, capsys, monkeypatch, tmp_path):
    """``record=False`` writes nothing and speaks of no file."""
    monkeypatch.setattr(record, "RUNS", tmp_path)
    _, seen = lecture(letters, True, quiet=False, record=False, budget=0.0)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == seen.diagnosis.text() + "\n"


def test_the_record_is_whole_json(letters, tmp_path):
    """Losses, layers and diagnosis stand in one file that any program can read."""
    path = tmp_path / f"run{LOOP_SUFFIX}"
    _, seen = lecture(letters, True, record=path, budget=0.5)

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    kept = json.loads(path.read_text(), parse_constant=refuse)
    assert kept["format"] == FORMAT and kept["count"] == STEPS == len(kept["losses"])
    assert kept["diagnosis"] == seen.diagnosis.to_dict()
    assert [layer["name"] for layer in kept["layers"]] == ["C", "W1", "W2"]
    assert read_diagnosis(path)[1] == seen.diagnosis
    assert list(tmp_path.iterdir()) == [path]  # nothing half-written lies beside it


def test_a_loss_that_is_no_number_is_still_json(letters, tmp_path):
    """NaN is told as nothing in the file, and is NaN again when it is read."""
    path = tmp_path / f"run{LOOP_SUFFIX}"
    inputs, labels = letters
    W = torch.zeros(27, 27, requires_grad=True)
    with watch(quiet=True, record=path, share=1.0, budget=0.5) as seen:
        for step in range(12):
            W.grad = None
            scores = W[inputs[:64, -1]]
            loss = F.cross_entropy(scores, labels[:64]) + (
                scores.sum() * torch.nan if step > 8 else 0
            )
            loss.backward()
            W.data -= 1.0 * W.grad
            seen.step(loss)
    assert json.loads(path.read_text())["losses"][9:] == [None] * 3
    kept, diagnosis = read_diagnosis(path)
    assert np.isnan(kept.losses[9:]).all() and diagnosis.causes[0].id == "nan"


def record_of(**changes):
    """A small record, as text."""
    good = {
        "format": FORMAT,
        "steps": [0, 1],
        "losses": [3.0, 2.5],
        "validations": [],
        "count": 2,
        "layers": [],
        "diagnosis": Diagnosis("fine", "Nothing is wrong.", 0.6).to_dict(),
    }
    return json.dumps({**good, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "null",
        '"' + FORMAT + '"',
        "[" * 100_000,
        record_of()[:-20],
        record_of(format="another"),
        record_of(steps=None),
        record_of(losses=[1.0]),
        record_of(losses=["a", "b"]),
        record_of(diagnosis=7),
        record_of(diagnosis={}),
        record_of(diagnosis={**Diagnosis("fine", "", 0.5).to_dict(), "verdict": "splendid"}),
        record_of(diagnosis={**Diagnosis("fine", "", 0.5).to_dict(), "causes": [{}]}),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, text):
    """Whatever is wrong with the file, a sentence says so."""
    path = tmp_path / f"run{LOOP_SUFFIX}"
    path.write_text(text)
    with pytest.raises(UserError, match="no record"):
        read_diagnosis(path)
    path.write_bytes(b"\xff\xfe\x00" + text.encode())
    with pytest.raises(UserError, match="no record"):
        read_diagnosis(path)
    with pytest.raises(UserError, match="can't be read"):
        read_diagnosis(tmp_path / "elsewhere.json")


def test_the_command_line_reads_a_record(letters, tmp_path):
    """``diagnose RECORD --json`` prints what ``watch`` found, as one object; without it, a page."""
    path = tmp_path / f"run{LOOP_SUFFIX}"
    _, seen = lecture(letters, True, record=path, budget=0.5)
    assert answer("diagnose", path) == seen.diagnosis.to_dict()
    assert core("diagnose", path).stdout == seen.diagnosis.text() + "\n"

    path.write_text(record_of()[:-20])
    assert "no record" in refused("diagnose", path, "--json")
    path.write_text(record_of(diagnosis=None))
    assert "no diagnosis yet" in refused("diagnose", path)
    assert "can't be read" in refused("diagnose", tmp_path / "elsewhere.json")


def test_a_record_that_can_not_be_written_is_said_and_costs_no_diagnosis(
    letters, tmp_path, caplog, capsys, monkeypatch
):
    """A folder that is a file: the loop goes on to its end, and the sentence says so once."""
    monkeypatch.setattr(Pace, "due", lambda self: True)
    (tmp_path / "file").write_text("no folder")
    _, seen = lecture(letters, True, quiet=False, record=tmp_path / "file" / "run", budget=0.0)
    (said,) = caplog.messages
    assert said.startswith("There is no whole record of this loop: ") and "can't be written" in said
    assert capsys.readouterr().out == seen.diagnosis.text() + "\n" and seen.diagnosis.checks


# How it is used.


def normalised(letters, use):
    """Train with batch norm by hand, and use it in some way; return what was seen."""
    inputs, labels = letters
    g = torch.Generator().manual_seed(1)
    C = torch.randn((27, 10), generator=g, requires_grad=True)
    W1 = (torch.randn((30, 60), generator=g) * 0.6).requires_grad_()
    W2 = (torch.randn((60, 27), generator=g) * 0.01).requires_grad_()
    gain, bias = torch.ones((1, 60), requires_grad=True), torch.zeros((1, 60), requires_grad=True)
    running = [torch.zeros((1, 60)), torch.ones((1, 60))]
    parameters = [C, W1, W2, gain, bias]

    def forward(x, learning):
        before = C[x].flatten(1) @ W1
        if learning:
            mean, std = before.mean(0, keepdim=True), before.std(0, keepdim=True)
            if use != "stale":
                with torch.no_grad():
                    running[0] = 0.9 * running[0] + 0.1 * mean
                    running[1] = 0.9 * running[1] + 0.1 * std
        else:
            mean, std = running
        return torch.tanh(gain * (before - mean) / std + bias) @ W2

    def without(x):
        return torch.tanh(C[x].flatten(1) @ W1) @ W2

    with watching(True) as seen:
        for _ in range(STEPS):
            ix = torch.randint(0, len(inputs), (32,), generator=g)
            loss = F.cross_entropy(forward(inputs[ix], True), labels[ix])
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                p.data -= 0.1 * p.grad
            seen.step(loss)
        with seen.using(), torch.no_grad():
            context = [0, 0, 0]
            for _ in range(30):
                x = torch.tensor([context])
                scores = without(x) if use == "without" else forward(x, False)
                letter = int(torch.multinomial(scores.softmax(1), 1, generator=g))
                context = [*context[1:], letter]
    return seen.diagnosis


@pytest.mark.parametrize("steps", [6, 12])
def test_a_signal_that_is_as_wide_as_an_example_is_no_input(steps):
    """A state of 24 numbers, and examples of 12 steps of 2."""
    rnn, head = nn.GRU(2, 24, batch_first=True), nn.Linear(24, 2)
    adam = torch.optim.Adam([*rnn.parameters(), *head.parameters()], 1e-3)
    with watching(True) as seen:
        for _ in range(STEPS):
            x = torch.randint(0, 2, (32, 12, 2)).float()
            loss = F.cross_entropy(head(rnn(x)[0]).flatten(0, 1), x.sum(2).eq(1).long().flatten())
            adam.zero_grad()
            loss.backward()
            adam.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            head(rnn(torch.randint(0, 2, (40, steps, 2)).float())[0])
    assert "train_eval_mismatch" not in [cause.id for cause in seen.diagnosis.causes]


@pytest.mark.parametrize(("state", "cause"), [((0.0, 0.02), False), ((50.0, 0.0), True)])
def test_a_few_numbers_are_small_by_chance(state, cause):
    """As one state of a game; many times larger they aren't."""
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    with watching(True) as seen:
        for _ in range(STEPS):
            x = torch.rand(32, 2)
            loss = F.mse_loss(net(x), x.sum(1, keepdim=True))
            adam.zero_grad()
            loss.backward()
            adam.step()
            seen.step(loss)
        given = torch.tensor([state])
        with seen.using(), torch.no_grad():
            net(given)
    assert ("train_eval_mismatch" in [c.id for c in seen.diagnosis.causes]) is cause


@pytest.mark.parametrize("spare", ["of an earlier network", "of its own"])
def test_the_head_of_an_earlier_network_is_not_missed(spare):
    """Its trunk is trained on under another head; a layer of one's own that is left out is."""
    trunk, head, other = nn.Linear(8, 16), nn.Linear(16, 3), nn.Linear(16, 5)
    if spare == "of its own":
        net = nn.ModuleList([trunk, head, other])
    else:
        earlier, net = nn.Sequential(trunk, nn.ReLU(), other), nn.Sequential(trunk, nn.ReLU(), head)
        assert earlier[0] is net[0]
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    with watching(True) as seen:
        for _ in range(STEPS):
            x = torch.randn(32, 8)
            loss = F.cross_entropy(head(trunk(x).relu()), x[:, :3].argmax(1))
            adam.zero_grad()
            loss.backward()
            adam.step()
            seen.step(loss)
    missed = "parameter_not_trained" in [c.id for c in seen.diagnosis.causes]
    assert missed is (spare == "of its own")


def test_a_flow_that_draws_goes_through_its_layers_backwards():
    """Its first layer gets data in training, and noise where it draws."""
    scales = [nn.Linear(1, 1) for _ in range(3)]

    def turned(layer, x):
        return torch.cat([x[:, 1:] + layer(x[:, :1]).tanh(), x[:, :1]], 1)

    def turned_back(layer, x):
        return torch.cat([x[:, 1:], x[:, :1] - layer(x[:, 1:]).tanh()], 1)

    adam = torch.optim.Adam([p for layer in scales for p in layer.parameters()], 1e-3)
    with watching(True) as seen:
        for _ in range(STEPS):
            x = 0.1 * torch.randn(64, 2)
            for layer in scales:
                x = turned(layer, x)
            loss = x.square().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            x = torch.ones(2) + torch.randn(64, 2)
            for layer in reversed(scales):
                x = turned_back(layer, x)
    assert "train_eval_mismatch" not in [cause.id for cause in seen.diagnosis.causes]


def test_a_batch_norm_that_is_missing_in_use_is_found(letters):
    """The notebook's fault: no loss shows it, only the two ways held against one another."""
    found = normalised(letters, "without")
    assert found.verdict == "broken" and found.causes[0].id == "train_eval_mismatch"
    assert "normalisation" in found.causes[0].evidence and "W1" in found.causes[0].evidence


def test_running_statistics_that_stand_still_are_found(letters):
    """The acts are the same; what is normalised by the first statistics has another size."""
    found = normalised(letters, "stale")
    assert found.verdict == "broken" and found.causes[0].id == "train_eval_mismatch"
    assert "other statistics" in found.causes[0].evidence and "W1" in found.causes[0].evidence


def test_the_same_forward_in_use_is_no_finding(letters):
    """Running statistics in the place of the batch's are the same way."""
    found = normalised(letters, "the same")
    checks = {check.id: check for check in found.checks}
    assert checks["train_eval_mismatch"].passed and not found.causes, found.text()


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_network_used_in_training_mode_is_found(pictures, mode):
    """Dropout that is on while answers are asked for is named; after model.eval() nothing is."""
    inputs, labels = pictures
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with watching(True, budget=0.0) as seen:
        for step in range(40):
            loss = F.cross_entropy(model(inputs[step * 32 :][:32]), labels[step * 32 :][:32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        getattr(model, mode)()
        with seen.using(), torch.no_grad():
            model(inputs[-8:]).argmax(1)
    causes = [cause.id for cause in seen.diagnosis.causes]
    assert causes == (["train_eval_mismatch"] if mode == "train" else [])


@pytest.mark.parametrize(
    "loss_of", [F.binary_cross_entropy_with_logits, F.mse_loss], ids=["logits", "numbers"]
)
def test_the_sigmoid_of_a_loss_stands_by_itself_in_use(loss_of):
    """It is in the loss of logits already, and a difference behind any other."""
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with watching(True, budget=0.0) as seen:
        for _ in range(40):
            loss = loss_of(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        with seen.using(), torch.no_grad():
            model(x).sigmoid().round()
    check = {check.id: check for check in seen.diagnosis.checks}["train_eval_mismatch"]
    assert check.passed == (loss_of is F.binary_cross_entropy_with_logits)


def test_a_softmax_by_hand_is_no_normalisation():
    """It is divided by a sum that needs no gradient in use, and by no running statistics."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 4), torch.randint(3, (64,))
    weight = torch.zeros(4, 3, requires_grad=True)

    def forward(x):
        counts = (x @ weight).exp()
        return counts / counts.sum(1, keepdim=True)

    with watching(True, budget=0.0) as seen:
        for _ in range(40):
            loss = -forward(x)[range(64), y].log().mean()
            weight.grad = None
            loss.backward()
            weight.data -= 0.1 * weight.grad
            seen.step(loss)
        with seen.using(), torch.no_grad():
            forward(x).argmax(1)
    assert {check.id: check for check in seen.diagnosis.checks}["train_eval_mismatch"].passed


def test_a_line_is_looked_for_in_all_files_of_a_program(monkeypatch, tmp_path):
    """An optimiser may be made in another file than that of the step."""
    script = tmp_path / "main.py"
    script.write_text(
        "p.requires_grad = True\n"
        "optimizer = torch.optim.Rprop(net.parameters(), lr=1.0)\n"
        "scheduler.step()\n"
        "scheduler = StepLR(optimizer, 5)\n"
        "p.requires_grad = False\n"
    )
    monkeypatch.setattr(program_lines, "OWN_FILES", {str(script)})
    make = torch.optim.Rprop
    weight = torch.ones(3, requires_grad=True)
    optimizer = make([weight], lr=1.0)
    with watching(True, budget=0.0) as seen:
        loss = (weight**2).sum()
        loss.backward()
        optimizer.step()
        seen.step(loss)
    watcher = seen._loop.watcher
    known = program_lines.Lines(watcher.graph, watcher.variables)
    for cause, line in (("lr_too_high", 2), ("lr_vanished", 4), ("frozen_layer", 5)):
        found = lines_of(known, Cause(cause, *"    ", 0.9))
        # This file has such lines, too.
        assert next(one.line for one in found if one.file == str(script)) == line


@pytest.mark.parametrize("how", ["list", "drawn", "data set"])
def test_a_batch_that_is_made_in_the_step_is_understood(how):
    """Of numbers, at random, or by a data set: layers, loss and inputs are found."""
    torch.manual_seed(0)

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return 64

        def __getitem__(self, place):
            return torch.tensor([place % 9, 3, 1]), torch.tensor(place % 9)

    rows = iter(torch.utils.data.DataLoader(Rows(), 8))
    model = nn.Sequential(nn.Embedding(9, 8), nn.Flatten(), nn.Linear(24, 9))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with watching(True, budget=0.0) as seen:
        for step in range(5):
            if how == "list":
                x = torch.tensor([[(step + k) % 9, 2, 1] for k in range(8)])
            elif how == "drawn":
                x = torch.randint(9, (8, 3))
            x, y = next(rows) if how == "data set" else (x, x[:, 0])
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    graph = seen._loop.watcher.graph
    assert len(graph.layers) == 2 and len(graph.inputs) == 1 and graph.loss is not None


def test_targets_come_from_where_they_were_made():
    """Not from where they were given another shape, as in the line of the loss."""
    weight = torch.zeros(5, 5, requires_grad=True)
    data = torch.randint(5, (50,))
    with watching(True, budget=0.0) as seen:
        ix = torch.randint(40, (8,))
        y = torch.stack([data[i : i + 4] for i in ix])
        loss = F.cross_entropy(weight[y].reshape(-1, 5), y.reshape(-1))
        loss.backward()
        weight.data -= weight.grad
        seen.step(loss)
    watcher = seen._loop.watcher
    known = program_lines.Lines(watcher.graph, watcher.variables)
    found = lines_of(known, Cause("future_leak", *"    ", 0.9))
    assert found[0].text.startswith("y = torch.stack"), found


def test_an_error_in_use_reaches_the_person(letters):
    """What is raised inside ``using`` is not swallowed, and torch is no longer recorded."""
    seen = watch(quiet=True, record=False, budget=0.0)
    with pytest.raises(ZeroDivisionError), seen, seen.using():
        raise ZeroDivisionError
    assert torch.overrides._get_current_function_mode() is None


# What else it may meet.


def test_a_loop_that_nobody_understands_goes_on(caplog):
    """No torch at all in the loop: the losses are told, the verdict is that it can't tell."""
    with caplog.at_level(logging.CRITICAL), watching(True) as seen:
        for step in range(300):
            seen.step(1.0 / (step + 1))
    assert seen.diagnosis.verdict in ("unknown", "fine", "undertrained")
    assert not seen.diagnosis.causes


def test_nothing_was_stepped():
    """A loop of no steps has no diagnosis, and no error."""
    with watching(True) as seen:
        pass
    assert seen.diagnosis.verdict == "unknown" and not seen.diagnosis.causes


def test_losses_on_other_data_are_kept(letters, tmp_path):
    """``validate`` notes the step at which it was said; a tensor is as good as a number."""
    path = tmp_path / f"run{LOOP_SUFFIX}"
    inputs, labels = letters
    torch.manual_seed(0)
    W = torch.zeros(27, 27, requires_grad=True)
    with watch(quiet=True, record=path, budget=0.0) as seen:
        for step in range(40):
            W.grad = None
            loss = F.cross_entropy(W[inputs[step * 32 :][:32, -1]], labels[step * 32 :][:32])
            loss.backward()
            W.data -= 10.0 * W.grad
            seen.step(loss)
            if step % 10 == 9:
                with torch.no_grad():
                    other = F.cross_entropy(W[inputs[-500:, -1]], labels[-500:])
                seen.validate(other if step % 20 == 9 else float(other))
    assert [step for step, _ in read_record(path).validations] == [10, 20, 30, 40]
    assert all(1.5 < value < 3.4 for _, value in read_record(path).validations)


def test_two_loops_one_after_another_are_two_diagnoses(letters):
    """A second ``watch`` begins anew; nothing records torch afterwards."""
    first = lecture(letters, True, budget=0.0)[1]
    second = lecture(letters, True, budget=0.0)[1]
    ours = [{c.id: c.passed for c in seen.diagnosis.checks} for seen in (first, second)]
    assert ours[0] == ours[1] and first.diagnosis is not second.diagnosis
    assert torch.overrides._get_current_function_mode() is None


def test_a_script_is_watched_as_it_stands(tmp_path):
    """In a process of its own; ``import core`` is quick, torch comes with ``watch``."""
    script = tmp_path / "bigram.py"
    script.write_text(
        "import sys\n"
        "import core\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
        "from core import watch\n"
        "import torch\n"
        "g = torch.Generator().manual_seed(0)\n"
        "x = torch.randint(0, 9, (500,), generator=g)\n"
        "y = (x * 2 + 1) % 9\n"
        "W = torch.zeros((9, 9), requires_grad=True)\n"
        f"with watch(record={str(tmp_path / 'own.watch.json')!r}, budget=0.1) as seen:\n"
        "    for step in range(50):\n"
        "        loss = torch.nn.functional.cross_entropy(W[x], y)\n"
        "        W.grad = None\n"
        "        loss.backward()\n"
        "        W.data += 1.0 * W.grad\n"
        "        seen.step(loss)\n"
        "assert not any(name.startswith('PySide6') for name in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Something is wrong. Gradient ascent")
    assert read_diagnosis(tmp_path / "own.watch.json")[1].causes[0].where


def test_a_loss_that_is_no_number_ends_no_loop(tmp_path):
    """Of a vector it is the mean; None and words are passed over."""
    with watch(quiet=True, record=tmp_path / "odd.json", budget=0.0) as seen:
        for loss in [torch.ones(8, 3), None, "high", 1.5] * 30:
            seen.step(loss)
    steps, losses = seen._loop.watcher.losses()
    assert steps[:3].tolist() == [0, 3, 4] and losses[:3].tolist() == [1, 1.5, 1]
    assert seen._loop.watcher.count == 120 and len(losses) == 60
    assert (tmp_path / "odd.json").is_file()


def straight_line(seen_rows, validate_every, steps=400, hidden=64):
    """Fit a wide network to a noisy line; few rows can be learned by heart."""
    g = torch.Generator().manual_seed(3)
    x = torch.randn(seen_rows + 200, 6, generator=g)
    y = x[:, :1] + 0.5 * torch.randn(len(x), 1, generator=g)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(6, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    with watching(True, budget=0.1) as seen:
        for step in range(steps):
            rows = torch.randint(0, seen_rows, (32,), generator=g)
            loss = F.mse_loss(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if validate_every and step % validate_every == 0:
                with torch.no_grad():
                    seen.validate(F.mse_loss(net(x[seen_rows:]), y[seen_rows:]))
    return seen.diagnosis


def test_new_data_that_has_risen_outranks_a_training_loss_that_falls():
    """Without it nothing can be said, since each example was met often; with it, when to stop."""
    found = straight_line(40, 10)
    assert found.verdict == "overfitting" or found.causes[0].id == "overfitting", found.text()
    assert found.forecast is None and not found.settings
    blind = straight_line(40, 0)
    assert blind.verdict == "unknown" and blind.forecast.on == "training"
    assert "seen.validate(loss)" in blind.sentence and "can't be told" in blind.sentence
    assert "loss still falls" in blind.sentence and "each example was met some" in blind.sentence


def test_a_forecast_goes_by_new_data_and_is_in_the_diagnosis():
    """A script finds it by its keys; the plain text, which has no picture, says it in words."""
    found = straight_line(20_000, 5, steps=60)
    ahead = found.forecast
    assert ahead.on == "validation" and ahead.at == 120 and "seen.validate" not in found.sentence
    kept = found.to_dict()["forecast"]
    assert {"at", "median", "low", "high", "on"} <= set(kept)
    assert kept["low"] <= kept["median"] <= kept["high"]
    assert Diagnosis.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert f"Forecast: {ahead.words[:30]}" in found.text() and "Dashed" not in found.text()


def test_it_says_where_hardly_any_example_came_twice():
    """Then the training loss is nearly that on new data, and the sentence says so."""
    torch.manual_seed(2)
    x = torch.randn(6000, 12)
    y = x[:, :1] + torch.randn(6000, 1)
    net = nn.Linear(12, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watching(True, budget=0.1) as seen:
        for start in range(0, 5120, 64):
            loss = F.mse_loss(net(x[start : start + 64]), y[start : start + 64])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert "Hardly any example came twice" in seen.diagnosis.sentence, seen.diagnosis.text()


def test_the_optimiser_of_an_earlier_training_is_none_of_this_one():
    """A backbone that it has trained and that is frozen now is frozen deliberately."""
    torch.manual_seed(0)
    x, y = torch.randn(256, 20), torch.randint(3, (256,))
    backbone = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
    head = nn.Linear(32, 3)
    first = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=1e-3)
    for _ in range(5):
        first.zero_grad()
        nn.functional.cross_entropy(head(backbone(x)), y).backward()
        first.step()
    for p in backbone.parameters():
        p.requires_grad_(False)
    model = nn.Sequential(backbone, nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model[1].parameters(), lr=2e-3)
    with watching(True, budget=0.1) as seen:
        for _ in range(STEPS):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert "frozen_layer" not in [cause.id for cause in seen.diagnosis.causes]


def test_examples_that_are_drawn_in_the_step_are_no_missing_inputs():
    """PyTorch's own example of a regression: each batch is made of random numbers."""
    torch.manual_seed(0)
    layer = nn.Linear(3, 1)
    with watching(True, budget=0.1) as seen:
        for _ in range(STEPS):
            x = torch.cat([torch.randn(32).unsqueeze(1) ** k for k in range(1, 4)], 1)
            loss = nn.functional.smooth_l1_loss(layer(x), x @ torch.ones(3, 1) + 0.5)
            layer.zero_grad()
            loss.backward()
            for p in layer.parameters():
                p.data.add_(-0.1 * p.grad)
            seen.step(loss)
    assert "inputs_ignored" not in [cause.id for cause in seen.diagnosis.causes]


def test_a_validation_behind_each_update_takes_back_no_weights():
    """It is reported before its step is, which began with the weights of the one before."""
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    y = x @ torch.ones(3, 1)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with watching(True, budget=0.1) as seen:
        for _ in range(STEPS):
            loss = F.mse_loss(net(x[:32]), y[:32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                seen.validate(F.mse_loss(net(x[32:]), y[32:]))
            seen.step(loss)
    assert not seen.diagnosis.causes, seen.diagnosis.text()
    assert "Hardly any example" not in seen.diagnosis.sentence


@pytest.mark.parametrize(("threshold", "alike"), [(0, True), (0.5, False)])
def test_logits_that_are_compared_with_zero_need_no_sigmoid(threshold, alike):
    """The loss takes one, as that of Dice does; above a half it would be missing."""
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = (x[:, :1] > 0.3).float()
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    with watching(True, budget=0.0) as seen:
        for _ in range(STEPS):
            shares = net(x).sigmoid()
            loss = 1 - 2 * (shares * y).sum() / (shares.sum() + y.sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    with seen.using(), torch.no_grad():
        (net(x).squeeze(1) > threshold).sum()
    found = [cause.id for cause in seen.diagnosis.causes]
    assert ("train_eval_mismatch" not in found) is alike, seen.diagnosis.text()


def test_a_far_higher_loss_after_the_same_step_is_on_other_data():
    """As of a task that comes next; one that is about as high counts."""
    seen = watcher.LoopWatcher()
    seen.validate(0.01)
    seen.validate(4.6)
    seen.validate(0.02)
    assert [loss for _, loss in seen.validations] == [0.01, 0.02]
