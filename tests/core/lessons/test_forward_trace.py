"""The forward trace of a digit has the network's own numbers."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.lessons.forward_trace import forward_trace, softmax
from core.playgrounds.digits.data import bundled, prepare
from core.playgrounds.digits.models import build
from core.playgrounds.digits.recipe import RECIPES, DigitsRecipe

NETWORKS = {
    "modern": RECIPES["modern"],
    "mlp": DigitsRecipe(model="mlp", hidden=(60, 37), batch_norm=True),
    "EZMNIST": RECIPES["EZMNIST"],
    "even kernel": DigitsRecipe(channels=(4, 6), kernel=4, batch_norm=False),
}
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.fixture
def picture():
    """A held-out digit, 0 to 1."""
    return bundled().validation.images[123].float().numpy() / 255


@pytest.fixture(params=NETWORKS)
def network(request):
    """A network with weights, and with what batch norm learns from some digits."""
    model = build(NETWORKS[request.param])
    with torch.no_grad():
        model.train()(prepare(bundled().validation.images[:100]))
    return model.eval()


def test_the_last_stage_has_the_networks_logits(network, picture):
    """The forward trace ends in the network's own ten logits."""
    with torch.no_grad():
        scores = network(prepare(torch.from_numpy(picture)[None]))[0]
    stages = forward_trace(network, picture)
    assert torch.equal(torch.from_numpy(stages[-1].outputs.copy()), scores)
    assert [stage.info.units for stage in stages][-1] == 10


def test_a_sum_and_what_follows_it_is_the_output(network, picture):
    """For any unit and place of any layer: products, bias, batch norm and activation."""
    draw = np.random.default_rng(1)
    for stage in forward_trace(network, picture):
        shape = stage.outputs.shape
        for _ in range(12):
            unit, *place = (int(draw.integers(size)) for size in shape)
            found = stage.sum_of(unit, tuple(place) or (0, 0))
            output = float(stage.outputs[(unit, *place)])
            end = found.steps[-1][1] if found.steps else found.total
            assert end == pytest.approx(output, abs=1e-5)
            if not stage.operations:
                assert found.total == pytest.approx(output, abs=1e-4)
            elif stage.operations == ("relu",):
                assert max(0.0, found.total) == pytest.approx(output, abs=1e-4)
            assert found.rows.sum() + (found.bias or 0) == pytest.approx(found.total, abs=1e-4)


def test_the_first_layer_of_an_mlp_is_summed_by_the_rows_of_the_picture(picture):
    """Its 784 inputs are folded into the picture again."""
    first = forward_trace(build(NETWORKS["mlp"]).eval(), picture)[0]
    found = first.sum_of(3)
    assert found.inputs.shape == (28, 28)
    assert np.corrcoef(found.inputs.ravel(), picture.ravel())[0, 1] > 0.999


def test_softmax_is_torchs_at_any_temperature():
    """Also where e to the power of a score is more than a computer can hold."""
    scores = np.array([1.0, -2.0, 3000.0, 2999.0])
    for temperature in (0.1, 1.0, 7.0):
        shares = softmax(scores, temperature)[2]
        right = F.softmax(torch.from_numpy(scores) / temperature, 0).numpy()
        assert shares == pytest.approx(right)
