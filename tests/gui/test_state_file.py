"""The file of what is remembered: whole, versioned, and never a reason not to start."""

import json

import pytest

from core.errors import UserError
from gui.state_file import VERSION, read_state, value_of, write_state


def test_values_come_back_as_they_were(tmp_path):
    """Written and read; where nothing was written, nothing is remembered and nothing is wrong."""
    file = tmp_path / "kept" / "settings.json"
    assert read_state(file) == ({}, "")
    write_state(file, {"page": "names", "pages": {"names": {"tab": 2}}})
    values, problem = read_state(file)
    assert values["page"] == "names" and values["pages"] == {"names": {"tab": 2}} and not problem
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"program": "glassbox", "version": 1, "page"', "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"window": {"x": 3}}', "another program"),
        (b"[1, 2]", "another program"),
        (b'{"program": "glassbox", "version": "1"}', "damaged"),
        (json.dumps({"program": "glassbox", "version": VERSION + 1}).encode(), "newer version"),
    ],
)
def test_what_can_not_be_used_is_kept_aside(tmp_path, content, why):
    """One sentence says why and where it is; a new file can be written in its place."""
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    values, problem = read_state(file)
    (aside,) = tmp_path.iterdir()
    assert values == {} and why in problem and aside.name in problem
    assert aside.read_bytes() == content
    write_state(file, {"page": "text"})
    assert read_state(file)[0]["page"] == "text"


def test_a_place_that_can_not_be_written_is_a_sentence(tmp_path):
    """It says what follows from it."""
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="will not be remembered"):
        write_state(tmp_path / "file" / "settings.json", {})
    values, problem = read_state(tmp_path / "file" / "settings.json")
    assert values == {} and "can't be read" in problem


def test_a_value_of_another_kind_is_as_good_as_none():
    """True is no number and a number no text."""
    values = {"seconds": True, "page": 3, "tab": "Letters"}
    assert value_of(values, "seconds", int, 60) == 60
    assert value_of(values, "page", str, "") == ""
    assert value_of(values, "tab", str, "") == "Letters"
