"""The compared networks: what they see, what they learn, and what they say of a name."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core import playgrounds
from core.errors import UserError
from core.layers import FeatureNorm, layers_of
from core.playgrounds.names import wordlist
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.evaluation import loss_of, surprise, totals
from core.playgrounds.names.player import Player
from core.playgrounds.names.playground import dream
from core.playgrounds.names.recipe import COMPARED_MODELS, MODELS, RECIPES, NamesRecipe
from core.sampling import Sampling
from core.telemetry.events import Failed, Finished, Metrics, Snapshot
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.learner import Learner
from core.training.trainer import Run, train

CPU = torch.device("cpu")
NAMES = playgrounds.get("names")
SMALL = {
    "context": 8,
    "embedding": 8,
    "hidden": (16, 16),
    "width": 16,
    "depth": 2,
    "heads": 2,
    "batch_size": 32,
    "dropout": 0.0,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A thousand names."""
    path = tmp_path_factory.mktemp("names") / "some.txt"
    path.write_text("\n".join(wordlist.bundled().train[:1000]), encoding="utf-8")
    return NAMES.load(path)


def recipe(model, **rest):
    """A small recipe of a model."""
    return NamesRecipe().replace({"model": model, **SMALL, **rest})


def built(data, model, **rest):
    """A small network, fresh, ready for use."""
    return NAMES.build(recipe(model, **rest), NAMES.vocabulary(data, NAMES.recipe_for())).eval()


def run(data, model, steps=60, **rest):
    """Train a small network; return the events."""
    made = Run(NAMES, recipe(model, **rest), data, CPU, None, steps, watched=True, probe_every=0.0)
    return list(train(made, Control()))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_learns(data, model):
    """After some steps the loss is lower than at first, and the run ends as finished."""
    events = run(data, model, lr=0.1 if model == "bigram" else 0.01)
    metrics = [event for event in events if isinstance(event, Metrics)]
    losses = np.concatenate([event.losses for event in metrics])
    assert isinstance(events[-1], Finished)
    if model == "bigram-count":
        assert len(losses) == 1 and losses[0] < math.log(26)
    else:
        assert losses[-10:].mean() < losses[:5].mean() - 0.2
        seen = [event for event in events if isinstance(event, Snapshot)]
        assert len(seen[-1].layers) == len(layers_of(built(data, model)))
        assert all(math.isfinite(s.gradient_std) and s.std > 0 for s in seen[-1].layers)


@pytest.mark.parametrize("model", MODELS)
def test_no_network_looks_ahead(data, model):
    """What it says of a beginning does not change with what comes later."""
    network, tokens = built(data, model), torch.randint(1, 20, (3, 7))
    tokens[:, 0] = 0
    if model == "bigram-count":
        network.counts += torch.rand_like(network.counts)
    short, _ = network.read(tokens[:, :4])
    first, memory = network.read(tokens[:, :2])
    again, _ = network.read(tokens[:, 2:4], memory)
    torch.testing.assert_close(short, again)
    assert not torch.allclose(first, short) or model.startswith("bigram")
    if network.whole:
        whole = network(tokens[:, :5])
        torch.testing.assert_close(whole[:, :4], network(tokens[:, :4]))


def test_a_gru_says_the_same_in_any_order(data):
    """Rows that end early are left out where they can be, and nothing else changes."""
    network = built(data, "gru", context=12)
    network.train()  # without dropout: what is left out is left out in training alone
    letters = NAMES.prepare(
        data, recipe("gru", context=12), NAMES.vocabulary(data, NAMES.recipe_for()), CPU
    )
    inputs, targets = letters.batch(torch.arange(40), None, None)
    assert (targets[0] != -1).sum() >= (targets[-1] != -1).sum()
    order = torch.randperm(40)
    asked = targets != -1
    torch.testing.assert_close(
        network(inputs)[order][asked[order]], network(inputs[order])[asked[order]]
    )
    for row in (0, 20, 39):
        alone = network(inputs[row : row + 1])[0]
        torch.testing.assert_close(alone[asked[row]], network(inputs)[row][asked[row]])


def test_counting_is_counting(data):
    """The table of pairs, smoothed, in one step, whatever length was asked for."""
    events = run(data, "bigram-count", steps=500, smoothing=2.0)
    assert events[-1].step == 1
    learner = Learner(NAMES, recipe("bigram-count", smoothing=2.0), data, CPU)
    learner.learn(*learner.take(), 0.0)
    pairs = NAMES.describe_data(data, {})["bigrams"]
    np.testing.assert_array_equal(learner.model.counts.numpy(), pairs)
    shares = Player(learner.model).next_letters("a")
    row = pairs[data.alphabet.letters.index("a")] + 2.0
    np.testing.assert_allclose(shares, row / row.sum(), rtol=1e-5)


def test_plain_descent_is_torchs(data):
    """The quick way of doing plain descent moves weights as torch's own does."""
    quick, slow = (Learner(NAMES, recipe("mlp", optimizer="sgd", lr=0.1), data, CPU) for _ in "ab")
    assert quick.recipe.weight_decay == 0.05
    quick.change("weight_decay", 0.0)
    slow.change("weight_decay", 0.0)
    torchs = torch.optim.SGD(slow.model.parameters(), lr=slow.rate(0.3))
    for _ in range(5):
        quick.learn(*quick.take(), 0.3)
        inputs, targets = slow.take()
        torchs.zero_grad()
        F.cross_entropy(slow.model(inputs), targets).backward()
        torchs.step()
    for ours, theirs in zip(quick.model.parameters(), slow.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_batch_norm_is_over_all_places():
    """(B, T, C) is normalised over B and T together, as makemore's part 5 fixes it."""
    x = torch.randn(6, 5, 3) * 4 + 1
    out = FeatureNorm(3)(x)
    flat = out.flatten(0, 1)
    torch.testing.assert_close(flat.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(flat.std(0, correction=0), torch.ones(3), atol=1e-3, rtol=0)


@pytest.mark.parametrize("model", ["mlp", "gru", "transformer"])
def test_surprise_adds_up(data, model):
    """Letters make names, names make the loss: the same numbers on every way."""
    network = built(data, model)
    words = [*data.dev[:30], "maximilianalexander"]
    sums = totals(network, words)
    letters = sum(len(word) + 1 for word in words)
    assert loss_of(network, words) == pytest.approx(sums.sum() / letters, rel=1e-4)
    for word in (words[0], words[-1]):
        parts = surprise(network, word)
        assert len(parts) == len(word) + 1
        assert parts.sum() == pytest.approx(sums[words.index(word)], rel=1e-4)


@pytest.mark.parametrize("model", ["mlp", "gru", "transformer"])
def test_a_names_probability_is_that_of_its_letters(data, model):
    """What is said beside a name is the product over its letters and its end."""
    player = Player(built(data, model))
    for name in player.names("ma", 5, Sampling(0.7), seed=1, longest=20):
        chance = 1.0
        for place in range(2, len(name.text) + 1):
            following = name.text[place] if place < len(name.text) else "."
            shares = player.next_letters(name.text[:place])
            chance *= shares[player.letters.index(following)]
            if len(name.text) == 22 and place == 21:
                break  # cut off before its end
        assert name.probability == pytest.approx(chance, rel=1e-3)


def test_a_checkpoint_knows_its_letters(data, tmp_path):
    """The alphabet is kept; another list's is refused to go on with, and named when it is met."""
    out = tmp_path / "net.safetensors"
    made = Run(NAMES, recipe("mlp"), data, CPU, None, 5, out=out)
    assert isinstance(list(train(made, Control()))[-1], Finished)
    checkpoint = load_checkpoint(out)
    assert checkpoint.model().alphabet == data.alphabet
    other = tmp_path / "greek.txt"
    other.write_text("\n".join(["Αθήνα", "Ξάνθη", "Βόλος"] * 5), encoding="utf-8")
    greek = NAMES.load(other)
    with pytest.raises(UserError, match="does not know"):
        NAMES.test(checkpoint.model(), greek, checkpoint.recipe)
    again = Run(NAMES, recipe("mlp"), greek, CPU, None, 5, resume=checkpoint)
    with pytest.raises(UserError, match="other letters"):
        next(iter(train(again, Control())))


def test_a_run_that_bursts_fails_with_the_layer(data):
    """Far too high a rate is told with the layer in which the numbers were lost."""
    events = run(data, "mlp", steps=200, optimizer="sgd", lr=100.0, activation="relu")
    assert isinstance(events[-1], Failed) and "learning rate" in events[-1].sentence


def test_every_compared_model_has_a_recipe():
    """Both of them exist and are of that model."""
    assert {compared.model for compared in COMPARED_MODELS} == set(MODELS)
    for compared in COMPARED_MODELS:
        for name in compared.recipes.values():
            assert RECIPES[name].model == compared.model


def test_sizes_that_do_not_fit_are_refused():
    """A wavenet halves its context, heads share an embedding."""
    with pytest.raises(UserError, match="wavenet wants 2, 4"):
        NamesRecipe().replace({"model": "wavenet", "context": 6})
    with pytest.raises(UserError, match="multiple"):
        NamesRecipe().replace({"model": "transformer", "embedding": 30, "heads": 4})


def test_no_target_beyond_the_context_is_lost():
    """Whatever rows a batch has, every letter of theirs is learned from."""
    words = ["mia", "zoe", "christinamariaguadalupe"] * 5
    data = wordlist.Names("some", tuple(words), tuple(words), tuple(words), Alphabet.of(words))
    letters = NAMES.prepare(data, recipe("gru"), NAMES.vocabulary(data, NAMES.recipe_for()), CPU)
    for index in range(len(letters)):
        piece = torch.tensor([index])
        _, targets = letters.batch(piece, None, None)
        assert (targets != -1).sum() == (letters.targets[piece] != -1).sum() > 0


def test_a_network_that_came_apart_says_so(data):
    """Weights that are no numbers make a sentence, not a traceback."""
    network = built(data, "mlp")
    with torch.no_grad():
        network.output.product.weight.fill_(math.nan)
    with pytest.raises(UserError, match="diverged"):
        Player(network).names("a", 3, Sampling())
    assert dream(5)(network, 7).values["counts"] is None


def test_what_counts_can_not_be_gone_on_from(data, tmp_path):
    """Counting is done in one step; to go on from it is refused with a sentence."""
    out = tmp_path / "counts.safetensors"
    first = Run(NAMES, recipe("bigram-count"), data, CPU, None, 1, out=out)
    assert isinstance(list(train(first, Control()))[-1], Finished)
    checkpoint = load_checkpoint(out)
    again = Run(NAMES, recipe("bigram-count"), data, CPU, None, 1, resume=checkpoint)
    with pytest.raises(UserError, match="fresh weights"):
        next(iter(train(again, Control())))


def test_a_seed_or_length_beyond_all_bounds_is_refused(data):
    """With sentences that say what is possible."""
    player = Player(built(data, "mlp"))
    with pytest.raises(UserError, match="seed"):
        player.names("a", 3, Sampling(), seed=10**30)
    with pytest.raises(UserError, match="can't be added"):
        player.names("a", 3, Sampling(), longest=10**13)
