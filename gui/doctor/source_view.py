"""A program's source, to be read: with marks where a cause lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal

from core.programs.program import Program
from gui.widgets.source_text import SourceMark, SourceText

EMPTY = (
    "Open a Python script or a notebook of yours, or drop it here. It is run unedited, its training"
    " loops are watched, and each cause is marked at its line."
)


@dataclass(frozen=True)
class LineMark:
    """A mark at a line: which cause lies there.

    Attributes:
        cell: of a notebook; None of a script.
        line: in that cell, or in the script.
        cause: its number in the report.
        words: what is said of it.
        role: its colour.
    """

    cell: int | None
    line: int
    cause: int
    words: str
    role: str


class SourceView(SourceText):
    """Shows the source of a script, or the cells of a notebook below one another."""

    markClicked = Signal(int)
    """The number of the cause whose mark was clicked."""

    def __init__(self) -> None:
        super().__init__("programSource")
        self.setAccessibleName("Source of the program, with marks where a cause lies")
        self.setPlaceholderText(EMPTY)
        self._places: list[tuple[int | None, int]] = []
        """Cell and line of each block; line 0 of a cell's heading."""
        self._causes: dict[int, list[int]] = {}
        """The causes that are marked at a block."""
        self.pressed.connect(self._choose)

    def show_program(self, program: Program) -> None:
        """Show what will be run."""
        lines: list[str] = []
        self._places, self._causes, quiet = [], {}, []
        for cell in program.cells:
            if cell.number is not None:
                quiet.append((len(lines), 0, len(heading := f"Cell {cell.number}")))
                lines.append(heading)
                self._places.append((cell.number, 0))
            source = cell.written.split("\n")
            lines += source
            self._places += [(cell.number, line) for line in range(1, len(source) + 1)]
        self.show_lines(lines, [line for _, line in self._places], quiet)

    def set_marks(self, marks: Sequence[LineMark]) -> None:
        """Mark these lines; others are marked no more."""
        places = {place: block for block, place in enumerate(self._places)}
        found: dict[int, list[SourceMark]] = {}
        self._causes = {}
        for mark in marks:
            block = places.get((mark.cell, mark.line))
            if block is not None:
                found.setdefault(block, []).append(SourceMark(mark.words, mark.role))
                self._causes.setdefault(block, []).append(mark.cause)
        self.mark_lines(found)

    def show_cause(self, cause: int) -> None:
        """Turn to the first line that is marked with a cause."""
        for block, causes in self._causes.items():
            if cause in causes:
                self.turn_to(block)
                return

    def _choose(self, block: int) -> None:
        """Choose the cause that is marked at a line, if any."""
        if block in self._causes:
            self.markClicked.emit(self._causes[block][0])
