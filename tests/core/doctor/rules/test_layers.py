"""Rules on layers, from small made-up observations."""

import math

import pytest

from core.doctor.evidence import DataStats
from core.doctor.rules.data import inputs_not_normalised
from core.doctor.rules.layers import (
    bad_init_scale,
    dead_units,
    exploding_gradient,
    no_nonlinearity,
    saturated_units,
    symmetric_init,
    vanishing_gradient,
)
from core.doctor.rules.loss import double_softmax
from core.doctor.rules.wiring import normalisation_missing
from core.telemetry.layer_health import EXPLODING, EXPLODING_NOTICE, VANISHING
from tests.core.doctor.rules.helpers import (
    UNIFORM,
    evidence,
    falling,
    layer,
    loss,
    output,
    step,
    steps,
    weight,
)


def seen(**changes):
    """Steps of which the hidden layer is changed."""
    return evidence(steps(layers=(layer(**changes), output())))


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"criterion": loss(value=27.0)}, False),
        ({"criterion": loss(value=5.0)}, True),
        ({"criterion": loss(value=27.0, normalised=False)}, True),
        ({"layers": (layer(), output(in_std=1e-3))}, False),
        ({"layers": (layer(symmetric=True), output(in_std=1e-3))}, True),
        ({"layers": (layer(out_std=500.0, nonlinearity="relu"), output())}, False),
        ({"layers": (layer(out_std=500.0), output())}, True),
    ],
)
def test_bad_init_scale(changes, passed):
    """A first loss far above ln K, a signal that fades, or one that grows but is not limited."""
    assert bad_init_scale.check(evidence(steps(**changes))).passed is passed


@pytest.mark.parametrize(
    "asked",
    [
        symmetric_init,
        no_nonlinearity,
        saturated_units,
        dead_units,
        vanishing_gradient,
        normalisation_missing,
        inputs_not_normalised,
    ],
)
def test_what_was_not_observed_is_not_said_to_be_missing(asked):
    """As of a policy that takes one state after another, whose layers are there all the same."""
    check = asked.check(evidence(steps(layers=())))
    assert check.passed is None and "observed" in check.measured, check


def test_a_loss_that_was_not_understood_may_have_a_softmax():
    """Also where none of its functions was seen."""
    check = double_softmax.check(evidence(steps(criterion=loss(kind=""))))
    assert check.passed is None and "understood" in check.measured, check


@pytest.mark.parametrize(("value", "passed"), [(9.0, True), (27.0, False)])
def test_one_layer_alone_may_begin_higher(value, passed):
    """It is convex, and soon where it should be."""
    alone = steps(criterion=loss(value=value), layers=(output(),))
    assert bad_init_scale.check(evidence(alone)).passed is passed
    assert bad_init_scale.check(evidence(steps(criterion=loss(value=value)))).passed is False


@pytest.mark.parametrize(("frozen", "passed"), [(True, True), (False, False)])
def test_one_layer_behind_frozen_ones_may_begin_higher(frozen, passed):
    """A new head on the features of a network that was trained before is convex, too."""
    begun = steps(criterion=loss(value=9.0), layers=(layer(frozen=frozen), output()))
    assert bad_init_scale.check(evidence(begun)).passed is passed


def test_a_frozen_output_layer_was_not_just_initialised():
    """As where adapters are trained for another task: the first loss is that of the old one."""
    for frozen, passed in ((True, None), (False, False)):
        begun = steps(criterion=loss(value=27.0), layers=(layer(), output(frozen=frozen)))
        assert bad_init_scale.check(evidence(begun)).passed is passed


def test_an_output_layer_that_was_trained_for_another_task_was_not_just_initialised():
    """Its first loss is that of the old one, as where a network is trained on for a new task."""
    last = output()
    begun = steps(criterion=loss(value=27.0), layers=(layer(), last))
    before = frozenset({last.parameter})
    assert bad_init_scale.check(evidence(begun, trained_before=before)).passed is None
    assert bad_init_scale.check(evidence(begun)).passed is False


def test_an_output_layer_that_is_adapted_was_not_just_initialised():
    """It stays as it is, beside a product of two small matrices that is added: LoRA."""
    layers = (layer(), layer("base", units=27, frozen=True), output(fan_in=4))
    begun = steps(criterion=loss(value=27.0), layers=layers)
    assert bad_init_scale.check(evidence(begun)).passed is None


def test_cosines_have_a_scale_of_their_own():
    """A margin of the true class raises the first loss, whatever the first weights are."""
    for unit, passed in ((True, None), (False, False)):
        begun = steps(criterion=loss(value=27.0), layers=(layer(), output(of_unit_vectors=unit)))
        assert bad_init_scale.check(evidence(begun)).passed is passed


def test_the_first_loss_is_that_of_the_first_step():
    """Later ones say nothing of the initialisation."""
    late = [step(100, criterion=loss(value=27.0))]
    assert bad_init_scale.check(evidence(late)).passed is None
    first = bad_init_scale.check(evidence(steps(criterion=loss(value=27.0))))
    assert first.expected == f"about ln 27 = {UNIFORM:.2f}" and first.confidence == 0.9


@pytest.mark.parametrize(
    ("layers", "passed"),
    [
        ((layer(), output()), True),
        ((layer(symmetric=True), output()), False),
        ((output(symmetric=True),), None),
    ],
)
def test_symmetric_init(layers, passed):
    """All units of a hidden layer compute the same."""
    assert symmetric_init.check(evidence(steps(layers=layers))).passed is passed


@pytest.mark.parametrize(
    ("layers", "pairs", "passed"),
    [
        ((layer(), output()), (), True),
        ((layer(nonlinearity=""), output()), (("hidden", "output"),), False),
        ((layer(units=8, fan_in=30), output()), (("hidden", "output"),), True),
        ((layer(kind="embedding"), layer("h"), output()), (("hidden", "h"),), True),
        (
            (
                layer("encoder.0"),
                layer("encoder.2", nonlinearity=""),
                layer("decoder.0"),
                layer("decoder.2", nonlinearity=""),
            ),
            (("encoder.2", "decoder.0"),),
            True,
        ),
        (
            (layer("net.0"), layer("net.2", nonlinearity=""), layer("net.3"), output()),
            (("net.2", "net.3"),),
            False,
        ),
        ((output(),), (), None),
    ],
)
def test_no_nonlinearity(layers, pairs, passed):
    """A bottleneck, an embedding and the end of a part need none behind them."""
    found = no_nonlinearity.check(evidence(steps(layers=layers, linear_pairs=pairs)))
    assert found.passed is passed


def test_a_nonlinearity_that_one_of_many_layers_lacks_may_be_the_lesser_fault():
    """What keeps a deep network from learning comes before it."""
    hidden = [layer(f"h{n}") for n in range(6)]
    one = steps(
        layers=(layer("a", nonlinearity=""), *hidden, output()), linear_pairs=(("a", "h0"),)
    )
    assert no_nonlinearity.check(evidence(one)).confidence == 0.6
    few = steps(
        layers=(layer("a", nonlinearity=""), hidden[0], output()), linear_pairs=(("a", "h0"),)
    )
    assert no_nonlinearity.check(evidence(few)).confidence == 0.9


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"saturated": 0.6}, False),
        ({"saturated": 0.4}, True),
        ({"saturated": 0.9, "units": 4}, None),
        ({"saturated": 0.9, "nonlinearity": "relu"}, None),
        ({"saturated": 0.9, "nonlinearity": "sigmoid"}, False),
    ],
)
def test_saturated_units(changes, passed):
    """Half of a layer at the start; few units say little."""
    assert saturated_units.check(seen(**changes)).passed is passed


def test_more_units_may_saturate_later():
    """What is a fault at the start is none after training; most of them is, with less certainty."""
    for share, passed in ((0.6, True), (0.8, False)):
        last = step(200, layers=(layer(saturated=share), output()))
        found = saturated_units.check(evidence([*steps(), last]))
        assert found.passed is passed and (passed or found.confidence == 0.45)
    learned = evidence([*steps(), last], losses=[3.3 * 0.97**n for n in range(200)])
    assert saturated_units.check(learned).passed


@pytest.mark.parametrize(("dead", "passed"), [(0.3, True), (0.65, False)])
def test_dead_units(dead, passed):
    """More than six of ten."""
    assert dead_units.check(seen(dead=dead, nonlinearity="relu")).passed is passed
    assert dead_units.check(seen(dead=dead)).passed is None
    assert dead_units.check(seen(dead=dead, nonlinearity="relu", rows=32)).passed
    assert not dead_units.check(seen(dead=0.85, nonlinearity="relu", rows=32)).passed


@pytest.mark.parametrize(
    ("part", "divided", "passed"),
    [(0.02, 1, True), (0.25, 1, False), (0.9, 32, False)],
    ids=["a fiftieth", "a quarter", "divided by a number of parts"],
)
def test_dead_units_of_a_network_that_has_learned_nearly_all_do_no_harm(part, divided, passed):
    """The living ones are enough for a loss of a fiftieth of a guess's."""
    layers = (layer(dead=0.9, nonlinearity="relu"), output())
    ended = part * UNIFORM
    losses = [max(ended, 3.3 * 0.9**n) / divided for n in range(200)]
    last = step(0, layers=layers, criterion=loss(value=ended))
    found = dead_units.check(evidence([last], losses=losses))
    assert found.passed is passed
    assert ("with the others the loss is 2.0% of that of a guess" in found.measured) is passed


def test_units_that_were_dead_from_the_start_are_surer():
    """They were not killed by a learning rate."""
    dead = (layer(dead=0.9, nonlinearity="relu"), output())
    alive = (layer(nonlinearity="relu"), output())
    later = evidence([step(0, layers=alive), step(100, layers=dead)])
    always = evidence([step(0, layers=dead), step(100, layers=dead)])
    assert dead_units.check(later).confidence < dead_units.check(always).confidence


def of_gradients(first, last=1e-3, count=8):
    """Steps with these gradients of two layers."""
    parameters = (weight(gradient=first), weight("output.weight", (27, 100), gradient=last))
    return steps(count, parameters=parameters)


@pytest.mark.parametrize(("ratio", "passed"), [(0.5, True), (4e-3, True), (1e-3, False)])
def test_vanishing_gradient(ratio, passed):
    """The first layer's over the last one's; the confidence grows with the powers of ten."""
    found = vanishing_gradient.check(evidence(of_gradients(ratio * 1e-3)))
    assert found.passed is passed and (passed or found.where == "hidden.weight")
    assert vanishing_gradient.check(evidence(of_gradients(1e-12))).confidence == 0.9


def test_on_a_plateau_a_gradient_may_vanish_less():
    """Where the loss stays at the entropy, a small gradient is more suspicious."""
    stays = evidence(of_gradients(2 * VANISHING * 1e-3), [3.2] * 200, data=DataStats(entropy=3.2))
    assert vanishing_gradient.check(stays).passed is False
    stays.losses = falling()
    assert vanishing_gradient.check(stays).passed


def test_a_gradient_that_vanishes_at_the_start_counts():
    """Adam may have made the weights grow out of it since."""
    early = of_gradients(1e-3 * VANISHING / 10)[:5]
    grown = [step(200 + i, parameters=of_gradients(1e-3)[0].parameters) for i in range(9)]
    assert vanishing_gradient.check(evidence([*early, *grown])).passed is False


@pytest.mark.parametrize(("last", "passed"), [(1e-3, True), (1e-7, False)])
def test_what_feeds_a_branch_that_begins_at_zero_is_judged_later(last, passed):
    """It has no gradient at first, and little for some steps; what stays so vanishes."""
    gradients = [0.0, 1e-8, 1e-7, *[last] * 9]
    found = [step(i, parameters=of_gradients(g)[0].parameters) for i, g in enumerate(gradients)]
    assert vanishing_gradient.check(evidence(found)).passed is passed
    layers = (layer(), layer("middle"), output())
    others = (weight("middle.weight"), of_gradients(1e-3)[0].parameters[1])
    growing = [
        step(i, layers=layers, parameters=(weight(gradient=i * 1e-8), *others)) for i in range(12)
    ]
    assert vanishing_gradient.check(evidence(growing)).passed
    alone = [step(i, parameters=of_gradients(i * 1e-8)[0].parameters) for i in range(12)]
    assert "hidden.weight begins without" in vanishing_gradient.check(evidence(alone)).measured


def test_embeddings_and_single_layers_have_no_vanishing_gradient():
    """Few rows of a table get a gradient in a step."""
    layers = (layer(kind="embedding"), output())
    found = evidence(steps(layers=layers, parameters=of_gradients(1e-12)[0].parameters))
    assert vanishing_gradient.check(found).passed is None


@pytest.mark.parametrize(
    ("large", "of", "norm", "passed"),
    [
        (8, 8, EXPLODING_NOTICE / 2, True),
        (4, 8, EXPLODING_NOTICE * 2, False),
        (2, 8, EXPLODING_NOTICE * 2, True),
        (1, 8, EXPLODING * 2, False),
        (1, 8, math.inf, False),
    ],
)
def test_exploding_gradient(large, of, norm, passed):
    """Often too large, or once far too large."""
    size = norm / math.sqrt(100 * 30)
    exploding = [step(i, parameters=(weight(gradient=size),)) for i in range(large)]
    found = exploding_gradient.check(evidence([*exploding, *steps(of)[large:]]))
    assert found.passed is passed
    assert exploding_gradient.check(evidence(steps(parameters=()))).passed is None


def test_a_sum_has_no_scale_of_its_gradient():
    """Only its growth counts where the height of the loss says nothing."""
    large = weight(gradient=100.0, shape=(100, 100))
    assert exploding_gradient.check(evidence(steps(parameters=(large,)))).passed is False
    assert exploding_gradient.check(evidence(steps(parameters=(large,), summed=784.0))).passed
    seen = steps(parameters=(large,), summed=784.0)
    burst = step(300, parameters=(weight(gradient=1e5, shape=(100, 100)),), summed=784.0)
    assert exploding_gradient.check(evidence([*seen, burst])).passed is False


def test_zeros_that_only_begin_a_branch_are_not_symmetric():
    """Units that differ after the first steps were never one."""
    equal, different = layer(symmetric=True), layer(symmetric=False)
    first = step(0, layers=(equal, output()))
    then = [step(n, layers=(different, output())) for n in (1, 2, 3)]
    assert symmetric_init.check(evidence([first, *then])).passed
    assert symmetric_init.check(evidence(steps(layers=(equal, output())))).passed is False


@pytest.mark.parametrize(
    ("gradients", "passed"),
    [((0.1, 0.1, 0.1, 0.1), False), ((0.1, 0.1, 0.1, 0.2), None), ((0.1, 0.1), None)],
)
def test_neurons_whose_weights_are_vectors_of_their_own(gradients, passed):
    """Four that are moved alike in all steps are one; two may be the biases of one sum."""
    neurons = tuple(
        weight(f"parameters[{n}]", (8,), gradient=gradient) for n, gradient in enumerate(gradients)
    )
    found = evidence(steps(layers=(), parameters=neurons))
    assert symmetric_init.check(found).passed is passed
