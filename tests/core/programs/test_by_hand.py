"""What a program changes by hand, without a backward pass, is named."""

import pytest

from core.programs.by_hand import changed_by_hand, nothing_seen
from core.programs.program import cell_of


def names(source):
    """What is found in a script."""
    return [one.name for one in changed_by_hand([cell_of(source, "a.py")])]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("w += lr * x", ["w"]),
        ("self.w -= self.learning_rate * x.mean(0)", ["self.w"]),
        ("theta = theta + alpha / n * (r[:, None] * eps).sum(0)", ["theta"]),
        ("w.data.add_(x, alpha=lr)", ["w"]),
        ("w.sub_(lr * x)", ["w"]),
        ("v[k] = mu * v[k] - self.lr * g[k]", ["v[k]"]),
        ("total += loss", []),
        ("count = count + 1", []),
        ("lr = 0.5 * lr", []),
        ("y = x + lr * z", []),
    ],
)
def test_what_a_learning_rate_moves_is_found(statement, found):
    """A counter, a sum or a schedule is none; nor is what stands outside of a loop."""
    assert names(f"for i in range(9):\n    {statement}\n") == found
    assert names(f"{statement}\n") == []


def test_it_says_what_learns_and_where():
    """Each once, in the order of the lines; in a notebook with the cell."""
    cell = cell_of("def step():\n    b += lr * y\n    a += lr * x\n    a += lr * x\n", "cell", 3)
    words = nothing_seen(changed_by_hand([cell]))
    assert "What learns here is b and a, changed by hand (cell 3, line 2)" in words
    assert nothing_seen([]).endswith("has a backward pass on a tensor.")
