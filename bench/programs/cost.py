"""What it costs to be watched: the time of a loop, against the same program without Glassbox."""

import ast
import subprocess
import sys
from pathlib import Path
from statistics import median

from bench.programs.own import OwnProgram, programs
from bench.programs.watching import watched
from bench.rows import sized
from core.programs.find_loops import LoopFinder

LOOPS = {
    "makemore": ("range(4000)", "range(14000)"),
    "bigram": ("range(200)", "range(400)"),
    "mnist_args": ("default=6)", "default=9)"),
    "trainer_class": (".fit(8)", ".fit(30)"),
    "modules": ("range(10)", "range(40)"),
    "moons": ("range(1000)", "range(5000)"),
    "houses": ("range(30)", "range(110)"),
    "char_gru": ("range(400)", "range(400)"),
    "autoencoder": ("range(6)", "range(40)"),
    "gpt": ("= 400, 100, 5, 2e-3", "= 400, 100, 5, 2e-3"),
}
"""Programs of ``planted``, and what makes their loops some four seconds long."""
CLOCK = """
import atexit, builtins
builtins._starts = []
atexit.register(lambda: print("seconds", _starts[0], _starts[len(_starts) // 2], _starts[-1]))
"""
NOTE = "_starts.append(__import__('time').process_time())"
"""Of the processor: others on the machine take none of it."""


def median_ratios() -> tuple[float, float]:
    """Return the times of a watched loop over a bare one's: of all steps, and of the second half.

    The first steps are observed densely, for up to 0.3 seconds: what that is in a longer loop, the
    second half says.
    """
    healthy = {program.name: program for program in programs() if not program.causes}
    found = []
    for name in sized(tuple(LOOPS), ("moons",)):
        program = _timed(healthy[name], *LOOPS[name])
        with program.written() as path:
            bare = _seconds(_output(path))
            seen = _seconds(watched(path, budget=0.1)["output"])
        found.append([mine / other for mine, other in zip(seen, bare, strict=True)])
        ratios = " ".join(f"{ratio:.3f}" for ratio in found[-1])
        print(f"{name:14} {ratios}  of {bare[0]:.1f} s", file=sys.stderr, flush=True)
    whole, second = zip(*found, strict=True)
    return median(whole), median(second)


def _timed(program: OwnProgram, short: str, long: str) -> OwnProgram:
    """Return a script that notes when each of its steps begins, and says at its end how long."""
    texts = {name: text.replace("# %%\n", "") for name, text in program.files.items()}
    first = next(iter(texts))
    texts[first] = texts[first].replace(short, sized(long, short))
    trees = {name: ast.parse(text) for name, text in texts.items()}
    finder = LoopFinder(trees.values())
    for loop in finder.found.steps:
        assert isinstance(loop, ast.For | ast.While)
        loop.body.insert(0, ast.parse(NOTE).body[0])
    trees[first].body[:0] = ast.parse(CLOCK).body
    files = {name: ast.unparse(ast.fix_missing_locations(tree)) for name, tree in trees.items()}
    files[f"{program.name}.py"] = files.pop(first)
    return OwnProgram(program.name, (), dict(reversed(files.items())), frozenset())


def _output(path: Path) -> str:
    done = subprocess.run(
        [sys.executable, path.name], cwd=path.parent, capture_output=True, text=True, check=True
    )
    return done.stdout


def _seconds(output: str) -> tuple[float, float]:
    """Return what the program said at its end: of all steps, and of the second half."""
    first, middle, last = map(float, output.rsplit("seconds", 1)[1].split()[:3])
    return last - first, last - middle
