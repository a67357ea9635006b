"""Rules on the loss function, from small made-up observations."""

import pytest
import torch

from core.doctor.evidence import DataStats
from core.doctor.experiments.loss_experiments import TermGradients
from core.doctor.rules.loss import (
    detached_regulariser,
    double_softmax,
    loss_broadcast,
    outputs_out_of_reach,
    regulariser_dominates,
    wrong_loss,
)
from core.doctor.watch.observation import LossTerm
from tests.core.doctor.rules.helpers import evidence, loss, step, steps, tried, weight


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"kind": "mse_loss"}, True),
        ({"kind": "mse_loss", "one_hot": True}, False),
        ({"classes": 1}, False),
        ({"output_nonlinearity": "tanh"}, False),
        ({"outputs_are_cosines": True, "classes": 10}, False),
        ({"outputs_are_cosines": True, "classes": 2}, True),
        ({"outputs_are_cosines": True, "classes": 10, "kind": "mse_loss"}, True),
        ({"kind": "nll_loss", "normalised": False}, False),
        ({"kind": "nll_by_hand", "normalised": False}, False),
        ({"kind": "nll_by_hand", "normalised": False, "softmax_over_batch": True}, True),
        ({"kind": "nll_loss", "outputs_are_probabilities": True}, False),
        ({"kind": ""}, None),
        ({"kind": "binary_cross_entropy_with_logits", "target_min": -2.0}, False),
        ({"kind": "binary_cross_entropy_with_logits", "target_max": 1.0}, True),
    ],
)
def test_wrong_loss(changes, passed):
    """Squared error against one-hot rows, limited logits, a log of no probabilities."""
    assert wrong_loss.check(evidence(steps(criterion=loss(**changes)))).passed is passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"double_softmax": True}, False),
        ({"outputs_are_probabilities": True}, False),
        ({"kind": "mse_loss"}, None),
    ],
)
def test_double_softmax(changes, passed):
    """Probabilities in the place of logits."""
    assert double_softmax.check(evidence(steps(criterion=loss(**changes)))).passed is passed


def test_outputs_that_look_like_probabilities_once_are_logits():
    """Only if they do in every step a softmax was there before."""
    once = [step(0, criterion=loss(outputs_are_probabilities=True)), *steps()[1:]]
    assert double_softmax.check(evidence(once)).passed


def test_loss_broadcast():
    """In any step: a last batch of one example has nothing to be broadcast to."""
    assert loss_broadcast.check(evidence()).passed
    assert loss_broadcast.check(evidence(steps(criterion=loss(kind="")))).passed is None
    met = "outputs of shape (8, 1) meet targets of shape (8,)"
    for one in (loss(kind="mse_loss", broadcast=met), loss(kind="", broadcast=met)):
        found = loss_broadcast.check(evidence([*steps(), step(9, criterion=one)]))
        assert found.passed is False and found.measured == met


def test_loss_broadcast_in_an_evaluation():
    """There what is measured is another quantity than what is learned from."""
    met = torch.Size([8, 1]), torch.Size([8]), None
    found = loss_broadcast.check(evidence(met=met))
    assert found.passed is False and found.where == "the evaluation"
    assert found.measured.endswith("meet targets of shape (8,), and are broadcast to 64 errors")
    pairs = evidence(steps(training_kind="contrastive"), met=met)  # each may meet each there
    assert loss_broadcast.check(pairs).passed is not False


def terms(*others):
    """The criterion, and other terms."""
    return (LossTerm(2.5, requires_grad=True, is_criterion=True), *others)


def test_detached_regulariser():
    """A term without a gradient; surer if it changes, so that it was meant to."""
    assert detached_regulariser.check(evidence()).passed is None
    penalty = LossTerm(0.1, requires_grad=True, is_criterion=False)
    assert detached_regulariser.check(evidence(steps(terms=terms(penalty)))).passed
    zero = LossTerm(0.0, requires_grad=False, is_criterion=False)
    assert detached_regulariser.check(evidence(steps(terms=terms(zero)))).passed
    constant = LossTerm(0.9, requires_grad=False, is_criterion=False)
    assert detached_regulariser.check(evidence(steps(terms=terms(constant)))).passed
    for change, confidence in ((0.005, 0.85), (0.01, 0.85)):
        seen = [
            step(
                i, terms=terms(LossTerm(0.1 + change * i, requires_grad=False, is_criterion=False))
            )
            for i in range(5)
        ]
        found = detached_regulariser.check(evidence(seen))
        assert found.passed is False and found.confidence == confidence


def test_regulariser_dominates():
    """By its gradient, by its value at the start, or by weights that have shrunk."""
    assert regulariser_dominates.check(evidence()).passed is None
    by_gradient = tried(evidence(), "terms_weighed", False, TermGradients(100.0, 2.5, 9.0))
    found = regulariser_dominates.check(by_gradient)
    assert found.passed is False and found.confidence == 0.8
    assert regulariser_dominates.check(tried(evidence(), "terms_weighed", True)).passed
    heavy = LossTerm(9.0, requires_grad=True, is_criterion=False, weights_only=True)
    assert regulariser_dominates.check(evidence(steps(terms=terms(heavy)))).passed is False
    decayed = step(200, parameters=(weight(weight_decay=5.0, std=0.01),))
    found = regulariser_dominates.check(evidence([*steps(), decayed]))
    assert found.passed is False and found.where == "hidden.weight"
    mild = step(200, parameters=(weight(weight_decay=0.1, std=0.01),))
    assert regulariser_dominates.check(evidence([*steps(), mild])).passed is None


@pytest.mark.parametrize(
    ("share", "activation", "passed"),
    [(0.4, "sigmoid", False), (0.01, "sigmoid", True), (0.0, "", True)],
)
def test_outputs_out_of_reach(share, activation, passed):
    """A few outliers are no fault; classes have another rule."""
    changes = {"kind": "mse_loss", "output_nonlinearity": activation, "unreachable": share}
    found = outputs_out_of_reach.check(evidence(steps(criterion=loss(**changes))))
    assert found.passed is passed
    assert outputs_out_of_reach.check(evidence()).passed is None


@pytest.mark.parametrize(("worth", "passed"), [(10.0, False), (0.1, None)])
def test_an_entropy_bonus(worth, passed):
    """A nat of entropy that is worth more than all advantages keeps a policy at random."""
    seen = steps(entropy_bonus=worth, training_kind="reinforcement learning")
    assert regulariser_dominates.check(evidence(seen)).passed is passed


def test_numbers_that_name_classes():
    """Squared error against them is the wrong loss."""
    seen = steps(criterion=loss(kind="mse_loss", classes=0, integer_targets=False))
    assert wrong_loss.check(evidence(seen, data=DataStats(unordered=True))).passed is False
    assert wrong_loss.check(evidence(seen, data=DataStats())).passed


def test_a_derivative_without_a_graph():
    """As the graph shows it."""
    odd = steps(wiring=(("detached_regulariser", "no create_graph"),))
    assert detached_regulariser.check(evidence(odd)).passed is False
