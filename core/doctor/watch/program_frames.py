"""The line and the frame of a program that is being executed, behind torch's and our own."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch
from torch.overrides import handle_torch_function

from .safe_log import RECORDED

Line = tuple[str, int]
"""A file, or what a traceback calls a notebook's cell, and the line in it."""
LIBRARIES = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))
"""Whose lines are nobody's own: torch's and the doctor's."""

OWN_FILES: set[str] = set()
"""Files of a program that is run to be watched: its own, even beside installed libraries."""


def line_of_program(around_forward: bool = False) -> Line | None:
    """Return the line of the program that is being executed; None if there is none.

    Args:
        around_forward: whether it is the one that calls the network, not one in its ``forward``.
    """
    frame = frame_of_program(around_forward)
    return (frame.f_code.co_filename, frame.f_lineno) if frame else None


def frame_of_program(around_forward: bool = False) -> FrameType | None:
    """Return the frame of that line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        passed = around_forward and frame.f_code.co_name in ("forward", "__call__")
        if not passed and _is_own(frame.f_code.co_filename):
            return frame
        frame = frame.f_back
    return None


def calling_from(frame: FrameType | None) -> Callable[..., Any]:
    """Return what calls a function as if that line of the program did.

    A warning is told of the line that calls torch, and once for each line: with a recorder in
    between, all would be told of a line of ours.
    """
    if frame is not None and frame.f_code is handle_torch_function.__code__:
        # A function of torch in Python has handed itself on, and is called again.
        frame = frame.f_back and frame.f_back.f_back
    if frame is None:
        return _call
    return FunctionType(_call_at(frame.f_code.co_filename, frame.f_lineno), frame.f_globals)


@cache
def _call_at(file: str, line: int | None) -> CodeType:
    return _call.__code__.replace(co_filename=file, co_firstlineno=line or 1, co_name=RECORDED)


_call = lambda function, args, kwargs: function(*args, **kwargs)  # noqa: E731, in one line


@cache
def _is_own(file: str) -> bool:
    """Whether a file is a program's own, and no library's."""
    parts = Path(file).parts
    return file in OWN_FILES or not (
        file.startswith((*LIBRARIES, "<frozen"))
        or "site-packages" in parts
        or "dist-packages" in parts
    )
