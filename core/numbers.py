"""How numbers are written for a person: in the window, in lessons and in sentences.

All of them write a real minus sign, raised powers of ten, and NaN or ∞ for what is not finite.
"""

import math
import re

_RAISED = str.maketrans("0123456789-+.\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺˙⁻")
_LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def number(value: float, figures: int = 3) -> str:
    """Return a number with so many significant figures: ``0.0123``, ``12,346``, ``1.2 × 10⁻⁵``.

    From three on one of them is left out beside a power of ten.
    """
    if not math.isfinite(value):
        return _not_finite(value)
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-4:
        places = figures - 1 if figures < 3 else figures - 2
        mantissa, exponent = f"{value:.{places}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if places else mantissa
        power = f"10{raised(int(exponent))}"
        words = {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa} × {power}")
        return words.replace("-", "\u2212")
    places = max(0, figures - 1 - math.floor(math.log10(size))) if size else 0
    words = fixed(value, places)
    return words.rstrip("0").rstrip(".") if "." in words else words


def figures(value: float) -> str:
    """Return a number with three figures, zeros too, as a band of numbers has them: ``2.10``."""
    return f"{value:#.3g}".rstrip(".").replace("-", "\u2212") if value else "0"


def fixed(value: float, places: int = 2) -> str:
    """Return a number with so many decimal places, and never a zero with a minus sign."""
    if not math.isfinite(value):
        return _not_finite(value)
    return f"{round(value, places) + 0.0:,.{places}f}".replace("-", "\u2212")


def raised(exponent: float) -> str:
    """Return an exponent in small raised figures: ``⁻³``."""
    return f"{exponent:g}".translate(_RAISED)


def with_powers(words: str) -> str:
    """Write each ``10^-3`` in a sentence as 10⁻³."""
    powers = r"\^([-+\u2212]?\d+(?:\.\d+)?)"
    return re.sub(powers, lambda found: found[1].translate(_RAISED), words)


def percent(share: float, places: int = 0) -> str:
    """Return a share as a percentage that never claims none or all of it where it is not so."""
    if not math.isfinite(share):
        return _not_finite(share)
    least = 10.0 ** -(places + 2)
    if 0 < share < least / 2:
        return f"<{100 * least:.{places}f} %"
    if 1 - least / 2 <= share < 1:
        return f">{100 * (1 - least):.{places}f} %"
    return f"{fixed(100 * share, places)} %"


def odds(probability: float) -> str:
    """Return a probability as "12 %", or "1 in 3,200" where that says more."""
    if 0 < probability < 0.095:
        return f"1 in {large(1 / probability)}"
    return "almost never" if probability == 0 else percent(probability)


def adaptive_percent(share: float) -> str:
    """Return a probability as "34 %", with a decimal only where none would be left of it."""
    return percent(share, 0 if 0.01 <= share < 0.995 else 1)


def large(value: float) -> str:
    """Return a number from 1 on with two significant figures: 24,000, 1.2 million or 10²¹."""
    if not value < 1e15:
        return "10" + raised(round(math.log10(value))) if math.isfinite(value) else "∞"
    value = float(f"{value:.1e}")
    for size, unit in _LARGE:
        if value >= size:
            return f"{value / size:,.3g} {unit}"
    return f"{value:,.0f}"


def compact(count: float) -> str:
    """Return a count in four characters at most: 9999, 12k or 3M."""
    if count < 10_000:
        return str(int(count))
    return f"{count / 1000:.0f}k" if count < 999_500 else f"{count / 1e6:.0f}M"


def times(count: float) -> str:
    """Return how often: never, once, twice, 1,234 times."""
    return {0: "never", 1: "once", 2: "twice"}.get(int(count), f"{int(count):,} times")


def duration(seconds: float) -> str:
    """Return a time: ``2.5 s``, ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "∞" if value > 0 else "\u2212∞"
