"""A run's record: what it holds, that it survives being killed, and that it goes on."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.cli import main
from core.errors import UserError
from core.files import free_place
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.runs import recorder
from core.runs.curves import read_curves, write_curves
from core.runs.folder import BEST, LAST, title_of
from core.runs.keyframes import MOST, Keyframe, keyframes_of, read_keyframe, write_moment
from core.runs.library import read_entry
from core.runs.record_lock import RecordLock, is_written
from core.runs.recorder import FileRecorder
from core.runs.resume import resume_run
from core.runs.run_info import read_run_info, recipe_of, write_run_info
from core.telemetry.events import Evaluated, Failed, Finished, Metrics, Noted, Snapshot, Stopped
from core.telemetry.history import Curve
from core.training import pace
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import train
from tests.stopping import stop_at

ROOT = Path(__file__).parents[3]
NOBODY = 2**22 + 1  # more than any process is numbered


def weights_of(folder):
    """The weights of a run's last checkpoint."""
    return load_checkpoint(folder / LAST).weights


def same(some, others):
    """Whether two sets of weights are the same, bit for bit."""
    return some.keys() == others.keys() and all(torch.equal(some[n], others[n]) for n in some)


def test_a_record_says_what_was_trained(recorded):
    """Recipe, data, machine, length and result stand in it."""
    about = read_run_info(recorded)
    assert (about.playground, about.model, about.state) == ("names", "mlp", "finished")
    assert about.step == about.steps == 400 and about.first == 0 and about.spent > 0
    assert recipe_of(about).hidden == (24,) and "bundled" in about.dataset
    assert about.environment["torch"] == torch.__version__
    assert 1.5 < about.metrics["val_loss"] < 3.0 and not is_written(recorded, about)


def test_a_record_holds_all_curves(recorded):
    """Every loss, its time and its rate; the layers' curves, though no screen looked."""
    history = read_curves(recorded)
    assert history.loss.x.tolist() == list(range(1, 401))
    assert history.loss.y[-20:].mean() < history.loss.y[:20].mean()
    assert np.all(np.diff(history.seconds.y) > 0) and len(history.rate.x)
    assert len(history.layers) == len(read_run_info(recorded).layers)
    assert np.isfinite(history.layers[0]["update_to_data"].y).all()


def test_a_writing_that_took_long_once_delays_the_next_ones_little(
    names_run, tmp_path, monkeypatch
):
    """A kill is to cost seconds, on a slow disk and a busy machine, too."""
    clock, folder = [0.0], tmp_path / "names-slow"
    when, told, saved = {0: 0.0}, [], []

    def now():
        clock[0] += 0.01
        return clock[0]

    def write(where, history):
        clock[0] += 3.0
        write_curves(where, history)

    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=now))
    monkeypatch.setattr(recorder, "write_curves", write)
    for event in train(names_run(folder, steps=3000), Control()):
        if isinstance(event, Metrics):
            when[event.step] = clock[0]
            told.append(clock[0] - when[read_run_info(folder).step])
            saved.append(clock[0] - when[load_checkpoint(folder / LAST).about["steps"]])
    assert clock[0] > 100 and max(told) < 6 and max(saved) < 40


def test_moments_hold_weights_walls_and_samples(recorded):
    """The first is the network before it learned, the last the one that came out."""
    steps = keyframes_of(recorded)
    assert steps[0] == 0 and steps[-1] == 400
    first, last = read_keyframe(recorded, 0), read_keyframe(recorded, 400)
    final = weights_of(recorded)
    assert all(np.array_equal(last.weights[n], final[n].numpy()) for n in final)
    assert any(not np.array_equal(first.weights[n], last.weights[n]) for n in final)
    assert len(last.samples) == 4 and not first.samples
    assert [len(layer.activation_histogram) for layer in last.snapshot.layers] == [48] * 3
    assert not first.snapshot.layers


def test_a_network_that_writes_nothing_any_more_is_kept(names_run, tmp_path, monkeypatch):
    """Its answers are NaN where its loss is none yet: the moment has its weights all the same."""
    run = names_run(tmp_path / "run")

    def sample(*about, **rest):
        raise UserError("The network's answers are NaN: it has diverged.")

    monkeypatch.setattr(type(run.playground), "sample", sample)
    events = list(train(run, Control()))
    assert isinstance(events[-1], Finished)
    assert not [event for event in events if isinstance(event, Noted)]
    last = read_keyframe(tmp_path / "run", keyframes_of(tmp_path / "run")[-1])
    assert last.step == 60 and last.weights and not last.samples


def test_the_best_weights_are_kept(recorded):
    """They are those that were judged best on the way, ready for use."""
    best = load_checkpoint(recorded / BEST)
    assert not best.resume
    judged = read_curves(recorded).evaluations["val_loss"]
    assert best.about["steps"] == judged.x[judged.y.argmin()]


@pytest.mark.parametrize(("last", "said"), [(2.5, True), (2.05, False), (1.9, False)])
def test_better_weights_than_the_last_ones_are_told_of(names_run, tmp_path, last, said):
    """As after overfitting; by a hair is chance, since fewer examples judge on the way."""
    recorder = FileRecorder(tmp_path / "run", None)
    *_, ending = train(replace(names_run(steps=30), recorder=recorder), Control())
    assert not ending.note
    for step, loss in ((10, 2.0), (30, last)):
        recorder._record_evaluation(Evaluated(step, 1.0, {"val_loss": loss}))
    assert ("lowest at step 10 (2.0000)" in recorder.closing_note()) == said


def test_recording_changes_no_weight(names_run, tmp_path):
    """The same seed, with a record and without: the same weights, bit for bit."""
    out = tmp_path / "bare.safetensors"
    recipe = NamesRecipe(model="mlp-bn", hidden=(16, 16), dropout=0.2, batch_size=32)
    list(train(names_run(recipe=recipe, out=out), Control()))
    list(train(names_run(tmp_path / "run", recipe=recipe), Control()))
    weights = weights_of(tmp_path / "run")
    assert same(load_checkpoint(out).weights, weights)
    kept = read_keyframe(tmp_path / "run", 60).weights
    assert same({name: torch.tensor(array) for name, array in kept.items()}, weights)


@pytest.mark.parametrize("recipe", [NamesRecipe(dropout=0.1), NamesRecipe(model="mlp-bn")])
def test_a_stopped_run_goes_on_as_if_never_stopped(names_run, tmp_path, recipe):
    """Dropout, batch norm, Adam and the schedule: the weights are the same at the end."""
    small = recipe.replace({"hidden": (16,), "batch_size": 32, "schedule": "cosine"})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    list(train(names_run(whole, recipe=small, steps=300), Control()))
    assert isinstance(stop_at(names_run(broken, recipe=small, steps=300), 40), Stopped)
    stood = read_run_info(broken).step
    assert 40 <= stood < 300
    events = list(train(resume_run(broken), Control()))
    assert isinstance(events[-1], Finished) and events[-1].step == 300
    assert same(weights_of(whole), weights_of(broken))
    history = read_curves(broken)
    assert history.loss.x.tolist() == list(range(1, 301))
    assert np.array_equal(history.loss.y, read_curves(whole).loss.y)
    assert np.all(np.diff(history.seconds.y) > 0)


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [
        (DigitsRecipe(model="mlp", hidden=(16,), augment="affine", batch_size=32), 400),
        (DigitsRecipe(channels=(4, 8), hidden=(16,), augment="affine", batch_size=32), 60),
    ],
    ids=["mlp", "cnn"],
)
def test_digits_with_moved_pictures_go_on_alike(run_of, tmp_path, recipe, steps):
    """Augmentation draws from the run's random numbers; a CNN's weights lie otherwise in memory."""

    def make(name):
        return run_of(recipe, steps=steps, recorder=FileRecorder(tmp_path / name, None))

    list(train(make("whole"), Control()))
    stop_at(make("broken"), 20)
    list(train(resume_run(tmp_path / "broken"), Control()))
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken"))


def test_a_killed_run_opens_and_goes_on(names_run, tmp_path):
    """The process is killed while it trains; what lies there ends as if nothing had been."""
    words = "train names --steps 4000 --set model=mlp hidden=24 batch_size=32 lr=0.01".split()
    environment = {**os.environ, "GLASSBOX_RUNS": str(tmp_path)}
    command = [sys.executable, "-m", "core", *words]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as child:
        while not any(read_run_info(f.parent).step for f in tmp_path.glob("*/run.json")):
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    folder = next(tmp_path.glob("*/run.json")).parent
    about = read_run_info(folder)
    assert about.state == "running" and read_entry(folder).state == "interrupted"
    assert 0 < len(read_curves(folder).loss.x) < 4000
    recipe = recipe_of(about)
    list(train(resume_run(folder), Control()))
    list(train(names_run(tmp_path / "whole", recipe=recipe, steps=4000), Control()))
    assert same(weights_of(folder), weights_of(tmp_path / "whole"))


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(names_run, tmp_path):
    """Nothing was learned yet, so nothing is lost."""
    list(train(names_run(tmp_path / "whole"), Control()))
    stop_at(names_run(tmp_path / "early"), 1)
    (tmp_path / "early" / LAST).unlink()
    gone = (socket.gethostname(), NOBODY)
    about = replace(read_run_info(tmp_path / "early"), state="running", process=gone)
    write_run_info(tmp_path / "early", about)
    list(train(resume_run(tmp_path / "early"), Control()))
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "early"))


def test_what_was_changed_live_is_told(names_run, tmp_path):
    """The record begins with the recipe, and says what became of it."""
    control = Control()
    for event in train(names_run(tmp_path / "run", steps=200), control):
        if getattr(event, "step", 0) == 1:
            control.change("lr", 0.005)
    about = read_run_info(tmp_path / "run")
    assert about.recipe["lr"] == 0.01 and about.changed == {"lr": 0.005}


def test_a_failed_run_says_why(names_run, tmp_path):
    """The loss became no number: the sentence stands in the record, the last good weights, too."""
    recipe = NamesRecipe(hidden=(16,), optimizer="sgd", lr=100.0, batch_size=32)
    events = list(train(names_run(tmp_path / "run", recipe=recipe, steps=400), Control()))
    assert isinstance(events[-1], Failed)
    about = read_run_info(tmp_path / "run")
    assert about.state == "failed" and about.sentence == events[-1].sentence
    with pytest.raises(UserError, match="failed"):
        resume_run(tmp_path / "run")
    assert all(torch.isfinite(t).all() for t in weights_of(tmp_path / "run").values())


def test_what_is_finished_or_being_trained_does_not_go_on(recorded, names_run, tmp_path):
    """Either is said in a sentence."""
    with pytest.raises(UserError, match="is finished"):
        resume_run(recorded)
    stop_at(names_run(tmp_path / "run"), 5)
    write_run_info(tmp_path / "run", read_run_info(tmp_path / "run").told_now(state="running"))
    lock = RecordLock(tmp_path / "run")
    with pytest.raises(UserError, match="being trained"):
        resume_run(tmp_path / "run")
    lock.release()
    assert resume_run(tmp_path / "run").recorder


def test_a_full_disk_does_not_end_the_training(names_run, tmp_path, monkeypatch):
    """The run says that its record is not complete, once, and trains on."""

    def full(path, content):
        raise UserError("No room.")

    for module in (
        "files",
        "runs.curves",
        "runs.run_info",
        "runs.keyframes",
        "training.checkpoint",
    ):
        monkeypatch.setattr(f"core.{module}.write_whole", full)
    events = list(train(names_run(tmp_path / "run", steps=100), Control()))
    noted = [event.sentence for event in events if isinstance(event, Noted)]
    assert noted == ["The record of this run is not complete: No room."]
    assert isinstance(events[-1], Failed) and "No room" in events[-1].sentence
    assert sum(len(event.losses) for event in events if isinstance(event, Metrics)) == 100
    monkeypatch.undo()
    monkeypatch.setattr("core.runs.curves.write_whole", full)
    out = tmp_path / "net.safetensors"
    events = list(train(names_run(tmp_path / "other", steps=100, out=out), Control()))
    assert isinstance(events[-1], Finished) and load_checkpoint(out).about["steps"] == 100
    assert len([event for event in events if isinstance(event, Noted)]) == 1


def test_two_runs_of_one_second_are_two_records(names_run, tmp_path):
    """The second takes a place of its own, whatever stands in the first."""
    first, second = (names_run(tmp_path / "run", steps=20) for _ in "ab")
    list(train(first, Control()))
    list(train(second, Control()))
    assert {path.name for path in tmp_path.iterdir()} == {"run", "run-2"}


def test_it_goes_on_with_its_own_data_alone(names_run, tmp_path, towns, monkeypatch):
    """What the environment names is not taken for it; other data is refused by name."""
    stop_at(names_run(tmp_path / "run", steps=9000), 5)
    with pytest.raises(UserError, match=r"was trained on bundled .*, and this is towns.txt"):
        resume_run(tmp_path / "run", data=towns)
    monkeypatch.setenv("GLASSBOX_DATA", str(towns.parent))
    assert resume_run(tmp_path / "run").data.title.startswith("bundled US names")


def test_where_nothing_is_left_it_says_so(names_run, tmp_path):
    """It was stopped when all its steps were done, or it only had one: to count."""
    list(train(names_run(tmp_path / "run", steps=20), Control()))
    counting = NamesRecipe(model="bigram-count")
    list(train(names_run(tmp_path / "counted", recipe=counting, steps=1), Control()))
    for name in ("run", "counted"):
        write_run_info(tmp_path / name, replace(read_run_info(tmp_path / name), state="stopped"))
        with pytest.raises(UserError, match="nothing left to do"):
            resume_run(tmp_path / name)


def test_a_run_that_was_killed_after_its_last_step_is_brought_to_its_end(
    recorded, tmp_path, capsys
):
    """It is judged, and ends as finished, with the weights that it had; the command says so."""
    folder = shutil.copytree(recorded, tmp_path / "run")
    write_run_info(folder, replace(read_run_info(folder), state="running", metrics={}))
    assert main(["train", "--resume", str(folder)]) == 0
    assert "400 steps" in (told := capsys.readouterr().out) and " validation 2." in told
    about = read_run_info(folder)
    assert about.state == "finished" and about.metrics["val_loss"]
    assert same(weights_of(folder), weights_of(recorded))


def test_momentum_that_was_switched_off_goes_on(names_run, tmp_path):
    """What the optimiser remembers is kept, though nothing comes of it now."""
    recipe = NamesRecipe(hidden=(16,), optimizer="sgd", momentum=0.9, lr=0.1, batch_size=32)
    control, told = Control(), 0
    for event in train(names_run(tmp_path / "run", recipe=recipe, steps=9000), control):
        if isinstance(event, Metrics):
            control.change("momentum", 0.0)
            told += 1
        if told == 2:
            control.stop()
    assert read_run_info(tmp_path / "run").changed == {"momentum": 0.0}
    run = resume_run(tmp_path / "run")
    assert run.recipe.momentum == 0.0 and run.resume is not None
    stop_at(run, run.resume.about["steps"] + 5)


def test_a_run_from_before_half_precision_goes_on_without(names_run, tmp_path):
    """What its record does not say can't have been chosen."""
    recipe = NamesRecipe(model="gru", width=64, embedding=8, batch_size=32)
    stop_at(names_run(tmp_path / "run", recipe=recipe, steps=9000), 5)
    assert resume_run(tmp_path / "run").recipe.precision == "auto"
    about = read_run_info(tmp_path / "run")
    old = {key: value for key, value in about.recipe.items() if key != "precision"}
    write_run_info(tmp_path / "run", replace(about, recipe=old))
    run = resume_run(tmp_path / "run")
    assert run.recipe.precision == "float32" and run.resume is not None


def test_an_error_of_ours_stands_in_the_record(names_run, tmp_path, monkeypatch):
    """It failed, and nobody writes it any more; the error goes on its way."""

    def broken(self, limit=None):
        raise RuntimeError("broken")

    monkeypatch.setattr("core.training.trainer._Loop.evaluated", broken)
    with pytest.raises(RuntimeError, match="broken"):
        list(train(names_run(tmp_path / "run", steps=20), Control()))
    about = read_run_info(tmp_path / "run")
    assert about.state == "failed" and "broken" in about.sentence


def test_moments_stay_few_and_spread(tmp_path):
    """However many are written, some tens remain: dense at first, sparse later."""
    for step in range(0, 3000, 10):
        write_moment(tmp_path, Keyframe(step, Snapshot(step, ()), {"w": np.zeros(3, np.float32)}))
    kept = keyframes_of(tmp_path)
    assert len(kept) == MOST and kept[0] == 0 and kept[-1] == 2990
    assert sum(step < 300 for step in kept) > sum(step >= 2690 for step in kept)


@pytest.mark.parametrize("name", ["run.json", "curves.npz", "moments/0000000400.safetensors"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"PK\x03\x04 nothing", b"\x00" * 200])
def test_damage_is_a_sentence(recorded, tmp_path, name, damage):
    """A file that says something else is refused in words, whatever stands in it."""
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(recorded, folder)
    (folder / name).write_bytes(damage)
    readers = {"run": read_run_info, "curves": read_curves, "moments/0000000400": None}
    reader = readers[name.rpartition(".")[0]] or (lambda f: read_keyframe(f, 400))
    with pytest.raises(UserError):
        reader(folder)


def test_a_run_of_the_same_second_gets_a_place_of_its_own(tmp_path):
    """And a checkpoint in it is called by its run's name."""
    first = free_place(tmp_path, "names-mlp")
    first.mkdir()
    second = free_place(tmp_path, "names-mlp")
    assert first != second and title_of(second / LAST) == second.name
    assert title_of(tmp_path / "mine.safetensors") == "mine"


def test_a_curve_that_is_cut_goes_on():
    """Points beyond a step are forgotten; the rest are as they were."""
    curve, whole = Curve(64), Curve(64)
    steps = np.arange(1.0, 41.0)
    curve.extend(steps, steps**2)
    whole.extend(steps[:20], steps[:20] ** 2)
    curve.cut(20)
    for later in (curve, whole):
        later.extend(np.arange(21.0, 30.0), np.ones(9))
    assert np.array_equal(curve.x, whole.x) and np.array_equal(curve.y, whole.y)
