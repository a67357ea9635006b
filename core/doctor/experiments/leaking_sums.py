"""Columns of a series that reach past the last step of a window: a forecast then reads its answer.

An average that is centred, a difference forwards or a filter over the whole series is a sum of
values, some of which come later. What is to be forecast is then a sum of what the window holds.
"""

import numpy as np

from ...telemetry.events import Array
from ..watch.graph import StepGraph
from .sources import source_of

MIN_WINDOWS, MAX_WINDOWS, MAX_NUMBERS = 300, 4000, 400
"""Windows of a series, and numbers in each of them."""
FURTHEST = 5
"""Steps ahead that are looked for."""
SLIDES, SAME = 0.95, 0.9999
"""Share of windows that are the next one moved by a step; correlation of what is the same."""
NOTHING, MUCH = 1e-5, 0.01
"""Parts of the variance of what is to be forecast: what a fit of all columns leaves, and of its own
past."""


def leaking_sum(graph: StepGraph) -> str:
    """Say that what a window is to forecast is a sum of what it holds; "" if it is not.

    A series that its own past tells without an error, as a sine's does, is none.
    """
    if len(graph.inputs) != 1 or graph.targets is None:
        return ""
    windows, targets = source_of(graph, graph.inputs[0]), source_of(graph, graph.targets)
    if windows is None or targets is None or windows.dim() != 3 or len(windows) != len(targets):
        return ""
    if not windows.is_floating_point() or targets.numel() != len(targets):
        return ""
    rows = windows[:MAX_WINDOWS].detach().double().cpu().numpy()
    aims = targets[:MAX_WINDOWS].detach().double().cpu().numpy().reshape(len(rows))
    for given in (rows, rows.transpose(0, 2, 1)):
        if found := _in_windows(given, aims):
            return found
    return ""


def _in_windows(rows: Array, aims: Array) -> str:
    """Look at windows (count, steps, columns) that slide along a series, in their order."""
    count, steps, columns = rows.shape
    if not count >= MIN_WINDOWS or columns < 2 or steps < 2 or steps * columns > MAX_NUMBERS:
        return ""
    if float((rows[1:, :-1] == rows[:-1, 1:]).all((1, 2)).mean()) < SLIDES or aims.std() == 0:
        return ""
    for ahead in range(1, FURTHEST + 1):
        for column in range(columns):
            later = rows[ahead:, -1, column]
            if later.std() == 0 or abs(np.corrcoef(later, aims[:-ahead])[0, 1]) < SAME:
                continue
            own, every = (_left(x, aims) for x in (rows[:, :, column], rows.reshape(count, -1)))
            if every < NOTHING and own > MUCH:
                return (
                    f"what column {column} is {ahead} step{'s' if ahead > 1 else ''} later is a sum"
                    f" of what the inputs hold: of its variance all columns leave {every:.1g}, its"
                    f" own past {own:.2g}; another column reaches past the last step"
                )
            return ""
    return ""


def _left(inputs: Array, aims: Array) -> float:
    """Return the part of the variance that a linear fit leaves."""
    scaled = (inputs - inputs.mean(0)) / (inputs.std(0) + 1e-30)
    solution, *_ = np.linalg.lstsq(scaled, aims - aims.mean(), rcond=1e-10)
    return float((aims - aims.mean() - scaled @ solution).var() / aims.var())
