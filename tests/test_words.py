"""Whatever a person reads uses the field's terms; words that were given up occur nowhere."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTabWidget,
    QTextEdit,
    QWidget,
)

from tests.retired_words import NAMES, SHOWN

ROOT = Path(__file__).parents[1]
RETIRED = [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in SHOWN.items()]


def retired_in(text):
    """Return each word of a text that was given up, with what stands instead."""
    return [
        f"{found.group()!r} in {text.strip()[:90]!r}: {instead}"
        for pattern, instead in RETIRED
        if (found := pattern.search(text))
    ]


def texts_of(widget):
    """Return all that a widget says, where Qt knows of it."""
    yield widget.windowTitle()
    yield widget.toolTip()
    yield widget.accessibleName()
    yield widget.accessibleDescription()
    if isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    if isinstance(widget, QGroupBox):
        yield widget.title()
    if isinstance(widget, QLineEdit | QTextEdit | QPlainTextEdit):
        yield widget.placeholderText()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(index) for index in range(widget.count()))
    if isinstance(widget, QTabWidget):
        yield from (widget.tabText(index) for index in range(widget.count()))
        yield from (widget.tabToolTip(index) for index in range(widget.count()))
    if isinstance(widget, QAbstractItemView) and widget.model():
        model = widget.model()
        for column in range(model.columnCount()):
            for row in range(min(60, model.rowCount())):
                yield str(model.data(model.index(row, column)) or "")


@pytest.fixture
def painted(monkeypatch):
    """Collect what widgets write with a painter."""
    said, write = set(), QPainter.drawText

    def draw(self, *args):
        said.update(arg for arg in args if isinstance(arg, str))
        return write(self, *args)

    monkeypatch.setattr(QPainter, "drawText", draw)
    return said


def test_no_page_shows_a_retired_word(program, painted):
    """Every page, every tab, every lesson: labels, tooltips, lists, and what is painted."""
    window, said = program.window, set()

    def collect():
        QApplication.processEvents()
        window.grab()
        for widget in [window, *window.findChildren(QWidget)]:
            said.update(texts_of(widget))

    for name, page in window.pages.items():
        window.show_page(name)
        collect()
        for tabs in page.findChildren(QTabWidget):
            for index in range(tabs.count()):
                tabs.setCurrentIndex(index)
                collect()
    lessons = window.pages["lessons"]
    window.show_page("lessons")
    for row in range(lessons.list.count()):
        lessons.list.setCurrentRow(row)
        program.until(lambda: bool(lessons.view.parts))
        collect()
    assert len(said) > 800 and len(painted) > 50
    assert not sorted({found for text in said | painted for found in retired_in(text)})


def sources(*patterns):
    """Return the files of the project of these patterns."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.split() if (ROOT / line).exists()]


def test_no_text_of_the_program_has_a_retired_word():
    """Also those that are seldom shown: errors, reports, sentences of rare cases."""
    found = []
    for path in sources("core/*.py", "gui/*.py", "main.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # Ids and keys are one word, and stay as they are.
                if " " in node.value.strip():
                    where = f"{path.relative_to(ROOT)}:{node.lineno}"
                    found += [f"{where} {words}" for words in retired_in(node.value)]
    assert not found, "\n".join(found)


def test_no_page_of_documentation_has_a_retired_word():
    """README, docs, lessons, glossary."""
    found = []
    for path in sources("*.md"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{path.relative_to(ROOT)}:{number} {words}" for words in retired_in(line)]
    assert not found, "\n".join(found)


def test_no_name_in_the_code_is_retired():
    """Identifiers of core and gui."""
    found = []
    for path in sources("core/*.py", "gui/*.py"):
        text = io.StringIO(path.read_text(encoding="utf-8"))
        for token in tokenize.generate_tokens(text.readline):
            if token.type == tokenize.NAME and token.string in NAMES:
                found.append(f"{path.relative_to(ROOT)}:{token.start[0]} {token.string}")
    assert not found, "\n".join(found)


def test_no_two_classes_have_one_name():
    """Except what each page, part or playground has of its own."""
    own = {"Page", "Part", "MLP", "Bigram"}
    places = {}
    for path in sources("core/*.py", "gui/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1 and name not in own}
    assert not twice, twice
