"""Object names that are unique in the window, though a part stands in it several times."""

from PySide6.QtWidgets import QWidget


def qualified(name: str, place: str) -> str:
    """Return the name of a widget in one place of several: ``trainButton_digits``."""
    return f"{name}_{place}"


def qualify(part: QWidget, place: str) -> None:
    """Put a place behind the names of a part and all in it: its like stands elsewhere, too."""
    for widget in (part, *part.findChildren(QWidget)):
        if (name := widget.objectName()) and not name.startswith("qt_"):
            widget.setObjectName(qualified(name, place))
