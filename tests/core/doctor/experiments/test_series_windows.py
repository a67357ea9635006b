"""Windows that data sets of a program's own cut from one series."""

from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from core import watch
from core.doctor.experiments.series_windows import _some, overlapping_windows
from core.doctor.watch.recorder import TapeRecorder
from core.doctor.watch.variables import Variables

LENGTH = 16
SERIES = torch.randn(900, generator=torch.Generator().manual_seed(0)).cumsum(0)
ORDER = torch.randperm(800, generator=torch.Generator().manual_seed(1)).tolist()


class Windows(Dataset):
    """Windows that begin at some places; the set holds all of the series."""

    def __init__(self, series, begins):
        self.series, self.begins = series, begins

    def __len__(self):
        return len(self.begins)

    def __getitem__(self, place):
        at = self.begins[place]
        return self.series[at : at + LENGTH], self.series[at + LENGTH]


class Ended(Windows):
    """Windows that end at some places."""

    def __getitem__(self, place):
        at = self.begins[place]
        return self.series[at - LENGTH : at], self.series[at]


class Strided(Dataset):
    """Windows that begin at each fourth place of what the set holds."""

    def __init__(self, series):
        self.series, self.stride = series, 4

    def __len__(self):
        return (len(self.series) - LENGTH) // self.stride

    def __getitem__(self, place):
        at = place * self.stride
        return self.series[at : at + LENGTH], self.series[at + LENGTH]


def found(train, other, name="val_loader", asked=(), **further):
    """Compare two sets, of which one is learned from."""
    some = range(0, len(train), 9)
    rows = torch.stack([torch.as_tensor(train[place][0] * 1).float() for place in some])
    replay = SimpleNamespace(batches=[((rows,), torch.zeros(len(rows)))])
    sets = {"loader": train, name: other, **further}
    return overlapping_windows(replay, Variables(datasets=sets), asked)


def at_random(kind=Windows, series=SERIES, behind=0):
    """Return two sets of windows that are split at random."""
    return [kind(series, [at + behind for at in some]) for some in (ORDER[:640], ORDER[640:])]


REPEATED = torch.arange(900) * 7 % 31 % 11 * 1.0


OVERLAPPING = {
    "at random": lambda: at_random(),
    "of an array": lambda: at_random(series=SERIES.double().numpy()),
    "of an array backwards": lambda: at_random(series=SERIES.double().numpy()[::-1]),
    "of half precision": lambda: at_random(series=SERIES.bfloat16()),
    "of whole numbers": lambda: at_random(series=REPEATED),
    "by where they end": lambda: at_random(Ended, behind=LENGTH),
    "of one set": lambda: [
        Subset(Windows(SERIES, range(800)), some) for some in (ORDER[:640], ORDER[640:])
    ],
    "strided": lambda: [Subset(Strided(SERIES), list(range(n, 220, 2))) for n in (0, 1)],
    "begun too early": lambda: [Windows(SERIES, range(600)), Windows(SERIES, range(500, 800))],
    "of a part": lambda: [Windows(SERIES[:600], range(580)), Windows(SERIES[500:], range(300))],
    "of copies": lambda: [
        Windows(SERIES[:600] * 1, range(580)),
        Windows(SERIES[500:] * 1, range(300)),
    ],
}


@pytest.mark.parametrize("way", OVERLAPPING)
def test_windows_of_one_series_that_are_in_both_parts(way):
    """However a set says where they begin."""
    assert "both are cut from one series" in found(*OVERLAPPING[way]())["windows"]


APART = {
    "behind": lambda: [Windows(SERIES, range(600)), Windows(SERIES, range(600 + LENGTH, 800))],
    "next to": lambda: [
        Windows(SERIES, range(600 - LENGTH)),
        Windows(SERIES, range(600 - LENGTH, 800)),
    ],
    "a few": lambda: [
        Windows(SERIES, range(600 - LENGTH)),
        Windows(SERIES, range(600 - LENGTH, 620)),
    ],
    "in blocks": lambda: [
        Windows(SERIES, [at for at in range(800) if at // 80 % 5 != 3]),
        Windows(SERIES, [at for at in range(800) if at // 80 % 5 == 3]),
    ],
    "of two halves": lambda: [
        Windows(SERIES[:600], range(580)),
        Windows(SERIES[600 - LENGTH :], range(80)),
    ],
}


@pytest.mark.parametrize("way", APART)
def test_windows_of_another_time_may_reach_into_the_training_data(way):
    """What came before is known when something is to be predicted."""
    result = found(*APART[way]())
    assert result["overlap"] <= 0.01 and "windows" not in result


def test_other_series_and_other_ways_to_make_examples_are_not_compared():
    """Nor is a set from which none of the rows of batches is cut."""
    train, new = at_random()
    assert found(train, Windows(SERIES.flip(0), range(300))) == {}
    assert found(train, Strided(SERIES)) == {}
    train.series = torch.randn(900)  # no rows of it were seen
    rows = torch.stack([new[place][0] for place in range(40)])
    replay = SimpleNamespace(batches=[((rows,), torch.zeros(40))])
    sets = {"loader": train, "val_loader": Windows(train.series, range(100))}
    assert overlapping_windows(replay, Variables(datasets=sets), ()) == {}


@pytest.mark.parametrize("name", ["val_loader", "late"])
def test_of_a_series_that_repeats_itself_it_is_not_known_where_windows_are(name):
    """It was cut in two, and each part has windows that are equal to those of the other one."""
    early, late = REPEATED[:600] * 1, REPEATED[600:] * 1
    assert found(Windows(early, range(580)), Windows(late, range(280)), name) == {}


def test_windows_that_a_network_turns_channels_first():
    """As a convolution is given them."""
    train, new = at_random(series=torch.randn(900, 2))
    rows = torch.stack([train[place][0].T for place in range(0, 640, 9)])
    replay = SimpleNamespace(batches=[((rows,), torch.zeros(len(rows)))])
    sets = {"loader": train, "val_loader": new}
    assert overlapping_windows(replay, Variables(datasets=sets), ())["windows"]


def test_windows_of_one_number_alone_are_not_looked_for():
    """They stand nearly everywhere in a series that is mostly zero."""
    series = (torch.rand(3000) < 0.002).float()
    train, new = (Windows(series, range(n, 2900, 2)) for n in (0, 1))
    rows = torch.stack([train[place][0] for place in range(len(train))])
    assert (_some([rows]) > 0).any(1).all() and found(train, new)["windows"]


def test_a_set_without_a_name_is_known_by_what_the_network_was_evaluated_on():
    """Of several it is not known which one is to validate; one that is learned from may show it."""
    train, late = at_random()
    rows = torch.stack([late[place][0] for place in range(60)])
    assert found(train, late, "late", [rows])["windows"]
    assert found(train, late, "late", [torch.randn(60, LENGTH), rows.flatten(1)])["windows"]
    assert found(train, late, "late") == {}
    assert found(train, late, "late", [rows], all_of_it=Windows(SERIES, range(800))) == {}
    learned = Windows(SERIES, ORDER[:100])
    rows = torch.stack([learned[place][0] for place in range(60)])
    assert found(train, learned, "late", [rows]) == {}


def test_the_smallest_set_is_the_one_that_is_learned_from():
    """All of the data, which is split further, may have a loader of its own."""
    train, new = APART["behind"]()
    assert "windows" not in found(train, new, everything=Windows(SERIES, range(800)))


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_a_recurrent_network_that_is_evaluated_on_windows(apart, beside):
    """No name tells what is to validate: the windows are known by what the network is given."""
    early, late = APART["behind"]() if apart else at_random()
    dl_early, dl_late = DataLoader(early, 64, shuffle=True), DataLoader(late, 200)
    gru, out = torch.nn.GRU(1, 4, batch_first=True), torch.nn.Linear(4, 1)
    network = torch.nn.ModuleList([gru, out])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def loss_of(x, y):
        return torch.nn.functional.mse_loss(out(gru(x[..., None])[0][:, -1])[:, 0], y)

    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(4):
            for x, y in dl_early:
                loss = loss_of(x, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            with torch.no_grad():
                for x, y in () if beside else dl_late:
                    seen.validate(loss_of(x, y))
            if beside:  # as where a program does so between two statements
                with TapeRecorder(training=False) as recorder, torch.no_grad():
                    loss_of(*next(iter(dl_late)))
                seen._loop.watcher.take_use(recorder.tape, None)
    (check,) = (check for check in seen.diagnosis.checks if check.id == "data_overlap")
    assert "dl_late" in check.measured and check.passed is apart and len(network) == 2
