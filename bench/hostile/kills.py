"""Trainings of the command line, or of a window, that are killed (SIGKILL), and go on.

    python -m bench.hostile kills [--count 200] [--seed 1] [--window]

Two of three are killed at the n-th time that they touch a file of their record, which is while they
save; the others at a random moment. They save far more often than usual. Some are killed again
while they go on; what a window began, the command line resumes. Each record must open, end with the
weights of a run that nobody killed, and have no draft left in it.
"""

import argparse
import importlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.rows import row, show, sized
from core.cli import main as command_line
from core.commands import train
from core.commands.run_options import run_of
from core.errors import UserError
from core.runs import recorder
from core.runs.curves import read_curves
from core.runs.folder import ABOUT, BEST, DRAFTS, LAST
from core.runs.keyframes import keyframes_of, read_keyframe
from core.runs.library import Library, read_entry
from core.runs.run_info import read_run_info
from core.telemetry.events import Finished
from core.training.checkpoint import load_checkpoint
from core.training.pace import Pace

COUNT = sized(200, 1)
AGAIN = 0.3
"""The share of kills after which the resumed run is killed, too."""
TOUCHES = ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.listdir", "os.scandir")
PATIENCE = 300  # seconds, after which a training counts as one that hangs
OFTEN = 0.05  # times the usual pause between two writings
TRAININGS = {
    "names": ("--steps 200 --set model=mlp hidden=24 batch_size=32 dropout=0.1", ""),
    "digits": ("--steps 40 --set model=mlp hidden=16 batch_size=32 augment=affine", ""),
    "text": (
        "--steps 15 --set model=gpt tokenizer=characters width=16 layers=1 heads=2 context=16"
        " batch_size=8 dropout=0.1",
        "To be or not to be, that is the question.\n" * 50,
    ),
}
"""Of each playground: the options, and a text of one's own where its own takes long to judge."""
CHOSEN = sized(tuple(TRAININGS), ("digits",))


@dataclass
class Outcome:
    """What became of the records."""

    early: int = 0
    opened: int = 0
    alike: int = 0
    records: int = 0
    drafts: int = 0


def kills(count: int, seed: int, window: bool = False) -> list[dict[str, Any]]:
    """Kill the command line or a window so many times; count what opens, and what ends alike."""
    torch.set_num_threads(1)  # before any fork
    for module in ("doctor.run_doctor", "doctor.examine", "training.trainer", "runs.resume"):
        importlib.import_module(f"core.{module}")  # once, and not in every child
    chance, found, done = random.Random(seed), Outcome(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = "window" if window else "train"
        wholes = {playground: _whole(folder, playground, first) for playground in CHOSEN}
        while done < count:
            playground = chance.choice(CHOSEN)
            whole, touches, lasted = wholes[playground]
            place = Path(tempfile.mkdtemp(dir=folder, prefix=f"{playground}-"))
            words = _words(folder, playground, first)
            while True:
                saving = chance.random() < 2 / 3
                at = chance.randint(1, touches) if saving else 0
                ended = _child(place, words, at, 0.0 if saving else chance.uniform(0.0, lasted))
                done += ended is None
                if not (record := next(place.glob(f"*/{ABOUT}"), None)):
                    Library(place).entries()
                    found.early += 1
                    break
                words = ["train", "--resume", str(record.parent), "--json"]
                if ended is not None or done >= count or chance.random() > AGAIN:
                    break
            if record:
                print(f"{done}: {record.parent.name}", file=sys.stderr, flush=True)
                _judge(found, record.parent, words, whole)
    last = f"of {found.records}"
    return [
        row(
            f"records that open, {last}, killed {count} times", _share(found.opened, found), 1, "%"
        ),
        row(f"that end with the same weights, {last}", _share(found.alike, found), 1, "%"),
        row("killed before there was a record", found.early, None, ""),
        row("drafts left after the resume", found.drafts, 0, "", most=True),
    ]


def _share(number: int, found: Outcome) -> float:
    return number / max(1, found.records)


def _judge(found: Outcome, record: Path, words: list[str], whole: dict[str, Any]) -> None:
    """Open a record as whoever looks at it does, resume it, and compare its weights."""
    found.records += 1
    try:
        state = _open(record)
        found.opened += 1
        if state == "interrupted":
            _child(record.parent, words)
        ended = load_checkpoint(record / LAST).weights
        same = _open(record) == "finished" and all(torch.equal(ended[n], whole[n]) for n in whole)
    except UserError as error:
        print(f"{record}: {error}", file=sys.stderr, flush=True)
        return
    if not same:
        print(f"{record}: OTHER WEIGHTS, or not finished", file=sys.stderr, flush=True)
    found.alike += same
    found.drafts += len(list(record.rglob(DRAFTS)))


def _open(record: Path) -> str:
    state = read_entry(record).state
    read_curves(record)
    for step in keyframes_of(record):
        read_keyframe(record, step)
    for name in (BEST, LAST):
        if (record / name).exists():
            load_checkpoint(record / name)
    return state


def _words(folder: Path, playground: str, first: str) -> list[str]:
    options, text = TRAININGS[playground]
    data = folder / "text.txt"
    if text:
        data.write_text(text, encoding="utf-8")
    extra = ["--data", str(data)] if text else []
    return [first, playground, *options.split(), "--device", "cpu", "--json", *extra]


def _whole(folder: Path, playground: str, first: str) -> tuple[dict[str, Any], int, float]:
    """Train without a kill; return the weights, how often it touches files, and its seconds."""
    place = folder / playground
    touches = _child(place, _words(folder, playground, first))
    assert touches
    (record,) = place.iterdir()
    lasted = time.time() - read_run_info(record).begun
    print(f"{playground}: {lasted:.1f} s, {touches} touches", file=sys.stderr, flush=True)
    return dict(load_checkpoint(record / LAST).weights), touches, lasted


def _child(place: Path, words: list[str], at: int = 0, after: float = 0.0) -> int | None:
    """Run a command line in a child, and kill it if that was asked for.

    Args:
        place: the folder of its runs.
        words: the command line; of a window, if its first word is that.
        at: the number of the touch of a file below that folder at which it is killed; 0 for none.
        after: the seconds after which it is killed, once there is a record; 0 for never.

    Returns:
        How often it touched such a file; None if it was killed.
    """
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reads)
            count = _count_touches(place, at)
            _save_often(place)
            signal.alarm(PATIENCE)
            with open(f"{place}.log", "a") as log:  # noqa: PTH123, a child has few words
                sys.stdout = sys.stderr = log
                status = _in_window(place, words) if words[0] == "window" else command_line(words)
            os.write(writes, str(count()).encode())
        finally:
            os._exit(status)
    os.close(writes)
    if after:
        latest = time.monotonic() + PATIENCE
        while not any(place.glob(f"*/{ABOUT}")) and time.monotonic() < latest:
            time.sleep(0.001)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    with open(reads) as pipe:  # noqa: PTH123, which ends with the child
        told = pipe.read()
    _, ended = os.waitpid(child, 0)
    if not (at or after) and ended:
        raise UserError(f"{' '.join(words)} ended with {ended}, and this: {_log_of(place)}")
    return None if os.WIFSIGNALED(ended) else int(told or 0)


def _in_window(place: Path, words: list[str]) -> int:
    """Train in a window that nobody sees, by the options of the command ``train``; in a child."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from gui import app, pages, session, training_page
    from gui import window as window_module
    from gui.session_state import State
    from gui.tour import Guide

    name = words[1]
    parser = argparse.ArgumentParser()
    train.TRAIN.options(parser)
    options = parser.parse_args([word for word in words[1:] if word != "--json"])
    run = run_of(options, name, 60.0)
    session.RUNS, session.CHECKPOINTS = place, place / "none"  # type: ignore[misc]
    modules = {name: pages.page_modules()[name]}
    window_module.page_modules = lambda: modules
    _, window = app.build(["--fresh", "--theme", "light", "--page", name, "--device", "cpu"])
    page, ended = window.pages[name], []
    assert isinstance(page, training_page.TrainingPage)
    page.session.ended.connect(ended.append)
    while page.session.state is not State.READY:
        Guide.rest(20)
    page.session.recipe = run.recipe.replace({"steps": run.steps})
    page.session.data = options.data and Path(options.data)
    page.session.start(60.0)
    while not ended:
        Guide.rest(20)
    window.close()
    print(ended)
    return 0 if isinstance(ended[0], Finished) else 1


def _log_of(place: Path) -> str:
    return " ".join(Path(f"{place}.log").read_text(encoding="utf-8").split()[-60:])


def _count_touches(place: Path, at: int) -> Callable[[], int]:
    """Count what a process does to files below a folder, and kill it at one of these."""
    below, touched = str(place) + os.sep, 0

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        if event in TOUCHES and str(arguments[0]).startswith(below):
            touched += 1
            if touched == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    return lambda: touched


def _save_often(place: Path) -> None:
    """Keep runs in a folder, and write their records far more often than usual; in a child."""

    class Often(Pace):
        def __init__(self, every: float, share: float = 1.0) -> None:
            super().__init__(OFTEN * every)

    train.RUNS, recorder.Pace = place, Often  # type: ignore[misc]


def main(words: list[str]) -> None:
    """Print the rows of the attack."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile kills", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--window", action="store_true", help="kill a window that trains")
    options = parser.parse_args(words)
    show(kills(options.count, options.seed, options.window))
