"""Short trainings of two networks."""

from core.lessons.pair_history import NetworkHistory, PairEvent
from core.lessons.pair_settings import NetworkSettings
from core.lessons.paired_runs import train_pair
from core.telemetry.events import Metrics
from core.training.control import Control

SMALL = NetworkSettings(depth=3, width=24, steps=30)
SIGMOID = NetworkSettings(activation="sigmoid", gain=1.0, steps=2)


def trained(first, second, names, control=None):
    """Return a history of each network, and the events of both."""
    histories, others = (NetworkHistory(), NetworkHistory()), []
    for event in train_pair((first, second), names, control or Control()):
        if isinstance(event, PairEvent):
            histories[event.network].add(event.event)
        else:
            others.append(event)
    return *histories, others


def losses(first, second, names):
    """Return the losses of every step, of A and of B."""
    told = [[], []]
    for event in train_pair((first, second), names, Control()):
        if isinstance(event, PairEvent) and isinstance(event.event, Metrics):
            told[event.network] += event.event.losses.tolist()
    return told
