"""How a watched loop learns, read off its looks in the words of a recipe.

A stranger's loop has no recipe to be read; what two of them differ in can be seen all the same.
"""

import math
from collections.abc import Sequence

from .observation import Observation, ObservedLayer

MOST = 8  # layers that are told one by one
STEADY = 0.01
"""A learning rate that moves by less than that has not moved: it may be measured, not told."""


def manner(looks: Sequence[Observation]) -> dict[str, str]:
    """Return the settings that can be seen, by their labels; none where nothing was seen."""
    if not looks:
        return {}
    first, last = looks[0], looks[-1]
    decay = max((p.weight_decay for p in last.parameters), default=0.0)
    seen = {
        "Layers": _chain([layer for layer in last.layers if not layer.is_embedding]),
        "Embedding": ", ".join(str(layer.units) for layer in last.layers if layer.is_embedding),
        "Parameters": f"{sum(math.prod(p.shape) for p in last.parameters):,}",
        "Loss": last.criterion.kind.replace("_", " "),
        "Optimiser": last.optimizer or "by hand",
        "Learning rate": _rates([look.lr for look in looks if look.lr > 0]),
        "Weight decay": f"{decay:g}" if decay else "",
        "Batch": " × ".join(str(size) for size in first.inputs[0].shape) if first.inputs else "",
    }
    return {label: words for label, words in seen.items() if words}


def batch_size(looks: Sequence[Observation]) -> int:
    """Return how many examples a step sees; 0 if that could not be seen."""
    shape = looks[0].inputs[0].shape if looks and looks[0].inputs else ()
    return shape[0] if shape else 0


def _chain(layers: Sequence[ObservedLayer]) -> str:
    """Return the sizes that the layers make of one another, and what bends them."""
    if not layers:
        return ""
    sizes = [str(size) for size in (layers[0].fan_in, *(layer.units for layer in layers))]
    if len(layers) > MOST:
        sizes = [*sizes[:3], "…", sizes[-1]]
    bends = dict.fromkeys(layer.nonlinearity for layer in layers if layer.nonlinearity)
    count = f"{len(layers)} layers" if len(layers) > MOST else ""
    return ", ".join(part for part in ("→".join(sizes), *bends, count) if part)


def _rates(rates: Sequence[float]) -> str:
    """Return a learning rate, and what became of it."""
    if not rates:
        return ""
    began, ended = rates[0], rates[-1]
    moved = abs(ended - began) > STEADY * began
    return f"{began:.3g} → {ended:.3g}" if moved else f"{began:.3g}"
