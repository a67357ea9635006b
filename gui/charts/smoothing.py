"""The smoothing of noisy curves, for display only, and the slider that sets it."""

import numpy as np
from PySide6.QtCore import Qt

from core.telemetry.events import Array
from gui.inputs import Slider

USUAL = 60  # of 100, as in TensorBoard
PARTS = 400  # of a curve: the weight is that of what came one part before


def smoothed(x: Array, y: Array, smoothing: float) -> Array:
    """Return the exponential moving average of a curve.

    The weight of earlier points falls with the distance along x, so that a curve looks alike
    however many points it has ("time-weighted EMA" in Weights & Biases). The first points are not
    pulled towards zero, and values that are not finite leave gaps and no trace.

    Args:
        x: places, (n,), ascending.
        y: values, (n,).
        smoothing: from 0 (none) to 1; the weight of points a 400th of the curve before.
    """
    if len(x) < 3 or smoothing <= 0:
        return y
    reach = float(x[-1] - x[0]) or 1.0
    apart = np.diff(x, prepend=2 * x[0] - x[1])
    weights = min(0.999, np.sqrt(smoothing)) ** (PARTS * apart / reach)
    average, total, found = 0.0, 0.0, []
    for value, weight in zip(y.tolist(), weights.tolist(), strict=True):
        if not np.isfinite(value):
            found.append(value)
            continue
        average = weight * average + (1 - weight) * value
        total = weight * total + (1 - weight)
        found.append(average / total)
    return np.array(found)


class SmoothingSlider(Slider):
    """How strongly a curve is smoothed."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setObjectName(name)
        self.setAccessibleName("Smoothing")
        self.setToolTip(
            "<p><b>Smoothing</b> of the curve: an exponential moving average, from none at the left"
            " to strong at the right. It changes what is drawn, not what is measured; the faint"
            " curve behind it is the loss of every step.</p>"
        )
        self.setRange(0, 99)
        self.setPageStep(10)
        self.setValue(USUAL)
        self.setFixedWidth(44)

    def smooth(self, x: Array, y: Array) -> Array:
        """Return a curve's values, (n,), as smooth as is set."""
        return smoothed(x, y, self.value() / 100)
