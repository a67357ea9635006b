"""The progress of a run in words."""

import numpy as np
import pytest

from core.telemetry.events import Metrics
from gui.background_job import STOPPING
from gui.session_state import State
from gui.widgets.transport import Transport


@pytest.mark.parametrize(("rate", "words"), [(1234.4, "1,234/s"), (0.07, "0.07/s")])
def test_a_step_that_takes_long_has_a_rate_too(qtbot, rate, words):
    """Not zero a second."""
    transport = Transport()
    qtbot.addWidget(transport)
    transport.show_state(State.TRAINING, True)
    transport.show_metrics(Metrics(40, np.ones(2), 0.5, 0.3, 30.0, 0.5), rate)
    assert transport.words.text() == f"Step 40  ·  30 s left  ·  {words}"


@pytest.mark.parametrize("state", [State.TRAINING, State.RANGE_TEST])
def test_a_stop_is_said_at_once(qtbot, state):
    """A step may take seconds yet: what it reports meanwhile does not look like going on."""
    transport = Transport()
    qtbot.addWidget(transport)
    transport.show_state(state, True)
    transport.stop.click()
    assert transport.words.text() == STOPPING and not transport.stop.isEnabled()
    transport.show_state(State.STOPPING, True)
    transport.show_metrics(Metrics(40, np.ones(2), 0.5, 0.3, 30.0, 0.5), 2.0)
    assert transport.words.text() == f"{STOPPING} at step 40"
