"""Tokens out of logits, without any text."""

import math
from itertools import pairwise

import pytest
import torch

from core.errors import UserError
from core.sampling import Sampling, generate

LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0]])


class Table:
    """Says after each token what a row of a table says; remembers the last token."""

    def __init__(self, logits):
        self.logits = logits
        self.read_tokens = 0

    def read(self, tokens, memory=None):
        """Look up the last token."""
        self.read_tokens += tokens.numel()
        return self.logits[tokens[:, -1]], tokens[:, -1:]


def test_at_temperature_one_the_shares_are_the_networks():
    """Nothing is changed."""
    torch.testing.assert_close(Sampling().shares(LOGITS), LOGITS.softmax(-1))


def test_a_low_temperature_takes_the_likeliest():
    """And a tiny one does not overflow."""
    assert Sampling(0.1).shares(LOGITS)[0, 0] > 0.999
    assert Sampling(1e-50).shares(LOGITS).tolist() == [[1.0, 0.0, 0.0, 0.0]]


def test_top_k_and_top_p_leave_the_rest_out():
    """Only the k likeliest; only those that together reach the share, one at least."""
    assert (Sampling(top_k=2).shares(LOGITS) > 0).tolist() == [[True, True, False, False]]
    assert (Sampling(top_k=99).shares(LOGITS) > 0).all()
    kept = Sampling(top_p=0.7).shares(LOGITS)
    assert (kept > 0).tolist() == [[True, True, False, False]]
    assert kept.sum() == pytest.approx(1.0)
    assert (Sampling(top_p=0.01).shares(LOGITS) > 0).sum() == 1


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_temperature_is_refused(temperature):
    """With a sentence that says what it must be."""
    with pytest.raises(UserError, match="above zero"):
        Sampling(temperature)


def test_an_impossible_cut_is_refused():
    """No letter left, or no share."""
    for wrong in ({"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}, {"top_p": math.nan}):
        with pytest.raises(UserError):
            Sampling(**wrong)


def test_sequences_end_where_they_end():
    """Each stops at its end token, is filled up with it, and is read once."""
    table = Table(torch.tensor([[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [0.0, 9.0, 0.0]]))
    start = torch.ones(50, 1, dtype=torch.int64)
    made, chances = generate(table, start, Sampling(), torch.Generator().manual_seed(3), 0, 30)
    for row, chance in zip(made.tolist(), chances.tolist(), strict=True):
        end = row.index(0)
        assert set(row[end:]) == {0}
        pairs = list(pairwise(row[: end + 1]))
        told = sum(float(table.logits[a].log_softmax(-1)[b]) for a, b in pairs)
        assert chance == pytest.approx(told, abs=1e-4)
    assert table.read_tokens == int((made != 0).sum())


def test_the_same_seed_draws_the_same():
    """Another one does not."""
    table, start = Table(torch.zeros(5, 5)), torch.ones(20, 1, dtype=torch.int64)

    def draw(seed):
        return generate(table, start, Sampling(), torch.Generator().manual_seed(seed), 0, 20)[0]

    assert torch.equal(draw(1), draw(1))
    first, second = draw(1), draw(2)
    assert first.shape != second.shape or not torch.equal(first, second)


def test_what_never_ends_is_cut():
    """After as many tokens as were allowed."""
    table = Table(torch.tensor([[9.0, 0.0], [-99.0, 0.0]]))
    start = torch.ones(3, 1, dtype=torch.int64)
    made, _ = generate(table, start, Sampling(), torch.Generator(), 0, 7)
    assert made.shape == (3, 8) and (made == 1).all()
