"""Answers of one program that are compared."""

from bench.agreement import agreeing
from bench.loops.examine import Answer


def answer(verdict, *causes):
    """What was said of a loop."""
    return Answer("script", "how", "", (), None, verdict, causes)


def test_the_most_frequent_answer_is_the_one_that_others_agree_with():
    """Verdict and first cause count; what comes after does not."""
    same = [answer("broken", "nan"), answer("broken", "nan", "plateau")]
    assert agreeing(same) == 2
    assert agreeing([*same, answer("broken", "plateau"), answer("fine")]) == 2
