"""Nodes explained in sentences with their numbers."""

from core.expressions.explanations import explain_backward, explain_forward
from core.expressions.presets import PRESETS
from tests.core.expressions.helpers import LECTURE, lab_of


def test_a_node_is_explained_with_its_numbers():
    """Forward the arithmetic, backward local derivative times upstream gradient."""
    lab = lab_of(LECTURE)
    first, last = lab.graph.forward[0], lab.graph.root
    assert explain_forward(lab, first) == "**Forward: a × b.** 2 × (−3) = −6."
    words = explain_backward(lab, first)
    assert "To a: local derivative −3, times −2 = **6**." in words
    assert "The backward pass begins here" in explain_backward(lab, last)
    noisy = lab_of(PRESETS["noise"].text.replace("0.3*noise()", "noise()"))
    words = [explain_backward(noisy, index) for index in noisy.graph.backward]
    assert any("The noise receives no gradient" in sentence for sentence in words)
    for preset in PRESETS.values():
        lab = lab_of(preset.text)
        assert all(explain_forward(lab, index) for index in lab.graph.forward)
        assert all(explain_backward(lab, index) for index in lab.graph.backward)
