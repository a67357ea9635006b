"""Programs that are watched to look for the lines of a cause in them."""

import re
from collections.abc import Callable

import pytest

from core.doctor.diagnosis import Cause
from core.doctor.lines import program_lines
from core.doctor.lines.finders import lines_of
from core.doctor.lines.program_lines import Lines
from core.doctor.watch_loop import watch

HERE = "  # here"
IMPORTS = (
    "import numpy as np\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
)
FirstLine = Callable[..., tuple[str, str]]


@pytest.fixture
def first_line(tmp_path, monkeypatch) -> FirstLine:
    """Return a function that runs a program, and returns where a cause lies and where it should."""

    def found(source: str, cause: str, where: str = "", evidence: str = "") -> tuple[str, str]:
        script = tmp_path / "script.py"
        watched = re.sub(r"^for ", "seen.__enter__()\nfor ", source, count=1, flags=re.MULTILINE)
        script.write_text(f"{IMPORTS}{watched}\nseen.__exit__(None, None, None)\n")
        monkeypatch.setattr(program_lines, "OWN_FILES", {str(script)})
        seen = watch(quiet=True, record=False, budget=0.0)
        exec(compile(script.read_text(), str(script), "exec"), {"seen": seen})
        known = seen._loop.watcher
        lines = Lines(known.graph, known.variables, known.use_lines, nan=known.nan_line)
        found = lines_of(lines, Cause(cause, "", where, evidence, "", 0.9))
        texts = script.read_text().splitlines()
        (wanted,) = (text.strip() for text in texts if text.endswith(HERE))
        return found[0].text if found else "", wanted

    return found
