"""What the documentation of the doctor says is what the code does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.doctor import causes_table

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(import.*?)```", PAGE, re.DOTALL)
SAYS = re.findall(r"It says `(\w+)`", PAGE)


def test_the_table_of_causes_is_the_codes():
    """Whoever adds a rule prints the table anew."""
    assert causes_table() in PAGE


@pytest.mark.parametrize(("example", "cause"), list(zip(EXAMPLES, SAYS, strict=True)), ids=SAYS)
def test_an_example_says_what_the_page_says(example, cause, tmp_path):
    """It runs as it stands, and the doctor names that cause first."""
    script = tmp_path / "example.py"
    quiet = example.replace("watch()", "watch(quiet=True, record=False)")
    script.write_text(quiet + "print(seen.diagnosis.causes[0].id)\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == cause
