"""nanoGPT's checkpoints: opened exactly, never run; what is wrong is refused with a sentence."""

import os
import pickle
import zipfile

import pytest
import torch

from core.errors import UserError
from core.training.checkpoint import load_checkpoint
from tests.core.playgrounds.text.foreign.reference import logits, random_weights

TOKENS = torch.tensor([15496, 995, 0, 50256, 198, 50256, 7, 7, 7, 318])
ARGS = {"n_layer": 2, "n_head": 4, "n_embd": 16, "block_size": 24, "bias": True, "dropout": 0.1}


def written(path, weights, args=ARGS, prefix="", **rest):
    """A checkpoint as nanoGPT's train.py writes it."""
    model = {f"{prefix}transformer.{name}": tensor for name, tensor in weights.items()}
    model[f"{prefix}lm_head.weight"] = weights["wte.weight"]
    content = {
        "model": model,
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3}]},
        "model_args": args | {"vocab_size": len(weights["wte.weight"])},
        "iter_num": 2000,
        "best_val_loss": torch.tensor(1.88),
        "config": {"out_dir": "out", "compile": True},
    }
    torch.save(content | rest, path)
    return path


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
def test_it_answers_as_the_reference(tmp_path, prefix, bias):
    """With the rows that pad its table left out; its place in the run is known."""
    weights = random_weights(tokens=50_304, transposed=False, bias=bias)
    path = written(tmp_path / "ckpt.pt", weights, ARGS | {"bias": bias}, prefix)
    checkpoint = load_checkpoint(tmp_path if prefix else path)
    recipe, about = checkpoint.recipe, checkpoint.about
    assert (recipe.heads, recipe.bias, recipe.tied, recipe.dropout) == (4, bias, True, 0.1)
    assert about["steps"] == 2000 and about["metrics"]["val_loss"] == pytest.approx(1.88)
    expected = logits(weights, TOKENS, 4, approximate="none", transposed=False)
    with torch.no_grad():
        found = checkpoint.model()(TOKENS[None])[0]
    assert found.shape == (10, 50_257)
    assert torch.allclose(found, expected[:, :50_257], atol=1e-4)


class Hostile:
    """Would run something while it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    """Within a checkpoint, or as a plain pickle."""
    weights = random_weights(transposed=False)
    path = written(tmp_path / "ckpt.pt", weights, config=Hostile(tmp_path / "ran"))
    with pytest.raises(UserError, match="holds more than numbers"):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Hostile(tmp_path / "ran")))
    with pytest.raises(UserError, match=r"no file of torch\.save"):
        load_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_files_that_are_damaged_or_none_are_refused(tmp_path):
    """Cut off, overwritten, packed too well, or other programs' own."""
    weights = random_weights(layers=1, transposed=False)
    path = written(tmp_path / "ckpt.pt", weights)
    raw = path.read_bytes()
    for broken in (b"", b"nothing", raw[: len(raw) // 2], raw[:-30]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match="damaged or no checkpoint of nanoGPT"):
            load_checkpoint(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    with pytest.raises(UserError, match="nanoGPT"):
        load_checkpoint(path)
    for content in ([1, 2], {"model": {}}, {"model": {}, "model_args": {}}, torch.zeros(3)):
        torch.save(content, path)
        with pytest.raises(
            UserError, match=r"nanoGPT|does not say how many heads|lacks the tables"
        ):
            load_checkpoint(path)
    with pytest.raises(UserError, match="can't be read"):
        load_checkpoint(tmp_path / "gone.pt")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"n_head": None}, "does not say how many heads"),
        ({"n_head": 5}, "heads=5 can't share width=16"),
        ({"n_layer": 5}, "says n_layer=5, and its weights have 2"),
        ({"block_size": 7}, "says block_size=7"),
        ({"dropout": 7}, "dropout=7.0 is not possible"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tmp_path, args, sentence):
    """What it says of itself is held against its weights."""
    weights = random_weights(transposed=False)
    with pytest.raises(UserError, match=sentence):
        load_checkpoint(written(tmp_path / "ckpt.pt", weights, ARGS | args))


def test_weights_in_odd_forms_are_refused(tmp_path):
    """A single number that claims to be a large matrix, whole numbers, a text."""
    weights = random_weights(transposed=False)
    name = "h.0.mlp.c_fc.weight"
    odd = (
        torch.zeros(1).expand(64, 16),
        torch.zeros(64, 16, dtype=torch.long),
        "text",
    )
    for tensor in odd:
        with pytest.raises(UserError, match=r"does not write|no list of weights|more than numbers"):
            load_checkpoint(written(tmp_path / "ckpt.pt", weights | {name: tensor}))
