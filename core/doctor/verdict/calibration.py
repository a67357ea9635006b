"""How often a cause is right: what a person reads as its confidence.

A rule says how clear its finding is, and by that score causes are ranked. Of programs of which it
is known what is wrong with them it was counted how often the cause named first was right.
"""

import numpy as np

SHARES = ((0.0, 0.0), (0.55, 0.25), (0.76, 0.75), (0.92, 0.98))
"""Scores, and the share that was right around them: ``python -m bench.calibration fit``."""


def calibrated(score: float) -> float:
    """Return the confidence of a cause with that score."""
    scores, shares = zip(*SHARES, strict=True)
    return round(float(np.interp(score, scores, shares)), 2)
