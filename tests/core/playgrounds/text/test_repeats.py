"""Random letters that are repeated: a recipe's own text, which induction heads are made for."""

import numpy as np
import pytest
import torch

from core import playgrounds
from core.playgrounds.text.heads import HeadImportanceMeter, head_scores, repeated_tokens
from core.playgrounds.text.repeats import FEWEST, LENGTH, LETTERS, repeated_letters
from core.training.learner import Learner
from tests.core.test_cli import answer

TEXT = playgrounds.get("text")
RECIPE = TEXT.recipes["induction heads"]
TINY = {"width": 32, "heads": 1, "context": 32, "lr": 4e-3, "steps": 350}


@pytest.fixture(scope="module")
def data():
    """The plays, which the recipe does not learn from."""
    return TEXT.load(None)


def period(passage):
    """Return after how many characters a passage begins again."""
    return next(n for n in range(1, LENGTH) if passage[n:] == passage[:-n])


def test_each_passage_repeats_letters_of_which_none_stands_in_it_twice():
    """After another number of letters each time, so that no distance is always right."""
    text = repeated_letters(200)
    assert text == repeated_letters(200) and text == repeated_letters(300)[: len(text)]
    passages = [text[at : at + LENGTH] for at in range(0, len(text), LENGTH)]
    periods = [period(passage) for passage in passages]
    assert set(periods) == set(range(FEWEST, len(LETTERS) + 1))
    assert all(len(set(p[:n])) == n for p, n in zip(passages, periods, strict=True))
    assert set(text) == set(LETTERS)


def test_the_recipe_learns_from_it_whatever_text_was_chosen(data, tmp_path):
    """Vocabulary, examples, what judges and what is said of it are those of the letters."""
    own = tmp_path / "own.txt"
    own.write_text("To be, or not to be. " * 30, "utf-8")
    chosen = TEXT.load(own)
    found = TEXT.vocabulary(chosen, RECIPE)
    assert found == TEXT.vocabulary(data, RECIPE)
    cpu = torch.device("cpu")
    prepared = TEXT.prepare(chosen, RECIPE, found, cpu)
    judging = TEXT.held_out(chosen, RECIPE, found, cpu)
    whole = len(repeated_letters())
    assert (len(prepared.ids), len(judging.ids)) == (round(0.9 * whole), round(0.1 * whole))
    assert TEXT.sizes(chosen, RECIPE) == (len(LETTERS), len(prepared))
    assert TEXT.dataset(chosen, RECIPE) == "repeated random letters"
    assert TEXT.dataset(chosen, RECIPE.replace({"dataset": "text"})).startswith("own.txt")
    about = TEXT.describe_data(chosen, found, RECIPE)
    assert about["letters"] == len(LETTERS) and set(about["excerpt"]) <= set(LETTERS)
    assert TEXT.describe_data(chosen, {})["title"].startswith("own.txt")


def test_letters_before_tell_next_to_nothing(data):
    """Who knows how often letters follow one another does hardly better than who guesses."""
    vocabulary = TEXT.vocabulary(data, RECIPE)
    floors = TEXT.baselines(data, RECIPE, vocabulary)
    assert min(floors.values()) > 0.98 * TEXT.uniform_loss(RECIPE, vocabulary)


def test_a_small_gpt_forms_an_induction_head(data, one_thread):
    """Within 350 steps, with a previous-token head before it: the loss falls on what is repeated.

    Half of the letters that judge can be foreseen in that way; without it, none.
    """
    recipe = RECIPE.replace(TINY)
    learner = Learner(TEXT, recipe, data, torch.device("cpu"))
    before = head_scores(learner.model, None, recipe.dataset)
    for step in range(recipe.steps):
        learner.learn(*learner.take(), step / recipe.steps)
    after = head_scores(learner.model, None, recipe.dataset)
    assert before.induction.max() < 0.1 and before.loss[1] > 3.0
    assert after.induction[1, 0] > 0.8 and after.previous[0, 0] > 0.6
    assert after.loss[1] < 0.8 < 3.0 < after.loss[0]
    assert learner.evaluate(50)[0]["val_loss"] < 2.6
    tokens = repeated_tokens(learner.model, None, recipe.dataset)
    assert len(tokens[0].unique()) == recipe.context // 2
    meter, rises = HeadImportanceMeter(None, recipe.dataset), np.array([np.nan])
    while np.isnan(rises).any():
        rises = meter(learner.model.eval(), 0).values["importance"]
    assert (rises > 0.3).all()


def test_a_checkpoint_is_judged_by_its_own_letters(tmp_path):
    """The command line needs no file, and says what the network was trained on."""
    out, steps = tmp_path / "net.safetensors", ["--steps", "3", "--device", "cpu"]
    small = ["--set", "width=16", "heads=2", "context=16"]
    made = answer("train", "text", "--recipe", "induction heads", *steps, *small, "--out", str(out))
    judged = answer("evaluate", str(out))
    assert made["dataset"] == judged["dataset"] == "repeated random letters"
    assert judged["metrics"]["val_characters"] == len(repeated_letters()) // 10
    written = answer("sample", str(out), "--prompt", "abcab", "--tokens", "8")["samples"][0]
    assert written.startswith("abcab") and set(written) <= set(LETTERS)
