"""Choosing what is learned from: shipped, full, a file of one's own, and each way it fails."""

import os
import socket
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QPushButton

from core.playgrounds.names import download
from core.playgrounds.names.wordlist import bundled
from gui import session as session_module
from gui.session_state import State
from gui.widgets.data_card import BUNDLED, FULL, OWN
from gui.window import MainWindow
from tests.gui.conftest import QUICK, Program

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def pages():
    """The pages that are used here."""
    return ("digits", "names")


def choose(naming, index):
    """Choose an entry of the box, as a click on it does."""
    box = naming.page.findChild(QComboBox, "dataBox")
    box.setCurrentIndex(index)
    box.activated.emit(index)


def shown(naming):
    """Which entry is chosen, and what it says."""
    box = naming.page.findChild(QComboBox, "dataBox")
    return box.currentIndex(), box.currentText()


def message(naming):
    """The sentence under the box."""
    return naming.page.findChild(QLabel, "dataMessage").text()


def drop(naming, path):
    """Let a file fall onto the card; returns whether it would be taken."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, LEFT, NONE)
    enter.setAccepted(False)
    naming.page.data.dragEnterEvent(enter)
    naming.page.data.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, LEFT, NONE))
    return enter.isAccepted()


@pytest.fixture
def dialog(monkeypatch):
    """What the file dialog answers: set it by ``dialog(path)``."""

    def answer(path):
        told = (str(path) if path else "", "")
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *rest: told)

    return answer


def test_a_list_is_chosen_in_the_dialog(quick, towns, dialog):
    """The box names the file; it is what the next run learns, and the bundled comes back."""
    dialog(towns)
    choose(quick, OWN)
    quick.until(lambda: quick.session.data == towns)
    assert shown(quick) == (OWN, "towns.txt …") and not message(quick)
    choose(quick, BUNDLED)
    quick.until(lambda: quick.session.data is None and quick.session.state is State.READY)
    assert shown(quick)[0] == BUNDLED


def test_a_dialog_that_is_cancelled_changes_nothing(quick, towns, dialog):
    """The choice goes back to what was chosen before, the shipped list or one of one's own."""
    dialog(None)
    choose(quick, OWN)
    assert shown(quick)[0] == BUNDLED and quick.session.state is State.READY
    quick.session.choose_data(towns)
    quick.until(lambda: quick.session.data == towns)
    choose(quick, OWN)
    assert shown(quick) == (OWN, "towns.txt …") and quick.session.data == towns


def test_a_bad_list_after_a_good_one(quick, towns, tmp_path, dialog):
    """The good one stays, in the box and in the session, and the sentence goes with the next."""
    quick.session.choose_data(towns)
    quick.until(lambda: quick.session.data == towns)
    dialog(tmp_path / "bad.txt")
    (tmp_path / "bad.txt").write_text("anna\n")
    choose(quick, OWN)
    quick.until(lambda: "only 1 name" in message(quick))
    assert shown(quick) == (OWN, "towns.txt …") and quick.session.data == towns
    assert quick.session.state is State.READY
    choose(quick, BUNDLED)
    quick.until(lambda: quick.session.data is None)
    assert not message(quick)


def test_a_drop_in_mid_training_is_left_alone(quick, towns, letters_recipe):
    """What is learned from can't be changed under a run."""
    quick.train(letters_recipe)
    assert not drop(quick, towns)
    assert not quick.page.findChild(QComboBox, "dataBox").isEnabled()
    quick.stop()
    drop(quick, towns.parent)  # a folder is no list
    drop(quick, towns.with_name(300 * "n"))  # nor is what no file system can name
    assert quick.session.data is None and quick.session.state is State.READY
    assert drop(quick, towns)
    quick.until(lambda: quick.session.data == towns)


def test_a_list_that_was_changed_is_read_again(quick, towns, sixty):
    """Mended in an editor between two runs, the new names are learned."""
    quick.learn(sixty, towns)
    assert "ж" not in quick.session.info.vocabulary["letters"]
    towns.write_text("жанна\nжорж\n" * 20, encoding="utf-8")
    os.utime(towns, (2e9, 2e9))
    quick.learn(sixty, towns)
    assert "ж" in quick.session.info.vocabulary["letters"]


def test_a_list_that_is_gone_is_not_replaced_by_another(quick, towns, sixty):
    """Deleted after it was chosen: a sentence, and never a training on other names."""
    quick.session.choose_data(towns)
    quick.until(lambda: quick.session.data == towns)
    towns.unlink()
    quick.learn(sixty, towns)
    words = quick.page.findChild(QLabel, "runMessage")
    assert "towns.txt" in words.text() and "Finished" not in words.text()


def test_a_list_that_is_not_there_is_refused(quick, tmp_path):
    """A path that leads nowhere is no list; it is not taken for the shipped one."""
    quick.session.choose_data(tmp_path / "nowhere.txt")
    quick.until(lambda: quick.session.state is State.READY)
    assert "nowhere.txt" in message(quick) and quick.session.data is None


@pytest.fixture
def lecture(qtbot, qapp, ship, small_starter, runs, tmp_path):
    """The program, started with a data folder that has a list like makemore's."""
    (tmp_path / "names").mkdir()
    words = [*bundled().train] * 2  # as many names as there, of as many letters
    (tmp_path / "names" / "names.txt").write_text("\n".join(words[:32_033]))
    ship("names", source=small_starter)
    window = MainWindow(tmp_path, "cpu")
    qtbot.addWidget(window, before_close_func=lambda w: None)
    window.show()
    window.fill()
    window.show_page("names")
    yield window.pages["names"]
    window.close()


def test_the_lectures_list_from_a_folder(lecture, qtbot):
    """It is chosen and compared with, and stays at hand without a download."""
    page, session = lecture, lecture.session
    box, note = page.findChild(QComboBox, "dataBox"), page.findChild(QLabel, "ladderNote")

    def chosen(index):
        box.setCurrentIndex(index)
        box.activated.emit(index)
        qtbot.waitUntil(lambda: session.state is State.OPENING)
        qtbot.waitUntil(lambda: session.state is State.READY)
        return session.data, "another list" in note.text()

    qtbot.waitUntil(lambda: bool(session.history.evaluations), timeout=60_000)
    assert box.currentIndex() == FULL and "another list" not in note.text()
    assert chosen(BUNDLED) == (None, True)
    assert chosen(FULL) == (session.data, False) and session.data is not None


def test_without_a_net_the_lectures_list_stays_away(quick, monkeypatch, tmp_path):
    """The download says that it can't be; the shipped names stay chosen."""
    nowhere = replace(download.SOURCE, urls=["http://127.0.0.1:9/"])
    monkeypatch.setattr(download, "SOURCE", nowhere)
    monkeypatch.setattr(session_module, "DOWNLOADS", tmp_path)
    choose(quick, FULL)
    quick.until(lambda: "can't be downloaded" in message(quick))
    assert shown(quick)[0] == BUNDLED and quick.session.data is None
    assert quick.session.state is State.READY


@pytest.fixture
def silent(monkeypatch, tmp_path):
    """A download from a server that takes the call and says nothing; the folder it goes to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(download, "SOURCE", replace(download.SOURCE, urls=[address]))
        monkeypatch.setattr(session_module, "DOWNLOADS", tmp_path / "downloads")
        yield tmp_path / "downloads"


def test_a_download_holds_up_nobody(quick, silent):
    """Meanwhile a paused run of another page goes on; Cancel ends it at once and leaves nothing."""
    quick.window.show_page("digits")
    digits = Program(quick.qtbot, quick.window, "digits")
    digits.ready()
    digits.train(QUICK)
    digits.page.run_bar.transport.pause.click()
    digits.until(lambda: digits.session.state is State.PAUSED)
    stood = digits.session.history.loss.x[-1]
    choose(quick, FULL)
    assert quick.session.state is State.FETCHING
    digits.page.run_bar.transport.pause.click()
    digits.until(lambda: digits.session.history.loss.x[-1] > stood)
    assert quick.session.state is State.FETCHING
    quick.page.findChild(QPushButton, "cancelDownload").click()
    quick.until(lambda: quick.session.state is State.READY)
    assert "cancelled" in message(quick) and shown(quick)[0] == BUNDLED
    assert digits.session.state is State.TRAINING and not silent.exists()
    digits.stop()


def test_a_download_begins_beside_a_training(quick, silent):
    """It waits for no turn: only a server is slow."""
    quick.window.show_page("digits")
    digits = Program(quick.qtbot, quick.window, "digits")
    digits.ready()
    digits.train(QUICK)
    quick.window.show_page("names")
    choose(quick, FULL)
    quick.until(lambda: message(quick).startswith("Connecting"))
    before = digits.session.history.loss.x[-1]
    digits.until(lambda: digits.session.history.loss.x[-1] > before)
    quick.page.findChild(QPushButton, "cancelDownload").click()
    quick.until(lambda: quick.session.state is State.READY)
    digits.stop()
