"""The learning-rate range test (makemore, part 2): a fresh network, and a rising learning rate.

After Smith 2015, "Cyclical learning rates"; the lecture does it by hand to find its 0.1.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch

from ..errors import UserError
from ..telemetry.events import Array, Event, Finished, LRRangeTest, Stopped, frozen
from .control import Control
from .device import use_threads
from .memory import check_memory
from .trainer import Run

ADAM = (1e-5, 1.0)
RANGES = {"sgd": (1e-3, 1e2), "adam": ADAM, "adamw": ADAM, "muon": ADAM}
GROUP = 25  # steps between two looks, fewer where a step takes long
LONGEST = 0.3  # seconds between them
BURST = 2.5  # times the lowest loss: beyond it nothing is to be found


def range_test(run: Run, control: Control) -> Iterator[Event]:
    """Train a fresh network while the rate rises by the same factor with every step.

    Args:
        run: what is trained, and ``steps``: over how many the range is spread.
        control: may stop it.

    Raises:
        UserError: the model has no learning rate, or takes more memory than is free.

    Yields:
        LRRangeTest, from time to time, and with the valley at the end; then Finished or Stopped.
    """
    check_memory(run)
    recipe = run.recipe.replace({"schedule": "constant"})
    learner = run.make_learner(run.playground, recipe, run.data, run.device)
    if learner.fits_by_counting:
        raise UserError("A model that counts has no learning rate; choose another one.")
    use_threads(learner.model, run.device)
    low, high = RANGES[recipe.to_dict()["optimizer"]]
    rates = np.geomspace(low, high, run.steps or 1000)
    losses = np.empty(0)
    while len(losses) < len(rates) and not control.stopping:
        yield from control.stand_still()
        group, began = [], time.monotonic()
        for rate in rates[len(losses) : len(losses) + GROUP]:
            learner.change("lr", float(rate))
            group.append(learner.learn(*learner.take(), 0.0)[0])
            if time.monotonic() - began > LONGEST:
                break
        losses = np.append(losses, frozen(torch.stack(group)))
        if _has_burst(losses):
            break
        yield LRRangeTest(rates[: len(losses)], losses, smooth(losses))
    valley, words = judge(rates[: len(losses)], losses)
    yield LRRangeTest(rates[: len(losses)], losses, smooth(losses), valley, words)
    ending = Stopped if control.stopping else Finished
    yield ending(learner.step, 0.0)


def smooth(losses: Array) -> Array:
    """Average over neighbours, a fortieth of all on each side; what is NaN counts as high."""
    if not len(losses):
        return losses
    top = np.nanmax(losses[np.isfinite(losses)], initial=1.0)
    values = np.nan_to_num(losses, nan=2 * top, posinf=2 * top).clip(max=2 * top)
    width = max(1, len(values) // 40)
    padded = np.pad(values, width, mode="edge")
    kernel = np.ones(2 * width + 1) / (2 * width + 1)
    smoothed: Array = np.convolve(padded, kernel, mode="valid")
    return smoothed


def judge(rates: Array, losses: Array) -> tuple[float, str]:
    """Return the rate to take, 0 if none is to be seen, and a sentence that says why.

    The loss is lowest shortly before it diverges, where the rate is already too high to last; a
    third of that is where it still falls fast.
    """
    if len(losses) < 4 * GROUP:
        return 0.0, "Stopped before there was anything to see."
    smoothed = smooth(losses)
    lowest = int(smoothed.argmin())
    if smoothed[lowest] > 0.97 * smoothed[: 2 * GROUP].mean():
        return 0.0, "The loss does not fall at any rate: look at initialisation and layers first."
    valley = float(f"{rates[lowest] / 3:.1g}")
    words = f"The loss falls until about {rates[lowest]:.2g}"
    if _has_burst(losses):
        words += f" and diverges at {rates[-1]:.2g}"
    return valley, f"{words}. A third of that leaves room: take {valley:g}."


def _has_burst(losses: Array) -> bool:
    if len(losses) < 4 * GROUP:
        return False
    last = losses[-GROUP:]
    return bool(not np.isfinite(last).all() or last.mean() > BURST * smooth(losses).min())
