"""Disks that refuse: full, read-only, over quota, a file that may not grow, no file handle left.

    python -m bench.hostile disk

Each kind of file that the program writes is written over an older one on such a disk: that must be
said in a sentence, the older state must be whole, and no draft left. Then trainings run while the
disk refuses for some time: they must go on to the weights of one that nothing was refused, and
their records must open and be resumed.
"""

import errno
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any
from unittest import mock

import torch

from bench.rows import row, show, sized
from core import playgrounds
from core.errors import UserError
from core.files import write_whole
from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.text import corpus, tokens
from core.programs.program import read_program
from core.programs.source import save_changed
from core.runs.bundle import pack, unpack
from core.runs.curves import read_curves, write_curves
from core.runs.export import to_csv
from core.runs.folder import DRAFTS, LAST
from core.runs.keyframes import keyframes_of, read_keyframe, write_moment
from core.runs.library import Library, read_entry
from core.runs.loop_record import LoopRecord, write_record
from core.runs.recorder import FileRecorder
from core.runs.resume import resume_run
from core.runs.run_info import read_run_info, write_run_info
from core.telemetry.events import Finished, Metrics, Noted
from core.tokenizers import characters
from core.training.checkpoint import load_checkpoint, save_checkpoint
from core.training.control import Control
from core.training.trainer import Run, train
from gui.state_file import write_state

STEPS = sized(600, 60)
RECIPE = NamesRecipe(hidden=(16,), embedding=4, batch_size=32, dropout=0.1)
TEXT = "To be or not to be, that is the question.\n" * 50


class _Short:
    """A file that takes some bytes, and then no more."""

    def __init__(self, file: IO[bytes], number: int) -> None:
        self._file, self._number = file, number

    def write(self, content: bytes) -> int:
        self._file.write(bytes(content)[: len(content) // 2])
        raise OSError(self._number, os.strerror(self._number))

    def __enter__(self) -> "_Short":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _no_room(number: int) -> Iterator[None]:
    """Half of a file is written, then comes the error; a new folder has no room either."""

    def refuse(*rest: Any, **named: Any) -> None:
        raise OSError(number, os.strerror(number))

    opened = os.fdopen
    short = mock.patch("os.fdopen", lambda *rest, **named: _Short(opened(*rest, **named), number))
    with short, mock.patch("os.mkdir", refuse):
        yield


@contextmanager
def _read_only() -> Iterator[None]:
    """Nothing may be made, named or removed."""

    def refuse(*rest: Any, **named: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with (
        mock.patch("tempfile.mkstemp", refuse),
        mock.patch("os.mkdir", refuse),
        mock.patch("os.rename", refuse),
        mock.patch("os.replace", refuse),
        mock.patch("os.unlink", refuse),
    ):
        yield


@contextmanager
def _limit(what: int, soft: int) -> Iterator[None]:
    """A limit of the system's own: it refuses in the middle of a write, or of an open."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


@contextmanager
def _no_handles() -> Iterator[None]:
    lowest = os.dup(0)  # the next number that is free, and all below it are taken
    os.close(lowest)
    with _limit(resource.RLIMIT_NOFILE, lowest):
        yield


DISKS: dict[str, Callable[[], Any]] = {
    "full": partial(_no_room, errno.ENOSPC),
    "over quota": partial(_no_room, errno.EDQUOT),
    "read-only": _read_only,
    "no growth": partial(_limit, resource.RLIMIT_FSIZE, 0),
    "no handles": _no_handles,
}
CHOSEN = sized(tuple(DISKS), ("full",))


def _writings(folder: Path) -> dict[str, Callable[[], object]]:
    """Return each kind of write, over something that is there already or beside it."""
    run = folder / "runs" / "run"
    about, curves, last = read_run_info(run), read_curves(run), load_checkpoint(run / LAST)
    moment = read_keyframe(run, keyframes_of(run)[-1])
    library = Library(folder / "runs")
    record = LoopRecord(torch.arange(3).numpy(), torch.rand(3).numpy())
    program = folder / "program.py"
    program.write_text("print(1)\n", encoding="utf-8")
    source = read_program(program)
    pack(run, folder / "run.zip")
    for name in ("net.safetensors", "table.csv", "settings.json", "loop.watch.json", "copy.py"):
        write_whole(folder / name, b"older")
    text = corpus.load(_text(folder)).train
    return {
        "checkpoint": lambda: save_checkpoint(folder / "net.safetensors", last),
        "curves": lambda: write_curves(run, curves),
        "run.json": lambda: write_run_info(run, about),
        "moment": lambda: write_moment(run, moment),
        "labels": lambda: library.describe(read_entry(run), name="other"),
        "deletion": lambda: library.delete([read_entry(run)]),
        "table": lambda: to_csv(run, folder / "table.csv"),
        "zip": lambda: pack(run, folder / "run.zip"),
        "import": lambda: unpack(folder / "run.zip", folder / "runs"),
        "watched loop": lambda: write_record(folder / "loop.watch.json", record),
        "settings": lambda: write_state(folder / "settings.json", {"theme": "dark"}),
        "changed program": lambda: save_changed(source, {None: "print(2)\n"}, folder / "copy.py"),
        "tokens": lambda: tokens.tokenise(text, characters(TEXT)),
        "new run": partial(_begin, _run(folder / "runs" / "new", 5)),
    }


def _begin(run: Run) -> None:
    """Train, and raise what is said on the way; without room for a folder, training itself does."""
    for event in train(run, Control()):
        if isinstance(event, Noted):
            raise UserError(event.sentence)


def _text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def _run(folder: Path | None, steps: int = STEPS) -> Run:
    names = playgrounds.get("names")
    recorder = FileRecorder(folder, None) if folder else None
    device = torch.device("cpu")
    return Run(names, RECIPE, names.load(None), device, steps=steps, recorder=recorder)


def _state(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder; locks are empty and say nothing."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def writes() -> list[dict[str, Any]]:
    """Write each kind of file on each disk; count what is said, and what is whole and tidy."""
    said = whole = refused = 0
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(tokens, "IN_MEMORY", 0),
        mock.patch.object(corpus, "IN_MEMORY", 0),
    ):
        made = Path(name) / "made"
        list(train(_run(made / "runs" / "run"), Control()))
        for disk in CHOSEN:
            for kind in _writings(made):
                folder = Path(name) / f"{disk}, {kind}"
                shutil.copytree(made, folder)
                write = _writings(folder)[kind]
                before, told, sentence = _state(folder), "", False
                with mock.patch.object(tokens, "TOKENS", folder / "tokens"):
                    try:
                        with DISKS[disk]():
                            write()
                    except UserError as error:
                        told, sentence = str(error), True
                    except Exception as error:
                        told = f"{type(error).__name__}: {error}"
                after = _state(folder)
                same = before == after
                refused += bool(told)
                said += sentence
                whole += bool(told) and same
                if told and not same:
                    changed = {n for n in {*before, *after} if before.get(n) != after.get(n)}
                    told += f"; other than before: {', '.join(sorted(changed)[:4])}"
                print(f"{disk}, {kind}: {told or 'nothing refused'}", file=sys.stderr, flush=True)
    return [
        row(f"refused writes that are said in a sentence, of {refused}", said / refused, 1, "%"),
        row("after which all files are as they were, without a draft", whole / refused, 1, "%"),
    ]


def trainings() -> list[dict[str, Any]]:
    """Let each disk refuse a training for some time, or to its end."""
    fine = opened = count = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        list(train(_run(folder / "whole"), Control()))
        wanted = load_checkpoint(folder / "whole" / LAST).weights
        for disk in CHOSEN:
            for until in ("middle", "end"):
                place = folder / f"{disk}, {until}"
                count += 1
                goes_on, problem = _train_refused(place, DISKS[disk], until == "end")
                fine += goes_on
                try:
                    if read_entry(place).state == "interrupted":
                        list(train(resume_run(place), Control()))
                    ended = load_checkpoint(place / LAST).weights
                    same = all(torch.equal(ended[n], wanted[n]) for n in wanted)
                    opened += same and not list(place.rglob(DRAFTS))
                except UserError as error:
                    problem += f"; then {error}"
                print(f"{disk}, until the {until}: {problem}", file=sys.stderr, flush=True)
    return [
        row(
            f"trainings that go on while a disk refuses, and say so, of {count}",
            fine / count,
            1,
            "%",
        ),
        row("whose records open, and end with the same weights", opened / count, 1, "%"),
    ]


def _train_refused(place: Path, refusing: Callable[[], Any], to_its_end: bool) -> tuple[bool, str]:
    """Train while a disk refuses; return whether all steps were done and it was said, and how."""
    done, noted, last, begun = 0, [], None, False
    events, disk = train(_run(place), Control()), None
    try:
        for event in events:
            last = event
            if isinstance(event, Metrics):
                done += len(event.losses)
            elif isinstance(event, Noted):
                noted.append(event.sentence)
            if disk is None and not begun and done:
                disk, begun = refusing(), True
                disk.__enter__()
            elif disk is not None and not to_its_end and (noted or done > STEPS // 2):
                disk.__exit__(None, None, None)
                disk = None
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    finally:
        if disk is not None:
            disk.__exit__(None, None, None)
    ended = isinstance(last, Finished) or to_its_end
    said = bool(noted) or not to_its_end
    return done == STEPS and ended and said, "; ".join([*noted, type(last).__name__])


def main(words: list[str]) -> None:
    """Print the rows of the attack."""
    show([*writes(), *trainings()])
