"""The code behind the training settings: live, marked, copied and saved."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel

from core import playgrounds
from core.code.script import write_script
from gui.widgets.source_text import SourceText


@pytest.fixture
def pages():
    """One page is enough: the card is the same on all."""
    return ["names"]


@pytest.fixture
def names(bare):
    """The program at its names, with the code shown."""
    bare.click("showCode")
    bare.until(lambda: bool(shown(bare)))
    return bare


def shown(program):
    """Return the source that one reads."""
    return program.find("codeSource", SourceText).toPlainText()


def marked(program):
    """Return the lines that are marked, without their indentation."""
    source, lines = program.find("codeSource", SourceText), shown(program).split("\n")
    return [line.strip() for row, line in enumerate(lines) if source.marks_at(row)]


def caption(program):
    """Return the words over the source."""
    return program.find("codeCaption", QLabel).text()


def enter(program, key, value):
    """Type a value into a setting, and confirm it."""
    field = program.find(f"setting_{key}")
    field.selectAll()
    QTest.keyClicks(field, value)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_it_is_the_script_of_the_settings_and_marks_what_the_last_change_brought(names):
    """A value, a line more, a change that is undone, another recipe, a change without a line."""
    recipe = names.session.recipe
    assert shown(names) + "\n" == write_script("names", recipe)
    assert marked(names) == [] and "Change a setting" in caption(names)
    enter(names, "lr", "0.02")
    names.until(lambda: marked(names) == ["lr = 0.02"])
    assert caption(names).endswith("Marked: the line that the last change brought (Learning rate).")
    enter(names, "dropout", "0.3")
    names.until(lambda: "self.dropout = nn.Dropout(0.3)" in marked(names))
    assert "lr = 0.02" in shown(names) and "lr = 0.02" not in marked(names)
    names.click("undoRecipe")
    names.until(lambda: marked(names) == ["lr = 0.02"])
    other = playgrounds.get("names").recipes["lecture bigram"]
    names.page.recipe.choose("lecture bigram")
    names.until(lambda: shown(names) + "\n" == write_script("names", other))
    assert "settings)" in caption(names)
    enter(names, "steps", "70")
    names.until(lambda: "steps = 70" in marked(names))
    names.page.recipe.start_from.setEnabled(True)
    names.page.recipe.start_from.setCurrentIndex(1)
    names.session.resume_from = "network.safetensors"
    names.page.code.refresh()
    names.until(lambda: "newly initialised weights" in caption(names))


def test_the_settings_and_the_run_stay_beside_it(names):
    """It takes the room of curves and names; Esc gives that back, and F9 takes it again."""
    tabs, right = names.find("namesTabs"), names.find("namePrefix")
    run, form = names.find("trainButton"), names.find("setting_lr")
    assert run.isVisible() and form.isVisible() and not tabs.isVisible() and not right.isVisible()
    source = names.find("codeSource", SourceText)
    assert source.accessibleName() and names.find("hideCode").accessibleName() == "Hide the code"
    names.window.activateWindow()
    names.until(source.hasFocus)
    QTest.keyClick(source, Qt.Key.Key_Escape)
    names.until(lambda: tabs.isVisible() and right.isVisible() and not source.isVisible())
    button = names.find("showCode")
    names.until(button.hasFocus)
    QTest.keyClick(button, Qt.Key.Key_F9)
    names.until(source.isVisible)
    assert button.accessibleName() == "Hide the code"
    QTest.keyClick(source, Qt.Key.Key_F9)
    names.until(lambda: not source.isVisible())
    names.click("showCode")
    names.window.resize(900, 600)  # where the parts stand under one another
    names.until(lambda: not right.isVisible() and form.isVisible())
    names.click("hideCode")
    assert right.isVisible() and not source.isVisible()


def test_it_is_copied_and_saved(names, qapp, monkeypatch, tmp_path):
    """As a script and as a notebook; a place where nothing can be written is said."""
    path = tmp_path / "names.py"
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda self: [str(path)])
    monkeypatch.setattr(QFileDialog, "exec", lambda self: True)
    script = write_script("names", names.session.recipe)
    message = names.find("codeMessage", QLabel)
    names.click("copyCode")
    assert qapp.clipboard().text() == script and "copied" in message.text()
    names.click("saveScript")
    assert path.read_text("utf-8") == script and message.text() == f"Saved as {path}."
    names.click("saveNotebook")
    assert "end the name in .ipynb" in message.text() and path.read_text("utf-8") == script
    path = tmp_path / "names.ipynb"
    names.click("saveNotebook")
    assert json.loads(path.read_text("utf-8"))["nbformat"] == 4
    path = tmp_path / "names.py" / "within.py"
    names.click("saveScript")
    assert "can't be written" in message.text()
    monkeypatch.setattr(QFileDialog, "exec", lambda self: False)
    names.click("saveScript")
    assert list(tmp_path.iterdir()) != [] and len(list(tmp_path.iterdir())) == 2


def test_a_list_of_ones_own_is_named_and_one_that_is_gone_is_said(names, tmp_path):
    """The script reads that file; without it there is a sentence, and nothing to save."""
    path = tmp_path / "own.txt"
    path.write_text("anna\notto\nemil\n" * 20, "utf-8")
    names.session.choose_data(path)
    names.until(lambda: str(path) in shown(names))
    path.unlink()
    enter(names, "lr", "0.02")
    names.until(lambda: "is not there" in caption(names))
    assert shown(names) == "" and not names.find("saveScript").isEnabled()


def test_the_palette_has_it(names):
    """What it offers is found by typing, with its keys."""
    found = {command.title: command for command in names.window.commands.commands()}
    for title in ("Copy", "Save as .py…", "Save as .ipynb…"):
        assert found[title].place == "Code" and found[title].possible()
    assert found["Hide the code"].keys == "Esc"
    names.click("hideCode")
    again = {command.title: command for command in names.window.commands.commands()}
    assert again["Show the code"].keys == "F9" and "Save as .py…" not in again
