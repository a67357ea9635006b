"""Runs a program as ``python -m core watch`` does, and returns the object that it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.paths import ROOT


def watched(
    program: Path,
    arguments: tuple[str, ...] = (),
    seconds: float = 0.0,
    budget: float = 15.0,
    limit: float = 600.0,
    path: str = "",
) -> dict[str, Any]:
    """Run a program and return what is said of it.

    Args:
        program: a script or a notebook.
        arguments: its own.
        seconds: how long each of its trainings may take; 0 without a limit.
        budget: seconds for the experiments on each.
        limit: seconds after which it is stopped.
        path: a folder in which its modules are, besides its own.

    Raises:
        RuntimeError: nothing was said.
    """
    words = [sys.executable, "-m", "core", "watch", str(program), "--no-record", "--json"]
    words += ["--budget", str(budget), *(["--seconds", str(seconds)] if seconds else [])]
    known = os.environ.get("PYTHONPATH", "")
    process = subprocess.Popen(
        [*words, "--", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [path, known]))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, output = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.terminate()
        said, output = process.communicate()
    if not said:
        raise RuntimeError(f"nothing was said of {program}:\n{output[-500:]}")
    return {**json.loads(said), "output": output}
