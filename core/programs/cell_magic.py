"""``%%watch`` in Jupyter: a cell is run where it stands, and its trainings are watched."""

import argparse
import ast
import inspect
import linecache
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType, FunctionType
from typing import Any

from ..arguments import Parser, positive
from ..doctor.lines.program_lines import CELLS
from ..doctor.watch_loop import WatchedLoop
from ..errors import UserError
from .find_loops import LoopFinder
from .instrument import MONITOR, CodePlace, Instrumenter
from .monitor import Monitor, Training
from .place_words import examined_words, loop_words
from .run_program import DISPLAY, is_quiet, show_last_value

MOST = 8
"""Trainings that are kept, to be compared with how they are used in later cells."""
NOTEBOOK = "notebook"
NOTHING = (
    "No loop was seen that trains: none that was run in this cell, or in a function of another"
    " cell, has a backward pass on a tensor; and no network of a watched cell was seen in use."
)


class CellWatcher:
    """Runs cells in the namespace of a shell, and watches their trainings.

    Args:
        shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._places: list[CodePlace] = []
        self._options = _options("")
        self._monitor = Monitor(self._places, self._watched, float("inf"), self._say_examined)
        self._monitor.on = False
        self._said: dict[Training, Any] = {}
        """What was shown of a training while it was examined, to be shown anew."""

    def watch(self, line: str, cell: str) -> None:
        """Run a cell and show what the doctor says of its trainings; an error is the cell's own."""
        __tracebackhide__ = True
        try:
            self._options = _options(line)
        except UserError as error:
            raise sys.modules["IPython.core.error"].UsageError(str(error)) from None
        name, tree = self._read(cell)
        earlier = {file: ast.parse("".join(linecache.getlines(file))) for file in self._cells()}
        finder = LoopFinder([tree, *(earlier[file] for file in earlier if file != name)])
        code = self._compiled(finder, tree, name)
        space, monitor = self._shell.user_ns, self._monitor
        space[MONITOR], space[DISPLAY] = monitor, sys.displayhook
        before = {training: (training.uses, training.validations) for training in self._trainings}
        monitor.seconds, monitor.on = self._options.seconds or float("inf"), True
        codes = [self._compiled(finder, earlier[file], file) for file in earlier if file != name]
        try:
            with _replaced(_functions(space), codes):
                exec(code, space)  # noqa: S102, what its owner asked to run
        finally:
            monitor.finish()
            monitor.on = False
            self._show([t for t in self._trainings if (t.uses, t.validations) != before.get(t)])
            self._forget()

    @property
    def _trainings(self) -> list[Training]:
        return self._monitor.trainings

    def _watched(self) -> WatchedLoop:
        record = False if self._options.no_record else None
        return WatchedLoop(name=NOTEBOOK, record=record, budget=self._options.budget, unedited=True)

    def _read(self, cell: str) -> tuple[str, ast.Module]:
        """Return what a traceback calls the cell, and its tree, with the lines that it has."""
        lines = cell.split("\n")
        blank = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
        # The line of %%watch itself, and those that IPython leaves out.
        source = "\n" * (1 + blank) + self._shell.transform_cell(cell)
        number = self._number()
        name = str(self._shell.compile.cache(source, number, source))
        CELLS[name] = (NOTEBOOK, number)
        return name, ast.parse(source, name)

    def _number(self) -> int:
        """Return the number of the cell that is run, as it stands before the cell."""
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if number := self._numbers.get(frame.f_code.co_filename):
                return number
            frame = frame.f_back
        return int(self._shell.execution_count)

    @property
    def _numbers(self) -> Mapping[str, int]:
        """The numbers of cells, by what tracebacks call them."""
        return getattr(self._shell.compile, "_filename_map", {})

    def _cells(self) -> list[str]:
        """Return what tracebacks call the cells in which functions were defined."""
        CELLS.update({file: (NOTEBOOK, number) for file, number in self._numbers.items()})
        files = {function.__code__.co_filename for function in _functions(self._shell.user_ns)}
        return [file for file in CELLS if file in files and linecache.getlines(file)]

    def _compiled(self, finder: LoopFinder, tree: ast.Module, name: str) -> CodeType:
        Instrumenter(finder, self._places, name, CELLS[name][1]).instrument(tree)
        if not is_quiet(name):
            show_last_value(tree)
        code: CodeType = compile(tree, name, "exec", self._shell.compile.flags, dont_inherit=True)
        return code

    # What is shown.

    def _say_examined(self) -> None:
        for training in self._trainings:
            if training.examined_for is not None and training not in self._said:
                words = examined_words(loop_words(training.located()), training.examined_for)
                self._said[training] = self._display({"text/plain": words}, raw=True)

    def _show(self, trainings: list[Training]) -> None:
        for training in trainings:
            shown = _Shown(training)
            if said := self._said.pop(training, None):
                said.update(shown)
            else:
                self._display(shown)
        if not trainings:
            self._display({"text/plain": NOTHING}, raw=True)

    def _display(self, value: Any, **options: Any) -> Any:
        """Show a value; return what shows another one in its place, if that can be."""
        in_kernel = hasattr(self._shell, "kernel") or None
        display = sys.modules["IPython.display"].display
        return display(value, display_id=in_kernel, **options)

    def _forget(self) -> None:
        """Forget trainings of cells that were run again, and old ones."""
        newest = {_source(training): training for training in self._trainings}
        self._trainings[:] = list(newest.values())[-MOST:]


class _Shown:
    """What the doctor says of a training, as a notebook shows it."""

    def __init__(self, training: Training) -> None:
        self._loop, self._place = training.loop, _place(training)

    def __repr__(self) -> str:
        return f"{self._place}: {self._loop.diagnosis.text()}"

    def _repr_html_(self) -> str:
        verdict = self._loop.diagnosis.headline
        return self._loop.html(f"{self._place}: {verdict}")


def _options(line: str) -> argparse.Namespace:
    parser = Parser(prog="%%watch", add_help=False)
    parser.add_argument("--seconds", type=positive, default=0.0)
    parser.add_argument("--budget", type=positive, default=15.0)
    parser.add_argument("--no-record", action="store_true")
    try:
        return parser.parse_args(shlex.split(line))
    except (UserError, ValueError) as error:
        raise UserError(
            f"{str(error).partition(';')[0]}; %%watch takes --seconds S, which ends each training"
            " after that, --budget S for its experiments, and --no-record."
        ) from None


def _place(training: Training) -> str:
    words = loop_words(training.located())
    return f"{words[0].upper()}{words[1:]}"


def _source(training: Training) -> tuple[int, str]:
    """Return what stays the same when a cell is run again."""
    return training.place.line, "".join(linecache.getlines(training.place.file))


# Functions that earlier cells have defined.


def _functions(space: Mapping[str, Any]) -> Iterator[FunctionType]:
    """Yield the functions and methods in a namespace."""
    for value in list(space.values()):
        if isinstance(value, type) and value.__module__ == "__main__":
            yield from _functions(vars(value))
            continue
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        if isinstance(value, FunctionType):
            value = inspect.unwrap(value)
        if isinstance(value, FunctionType):
            yield value


@contextmanager
def _replaced(functions: Iterator[FunctionType], codes: list[CodeType]) -> Iterator[None]:
    """Let functions run other code: the same, with the calls of the monitor in it."""
    watched = {_key(code): code for whole in codes for code in _inner(whole)}
    replaced: list[tuple[FunctionType, CodeType]] = []
    for function in functions:
        old = function.__code__
        new = watched.get(_key(old))
        if new is not None and new.co_freevars == old.co_freevars:
            function.__code__ = new
            replaced.append((function, old))
    try:
        yield
    finally:
        for function, old in replaced:
            function.__code__ = old


def _inner(code: CodeType) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield part
            yield from _inner(part)


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def register(shell: Any) -> None:
    """Give a shell the magic ``%%watch``."""
    shell.register_magic_function(CellWatcher(shell).watch, "cell", "watch")
