"""The list of pairs, and the data that they share."""

import importlib
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from bench.healthy.programs import RESOURCES, Watch, clusters, digits, names

__all__ = ["Pair", "Watch", "clusters", "digits", "names", "pair"]

HALVES = {
    "tuning": (
        *("notebooks", "forum", "homework", "research", "trainers", "bare", "scripts"),
        *("competition", "exercises", "modules", "sequences", "vision", "generative"),
        *("questions", "lectures", "production", "labs"),
        *("ports", "fields", "refactors", "finetuning"),
        *("coursework", "assistants"),
    ),
    "judging": (),
}
"""The styles of the pairs that tools are improved by, and of those that judge them.

Once its failures were looked at, a style judges nobody any more: whoever writes a new one puts it
into the second half, until then.
"""
STYLES = (*HALVES["tuning"], *HALVES["judging"])


@dataclass(frozen=True)
class Pair:
    """A faulty program and its fixed one.

    Attributes:
        name: of the function.
        style: the module that it stands in.
        fault: what is wrong in the faulty one, in words.
        causes: the ids that name it rightly.
        run: trains under the ``watch`` that it is given; its second argument plants the fault.
    """

    name: str
    style: str
    fault: str
    causes: tuple[str, ...]
    run: Callable[[Watch, bool], None]


PAIRS: list[Pair] = []


def pair(fault: str, *causes: str) -> Callable[[Any], Any]:
    """Declare a function as a pair: what is wrong in the faulty one, and the ids that are right."""

    def declare(run: Callable[[Watch, bool], None]) -> Callable[[Watch, bool], None]:
        style = run.__module__.rpartition(".")[2]
        PAIRS.append(Pair(run.__name__, style, fault, causes, run))
        return run

    return declare


def chosen(half: str | None = None, only: str | None = None) -> list[Pair]:
    """Return the pairs of a half, or all; ``only``: a part of a name."""
    styles = HALVES[half] if half else STYLES
    for style in STYLES:
        importlib.import_module(f"bench.pairs.programs.{style}")
    return [one for one in PAIRS if one.style in styles and (only or "") in one.name]


@cache
def pictures() -> Tensor:
    """Return the pixels behind ``digits()``, 0 to 255 (5000, 1, 28, 28)."""
    return ((digits()[0] * 0.31 + 0.13) * 255).round().clamp(0, 255).view(-1, 1, 28, 28)


@cache
def moons() -> tuple[Tensor, Tensor]:
    """Return 2,000 points of two half circles (2000, 2), and which one each is of."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 2, (2000,), generator=generator)
    angle = math.pi * torch.rand(2000, generator=generator)
    side = 1 - 2 * labels
    points = torch.stack([side * angle.cos() + labels, side * angle.sin() + labels / 2], 1)
    noise = 0.15 * torch.randn(2000, 2, generator=generator)
    return points - points.mean(0) + noise, labels


@cache
def spirals() -> tuple[Tensor, Tensor]:
    """Return 3,000 points of three arms (3000, 2), and the arm of each."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(0, 3, (3000,), generator=generator)
    radius = 0.1 + 0.9 * torch.rand(3000, generator=generator)
    angle = 4 * radius + labels * (2 * math.pi / 3)
    points = 2 * radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return points + 0.05 * torch.randn(3000, 2, generator=generator), labels


@cache
def houses() -> tuple[Tensor, Tensor]:
    """Return 2,000 rows of 8 standard features, and prices in thousands (2000, 1): 310 ± 90."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2000, 8, generator=generator)
    value = x[:, 0] + 0.7 * x[:, 1] * x[:, 2] + (2 * x[:, 3]).tanh() + 0.4 * x[:, 4].abs()
    value = value + 0.3 * torch.randn(2000, generator=generator)
    return x, (310 + 90 * (value - value.mean()) / value.std())[:, None]


@cache
def waves() -> tuple[Tensor, Tensor]:
    """Return 1,500 series of 24 moments (1500, 24, 1) of four kinds of wave, and their kinds."""
    generator = torch.Generator().manual_seed(4)
    labels = torch.randint(0, 4, (1500,), generator=generator)
    phase = torch.rand(1500, 1, generator=generator)
    turns = (phase + torch.arange(24) * (1 + labels[:, None] % 2) / 12) % 1
    smooth, square = (2 * math.pi * turns).sin(), (turns < 0.5) * 2.0 - 1
    series = torch.where(labels[:, None] < 2, smooth, square)
    return (series + 0.25 * torch.randn(1500, 24, generator=generator))[..., None], labels


@cache
def blobs() -> tuple[Tensor, Tensor]:
    """Return 1,500 coloured pictures (1500, 3, 12, 12) of a bar, and which of six it is."""
    generator = torch.Generator().manual_seed(6)
    labels = torch.randint(0, 6, (1500,), generator=generator)
    images = 0.6 * torch.randn(1500, 3, 12, 12, generator=generator)
    for image, label, place in zip(
        images, labels.tolist(), torch.randint(1, 10, (1500,), generator=generator), strict=True
    ):
        if label < 3:
            image[label, place : place + 2] += 1.5
        else:
            image[label - 3, :, place : place + 2] += 1.5
    return images, labels


@cache
def text() -> tuple[Tensor, list[str]]:
    """Return 100,000 letters of a play as ids, and the letters that they stand for."""
    with zipfile.ZipFile(RESOURCES / "plays" / "plays.zip") as plays:
        words = plays.read(sorted(plays.namelist())[0]).decode()[2000:102_000]
    letters = sorted(set(words))
    number = {letter: i for i, letter in enumerate(letters)}
    return torch.tensor([number[letter] for letter in words]), letters


@cache
def ngrams(context: int = 3) -> tuple[Tensor, Tensor]:
    """Return each letter's ``context`` letters before it (count, context) in names, and itself."""
    rows = torch.nn.functional.pad(names()[:4000], (context, 0))
    windows = rows.unfold(1, context + 1, 1).reshape(-1, context + 1)
    kept = windows[(windows[:, -1] > 0) | (windows[:, -2] > 0)]
    kept = kept[torch.randperm(len(kept), generator=torch.Generator().manual_seed(7))]
    return kept[:, :-1], kept[:, -1]
