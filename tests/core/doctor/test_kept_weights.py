"""Weights that are kept while a loop trains, and loaded again: by reference, or as they were."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor.watch import state_dicts
from core.doctor.watch.state_dicts import StateDicts, original_of
from core.programs.instrument import CodePlace
from core.programs.monitor import Monitor


class Task:
    """Rows and quantities, a network, its optimiser, and a second network as large."""

    def __init__(self):
        self.x = torch.randn(64, 8)
        self.y = self.x[:, :1].sin()
        self.network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
        self.other = copy.deepcopy(self.network)
        self.optimizer = torch.optim.Adam(self.network.parameters())

    def step(self):
        """Do a step, and return its loss."""
        loss = F.mse_loss(self.network(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss


def saved(state):
    """Return a state dict as it is read from a file."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


def as_it_is(state):
    """Return it."""
    return state


KEPT = [
    (as_it_is, True),
    (dict, True),
    (lambda state: {"epoch": 3, "model": state}["model"], True),
    (lambda state: {name: value.cpu() for name, value in state.items()}, True),
    (copy.deepcopy, False),
    (saved, False),
    (lambda state: {name: value.clone() for name, value in state.items()}, False),
    (lambda state: {**state, "2.bias": torch.zeros(1)}, False),
]


@pytest.mark.parametrize(("keep", "in_vain"), KEPT)
def test_weights_that_are_kept_and_loaded_behind_further_steps(keep, in_vain):
    """A dict that holds them, or what .cpu() returns on a CPU, is no copy."""
    task = Task()
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(6):
            seen.step(task.step())
            if step == 2:
                best = keep(task.network.state_dict())
        task.network.load_state_dict(best)
    causes = seen.diagnosis.causes
    assert ("weights_not_copied" in [cause.id for cause in causes]) is in_vain
    if in_vain:
        assert "3 steps before" in causes[0].evidence
        assert [line.text[:4] for line in causes[0].lines] == ["best", "task"]


@pytest.mark.parametrize("idiom", ["at once", "into another", "of an average", "written into"])
def test_state_dicts_that_share_their_weights_for_a_reason(idiom):
    """Another network follows by them, or they are what is written into."""
    task = Task()
    ours, others = task.network.state_dict(), task.other.state_dict()
    methods = nn.Module.state_dict, nn.Module.load_state_dict
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(6):
            seen.step(task.step())
            if idiom == "at once":
                task.network.load_state_dict(task.network.state_dict())
            if idiom == "into another":
                task.other.load_state_dict(ours)
            if idiom == "of an average":
                for name, value in others.items():
                    value.lerp_(ours[name], 0.1)
                task.other.load_state_dict(others)
            if idiom == "written into" and step % 3 == 2:
                ours = task.network.state_dict()
                ours["0.weight"].mul_(0.9)
                task.network.load_state_dict(ours)
    assert "weights_not_copied" not in [cause.id for cause in seen.diagnosis.causes]
    assert (nn.Module.state_dict, nn.Module.load_state_dict) == methods


@pytest.mark.parametrize("last", [0, 1])
def test_methods_of_torch_are_its_own_whichever_is_closed_last(last):
    """As of two threads that watch a training each."""
    methods = nn.Module.state_dict, nn.Module.load_state_dict
    both = [StateDicts(lambda: 0, print) for _ in range(2)]
    for one in both:
        one.open()
    for one in (both[1 - last], both[last]):
        assert (nn.Module.state_dict, nn.Module.load_state_dict) != methods
        one.close()
    assert (nn.Module.state_dict, nn.Module.load_state_dict) == methods


def test_a_program_is_told_when_it_loads_them_behind_its_loop():
    """The diagnosis of the loop is made anew; methods of torch are its own again at the end."""
    from core.doctor.watch_loop import WatchedLoop

    def loop():
        return WatchedLoop(record=False, budget=0.0, unedited=True)

    task, torchs = Task(), nn.Module.state_dict
    monitor = Monitor([CodePlace("a.py", None, 1)], loop, 60.0, lambda: None)
    with monitor.training(0):
        for step in range(6):
            monitor.root(task.step())
            monitor.step(0)
            if step == 2:
                best = task.network.state_dict()
    (training,) = monitor.trainings
    assert not training.loop.diagnosis.causes
    task.network.load_state_dict(best)
    assert [cause.id for cause in training.loop.diagnosis.causes] == ["weights_not_copied"]
    monitor.finish()
    assert nn.Module.state_dict is torchs


def test_first_weights_that_are_to_come_back_for_each_fold():
    """They are kept before anything is trained."""
    from core.doctor.watch_loop import WatchedLoop

    def loop():
        return WatchedLoop(record=False, budget=0.0, unedited=True)

    task, places = Task(), [CodePlace("a.py", None, n) for n in (1, 2)]
    monitor = Monitor(places, loop, 60.0, lambda: None)
    with monitor.use(1):
        first = task.network.state_dict()
    for _ in range(2):
        task.network.load_state_dict(first)
        with monitor.training(0):
            for _ in range(6):
                monitor.root(task.step())
                monitor.step(0)
    monitor.finish()
    causes = [[c.id for c in training.loop.diagnosis.causes] for training in monitor.trainings]
    assert causes == [["weights_not_copied"], []]


def test_a_network_without_numbers_has_state_dicts_too(caplog):
    """As one that is made on the device meta, to be filled from a file."""
    told = []
    followed = StateDicts(lambda: 0, told.append)
    followed.open()
    try:
        empty, full = nn.Linear(3, 2, device="meta"), nn.Linear(3, 2)
        empty.state_dict()
        kept = full.state_dict()
        full.load_state_dict(empty.state_dict(), assign=True)
        empty.load_state_dict(kept, assign=True)
    finally:
        followed.close()
    assert not told and not caplog.records


@pytest.fixture
def followed():
    """State dicts that are followed in a loop of 1,000 steps."""
    found = StateDicts(lambda: 1000, lambda told: None)
    found.open()
    yield found
    found.close()


def test_each_network_of_a_checkpoint_is_known_when_it_is_loaded(followed):
    """Such as an encoder and a decoder, which are kept in one step."""
    parts = [nn.Linear(3, 2), nn.Linear(2, 3)]
    kept = [part.state_dict() for part in parts]
    anew = [nn.Linear(3, 2), nn.Linear(2, 3)]
    for part, state in zip(anew, kept, strict=True):
        part.load_state_dict(state)
    for part, own in zip(anew, parts, strict=True):
        assert original_of(part.weight)[0] is own.weight


def test_a_network_that_is_given_its_own_weights_again_costs_nothing(followed, monkeypatch):
    """As in each step of a training that looks around and comes back."""
    net = nn.Linear(3, 2)
    kept = copy.deepcopy(net.state_dict())
    summed = []
    monkeypatch.setattr(state_dicts, "_sums", lambda values: summed.append(values) or (0.0, 0.0))
    net.load_state_dict(kept)
    assert not summed and original_of(net.weight) == (None, None)
