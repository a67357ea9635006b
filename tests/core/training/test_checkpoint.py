"""Checkpoints: what is written can be read, and what is wrong is refused with a sentence."""

import json
import pickle
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from core.errors import UserError
from core.files import write_whole
from core.training.checkpoint import find_checkpoint, load_checkpoint
from core.training.learner import Learner


def parts(path):
    """The tensors and the description of a checkpoint."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["glassbox"])


def rewrite(source, target, tensors=None, about=None):
    """Write a checkpoint with some of it changed."""
    old_tensors, old_about = parts(source)
    save_file(
        old_tensors if tensors is None else tensors,
        target,
        {"glassbox": json.dumps(old_about if about is None else about)},
    )
    return target


def test_a_checkpoint_answers_as_the_network_it_was_made_from(trained, digits, bundled):
    """The file alone makes a network that has learned."""
    checkpoint = load_checkpoint(trained)
    numbers = digits.test(checkpoint.model(), bundled, checkpoint.recipe)
    assert numbers["test_accuracy"] > 0.75 and numbers["test_size"] == 500


def test_its_description_is_readable_json(trained):
    """Anyone can see how it was made: the header is plain JSON."""
    _, about = parts(trained)
    assert about["playground"] == "digits" and about["recipe"]["hidden"] == [32]
    assert about["steps"] == 150 and about["metrics"]["val_accuracy"] > 0.75


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_truncated_file_is_refused(trained, tmp_path, share):
    """Whatever is left of it, the answer is a sentence."""
    content = trained.read_bytes()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=r"damaged or no checkpoint"):
        load_checkpoint(broken)


def test_a_pickle_is_never_opened(tmp_path):
    """A file that would run code when unpickled is refused, and nothing ran."""
    mark = tmp_path / "ran"

    class Hostile:
        def __reduce__(self):
            return (open, (str(mark), "w"))

    path = tmp_path / "hostile.safetensors"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(UserError, match="damaged or no checkpoint"):
        load_checkpoint(path)
    assert not mark.exists()


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    """Somebody else's weights are not guessed at."""
    path = tmp_path / "foreign.safetensors"
    save_file({"layer.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(UserError, match="not written by this version"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"playground": "nowhere"}, "no playground 'nowhere'"),
        ({"playground": None}, "no playground"),
        ({"recipe": None}, "no recipe"),
        ({"recipe": {"hidden": [64]}}, "lacks the weights|does not fit"),
        ({"recipe": {"hidden": [99999999]}}, "hidden"),
        ({"recipe": {"hidden": [float("inf")]}}, "hidden"),
        ({"recipe": {"seed": float("inf")}}, "seed"),
        ({"recipe": {"lr": 10**400}}, "lr"),
        ({"steps": "abc"}, "not written by this version"),
        ({"recipe": {"evil": 1}}, "no setting 'evil'"),
        ({"recipe": {"lr": "NaN"}}, "lr"),
        ({"format": 99}, "not written by this version"),
    ],
)
def test_a_mislabelled_file_is_refused(trained, tmp_path, change, sentence):
    """A description that does not fit its weights is noticed before anything is built."""
    _, about = parts(trained)
    path = rewrite(trained, tmp_path / "x.safetensors", about={**about, **change})
    with pytest.raises(UserError, match=sentence):
        load_checkpoint(path)


def test_deeply_nested_json_is_refused(tmp_path):
    """A description made to exhaust the stack gets a sentence."""
    path = tmp_path / "deep.safetensors"
    save_file({"model.a": torch.zeros(1)}, path, {"glassbox": "[" * 100_000})
    with pytest.raises(UserError, match="not written by this version"):
        load_checkpoint(path)


@pytest.mark.parametrize("kind", ["missing", "extra", "shape", "type", "nan"])
def test_wrong_weights_are_refused(trained, tmp_path, kind):
    """Names, shapes, types and numbers are held against the recipe's model."""
    tensors, _ = parts(trained)
    name = "model.output.product.weight"
    if kind == "missing":
        del tensors[name]
    elif kind == "extra":
        tensors["model.more"] = torch.zeros(1)
    elif kind == "shape":
        tensors[name] = tensors[name].T.contiguous()
    elif kind == "type":
        tensors[name] = tensors[name].double()
    else:
        tensors[name][0, 0] = float("nan")
    with pytest.raises(UserError, match=r"lacks|fit its own recipe|are NaN|damaged"):
        load_checkpoint(rewrite(trained, tmp_path / "x.safetensors", tensors=tensors))


def test_a_name_that_is_nothing_lists_what_there_is():
    """Neither a file nor a starter: the sentence says what would be."""
    with pytest.raises(UserError, match="There is no checkpoint nothing"):
        find_checkpoint("nothing")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """When there is no room, the old file stays whole and no half one lies beside it."""
    path = tmp_path / "kept.bin"
    write_whole(path, b"old")
    script = (
        "import resource, sys; from pathlib import Path; from core.errors import UserError\n"
        "from core.files import write_whole\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_whole(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except UserError as error: print(error)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert "can't be written" in answer.stdout
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["kept.bin"]


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("optimizer.0.exp_avg", torch.zeros(3, 3)),
        ("optimizer.0.step", torch.zeros(7)),
        ("random", torch.zeros(9)),
        ("batches.generator", torch.zeros(9)),
        ("batches.order", torch.full((4500,), 10**12)),
        ("batches.order", torch.zeros(4500)),
        ("batches.place", torch.tensor([0, -70])),
        ("optimizer.99.step", torch.zeros(())),
    ],
)
def test_a_damaged_place_in_the_run_is_refused(trained, tmp_path, digits, bundled, name, tensor):
    """Going on from a file whose state of the run is wrong gives a sentence, not a crash."""
    tensors, _ = parts(trained)
    tensors[f"resume.{name}"] = tensor
    checkpoint = load_checkpoint(rewrite(trained, tmp_path / "x.safetensors", tensors=tensors))
    with pytest.raises(UserError, match="place in its run is damaged"):
        Learner(digits, checkpoint.recipe, bundled, torch.device("cpu"), checkpoint)
