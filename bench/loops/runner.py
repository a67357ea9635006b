"""Runs one loop, writes down what the doctor said: ``python -m bench.loops.runner LOOP OUT``.

A process of its own for every loop; what the loop raises is part of the answer, not the end of it.
"""

import json
import sys
import time
import types
from pathlib import Path
from typing import Any

DEEPEST = 30


def seen_of(names: dict[str, Any], error: BaseException | None) -> Any:
    """Return what the loop called ``seen``: in its module, or in the function where it ended."""
    found = names.get("seen")
    trace = error.__traceback__ if error else None
    for _ in range(DEEPEST):
        if found is not None or trace is None:
            break
        found = trace.tb_frame.f_locals.get("seen")
        trace = trace.tb_next
    return found


def run(loop: Path) -> dict[str, Any]:
    """Run a loop as a script is run; return the diagnosis, and how it ended."""
    module = types.ModuleType("__main__")
    module.__file__ = str(loop)
    sys.modules["__main__"] = module
    error, begin = None, time.perf_counter()
    try:
        exec(compile(loop.read_text(), str(loop), "exec"), module.__dict__)
    except Exception as raised:  # whatever a stranger's loop raises
        error = raised
    answer: dict[str, Any] = {"seconds": time.perf_counter() - begin}
    if error:
        answer["raised"] = f"{type(error).__name__}: {str(error)[:200]}"
    try:
        answer["diagnosis"] = seen_of(module.__dict__, error).diagnosis.to_dict()
    except Exception as raised:
        answer["failed"] = f"no diagnosis: {type(raised).__name__}: {str(raised)[:200]}"
    return answer


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(run(Path(sys.argv[1]))))
