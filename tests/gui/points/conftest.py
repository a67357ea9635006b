"""A window with this page alone, and where its drawings are kept."""

import pytest

from gui.points import page as page_module
from tests.gui.conftest import Program


@pytest.fixture
def pages():
    """The page that is tested."""
    return ("points",)


@pytest.fixture
def drawings(tmp_path, monkeypatch):
    """A folder of this test's own for what is drawn."""
    monkeypatch.setattr(page_module, "DRAWINGS", tmp_path / "points")
    return tmp_path / "points"


@pytest.fixture
def points(qtbot, drawings, window):
    """The program at its points."""
    made = Program(qtbot, window, "points")
    made.ready()
    return made
