"""What a session does at a moment."""

from enum import Enum


class State(Enum):
    """What a session does; the words are what the screen says."""

    LOADING = "Loading torch"
    """torch is not there yet; one can draw, but no network answers."""
    UNAVAILABLE = "No torch"
    """torch can't be loaded; one can draw and read, but no network answers."""
    READY = "Ready"
    """A network can be used; nothing is being trained."""
    STARTING = "Starting"
    """A run was asked for; data and model are being made."""
    WAITING = "Waiting"
    """The run waits until others have had their turn."""
    TRAINING = "Training"
    """Steps are being done."""
    PAUSED = "Paused"
    """The run waits between two steps; step, resume or stop."""
    STOPPING = "Stopping"
    """The run ends: the network is evaluated and saved."""

    OPENING = "Opening"
    """A checkpoint or data is being read; the present network can be used, none trained."""
    RANGE_TEST = "Learning-rate range test"
    """A new network is trained at rising learning rates; the present one stays as it is."""
    FETCHING = "Downloading"
    """Data is being downloaded; the present network can be used, none trained."""

    CLOSED = "Closed"
    """The window is closed."""

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self in (
            State.STARTING,
            State.WAITING,
            State.TRAINING,
            State.PAUSED,
            State.STOPPING,
        )
