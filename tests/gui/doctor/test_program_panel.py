"""A program of one's own on the doctor's page: opened, agreed to, run, watched, and marked."""

import json
import re
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QPushButton

from core.programs.program import read_program
from gui.background_job import STOPPING
from gui.doctor.fix_trial import seeds_in_words
from tests.core.programs.plots import stand_in
from tests.gui.doctor.test_page import Two
from tests.gui.hands import Hands

CELLS = (
    "import torch\nfrom torch import nn\n!pip install nothing",
    "torch.manual_seed(0)\nX = torch.randn(300, 6)\ny = (X[:, 0] > 0).long()\n"
    "net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))\n"
    "opt = torch.optim.SGD(net.parameters(), lr=0.2)",
    "for step in range(120):\n    ix = torch.randint(300, (32,))\n"
    "    probs = torch.softmax(net(X[ix]), dim=1)\n"
    "    loss = nn.functional.cross_entropy(probs, y[ix])\n    opt.zero_grad()\n"
    "    loss.backward()\n    opt.step()\nprint('<b>done</b>')",
)
SHOWS = (
    "import matplotlib.pyplot as plt\nprint('caf\u00e9 <i>one</i>')\nplt.figure(1, (9, 3))\n"
    "plt.show()\nprint('two')\nplt.figure(1)\nplt.show()\nprint('three')\n"
)
MUCH = "for _ in range(100):\n    print('x' * 1_000_000)\nprint('end')"
FOREVER = (
    "import torch\nw = torch.ones(2, requires_grad=True)\nwhile True:\n    w.sum().backward()\n"
)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A notebook whose network has a softmax too many."""
    monkeypatch.setenv("GLASSBOX_RUNS", str(tmp_path / "runs"))
    path = tmp_path / "mine.ipynb"
    cells = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in CELLS]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    return path


class Programs(Hands):
    """The doctor's page, and what one does there with a program."""

    def __init__(self, qtbot, window):
        super().__init__(qtbot, window, "doctor")
        self.page.controls.budget.setValue(0)
        self.panel = self.page.program

    @property
    def running(self):
        return self.page.programs.running

    def drop(self, path):
        """Drop a file on the page, once something can be opened."""
        self.until(self.page.open.isEnabled)
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
        how = (*how, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.page, QDragEnterEvent(QPoint(9, 9), *how))
        QApplication.sendEvent(self.page, QDropEvent(QPointF(9, 9), *how))

    def run(self, agree=True):
        """Press Run, and answer the question."""
        asked = []

        def answer():
            question = QApplication.activeModalWidget()
            if not isinstance(question, QMessageBox):
                QTimer.singleShot(20, answer)
                return
            asked.append(question.informativeText())
            words = "Run" if agree else "Cancel"
            buttons = question.findChildren(QPushButton)
            next(b for b in buttons if b.text().strip("&") == words).click()

        QTimer.singleShot(20, answer)
        self.click("runProgram")
        return asked


@pytest.fixture
def doctor(qtbot):
    """The doctor's page in a small window, where nothing is shipped."""
    window = Two()
    qtbot.addWidget(window)
    window.show()
    window.worker.start()
    hands = Programs(qtbot, window)
    yield hands
    window.close()


def test_a_notebook_from_drop_to_the_line_of_its_fault(doctor, notebook):
    """It is shown and not run; run after a question; watched; and marked where the fault lies."""
    panel = doctor.panel
    doctor.drop(notebook)
    assert doctor.page.tabs.currentWidget() is panel
    assert panel.source.toPlainText().startswith("Cell 1\nimport torch")
    assert "!pip install nothing" in panel.source.toPlainText()  # as it stands in the file
    assert "1 line is not executed" in panel.words.text() and not doctor.running.runs
    (asked,) = doctor.run(agree=False)
    assert str(notebook.parent) in asked and not doctor.running.runs
    doctor.run()
    assert doctor.running.runs and doctor.page.marks()
    said = []
    doctor.running.progressed.connect(lambda *_: said.append(panel.words.text()))
    doctor.until(lambda: not doctor.running.runs)
    assert any(words.startswith("Cell 3, line 1: 120 steps, loss") for words in said)
    assert panel.loops.item(0).text().startswith("cell 3, line 1: 120 steps, loss")
    assert panel.layers.snapshot is not None
    assert [row[1] for row in panel.layers.csv_rows()[1:]] == ["0", "2"]
    assert "<b>done</b>" in panel.output.toPlainText()
    assert "Softmax applied twice" in panel.verdict.text()
    assert panel.causes.item(0).text() == "Softmax applied twice \u00b7 cell 3, line 3"
    line = panel.source.textCursor().block()
    assert line.text().strip() == "probs = torch.softmax(net(X[ix]), dim=1)"
    _click_mark(doctor, line)
    assert panel.causes.currentRow() == 0
    doctor.click("programReport")
    assert doctor.page.report.diagnosis.causes[0].id == "double_softmax"
    assert "mine.ipynb, cell 3" in doctor.page.report.verdict.note.text()
    said = [text.text() for text in doctor.find("findings").findChildren(QLabel)]
    assert any(words.startswith("cell 3, line 3: probs = torch.") for words in said)
    _fix(doctor, notebook)


def _fix(doctor, notebook):
    """Look at the change that is proposed, copy it, save a changed copy, and try it."""
    panel = doctor.panel.fix
    doctor.page.tabs.setCurrentWidget(doctor.panel)
    doctor.panel.tabs.setCurrentIndex(0)
    doctor.click("programFix")
    assert panel.isVisible()
    assert "+    probs = net(X[ix])" in panel.diff.toPlainText()
    doctor.click("copyFix")
    assert QApplication.clipboard().text() == panel.fix.diff
    before, copy = notebook.read_bytes(), notebook.with_name("mine-fixed.ipynb")
    with saved_as(notebook):
        doctor.click("saveFix")
    assert "not overwritten" in panel.outcome.text() and notebook.read_bytes() == before
    with saved_as(copy):
        doctor.click("saveFix")
    assert "    probs = net(X[ix])\n" in json.loads(copy.read_text())["cells"][2]["source"]
    told = []
    doctor.page.programs.trial.progressed.connect(lambda *_: told.append(panel.outcome.text()))
    doctor.click("tryFix")
    assert doctor.page.marks() and not doctor.panel.run.isEnabled()
    doctor.until(lambda: not doctor.page.programs.runs)
    assert any(
        re.match(r"As it is: [\d,]+ steps in [\d.]+ s.*; changed: ", words) for words in told
    )
    assert all("ends after 60 s at most" in words for words in told)
    said = panel.outcome.text()
    assert "after 120 steps" in said and "The cause is gone." in said
    assert "both from seed 0:" in said
    before, after = (line.y[-1] for line in panel.picture.lines)
    assert after < before and doctor.panel.run.isEnabled()


@contextmanager
def saved_as(path):
    """Answer the question for a file name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QFileDialog, "getSaveFileName", lambda *given: (str(path), ""))
        yield


def test_it_is_said_that_a_training_is_examined(doctor, notebook):
    """In the status, in the list of trainings and where the verdict will stand."""
    panel = doctor.panel
    doctor.drop(notebook)
    where = {"file": str(notebook), "cell": 3, "line": 1}
    losses = {"first_loss": 2.0, "last_loss": 1.5, "last_tenth_loss": 1.0}
    loop = {"where": where, "steps": 9, "diagnosis": None, **losses}
    seen = {"steps": [], "losses": [], "validations": [], "layers": None, "examined_for": 30.0}
    panel.show_progress({"loops": [loop]}, {"cell": 4, "seen": [seen]})
    words = "ell 3, line 1: 9 steps, loss 2 (first step) to 1 (mean of the last tenth)"
    words += "; is examined, up to 30 s"
    assert panel.words.text() == f"Cell 4 is run. C{words}."
    assert panel.loops.item(0).text() == f"c{words}"
    assert panel.verdict.text() == "It is examined, up to 30 s."


TWO = """\
import torch
from torch import nn
x, y = torch.randn(90, 3), torch.arange(90) % 2
for wide in (4, 6):
    net = nn.Sequential(nn.Linear(3, wide), nn.Tanh(), nn.Linear(wide, 2))
    net[0].requires_grad_(wide == 6)
    opt = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    for _ in range(40):
        opt.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        opt.step()
"""


def test_the_layers_are_those_of_the_chosen_training(doctor, tmp_path):
    """In a window of 720 lines both trainings are seen, and no pane moves."""
    doctor.window.resize(1280, 720)
    panel, path = doctor.panel, tmp_path / "two.py"
    path.write_text(TWO)
    doctor.drop(path)
    doctor.run()
    doctor.until(lambda: not doctor.running.runs)
    sizes = panel.halves.sizes()
    seen = panel.loops.viewport().rect()
    for row, wide in enumerate((4, 6)):
        panel.loops.setCurrentRow(row)
        assert seen.contains(panel.loops.visualItemRect(panel.loops.item(row)))
        assert panel.layers.csv_rows()[1][3] == wide
        gradients = panel.layers.headings()["gradient"].center()
        gradients.setY(panel.layers.row_rect(0).center().y())
        frozen = "Frozen" in panel.layers.explain(gradients)
        assert frozen == (wide == 4)
    for tab in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(tab)
        assert panel.halves.sizes() == sizes


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "seed 0 where the program sets none"),
        ("torch.manual_seed(7)\nrandom.seed(7)\nnp.random.default_rng(3)", " (7, 3), else 0"),
        ("torch.manual_seed(args.seed)", "the seeds that the program sets, else 0"),
    ],
)
def test_the_seeds_of_a_trial_are_said(tmp_path, source, words):
    """Those of the program come first: it sets them behind whoever runs it."""
    path = tmp_path / "seeds.py"
    path.write_text(source)
    assert words in seeds_in_words(read_program(path))


def test_figures_stand_where_they_were_shown(doctor, tmp_path, monkeypatch):
    """In the tab of the output, as wide as there is room; text around them stays text."""
    stand_in(tmp_path, monkeypatch)
    path = tmp_path / "shows.py"
    path.write_text(SHOWS, "utf-8")
    output = doctor.panel.output
    doctor.drop(path)
    doctor.run()
    doctor.until(lambda: not doctor.running.runs)
    assert output.toPlainText() == "caf\u00e9 <i>one</i>\n\ufffc\ntwo\n\ufffc\nthree\n"
    doctor.panel.tabs.setCurrentWidget(output)
    for width in (output.width(), output.width() - 150):
        output.resize(width, output.height())
        room = output.viewport().width()
        wide, small = output.images()
        assert room - 20 < wide.width() < room and wide.height() == pytest.approx(wide.width() / 3)
        assert small.width() == min(wide.width(), 640)


def test_much_output_is_shown_in_part(doctor, tmp_path):
    """The last of it; the file that it goes into stays small, and no line is endless."""
    path = tmp_path / "prints.py"
    path.write_text(MUCH)
    doctor.drop(path)
    doctor.run()
    doctor.until(lambda: not doctor.running.runs)
    shown = doctor.panel.output.toPlainText()
    assert shown.endswith("xxx\nend\n") and len(shown) < 1_000_000
    assert max(len(line) for line in shown.splitlines()) <= 1000


def _click_mark(doctor, line):
    """Click the mark before a line; the cause is chosen, whatever was chosen before."""
    source = doctor.panel.source
    doctor.panel.causes.setCurrentRow(-1)
    rect = dict(source.visible_blocks())[line.blockNumber()]
    gutter = doctor.find("programSourceLines")
    place = rect.center()
    place.setX(4)
    QTest.mouseClick(gutter, Qt.MouseButton.LeftButton, pos=place)


def test_what_is_wrong_with_a_file_is_said_and_what_runs_can_be_stopped(doctor, tmp_path):
    """A syntax error by its line; another file not while one is run; Stop ends a loop for ever."""
    bad = tmp_path / "bad.py"
    bad.write_text("x = 1\nfor (\n")
    doctor.drop(bad)
    assert "line 2 is no Python" in doctor.panel.words.text()
    assert not doctor.panel.run.isEnabled()
    path = tmp_path / "forever.py"
    path.write_text(FOREVER)
    doctor.drop(path)
    doctor.find("programArguments").setText("'open")
    doctor.click("runProgram")
    assert "close the quotation" in doctor.panel.words.text() and not doctor.running.runs
    doctor.find("programArguments").setText("")
    doctor.run()
    doctor.until(lambda: doctor.panel.loops.count() == 1)
    doctor.drop(bad)
    assert "Stop the program" in doctor.panel.words.text()
    doctor.click("stopProgram")
    said = []
    doctor.running.progressed.connect(lambda *_: said.append(doctor.panel.words.text()))
    doctor.until(lambda: not doctor.running.runs)
    assert said and set(said) == {STOPPING}
    assert doctor.panel.run.isEnabled() and "KeyboardInterrupt" not in doctor.panel.words.text()
