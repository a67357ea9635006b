"""Lines where numbers on a grid change their sign."""

import numpy as np
import pytest

from gui.points.contour import contour


def test_a_straight_line_is_straight():
    """Every end lies where the plane of values is zero."""
    y, x = np.mgrid[:12, :20].astype(float)
    lines = contour(0.7 * x - y - 1.3)
    ends = lines.reshape(-1, 2)
    assert len(lines) > 10
    assert 0.7 * ends[:, 0] - ends[:, 1] == pytest.approx(np.full(len(ends), 1.3))


def test_a_circle_closes():
    """Each end is that of two lines, and all are as far from the middle."""
    y, x = np.mgrid[:41, :41].astype(float)
    lines = contour((x - 20) ** 2 + (y - 20) ** 2 - 150)
    ends, counts = np.unique(lines.reshape(-1, 2).round(6), axis=0, return_counts=True)
    assert set(counts) == {2}
    assert np.hypot(ends[:, 0] - 20, ends[:, 1] - 20) == pytest.approx(150**0.5, abs=0.05)


def test_a_saddle_has_two_lines_and_no_sign_none():
    """Four corners of alternating signs; and nothing where nothing changes."""
    assert len(contour(np.array([[1.0, -1.0], [-1.0, 1.0]]))) == 2
    assert contour(np.ones((5, 5))).shape == (0, 4)
    assert contour(np.zeros((5, 5))).shape == (0, 4)


def test_beside_nan_is_no_line():
    """A network that has diverged has no boundary there; elsewhere it has."""
    _, x = np.mgrid[:12, :20].astype(float)
    values = x - 9.5
    values[:6] = np.nan
    values[11] *= np.inf
    lines = contour(values)
    assert np.isfinite(lines).all()
    assert lines[:, [0, 2]] == pytest.approx(np.full((len(lines), 2), 9.5))
    assert lines[:, [1, 3]].min() == 6 and len(lines) == 4


@pytest.mark.parametrize("shape", [(1, 9), (9, 1)])
def test_a_single_row_has_no_cells(shape):
    """Where there is no cell there is no line."""
    assert contour(np.linspace(-1, 1, 9).reshape(shape)).shape == (0, 4)
