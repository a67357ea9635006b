"""Runs a program in this process, as Python would, and watches it; :mod:`.launch` starts it.

What it leaves is a report, written whole again and again while it runs.
"""

import ast
import builtins
import contextlib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import linecache
import os
import random
import signal
import sys
import sysconfig
import threading
import traceback
import types
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..doctor.watch.safe_log import RECORDED
from .figures import Figures, is_figure
from .find_loops import LoopFinder
from .instrument import MONITOR, CodePlace, Instrumenter
from .monitor import Monitor
from .program import Program, ProgramCell, read_program

if TYPE_CHECKING:
    from ..doctor.watch_loop import WatchedLoop

MAX_MODULES = 200
DEPTH = 20_000
"""Frames of a walk over a syntax tree; Python compiles some thousand levels."""
OURS = (str(Path(__file__).parent), str(Path(__file__).parents[1] / "doctor"))
DISPLAY = f"{MONITOR}display"
"""What shows a cell's last value, whatever the program calls ``display``."""
NOBODY = "input() has nobody to answer it while a program is watched; give the value in the code"


@dataclass(frozen=True)
class Order:
    """What is to be run.

    Attributes:
        program: the path of the script or notebook.
        arguments: its own.
        report: where the report goes.
        parent_pipe: a pipe's descriptor; whoever ordered this is gone when it is closed.
        record: whether trainings leave records in the folder of runs.
        seconds: how long each training may take; 0 without a limit.
        budget: seconds for the experiments on each.
        copy: a changed copy of the program, which is run in its place; "" for itself.
        seed: of all random numbers that the program does not seed itself; None for none.
        figures: the folder in which figures are kept; "" for nowhere.
    """

    program: str
    arguments: tuple[str, ...]
    report: str
    parent_pipe: int
    record: bool = True
    seconds: float = 0.0
    budget: float = 15.0
    copy: str = ""
    seed: int | None = None
    figures: str = ""


class Runner:
    """Runs the cells of a program.

    Args:
        program: what is run.
        order: how.
    """

    def __init__(self, program: Program, order: Order) -> None:
        self._program = program
        self._order = order
        self._folder = program.path.parent
        self._process = os.getpid()
        self._status = 0
        self._error: str | None = None
        self._running: ProgramCell | None = None
        self._failed: list[dict[str, Any]] = []
        local = _local_modules(program, self._folder)
        self._own_files = {*local, *(cell.name for cell in program.cells)}
        trees = [cell.tree for cell in program.cells if cell.tree]
        with _deep():
            self._finder = LoopFinder([*trees, *local.values()])
        self._places: list[CodePlace] = []
        self.monitor = Monitor(
            self._places, self._watched, order.seconds or float("inf"), self._report
        )
        sys.meta_path.insert(0, _Importer(self, local))
        folder = Path(order.figures) if order.figures else None
        self.figures = Figures(folder, self._place, self._report)
        self._report()

    def compiled(
        self, tree: ast.Module, name: str, file: str, cell: int | None = None
    ) -> types.CodeType:
        """Return a tree's code with the calls of the monitor in it."""
        with _deep():
            Instrumenter(self._finder, self._places, file, cell).instrument(tree)
            if cell is not None and not is_quiet(name):
                show_last_value(tree)
            return compile(tree, name, "exec", dont_inherit=True)

    def _watched(self) -> "WatchedLoop":
        with _importing():
            from ..doctor.watch.program_frames import OWN_FILES
            from ..doctor.watch_loop import WatchedLoop

        OWN_FILES.update(self._own_files)
        record = None if self._order.record else False
        name = self._program.path.stem
        return WatchedLoop(name=name, record=record, budget=self._order.budget, unedited=True)

    def run(self) -> int:
        """Run the program; return its exit status."""
        main = types.ModuleType("__main__")
        main.__dict__.update(__file__=str(self._program.path), __builtins__=builtins)
        main.__dict__[MONITOR] = self.monitor
        sys.modules["__main__"] = main
        sys.argv = [str(self._program.path), *self._order.arguments]
        sys.path.insert(0, str(self._folder))
        builtins.input = _refuse_input
        # Of processes that it starts, plots go nowhere instead of into windows that wait.
        os.environ.setdefault("MPLBACKEND", "agg")
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        if self._program.is_notebook:
            main.__dict__.update({"display": self._display, DISPLAY: self._display})
        if self._order.seed is not None:
            _seed(self._order.seed)
        try:
            for cell in self._program.cells:
                goes_on = self._run_cell(cell, main.__dict__)
                if cell.number is not None:
                    self.figures.keep_open()
                if not goes_on:
                    break
            self.figures.finish()
        finally:
            self.monitor.finish()
            self._report()
        return self._status

    def _run_cell(self, cell: ProgramCell, namespace: dict[str, Any]) -> bool:
        """Run a cell; return whether the ones behind it are run, too."""
        self._running = cell
        lines = io.StringIO(cell.source).readlines()
        if cell.number is not None or self._order.copy:
            linecache.cache[cell.name] = (len(cell.source), None, lines, cell.name)
        try:
            if cell.tree is None:
                assert cell.error is not None
                raise cell.error
            code = self.compiled(cell.tree, cell.name, str(self._program.path), cell.number)
            exec(code, namespace)  # noqa: S102, what its owner asked to run
        except SystemExit as end:
            self._status = _status_of(end)
            return False
        except KeyboardInterrupt:
            self._status = 130
            return False
        except BaseException as error:
            self._tell(cell, error)
            return cell.number is not None
        return True

    def _tell(self, cell: ProgramCell, error: BaseException) -> None:
        """Show an error of the program as Python shows it, without what is ours."""
        trace = _without_ours(error.__traceback__) if cell.tree else None
        self._status = 1
        frames = traceback.extract_tb(trace)
        line = next((f.lineno for f in reversed(frames) if f.filename == cell.name), None)
        words = traceback.format_exception_only(error)
        said = words[0]
        if isinstance(error, SyntaxError):
            said = words[-1]  # behind the line of the source
            line = error.lineno if error.filename in (None, cell.name) else line
        said = said.strip().splitlines()[0]
        self._error = self._error or said
        self._failed.append({"cell": cell.number, "line": line, "error": said})
        sys.stdout.flush()
        if sys.excepthook is sys.__excepthook__:  # which knows no lines of cells
            traceback.print_exception(error.with_traceback(trace))
        else:
            sys.excepthook(type(error), error.with_traceback(trace), trace)

    def _place(self) -> tuple[int | None, int | None]:
        """Return the cell and the line of it that are run; behind a cell, its last statement."""
        cell, frame = self._running, sys._getframe()
        assert cell is not None
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_filename == cell.name:
                return cell.number, frame.f_lineno
        body = cell.tree.body if cell.tree else []
        return cell.number, body[-1].lineno if body else None

    def _display(self, *values: Any, **_: Any) -> None:
        """Print values as plain text, whatever else they could show; keep figures."""
        for value in values:
            if value is not None:
                print(repr(value))  # noqa: T201, what it is for
            if is_figure(value):
                self.figures.keep(value)

    def _report(self) -> None:
        if os.getpid() != self._process:
            return  # of a process that the program forked
        # Neither torch nor numpy is loaded for this: the program may set first how they begin.
        content = json.dumps(
            {
                "exit_status": self._status,
                "error": self._error,
                "failed": self._failed,
                "loops": [training.to_dict() for training in self.monitor.trainings],
                "seen": [training.seen() for training in self.monitor.trainings],
                "cell": self._running.number if self._running else None,
                "figures": self.figures.kept,
            }
        )
        report = Path(self._order.report)
        draft = report.with_suffix(".draft")
        with contextlib.suppress(OSError):  # a full disk must not end another's script
            draft.write_text(content)
            draft.replace(report)


class _Importer(importlib.abc.MetaPathFinder):
    """Imports the program's own modules with the calls of the monitor in them."""

    def __init__(self, runner: Runner, trees: dict[str, ast.Module]) -> None:
        self._runner = runner
        self._trees = trees
        self._codes: dict[str, types.CodeType] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin not in self._trees:
            return None
        path = spec.origin
        if path not in self._codes:  # a module that is reloaded has its calls already
            self._codes[path] = self._runner.compiled(self._trees[path], path, path)
        spec.loader = _Loader(name, path, self._codes[path], self._runner.monitor)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads one of the program's own modules."""

    def __init__(self, name: str, path: str, code: types.CodeType, monitor: Monitor) -> None:
        super().__init__(name, path)
        self._code, self._monitor = code, monitor

    def exec_module(self, module: types.ModuleType) -> None:
        """Run it; the monitor is a variable of it, since torch.compile knows all builtins."""
        module.__dict__[MONITOR] = self._monitor
        super().exec_module(module)

    def get_code(self, fullname: str) -> types.CodeType:
        """Return the code with the calls in it; nothing of it is cached."""
        return self._code


def _local_modules(program: Program, folder: Path) -> dict[str, ast.Module]:
    """Return the modules of the person's own that a program imports, by their paths."""
    found: dict[str, ast.Module] = {}
    folders = [folder, *_own_folders()]
    todo = [(cell.tree, folder) for cell in program.cells if cell.tree]
    while todo and len(found) < MAX_MODULES:
        tree, place = todo.pop()
        for path in _imported(tree, folders, place):
            if str(path) in found or path == program.path:
                continue
            try:
                found[str(path)] = ast.parse(path.read_bytes(), str(path))
            except (OSError, SyntaxError, ValueError, RecursionError):
                continue  # Python says so when it comes there
            todo.append((found[str(path)], path.parent))
    return found


def _own_folders() -> list[Path]:
    """Return the folders on Python's path in which nothing is installed: of one's own packages."""
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    folders = [Path(entry) for entry in sys.path if entry not in standard]
    return [
        folder
        for folder in folders
        if folder.is_dir()
        and folder.name not in ("site-packages", "dist-packages", "lib-dynload")
        and not any(folder.glob("*.dist-info"))
    ]


def _imported(tree: ast.Module, folders: Sequence[Path], place: Path) -> list[Path]:
    """Return the files in some folders that a tree imports."""
    names: list[tuple[Path, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [(folder, alias.name) for folder in folders for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = [place, *place.parents][node.level - 1 : node.level] if node.level else folders
            module = node.module or ""
            inner = [f"{module}.{alias.name}".strip(".") for alias in node.names]
            names += [(base, name) for base in above for name in (module, *inner) if name]
    files = []
    for base, name in names:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):  # a module's packages are imported with it
            stem = base.joinpath(*parts[:end])
            files += [stem.with_name(f"{stem.name}.py"), stem / "__init__.py"]
    return [path for path in files if path.is_file()]


@contextlib.contextmanager
def _deep() -> Iterator[None]:
    """Walk over trees that are nested as deeply as Python compiles them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    """Import what stays without making Python look through all there is once more.

    It does so when a quarter has come, which takes some 0.2 s of the loop's time, and what is
    imported is most of that. Nothing is kept: what is garbage by now is found the next time.
    """
    collects, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        if not frozen:  # as the program itself may have done
            gc.freeze()
            gc.unfreeze()


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback as it is where nothing watches: also within a step that is recorded."""
    kept = list[types.TracebackType]()
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == RECORDED:
            # A function of torch in Python has handed itself on to the recorder, and comes again.
            if kept and kept[-1].tb_frame.f_code.co_name == "handle_torch_function":
                del kept[-2:]
        elif not code.co_filename.startswith(OURS):
            kept.append(trace)
        trace = trace.tb_next
    for one, behind in zip_longest(kept, kept[1:]):
        one.tb_next = behind
    return kept[0] if kept else None


def show_last_value(tree: ast.Module) -> None:
    """Let a cell print the value of its last line, as a notebook shows it."""
    last = tree.body[-1] if tree.body else None
    while isinstance(last, ast.With) and _is_ours(last):
        body, last = last.body, last.body[-1]
        if isinstance(last, ast.Expr):
            body[-1] = _displayed(last)
            return
    if isinstance(last, ast.Expr):
        tree.body[-1] = _displayed(last)


def is_quiet(name: str) -> bool:
    """Whether a cell ends with a semicolon: its value is not shown then."""
    lines = [line.partition("#")[0].strip() for line in linecache.getlines(name)]
    return "".join(lines).endswith(";")


def _is_ours(node: ast.With) -> bool:
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and MONITOR in ast.dump(call.func)


def _displayed(line: ast.Expr) -> ast.Expr:
    call = ast.Call(ast.Name(DISPLAY, ast.Load()), [line.value], [])
    return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), line))


def _refuse_input(prompt: object = "", /) -> NoReturn:
    raise EOFError(NOBODY)


def _status_of(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)  # noqa: T201, as Python does
    return 1


def _end_with(parent_pipe: int) -> None:
    """Wait until whoever ordered this is gone, and then end all that was started here."""
    with contextlib.suppress(OSError):
        os.read(parent_pipe, 1)
    os.killpg(0, signal.SIGKILL)


def _seed(seed: int) -> None:
    """Seed what a program draws from, unless it does so itself."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def main() -> None:
    """Run what the command line says."""
    # By it the program is stopped, also where this one was begun behind a shell's & without it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    order = json.loads(sys.argv[1])
    order["arguments"] = tuple(order["arguments"])
    threading.Thread(target=_end_with, args=(order["parent_pipe"],), daemon=True).start()
    copy = Path(order["copy"]) if order["copy"] else None
    runner = Runner(read_program(Path(order["program"]), copy), Order(**order))
    status = runner.run()
    sys.exit(status)
