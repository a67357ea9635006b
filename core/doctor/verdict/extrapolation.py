"""The loss curve extrapolated: what twice as many steps would bring, and how certain that is.

L(t) = a + b * t^-c, the form that losses of trained networks follow (Hestness et al. 2017; Kaplan
et al. 2020), fitted over the second half of the run, for many c, each with its least squares.
"""

from dataclasses import dataclass

import numpy as np

from ...telemetry.events import Array

EXPONENTS = np.linspace(0.05, 2.0, 40)
MIN_POINTS = 8


@dataclass(frozen=True)
class Extrapolation:
    """What a loss curve will be.

    Attributes:
        now: the loss at the end, by the fit.
        twice: at twice as many steps.
        low, high: of ``twice``, where nine of ten fits lie.
    """

    now: float
    twice: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """What twice as many steps would bring, as a part of the loss."""
        return (self.now - self.twice) / abs(self.now) if self.now else 0.0


def extrapolate(steps: Array, losses: Array) -> Extrapolation | None:
    """Extrapolate a curve; None if there is too little of it, or it does not fall.

    Args:
        steps: ascending.
        losses: the mean loss around each of them.
    """
    good = np.isfinite(losses) & (steps > 0)
    x, y = steps[good].astype(float), losses[good]
    if len(x) < MIN_POINTS:
        return None
    start = len(x) // 4
    x, y = x[start:], y[start:]
    end = x[-1]
    fits = []
    for exponent in EXPONENTS:
        basis = np.stack([np.ones_like(x), (x / end) ** -exponent], 1)
        (a, b), *_ = np.linalg.lstsq(basis, y, rcond=None)
        if a < 0 <= y.min():  # what has never been below 0 will not go there
            a, b = 0.0, float(basis[:, 1] @ y / (basis[:, 1] @ basis[:, 1]))
        error = float(((basis @ np.array([a, b]) - y) ** 2).sum())
        if b >= 0:
            fits.append((error, a, b, exponent))
    if not fits:
        return None
    least = min(fits)[0]
    # What fits nearly as well is as likely: all within one more unit of noise.
    noise = least / max(1, len(x) - 3) + 1e-15
    likely = [f for f in fits if f[0] <= least + 4 * noise]
    twice = np.array([a + b * 2.0**-c for _, a, b, c in likely])
    _, a, b, c = min(fits)
    return Extrapolation(
        now=float(a + b),
        twice=float(a + b * 2.0**-c),
        low=float(np.quantile(twice, 0.05)),
        high=float(np.quantile(twice, 0.95)),
    )
