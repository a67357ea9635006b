"""The rule on errors: torch's messages, and their usual causes."""

import pytest

from core.doctor.rules.crash import CERTAIN, crash, usual_cause
from tests.core.doctor.rules.helpers import evidence, step


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("Trying to backward through the graph a second time", "detach()"),
        ("element 0 of tensors does not require grad", "requires a gradient"),
        ("mat1 and mat2 shapes cannot be multiplied (4x3 and 5x2)", "two shapes"),
        ("expected scalar type Long but found Float", "two types"),
        ("Found no NVIDIA driver on your system.", "is_available()"),
        ("Torch not compiled with CUDA enabled", "is_available()"),
        ("a leaf Variable that requires grad is being used in an in-place", "no_grad()"),
        ("Can't call numpy() on Tensor that requires grad.", "item()"),
        ("No module named 'pandas'", "--python"),
        ("unsupported operand type(s) for *: 'float' and 'NoneType'", ".grad"),
    ],
)
def test_a_known_error_has_its_usual_cause(message, part):
    """The message, its line and what usually causes it are the evidence."""
    words = f"RuntimeError: {message}, in line 12: loss.backward()"
    found = crash.check(evidence(crash=words, tells_error=True))
    assert found.passed is False and part in found.measured and "line 12" in found.measured


def test_a_graph_that_two_networks_share_is_freed_by_the_first_of_their_losses():
    """Which is most likely where one's loss goes through the other; the other causes stay."""
    message = "RuntimeError: Trying to backward through the graph a second time, in line 20"
    usual = usual_cause(message)
    assert "hidden state" in usual and "GAN" in usual
    known = {"crash": message, "tells_error": True}
    undetached = crash.check(evidence([step(training_kind="adversarial")], **known)).measured
    assert "usual cause: the generated batch must be detached" in undetached
    assert "D(fake.detach())" in undetached and "; else a part of the graph" in undetached
    assert crash.check(evidence([step()], **known)).measured == f"{message}; usual cause: {usual}"


def test_other_errors():
    """An unknown one of torch's is told; one of the program's own is no cause."""
    assert usual_cause("whatever") == ""
    odd = crash.check(evidence(crash="RuntimeError: odd", tells_error=True))
    known = crash.check(evidence(crash="RuntimeError: out of memory", tells_error=True))
    assert odd.confidence == known.confidence == CERTAIN
    assert crash.check(evidence(crash="KeyError: missing")).passed is None
    assert crash.check(evidence()).passed
