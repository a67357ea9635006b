"""The code behind an expression: it trains as the lab does."""

import pytest

from bench.expressions import generated
from bench.scripts import losses_of_script
from core.code.expression import STEPS, write_expression
from core.errors import UserError
from core.expressions.lab import Lab
from core.expressions.parser import parse
from core.expressions.presets import PRESETS

OWN = {
    "names": "lr = 2\nstep = data(3)\nlosses = (lr*step - 1)**2",
    "brackets": "a = 0.5\nb = -1\n-(a - (b - 2)) / (a*b/2)**2 - -a**2 + (-2)**3 + 2*(b - 3)",
    "numbers": "a = 0.5\n(a - sqrt(2 + 1))**2 + max(a, 0.1)*exp(-1) + mean([a, 1 + 1, a]*[1,2,3])",
    "unnamed": "mean((randn(3) + noise(3)*0.1 - data([1, 2, 3]))**2) + softplus(noise())",
    "softmax": "w = [0.1, 0.2]\nz = noise(2)\nv = randn(2)\n-log(dot(softmax(w*v + z), [0, 1]))",
}


def losses_of_lab(graph, rate, frozen=False):
    """Train it in the lab as long as the script does, or until it diverges."""
    lab = Lab(graph, 0, frozen)
    for _ in range(STEPS):
        try:
            lab.gradient_step(rate)
        except UserError:
            break
    return lab.losses.y


@pytest.mark.parametrize("key", [*PRESETS, *OWN])
@pytest.mark.parametrize("frozen", [False, True])
def test_its_losses_are_those_of_the_lab(key, frozen):
    """From the same seed, with noise that is drawn anew or kept."""
    text, rate = (PRESETS[key].text, PRESETS[key].rate) if key in PRESETS else (OWN[key], 0.01)
    graph = parse(text)
    script = write_expression(graph, rate, frozen=frozen)
    ours = losses_of_lab(graph, rate, frozen)
    its = losses_of_script(script)
    assert len(ours) and its[: len(ours)] == pytest.approx(ours, rel=1e-9)
    assert key in OWN or max(map(len, script.splitlines())) <= 100


@pytest.mark.parametrize("seed", range(20))
def test_any_expression_has_a_script(seed):
    """With every operation of the language: the same loss, and the same after some steps."""
    graph = parse(generated(seed))
    its = losses_of_script(write_expression(graph, 1e-4))
    ours = losses_of_lab(graph, 1e-4)
    assert its[: len(ours)] == pytest.approx(ours, rel=1e-7)


def test_without_anything_learned_there_is_none():
    """A sentence says what is missing."""
    with pytest.raises(UserError, match="nothing that is learned"):
        write_expression(parse("a = data(2)\na**2"), 0.1)
    with pytest.raises(UserError, match="nothing that is learned"):
        write_expression(parse("w = 2\na = data(2)\na**2"), 0.1)
