"""The gradient check against finite differences."""

import pytest

from bench.expressions import errors, generated
from core.expressions.finite_differences import TOLERANCE
from core.expressions.presets import PRESETS
from tests.core.expressions.helpers import lab_of


@pytest.mark.parametrize("seed", range(0, 1000, 25))
def test_gradients_agree_with_finite_differences(seed):
    """In double, to 1e-5, for every number of a generated expression."""
    found, _ = errors(generated(seed))
    assert max(found) <= TOLERANCE


def test_a_wrong_gradient_would_be_seen():
    """The check is no formality: a gradient that is a thousandth off does not agree."""
    lab = lab_of(PRESETS["neuron"].text)
    leaf = lab.graph.names["w"]
    assert lab.check(leaf).agrees
    lab._gradients[leaf] = lab._gradients[leaf] * 1.001
    assert not lab.check(leaf).agrees


def test_a_kink_is_no_mistake():
    """At 0, relu and abs have a slope on either side, and the check says so."""
    assert lab_of("a = 0\nrelu(a)").check(0).kink.all()
    assert lab_of("a = 0\nabs(a)").check(0).kink.all()
    check = lab_of("a = 0\nb = 1\nb * a**2").check(0)
    assert check.agrees and not check.kink.any()
