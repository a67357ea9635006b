"""Categories that are encoded by targets: before the data was split, or of training rows alone."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch
from core.doctor.experiments.encoded_targets import HOLDS, MORE, _encoded, _miss

ROWS, TRAINED, CITIES = 900, 600, 40
CITY = torch.arange(ROWS) * 7919 % CITIES
"""Of each row; all have some rows in both parts."""


def means(of, values):
    """The mean of values for each city, of some rows."""
    return torch.stack([values[of][CITY[of] == city].mean() for city in range(CITIES)])


def before_the_split(price):
    """Each row's own target is in it, and those of the validation data."""
    return means(torch.arange(ROWS), price)[CITY]


def standardised(price):
    """The same in another scale."""
    values = before_the_split(price)
    return (values - values.mean()) / values.std()


def smoothed(price):
    """With the mean of all rows, added three times."""
    sums, counts = torch.zeros(CITIES).index_add(0, CITY, price), torch.bincount(CITY)
    return ((sums + 3 * price.mean()) / (counts + 3))[CITY]


def smoothed_over_training_rows(price):
    """The same as it may be done."""
    sums = torch.zeros(CITIES).index_add(0, CITY[:TRAINED], price[:TRAINED])
    counts = torch.bincount(CITY[:TRAINED], minlength=CITIES)
    return ((sums + 3 * price[:TRAINED].mean()) / (counts + 3))[CITY]


def of_training_rows(price):
    """As it may be done."""
    return means(torch.arange(TRAINED), price)[CITY]


def of_another_quantity(price):
    """A city's own, which tells its price as well as can be."""
    return means(torch.arange(ROWS), price + 0.1 * torch.randn(ROWS))[CITY]


def frequency(price):
    """How many rows it has."""
    return torch.bincount(CITY, minlength=CITIES)[CITY].float()


@pytest.mark.parametrize("keeps_all", [False, True], ids=["parts", "all in variables"])
@pytest.mark.parametrize("classes", [False, True], ids=["regression", "two classes"])
@pytest.mark.parametrize(
    ("encode", "faulty"),
    [
        (before_the_split, True),
        (standardised, True),
        (smoothed, True),
        (smoothed_over_training_rows, False),
        (of_training_rows, False),
        (of_another_quantity, False),
        (frequency, False),
    ],
)
def test_the_mean_target_of_a_category(encode, faulty, classes, keeps_all):
    """Where validation targets are in it, these are known before they are predicted."""
    torch.manual_seed(0)
    others = torch.randn(ROWS, 4)
    price = 0.3 * torch.randn(CITIES)[CITY] + others[:, 0] + 0.5 * torch.randn(ROWS)
    price = (price > 0).float() if classes else price
    table = torch.cat([others, encode(price)[:, None]], 1)
    x, y = table[:TRAINED].clone(), price[:TRAINED].clone()
    if keeps_all:
        inputs, targets = table, price
    else:
        x_val, y_val = table[TRAINED:].clone(), price[TRAINED:].clone()
    del table, price
    criterion = F.binary_cross_entropy_with_logits if classes else F.mse_loss
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    with watch(quiet=True, record=False, budget=0.0) as seen:
        for _ in range(30):
            i = torch.randint(0, TRAINED, (50,))
            loss = criterion(net(x[i])[:, 0], y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    (found,) = (check for check in seen.diagnosis.checks if check.id == "future_leak")
    assert (found.passed is False) is faulty, found.measured
    assert not faulty or "column 4" in found.measured
    assert len(inputs if keeps_all else x_val) == len(
        targets if keeps_all else y_val
    )  # still there


@pytest.mark.parametrize("of_all", [True, False])
def test_a_mean_target_of_many_categories_of_few_rows(of_all):
    """With many equal values: where targets are of two classes, few sums and counts differ."""
    shop = torch.randint(0, 1500, (9000,))
    right = (torch.rand(1500)[shop] > torch.rand(9000)).float()
    some = slice(None) if of_all else slice(6000)
    sums = torch.zeros(1500).index_add(0, shop[some], right[some])
    rate = ((sums + right.mean()) / (torch.bincount(shop[some], minlength=1500) + 1))[shop]
    table = (rate[:, None] - rate.mean()) / rate.std()
    everywhere, trained = _encoded(table, right, 0), _encoded(table[:6000], right[:6000], 0)
    assert (everywhere > HOLDS and everywhere > MORE * trained) is of_all


def test_values_of_equal_targets_are_no_encoding():
    """As of a pixel that is mostly dark, and that one or two digits alone light up."""
    digit = torch.randint(0, 10, (4000,)).float()
    lit = (digit > 7) & (torch.rand(4000) < 0.03)
    pixel = torch.where(lit, torch.randint(1, 256, (4000,)), 0)[:, None] / 255
    assert len(pixel.unique()) > 15 and _encoded(pixel, digit, 0) < 0.1


@pytest.mark.parametrize("missing", ["value", "target"])
def test_what_is_missing_ends_no_check(missing):
    """A line through numbers that are not known is none."""
    values, aims = torch.arange(40.0)[:, None] % 10, torch.randn(40)
    (values if missing == "value" else aims)[3] = math.nan
    assert math.isnan(_miss(values, aims, 0))
