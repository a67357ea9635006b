"""Memory is estimated before it is taken, and what is too much is said with what to lower."""

import re
from dataclasses import replace

import pytest
import torch

from core import playgrounds
from core.errors import UserError
from core.playgrounds.digits.data import bundled as bundled_digits
from core.playgrounds.digits.evaluation import answer
from core.playgrounds.digits.models import build as build_digits
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.text.recipe import TextRecipe
from core.training import lr_range_test, memory, trainer
from core.training.control import Control
from core.training.evaluation import at_once
from core.training.footprint import JUDGING
from core.training.memory import needed, shortage

FREE = 6_000_000_000  # bytes, of a laptop with 8 GB
HUGE = {
    "wide and deep": TextRecipe(width=2048, layers=48, heads=16),
    "long and many": TextRecipe(context=1024, batch_size=8192),
    "large layers": DigitsRecipe(model="mlp", hidden=(4096,) * 8, batch_size=8192),
    "large filters": DigitsRecipe(channels=(512,) * 4, kernel=15, batch_size=8192),
    "all names at once": NamesRecipe(hidden=(4096,) * 8, embedding=512, batch_size=1_000_000),
    "long memory": NamesRecipe(model="gru", width=2048, context=64, batch_size=1_000_000),
}


def test_every_shipped_recipe_fits_into_a_laptop():
    """None of them is refused where 6 GB are free."""
    recipes = [
        r for name in playgrounds.all_names() for r in playgrounds.get(name).recipes.values()
    ]
    assert all(0 < needed(recipe) <= FREE for recipe in recipes)
    assert not any(shortage(recipe, FREE) for recipe in recipes)


@pytest.mark.parametrize("recipe", HUGE.values(), ids=HUGE)
def test_what_is_too_much_is_said_with_what_to_lower(recipe):
    """What the sentence names, set as it says, fits."""
    sentence = shortage(recipe, FREE)
    found = re.search(
        r"It would take about ([\d.]+) GB .* 6.0 GB are free; lower it to (.+)\.$", sentence
    )
    assert found and float(found[1]) > 6, sentence
    changes = dict(change.split("=") for change in found[2].split(" and "))
    assert shortage(recipe.replace(changes), FREE) == ""


def test_half_precision_halves_what_convolutions_keep_and_not_what_is_prepared():
    """Measured with 256 channels: 488 MB in bfloat16, of which some 225 MB are there anyway."""
    recipe = DigitsRecipe(channels=(256, 128), batch_size=128)
    assert 0.9 * 488e6 < needed(recipe, mixed=True) < 1.6 * 488e6
    assert 0.9 * 732e6 < needed(recipe) < 1.6 * 732e6
    small = DigitsRecipe(channels=(1,), batch_size=4096, augment="pen")
    assert needed(small, mixed=True) > 4 * small.batch_size * small.footprint().prepared > 300e6


def test_of_settings_that_save_alike_the_batch_is_lowered():
    """A context of four tokens would fit as well, and would learn nothing."""
    recipe = TextRecipe(batch_size=8192, context=1024)
    assert re.search("lower it to batch_size=[0-9]+\\.$", shortage(recipe, FREE))


def test_where_nothing_helps_no_setting_is_named():
    """With hardly any memory free, none would do."""
    assert "a smaller model" in shortage(DigitsRecipe(), 1000)


def test_a_run_is_refused_before_anything_is_built(run_of, small, monkeypatch):
    """Training and the range test ask first."""
    monkeypatch.setattr(memory, "free_memory", lambda device: 1 << 20)
    built = []
    run = replace(run_of(small, steps=3), make_learner=lambda *rest: built.append(rest))
    for begin in (trainer.train, lr_range_test.range_test):
        with pytest.raises(UserError, match="would take about"):
            list(begin(run, Control()))
    assert not built


def test_what_the_data_does_not_allow_is_said_by_whoever_needs_it(run_of, small, monkeypatch):
    """A case study asks for GPT-2's tokenizer, which is out of reach, and has one of its own."""

    def sizes(data, recipe):
        raise UserError("out of reach")

    run = run_of(small, steps=3)
    monkeypatch.setattr(run.playground, "sizes", sizes)
    memory.check_memory(run)


@pytest.mark.parametrize("files", memory.CGROUPS)
def test_the_limit_of_a_control_group_counts(tmp_path, files):
    """In a container the machine's own memory says nothing."""
    limit, used, kinds = (tmp_path / name for name in files)
    limit.parent.mkdir(exist_ok=True)
    limit.write_text("3000\n")
    used.write_text("1000\n")
    kinds.write_text("anon 400\ninactive_file 400\nactive_file 200\n")
    assert memory._free_in_group(tmp_path) == 2600  # copies of files make room
    limit.write_text("max\n")
    assert memory._free_in_group(tmp_path) > 1 << 60


def test_a_wide_network_is_judged_in_small_slices():
    """So many pictures at once as fit; of the shipped networks' as many as ever."""
    sizes = []
    model = build_digits(DigitsRecipe(model="mlp", hidden=(8,), batch_norm=False))
    model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    answer(model, bundled_digits().validation, 500)
    model.widest = JUDGING / 80
    answer(model, bundled_digits().validation, 50)
    assert sizes[0] == 500 and max(sizes[1:]) == 10
    assert at_once(500, 0.0) == 500 and at_once(500, 1e12) == 1


def test_the_allocators_own_failure_is_a_sentence():
    """The libraries say it with a RuntimeError (torch) or a MemoryError."""
    from core.problems import NO_MEMORY, problem_of

    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert problem_of(refused.value) == problem_of(MemoryError()) == NO_MEMORY
    assert problem_of(RuntimeError("a bug")) == problem_of(OSError("a bug")) == ""
