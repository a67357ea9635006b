"""A rate as high as the form allows: a sentence, and the last good weights are kept."""

import pytest
import torch

from core import playgrounds
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.text.recipe import TextRecipe
from core.runs.keyframes import keyframes_of
from core.runs.recorder import FileRecorder
from core.telemetry.events import Failed, Noted
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import Run, train

RATE = 100.0
PLAIN = DigitsRecipe(model="mlp", hidden=(32, 32), batch_norm=False, augment="none")
RECIPES = {
    "digits": PLAIN,
    "digits, infinite": PLAIN.replace({"loss": "squared-error"}),
    "names": NamesRecipe(hidden=(24,), embedding=4, context=3, dropout=0.0),
    "text": TextRecipe(model="gpt", width=16, layers=1, context=8, heads=2),
}


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_kept_is_finite_or_was_refused(name, tmp_path):
    """Where the loss is lost, the step is named, and the layer where it began."""
    playground, out = playgrounds.get(name.partition(",")[0]), tmp_path / "out.safetensors"
    optimizer = {"optimizer": "sgd"} if "optimizer" in RECIPES[name].settings() else {}
    recipe = RECIPES[name].replace({"lr": RATE, "batch_size": 32, **optimizer})
    recorder = FileRecorder(tmp_path / "record", None)
    run = Run(
        playground,
        recipe,
        playground.load(None),
        torch.device("cpu"),
        steps=80,
        out=out,
        recorder=recorder,
    )
    *events, ending = train(run, Control())
    weights = load_checkpoint(out).weights.values()
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights)
    if isinstance(ending, Failed):
        assert f"at step {ending.step}" in ending.sentence and ending.layer in ending.sentence
        assert "became infinite" in ending.sentence or not name.endswith("infinite")
    assert isinstance(ending, Failed) or not name.endswith("infinite")
    assert not [event for event in events if isinstance(event, Noted)]
    assert load_checkpoint(out).about["steps"] in keyframes_of(tmp_path / "record")
