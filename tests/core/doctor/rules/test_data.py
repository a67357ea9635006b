"""Rules on the data, from small made-up observations."""

import math
from dataclasses import replace

import pytest

from core.doctor.diagnosis import COMPARISON
from core.doctor.evidence import DataStats
from core.doctor.experiments.input_experiments import ShuffledInputs
from core.doctor.experiments.leakage_experiments import BatchLeakage
from core.doctor.experiments.learning_experiments import OverfitBatch
from core.doctor.experiments.reference_networks import References
from core.doctor.rules import data
from tests.core.doctor.rules.helpers import (
    evidence,
    falling,
    inputs,
    layer,
    loss,
    output,
    step,
    steps,
    tried,
)


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"target_max": 27}, False),
        ({"target_min": -1}, False),
        ({"target_max": 27, "integer_targets": False}, True),
        ({"kind": "mse_loss", "target_max": 300}, None),
    ],
)
def test_labels_out_of_range(changes, passed):
    """K - 1 is the last of K outputs; quantities may be anything."""
    found = data.labels_out_of_range.check(evidence(steps(criterion=loss(**changes))))
    assert found.passed is passed


def test_a_crash_over_a_label_names_the_labels():
    """The error's own words are the evidence."""
    crash = "IndexError: Target 27 is out of bounds."
    found = data.labels_out_of_range.check(evidence(crash=crash))
    assert found.passed is False and f"{found.measured}." == crash and found.where == "the labels"
    assert data.labels_out_of_range.check(evidence(crash="KeyError: 3")).passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"mean": 128.0, "std": 70.0}, False),
        ({"mean": 0.13, "std": 0.31}, True),
        ({"mean": 5.0, "std": 0.1}, False),
        ({"is_tokens": True, "mean": 13.0, "std": 8.0}, None),
    ],
)
def test_inputs_not_normalised(changes, passed):
    """Pixels from 0 to 255 fail, from 0 to 1 pass; tokens are not checked."""
    found = data.inputs_not_normalised.check(evidence(steps(inputs=(inputs(**changes),))))
    assert found.passed is passed


def test_inputs_ignored():
    """Constant inputs, an output that does not change with them, and a loss without inputs."""
    rule = data.inputs_ignored
    assert rule.check(evidence()).passed is None
    assert rule.check(evidence(constant_inputs=True)).passed is False
    assert rule.check(evidence(steps(inputs=(inputs(constant=True),)))).passed is False
    assert rule.check(evidence(steps(inputs=()))).confidence == 0.6
    assert rule.check(evidence(steps(inputs=(), draws_examples=True))).passed is None
    assert rule.check(tried(evidence(), "inputs_exchanged", True)).passed
    for change, confidence in ((0.0, 0.95), (1e-7, 0.6)):
        found = rule.check(tried(evidence(), "inputs_exchanged", False, ShuffledInputs(change)))
        assert found.passed is False and found.confidence == confidence
    full = evidence(steps(layers=(layer(saturated=0.99), output())))
    found = rule.check(tried(full, "inputs_exchanged", False, ShuffledInputs(0.0)))
    assert found.confidence == 0.6  # why nothing comes through is the cause


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"top_share": 0.74}, True),
        ({"top_share": 0.8}, False),
        ({"top_share": 0.8, "target_count": 8}, True),
        ({"top_share": 0.8, "classes": 2}, True),
        ({"top_share": 0.95, "classes": 2}, False),
        ({"top_share": 0.95, "kind": "binary_cross_entropy", "classes": 1}, False),
        ({"top_share": 0.95, "kind": "mse_loss"}, None),
    ],
)
def test_class_imbalance(changes, passed):
    """More of one class is allowed where there are two; few labels say nothing."""
    assert data.class_imbalance.check(evidence(steps(criterion=loss(**changes)))).passed is passed


@pytest.mark.parametrize(
    ("in_batches", "in_data", "passed"),
    [(0.9, 0.9, False), (0.9, 0.1, True), (0.2, 0.9, True)],
)
def test_classes_are_imbalanced_where_data_and_batches_are(in_batches, in_data, passed):
    """Batches of sorted data have one class each; a sampler draws rare classes more often."""
    seen = steps(criterion=loss(top_share=in_batches, target_count=32))
    some = evidence(seen, data=DataStats(top_share=in_data, classes=10))
    assert data.class_imbalance.check(some).passed is passed


@pytest.mark.parametrize(
    ("share", "validation", "passed"),
    [(0.8, [0.02], True), (0.8, [0.45], False), (0.8, [], False), (0.97, [0.02], False)],
)
def test_rare_classes_that_are_predicted_are_enough(share, validation, passed):
    """On new data; of very few a loss says little."""
    seen = steps(criterion=loss(top_share=share, target_count=32, classes=4))
    some = evidence(seen, validations=[(50, value) for value in validation])
    assert data.class_imbalance.check(some).passed is passed


@pytest.mark.parametrize(("targets", "passed"), [(32, False), (32 * 64, True)])
def test_most_pixels_may_be_background(targets, passed):
    """Of pictures with a label each, no class may have so many."""
    criterion = loss(top_share=0.85, target_count=targets)
    some = steps(criterion=criterion, inputs=(inputs(shape=(32, 1, 8, 8)),))
    assert data.class_imbalance.check(evidence(some)).passed is passed


def test_classes_with_weights_are_balanced():
    """The loss counts the rare one more often."""
    seen = steps(criterion=loss(top_share=0.99, target_count=32, weighted=True))
    assert data.class_imbalance.check(evidence(seen)).passed


@pytest.mark.parametrize(("share", "passed"), [(0.5, True), (0.96, True), (0.996, False)])
def test_weights_that_leave_less_to_the_rare_class(share, passed):
    """Upside down they are no cure; a little less of a rare class may be meant."""
    binary = loss(kind="binary_cross_entropy", top_share=0.94, target_count=64, weighted=True)
    seen = steps(criterion=replace(binary, weighed_share=share))
    assert data.class_imbalance.check(evidence(seen)).passed is passed


@pytest.mark.parametrize(
    ("predictability", "end", "passed"),
    [(0.4, 2.2, True), (0.0, 3.2, False), (0.01, 3.2, False), (0.01, 2.0, True)],
)
def test_labels_shuffled(predictability, end, passed):
    """Labels that simple models can't predict are shuffled, unless the network learns them."""
    stats = DataStats(predictability=predictability, entropy=3.2)
    found = data.labels_shuffled.check(evidence(losses=falling(end=end), data=stats))
    assert found.passed is passed


@pytest.mark.parametrize(("share", "passed"), [(0.95, None), (0.6, False)])
def test_labels_of_which_few_are_rare_may_be_hard_for_simple_models(share, passed):
    """Among some hundred examples a dozen frauds are too few to learn from."""
    stats = DataStats(predictability=0.0, entropy=0.2, top_share=share)
    found = data.labels_shuffled.check(evidence(losses=falling(end=0.19), data=stats))
    assert found.passed is passed


def test_labels_that_only_one_batch_learns_are_shuffled():
    """The loss stays at the entropy, though a batch can be overfit."""
    stats, flat = DataStats(entropy=3.2), [3.2] * 250
    overfit = OverfitBatch(3.3, 0.1, 0.0, 1.0)
    found = tried(evidence(losses=flat, data=stats), "overfit_one_batch", True, overfit)
    assert data.labels_shuffled.check(found).passed is False
    learns = tried(
        evidence(losses=falling(end=1.0, count=400), data=stats), "overfit_one_batch", True, overfit
    )
    assert data.labels_shuffled.check(learns).passed
    assert data.labels_shuffled.check(evidence(losses=flat, data=stats)).passed is None


@pytest.mark.parametrize(("level", "end", "passed"), [(1.0, 0.1, False), (0.5, 0.1, True)])
def test_targets_of_a_regression_are_shuffled(level, end, passed):
    """All are predicted no better than by a constant, one batch is."""
    seen = steps(criterion=loss(kind="mse_loss", uniform=1.0))
    found = evidence(seen, [level] * 300)
    assert data.labels_shuffled.check(found).passed is None
    tried(found, "overfit_one_batch", True, OverfitBatch(1.0, end, 0.0, 1.0))
    assert data.labels_shuffled.check(found).passed is passed


@pytest.mark.parametrize(
    ("stats", "harder", "passed"),
    [
        (DataStats(label_noise=0.05, predictability=0.5), math.nan, True),
        (DataStats(label_noise=0.3, predictability=0.5), math.nan, False),
        (DataStats(label_noise=0.3, predictability=0.0), math.nan, True),
        (None, 0.2, False),
        (None, 0.01, None),
    ],
)
def test_labels_noisy(stats, harder, passed):
    """Neighbours that contradict, or training data that is harder than new data."""
    found = data.labels_noisy.check(evidence(data=stats, training_harder=harder))
    assert found.passed is passed


@pytest.mark.parametrize(("new", "passed"), [(0.1, True), (0.6, False)])
def test_labels_that_are_predicted_are_not_that_noisy(new, passed):
    """Of labels that are wrong at every second place even a right one costs ln 2."""
    stats = DataStats(label_noise=0.5, predictability=0.5)
    found = evidence(data=stats, validations=[(100, 2.0), (200, new)])
    assert data.labels_noisy.check(found).passed is passed
    other = evidence(steps(criterion=loss(kind="multi_margin_loss")), data=stats)
    other.validations = [(100, new)]
    assert data.labels_noisy.check(other).passed is False  # a loss of another scale


@pytest.mark.parametrize(
    ("noise", "predictability", "rule"),
    [(0.5, 0.5, data.labels_noisy), (0.0, 0.0, data.labels_shuffled)],
)
@pytest.mark.parametrize(
    ("loss", "come_again", "passed"), [(0.1, 0.0, True), (0.1, 0.6, False), (0.7, 0.0, False)]
)
def test_labels_that_other_networks_predict_belong_to_their_inputs(
    noise, predictability, rule, loss, come_again, passed
):
    """What a rule gives that neighbours don't see; unless they know the same examples by heart."""
    stats = DataStats(label_noise=noise, predictability=predictability, entropy=0.69)
    none = [math.nan] * 7
    others = References(0.01, 0.01, 0.8, loss, *none, 0.69, 1000, 500, False, come_again=come_again)
    found = tried(evidence(losses=falling(end=0.01), data=stats), COMPARISON, True, others)
    assert rule.check(found).passed is passed


@pytest.mark.parametrize(
    ("visits", "sure_visits", "end", "passed"),
    [
        (0.6, 0.0, 0.3, True),
        (0.6, 30.0, 0.3, True),
        (0.6, 200.0, 0.3, False),
        (9.0, 9.0, 0.3, False),
        (0.6, 0.0, 0.9, False),
        (math.nan, math.nan, 0.3, False),
    ],
    ids=["new rows", "rotated", "rotated again and again", "met again", "not learned", "unknown"],
)
def test_labels_of_rows_that_never_come_again_are_not_memorised(visits, sure_visits, end, passed):
    """What is learned of points in a random order is no noise, whatever the nearest ones are."""
    stats = DataStats(label_noise=0.62, predictability=0.3, entropy=1.79)
    found = evidence(losses=falling(end=end), data=stats)
    found = replace(found, visits=visits, sure_visits=sure_visits)
    assert data.labels_noisy.check(found).passed is passed


@pytest.mark.parametrize(("is_new", "passed"), [(True, True), (False, False)])
def test_labels_that_the_network_predicts_of_new_examples_belong_to_their_inputs(is_new, passed):
    """Though no simple model and no other network can: as of sounds. Not those it has learned."""
    stats = DataStats(label_noise=0.0, predictability=0.0, entropy=2.08)
    none = [math.nan] * 7
    others = References(0.02, 0.02, 2.09, 2.0, *none, 2.08, 1000, 500, is_new)
    found = tried(evidence(losses=falling(end=0.01), data=stats), COMPARISON, True, others)
    assert data.labels_shuffled.check(found).passed is passed


@pytest.mark.parametrize(
    ("contradicted", "end", "passed"), [(0.9, 3.1, False), (0.3, 3.1, True), (0.9, 1.0, True)]
)
def test_examples_that_come_again_with_another_label(contradicted, end, passed):
    """Unless the network learns all the same, as one that is told the task may."""
    stats = DataStats(entropy=3.2, predictability=0.1, contradicted=contradicted, came_again=90)
    found = evidence(losses=falling(end=end), data=stats, validations=[(9, 1.0)])
    assert data.labels_shuffled.check(found).passed is passed


def test_future_leak():
    """The target among the inputs, in most steps, or by the gradient of later positions."""
    leaking = inputs(leaks_target=True)
    assert data.future_leak.check(evidence()).passed
    assert data.future_leak.check(evidence(steps(inputs=(leaking,)))).passed is False
    assert data.future_leak.check(evidence([*steps(), step(300, inputs=(leaking,))])).passed
    following = steps(inputs=(inputs(is_tokens=True, next_in_row=True),))
    assert (
        data.future_leak.check(tried(evidence(following), "future_hidden", False)).passed is False
    )
    # A hidden word, or a tag, may depend on what comes later.
    assert data.future_leak.check(tried(evidence(), "future_hidden", False)).passed
    two = steps(inputs=(leaking, inputs()))
    assert data.future_leak.check(evidence(two)).passed  # a decoder may copy the question
    assert data.future_leak.check(evidence(steps(inputs=()))).passed is None


def test_batch_mixed():
    """Columns for rows, a softmax along the batch, or the gradient."""
    rule = data.batch_mixed
    assert rule.check(evidence()).passed is None
    assert rule.check(tried(evidence(), "examples_apart", True)).passed
    for changes in (
        {"inputs": (inputs(transposed=True),)},
        {"criterion": loss(softmax_over_batch=True)},
    ):
        assert rule.check(evidence(steps(**changes))).passed is False, changes
    columns = evidence(steps(inputs=(inputs(transposed=True),)))
    along = tried(columns, "examples_apart", False, BatchLeakage(0.9, False, 0.0))
    assert rule.check(along).passed  # time first, all the way
    contrastive = evidence(steps(training_kind="contrastive"))
    assert rule.check(tried(contrastive, "examples_apart", False)).passed is None
    for normed, confidence in ((False, 0.9), (True, 0.6)):
        leaks = tried(evidence(), "examples_apart", False, BatchLeakage(0.9, normed))
        assert rule.check(leaks).confidence == confidence


@pytest.mark.parametrize(("overlap", "passed"), [(0.0, True), (0.9, False), (math.nan, None)])
def test_data_overlap(overlap, passed):
    """The variable that holds the validation data is named."""
    stats = DataStats(overlap=overlap, overlap_with="x_val")
    found = data.data_overlap.check(evidence(data=stats))
    assert found.passed is passed and (passed is None or "x_val" in found.measured)


@pytest.mark.parametrize(
    ("used", "classes", "spare", "passed"),
    [
        (0.9, 27, 0, True),
        (0.1, 300, 0, False),
        (0.1, 300, 256, True),
        (0.3, 256, 0, True),
        (0.1, 10, 0, None),
    ],
)
def test_vocabulary_unused(used, classes, spare, passed):
    """Most classes should occur, but for those that are spare, as single bytes; or all bytes."""
    seen = steps(criterion=loss(classes=classes))
    found = evidence(seen, data=DataStats(classes_used=used), spare_classes=spare)
    assert data.vocabulary_unused.check(found).passed is passed


@pytest.mark.parametrize(
    ("context", "layers", "passed"),
    [
        (1, (layer(), output()), False),
        (3, (layer(), output()), True),
        (1, (output(),), True),
        (1, (layer(kind="embedding"), output()), True),
        (0, (layer(), output()), None),
    ],
)
def test_context_too_short(context, layers, passed):
    """One token is too short for hidden layers, and all that a bigram model needs."""
    stats = DataStats(context=context, context_entropy=2.45, longer_context_entropy=2.1)
    found = data.context_too_short.check(evidence(steps(layers=layers), data=stats))
    assert found.passed is passed
    assert passed is not False or "2.45 nats" in found.measured


@pytest.mark.parametrize(
    ("mean", "std", "ended", "passed"),
    [
        (0.0, 1.0, 0.2, True),
        (3e5, 8e4, 9e10, False),
        (22.0, 9.0, 70.0, True),
        (0.0, 500.0, 2e5, False),
        (0.0, 500.0, 2e4, True),
    ],
    ids=["scaled", "prices", "usual", "wide", "reached"],
)
def test_targets_unscaled(mean, std, ended, passed):
    """Targets that are far from 0, and are not reached."""
    criterion = loss(kind="mse_loss", classes=0, target_mean=mean, target_std=std)
    seen = steps(criterion=criterion, training_kind="regression")
    found = data.targets_unscaled.check(evidence(seen, [ended] * 200))
    assert found.passed is passed
    assert data.targets_unscaled.check(evidence()).passed is None


@pytest.mark.parametrize(("found", "passed"), [(9.9, True), (1.4, False), (math.nan, None)])
def test_not_shuffled(found, passed):
    """A batch should have about as many classes as one that is drawn at random."""
    stats = DataStats(classes=10, classes_in_batch=found, classes_expected=9.9)
    assert data.not_shuffled.check(evidence(data=stats)).passed is passed


def test_rules_on_labels_abstain_where_there_are_none():
    """What an adversary is told is no class, nor is the place of a partner in a batch."""
    for kind in ("adversarial", "contrastive", "autoencoder", "reinforcement learning"):
        seen = steps(criterion=loss(top_share=1.0), training_kind=kind)
        found = evidence(seen, data=DataStats(predictability=0.0, top_share=1.0, entropy=0.0))
        assert data.class_imbalance.check(found).passed is None
        assert data.labels_shuffled.check(found).passed is None


def test_labels_of_mixed_examples_are_neither_noisy_nor_shuffled():
    """Mixup and cutmix compare the same outputs with two labels."""
    stats = DataStats(predictability=0.0, label_noise=0.5, entropy=3.0)
    found = evidence(steps(criterion=loss(mixed=True)), data=stats)
    assert data.labels_noisy.check(found).passed is None
    assert data.labels_shuffled.check(found).passed is None


def test_simple_models_that_see_a_part_accuse_nobody():
    """A label may depend on the whole of a sequence, of which they see one token."""
    stats = DataStats(predictability=0.0, entropy=3.0, sees_whole=False)
    assert data.labels_shuffled.check(evidence(losses=falling(end=2.0), data=stats)).passed
    assert data.labels_shuffled.check(evidence(losses=falling(end=2.9), data=stats)).passed is None


def test_new_labels_that_are_predicted_are_not_shuffled():
    """Whatever simple models can do with the inputs."""
    stats = DataStats(predictability=0.0, entropy=3.0)
    found = evidence(losses=falling(end=2.9), data=stats, validations=[(50, 2.0)])
    assert data.labels_shuffled.check(found).passed


def test_inputs_that_are_next_to_nothing():
    """Next to the biases they are lost; where the network learns all the same, they are not."""
    tiny = steps(inputs=(inputs(mean=1e-6, std=1e-6, largest=1e-5),))
    check = data.inputs_not_normalised.check
    assert check(evidence(tiny, falling(end=3.2))).passed is False
    assert check(evidence(tiny, falling(end=0.5))).passed
    small = steps(inputs=(inputs(mean=0.0, std=1e-3, largest=0.3),))
    assert check(evidence(small, falling(end=3.2))).passed


def test_one_batch_for_ever():
    """What is known of the batches says so."""
    assert data.batch_repeated.check(evidence()).passed is None
    assert data.batch_repeated.check(evidence(data=DataStats())).passed
    found = evidence(data=DataStats(repeated="loader has 2,000 examples"))
    assert data.batch_repeated.check(found).passed is False


def test_targets_of_another_draw():
    """As the graph shows it, whatever the kind of the training."""
    odd = steps(wiring=(("labels_shuffled", "two draws"),))
    check = data.labels_shuffled.check(evidence(odd))
    assert check.passed is False and check.measured == "two draws"


@pytest.mark.parametrize(("end", "passed"), [(math.log(27), False), (1.0, None)])
def test_partners_that_are_not_found_better_than_by_chance(end, passed):
    """Of a contrastive loss."""
    seen = steps(training_kind="contrastive", criterion=loss(classes=27))
    assert data.labels_shuffled.check(evidence(seen, falling(end=end))).passed is passed


def test_a_crash_in_the_first_step_says_nothing_of_the_inputs():
    """The first weights may be zero."""
    found = tried(evidence([step()], crash="RuntimeError"), "inputs_exchanged", False)
    assert data.inputs_ignored.check(found).passed is None
