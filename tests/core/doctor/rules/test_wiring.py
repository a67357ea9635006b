"""Rules on the wiring, from small made-up observations."""

import math

import pytest

from core.doctor.evidence import DataStats
from core.doctor.experiments.reference_networks import References
from core.doctor.rules import wiring
from tests.core.doctor.rules.helpers import UNIFORM, evidence, falling, step, steps, tried

PARTS = {
    "dims_scrambled": "",
    "layer_repeated": "",
    "attention_unscaled": "attention",
    "attention_axis": "attention",
    "attention_mask_late": "attention",
    "residual_missing": "attention",
    "batch_norm_tiny": "batch norm",
    "padding_read": "recurrence",
    "padding_in_loss": "sequence of classes",
}


@pytest.mark.parametrize(("id", "part"), PARTS.items())
def test_what_most_steps_show_has_failed(id, part):
    """Once may be the last batch of an epoch. What a network has no part for is not checked."""
    check = getattr(wiring, id).check
    odd, parts = (("something_else", "no"), (id, "as it was seen")), frozenset({part})
    assert check(evidence(steps(parts=parts))).passed
    assert check(evidence([*steps(parts=parts), step(190, wiring=odd)])).passed
    assert check(evidence()).passed is (None if part else True)
    found = check(evidence(steps(wiring=odd, parts=parts)))
    assert found.passed is False and found.measured == "as it was seen" and found.where


@pytest.mark.parametrize(("others", "passed"), [(None, True), (0.9, True), (0.1, False)])
def test_a_detached_state_may_be_meant_where_the_network_learns_all_the_same(others, passed):
    """But not where a network as large, trained anew, learns far more."""
    odd = steps(wiring=(("state_detached", "as it was seen"),))
    found = evidence(odd, falling(end=0.8 * UNIFORM))
    none = math.nan
    networks = (2.0, 2.0, none, 2.0 * (others or 1), *[none] * 8)
    if others:
        tried(found, "reference_networks", None, References(*networks, 600, 400, True))
    assert wiring.state_detached.check(found).passed is passed


def test_padding_through_which_it_learns_is_no_fault():
    """A recurrent network may carry what counts to the end."""
    odd, stats = steps(wiring=(("padding_read", "as it was seen"),)), DataStats(entropy=3.0)
    assert wiring.padding_read.check(evidence(odd, falling(end=0.5), data=stats)).passed
    assert not wiring.padding_read.check(evidence(odd, falling(end=2.5), data=stats)).passed


def test_positions_that_attention_does_not_see():
    """Of a language model at once: other labels may be of a set of tokens."""
    for kind, given in (("language model", True), ("classification", None)):
        case = evidence(steps(training_kind=kind))
        assert wiring.positions_missing.check(case).passed is None
        for passed in (True, False):
            found = tried(case, "positions_exchanged", passed)
            expected = passed if given else None
            assert wiring.positions_missing.check(found).passed is expected


@pytest.mark.parametrize(("end", "passed"), [(1.0, True), (UNIFORM, False)])
def test_a_sum_that_grows_is_a_fault_where_the_network_does_not_learn(end, passed):
    """Many residual networks without a normalisation learn well."""
    odd = steps(wiring=(("normalisation_missing", "it grows"),))
    assert wiring.normalisation_missing.check(evidence(odd, falling(end=end))).passed is passed


@pytest.mark.parametrize(
    ("table", "end", "passed"), [(0.1, 2.9, False), (2.8, 2.9, None), (0.1, 1.0, None)]
)
def test_positions_that_a_label_depends_on(table, end, passed):
    """The token of one place tells it, and the network, whose tokens have none, learns nothing."""
    seen = evidence(losses=falling(3.0, end), data=DataStats(entropy=3.0, pair_entropy=table))
    found = wiring.positions_missing.check(tried(seen, "positions_exchanged", False))
    assert found.passed is passed
