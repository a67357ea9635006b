"""The settings of the two networks."""

import pytest

from core.errors import UserError
from core.lessons.pair_settings import LECTURE_STEPS, SHOWN, NetworkSettings
from tests.core.lessons.pairs import SMALL


def test_the_lectures_steps_have_the_lectures_schedule():
    """200,000 steps come with a tenth of the rate in their second half; shorter runs with none."""
    assert SMALL.for_steps(LECTURE_STEPS).schedule == "drop"
    assert SMALL.for_steps(1000).schedule == "constant"


def test_settings_are_checked_with_a_sentence():
    """The sentence says what is allowed."""
    with pytest.raises(UserError, match="choose relu, tanh, sigmoid, gelu, none"):
        SMALL.replace({"activation": "softmax"})
    with pytest.raises(UserError, match="from 1 to 30"):
        SMALL.replace({"depth": 0})
    assert all(NetworkSettings.settings()[name].help for name in SHOWN)
