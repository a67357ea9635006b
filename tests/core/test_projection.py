"""Points in a plane: principal components against an SVD, and t-SNE's promises."""

import numpy as np
import pytest

from core.interruption import CancelledError, heeding
from core.projection import aligned, principal_components, tsne, usable_perplexity


def blobs(count=20, dimensions=6):
    """Two clusters far apart."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(at, 0.3, (count, dimensions)) for at in (0, 4)])


@pytest.mark.parametrize("shape", [(40, 7), (12, 90)])
def test_principal_components_are_those_of_an_svd(shape):
    """Of many points and of many dimensions: scores up to their sign, shares of the variance."""
    points = np.random.default_rng(1).normal(size=shape) * np.linspace(3, 1, shape[1])
    found = principal_components(points, most=5)
    left, sizes, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.scores), np.abs(left[:, :5] * sizes[:5]), atol=1e-8)
    np.testing.assert_allclose(found.explained, (sizes**2 / (sizes**2).sum())[:5], atol=1e-10)
    assert found.dimensions == shape[1] and found.plane.shape == (shape[0], 2)


def test_points_that_do_not_differ_lie_on_one_spot():
    """One column, and points that are all the same."""
    alone = principal_components(np.array([[1.0], [2.0], [4.0]]))
    assert alone.plane.shape == (3, 2) and not alone.plane[:, 1].any()
    same = principal_components(np.ones((4, 3)))
    assert not same.plane.any() and same.in_plane == 1.0
    assert not tsne(same.scores).any()


def test_a_picture_is_turned_to_look_like_the_one_before():
    """A mirrored and turned picture comes back; one of other points stays."""
    points = np.random.default_rng(2).normal(size=(9, 2))
    turned = points @ np.array([[0.6, 0.8], [0.8, -0.6]])
    np.testing.assert_allclose(aligned(turned, points), points, atol=1e-9)
    assert aligned(turned, None) is turned and aligned(turned, points[:4]) is turned


def test_tsne_keeps_neighbours_and_repeats_itself():
    """Each point's nearest are of its own cluster; the same seed gives the same picture."""
    points, shown = blobs(), []
    found = tsne(points, perplexity=8, show=shown.append)
    gaps = np.linalg.norm(found[:, None] - found[None], axis=2)
    nearest = gaps.argsort(1)[:, 1:6]
    assert ((nearest < 20) == (np.arange(40) < 20)[:, None]).all()
    assert shown[-1].done and [each.done for each in shown[:-1]] == [False] * (len(shown) - 1)
    np.testing.assert_array_equal(found, tsne(points, perplexity=8))


def test_tsne_is_given_up_when_nobody_waits():
    """At its next look at what was done."""
    seen = []
    with pytest.raises(CancelledError), heeding(lambda: len(seen) > 1):
        tsne(blobs(), show=seen.append)
    assert len(seen) == 2


def test_few_points_have_less_perplexity():
    """A point can't have more neighbours than there are."""
    assert usable_perplexity(30, 500) == 30 and usable_perplexity(30, 28) == 9
    assert usable_perplexity(30, 2) == 1
