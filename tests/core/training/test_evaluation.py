"""A network that is judged can be interrupted, between two of its layers."""

import pytest
import torch
from torch import nn

from core.interruption import CancelledError, heeded, heeding
from core.paths import CHECKPOINTS
from core.telemetry.events import DataDescribed, Evaluated, Loaded, Metrics, Stopped
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.evaluation import interruptible
from core.training.opening import open_checkpoint
from core.training.trainer import train


def test_a_network_gives_up_before_its_next_layer():
    """Whatever is asked for afterwards is answered as before."""
    seen = []
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].register_forward_hook(lambda *about: seen.append("first"))
    model[1].register_forward_hook(lambda *about: seen.append("second"))
    with pytest.raises(CancelledError), heeding(lambda: bool(seen)), interruptible(model):
        model(torch.ones(2))
    assert seen == ["first"]
    model(torch.ones(2))
    assert seen == ["first", "first", "second"]


def test_a_run_that_is_abandoned_while_it_is_judged_ends_at_once(run_of, small, tmp_path):
    """Its network is kept."""
    control, judged = Control(), []
    out = tmp_path / "out.safetensors"

    def judge(model, data, recipe, limit=None):
        control.stop(abandon=True)
        judged.append(model(torch.zeros(1, 1, 28, 28)))

    run = run_of(small, steps=5, out=out)
    events = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.playground, "validate", judge)
        events = list(train(run, control))
    assert not judged and not [e for e in events if isinstance(e, Evaluated)]
    assert [e for e in events if isinstance(e, Metrics)]
    assert isinstance(events[-1], Stopped) and out.is_file()


def test_a_network_that_is_opened_for_nobody_is_neither_measured_nor_evaluated():
    """It is loaded, and its data described; its layers are not computed any more."""
    path = CHECKPOINTS / "points.safetensors"
    checkpoint = load_checkpoint(path)
    events = open_checkpoint(path, checkpoint, checkpoint.playground.load(None))
    told = heeded(events, lambda: True)
    assert [type(next(told)) for _ in range(2)] == [Loaded, DataDescribed]
    with pytest.raises(CancelledError):
        next(told)
