"""Figures that a program shows are kept, and no window waits."""

import json
from pathlib import Path

import pytest
from PIL import Image

from core.cli import main
from core.errors import UserError
from core.programs.launch import ProgramRun
from tests.core.programs.plots import stand_in
from tests.core.programs.test_program import notebook

SCRIPT = """
import matplotlib.pyplot as plt
plt.switch_backend("TkAgg")
plt.figure()
plt.show(block=False)
plt.figure(2, (100, 10))
plt.show()
plt.figure()
plt.show(block=False)
"""


def sizes(kept):
    """Width and height of figures that were kept."""
    found = []
    for one in kept:
        with Image.open(one["file"]) as image:
            found.append(image.size)
    return found


@pytest.fixture(autouse=True)
def plots(tmp_path, monkeypatch):
    """Programs can plot."""
    stand_in(tmp_path, monkeypatch)


def test_a_notebook_keeps_what_it_shows_and_what_is_open_behind_a_cell(tmp_path, capfd):
    """With cell and line; also a value that is one."""
    path = notebook(
        tmp_path,
        "import matplotlib.pyplot as plt",
        "plt.figure()\nplt.show()\nplt.figure()\nx = 1",
        "plt.figure()",
    )
    folder = tmp_path / "new" / "figures"
    status = main(["watch", str(path), "--json", "--no-record", "--figures", str(folder)])
    said = capfd.readouterr()
    kept = json.loads(said.out)["figures"]
    assert status == 0 and all(set(one) == {"cell", "line", "file"} for one in kept)
    assert [(one["cell"], one["line"]) for one in kept] == [(3, 2), (3, 4), (4, 1), (4, 1)]
    assert [Path(one["file"]).name for one in kept] == [f"figure-{n}.png" for n in (1, 2, 3, 4)]
    assert sizes(kept) == [(640, 480)] * 4


def test_what_a_cell_shows_is_text(tmp_path):
    """Whatever else it could show; of a line with a semicolon nothing."""
    shows = "class H:\n    def __repr__(self):\n        return '<script>'\n"
    shows += "    def _repr_html_(self):\n        return '<b>'\nH()"
    with (tmp_path / "out").open("w") as output:
        run = ProgramRun(notebook(tmp_path, shows, "6 * 7;  # quiet"), output=output, record=False)
        with run:
            run.wait()
    assert (tmp_path / "out").read_text() == "<script>\n"


def test_a_script_shows_without_waiting(tmp_path):
    """In any backend; what it goes on drawing is kept once; a large one is kept small."""
    path = tmp_path / "a.py"
    path.write_text(SCRIPT)
    with ProgramRun(path, record=False, figures=tmp_path / "kept") as run:
        run.wait()
        answer = run.answer()
    assert answer["error"] is None
    assert [one["line"] for one in answer["figures"]] == [7, 7, 9]
    assert sizes(answer["figures"]) == [(640, 480), (1600, 160), (640, 480)]
    with ProgramRun(path, record=False) as run:
        run.wait()
        answer = run.answer()
    assert answer["error"] is None and "figures" not in answer


def test_a_folder_that_can_not_be_made_is_said(tmp_path):
    """Before anything is run."""
    (tmp_path / "a.py").write_text("1 / 0")
    with pytest.raises(UserError, match="can't be made"):
        ProgramRun(tmp_path / "a.py", figures=tmp_path / "a.py" / "figures")
