"""Files that another program overwrites in place while they are in use."""

import os
import shutil

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.playgrounds.text import corpus, tokens
from core.runs.folder import LAST
from core.runs.keyframes import keyframes_of, read_keyframe
from core.tensor_file import TensorFile
from core.tokenizers import characters
from core.training.checkpoint import load_checkpoint

LINES = "The quick brown fox jumps over the lazy dog.\n" * 60


def overwrite(path):
    """Make a file other from its first byte on, and shorter, without a new one in its place."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.truncate(10)


@pytest.fixture
def record(recorded, tmp_path):
    """A record of one's own."""
    return shutil.copytree(recorded, tmp_path / "run")


def test_a_network_in_use_is_not_its_file(record):
    """Its weights are those that were loaded."""
    network = load_checkpoint(record / LAST).model()
    before = {name: t.clone() for name, t in network.state_dict().items()}
    overwrite(record / LAST)
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())


def test_a_keyframe_in_use_is_not_its_file(record):
    """It is looked at while the run goes on."""
    step = keyframes_of(record)[-1]
    weights = read_keyframe(record, step).weights
    before = {name: array.copy() for name, array in weights.items()}
    overwrite(record / "moments" / f"{step:010}.safetensors")
    assert all(np.array_equal(array, before[name]) for name, array in weights.items())


def test_a_checkpoint_that_changes_while_it_is_read_is_refused(record, monkeypatch):
    """In a sentence; half of it would be another network's."""
    monkeypatch.setattr(
        TensorFile,
        "read",
        lambda file, read=TensorFile.read: overwrite(record / LAST) or read(file),
    )
    with pytest.raises(UserError, match="was changed while it was read"):
        load_checkpoint(record / LAST)


@pytest.fixture
def text(tmp_path, monkeypatch):
    """A text whose tokens are kept in a file."""
    monkeypatch.setattr(corpus, "IN_MEMORY", 0)
    monkeypatch.setattr(tokens, "IN_MEMORY", 0)
    monkeypatch.setattr(tokens, "TOKENS", tmp_path / "tokens")
    path = tmp_path / "text.txt"
    path.write_text(LINES, encoding="utf-8")
    return corpus.load(path).train


def test_tokens_that_change_in_use_are_said(text, tmp_path):
    """No batch is made of what stands there now."""
    ids = tokens.tokenise(text, characters(LINES)).ids
    assert len(ids[:10]) == 10
    overwrite(next((tmp_path / "tokens").iterdir()))
    for places in (0, slice(5), torch.tensor([[1, 2]])):
        with pytest.raises(UserError, match="was changed by another program"):
            ids[places]


@pytest.mark.parametrize("damage", [overwrite, lambda path: os.truncate(path, 0)])
def test_tokens_that_were_changed_are_made_anew(text, tmp_path, damage):
    """Between two starts of the program."""
    before = tokens.tokenise(text, characters(LINES)).ids[:]
    damage(next((tmp_path / "tokens").iterdir()))
    assert torch.equal(tokens.tokenise(text, characters(LINES)).ids[:], before)
    assert len(list((tmp_path / "tokens").iterdir())) == 1
