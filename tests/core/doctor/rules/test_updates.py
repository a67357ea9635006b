"""Rules on the update, from small made-up observations."""

import dataclasses
import math

import numpy as np
import pytest

from core.doctor.experiments.reference_networks import References
from core.doctor.rules.updates import (
    frozen_layer,
    gradients_not_zeroed,
    low_precision_weights,
    parameter_not_trained,
    replicas_drift,
    weights_restored,
    wrong_backward,
    wrong_update_sign,
)
from tests.core.doctor.rules.helpers import (
    UNIFORM,
    evidence,
    falling,
    layer,
    loss,
    seen,
    step,
    steps,
    tried,
    weight,
)


@pytest.mark.parametrize(("cosine", "passed"), [(-1.0, True), (-0.2, True), (1.0, False)])
def test_wrong_update_sign(cosine, passed):
    """The update is along the gradient, and not against it."""
    found = evidence(steps(parameters=(weight(cosine=cosine),)))
    assert wrong_update_sign.check(found).passed is passed


def test_the_negative_of_the_loss_is_the_wrong_sign():
    """The update is right, the loss is not; without parameters nothing is checked."""
    negative = wrong_update_sign.check(evidence(steps(criterion=loss(sign=-1))))
    assert negative.passed is False and negative.where == "the loss"
    assert wrong_update_sign.check(evidence(steps(parameters=()))).passed is None
    nothing = steps(parameters=(weight(cosine=math.nan),))
    assert wrong_update_sign.check(evidence(nothing)).passed is None


def test_several_steps_at_once_have_no_direction():
    """As those of L-BFGS, which end beside the gradient that is seen last."""
    found = steps(parameters=(weight(cosine=0.3),), optimizer="LBFGS")
    assert wrong_update_sign.check(evidence(found)).passed is None


@pytest.mark.parametrize(
    ("losses", "passed"),
    [
        (400 - np.linspace(0, 1e3, 200) ** 2, False),  # a divergence without its minus
        (400 - np.linspace(0, 1300, 200), True),  # a likelihood of many pixels
        (-9e4 * (1 - np.exp(-np.arange(200) / 20)), True),  # it has come to its end
    ],
)
def test_a_loss_that_falls_without_end_has_a_wrong_sign(losses, passed):
    """Below zero by far more than it began with, and on."""
    found = evidence(steps(parameters=(weight(),)), losses=losses)
    assert wrong_update_sign.check(found).passed is passed


def test_a_similarity_that_is_minimised_is_the_wrong_sign():
    """As most steps show."""
    odd = steps(wiring=(("wrong_update_sign", "it is minimised"),))
    assert wrong_update_sign.check(evidence(odd)).measured == "it is minimised"


@pytest.mark.parametrize(
    ("accuracies", "new", "end", "passed"),
    [
        ((0.1, 0.05, 0.0), 3.0, 0.1, False),
        ((0.9, 0.9, 0.9), 3.0, 0.1, True),
        ((0.1, 0.6, 0.1), 3.0, 0.1, True),
        ((0.1, 0.05, 0.0), 0.8, 0.1, True),
        ((0.1, 0.05, 0.0), 3.0, 0.6, True),
        ((0.1, 0.05), 3.0, 0.1, True),
    ],
)
def test_of_two_answers_the_other_one_is_learned(accuracies, new, end, passed):
    """New data is answered far worse than by chance, the better the training data."""
    metrics = [(50 * n, new, share) for n, share in enumerate(accuracies, 1)]
    guess = math.log(2)
    seen = steps(criterion=loss(kind="", classes=0, uniform=math.nan))
    found = evidence(seen, falling(guess, end), metrics=metrics)
    assert wrong_update_sign.check(found).passed is passed
    many = evidence(losses=falling(UNIFORM, end), metrics=metrics)
    assert wrong_update_sign.check(many).passed  # of 27 classes one may be wrong in most


@pytest.mark.parametrize(
    ("stale", "numbers", "passed"),
    [(False, (0, 1), True), (True, (0, 1), False), (True, (0, 5), None)],
)
def test_gradients_not_zeroed(stale, numbers, passed):
    """In the second of two consecutive steps the gradient of the first is still there."""
    parameters = (weight(stale_gradient=stale),)
    found = evidence([step(number, parameters=parameters) for number in numbers])
    assert gradients_not_zeroed.check(found).passed is passed


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"requires_grad": False, "name": "W1"}, "requires no gradient"),
        ({"gradient": math.nan}, "no gradient reaches it"),
        ({"used": False}, "does not depend on it"),
        ({"in_optimizer": False}, "not in the optimiser"),
        ({}, "the update leaves it out"),
    ],
)
def test_parameter_not_trained(changes, why):
    """Each reason is named."""
    found = parameter_not_trained.check(seen(update=0.0 if why else 1e-4, **changes))
    assert found.passed is (not why) and why in found.measured


def test_what_was_trained_before_may_be_frozen():
    """What it has learned is kept, while something else is adapted."""
    found = seen(update=0.0, requires_grad=False, name="W1")
    found.trained_before = frozenset({"W1"})
    assert parameter_not_trained.check(found).passed


def test_what_is_not_in_the_loss_is_less_certain():
    """It may be of another network."""
    assert parameter_not_trained.check(seen(update=0.0, used=False)).confidence == 0.55
    assert parameter_not_trained.check(seen(update=0.0, in_optimizer=False)).confidence == 0.9


@pytest.mark.parametrize(
    ("name", "shape", "passed"),
    [("heads.1", (3, 32), True), ("heads.1", (32, 32), False), ("hidden.1", (3, 32), False)],
    ids=["head", "left out", "elsewhere"],
)
def test_a_head_for_another_task_is_none(name, shape, passed):
    """It stands in a list beside the output layer; a hidden layer may have been left out."""
    unused = weight(f"{name}.weight", shape, update=0.0, used=False)
    seen = steps(
        parameters=(weight("heads.0.weight", (5, 32)), unused),
        layers=(layer("heads.0", is_output=True, fan_in=32, units=5),),
    )
    assert parameter_not_trained.check(evidence(seen)).passed is passed


@pytest.mark.parametrize(
    ("unused", "passed"),
    [(("1.back",), True), (("0.back",), False), (("0.back", "1.back"), False)],
    ids=["of the last block", "of the first", "of all"],
)
def test_what_the_last_block_hands_on_has_no_taker(unused, passed):
    """As in N-BEATS; a branch that no block uses was left out."""
    names = [f"{block}.{part}" for block in range(2) for part in ("stem", "back", "front")]
    seen = steps(
        parameters=tuple(
            weight(f"blocks.{n}.weight", used=n not in unused, update=1e-4 * (n not in unused))
            for n in names
        )
    )
    assert parameter_not_trained.check(evidence(seen)).passed is passed


def test_a_step_too_short_for_its_digits_is_one():
    """A gradient of 1e-9 moves no weight of size 0.1 in float32."""
    assert parameter_not_trained.check(seen(update=0.0, gradient=1e-9)).passed


def test_where_no_update_was_observed_nothing_is_said():
    """Gradients may be accumulated: between the observed steps the weights have moved."""
    numbers = range(0, 200, 25)
    moved = [step(n, parameters=(weight(update=0.0),), weights_norm=n) for n in numbers]
    moved = [dataclasses.replace(one, weights_count=10) for one in moved]
    assert parameter_not_trained.check(evidence(moved)).passed is None
    assert frozen_layer.check(evidence(moved)).passed is None


@pytest.mark.parametrize(
    ("changes", "parameter", "why"),
    [
        ({"cut": "the graph is cut at argmax"}, {}, "cut at argmax"),
        ({"zeroed_before_step": True}, {}, "zeroed between backward() and the step"),
        ({}, {"in_optimizer": False}, "the optimiser does not hold"),
        ({}, {"gradient": math.nan}, "no gradient reaches them"),
        ({}, {}, "there is no update"),
    ],
)
def test_where_nothing_moves_the_place_is_named(changes, parameter, why):
    """In no observed step anything moved, and nothing did in between."""
    parameters = (weight(update=0.0, **parameter),)
    seen = steps(parameters=parameters, weights_norm=3.0, weights_count=10, **changes)
    found = parameter_not_trained.check(evidence(seen))
    assert found.passed is False and why in found.measured and found.confidence == 0.98
    assert parameter_not_trained.check(evidence(seen[:2])).passed is None  # too early to tell


def test_weights_that_were_made_anew_are_named():
    """The error is torch's own; the variables that lost their gradient are the place."""
    found = evidence(crash="RuntimeError: element 0 of tensors", lost=("w", "b"))
    check = parameter_not_trained.check(found)
    assert check.passed is False and check.where == "w, b" and "RuntimeError" in check.measured


def test_layers_that_are_frozen_on_purpose():
    """A module of its own, trained weights, adapters of low rank; else it is a fault."""
    frozen = {"update": 0.0, "requires_grad": False, "in_optimizer": False}
    whole = weight("body.weight", (64, 64), of_frozen_module=True, **frozen)
    head = weight("head.weight", (10, 64))
    assert frozen_layer.check(evidence(steps(parameters=(whole, head)))).passed
    one = weight("body.weight", (64, 64), **frozen)
    assert frozen_layer.check(evidence(steps(parameters=(one, head)))).passed is False
    body = layer("body", frozen=True, as_initialised=False)
    trained = steps(parameters=(one, head), layers=(body, layer("head")))
    assert frozen_layer.check(evidence(trained)).passed
    low = (weight("a", (4, 64)), weight("b", (64, 4)))
    assert frozen_layer.check(evidence(steps(parameters=(one, *low)))).passed
    constant = weight("time.freq", (6,), made_constant=True, **frozen)
    assert frozen_layer.check(evidence(steps(parameters=(constant, head)))).passed
    both = frozen_layer.check(evidence(steps(parameters=(constant, one, head))))
    assert both.passed is False and both.where == "body.weight"


@pytest.mark.parametrize(
    ("drawn", "same", "error", "passed"),
    [
        (True, 0.2, 0.05, False),
        (True, 0.7, 0.05, True),
        (True, 0.2, 0.5, True),
        (False, 0.2, 0.05, True),
    ],
    ids=["in the way", "little better", "not surely", "trained before"],
)
def test_random_layers_that_are_frozen_and_in_the_way(drawn, same, error, passed):
    """Up to the head, or a module of its own: nothing was loaded, and training them helps."""
    frozen = {"update": 0.0, "requires_grad": False, "of_frozen_module": True}
    body = weight("body.weight", (64, 64), **frozen)
    layers = (layer("body", frozen=True, as_initialised=drawn), layer("head"))
    found = evidence(steps(parameters=(body, weight("head.weight", (10, 64))), layers=layers))
    assert frozen_layer.check(found).passed
    none = math.nan
    networks = (0.8, 0.8, none, same, none, none, error, none, none, none, none, none)
    tried(found, "reference_networks", None, References(*networks, 600, 400, True))
    assert frozen_layer.check(found).passed is passed
    found.trained_before = frozenset({"body.weight"})
    assert frozen_layer.check(found).passed


@pytest.mark.parametrize("thawed", [True, False])
def test_layers_that_are_unfrozen_one_after_another(thawed):
    """Some of them are not, deliberately; without any, one may be forgotten."""
    first = weight("first.weight", update=0.0, requires_grad=False)
    last = weight("last.weight")
    middle = weight("middle.weight", update=0.0, requires_grad=False) if thawed else last
    layers = (layer("first", frozen=True, as_initialised=True), layer("last"))
    begun = steps(4, parameters=(first, middle, last), layers=layers)
    moving = weight("middle.weight")
    ended = [step(at, parameters=(first, moving, last), layers=layers) for at in (100, 125, 150)]
    assert frozen_layer.check(evidence([*begun, *ended])).passed is thawed


@pytest.mark.parametrize(
    ("rate", "drawn", "same", "passed"),
    [
        (1e-6, True, 0.2, False),
        (1e-3, True, 0.2, True),
        (1e-6, False, 0.2, True),
        (1e-6, True, 0.7, True),
    ],
    ids=["next to nothing", "a hundredth", "trained before", "not in the way"],
)
def test_a_rate_that_is_nothing_beside_the_others(rate, drawn, same, passed):
    """It leaves a layer as it was drawn; of a backbone that was trained before it may be meant."""
    body = weight("body.weight", (64, 64), update=rate * 0.05, optimizer_lr=rate)
    parameters = (body, weight("head.weight", (10, 64), optimizer_lr=0.1))
    layers = (layer("body", as_initialised=drawn), layer("head", as_initialised=False))
    found = evidence(steps(parameters=parameters, layers=layers))
    none = math.nan
    networks = (0.8, 0.8, none, same, none, none, 0.05, none, none, none, none, none)
    tried(found, "reference_networks", None, References(*networks, 600, 400, True))
    assert frozen_layer.check(found).passed is passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"update": 1e-4}, True),
        ({"update": 0.0, "requires_grad": False}, False),
        ({"update": 0.0, "in_optimizer": True, "optimizer_lr": 0.0}, False),
        ({"update": 0.0, "in_optimizer": False}, True),
    ],
)
def test_frozen_layer(changes, passed):
    """A layer of a module that requires no gradient, or has a learning rate of zero."""
    found = seen(**changes)
    assert frozen_layer.check(found).passed is passed
    if not passed:
        assert parameter_not_trained.check(found).passed


@pytest.mark.parametrize(("lost", "passed"), [(0.0, True), (0.3, True), (0.8, False)])
def test_low_precision_weights(lost, passed):
    """Most of the numbers of a matrix have a gradient, and stay where they are."""
    found = low_precision_weights.check(evidence(steps(parameters=(weight(lost_steps=lost),))))
    assert found.passed is passed


@pytest.mark.parametrize(
    ("begun", "passed"), [((1.0, 1.0, 1.0), False), ((1.0, 1.1, 1.2), True), ((1.0, 1.0), None)]
)
def test_weights_that_are_restored(begun, passed):
    """Step after step begins with the same weights, though each one is updated."""
    seen = [step(number, begun_with=sum_) for number, sum_ in enumerate(begun)]
    assert weights_restored.check(evidence(seen)).passed is passed


@pytest.mark.parametrize(
    ("losses", "begun", "passed"),
    [
        ((1.0, 0.8, 0.7, 0.6), 1.0, False),
        ((0.5, 0.8, 0.7, 0.6), 1.0, None),
        ((1.0, 0.8, 0.7, 0.6), 9.0, None),
    ],
    ids=["worse", "better", "other weights"],
)
def test_weights_of_an_earlier_validation_that_was_worse(losses, begun, passed):
    """A step goes on from there, more than once; to go back to the best ones is no fault."""
    seen = [step(number, begun_with=begun if number > 20 else 0.5) for number in (0, 20, 40, 60)]
    found = evidence(
        seen,
        validations=list(zip((10, 20, 40, 60), losses, strict=True)),
        validated_with=[1.0, 2.0, 3.0, 4.0],
    )
    assert weights_restored.check(found).passed is passed


def test_what_was_tried_on_own_functions_and_replicas():
    """A backward that differs from differences, and networks that no longer are alike."""
    assert wrong_backward.check(evidence()).passed is None
    assert wrong_backward.check(tried(evidence(), "backward_compared", True)).passed
    assert wrong_backward.check(tried(evidence(), "backward_compared", False)).passed is False
    assert replicas_drift.check(evidence()).passed
    assert replicas_drift.check(evidence(replicas="a and b differ")).passed is False
