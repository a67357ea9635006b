"""The learning-rate range test on the screen: its points, its valley, the way to the recipe."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from gui import theme
from gui.names.lr_range_card import HINT, LRRangeCard, scale, smoothed, ticks

COUNT = 400
RATES = 10 ** np.linspace(-3, 0, COUNT)
LOSSES = 3.3 - 0.9 * RATES**0.3 + np.random.default_rng(0).normal(0, 0.05, COUNT)


@pytest.fixture
def card(qtbot):
    """A card on the screen, before any sweep."""
    made = LRRangeCard()
    qtbot.addWidget(made)
    made.resize(420, 340)
    made.show()
    return made


def button(card, name: str) -> QPushButton:
    """Return a button by its name."""
    return card.findChild(QPushButton, name)


def test_before_a_sweep_it_says_what_comes(card) -> None:
    """An empty card tells what a sweep does, has no axes, and no rate to take."""
    assert HINT in [w.text() for w in card.findChildren(QLabel) if w.isVisible()]
    assert not card.plot.getPlotItem().getAxis("bottom").isVisible()
    assert not button(card, "useRate").isEnabled()


def test_a_sweep_is_asked_for(card, qtbot) -> None:
    """The button asks; while it sweeps, and while something else trains, it can't be pressed."""
    sweep = button(card, "sweepButton")
    with qtbot.waitSignal(card.sweepAsked, timeout=1000):
        qtbot.mouseClick(sweep, Qt.MouseButton.LeftButton)
    card.set_running(True)
    assert not sweep.isEnabled() and sweep.text() == "Sweeping…"
    card.set_enabled_to_sweep(False)
    card.set_running(False)
    assert not sweep.isEnabled() and sweep.text() == "Sweep"
    card.set_enabled_to_sweep(True)
    assert sweep.isEnabled()


def test_losses_so_far_are_shown_in_place(card) -> None:
    """More losses go into the same items, over the logarithm of the rate; nothing is marked."""
    items = len(card.plot.getPlotItem().items)
    for count in (40, 200):
        card.show_sweep(RATES[:count], LOSSES[:count], None, "Step")
        x, y = card.plot.points.getData()
        np.testing.assert_allclose(x, np.log10(RATES[:count]))
        np.testing.assert_allclose(y, LOSSES[:count])
    assert len(card.plot.getPlotItem().items) == items
    assert not card.plot.mark.isVisible() and not button(card, "useRate").isEnabled()
    assert card.plot.getPlotItem().getAxis("bottom").isVisible()


def test_the_valley_is_marked_and_can_be_taken(card, qtbot) -> None:
    """The rate stands as a line with its number; the button hands on that very rate."""
    card.show_sweep(RATES, LOSSES, 0.1, "Take 0.1.")
    assert card.plot.mark.isVisible() and card.plot.mark.value() == pytest.approx(-1)
    assert card.plot.mark.label.toPlainText() == "0.1"
    assert card.findChild(QLabel, "sweepSentence").text() == "Take 0.1."
    use = button(card, "useRate")
    use.setFocus()
    with qtbot.waitSignal(card.rateTaken, timeout=1000) as caught:
        qtbot.keyClick(use, Qt.Key.Key_Space)
    assert caught.args == [0.1]


def test_the_next_sweep_takes_the_mark_away(card) -> None:
    """While the next one runs, the last one's rate can't be taken."""
    card.show_sweep(RATES, LOSSES, 0.1, "Take 0.1.")
    card.set_running(True)
    assert not button(card, "useRate").isEnabled()
    card.show_sweep(RATES[:5], LOSSES[:5], None)
    card.set_running(False)
    assert not button(card, "useRate").isEnabled() and not card.plot.mark.isVisible()


def test_losses_that_burst_do_not_ruin_the_scale(card) -> None:
    """Huge and infinite losses lie on the upper edge; the scale ends at 1.5 times the first."""
    losses = LOSSES.copy()
    losses[-40:] = np.geomspace(10, 1e30, 40)
    losses[-3:] = (math.inf, math.nan, math.inf)
    card.show_sweep(RATES, losses, 0.1, "")
    top = scale(losses)[1]
    assert top == pytest.approx(1.5 * np.median(losses[:10]))
    (_, _), (low, high) = card.plot.getPlotItem().viewRange()
    assert low < LOSSES.min() and top < high < 1.1 * top
    shown, line = card.plot.points.getData()[1], card.plot.line.getData()[1]
    assert np.isfinite(shown).all() and shown.max() == pytest.approx(top)
    assert np.isfinite(line).all() and line.max() < 1.2 * top
    card.grab()


def test_losses_that_are_never_numbers_are_borne(card) -> None:
    """A network that is broken from the first step gives an empty scale, and no fault."""
    card.show_sweep(RATES[:3], np.full(3, math.nan), None, "It burst at once.")
    card.grab()
    assert "no number" in card.plot.describe(card.plot.rect().center())


def test_rates_stand_as_people_write_them(card) -> None:
    """The decades of the rates are marked 0.001, 0.01, 0.1 and 1, and the view holds them all."""
    card.show_sweep(RATES[:9], LOSSES[:9], None)
    axis = card.plot.getPlotItem().getAxis("bottom")
    assert [words for _, words in axis._tickLevels[0]] == ["0.001", "0.01", "0.1", "1"]
    before = card.plot.getPlotItem().viewRange()[0]
    assert before[0] < -3 and before[1] > 0
    card.show_sweep(RATES, LOSSES, None)
    assert card.plot.getPlotItem().viewRange()[0] == before  # it stands still
    card.show_sweep(RATES * 100, LOSSES, None)
    assert axis._tickLevels[0][-1][1] == "100"


def test_pointing_tells_rate_and_loss(card) -> None:
    """The tooltip at a place tells the step nearest to it, and what the picture means."""
    card.show_sweep(RATES, LOSSES, None)
    QApplication.processEvents()
    plot = card.plot
    left, right = (plot.describe(plot.rect().center() + offset) for offset in _ends(plot))
    assert left.startswith("<p>Learning rate 0.001: loss 3.")
    assert right.startswith("<p>Learning rate 1: loss 2.")


def _ends(plot):
    half = plot.width() // 2
    return QPoint(-half + 1, 0), QPoint(half - 1, 0)


def test_hidden_it_draws_nothing_and_catches_up(card) -> None:
    """Losses that come while it is hidden are drawn when it is seen again."""
    card.show_sweep(RATES[:10], LOSSES[:10], None)
    card.hide()
    card.show_sweep(RATES, LOSSES, 0.1)
    assert len(card.plot.points.getData()[0]) == 10
    card.show()
    assert len(card.plot.points.getData()[0]) == COUNT and card.plot.mark.isVisible()


def test_smoothing_keeps_a_line_where_it_is() -> None:
    """The smoothed line neither lags nor bends at its ends, and takes most noise away."""
    np.testing.assert_allclose(smoothed(np.full(100, 2.5)), 2.5)
    line = np.linspace(3, 2, 200)
    np.testing.assert_allclose(smoothed(line)[20:-20], line[20:-20], atol=1e-9)
    noise = np.random.default_rng(1).normal(0, 1, 1000)
    assert smoothed(noise).std() < 0.3
    for few in (1, 2, 3):
        assert len(smoothed(np.ones(few))) == few


@pytest.mark.parametrize(("low", "top"), [(0.0, 1.0), (2.0, 5.6), (2.9, 3.6), (0.0, 900.0)])
def test_the_losses_scale_has_a_few_round_numbers(low: float, top: float) -> None:
    """Two to six numbers, all with the same number of places."""
    found = ticks(low, top)
    assert 2 <= len(found) <= 6
    assert all(low <= value <= top + 1e-9 for value, _ in found)
    assert len({len(words.partition(".")[2]) for _, words in found}) == 1


def test_a_change_of_theme_reaches_the_plot(card, qapp) -> None:
    """In the dark theme the paper is dark and the line light."""
    card.show_sweep(RATES, LOSSES, 0.1, "")
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        assert card.plot.backgroundBrush().color().lightness() < 80
        assert card.plot.line.opts["pen"].color().lightness() > 180
    finally:
        theme.apply(qapp, "light")
