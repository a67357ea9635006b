"""The network trained by typed gradients, beside the same one by autograd's."""

import numpy as np
import pytest

from core.errors import UserError
from core.expressions.tensor_parser import parse_tensor
from core.lessons.backprop.dojo import Dojo
from core.lessons.backprop.network import known_of
from core.lessons.backprop.steps import CLOSED, STEPS
from core.lessons.backprop.training import GradientLosses, train
from core.telemetry.events import Finished, Stopped
from core.training.control import Control


@pytest.fixture
def done():
    """A dojo with all gradients solved."""
    dojo = Dojo()
    for step in STEPS:
        dojo.check(step, step.answer)
    return dojo


@pytest.mark.parametrize("closed", [False, True])
def test_its_curve_lies_on_autograds(done, closed):
    """Step by step, but for rounding; and the loss falls."""
    for step in CLOSED if closed else ():
        done.check(step, step.answer)
    events = list(train(done.programs(), Control(), 60))
    losses = [event for event in events if isinstance(event, GradientLosses)]
    typed = np.concatenate([event.typed for event in losses])
    autograd = np.concatenate([event.autograd for event in losses])
    assert len(typed) == 60 and losses[-1].step == 60 and isinstance(events[-1], Finished)
    np.testing.assert_allclose(typed, autograd, rtol=1e-11)
    assert losses[-1].apart < 1e-11 and typed[-10:].mean() < typed[:10].mean()


def test_a_gradient_that_fits_one_batch_only_shows(done):
    """Right on the batch of the exercise, by a number: its curve leaves autograd's."""
    value = done.made.gradients["bngain"][0, 0].item()
    step = next(step for step in STEPS if step.key == "bngain")
    right = "(bnraw*dhpreact).sum(0, keepdim=True)"
    text = f"d = {right}\nd[0, 0] = {value:.16f}\nd + 0*bngain"
    assert done.check(step, text).outcome.right
    last = [e for e in train(done.programs(), Control(), 20) if isinstance(e, GradientLosses)][-1]
    assert last.apart > 1e-6


def test_it_stops_when_it_is_asked_to(done):
    """With the losses up to there."""
    control, seen = Control(), []
    for event in train(done.programs(), control, 1000):
        seen.append(event)
        control.stop()
    assert isinstance(seen[-1], Stopped) and seen[-1].step < 100


def test_what_diverges_is_said(done):
    """In a sentence, and no further step is done."""
    known = known_of(done.made.tensors)
    wild = tuple(
        (name, parse_tensor("1e9 * W2 * W2 + 1e9", known) if name == "dW2" else program)
        for name, program in done.programs()
    )
    with pytest.raises(UserError, match="NaN or infinite"):
        list(train(wild, Control(), 200))
