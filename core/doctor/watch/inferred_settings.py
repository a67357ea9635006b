"""The settings of a watched loop, inferred from its observations: it has no recipe to be read."""

import math
from collections.abc import Sequence

from .observation import Observation, ObservedLayer

MAX_LAYERS = 8
"""More are summed up."""
STEADY = 0.01
"""A learning rate that changes by a smaller part is constant: it may be measured, and not known."""


def inferred_settings(observations: Sequence[Observation]) -> dict[str, str]:
    """Return the settings that can be inferred, by their labels; none without observations."""
    if not observations:
        return {}
    first, last = observations[0], observations[-1]
    decay = max((p.weight_decay for p in last.parameters), default=0.0)
    found = {
        "Layers": _chain([layer for layer in last.layers if not layer.is_embedding]),
        "Embedding": ", ".join(str(layer.units) for layer in last.layers if layer.is_embedding),
        "Parameters": f"{sum(math.prod(p.shape) for p in last.parameters):,}",
        "Loss": last.criterion.kind.replace("_", " "),
        "Optimiser": last.optimizer or "by hand",
        "Learning rate": _learning_rate([seen.lr for seen in observations if seen.lr > 0]),
        "Weight decay": f"{decay:g}" if decay else "",
        "Batch": " × ".join(str(size) for size in first.inputs[0].shape) if first.inputs else "",
    }
    return {label: words for label, words in found.items() if words}


def batch_size(observations: Sequence[Observation]) -> int:
    """Return the number of examples in a step; 0 if it is not known."""
    shape = observations[0].inputs[0].shape if observations and observations[0].inputs else ()
    return shape[0] if shape else 0


def _chain(layers: Sequence[ObservedLayer]) -> str:
    """Return the sizes of the layers one after another, and their nonlinearities."""
    if not layers:
        return ""
    sizes = [str(size) for size in (layers[0].fan_in, *(layer.units for layer in layers))]
    if len(layers) > MAX_LAYERS:
        sizes = [*sizes[:3], "…", sizes[-1]]
    nonlinearities = dict.fromkeys(layer.nonlinearity for layer in layers if layer.nonlinearity)
    count = f"{len(layers)} layers" if len(layers) > MAX_LAYERS else ""
    return ", ".join(part for part in ("→".join(sizes), *nonlinearities, count) if part)


def _learning_rate(rates: Sequence[float]) -> str:
    """Return the first learning rate, and the last where it has changed."""
    if not rates:
        return ""
    first, last = rates[0], rates[-1]
    changed = abs(last - first) > STEADY * first
    return f"{first:.3g} → {last:.3g}" if changed else f"{first:.3g}"
