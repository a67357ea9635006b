"""A window with this page alone."""

import pytest


@pytest.fixture
def pages():
    """The page that is tested."""
    return ("names",)
