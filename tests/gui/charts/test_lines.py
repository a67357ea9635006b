"""Line charts under real hands: values on hover, zoom, drag and reset; what is drawn and where."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from gui.charts.lines import POINTS, Line, PaintedChart, PlotChart

STEPS = np.arange(1.0, 401.0)
LOSS = 2.0 * np.exp(-STEPS / 100) + 0.5
SEEN = STEPS[::80]


@pytest.fixture(params=[PlotChart, PaintedChart])
def chart(qtbot, request):
    """A chart of 400 steps, and of five evaluations, on the screen."""
    made = request.param("lossPlot", "Loss", "loss (nats)")
    qtbot.addWidget(made)
    lines = [
        Line("training", x=STEPS, y=LOSS),
        Line("validation", "validation", x=SEEN, y=SEEN / 400),
    ]
    made.set_lines(lines)
    made.resize(420, 240)
    made.show()
    return made


def spot(chart, x, up=0.5):
    """Return the pixel of a place of the x-axis."""
    frame = chart.frame()
    share = chart.window_x.seen.share(x)
    return QPoint(
        round(frame.left() + share * frame.width()), round(frame.bottom() - up * frame.height())
    )


def hover(chart, x):
    """Move the mouse there."""
    QTest.mouseMove(chart, spot(chart, x))
    QApplication.processEvents()


def wheel(chart, x, notches, held=Qt.KeyboardModifier.NoModifier):
    """Turn the wheel there; return whether the chart took it."""
    place = QPointF(spot(chart, x))
    event = QWheelEvent(
        place,
        QPointF(chart.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        held,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(chart, event)
    return event.isAccepted()


def test_hovering_shows_step_and_values(chart):
    """The step under the mouse and each curve's value there; nothing when the mouse leaves."""
    assert chart.hover_text() == ""
    hover(chart, 161)
    head, training, validation = chart.hover_text().split("\n")
    assert head.startswith("step 1") and abs(float(head.split()[1]) - 161) <= 2
    step = int(head.split()[1])
    assert training == f"training: {chart.write(LOSS[step - 1])}"
    assert validation == "validation: 0.403"
    assert chart.accessibleDescription() == chart.hover_text()
    before = chart.grab().toImage()
    QTest.mouseMove(chart, QPoint(5, 5))
    QApplication.processEvents()
    assert chart.hover_text() == "" and chart.grab().toImage() != before


def test_the_wheel_zooms_at_the_mouse_and_a_double_click_resets(chart):
    """The step under the mouse stays there; the y-axis follows what is seen."""
    whole, top = chart.window_x.seen, chart.scale_y.high
    assert wheel(chart, 300, 3)
    seen = chart.window_x.seen
    assert seen.high - seen.low == pytest.approx(0.8**3 * 400)
    assert seen.share(300) == pytest.approx(whole.share(300), abs=0.01)
    assert chart.scale_y.high < top
    wheel(chart, 300, -1)
    assert chart.window_x.seen.high - chart.window_x.seen.low == pytest.approx(0.8**2 * 400)
    QTest.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=spot(chart, 300))
    assert chart.window_x.seen == whole and chart.scale_y.high == top


def test_dragging_moves_what_is_seen(chart):
    """By as much as the mouse, and never beyond the ends."""
    wheel(chart, 200, 4)
    low, high = chart.window_x.seen.low, chart.window_x.seen.high
    start = spot(chart, 200)
    QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(chart, start + QPoint(-60, 0))
    QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=start + QPoint(-60, 0))
    moved = 60 / chart.frame().width() * (high - low)
    assert chart.window_x.seen.low == pytest.approx(low + moved)
    QTest.mouseMove(chart, start + QPoint(60, 0))  # released: it only hovers
    assert chart.window_x.seen.low == pytest.approx(low + moved)
    chart.window_x.pan(100)
    assert chart.window_x.seen.high == pytest.approx(400)


def test_keys_do_the_same(chart):
    """Arrows show values, plus and minus zoom, Home shows all, Escape hides the values."""
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Right)
    first = chart.hover_text()
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert first.startswith("step 20") and chart.hover_text() != first
    QTest.keyClick(chart, Qt.Key.Key_Plus)
    assert chart.window_x.zoomed
    for _ in range(100):
        QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chart.hover_text().startswith("step 400")
    QTest.keyClick(chart, Qt.Key.Key_Home)
    assert not chart.window_x.zoomed
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.hover_text() == ""


def test_few_points_do_not_zoom(chart):
    """The wheel is left to the page."""
    chart.set_lines([Line("loss", x=STEPS[:50], y=LOSS[:50])])
    assert not wheel(chart, 20, 2) and not chart.window_x.zoomed


def test_in_a_page_that_scrolls_the_wheel_scrolls(qtbot):
    """There it zooms with Ctrl, or after a click."""
    area, inside, chart = QScrollArea(), QWidget(), PaintedChart("p", "Loss", "loss")
    chart.set_lines([Line("loss", x=STEPS, y=LOSS)])
    qtbot.addWidget(area)
    column = QVBoxLayout(inside)
    chart.setFixedHeight(240)
    column.addWidget(chart)
    column.addSpacing(2000)
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.resize(460, 300)
    area.show()
    QApplication.processEvents()
    assert not wheel(chart, 200, 1) and not chart.window_x.zoomed
    assert wheel(chart, 200, 1, Qt.KeyboardModifier.ControlModifier) and chart.window_x.zoomed


def test_what_comes_while_zoomed_leaves_the_part_alone(chart):
    """New steps lengthen the whole; a run that begins anew shows all."""
    wheel(chart, 200, 3)
    seen = chart.window_x.seen
    steps = np.arange(1.0, 801.0)
    chart.set_lines([Line("training", x=steps, y=1 / steps)])
    assert chart.window_x.seen == seen and chart.window_x.whole.high == 800
    chart.set_lines([Line("training", x=STEPS[:150], y=LOSS[:150])])
    assert not chart.window_x.zoomed and chart.window_x.seen.high == 150


def test_hidden_it_draws_nothing_and_catches_up(chart, monkeypatch):
    """What comes while it is hidden is laid out when it is seen again."""
    chart.hide()
    asked, seen = [], chart.seen
    monkeypatch.setattr(chart, "seen", lambda line: asked.append(line) or seen(line))
    chart.set_lines([Line("training", x=STEPS * 2, y=LOSS)])
    assert not asked and chart.window_x.whole.high == 400
    chart.show()
    QApplication.processEvents()
    assert asked and chart.window_x.whole.high == 800


def test_far_more_points_than_pixels_are_thinned_and_zooming_shows_them(qtbot):
    """Each point counts when one looks closer, and the newest is always there."""
    chart = PlotChart("p", "Loss", "loss")
    qtbot.addWidget(chart)
    steps = np.arange(6000.0)
    chart.set_lines([Line("loss", x=steps, y=np.sin(steps))])
    chart.resize(400, 240)
    chart.show()
    x, _ = chart.drawn("loss")
    assert len(x) <= POINTS + 1 and x[-1] == 1
    chart.window_x.zoom(3000, 0.05)
    chart.changed()
    x, _ = chart.drawn("loss")
    assert np.isclose(np.diff(x[1:-1]).max(), 1 / 300, rtol=0.05)


@pytest.mark.parametrize("kind", [PlotChart, PaintedChart])
def test_a_single_point_is_drawn_as_a_point(qtbot, kind):
    """The first evaluation can be seen, and so can one between two gaps."""
    chart = kind("p", "Loss", "loss")
    qtbot.addWidget(chart)
    chart.resize(300, 200)
    chart.set_lines([Line("loss", "validation", x=np.array([3.0]), y=np.array([1.0]))])
    chart.show()
    QApplication.processEvents()
    place = chart.place(3.0, 1.0).toPoint()
    colour = chart.grab().toImage().pixelColor(place)
    assert colour.blue() > colour.green() + 40


def test_a_plot_takes_pyqtgraph_with_its_first_curve(qtbot):
    """What is seen empty costs a start of the program nothing; a curve that comes is drawn."""
    plot = PlotChart("p", "Loss", "loss")
    qtbot.addWidget(plot)
    plot.set_lines([Line("loss", "validation", 4.0)])
    plot.resize(300, 200)
    plot.show()
    QApplication.processEvents()
    assert plot.canvas is None
    plot.set_curve("loss", STEPS, STEPS)
    plot.changed()
    colour = plot.grab().toImage().pixelColor(plot.place(200.0, 200.0).toPoint())
    assert colour.blue() > colour.green() + 40
    assert plot.children().index(plot.canvas) < plot.children().index(plot._over)


def test_a_curve_has_gaps_where_it_is_not_finite(chart):
    """NaN and infinity leave gaps; the scale is that of the rest."""
    values = LOSS.copy()
    values[100:110] = math.nan
    values[200] = math.inf
    chart.set_lines([Line("loss", x=STEPS, y=values)])
    assert chart.scale_y.high < 4
    assert not chart.grab().isNull()


def test_the_legend_stands_above_the_curves(chart):
    """Its rows and the title of the y-axis end above the frame, at any width."""
    for width in (420, 240, 150):
        chart.resize(width, 240)
        QApplication.processEvents()
        places = [place for place, _, _ in chart._entries()]
        assert [words for _, words, _ in chart._entries()] == [
            "loss (nats)", "training", "validation"
        ]  # fmt: skip
        assert all(not place.intersects(chart.frame()) for place in places)
        assert all(QRectF(chart.rect()).contains(place) for place in places)


def test_a_single_curve_needs_no_legend(chart):
    """The title of the axis says what it is."""
    chart.set_lines([Line("loss", x=STEPS, y=LOSS)])
    assert [words for _, words, _ in chart._entries()] == ["loss (nats)"]


def test_a_hint_stands_in_place_of_axes(chart):
    """Nothing can be hovered over, and the reference lines wait."""
    chart.set_line("uniform", 2.3, "uniform guess 2.30")
    chart.set_hint("Train to see the curve")
    hover(chart, 100)
    assert chart.hover_text() == "" and chart._entries() == []
    chart.set_hint("")
    hover(chart, 100)
    assert chart.hover_text()


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm(chart):
    """Zero leaves a gap; the ticks are losses, not exponents."""
    chart.log_y = True
    chart.set_lines([Line("loss", x=STEPS, y=np.append(LOSS[:-1], 0.0))])
    assert chart.scale_y.log and chart.scale_y.low > 0.3
    assert not chart.grab().isNull()


@pytest.mark.parametrize(("beside", "named"), [(1.08, False), (9.0, True)])
def test_the_name_of_a_level_lies_on_no_other_level(qtbot, beside, named):
    """Of a level between a curve and another one the chart's description says it."""
    plot = PaintedChart("p", "Loss", "loss")
    qtbot.addWidget(plot)
    x = np.array([0.0, 100.0])
    plot.set_lines([Line("low", x=x, y=np.zeros(2)), Line("loss", x=x, y=np.full(2, 0.95))])
    plot.resize(240, 180)
    pictures = []
    for words in ("", "a guess"):
        plot.levels = {"guess": (1.0, words, "muted"), "other": (beside, "", "muted")}
        plot.set_lines(plot.lines)
        pictures.append(plot.grab().toImage())
    assert (pictures[0] != pictures[1]) is named


def test_thousands_of_frames_are_drawn(qtbot):
    """A binding that over-releases None aborts within 60 frames of this (PySide6 6.12.0)."""
    plot = PlotChart("p", "Loss", "loss")
    qtbot.addWidget(plot)
    plot.set_lines([Line("every step")])
    plot.resize(300, 200)
    plot.show()
    steps = np.arange(200)
    for frame in range(3000):
        plot.set_curve("every step", steps, np.sin(steps / 10 + frame))
        if frame % 10 == 0:
            plot.changed()
            QApplication.processEvents()
    x, y = plot.drawn("every step")
    assert len(x) == 200 and np.isfinite(y).all()
