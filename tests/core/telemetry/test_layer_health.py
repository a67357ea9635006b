"""Whether layers are healthy: small made-up stacks, and networks under a probe."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from core.layers import Layer, initialise
from core.telemetry.events import LayerInfo, LayerStats, Snapshot
from core.telemetry.layer_health import (
    DEAD,
    SATURATION,
    check_layers,
    gradient_norm,
    gradient_ratio,
    is_dead,
    is_saturated,
)
from core.telemetry.probes import Probe, describe


def stack(*changes, activation="tanh", step=100, rate_share=1.0, embedding=False, frozen=False):
    """Remarks on equal healthy layers of 100 units, one for each set of changed numbers."""
    infos = [
        LayerInfo(
            f"hidden.{i}", 100, 100, 0, 10_100, activation, False, embedding and i == 0, frozen
        )
        for i in range(len(changes))
    ]
    healthy = {
        "mean": 0.0,
        "std": 0.6,
        "zero": 0.0,
        "saturated": 0.05,
        "dead": 0.0,
        "gradient_std": 1e-3,
        "weight_std": 0.1,
        "gradient_to_weight": 0.01,
        "update_to_data": -3.0,
    }
    none = np.zeros(4)
    layers = tuple(
        LayerStats(none, -1.0, 1.0, gradient_histogram=none, gradient_high=1.0, **healthy | change)
        for change in changes
    )
    return check_layers(infos, Snapshot(step, layers, rate_share))


def grades(remarks):
    """What was remarked on, and whether as a fault."""
    return [(remark.quantity, remark.is_fault) for remark in remarks]


def test_a_healthy_stack_has_no_remark():
    """Three layers like those of the lecture, and no update where no step was made."""
    assert stack({}, {}, {}) == [[], [], []]
    assert stack({"update_to_data": -math.inf}, rate_share=0.0) == [[]]


def test_a_frozen_layer_needs_no_gradient():
    """It is meant to stay as it is, as all but the last blocks of a network that is fine-tuned."""
    still = {"gradient_to_weight": 0.0, "update_to_data": -math.inf}
    assert stack(still, {**still, "gradient_std": 0.0}, frozen=True) == [[], []]
    assert grades(stack(still)[0])[0] == ("gradient", True)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"std": math.nan}, [("activation", True)]),
        ({"std": 1e-6}, [("activation", True)]),
        ({"saturated": 0.4}, [("activation", False)]),
        ({"saturated": SATURATION + 0.01}, [("activation", True)]),
        ({"dead": 0.3}, [("activation", False)]),
        ({"dead": DEAD + 0.01}, [("activation", True)]),
        ({"gradient_std": math.inf}, [("gradient", True)]),
        ({"gradient_std": 0.0}, [("gradient", True)]),
        ({"update_to_data": -4.5}, [("update", False)]),
    ],
)
def test_a_layer_by_itself(change, found):
    """A notice where it is worth a look, a fault where the layer hardly learns."""
    assert grades(stack(change)[0]) == found


def test_saturation_at_the_start_is_a_fault_sooner():
    """Before anything was learned, half of the units are enough."""
    assert [grades(stack({"saturated": 0.55}, step=s)[0]) for s in (1, 100)] == [
        [("activation", True)],
        [("activation", False)],
    ]


def test_a_schedule_that_came_down_makes_small_updates():
    """A hundredth of the learning rate is a hundredth of the update, and no remark."""
    assert stack({"update_to_data": -5.0}, rate_share=0.01) == [[]]
    assert grades(stack({"update_to_data": -5.0})[0]) == [("update", False)]


def test_a_gradient_that_fades_towards_the_input_vanishes():
    """The first layers are named, with how little they get; those behind are healthy."""
    found = stack(*({"gradient_to_weight": 10.0**-k} for k in (8, 6, 4, 2, 2)))
    assert [grades(remarks) for remarks in found] == [[("gradient", True)]] * 2 + [[]] * 3
    assert "vanishes" in found[0][0].sentence and "1e-06" in found[0][0].sentence


def test_updates_are_too_large_where_most_layers_have_them():
    """One layer alone may be small yet or convex; two are a notice, or a fault."""
    large, larger = {"update_to_data": -1.0}, {"update_to_data": -0.3}
    assert [grades(r) for r in stack(large, large, {})] == [[("update", False)]] * 2 + [[]]
    assert [grades(r) for r in stack(larger, larger, {})] == [[("update", True)]] * 2 + [[]]
    assert stack(larger) == [[]] and stack(larger, {}, {}) == [[], [], []]
    assert stack(*[larger | {"weight_std": 0.01}] * 2) == [[], []]


def test_an_embedding_may_have_a_small_gradient():
    """Few rows of a table are used in a step: the layers behind are compared."""
    changes = [{"gradient_to_weight": 1e-7}, {}, {}]
    assert grades(stack(*changes)[0]) == [("gradient", True)]
    assert stack(*changes, embedding=True) == [[], [], []]


def test_a_gradient_that_grows_explodes():
    """Its norm over all layers is 300 or 9,000; the layer with most of it is named."""
    assert grades(stack({}, {"gradient_to_weight": 50.0})[1]) == [("gradient", False)]
    assert grades(stack({}, {"gradient_to_weight": 5000.0})[1]) == [("gradient", True)]


def test_ratio_and_norm_by_hand():
    """Against the largest behind the first; NaN without two layers or without a gradient."""
    assert gradient_ratio([1e-6, 1e-2, 1e-3]) == pytest.approx(1e-4)
    assert math.isnan(gradient_ratio([1.0])) and math.isnan(gradient_ratio([1.0, 0.0]))
    assert gradient_norm([(3.0, 1), (2.0, 4)]) == 5.0


def test_saturated_and_dead_of_tensors_and_arrays():
    """The same definition for what is measured in training and for what a card shows."""
    tanh = [[0.98, -0.5], [-0.99, 0.98]]
    for kind in (np.array, torch.tensor):
        assert is_saturated(kind(tanh), "tanh").tolist() == [[True, False], [True, True]]
        assert is_saturated(kind([0.02, 0.5, 0.98]), "sigmoid").tolist() == [True, False, True]
        assert is_dead(kind(tanh), "tanh").tolist() == [True, False]
        assert is_dead(kind([[0.0, 0.0], [0.0, 1.0]]), "relu").tolist() == [True, False]
        assert is_dead(kind([[-1.0, -1.0]]), "gelu").tolist() == [False, False]


def probed(activation: str, depth: int, gain: float, scheme: str = "normal"):
    """Remarks on one step of plain descent of a deep network."""
    model = nn.Sequential(
        *[Layer(nn.Linear(100, 100), activation) for _ in range(depth)],
        Layer(nn.Linear(100, 10)),
    )
    initialise(model, scheme, gain, torch.Generator().manual_seed(0))
    x = torch.randn(64, 100, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(64) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Probe(model) as probe:
        nn.functional.cross_entropy(model(x), labels).backward()
        probe.before_update()
        optimizer.step()
        probe.after_update()
    return check_layers(describe(model), probe.snapshot(1))


def test_the_gradient_vanishes_in_ten_layers_of_sigmoid():
    """The first layer's is a millionth of the last one's, and that is said as a fault."""
    found = probed("sigmoid", 10, 0.1)
    assert ("gradient", True) in grades(found[0])
    assert any("vanishes" in remark.sentence for remark in found[0])
    assert not any("vanishes" in remark.sentence for remarks in found[8:] for remark in remarks)


def test_the_gradient_arrives_in_ten_layers_of_tanh():
    """With weights that keep the signal's size, nothing is remarked on."""
    assert not any(remark.quantity != "update" for r in probed("tanh", 10, 5 / 30) for remark in r)


@pytest.mark.parametrize(("gain", "fault"), [(2.0, True), (0.1, False)])
def test_weights_that_are_too_large_saturate_tanh(gain, fault):
    """They are a fault in the first step; sound ones are not."""
    sentences = [remark.sentence for remark in probed("tanh", 3, gain)[0] if remark.is_fault]
    assert any("saturated" in sentence for sentence in sentences) == fault


def test_a_layer_that_gets_no_gradient_is_a_fault():
    """Zeroed later weights let nothing back to the first layer."""
    model = nn.Sequential(*[Layer(nn.Linear(20, 20), "tanh") for _ in range(3)])
    initialise(model, "normal", 0.1, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model[2].product.weight.zero_()
    with Probe(model) as probe:
        model(torch.randn(8, 20)).square().mean().backward()
        probe.before_update()
        probe.after_update()
    found = check_layers(describe(model), probe.snapshot(1))[0]
    assert ("gradient", True) in grades(found)
