"""Data in which nothing is to be learned: it is trained on, or said, and weights stay finite."""

from dataclasses import replace

import pytest
import torch

from core import playgrounds
from core.doctor.examine import examine
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.text.recipe import TextRecipe
from core.telemetry.events import Diagnosed, Finished
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import Run

DIGITS = DigitsRecipe(model="mlp", hidden=(16,), augment="none", batch_size=32)
NAMES = NamesRecipe(hidden=(16,), embedding=4, context=3, batch_size=32, dropout=0.0)
TEXT = TextRecipe(model="gpt", tokenizer="characters", width=16, layers=1, context=8, heads=2)


def one_class(path):
    """Digits that are sevens, all of them."""
    data = playgrounds.get("digits").load(None)
    parts = {
        name: replace(part, labels=torch.full_like(part.labels, 7))
        for name in ("train", "validation", "test")
        for part in [getattr(data, name)]
    }
    return replace(data, **parts)


def one_picture(path):
    """Digits that look alike, all of them."""
    data = playgrounds.get("digits").load(None)
    parts = {
        name: replace(part, images=torch.full_like(part.images, 128))
        for name in ("train", "validation", "test")
        for part in [getattr(data, name)]
    }
    return replace(data, **parts)


def one_name(path):
    """The same name again and again."""
    path.write_text("a\n" * 50)
    return playgrounds.get("names").load(path)


def hardly_a_text(path):
    """One letter, and at the end another one."""
    path.write_text("a" * 3000 + "b" * 10)
    return playgrounds.get("text").load(path)


@pytest.mark.parametrize(
    ("recipe", "make", "causes"),
    [
        (DIGITS, one_class, ["class_imbalance"]),
        (DIGITS, one_picture, ["inputs_ignored", "data_overlap"]),
        (NAMES, one_name, []),
        (TEXT, hardly_a_text, ["inputs_ignored"]),
    ],
)
def test_constant_data_is_said(recipe, make, causes, tmp_path):
    """By the doctor, as far as that is a fault; the loss stays a number."""
    out = tmp_path / "out.safetensors"
    playground = playgrounds.get(type(recipe).__module__.split(".")[2])
    data, cpu = make(tmp_path / "data.txt"), torch.device("cpu")
    run = Run(playground, recipe, data, cpu, steps=40, out=out, watched=True)
    events = list(examine(run, Control(), 2.0))
    assert isinstance(events[-1], Finished)
    (said,) = [event.diagnosis for event in events if isinstance(event, Diagnosed) and event.final]
    assert [cause.id for cause in said.causes][: len(causes)] == causes
    weights = load_checkpoint(out).weights.values()
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights)
