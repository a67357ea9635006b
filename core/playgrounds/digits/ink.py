"""From ink of any size to a picture as MNIST has them.

MNIST scaled every digit into a box of 20 x 20 pixels, its proportions kept, and moved it so that
the centre of its ink became the centre of a picture of 28 x 28 (LeCun et al. 1998). A drawing and
an image file go the same way, then meet the data set in
:func:`core.playgrounds.digits.data.prepare`.
"""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ...errors import UserError
from ...files import check_is_file
from ...telemetry.events import Array
from .photo import WHOLE, Crop, contrast, default_threshold, ink_above

BOX, SIDE = 20, 28
FAINT = 0.08  # of full ink; fainter is paper
LARGEST = 64_000_000  # pixels of an image file
ENOUGH = 1024  # pixels a side; a digit tells no more than this
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # none of them runs a program


@dataclass(frozen=True)
class Frame:
    """Where MNIST's 28 x 28 pixels lie on a drawing: corner and side, in the drawing's pixels."""

    top: float
    left: float
    side: float


def centre(ink: Array) -> Array | None:
    """Scale a drawing into MNIST's box and centre it.

    Args:
        ink: (H, W), 0 paper to 1 ink, of any size.

    Returns:
        (28, 28) floats from 0 to 1, or None where there is no ink.
    """
    found = framed(ink)
    return found[0] if found else None


def framed(ink: Array) -> tuple[Array, Frame] | None:
    """Do what :func:`centre` does, and say which square of the drawing became the picture."""
    there = ink > FAINT
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    if not len(rows):
        return None
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    scale = BOX / max(cropped.shape)
    size = [max(1, round(side * scale)) for side in cropped.shape]
    # A filter whose support grows with the shrinking, so that thin strokes don't vanish.
    small = Image.fromarray(cropped).resize((size[1], size[0]), Image.Resampling.HAMMING)
    box = np.clip(np.asarray(small), 0, 1)
    picture = np.zeros((SIDE, SIDE), np.float32)
    top, left = _corner(box.sum(axis=1)), _corner(box.sum(axis=0))
    picture[top : top + box.shape[0], left : left + box.shape[1]] = box
    frame = Frame(float(rows[0]) - top / scale, float(columns[0]) - left / scale, SIDE / scale)
    return picture, frame


def _corner(profile: Array) -> int:
    """Return where a row of ink begins, so that its centre of mass is the picture's centre.

    MNIST's own centres of mass lie in the half-open pixel after the middle, from 14 up to 15, in
    all 10,000 test pictures: hence the ceiling, where rounding would shift half of them by one.
    """
    mass = float((profile * (np.arange(len(profile)) + 0.5)).sum() / max(1e-9, profile.sum()))
    return int(np.clip(math.ceil(SIDE / 2 - mass), 0, SIDE - len(profile)))


def open_image(path: Path) -> Image.Image:
    """Open an image file; of an animation, its first picture.

    Raises:
        UserError: it is no image, is empty, is broken, or is far too large.
    """
    try:
        check_is_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # LARGEST is stricter
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > LARGEST:
                    raise Image.DecompressionBombError
                image.draft(None, (ENOUGH, ENOUGH))  # a JPEG can be read smaller at once
                image.load()
                return upright(image)
    except UnidentifiedImageError:
        raise UserError(
            f"{path} is no image; choose a PNG, JPEG, BMP, GIF, WebP or TIFF file."
        ) from None
    except Image.DecompressionBombError:
        raise UserError(
            f"{path} has more than {LARGEST // 1_000_000} million pixels; scale it down first."
        ) from None
    except Exception as error:  # decoders raise anything on a broken file, struct.error to EOFError
        reason = getattr(error, "strerror", None) or str(error) or "the file is broken"
        raise UserError(f"{path} can't be read as an image ({reason}).") from None


def upright(image: Image.Image) -> Image.Image:
    """Return a picture as one looks at it: RGBA, upright, at most 1024 pixels a side."""
    colours = ImageOps.exif_transpose(_eight_bits(image)).convert("RGBA")
    colours.thumbnail((ENOUGH, ENOUGH))
    return colours


def read_image(path: Path) -> Array:
    """Read an image file as ink: :func:`open_image`, then :func:`ink_of`."""
    return ink_of(open_image(path))


def ink_of(image: Image.Image, crop: Crop = WHOLE, threshold: float | None = None) -> Array:
    """Turn a picture or a photo into ink: (H, W), 0 paper to 1 ink.

    Args:
        image: of any kind and size.
        crop: the part of it that is read.
        threshold: the contrast from which on a pixel is ink, 0 to 1; None for
            :func:`.photo.default_threshold`.
    """
    found = contrast_of(image, crop)
    return ink_above(found, default_threshold(found) if threshold is None else threshold)


def contrast_of(image: Image.Image, crop: Crop = WHOLE) -> Array:
    """Return by how much the pixels of a picture differ from its paper, (H, W), 0 to 1.

    What is transparent counts as paper.
    """
    colours = crop.of(upright(image))
    alpha = np.asarray(colours.getchannel("A"), np.float32) / 255
    seen = alpha > 0.5
    light = np.asarray(colours.convert("L"), np.float32) / 255
    if seen.any() and alpha.min() < 0.5 and np.ptp(light[seen]) < 0.2:
        return alpha  # one colour on nothing: the shape is in the alpha channel alone
    paper = Image.new("RGBA", colours.size, _paper_of(np.asarray(colours)[..., :3], seen))
    return contrast(Image.alpha_composite(paper, colours).convert("RGB"))


def _paper_of(colours: Array, seen: Array) -> tuple[int, int, int]:
    """Return the colour that lies under what is transparent: that of the border, or white."""
    rim = np.ones_like(seen)
    rim[1:-1, 1:-1] = False
    if not (rim & seen).any():
        return (255, 255, 255)
    red, green, blue = np.median(colours[rim & seen], axis=0).astype(int).tolist()
    return (red, green, blue)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring deep greys (16-bit PNG, TIFF of floats) to bytes, which Pillow would cut off at 255."""
    if not image.mode.startswith(("I", "F")):
        return image
    deep = np.nan_to_num(np.asarray(image, np.float32))
    if image.mode.startswith("I;16"):
        return Image.fromarray((deep / 257).astype(np.uint8))
    spread = float(np.ptp(deep)) or 1.0
    return Image.fromarray(((deep - deep.min()) * (255 / spread)).astype(np.uint8))
