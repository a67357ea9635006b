"""The order of the steps, the hints before an answer, and what is kept."""

import json

import pytest

from core.errors import UserError
from core.lessons.backprop.dojo import Dojo, StepState
from core.lessons.backprop.steps import ALL_STEPS, CLOSED, STEPS

FIRST, SECOND = STEPS[:2]


def solve(dojo, *steps):
    """Type the answers."""
    for step in steps:
        assert dojo.check(step, step.answer).outcome.right


def see(dojo, step):
    """Take all hints, and have the answer shown."""
    for _ in range(3):
        dojo.take_hint(step)
    return dojo.show_answer(step)


def test_a_step_is_open_once_those_before_it_are_done():
    """Solved or seen; a closed form once the gradients that it may use are."""
    dojo = Dojo()
    assert dojo.state(FIRST) is StepState.OPEN and dojo.state(SECOND) is StepState.LOCKED
    with pytest.raises(UserError, match="Do dlogprobs first"):
        dojo.check(SECOND, SECOND.answer)
    assert not dojo.check(FIRST, "-1.0/n").outcome.right
    assert dojo.state(FIRST) is StepState.OPEN
    solve(dojo, FIRST)
    assert dojo.state(FIRST) is StepState.SOLVED and dojo.state(SECOND) is StepState.OPEN
    assert dojo.state(CLOSED[0]) is StepState.OPEN and dojo.state(CLOSED[1]) is StepState.LOCKED
    assert dojo.next_open(FIRST) is SECOND


def test_an_answer_is_shown_after_three_hints_and_counts_as_seen():
    """Typing it afterwards does not make it solved."""
    dojo = Dojo()
    with pytest.raises(UserError, match="three hints first"):
        dojo.show_answer(FIRST)
    assert see(dojo, FIRST) == FIRST.answer
    solve(dojo, FIRST)
    assert dojo.state(FIRST) is StepState.SEEN and dojo.state(SECOND) is StepState.OPEN


def test_progress_comes_back():
    """Solved, seen, hints, and what is only begun."""
    dojo = Dojo()
    solve(dojo, FIRST)
    see(dojo, SECOND)
    dojo.check(STEPS[2], "counts * dprobs")
    dojo.take_hint(STEPS[2])
    dojo.check(FIRST, "logprobs")  # a later trial takes nothing away
    other = Dojo()
    other.restore(json.loads(json.dumps(dojo.save())))
    assert [other.state(step) for step in STEPS] == [dojo.state(step) for step in STEPS]
    assert other.typed[STEPS[2].key] == "counts * dprobs" and other.hints[STEPS[2].key] == 1


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"solved": 3, "typed": 4, "hints": [1], "seen": {"a": 1}},
        {"solved": {"logprobs": 5, "C": STEPS[-1].answer}, "hints": {"logprobs": "x"}},
        {"solved": {"logprobs": "1/0"}, "seen": ["logprobs", "nothing", 7], "hints": {"probs": -4}},
    ],
)
def test_what_a_file_claims_is_checked(values):
    """Nothing is solved that is not right, or stands behind what is not done."""
    dojo = Dojo()
    dojo.restore(values)
    assert not dojo.count(StepState.SOLVED) and not dojo.count(StepState.SEEN)


def test_the_gradients_for_training_are_ones_own():
    """The answer where it was seen; with both closed forms the long ways are left out."""
    dojo = Dojo()
    with pytest.raises(UserError, match="dlogprobs is not known yet"):
        dojo.programs()
    solve(dojo, FIRST)
    see(dojo, SECOND)
    assert dojo.check(STEPS[2], "torch.sum(dprobs * counts, 1, keepdim=True)").outcome.right
    solve(dojo, *STEPS[3:])
    texts = {name: program.text for name, program in dojo.programs()}
    assert len(texts) == len(STEPS) and texts["dprobs"] == SECOND.answer
    assert texts["dcounts_sum_inv"].startswith("torch.sum")
    solve(dojo, *CLOSED)
    texts = {name: program.text for name, program in dojo.programs()}
    assert texts["dhprebn"] == ALL_STEPS["closed_hprebn"].answer
    assert "dbnvar" not in texts and "dprobs" not in texts and len(texts) == 13
