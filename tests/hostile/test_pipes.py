"""A pipe, a device and a name that is too long stand where a file is meant: said at once."""

import os
from pathlib import Path

import pytest

from core.errors import UserError
from core.files import check_is_file
from core.playgrounds.digits.data import full
from core.playgrounds.digits.ink import open_image
from core.playgrounds.names.wordlist import words_of
from core.playgrounds.text.corpus import load
from core.programs.program import read_program
from core.runs.bundle import unpack
from core.runs.run_info import read_run_info
from core.training.checkpoint import load_checkpoint


@pytest.fixture
def pipe(tmp_path):
    """A pipe that nobody writes into."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes in the file system of this platform")
    path = tmp_path / "run.json"
    os.mkfifo(path)
    return path


def imported(path):
    """Import a run from a zip."""
    return unpack(path, path.parent / "runs")


@pytest.mark.parametrize(
    "opened", [open_image, words_of, load, read_program, load_checkpoint, imported]
)
def test_a_pipe_is_no_file(pipe, opened):
    """Nothing waits for what never comes."""
    with pytest.raises(UserError, match="pipe"):
        opened(pipe)


def test_a_pipe_is_no_record(pipe):
    """Its folder is damaged."""
    with pytest.raises(UserError):
        read_run_info(pipe.parent)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_pipe_is_no_data(tmp_path, ending):
    """Packed or not."""
    raw = tmp_path / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    os.mkfifo(raw / f"train-images-idx3-ubyte{ending}")
    with pytest.raises(UserError, match="pipe"):
        full(tmp_path)


def test_a_device_is_no_file():
    """It may have no end."""
    with pytest.raises(OSError, match="device"):
        check_is_file(Path(os.devnull))
