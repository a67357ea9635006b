"""The kinds of nodes."""

import pytest

from core.expressions.graph import Kind
from tests.core.expressions.helpers import lab_of, named


def test_names_with_plain_numbers_are_learned_and_data_is_not():
    """The rule of the language, and descent goes by it."""
    lab = lab_of("a = 1\nb = data(2)\nc = -[1, 2]\nd = a*3\nr = randn(2)\na*b + sum(c*r) + d")
    kinds = {name: lab.graph.nodes[index].kind for name, index in lab.graph.names.items()}
    assert kinds == {
        "a": Kind.LEARNED,
        "b": Kind.CONSTANT,
        "c": Kind.LEARNED,
        "d": Kind.RESULT,
        "r": Kind.LEARNED,
    }
    before = {name: named(lab, name) for name in "abc"}
    lab.gradient_step(0.1)
    assert named(lab, "a")[0] == pytest.approx(before["a"][0] - 0.1 * before["a"][1])
    assert named(lab, "b")[0] == before["b"][0]
    assert named(lab, "c")[0] == pytest.approx(
        [v - 0.1 * g for v, g in zip(*before["c"], strict=True)]
    )
