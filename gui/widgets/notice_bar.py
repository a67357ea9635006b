"""What a person should know of the start: sentences over the head of the page, until closed."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui import theme
from gui.widgets.card import Card, label
from gui.widgets.status_icon import Sign


class NoticeBar(Card):
    """Sentences one below the other; hidden while there are none. It takes no room of the page's.

    Args:
        over: the widget at whose top it lies.
    """

    def __init__(self, over: QWidget) -> None:
        super().__init__(parent=over)
        self._over = over
        self.setObjectName("noticeBar")
        self.sign = Sign(16)
        self.sign.show_sign("verdict-unknown", "warning", "Notice")
        self.words = label("", wrap=True)
        self.words.setObjectName("noticeWords")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = theme.IconButton("close", "Close this notice.")
        self.close_button.setObjectName("closeNotice")
        self.close_button.clicked.connect(self.clear)
        row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        row.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(row)
        self.body.setContentsMargins(theme.MARGIN, theme.GAP, theme.GAP, theme.GAP)
        over.installEventFilter(self)
        self.hide()

    def tell(self, sentence: str) -> None:
        """Add a sentence."""
        self.words.setText("\n".join(filter(None, [self.words.text(), sentence])))
        self.setAccessibleName(self.words.text())
        self.show()
        self.raise_()
        self._place()

    def clear(self) -> None:
        """Say nothing any more."""
        self.words.clear()
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as wide as what it lies over."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        width = self._over.width() - 2 * theme.MARGIN
        self.setGeometry(theme.MARGIN, theme.GAP, width, self.body.totalHeightForWidth(width))
