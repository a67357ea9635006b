"""Ramps: how a number becomes a colour in a picture, in the theme of the moment."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PySide6.QtGui import QColor, QImage

from core.telemetry.events import Array
from gui import theme

Ramp = Callable[[], Array]
"""Gives 257 colours (0xAARRGGBB): 256 from low to high, then that of NaN."""


def grey() -> Array:
    """Paper to ink."""
    now = theme.current()
    return _between(now.fault, now.surface, now.text)


def diverging() -> Array:
    """Negative orange, zero the surface, positive blue."""
    now = theme.current()
    return _between(now.fault, now.gradient, now.surface, now.activation)


def sequential() -> Array:
    """The surface to blue: the upper half of the diverging ramp."""
    both = diverging()
    return np.concatenate([np.repeat(both[128:256], 2), both[256:]])


def on_off() -> Array:
    """White for yes and dark for no, in either theme, as in the lecture's picture."""
    now = theme.current()
    if now.name == "light":
        return _between(now.fault, now.muted, now.surface)
    colours = _between(now.fault, now.sunken, now.text).copy()
    colours[255] = colours[216]  # all white, it would glare in the dark
    return colours


@lru_cache(maxsize=16)  # by the colours themselves, so a theme can't be mistaken for another
def _between(broken: str, *names: str) -> Array:
    colours = [QColor(name) for name in names]
    at = np.linspace(0.0, len(colours) - 1.0, 256)
    stops = np.arange(float(len(colours)))
    packed = np.full(256, 0xFF, np.uint32)
    for part in (QColor.red, QColor.green, QColor.blue):
        mixed = np.interp(at, stops, np.array([float(part(colour)) for colour in colours]))
        packed = (packed << 8) | np.rint(mixed).astype(np.uint32)
    fault = np.array([QColor(broken).rgba()], np.uint32)
    ramp = np.concatenate([packed, fault])
    ramp.flags.writeable = False
    return ramp


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


def categories(count: int) -> list[QColor]:
    """Return colours that tell so many kinds apart, spread evenly around the hues.

    Whoever uses more than three of them writes or draws each kind differently, too.
    """
    light = 0.40 if theme.current().name == "light" else 0.66
    return [QColor.fromHslF((0.61 + at / count) % 1.0, 0.75, light) for at in range(count)]
