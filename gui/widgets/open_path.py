"""Files and folders, opened by the program that the desktop has for them."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_path(path: Path, tell: Callable[[str], None]) -> None:
    """Open a file or a folder; ``tell`` is given a sentence where nothing opens it."""
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
        tell(f"No program here opens it; it is {path}.")
