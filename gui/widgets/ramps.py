"""Ramps: how a number becomes a colour in a picture, in the theme of the moment."""

from collections.abc import Callable

import numpy as np
from PySide6.QtGui import QColor, QImage

from core.telemetry.events import Array
from gui import theme

Ramp = Callable[[], Array]
"""Gives 257 colours (0xAARRGGBB): 256 from low to high, then that of what is no number."""


def grey() -> Array:
    """Paper to ink."""
    now = theme.current()
    return _between([now.surface, now.text])


def diverging() -> Array:
    """Negative orange, zero the surface, positive blue."""
    now = theme.current()
    return _between([now.gradient, now.surface, now.activation])


def on_off() -> Array:
    """White for yes and dark for no, in either theme, as in the lecture's picture."""
    now = theme.current()
    light, dark = (now.text, now.sunken) if now.name == "dark" else (now.surface, now.muted)
    return _between([dark, light])


def _between(names: list[str]) -> Array:
    stops = np.array([QColor(name).getRgb()[:3] for name in names], float)
    at = np.linspace(0, len(stops) - 1, 256)
    mixed = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    red, green, blue = (np.rint(channel).astype(np.uint32) for channel in mixed)
    colours = (0xFF << 24) | (red << 16) | (green << 8) | blue
    fault = np.array([QColor(theme.current().fault).rgba()], np.uint32)
    return np.concatenate([colours.astype(np.uint32), fault])


def picture(values: Array, ramp: Ramp, low: float, high: float) -> QImage:
    """Return numbers (rows, columns) as an image; NaN and infinities take the fault colour."""
    span = high - low or 1.0
    finite = np.isfinite(values)
    level = np.clip((np.where(finite, values, low) - low) / span * 255, 0, 255).astype(np.intp)
    level[~finite] = 256
    pixels = np.ascontiguousarray(ramp()[level])
    rows, columns = pixels.shape
    image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
    return image.copy()  # the image must own its pixels


def reach(values: Array) -> float:
    """Return the size that a diverging ramp runs to: nearly the largest, safe from outliers."""
    finite = np.abs(values[np.isfinite(values)])
    if not finite.size:
        return 1.0
    return float(np.quantile(finite, 0.998)) or float(finite.max()) or 1.0


def signed(value: float, digits: int = 2) -> str:
    """Return a number with a real minus sign, and no more digits than are read."""
    if not np.isfinite(value):
        return "not a number"
    small = value != 0 and abs(value) < 10**-digits
    return (f"{value:.1e}" if small else f"{value:.{digits}f}").replace("-", "\u2212")
