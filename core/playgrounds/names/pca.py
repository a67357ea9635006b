"""Points in many dimensions as points on a page."""

import numpy as np

from ...telemetry.events import Array


def flatten(points: Array, before: Array | None = None) -> tuple[Array, float]:
    """Return points (V, E) along their two widest directions (PCA), and the spread these hold.

    Args:
        points: one a row.
        before: the picture before this one (V, 2); the new one is turned to look as much like it
            as it can, so that what is watched does not flip (the orthogonal Procrustes problem).

    Returns:
        (V, 2), and the share of the variance that the two directions hold.
    """
    centred = points - points.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    flat = np.zeros((len(points), 2))
    count = min(2, len(sizes))
    flat[:, :count] = left[:, :count] * sizes[:count]
    total = float(np.square(sizes).sum())
    held = float(np.square(sizes[:2]).sum()) / total if total else 1.0
    if before is not None and before.shape == flat.shape:
        one, _, other = np.linalg.svd(flat.T @ before)
        flat = flat @ (one @ other)
    return flat, held
