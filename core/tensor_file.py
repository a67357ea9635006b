"""Safetensors that are read and never mapped.

A tensor on a mapping changes with its file, and ends the process where the file became shorter:
whatever another program does to a file that was opened here, it reaches no network.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import UserError
from .files import check_is_file, parse_json

FOREIGN = (".pt", ".pth", ".ckpt")
"""How files end that other programs write, beside .safetensors; never unpickled but for numbers."""
LONGEST_HEADER = 100 << 20  # bytes, as safetensors itself has it


class TensorFile:
    """An open file of tensors; its header is known, the rest is read when it is asked for.

    Attributes:
        metadata: what was written beside the tensors.
        kinds: of each tensor its type, such as F32, and its shape.

    Raises:
        ValueError: it is no such file.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        self._stamp = self._stamped()
        length = int.from_bytes(file.read(8), "little")
        if length > min(LONGEST_HEADER, self._stamp[0]):
            raise ValueError("its header is too long")
        try:
            header: dict[str, Any] = parse_json(file.read(length))
            self.metadata: Mapping[str, str] = header.pop("__metadata__", None) or {}
            self.kinds = {n: (str(t["dtype"]), _shape(t["shape"])) for n, t in header.items()}
            self._places = {n: tuple(map(int, t["data_offsets"])) for n, t in header.items()}
            end = max((place[1] for place in self._places.values()), default=0)
            held = sum(end - begin for begin, end in self._places.values())
        except (AttributeError, LookupError, TypeError, ValueError):
            raise ValueError("its header can't be read") from None
        if 8 + length + end != self._stamp[0]:
            raise ValueError("it is not as long as its header says")
        if held != end or any(not 0 <= a <= b for a, b in self._places.values()):
            raise ValueError("its header says of one place that several tensors are there")
        self._begin = 8 + length

    def read(self) -> bytes:
        """Return all of it.

        Raises:
            UserError: it has changed since it was opened.
        """
        self._file.seek(0)
        content = self._file.read()
        if self._stamped() != self._stamp or len(content) != self._stamp[0]:
            raise UserError(f"{self._path} was changed while it was read; try again.")
        return content

    def length(self, name: str) -> int:
        """Return how many bytes a tensor has, never more than the file."""
        begin, end = self._places[name]
        return end - begin

    def fill(self, name: str, room: memoryview) -> None:
        """Read one tensor into the bytes that it shall have.

        Raises:
            UserError: the file has changed since it was opened.
            ValueError: it has more bytes than there is room for, or fewer.
        """
        if self.length(name) != room.nbytes:
            raise ValueError(f"'{name}' does not have the size of its shape")
        self._file.seek(self._begin + self._places[name][0])
        got = self._file.readinto(room)  # type: ignore[attr-defined]
        if self._stamped() != self._stamp or got != room.nbytes:
            raise UserError(f"{self._path} was changed while it was read; try again.")

    def _stamped(self) -> tuple[int, int]:
        about = os.fstat(self._file.fileno())
        return about.st_size, about.st_mtime_ns


def _shape(sizes: Any) -> tuple[int, ...]:
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError(sizes)
    return tuple(sizes)


@contextmanager
def open_tensors(path: Path, largest: int) -> Iterator[TensorFile]:
    """Open a file of tensors.

    Raises:
        OSError: it can't be read.
        ValueError: it is no such file, or has more than ``largest`` bytes.
    """
    check_is_file(path)
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise ValueError("it is too large")
        yield TensorFile(path, file)
