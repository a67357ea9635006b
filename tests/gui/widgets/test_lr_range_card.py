"""The learning-rate range test: its points, its valley, and the way into the recipe."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from core.telemetry.events import LRRangeTest
from core.training.lr_range_test import smooth
from gui import theme
from gui.widgets.lr_range_card import HINT, LRRangeCard, limits

COUNT = 400
RATES = 10 ** np.linspace(-3, 0, COUNT)
LOSSES = 3.3 - 0.9 * RATES**0.3 + np.random.default_rng(0).normal(0, 0.05, COUNT)


@pytest.fixture
def card(qtbot):
    """A card on the screen, before any test."""
    made = LRRangeCard("loss (nats)")
    qtbot.addWidget(made)
    made.resize(420, 340)
    made.show()
    return made


def show(card, rates, losses, valley=0.0, words=""):
    """Show a test so far."""
    card.show_test(LRRangeTest(rates, losses, smooth(losses), valley, words))


def button(card, name: str) -> QPushButton:
    """Return a button by its name."""
    return card.findChild(QPushButton, name)


def test_before_a_test_it_says_what_comes(card) -> None:
    """An empty card tells what the test does, and has no rate to take."""
    assert card.plot.hint == HINT and card.plot.accessibleDescription() == HINT
    assert not button(card, "useRate").isEnabled()


def test_a_range_test_is_asked_for(card, qtbot) -> None:
    """The button asks; while it runs, and while something else trains, it can't be pressed."""
    start = button(card, "sweepButton")
    with qtbot.waitSignal(card.testAsked, timeout=1000):
        qtbot.mouseClick(start, Qt.MouseButton.LeftButton)
    card.set_running(True)
    assert not start.isEnabled() and start.text() == "Testing…"
    card.set_ready(False)
    card.set_running(False)
    assert not start.isEnabled() and start.text() == "Start range test"
    card.set_ready(True)
    assert start.isEnabled()


def test_losses_so_far_are_shown_in_place(card) -> None:
    """More losses go into the same items, over the logarithm of the rate; nothing is marked."""
    for count in (40, 200):
        show(card, RATES[:count], LOSSES[:count], 0.0, "Step")
        x, _ = card.plot.drawn("each step")
        np.testing.assert_allclose(x, np.log10(RATES[:count]) / 3 + 1)
    assert len(card.plot._items) == 2 and not card.plot.hint
    assert card.plot.mark is None and not button(card, "useRate").isEnabled()


def test_the_valley_is_marked_and_can_be_taken(card, qtbot) -> None:
    """The rate stands as a line with its number; the button hands on that very rate."""
    show(card, RATES, LOSSES, 0.1, "Take 0.1.")
    assert card.plot.mark == (0.1, "0.1", "update")
    assert card.findChild(QLabel, "sweepSentence").text() == "Take 0.1."
    use = button(card, "useRate")
    use.setFocus()
    with qtbot.waitSignal(card.rateTaken, timeout=1000) as caught:
        qtbot.keyClick(use, Qt.Key.Key_Space)
    assert caught.args == [0.1]


def test_the_next_test_takes_the_mark_away(card) -> None:
    """While the next one runs, the last one's rate can't be taken."""
    show(card, RATES, LOSSES, 0.1, "Take 0.1.")
    card.set_running(True)
    assert not button(card, "useRate").isEnabled()
    show(card, RATES[:5], LOSSES[:5])
    card.set_running(False)
    assert not button(card, "useRate").isEnabled() and card.plot.mark is None


def test_losses_that_diverge_do_not_ruin_the_scale(card) -> None:
    """The scale ends at 1.5 times the first loss; huge and infinite losses leave it."""
    losses = LOSSES.copy()
    losses[-40:] = np.geomspace(10, 1e30, 40)
    losses[-3:] = (math.inf, math.nan, math.inf)
    show(card, RATES, losses, 0.1, "")
    low, top = limits(losses)
    assert top == pytest.approx(1.5 * np.median(losses[:10]))
    assert (card.plot.scale_y.low, card.plot.scale_y.high) == (low, top) and low < LOSSES.min()
    assert np.nanmax(card.plot.drawn("each step")[1]) <= 1.5
    card.grab()


def test_losses_that_are_never_finite_are_borne(card) -> None:
    """A network that is broken from the first step gives an empty scale, and no fault."""
    show(card, RATES[:3], np.full(3, math.nan), 0.0, "It diverged at once.")
    card.grab()
    card.plot.point(0.001)
    assert "each step: NaN" in card.plot.hover_text()


def test_the_axis_of_rates_stands_still(card) -> None:
    """It holds 0.001 to 1 from the beginning, and more where there is more."""
    show(card, RATES[:9], LOSSES[:9])
    assert card.plot.window_x.seen.ticks(8) == pytest.approx([0.001, 0.01, 0.1, 1])
    before = card.plot.window_x.seen
    show(card, RATES, LOSSES)
    assert card.plot.window_x.seen == before
    show(card, RATES * 100, LOSSES)
    assert card.plot.window_x.seen.high == pytest.approx(100)


def test_hovering_shows_rate_and_loss(card) -> None:
    """The loss of the step at that rate, and the smoothed one."""
    show(card, RATES, LOSSES)
    frame = card.plot.frame()
    QTest.mouseMove(card.plot, QPoint(round(frame.center().x()), round(frame.center().y())))
    QApplication.processEvents()
    head, each, smoothed = card.plot.hover_text().split("\n")
    rate = float(head.removeprefix("learning rate "))
    assert rate == pytest.approx(10**-1.5, rel=0.05)
    assert each.startswith(("each step: 2.9", "each step: 3"))
    assert smoothed.startswith(("smoothed: 2.9", "smoothed: 3"))


def test_hidden_it_draws_nothing_and_catches_up(card) -> None:
    """Losses that come while it is hidden are drawn when it is seen again."""
    show(card, RATES[:10], LOSSES[:10])
    card.hide()
    show(card, RATES, LOSSES, 0.1)
    assert len(card.plot.drawn("each step")[0]) == 10
    card.show()
    assert len(card.plot.drawn("each step")[0]) == COUNT and card.plot.mark


def test_a_change_of_theme_reaches_the_plot(card, qapp) -> None:
    """In the dark theme the paper is dark and the line light."""
    show(card, RATES, LOSSES, 0.1, "")
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        image = card.grab().toImage()
        assert card.plot._items[1].opts["pen"].color().lightness() > 180
        assert image.pixelColor(20, image.height() // 2).lightness() < 80
    finally:
        theme.apply(qapp, "light")
