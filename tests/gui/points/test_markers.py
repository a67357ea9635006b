"""The colours of the plane."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from gui import theme
from gui.points.markers import ROLES, class_image


def parts(colour):
    """Red, green and blue of a colour, or of pixels (...) as 0xFFRRGGBB."""
    packed = np.asarray(QColor(colour).rgba() if isinstance(colour, str) else colour)
    return np.stack([packed >> shift & 0xFF for shift in (16, 8, 0)], -1).astype(int)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_colour_is_paler_the_less_sure(monkeypatch, name, classes):
    """Half way from the paper to a sure class; in between by the root of how sure it is."""
    now = theme.THEMES[name]
    monkeypatch.setattr(theme, "_current", now)
    answers = np.random.default_rng(0).dirichlet(np.full(classes, 0.4), (40, 30))
    answers[0, :classes] = np.eye(classes)
    answers[1, 0], answers[1, 1] = 1 / classes, np.nan
    found, paper = parts(class_image(answers.astype(np.float32))), parts(now.surface)
    sure = np.clip((np.nan_to_num(answers) - 1 / classes) / (1 - 1 / classes), 0, 1)
    colours = np.array([parts(getattr(now, role)) for role in ROLES[:classes]])
    mixed = paper + 0.5 * np.sqrt(sure) @ (colours - paper)
    assert np.abs(found - mixed).max() <= 4
    assert (found[1, 1] == paper).all()
