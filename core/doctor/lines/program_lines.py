"""What is known of a program in which lines are looked for: a step, variables, the source."""

import ast
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..diagnosis import Cause, CodeLine
from ..made_modules import MadeModules, last_name
from ..watch.graph import StepGraph
from ..watch.program_frames import OWN_FILES, Line
from ..watch.source import syntax_tree
from ..watch.tape import Op
from ..watch.variables import Variables, is_validation
from .origins import Origins, Way

CELL = re.compile(r"^(.*), cell (\d+)$")
CELLS: dict[str, tuple[str, int]] = {}
"""Of a notebook that runs in Jupyter: its name and the cell's number, by what Jupyter calls it."""


@dataclass
class Lines:
    """What is known of a program.

    Attributes:
        graph: the newest step that was observed.
        variables: those around the loop.
        used: where each weight was used besides, by its id.
        crashed: the line in which the loop ended with an error; None.
        nan: the line whose result was the first NaN; None.
        kept: where weights were kept without a copy, and where they were loaded.
        met: where each output met the targets of all examples in an evaluation; None.
        loaded: where a copy that is used has loaded the network's weights; None.
    """

    graph: StepGraph
    variables: Variables
    used: Mapping[int, Line] = field(default_factory=dict)
    crashed: Line | None = None
    nan: Line | None = None
    kept: tuple[Line | None, ...] = ()
    met: Line | None = None
    loaded: Line | None = None

    def of_op(self, op: Op | None) -> Iterator[Line]:
        """Yield the line of an operation, if that is known."""
        if op is not None and op.line:
            yield op.line

    def files(self) -> list[str]:
        """Return the files of the step; of a program that is watched all of its own."""
        passes = [found.line for found in self.graph.tape.passes]
        lines = [*passes, *(op.line for op in self.graph.ops)]
        files = dict.fromkeys(line[0] for line in lines if line)
        notebooks = {cell[0] for file in files if (cell := notebook_cell(file))}
        cells = {file: cell[0] for file in list(linecache.cache) if (cell := notebook_cell(file))}
        files |= dict.fromkeys(file for file, name in cells.items() if name in notebooks)
        return [*files, *sorted(OWN_FILES - set(files))]

    def walk(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield all nodes of the program's syntax trees, each with its file."""
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                yield file, node

    @cached_property
    def trees(self) -> Mapping[str, ast.AST]:
        """The syntax trees of the files, as far as they are Python."""
        found = {file: syntax_tree(file) for file in self.files()}
        return {file: tree for file, tree in found.items() if tree is not None}

    def calls(self, wanted: Callable[[ast.Call], bool]) -> Iterator[Line]:
        """Yield the lines of such calls."""
        for file, node in self.walk():
            if isinstance(node, ast.Call) and wanted(node):
                yield file, node.lineno

    def assigned(
        self,
        wanted: Callable[[str], bool],
        wanted_value: Callable[[ast.expr], bool] = lambda value: True,
    ) -> Iterator[Line]:
        """Yield where a variable or an attribute of such a name is given such a value."""
        for file, node in self.walk():
            if isinstance(node, ast.Assign) and wanted_value(node.value):
                parts = (t.elts if isinstance(t, ast.Tuple) else [t] for t in node.targets)
                if any(wanted(last_name(part)) for some in parts for part in some):
                    yield file, node.lineno

    @cached_property
    def made(self) -> MadeModules:
        """Where the modules of the network are made."""
        return MadeModules(self.trees, self.variables.modules)

    @cached_property
    def origins(self) -> Origins:
        """Where the data comes from."""
        names = {name.rpartition(".")[2] for name in self.variables.modules}
        return Origins(self.trees, {file: notebook_cell(file) for file in self.trees}, names)

    @cached_property
    def ways(self) -> tuple[Way, Way] | None:
        """The ways of the inputs and of the targets, of training; None if no loss is known."""
        line = self.graph.loss.op.line if self.graph.loss else None
        return self.origins.of_loss(line, lambda name: not is_validation(name)) if line else None


Finder = Callable[[Lines, Cause], Iterator[Line]]
"""Yields lines of a cause, most telling first."""


def notebook_cell(file: str) -> tuple[str, int] | None:
    """Return the notebook and the number of a cell; None of any other file."""
    found = CELL.match(file)
    return (found.group(1), int(found.group(2))) if found else CELLS.get(file)


def read(line: Line) -> CodeLine | None:
    """Return a line with its text; None if there is no such line."""
    text = linecache.getline(*line).strip()
    if not text:
        return None
    file, cell = notebook_cell(line[0]) or (line[0], None)
    return CodeLine(file, cell, line[1], text)
