"""What a watched program calls while it runs."""

import functools
import io
import logging
import math
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from core.doctor.diagnosis import CUT_SHORT
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.watcher import LoopWatcher
from core.doctor.watch_loop import WatchedLoop
from core.programs.instrument import CodePlace
from core.programs.monitor import POINTS, Monitor, Training, _guarded
from core.runs.loop_record import read_record


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


@pytest.mark.parametrize("parts", [1, 5])
def test_in_quiet_steps_nothing_is_missed(monkeypatch, parts):
    """The same steps are observed, and the same losses and rates kept, as where each is asked.

    Here with validations, with gradients that are accumulated, and with a network that is made
    anew.
    """

    def trained():
        torch.manual_seed(0)
        loop = WatchedLoop(record=False, budget=0.0)
        loop.begin(sys._getframe())
        for k in range(600):
            if k % 250 == 0:
                net = nn.Linear(4, 1)
                adam = torch.optim.Adam(net.parameters(), lr=1e-3)
            loss = net(torch.randn(8, 4)).square().mean()
            loss.backward()
            if k % parts == 0:
                adam.step()
                adam.zero_grad()
            adam.param_groups[0]["lr"] = 1e-3 / (1 + k)
            if k % 37 == 36:
                loop.validate(loss.item())
            loop.step(loss, sys._getframe())
        loop.watcher.stop_recording()
        return loop.watcher

    def known(watcher):
        steps, losses = watcher.losses()
        observed = [seen.step for seen in watcher.observations]
        return observed, watcher.rates, watcher.earlier, steps.tolist(), losses.tolist()

    monkeypatch.setattr("core.doctor.watch.watcher.THINNED_FROM", 100)
    quiet = known(trained())
    monkeypatch.setattr(LoopWatcher, "_next_busy_step", lambda watcher: watcher.count)
    assert known(trained()) == quiet
    assert quiet[2] == [250, 250]
    assert len(quiet[0]) > 5


def test_what_fails_in_it_raises_nothing_where_standard_error_is_closed(monkeypatch):
    """Logging itself fails there."""
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    log = logging.getLogger("glassbox")
    monkeypatch.setattr(log, "handlers", [logging.StreamHandler(stream)])
    monkeypatch.setattr(log, "propagate", False)
    _guarded(int, "a fault of ours")


@pytest.mark.parametrize(
    ("part", "used"), [("the generator", 1), ("the critic", 1), ("a layer of it", 0)]
)
def test_a_network_of_several_may_be_used_alone(part, used):
    """What a generator draws is a use of the training; a layer that is looked at is none."""
    generator = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    critic = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    adam = torch.optim.Adam([*generator.parameters(), *critic.parameters()])
    loop = WatchedLoop(record=False, budget=0.0)
    training = Training(CodePlace("a.py", None, 1), loop, math.inf)
    training.resume(sys._getframe())
    for _ in range(3):
        loss = critic(generator(torch.randn(16, 4))).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        loop.step(loss, sys._getframe())
    training.suspend()
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        if part == "a layer of it":
            generator[0](torch.randn(16, 4))
        else:
            generator(torch.randn(9, 4)) if "gen" in part else critic(torch.randn(9, 2))
    assert loop.take_use(recorder.tape, sys._getframe()) == used


def test_weights_that_are_pruned_are_not_used():
    """Masks are drawn from all of them, and nothing goes through the network."""
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    adam = torch.optim.Adam(net.parameters())
    loop = WatchedLoop(record=False, budget=0.0)
    training = Training(CodePlace("a.py", None, 1), loop, math.inf)
    training.resume(sys._getframe())
    for _ in range(3):
        loss = net(torch.randn(16, 4)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        loop.step(loss, sys._getframe())
    training.suspend()
    with TapeRecorder(training=False) as recorder:
        matrices = [(layer, "weight") for layer in net if isinstance(layer, nn.Linear)]
        prune.global_unstructured(matrices, prune.L1Unstructured, amount=0.5)
    assert not loop.take_use(recorder.tape, sys._getframe())
    with TapeRecorder(training=False) as recorder, torch.no_grad():
        net(torch.randn(5, 4))
    assert loop.take_use(recorder.tape, sys._getframe())


def test_a_use_is_looked_for_until_there_is_one(monkeypatch):
    """As in every fifth epoch: not counted is a time when nothing was done there."""
    monitor = Monitor([CodePlace("a.py", None, 1)], WatchedLoop, math.inf, lambda: None)
    monitor.trainings.append(Training(CodePlace("a.py", None, 1), WatchedLoop(), math.inf))
    seen = []
    monkeypatch.setattr(monitor, "used", lambda tape, *_: seen.append(len(tape.ops)))
    for epoch in range(25):
        with monitor.use(0):
            if epoch % 5 == 4:
                torch.ones(3).sum()
    monitor.finish()
    assert len(seen) >= 3 and all(seen)


@pytest.mark.parametrize(("divided", "expected"), [(True, 2.0), (False, 3.0)])
def test_the_loss_of_a_step_that_accumulates_gradients_is_the_sum_of_its_parts(divided, expected):
    """Each is divided by their number: the sum is as large as a loss on new data."""
    place, w = CodePlace("a.py", None, 1), torch.ones(1, requires_grad=True)

    def watched():
        return WatchedLoop((w,), record=False, budget=0.0)

    monitor = Monitor([place], watched, math.inf, lambda: None)
    with monitor.training(0):
        for _ in range(4):
            for size in (1.0, 3.0):
                loss = (w * size).sum()
                loss = loss / 2 if divided else loss
                monitor.root(loss).backward()
            w.grad = None
            monitor.step(0)
    monitor.finish()
    (training,) = monitor.trainings
    assert training.loop.watcher.losses()[1].tolist() == [expected] * 4


@pytest.mark.parametrize(("times", "kept"), [(40, 0), (4, 6)])
def test_the_loss_of_a_long_rollout_is_no_validation(times, kept):
    """Its errors add up, as where a differential equation is solved much further than in a step."""
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    adam = torch.optim.Adam(net.parameters())
    place = CodePlace("a.py", None, 1)

    def watched():
        return WatchedLoop((net,), record=False, budget=0.0)

    monitor = Monitor([place, place], watched, math.inf, lambda: None)

    def rolled_out(times):
        state = states
        for _ in range(times):
            state = state + 0.1 * net(state)
        return F.mse_loss(state, states.flip(0))

    states = torch.randn(20, 2)
    with monitor.training(0):
        for _ in range(6):
            loss = rolled_out(3)
            adam.zero_grad()
            monitor.root(loss).backward()
            adam.step()
            monitor.step(0)
            with monitor.use(1), torch.no_grad():
                monitor.evaluated(monitor.noted(), rolled_out(times))
    monitor.finish()
    (training,) = monitor.trainings
    assert len(training.loop.watcher.validations) == kept


def test_what_is_measured_later_with_the_same_weights_is_no_validation():
    """As a baseline behind the last one; after a further step it is one."""
    loop = WatchedLoop(record=False, budget=0.0)
    training = Training(CodePlace("a.py", None, 1), loop, math.inf)
    for values in ([2.0, 4.0], [9.0]):
        training.evaluated = values
        training.validated()
    loop.step(1.0, sys._getframe())
    training.suspend()
    training.evaluated = [2.5]
    training.validated()
    assert loop.watcher.validations == [(0, 3.0), (1, 2.5)] and training.validations == 2


class Looked(list):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


def test_a_validation_in_each_step_takes_as_long_however_many_there_were():
    """Those before it are gone through behind the training alone, and shown are not all of them."""
    loop = WatchedLoop(record=False, budget=0.0)
    training = Training(CodePlace("a.py", None, 1), loop, math.inf)
    loop.watcher.validations = Looked()
    for step in range(POINTS + 50):
        loop.step(1.0, None)
        training.evaluated = [float(step)]
        training.validated()
    assert len(loop.watcher.validations) == POINTS + 50 and not loop.watcher.validations.times
    shown = training.seen()["validations"]
    assert len(shown) <= POINTS and shown[:2] == [[1, 0.0], [3, 2.0]]


def test_losses_that_one_function_differentiates_are_not_parts_of_one():
    """A function of the program's own is given an actor's and a critic's, both weighted."""
    place, w = CodePlace("a.py", None, 1), torch.ones(1, requires_grad=True)
    monitor = Monitor(
        [place], lambda: WatchedLoop((w,), record=False, budget=0.0), math.inf, lambda: None
    )

    def backward(loss):
        monitor.root(loss).backward()

    with monitor.training(0):
        for _ in range(4):
            backward(0.5 * (w * 100.0).sum())
            backward(2.0 * w.sum())
            w.grad = None
            monitor.step(0)
    monitor.finish()
    (training,) = monitor.trainings
    assert training.loop.watcher.losses()[1].tolist() == [2.0] * 4


def test_what_the_monitor_computes_is_no_operation_of_the_program():
    """It detaches a loss to note it: the place where a graph is cut is never in this file."""
    w = torch.ones(1, requires_grad=True)
    monitor = Monitor(
        [CodePlace("a.py", None, 1)],
        lambda: WatchedLoop((w,), record=False, budget=0.0),
        math.inf,
        lambda: None,
    )
    with monitor.training(0):
        monitor.root((w * 2.0).sum()).backward()
        monitor.step(0)
        with TapeRecorder(training=False) as recorder:
            monitor.evaluated(0, (w * 2.0).sum(), held_out=True)
    monitor.finish()
    assert [op.name for op in recorder.tape.ops] == ["mul", "sum"]


def test_ctrl_c_before_the_first_experiment_leaves_a_record_that_is_whole(tmp_path):
    """As while it is told that a training is examined now: it is judged without experiments."""
    w, told = torch.ones(1, requires_grad=True), []

    def report():
        if monitor.trainings and monitor.trainings[0].examined_for is not None and not told:
            told.append(True)
            raise KeyboardInterrupt

    def watched():
        return WatchedLoop((w,), record=tmp_path / "a.watch.json", unedited=True)

    monitor = Monitor([CodePlace("a.py", None, 1)], watched, math.inf, report)
    with pytest.raises(KeyboardInterrupt), monitor.training(0):
        for _ in range(4):
            monitor.root((w * 2.0).sum()).backward()
            w.grad = None
            monitor.step(0)
    monitor.finish()
    (training,) = monitor.trainings
    assert told and training.loop.ended and training.loop._evidence.is_unedited
    assert read_record(training.loop.file).diagnosis["sentence"].endswith(CUT_SHORT)


@pytest.mark.parametrize(
    ("validated", "last", "is_one"), [(True, 9.0, False), (True, 5.0, True), (False, 9.0, True)]
)
def test_what_costs_far_more_behind_a_training_is_no_validation(validated, last, is_one):
    """But a test of other data, or of another task; else it is the last one, or the only one."""
    loop = WatchedLoop(record=False, budget=0.0)
    training = Training(CodePlace("a.py", None, 1), loop, math.inf)
    for value in (3.0, 1.0):
        loop.step(1.0, sys._getframe())
        training.evaluated = [value] * validated
        training.validated()
    loop.step(1.0, sys._getframe())
    loop.end(None)
    training.evaluated = [last]
    training.validated()
    before = [(1, 3.0), (2, 1.0)] * validated
    assert loop.watcher.validations == before + [(3, last)] * is_one


def test_what_an_earlier_training_had_is_known_to_a_later_one():
    """By its name there, also where it asks for no gradient any more."""
    body, head, x = nn.Linear(3, 4), nn.Linear(4, 2), torch.randn(20, 3)
    places = [CodePlace("a.py", None, line) for line in (1, 2)]
    watched = functools.partial(WatchedLoop, record=False, budget=0.0)
    monitor = Monitor(places, watched, math.inf, lambda: None)

    def train(number, *layers):
        optimizer = torch.optim.SGD([p for one in layers for p in one.parameters()], lr=0.1)
        with monitor.training(number):
            for _ in range(4):
                monitor.root(head(body(x).tanh()).square().mean()).backward()
                optimizer.step()
                optimizer.zero_grad()
                monitor.step(number)

    train(0, body, head)
    body.requires_grad_(False)
    train(1, head)
    monitor.finish()
    first, second = (training.loop.trained_before for training in monitor.trainings)
    assert not first and {"body.weight", "layers[0].weight"} <= second


@pytest.mark.parametrize("later", [True, False])
def test_what_a_later_training_trains_is_not_forgotten_in_an_earlier_one(later):
    """As where a head is trained first, and then all of it."""
    body, head, x = nn.Linear(3, 4), nn.Linear(4, 2), torch.randn(20, 3)
    places = [CodePlace("a.py", None, line) for line in (1, 2)]
    watched = functools.partial(WatchedLoop, record=False, budget=0.0)
    monitor = Monitor(places, watched, math.inf, lambda: None)
    for number, layers in enumerate(([head], [body, head] if later else [head])):
        optimizer = torch.optim.SGD([p for one in layers for p in one.parameters()], lr=0.1)
        with monitor.training(number):
            for _ in range(8):
                loss = (head(body(x).tanh()) - x[:, :2]).square().mean()
                monitor.root(loss).backward()
                optimizer.step()
                optimizer.zero_grad()
                body.zero_grad()
                monitor.step(number)
    monitor.finish()
    first = monitor.trainings[0].loop.diagnosis
    assert ("parameter_not_trained" in [cause.id for cause in first.causes]) is not later


@pytest.mark.parametrize("size", [3.0, 1.0])
def test_a_network_may_be_tried_on_what_it_is_adapted_to_later(size):
    """Its inputs are others there; what no later training learns from is a mismatch."""
    net, x = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)), torch.randn(64, 3)
    places = [CodePlace("a.py", None, line) for line in (1, 2, 3)]
    watched = functools.partial(WatchedLoop, record=False, budget=0.0)
    monitor = Monitor(places, watched, math.inf, lambda: None)

    def train(number, inputs):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        with monitor.training(number):
            for _ in range(8):
                monitor.root((net(inputs) - inputs[:, :1]).square().mean()).backward()
                optimizer.step()
                optimizer.zero_grad()
                monitor.step(number)

    train(0, x)
    with monitor.use(2), torch.no_grad():
        net(3 * x)
    before = [cause.id for cause in monitor.trainings[0].loop.diagnosis.causes]
    train(1, size * x)
    monitor.finish()
    after = [cause.id for cause in monitor.trainings[0].loop.diagnosis.causes]
    assert "train_eval_mismatch" in before
    assert ("train_eval_mismatch" in after) is (size == 1.0)


@pytest.mark.parametrize(("size", "told"), [(9.0, True), (1.0, False)])
def test_a_module_that_was_made_anew_and_loaded_the_weights_is_used(size, told):
    """As from a file; one of other weights is none of this training."""
    net, x = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)), torch.randn(64, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    places = [CodePlace("a.py", None, line) for line in (1, 2)]
    watched = functools.partial(WatchedLoop, record=False, budget=0.0)
    monitor = Monitor(places, watched, math.inf, lambda: None)
    with monitor.training(0):
        for _ in range(8):
            monitor.root((net(x) - x[:, :1]).square().mean()).backward()
            optimizer.step()
            optimizer.zero_grad()
            monitor.step(0)
    kept = io.BytesIO()
    torch.save(net.state_dict(), kept)
    kept.seek(0)
    anew = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    with monitor.use(1), torch.no_grad():
        anew(9 * x)
    assert not monitor.trainings[0].uses
    anew.load_state_dict(torch.load(kept))
    with monitor.use(1), torch.no_grad():
        anew(size * x)
    monitor.finish()
    assert monitor.trainings[0].uses == 1
    causes = [cause.id for cause in monitor.trainings[0].loop.diagnosis.causes]
    assert ("train_eval_mismatch" in causes) is told


@pytest.mark.parametrize(
    ("mode", "weights", "used"),
    [(True, "kept", 1), (False, "kept", 1), (True, "other", 0), (True, "tuned", 0)],
)
def test_the_best_weights_are_used_in_a_module_that_was_made_anew(mode, weights, used):
    """Without eval() that is told; of another network, or trained further, it is none of these."""

    def made():
        parts = (nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        return nn.Sequential(*parts)

    net, x = made(), torch.randn(64, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    places = [CodePlace("a.py", None, line) for line in (1, 2)]
    watched = functools.partial(WatchedLoop, record=False, budget=0.0)
    monitor = Monitor(places, watched, math.inf, lambda: None)
    with monitor.training(0):
        for step in range(8):
            net.train()
            monitor.root((net(x) - x[:, :1]).square().mean()).backward()
            optimizer.step()
            optimizer.zero_grad()
            if step == 4:
                file = io.BytesIO()
                torch.save((net if weights != "other" else made()).state_dict(), file)
            monitor.step(0)
    net.eval()
    file.seek(0)
    anew = made()
    anew.load_state_dict(torch.load(file))
    if weights == "tuned":
        with torch.no_grad():
            anew[0].weight += torch.tensor([0.01, -0.01, 0.0])  # as a softmax's, by nothing in sum
    with monitor.use(1), torch.no_grad():
        anew.train(mode)(x)
    monitor.finish()
    (training,) = monitor.trainings
    assert training.uses == used
    checks = {check.id: check for check in training.loop.diagnosis.checks}
    assert (checks["train_eval_mismatch"].passed is False) is (used == 1 and mode)
    if used and mode:
        cause = next(c for c in training.loop.diagnosis.causes if c.id == "train_eval_mismatch")
        assert "load_state_dict" in cause.lines[0].text and "anew.train" in cause.lines[2].text
