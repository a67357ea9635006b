"""Work of the window that is given up at a random moment: how long its end takes.

    python -m bench.hostile stops [--tries 6] [--seed 1]

Each kind of job runs in the worker of the window, and is stopped as by a window that closes. What
counts is the time from there until its last event lies in the mailbox.
"""

import argparse
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.rows import row, show, sized
from core import playgrounds
from core.lessons.ablation import switches_of
from core.lessons.pair_settings import NetworkSettings
from core.paths import CHECKPOINTS
from core.training.control import Control
from gui import jobs
from gui.worker import Job, Worker

LONGEST, MEGABYTES, POINTS = sized((8.0, 30, 3000), (0.5, 2, 200))
"""The last moment of a stop, in seconds; the size of a text; points that t-SNE has."""
LOOK = 0.001  # seconds
WANTED = 0.3  # seconds


def finish(worker: Worker, job: Job) -> None:
    """Do a job to its end."""
    task = worker.do(job, Control())
    while not task.mailbox.closed:
        time.sleep(LOOK)


def kinds(worker: Worker, folder: Path, seed: int) -> dict[str, Job]:
    """Return what is stopped, by what it is.

    Args:
        worker: makes what some of them begin with.
        folder: where files are made.
        seed: of the letters and points at random.
    """
    rng = np.random.default_rng(seed)
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz     \n", np.uint8)
    text, run, packed = folder / "letters.txt", folder / "run", folder / "run.zip"
    text.write_bytes(rng.choice(letters, MEGABYTES << 20).tobytes())

    def request(name: str, data: Path | None = None, steps: int = 1000) -> jobs.RunRequest:
        recipe = playgrounds.get(name).recipe_for()
        return jobs.RunRequest(name, recipe, data, "cpu", steps=steps)

    def trained(name: str, data: Path | None = None) -> Job:
        place = Path(tempfile.mkdtemp(dir=folder)) / "record"
        return partial(jobs.train, request(name, data), place, None)

    finish(worker, partial(jobs.train, request("text", steps=20), run, None))
    finish(worker, partial(jobs.export_run, run, "zip", packed))

    switches = switches_of(playgrounds.get("digits"), mixes=False)
    todo = [(place, 1) for place in range(len(switches))]
    starters = {name: CHECKPOINTS / f"{name}.safetensors" for name in playgrounds.all_names()}
    opened = {
        f"a network of {name} is opened and evaluated": partial(
            jobs.open_checkpoint, name, path, None
        )
        for name, path in starters.items()
    }
    return {
        **{f"a training of {name}": trained(name) for name in playgrounds.all_names()},
        f"{MEGABYTES} MB of random letters are read, and trained on": trained("text", text),
        "a range test": partial(jobs.lr_range_test, request("text")),
        "an examination": partial(jobs.diagnose, request("digits"), "", 10.0),
        "an examination of a network": partial(
            jobs.diagnose_checkpoint, starters["text"], {}, "cpu", 10.0
        ),
        **opened,
        "lesson 3": partial(jobs.paired_runs, (NetworkSettings(), NetworkSettings()), None),
        "lesson 5, of 100,000 letters": partial(
            jobs.tokenizer_lesson, text.read_text()[:100_000], False, None
        ),
        "lesson 6": partial(jobs.ablation, request("digits"), switches, todo),
        "the case study": partial(jobs.case_study, None, 5.0, 60),
        "t-SNE": partial(jobs.tsne, rng.normal(size=(POINTS, 64)).astype("f4"), 30.0, 1),
        "robustness": partial(jobs.robustness, starters["digits"], None),
        "an export": partial(jobs.export_run, run, "zip", folder / "out.zip"),
        "an import": partial(jobs.import_run, packed, folder / "runs"),
    }


def stop(worker: Worker, job: Job, seconds: float) -> float | None:
    """Stop a job after so many seconds; return how long its end took, None if it had ended."""
    control = Control()
    task = worker.do(job, control)
    begun = time.perf_counter()
    while not task.mailbox.closed and time.perf_counter() - begun < seconds:
        time.sleep(LOOK)
    if task.mailbox.closed:
        return None
    stopped = time.perf_counter()
    control.stop(abandon=True)
    worker.withdraw(task)
    while not task.mailbox.closed and task.begun:
        time.sleep(LOOK)
    return time.perf_counter() - stopped


def slowest(worker: Worker, job: Job, tries: int, rng: random.Random) -> float:
    """Stop a job at random moments, earlier ones where it had ended; return the longest end."""
    longest, found, left = LONGEST, 0.0, tries
    while left:
        moment = rng.uniform(0.0, longest)
        took = stop(worker, job, moment)
        if took is None:
            longest = moment
            if longest > LOOK:
                continue
            took = 0.0
        found, left = max(found, took), left - 1
    return found


def main(words: list[str]) -> None:
    """Stop each kind, and print a row for it."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile stops", description=__doc__)
    parser.add_argument("--tries", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    rng, worker, rows = random.Random(options.seed), Worker(), list[dict[str, Any]]()
    worker.start()
    with tempfile.TemporaryDirectory(prefix="glassbox-stops-") as made:
        for what, job in kinds(worker, Path(made), options.seed).items():
            took = slowest(worker, job, options.tries, rng)
            rows.append(row(f"{what}: the longest end", took, WANTED, "s", most=True))
            print(rows[-1], file=sys.stderr)
        worker.close()
    show(rows)
