"""Changes to the source of a program: its statements are found, replaced, and shown as a diff.

The file itself is never written; :func:`save_changed` writes a copy.
"""

import ast
import difflib
import io
import json
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..doctor.diagnosis import CodeLine
from ..errors import UserError
from ..files import write_whole
from .program import Program, ProgramCell

CONTEXT = 2
"""Unchanged lines around a change."""

Change = tuple[str, list["Edit"]]
"""What is done, in words, and the edits."""


@dataclass(frozen=True)
class Edit:
    """Letters of a cell that are replaced.

    Attributes:
        cell: its number; None of a script.
        begin, end: the letters, counted from 0.
        text: what stands there afterwards.
    """

    cell: int | None
    begin: int
    end: int
    text: str


class ProgramSource:
    """The syntax trees of a program, and where each node of them stands.

    Args:
        program: what is changed.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.parents: dict[ast.AST, ast.AST] = {}
        self._cells: dict[ast.Module, ProgramCell] = {}
        self._starts: dict[int | None, list[int]] = {}
        for cell in program.cells:
            if cell.tree is None:
                continue
            self._cells[cell.tree] = cell
            lengths = [len(line) + 1 for line in cell.source.split("\n")]
            self._starts[cell.number] = [sum(lengths[:row]) for row in range(len(lengths))]
            for node in ast.walk(cell.tree):
                for child in ast.iter_child_nodes(node):
                    # Contexts such as ast.Load are one object for all names.
                    self.parents[child] = node

    # What is there.

    @property
    def trees(self) -> list[ast.Module]:
        """The syntax trees of the cells."""
        return list(self._cells)

    def walk(self) -> Iterator[ast.AST]:
        """Yield all nodes, cell by cell."""
        for tree in self._cells:
            yield from ast.walk(tree)

    def calls(self) -> Iterator[ast.Call]:
        """Yield all calls."""
        return (node for node in self.walk() if isinstance(node, ast.Call))

    def at(self, line: CodeLine) -> list[ast.AST]:
        """Return the nodes that stand in a line, or around it: inner ones last."""
        if line.file != str(self.program.path):
            return []
        trees = [tree for tree, cell in self._cells.items() if cell.number == line.cell]
        return [
            node
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.expr | ast.stmt)
            and node.lineno <= line.line <= (node.end_lineno or 0)
        ]

    def statement_at(self, line: CodeLine) -> ast.stmt | None:
        """Return the innermost statement of a line."""
        found = [node for node in self.at(line) if isinstance(node, ast.stmt)]
        return found[-1] if found else None

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the statement around a node."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node is part of, from the inside to the outside."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return the statements among which one stands."""
        parent = self.parents[statement]
        for _, value in ast.iter_fields(parent):
            if isinstance(value, list) and any(one is statement for one in value):
                return value
        return [statement]

    def order(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return the statements among which one stands; of a notebook, those of all cells."""
        if isinstance(self.parents[statement], ast.Module):
            return [one for tree in self.trees for one in tree.body]
        return self.block(statement)

    def text(self, node: ast.AST) -> str:
        """Return the source of a node."""
        cell, begin, end = self._place(node)
        return cell.source[begin:end]

    def assigned(self, name: str) -> list[ast.Assign]:
        """Return the statements that give a variable its value."""
        return [
            node
            for node in self.walk()
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        ]

    # What is changed.

    def replace(self, node: ast.AST, text: str) -> Edit:
        """Return the edit that writes something else in the place of a node."""
        cell, begin, end = self._place(node)
        return Edit(cell.number, begin, end, text)

    def replace_by(self, node: ast.AST, part: ast.AST) -> Edit:
        """Return the edit that leaves of a node only a part of it, in brackets where needed."""
        text = self.text(part)
        alone = isinstance(self.parents[node], ast.stmt | ast.Call | ast.keyword)
        if isinstance(part, ast.BinOp | ast.UnaryOp | ast.IfExp) and not alone:
            text = f"({text})"
        return self.replace(node, text)

    def before(self, statement: ast.stmt, code: str) -> Edit:
        """Return the edit that writes statements before one."""
        cell, begin, _ = self._place(statement)
        indent = cell.source[self._line_begin(cell, statement.lineno) : begin]
        if indent.strip():  # it follows another one in its line
            return Edit(cell.number, begin, begin, "; ".join(code.splitlines()) + "; ")
        lines = "".join(f"{line}\n{indent}" for line in code.splitlines())
        return Edit(cell.number, begin, begin, lines)

    def after(self, statement: ast.stmt, code: str) -> Edit:
        """Return the edit that writes statements behind one."""
        cell, begin, end = self._place(statement)
        indent = cell.source[self._line_begin(cell, statement.lineno) : begin]
        if indent.strip():
            return Edit(cell.number, end, end, "; " + "; ".join(code.splitlines()))
        lines = "".join(f"\n{indent}{line}" for line in code.splitlines())
        newline = cell.source.find("\n", end)  # behind a comment
        place = len(cell.source) if newline < 0 else newline
        return Edit(cell.number, place, place, lines)

    def without(self, statement: ast.stmt) -> Edit:
        """Return the edit that takes a statement out; alone in a block, it becomes ``pass``."""
        cell, begin, end = self._place(statement)
        line = self._line_begin(cell, statement.lineno)
        next_line = cell.source.find("\n", end) + 1
        alone = len(self.block(statement)) == 1
        if alone or cell.source[line:begin].strip() or cell.source[end:next_line].strip(" ;\n"):
            return Edit(cell.number, begin, end, "pass")
        return Edit(cell.number, line, next_line or len(cell.source), "")

    def moved(self, statements: list[ast.stmt], behind: ast.stmt) -> list[Edit]:
        """Return the edits that take statements behind another one of their order.

        Whole lines are moved, with the comments in them; none are where a line holds several.
        """
        cuts, lines = [], []
        for statement in (*statements, behind):
            cell, begin, end = self._place(statement)
            line = self._line_begin(cell, statement.lineno)
            newline = cell.source.find("\n", end)
            last = len(cell.source) if newline < 0 else newline
            rest = cell.source[end:last].strip()
            if cell.source[line:begin].strip() or (rest and not rest.startswith("#")):
                return []
            cuts.append(Edit(cell.number, line, min(last + 1, len(cell.source)), ""))
            lines.append(cell.source[line:last])
        return [
            *cuts[:-1],
            Edit(cell.number, last, last, "".join(f"\n{one}" for one in lines[:-1])),
        ]

    def without_argument(self, call: ast.Call, argument: ast.expr) -> Edit:
        """Return the edit that takes an argument out of a call, and its line if it is alone."""
        cell, begin, end = self._place(argument)
        place = call.args.index(argument)
        if place:  # with the comma before it
            _, _, begin = self._place(call.args[place - 1])
        elif len(call.args) > 1:
            _, end, _ = self._place(call.args[1])
        return Edit(cell.number, begin, end, "")

    def _place(self, node: ast.AST) -> tuple[ProgramCell, int, int]:
        *_, root = self.around(node)
        assert isinstance(root, ast.Module)
        assert isinstance(node, ast.expr | ast.stmt | ast.keyword)
        cell = self._cells[root]
        begin = self._offset(cell, node.lineno, node.col_offset)
        return cell, begin, self._offset(cell, node.end_lineno or 0, node.end_col_offset or 0)

    def _line_begin(self, cell: ProgramCell, line: int) -> int:
        return self._starts[cell.number][line - 1]

    def _offset(self, cell: ProgramCell, line: int, column: int) -> int:
        """Return the place of a letter; columns count bytes of UTF-8."""
        begin = self._line_begin(cell, line)
        text = cell.source[begin : begin + column]
        return begin + len(text.encode()[:column].decode(errors="ignore"))


def apply_edits(program: Program, edits: list[Edit]) -> dict[int | None, str]:
    """Return the sources of the cells that edits change, by their numbers.

    Lines that only Jupyter understands stand in them as they stand in the file.

    Raises:
        SyntaxError: what comes out is no Python.
    """
    changed: dict[int | None, str] = {}
    for cell in program.cells:
        own = sorted({e for e in edits if e.cell == cell.number}, key=lambda e: (e.begin, e.end))
        if not own:
            continue
        source, end = "", 0
        for edit in own:
            source += cell.source[end : edit.begin] + edit.text
            end = edit.end
        source += cell.source[end:]
        ast.parse(source)
        changed[cell.number] = _with_magics(cell, source)
    return changed


def _with_magics(cell: ProgramCell, source: str) -> str:
    """Return a changed source whose other lines are those of the file."""
    if cell.written == cell.source:
        return source
    before, after = cell.source.split("\n"), source.split("\n")
    written = cell.written.split("\n")
    lines: list[str] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, begin, end, other, to in matcher.get_opcodes():
        lines += written[begin:end] if kind == "equal" else after[other:to]
    return "\n".join(lines)


def diff_of(program: Program, changed: Mapping[int | None, str]) -> str:
    """Return the changes as a unified diff, cell by cell."""
    parts: list[str] = []
    for cell in program.cells:
        if cell.number not in changed:
            continue
        name = program.path.name + (f", cell {cell.number}" if cell.number is not None else "")
        parts += difflib.unified_diff(
            cell.written.splitlines(),
            changed[cell.number].splitlines(),
            name,
            f"{name} (changed)",
            lineterm="",
            n=CONTEXT,
        )
    return "\n".join(parts) + "\n"


def save_changed(program: Program, changed: Mapping[int | None, str], path: Path) -> None:
    """Write a copy of a program, changed; all else of its file stays as it is.

    Raises:
        UserError: the copy would be the program itself, or can't be written.
    """
    if path.resolve() == program.path.resolve():
        raise UserError("The program itself is not overwritten; choose another name for the copy.")
    if path.suffix.lower() != program.path.suffix.lower():
        raise UserError(f"A copy of {program.path.name} has to end with {program.path.suffix}.")
    try:
        content = program.path.read_bytes()
    except OSError as error:
        raise UserError(f"{program.path} can't be read any more ({error.strerror}).") from None
    if program.is_notebook:
        notebook = json.loads(content)
        for number, source in changed.items():
            assert number is not None
            notebook["cells"][number - 1]["source"] = source.splitlines(keepends=True)
        written = json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n"
    else:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        newline = "\r\n" if b"\r\n" in content else "\n"
        written = changed[None].replace("\n", newline).encode(encoding)
    write_whole(path, written)
