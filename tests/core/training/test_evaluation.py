"""A network that is judged can be interrupted, between two of its layers."""

import pytest
import torch
from torch import nn

from core.doctor.run_doctor import RunDoctor
from core.doctor.watch import observe
from core.interruption import CancelledError, heeded, heeding
from core.layers import layers_of
from core.paths import CHECKPOINTS
from core.telemetry.events import DataDescribed, Evaluated, Loaded, Metrics, Stopped
from core.telemetry.probes import probe_batch
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


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_a_run_that_is_abandoned_while_its_step_is_observed_ends_at_once(
    run_of, small, tmp_path, monkeypatch, every
):
    """No layer is looked at any more; the step is done, and its network is kept."""
    control, doctor, seen = Control(), RunDoctor(), []

    def distinct(given):
        seen.append(given)
        control.stop(abandon=True)
        return 1.0

    monkeypatch.setattr(observe, "_distinct", distinct)
    out = tmp_path / "out.safetensors"
    run = run_of(small, steps=5, out=out, probe_every=every, watched=True, observers=(doctor,))
    events = list(train(run, control))
    assert len(seen) == 1 and not doctor.watcher.is_recording and not doctor.watcher.problem
    assert isinstance(events[-1], Stopped) and events[-1].step == 1
    assert load_checkpoint(out).about["steps"] == 1


@pytest.mark.parametrize("last", range(1, 7))
def test_a_measurement_for_nobody_is_given_up(last):
    """Before the next layer; nothing is left on the network."""
    checkpoint = load_checkpoint(CHECKPOINTS / "points.safetensors")
    model, asked = checkpoint.model(), iter(range(100))
    with pytest.raises(CancelledError), heeding(lambda: next(asked) == last):
        probe_batch(model, lambda: model(torch.ones(8, 2)).sum(), 0)
    assert next(asked) == last + 1
    assert not any(layer.listener for layer in layers_of(model).values())


def test_a_network_that_is_opened_for_nobody_is_neither_measured_nor_evaluated():
    """It is loaded, and its data described; its layers are not computed any more."""
    path = CHECKPOINTS / "points.safetensors"
    checkpoint = load_checkpoint(path)
    events = open_checkpoint(path, checkpoint, checkpoint.playground.load(None))
    told = heeded(events, lambda: True)
    assert [type(next(told)) for _ in range(2)] == [Loaded, DataDescribed]
    with pytest.raises(CancelledError):
        next(told)
