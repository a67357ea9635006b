"""How long it takes from the choice of a file to its first curve in the window."""

import sys
import time
from statistics import median
from typing import Any

import torch  # noqa: F401, the window has it loaded, and the program's process has not

from bench.program import pump
from bench.programs.own import programs
from bench.rows import sized
from gui import app


def seconds() -> float:
    """Return the median over several runs of a program in the window, with torch loaded there."""
    program = next(one for one in programs() if one.name == "makemore" and not one.causes)
    _, window = app.build(["--fresh", "--theme", "light", "--page", "doctor"])
    page: Any = window.page
    page.tabs.setCurrentWidget(page.program)
    panel, controller = page.program, page.programs
    taken = []
    for _ in range(sized(5, 1)):
        with program.written() as path:
            begin = time.perf_counter()
            controller.open(path)
            controller.agree(path)
            panel.run.click()
            pump(lambda: any(len(history.loss.x) > 1 for history in panel._histories))
            window.grab()
            taken.append(time.perf_counter() - begin)
            panel.stop.click()
            pump(lambda: not controller.running.runs)
        print(f"first picture after {taken[-1]:.2f} s", file=sys.stderr, flush=True)
    window.close()
    return median(taken)
