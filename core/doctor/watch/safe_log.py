"""The log of what watches a loop: where it can't be written, the loop goes on all the same."""

import logging
from contextlib import suppress
from typing import Any

RECORDED = "<recorded>"
"""What a traceback calls the function by which a recorder makes a call of the program's."""


class SafeLog(logging.LoggerAdapter[logging.Logger]):
    """A logger that raises nothing, whatever standard error is: closed, full, or not there."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("glassbox"), {})

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line, if that is possible."""
        with suppress(Exception):
            super().log(level, msg, *args, **kwargs)
