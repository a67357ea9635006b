"""Files that are whole or not there, and JSON that is what it says."""

import errno
import gzip
import json
import math
import os
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import UserError

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
DRAFT = ".glassbox-"
"""How the name of what is being written begins."""
LEFT = 3600.0
"""Seconds after which a draft counts as left by a process that was killed."""
DIGITS = 20
"""Of a whole number that fits into 64 bits, its sign included, at most."""
SettingValue = bool | int | float | str | tuple[int, ...]
"""The value of a setting of a recipe."""


def check_is_file(path: Path) -> None:
    """Refuse what is no file: to read a pipe or a device may never end.

    Raises:
        OSError: it is one, or can't be looked at.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is a pipe or a device")


def is_file(path: Path | str) -> bool:
    """Whether there is such a file; ``Path.is_file`` raises of a name that is too long."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path | str) -> bool:
    """Whether there is such a folder; ``Path.is_dir`` raises of a name that is too long."""
    return os.path.isdir(path)  # noqa: PTH112


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one act: a full disk or a crash leaves the old one as it was.

    Raises:
        UserError: it can't be written there; says why and what to do.
    """
    try:
        with drafted(path) as file:
            file.write(content)
    except OSError as error:
        raise _unwritable(path, error) from None


def check_place(path: Path) -> None:
    """Refuse a place in which no file can be written, before there is something to write.

    Raises:
        UserError: as :func:`write_whole`.
    """
    folder = Path(os.path.realpath(path)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> UserError:
    reason = error.strerror or str(error)
    return UserError(f"{path} can't be written ({reason}); make room there or name another place.")


@contextmanager
def drafted(path: Path) -> Iterator[IO[bytes]]:
    """Write a file beside its place; it takes that place when all of it is written.

    A draft that a killed process has left in that folder is removed by the next one that writes.

    Raises:
        OSError: it can't be written there; what was there is as it was.
    """
    path = Path(os.path.realpath(path))  # through a link, which stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    _drop_left_drafts(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        with suppress(OSError):  # where it could not be written, it may not be there to be removed
            draft.unlink(missing_ok=True)


@cache
def _drop_left_drafts(folder: Path) -> None:
    """Remove drafts that nobody has written to for long; looked for once in each folder."""
    for draft in folder.glob(f"{DRAFT}*"):
        with suppress(OSError):  # it is somebody else's, or gone
            if draft.is_file() and abs(time.time() - draft.stat().st_mtime) > LEFT:
                draft.unlink()


def free_place(folder: Path, name: str, suffix: str = "") -> Path:
    """Return where something new is kept; another place, if there is one of this second."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path, number = folder / f"{name}-{stamp}{suffix}", 1
    while os.path.exists(path):  # noqa: PTH110, where none may look, writing says why
        number += 1
        path = folder / f"{name}-{stamp}-{number}{suffix}"
    return path


def plain(value: Any) -> Any:
    """Return a value as JSON has it: lists for tuples and arrays, None for NaN and infinity."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        is_plain = value.dtype.kind in "biu" or (
            value.dtype.kind == "f" and bool(np.isfinite(value).all())
        )
        value = value.tolist()  # of a single number it makes Python's own
        if is_plain:  # as nearly every curve, without a look at each of its points
            return value
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    write_whole(path, to_json(value))


def to_json(value: Any) -> bytes:
    """Return a value as JSON."""
    return json.dumps(plain(value), allow_nan=False).encode()


def parse_json(content: bytes | str) -> Any:
    """Return the values of a JSON text from elsewhere.

    NaN and infinity are None, as :func:`plain` writes them, and so is what 64 bits can't hold.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(
            content, parse_constant=lambda name: None, parse_float=_finite, parse_int=_short
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _short(text: str) -> int | None:
    fits = len(text) <= DIGITS and -(1 << 63) <= int(text) < 1 << 63
    return int(text) if fits else None


def check_archive(parts: Sequence[zipfile.ZipInfo], largest: int) -> None:
    """Refuse a zip that would not unpack to what such a file may have.

    Only the ways of packing that Glassbox writes are unpacked: others raise errors of their own,
    and one takes memory as a file's header asks.

    Args:
        parts: of the zip.
        largest: the most bytes that they may have, unpacked.

    Raises:
        ValueError: it is packed in another way, is locked, or is too large.
    """
    known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(part.compress_type not in known or part.flag_bits & 1 for part in parts):
        raise ValueError("it is packed in a way that is not known here")
    if sum(part.file_size for part in parts) > largest:
        raise ValueError("it is too large")


def unpacked(path: Path, largest: int) -> bytes:
    """Return what a gzip file has, no more than ``largest`` bytes of it and one.

    Raises:
        OSError, EOFError, zlib.error: it can't be read, or is none.
    """
    check_is_file(path)
    with gzip.open(path) as file:
        return file.read(largest + 1)


def read_json(path: Path, kind: type[T], largest: int, format: str = "") -> T:
    """Read a dataclass from a file.

    Args:
        path: the file.
        kind: the dataclass.
        largest: the most bytes that such a file may have.
        format: what its key of that name says; "" where it has none.

    Raises:
        UserError: it can't be read.
        ValueError: it is something else.
    """
    try:
        check_is_file(path)
        if path.stat().st_size > largest:
            raise ValueError(path)
        values = parse_json(path.read_bytes())
        if format and values["format"] != format:
            raise ValueError(path)
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error}).") from None
    except (KeyError, TypeError):
        raise ValueError(path) from None
    return structured(values, kind)


def structured(values: Any, kind: type[T]) -> T:
    """Return values of JSON as a dataclass, each in its type; a foreign file may say anything.

    None is NaN where a number is expected, as :func:`plain` writes it. Unknown keys are left out.

    Raises:
        ValueError: they are none.
    """
    converter = _converter()
    try:
        return converter.structure(values, kind)
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(error) from None


@cache
def _converter() -> "Converter":
    from cattrs import Converter  # not needed to train or to watch

    converter = Converter(detailed_validation=False)
    for kind in (str, bool, int):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(float, lambda value, _: _number(value))
    converter.register_structure_hook(
        SettingValue, lambda value, _: tuple(value) if isinstance(value, list) else value
    )
    converter.register_structure_hook_func(
        lambda kind: kind == NDArray[Any], lambda value, _: np.array(value, float)
    )
    return converter


def _exactly(value: Any, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(value)
    return value


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if type(value) not in (int, float):
        raise TypeError(value)
    return float(value)
