"""The map of a network, found from the model itself: blocks, shapes, branches, loops."""

import math

import pytest
import torch

from core import playgrounds
from core.layers import layers_of, size_of
from core.network_map.listener import map_network
from core.network_map.parts import MapBlock, MapGroup, written
from core.playgrounds.text.models import build as build_text
from core.playgrounds.text.recipe import RECIPES as TEXTS
from core.tokenizers import only_characters
from core.training.shape import build_shape

GPT2 = TEXTS["nanoGPT, on a CPU"].replace(
    {"width": 16, "heads": 2, "layers": 12, "context": 8, "gelu": "tanh", "dropout": 0.0}
)


@pytest.fixture(scope="module")
def tokenizer():
    """The letters of a small text."""
    return only_characters("to be or not")


def mapped(playground, recipe, model):
    """Return the map of a model in eval mode."""
    return map_network(model.eval(), lambda *sizes: playground.example_input(recipe, *sizes))


def drawn(name, recipe, **changes):
    """Return a recipe's model and its map."""
    playground = playgrounds.get(name)
    recipe = playground.recipes[recipe].replace(changes)
    vocabulary = playground.vocabulary(playground.load(None), recipe)
    model = playground.build(recipe, vocabulary, initialised=False)
    return model, mapped(playground, recipe, model)


def lines(parts):
    """Write blocks, each with its key and its shapes; those of a group are set in."""
    found = []
    for part in parts:
        if isinstance(part, MapGroup):
            found += [f"{part.keys[0]} x{len(part.keys)}", *(f"  {x}" for x in lines(part.blocks))]
        else:
            found.append(f"{part.key}: {written(part.inputs)} -> {written(part.outputs)}")
    return found


def test_an_mlp_of_letters_lays_its_points_side_by_side():
    """The lecture's network: table, flatten, hidden layer, scores; the batch is a letter."""
    _, network = drawn("names", "lecture mlp")
    assert lines(network.parts) == [
        "network.input: B × 3 -> B × 3",
        "embedding: B × 3 -> B × 3 × 10",
        "reshape.0: B × 3 × 10 -> B × 30",
        "hidden.0: B × 30 -> B × 200",
        "output: B × 200 -> B × 27",
        "network.output: B × 27 -> B × 27",
    ]
    hidden = network.block_at(network.places()["hidden.0"])
    assert (hidden.product, hidden.matrix, hidden.acts) == ("linear", (30, 200), ("tanh",))


def test_a_convolution_is_pooled_within_its_block():
    """Channels × height × width, what follows the product, and the picture laid out flat."""
    _, network = drawn("digits", "modern", channels="4,8,8", dropout=0.2)
    first = network.block_at(network.places()["conv.0"])
    assert written(first.outputs) == "B × 4 × 14 × 14"
    assert (first.kernel, first.acts) == (5, ("batch norm", "relu", "max pool 2"))
    assert "reshape.0: B × 8 × 3 × 3 -> B × 72" in lines(network.parts)
    assert network.block_at(network.places()["dropout.0"]).acts == ("dropout 0.2",)


def test_identical_blocks_of_a_transformer_are_one_group(tokenizer):
    """GPT-2's structure: two embeddings summed, twelve blocks, each with two residual branches."""
    model = build_text(GPT2, tokenizer, initialised=False)
    network = mapped(playgrounds.get("text"), GPT2, model)
    V = tokenizer.size  # noqa: N806, as in the lectures
    assert lines(network.parts) == [
        "network.input: B × T -> B × T",
        "embedding: B × T -> B × T × 16",
        "position: T -> T × 16",
        "sum.0: B × T × 16 -> B × T × 16",
        "blocks.0 x12",
        "  norm: B × T × 16 -> B × T × 16",
        "  attend: B × T × 16 -> B × T × 48",
        "  attention: B × 2 × T × 8 -> B × 2 × T × 8",
        "  project: B × T × 16 -> B × T × 16",
        "  residual.0: B × T × 16 -> B × T × 16",
        "  norm_too: B × T × 16 -> B × T × 16",
        "  expand: B × T × 16 -> B × T × 64",
        "  contract: B × T × 64 -> B × T × 16",
        "  residual.1: B × T × 16 -> B × T × 16",
        "norm: B × T × 16 -> B × T × 16",
        f"output: B × T × 16 -> B × T × {V}",
        f"network.output: B × T × {V} -> B × T × {V}",
    ]
    group = network.parts[4]
    branches = {block.key: block.branch for block in group.blocks if block.kind == "residual"}
    assert branches == {"residual.0": "", "residual.1": "residual.0"}
    assert network.parts[3].branch == "embedding"
    assert network.places()["blocks.11.expand"] == (4, 11, 6)


def test_a_low_rank_addition_is_part_of_its_layer(tokenizer):
    """LoRA adds within a product: no sum of the block's own."""
    recipe = GPT2.replace({"layers": 1, "trained": "lora", "lora_rank": 2})
    model = build_text(recipe, tokenizer, initialised=False)
    group = mapped(playgrounds.get("text"), recipe, model).parts[4]
    assert [block.kind for block in group.blocks].count("residual") == 2
    assert group.blocks[1].parameters == 16 * 48 + 48 + 2 * (16 + 48)


def test_what_a_gru_does_for_each_letter_is_a_loop():
    """Hidden-to-hidden, its sum with the letter, gates, and the new state."""
    _, network = drawn("names", "tuned gru", width=8, memory_dropout=0.0)
    loop = next(part for part in network.parts if isinstance(part, MapGroup))
    assert (loop.steps, [block.kind for block in loop.blocks]) == (
        "T",
        ["layer", "sum", "gates", "mix"],
    )
    assert (written(loop.inputs), written(loop.outputs)) == ("B × T × 24", "B × T × 8")
    assert network.places()["memory"] == (3, 0, 0)


def test_counting_has_no_layer():
    """The table of counts stands between input and output."""
    _, network = drawn("names", "lecture counts")
    assert [part.kind for part in network.parts] == ["input", "counts", "output"]
    assert network.parameters == 27 * 27


@pytest.mark.parametrize("name", ["digits", "names", "points", "text"])
def test_every_recipe_has_a_map_of_all_its_layers(name, variants):
    """Each layer once; each block takes in what the one before puts out; all parameters."""
    playground = playgrounds.get(name)
    for recipe, vocabulary in variants(name, 0.0):
        model = build_shape(playground, recipe, vocabulary).to_empty(device="cpu")
        network = mapped(playground, recipe, model)
        blocks = {key: network.block_at(place) for key, place in network.places().items()}
        layers = [key for key, block in blocks.items() if block.kind == "layer"]
        assert sorted(layers) == sorted(layers_of(model))
        assert sum(block.parameters for block in blocks.values()) == size_of(model)
        for before, part in zip(network.parts, network.parts[1:], strict=False):
            joins = isinstance(part, MapBlock) and (part.branch or part.product == "embedding")
            assert joins or before.outputs == part.inputs


def test_the_model_stays_as_it_is():
    """Weights, running statistics, listeners and random numbers; an error leaves nothing, too."""
    playground = playgrounds.get("digits")
    recipe = playground.recipes["modern"].replace({"channels": "4,8,8"})
    model = playground.build(recipe, {}).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    mapped(playground, recipe, model)
    assert torch.equal(torch.rand(1), expected)
    after = model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    with pytest.raises(RuntimeError):
        map_network(model, lambda examples, tokens: torch.zeros(examples, 3, 28, 28))
    assert not any("forward" in layer.__dict__ for layer in layers_of(model).values())
    x = torch.rand(2, 1, 28, 28)
    assert math.isfinite(model(x).std().item()) and model(x).abs().sum() > 0
