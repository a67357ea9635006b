"""Files from the network: whole and checked, or not there at all."""

import gzip
import hashlib
import http.client
import io
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import UserError
from .files import write_whole
from .interruption import CancelledError

CHUNK = 1 << 16
TIMEOUT = 5.0


@dataclass(frozen=True)
class Source:
    """A file, where it can be had, and how to know that it is the right one.

    Attributes:
        name: of the file; one that ends in ``.gz`` is checked by what is in it, since the same
            content can be packed in more than one way.
        urls: where it can be had, the first that answers.
        sha256: of the content, unpacked.
        size: of the content in bytes, unpacked.
        packed: about how many bytes come over the network.
    """

    name: str
    urls: Sequence[str]
    sha256: str
    size: int
    packed: int


def fetch(
    sources: Sequence[Source],
    folder: Path,
    progress: Callable[[str, float], None],
    cancelled: Callable[[], bool],
) -> None:
    """Bring files into a folder; those that are there already are left.

    Args:
        sources: the files.
        folder: where they go.
        progress: is told in words what is done, and the share of all bytes.
        cancelled: is asked between chunks.

    Raises:
        UserError: no network, a wrong checksum, or no room; nothing half-written is left.
        CancelledError: ``cancelled`` said so.
    """
    total, done = sum(source.packed for source in sources), 0
    for source in sources:
        target = folder / source.name
        if not _is_there(source, target):

            def tell(size: int, source: Source = source, before: int = done) -> None:
                if cancelled():
                    raise CancelledError
                progress(f"Downloading {source.name}", min(1.0, (before + size) / total))

            content = _get(source, tell)
            if cancelled():
                raise CancelledError
            write_whole(target, content)
        done += source.packed


def _get(source: Source, tell: Callable[[int], None]) -> bytes:
    """Return a file's bytes from the first place that has it, checked."""
    trouble = "it can't be reached"
    for url in source.urls:
        try:
            content = _read(url, 2 * source.packed, tell)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            trouble = getattr(reason, "strerror", None) or str(reason)
            continue
        if _is(source, content):
            return content
        trouble = "what came is not the file that was expected (checksum)"
    raise UserError(
        f"{source.name} can't be downloaded: {trouble}."
        " Check the network and try again; the bundled data works without it."
    )


def _read(url: str, most: int, tell: Callable[[int], None]) -> bytes:
    content = bytearray()
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310, fixed addresses
        while chunk := answer.read(CHUNK):
            content += chunk
            if len(content) > most:
                break  # longer than it should be: the checksum will say so
            tell(len(content))
    return bytes(content)


def _is_there(source: Source, target: Path) -> bool:
    """Whether a file is there, whole; one that is far too large is not read."""
    most = 2 * max(source.packed, source.size)
    return target.is_file() and target.stat().st_size <= most and _is(source, target.read_bytes())


def _is(source: Source, content: bytes) -> bool:
    """Whether a file's bytes are what the source promised."""
    if source.name.endswith(".gz"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(source.size + 1)  # one more tells of a longer one
        except (OSError, EOFError, zlib.error):
            return False
    return hashlib.sha256(content).hexdigest() == source.sha256
