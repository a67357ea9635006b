"""A run as one zip that opens on another machine; and such a zip, checked like any foreign file."""

import dataclasses
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from ..errors import UserError
from ..files import check_archive, check_is_file, drafted
from ..interruption import heed
from ..training.checkpoint import load_checkpoint
from .curves import read_curves
from .folder import ABOUT, BEST, CARD, CURVES, LAST, MOMENTS
from .keyframes import NAMED, keyframes_of, read_keyframe
from .library import ARRIVING
from .run_info import RunInfo, read_run_info, recipe_of, run_info_json, write_run_info

PARTS = re.compile(
    rf"{re.escape(ABOUT)}|{re.escape(CARD)}|{re.escape(CURVES)}|{re.escape(LAST)}"
    rf"|{re.escape(BEST)}|{MOMENTS}/{NAMED.pattern}"
)
LARGEST = 8 << 30
MOST = 1000  # files
CHUNK = 1 << 20
MANY = 1 << 30  # bytes, from which on a part may be more than a plain zip holds


def pack(folder: Path, out: Path) -> None:
    """Write a run's record into one zip, whole or not at all; paths of this machine stay here.

    Raises:
        UserError: it is no record, or the zip can't be written.
    """
    about = _without_places(read_run_info(folder))
    parts = [path for path in folder.rglob("*") if PARTS.fullmatch(_name(folder, path))]
    try:
        with (
            drafted(out) as draft,
            zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        ):
            for path in parts:
                if path.name != ABOUT:
                    _add(packed, path, _name(folder, path))
            with packed.open(ABOUT, "w") as part:
                part.write(run_info_json(about))
    except OSError as error:
        raise UserError(
            f"{out} can't be written ({error.strerror or error}); make room there or name another"
            " place."
        ) from None


def _add(packed: zipfile.ZipFile, path: Path, name: str) -> None:
    """Add a file; when it was made does not go with it, which may be before zips can say."""
    check_is_file(path)
    large = path.stat().st_size > MANY
    with path.open("rb") as source, packed.open(name, "w", force_zip64=large) as target:
        _copy(source, target)


def _copy(source: IO[bytes], target: IO[bytes], room: int = LARGEST) -> int:
    """Copy a part, chunk by chunk; return what is left of the room, below zero for none."""
    while room >= 0 and (chunk := source.read(CHUNK)):
        heed()
        room -= len(chunk)
        target.write(chunk)
    return room


def _without_places(about: RunInfo) -> RunInfo:
    """Leave out what is of one machine; of another one's it would name any file here."""
    return dataclasses.replace(about, source="", process=("", 0))


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def unpack(packed: Path, runs: Path) -> Path:
    """Bring a run from a zip into the folder of runs, once all of it was found to be good.

    Raises:
        UserError: it is no run, is damaged, or holds what no run has; nothing was kept.
    """
    draft = None
    try:
        check_is_file(packed)
        runs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=runs, prefix=ARRIVING))
        with zipfile.ZipFile(packed) as file:
            check_archive(file.infolist(), LARGEST)
            _extract(packed, file, draft)
        _check(draft)
        write_run_info(draft, _without_places(read_run_info(draft)))
        # A name that begins with a dot would be hidden.
        return _place(draft, runs, packed.stem.strip(". ") or "run")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError):
        raise UserError(f"{packed} is damaged or no zip; choose one that export wrote.") from None
    except OSError as error:
        raise UserError(f"{packed} can't be read in ({error.strerror or error}).") from None
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)


def _extract(packed: Path, file: zipfile.ZipFile, to: Path) -> None:
    """Write the parts out; neither their names nor their sizes are believed."""
    parts = file.infolist()
    names = [part.filename for part in parts]
    strange = [name for name in names if not PARTS.fullmatch(name)]
    if strange or len(set(names)) < len(names) or len(names) > MOST or ABOUT not in names:
        what = f"it holds {strange[0][:60]}" if strange else f"it has no single {ABOUT}"
        raise UserError(f"{packed} is no run of Glassbox: {what}.")
    room = LARGEST
    for part in parts:
        path = to / part.filename
        path.parent.mkdir(exist_ok=True)
        with file.open(part) as source, path.open("wb") as target:
            room = _copy(source, target, room)
        if room < 0:
            raise UserError(f"{packed} is larger than any run of Glassbox.")


def _check(folder: Path) -> None:
    """Read all of it as whoever opens it would."""
    about = read_run_info(folder)
    recipe_of(about)
    read_curves(folder, len(about.layers))
    shapes = None
    for name in (BEST, LAST):
        if (folder / name).exists():
            checkpoint = load_checkpoint(folder / name)
            shapes = {name: tuple(tensor.shape) for name, tensor in checkpoint.weights.items()}
    for step in keyframes_of(folder):
        heed()
        weights = read_keyframe(folder, step).weights
        if shapes != {name: array.shape for name, array in weights.items()}:
            raise UserError("Its moments are of another network.")


def _place(draft: Path, runs: Path, name: str) -> Path:
    number = 1
    while True:
        folder = runs / (name if number == 1 else f"{name}-{number}")
        if not folder.exists():
            draft.chmod(0o755)  # others may share this folder
            return draft.rename(folder)
        number += 1
