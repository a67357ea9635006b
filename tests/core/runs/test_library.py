"""The list of runs, what a person adds to it, what differs, and how runs leave and arrive."""

import contextlib
import csv
import json
import os
import re
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.nn import functional as F

from core import watch
from core.errors import UserError
from core.interruption import CancelledError, heeding
from core.runs.bundle import pack, unpack
from core.runs.comparison import compared, differences, sentence
from core.runs.curves import read_curves
from core.runs.export import export
from core.runs.folder import ABOUT, LAST
from core.runs.keyframes import keyframes_of
from core.runs.library import LOOP, Library, read_entry
from core.runs.record_lock import RecordLock
from core.runs.run_info import read_run_info, write_run_info
from core.training.checkpoint import load_checkpoint

WATCHED = {
    "format": "glassbox-watch-1",
    "steps": [1, 2, 3],
    "losses": [3.0, 2.5, 2.0],
    "validations": [],
    "count": 3,
    "layers": [],
    "diagnosis": None,
}


@pytest.fixture
def library(tmp_path, recorded):
    """Three runs, and a loop that was watched."""
    for name, begun in (("first", 100.0), ("second", 200.0), ("third", 300.0)):
        shutil.copytree(recorded, tmp_path / name)
        write_run_info(tmp_path / name, replace(read_run_info(recorded), begun=begun))
    loop = tmp_path / "loop-1.watch.json"
    loop.write_text(json.dumps(WATCHED))
    os.utime(loop, (400.0, 400.0))
    return Library(tmp_path)


def titles(library):
    """What the list says, in its order."""
    return [entry.title for entry in library.entries()]


def entry(library, title):
    """One line of the list."""
    return next(entry for entry in library.entries() if entry.title == title)


def test_the_newest_run_stands_first(library):
    """Runs and watched loops in one list; what is no run is not in it."""
    (library.folder / "not a run").mkdir()
    (library.folder / "damaged").mkdir()
    (library.folder / "damaged" / "run.json").write_text("{")
    assert titles(library) == ["loop-1", "third", "second", "first"]
    loop, third = library.entries()[:2]
    assert loop.playground == LOOP and loop.step == 3 and loop.loss == 2.5
    assert loop.state == "interrupted"
    assert third.model == "mlp" and third.step == 400 and third.state == "finished"
    assert third.loss == third.about.metrics["val_loss"]


def test_a_run_that_was_judged_only_when_it_began_is_listed_by_its_training_loss(library):
    """As one that is killed early; from the half of its steps on a judgement counts."""
    folder = library.folder / "first"
    about = replace(read_run_info(folder), step=400, metrics={"train_loss": 2.0, "val_loss": 3.0})
    for judged, loss in ((0, 3.0), (1, 2.0), (199, 2.0), (200, 3.0)):
        write_run_info(folder, replace(about, judged=judged))
        line = entry(library, "first")
        assert line.loss == loss and line.validated == (loss == 3.0)
        data = "validation" if line.validated else "training"
        assert (line.to_dict()["loss"], line.to_dict()["loss_on"]) == (loss, data)
    assert not entry(library, "loop-1").validated  # it was told of no other data
    write_run_info(folder, replace(about, metrics={}))
    line = entry(library, "first").to_dict()
    assert line["loss"] is None and line["loss_on"] is None


def test_what_a_person_says_is_kept_apart(library):
    """Name, note and star; the run's own file is not touched."""
    before = (library.folder / "first" / "run.json").read_bytes()
    library.describe(entry(library, "first"), name="  wider  ", star=True)
    library.describe(entry(library, "wider"), note="Better than I thought.")
    library.describe(entry(library, "loop-1"), name="autoencoder")
    card = entry(Library(library.folder), "wider").card
    assert card.star and card.note == "Better than I thought."
    assert "autoencoder" in titles(Library(library.folder))
    assert (library.folder / "first" / "run.json").read_bytes() == before


def test_what_is_deleted_comes_back(library):
    """Deleting is putting aside; undo brings all of it back, names as well."""
    library.describe(entry(library, "first"), name="mine")
    library.describe(entry(library, "loop-1"), name="loop")
    aside = library.delete([entry(library, "mine"), entry(library, "loop")])
    assert titles(library) == ["third", "second"]
    library.empty()
    library.restore(aside)
    assert set(titles(library)) == {"mine", "loop", "third", "second"}
    library.delete([entry(library, "mine")])
    library.empty(older=-1.0)
    assert not list((library.folder / ".deleted").glob("*"))


def test_what_a_crash_left_is_cleaned_away(library):
    """Drafts and empty runs go after a while; runs, and a person's own folders, stay."""
    nothing, own = library.folder / "names-gru-20261128-120000", library.folder / "own"
    nothing.mkdir()
    own.mkdir()
    draft = library.folder / "first" / ".glassbox-x1"
    draft.touch()
    library.empty()
    assert draft.exists() and nothing.exists(), "too early"
    library.empty(older=-1.0)
    assert not draft.exists() and not nothing.exists() and own.is_dir()
    assert titles(library) == ["loop-1", "third", "second", "first"]


def test_what_is_being_trained_is_not_deleted(library):
    """It is refused in a sentence, and nothing of the choice is gone."""
    folder = library.folder / "second"
    write_run_info(folder, read_run_info(folder).told_now(state="running"))
    lock = RecordLock(folder)
    with pytest.raises(UserError, match="being trained"):
        library.delete([entry(library, "first"), entry(library, "second")])
    assert len(titles(library)) == 4
    lock.release()
    assert len(library.delete([entry(library, "second")])) == 1


def test_what_differs_is_said_first(recorded):
    """Only settings that differ and have an effect; a live change is told as such."""
    about = read_run_info(recorded)

    def run(**changes):
        return compared(replace(read_entry(recorded), about=replace(about, **changes)))

    wider = run(recipe={**about.recipe, "hidden": [64], "seed": 7})
    live = run(changes=((20, "lr", 0.001),))
    found = {row.label: row.values for row in differences([run(), wider, live])}
    assert found["Hidden layers"] == ("24", "64", "24")
    assert found["Seed"] == ("42", "7", "42")
    assert found["Learning rate"] == ("0.01", "0.01", "0.01 → 0.001")
    assert set(found) == {"Hidden layers", "Seed", "Learning rate"}
    other = run(recipe={**about.recipe, "seed": 7})
    assert "chance" in sentence([run(), other]) and "same recipe" in sentence([run(), run()])


def test_curves_lie_along_steps_seconds_or_examples(recorded):
    """The same points, elsewhere."""
    run, about = compared(read_entry(recorded)), read_run_info(recorded)
    steps, examples, seconds = (
        run.along(axis, run.history.loss) for axis in ("steps", "examples", "seconds")
    )
    assert np.array_equal(examples, 64 * steps)
    assert np.all(np.diff(seconds) >= 0) and seconds[-1] == pytest.approx(about.spent, rel=0.1)


def looped(path, rate):
    """Train a small bigram in a stranger's loop, under watch."""
    table = torch.zeros(27, 27, requires_grad=True)
    letters = torch.randint(0, 27, (512,), generator=torch.Generator().manual_seed(0))
    with watch(quiet=True, record=path, budget=0.0) as seen:
        for step in range(100):
            at = torch.arange(16) + 4 * step
            loss = F.cross_entropy(table[letters[at]], letters[at + 1])
            table.grad = None
            loss.backward()
            table.data -= rate * table.grad
            seen.step(loss)
        seen.validate(loss.detach(), 0.25)
    return compared(read_entry(path))


def test_watched_loops_are_compared_by_what_was_seen(tmp_path):
    """They have no recipe: the learning rate is read off the steps, and the clock ran."""
    slow, fast = looped(tmp_path / "a.watch.json", 0.5), looped(tmp_path / "b.watch.json", 5.0)
    assert [(row.label, row.values) for row in differences([slow, fast])] == [
        ("Learning rate", ("0.5", "5"))
    ]
    assert sentence([slow, fast]).startswith("Learning rate differs; all else that could be seen")
    assert "could be seen" in sentence([slow, slow])
    assert slow.settings["Optimiser"] == "by hand" and slow.settings["Length"] == "100 steps"
    curve = slow.history.loss
    assert len(curve.x) == 100 and np.array_equal(slow.along("examples", curve), 16 * curve.x)
    assert np.all(np.diff(slow.along("seconds", curve)) >= 0)
    assert slow.history.seconds.y[-1] > 0
    assert slow.history.evaluations["val_accuracy"].y.tolist() == [0.25]


def test_a_loop_that_ended_with_an_error_has_failed(tmp_path):
    """It is no finished run, whatever the doctor finds besides."""
    path, weight = tmp_path / "mine.watch.json", torch.zeros(3, requires_grad=True)
    with pytest.raises(OSError, match="full"), watch(quiet=True, record=path, budget=0.1) as seen:
        for step in range(30):
            loss = ((torch.randn(8, 3) @ weight - 1) ** 2).mean()
            weight.grad = None
            loss.backward()
            weight.data -= 0.1 * weight.grad
            seen.step(loss)
            if step == 25:
                raise OSError("the disk is full")
    entry = read_entry(path)
    assert (entry.state, entry.step) == ("failed", 26)


def test_a_loop_is_exported_as_what_it_is(tmp_path):
    """A table of its curves, and its settings; one file needs no zip."""
    path = tmp_path / "mine.watch.json"
    looped(path, 0.5)
    export(path, "csv", tmp_path / "loop.csv")
    with (tmp_path / "loop.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["train_loss"] != "" for row in rows) == 100
    export(path, "tensorboard", tmp_path / "events")
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert len(events.Scalars("loss/train")) == 100
    with pytest.raises(UserError, match="one file already"):
        export(path, "zip", tmp_path / "loop.zip")


def test_a_zip_opens_elsewhere(recorded, tmp_path, monkeypatch):
    """All of the run arrives, without a path of the machine that it comes from."""
    source = tmp_path / "source"
    shutil.copytree(recorded, source)
    write_run_info(source, replace(read_run_info(source), source="/home/me/names.txt"))
    with monkeypatch.context() as patched:  # a zip that others have made may name any file here
        patched.setattr("core.runs.bundle._without_places", lambda about: about)
        pack(source, tmp_path / "run.zip")
    folder = unpack(tmp_path / "run.zip", tmp_path / "runs")
    assert read_run_info(folder).source == "" and read_run_info(folder).process == ("", 0)
    pack(source, tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        assert b"/home/me" not in packed.read(ABOUT)
    again = unpack(tmp_path / "run.zip", tmp_path / "runs")
    assert folder.name == "run" and again.name == "run-2"
    assert read_run_info(folder).recipe == read_run_info(recorded).recipe
    assert keyframes_of(folder) == keyframes_of(recorded)
    assert load_checkpoint(folder / LAST).about["steps"] == 400


def _zip(path, files):
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files:
            packed.writestr(name, content)


def test_a_foreign_zip_is_checked(recorded, tmp_path):
    """Strange names, damage, or no zip at all: a sentence, and nothing is left of it."""
    good = (recorded / "run.json").read_bytes()
    moment = (recorded / "moments" / "0000000400.safetensors").read_bytes()
    runs = tmp_path / "runs"
    cases = {
        "up": [("run.json", good), ("../evil.safetensors", b"x")],
        "absolute": [("run.json", good), ("/etc/evil", b"x")],
        "script": [("run.json", good), ("moments/run.py", b"x")],
        "nothing": [("curves.npz", b"x")],
        "bad curves": [("run.json", good), ("curves.npz", b"x")],
        "bad weights": [("run.json", good), ("last.safetensors", b"x" * 100)],
        "bad moment": [("run.json", good), ("moments/0000000001.safetensors", b"x" * 100)],
        "no length": [("run.json", good.replace(b'"steps": 400', b'"steps": null'))],
        "no year": [("run.json", re.sub(rb'"begun": [0-9.]+', b'"begun": 1e300', good))],
        "no layer": [("run.json", good.replace(b'"fan_in": 27', b'"fan_in": "x"'))],
        "other moment": [("run.json", good), ("moments/0000000001.safetensors", moment)],
        "bad recipe": [("run.json", good.replace(b'"batch_size": 64', b'"batch_size": -1'))],
    }
    for name, files in cases.items():
        _zip(tmp_path / f"{name}.zip", files)
        with pytest.raises(UserError):
            unpack(tmp_path / f"{name}.zip", runs)
    (tmp_path / "no.zip").write_bytes(b"PK not a zip")
    with pytest.raises(UserError):
        unpack(tmp_path / "no.zip", runs)
    pack(recorded, tmp_path / "whole.zip")
    whole = (tmp_path / "whole.zip").read_bytes()
    for place in range(200, len(whole), len(whole) // 25):
        (tmp_path / "bent.zip").write_bytes(
            whole[:place] + bytes(255 - b for b in whole[place : place + 40]) + whole[place + 40 :]
        )
        with contextlib.suppress(UserError):  # some bytes are nobody's
            shutil.rmtree(unpack(tmp_path / "bent.zip", runs))
    assert not list(runs.iterdir()) and not (tmp_path / "evil.safetensors").exists()


def test_a_table_has_a_row_for_each_step(recorded, tmp_path):
    """Losses, times, what was judged and what the layers did, in columns with names."""
    export(recorded, "csv", tmp_path / "run.csv")
    rows = list(csv.DictReader((tmp_path / "run.csv").read_text().splitlines()))
    history = read_curves(recorded)
    losses = [float(row["train_loss"]) for row in rows if row["train_loss"]]
    assert len(losses) == 400 and losses[-1] == pytest.approx(history.loss.y[-1])
    judged = [float(row["judged.val_loss"]) for row in rows if row["judged.val_loss"]]
    assert judged == pytest.approx(history.evaluations["val_loss"].y.tolist())
    assert "output.update_to_data" in rows[0]


@pytest.mark.parametrize("way", ["csv", "zip", "tensorboard"])
def test_an_export_that_is_given_up_leaves_nothing(recorded, tmp_path, way):
    """It ends before its next piece, whatever it writes."""
    pieces = []

    def cancelled():
        pieces.append(way)
        return len(pieces) == 3

    with pytest.raises(CancelledError), heeding(cancelled):
        export(recorded, way, tmp_path / "out" / "run")
    assert len(pieces) == 3
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("after", [1, 5, 9])
def test_an_import_that_is_given_up_leaves_nothing(recorded, tmp_path, after):
    """While it is unpacked, and while it is checked."""
    pack(recorded, tmp_path / "run.zip")
    pieces = []

    def cancelled():
        pieces.append(after)
        return len(pieces) == after

    with pytest.raises(CancelledError), heeding(cancelled):
        unpack(tmp_path / "run.zip", tmp_path / "runs")
    assert len(pieces) == after and not list((tmp_path / "runs").iterdir())


def test_tensorboard_reads_what_is_exported(recorded, tmp_path):
    """Curves with their values, weights as histograms, and what it wrote."""
    export(recorded, "tensorboard", tmp_path / "events")
    found = EventAccumulator(str(tmp_path / "events")).Reload()
    tags = found.Tags()
    losses = found.Scalars("loss/train")
    assert losses[-1].step == 400
    assert losses[-1].value == pytest.approx(read_curves(recorded).loss.y[-1], rel=1e-5)
    assert "loss/judged val_loss" in tags["scalars"]
    assert any(tag.startswith("weights/") for tag in tags["histograms"])
    assert any("samples" in tag for tag in tags["tensors"])


def test_a_folder_that_cannot_be_read_is_a_sentence(tmp_path):
    """One that is not there yet has no runs."""
    assert Library(tmp_path / "later").entries() == []
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"can't be read \(Not a directory\); let the variable"):
        Library(tmp_path / "file").entries()
