"""A window with playgrounds, and room for a live part."""

import pytest

from tests.gui.lessons.parts.hands import opened


@pytest.fixture
def shelf(qtbot, qapp, runs):
    """Playgrounds that have no network yet, and room for a part."""
    yield from opened(qtbot, "digits", "names", "text")
