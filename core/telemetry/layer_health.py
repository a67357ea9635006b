"""When a layer's numbers are a warning: the thresholds of the layer wall, each with its source."""

import math
from dataclasses import dataclass

from .events import LayerInfo, LayerStats

GOOD_UPDATE = -3.0
"""log10 of update to data that learns well (makemore, part 3: "about 1e-3")."""


@dataclass(frozen=True)
class Remark:
    """What is remarkable about one quantity of a layer.

    Attributes:
        quantity: ``activation``, ``gradient`` or ``update``.
        grave: a fault (the layer hardly learns) rather than a warning.
        sentence: what was seen, and what usually helps.
    """

    quantity: str
    grave: bool
    sentence: str


def remarks(info: LayerInfo, stats: LayerStats, rate_share: float = 1.0) -> list[Remark]:
    """Return what a person should look at in a layer; nothing for a healthy one.

    Args:
        info: the layer.
        stats: what a probe saw of it.
        rate_share: the present share of the recipe's learning rate; a schedule that has come down
            makes updates small without anything being wrong.
    """
    found = [_activation(info, stats), _gradient(stats), _update(info, stats, rate_share)]
    return [remark for remark in found if remark is not None]


def _activation(info: LayerInfo, stats: LayerStats) -> Remark | None:
    if not math.isfinite(stats.std):
        return Remark("activation", True, "The activations are no numbers any more (NaN).")
    if stats.saturated > 0.3:
        return Remark(
            "activation",
            stats.saturated > 0.6,
            f"{stats.saturated:.0%} of the activations lie at the flat ends of {info.activation},"
            " where hardly any gradient passes. Smaller first weights (Kaiming) or batch norm"
            " help.",
        )
    if stats.dead > 0.25:
        return Remark(
            "activation",
            stats.dead > 0.6,
            f"{stats.dead:.0%} of the units were never above zero on this batch: they say nothing"
            " and get no gradient. A lower learning rate or batch norm helps.",
        )
    if stats.std < 1e-4:
        return Remark("activation", True, "Every activation is nearly the same: no signal is left.")
    return None


def _gradient(stats: LayerStats) -> Remark | None:
    if not math.isfinite(stats.gradient_std):
        return Remark("gradient", True, "The gradient is no number any more (NaN).")
    if stats.gradient_std == 0 or stats.gradient_to_weight == 0:
        return Remark("gradient", True, "No gradient reaches this layer: it can't learn.")
    return None


def _update(info: LayerInfo, stats: LayerStats, rate_share: float) -> Remark | None:
    if rate_share == 0:
        return None  # no step was meant to be made
    expected = math.log10(rate_share)
    if stats.update_to_data < GOOD_UPDATE - 1.5 + min(0.0, expected):
        return Remark(
            "update",
            False,
            f"A step changes these weights by 1/{10 ** min(9, -stats.update_to_data):,.0f} of their"
            " size or less, against the usual 1/1,000. A higher learning rate learns faster.",
        )
    # Weights that began tiny, as an output layer's do, must first grow, by large shares at a time.
    tiny = stats.weight_std * math.sqrt(info.fan_in) < 0.5
    if stats.update_to_data > -1.0 and not tiny:
        return Remark(
            "update",
            stats.update_to_data > -0.5,
            f"A step changes these weights by {10**stats.update_to_data:.0%} of their size, against"
            " the usual 0.1 %. A lower learning rate is steadier.",
        )
    return None
