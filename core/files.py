"""Files that are whole or not there."""

import os
import tempfile
import time
from pathlib import Path

from .errors import UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one act: a full disk or a crash leaves the old one as it was.

    Raises:
        UserError: it can't be written there; says why and what to do.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".glassbox-")
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o644)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"{path} can't be written ({reason}); make room there or name another place."
        ) from None


def free_place(folder: Path, name: str, suffix: str = "") -> Path:
    """Return where something new is kept; another place, if there is one of this second."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path, number = folder / f"{name}-{stamp}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{stamp}-{number}{suffix}"
    return path
