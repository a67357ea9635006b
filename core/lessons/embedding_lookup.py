"""A one-hot vector times a table: the same numbers as a look-up, by the long way."""

import numpy as np
from torch import nn

from ..layers import layers_of
from ..telemetry.events import Array, frozen


def table_of(model: nn.Module) -> Array | None:
    """Return a network's first table (V, E), a row for each symbol; None if it has none."""
    tables = (layer.product for layer in layers_of(model).values())
    first = next((table for table in tables if isinstance(table, nn.Embedding)), None)
    return None if first is None else frozen(first.weight)


def ones(size: int, *where: int) -> Array:
    """Return a vector (size,) of zeros with ones in some places."""
    vector: Array = np.zeros(size)
    vector[list(where)] = 1.0
    return vector
