"""What the data shows by itself: how often an example is met again."""

import math

import pytest
import torch

from core.doctor.experiments.data_checks import visits


def drawn(count, rows=64, batches=24, columns=16):
    """Batches of rows that are drawn from so many."""
    g = torch.Generator().manual_seed(0)
    every = torch.randn(count, columns, generator=g)
    return [
        ((every[torch.randint(0, count, (rows,), generator=g)],), torch.zeros(rows))
        for _ in range(batches)
    ]


@pytest.mark.parametrize("count", [2000, 20_000])
def test_visits_are_estimated_by_how_many_of_the_kept_are_the_same(count):
    """64 rows a step: after 500 steps each was met 32,000 / count times."""
    assert visits(drawn(count), 500) == pytest.approx(64 * 500 / count, rel=0.3)


def test_what_is_new_each_time_is_met_seldom():
    """How seldom can be said only as well as the kept rows allow; of a few rows it is not known."""
    fresh = [((torch.randn(64, 16),), torch.zeros(64)) for _ in range(24)]
    assert visits(fresh, 500) < 0.1 < visits(fresh[:4], 500) < visits(fresh[:4], 50_000)
    assert math.isnan(visits(fresh[:2], 500))
    assert math.isnan(visits([((torch.randn(64, 3),), torch.zeros(64))] * 24, 500))


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
