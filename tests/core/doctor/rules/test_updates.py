"""Rules on the update and the learning rate, from small made-up observations."""

import dataclasses
import math

import numpy as np
import pytest

from core.doctor.experiments.learning_experiments import OtherRates
from core.doctor.experiments.reference_networks import References
from core.doctor.rules import apply_rules
from core.doctor.rules.rates import (
    clipping_too_strong,
    lr_growing,
    lr_too_high,
    lr_too_low,
    lr_vanished,
    warmup_too_long,
)
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
from core.doctor.verdict.conclusion import conclude
from tests.core.doctor.rules.helpers import (
    UNIFORM,
    evidence,
    falling,
    layer,
    loss,
    step,
    steps,
    tried,
    weight,
)


def seen(**changes):
    """Steps of one weight that is changed."""
    return evidence(steps(parameters=(weight(**changes), weight("output.weight", (27, 100)))))


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
    ("start", "end", "log_ratio", "passed"),
    [
        (1.2, 2.4, -1.0, False),
        (1.2, 2.4, -3.0, True),
        (1.2, 1.0, -1.0, True),
        (2.9, 3.4, -2.0, True),
    ],
)
def test_a_rate_that_destroys_what_a_network_knew(start, end, log_ratio, passed):
    """It began far below a guess, and ends above that; of noise as large nothing is said."""
    losses = [start, 4.0, *[end] * 198]
    assert lr_too_high.check(with_ratio(log_ratio, losses)).passed is passed
    noise = np.random.default_rng(0).normal(size=198)
    assert lr_too_high.check(with_ratio(log_ratio, [start, 3.0, *(end + noise)])).passed


def test_losses_that_are_no_numbers_ask_for_no_lowest():
    """Nothing is taken of nothing: numpy would warn of it."""
    climbing = [(n, 1e-5 * (n + 1)) for n in range(0, 200, 10)]
    found = evidence(losses=[math.nan] * 200, rates=climbing)
    assert warmup_too_long.check(found).passed


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
    ("lr", "gain", "passed"),
    [
        (lambda t: 0.1, 0.0, True),
        (lambda t: 0.05 * (1 + math.cos(math.pi * t / 200)), 0.3, True),
        (lambda t: 0.1 * 0.5 ** (t // 5), 0.3, False),
        (lambda t: 0.1 * 0.5 ** (t // 5), 0.0, True),
        (lambda t: 0.1 * 0.5 ** (t // 5), None, False),
    ],
    ids=["constant", "cosine", "by batch", "by batch, settled", "by batch, not tried"],
)
def test_lr_vanished(lr, gain, passed):
    """Judged by what a higher rate would still bring, where that was tried."""
    found = evidence(rates=[(t, lr(t)) for t in range(200)])
    if gain is not None:
        result = OtherRates(1.0, {1.0: 1.0 - gain, 10.0: 2.0})
        found = tried(found, "other_rates", False, result)
    assert lr_vanished.check(found).passed is passed


def test_rates_that_recur_do_not_grow():
    """A schedule with restarts rises now and then."""
    saw = [(t, 0.01 + 0.1 * (t % 40) / 40) for t in range(200)]
    assert lr_growing.check(evidence(rates=saw)).passed
    up = [(t, 0.01 + 0.1 * t / 200) for t in range(200)]
    assert lr_growing.check(evidence(rates=up)).passed is False


def test_where_the_loss_has_no_height_the_rate_is_not_judged_by_it():
    """Neither of two adversaries' losses falls to where a guess would be."""
    seen = steps(training_kind="adversarial", parameters=(weight(update=0.01),))
    assert lr_too_high.check(evidence(seen, [UNIFORM, *[9.0] * 199])).passed is None
    assert lr_too_low.check(evidence(seen, [UNIFORM] * 200)).passed is None
    assert lr_too_high.check(evidence(seen, [1.0, *[math.nan] * 199])).passed is False


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


@pytest.mark.parametrize(
    ("lr", "passed"),
    [
        (lambda t: 0.1, True),
        (lambda t: 0.1 / (1 + t), True),
        (lambda t: 0.001 + 0.001 * t, False),
        (lambda t: 0.1 * min(1.0, (t + 1) / 20), True),
    ],
    ids=["constant", "falls", "grows", "warm-up"],
)
def test_lr_growing(lr, passed):
    """A warm-up is no growth."""
    found = evidence([step(t, variable_lr=lr(t), parameters=()) for t in range(0, 200, 10)])
    assert lr_growing.check(found).passed is passed
    few = evidence([step(t, variable_lr=lr(t), parameters=()) for t in (0, 50, 100)])
    assert lr_growing.check(few).passed is None


def test_a_warm_up_that_goes_on_is_no_growth():
    """Before two fifths of the planned steps nothing is said."""
    points = [step(t, variable_lr=0.001 * (t + 1), parameters=()) for t in range(0, 200, 10)]
    assert lr_growing.check(evidence(points, planned=10_000)).passed


@pytest.mark.parametrize(("done", "passed"), [(190, None), (980, False)])
def test_a_one_cycle_schedule_that_was_cut_off_is_no_growth(done, passed):
    """It comes down in the steps that are left; one that climbs to its last step does not."""
    points = [step(t, variable_lr=0.001 * (t + 1), parameters=()) for t in range(0, 200, 10)]
    assert lr_growing.check(evidence(points, cycle=(done, 1000))).passed is passed
    rates, losses = [(n, 1e-6 * (n + 1)) for n in range(0, 200, 10)], UNIFORM - np.arange(200) / 200
    found = evidence(steps(), losses, rates=rates, cycle=(done, 1000))
    assert warmup_too_long.check(found).passed is passed


def with_ratio(log_ratio, losses=None, fan_in=30):
    """A training whose update-to-weight ratio is this power of ten."""
    parameters = (weight(update=0.1 * 10**log_ratio),)
    return evidence(steps(parameters=parameters, layers=(layer(fan_in=fan_in),)), losses)


@pytest.mark.parametrize(
    ("log_ratio", "losses", "passed"),
    [
        (-3.0, falling(), True),
        (-1.0, falling(), True),
        (-1.0, [UNIFORM, *[9.0] * 199], False),
        (-3.0, [UNIFORM, *[9.0] * 199], True),
        (-3.0, [UNIFORM, 50.0, *[9.0] * 198], False),
        (-1.0, [UNIFORM, *[math.nan] * 199], False),
        (-0.3, [UNIFORM] * 200, False),
        (-1.8, [UNIFORM, 20.0, *falling(count=198)], False),
    ],
    ids="healthy long diverged other_reason jumps nan stays one_jump".split(),
)
def test_lr_too_high(log_ratio, losses, passed):
    """Long steps together with a loss that diverges, jumps, or stays where it began."""
    assert lr_too_high.check(with_ratio(log_ratio, losses)).passed is passed


def test_a_lower_rate_that_is_better_makes_it_too_high():
    """By an experiment; by next to nothing is not better."""
    for lower, passed in ((1.5, False), (2.15, True)):
        rates = OtherRates(2.4, {1.0: 2.2, 0.1: lower, 1 / 3: lower, 10.0: 9.0})
        found = tried(with_ratio(-2.0), "other_rates", False, rates)
        assert lr_too_high.check(found).passed is passed


@pytest.mark.parametrize(
    ("ratio", "lower", "same", "losses", "passed"),
    [
        (-1.7, 2.25, 2.1, [UNIFORM, *[2.4] * 199], False),
        (-1.7, 2.25, 2.1, falling(end=1.0), True),
        (-1.7, 2.38, 2.1, [UNIFORM, *[2.4] * 199], True),
        (-1.7, 2.25, 2.39, [UNIFORM, *[2.4] * 199], True),
        (-2.5, 2.25, 2.1, [UNIFORM, *[2.4] * 199], True),
    ],
    ids=["held up", "still falls", "as low", "as good as others", "short steps"],
)
def test_a_rate_that_alone_is_in_the_way(ratio, lower, same, losses, passed):
    """What a lower one brings at once counts where the loss stands, and others come below it."""
    rates = OtherRates(2.4, {1.0: 2.4, 0.1: lower, 1 / 3: lower, 10.0: 9.0})
    found = tried(with_ratio(ratio, losses), "other_rates", False, rates)
    none = math.nan
    networks = (2.4, 2.4, none, same, none, none, 0.02, none, none, none, none, none)
    tried(found, "reference_networks", None, References(*networks, 600, 400, False))
    assert lr_too_high.check(found).passed is passed


@pytest.mark.parametrize(
    ("ratio", "tenth", "same", "size", "losses", "passed"),
    [
        (-1.5, 0.13, 0.56, 0.085, [UNIFORM, *[0.144] * 199], False),
        (-2.5, 0.13, 0.56, 0.085, [UNIFORM, *[0.144] * 199], True),
        (-1.5, 0.13, 0.14, 0.085, [UNIFORM, *[0.144] * 199], True),
        (-1.5, 0.4, 0.56, 0.085, [UNIFORM, *[0.144] * 199], True),
        (-1.5, 0.13, 0.56, 0.12, [UNIFORM, *[0.144] * 199], True),
        (-1.5, 0.13, 0.56, 0.085, [UNIFORM, *[0.02] * 199], True),
        (-1.5, 0.13, 0.56, 0.085, falling(end=0.144), True),
    ],
    ids=[
        "thrown about",
        "short steps",
        "no worse with its own rate",
        "an optimiser that begins anew is what leads up",
        "another network is hardly better",
        "it overfits",
        "it still falls",
    ],
)
def test_a_rate_that_leads_across_the_minimum(ratio, tenth, same, size, losses, passed):
    """A lower one brings nothing at once; it is what a new network does that shows it."""
    rates = OtherRates(0.123, {1.0: same, 0.1: tenth, 1 / 3: 0.2, 10.0: 11.0})
    found = tried(with_ratio(ratio, losses), "other_rates", False, rates)
    none = math.nan
    networks = (0.214, 0.07, none, size, none, none, 0.065, none, none, none, none, none)
    tried(found, "reference_networks", None, References(*networks, 600, 400, True))
    assert lr_too_high.check(found).passed is passed


def test_weights_that_began_tiny_may_take_long_steps():
    """They must first grow: their first ratios don't count."""
    stays = [UNIFORM] * 200
    assert lr_too_high.check(with_ratio(-0.3, stays, fan_in=1)).passed


@pytest.mark.parametrize(
    ("log_ratio", "losses", "passed"),
    [
        (-3.0, [UNIFORM] * 200, True),
        (-6.0, [UNIFORM] * 200, False),
        (-4.5, falling(end=2.2), True),
        (-6.0, falling(start=3.3, end=2.9), False),
    ],
    ids=["other reason", "stays", "falls", "hardly falls"],
)
def test_lr_too_low(log_ratio, losses, passed):
    """Short steps together with a loss that hardly falls."""
    assert lr_too_low.check(with_ratio(log_ratio, losses)).passed is passed


def test_a_higher_rate_that_is_better_makes_it_too_low():
    """By an experiment."""
    for higher, passed in ((1.9, False), (2.38, True)):
        rates = OtherRates(2.4, {1.0: 2.4, 3.0: higher, 10.0: higher})
        found = tried(with_ratio(-4.5, falling(end=1.0)), "other_rates", False, rates)
        assert lr_too_low.check(found).passed is passed


@pytest.mark.parametrize(
    ("end", "higher", "passed"), [(3.2, 1.2, False), (3.2, 2.6, True), (2.0, 1.2, True)]
)
def test_steps_that_are_not_so_short_and_bring_nothing(end, higher, passed):
    """A far higher rate brings far more where the loss is about as it began."""
    rates = OtherRates(3.2, {1.0: 3.2, 10.0: 3.0, 100.0: higher})
    found = tried(with_ratio(-4.0, falling(end=end)), "other_rates", False, rates)
    assert lr_too_low.check(found).passed is passed


@pytest.mark.parametrize(("lower", "passed"), [(1.99, True), (1.5, False)])
def test_a_lower_rate_that_hardly_moves_is_no_better(lower, passed):
    """Copies begin with an optimiser of their own: the loss of long steps rises at first."""
    rates = OtherRates(2.0, {1.0: 2.5, 0.1: lower, 10.0: 9.0})
    found = tried(with_ratio(-1.5, falling(end=2.0)), "other_rates", False, rates)
    assert lr_too_high.check(found).passed is passed


@pytest.mark.parametrize(("lower", "passed"), [(0.35, True), (0.1, False)])
def test_jumps_that_are_past_are_no_fault_where_no_lower_rate_is_better(lower, passed):
    """As those of a codebook that has to follow its encoder at first."""
    losses = [3.3, 3.0, 30.0, 3.0, *falling(end=0.3)[4:]]
    rates = OtherRates(0.3, {1.0: 0.33, 0.1: lower, 10.0: 9.0})
    found = tried(with_ratio(-1.5, losses, fan_in=1), "other_rates", False, rates)
    assert lr_too_high.check(found).passed is passed


def test_near_the_floor_a_lower_rate_is_better_by_next_to_nothing():
    """Copies begin with an optimiser of their own, whose first steps lead up again."""
    for before, passed in ((0.1, True), (1.5, False)):
        rates = OtherRates(before, {1.0: before + 0.3, 0.1: before * 0.75, 10.0: 9.0})
        found = tried(with_ratio(-2.0, falling(end=before)), "other_rates", False, rates)
        assert lr_too_high.check(found).passed is passed


def test_too_few_steps_say_nothing_of_the_learning_rate():
    """Neither that it is too high, nor too low."""
    for rule in (lr_too_high, lr_too_low):
        assert rule.check(with_ratio(-1.0, [3.0] * 5)).passed is None
        assert rule.check(evidence(steps(parameters=()))).passed is None


def test_a_line_search_has_no_rate_that_is_too_high():
    """LBFGS takes steps as long as the curvature allows."""
    found = evidence(steps(optimizer="LBFGS", parameters=(weight(update=0.05),)))
    assert lr_too_high.check(found).passed is None
    assert lr_too_low.check(found).passed is None


@pytest.mark.parametrize(("lost", "passed"), [(0.0, True), (0.3, True), (0.8, False)])
def test_low_precision_weights(lost, passed):
    """Most of the numbers of a matrix have a gradient, and stay where they are."""
    found = low_precision_weights.check(evidence(steps(parameters=(weight(lost_steps=lost),))))
    assert found.passed is passed


def test_a_rate_that_is_set_anew_does_not_grow():
    """By hand, in the middle of a training: one jump is no growth."""
    rates = [(number, 0.002 if number < 140 else 0.5) for number in range(0, 200, 2)]
    assert lr_growing.check(evidence(rates=rates)).passed
    growing = [(number, 0.002 * 1.03**number) for number in range(0, 200, 2)]
    assert lr_growing.check(evidence(rates=growing)).passed is False


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


@pytest.mark.parametrize(
    ("left", "update", "passed"),
    [(1e-4, 1e-7, False), (1e-4, 1e-4, True), (1.0, 1e-7, True), (math.nan, 1e-7, None)],
)
def test_clipping_that_leaves_next_to_nothing(left, update, passed):
    """That is a fault where steps are far too short for it, too."""
    seen = steps(clipped=left, parameters=(weight(update=update),))
    found = evidence(seen, falling(UNIFORM, UNIFORM - 0.05))
    assert clipping_too_strong.check(found).passed is passed


@pytest.mark.parametrize(
    ("rate", "update", "planned", "passed"),
    [
        (lambda n: 1e-6 * n, 1e-7, 0, False),
        (lambda n: 1e-6 * n, 1e-4, 0, True),
        (lambda n: min(1e-5, 1e-6 * n), 1e-7, 0, True),
        (lambda n: 1e-6 * n, 1e-7, 2000, None),
    ],
    ids=["short steps", "long steps", "it ends", "in its middle"],
)
def test_a_warm_up_that_does_not_end(rate, update, planned, passed):
    """A rate that climbs in a line from zero to the last step, whose steps are far too short."""
    rates = [(n, rate(n + 1)) for n in range(0, 200, 10)]
    seen = steps(parameters=(weight(update=update),))
    losses = falling(UNIFORM, UNIFORM - 0.05)
    found = evidence(seen, losses, rates=rates, planned=planned)
    assert warmup_too_long.check(found).passed is passed


@pytest.mark.parametrize(("falls", "passed"), [(True, False), (False, True)])
def test_a_warm_up_that_goes_on_while_the_loss_still_falls(falls, passed):
    """Steps that are long enough by now were not all the way: the loss falls as fast as ever."""
    rates = [(n, 1e-6 * (n + 1)) for n in range(0, 200, 10)]
    losses = UNIFORM - np.arange(200) / 200 if falls else falling()
    found = evidence(steps(parameters=(weight(update=1e-4),)), losses, rates=rates)
    assert warmup_too_long.check(found).passed is passed


@pytest.mark.parametrize(
    ("optimizer", "left", "end", "passed"),
    [
        ("SGD", 1e-3, UNIFORM, False),
        ("Adam", 1e-3, UNIFORM, True),
        ("SGD", 0.05, UNIFORM, True),
        ("SGD", 1e-3, 1.0, True),
    ],
)
def test_clipped_steps_that_are_not_short_and_bring_nothing(optimizer, left, end, passed):
    """Of values, all of one size, momentum makes long steps; Adam's are as long of any gradient."""
    seen = steps(clipped=left, optimizer=optimizer)
    found = evidence(seen, falling(UNIFORM, end - 0.02))
    assert clipping_too_strong.check(found).passed is passed


def test_a_rate_that_vanished_where_a_new_network_gets_far_lower():
    """Some steps at a higher rate bring little, and all that were lost bring much."""
    rates = [(n, 0.1 * 0.5 ** (n // 5)) for n in range(0, 200, 5)]
    found = tried(
        evidence(rates=rates), "other_rates", True, OtherRates(0.3, {1.0: 0.3, 100.0: 0.295})
    )
    assert lr_vanished.check(found).passed
    networks = (0.3, 0.3, math.nan, 0.1, 0.1, math.nan, 0.01, 0.01, math.nan, 0.0, 0.0, 1.0)
    tried(found, "reference_networks", None, References(*networks, 600, 400, False))
    check = lr_vanished.check(found)
    assert check.passed is False and "67% lower" in check.measured


def test_what_was_tried_on_own_functions_and_replicas():
    """A backward that differs from differences, and networks that no longer are alike."""
    assert wrong_backward.check(evidence()).passed is None
    assert wrong_backward.check(tried(evidence(), "backward_compared", True)).passed
    assert wrong_backward.check(tried(evidence(), "backward_compared", False)).passed is False
    assert replicas_drift.check(evidence()).passed
    assert replicas_drift.check(evidence(replicas="a and b differ")).passed is False


@pytest.mark.parametrize(
    ("size", "gradient", "baseline", "passed"),
    [
        (lambda t: 0.9**t, 1e-3, 0.5, False),
        (lambda t: 0.9**t, 1e-3, 1.9, None),
        (lambda t: 0.99**t, 1e-3, 0.5, True),
        (lambda t: 1.0, 1.0, 0.5, True),
    ],
    ids=["by batch", "settled", "slowly", "gradients that grow"],
)
def test_updates_that_vanish_where_no_rate_is_known(size, gradient, baseline, passed):
    """A momentum by hand has no rate: its updates are compared with their gradients."""
    seen = [
        step(
            t,
            variable_lr=math.nan,
            parameters=(
                weight(update=1e-4 * size(t), gradient=gradient if t > 60 else 1e-3, cosine=-0.8),
            ),
        )
        for t in range(0, 200, 5)
    ]
    none = [math.nan] * 9
    references = References(1.8, 1.8, *none, baseline, 1000, 500, is_new=True)
    found = tried(evidence(seen), "reference_networks", None, references)
    assert lr_vanished.check(found).passed is passed


@pytest.mark.parametrize(
    ("first", "steady", "kind", "passed"),
    [
        (1e-7, True, "learning-rate range test", None),
        (1e-3, True, "", False),
        (1e-7, False, "", False),
    ],
    ids=["looked_for", "begins_with_steps_that_do_something", "most_of_it_at_once"],
)
def test_a_range_test_raises_the_rate_deliberately(first, steady, kind, passed):
    """From steps that do nothing, evenly over powers of ten."""
    powers = [6 * (t / 200 if steady else (t / 200) ** 3) for t in range(0, 200, 4)]
    rates = [(4 * t, first * 10**power) for t, power in enumerate(powers)]
    begun = steps(parameters=(weight(update=first * 1e-1),))
    found = evidence(begun, [*falling(count=180), *[90.0] * 20], rates=rates)
    assert found.training_kind == kind
    assert lr_growing.check(found).passed is passed
    said = [cause.id for cause in conclude(found, apply_rules(found)).causes]
    assert said == [] if kind else "lr_growing" in said
