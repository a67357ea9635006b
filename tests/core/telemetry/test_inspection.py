"""What is seen when a layer is opened, on real models and the bundled digits."""

import numpy as np
import pytest
import torch

from core.layers import layers_of
from core.playgrounds.digits.data import bundled, prepare
from core.playgrounds.digits.models import build
from core.playgrounds.digits.recipe import DigitsRecipe
from core.telemetry.events import LayerView
from core.telemetry.inspection import PICTURED, inspect_layer
from core.training.control import Control

CNN = DigitsRecipe(model="cnn", dropout=0.3)
TANH = DigitsRecipe(model="mlp", hidden=(80, 20), activation="tanh", batch_norm=False)
LINEAR = DigitsRecipe(model="mlp", hidden=(), batch_norm=False)


@pytest.fixture(scope="module")
def examples() -> torch.Tensor:
    """Sixty digits, six of each."""
    validation = bundled().validation
    chosen = torch.cat([torch.nonzero(validation.labels == d)[:6, 0] for d in range(10)])
    return prepare(validation.images[chosen])


@pytest.mark.parametrize("recipe", [CNN, TANH, LINEAR], ids=["cnn", "tanh", "linear"])
def test_every_layer_opens(recipe: DigitsRecipe, examples: torch.Tensor) -> None:
    """Every layer of every model gives its weights, pictures and activity in the right shapes."""
    model = build(recipe)
    for name, layer in layers_of(model).items():
        view = inspect_layer(model, name, 7, examples, examples[:1])
        units = layer.fan_out
        assert (view.layer, view.step) == (name, 7)
        assert view.weights.shape == tuple(layer.product.weight.shape)
        assert view.seeks.shape == (min(units, PICTURED), 28, 28)
        assert view.activity.shape == (units, len(examples))
        assert view.maps.shape[0] == (units if view.maps.ndim == 1 else min(units, PICTURED))
        assert view.maps.ndim == (3 if view.weights.ndim == 4 else 1)
        assert view.seeks.min() >= 0.0
        assert view.seeks.max() <= 1.0
        arrays = (view.weights, view.seeks, view.maps, view.activity)
        assert not any(array.flags.writeable for array in arrays)


def test_activity_is_what_the_layer_says_in_use(examples: torch.Tensor) -> None:
    """Activity is each unit's largest activation, with batch norm and dropout as in use."""
    model = build(CNN)
    model(examples)  # moves the running statistics away from where they begin
    name, layer = list(layers_of(model).items())[1]
    view = inspect_layer(model, name, 0, examples, examples[3:4])
    model.eval()
    said: list[torch.Tensor] = []
    layer.listener = lambda layer, output: said.append(output)
    with torch.no_grad():
        model(examples)
    largest = said[0].amax(dim=(2, 3)).T.numpy()
    np.testing.assert_allclose(view.activity, largest, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(view.maps, said[0][3, :PICTURED].numpy(), rtol=1e-3, atol=1e-4)


def test_a_look_changes_nothing(examples: torch.Tensor) -> None:
    """Modes, running statistics, weights, gradients, hooks and random numbers stay as they were."""
    model = build(CNN)
    model(examples).sum().backward()
    frozen_part = next(iter(layers_of(model).values()))
    frozen_part.eval()  # a model may be in both modes at once
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    chance = torch.get_rng_state()
    for name in layers_of(model):
        inspect_layer(model, name, 0, examples, examples[:1])
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    after = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(after) == len(gradients) > 0
    assert all(torch.equal(a, b) for a, b in zip(after, gradients, strict=True))
    assert all(layer.listener is None for layer in layers_of(model).values())
    assert torch.equal(torch.get_rng_state(), chance)


def test_nothing_shown_gives_no_maps(examples: torch.Tensor) -> None:
    """Without a drawing there are no maps, but everything else."""
    model = build(TANH)
    view = inspect_layer(model, "output", 0, examples)
    assert view.maps.size == 0
    assert view.activity.size > 0


def test_a_template_unit_seeks_its_template(examples: torch.Tensor) -> None:
    """A unit whose weights are one of the digits looks for that digit more than for another."""
    model = build(LINEAR)
    layer = layers_of(model)["output"]
    with torch.no_grad():
        layer.product.weight.zero_()
        layer.product.weight[1] = examples[6:12].mean(0).flatten()  # ones
        layer.product.weight[0] = examples[0:6].mean(0).flatten()  # zeros
    seeks = inspect_layer(model, "output", 0, examples).seeks
    ink = (examples - examples.min()) / (examples.max() - examples.min())
    ones, zeros = ink[6:12].mean(0)[0].numpy(), ink[0:6].mean(0)[0].numpy()
    assert np.abs(seeks[1] - ones).mean() < np.abs(seeks[1] - zeros).mean()
    assert np.abs(seeks[0] - zeros).mean() < np.abs(seeks[0] - ones).mean()


def test_a_dead_unit_seeks_nothing(examples: torch.Tensor) -> None:
    """A relu that is never above zero has zero activity and a blank picture."""
    model = build(DigitsRecipe(model="mlp", hidden=(12,), batch_norm=False))
    layer = next(iter(layers_of(model).values()))
    with torch.no_grad():
        layer.product.bias[5] = -1e6
    view = inspect_layer(model, next(iter(layers_of(model))), 0, examples)
    assert view.activity[5].max() == 0.0
    assert view.seeks[5].max() == 0.0
    assert view.seeks[4].max() > 0.1


def test_a_broken_network_can_be_looked_at(examples: torch.Tensor) -> None:
    """Weights that are no numbers give a view all the same, with pictures that are numbers."""
    model = build(TANH)
    with torch.no_grad():
        layers_of(model)["output"].product.weight.fill_(float("nan"))
    view = inspect_layer(model, "output", 0, examples)
    assert np.isnan(view.activity).all()
    assert np.isfinite(view.seeks).all()


def test_an_unknown_layer_is_refused(examples: torch.Tensor) -> None:
    """A layer that the model does not have is a KeyError, not a wrong picture."""
    with pytest.raises(KeyError):
        inspect_layer(build(LINEAR), "nowhere", 0, examples)


def test_a_question_is_answered_through_the_control(examples: torch.Tensor) -> None:
    """What is asked of the control comes back as a view of that layer at that step."""
    control = Control()

    def question(model, step):
        return inspect_layer(model, "output", step, examples, examples[:1])

    control.ask(question, "layer")
    asked = control.take().questions["layer"]
    view = asked(build(LINEAR), 42)
    assert isinstance(view, LayerView)
    assert (view.layer, view.step) == ("output", 42)
