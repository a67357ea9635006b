"""The data of lesson 3."""

import pytest

from core import playgrounds


@pytest.fixture(scope="session")
def names():
    """The bundled names."""
    return playgrounds.get("names").load(None)
