"""What a record costs: ``python -m bench.runs``."""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.rows import row, show, sized
from core import playgrounds
from core.runs.recorder import FileRecorder
from core.training.control import Control
from core.training.trainer import Run, train

ROUNDS = sized(7, 1)
COSTS = {
    "names": ("lecture mlp-bn", sized(25_000, 20)),
    "digits": ("plain mlp", sized(4_500, 20)),
    "text": ("characters gpt", sized(250, 2)),
}
"""Of each playground: a recipe, and steps for some ten seconds."""


def cost() -> list[dict[str, Any]]:
    """Train with and without a record in turn; the steps a second, of the whole wall clock."""
    rows = []
    for name, (recipe, steps) in COSTS.items():
        ratios = []
        for number in range(ROUNDS):
            first = bool(number % 2)  # in turn: who comes second finds a warmer machine
            speed = {kept: _speed(name, recipe, steps, kept) for kept in (first, not first)}
            ratios.append(speed[True] / speed[False])
        print(name, [f"{ratio:.3f}" for ratio in ratios], file=sys.stderr, flush=True)
        rows.append(
            row(f"{name}, {recipe}: recorded against not, steps/s", median(ratios), 0.98, "x")
        )
    return rows


def _speed(name: str, recipe: str, steps: int, recorded: bool) -> float:
    playground = playgrounds.get(name)
    chosen = playground.recipes[recipe].replace({"steps": 0})
    with tempfile.TemporaryDirectory() as folder:
        recorder = FileRecorder(Path(folder) / "run", None) if recorded else None
        out = None if recorded else Path(folder) / "net.safetensors"
        run = Run(
            playground,
            chosen,
            _load(name),
            torch.device("cpu"),
            steps=steps,
            recorder=recorder,
            out=out,
        )
        events = train(run, Control())
        next(events)  # what is made ready belongs to neither
        begin = time.perf_counter()
        for _ in events:
            pass
        return steps / (time.perf_counter() - begin)


_loaded: dict[str, Any] = {}


def _load(name: str) -> Any:
    if name not in _loaded:
        _loaded[name] = playgrounds.get(name).load(None)
    return _loaded[name]


def main(words: list[str]) -> None:
    """Print the rows."""
    show(cost())


if __name__ == "__main__":
    main(sys.argv[1:])
