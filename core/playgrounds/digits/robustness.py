"""How robust a digit network is: its accuracy on digits that are turned, moved or noisy.

After Hendrycks and Dietterich (2019), who measure networks on pictures with corruptions of growing
severity; here each curve has one corruption over its whole range.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...interruption import heed
from ...telemetry.events import Array, frozen
from ...training.evaluation import at_once, evaluation_mode, place_of
from .data import Split, prepare
from .evaluation import CHUNK

MOST = 1000  # digits, spread evenly over those that validate
CERTAIN = 1.96  # standard deviations on either side: 95 % of a normal distribution


@dataclass(frozen=True)
class Distortion:
    """What is done to the digits, by how much.

    Attributes:
        key: rotation, noise or shift.
        amounts: what a curve has a point for.
    """

    key: str
    amounts: tuple[float, ...]


DISTORTIONS = (
    Distortion("rotation", tuple(float(angle) for angle in range(-90, 91, 10))),
    Distortion("noise", (*(n / 20 for n in range(7)), *(n / 10 for n in range(4, 11)))),
    Distortion("shift", tuple(float(pixels) for pixels in range(11))),
)
"""Degrees counterclockwise; the standard deviation of what is added to ink from 0 to 1; pixels."""


@dataclass(frozen=True)
class Robustness:
    """One curve.

    Attributes:
        key: of the distortion.
        amounts: (K,).
        accuracy, low, high: (K,), and the ends of its 95 % interval.
        images: (K, M, 28, 28), one of each digit at each amount, as bytes.
        labels: (M,), what they are.
        answers: (K, M), what they were read as.
        size: how many digits the accuracy is of.
    """

    key: str
    amounts: Array
    accuracy: Array
    low: Array
    high: Array
    images: Array
    labels: Array
    answers: Array
    size: int


def distort(key: str, amount: float, images: Tensor, seed: int = 0) -> Tensor:
    """Return pictures turned or moved by an amount, or with noise of it.

    Args:
        key: ``rotation`` by degrees, counterclockwise; ``noise`` with this standard deviation,
            after which ink is cut off at 0 and 1; ``shift`` by pixels, each picture in a direction
            of its own.
        amount: how much.
        images: (B, 1, S, S), ink from 0 to 1.
        seed: of the noise and the directions, which are the same for each amount.

    Returns:
        (B, 1, S, S), ink from 0 to 1; empty where nothing was.
    """
    generator = torch.Generator().manual_seed(seed)
    if key == "noise":
        noise = torch.randn(images.shape, generator=generator)
        return (images + amount * noise.to(images)).clamp(0, 1)
    count = len(images)
    turn, move = torch.zeros(count), torch.zeros(count, 2)
    if key == "rotation":
        turn = turn + math.radians(amount)
    else:
        way = 2 * math.pi * torch.rand(count, generator=generator)
        # The plane runs from -1 to 1: a pixel is 2 / S of it.
        move = torch.stack([way.cos(), way.sin()], 1) * (2 * amount / images.shape[-1])
    cos, sin = turn.cos(), turn.sin()
    rows = [cos, -sin, move[:, 0], sin, cos, move[:, 1]]
    theta = torch.stack(rows, 1).view(-1, 2, 3).to(images)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def interval(share: Array, count: int) -> tuple[Array, Array]:
    """Return the 95 % interval of shares that were found in so many trials (Wilson 1927).

    It holds where all are right, too, where an error of the mean would be zero.
    """
    square = CERTAIN**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = np.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half = CERTAIN / (1 + square / count) * spread
    return middle - half, middle + half


def measure(model: nn.Module, split: Split) -> Iterator[tuple[float, Robustness | None]]:
    """Measure a network under each distortion, on up to ``MOST`` digits of a split.

    Yields:
        The share that is done, after each point; and with a curve's last point the curve.

    Raises:
        CancelledError: nobody waits for it any more (see :mod:`core.interruption`).
    """
    every = -(-len(split) // MOST)
    images, labels = split.images[::every], split.labels[::every]
    ink = images.unsqueeze(1).float() / 255
    steps, done = sum(len(each.amounts) for each in DISTORTIONS), 0
    for distortion in DISTORTIONS:
        right, pictures, answers = [], [], []
        for amount in distortion.amounts:
            changed = distort(distortion.key, amount, ink)
            read = _read(model, changed)
            right.append(float((read == labels).float().mean()))
            pictures.append((changed[_pictured(labels), 0] * 255).round().byte())
            answers.append(read[_pictured(labels)])
            done += 1
            if distortion.amounts[-1] != amount:
                yield done / steps, None
        accuracy = np.array(right)
        yield (
            done / steps,
            Robustness(
                distortion.key,
                np.array(distortion.amounts),
                accuracy,
                *interval(accuracy, len(labels)),
                frozen(torch.stack(pictures)),
                frozen(labels[_pictured(labels)]),
                frozen(torch.stack(answers)),
                len(labels),
            ),
        )


def _pictured(labels: Tensor) -> Tensor:
    """Return where the first of each digit stands."""
    return torch.tensor([int((labels == each).nonzero()[0]) for each in sorted({*labels.tolist()})])


@torch.no_grad()
def _read(model: nn.Module, ink: Tensor) -> Tensor:
    """Return the digits that pictures (N, 1, 28, 28) are read as, (N,)."""
    found = []
    with evaluation_mode(model):
        for part in torch.split(ink, at_once(CHUNK, getattr(model, "widest", 0.0))):
            heed()
            found.append(model(prepare(part).to(place_of(model))).argmax(1).cpu())
    return torch.cat(found)
