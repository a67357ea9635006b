"""Probabilities of letters and names, in words of a length that is read at a glance."""

import math

from core.playgrounds.names.reports import END, Name

OFTEN = 0.095  # from here on a percentage says more than "1 in 10"
UNITS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def spoken(letter: str) -> str:
    """Return what a symbol is called in a sentence."""
    return {END: "the end", " ": "a space"}.get(letter, letter)


def share(probability: float) -> str:
    """Return a probability as per cent with one decimal, never claiming 0 or 100 wrongly."""
    if not math.isfinite(probability):
        return "not a number"
    if 0 < probability < 0.0005:
        return "<0.1 %"
    if 0.9995 <= probability < 1:
        return ">99.9 %"
    return f"{100 * probability:.1f} %"


def odds(probability: float) -> str:
    """Return a probability as "12 %" or "1 in 3,200"."""
    if not math.isfinite(probability):
        return "not a number"
    if probability <= 0:
        return "almost never"
    if 0.995 <= probability < 1:
        return ">99 %"
    if probability >= OFTEN:
        return f"{100 * probability:.0f} %"
    return f"1 in {rounded(1 / probability)}"


def rounded(number: float) -> str:
    """Return a number from 1 on with two figures that count: 24,000 or 1.2 million."""
    if number >= 1e15:
        return "10" + str(round(math.log10(number))).translate(RAISED)
    number = float(f"{number:.1e}")
    for size, unit in UNITS:
        if number >= size:
            return f"{number / size:,.3g} {unit}"
    return f"{number:,.0f}"


def sentence(name: Name, prefix: str) -> str:
    """Say whether a name is new, and how probable it was."""
    kind = "a copy, it stands in" if name.known else "new, not in"
    begun = prefix and name.text.startswith(prefix)
    what = f"After “{prefix}”, this ending has" if begun else "As a whole it has"
    return f"{name.text}: {kind} the training list. {what} a {_probability(name.probability)}."


def _probability(probability: float) -> str:
    if not math.isfinite(probability):
        return "probability that is not a number: the network has come apart"
    if probability <= 0:
        return "probability too small for this computer's numbers"
    if probability > 0.4:
        return f"probability of {share(probability)}"
    percent, about = 100 * probability, f"one in {rounded(1 / probability)}"
    if percent < 1e-4:
        return f"probability of about {about}"
    words = f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"
    return f"probability of {words} %: about {about}"
