"""Words that give an answer away, behind a curtain until somebody has looked for it."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.lessons.prose import Prose

VEIL = "What there is to see in it is told here once it has run. [Tell it now](curtain:open)"


class Reveal(QWidget):
    """Paragraphs; ``open`` shows them.

    Args:
        paragraphs: in inline Markdown.
        follow: is told of a link in them that is followed.
    """

    def __init__(self, paragraphs: Sequence[str], follow: Callable[[str], None]) -> None:
        super().__init__()
        self.veil = Prose(VEIL, role="muted")
        self.veil.linkActivated.connect(lambda target: self.open())
        self.paragraphs = [Prose(words) for words in paragraphs]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self.veil)
        for paragraph in self.paragraphs:
            paragraph.linkActivated.connect(follow)
            paragraph.hide()
            column.addWidget(paragraph)

    def open(self) -> None:
        """Draw it back."""
        self.veil.hide()
        for paragraph in self.paragraphs:
            paragraph.show()
