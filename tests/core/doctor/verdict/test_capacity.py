"""What networks of other sizes say of one: from made-up losses."""

import dataclasses
import math

import numpy as np
import pytest

from core.doctor.evidence import Evidence
from core.doctor.experiments.experiment import Outcome
from core.doctor.experiments.reference_networks import REFERENCES, References
from core.doctor.verdict.capacity import (
    at_floor,
    by_size,
    overfitting_by_size,
    settled_on_new,
)
from core.doctor.verdict.conclusion import conclude

SMALL = References(
    own=2.5,
    own_trained=2.45,
    smaller=2.8,
    same=2.5,
    larger=1.9,
    smaller_error=0.01,
    same_error=0.01,
    larger_error=0.01,
    longer=2.49,
    longer_error=0.01,
    size_error=0.01,
    best_baseline=2.6,
    parameters=1000,
    count=500,
    is_new=True,
)


def compared(**changes):
    """Evidence of a settled loop, and of a comparison."""
    evidence = Evidence(np.arange(2000), 2.45 + 2 * 0.98 ** np.arange(2000), [])
    found = dataclasses.replace(SMALL, **changes)
    evidence.add(REFERENCES.done(Outcome(False, "measured", found)), found)
    return evidence


def test_a_larger_network_that_is_better_makes_it_too_small():
    """Both losses are said, and the verdict of the whole is that."""
    verdict, sentence, sure = by_size(compared(), 0.0)
    assert verdict == "too_small" and "1.9" in sentence and "2.5" in sentence
    assert "four times" in sentence and "sixteen times" in by_size(compared(times=16.0), 0.0)[1]
    assert 0.7 < sure <= 0.92
    assert conclude(compared(), ()).verdict == "too_small"


@pytest.mark.parametrize(
    "changes",
    [
        {"larger": 2.46},  # hardly better
        {"larger_error": 0.4},  # perhaps by chance
        {"same": 1.9},  # no better than one of its own size
        {"own_trained": 1.2},  # it overfits
    ],
)
def test_it_is_not_called_too_small_where_something_else_may_be_it(changes):
    """Only what is clear, and is size, counts."""
    found = by_size(compared(**changes), 0.0)
    assert found is None or found[0] != "too_small"


def test_it_is_not_called_too_small_while_more_steps_help_as_much():
    """The user's own question: too small, or not trained enough."""
    assert by_size(compared(longer=math.nan), 0.15) is None
    verdict, sentence, _ = by_size(compared(longer=2.0), 0.0)
    assert verdict == "undertrained" and "2.5 to 2" in sentence


def test_what_was_tried_counts_more_than_what_was_forecast():
    """A copy that went on and gained nothing has settled, whatever its curve promised."""
    assert by_size(compared(), 0.3)[0] == "too_small"
    assert settled_on_new(compared()) and not settled_on_new(compared(longer=2.2))
    assert not settled_on_new(compared(longer=math.nan))
    assert not settled_on_new(compared(is_new=False))  # the copy left out what it had learned from


def falling(**changes):
    """A comparison in which size brings nothing, and a training loss that falls and falls."""
    changes = {"best_baseline": 2.45, **changes}
    evidence = compared(larger=2.5, smaller=2.6, **changes)
    evidence.losses = 1 + 4 * (evidence.steps + 1.0) ** -0.3
    return evidence


def test_of_a_training_loss_that_falls_it_is_not_said_that_it_has_settled():
    """What was tried on new examples is said; where these are not new, the curve counts."""
    found = conclude(falling(), ())
    assert found.verdict == "fine" and "training loss has settled" not in found.sentence
    assert "on new examples has settled at 2.50" in found.sentence and "2.49" in found.sentence
    assert conclude(falling(is_new=False), ()).verdict == "undertrained"


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "undertrained"), (1.0, "fine")])
def test_a_forecast_of_the_loss_on_new_data_counts_until_as_many_steps_were_tried(share, verdict):
    """What a few more steps bring is no answer to what many do."""
    evidence = falling(longer_share=share)
    evidence.validations = [(step, 1 + 4 * step**-0.3) for step in range(50, 2000, 50)]
    assert conclude(evidence, ()).verdict == verdict


@pytest.mark.parametrize(("guess", "verdict"), [(2.3, "fine"), (0.07, "undertrained")])
def test_of_what_is_nearly_all_learned_no_more_time_is_asked(guess, verdict):
    """A loss that nears 0 falls by a large part of itself for ever."""
    sizes = dict.fromkeys(("own", "own_trained", "smaller", "same"), 0.02) | {"larger": 0.0199}
    evidence = compared(**sizes, best_baseline=0.05, longer=0.015, longer_error=1e-4, guess=guess)
    evidence.losses = 0.02 + 2.0 * 0.99**evidence.steps
    assert conclude(evidence, ()).verdict == verdict
    evidence = compared(**sizes, best_baseline=0.05, longer=math.nan, guess=guess)
    evidence.losses = 0.015 * (1 + (evidence.steps + 1.0) / 600) ** -0.9
    found = conclude(evidence, ())
    assert found.verdict == verdict
    assert ("nearly all is learned" in found.sentence) is (verdict == "fine")


def test_a_network_of_its_own_size_that_is_better_tells_against_size():
    """Then it is undertrained, or its settings are in the way."""
    verdict, sentence, sure = by_size(compared(same=2.0), 0.0)
    assert verdict == "undertrained" and "settings" in sentence and sure <= 0.7
    assert by_size(compared(same=2.3), 0.0)[0] == "too_small"  # most of the lead is size


def test_it_is_not_settled_where_something_without_a_network_is_better():
    """Nearest neighbours, a linear model or counts on the same new examples tell against it."""
    found = conclude(falling(best_baseline=2.2), ())
    assert found.verdict == "undertrained" and "not settled" in found.sentence
    assert "2.2" in found.sentence and "2.5" in found.sentence


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"best_baseline": 0.05}, "unknown"),  # neither more steps nor any network comes near
        ({"best_baseline": 0.05, "is_new": False}, "unknown"),  # it may have seen these, too
        ({"best_baseline": 0.05, "longer": math.nan}, "undertrained"),  # more steps may do
        ({"best_baseline": 0.05, "own_trained": 0.1}, "undertrained"),  # it is not too small
        ({"best_baseline": 2.0, "is_new": False}, "fine"),  # of near-twins neighbours know more
        ({"best_baseline": 2.49}, "fine"),
    ],
)
def test_what_has_settled_far_above_neighbours_is_not_fine(changes, verdict):
    """Nobody can tell why, and both losses are said."""
    evidence = falling(**changes)
    evidence.losses = 2.4 + 3 * (evidence.steps + 1.0) ** -1.0
    found = conclude(evidence, ())
    assert found.verdict == verdict, found.sentence
    assert ("0.05" in found.sentence) is (changes["best_baseline"] == 0.05)


def test_what_more_steps_bring_counts_where_networks_of_other_sizes_would_take_too_long():
    """The copy that went on says alone whether it is overfitted or undertrained."""
    alone = dict.fromkeys(("smaller", "same", "larger", "same_error", "larger_error"), math.nan)
    assert by_size(compared(**alone, longer=2.2), 0.0)[0] == "undertrained"
    assert by_size(compared(**alone), 0.0) is None
    assert by_size(compared(**alone, longer=2.7), 0.0) is None
    assert overfitting_by_size(compared(**alone, longer=2.7, own_trained=1.2))[0] == "overfitting"


def test_a_gain_that_may_be_chance_is_none():
    """Four of five such intervals hold what is true: only one without 0 is a gain."""
    assert dataclasses.replace(SMALL, longer=2.4, longer_error=0.09).time_gain == 0.0
    assert dataclasses.replace(SMALL, longer=2.4, longer_error=0.07).time_gain > 0.03


def test_a_copy_that_went_on_for_fewer_steps_is_called_so():
    """What was measured is said; what it would bring goes on as a logarithm, and not below 0."""
    found = compared(longer=2.4, longer_share=0.25, larger=math.nan, same=math.nan)
    verdict, sentence, _ = by_size(found, 0.0)
    assert verdict == "undertrained" and "25 % of the steps again, of a copy" in sentence
    assert "from 2.5 to 2.4" in sentence
    far = dataclasses.replace(SMALL, longer=0.5, longer_share=0.2)
    assert far.time_gain == 1.0


def test_it_does_not_overfit_where_a_copy_that_went_on_comes_below_the_lowest():
    """A minimum of a few noisy evaluations is no minimum then."""
    evidence = falling(longer=2.2)
    evidence.validations = [(s, 2.5 + 0.3 * abs(s - 1200) / 1200) for s in range(100, 2000, 100)]
    assert conclude(evidence, ()).verdict == "undertrained"
    evidence = falling(longer=2.6)
    evidence.validations = [(s, 2.5 + 0.3 * abs(s - 1200) / 1200) for s in range(100, 2000, 100)]
    assert conclude(evidence, ()).verdict == "overfitting"


def test_it_overfits_where_a_network_that_stopped_early_is_better_on_new_examples():
    """And not where these may have been learned from."""
    changes = {"own_trained": 0.4, "same": 2.0, "smaller": 1.8}
    verdict, sentence, _ = overfitting_by_size(compared(**changes))
    assert verdict == "overfitting" and "1.8" in sentence and "0.4" in sentence
    assert overfitting_by_size(compared(**changes, is_new=False)) is None
    assert overfitting_by_size(compared(same=2.0)) is None


def test_it_overfits_where_more_steps_raise_the_loss_on_new_examples():
    """Nobody has to have validated."""
    found = overfitting_by_size(compared(own_trained=1.5, longer=2.8))
    assert found and found[0] == "overfitting" and "2.8" in found[1]


def test_it_is_at_its_floor_where_nothing_is_better():
    """No network of another size and no baseline; and without a comparison nobody knows."""
    nothing = {"larger": 2.52, "same": 2.51, "smaller": math.nan}
    assert at_floor(compared(**nothing))
    assert not at_floor(compared(**nothing, best_baseline=2.4))
    assert not at_floor(compared(**{**nothing, "larger": math.nan}))  # it was not tried
    assert not at_floor(Evidence(np.arange(30), np.ones(30), []))
    assert by_size(Evidence(np.arange(30), np.ones(30), []), 0.0) is None


RISES = [0.9, 0.5, 0.3, 0.25, 0.222, 0.221, 0.223, 0.231, 0.234, 0.229, 0.235, 0.239]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"own_error": 0.005}, "overfitting"),
        ({"own_error": 0.09}, "other"),  # as of thirty frauds among a thousand rows
        ({"own_error": 0.09, "is_new": False}, "overfitting"),  # nothing is known of new rows
        ({"own_error": 0.005, "own_trained": 0.25}, "other"),  # it is no better on training data
    ],
)
def test_a_rise_is_held_against_which_examples_are_new(changes, verdict):
    """And against the loss on training data, both measured in the same way."""
    evidence = compared(**{"own": 0.239, "own_trained": 0.15, "longer": 0.25, **changes})
    evidence.losses = 0.1 + (evidence.steps + 1.0) ** -0.5
    evidence.validations = [(170 * (n + 1), loss) for n, loss in enumerate(RISES)]
    assert (conclude(evidence, ()).verdict == "overfitting") is (verdict == "overfitting")
