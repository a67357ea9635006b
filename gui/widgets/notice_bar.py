"""A line above the pages: what a person should know of the start, until it is closed."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout

from gui import theme
from gui.widgets.card import label
from gui.widgets.status_icon import Sign


class NoticeBar(QFrame):
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
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 8, 16, 0)
        row.setSpacing(theme.GAP)
        row.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def tell(self, sentence: str) -> None:
        """Add a sentence."""
        self.words.setText("\n".join(filter(None, [self.words.text(), sentence])))
        self.setAccessibleName(self.words.text())
        self.show()

    def clear(self) -> None:
        """Say nothing any more."""
        self.words.clear()
        self.hide()
