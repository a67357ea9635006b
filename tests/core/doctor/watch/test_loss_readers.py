"""Each reader of a loss function, on a small made-up step: it is found, and measured right."""

import math

import pytest
import torch
from torch.nn import functional as F

from core.doctor.watch.build_graph import build_graph
from core.doctor.watch.loss_readers import FINDERS, READERS, is_soft_one_hot, read_loss
from core.doctor.watch.recorder import TapeRecorder

ROWS, CLASSES = 24, 5
LABELS = torch.arange(ROWS) % CLASSES
ONE_HOT = F.one_hot(LABELS, CLASSES).float()
QUANTITIES = torch.linspace(-1, 2, ROWS)


def observed(loss_of, targets, outputs=CLASSES, scale=0.0):
    """Record one step of a linear network, and read its loss."""
    x = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(0))
    w = (
        scale * torch.randn(4, outputs, generator=torch.Generator().manual_seed(1))
    ).requires_grad_()
    with TapeRecorder() as recorder:
        loss = loss_of(x @ w, targets)
        loss.backward()
    seen = read_loss(build_graph(recorder.tape))
    return seen, float(loss.detach())


def picked(z, y):
    """The lectures' own way."""
    return -z.log_softmax(1)[torch.arange(len(y)), y].mean()


BY_HAND = {
    "index": picked,
    "gather": lambda z, y: -z.log_softmax(1).gather(1, y[:, None]).mean(),
    "log of softmax": lambda z, y: -(z.softmax(1)[torch.arange(len(y)), y]).log().mean(),
    "one-hot": lambda z, y: -(z.log_softmax(1) * F.one_hot(y, CLASSES)).sum(1).mean(),
}
BY_DEFINITION = {
    "log-sum-exp": lambda z, y: (z.logsumexp(1) - z[torch.arange(len(y)), y]).mean(),
    "its negative": lambda z, y: -(z.gather(1, y[:, None]) - z.logsumexp(1, True)).mean(),
    "log of a sum": lambda z, y: (z.exp().sum(1).log() - z[torch.arange(len(y)), y]).mean(),
    "one-hot": lambda z, y: (z.logsumexp(1) - (z * F.one_hot(y, CLASSES)).sum(1)).mean(),
}
BINARY = {
    "plus": lambda p, y: -(y * p.log() + (1 - y) * (1 - p).log()).mean(),
    "minus": lambda p, y: (-y * torch.log(p) - (1 - y) * torch.log(1 - p)).sum() / len(y),
    "kept off zero": lambda p, y: (
        -((1 - y) * torch.log(1 - p + 1e-8) + y * torch.log(p + 1e-8)).mean()
    ),
}
LOSSES = {
    "cross_entropy": (F.cross_entropy, LABELS),
    "nll_loss": (lambda z, y: F.nll_loss(z.log_softmax(1), y), LABELS),
    "mse_loss": (F.mse_loss, ONE_HOT),
    "square": (lambda z, y: ((z - y) ** 2).mean(), ONE_HOT),
    "l1_loss": (F.l1_loss, ONE_HOT),
    "smooth_l1_loss": (F.smooth_l1_loss, ONE_HOT),
    "huber_loss": (F.huber_loss, ONE_HOT),
    "binary_cross_entropy": (lambda z, y: F.binary_cross_entropy(z.sigmoid(), y), ONE_HOT),
    "binary_cross_entropy_with_logits": (F.binary_cross_entropy_with_logits, ONE_HOT),
    "multi_margin_loss": (F.multi_margin_loss, LABELS),
    "nll_by_hand": (picked, LABELS),
}


def test_every_kind_has_a_reader_and_a_step_here():
    """No finder gives a kind that nothing reads, and each reader is tried below."""
    assert set(LOSSES) == set(READERS)
    assert {name for name in FINDERS if name.endswith(("loss", "entropy", "logits"))} <= set(
        READERS
    )


@pytest.mark.parametrize("kind", LOSSES)
def test_it_is_found_with_its_value_and_sign(kind):
    """Whatever the loss is scaled with, and on which side of a sum it stands."""
    loss, targets = LOSSES[kind]
    seen, value = observed(loss, targets, scale=0.5)
    assert seen.kind == kind and seen.sign == 1 and seen.classes == CLASSES
    assert math.isclose(seen.value, value, rel_tol=1e-5)
    for turned in (
        lambda z, y: -loss(z, y),
        lambda z, y: -0.5 * loss(z, y) + 0.1,
        lambda z, y: 1 - loss(z, y),
        lambda z, y: loss(z, y) / -2,
    ):
        assert observed(turned, targets, scale=0.5)[0].sign == -1
    assert observed(lambda z, y: 3 * loss(z, y) - 1, targets, scale=0.5)[0].sign == 1


@pytest.mark.parametrize("kind", ["cross_entropy", "nll_loss", "nll_by_hand"])
def test_a_uniform_guess_of_classes_costs_ln_k(kind):
    """Weights of zero guess uniformly, and the first loss is that."""
    seen, value = observed(*LOSSES[kind])
    assert math.isclose(seen.uniform, math.log(CLASSES), rel_tol=1e-6)
    assert math.isclose(value, seen.uniform, rel_tol=1e-5)
    assert seen.is_classification and seen.integer_targets and not seen.one_hot
    assert (seen.target_min, seen.target_max, seen.target_count) == (0, CLASSES - 1, ROWS)
    assert math.isclose(seen.top_share, 5 / ROWS, rel_tol=1e-6) and seen.normalised


@pytest.mark.parametrize("way", BY_HAND)
def test_log_probabilities_picked_by_hand(way):
    """However the right answers are picked, it is the same loss."""
    seen, value = observed(BY_HAND[way], LABELS, scale=0.5)
    assert seen.kind == "nll_by_hand" and seen.sign == 1 and seen.normalised
    assert math.isclose(seen.value, value, rel_tol=1e-5) and not seen.double_softmax


def test_raw_scores_that_are_picked_are_not_normalised():
    """Without a softmax it is no negative log-likelihood."""
    assert not observed(lambda z, y: -z[torch.arange(ROWS), y].mean(), LABELS, scale=2.0)[
        0
    ].normalised
    assert not observed(lambda z, y: F.nll_loss(z, y), LABELS, scale=2.0)[0].normalised


@pytest.mark.parametrize("kind", ["mse_loss", "square"])
def test_the_best_constant_has_the_variance_as_squared_error(kind):
    """Of quantities that is their variance, of one-hot rows (K - 1) / K^2."""
    loss = LOSSES[kind][0]
    seen, _ = observed(lambda z, y: loss(z.squeeze(1), y), QUANTITIES, outputs=1)
    assert math.isclose(seen.uniform, float(QUANTITIES.var(correction=0)), rel_tol=1e-5)
    assert not seen.is_classification and not seen.integer_targets
    seen, _ = observed(loss, ONE_HOT)
    assert seen.one_hot and seen.is_classification
    assert math.isclose(seen.uniform, (CLASSES - 1) / CLASSES**2, rel_tol=1e-6)


@pytest.mark.parametrize("way", ["square()", "pow", "d * d"])
def test_a_square_is_found_however_it_is_written(way):
    """``.square()``, ``** 2`` and a product with itself."""
    square = {"square()": lambda d: d.square(), "pow": lambda d: d**2, "d * d": lambda d: d * d}[
        way
    ]
    seen, value = observed(lambda z, y: square(z - y).mean(), ONE_HOT, scale=0.5)
    assert seen.kind == "square" and math.isclose(seen.value, value, rel_tol=1e-5)


def test_an_absolute_difference_is_an_absolute_error():
    """No uniform guess is known of it."""
    seen, value = observed(lambda z, y: (z - y).abs().mean(), ONE_HOT, scale=0.5)
    assert seen.kind == "l1_loss" and math.isnan(seen.uniform)
    assert math.isclose(seen.value, value, rel_tol=1e-5)


def test_binary_targets_are_two_classes():
    """A uniform guess costs ln 2, a sigmoid in front belongs to one of both only."""
    half = (torch.arange(ROWS) % 4 == 0).float()[:, None]
    seen, value = observed(F.binary_cross_entropy_with_logits, half, outputs=1)
    assert math.isclose(value, math.log(2), rel_tol=1e-5) and seen.top_share == 0.75
    assert math.isclose(seen.uniform, math.log(2)) and not seen.is_classification
    seen, _ = observed(lambda z, y: F.binary_cross_entropy(z.sigmoid(), y), half, outputs=1)
    assert seen.output_nonlinearity == "" and not seen.double_softmax
    seen, _ = observed(
        lambda z, y: F.binary_cross_entropy_with_logits(z.sigmoid(), y), half, outputs=1
    )
    assert seen.output_nonlinearity == "sigmoid" and seen.double_softmax
    soft, _ = observed(F.binary_cross_entropy_with_logits, 0.3 * half + 0.2, outputs=1)
    assert soft.top_share == 0


def test_the_margin_loss_of_equal_scores():
    """Every other class is within the margin."""
    seen, value = observed(*LOSSES["multi_margin_loss"])
    assert math.isclose(seen.uniform, value, rel_tol=1e-5)


def test_ignored_targets_are_left_out():
    """Padding of -100, or of another ``ignore_index``, is no label."""
    padded = torch.where(torch.arange(ROWS) < 6, -100, LABELS)
    seen, _ = observed(F.cross_entropy, padded)
    assert (seen.target_min, seen.target_count) == (0, ROWS - 6)
    seen, _ = observed(lambda z, y: F.cross_entropy(z, y, ignore_index=0), LABELS)
    assert seen.target_min == 1
    nothing, _ = observed(lambda z, y: F.cross_entropy(z, y), torch.full((ROWS,), -100))
    assert nothing.target_count == 0 and math.isnan(nothing.target_min)


def test_labels_out_of_range_are_seen():
    """The largest target stands beside the number of classes (torch itself refuses most)."""
    seen, _ = observed(lambda z, y: -z.log_softmax(1)[torch.arange(ROWS), y].mean(), LABELS - 1)
    assert seen.target_min == -1


def test_a_sum_is_read_as_a_mean():
    """``reduction="sum"`` is divided by the number of targets."""
    seen, value = observed(lambda z, y: F.cross_entropy(z, y, reduction="sum"), LABELS, scale=0.5)
    assert math.isclose(seen.value, value / ROWS, rel_tol=1e-5)


def test_classes_of_sequences_stand_in_the_second_dimension():
    """``cross_entropy`` of (N, K, L): K classes."""

    def loss(z, y):
        return F.cross_entropy(z.view(4, 6, CLASSES).transpose(1, 2), y.view(4, 6))

    seen, _ = observed(loss, LABELS)
    assert seen.classes == CLASSES and math.isclose(seen.uniform, math.log(CLASSES))


@pytest.mark.parametrize(
    "doubled",
    [
        lambda z, y: F.cross_entropy(z.softmax(1), y),
        lambda z, y: F.cross_entropy(z.softmax(1).view(-1, CLASSES), y),
        lambda z, y: F.nll_loss(z.softmax(1).log_softmax(1), y),
    ],
)
def test_a_second_softmax_is_found(doubled):
    """Also behind a view."""
    assert observed(doubled, LABELS)[0].double_softmax


def test_probabilities_in_the_place_of_logits():
    """Rows that sum to 1, made without a softmax."""
    seen, _ = observed(lambda z, y: F.cross_entropy(z.exp() / z.exp().sum(1, True), y), LABELS)
    assert seen.outputs_are_probabilities and not seen.double_softmax
    assert not observed(F.cross_entropy, LABELS, scale=1.0)[0].outputs_are_probabilities


@pytest.mark.parametrize("kind", ["mse_loss", "square"])
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_a_column_against_a_row_is_broadcast(kind):
    """(N, 1) against (N): every output meets every target."""
    loss = LOSSES[kind][0]
    seen, _ = observed(loss, QUANTITIES, outputs=1)
    assert seen.kind == kind and f"({ROWS}, 1) meet targets of shape ({ROWS},)" in seen.broadcast
    assert not observed(lambda z, y: loss(z[:, 0], y), QUANTITIES, outputs=1)[0].broadcast


def test_a_softmax_along_the_batch_is_found():
    """By its dimension, or by what sums to 1."""
    assert observed(lambda z, y: F.nll_loss(z.log_softmax(0), y), LABELS)[0].softmax_over_batch
    by_hand, _ = observed(
        lambda z, y: -(z.exp() / z.exp().sum(0)).log()[torch.arange(ROWS), y].mean(), LABELS
    )
    assert by_hand.softmax_over_batch
    assert not observed(*LOSSES["nll_loss"])[0].softmax_over_batch


def test_an_activation_before_the_loss_is_named():
    """Logits should be of any size."""
    assert (
        observed(lambda z, y: F.cross_entropy(z.tanh(), y), LABELS)[0].output_nonlinearity == "tanh"
    )
    assert observed(F.cross_entropy, LABELS)[0].output_nonlinearity == ""


def test_smoothed_and_signed_rows_are_one_hot_too():
    """Label smoothing, and the -1 and 1 of tanh."""
    for rows in (ONE_HOT, 0.9 * ONE_HOT + 0.02, 2 * ONE_HOT - 1):
        assert is_soft_one_hot(rows)
    assert not is_soft_one_hot(torch.randn(8, 4)) and not is_soft_one_hot(QUANTITIES[:, None])


def test_of_examples_in_columns_it_is_known_that_it_is_a_likelihood():
    """And no more: no experiment takes a column for a row."""
    seen, value = observed(lambda z, y: -(y.T * z.T.log_softmax(0)).sum(0).mean(), ONE_HOT)
    assert seen.kind == "nll_of_columns" and seen.value == pytest.approx(value)
    assert math.isnan(seen.uniform) and not seen.is_classification
    picked, value = observed(
        lambda z, y: -F.log_softmax(z.T, dim=0)[y, torch.arange(len(y))].mean(), LABELS
    )
    assert picked.kind == "nll_of_columns" and picked.value == pytest.approx(value)
    assert not picked.softmax_over_batch


def test_no_loss_is_below_the_entropy_of_smoothed_labels():
    """That of the best outputs, by torch itself; what is not smoothed, or weighted, has none."""

    def smoothed(z, y, weight=None):
        return F.cross_entropy(z, y, weight, label_smoothing=0.1)

    shares = 0.9 * ONE_HOT + 0.1 / CLASSES
    best = float(smoothed(shares.log(), LABELS))
    for loss, targets in ((smoothed, LABELS), (smoothed, ONE_HOT), (F.cross_entropy, shares)):
        assert observed(loss, targets)[0].floor == pytest.approx(best, rel=1e-4)
    assert observed(F.cross_entropy, LABELS)[0].floor == 0
    assert observed(F.cross_entropy, ONE_HOT)[0].floor == 0
    assert observed(lambda z, y: smoothed(z, y, torch.arange(5.0)), LABELS)[0].floor == 0


def test_a_loss_that_nobody_knows_is_left_out():
    """Nothing is made up of it."""
    seen, _ = observed(lambda z, y: z.sin().mean() + 0 * y.sum(), LABELS, scale=1.0)
    assert seen.kind == "" and seen.sign == 1 and math.isnan(seen.uniform)


def test_two_columns_of_real_numbers_are_not_one_hot():
    """The second largest of two is always the smallest: both numbers must recur."""
    assert not is_soft_one_hot(torch.randn(50, 2, generator=torch.Generator().manual_seed(0)))
    assert is_soft_one_hot(torch.eye(2)[torch.arange(50) % 2])


@pytest.mark.parametrize("by_hand", BY_DEFINITION)
def test_a_cross_entropy_by_its_definition_is_one(by_hand):
    """Scores less their log-sum-exp are log-probabilities, whatever they are called."""
    seen, value = observed(BY_DEFINITION[by_hand], LABELS, scale=0.5)
    assert seen.kind == "cross_entropy" and seen.sign == 1 and seen.is_classification
    assert math.isclose(seen.value, value, rel_tol=1e-5) and seen.classes == CLASSES
    assert not seen.broadcast
    up, _ = observed(lambda z, y: -BY_DEFINITION[by_hand](z, y), LABELS, scale=0.5)
    assert up.sign == -1 and math.isclose(up.value, value, rel_tol=1e-5)


def test_a_column_less_a_row_is_broadcast():
    """Keepdim in one of the two compares each example with every other's label."""

    def mixed(z, y):
        return (z.logsumexp(1, keepdim=True) - z[torch.arange(len(y)), y]).mean()

    assert observed(mixed, LABELS, scale=0.5)[0].broadcast


@pytest.mark.parametrize("by_hand", BINARY)
def test_a_binary_cross_entropy_by_its_definition_is_one(by_hand):
    """Logarithms of p and of 1 - p, weighed by labels that sum to one."""
    seen, value = observed(
        lambda z, y: BINARY[by_hand](z.sigmoid()[:, 0], y), (LABELS > 1).float(), 1, 0.5
    )
    assert seen.kind == "binary_cross_entropy" and seen.sign == 1
    assert math.isclose(seen.value, value, rel_tol=1e-5) and seen.target_max == 1


def test_the_share_of_a_class_that_counts_with_a_weight():
    """One in eight is positive; of five classes each is as frequent, up to a fifth."""
    rare = (torch.arange(ROWS) % 8 == 0).float()[:, None]
    binary = F.binary_cross_entropy_with_logits
    for weight, share in ((7.0, 0.5), (1 / 7, 0.98)):
        seen, _ = observed(lambda z, y, w=weight: binary(z, y, pos_weight=torch.tensor(w)), rare, 1)
        assert seen.weighed_share == pytest.approx(share, abs=1e-2) and seen.weighted
    weights = torch.tensor([3.0, 1, 1, 1, 1])
    seen, _ = observed(lambda z, y: F.cross_entropy(z, y, weight=weights), LABELS)
    assert seen.weighed_share == pytest.approx(15 / (15 + 19))


@pytest.mark.parametrize(("meant", "broadcast"), [(False, True), (True, False)])
def test_rows_may_be_compared_with_columns_where_both_were_made_so(meant, broadcast):
    """As each of some quantiles is with each of others."""

    def loss(z, y):
        return (y[None] - z[:, 0].unsqueeze(1) if meant else z - y).square().mean()

    assert bool(observed(loss, QUANTITIES, 1)[0].broadcast) is broadcast


SIGNS = QUANTITIES.sign()
IN_A_ROW = {
    "where": lambda z, y: torch.where(y > 0, 1 - z.sigmoid(), z.sigmoid()).mean(),
    "hinge": lambda z, y: (1 - z * y).relu().mean(),
    "likelihood": lambda z, y: -(y * z.sigmoid().log() + (1 - y) * (-z).sigmoid().log()).mean(),
}
MEANT = {
    "a column, too": lambda z, y: torch.where(y[:, None] > 0, 1 - z, z).mean(),
    "both in a row": lambda z, y: (1 - z.squeeze(1) * y).relu().mean(),
    "pairs": lambda z, y: (1 - z.squeeze(1)[:, None] * y).relu().mean(),
    "a mixture": lambda z, y: (z - y).logsumexp(1).mean(),
    "a best one": lambda z, y: (z - y).abs().min(1).values.mean(),
}


@pytest.mark.parametrize("name", [*IN_A_ROW, *MEANT])
def test_outputs_in_a_column_meet_targets_in_a_row(name):
    """Each output is compared with each target, unless a dimension was added for that."""
    seen, _ = observed({**IN_A_ROW, **MEANT}[name], SIGNS, outputs=1, scale=1.0)
    assert bool(seen.broadcast) == (name in IN_A_ROW)


SCALED = {
    "as far as the targets": (lambda z: 3.2 * z.sigmoid() - 1.1, 0.0),
    "too short": (lambda z: z.sigmoid() * 1.5 - 1, 0.5),
    "shifted first": (lambda z: (z.tanh() + 1) / 2 + 0.5, 2 / 3),
    "by something learned": (lambda z: z.sigmoid() * z, 0.0),
}


@pytest.mark.parametrize("name", SCALED)
def test_the_reach_of_an_activation_that_is_scaled(name):
    """Targets from -1 to 2."""
    bounded, share = SCALED[name]
    seen, _ = observed(lambda z, y: F.mse_loss(bounded(z).squeeze(1), y), QUANTITIES, outputs=1)
    assert seen.unreachable == pytest.approx(share, abs=0.05)
