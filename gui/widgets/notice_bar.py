"""What a person should know of the start: sentences above every page, until closed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from gui import theme
from gui.widgets.buttons import push_button
from gui.widgets.card import Card, label
from gui.widgets.status_icon import Sign


@dataclass(frozen=True)
class NoticeButton:
    """What can be done about a notice."""

    name: str
    text: str
    help: str
    act: Callable[[], object]


class NoticeBar(Card):
    """Sentences one below the other; hidden while there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("noticeBar")
        self.sign = Sign(16)
        self.sign.show_sign("verdict-unknown", "warning", "Notice")
        self.words = label("", wrap=True)
        self.words.setObjectName("noticeWords")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = theme.IconButton("close", "Close this notice.")
        self.close_button.setObjectName("closeNotice")
        self.close_button.clicked.connect(self.clear)
        self._said: dict[str, str] = {}
        self._buttons: dict[str, QPushButton] = {}
        self._row = row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        row.addWidget(self.sign)
        row.addWidget(self.words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(row)
        self.body.setContentsMargins(theme.MARGIN, theme.GAP, theme.GAP, theme.GAP)
        self.hide()

    def tell(self, sentence: str, key: str = "", buttons: Sequence[NoticeButton] = ()) -> None:
        """Add a sentence.

        Args:
            sentence: in plain text.
            key: of what it is about: it takes the place of the last one of that key.
            buttons: what can be done; a name that is there already is not added again.
        """
        self._said[key or sentence] = sentence
        for button in buttons:
            if button.name not in self._buttons:
                self._buttons[button.name] = self._add(button)
        self.words.setText("\n".join(self._said.values()))
        self.setAccessibleName(self.words.text())
        self.show()

    def clear(self) -> None:
        """Say nothing any more."""
        self._said.clear()
        self.words.clear()
        for button in self._buttons.values():
            button.hide()
            button.deleteLater()
        self._buttons.clear()
        self.hide()

    def _add(self, button: NoticeButton) -> QPushButton:
        made = push_button(button.name, button.text, button.help)
        made.clicked.connect(button.act)
        self._row.insertWidget(self._row.count() - 1, made, 0, Qt.AlignmentFlag.AlignTop)
        return made
