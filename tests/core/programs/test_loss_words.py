"""How the loss of a watched training is told."""

import math

import pytest

from core.files import plain
from core.programs.loss_words import loss_words


@pytest.mark.parametrize(
    ("first", "last", "tenth", "words"),
    [
        (2.30259, 0.9, 0.41234, "loss 2.3 (first step) to 0.412 (mean of the last tenth)"),
        (12345.6, 2e-7, 3e-7, "loss 12,346 (first step) to 3 × 10⁻⁷ (mean of the last tenth)"),
        (2.0, math.nan, 1.0, "loss 2 (first step) to NaN or infinity"),
        (math.nan, math.nan, math.nan, ""),
    ],
)
def test_a_noisy_last_step_does_not_stand_for_the_end(first, last, tenth, words):
    """One that is not finite does; a mean would hide it."""
    losses = {"first_loss": first, "last_loss": last, "last_tenth_loss": tenth}
    assert loss_words(plain(losses)) == words
