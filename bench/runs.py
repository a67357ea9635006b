"""What a record costs, and what it survives.

    python -m bench.runs cost
    python -m bench.runs killed [--times 100]

``killed`` trains in processes of its own and kills each at a random moment (SIGKILL); the record
must open, and a run that goes on from it must end with the weights of one that nobody killed.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.rows import row, show, sized
from core import playgrounds
from core.errors import UserError
from core.playgrounds.names.recipe import NamesRecipe
from core.runs.curves import read_curves
from core.runs.folder import ABOUT, LAST
from core.runs.keyframes import keyframes_of, read_keyframe
from core.runs.library import read_entry
from core.runs.recorder import FileRecorder
from core.runs.resume import resume_run
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import Run, train

RECIPE = NamesRecipe(hidden=(32,), embedding=6, batch_size=32, dropout=0.1)
STEPS, ROUNDS, TIMES = sized((4000, 7, 100), (200, 1, 1))
COSTS = {
    "names": ("lecture mlp-bn", sized(25_000, 20)),
    "digits": ("plain mlp", sized(4_500, 20)),
    "text": ("characters gpt", sized(250, 2)),
}
"""Of each playground: a recipe, and steps for some ten seconds."""


def cost(options: argparse.Namespace) -> list[dict[str, Any]]:
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


def killed(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Kill trainings at random moments; count the records that open, and that end alike."""
    chance = random.Random(options.seed)
    opened = alike = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _in_a_process(lambda: _train(folder / "whole"))
        whole = load_checkpoint(folder / "whole" / LAST).weights
        lasted = read_entry(folder / "whole").about.spent  # type: ignore[union-attr]
        for number in range(options.times):
            run = folder / str(number)
            _in_a_process(lambda run=run: _train(run), run, chance.uniform(0.0, 1.2 * lasted))
            try:
                _open(run)
                opened += 1
                if read_entry(run).state == "interrupted":
                    _in_a_process(lambda run=run: list(train(resume_run(run), Control())))
                ended = load_checkpoint(run / LAST).weights
                same = all(torch.equal(ended[n], whole[n]) for n in whole)
                alike += same
                print(f"{number}: {'the same' if same else 'OTHER WEIGHTS'}", file=sys.stderr)
            except UserError as error:
                print(f"{number}: {error}", file=sys.stderr)
    return [
        row(f"records that open, of {options.times} killed", opened / options.times, 1.0, "%"),
        row("that end with the same weights", alike / options.times, 1.0, "%"),
    ]


def _train(folder: Path) -> None:
    data = playgrounds.get("names").load(None)
    run = Run(
        playgrounds.get("names"),
        RECIPE,
        data,
        torch.device("cpu"),
        steps=STEPS,
        recorder=FileRecorder(folder, None),
    )
    list(train(run, Control()))


def _open(folder: Path) -> None:
    """Read all of a record, as whoever opens it does."""
    read_entry(folder)
    read_curves(folder)
    for step in keyframes_of(folder):
        read_keyframe(folder, step)


def _in_a_process(work: Any, folder: Path | None = None, after: float = 0.0) -> None:
    """Do something in a child; if a folder is named, kill it so long after its record began."""
    child = os.fork()
    if child == 0:
        try:
            torch.set_num_threads(1)
            work()
        finally:
            os._exit(0)
    if folder:
        while not (folder / ABOUT).exists():
            time.sleep(0.001)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(words: list[str]) -> None:
    """Run one of the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.runs", description=__doc__)
    parser.add_argument("table", choices=["cost", "killed"])
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    show({"cost": cost, "killed": killed}[options.table](options))


if __name__ == "__main__":
    main(sys.argv[1:])
