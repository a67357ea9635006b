"""``python -m core diagnose``: a playground, a checkpoint, a record; one object or sentence."""

import json

import numpy as np
import pytest

from core.cli import main
from core.doctor.diagnosis import VERDICTS, Diagnosis
from core.doctor.faults.gallery import FAULTS
from core.doctor.verdict.causes import CAUSES
from core.runs.loop_record import LoopRecord, write_record
from tests.core.test_cli import ROOT, answer, core

SMALL = ("--model", "mlp", "--set", "hidden=32", "--seed", 3)
QUICK = ("--steps", 40, "--budget", 1)


def test_a_broken_playground_is_diagnosed():
    """One JSON object with the promised keys; the cause that was planted stands first."""
    found = answer("diagnose", "names", *SMALL, *QUICK, "--break", "cut")
    assert found["verdict"] == "broken"
    assert found["causes"][0]["id"] == "parameter_not_trained"
    assert set(found) >= {"verdict", "sentence", "confidence", "causes", "checks", "experiments"}
    assert {check["id"] for check in found["checks"]} <= set(CAUSES)
    assert Diagnosis.from_dict(found).to_dict() == found


def test_a_sound_playground_is_diagnosed_in_words():
    """Without --json it is a page; what goes on meanwhile stands on stderr."""
    done = core("diagnose", "digits", *SMALL, *QUICK)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.startswith(VERDICTS["broken"])
    assert done.stdout.startswith(tuple(VERDICTS.values())) and "Passed checks:" in done.stdout
    assert "Data checks" in done.stderr


def test_the_shipped_names_are_diagnosed():
    """A starter is gone on from for a while, and nothing is wrong with it."""
    found = answer("diagnose", ROOT / "checkpoints" / "names.safetensors", "--budget", 4)
    assert found["verdict"] != "broken" and not found["causes"], found["sentence"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["digits", "--break", "gremlins"], "'gremlins' can't be injected there; those that can"),
        (["digits", "--break", "told"], "'told' can't be injected there"),
        (["names", "--recipe", "counted bigram", "--break", "cut"], "can't be injected there"),
        (["nowhere"], "nowhere"),
        (["nowhere.safetensors"], "nowhere"),
        (["nowhere.watch.json"], "can't be read"),
        (["digits.safetensors", "--set", "lr=1"], "A checkpoint has its recipe"),
        (["digits.safetensors", "--break", "cut"], "A checkpoint has its recipe"),
        (["digits", "--set", "lr=fast"], "lr=fast is not possible"),
        (["digits", "--model", "gpt"], "no model 'gpt'"),
        (["digits", "--budget", "0"], "0"),
        (["digits", "--steps", "5", "--seconds", "5"], "not allowed with"),
        ([], "RECORD|CHECKPOINT|PLAYGROUND"),
    ],
)
def test_bad_input_is_one_line_and_status_2(words, sentence, capsys):
    """What is wrong and what to do, and nothing on stdout."""
    try:
        status = main(["diagnose", *words, "--json"])
    except SystemExit as end:  # of the parser
        status = end.code
    said = capsys.readouterr()
    assert status == 2 and said.out == "" and said.err.count("\n") == 1
    assert sentence in said.err


def test_what_can_be_planted_is_told(capsys):
    """The sentence names the faults of that playground, and no others."""
    assert main(["diagnose", "digits", "--break", "x", "--model", "mlp"]) == 2
    said = capsys.readouterr().err.replace(",", " ").split()
    assert "raw_pixels" in said and "cut" in said and "told" not in said
    assert sum(id in said for id in FAULTS) > 20


@pytest.mark.parametrize("name", ["mine", "mine.watch.json", "by its path"])
def test_a_watched_loop_is_found_by_the_name_that_runs_lists(name, tmp_path, monkeypatch, capsys):
    """As 'export' does."""
    monkeypatch.setattr("core.commands.diagnose.RUNS", tmp_path)
    path = tmp_path / "mine.watch.json"
    said = Diagnosis("fine", "Nothing is wrong.", 0.8)
    losses = np.array([2.0, 1.0])
    write_record(path, LoopRecord(np.arange(2), losses, diagnosis=said.to_dict()))
    assert main(["diagnose", str(path) if name == "by its path" else name, "--json"]) == 0
    assert Diagnosis.from_dict(json.loads(capsys.readouterr().out)) == said
