"""GPT-2 on the command line: judged, asked, trained further and written."""

import json

import pytest
import torch
from safetensors.torch import save_file

from core.cli import main
from core.training.checkpoint import load_checkpoint
from tests.core.commands.test_text import refusal, told
from tests.core.playgrounds.text.foreign.reference import random_weights

CONFIG = {"model_type": "gpt2", "n_head": 4, "n_layer": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny GPT-2 as Hugging Face has it."""
    found = tmp_path_factory.mktemp("gpt2")
    save_file(random_weights(), found / "model.safetensors")
    (found / "config.json").write_text(json.dumps(CONFIG))
    return found


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A text of one's own."""
    path = tmp_path_factory.mktemp("text") / "lesson.txt"
    path.write_text("The cat sat on the mat, and the dog sat on the log.\n" * 20)
    return path


def test_it_is_judged_and_asked(folder, lesson, capsys):
    """By the file or its folder; a prompt that is longer than the context is told of."""
    judged = told(capsys, "evaluate", folder, "--data", lesson)
    assert judged["metrics"]["vocab_size"] == 50_257 and judged["metrics"]["tokenizer"] == "gpt2"
    words = ("--tokens", 5, "--seed", 1, "--prompt", "the cat " * 40)
    made = told(capsys, "sample", folder / "model.safetensors", *words)
    assert len(made["samples"]) == 1
    assert made["note"] == "The prompt has 81 tokens; the network sees the last 24 of them."
    assert "note" not in told(capsys, "sample", folder, "--tokens", 2)


def test_it_is_trained_further(folder, lesson, tmp_path, capsys):
    """By its own settings where none are named, with the loss before and after; then once more."""
    out = tmp_path / "mine.safetensors"
    words = ("train", "text", "--data", lesson, "--steps", 4, "--out", out)
    settings = ("--set", "lr=0.01", "context=16", "schedule=constant")
    made = told(capsys, *words, "--resume", folder, *settings)
    assert made["val_loss"] < made["val_loss_before"] - 0.1 and made["steps"] == 4
    checkpoint = load_checkpoint(out)
    assert checkpoint.recipe.context == 16 and checkpoint.recipe.gelu == "tanh"
    assert len(checkpoint.weights["position.product.weight"]) == 16
    again = told(capsys, *words, "--resume", out)
    assert again["steps"] == 8
    assert again["val_loss_before"] == pytest.approx(made["val_loss"], abs=1e-4)
    assert main(["train", "names", "--steps", "2", "--resume", str(folder)]) == 2
    assert "holds another model; choose one of this playground" in capsys.readouterr().err


def test_what_was_trained_is_written_for_others(folder, tmp_path, capsys):
    """And opened again; a network that can't be a GPT-2 is refused with the reason."""
    answer = told(capsys, "export", folder, "--to", "huggingface", "--out", tmp_path / "net")
    assert answer["out"] == str(tmp_path / "net")
    before, after = load_checkpoint(folder), load_checkpoint(tmp_path / "net")
    assert before.recipe == after.recipe
    assert all(torch.equal(t, after.weights[name]) for name, t in before.weights.items())
    words = ("--to", "huggingface", "--out", tmp_path / "other")
    assert "positions are rotary" in refusal(capsys, "export", "text", *words)
    assert "There is no run" in refusal(capsys, "export", "text", "--to", "csv", "--out", tmp_path)


def test_a_part_of_it_is_trained(folder, lesson, tmp_path, capsys):
    """The loss falls; all other weights stay bit for bit; then all are trained, and written."""
    out = tmp_path / "mine.safetensors"
    words = ("train", "text", "--data", lesson, "--steps", 4, "--out", out)
    settings = ("--set", "lr=0.02", "schedule=constant", "trained=last", "trained_blocks=1")
    made = told(capsys, *words, "--resume", folder, *settings)
    assert made["val_loss"] < made["val_loss_before"] - 0.02
    before, after = load_checkpoint(folder).weights, load_checkpoint(out).weights
    moved = {name for name, t in before.items() if not torch.equal(t, after[name])}
    assert moved and all(name.startswith(("blocks.1.", "norm.")) for name in moved)
    whole = told(capsys, *words, "--resume", out, "--set", "trained=all", "lr=0.0001")
    assert whole["val_loss_before"] == pytest.approx(made["val_loss"], abs=1e-4)
    told(capsys, "export", out, "--to", "huggingface", "--out", tmp_path / "net")
    found = load_checkpoint(tmp_path / "net")
    assert found.weights.keys() == before.keys()
    judged = told(capsys, "evaluate", tmp_path / "net", "--data", lesson)
    assert judged["metrics"]["val_nats_per_token"] == pytest.approx(whole["val_loss"], abs=1e-4)


def test_additions_of_low_rank_are_trained(folder, lesson, tmp_path, capsys):
    """All weights stay bit for bit; a run goes on with its additions; merged, it answers alike."""
    out = tmp_path / "mine.safetensors"
    words = ("train", "text", "--data", lesson, "--steps", 4, "--out", out)
    settings = ("lr=0.02", "schedule=constant", "trained=lora", "lora_rank=2")
    made = told(capsys, *words, "--resume", folder, "--set", *settings)
    assert made["val_loss"] < made["val_loss_before"] - 0.02
    before, after = load_checkpoint(folder).weights, load_checkpoint(out).weights
    assert all(torch.equal(t, after[name]) for name, t in before.items())
    assert {name for name in after if name not in before} == {
        f"blocks.{n}.{part}.product.{factor}"
        for n in range(2)
        for part in ("attend", "project")
        for factor in ("down", "up")
    }
    again = told(capsys, *words, "--resume", out)
    assert again["val_loss_before"] == pytest.approx(made["val_loss"], abs=1e-4)
    told(capsys, "export", out, "--to", "huggingface", "--out", tmp_path / "net")
    found = load_checkpoint(tmp_path / "net").weights
    moved = {name for name, t in before.items() if not torch.equal(t, found[name])}
    assert moved == {
        f"blocks.{n}.{x}.product.weight" for n in (0, 1) for x in ("attend", "project")
    }
    judged = told(capsys, "evaluate", tmp_path / "net", "--data", lesson)
    assert judged["metrics"]["val_nats_per_token"] == pytest.approx(again["val_loss"], abs=1e-4)
    for setting in ("lora_rank=3", "trained=all"):
        other = told(capsys, *words, "--resume", out, "--set", setting, "lr=0.0001")
        assert other["val_loss_before"] == pytest.approx(again["val_loss"], abs=1e-4)
        again = other
    assert load_checkpoint(out).weights.keys() == before.keys()
