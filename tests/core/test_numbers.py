"""Numbers as they are written for a person."""

import math

import pytest

from core.numbers import (
    adaptive_percent,
    compact,
    duration,
    fixed,
    large,
    number,
    odds,
    percent,
    times,
    with_powers,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (-3, "−3"),
        (6.8813, "6.88"),
        (9.999, "10"),
        (1234.5, "1,234"),
        (0.0312, "0.0312"),
        (0.0003, "0.0003"),
        (1.2e-5, "1.2 × 10⁻⁵"),
        (-2e-5, "−2 × 10⁻⁵"),
        (1e-7, "10⁻⁷"),
        (1.5e6, "1.5 × 10⁶"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_have_three_significant_figures(value, words):
    """With a real minus sign, and a power of ten where it is far from 1."""
    assert number(value) == words


def test_more_figures_tell_more_apart():
    """Beside a power of ten as well; what is round stays short."""
    assert [number(x, 5) for x in (2.995, 3.0, 1.25e6, 1e6)] == ["2.995", "3", "1.25 × 10⁶", "10⁶"]
    assert [number(x, 2) for x in (0.0123, 1.24e-5)] == ["0.012", "1.2 × 10⁻⁵"]


def test_fixed_places_never_write_a_negative_zero():
    """What rounds to zero is zero."""
    assert [fixed(x, 1) for x in (-0.01, -1.25, 1e4, math.inf)] == ["0.0", "−1.2", "10,000.0", "∞"]


@pytest.mark.parametrize(
    ("share", "places", "words"),
    [
        (0, 0, "0 %"),
        (0.001, 0, "<1 %"),
        (0.32, 0, "32 %"),
        (0.997, 0, ">99 %"),
        (1, 0, "100 %"),
        (0.0001, 1, "<0.1 %"),
        (0.9994, 1, "99.9 %"),
        (0.99996, 1, ">99.9 %"),
        (-0.125, 1, "−12.5 %"),
        (math.nan, 1, "NaN"),
    ],
)
def test_percentages_claim_neither_none_nor_all(share, places, words):
    """What is more than nothing is not called 0, and what is less than all not 100."""
    assert percent(share, places) == words


def test_a_small_percentage_gets_a_decimal():
    """A whole percentage while one is left of it."""
    assert [adaptive_percent(p) for p in (0.34, 0.004, 1e-9, 0.9999, math.nan)] == [
        "34 %", "0.4 %", "<0.1 %", ">99.9 %", "NaN"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "100 %"),
        (0.123, "12 %"),
        (0.09, "1 in 11"),
        (1 / 3210, "1 in 3,200"),
        (1 / 999_999, "1 in 1 million"),
        (1 / 4.13e9, "1 in 4.1 billion"),
        (1e-17, "1 in 10¹⁷"),
        (0.0, "almost never"),
        (math.nan, "NaN"),
    ],
)
def test_odds(probability, words):
    """A probability is a percentage while it is large, and one in so many when it is small."""
    assert odds(probability) == words


def test_counts_and_times():
    """Short where there is little room, whole where there is some."""
    assert [compact(n) for n in (0, 7, 9999, 12_345, 2.4e6)] == ["0", "7", "9999", "12k", "2M"]
    assert [times(n) for n in (0, 1, 2, 1234)] == ["never", "once", "twice", "1,234 times"]
    assert large(23_810) == "24,000"
    assert [duration(s) for s in (2.46, 42, 59.9, 185, 7800)] == [
        "2.5 s", "42 s", "1 min 0 s", "3 min 5 s", "2 h 10 min"
    ]  # fmt: skip


def test_powers_in_sentences_are_raised():
    """As the doctor's sentences have them."""
    assert with_powers("about 10^-3, not 10^2.5") == "about 10⁻³, not 10²˙⁵"
