"""What stands at a place of a network: the numbers that its layers hand on."""

import torch

from core import playgrounds, tokenizers
from core.layers import layers_of
from core.playgrounds.digits.models import build
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.digits.representation import ask_representation as ask_digits
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.models import build as build_names
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.names.representation import LETTERS
from core.playgrounds.names.representation import ask_representation as ask_names
from core.playgrounds.points.models import build as build_points
from core.playgrounds.points.recipe import RECIPES
from core.playgrounds.points.representation import ask_representation as ask_points
from core.playgrounds.text.models import build as build_text
from core.playgrounds.text.recipe import TextRecipe
from core.playgrounds.text.representation import TOKENS
from core.playgrounds.text.representation import ask_representation as ask_text
from core.training.representation import INPUT, activations, places_of

ALPHABET = Alphabet(".abcdefghijklmnopqrstuvwxyz")


def test_the_places_of_a_network():
    """A block counts as one place; positions are none."""
    names = ["embedding", "position", "blocks.0.attend", "blocks.0.expand", "blocks.1.attend"]
    assert places_of([*names, "output"]) == ("embedding", "blocks.0", "blocks.1", "output")
    assert places_of(["output"]) == ("output",)


def test_activations_are_what_the_layers_hand_on():
    """Of an MLP with dropout, in its mode for use; and the model is left as it was."""
    model = build(DigitsRecipe(model="mlp", hidden=(12, 8), dropout=0.5)).train()
    images = torch.randn(5, 1, 28, 28)
    model.eval()
    first = model.hidden[0](images.flatten(1))
    expected = {INPUT: images.flatten(1), "hidden.0": first, "hidden.1": model.hidden[1](first)}
    expected["output"] = model(images)
    model.train()
    for place, points in expected.items():
        found, outputs = activations(model, place, [images[:2], images[2:]])
        torch.testing.assert_close(found, points)
        torch.testing.assert_close(outputs, expected["output"])
    assert model.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_the_last_hidden_layer_is_what_the_output_reads():
    """Of a CNN after pooling, so that the output is its product with it."""
    model = build(DigitsRecipe(model="cnn", channels=(4, 6), kernel=3)).eval()
    images = torch.randn(3, 1, 28, 28)
    places = places_of(list(layers_of(model)))
    found, outputs = activations(model, places[-2], [images])
    torch.testing.assert_close(model.output(found), outputs)


def test_digits_are_answered_for():
    """500 digits, ten classes, and what the model reads them as; NaN gives no components."""
    model = build(DigitsRecipe(model="mlp", hidden=(8,)))
    values = ask_digits("hidden.0")(model, 7).values
    shown = values["representation"]
    assert shown.components.scores.shape == (500, 8) and shown.components.dimensions == 8
    assert values["images"].shape == (500, 28, 28) and len(set(values["labels"].tolist())) == 10
    assert values["answers"].shape == (500,)
    torch.nn.init.constant_(model.output.product.weight, torch.nan)
    assert ask_digits("output")(model, 7).values["representation"].components is None


def test_beginnings_of_names_are_answered_for():
    """By windows and by whole names: what follows each is told, and none is of another length."""
    for kind in ("mlp", "gru", "transformer", "wavenet"):
        recipe = NamesRecipe(model=kind, context=8, width=8, embedding=8, hidden=(8,), depth=1)
        model = build_names(recipe, ALPHABET)
        places = places_of(list(layers_of(model)))
        for place in places:
            values = ask_names(place)(model, 0).values
            count = len(values["representation"].components.scores)
            assert count == len(values["targets"]) == len(values["contexts"]) > 100
        ends = [c for c, t in zip(values["contexts"], values["targets"], strict=True) if t == "."]
        assert all(ends)  # no name ends before it begins


def test_every_names_model_has_letters():
    """Those without an embedding by what they say follows."""
    for kind in ("mlp", "bigram", "bigram-count"):
        model = build_names(NamesRecipe(model=kind), ALPHABET)
        values = ask_names(LETTERS)(model, 0).values
        assert len(values["representation"].components.scores) == len(ALPHABET)
        assert values["targets"] == ALPHABET.letters and not values["contexts"]


def test_points_are_answered_for():
    """All points of the recipe, with their classes."""
    recipe = RECIPES["moons"]
    values = ask_points("hidden.0", recipe)(build_points(recipe, []), 0).values
    assert (
        len(values["representation"].components.scores) == recipe.points == len(values["answers"])
    )
    assert set(values["targets"].tolist()) == {0, 1}


def test_text_is_answered_for():
    """Contexts at each place, and the most frequent tokens."""
    playground = playgrounds.get("text")
    for kind in ("gpt", "mlp", "bigram"):
        recipe = TextRecipe(
            model=kind, tokenizer="characters", layers=2, heads=2, width=8, context=16, hidden=(8,)
        )
        vocabulary = playground.vocabulary(playground.load(None), recipe)
        model = build_text(recipe, tokenizers.from_dict(vocabulary))
        for place in places_of(list(layers_of(model))):
            values = ask_text(place, [])(model, 0).values
            assert len(values["representation"].components.scores) == len(values["spelled"]) == 300
        values = ask_text(TOKENS, [5, 3, 9])(model, 0).values
        assert values["targets"].tolist() == [5, 3, 9] and len(values["spelled"]) == 3
