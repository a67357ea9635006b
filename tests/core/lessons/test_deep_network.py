"""The deep networks of lesson 3, and how much gradient their first layer gets."""

from core.lessons.pair_history import gradient_ratios
from core.lessons.pair_settings import NetworkSettings
from tests.core.lessons.pairs import SIGMOID, SMALL, trained


def test_networks_of_one_seed_begin_with_the_same_numbers(names):
    """Only their gains differ: the gradient of the last layers is of the same random numbers."""
    first, second, _ = trained(SMALL, SMALL.replace({"depth": 5}), names)
    assert first.info.layers[1].parameters == second.info.layers[1].parameters
    seen = [history.first.layers for history in (first, second)]
    assert seen[0][0].weight_std == seen[1][0].weight_std
    assert seen[0][1].weight_std == seen[1][1].weight_std
    assert seen[0][-1].weight_std == seen[1][-1].weight_std


def test_ten_sigmoids_have_a_vanishing_gradient_and_batch_norm_fixes_it(names):
    """Less than 1/100,000 arrives, with batch norm about as much as at the end."""
    plain, normed, _ = trained(SIGMOID, SIGMOID.replace({"norm": "batch"}), names)
    assert plain.gradient_ratio < 1e-5
    assert 0.5 < normed.gradient_ratio < 5
    shares = gradient_ratios(plain.first)
    assert len(shares) == 10
    assert shares[-1] == 1.0
    assert list(shares) == sorted(shares)


def test_residual_connections_carry_the_gradient_past_small_weights(names):
    """With a gain of 0.5 a 500th arrives, with skip connections more than at the end."""
    small = NetworkSettings(gain=0.5, steps=1)
    without, around, _ = trained(small, small.replace({"residual": True}), names)
    assert without.gradient_ratio < 0.01
    assert around.gradient_ratio > 1


def test_layer_norm_keeps_the_gradient_of_a_tanh(names):
    """Layer norm has parameters, which are trained."""
    small = NetworkSettings(gain=0.5, steps=1)
    normed, plain, _ = trained(small.replace({"norm": "layer"}), small, names)
    assert normed.gradient_ratio > 100 * plain.gradient_ratio
    assert normed.info.layers[1].parameters == 30 * 100 + 200
    assert plain.info.layers[1].parameters == 30 * 100 + 100
