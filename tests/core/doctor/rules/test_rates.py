"""Rules on the learning rate, from small made-up observations."""

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
from core.doctor.verdict.conclusion import conclude
from tests.core.doctor.rules.helpers import (
    UNIFORM,
    evidence,
    falling,
    layer,
    step,
    steps,
    tried,
    weight,
)


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


def test_where_nothing_is_updated_no_rate_has_vanished():
    """As of a copy of the weights that an update by hand moves."""
    still = steps(parameters=(weight(update=0.0),), variable_lr=math.nan)
    assert lr_vanished.check(evidence(still)).passed is None


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


def test_a_rate_that_is_set_anew_does_not_grow():
    """By hand, in the middle of a training: one jump is no growth."""
    rates = [(number, 0.002 if number < 140 else 0.5) for number in range(0, 200, 2)]
    assert lr_growing.check(evidence(rates=rates)).passed
    growing = [(number, 0.002 * 1.03**number) for number in range(0, 200, 2)]
    assert lr_growing.check(evidence(rates=growing)).passed is False


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
        (1e-5, True, "learning-rate range test", None),
        (1e-3, True, "", False),
        (1e-7, False, "", False),
    ],
    ids=[
        "looked_for",
        "begins_with_hardly_an_update",
        "begins_with_steps_that_do_something",
        "most_of_it_at_once",
    ],
)
def test_a_range_test_raises_the_rate_deliberately(first, steady, kind, passed):
    """From steps that do next to nothing, evenly over powers of ten."""
    powers = [6 * (t / 200 if steady else (t / 200) ** 3) for t in range(0, 200, 4)]
    rates = [(4 * t, first * 10**power) for t, power in enumerate(powers)]
    begun = steps(parameters=(weight(update=first * 1e-1),))
    found = evidence(begun, [*falling(count=180), *[90.0] * 20], rates=rates)
    assert found.training_kind == kind
    assert lr_growing.check(found).passed is passed
    said = [cause.id for cause in conclude(found, apply_rules(found)).causes]
    assert said == [] if kind else "lr_growing" in said
