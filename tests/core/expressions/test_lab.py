"""An expression in training: gradient steps, noise, numbers set by hand."""

import numpy as np
import pytest

from core.errors import UserError
from core.expressions.lab import DIVERGED
from core.expressions.presets import PRESETS
from core.expressions.tokens import ExpressionError
from tests.core.expressions.helpers import lab_of


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_lowers_its_loss(name):
    """With its own learning rate."""
    preset = PRESETS[name]
    lab = lab_of(preset.text)
    for _ in range(60):
        lab.gradient_step(preset.rate)
    losses = lab.losses.y
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


def test_noise_is_resampled_at_every_step_and_has_no_gradient():
    """It has no gradient; frozen it stays, and the same seed draws the same."""
    text = "a = 2\nn = noise(3)\nmean(a * n)"
    lab, other = lab_of(text, seed=5), lab_of(text, seed=5)
    noise = lab.graph.names["n"]
    drawn = []
    for _ in range(3):
        drawn.append(lab.values[noise].tolist())
        assert drawn[-1] == other.values[noise].tolist()
        lab.gradient_step(0.1), other.gradient_step(0.1)
    assert drawn[0] != drawn[1] != drawn[2]
    assert noise not in lab.gradients
    lab.frozen = True
    before = lab.values[noise].tolist()
    lab.gradient_step(0.1)
    lab.resample()
    assert lab.values[noise].tolist() == before
    assert lab.check(lab.graph.names["a"]).agrees


def test_a_step_that_diverges_changes_nothing():
    """A step too far is refused with a sentence, and nothing is lost."""
    lab = lab_of("a = 3\na**4")
    with pytest.raises(UserError) as caught:
        for _ in range(20):
            lab.gradient_step(10.0)
    assert str(caught.value).startswith(f"{DIVERGED} Line 2, character 1: ")
    assert np.isfinite(lab.loss)
    lab.start_over()
    assert (lab.step, lab.loss) == (0, 81)


def test_nothing_to_learn_is_said():
    """Descent without a learned number is refused with what to do."""
    with pytest.raises(UserError, match="give a name a plain number"):
        lab_of("data(2) * 3").gradient_step(0.1)


def test_a_number_set_by_hand_is_computed_with():
    """Or refused where it can't be, and then all stays."""
    lab = lab_of("a = [1, 2]\nsum(log(a))")
    lab.set_number(0, 1, 4.0)
    assert lab.loss == pytest.approx(np.log(4))
    with pytest.raises(ExpressionError):
        lab.set_number(0, 0, -1.0)
    assert lab.loss == pytest.approx(np.log(4))


def test_the_net_answers_for_other_points():
    """A named value is asked for points that it was not given."""
    lab = lab_of(PRESETS["moons"].text)
    x, out = lab.graph.names["x"], lab.graph.names["out"]
    answers = lab.predict("out", "x", lab.values[x][:7])
    np.testing.assert_allclose(answers.ravel(), lab.values[out].ravel()[:7])
    with pytest.raises(UserError):
        lab.predict("loss", "x", lab.values[x][:7])
