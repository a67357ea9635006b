"""Networks that are written as Hugging Face has GPT-2, and opened again."""

import json

import pytest
import torch
from safetensors import safe_open

from core import playgrounds
from core.errors import UserError
from core.playgrounds.text.recipe import RECIPES
from core.tokenizers import characters, gpt2, train_bpe
from core.training.checkpoint import Checkpoint, load_checkpoint
from tests.core.playgrounds.text.foreign.reference import logits

TEXT = playgrounds.get("text")
SMALL = {"width": 16, "layers": 2, "heads": 4, "context": 24}
NANO = RECIPES["nanoGPT, on a CPU"].replace(SMALL)
TOKENS = torch.tensor([72, 101, 108, 32, 10, 10, 255, 7])


def made(recipe, tokenizer):
    """A network whose biases are no zeros, as if it had learned something."""
    torch.manual_seed(1)
    model = TEXT.build(recipe, tokenizer.to_dict())
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return Checkpoint(TEXT, recipe, tokenizer.to_dict(), model.state_dict(), {}, {"steps": 5})


@pytest.mark.parametrize(
    ("changes", "tokenizer"),
    [
        ({}, characters("aé小")),
        ({"gelu": "tanh", "tied": False, "tokenizer": "gpt2"}, gpt2()),
        ({"bias": False, "tokenizer": "bpe"}, train_bpe(["to be or not to be, to be"], 260)),
    ],
)
def test_a_network_that_is_written_and_opened_is_the_same(tmp_path, changes, tokenizer):
    """By this program and by the reference, biases that it lacks as zeros."""
    checkpoint = made(NANO.replace(changes), tokenizer)
    TEXT.write_foreign(checkpoint, tmp_path / "net")
    with torch.no_grad():
        expected = checkpoint.model()(TOKENS[None])[0]
        again = load_checkpoint(tmp_path / "net")
        assert torch.allclose(again.model()(TOKENS[None])[0], expected, atol=1e-5)
    with safe_open(tmp_path / "net" / "model.safetensors", framework="pt") as file:
        weights = {n.removeprefix("transformer."): file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
        assert file.metadata() == {"format": "pt"}
    config = json.loads((tmp_path / "net" / "config.json").read_text())
    approximate = "tanh" if config["activation_function"] == "gelu_new" else "none"
    found = logits(weights, TOKENS, config["n_head"], approximate)
    assert torch.allclose(found, expected, atol=1e-4)
    assert again.vocabulary == checkpoint.vocabulary
    for key in ("context", "width", "layers", "heads", "gelu", "tied", "tokenizer"):
        assert getattr(again.recipe, key) == getattr(checkpoint.recipe, key)
    assert {path.name for path in tmp_path.iterdir()} == {"net"}


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (
            RECIPES["tuned gpt"].replace(SMALL),
            "its positions are rotary, and a GPT-2's are learned",
        ),
        (NANO.replace({"qk_norm": True}), "queries and keys are normalised"),
        (RECIPES["tuned bigram"], "it is a bigram"),
    ],
)
def test_a_network_that_no_gpt2_is_equal_to_is_refused(tmp_path, recipe, sentence):
    """It is said what stands in the way, and nothing is written."""
    with pytest.raises(UserError, match=sentence):
        TEXT.write_foreign(made(recipe, characters("")), tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_or_cannot_be_is_refused(tmp_path):
    """Nothing of it is touched, and no draft is left."""
    checkpoint = made(NANO, characters(""))
    (tmp_path / "net").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is there already; name a folder that is not"):
        TEXT.write_foreign(checkpoint, tmp_path / "net")
    with pytest.raises(UserError, match="can't be written"):
        TEXT.write_foreign(checkpoint, tmp_path / "file" / "net")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "net"]


def test_networks_of_other_subjects_have_no_such_form(tmp_path):
    """A sentence says so."""
    digits = playgrounds.get("digits")
    with pytest.raises(UserError, match="only those of text have one"):
        digits.write_foreign(None, tmp_path / "net")
