"""From a photo to ink: what differs from the paper around it, however unevenly that is lit.

The paper's brightness is estimated at each pixel by a grey-scale closing, which fills in whatever
is darker and narrower than its square and keeps slopes and edges of the light (Serra 1982). Ink is
what is darker than that by more than a threshold, by default Otsu's (1979).
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from ...telemetry.events import Array

WORK = 336  # pixels of the longer side; a digit needs no more
NEAR = 0.08  # of the longer side: as far as one looks to tell ink from paper
SQUARE = 0.25  # of the longer side: strokes are narrower
GRAIN = 0.004  # of the longer side: what is smaller than this is noise
FAINTEST = 0.1  # of the paper's brightness: without more contrast than that there is no ink
LEAST = 0.06  # of the paper's brightness; what differs less is paper
RAMP = 0.4  # of the threshold: ink begins so far below it and is full so far above
WIDEST = 0.1  # contrast: the ramp is never wider, on either side
COARSE = 4  # pixels that count as one where it is asked what hangs together
SPECK = 0.04  # of the largest piece of ink; smaller ones are dirt
RULE = 0.8  # of the picture's width or height: a line so long is printed on the paper


@dataclass(frozen=True)
class Crop:
    """A part of a picture: its edges as shares of width and height, from the top left."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def of(self, image: Image.Image) -> Image.Image:
        """Return that part of a picture; at least a pixel."""
        left = min(image.width - 1, round(self.left * image.width))
        top = min(image.height - 1, round(self.top * image.height))
        right = max(left + 1, round(self.right * image.width))
        bottom = max(top + 1, round(self.bottom * image.height))
        return image.crop((left, top, right, bottom))


WHOLE = Crop()


def contrast(image: Image.Image) -> Array:
    """Return by how much each pixel differs from the paper around it, (H, W), 0 to 1.

    Args:
        image: in RGB; of any size, the contrast has at most 336 pixels a side.
    """
    image = image.copy()
    image.thumbnail((WORK, WORK))
    longer = max(image.size)
    image = image.filter(ImageFilter.GaussianBlur(GRAIN * longer))
    if _is_light_on_dark(image):
        image = Image.eval(image, lambda level: 255 - level)
    values = np.asarray(image, np.float32)
    paper = _closed(values, round(SQUARE * longer) // 2)
    # A share of the paper's light: ink in a shadow is as dark as its paper makes it.
    darker: Array = 1 - (values + 8) / (paper + 8)
    darkest = darker.max(axis=2)
    # Grain makes the brightest neighbour brighter than the paper is: take its middle for 0.
    apart: Array = np.clip(darkest - np.median(darkest), 0, 1)
    return apart


def _is_light_on_dark(image: Image.Image) -> bool:
    """Whether the few pixels that stand out from their surroundings are lighter than those."""
    around = image.filter(ImageFilter.GaussianBlur(NEAR * max(image.size)))
    apart = np.asarray(image, np.float32) - np.asarray(around, np.float32)
    return float((apart**3).mean()) > 0


def _closed(values: Array, reach: int) -> Array:
    """Fill in what is darker than its surroundings and narrower than twice the reach."""
    # The picture's edge would count as a stroke's end: go on beyond it with the same light.
    filled = np.pad(values, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    for extreme in (np.maximum, np.minimum):
        for axis in (0, 1):
            filled = _running(extreme, filled, reach, axis)
    return filled[reach:-reach, reach:-reach] if reach else filled


def _running(extreme: np.ufunc, values: Array, reach: int, axis: int) -> Array:
    """Return the extreme of each value and its neighbours up to a reach, by doubling windows."""
    pad = [(0, 0)] * values.ndim
    pad[axis] = (reach, reach)
    found = np.moveaxis(np.pad(values, pad, mode="edge"), axis, 0)
    wanted, window = 2 * reach + 1, 1
    while window < wanted:
        step = min(window, wanted - window)
        found = extreme(found[:-step], found[step:])
        window += step
    return np.moveaxis(found, 0, axis)


def otsu(values: Array) -> float:
    """Return the threshold that parts values from 0 to 1 into two groups, each alike in itself.

    Otsu 1979: the variance between the groups is largest.
    """
    counts, edges = np.histogram(values, 256, (0.0, 1.0))
    centres = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), counts.sum() - np.cumsum(counts)
    summed = np.cumsum(counts * centres)
    low = summed / np.maximum(1, below)
    high = (summed[-1] - summed) / np.maximum(1, above)
    between = below * above * (high - low) ** 2
    best = np.flatnonzero(between == between.max())
    return float(edges[1 + (best[0] + best[-1]) // 2])


def default_threshold(found: Array) -> float:
    """Return the threshold of a contrast that nobody has set: Otsu's; 1 where all is paper."""
    if found.max() < FAINTEST:
        return 1.0
    return max(LEAST, otsu(found))


def ink_above(found: Array, threshold: float) -> Array:
    """Return the ink of a contrast (H, W), 0 paper to 1 ink: what is above a threshold.

    Lines that are printed on the paper and specks of dirt are left out.
    """
    ramp = max(1e-6, min(WIDEST, RAMP * threshold))
    soft = (found - threshold) / (2 * ramp) + 0.5
    ink: Array = np.clip(soft, 0, 1).astype(np.float32)
    ink = _without_rules(ink)
    return ink * _large(ink > 0.25)


def _without_rules(ink: Array) -> Array:
    """Take away thin lines from edge to edge, where nothing thicker crosses them."""
    for axis in (0, 1):
        there = ink > 0.25
        covered = there.mean(axis=1 - axis)
        lines = np.flatnonzero(covered > RULE)
        if not len(lines) or len(lines) > 0.3 * len(covered):
            continue
        clean = np.moveaxis(ink.copy(), axis, 0)
        for run in np.split(lines, np.flatnonzero(np.diff(lines) > 1) + 1):
            first, last = max(0, run[0] - 1), min(len(clean) - 1, run[-1] + 1)
            above, under = clean[max(0, first - 1)], clean[min(len(clean) - 1, last + 1)]
            clean[first : last + 1] = np.minimum(above, under)  # a stroke goes through
        ink = np.moveaxis(clean, 0, axis)
    return ink


def _large(there: Array) -> Array:
    """Return a mask (H, W) without its specks, and without pieces at the edge if others are left.

    What touches the edge is seldom the digit: a shadow, a table, the next digit.
    """
    pieces = _pieces(there)
    sizes = np.bincount(pieces[pieces > 0], minlength=int(pieces.max()) + 1)
    if not sizes.any():
        return there
    edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    inner = sizes.copy()
    inner[edge] = 0
    if inner.max() > 0.1 * sizes.max():
        sizes = inner
    kept: Array = np.array(sizes >= SPECK * sizes.max(), ndmin=1)
    kept[0] = False
    mask: Array = kept[pieces]
    return mask


def _pieces(there: Array) -> Array:
    """Number the connected pieces of a mask (H, W), 0 for none; a gap of a few pixels connects."""
    padded = np.pad(there, [(0, -side % COARSE) for side in there.shape])
    high, wide = (side // COARSE for side in padded.shape)
    coarse = padded.reshape(high, COARSE, wide, COARSE).max(axis=(1, 3))
    numbers = np.where(coarse, np.arange(1, coarse.size + 1).reshape(coarse.shape), 0)
    before = np.zeros_like(numbers)
    while (numbers != before).any():  # each piece takes its largest number
        before = numbers
        padded = np.pad(numbers, 1)
        rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
        numbers = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]) * coarse
    _, dense = np.unique(np.append(numbers, 0), return_inverse=True)
    fine = dense[:-1].reshape(numbers.shape).repeat(COARSE, 0).repeat(COARSE, 1)
    found: Array = fine[: there.shape[0], : there.shape[1]] * there
    return found
