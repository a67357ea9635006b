"""Pictures of evidence: what is painted, what is told, and the scales under them."""

import math

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor

from core.doctor.diagnosis import Picture, Series
from gui import theme
from gui.charts.axes import Scale
from gui.charts.evidence import EvidencePicture
from gui.widgets.doctor_text import tidy
from tests.gui.doctor.diagnoses import CLASSES, GRADIENTS, LOSS, RATIO

NOTHING = Picture("Is there anything?", "lines", ())
GAPS = Picture(
    "Where did it end?",
    "lines",
    (Series("loss", (0.0, 1.0, 2.0, 3.0), (3.0, math.nan, math.inf, 2.0)),),
)
HANGING = Picture(
    "Which way?", "bars", (Series("change", (), (1.0, -0.5, math.nan)),), names=("a", "b", "c")
)


@pytest.fixture
def shown(qtbot):
    """Show a picture in a widget of its own."""

    def show(picture):
        widget = EvidencePicture()
        qtbot.addWidget(widget)
        widget.show_picture(picture)
        widget.resize(300, widget.sizeHint().height())
        widget.show()
        return widget

    return show


def colours(widget):
    """Return how often each colour is on a widget."""
    image = widget.grab().toImage()
    counted = {}
    for y in range(image.height()):
        for x in range(image.width()):
            name = image.pixelColor(QPoint(x, y)).name()
            counted[name] = counted.get(name, 0) + 1
    return counted


@pytest.mark.parametrize("picture", [LOSS, GRADIENTS, RATIO, CLASSES, NOTHING, GAPS, HANGING])
def test_any_picture_is_painted(shown, picture):
    """Lines, bars, logarithms, gaps, nothing at all: each is painted, in both themes."""
    widget = shown(picture)
    assert not widget.grab().isNull()
    assert widget.accessibleName() == picture.question


def test_a_validation_line_has_the_colour_of_validation(shown):
    """What has a colour in the whole program has it here."""
    assert colours(shown(LOSS)).get(QColor(theme.current().validation).name(), 0) > 20


def test_a_forecast_is_seen_in_its_band_and_told(shown):
    """In the colour of its curve, which the scale holds whole; and in words, and as numbers."""
    known = Series("validation", (0.0, 100.0), (3.0, 2.0))
    ahead = Series("forecast", (100.0, 200.0), (2.0, 1.5), (1.9, 1.0), (2.1, 2.0))
    plain, banded = (
        shown(Picture("Forecast", "lines", (known, series)))
        for series in (Series("forecast", ahead.x, ahead.y), ahead)
    )
    line = banded.lines[1]
    assert line.role == banded.lines[0].role == "validation" and line.dash
    assert banded.scale_y.low <= 1.0 < plain.scale_y.low
    surface = theme.current().colour("surface")
    shade = theme.current().colour("validation")
    painted = colours(banded)
    mixed = [
        name
        for name in painted
        if 10 < abs(QColor(name).green() - surface.green()) < abs(shade.green() - surface.green())
    ]
    assert sum(painted[name] for name in mixed) > 1000
    assert "forecast from 2 to 1.5 (1 to 2)" in banded.accessibleDescription()
    assert banded.csv_rows()[0] == [
        "step",
        "validation",
        "forecast",
        "forecast, low",
        "forecast, high",
    ]


def test_a_longer_bar_is_longer(shown):
    """Twice the value, about twice the painted colour."""

    def painted(value):
        picture = Picture("?", "bars", (Series("", (), (value, 4.0)),), names=("a", "b"))
        return shown(picture).grab().toImage()

    one, two = painted(1.0), painted(2.0)
    row = 16

    def length(image):
        return sum(
            image.pixelColor(x, row).blue() > image.pixelColor(x, row).red() + 60
            for x in range(image.width())
        )

    assert length(two) == pytest.approx(2 * length(one), rel=0.1) and length(one) > 20


def test_the_numbers_are_told(shown):
    """A reader of screens hears bars by name, lines from end to end, and the levels."""
    assert "hidden 1 0.048" in shown(RATIO).accessibleDescription()
    assert "healthy 0.001" in shown(RATIO).accessibleDescription()
    assert "validation from 3.3 to 3.77" in shown(LOSS).accessibleDescription()


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([0.0, 1.0], False),
        ([-3.0, 70.0], False),
        ([1e-5, 10.0], True),
        ([2.0, 3.0], True),
        ([], True),
    ],
)
def test_a_scale_holds_its_values_and_has_round_ticks(values, log):
    """All values stand on the scale, and two to six numbers are written beside it."""
    scale = Scale.over(values, log)
    assert all(0 <= scale.share(v) <= 1 for v in values if v > 0 or not log)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 6 and all(0 <= scale.share(v) <= 1 for v in ticks)


def test_zero_has_no_place_on_a_logarithm():
    """It is left out, rather than painted anywhere."""
    assert math.isnan(Scale.over([1.0, 10.0], log=True).share(0.0))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a step of 10^-1.2", "A step of 10⁻¹˙²"),
        ("expected: 10^3", "Expected: 10³"),
        ("letter.weight is zero", "letter.weight is zero"),
        ("", ""),
    ],
)
def test_the_doctors_words_are_tidied(said, shown):
    """Powers are raised, sentences begin with a capital, names in code stay as they are."""
    assert tidy(said) == shown
