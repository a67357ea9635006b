"""A part of a record that is damaged, or can't be written, takes no other part with it."""

import os
import shutil
import time
import zipfile
from dataclasses import replace

import pytest
import torch

from core.errors import UserError
from core.runs.bundle import pack, unpack
from core.runs.curves import read_curves
from core.runs.export import export
from core.runs.folder import BEST, CURVES, LAST
from core.runs.keyframes import keyframes_of
from core.runs.library import Library, read_entry
from core.runs.resume import resume_run
from core.runs.run_info import read_run_info, write_run_info
from core.telemetry.events import Finished, Noted
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import train
from tests.stopping import stop_at

DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


def weights_of(folder):
    """The weights of a run's last checkpoint."""
    return load_checkpoint(folder / LAST).weights


@pytest.fixture(scope="module")
def halves(names_run, tmp_path_factory):
    """A run that was interrupted, and one of the same recipe that was not."""
    folder = tmp_path_factory.mktemp("halves")
    stop_at(names_run(folder / "half", steps=300), 100)
    list(train(names_run(folder / "whole", steps=300), Control()))
    return folder


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("part", [CURVES, BEST])
def test_a_resume_needs_the_last_checkpoint_alone(halves, tmp_path, part, damage):
    """It says what is lost, ends with the same weights, and leaves a record that is whole."""
    folder = shutil.copytree(halves / "half", tmp_path / "half")
    assert (folder / part).is_file()
    damage(folder / part)
    events = list(train(resume_run(folder), Control()))
    noted = [event.sentence for event in events if isinstance(event, Noted)]
    assert len(noted) == 1 and "damaged" in noted[0], noted
    assert isinstance(events[-1], Finished)
    ended, whole = weights_of(folder), weights_of(halves / "whole")
    assert all(torch.equal(ended[name], whole[name]) for name in whole)
    assert read_curves(folder).loss.x[-1] == 300 and load_checkpoint(folder / BEST)
    assert list(folder.glob("*-damaged.*")), "what may be mended is kept"


def test_the_checkpoint_is_written_where_curves_can_not_be(names_run, tmp_path, monkeypatch):
    """The run ends as it would have, and says so; a folder stands where the curves should."""
    events = []
    for event in train(names_run(tmp_path / "run", steps=300), Control()):
        if not events:
            (tmp_path / "run" / CURVES).unlink(missing_ok=True)
            (tmp_path / "run" / CURVES).mkdir()
        events.append(event)
    assert isinstance(events[-1], Finished) and events[-1].checkpoint
    assert [e.sentence for e in events if isinstance(e, Noted)]
    assert load_checkpoint(tmp_path / "run" / LAST).about["steps"] == 300
    assert read_run_info(tmp_path / "run").state == "finished"


@pytest.mark.parametrize("clock", [-86_400.0, 0.0])
def test_a_clock_before_1970_loses_no_run(names_run, tmp_path, monkeypatch, clock):
    """It is listed, goes on, and goes to another machine; nor does one that goes back."""
    folder = tmp_path / "runs" / "names-mlp-19691231-000000"
    now = time.time
    monkeypatch.setattr(time, "time", lambda: clock)
    stop_at(names_run(folder, steps=300), 100)
    write_run_info(folder, replace(read_run_info(folder), begun=clock))
    os.utime(folder / LAST, (clock, clock))
    (entry,) = Library(tmp_path / "runs").entries()
    assert entry.state == "stopped" and time.localtime(entry.begun)
    assert isinstance(list(train(resume_run(folder), Control()))[-1], Finished)
    os.utime(folder / LAST, (clock, clock))
    pack(folder, tmp_path / "run.zip")
    assert read_entry(unpack(tmp_path / "run.zip", tmp_path / "other")).step == 300
    monkeypatch.setattr(time, "time", now)
    Library(tmp_path / "runs").empty()
    assert Library(tmp_path / "runs").entries()


@pytest.mark.parametrize("name", [".hidden", "...", " .x", "run. "])
def test_a_run_of_a_hidden_name_is_seen(recorded, tmp_path, name):
    """As it was imported, so it is listed."""
    packed = tmp_path / f"{name}.zip"
    pack(recorded, packed)
    folder = unpack(packed, tmp_path / "runs")
    assert [entry.path for entry in Library(tmp_path / "runs").entries()] == [folder]


def test_a_pack_that_fails_leaves_the_one_before(recorded, tmp_path, monkeypatch):
    """Nor does it leave a draft."""
    pack(recorded, tmp_path / "run.zip")
    before = (tmp_path / "run.zip").read_bytes()

    def full(*rest, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(UserError, match="No space left"):
        pack(recorded, tmp_path / "run.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]
    assert (tmp_path / "run.zip").read_bytes() == before


def test_an_export_goes_on_behind_a_damaged_keyframe(recorded, tmp_path, caplog):
    """The others are whole, and what was left out is told."""
    pytest.importorskip("torch.utils.tensorboard", exc_type=ImportError)
    folder = shutil.copytree(recorded, tmp_path / "run")
    first = keyframes_of(folder)[0]
    os.truncate(folder / "moments" / f"{first:010}.safetensors", 50)
    export(folder, "tensorboard", tmp_path / "events")
    assert list((tmp_path / "events").iterdir()) and "damaged" in caplog.text
