"""The mailbox keeps events in order, and of states only the newest."""

import threading

import numpy as np

from core.telemetry.events import Finished, Metrics, Snapshot
from core.telemetry.mailbox import Mailbox


def test_the_mailbox_keeps_order_and_only_the_newest_picture():
    """Metrics all come, in order; of snapshots the last; an ending is the last thing heard."""
    mailbox = Mailbox()

    def put():
        for step in range(100):
            mailbox.put(Metrics(step, np.zeros(1), 0.0, 0.0, 0.0, 0.0))
            mailbox.put(Snapshot(step, ()))
        mailbox.put(Finished(100, 1.0))

    thread = threading.Thread(target=put)
    thread.start()
    thread.join()
    events = mailbox.drain()
    assert [e.step for e in events if isinstance(e, Metrics)] == list(range(100))
    assert [e.step for e in events if isinstance(e, Snapshot)] == [99]
    assert isinstance(events[-1], Finished) and mailbox.drain() == []
