"""Each gradient of the lecture: its answer is right, and every intermediate has one."""

import pytest
import torch

from core.lessons.backprop.checker import GradientOutcome, check
from core.lessons.backprop.network import first_batch
from core.lessons.backprop.steps import CLOSED, FORWARD, PARAMETERS, STEPS

ORDER = (
    "logprobs probs counts_sum_inv counts_sum counts norm_logits logit_maxes logits h W2 b2 hpreact"
    " bngain bnbias bnraw bnvar_inv bnvar bndiff2 bndiff bnmeani hprebn embcat W1 b1 emb C"
)


def test_every_tensor_has_its_step_in_the_lectures_order():
    """All intermediates but the loss, and all parameters."""
    assert [step.tensor for step in STEPS] == ORDER.split()
    assert {s.tensor for s in STEPS} == {name for name, _ in FORWARD[:-1]} | set(PARAMETERS)


def test_the_forward_pass_is_that_of_the_network():
    """In one go, by torch's own functions."""
    t = first_batch().tensors
    before = t["C"][t["Xb"]].flatten(1) @ t["W1"] + t["b1"]
    normal = (before - before.mean(0)) / (before.var(0) + 1e-5).sqrt()
    logits = torch.tanh(t["bngain"] * normal + t["bnbias"]) @ t["W2"] + t["b2"]
    loss = torch.nn.functional.cross_entropy(logits, t["Yb"])
    assert float(t["loss"]) == pytest.approx(float(loss), rel=1e-12)


@pytest.mark.parametrize("step", [*STEPS, *CLOSED], ids=lambda step: step.key)
def test_the_answer_is_right(step):
    """With only the gradients before it; and each path alone is told to be half of it."""
    made = first_batch()
    before = STEPS[: STEPS.index(step)] if step in STEPS else STEPS
    known = {s.gradient: made.gradients[s.tensor] for s in before}
    verdict = check(step, step.answer, made, known)
    assert verdict.outcome.right, verdict.sentence
    for path in step.paths:
        half = check(step, path, made, known)
        assert half.outcome is GradientOutcome.WRONG and "both gradients add up" in half.sentence
    for slip, sentence in step.slips:
        found = check(step, slip, made, known)
        assert not found.outcome.right and found.sentence.startswith(sentence)


@pytest.mark.parametrize("step", [*STEPS, *CLOSED], ids=lambda step: step.key)
def test_no_hint_but_the_last_gives_the_answer_away(step):
    """And each says something else."""
    assert len(set(step.hints)) == 3 and step.why
    assert not any(step.answer in hint for hint in step.hints[:2])
