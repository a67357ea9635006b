"""Distorted digits, and how a network's accuracy over a distortion is measured."""

import numpy as np
import pytest
import torch

from core.interruption import CancelledError, heeding
from core.playgrounds.digits.data import MEAN, STD, Split
from core.playgrounds.digits.robustness import DISTORTIONS, distort, interval, measure


def spot(row, column):
    """A picture with ink around one place."""
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, row - 1 : row + 2, column - 1 : column + 2] = 1
    return image


def middle(image):
    """Where the ink of a picture is, as row and column."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    ink = image[0, 0] / image.sum()
    return float((rows * ink).sum()), float((columns * ink).sum())


def test_a_turn_is_counterclockwise():
    """What was above the middle lies left of it after a quarter turn."""
    assert middle(distort("rotation", 90, spot(5, 14))) == pytest.approx((13, 5), abs=0.6)
    torch.testing.assert_close(distort("rotation", 0, spot(5, 14)), spot(5, 14))


def test_a_shift_is_as_far_as_it_says():
    """Each in a direction of its own, the same for each amount."""
    images = spot(14, 14).expand(30, 1, 28, 28)
    moved = [distort("shift", pixels, images) for pixels in (3, 6)]
    near, far = (np.array([middle(m[i : i + 1]) for i in range(30)]) - 14 for m in moved)
    np.testing.assert_allclose(np.hypot(*near.T), 3, atol=0.05)
    np.testing.assert_allclose(far, 2 * near, atol=0.05)
    assert len(np.unique(near.round(1), axis=0)) > 20


def test_noise_has_its_standard_deviation():
    """Before ink is cut off at paper and full ink."""
    grey = torch.full((50, 1, 28, 28), 0.5)
    noisy = distort("noise", 0.1, grey)
    assert float((noisy - 0.5).std()) == pytest.approx(0.1, rel=0.02)
    assert distort("noise", 1.0, grey).aminmax() == (0.0, 1.0)


def test_the_interval_is_wilsons():
    """81 of 263 (Newcombe 1998); and it says something where all are right."""
    low, high = interval(np.array([81 / 263, 1.0]), 263)
    assert (low[0], high[0]) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert low[1] < 0.99 and high[1] == pytest.approx(1)


class ByTheMiddle(torch.nn.Module):
    """Says 0 where the middle of a picture has ink, else 1."""

    def __init__(self):
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images):
        ink = images[:, 0, 13:15, 13:15].mean((1, 2)) * STD + MEAN
        return torch.stack([ink, 0.5 - ink], 1)


@pytest.fixture
def split():
    """Four pictures of which two have ink in the middle."""
    images = torch.cat([spot(14, 14), spot(14, 14), spot(6, 6), spot(6, 6)])[:, 0]
    return Split((images * 255).byte(), torch.tensor([0, 0, 1, 1]))


def test_a_curve_has_an_accuracy_for_each_amount(split):
    """One that looks at the middle alone bears turns of what lies there, and no shift."""
    steps = list(measure(ByTheMiddle(), split))
    shares = [share for share, _ in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    curves = {curve.key: curve for _, curve in steps if curve is not None}
    assert list(curves) == [each.key for each in DISTORTIONS]
    assert (curves["rotation"].accuracy == 1).all()
    shift = curves["shift"]
    assert shift.accuracy[0] == 1 and shift.accuracy[-1] < 1 and shift.size == 4
    assert (shift.low < shift.accuracy).all() and shift.labels.tolist() == [0, 1]
    assert shift.images.shape == (11, 2, 28, 28) and shift.answers[-1, 0] == 1


def test_it_is_given_up_when_nobody_waits(split):
    """At the next pictures."""
    with pytest.raises(CancelledError), heeding(lambda: True):
        next(measure(ByTheMiddle(), split))
