"""Whether layers are healthy: the only thresholds for saturated, dead, vanishing and exploding.

The layer tables of the window and of the lessons, the probes and the rules of the doctor use the
same numbers. Where there are two, the lower one is a notice: worth a look, and no fault.

Sources: Karpathy, makemore part 3 ("Activations & Gradients, BatchNorm") for saturation, dead units
and the update-to-weight ratio; Glorot and Bengio 2010 and He et al. 2015 for the scale of signals;
Hochreiter 1991 for vanishing, Pascanu, Mikolov and Bengio 2013 for exploding gradients.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .events import LayerInfo, LayerStats, Snapshot

SATURATED_TANH, SATURATED_SIGMOID = 0.97, 0.03
"""Saturated is a tanh beyond, a sigmoid that close to 0 or 1: slopes below 0.06 and 0.03."""
SATURATION_NOTICE, SATURATION, SATURATION_AT_START = 0.3, 0.7, 0.5
"""Shares of a layer's activations; before anything was learned, the last one is a fault."""
DEAD_NOTICE, DEAD = 0.25, 0.6
"""Shares of relu units that are zero for every example of a batch."""
VANISHING = 2e-3
"""The first layer's weight gradient over the largest behind it."""
EXPLODING_NOTICE, EXPLODING = 300.0, 9000.0
"""The norm of all gradients together; clipping usually stands at 1."""
SIGNAL_LOST, SIGNAL_FADED, SIGNAL_GROWN = 1e-4, 0.01, 100.0
"""Standard deviations of a signal, which should stay about 1 from layer to layer."""
UPDATE_GOOD = -3.0
"""The log10 of an update-to-weight ratio that trains well."""
UPDATE_SMALL, UPDATE_LARGE, UPDATE_TOO_LARGE = -4.3, -1.3, -0.5
"""The log10 of ratios at which a step is too short, or too long."""
GROWN_WEIGHTS = 0.3
"""The std of weights times the root of their fan-in, from which on their update ratio counts.

Weights that begin tiny, as an output layer's do, must first grow, by large shares at a time.
"""
START = 5
"""Steps before which nothing was learned."""


@dataclass(frozen=True)
class Remark:
    """What is remarkable about one quantity of a layer.

    Attributes:
        quantity: ``activation``, ``gradient`` or ``update``.
        is_fault: whether the layer hardly learns; else it is a notice.
        sentence: what was measured, and what usually helps.
    """

    quantity: str
    is_fault: bool
    sentence: str


def is_saturated(values: Any, activation: str) -> Any:
    """Return which activations of a tanh or sigmoid are saturated: a mask of a tensor or array."""
    if activation == "sigmoid":
        return abs(values - 0.5) > 0.5 - SATURATED_SIGMOID
    return abs(values) > SATURATED_TANH


def is_dead(values: Any, activation: str) -> Any:
    """Return which units get no gradient from any example: relu at 0, tanh and sigmoid saturated.

    Args:
        values: activations (examples, units), a tensor or an array.
        activation: behind which they come; others than these three never die.
    """
    if activation in ("tanh", "sigmoid"):
        return is_saturated(values, activation).all(0)
    # A tensor's largest is found a hundred times faster than whether all are below zero.
    largest = values.amax(0) if hasattr(values, "amax") else values.max(0)
    return largest <= (0 if activation == "relu" else -math.inf)


def gradient_ratio(gradients: Iterable[float]) -> float:
    """Return the first layer's weight gradient over the largest behind it: small is vanishing.

    Args:
        gradients: of the layers' weights (standard deviation or root mean square), first to last,
            embeddings left out: few of their rows are used in a step.

    Returns:
        NaN without two layers, or if the last one has no gradient.
    """
    found = [g for g in gradients if math.isfinite(g)]
    return found[0] / max(found[1:]) if len(found) > 1 and found[-1] > 0 else math.nan


def gradient_norm(gradients: Iterable[tuple[float, int]]) -> float:
    """Return the norm of gradients together, each given as its size per number, and how many."""
    return math.sqrt(sum(size**2 * count for size, count in gradients))


def has_grown(weight_std: float, fan_in: int) -> bool:
    """Whether weights are of a size at which their update-to-weight ratio says something."""
    return weight_std * math.sqrt(max(1, fan_in)) > GROWN_WEIGHTS


def check_layers(infos: Sequence[LayerInfo], snapshot: Snapshot) -> list[list[Remark]]:
    """Return what is remarkable about each layer of a network, by itself and against the others.

    Args:
        infos: the layers, first to last.
        snapshot: what a probe measured of them.
    """
    pairs = list(zip(infos, snapshot.layers, strict=True))
    grown = [s.update_to_data for i, s in pairs if has_grown(s.weight_std, i.fan_in)]
    # A single matrix is a convex problem, which large steps don't keep from being solved.
    typical = median(grown) if len(grown) > 1 else -math.inf
    found = [
        [
            *_check_activation(info, stats, snapshot.step <= START),
            *([] if info.frozen else _check_gradient(stats)),
            *([] if info.frozen else _check_update(info, stats, snapshot.rate_share, typical)),
        ]
        for info, stats in pairs
    ]
    # Only layers that get a gradient: without one each layer has its own remark.
    places = [i for i, (info, _) in enumerate(pairs) if not (info.is_embedding or info.frozen)]
    gradients = [s.gradient_to_weight * s.weight_std for _, s in pairs]
    while (ratio := gradient_ratio(gradients[i] for i in places)) < VANISHING:
        if ratio > 0:
            found[places[0]].append(
                Remark(
                    "gradient",
                    True,
                    f"The gradient vanishes: this layer gets {ratio:.0e} of the largest gradient"
                    " behind it. ReLU or tanh in place of sigmoid, Kaiming initialisation, batch"
                    " norm or residual connections help.",
                )
            )
        places.pop(0)
    norms = [
        gradient_norm([(g, info.learned)]) for g, (info, _) in zip(gradients, pairs, strict=True)
    ]
    norm = math.sqrt(sum(n**2 for n in norms if math.isfinite(n)))
    if norm > EXPLODING_NOTICE:
        found[norms.index(max(n for n in norms if math.isfinite(n)))].append(
            Remark(
                "gradient",
                norm > EXPLODING,
                f"The gradient explodes: its norm over all layers is {norm:,.0f}. Smaller first"
                " weights, normalisation or gradient clipping help.",
            )
        )
    return found


def _check_activation(info: LayerInfo, stats: LayerStats, at_start: bool) -> list[Remark]:
    if not math.isfinite(stats.std):
        return [Remark("activation", True, "The activations are NaN or infinite.")]
    if stats.saturated > SATURATION_NOTICE:
        is_fault = stats.saturated > (SATURATION_AT_START if at_start else SATURATION)
        of_sure = "" if is_fault else " Of a network that is sure of its answers many are."
        words = (
            f"{stats.saturated:.0%} of the {info.activation} activations are saturated, and pass"
            f" hardly any gradient.{of_sure} Smaller first weights (Kaiming) or batch norm help"
            " where it learns slowly."
        )
        return [Remark("activation", is_fault, words)]
    if stats.dead > DEAD_NOTICE:
        return [
            Remark(
                "activation",
                stats.dead > DEAD,
                f"{stats.dead:.0%} of the units are dead: zero for every example of this batch, so"
                " that they get no gradient. A lower learning rate or batch norm helps.",
            )
        ]
    if stats.std < SIGNAL_LOST:
        return [Remark("activation", True, "All activations are nearly equal: no signal is left.")]
    return []


def _check_gradient(stats: LayerStats) -> list[Remark]:
    if not math.isfinite(stats.gradient_std):
        return [Remark("gradient", True, "The gradient is NaN or infinite.")]
    if stats.gradient_std == 0 or stats.gradient_to_weight == 0:
        return [Remark("gradient", True, "No gradient reaches this layer: it can't learn.")]
    return []


def _check_update(
    info: LayerInfo, stats: LayerStats, rate_share: float, typical: float
) -> list[Remark]:
    """Check the update-to-weight ratio.

    A schedule that has come down makes it small. It is too large where that of most layers is.
    """
    ratio = stats.update_to_data
    if rate_share == 0:
        return []  # no step was meant to be made
    if ratio < UPDATE_SMALL + min(0.0, math.log10(rate_share)):
        words = (
            f"The update-to-weight ratio is at most 1/{10 ** min(9, -ratio):,.0f}, against the"
            " usual 1/1,000. A higher learning rate trains faster."
        )
        return [Remark("update", False, words)]
    if min(ratio, typical) > UPDATE_LARGE and has_grown(stats.weight_std, info.fan_in):
        words = (
            f"The update-to-weight ratio is {10**ratio:.0%}, against the usual 0.1 %. A lower"
            " learning rate is steadier."
        )
        return [Remark("update", typical > UPDATE_TOO_LARGE, words)]
    return []
