"""Loops over tables of numbers and categories: the cause stands first; as meant, there is none."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from core import watch

ROWS, COLUMNS, KINDS, STEPS = 1200, 4, 6, 30


class Table(Dataset):
    """Numbers, a category and a label of each row, as a program's own data set."""

    def __init__(self, numbers, kinds, labels):
        self.numbers, self.kinds, self.labels = numbers, kinds, labels

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, row):
        return self.numbers[row], self.kinds[row], self.labels[row]


class Net(nn.Module):
    """Numbers beside an embedding that is as wide as they are, on either side."""

    def __init__(self, columns=COLUMNS, first=True):
        super().__init__()
        self.kind = nn.Embedding(KINDS, columns)
        self.hidden, self.out = nn.Linear(2 * columns, 32), nn.Linear(32, 1)
        self.first = first

    def forward(self, numbers, kinds):
        parts = [numbers, self.kind(kinds)]
        joined = torch.cat(parts if self.first else parts[::-1], 1)
        return self.out(self.hidden(joined).relu()).squeeze(1)


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


def rows(size=1.0, columns=COLUMNS):
    """Numbers, categories, and labels that depend on both."""
    numbers, kinds = torch.randn(ROWS, columns), torch.randint(0, KINDS, (ROWS,))
    labels = (numbers[:, 0] + kinds - 2.5 > 0).float()
    return size * numbers, kinds, labels


def train(table, net, after=lambda: None, valid_set=None, shuffle=True):
    """Train for some steps on a table; ``valid_set`` is for validation."""
    train_loader = DataLoader(table, 64, shuffle=shuffle)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(2):
            for numbers, kinds, labels in train_loader:
                loss = F.binary_cross_entropy_with_logits(net(numbers, kinds), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            if valid_set is not None:
                seen.validate(loss)
    with seen.using(), torch.no_grad():
        after()
    return seen.diagnosis


def first(diagnosis):
    """The first cause; ""."""
    return diagnosis.causes[0].id if diagnosis.causes else ""


@pytest.mark.parametrize(("size", "cause"), [(1.0, ""), (2e4, "inputs_not_normalised")])
def test_numbers_beside_categories_are_inputs(size, cause):
    """What is looked up for a category is not all that goes in."""
    assert first(train(Table(*rows(size)), Net())) == cause


@pytest.mark.parametrize("numbers_first", [True, False])
@pytest.mark.parametrize(("size", "cause"), [(1.0, ""), (50.0, "train_eval_mismatch")])
def test_a_table_that_is_not_scaled_where_it_is_used(numbers_first, size, cause):
    """On whichever side of the embedding the numbers stand."""
    numbers, kinds, labels = rows()
    net = Net(first=numbers_first)
    found = train(Table(numbers, kinds, labels), net, lambda: net(size * numbers, kinds))
    assert first(found) == cause


@pytest.mark.parametrize(
    ("right", "cause"), [(0.99, "future_leak"), (0.85, "")], ids=["filled in", "a good hint"]
)
def test_a_column_that_gives_the_label_away(right, cause):
    """Filled in once it was known; a column that only says much of it is a feature."""
    numbers, kinds, labels = rows()
    wrong = torch.rand(ROWS) > right
    column = torch.where(wrong, 1 - labels, labels)[:, None]
    net = Net(COLUMNS + 1)
    assert first(train(Table(torch.cat([numbers, column], 1), kinds, labels), net)) == cause


def test_a_table_of_bits_may_be_decided_by_one():
    """Where nothing else is in it, that is the task."""
    numbers, kinds, _ = rows()
    bits = (numbers > 0).float()
    assert not first(train(Table(bits, kinds, bits[:, 0]), Net()))


@pytest.mark.parametrize(("begin", "cause"), [(0, ""), (400, "data_overlap")])
def test_rows_of_a_few_numbers_that_are_validated_too(begin, cause):
    """They are told apart by numbers that hardly occur twice."""
    every = rows()
    trained = Table(*(t[:800] for t in every))
    order = torch.randperm(400)
    validated = Table(*(t[800 - begin : 1200 - begin][order] for t in every))
    assert first(train(trained, Net(), valid_set=validated)) == cause


@pytest.mark.parametrize(("shuffled", "cause"), [(True, ""), (False, "not_shuffled")])
def test_two_classes_in_order(shuffled, cause):
    """Labels of a binary loss are real numbers, and in order all the same."""
    numbers, kinds, labels = rows()
    order = labels.argsort()
    table = Table(numbers[order], kinds[order], labels[order])
    assert first(train(table, Net(), shuffle=shuffled)) == cause


@pytest.mark.parametrize(("whole", "cause"), [(True, "data_overlap"), (False, "")])
def test_a_loader_of_the_whole_data_set(whole, cause):
    """A part of a part is validated; the whole set may stand in a variable, and not be drawn."""
    x = torch.randn(ROWS, 3)
    data = TensorDataset(x, (x[:, 0] > 0).long())
    train_set, rest = Subset(data, range(800)), Subset(data, range(800, ROWS))
    val_set = Subset(rest, range(100))
    train_loader = DataLoader(data if whole else train_set, 64, shuffle=True)
    val_loader = DataLoader(val_set, 100)
    net = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for inputs, labels in train_loader:
            loss = F.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
        seen.validate(sum(F.cross_entropy(net(a), b) for a, b in val_loader).item())
    assert first(seen.diagnosis) == cause


@pytest.mark.parametrize(("every", "zeroed"), [(4, True), (4, False), (3, False)])
def test_gradients_that_are_accumulated_and_never_zeroed(every, zeroed):
    """The step behind an update shows it, and that is observed where updates are rare."""
    numbers = rows()[0]
    labels = (numbers[:, 0] > 0).float()  # of what the network sees: others would be noisy
    net = nn.Linear(COLUMNS, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for n in range(STEPS):
            i = torch.randint(0, ROWS, (32,))
            loss = F.binary_cross_entropy_with_logits(net(numbers[i])[:, 0], labels[i])
            (loss / every).backward()
            if n % every == every - 1:
                optimizer.step()
                if zeroed:
                    optimizer.zero_grad()
            seen.step(loss)
    assert first(seen.diagnosis) == ("" if zeroed else "gradients_not_zeroed")


@pytest.mark.parametrize(("mode", "cause"), [(True, "train_eval_mismatch"), (False, "")])
def test_losses_of_an_evaluation_may_be_averaged_outside_of_no_grad(mode, cause):
    """What is learned from is made of no evaluation all the same."""
    numbers, _, _ = rows()
    labels = (numbers[:, 0] > 0).float()
    net = nn.Sequential(nn.Linear(COLUMNS, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _epoch in range(5):
            net.train()
            for i in torch.randperm(800).split(100):
                loss = F.binary_cross_entropy_with_logits(net(numbers[i])[:, 0], labels[i])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen.step(loss)
            net.train(mode)
            with torch.no_grad():
                outputs = [net(numbers[800:])[:, 0] for _ in range(2)]
            both = torch.stack(outputs).mean(0)
            seen.validate(F.binary_cross_entropy_with_logits(both, labels[800:]))
    assert first(seen.diagnosis) == cause
