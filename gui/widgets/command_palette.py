"""The command palette: everything that can be done, found by typing, done by Enter."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.buttons import identified
from gui.widgets.card import label
from gui.widgets.commands import WindowCommand
from gui.widgets.title_list import HINT, TitleList

_STEPS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
KEYS = "↑ ↓ choose, Enter does it, Esc closes."


class CommandPalette(QDialog):
    """Lists commands and does one of them; what can't be done now is grey, at the end.

    Args:
        parent: the window that it belongs to.
        commands: in the order in which they are shown.
    """

    def __init__(self, parent: QWidget, commands: Sequence[WindowCommand]) -> None:
        super().__init__(parent)
        self.setObjectName("commandPalette")
        theme.style(self)
        self.setAccessibleName("Command palette")
        self.setWindowTitle("Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 460)
        self._window, self._commands = parent, list(commands)
        self.words = identified(
            QLineEdit(),
            "commandSearch",
            "Search the commands",
            f"Type a part of what you want to do. {KEYS}",
        )
        self.words.setPlaceholderText("What do you want to do?")
        self.words.textChanged.connect(self._search)
        self.words.returnPressed.connect(self._do_chosen)
        self.words.installEventFilter(self)
        self.list = TitleList(
            "commandList", "Commands", "What can be done here. A click or Enter does it."
        )
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # one types, and chooses with the arrows
        self.list.itemClicked.connect(self._do_chosen)
        self.list.currentItemChanged.connect(self._show_about)
        self.about = label("", "small", wrap=True)
        self.about.setObjectName("commandAbout")
        self.about.setMinimumHeight(34)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.MARGIN, theme.MARGIN, theme.MARGIN, theme.GAP)
        column.setSpacing(theme.GAP)
        for widget in (self.words, self.list, self.about):
            column.addWidget(widget, int(widget is self.list))
        self.finished.connect(lambda: parent.activateWindow())
        self._search("")
        self.words.setFocus()

    def shown(self) -> list[WindowCommand]:
        """Return the commands that are listed, in their order."""
        return [self._commands[int(self.list.key_at(row))] for row in range(self.list.count())]

    def _search(self, words: str) -> None:
        """List what has all the words; those whose title begins with them come first."""
        wanted = words.lower().split()
        ranked = []
        for number, command in enumerate(self._commands):
            title = command.title.lower()
            if all(word in f"{title} {command.place} {command.keys}".lower() for word in wanted):
                elsewhere = not all(word in title for word in wanted)
                begins = not title.startswith(words.lower().strip())
                ranked.append((not command.possible(), elsewhere, begins, number))
        ranked.sort()
        self.list.show_titles([(str(rank[-1]), self._commands[rank[-1]].title) for rank in ranked])
        for row, (impossible, *_, number) in enumerate(ranked):
            item, command = self.list.item(row), self._commands[number]
            item.setData(HINT, "   ".join(filter(None, [command.place, command.keys])))
            item.setToolTip(command.tip)
            if impossible:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
        if ranked and not ranked[0][0]:
            self.list.setCurrentRow(0)
        self._show_about()

    def _show_about(self) -> None:
        chosen = self.list.chosen()
        about = self._commands[int(chosen)].about if chosen else ""
        nothing = "" if self.list.count() else "No command matches; try a part of a word."
        self.about.setText(nothing or about or KEYS)

    def _do_chosen(self) -> None:
        if chosen := self.list.chosen():
            self.accept()
            # When this is gone the focus is where it was, which some commands ask for.
            QTimer.singleShot(0, self._window, self._commands[int(chosen)].do)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys choose while one types."""
        pressed = event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent) and event.key() in _STEPS:
            QApplication.sendEvent(self.list, event)
            return True
        return super().eventFilter(watched, event)
