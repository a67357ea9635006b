"""What fixes a cause is said of the kind that was found, and of no other one."""

import ast
from pathlib import Path

import pytest

from core.doctor.diagnosis import Check
from core.doctor.verdict.causes import CAUSES
from core.doctor.verdict.conclusion import causes_of
from core.doctor.verdict.kinds import KINDS

DOCTOR = Path(__file__).parents[4] / "core/doctor"


def said() -> list[str]:
    """Return all that the rules and what they go by may say; numbers and names are left out."""
    found = []
    for file in DOCTOR.rglob("*.py"):
        if file.parent.name != "verdict":
            nodes = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.expr)]
            texts = [n for n in nodes if isinstance(n, ast.Constant | ast.JoinedStr)]
            found += ["".join(_parts(text)) for text in texts]
    return found


def _parts(text: ast.expr) -> list[str]:
    if isinstance(text, ast.JoinedStr):
        return [part.value if isinstance(part, ast.Constant) else "#" for part in text.values]
    return [text.value] if isinstance(text.value, str) else []


def test_each_kind_is_told_by_words_that_are_said():
    """A rule that says it in other words would lose its advice."""
    texts = said()
    names = {"]."}  # of parameters in a list
    assert set(KINDS) <= set(CAUSES)
    for cause, kinds in KINDS.items():
        for part, fix in kinds:
            assert part in names or any(part in text for text in texts), (cause, part)
            assert fix.endswith(".") and fix != CAUSES[cause].fix, (cause, part)


@pytest.mark.parametrize(
    ("cause", "where", "measured", "fix"),
    [
        ("future_leak", "the attention mask", "depends on a later one 90 % as much", "torch.tril"),
        ("future_leak", "the inputs", "the inputs contain the labels", "one position further on"),
        ("future_leak", "the inputs", "of 99 %, column 3 gives the label", "out of the inputs"),
        ("wrong_loss", "the loss", "scores are cosines, from -1 to 1", "cosines by 10 to 30"),
        ("wrong_loss", "the last layer", "logits go through tanh before", "unbounded logits"),
        ("wrong_loss", "the loss", "mse loss against one-hot rows of 5 classes", "cross_entropy"),
        ("parameter_not_trained", "a", "a: it is not in the optimiser", "into the optimiser"),
        ("parameter_not_trained", "a[0].bias", "it is not in the optimiser", "nn.ModuleList"),
        ("batch_repeated", "the batch", "there are 90 examples, and 9 were picked", "in each step"),
    ],
)
def test_the_fix_is_that_of_the_kind(cause, where, measured, fix):
    """What is expected counts for nothing: that is the same for all."""
    expected = " ".join(part for part, _ in KINDS[cause])
    (found,) = causes_of((Check(cause, cause, False, measured, expected, where, 0.9),))
    assert fix in found.fix
    others = {text for _, text in KINDS[cause]} | {CAUSES[cause].fix}
    assert sum(text in found.fix for text in others) == 1
