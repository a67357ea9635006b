"""Text that is not ours is shown as text, wherever it stands: tags in every foreign field."""

import dataclasses
import json
import re

import pytest
from PySide6.QtCore import QAbstractListModel, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QTextEdit, QWidget

from core.doctor import html_report, markdown_report
from core.doctor.diagnosis import Diagnosis
from core.markdown import code
from core.playgrounds.names.recipe import NamesRecipe
from core.programs.program import read_program
from core.runs.folder import ABOUT, CARD
from core.runs.library import read_entry
from core.runs.run_info import FORMAT
from gui.rich_text import rich
from gui.session_state import State
from tests.gui.doctor.diagnoses import BROKEN
from tests.gui.hands import Hands

TAGS = "<b>evil<i>"
KEPT = ("id", "kind", "verdict", "state", "playground", "format", "settings")
"""Of a record: words that name one of ours."""


def poisoned(value, key=""):
    """Return values with tags behind every text that a foreign file may choose."""
    if isinstance(value, dict):
        return {k: poisoned(part, k) for k, part in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(part, key) for part in value]
    return f"{value}{TAGS}" if isinstance(value, str) and key not in KEPT else value


@pytest.fixture(scope="module")
def diagnosis():
    """A diagnosis of a record from elsewhere."""
    return Diagnosis.from_dict(poisoned(BROKEN.to_dict()))


@pytest.fixture
def records(runs, diagnosis):
    """Two runs and a watched loop, as others may have written them."""
    for number, lr in enumerate((0.1, 0.2)):
        folder = runs / f"{TAGS}{number}"
        folder.mkdir(parents=True)
        about = {"format": FORMAT, "playground": "names", "model": TAGS, "dataset": TAGS}
        about |= {"recipe": {**NamesRecipe(lr=lr).to_dict(), "model": f"{TAGS}{number}"}}
        about |= {"source": TAGS, "device": f"{TAGS}{number}", "parameters": 9, "layers": []}
        about |= {"uniform_loss": 3.0, "environment": {TAGS: f"{TAGS}{number}"}, "first": 0}
        about |= {"steps": 5, "seconds": None, "begun": 1.7e9 + number, "state": "failed"}
        about |= {"sentence": TAGS, "metrics": {"val_loss": 2.0}}
        about |= {"diagnosis": diagnosis.to_dict(), "changes": [[3, TAGS, TAGS]]}
        (folder / ABOUT).write_text(json.dumps(about))
        labels = dataclasses.asdict(read_entry(folder).card)
        (folder / CARD).write_text(json.dumps({**labels, "name": TAGS, "note": TAGS}))
    loop = {"format": "glassbox-watch-1", "steps": [0, 1], "losses": [2.0, 1.0], "count": 2}
    loop |= {"validations": [], "layers": [], "diagnosis": diagnosis.to_dict()}
    path = runs / f"{TAGS}.watch.json"
    path.write_text(json.dumps(loop))
    return runs


def markup(window):
    """Return where a text with our tags is shown as anything but itself."""
    texts = []
    for widget in window.findChildren(QWidget):
        name = f"{type(widget).__name__} {widget.objectName()}"
        texts.append((f"{name}, tooltip", widget.toolTip()))
        if isinstance(widget, QLabel) and widget.textFormat() is not Qt.TextFormat.PlainText:
            texts.append((f"{name}, label", widget.text()))
        if isinstance(widget, QTextEdit):
            texts.append((f"{name}, text", widget.document().toHtml()))
        if isinstance(widget, QAbstractItemView) and (model := widget.model()):
            for row in range(model.rowCount()):
                columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
                for column in range(columns):
                    tip = model.index(row, column).data(Qt.ItemDataRole.ToolTipRole)
                    texts.append((f"{name}, cell {row}, {column}", tip or ""))
    texts += [(f"action {each.text()}", each.toolTip()) for each in window.findChildren(QAction)]
    return [(where, text) for where, text in texts if shows_markup(text)]


def shows_markup(text):
    """Whether a text that Qt may take for HTML loses its tags."""
    if "evil" not in text or not GuiQt.mightBeRichText(text):
        return False
    document = QTextDocument()
    document.setHtml(text)
    seen = document.toPlainText()
    return seen.count("evil") != seen.count(TAGS)


@pytest.fixture
def pages():
    """The pages that show what others have written."""
    return ("names", "runs", "doctor")


def test_runs_and_loops_from_elsewhere(qtbot, records, window):
    """Listed, opened, compared, and examined: names, notes, causes, evidence, settings."""
    assert shows_markup(f"{TAGS}") and not shows_markup(rich(f"{TAGS}"))
    hands = Hands(qtbot, window, "runs")
    page, doctor = hands.page, window.pages["doctor"]
    hands.until(lambda: page.runs.rowCount() == 3)
    found = []
    for chosen in ([0], [1], [2], [0, 1], [0, 1, 2]):
        page.table.choose(chosen)
        hands.until(lambda rows=chosen: len(page.table.entries()) == len(rows))
        view = page.detail if len(chosen) == 1 else page.compare
        hands.until(lambda v=view: v.isVisible())
        found += markup(window)
    window.show_page("doctor")
    doctor.open_file(records / f"{TAGS}.watch.json")
    hands.until(lambda: doctor.report.diagnosis is not None)
    found += markup(window)
    assert not found


def test_files_prompts_and_programs(qtbot, tmp_path, runs, window):
    """A list of names, a beginning that is typed, a program, what it writes and why it fails."""
    hands = Hands(qtbot, window, "names")
    page = hands.page
    hands.until(lambda: page.session.state is State.READY)
    names = tmp_path / f"{TAGS}.txt"
    names.write_text("\n".join(f"{letter}nna" for letter in "abcdefghijklmnop"))
    page.session.choose_data(names)
    hands.until(lambda: page.session.data == names and page.session.state is State.READY)
    page.session.choose_data(tmp_path / f"{TAGS}2.txt")
    hands.until(lambda: page.session.state is State.READY)
    found = markup(window)
    window.show_page("doctor")
    doctor = window.pages["doctor"]
    script = tmp_path / f"{TAGS}.py"
    script.write_text(f"x = '{TAGS}'\n")
    doctor.program.show_program(read_program(script))
    doctor.program.say(TAGS, "fault")
    doctor.program.output.write(TAGS)
    window.notices.tell(TAGS)
    found += markup(window)
    assert not found


def test_reports_have_no_markup_of_others(diagnosis):
    """As HTML and as Markdown."""
    page = html_report.report(TAGS, diagnosis)
    assert TAGS not in page and "<b>evil" not in page and "&lt;b&gt;evil" in page
    outside_of_code = re.sub("`[^`]*`", "", markdown_report.report(TAGS, diagnosis))
    assert "<b>evil" not in outside_of_code and "evil" in outside_of_code
    assert "\n" not in code("a`\n# b")
