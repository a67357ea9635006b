"""What the doctor's tests stand on."""

from functools import cache

import pytest
import torch

from core import playgrounds


@pytest.fixture
def one_thread():
    """Small networks learn faster with one, and add up their numbers in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def letters():
    """Three letters of a name and the one that follows: (N, 3) and (N,)."""
    rows, following = [], []
    for name in playgrounds.get("names").load(None).train[:1500]:
        context = [0, 0, 0]
        for letter in [*name, "."]:
            index = 0 if letter == "." else min(26, max(1, ord(letter) - 96))
            rows.append(context)
            following.append(index)
            context = [*context[1:], index]
    return torch.tensor(rows), torch.tensor(following)


@pytest.fixture(scope="session")
def variants(tmp_path_factory):
    """Return all recipes of a playground, each with a vocabulary that takes no time to be made."""
    path = tmp_path_factory.mktemp("short") / "text.txt"
    path.write_text("To be, or not to be: that is the question.\n" * 40, "utf-8")
    small = {"tokenizer": "characters", "occurring": True}

    @cache
    def of(name, dropout):
        playground = playgrounds.get(name)
        data = playground.load(path if name == "text" else None)
        changes = {"dropout": dropout} | (small if name == "text" else {})
        recipes = [recipe.replace(changes) for recipe in playground.recipes.values()]
        if name == "text":
            recipes.append(recipes[0].replace({"bias": False, "gelu": "tanh", "trained": "lora"}))
        return [(recipe, playground.vocabulary(data, recipe)) for recipe in recipes]

    return of
