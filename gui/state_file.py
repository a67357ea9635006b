"""What the program remembers from one start to the next: a small file, read and written whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from core.errors import UserError
from core.files import free_place, parse_json, write_whole

PROGRAM, VERSION = "glassbox", 1
"""A program that understands no more than this version refuses later ones."""
LARGEST = 1 << 22  # bytes
T = TypeVar("T")


def read_state(path: Path) -> tuple[dict[str, Any], str]:
    """Return what was remembered, and why it can't be used if it can't.

    A file that can't be used is kept beside the place where a new one will be written.

    Returns:
        The values, none if nothing was remembered; and a sentence, "" where all is well.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("it is far too large")
        return _parsed(path.read_bytes()), ""
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        reason = error.strerror or str(error)
        return {}, f"{path} can't be read ({reason}); the program starts with its usual settings."
    except ValueError as error:
        kept = _put_aside(path)
        return {}, (
            f"{path.name} can't be used ({error}); {kept}, and the program starts with its usual"
            " settings."
        )


def write_state(path: Path, values: Mapping[str, Any]) -> None:
    """Write what is to be remembered, in place of what was.

    Raises:
        UserError: it can't be written.
    """
    content = {"program": PROGRAM, "version": VERSION, **values}
    try:
        write_whole(path, json.dumps(content, indent=1).encode())
    except UserError as error:
        raise UserError(f"What you set will not be remembered: {error}") from None


def value_of(values: Mapping[str, Any], key: str, kind: type[T], default: T) -> T:
    """Return one of the values if it is there and of that kind, which no file promises."""
    value = values.get(key, default)
    return value if type(value) is kind else default


def _parsed(content: bytes) -> dict[str, Any]:
    """Return the values of a file.

    Raises:
        ValueError: it is none of this program's, or none that this version understands.
    """
    try:
        values = parse_json(content)
    except ValueError:
        raise ValueError("it is damaged") from None
    if not isinstance(values, dict) or values.get("program") != PROGRAM:
        raise ValueError("another program wrote it")
    version = values.get("version")
    if type(version) is not int or version < 1:
        raise ValueError("it is damaged")
    if version > VERSION:
        raise ValueError("a newer version of Glassbox wrote it")
    return values


def _put_aside(path: Path) -> str:
    """Keep a file under another name, where it can be; say which."""
    aside = free_place(path.parent, f"{path.stem}-unusable", path.suffix)
    try:
        path.rename(aside)
    except OSError as error:
        return f"it can't be put aside either ({error.strerror or error})"
    return f"it is kept as {aside.name}"
