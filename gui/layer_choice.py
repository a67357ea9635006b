"""Which part of a network is chosen: its map, the layer table and the code mark the same one."""

from PySide6.QtCore import QObject, Signal


class LayerChoice(QObject):
    """Owns the choice; whoever shows the network marks it, and may choose another part.

    Attributes:
        key: of the part in the network's map, which for a layer is its name; "" for none. The
            network may have no such part, as after another one was opened.
    """

    changed = Signal(str)
    """The key that it is now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.key = ""

    def choose(self, key: str) -> None:
        """Choose a part by its key."""
        if key != self.key:
            self.key = key
            self.changed.emit(key)
