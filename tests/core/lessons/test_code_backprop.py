"""The code behind lesson 4: it trains as the lesson does, and its gradients are autograd's."""

import numpy as np
import pytest
import torch

from bench.scripts import losses_of_script
from core.lessons.backprop.dojo import Dojo
from core.lessons.backprop.steps import ALL_STEPS, CLOSED, PARAMETERS, STEPS
from core.lessons.backprop.training import GradientLosses, train
from core.lessons.code.backprop import write_backprop
from core.paths import ROOT
from core.training.control import Control

pytestmark = pytest.mark.usefixtures("one_thread")
SOME = 30


@pytest.fixture(scope="module")
def autograd():
    """The losses of the lesson's network, trained by autograd."""
    dojo = Dojo()
    for step in STEPS:
        dojo.check(step, step.answer)
    events = train(dojo.programs(), Control(), SOME)
    return np.concatenate([e.autograd for e in events if isinstance(e, GradientLosses)])


@pytest.mark.parametrize("solved", [0, 1, 9, len(STEPS), len(STEPS) + len(CLOSED)])
def test_it_trains_as_the_lesson_does(solved, autograd):
    """However many gradients are solved: those that are missing are autograd's."""
    dojo = Dojo()
    for step in (*STEPS, *CLOSED)[:solved]:
        assert dojo.check(step, step.answer).outcome.right
    script = write_backprop(dojo.known_programs(), SOME)
    shown = script.replace(str(ROOT), ".")  # wherever it was cloned to
    assert "glassbox" not in shown.lower().replace("that glassbox brings", "")
    lines = shown.splitlines()
    own = [line for line in lines if not line.startswith("        d")]  # the others are as typed
    assert len(lines) <= 150 and max(map(len, own)) <= 100
    assert losses_of_script(script) == pytest.approx(autograd, rel=1e-9)
    assert ("torch.autograd.grad(\n" in script) == (solved < len(STEPS))


def test_each_gradient_agrees_with_autograd(capsys):
    """The script says so itself, in its first step."""
    dojo = Dojo()
    for step in STEPS:
        dojo.check(step, step.answer)
    code = compile(write_backprop(dojo.programs(), 1), "script", "exec")
    dtype = torch.get_default_dtype()
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        torch.set_default_dtype(dtype)
    said = [line for line in capsys.readouterr().out.splitlines() if "apart" in line]
    gaps = {line.split()[0]: float(line.split()[-1]) for line in said}
    assert {*PARAMETERS, "logits", "hprebn"} <= {*gaps} and max(gaps.values()) < 1e-12


@pytest.mark.parametrize(
    ("key", "text", "lines"),
    [
        ("b2", "dlogits.sum(0)", ["db2 = dlogits.sum(0)"]),
        ("b2", "db2 = dlogits.sum(0)", ["db2 = dlogits.sum(0)"]),
        ("b2", "a = dlogits\na.sum(0)", ["a = dlogits", "db2 = a.sum(0)"]),
        ("b2", "a = 0*b2\na += dlogits.sum(0)", ["a = 0*b2", "a += dlogits.sum(0)", "db2 = a"]),
        ("b2", "step = dlogits\nstep.sum(0)", ["db2 = dlogits.sum(0)"]),
    ],
)
def test_what_was_typed_stands_in_it(key, text, lines):
    """As it was typed; what would disturb the rest of the script gives way to the answer."""
    dojo = Dojo()
    for step in STEPS:
        typed = text if step.key == key else step.answer
        assert dojo.check(step, typed).outcome.right, step.key
    script = write_backprop(dojo.programs(), 2)
    assert "\n".join(f"        {line}" for line in lines) in script
    assert (ALL_STEPS[key].answer in script) == any(ALL_STEPS[key].answer in x for x in lines)
    assert len(losses_of_script(script)) == 2
