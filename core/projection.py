"""Points of many dimensions in a plane: principal components (PCA), and t-SNE."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .interruption import heed
from .telemetry.events import Array

COMPONENTS = 50
"""As many principal components t-SNE is given; the rest is mostly noise, and costs time."""
PERPLEXITY = 30.0
"""Van der Maaten and Hinton had 5 to 50, and 40 for MNIST."""
EARLY, LATE = 250, 500
"""Iterations: with attraction exaggerated, so that clusters can pass one another, and without."""
SHOWN_EVERY = 50  # iterations
FEWEST = 5  # points that t-SNE is of use for


@dataclass(frozen=True)
class Components:
    """Points along their principal components, the first of which explains the most variance.

    Attributes:
        scores: (N, K), the points in these coordinates.
        explained: (K,), each component's share of the variance.
        dimensions: of the points as they were.
    """

    scores: Array
    explained: Array
    dimensions: int

    @property
    def plane(self) -> Array:
        """The points in the first two components, (N, 2)."""
        flat = np.zeros((len(self.scores), 2))
        count = min(2, self.scores.shape[1])
        flat[:, :count] = self.scores[:, :count]
        return flat

    @property
    def in_plane(self) -> float:
        """The share of the variance that the plane explains; 1 of points that don't differ."""
        return round(float(self.explained[:2].sum()), 6) if self.explained.any() else 1.0


@dataclass(frozen=True)
class Projected:
    """Where t-SNE has put the points by now.

    Attributes:
        points: (N, 2).
        iteration: how many have been done.
        iterations: how many there will be.
    """

    points: Array
    iteration: int
    iterations: int

    @property
    def done(self) -> bool:
        """Whether these are the last."""
        return self.iteration == self.iterations


def principal_components(points: Array, most: int = COMPONENTS) -> Components:
    """Return points along their principal components (Pearson 1901).

    Args:
        points: (N, H), finite, one a row.
        most: how many components at most.
    """
    import torch  # its products keep to one thread; numpy's wait for one another on a busy machine

    centred = torch.from_numpy(np.array(points, np.float64))
    centred -= centred.mean(0)
    count = min(most, *centred.shape)
    # From the smaller of the two products with itself: a picture has more pixels than there are
    # pictures, and a singular value decomposition of them takes many times as long.
    wide = centred.shape[1] > centred.shape[0]
    squares, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    squares = squares.flip(0)[:count].clamp(min=0.0)
    vectors = vectors.flip(1)[:, :count]
    total = float(centred.square().sum())
    scores = vectors * squares.sqrt() if wide else centred @ vectors
    explained = squares / total if total else 0 * squares
    return Components(scores.numpy(), explained.numpy(), points.shape[1])


def aligned(points: Array, before: Array | None) -> Array:
    """Return points (N, 2) turned or mirrored to look as much like those before as they can.

    So what is watched does not flip (the orthogonal Procrustes problem, Schönemann 1966).
    """
    if before is None or before.shape != points.shape:
        return points
    one, _, other = np.linalg.svd(points.T @ before)
    turned: Array = points @ (one @ other)
    return turned


def usable_perplexity(perplexity: float, count: int) -> float:
    """Return the perplexity that so many points allow: each needs three times as many others."""
    return max(1.0, min(perplexity, (count - 1) / 3))


def tsne(
    points: Array,
    perplexity: float = PERPLEXITY,
    seed: int = 0,
    show: Callable[[Projected], object] = lambda projected: None,
) -> Array:
    """Return points of a plane in which neighbours stay neighbours (van der Maaten, Hinton 2008).

    Each pair gets a probability from its distance, in the plane by a Student t-distribution, whose
    long tails leave room between clusters; the points are moved by gradient descent on the
    Kullback-Leibler divergence of the two. The library is openTSNE (Poličar, Stražar and Zupan
    2024), which begins with the first two principal components (Kobak and Berens 2019). One thread,
    so that the same points and seed give the same picture.

    Args:
        points: (N, K), finite; best along their principal components, at most ``COMPONENTS``.
        perplexity: about how many neighbours count for each point; less where there are few.
        seed: of the small random numbers that part points which coincide.
        show: is handed what there is, every ``SHOWN_EVERY`` iterations and at the end.

    Raises:
        CancelledError: nobody waits for it any more (see :mod:`core.interruption`).
    """
    iterations = EARLY + LATE
    if len(points) < FEWEST or not np.ptp(points, axis=0).any():
        found = np.zeros((len(points), 2))
        show(Projected(found, iterations, iterations))
        return found
    from openTSNE import TSNE  # takes a second or two, with scikit-learn under it

    heed()
    done = 0

    def look(iteration: int, error: float, embedding: Array) -> None:
        nonlocal done
        heed()
        done += SHOWN_EVERY
        if done < iterations:
            show(Projected(np.array(embedding, float), done, iterations))

    fitted = TSNE(
        perplexity=usable_perplexity(perplexity, len(points)),
        early_exaggeration_iter=EARLY,
        n_iter=LATE,
        initialization="pca",
        neighbors="exact",
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
        callbacks=look,
        callbacks_every_iters=SHOWN_EVERY,
    ).fit(np.ascontiguousarray(points, float))
    found = np.array(fitted, float)
    show(Projected(found, iterations, iterations))
    return found
