"""Values and gradients in torch."""

import numpy as np
import pytest
import torch

from core.expressions.presets import PRESETS
from tests.core.expressions.helpers import LECTURE, NEURON, lab_of, named


def test_the_lectures_numbers_come_out():
    """Micrograd's two examples have the gradients that are worked out by hand in the lecture."""
    lab = lab_of(LECTURE)
    assert named(lab, "L") == (-8, 1)
    gradients = {name: named(lab, name)[1] for name in "abcf"}
    assert gradients == {"a": 6, "b": -4, "c": -2, "f": 4}
    lab = lab_of(NEURON)
    assert named(lab, "o")[0] == pytest.approx(0.7071, abs=1e-4)
    found = [named(lab, name)[1] for name in ("x1", "w1", "x2", "w2")]
    assert found == pytest.approx([-1.5, 1.0, 0.5, 0.0])


def test_gradients_accumulate_node_by_node():
    """Nodes add up to the gradients of autograd, also where a number is used twice."""
    for text in (*(preset.text for preset in PRESETS.values()), "a = 3\nb = a*a + a\nb*a"):
        lab = lab_of(text)
        whole = lab.partial_gradients(len(lab.graph.backward))
        for index, gradient in lab.gradients.items():
            np.testing.assert_allclose(whole.get(index, 0.0), gradient, atol=1e-12)
    none, first = lab.partial_gradients(0), lab.partial_gradients(1)
    assert list(none) == [lab.graph.root]
    assert set(first) == {lab.graph.root, lab.graph.names["a"], lab.graph.names["b"]}


def test_evaluation_is_in_double():
    """Floats of 32 bits could not be held against finite differences."""
    lab = lab_of("a = 1\na / 3")
    assert lab._values[lab.graph.root].dtype is torch.float64
