"""Where a session stands."""

from enum import Enum


class State(Enum):
    """Where a session stands; the word is what the screen says."""

    LOADING = "Loading torch"
    """The program is up, torch is not; one can draw, but nothing answers yet."""
    READY = "Ready"
    """A network is there to play with; nothing is being trained."""
    STARTING = "Starting"
    """A run was asked for; data and model are being made."""
    TRAINING = "Training"
    """Steps are being done."""
    PAUSED = "Paused"
    """The run stands at a step edge; step, go on or stop."""
    STOPPING = "Stopping"
    """The run ends: the network is judged and kept."""

    OPENING = "Opening"
    """A checkpoint or data is being read; one can play with what is there, not train."""
    SWEEPING = "Trying learning rates"
    """A fresh network is trained for a look at learning rates; what is there stays as it is."""
    FETCHING = "Downloading"
    """Data is being fetched; one can play, not train."""

    CLOSED = "Closed"
    """The window is gone; what still comes from the worker is not heard."""

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self in (State.STARTING, State.TRAINING, State.PAUSED, State.STOPPING)
