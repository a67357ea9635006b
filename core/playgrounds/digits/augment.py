"""Pictures changed a little, each in its own way, before the network meets them in training.

Two ways: ``affine`` turns, scales and moves. ``pen`` is for a network that shall also read what
people draw on a canvas: MNIST's writers held pencils, wrote American digits and knew they were
being collected, so their thin lines, slashed zeros and barred sevens are few.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

Ends = tuple[Tensor, Tensor, Tensor, Tensor]  # of a line: x0, y0, x1, y1 in pixels, each (B,)

KNOTS = 6  # of the net that bends a picture, each way
BLUR = 2.0  # standard deviation, in pixels of the picture at twice its size


def augment(how: str, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Change each picture of a batch by its own random amounts.

    Args:
        how: ``none``; ``affine``; or ``pen``, for half of the pictures, and affine for the rest.
        images: (B, 1, S, S), ink from 0 to 1.
        labels: (B,), the digits; ``pen`` slashes only zeros.
        generator: where the random numbers come from, on the device of the images.

    Returns:
        (B, 1, S, S), ink from 0 to 1.
    """
    half = len(images) // 2
    if how == "pen" and half:
        # A batch is in random order, so any half will do. The other one keeps the network good at
        # MNIST itself, which is not drawn with a round pen.
        drawn = pen(images[:half], labels[:half], generator)
        return torch.cat([drawn, affine(images[half:], generator)])
    return images if how == "none" else affine(images, generator)


def affine(
    images: Tensor,
    generator: torch.Generator,
    degrees: float = 15.0,
    scale: float = 0.2,
    shear: float = 0.25,
    shift: float = 2.0,
) -> Tensor:
    """Turn, scale, shear and move each picture by its own random amount.

    Args:
        images: (B, 1, S, S), ink from 0 to 1.
        generator: where the random numbers come from, on the device of the images.
        degrees: largest turn.
        scale: largest relative change of width and of height.
        shear: largest slant, as a share of the height.
        shift: largest move, in pixels.

    Returns:
        (B, 1, S, S), empty where nothing was.
    """
    u = _even(generator, images, 6)
    theta = _matrices(
        turn=u[:, 0] * math.radians(degrees),
        wide=1 + u[:, 1] * scale,
        high=1 + u[:, 2] * scale,
        slant=u[:, 3] * shear,
        move=u[:, 4:] * (2 * shift / images.shape[-1]),
    )
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def pen(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Redraw each picture as another hand with a round pen might have drawn it.

    Zeros get slashes, sevens bars, ones flags and feet, sixes hooks; then every digit is squeezed
    or widened, slanted and bent, and drawn with a thinner or a fatter pen.

    Args:
        images: (B, 1, S, S), ink from 0 to 1.
        labels: (B,), the digits.
        generator: where the random numbers come from, on the device of the images.

    Returns:
        (B, 1, S, S), ink from 0 to 1.
    """
    marked = _marks(images, labels, generator)
    fine = F.grid_sample(marked, _bent(images, generator), align_corners=True)  # (B, 1, 2S, 2S)
    return F.avg_pool2d(_thickness(fine, generator), 2)


def _even(generator: torch.Generator, images: Tensor, *shape: int) -> Tensor:
    """(B, ...) even random numbers from -1 to 1."""
    size = (len(images), *shape)
    return torch.rand(size, generator=generator, device=images.device) * 2 - 1


def _matrices(turn: Tensor, wide: Tensor, high: Tensor, slant: Tensor, move: Tensor) -> Tensor:
    """(B, 2, 3) from where in the source each point of the result is taken; all args (B,)."""
    cos, sin = turn.cos(), turn.sin()
    rows = [cos * wide, -sin * high + slant * cos, move[:, 0]]
    rows += [sin * wide, cos * high + slant * sin, move[:, 1]]
    return torch.stack(rows, dim=1).view(-1, 2, 3)


def _bent(images: Tensor, generator: torch.Generator) -> Tensor:
    """(B, 2S, 2S, 2), where to take the points of a squeezed, slanted and bent picture from."""
    u = _even(generator, images, 7)
    # A digit fills a box of 20 x 20 pixels to its longer side: a narrow one is less wide, a wide
    # one a little wider and less high.
    narrow, flat = (0.5 * u[:, 0]).clamp(min=0), (-0.5 * u[:, 0]).clamp(min=0)
    size = torch.exp(u[:, 1] * 0.1)
    theta = _matrices(
        turn=u[:, 2] * math.radians(13),
        wide=size * torch.exp(narrow - 0.5 * flat + 0.1 * u[:, 3]),
        high=size * torch.exp(0.7 * flat),
        slant=u[:, 4] * 0.3,
        move=u[:, 5:] * 0.14,
    )
    # A net of few knots, each pulled aside. Between them the bend is a straight ramp, so a curve
    # gets corners: as from a mouse that was asked for its place only now and then.
    pull = 0.09 * _even(generator, images, 1, 1, 1).abs()
    net = F.affine_grid(theta, [len(images), 1, KNOTS, KNOTS], align_corners=True)
    net = net + pull * _even(generator, images, KNOTS, KNOTS, 2)
    ramps = _ramps(2 * images.shape[-1], images)  # (2S, KNOTS)
    return (ramps @ net.permute(0, 3, 1, 2) @ ramps.T).permute(0, 2, 3, 1)


def _ramps(side: int, like: Tensor) -> Tensor:
    """(side, KNOTS), what share each knot has in each pixel: 1 at the knot, 0 at the next ones."""
    pixel = torch.linspace(0, KNOTS - 1, side, device=like.device, dtype=like.dtype)
    knot = torch.arange(KNOTS, device=like.device, dtype=like.dtype)
    return (1 - (pixel[:, None] - knot).abs()).clamp(min=0)


def _thickness(images: Tensor, generator: torch.Generator, share: float = 0.6) -> Tensor:
    """Draw a share of the pictures (B, 1, S, S) with a thinner or a fatter pen.

    A blurred stroke is a ridge; cutting it at some height gives a stroke of even ink whose width
    is the ridge's there. Heights are counted from the picture's own strokes, for a thin stroke
    has a low ridge, and would vanish in a cut that suits a fat one.
    """
    place = torch.arange(images.shape[-1], device=images.device, dtype=images.dtype)
    bell = torch.exp(-((place[:, None] - place) ** 2) / (2 * BLUR**2))
    # As two matrix products, for a blur by avg_pool2d or conv2d takes a CPU ten times as long.
    blurred = bell @ images @ bell
    ink = images.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    ridge = (blurred * images).sum(dim=(2, 3), keepdim=True) / ink
    u = _even(generator, images, 2, 1, 1, 1)
    cut = ridge * (0.8 + 0.28 * u[:, 0])
    redrawn = ((blurred - cut) * 4 / ridge.clamp(min=1e-6) + 0.5).clamp(0, 1)
    return torch.where(u[:, 1] < 2 * share - 1, redrawn, images)


def _marks(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Add to some digits what other schools teach, in lines of a random width."""
    u = _even(generator, images, 8)
    width = 0.9 + 0.5 * u[:, 5]
    for digit, ends, chosen in _habits(images, u):
        line = _segment(images.shape[-1], ends, width)
        images = torch.maximum(images, line * ((labels == digit) & chosen).view(-1, 1, 1, 1))
    return images


def _habits(images: Tensor, u: Tensor) -> list[tuple[int, Ends, Tensor]]:
    """Return digits, where the lines go that may be added to them, and which pictures get them.

    Args:
        images: (B, 1, S, S), whatever their digit; a line that suits zeros is laid through all.
        u: (B, 8), random numbers from -1 to 1.
    """
    middle, spread = _extent(images)
    x, y = middle.unbind(1)
    right, down = (1.6 * spread).unbind(1)  # from the middle to the edges, about

    long = 0.9 + 0.35 * u[:, 0]
    reach, rise = right * long * (0.8 + 0.2 * u[:, 1]), down * long
    slash = (x + reach, y - rise, x - reach, y + rise)

    row = y + (0.05 + 0.15 * u[:, 2]) * down
    stem, half, tilt = _ink_at(images, row), 3.5 + 1.5 * u[:, 0], u[:, 1]
    bar = (stem - half, row + tilt, stem + half + u[:, 3], row - tilt)

    bottom, half = y + down, 3.5 + 1.5 * u[:, 3]
    end = _ink_at(images, bottom) + u[:, 4]
    foot = (end - half, bottom, end + half, bottom + 0.5 * u[:, 1])

    top = y - down
    tip = _ink_at(images, top)
    flag = (tip, top, tip - 5.0 - 3.0 * u[:, 0], top + 5.5 + 3.0 * u[:, 1])
    hook = (tip - 0.5, top + 0.5, tip + 5.0 + 3.0 * u[:, 0], top + 0.5 + 1.5 * u[:, 1])

    return [
        (0, slash, u[:, 6] < -0.2),
        (7, bar, u[:, 6] < 0.0),
        (1, foot, u[:, 6] < -0.4),
        (1, flag, u[:, 7] < 0.4),
        (6, hook, u[:, 7] < 0.0),
    ]


def _extent(images: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 2) and (B, 2): the middle of the ink and its spread, as x and y in pixels."""
    place = torch.arange(images.shape[-1], device=images.device, dtype=images.dtype)
    ink = torch.stack([images.sum(dim=(1, 2)), images.sum(dim=(1, 3))], dim=1)  # (B, 2, S)
    ink = ink / ink.sum(dim=2, keepdim=True).clamp(min=1e-6)
    middle = (ink * place).sum(dim=2)
    spread = (ink * (place - middle[:, :, None]) ** 2).sum(dim=2).sqrt()
    return middle, spread


def _ink_at(images: Tensor, row: Tensor) -> Tensor:
    """(B,), the mean x of the ink near a row (B,) of each picture."""
    place = torch.arange(images.shape[-1], device=images.device, dtype=images.dtype)
    near = torch.exp(-((place - row[:, None]) ** 2) / 4)  # (B, S)
    ink = (images[:, 0] * near[:, :, None]).sum(dim=1)  # (B, S)
    return (ink * place).sum(dim=1) / ink.sum(dim=1).clamp(min=1e-6)


def _segment(side: int, ends: Ends, width: Tensor) -> Tensor:
    """(B, 1, S, S), a line with round ends from (x0, y0) to (x1, y1), ``width`` to either side."""
    x0, y0, x1, y1 = (end.view(-1, 1, 1) for end in ends)
    place = torch.arange(side, device=x0.device, dtype=x0.dtype)
    px, py = place.view(1, 1, -1) - x0, place.view(1, -1, 1) - y0
    dx, dy = x1 - x0, y1 - y0
    along = ((px * dx + py * dy) / (dx * dx + dy * dy).clamp(min=1e-6)).clamp(0, 1)
    apart = torch.hypot(px - along * dx, py - along * dy)  # (B, S, S)
    return (width.view(-1, 1, 1) + 0.5 - apart).clamp(0, 1).unsqueeze(1)
