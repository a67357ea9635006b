"""A fourth playground works everywhere: it is one folder, found by being there."""

import math

import pytest
import torch

from core import playgrounds
from core.commands import diagnose as diagnose_command
from core.commands import runs as runs_command
from core.commands import train as train_command
from core.doctor.examine import examine
from core.doctor.faults.fault_injection import FaultyLearner
from core.doctor.faults.gallery import FAULTS, fitting
from core.runs.library import Library
from core.telemetry.events import Diagnosed
from core.training.control import Control
from core.training.trainer import Run
from tests.core.test_cli import answer, core, refused

pytestmark = pytest.mark.usefixtures("one_thread", "fourth")
CPU = torch.device("cpu")
QUICK = ("--steps", 60, "--device", "cpu", "--budget", 1)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of this test's own for what a training keeps."""
    for module in (runs_command, train_command, diagnose_command):
        monkeypatch.setattr(module, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def test_it_is_there_only_while_its_folder_is(fourth):
    """The command line lists it, with its recipes, behind those that are shipped."""
    listed = {p["name"]: p for p in answer("playgrounds")["playgrounds"]}
    assert (
        set(listed)
        == {"digits", "names", "points", "text", "spirals"}
        == set(playgrounds.all_names())
    )
    assert listed["spirals"]["models"] == ["mlp"] and listed["spirals"]["recipes"]["spirals"]


def test_it_is_trained_evaluated_listed_and_resumed(kept):
    """Its run is recorded like any other; what it can't do is said in a sentence."""
    made = answer("train", "spirals", "--steps", 300, "--device", "cpu")
    assert made["metrics"]["val_accuracy"] > 0.6 > made["val_loss"]
    assert answer("evaluate", made["checkpoint"])["metrics"]["test_accuracy"] > 0.6
    (entry,) = Library(kept).entries()
    assert entry.to_dict()["state"] == "finished" and entry.to_dict()["run"].startswith(
        "spirals-mlp"
    )
    assert answer("runs")["runs"][0]["step"] == 300
    more = answer("train", "spirals", "--steps", 30, "--resume", made["checkpoint"])
    assert more["steps"] == 330
    assert "reads no images" in refused("predict", made["checkpoint"], "x.png")
    assert "makes nothing new" in refused("sample", made["checkpoint"])


@pytest.mark.parametrize("fault", ["cut", "uphill", "softmax_twice", "one_input", "beyond"])
def test_the_doctor_names_its_faults(fault):
    """What is injected is found by what the network has, whatever it is called."""
    found = answer("diagnose", "spirals", *QUICK, "--break", fault)
    right = {FAULTS[fault].cause, *FAULTS[fault].also}
    assert found["verdict"] == "broken" and found["causes"][0]["id"] in right


def test_what_the_doctor_advises_is_a_setting_of_the_recipe():
    """It has an initialisation, no batch norm and no dropout: only the first is tried."""
    found = answer("diagnose", "spirals", *QUICK[:-1], 60, "--break", "zeros")
    assert found["causes"][0]["proof"]["proved"], found["causes"][0]["proof"]
    assert dict(found["causes"][0]["settings"]) == {"init": "kaiming"}


def test_every_fault_that_fits_can_be_injected(fourth):
    """Those of points in a plane, of any network, and none of images, tokens or sequences."""
    recipe = fourth.recipes["spirals"]
    ids = {fault.id for fault in fitting(recipe)}
    assert len(ids) > 25 and not ids & {"raw_pixels", "marked", "told", "short_sighted", "unused"}
    for fault in fitting(recipe):
        learner = FaultyLearner(fault.make(), fourth, recipe, fourth.load(None), CPU)
        try:
            losses = [float(learner.learn(*learner.take(), 0.0)[0]) for _ in range(2)]
        except IndexError:
            assert fault.cause == "labels_out_of_range"
            continue
        assert math.isfinite(losses[0]), fault.id


def test_a_sound_run_of_it_is_examined(fourth):
    """Copies are trained, twice as wide, and the verdict is no fault."""
    run = Run(fourth, fourth.recipes["spirals"], fourth.load(None), CPU, steps=120, watched=True)
    said = [e for e in examine(run, Control(), 8.0) if isinstance(e, Diagnosed)]
    found = said[-1].diagnosis
    assert said[-1].final and found.verdict != "broken" and not found.causes, found.text()
    assert "hidden = (64, 64)" in next(t for t in found.experiments if t.id == "wider").measured


def test_a_name_that_is_nowhere_is_refused():
    """The sentence names all of them."""
    assert "digits, names, points, text, spirals" in core("train", "swirls").stderr
