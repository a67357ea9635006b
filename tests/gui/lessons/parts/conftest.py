"""A window with playgrounds, and room for a live part."""

import pytest

from tests.gui.lessons.parts.hands import opened


@pytest.fixture
def shelf(qtbot, qapp, runs, monkeypatch, tmp_path):
    """Playgrounds that have no network yet, and room for a part."""
    monkeypatch.setattr("gui.session.CHECKPOINTS", tmp_path)
    yield from opened(qtbot, "digits", "names", "text")
