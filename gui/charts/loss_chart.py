"""The loss over the steps of a training, drawn up as evidence."""

from core.doctor.diagnosis import Picture, Series
from core.telemetry.history import History

POINTS = 300
QUESTION = "How wrong is it?"


def loss_picture(history: History, uniform: float = 0.0, question: str = QUESTION) -> Picture:
    """Return every step's loss and their mean, against the loss of an even guess (0 for none)."""
    loss = history.loss
    every = max(1, len(loss.x) // POINTS)
    x = tuple(loss.x[::every].tolist())
    rough, smooth = loss.y[::every].tolist(), loss.smoothed()[::every].tolist()
    lines = (Series("every step", x, tuple(rough)), Series("smoothed", x, tuple(smooth)))
    levels = (("an even guess", uniform),) if uniform else ()
    return Picture(question, "lines", lines if x else (), levels=levels)
