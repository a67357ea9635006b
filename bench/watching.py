"""What it costs to watch a loop: ``python -m bench.watching [--rounds 3] [--only NAME]``.

The loops of ``bench.sizes``, as many steps of each as take one to nine seconds, and one that is
compiled, run bare and watched in turn. Compared is the time from before their first step to behind
their last, by the clock of the processor, which others on the machine hardly move; what is tried
after the loop is no part of it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from shutil import which
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from bench.healthy.programs import digits
from bench.rows import row, show, sized
from bench.sizes.loops import LOOPS, Loop
from core import watch

WANTED = sized((1.2, 2.5, 4.0, 8.0), (0.01,))
"""Seconds of the bare loops."""
SIZE, ROWS = 64, 3000


class Bare:
    """Stands where ``watch`` does, and does nothing."""

    def __init__(self) -> None:
        self.began, self.ended = time.process_time(), 0.0

    def __enter__(self) -> "Bare":
        return self

    def __exit__(self, *error: object) -> None:
        self.ended = time.process_time()

    def step(self, loss: Any) -> None:
        """Take the loss of a step."""

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Take a loss on other data."""

    @contextmanager
    def using(self) -> Iterator[None]:
        """Stand around the place where the network is used."""
        yield


class Watched(watch):
    """The doctor's own, and when its loop ended."""

    def __init__(self) -> None:
        super().__init__(quiet=True, record=False, budget=0.0)
        self.began, self.ended = time.process_time(), 0.0

    def __exit__(self, *error: Any) -> None:
        self.ended = time.process_time()
        super().__exit__(*error)


def compiled(watch: Any, size: int, steps: int, rows: int, look: Any) -> None:
    """Train a perceptron that torch.compile has compiled; ten steps go before, as a warm-up."""
    x, y = digits()
    model = torch.compile(
        nn.Sequential(nn.Linear(784, size), nn.ReLU(), nn.Linear(size, size), nn.Linear(size, 10))
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> torch.Tensor:
        i = torch.randint(0, rows, (64,))
        loss = F.cross_entropy(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(10):
        step()
    with watch() as seen:
        for _ in range(steps):
            seen.step(step())


def seconds(loop: Loop, steps: int, make: Callable[[], Any]) -> float:
    """Run a loop, and return the seconds that it took."""
    made: list[Any] = []

    def watched() -> Any:
        made.append(make())
        return made[-1]

    torch.manual_seed(0)
    loop(watched, SIZE, steps, ROWS, lambda *_: None)
    return float(made[0].ended - made[0].began)


def main(words: Sequence[str] | None = None) -> None:
    """Run each loop both ways in turn, and print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.watching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    loops = dict(LOOPS)
    if which("g++") or which("c++") or which("clang++"):
        loops["compiled"] = compiled
    chosen = [name for name in loops if options.only in name]
    ratios = {}
    for place, name in enumerate(chosen[: sized(len(chosen), 1)]):
        loop, wanted = loops[name], WANTED[place % len(WANTED)]
        tried = sized(100, 2)
        seconds(loop, tried, Bare)  # what is done once is done
        steps = max(tried, round(tried * wanted / seconds(loop, tried, Bare)))
        rounds = [
            (seconds(loop, steps, Bare), seconds(loop, steps, Watched))
            for _ in range(sized(options.rounds, 1))
        ]
        ratios[name] = median(watched / bare for bare, watched in rounds)
        bare = median(bare for bare, _ in rounds)
        words_ = f"{name:18} {steps:6} steps, {bare:5.2f} s bare: {ratios[name]:.3f}"
        print(words_, file=sys.stderr, flush=True)
    what = f"watched against bare, time, {len(ratios)} loops of 1 to 9 s"
    show([row(what, median(ratios.values()), 1.05, "x", True)])


if __name__ == "__main__":
    main()
