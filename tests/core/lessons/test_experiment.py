"""Questions about two networks, and their answers in words."""

import math

from core.lessons.experiment import outcome, own_experiment, ratio_in_words
from core.lessons.pair_history import NetworkHistory
from core.telemetry.events import Failed
from tests.core.lessons.pairs import SMALL


def test_ones_own_experiment_asks_about_what_differs():
    """Two different networks are compared; two equal ones are recognised."""
    other = SMALL.replace({"gain": 1.0})
    assert SMALL.differences(other) == ("gain",)
    assert "In which" in own_experiment(SMALL, other).question.words
    assert "the same network" in own_experiment(SMALL, SMALL).question.words


def test_ratios_are_written_to_be_read():
    """Two significant digits."""
    said = [
        ratio_in_words(x) for x in (2.17, 600.4, 1.0, 0.43, 0.05, 2.47e-6, 1.3e-12, math.nan, 0.0)
    ]
    assert said == "2.2×|600×|1×|0.43|1/20|1/400,000|1/770 billion|NaN|0".split("|")


def test_a_failure_is_part_of_the_outcome():
    """In the network's own sentence; a network without losses adds nothing."""
    history = NetworkHistory()
    history.add(Failed(3, "The loss of A is NaN or infinite from step 3 on."))
    assert outcome(history, NetworkHistory()) == "The loss of A is NaN or infinite from step 3 on."
