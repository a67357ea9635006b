"""The list of all runs: what each is in a line, and what a person adds to it.

A name, a note and a star are the person's; they lie in a file of their own, so that a run that goes
on and a person who writes never write the same file. What is deleted is put aside first.
"""

import contextlib
import dataclasses
import math
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import read_json, write_json
from .folder import ABOUT, CARD, DRAFTS, LOOP_SUFFIX
from .loop_record import LoopRecord, read_record
from .record_lock import is_written
from .run_info import SILENT, RunInfo, read_run_info

ASIDE = ".deleted"
ARRIVING = ".arriving-"
KEPT = 7 * 24 * 3600  # seconds that what was deleted can be brought back
LONGEST = 4000  # letters of a note
CARD_LARGEST = 1 << 16
LOOP = "your loop"
STAMPED = re.compile(r"-\d{8}-\d{6}(-\d+)?$")
"""How the name of a run ends: other folders are a person's own."""


@dataclass(frozen=True)
class RunLabels:
    """What a person says of a run."""

    name: str = ""
    note: str = ""
    star: bool = False


@dataclass(frozen=True)
class Entry:
    """A run in the list.

    Attributes:
        path: its folder, or the file that ``core.watch`` wrote.
        card: what the person says of it.
        about: what it is; None for a loop that was watched, which has no recipe.
        playground, model: what learns; ``LOOP`` and "" for a watched loop.
        begun: when, in seconds since 1970.
        state: running, finished, stopped, failed, or interrupted.
        step: how many steps it has done.
        loss: on validation data if it was judged late enough to count, else of its training; NaN if
            neither is known.
        validated: whether that is the loss on validation data.
        verdict: the doctor's word, "" for none.
        seen: what could be seen of a watched loop's settings, in words by their labels.
    """

    path: Path
    card: RunLabels
    about: RunInfo | None
    playground: str
    model: str
    begun: float
    state: str
    step: int
    loss: float
    validated: bool
    verdict: str
    seen: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is called."""
        return self.card.name or self.path.name.removesuffix(LOOP_SUFFIX)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        kept = ("playground", "model", "begun", "state", "step", "verdict")
        values = {name: getattr(self, name) for name in kept}
        known, data = not math.isnan(self.loss), "validation" if self.validated else "training"
        values |= {"run": self.path.name, "loss": self.loss if known else None}
        values |= {"loss_on": data if known else None}
        return values | dataclasses.asdict(self.card)


class Library:
    """The runs of a folder; reads only what has changed since it was asked last.

    Args:
        folder: where the runs lie; it may not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[tuple[int, ...], Entry]] = {}

    def entries(self) -> list[Entry]:
        """Return all runs, the newest first; what is damaged is left out.

        Raises:
            UserError: the folder can't be read.
        """
        found = {}
        for path, files in self._places():
            stamp = tuple(_stamp(file) for file in files)
            known = self._known.get(path)
            if known and known[0] == stamp and known[1].state != "running":
                found[path] = known
                continue
            with contextlib.suppress(UserError, OSError):
                found[path] = (stamp, read_entry(path))
        self._known = found
        return sorted((entry for _, entry in found.values()), key=lambda entry: -entry.begun)

    def _places(self) -> Iterator[tuple[Path, tuple[Path, ...]]]:
        """Yield where a run lies, and the files that its line is made from."""
        try:
            paths = list(self.folder.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(
                f"{self.folder} can't be read ({error.strerror or error}); let the variable"
                " GLASSBOX_RUNS name another folder."
            ) from None
        for path in paths:
            if path.name.startswith("."):
                continue
            if path.name.endswith(LOOP_SUFFIX):
                yield path, (path, card_of(path))
            elif _stamp(path / ABOUT):
                yield path, (path / ABOUT, path / CARD)

    def describe(self, entry: Entry, **changes: Any) -> None:
        """Change what a person says of a run: name, note, star.

        Raises:
            UserError: it can't be written.
        """
        card = dataclasses.replace(entry.card, **changes)
        card = dataclasses.replace(card, name=card.name.strip(), note=card.note[:LONGEST])
        write_json(card_of(entry.path), dataclasses.asdict(card))

    def delete(self, entries: list[Entry]) -> list[Path]:
        """Put runs aside; returns where they are now, for :meth:`restore`.

        Raises:
            UserError: one of them is being trained; nothing was deleted.
        """
        now = [entry if entry.about is None else read_entry(entry.path) for entry in entries]
        if alive := [entry.title for entry in now if entry.state == "running"]:
            raise UserError(f"{alive[0]} is being trained; stop it first, then delete it.")
        return [self._move(entry.path, self._aside() / entry.path.name) for entry in entries]

    def restore(self, aside: list[Path]) -> None:
        """Bring back what :meth:`delete` has put aside."""
        for path in aside:
            self._move(path, self.folder / path.name)

    def _aside(self) -> Path:
        return self.folder / ASIDE / time.strftime("%Y%m%d-%H%M%S")

    def _move(self, path: Path, to: Path) -> Path:
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            beside = card_of(path)
            if path.is_file() and beside.exists():
                beside.rename(card_of(to))
            path.rename(to)
        except OSError as error:
            raise UserError(f"{path.name} can't be moved ({error.strerror or error}).") from None
        return to

    def empty(self, older: float = KEPT) -> None:
        """Delete for good what was put aside, or was left half-written, so many seconds ago.

        A program that is killed leaves drafts of files, folders that nothing was written into, and
        runs that never arrived whole; a run that is there is not touched.
        """
        long_ago = time.time() - older

        def is_old(path: Path) -> bool:
            try:
                return path.stat().st_mtime < long_ago
            except OSError:  # it is gone by now
                return False

        for folder in (*(self.folder / ASIDE).glob("*"), *self.folder.glob(f"{ARRIVING}*")):
            if is_old(folder):
                shutil.rmtree(folder, ignore_errors=True)
        for draft in (*self.folder.glob(DRAFTS), *self.folder.glob(f"*/{DRAFTS}")):
            if is_old(draft):
                with contextlib.suppress(OSError):  # it is somebody else's
                    draft.unlink()
        for folder in self.folder.glob("*"):
            if STAMPED.search(folder.name) and is_old(folder):
                with contextlib.suppress(OSError):  # it is not empty, or no folder
                    folder.rmdir()


def _stamp(file: Path) -> int:
    """Return when a file was written; 0 where it is not there, or not for us to see."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def card_of(path: Path) -> Path:
    """Return the file in which a person's words on a run are."""
    return path / CARD if path.is_dir() else path.with_name(f".{path.name}.card")


def read_entry(path: Path) -> Entry:
    """Return one run as the list has it.

    Raises:
        UserError: it is no record, or is damaged.
    """
    return _watched(path) if path.is_file() else _trained(path)


def _trained(folder: Path) -> Entry:
    about = read_run_info(folder)
    found = about.diagnosis
    return Entry(
        path=folder,
        card=_read_card(card_of(folder)),
        about=about,
        playground=about.playground,
        model=about.model,
        begun=max(0.0, about.begun),  # no platform can write out every moment before 1970
        state=_state_of(folder, about),
        step=about.step,
        loss=about.loss,
        validated=about.validated,
        verdict=str(found.get("verdict", "")) if found else "",
    )


def _state_of(folder: Path, about: RunInfo) -> str:
    """Return its state; that of a run which was killed before its end is running in its file."""
    broken_off = about.state == "running" and not is_written(folder, about)
    return "interrupted" if broken_off else about.state


def _watched(path: Path) -> Entry:
    record, written = read_record(path), path.stat().st_mtime
    found, (loss, validated) = record.diagnosis, _standing(record)
    return Entry(
        path=path,
        card=_read_card(card_of(path)),
        about=None,
        playground=LOOP,
        model="",
        begun=written,
        state=_state(record, written),
        step=record.count,
        loss=loss,
        validated=validated,
        verdict=found["verdict"] if found else "",
        seen=record.settings,
    )


def _standing(record: LoopRecord) -> tuple[float, bool]:
    """Return a loop's loss on other data, if it was told, else that of its last batches; which."""
    if known := [loss for _, loss in record.validations if math.isfinite(loss)]:
        return known[-1], True
    return float(record.losses[-20:].mean()) if len(record.losses) else math.nan, False


def _state(record: LoopRecord, written: float) -> str:
    if record.diagnosis is not None:
        return "failed" if record.error else "finished"
    return "running" if abs(time.time() - written) < SILENT else "interrupted"


def _read_card(path: Path) -> RunLabels:
    """Return what a person said; nothing, where the file is not there or says something else."""
    try:
        card = read_json(path, RunLabels, CARD_LARGEST)
    except (UserError, ValueError):
        return RunLabels()
    return dataclasses.replace(card, note=card.note[:LONGEST])
