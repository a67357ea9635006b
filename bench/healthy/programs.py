"""The list of healthy programs, and the data that they share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

RESOURCES = Path(__file__).resolve().parents[2] / "resources"

Watch = Callable[[], Any]
"""Makes the ``watch`` of a program."""


@dataclass(frozen=True)
class Program:
    """A healthy training.

    Attributes:
        name: of the function.
        kind: of training, in words.
        run: trains, under the ``watch`` that it is given.
    """

    name: str
    kind: str
    run: Callable[[Watch], None]


PROGRAMS: list[Program] = []


def healthy(kind: str) -> Callable[[Callable[[Watch], None]], Callable[[Watch], None]]:
    """Declare a function as a healthy program of a kind."""

    def declare(run: Callable[[Watch], None]) -> Callable[[Watch], None]:
        PROGRAMS.append(Program(run.__name__, kind, run))
        return run

    return declare


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Return 5,000 pictures (count, 784), mean 0 and standard deviation 1, and their labels."""
    file = np.load(RESOURCES / "digits" / "mnist5000.npz")
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    pixels = torch.tensor(file["images"]).float().reshape(-1, 784)[order]
    return (pixels / 255 - 0.13) / 0.31, torch.tensor(file["labels"]).long()[order]


@cache
def names() -> Tensor:
    """Return 8,000 names as rows of 12 letters, 0 behind their end."""
    words = (RESOURCES / "names" / "names.txt").read_text().lower().split()[::4][:8000]
    rows = torch.zeros(len(words), 12, dtype=torch.long)
    for row, word in zip(rows, words, strict=True):
        ids = torch.tensor([ord(letter) - 96 for letter in word[:11]])
        row[: len(ids)] = ids.clamp(1, 26)
    return rows


@cache
def clusters() -> tuple[Tensor, Tensor]:
    """Return 3,000 points in 16 dimensions of 5 overlapping clusters, and which they are of."""
    generator = torch.Generator().manual_seed(5)
    centres = torch.randn(5, 16, generator=generator)
    labels = torch.randint(0, 5, (3000,), generator=generator)
    return centres[labels] + 0.7 * torch.randn(3000, 16, generator=generator), labels
