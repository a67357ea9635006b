"""Keeps the figures that a program shows, instead of opening windows that wait.

matplotlib is the program's own: nothing of it is imported before the program imports it.
"""

import importlib.abc
import importlib.machinery
import os
import stat
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..doctor.watch.safe_log import SafeLog

PYPLOT = "matplotlib.pyplot"
MOST = 200
"""Figures that are kept of a run."""
LONGEST = 1600
"""Pixels of the longer side of a figure."""

_log = SafeLog()


class Figures:
    """Keeps figures as PNG files.

    Args:
        folder: where they go; None for nowhere.
        place: returns the cell and the line of the program that are run.
        report: told when figures were kept.

    Attributes:
        kept: of each the cell, the line and the file; and where the output was then, in bytes, or
            None where it goes into no file.
    """

    def __init__(
        self,
        folder: Path | None,
        place: Callable[[], tuple[int | None, int | None]],
        report: Callable[[], None],
    ) -> None:
        self.kept: list[dict[str, Any]] = []
        self._folder = folder
        self._place = place
        self._report = report
        self._later = False
        sys.meta_path.insert(0, _PyplotFinder(self._take_over))

    def _take_over(self, pyplot: types.ModuleType) -> None:
        """Let figures be drawn into memory, whatever backend the program asks for."""
        pyplot.switch_backend("agg")
        vars(pyplot).update(switch_backend=lambda newbackend: None, show=self.show)

    def show(self, *_: Any, block: bool | None = None, **__: Any) -> None:
        """Stand in for ``pyplot.show``: keep what is open; whoever would wait has closed it."""
        if block is False:
            self._later = True  # it goes on being drawn
        else:
            self.keep_open()

    def finish(self) -> None:
        """Keep what a program still shows at its end."""
        if self._later:
            self.keep_open()

    def keep_open(self) -> None:
        """Keep all figures that are open, and close them."""
        pyplot = sys.modules.get(PYPLOT)
        if pyplot is None:
            return
        try:
            for number in pyplot.get_fignums():
                self.keep(pyplot.figure(number))
            pyplot.close("all")
        except Exception:
            _log.exception("figures were not kept")

    def keep(self, figure: Any) -> None:
        """Keep a figure."""
        if self._folder is None or len(self.kept) >= MOST:
            return
        try:
            file = _free(self._folder, len(self.kept))
            dpi = min(figure.dpi, LONGEST / max(figure.get_size_inches()))
            figure.savefig(file, format="png", dpi=dpi, bbox_inches="tight")
        except Exception:
            _log.exception("a figure was not kept")
            return
        cell, line = self._place()
        self.kept.append({"cell": cell, "line": line, "file": str(file), "at": _written()})
        self._report()


class _PyplotFinder(importlib.abc.MetaPathFinder):
    """Tells when pyplot was imported."""

    def __init__(self, imported: Callable[[types.ModuleType], None]) -> None:
        self._imported = imported

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != PYPLOT:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            execute(module)
            self._imported(module)

        vars(spec.loader)["exec_module"] = exec_module
        return spec


def is_figure(value: object) -> bool:
    """Whether a value is one of matplotlib's figures."""
    figure = sys.modules.get("matplotlib.figure")
    return figure is not None and isinstance(value, figure.Figure)


def _free(folder: Path, number: int) -> Path:
    """Return a path at which there is nothing yet."""
    while True:
        number += 1
        path = folder / f"figure-{number}.png"
        if not path.exists():
            return path


def _written() -> int | None:
    """Return how many bytes of output there are, if it goes into a file."""
    try:
        sys.stdout.flush()
        seen = os.fstat(1)
    except (OSError, ValueError, AttributeError):  # the program closed or replaced it
        return None
    return seen.st_size if stat.S_ISREG(seen.st_mode) else None
