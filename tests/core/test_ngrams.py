"""What networks are compared with: counting, held-out data, and a model twice as wide."""

import math
from collections import Counter

import pytest
import torch

from core import playgrounds
from core.ngrams import WEIGHTS, counted
from core.training.learner import Learner

CPU = torch.device("cpu")


def triples(row):
    """Two tokens and the one behind them, of a row."""
    row = torch.tensor(row)
    return torch.stack([row[:-2], row[1:-1]], 1), row[2:]


def by_hand(learned, judged, size):
    """The same floors, with dictionaries and for loops."""
    (before, after), (asked, wanted) = learned, judged
    before, after = [tuple(b) for b in before.tolist()], after.tolist()
    asked, wanted = [tuple(b) for b in asked.tolist()], wanted.tolist()
    counts = Counter(after)

    def nats(shares):
        return -sum(math.log(share) for share in shares) / len(shares)

    def backed_off(keys, questions, below):
        seen, total = Counter(zip(keys, after, strict=True)), Counter(keys)
        return min(
            (
                [
                    (seen[q, z] + weight * b) / (total[q] + weight)
                    for q, z, b in zip(questions, wanted, below, strict=True)
                ]
                for weight in WEIGHTS
            ),
            key=nats,
        )

    single = [(counts[z] + 1) / (len(after) + size) for z in wanted]
    pair = backed_off([b for _, b in before], [b for _, b in asked], single)
    triple = backed_off(before, asked, pair)
    return {
        "even": math.log(size),
        "single": nats(single),
        "pair": nats(pair),
        "triple": nats(triple),
    }


@pytest.mark.parametrize(("seed", "length"), [(0, 12), (1, 60), (2, 400)])
def test_counting_is_what_it_is_by_hand(seed, length):
    """Tables of single tokens, pairs and triples give what dictionaries give."""
    drawn = torch.Generator().manual_seed(seed)
    learned, judged = (
        triples((torch.rand(n, generator=drawn) ** 2 * 5).long().tolist()) for n in (length, 30)
    )
    found = counted(*learned, *judged, 5)
    assert found == pytest.approx(by_hand(learned, judged, 5))


def test_a_language_without_surprise_is_known_by_pairs():
    """Where each token decides the next, pairs reach nearly nothing, single tokens do not."""
    row = [0, 1, 2, 3] * 50
    found = counted(*triples(row), *triples(row), 4)
    assert list(found) == ["even", "single", "pair", "triple"]
    assert found["single"] == pytest.approx(math.log(4), abs=0.01)
    assert found["triple"] <= found["pair"] < 0.02


def test_what_takes_two_tokens_is_known_by_triples_alone():
    """A row in which a token says nothing by itself, and two say all."""
    row, drawn = [0, 1], torch.Generator().manual_seed(0)
    starts = torch.randint(0, 5, (400, 2), generator=drawn).tolist()
    for a, b in starts:
        row += [a, b, (a + b) % 5]
    rows = torch.tensor([[a, b] for a, b in starts])
    after = rows.sum(1) % 5
    found = counted(rows, after, rows, after, 5)
    assert found["pair"] > 1.4 and found["triple"] < 0.05


def test_a_token_that_was_never_seen_costs_a_finite_price():
    """It is backed off to the table below; no loss is infinite."""
    found = counted(*triples([0, 1] * 20), *triples([2, 3, 2, 3, 0, 1]), 4)
    assert all(math.isfinite(value) for value in found.values())
    assert found["pair"] > found["even"]


@pytest.fixture(scope="module")
def loaded():
    """The data of each playground."""
    return {name: playgrounds.get(name).load(None) for name in ("digits", "names", "text")}


RECIPES = [
    ("digits", "modern", {}),
    ("digits", "plain mlp", {}),
    ("names", "tuned mlp", {}),
    ("names", "tuned mlp-bn", {}),
    ("names", "tuned wavenet", {}),
    ("names", "tuned gru", {}),
    ("names", "tuned transformer", {}),
    ("names", "tuned bigram", {}),
    ("text", "characters gpt", {}),
    ("text", "tuned mlp", {"tokenizer": "characters"}),
    ("text", "tuned bigram", {"tokenizer": "characters"}),
]


@pytest.fixture(params=RECIPES, ids=[f"{name} {recipe}" for name, recipe, _ in RECIPES])
def learner(request, loaded):
    """A learner of each model, small batches, before its first step."""
    name, base, changes = request.param
    playground = playgrounds.get(name)
    recipe = playground.recipes[base].replace({"batch_size": 8, **changes})
    return Learner(playground, recipe, loaded[name], CPU)


def test_what_judges_has_the_form_of_what_is_learned(learner):
    """A batch of held-out data goes into the same model, and is other data."""
    playground, recipe = learner.playground, learner.recipe
    held = playground.held_out(learner.data, recipe, learner.vocabulary, CPU)
    assert len(held) > 8 and held is not learner.examples
    drawn = torch.Generator().manual_seed(0)
    mine = learner.examples.batch(torch.arange(8), recipe, drawn)
    its = held.batch(torch.arange(8), recipe, drawn)
    assert [t.dtype for t in mine] == [t.dtype for t in its]
    assert [t.dim() for t in mine] == [t.dim() for t in its]
    with torch.no_grad():
        loss = float(playground.loss(recipe, learner.model.eval()(its[0]), its[1]))
    assert loss == pytest.approx(
        playground.uniform_loss(recipe, learner.vocabulary), rel=0.6
    )  # it has learned nothing yet


def test_baselines_are_ordered(learner):
    """Knowing more never costs more; without tokens there is nothing to count."""
    playground, recipe = learner.playground, learner.recipe
    found = dict(playground.baselines(learner.data, recipe, learner.vocabulary))
    if playground.name == "digits":
        assert found == {}
        return
    assert list(found) == ["even", "single", "pair", "triple"]
    values = list(found.values())
    assert values == sorted(values, reverse=True) and values[-1] > 1.0
    assert found["even"] == pytest.approx(playground.uniform_loss(recipe, learner.vocabulary))


def test_a_grown_model_is_larger_and_of_the_same_kind(learner):
    """Twice the width is a valid recipe with more parameters; a table can't be wider."""
    playground, recipe = learner.playground, learner.recipe
    changes = playground.resized(recipe, 2.0)
    if recipe.model == "bigram":
        assert changes == {}
        return
    wider = recipe.replace(changes)
    assert wider.model == recipe.model and wider != recipe

    def size(model):
        return sum(p.numel() for p in model.parameters())

    grown = playground.build(wider, learner.vocabulary, initialised=False)
    assert 1.5 < size(grown) / size(learner.model) < 5
