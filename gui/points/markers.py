"""How points are painted: each class by its colour and its shape, hollow where they validate."""

from collections.abc import Mapping
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
    """Return pixels (S, S) as 0xFFRRGGBB of probabilities (S, S, K): paler the less sure."""
    now, classes = theme.current(), answers.shape[2]
    paper = _rgb(now.surface)
    sure = np.clip((np.nan_to_num(answers) - 1 / classes) / (1 - 1 / classes), 0, 1)
    strength = 0.5 * np.sqrt(sure)
    pixels = np.broadcast_to(paper, (*answers.shape[:2], 3)).copy()
    for index in range(classes):
        pixels += strength[:, :, index, None] * (_rgb(getattr(now, ROLES[index])) - paper)
    whole = np.rint(np.clip(pixels, 0, 255)).astype(np.uint32)
    packed: Array = 0xFF000000 | whole[..., 0] << 16 | whole[..., 1] << 8 | whole[..., 2]
    return packed.astype(np.uint32)


def _rgb(colour: str) -> Array:
    made = QColor(colour)
    return np.array([made.red(), made.green(), made.blue()], float)
