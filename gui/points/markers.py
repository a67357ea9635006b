"""How points are painted: each class by its colour and its shape, hollow where they validate."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from core.telemetry.events import Array
from gui import theme
from gui.charts import colormaps
from gui.charts.markers import paint_marker
from gui.charts.scatter import Marks

ROLES = ("gradient", "activation", "update")
"""Colours of the classes: orange, blue, green; as in the decision maps of the lessons."""
NAMES = ("■ orange", "● blue", "▲ green")
"""Of the classes, by sign and colour."""
SIGNS = ("value below 0", "value above 0")
"""Of values, by the colours of the first two classes."""
LEVELS = 4096
"""Of a probability, that differ in colour: the palest ones lie close to one another."""


def point_marks(values: Mapping[str, Any]) -> Marks:
    """Return the marks of the points of a representation: by class, or by the sign of a value."""
    inputs, targets, answers = values["inputs"], values["targets"], values["answers"]
    valued = targets.ndim == 2
    kinds = (targets[:, 0] > 0).astype(int) if valued else targets
    names = SIGNS if valued else [name[2:] for name in NAMES]
    wrong = np.zeros(len(kinds), bool) if valued else targets != answers

    def tell(index: int) -> str:
        at = ", ".join(f"{name} {x:.2f}" for name, x in zip("xy", inputs[index], strict=False))
        if valued:
            return f"The point at {at}; its value is {targets[index, 0]:.2f}."
        return f"The point at {at}: {names[kinds[index]]}, answer {names[answers[index]]}."

    return Marks(kinds, names, ROLES, wrong=wrong, tell=tell)


def paint_points(
    painter: QPainter, spots: Array, targets: Array, validates: bool, size: float, reach: float
) -> None:
    """Paint points at pixels (N, 2) by their classes (N,), or by their values (N, 1)."""
    now = theme.current()
    valued = targets.ndim == 2
    if valued:
        ramp = colormaps.diverging()
        level = np.clip((targets[:, 0] / reach + 1) * 127.5, 0, 255).astype(int)
        colours = [QColor.fromRgba(int(ramp[index])) for index in level]
    for index, (x, y) in enumerate(spots.tolist()):
        kind = 1 if valued else int(targets[index])
        colour = colours[index] if valued else now.colour(ROLES[kind])
        if validates:
            painter.setBrush(now.colour("surface"))
            painter.setPen(QPen(now.colour("muted") if valued else colour, 1.4))
            paint_marker(painter, kind, QPointF(x, y), size)
            if valued:
                painter.setPen(QPen(colour, 1.8))
                paint_marker(painter, kind, QPointF(x, y), size - 1.4)
        else:
            painter.setBrush(colour)
            painter.setPen(QPen(now.colour("muted" if valued else "surface"), 0.8))
            paint_marker(painter, kind, QPointF(x, y), size)


def class_image(answers: Array) -> Array:
    """Return pixels (S, S) as 0xFFRRGGBB of probabilities (S, S, K): weaker the less sure.

    Thirty pictures a second are made of it, so that colours are looked up and not mixed.
    """
    now, classes = theme.current(), answers.shape[2]
    level = np.rint(np.fmax(answers, 0) * (LEVELS - 1)).astype(np.intp)  # NaN is sure of nothing
    pixels = np.full(answers.shape[:2], QColor(now.surface).rgba(), np.uint32)
    for index in range(classes):
        added = _added_colours(now.surface, getattr(now, ROLES[index]), classes)
        pixels += added.take(level[:, :, index], mode="clip")
    return pixels


@lru_cache(maxsize=16)  # by the colours themselves, so a theme can't be mistaken for another
def _added_colours(paper: str, colour: str, classes: int) -> Array:
    """Return what each level of a class's probability adds to the paper, as 0xRRGGBB.

    What is less than the paper wraps around, and so does the sum: all parts of it stay between
    paper and colours, so that none runs over into another.
    """
    sure = np.clip((np.linspace(0, 1, LEVELS) - 1 / classes) / (1 - 1 / classes), 0, 1)
    parts = np.rint(0.5 * np.sqrt(sure)[:, None] * (_rgb(colour) - _rgb(paper))).astype(np.int64)
    added: Array = (parts @ [1 << 16, 1 << 8, 1]).astype(np.uint32)
    return added


def _rgb(colour: str) -> Array:
    made = QColor(colour)
    return np.array([made.red(), made.green(), made.blue()], float)
