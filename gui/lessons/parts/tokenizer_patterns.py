"""GPT-2's and GPT-4's pattern side by side: how each cuts a text before pairs are merged."""

from collections.abc import Mapping, Set

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QGridLayout, QLabel

from core.lessons.tokenizer.patterns import GPT2, GPT4, Pattern, Piece, TextPieces
from gui.lessons.context import LessonContext
from gui.lessons.tokenizer.text_card import TextCard
from gui.lessons.tokenizer.token_area import DRAWN, TokenArea, only_first
from gui.rich_text import rich
from gui.widgets.card import label
from gui.widgets.token_text import shortened, shown
from gui.widgets.token_view import LONG, TokenView

HELP = (
    "<p>The pieces into which the pattern cuts the text. No merge ever reaches from one into the"
    " next. Those that the other pattern has not are outlined. Hover over one to see which part of"
    " the pattern took it.</p>"
)


class PieceView(TokenView):
    """The pieces of a text."""

    def __init__(self, pattern: Pattern, other: Pattern) -> None:
        name = f"pieces_{pattern.name.replace('-', '')}"
        super().__init__(name, f"The text as cut by {pattern.name}'s pattern", HELP)
        self._found: tuple[Piece, ...] = ()
        self._other = other.name

    def beneath(self, index: int) -> str:
        """Nothing: a piece has no number yet."""
        return ""

    def show_pieces(self, found: tuple[Piece, ...]) -> None:
        """Take the pieces that are described."""
        self._found = found

    def describe(self, index: int) -> str:
        """Say which part of the pattern took a piece."""
        piece = self._found[index]
        only = f"\n{self._other}'s pattern cuts otherwise here." if index in self._marked else ""
        return f"By “{piece.kind}”:\n“{shortened(shown(piece.text.encode()), LONG)}”{only}"


class Part(TextCard):
    """Two columns: the pattern, and the pieces."""

    def __init__(self, context: LessonContext, options: Mapping[str, str]) -> None:
        super().__init__(context, "patterns", "The pattern before the merges")
        self._shown: TextPieces | None = None
        views = (PieceView(GPT2, GPT4), PieceView(GPT4, GPT2))
        self.views = views
        self.areas = tuple(TokenArea(view) for view in views)
        self.counts = tuple(label("", "muted", wrap=True) for _ in views)
        grid = QGridLayout()
        grid.setHorizontalSpacing(22)
        grid.setVerticalSpacing(8)
        for column, pattern in enumerate((GPT2, GPT4)):
            grid.setColumnStretch(column, 1)
            grid.addWidget(label(pattern.name, "heading"), 0, column)
            grid.addWidget(_written(pattern), 1, column, Qt.AlignmentFlag.AlignTop)
            self.counts[column].setObjectName(f"pieceCount_{pattern.name.replace('-', '')}")
            grid.addWidget(self.counts[column], 2, column)
            grid.addWidget(self.areas[column], 3, column, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(grid)

    def refresh(self) -> None:
        """Show the pieces of the present text."""
        pieces = self.state.pieces
        if pieces is None or pieces is self._shown:
            return
        self._shown = pieces
        for column, found in enumerate((pieces.gpt2, pieces.gpt4)):
            differing = pieces.differing[column]
            self.views[column].show_pieces(found)
            self.areas[column].show_tokens(
                [(piece.text.encode(), 0) for piece in found[:DRAWN]],
                frozenset(i for i in differing if i < DRAWN),
            )
            self.counts[column].setText(_count(found, differing))


def _written(pattern: Pattern) -> QLabel:
    made = label("\n".join(pattern.alternatives.values()).replace("\n", "\n|"), "code")
    made.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    said = "; ".join(f"{part} takes {kind}" for kind, part in pattern.alternatives.items())
    made.setToolTip(rich(f"{said}. From {pattern.source} in tiktoken."))
    made.setAccessibleName(f"{pattern.name}'s pattern")
    return made


def _count(found: tuple[Piece, ...], differing: Set[int]) -> str:
    if not found:
        return "There is no text."
    many = f"{len(found):,} piece{'s' * (len(found) != 1)}"
    if not differing:
        return f"{many}, the same as the other pattern's.{only_first(len(found))}"
    return f"{many}; {len(differing):,} outlined, cut otherwise.{only_first(len(found))}"
