"""The data sets of the plane: made from a recipe's settings, or read from a file of one's own.

No torch in it: the page draws them before torch is there.
"""

import csv
import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import check_is_file, write_whole
from ...telemetry.events import Array
from .recipe import CLASSES, DRAWN, MOST_POINTS, VALUES, PointsDataset

SIDE = 2.5
"""The plane goes from -SIDE to SIDE in both directions; standard deviations are about 1."""
FEWEST = 4
LARGEST = 1 << 20  # bytes of a file of points
TESTED = 1000  # points that judge at the end
Row = list[float]
"""A point that somebody drew: x, y, and its class."""


@dataclass(frozen=True)
class Points:
    """Points and what a network is to say of them.

    Attributes:
        inputs: coordinates (N, 2), or (N, 1) where a curve is learned, as float32.
        targets: classes (N,) as int64, or values (N, 1) as float32.
    """

    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: Array | slice) -> "Points":
        """Return some of them."""
        return Points(self.inputs[rows], self.targets[rows])


@dataclass(frozen=True)
class Divided:
    """The points that train, and those that validate."""

    train: Points
    validation: Points


def generated(settings: PointsDataset) -> Divided:
    """Return the points that a recipe describes, divided by its validation share."""
    return _generated(
        settings.dataset, settings.points, settings.noise, settings.val_share, settings.data_seed
    )


@lru_cache(maxsize=8)
def _generated(dataset: str, count: int, noise: float, share: float, seed: int) -> Divided:
    rng = np.random.default_rng(seed)
    return divided(_make(dataset, count, noise, rng), share, rng)


def new_points(settings: PointsDataset) -> Points:
    """Return new points of the same kind, which no network has learned from or was chosen by."""
    rng = np.random.default_rng((settings.data_seed, 1))
    return _make(settings.dataset, TESTED, settings.noise, rng)


def divided(points: Points, share: float, rng: np.random.Generator) -> Divided:
    """Divide points at random: the first share of them validates, at least one on either side."""
    order = rng.permutation(len(points))
    validating = min(len(points) - 1, max(1, round(share * len(points))))
    return Divided(points[order[validating:]], points[order[:validating]])


def divided_rows(rows: list[Row], settings: PointsDataset) -> Divided:
    """Divide the points that somebody drew."""
    table = np.array(rows, np.float64).reshape(-1, 3)
    points = Points(table[:, :2].astype(np.float32), table[:, 2].astype(np.int64))
    return divided(points, settings.val_share, np.random.default_rng(settings.data_seed))


def _make(dataset: str, count: int, noise: float, rng: np.random.Generator) -> Points:
    """Return points of a data set; the code's template has the same formulas."""
    classes = CLASSES.get(dataset, 0)
    labels = np.arange(count) % max(1, classes)
    at: Array
    angle: Array
    radius: Array
    if dataset == "moons":
        angle = math.pi * rng.random(count)
        flip = 1 - 2 * labels
        x, y = flip * np.cos(angle) + labels - 0.5, flip * np.sin(angle) + 0.5 * labels - 0.25
        at = 1.4 * np.stack([x, y], 1)
    elif dataset == "circles":
        angle, radius = 2 * math.pi * rng.random(count), np.where(labels, 1.8, 0.8)
        at = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    elif dataset == "xor":
        at = rng.uniform(-2, 2, (count, 2))
        labels = (at.prod(1) < 0).astype(np.int64)
    elif dataset == "spirals":
        radius = np.sqrt(rng.random(count))
        angle = math.pi * labels + 7 * radius
        at = 2.2 * np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    elif dataset == "blobs":
        angle = math.pi / 2 + 2 * math.pi / 3 * labels
        at = 1.3 * np.stack([np.cos(angle), np.sin(angle)], 1)
        at = at + 0.3 * rng.standard_normal((count, 2))
    else:
        at = rng.uniform(-2.3, 2.3, (count, VALUES[dataset]))
    if classes:
        at = at + noise * rng.standard_normal((count, 2))
        return Points(at.astype(np.float32), labels.astype(np.int64))
    value = truth(dataset, at) + noise * rng.standard_normal((count, 1))
    return Points(at.astype(np.float32), value.astype(np.float32))


def truth(dataset: str, at: Array) -> Array:
    """Return the values (N, 1) without noise of a regression at points (N, 2) or (N, 1)."""
    value: Array
    if dataset == "curve":
        value = np.sin(2 * at) + 0.5 * at
    else:
        value = np.sin(1.5 * at[:, :1]) + np.cos(1.5 * at[:, 1:])
    return value


@dataclass(frozen=True)
class PointsData:
    """What the playground loads: nothing but a name, or the points of a file.

    Attributes:
        title: what it is, in words.
        rows: the points of a file; empty where the recipe says which are made.
    """

    title: str
    rows: tuple[tuple[float, float, float], ...] = ()


def load(source: Path | None) -> PointsData:
    """Return the points of a file; without one they are made by a recipe's settings.

    Raises:
        UserError: the file can't be learned from; says why.
    """
    if source is None or source.is_dir():
        return PointsData("2-D points")
    if not source.exists():
        raise UserError(f"{source} is not there; choose the file again, or draw new points.")
    rows = _read(source)
    return PointsData(f"{source.name}, {len(rows):,} points", tuple((x, y, c) for x, y, c in rows))


def _read(path: Path) -> list[Row]:
    try:
        check_is_file(path)
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} is larger than {LARGEST >> 20} MB; choose a smaller file.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text; give a CSV file of lines x,y,class.") from None
    lines = [line for line in csv.reader(text.splitlines()) if line]
    if lines and lines[0][0].strip() == "x":
        lines = lines[1:]
    try:
        rows = [[float(cell) for cell in line] for line in lines]
    except ValueError:
        raise UserError(f"{path} has a line that is not x,y,class in numbers.") from None
    return check_rows(rows, str(path))


def check_rows(rows: object, what: str) -> list[Row]:
    """Return points that can be learned from, as they were given.

    Args:
        rows: what a file says they are.
        what: where they are from, for the sentence.

    Raises:
        UserError: they can't be learned from; says why.
    """
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise UserError(
            f"{what} has a line that is not x,y,class: two coordinates from -{SIDE:g} to {SIDE:g},"
            " and 0 or 1."
        )
    if not FEWEST <= len(rows) <= MOST_POINTS:
        raise UserError(f"{what} has {len(rows):,} points; give {FEWEST} to {MOST_POINTS:,}.")
    if len({row[2] for row in rows}) < 2:
        raise UserError(f"{what} has points of one class alone; draw some of the other, too.")
    return [[float(number) for number in row] for row in rows]


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in row)
        and all(abs(n) <= SIDE for n in row[:2])
        and row[2] in (0, 1)
    )


def save_rows(rows: list[Row], folder: Path) -> Path:
    """Write drawn points to a file that is named by what it holds, and return where.

    So a run's points stay what they were, whatever is drawn later.

    Raises:
        UserError: they can't be learned from, or the file can't be written.
    """
    check_rows(rows, "The drawing")
    lines = ["x,y,class", *(f"{x:g},{y:g},{label:g}" for x, y, label in rows)]
    content = ("\n".join(lines) + "\n").encode()
    path = folder / f"{DRAWN}-{hashlib.sha256(content).hexdigest()[:12]}.csv"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    return path
