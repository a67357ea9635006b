"""What interventions cost: judged as the playground judges, unit by unit as by hand."""

import copy
from functools import partial

import pytest
import torch

from core import playgrounds
from core.errors import UserError
from core.interventions import Intervention, Part, intervene
from core.layers import layers_of
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.points.recipe import RECIPES as POINTS
from core.playgrounds.text.recipe import TextRecipe
from core.training import ablation
from core.training.ablation import CostMeter, ImportanceMeter, Judge

CNN = DigitsRecipe(model="cnn", channels=(4, 6), batch_norm=True, label_smoothing=0.1)
GPT = TextRecipe(layers=2, width=16, heads=2, context=16, tokenizer="characters")
NAMES = NamesRecipe(model="gru", width=12, embedding=4)


def made(name, recipe):
    """Return a new network of a recipe, and who judges such on so many examples."""
    playground = playgrounds.get(name)
    data = playground.load(None)
    vocabulary = playground.vocabulary(data, recipe)
    model = playground.build(recipe, vocabulary).eval()
    return model, partial(Judge, playground, recipe, vocabulary, lambda: data)


def test_it_judges_as_the_playground_does():
    """Without what is added to the loss for training alone."""
    model, judge = made("digits", CNN)
    playground = playgrounds.get("digits")
    data = playground.load(None)
    numbers, _ = playground.validate(model, data, CNN)
    judged = judge(len(data.validation))(model)
    assert judged.loss == pytest.approx(numbers["val_loss"], rel=1e-4)
    assert judged.accuracy == pytest.approx(numbers["val_accuracy"])


@pytest.mark.parametrize(
    ("name", "recipe", "layer"),
    [
        ("digits", CNN, "conv.1"),
        ("names", NAMES, "memory"),
        ("names", NAMES, "output"),
        ("text", GPT, "blocks.0.expand"),
        ("points", POINTS["moons"], "hidden.1"),
    ],
)
def test_importance_is_what_muting_costs(name, recipe, layer):
    """Though what comes before the layer is computed once only."""
    model, judge = made(name, recipe)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    by_hand, judged = copy.deepcopy(model), judge(150)
    whole, expected = judged(by_hand).loss, {}
    for unit in (2, 0):
        intervene(by_hand, [Intervention(Part(layer, unit))])
        expected[unit] = judged(by_hand).loss - whole
    meter = ImportanceMeter(judge(150), layer, [2, 0])
    answer = meter(model, 7)
    while not meter.done:
        answer = meter(model, 7)
    assert answer.step == 7 and list(answer.values["rises"]) == [2, 0]
    assert answer.values["rises"] == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert "validation examples" in answer.values["examples"]


def test_a_network_that_is_trained_stays_as_it_is(monkeypatch):
    """It is measured on a copy, a little at a time."""
    monkeypatch.setattr(ablation, "BESIDE", 0.0)
    model, judge = made("digits", CNN)
    model.train()
    before = copy.deepcopy(model.state_dict())
    meter = ImportanceMeter(judge(20), "conv.0", range(4))
    measured = [len(meter(model, 0).values["rises"]) for _ in range(4)]
    assert measured == [1, 2, 3, 4] and meter.done and model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(layer.listener for layer in layers_of(model).values())


def test_the_cost_is_the_loss_before_and_after():
    """And the network that was asked is left without interventions."""
    model, judge = made("points", POINTS["moons"])
    meter, told = CostMeter(judge(500)), (Intervention(Part("output", 0), 0.0, 3.0),)
    values = meter.question(told)(model, 0).values
    assert values["before"] == judge(500)(model) != values["after"]
    intervene(model, told)
    assert values["after"] == judge(500)(model)
    assert values["unit"] == "nats" and values["examples"] == "120 validation examples"


def test_a_large_network_is_judged_on_less(monkeypatch):
    """On fewer examples, and on shorter ones."""
    model, judge = made("text", GPT)
    size = sum(parameter.numel() for parameter in model.parameters())
    monkeypatch.setattr(ablation, "WORK", 40 * size)
    few = judge(100)
    assert few(model).loss > 0 and few.words == "2 validation examples of up to 16 tokens"
    monkeypatch.setattr(ablation, "WORK", size)
    monkeypatch.setattr(ablation, "SHORTEST", 4)
    short = judge(100)
    assert short(model).loss > 0 and short.words == "1 validation example of up to 4 tokens"


def test_data_that_is_gone_is_said_in_a_sentence():
    """Beside a training, which goes on."""
    model, _ = made("points", POINTS["moons"])

    def load():
        raise UserError("It is gone.")

    judge = Judge(playgrounds.get("points"), POINTS["moons"], {}, load, 10)
    assert CostMeter(judge).question(())(model, 0).values["problem"] == "It is gone."
    meter = ImportanceMeter(judge, "hidden.0", [0])
    assert meter(model, 0).values["problem"] == "It is gone."
