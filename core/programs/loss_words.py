"""How the loss of a program's training went, in words, from what was seen of it."""

from collections.abc import Mapping
from typing import Any

from ..numbers import number


def loss_words(loop: Mapping[str, Any]) -> str:
    """Say the loss of a training's first step, and the mean of its last tenth; "" for none.

    One step is a batch, and its loss noisy: at the end, where little changes, a mean says more.

    Args:
        loop: as :meth:`core.programs.monitor.Training.to_dict` returns it; there NaN is None.
    """
    if loop["first_loss"] is None:
        return ""
    end = "NaN or infinity"
    if loop["last_loss"] is not None:
        end = f"{number(loop['last_tenth_loss'])} (mean of the last tenth)"
    return f"loss {number(loop['first_loss'])} (first step) to {end}"
