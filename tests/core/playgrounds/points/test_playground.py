"""The points playground on the command line and in the engine: trained, judged, diagnosed."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from core import playgrounds
from core.commands import diagnose as diagnose_command
from core.commands import runs as runs_command
from core.commands import train as train_command
from core.doctor.examine import examine
from core.errors import UserError
from core.playgrounds.points.playground import look_into
from core.playgrounds.points.recipe import RECIPES
from core.runs.library import Library
from core.telemetry.events import Diagnosed, Evaluated
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import Run, train
from tests.core.test_cli import answer, refused

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
DRAWN = "x,y,class\n" + "".join(
    f"{side * (1 + 0.05 * i):.2f},{0.1 * (i % 7) - 0.3:.2f},{int(side > 0)}\n"
    for i in range(20)
    for side in (-1, 1)
)


@pytest.fixture
def points():
    """The playground."""
    return playgrounds.get("points")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of this test's own for what a training keeps."""
    for module in (runs_command, train_command, diagnose_command):
        monkeypatch.setattr(module, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def drawn(tmp_path):
    """A file of points that somebody drew: two classes, left and right."""
    path = tmp_path / "mine.csv"
    path.write_text(DRAWN, "utf-8")
    return path


def run_of(playground, recipe, **rest):
    """Return a run of a recipe on the points that it makes."""
    return Run(playground, recipe, playground.load(None), CPU, **rest)


@pytest.mark.parametrize(
    ("recipe", "loss"),
    [("moons", 0.25), ("blobs, linear", 0.4), ("spirals", 0.2), ("surface", 0.2), ("curve", 0.2)],
)
def test_it_learns(points, recipe, loss):
    """Within 300 steps it is far better than a guess, and its numbers fit its kind."""
    made = RECIPES[recipe]
    events = list(train(run_of(points, made, steps=300), Control()))
    numbers = [event for event in events if isinstance(event, Evaluated)][-1].metrics
    assert numbers["val_loss"] < loss < points.uniform_loss(made, {})
    assert ("val_accuracy" in numbers) == bool(made.classes)
    floors = list(points.baselines(points.load(None), made, {}).values())
    assert floors[0] > floors[1] > 0


def test_it_is_trained_judged_listed_and_resumed(kept):
    """Its run is recorded like any other; what it can't do is said in a sentence."""
    made = answer("train", "points", "--steps", 200, "--device", "cpu", "--set", "lr=0.01")
    assert made["metrics"]["val_accuracy"] > 0.9
    judged = answer("evaluate", made["checkpoint"])["metrics"]
    assert judged["test_accuracy"] > 0.9 and judged["test_size"] == 1000
    (entry,) = Library(kept).entries()
    assert entry.to_dict()["run"].startswith("points-mlp") and answer("runs")["runs"]
    more = answer("train", "points", "--steps", 30, "--resume", made["checkpoint"])
    assert more["steps"] == 230
    assert "reads no images" in refused("predict", made["checkpoint"], "x.png")
    assert "makes nothing new" in refused("sample", made["checkpoint"])


def test_drawn_points_are_kept_with_the_network(kept, drawn):
    """A network that learned from a file is judged without it, on the same points."""
    words = ("--set", "dataset=drawn", "lr=0.01", "--steps", 60, "--device", "cpu")
    made = answer("train", "points", "--data", drawn, *words)
    assert made["dataset"] == "mine.csv, 40 points"
    before = answer("evaluate", made["checkpoint"], "--data", drawn)["metrics"]
    drawn.unlink()
    after = answer("evaluate", made["checkpoint"])["metrics"]
    assert after == before and after["test_size"] == 12
    assert len(load_checkpoint(Path(made["checkpoint"])).vocabulary["drawn"]) == 40


def test_what_does_not_go_together_is_refused(kept, drawn):
    """Drawn points without a file, and a file with points that settings make."""
    quick = ("--steps", 5, "--device", "cpu")
    assert "--data" in refused("train", "points", "--set", "dataset=drawn", *quick)
    assert "choose dataset=drawn" in refused("train", "points", "--data", drawn, *quick)
    assert "No points are drawn" in refused("code", "points", "--set", "dataset=drawn")
    assert "choose moons, circles" in refused("train", "points", "--set", "dataset=swirl")


@pytest.mark.parametrize("drawn", [None, [], "x", [[0, 0, 1]], [[0, 0, 1]] * 9, [[math.nan] * 3]])
def test_a_checkpoint_with_no_such_drawing_is_refused(points, drawn):
    """Whatever its file says was drawn."""
    with pytest.raises(UserError, match="drawing"):
        points.build(RECIPES["moons"].replace({"dataset": "drawn"}), {"drawn": drawn})


def test_the_doctor_tells_two_units_on_spirals_from_enough(points):
    """Too small, with a wider copy as its proof."""
    recipe = RECIPES["spirals, too small"].replace({"lr": 0.02, "activation": "relu"})
    found = [
        event.diagnosis
        for event in examine(run_of(points, recipe, steps=400, watched=True), Control(), 12.0)
        if isinstance(event, Diagnosed)
    ][-1]
    assert found.verdict == "too_small", found.text()
    assert dict(found.settings) == {"hidden": (4,)}


@pytest.mark.parametrize("recipe", ["moons", "blobs, linear", "curve"])
def test_a_layer_is_opened_with_points_of_the_plane(points, recipe):
    """Its weights and what its units answer."""
    model = points.build(RECIPES[recipe], {})
    view = look_into("output")(model, 3)
    assert view.step == 3 and view.activity.shape == (RECIPES[recipe].outputs, 200)
    assert np.isfinite(view.activity).all() and not view.seeks.size
