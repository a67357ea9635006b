"""What a loop writes into its own training data."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from core import watch
from core.doctor.watch.data_wiring import overwritten

ROWS = 240


class Points(Dataset):
    """A data set whose rows are no copies, changed in ``__getitem__``."""

    def __init__(self, x, y, change):
        self.x, self.y, self.change = x, y, change

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.change(self.x[i]), self.y[i]


def add_noise(x):
    """Change it in place."""
    x += 0.1 * torch.randn(x.shape)
    return x


def scale(x):
    """Change it in place, in the same way each time."""
    return x.sub_(0.5).div_(2.0)


def erase(x):
    """Write zeros into some places of it."""
    x[torch.rand(x.shape) < 0.1] = 0.0
    return x


def clip(x):
    """Change it in place, once for all."""
    return x.clamp_(-3, 3)


def with_noise(x):
    """Make something new of it."""
    return x + 0.1 * torch.randn(x.shape)


def of_copy(x):
    """Change a copy in place."""
    return add_noise(x.clone())


def causes(batches, epochs=6):
    """Return what is said of a training of some epochs."""
    network = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(epochs):
            for x, y in batches():
                loss = F.cross_entropy(network(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    return [cause.id for cause in seen.diagnosis.causes]


def table():
    """Return some points, and which of their numbers is the largest."""
    x = torch.randn(ROWS, 6)
    return x, x[:, :3].argmax(1)


@pytest.mark.parametrize("by_loader", [False, True])
@pytest.mark.parametrize(
    ("change", "faulty"),
    [
        *((add_noise, True), (scale, True), (erase, True)),
        *((clip, False), (with_noise, False), (of_copy, False)),
    ],
)
def test_a_slice_is_no_copy(change, faulty, by_loader):
    """Nor is one row of a data set. What is the same when it is done again does no harm."""
    x, y = table()
    loader = DataLoader(Points(x, y, change), 24, shuffle=True)

    def slices():
        for i in range(0, ROWS, 24):
            yield change(x[i : i + 24]), y[i : i + 24]

    found = causes(lambda: loader if by_loader else slices())
    assert ("data_overwritten" in found) is faulty, found


def test_picked_rows_are_a_copy():
    """As are those of a random order."""
    x, y = table()
    found = causes(lambda: [(add_noise(x[i]), y[i]) for i in torch.randperm(ROWS).split(24)])
    assert "data_overwritten" not in found, found


@pytest.mark.parametrize(("pick", "told"), [(torch.Tensor.clone, False), (lambda x: x[:48], True)])
def test_a_part_of_picked_rows(pick, told):
    """It is none of the data, but of their copy; a part of a slice is."""
    x, y = table()
    network = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(20):
            part = add_noise(pick(x)[:24])
            loss = F.cross_entropy(network(part), y[:24])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    watcher = seen._loop.watcher
    assert bool(overwritten(watcher.graph, watcher.variables)) is told


def test_a_batch_that_is_written_anew():
    """Into a place that is there for all of them, whole."""
    x, y = table()
    place = torch.zeros(24, 6)

    def batches():
        for i in torch.randperm(ROWS).split(24):
            for row, k in zip(place, i, strict=True):
                row.zero_()
                row += x[k]
            yield place, y[i]

    found = causes(batches)
    assert "data_overwritten" not in found, found


def test_each_example_once():
    """What is left in the data does not come back."""
    x, y = (part.repeat(4, *[1] * (part.dim() - 1)) for part in table())
    x = x + torch.randn(x.shape)
    found = causes(
        lambda: [(add_noise(x[i : i + 24]), y[i : i + 24]) for i in range(0, len(x), 24)], epochs=1
    )
    assert "data_overwritten" not in found, found


@pytest.mark.parametrize("made", [lambda x: x.to_sparse(), lambda x: x.sum()])
def test_what_is_no_table_is_left_alone(made):
    """Numbers that lie nowhere, or a single one, of which a view is taken."""
    x, y = table()
    odd = made(x)

    def batches():
        for i in torch.randperm(ROWS).split(24):
            part = odd[0] if odd.is_sparse else odd[None]
            part *= 1.0
            yield x[i], y[i]

    assert causes(batches) == []


def test_a_layer_that_is_made_in_a_step_is_initialised_in_place():
    """What writes its weights is given them by name."""
    x, net = torch.randn(200, 6), nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(30):
            rows = torch.randint(0, 200, (16,))
            loss = net(nn.Linear(6, 4)(x[rows]).relu()).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert not seen._loop.watcher.problem
