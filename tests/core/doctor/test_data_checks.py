"""What the data shows by itself: how often an example is met again."""

import math

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, random_split

from core import watch
from core.doctor.experiments.data_checks import _predictability, visits
from core.doctor.experiments.overlaps import _pieces_overlap, copied_rows, overlap, shifted_windows


def drawn(count, rows=64, batches=24, columns=16):
    """Batches of rows that are drawn from so many."""
    g = torch.Generator().manual_seed(0)
    every = torch.randn(count, columns, generator=g)
    return [
        ((every[torch.randint(0, count, (rows,), generator=g)],), torch.zeros(rows))
        for _ in range(batches)
    ]


@pytest.mark.parametrize("count", [100, 2000, 20_000])
def test_visits_are_estimated_by_how_many_of_the_kept_are_the_same(count):
    """64 rows a step: after 500 steps each was met 32,000 / count times."""
    assert visits(drawn(count), 500) == pytest.approx(64 * 500 / count, rel=0.3)
    assert visits(drawn(count), 500, surely=True) == pytest.approx(64 * 500 / count, rel=0.3)


def test_what_is_new_each_time_is_met_seldom():
    """How seldom can be said only as well as the kept rows allow; of a few rows it is not known."""
    fresh = [((torch.randn(64, 16),), torch.zeros(64)) for _ in range(24)]
    assert visits(fresh, 500) < 0.1 < visits(fresh[:4], 500) < visits(fresh[:4], 50_000)
    assert visits(fresh[:4], 50_000, surely=True) == 0.0
    assert math.isnan(visits(fresh[:2], 500))
    assert math.isnan(visits([((torch.arange(192.0).view(64, 3),), torch.zeros(64))] * 24, 500))


@pytest.mark.parametrize("count", [100, 2000])
def test_a_single_real_number_tells_examples_apart(count):
    """As a point on a curve: to be equal by chance it has too many digits."""
    assert visits(drawn(count, columns=1), 500) == pytest.approx(64 * 500 / count, rel=0.3)
    assert visits(drawn(10**7, columns=2)[:24], 500) < 0.1


def test_stretches_of_a_text_are_the_same_where_they_overlap():
    """Rows of tokens start anywhere, so that hardly two of them are equal as a whole."""
    g = torch.Generator().manual_seed(1)
    batches = {}
    for length in (3000, 3_000_000):
        text = torch.randint(0, 30, (length,), generator=g)
        batches[length] = [
            ((torch.stack([text[i : i + 40] for i in starts]),), torch.zeros(16, 40))
            for starts in (torch.randint(0, length - 40, (16,), generator=g) for _ in range(20))
        ]
    assert visits(batches[3000], 100) > 10 > 1 > visits(batches[3_000_000], 100)


def test_the_same_targets_row_for_row_are_the_same_examples():
    """As where a whole data set is a batch, with dropout or noise in its inputs."""
    targets = torch.arange(64) % 3
    noisy = [((torch.randn(64, 16),), targets) for _ in range(24)]
    assert visits(noisy, 500) == 500


def test_what_stands_anywhere_in_a_picture_is_seen():
    """Stripes across or down, at a random place: neighbours by their pixels tell nothing."""
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (300,), generator=g)
    pictures = 0.1 * torch.randn(300, 1, 32, 32, generator=g)
    for picture, label in zip(pictures[:, 0], labels.tolist(), strict=True):
        x, y = torch.randint(0, 22, (2,), generator=g).tolist()
        (picture.T if label else picture)[y : y + 10 : 2, x : x + 10] += 1
    assert _predictability(pictures, labels)["predictability"] > 0.5
    shuffled = labels[torch.randperm(300, generator=g)]
    assert _predictability(pictures, shuffled)["predictability"] < 0.1


LABELS = {
    "a place": lambda rows: rows[:, 0] % 3,
    "a count": lambda rows: (rows == 1).sum(1) - (rows == 2).sum(1) > 0,
}


@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_tokens_are_seen_at_any_place_and_by_counts(labels):
    """The first token of sixteen, or of which there are more."""
    rows = torch.randint(0, 6, (3000, 16), generator=torch.Generator().manual_seed(0))
    assert _predictability(rows, LABELS[labels](rows).long())["predictability"] > 0.2


def test_labels_of_tokens_together_are_not_judged_where_these_are_drawn():
    """A sum of two numbers depends on neither alone; in a text each letter tells of the next."""
    g = torch.Generator().manual_seed(0)
    pairs = torch.randint(0, 11, (4000, 2), generator=g)
    found = _predictability(pairs, pairs.sum(1) % 11)
    assert found["independent_tokens"] and found["predictability"] < 0.02
    text = (torch.randint(0, 11, (4000, 1), generator=g) + 3 * torch.arange(4)) % 11
    assert "independent_tokens" not in _predictability(text, torch.randint(0, 5, (4000,)))


def test_a_guess_spreads_over_the_labels_and_not_over_the_tokens():
    """Else any table of few rows would beat a guess that has 27 answers where there are two."""
    g = torch.Generator().manual_seed(0)
    rows = (torch.randint(0, 13, (140, 1), generator=g) + 3 * torch.arange(6)) % 13 + 13
    found = _predictability(rows, torch.randint(0, 2, (140,), generator=g))
    assert found["predictability"] < 0.02


@pytest.mark.parametrize(
    ("letters", "beyond", "told"), [(50, 0, True), (50, 40, False), (2, 0, False)]
)
def test_pieces_of_an_evaluation_come_from_other_text(letters, beyond, told):
    """All of them are in the text of training, in which few occur twice."""
    numbers = torch.Generator().manual_seed(0)
    text = torch.randint(letters, (3000,), generator=numbers)
    starts = torch.randint(2900, (100,), generator=numbers)
    pieces = torch.stack([text[at : at + 8] for at in starts.tolist()])
    pieces[:beyond] = torch.randint(letters, (beyond, 8), generator=numbers)
    found = _pieces_overlap(text, [pieces[:50], pieces[50:]])
    assert (found.get("overlap") == 1.0) is told


def split(rows):
    """Return the rows of a random three quarters, and the others."""
    places = torch.randperm(len(rows), generator=torch.Generator().manual_seed(3))
    return rows[places[len(rows) // 4 :]], rows[places[: len(rows) // 4]]


@pytest.mark.parametrize("columns", [2, 20])
def test_rows_that_are_repeated_before_they_are_split(columns):
    """Of 2,500 rows 700 are copies of a hundred others: they are in both parts."""
    rows = torch.randn(2000, columns, generator=torch.Generator().manual_seed(2))
    again = torch.cat([rows, rows[torch.arange(700) % 100]])
    assert copied_rows(*split(again)) == pytest.approx(0.3, abs=0.03)
    assert copied_rows(*split(rows)) == 0.0
    train, new = split(rows)  # repeated behind the split
    assert copied_rows(torch.cat([train, train[:500]]), new) == 0.0


@pytest.mark.parametrize("repeated", [True, False])
def test_a_data_set_whose_rows_are_repeated_before_random_split(repeated):
    """Its parts have different places in it, and the same examples."""
    x = torch.randn(400, 6)
    x = torch.cat([x, x[:50], x[:50]]) if repeated else x
    every = TensorDataset(x, x.sum(1, keepdim=True))
    part, val_set = random_split(every, [0.75, 0.25])
    loader = DataLoader(part, 32, shuffle=True)
    net = torch.nn.Linear(6, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.5) as seen:
        for _ in range(2):
            for rows, sums in loader:
                loss = torch.nn.functional.mse_loss(net(rows), sums)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    causes = [cause.id for cause in seen.diagnosis.causes]
    assert len(val_set) and ("data_overlap" in causes) is repeated, seen.diagnosis.text()


def test_training_data_that_is_named_after_what_it_holds():
    """Positions and velocities are no validation data; what is named so beside them may be."""
    xv, x_test = torch.randn(400, 6), torch.randn(100, 6)
    forces = xv.sum(1, keepdim=True)
    net = torch.nn.Linear(6, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.5) as seen:
        for _ in range(40):
            i = torch.randint(0, len(xv), (32,))
            loss = torch.nn.functional.mse_loss(net(xv[i]), forces[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    (check,) = (check for check in seen.diagnosis.checks if check.id == "data_overlap")
    assert check.passed and "x_test" in check.measured, check
    assert len(x_test)


@pytest.mark.parametrize("noise", [0.1, 0.0])
def test_inputs_of_few_values_that_come_again_in_validation_data(noise):
    """Whose targets differ are examples of their own; where all is equal, they are not new."""

    def draw(count):
        a, b = torch.randint(0, 30, (2, count)).float() / 30
        x = torch.stack([a, b, a + b, a - b, a * b, a * a, b * b, (a - b) ** 2, (a + b) ** 2], 1)
        return x, torch.sin(6 * a * b)[:, None] + noise * torch.randn(count, 1)

    x_train, y_train = draw(1000)
    x_val, y_val = draw(300)
    net = torch.nn.Linear(9, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(40):
            i = torch.randint(0, len(x_train), (32,))
            loss = torch.nn.functional.mse_loss(net(x_train[i]), y_train[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert len(x_val) == len(y_val)
    causes = [cause.id for cause in seen.diagnosis.causes]
    assert ("data_overlap" in causes) is (noise == 0.0), seen.diagnosis.text()


SPLITS = {
    "rows of training": lambda rows: (rows[:300], rows[200:300]),
    "copies of some": lambda rows: (rows[:300], rows[200:300].clone()),
    "other rows": lambda rows: (rows[:300], rows[300:]),
    "rows that are never drawn": lambda rows: (rows, rows[300:]),
    "copies of these": lambda rows: (rows, rows[300:].clone()),
}


@pytest.mark.parametrize("split", SPLITS)
def test_rows_of_tokens_of_which_the_next_ones_are_asked_for(split):
    """The network is given all columns but the last: whole rows are what they were split by."""
    data, val = SPLITS[split](torch.randint(0, 9, (400, 13)))
    net = torch.nn.Sequential(torch.nn.Embedding(9, 8), torch.nn.Linear(8, 9))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(60):
            rows = data[torch.randint(0, 300, (32,))]
            logits = net(rows[:, :-1]).reshape(-1, 9)
            loss = torch.nn.functional.cross_entropy(logits, rows[:, 1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert len(val) == 100
    (check,) = (check for check in seen.diagnosis.checks if check.id == "data_overlap")
    apart = split not in ("rows of training", "copies of some")
    assert (check.passed is not False) is apart, check


def test_examples_that_are_validated_on_and_not_seen():
    """That none were found would not be so."""
    net = torch.nn.Linear(6, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(20):
            loss = net(torch.randn(32, 6)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            seen.validate(0.5)
    (check,) = (check for check in seen.diagnosis.checks if check.id == "data_overlap")
    assert check.passed is None and "validated on" in check.measured


class Windows(Dataset):
    """Windows of a series that begin in a part of it; the set holds all of the series."""

    def __init__(self, series, begins):
        self.series, self.begins = series, begins

    def __len__(self):
        return len(self.begins)

    def __getitem__(self, place):
        at = self.begins[place]
        return self.series[at : at + 12], self.series[at + 12]


@pytest.mark.parametrize("apart", [True, False])
def test_sets_that_hold_one_series_may_take_other_windows_of_it(apart):
    """As before a day and behind it."""
    series = torch.randn(500).cumsum(0)
    begins = range(400)
    train_set = Windows(series.clone(), begins)
    val_set = Windows(series.clone(), range(412, 480) if apart else begins)
    loader, val_loader = DataLoader(train_set, 40, shuffle=True), DataLoader(val_set, 60)
    net = torch.nn.Linear(12, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(4):
            for x, y in loader:
                loss = torch.nn.functional.mse_loss(net(x)[:, 0], y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    assert len(val_loader)
    causes = [cause.id for cause in seen.diagnosis.causes]
    assert ("data_overlap" in causes) is not apart, seen.diagnosis.text()


ARRAYS = {
    "copied": lambda table: table[:100],
    "copied backwards": lambda table: table[:100][::-1],
    "others": lambda table: np.random.default_rng(1).normal(size=(100, 9)),
    "never drawn": lambda table: table[390:],
    "of other shape": lambda table: table[:100].reshape(100, 3, 3),
}


@pytest.mark.parametrize("held", list(ARRAYS))
def test_validation_data_may_be_an_array_of_numpy(held):
    """It becomes a tensor only where the network is asked; what no batch has is new."""
    table = np.random.default_rng(0).normal(size=(400, 9))
    X_va = ARRAYS[held](table)  # noqa: N806
    x = torch.tensor(table, dtype=torch.float32)
    net = torch.nn.Linear(9, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(20):
            rows = x[torch.randint(0, 300, (4,))]
            loss = (net(rows) - rows[:, :1]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert len(X_va)
    causes = [cause.id for cause in seen.diagnosis.causes]
    assert ("data_overlap" in causes) is held.startswith("copied"), seen.diagnosis.text()


@pytest.mark.parametrize("at_random", [True, False])
@pytest.mark.parametrize("features", [0, 2])
def test_windows_of_a_series_are_split_by_time(at_random, features):
    """At random, nearly each one has a neighbour that is learned from."""
    series = torch.randn(500, *[features] * bool(features)).cumsum(0)
    windows = torch.stack([series[i : i + 12] for i in range(460)])
    aims = torch.stack([series[i + 14].mean() for i in range(460)])
    everything = TensorDataset(windows, aims)
    if at_random:
        train_set, val_set = random_split(everything, [400, 60])
    else:
        train_set, val_set = (Subset(everything, range(a, b)) for a, b in ((0, 400), (400, 460)))
    loader, val_loader = DataLoader(train_set, 40, shuffle=True), DataLoader(val_set, 60)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12 * max(1, features), 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(4):
            for x, y in loader:
                loss = torch.nn.functional.mse_loss(net(x)[:, 0], y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
    assert len(val_loader) == 1
    causes = [cause.id for cause in seen.diagnosis.causes]
    assert ("data_overlap" in causes) is at_random, seen.diagnosis.text()


def test_places_that_are_one_hot_are_no_windows():
    """Of each there is one a place apart."""
    places = torch.eye(40)
    assert shifted_windows(places[:30], places[30:]) == 0.0
    series = torch.arange(60.0).sin()
    windows = series.unfold(0, 12, 1)
    assert shifted_windows(windows[::2], windows[1::2]) == 1.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_rows_of_bits_are_no_windows_that_are_shifted(dtype):
    """Of all rows of ten bits each one has its neighbours by chance."""
    rows = ((torch.arange(1024)[:, None] >> torch.arange(10)) & 1)[torch.randperm(1024)].to(dtype)
    assert math.isnan(shifted_windows(rows[:824], rows[824:]))
    windows = torch.randn(1033).unfold(0, 10, 1)[torch.randperm(1024)]
    assert shifted_windows(windows[:824], windows[824:]) > 0.9


def tables():
    """Yield tables in which rows are equal by themselves."""
    g = torch.Generator().manual_seed(4)
    bits = torch.randint(0, 2, (2000, 8), generator=g).float()
    yield bits
    yield (bits - bits.mean(0)) / bits.std(0)
    yield (
        torch.nn.functional.one_hot(torch.randint(0, 300, (2000, 2), generator=g)).flatten(1) * 1.0
    )
    yield torch.cartesian_prod(torch.linspace(0, 1, 40), torch.linspace(0, 1, 40)).repeat(2, 1)
    yield torch.randn(500, 1, generator=g).repeat(4, 1)
    empty = torch.randn(2000, 64, generator=g)
    empty[:900] = 0
    yield empty


@pytest.mark.parametrize("table", list(tables()))
def test_rows_that_are_equal_by_themselves_are_no_copies(table):
    """Truth tables, categories, points of a grid, one column, pictures that are empty."""
    found = copied_rows(*split(table))
    assert math.isnan(found) or found == 0.0


def test_rows_of_few_digits_are_found_again():
    """NumPy has no such type."""
    torch.manual_seed(0)
    rows = torch.randn(300, 12).bfloat16()
    new = torch.randn(100, 12).bfloat16()
    assert overlap(rows, rows[100:200]) == copied_rows(rows, rows[100:200]) == 1.0
    assert overlap(rows, new) == copied_rows(rows, new) == 0.0
    moved = torch.cat([rows[:, 1:], new[:1].expand(300, -1)[:, :1]], 1)
    assert shifted_windows(rows, moved) == 1.0 and shifted_windows(rows, new) == 0.0


@pytest.mark.parametrize("form", ["bfloat16", "sparse", "sparse validation"])
def test_validation_data_of_another_form(form):
    """What can't be searched in a variable is searched where it is evaluated, or that is said."""
    torch.manual_seed(0)
    x, y = torch.randn(400, 16), torch.randn(400, 1)
    if form == "bfloat16":
        x = x.bfloat16()
    x_val, y_val = x[200:], y[200:]
    if "sparse" in form:
        x_val = x_val.to_sparse()
    if form == "sparse":
        x = x.to_sparse()
    net = torch.nn.Linear(16, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for step in range(80):
            i = torch.randint(0, 400, (64,))
            batch = x.index_select(0, i)
            out = torch.sparse.mm(batch, net.weight.T) if form == "sparse" else net(batch.float())
            loss = (out - y[i]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
            if step % 10 == 9 and form != "sparse":
                with torch.no_grad():
                    given = x_val.to_dense().float() if "sparse" in form else x_val.float()
                    seen.validate((net(given) - y_val).square().mean())
    (check,) = (check for check in seen.diagnosis.checks if check.id == "data_overlap")
    assert check.passed is False if form != "sparse" else check.passed is None, check.measured
    assert form != "sparse" or "sparse" in check.measured
