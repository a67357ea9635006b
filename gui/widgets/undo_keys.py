"""The keys of undo and redo, the same everywhere."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

UNDO = "Ctrl+Z"
REDO = ("Ctrl+Shift+Z", "Ctrl+Y")


def add_undo_keys(widget: QWidget, undo: Callable[[], object], redo: Callable[[], object]) -> None:
    """Let the keys undo and redo while the focus is in a widget."""
    for words, keys, act in (("Undo", (UNDO,), undo), ("Redo", REDO, redo)):
        shortcut = QShortcut(widget)
        shortcut.setWhatsThis(words)
        shortcut.setKeys([QKeySequence(each) for each in keys])
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(act)


def is_undo(event: QKeyEvent) -> bool:
    """Whether a key says undo."""
    return QKeySequence(event.keyCombination()) == QKeySequence(UNDO)


def is_redo(event: QKeyEvent) -> bool:
    """Whether a key says redo."""
    return QKeySequence(event.keyCombination()) in [QKeySequence(keys) for keys in REDO]


class UndoableLine(QLineEdit):
    """A field of a form that has undo of its own: the field's keys end where its typing began."""

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the form, where nothing was typed that they could change."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            undone = is_undo(event) and not self.isUndoAvailable()
            if undone or (is_redo(event) and not self.isRedoAvailable()):
                event.ignore()
                return True
        return super().event(event)
