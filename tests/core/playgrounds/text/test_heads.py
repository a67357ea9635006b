"""What heads do is told from where they look: a network that is an induction head by hand."""

import numpy as np
import pytest
import torch

from core import playgrounds
from core.interventions import Intervention, Part
from core.playgrounds.text import heads
from core.playgrounds.text.heads import (
    HeadImportanceMeter,
    ask_scores,
    head_layer,
    head_scores,
    repeated_tokens,
)
from core.playgrounds.text.recipe import TextRecipe

TEXT = playgrounds.get("text")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
RECIPE = TextRecipe(
    tokenizer="characters", layers=2, heads=2, width=128, context=16, position="learned"
).replace({"occurring": True, "qk_norm": False, "tied": False, "bias": False})
SHARP = 60.0  # of the queries: so that attention is hard


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The letters in many orders, so that all are known."""
    path = tmp_path_factory.mktemp("text") / "letters.txt"
    generator = np.random.default_rng(0)
    path.write_text("\n".join("".join(generator.permutation(list(LETTERS))) for _ in range(60)))
    return path


def built(data, **changes):
    """Return a network with random weights."""
    recipe = RECIPE.replace(changes)
    text = TEXT.load(data)
    return TEXT.build(recipe, TEXT.vocabulary(text, recipe)).eval()


@torch.no_grad()
def by_hand(model):
    """Make it an induction head: head 2 of layer 2, with the previous-token head 1 of layer 1.

    A stream has the token, its place, the token before (written by layer 1) and the answer
    (written by layer 2), each in numbers of its own, one of which is 1.
    """
    for parameter in model.parameters():
        parameter.zero_()
    count, places = model.tokenizer.size, model.context
    token, place = torch.arange(count), count + torch.arange(places)
    before, answer = place[-1] + 1 + token, place[-1] + 1 + count + token
    model.embedding.product.weight[token, token] = 1.0
    model.position.product.weight[torch.arange(places), place] = 1.0
    model.output.product.weight[token, answer] = 4.0
    norms = [norm for block in model.blocks for norm in (block.norm, block.norm_too)]
    for norm in (*norms, model.norm):
        norm.weight.fill_(1.0)
    first, second = model.blocks
    # Who asks, what is asked for, where it is written, by which head of two of 64 numbers each.
    _write(first, 0, place[1:], place[:-1], before)
    _write(second, 1, token, before, answer)
    return model


def _write(block, head, query, key, into):
    width, size = block.width, block.width // block.heads
    token, own = torch.arange(len(into)), head * size
    block.attend.product.weight[own + torch.arange(len(query)), query] = SHARP
    block.attend.product.weight[width + own + torch.arange(len(key)), key] = 1.0
    block.attend.product.weight[2 * width + own + token, token] = 1.0
    block.project.product.weight[into, own + token] = 1.0


@pytest.fixture(scope="module")
def induction(data):
    """The network made by hand."""
    return by_hand(built(data))


def test_an_induction_head_made_by_hand_has_a_score_of_one(induction, data):
    """Nearly one, for the first token has none before it and takes itself for that.

    The head that it needs is a previous-token head; the others look at all alike.
    """
    found = head_scores(induction, data)
    assert found.repeated == 8
    assert found.induction[1, 1] > 0.9 and found.previous[0, 0] > 0.95
    others = [found.induction[0, 0], found.induction[0, 1], found.induction[1, 0]]
    assert max(others) < 0.2
    assert found.induction[0, 1] == pytest.approx(found.chance("induction"), abs=1e-4)
    assert found.previous[0, 1] == pytest.approx(found.chance("previous"), abs=1e-4)
    assert found.first[0, 1] == pytest.approx(found.chance("first"), abs=1e-4)
    assert found.loss[0] > 2.0 and found.loss[1] < 0.2  # it knows what comes the second time


@pytest.mark.parametrize("changes", [{}, {"position": "rotary", "qk_norm": True}])
def test_heads_of_random_weights_look_at_all_alike(data, changes):
    """Each score is near that of an even attention."""
    found = head_scores(built(data, **changes), data)
    for name in ("induction", "previous", "first"):
        assert np.abs(getattr(found, name) - found.chance(name)).max() < 0.05
    assert abs(found.loss[0] - found.loss[1]) < 0.2


def test_what_is_repeated_occurs_once_the_first_time(induction, data):
    """The same sequences at each call, and no more tokens than there are."""
    tokens = repeated_tokens(induction, data)
    assert tokens.shape == (heads.SEQUENCES, 16)
    assert torch.equal(tokens[:, :8], tokens[:, 8:]) and torch.equal(
        tokens, repeated_tokens(induction, data)
    )
    assert all(len(row.unique()) == 8 for row in tokens)


def test_a_text_of_a_single_token_is_repeated_with_others(induction, tmp_path):
    """There would be nothing to look back at."""
    path = tmp_path / "same.txt"
    path.write_text("a" * 400)
    tokens = repeated_tokens(induction, path)
    assert tokens.shape == (heads.SEQUENCES, 16) and len(tokens[0].unique()) == 8


def test_an_induction_head_needs_the_one_before_it(induction, data):
    """With that muted its score is gone, in the answer and not in the network that was asked."""
    muted = [Intervention(Part(head_layer(0), 0, head=True))]
    answer = ask_scores(muted, data)(induction, 7)
    scores, changed = answer.values["scores"], answer.values["changed"]
    assert answer.step == 7 and answer.values["seconds"] > 0
    assert scores.induction[1, 1] > 0.9 and changed.induction[1, 1] < 0.3
    assert scores.loss[1] < 0.2 and changed.loss[1] > 1.0
    assert head_scores(induction, data).induction[1, 1] > 0.9
    assert not any(block.attend.listener for block in induction.blocks)


def test_the_two_heads_are_the_important_ones(induction, data, tmp_path, monkeypatch):
    """A slice of the heads at each question; the network that was asked stays what it was."""
    text = tmp_path / "twice.txt"
    generator = np.random.default_rng(1)
    eights = ["".join(generator.permutation(list(LETTERS))[:8]) for _ in range(400)]
    text.write_text("".join(eight + eight for eight in eights) * 10)  # of which a tenth judges
    monkeypatch.setattr(heads, "SLICE", 0.0)
    ask = HeadImportanceMeter(text)
    answers = [ask(induction, 3).values for _ in range(4)]
    assert [answer["measured"] for answer in answers] == [1, 2, 3, 4]
    assert np.isnan(answers[0]["importance"]).sum() == 3
    rises = answers[-1]["importance"]
    assert rises[0, 0] > 0.3 and rises[1, 1] > 0.3
    assert rises[0, 1] == pytest.approx(0, abs=1e-5) == rises[1, 0]
    assert answers[-1]["tokens"] == 16 and answers[-1]["stretches"] > 10
    assert head_scores(induction, data).induction[1, 1] > 0.9


def test_importance_of_a_network_that_learns_is_of_its_step(data):
    """A copy is measured: what it learns meanwhile changes nothing."""
    model, other = built(data), built(data)
    ask = HeadImportanceMeter(data)
    model.train()
    first = ask(model, 5)
    with torch.no_grad():
        model.output.product.weight.zero_()
    while first.values["measured"] < 4:
        first = ask(model, 6)
    whole = HeadImportanceMeter(data)(other, 5)
    assert first.step == 5 and model.training
    assert first.values["importance"] == pytest.approx(whole.values["importance"], abs=1e-5)
