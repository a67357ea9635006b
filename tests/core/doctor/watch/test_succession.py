"""Networks that one loop trains one after another: judged is the best one."""

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from core.doctor.watch.succession import MAX_DOUBTS, MovedParameter, Reached, begins_again
from core.doctor.watch_loop import watch

STEPS, FOLDS = 60, 4
X = torch.randn(80, 4, generator=torch.Generator().manual_seed(1))
Y = (X[:, :1] + X[:, 1:2]).tanh()


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def _fit(seen: watch, net: nn.Sequential, optimizer: torch.optim.Optimizer, fold: int) -> None:
    """Train on what is not in a fold, and validate on that."""
    held_out = torch.arange(len(X)) // 20 == fold
    x_rest, y_rest = X[~held_out], Y[~held_out]
    for _ in range(STEPS):
        rows = torch.randint(0, len(x_rest), (16,))
        loss = (net(x_rest[rows]) - y_rest[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.step(loss)
    with torch.no_grad():
        seen.validate((net(X[held_out]) - Y[held_out]).square().mean())


def _adam(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), 0.01)


def _made_anew(fold: int, before: nn.Sequential) -> nn.Sequential:
    return _net()


def _from_one_seed(fold: int, before: nn.Sequential) -> nn.Sequential:
    torch.manual_seed(3)
    return _net()


def _drawn_anew(fold: int, before: nn.Sequential) -> nn.Sequential:
    for layer in (before[0], before[2]):
        assert isinstance(layer, nn.Linear)
        layer.reset_parameters()
    return before


@pytest.mark.parametrize("make", [_made_anew, _from_one_seed, _drawn_anew])
def test_each_fold_has_a_network_of_its_own(
    make: Callable[[int, nn.Sequential], nn.Sequential],
) -> None:
    """Of one network all is known, and nothing of the others, however the next one is made."""
    net = _from_one_seed(0, _net())
    with watch(quiet=True, record=False, budget=0) as seen:
        for fold in range(FOLDS):
            net = make(fold, net) if fold else net
            _fit(seen, net, _adam(net), fold)
    watcher = seen._loop.watcher
    assert watcher.earlier == [STEPS] * (FOLDS - 1) and watcher.networks == FOLDS
    assert (watcher.count, watcher.total) == (STEPS, FOLDS * STEPS)
    steps, losses = watcher.losses()
    assert list(steps) == list(range(STEPS)) and len(losses) == STEPS
    assert [step for step, _ in watcher.validations] == [STEPS]
    assert watcher.observations[0].step <= 2 and watcher.observations[-1].step > 20
    assert not seen.diagnosis.causes
    assert "4 networks were trained one after another" in seen.diagnosis.sentence


@pytest.mark.parametrize("validates", [True, False])
@pytest.mark.parametrize("rates", [(1e-4, 1e-2, 30.0), (30.0, 1e-4, 1e-2)])
def test_of_a_search_the_best_network_is_judged(rates: tuple[float, ...], validates: bool) -> None:
    """A rate that is too high was tried, and is not what is used: no fault of the program."""
    torch.manual_seed(0)
    made: list[nn.Module] = []
    with watch(quiet=True, record=False, budget=2) as seen:
        for rate in rates:
            net = _net()
            made.append(net)
            optimizer = torch.optim.Adam(net.parameters(), rate)
            for step in range(300):
                rows = torch.randint(0, 60, (16,))
                loss = (net(X[rows]) - Y[rows]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
                if validates and step % 50 == 49:
                    with torch.no_grad():
                        seen.validate((net(X[60:]) - Y[60:]).square().mean())
    found, watcher, best = seen.diagnosis, seen._loop.watcher, rates.index(1e-2)
    assert watcher.graph is not None
    assert any(p is q for p in watcher.graph.tape.parameters for q in made[best].parameters())
    assert {rate for _, rate in watcher.rates} == {1e-2}
    assert watcher.total == 900 and watcher.count == 300 and len(watcher.losses()[0]) == 300
    assert len(watcher.validations) == (6 if validates else 0)
    by = "its lowest loss on new data" if validates else "its training loss"
    assert (
        f"3 networks were trained one after another: judged is the best, number {best + 1}, by {by}"
        in found.sentence
    )
    assert not found.causes, found.text()


def _reached(kind: str = "regression", validation: float = math.nan, loss: float = 1.0) -> Reached:
    return Reached((kind, "mse_loss"), validation, loss)


@pytest.mark.parametrize(
    ("one", "other", "below"),
    [
        (_reached(validation=0.5, loss=2.0), _reached(validation=0.6, loss=1.0), True),
        (_reached(loss=0.5), _reached(loss=1.0), True),
        (_reached(loss=0.5), _reached(loss=math.nan), True),
        (_reached(loss=math.nan), _reached(loss=1.0), False),
        (_reached(validation=0.5), _reached(), False),
        (_reached(loss=0.5), _reached("classification"), False),
        (_reached("adversarial", loss=0.5), _reached("adversarial"), False),
    ],
)
def test_networks_are_compared_by_what_is_known_of_both(
    one: Reached, other: Reached, below: bool
) -> None:
    """Of other losses, and of one with a validation and one without, nothing is said."""
    assert one.is_below(other) is below and not (below and other.is_below(one))


def _kept(fold: int, before: nn.Sequential) -> nn.Sequential:
    return before


@pytest.mark.parametrize("make", [_kept, lambda fold, before: copy.deepcopy(before)])
def test_folds_that_share_a_network_train_one(
    make: Callable[[int, nn.Sequential], nn.Sequential],
) -> None:
    """The leak is found: what it is validated on, it was trained on before."""
    net = _net()
    with watch(quiet=True, record=False, budget=0) as seen:
        for fold in range(FOLDS):
            net = make(fold, net)
            _fit(seen, net, _adam(net), fold)
    assert not seen._loop.watcher.earlier
    assert "data_overlap" in [cause.id for cause in seen.diagnosis.causes]


def test_networks_that_take_turns_are_no_succession() -> None:
    """An ensemble whose members do one step each."""
    nets = [_net() for _ in range(3)]
    optimizers = [_adam(net) for net in nets]
    with watch(quiet=True, record=False, budget=0) as seen:
        for _ in range(30):
            for net, optimizer in zip(nets, optimizers, strict=True):
                loss = (net(X[:16]) - Y[:16]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    assert not seen._loop.watcher.earlier
    assert seen._loop.watcher.count == 90


def _move(parameter: Tensor) -> None:
    with torch.no_grad():
        parameter += 1


def test_it_is_seen_where_a_parameter_stands_still() -> None:
    """The first step without a change may be of another network."""
    parameter, moved = nn.Parameter(torch.zeros(2)), MovedParameter()
    moved.put(parameter)
    for step in range(4):
        _move(parameter)
        moved.look(step)
    assert moved.suspected_at < 0
    moved.look(4)
    moved.look(5)
    assert moved.suspected_at == 4
    moved.settle()
    assert moved.suspected_at < 0


def test_it_is_seen_where_a_parameter_moves_twice() -> None:
    """Once it was seen to be the same network, it is usual."""
    parameter, moved = nn.Parameter(torch.zeros(2)), MovedParameter()
    moved.put(parameter)
    for step in range(MAX_DOUBTS + 2):
        for _ in range(step % 2 + 1):
            _move(parameter)
        moved.look(step)
        assert (moved.suspected_at == step) == (step == 1)
        moved.settle()  # both are usual from now on


def test_weights_begin_again_where_they_come_from_nothing_before() -> None:
    """New ones, or the first ones; those that went on do not."""
    first, last, other = (
        torch.randn(30, generator=torch.Generator().manual_seed(n)) for n in range(3)
    )
    last = first + 0.5 * last
    assert begins_again([other], [first], [last])
    assert begins_again([first], [first], [last])
    assert not begins_again([last + 0.01], [first], [last])


@pytest.mark.parametrize("early", [True, False])
def test_what_is_made_for_each_step_is_no_network(early: bool) -> None:
    """As the perturbation of an attack, of which the network stays as it is.

    It may be made in what is recorded of a step, and asked for its gradient only then.
    """
    net = _net()
    with watch(quiet=True, record=False, budget=0) as seen:
        delta = torch.zeros(16, 4)
        for step in range(60):
            if step % 10 == 0:
                delta = 0.1 * torch.randn(16, 4)
            delta.requires_grad_()
            loss = (net(X[:16] + delta) - Y[:16]).square().mean()
            (slope,) = torch.autograd.grad(loss, delta)
            if early:
                seen.step(loss)
            delta = (delta.detach() + 0.1 * slope.sign()).clamp(-0.3, 0.3)
            if not early:
                seen.step(loss)
    assert not seen._loop.watcher.earlier
    assert seen.diagnosis.training_kind == "optimisation of inputs"
    assert seen.diagnosis.verdict == "unknown" and not seen.diagnosis.causes
