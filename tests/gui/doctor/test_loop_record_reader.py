"""Records of watch and checkpoints, opened or dropped on the doctor's page."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QSpinBox, QWidget

from core import watch
from core.runs.loop_record import LoopRecord, history_of
from gui.doctor import examination as examination_module
from gui.doctor import loop_record_reader as recording
from gui.doctor.evidence_panel import LOSS, EvidenceCard, exhibits, loss_exhibit
from gui.doctor.examination import Stage
from gui.widgets.status_icon import Sign
from tests.gui.doctor.diagnoses import BROKEN, FINE, SMALL
from tests.gui.hands import Hands


class Opened(Hands):
    """The program at its doctor, and hands to open files."""

    def __init__(self, qtbot, window):
        super().__init__(qtbot, window, "doctor")

    @property
    def verdict(self):
        return self.find("verdict").text()

    @property
    def note(self):
        return self.find("verdictNote", QLabel).text()

    @property
    def complaint(self):
        return self.find("doctorWords", QLabel).text()

    def drop(self, path):
        """Drop a file on the page; returns whether it was taken."""
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        place, copy = QPointF(400, 300), Qt.DropAction.CopyAction
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(place.toPoint(), copy, mime, left, none)
        QApplication.sendEvent(self.page, enter)
        if enter.isAccepted():
            QApplication.sendEvent(self.page, QDropEvent(place, copy, mime, left, none))
        return enter.isAccepted()


@pytest.fixture
def pages():
    """The pages that are used here."""
    return ("names", "doctor")


@pytest.fixture
def opened(qtbot, window, monkeypatch):
    """The doctor's page, where nothing is shipped and files are read again soon."""
    monkeypatch.setattr(recording, "AGAIN", 50)
    made = Opened(qtbot, window)
    made.until(lambda: made.find("openRecord").isEnabled())
    return made


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """What watch wrote of a small loop whose step goes the wrong way."""
    path = tmp_path_factory.mktemp("records") / "uphill.watch.json"
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x.sum(1) > 0).long()
    w = torch.randn(8, 2, requires_grad=True)
    with watch(record=path, quiet=True, budget=2.0) as seen:
        for _ in range(200):
            batch = torch.randint(0, 256, (32,))
            loss = torch.nn.functional.cross_entropy(x[batch] @ w, y[batch])
            w.grad = None
            loss.backward()
            with torch.no_grad():
                w += 0.1 * w.grad
            seen.step(loss)
    return path


def resume_run(record, tmp_path, steps=120):
    """Return a copy of a record as it stood while its loop went on."""
    values = json.loads(record.read_text())
    values |= {"diagnosis": None, "steps": values["steps"][:steps], "count": steps}
    values["losses"] = values["losses"][:steps]
    return write(tmp_path / "live.watch.json", values)


def write(path, values):
    """Write a file whole, as watch does."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(values))
    draft.replace(path)
    return path


def test_the_button_opens_a_record(opened, record, monkeypatch):
    """Its verdict, its causes, its loss curve; there is no page on which to apply anything."""
    asked = []

    def ask(parent, title, folder, kinds):
        asked.append((folder, kinds))
        return str(record), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    QTest.mouseClick(opened.find("openRecord"), Qt.MouseButton.LeftButton)
    assert "runs" in asked[0][0] and "*.watch.json" in asked[0][1]
    assert "Something is wrong" in opened.verdict
    assert "uphill.watch.json: 200 steps" in opened.note.replace("199", "200")
    assert opened.find("doctorCurve").isVisible() and opened.find("findings").isVisible()
    assert opened.page.report.diagnosis.causes[0].id == "wrong_update_sign"
    assert opened.page.findChild(QWidget, "applyFix") is None
    assert opened.page.recording.path is None


def test_a_dialog_that_is_cancelled_changes_nothing(opened, monkeypatch):
    """No file, no word."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("", ""))
    before = opened.verdict
    QTest.mouseClick(opened.find("openRecord"), Qt.MouseButton.LeftButton)
    assert opened.verdict == before


def test_a_record_is_followed_while_its_loop_goes_on(opened, record, tmp_path):
    """Its curve grows with the file; the diagnosis comes at the end, and then it is left."""
    path = resume_run(record, tmp_path, 60)
    assert opened.drop(path)
    assert "The loop goes on" in opened.verdict and opened.find("doctorCurve").isVisible()
    opened.drop(tmp_path)
    assert "drop a record" in opened.complaint and "The loop goes on" in opened.verdict
    first = opened.note
    resume_run(record, tmp_path, 120)
    opened.until(lambda: opened.note != first)
    write(path, json.loads(record.read_text()))
    opened.until(lambda: "Something is wrong" in opened.verdict)
    assert opened.page.recording.path is None


def test_another_thing_ends_the_following(opened, record, tmp_path):
    """What is written afterwards is not shown any more; nor after the page was abandoned."""
    opened.drop(resume_run(record, tmp_path))
    assert opened.page.recording.path is not None
    opened.drop(record)
    assert opened.page.recording.path is None
    opened.drop(resume_run(record, tmp_path))
    opened.page.abandon()
    assert opened.page.recording.path is None and not opened.page.recording._timer.isActive()


def test_a_record_that_vanishes(opened, record, tmp_path):
    """The sentence says so once, and the file is left alone."""
    path = resume_run(record, tmp_path)
    opened.drop(path)
    path.unlink()
    opened.until(lambda: "can't be read" in opened.complaint)
    assert "can't be read" in opened.verdict
    assert opened.page.recording.path is None


def test_a_bad_file_is_a_sentence(opened, record, tmp_path):
    """It stands where other errors do; a verdict that was there stays, and so does its file."""
    bad = tmp_path / "notes.json"
    bad.write_text("[1, 2]")
    opened.drop(bad)
    assert "no record of watch" in opened.complaint and "no record of watch" in opened.verdict
    opened.drop(record)
    good = opened.verdict
    opened.drop(bad)
    assert opened.verdict == good and "no record of watch" in opened.complaint
    opened.drop(tmp_path)
    assert "drop a record" in opened.complaint


def test_a_bad_checkpoint_is_a_sentence(opened, tmp_path):
    """The worker finds that it is none."""
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing of the kind")
    opened.drop(bad)
    opened.until(lambda: opened.page.examination.stage is Stage.IDLE)
    opened.until(lambda: "damaged or no checkpoint" in opened.complaint)
    assert "damaged or no checkpoint" in opened.verdict


def test_a_checkpoint_is_examined(opened, small_starter, monkeypatch):
    """The worker goes on with it, with its page's data; nothing is to be applied to a page."""
    asked = []
    job = examination_module.jobs.diagnose_checkpoint
    monkeypatch.setattr(
        examination_module.jobs,
        "diagnose_checkpoint",
        lambda *args: asked.append(args) or job(*args),
    )
    opened.find("doctorBudget", QSpinBox).setValue(4)
    path = Path(small_starter) / "names.safetensors"
    assert opened.drop(path)
    opened.until(lambda: opened.page.examination.stage is Stage.TRAINING, 60)
    assert not opened.find("openRecord").isEnabled() and not opened.drop(path)
    opened.until(lambda: opened.page.examination.stage is Stage.IDLE, 90)
    (given,) = asked
    assert given[0] == path and given[1]["names"] is None and given[3] == pytest.approx(4)
    assert opened.page.report.diagnosis is not None
    assert "names.safetensors" in opened.note
    assert opened.page.findChild(QWidget, "applyVerdict").isHidden()


def test_the_loss_stands_in_for_a_missing_picture():
    """Where the likeliest cause, or all, has none; where there is one, the loss is not needed."""
    history = history_of(LoopRecord(np.array([0, 1, 2]), np.array([3.0, 2.5, 2.0])))
    loss = loss_exhibit(history, 3.3)
    assert loss.picture.question == LOSS and "From 3 to 2" in loss.measured
    assert exhibits(BROKEN, loss) == exhibits(BROKEN)
    for found in (FINE, SMALL):
        assert exhibits(found, loss) == exhibits(found)
    bare = type(FINE)("fine", "All is well.", 0.8)
    assert exhibits(bare, loss) == [loss] and exhibits(bare) == []
    assert loss_exhibit(None, 0.0) is None
    empty = history_of(LoopRecord(np.array([]), np.array([])))
    assert loss_exhibit(empty, 0.0) is None


def test_the_loss_has_no_sign(qtbot):
    """It is shown, not judged."""
    history = history_of(LoopRecord(np.array([0, 1]), np.array([3.0, 2.0])))
    card = EvidenceCard(loss_exhibit(history, 0.0))
    qtbot.addWidget(card)
    card.show()
    assert not any(sign.isVisible() for sign in card.findChildren(Sign))


def test_a_recipe_that_says_its_steps_takes_them(opened, letters_recipe, monkeypatch):
    """As on its own page: steps in place of seconds, and the card says so."""
    session, seen = opened.page.pages["names"].session, []

    def diagnose(request, fault, budget, control, report):
        seen.append(request)
        return []

    monkeypatch.setattr(examination_module.jobs, "diagnose", diagnose)
    session.recipe = letters_recipe.replace({"steps": 40})
    QTest.mouseClick(opened.find("doctorPlayground_names"), Qt.MouseButton.LeftButton)
    assert not opened.find("doctorSeconds").isEnabled() and "40 steps" in opened.complaint
    QTest.mouseClick(opened.find("examineButton"), Qt.MouseButton.LeftButton)
    opened.until(lambda: opened.page.examination.stage is Stage.IDLE)
    assert (seen[0].seconds, seen[0].steps) == (None, 40)
    session.recipe = letters_recipe
    assert opened.find("doctorSeconds").isEnabled()
