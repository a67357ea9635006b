"""The program changes its clothes while Python clears up."""

import gc

from PySide6.QtWidgets import QWidget

from gui import theme


class Forgotten(QWidget):
    """A widget that only holds itself, and makes garbage when it is told of a change."""

    def __init__(self):
        super().__init__()
        self.itself = self
        self.button = theme.IconButton("theme", "A button.", self)

    def changeEvent(self, event):
        self.garbage = [[number] for number in range(500)]
        super().changeEvent(event)


def test_widgets_that_nobody_holds_survive_a_change_of_theme(qapp):
    """A collection in the midst of Qt's walk through all widgets would end the program."""
    usual = gc.get_threshold()
    try:
        for name in ("dark", "light") * 3:
            gc.disable()
            for _ in range(60):
                Forgotten().ensurePolished()
            gc.set_threshold(50)
            gc.enable()
            theme.apply(qapp, name)
            assert gc.isenabled() and theme.current().name == name
    finally:
        gc.set_threshold(*usual)
        gc.enable()
        theme.apply(qapp, "light")
        gc.collect()
