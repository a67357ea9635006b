"""Text on the command line: all its verbs, and what it refuses."""

import json
import math
import os
import subprocess
import sys

import pytest

from core.cli import main
from core.training import trainer
from core.training.checkpoint import load_checkpoint
from tests.core.test_cli import ROOT, answer

SMALL = ("layers=1", "heads=2", "width=32", "context=16", "batch_size=8", "lr=0.01")
BPE = ("--set", "tokenizer=bpe", "vocab_size=300", *SMALL)
LESSON = (
    "The cat sat on the mat. A rat, by the way, sat on the cat!\n"
    "Shall I compare thee to a summer's day? The rest is silence.\n\n"
)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A text of some six thousand characters."""
    path = tmp_path_factory.mktemp("text") / "lesson.txt"
    path.write_text(LESSON * 50, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory, lesson):
    """A small gpt that has seen some of it."""
    out = tmp_path_factory.mktemp("net") / "net.safetensors"
    return out, answer("train", "text", "--data", lesson, "--steps", 40, *BPE, "--out", out)


def refusal(capsys, *words):
    """Run it in this process with bad input; the one line that it answers."""
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def told(capsys, *words):
    """Run it with --json in this process, which is quicker; return the one object."""
    status = main([*(str(word) for word in words), "--json"])
    said = capsys.readouterr()
    assert status == 0, said.err
    assert said.out.count("\n") == 1
    return json.loads(said.out)


def sampled(capsys, *words):
    """What it writes."""
    return told(capsys, "sample", *words)["samples"]


def test_train_evaluate_sample(network, lesson, capsys):
    """Trained, judged and asked to write on, by scripts alone."""
    out, made = network
    assert made["model"] == "gpt" and made["steps"] == 40 and "lesson.txt" in made["dataset"]
    assert made["val_loss"] == made["metrics"]["val_loss"] < math.log(300) - 1
    assert set(made["metrics"]) == {
        *("val_loss", "train_loss", "val_nats_per_char", "train_nats_per_char")
    }
    judged = told(capsys, "evaluate", out, "--data", lesson)
    assert judged["playground"] == "text" and "lesson.txt" in judged["dataset"]
    numbers = judged["metrics"]
    assert set(numbers) == {
        *("val_nats_per_token", "val_nats_per_char", "val_bits_per_char"),
        *("tokenizer", "vocab_size", "val_characters"),
    }
    assert (numbers["tokenizer"], numbers["vocab_size"]) == ("bpe", 300)
    assert numbers["val_characters"] == round(0.1 * len(LESSON * 50))
    assert numbers["val_nats_per_token"] == pytest.approx(made["val_loss"], abs=1e-3)
    nats = made["metrics"]["val_nats_per_char"]
    assert numbers["val_nats_per_char"] == pytest.approx(nats, abs=1e-3)
    words = ("--prompt", "The cat", "--count", 4, "--tokens", 12, "--seed", 4)
    found = told(capsys, "sample", out, *words)
    assert set(found) == {"samples", "tokens_per_second"} and found["tokens_per_second"] > 0
    assert len(set(found["samples"])) == 4
    assert all(text.startswith("The cat") and len(text) > 7 for text in found["samples"])


def test_what_is_streamed_is_what_json_says(network, capsys):
    """The same seed, the same text, and a line's end behind it; another seed, another text."""
    out, _ = network
    words = ("sample", out, "--prompt", "The cat", "--tokens", "60", "--seed", "4")
    words += ("--temperature", "0.3", "--top-k", "100")
    assert main([str(word) for word in words]) == 0
    streamed = capsys.readouterr().out
    [sample] = sampled(capsys, *words[1:])
    assert streamed == sample + "\n"
    assert sampled(capsys, *words[1:], "--seed", 5) != [sample]


@pytest.mark.skipif(os.name == "nt", reason="needs a pipe that can be read as it is written")
def test_a_text_is_told_while_it_is_written(network):
    """The prompt and the first words are there long before the last."""
    command = [sys.executable, "-m", "core", "sample", str(network[0]), "--prompt", "The cat"]
    command += ["--tokens", "200000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        begun = writer.stdout.read(40)
        assert writer.poll() is None
        writer.terminate()
        assert begun.startswith(b"The cat")
        writer.stdout.read()


@pytest.mark.parametrize(
    "prompt", ["", "Μῆνιν ἄειδε", "小猫 👩‍👩‍👧", "\x07<|endoftext|>", "x" * 500]
)
def test_any_prompt_is_gone_on_from(network, capsys, prompt):
    """Characters that were never met, marks, nothing, or more than the network sees."""
    words = ("--prompt", prompt, "--tokens", 8, "--seed", 1, "--temperature", 0.5)
    [found] = sampled(capsys, network[0], *words)
    assert found.startswith(prompt) and len(found) > len(prompt)


def test_another_text_can_be_judged_and_not_be_gone_on_with(network, tmp_path, capsys):
    """No tokenizer loses a text; but the tokens that it would learn are others."""
    out, made = network
    greek = tmp_path / "greek.txt"
    greek.write_text("Μῆνιν ἄειδε, θεά, Πηληϊάδεω Ἀχιλῆος οὐλομένην.\n" * 40, encoding="utf-8")
    assert main(["evaluate", str(out), "--data", str(greek), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)["metrics"]
    assert numbers["val_characters"] == round(0.1 * len(greek.read_text("utf-8")))
    assert numbers["val_nats_per_char"] > made["metrics"]["val_nats_per_char"]
    resume = ("--resume", out, "--steps", 2, "--out", tmp_path / "more.safetensors")
    assert "made for other letters or tokens" in refusal(
        capsys, "train", "text", "--data", greek, *BPE, *resume
    )


def test_a_training_is_gone_on_with(network, lesson, tmp_path, capsys):
    """Its file says of what it is; another tokenizer is refused with a sentence."""
    words = ("train", "--data", lesson, "--resume", network[0], "--steps", 3)
    words += ("--out", tmp_path / "more.safetensors")
    more = told(capsys, *words, *BPE)
    assert more["steps"] == 43
    sentence = refusal(capsys, *words, "--set", "tokenizer=characters", *SMALL)
    assert "made for other letters or tokens; train from fresh weights" in sentence


def test_a_checkpoint_is_kept_on_the_way(lesson, tmp_path, capsys, monkeypatch):
    """Every so often a whole file, with which another run goes on."""
    out, found, keep = tmp_path / "way.safetensors", [], trainer.save_checkpoint

    def kept(path, checkpoint):
        keep(path, checkpoint)
        found.append(load_checkpoint(path))

    monkeypatch.setattr(trainer, "save_checkpoint", kept)
    train = ("train", "text", "--data", lesson, *BPE)
    made = told(capsys, *train, "--seconds", 1.5, "--save-every", 0.3, "--out", out)
    steps = [checkpoint.about["steps"] for checkpoint in found]
    assert len(steps) >= 3 and steps == sorted(steps) and steps[-1] == made["steps"]
    first = found[0]
    assert first.model().tokenizer.size == 300 and first.resume
    assert "train_loss" in first.about["metrics"]
    on_the_way = tmp_path / "first.safetensors"
    keep(on_the_way, first)
    more = told(capsys, *train, "--resume", on_the_way, "--steps", 2, "--out", out)
    assert more["steps"] == steps[0] + 2
    assert {path.name for path in tmp_path.iterdir()} == {out.name, on_the_way.name}


@pytest.mark.parametrize("model", ["mlp", "bigram"])
def test_the_simpler_models_do_all_of_it(lesson, tmp_path, capsys, model):
    """Trained on characters, judged, and asked."""
    out = tmp_path / "net.safetensors"
    words = ("--model", model, "--steps", 30, "--set", "tokenizer=characters", "batch_size=64")
    made = told(capsys, "train", "text", "--data", lesson, *words, "--out", out)
    assert made["model"] == model and made["val_loss"] < math.log(256)
    assert made["metrics"]["val_nats_per_char"] == pytest.approx(made["val_loss"], abs=1e-5)
    assert len(sampled(capsys, out, "--tokens", 9, "--count", 2)) == 2


def test_a_run_that_learns_from_the_plays(tmp_path, capsys, monkeypatch):
    """Without a text of one's own."""
    monkeypatch.delenv("GLASSBOX_DATA", raising=False)
    out = tmp_path / "net.safetensors"
    made = told(capsys, "train", "text", "--steps", 3, "--out", out, *BPE)
    assert "38 plays" in made["dataset"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--top-k", "301"], "top-k of 301 is more than the 300 tokens"),
        (["--top-p", "2"], "top-p of 2 is not possible"),
        (["--temperature", "0"], "0 is not a number above zero"),
        (["--count", "1001"], "ask for 1 to 1,000"),
        (["--tokens", "1000001"], "ask for 1 to 1,000,000"),
        (["--tokens", "0"], "0 is not a whole number above zero"),
        (["--seed", "-1"], "seed of -1 is not possible"),
        (["--seed", str(1 << 64)], "is not possible: it is from 0"),
    ],
)
def test_impossible_samples_are_refused(network, capsys, words, sentence):
    """One line that says what is wrong and what would be possible; the prompt is not shown yet."""
    for how in (["--json"], ["--prompt", "The cat"]):
        assert sentence in refusal(capsys, "sample", network[0], *how, *words)


def test_a_text_of_2_kb_is_trained_on_as_the_page_begins(tmp_path, capsys):
    """It has fewer byte pairs than the first recipe has tokens."""
    text = tmp_path / "short.txt"
    text.write_text(LESSON * 20, encoding="utf-8")
    out = tmp_path / "net.safetensors"
    told(capsys, "train", "text", "--data", text, "--steps", 2, "--out", out, "--set", *SMALL)
    assert 256 < told(capsys, "evaluate", out, "--data", text)["metrics"]["vocab_size"] < 1024


def test_what_does_not_fit_is_refused(network, lesson, tmp_path, capsys):
    """Texts that are none, sizes that do not fit, pictures."""
    empty, short = tmp_path / "empty.txt", tmp_path / "short.txt"
    empty.write_text("")
    short.write_text("a short text. " * 10)
    train = ("train", "text", "--data")
    assert "is empty" in refusal(capsys, *train, empty)
    assert "does not exist" in refusal(capsys, *train, tmp_path / "gone")
    assert "reads no images" in refusal(capsys, "predict", network[0], empty)
    assert "can't share width" in refusal(capsys, *train, lesson, "--set", "heads=3", "width=16")
    words = ("--steps", 2, "--out", tmp_path / "net.safetensors", "--set", *SMALL)
    longer = (*words, "tokenizer=characters", "context=200")
    assert "choose a shorter context" in refusal(capsys, *train, short, *longer)
    assert "is empty" in refusal(capsys, "evaluate", network[0], "--data", empty)


def test_a_damaged_tokenizer_in_a_checkpoint_is_refused(network, tmp_path, capsys):
    """What a stranger's file may say."""
    raw = network[0].read_bytes()
    about = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    learned = json.loads(about["__metadata__"]["glassbox"])["vocabulary"]["learned"]
    broken = tmp_path / "broken.safetensors"
    one, other = [token.encode() for token in learned if len(token) == 4][:2]
    broken.write_bytes(raw.replace(b'\\"' + other + b'\\"', b'\\"' + one + b'\\"'))
    assert "a token twice" in refusal(capsys, "sample", broken)
    broken.write_bytes(raw.replace(b'\\"' + other + b'\\"', b'\\"!!!!\\"'))
    assert "tokens can't be read" in refusal(capsys, "sample", broken)
    broken.write_bytes(raw.replace(b'\\"tokenizer\\": \\"bpe\\"', b'\\"tokenizer\\": \\"bqe\\"'))
    assert "can't be used here" in refusal(capsys, "sample", broken)


def test_gpt2s_tokens_on_the_command_line(lesson, tmp_path, capsys):
    """Those that occur."""
    out = tmp_path / "net.safetensors"
    words = ("--set", "tokenizer=gpt2", "occurring=true", *SMALL)
    told(capsys, "train", "text", "--data", lesson, "--steps", 3, "--out", out, *words)
    network = load_checkpoint(out).model()
    assert network.tokenizer.kind == "gpt2" and 256 < network.tokenizer.size < 350
    [found] = sampled(capsys, out, "--prompt", "Ω猫", "--tokens", 3)
    assert found.startswith("Ω猫")
