"""Rules on the wiring, from small made-up observations."""

import pytest

from core.doctor.evidence import DataStats
from core.doctor.rules import wiring
from tests.core.doctor.rules.helpers import evidence, falling, step, steps

IDS = (
    *("dims_scrambled", "attention_unscaled", "attention_axis", "attention_mask_late"),
    *("layer_repeated", "batch_norm_tiny", "padding_read"),
)


@pytest.mark.parametrize("id", IDS)
def test_what_most_steps_show_has_failed(id):
    """Once may be the last batch of an epoch."""
    check = getattr(wiring, id).check
    odd = (("something_else", "no"), (id, "as it was seen"))
    assert check(evidence()).passed
    assert check(evidence([*steps(), step(190, wiring=odd)])).passed
    found = check(evidence(steps(wiring=odd)))
    assert found.passed is False and found.measured == "as it was seen" and found.where


def test_padding_through_which_it_learns_is_no_fault():
    """A recurrent network may carry what counts to the end."""
    odd, stats = steps(wiring=(("padding_read", "as it was seen"),)), DataStats(entropy=3.0)
    assert wiring.padding_read.check(evidence(odd, falling(end=0.5), data=stats)).passed
    assert not wiring.padding_read.check(evidence(odd, falling(end=2.5), data=stats)).passed
