"""What comes back at the next start, through real starts of the program."""

import base64
import json

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QWidget

from core import paths
from core.runs.folder import LAST
from gui import app, theme
from gui.session_state import State
from gui.state_file import write_state
from gui.widgets.widget_values import give_values, values_of
from tests.gui.conftest import Program


@pytest.fixture
def start(qtbot, qapp, ship, small_starter, runs, tmp_path, monkeypatch):
    """Start the program as a person does, with a file of this test's own; ends what was started."""
    monkeypatch.setattr(paths, "SETTINGS", tmp_path / "settings.json")
    ship("digits")
    ship("names", source=small_starter)
    windows = []

    def begin(page="digits", words=()):
        windows.append(app.build(["--device", "cpu", *words])[1])
        qtbot.addWidget(windows[-1])
        return Program(qtbot, windows[-1], page) if page else windows[-1]

    yield begin
    for window in windows:
        window.close()
    theme.apply(qapp, "light")


def everything_loaded(program):
    """Wait until the network of each page that has one answers."""
    for page in ("digits", "names"):
        session = program.window.pages[page].session
        program.until(lambda s=session: s.state is State.READY and s.weights is not None)


def test_a_start_goes_on_where_the_last_one_ended(start, towns, sixty):
    """Place, theme and page; recipe, data, network, drawing, prefix, prompt, tab, lesson."""
    first = start("names", ["--theme", "light"])
    window, names = first.window, first.page
    everything_loaded(first)
    window.setGeometry(60, 40, 1300, 740)
    QTest.mouseClick(window.findChild(QWidget, "themeButton"), Qt.MouseButton.LeftButton)
    described = []
    first.session.data_chosen.connect(described.append)
    first.session.choose_data(towns)
    first.until(lambda: bool(described) and first.session.state is State.READY)
    first.learn(sixty, data=towns)
    kept = names.network.words
    assert kept.startswith("run names-")
    names.names.prefix.setText("Αθ")
    names.names.settings.temperature.setValue(0.5)
    names.tabs.setCurrentIndex(1)
    text = window.pages["text"]
    text.write.prompt.setPlainText("To be\n")
    text.session.draft.set("lr", 0.125)
    text.run_bar.transport.length.setValue(123)
    window.show_page("digits")
    canvas = window.pages["digits"].draw.canvas
    for place in (QPoint(60, 60), QPoint(90, 120)):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    ink = canvas.ink()
    window.pages["doctor"].controls.choose("text")
    window.show_page("lessons", "3-gradients")
    lesson = window.pages["lessons"].list.chosen()
    window.show_page("names")
    window.close()

    again = start(None)
    assert again.page_name == "names" and theme.current() is theme.DARK
    # As wide as the screen of a test, which is smaller; its height is the last one.
    assert (again.y(), again.height()) == (window.y(), window.height())
    second = Program(first.qtbot, again, "names")
    everything_loaded(second)
    page = second.page
    assert page.session.data == towns and page.session.recipe == sixty
    assert page.network.words == kept and page.session.trained == sixty
    assert page.names.prefix.text() == "Αθ" and page.names.settings.temperature.value() == 0.5
    assert page.tabs.currentIndex() == 1
    text = again.pages["text"]
    assert text.write.prompt.toPlainText() == "To be\n" and text.session.recipe.lr == 0.125
    assert text.run_bar.transport.seconds == 123
    assert not text.session.draft.can_undo, "there is no way back into the last start"
    assert (again.pages["digits"].draw.canvas.ink() == ink).all() and ink.any()
    assert again.pages["doctor"].controls.patients.key() == "text"
    assert again.pages["lessons"].list.chosen() == lesson
    assert not again.notices.isVisible()


def test_a_training_that_the_end_interrupted_is_used_at_the_next_start(start):
    """Its network is kept as it was when the window was closed."""
    first = start("digits", ["--theme", "light"])
    everything_loaded(first)
    first.train()
    first.until(lambda: first.page.network.words.startswith("in training"))
    first.window.close()
    second = start("digits")
    everything_loaded(second)
    assert second.page.network.path == first.session.record / LAST
    assert second.page.network.words.startswith(f"run {first.session.record.name}, step")


def test_a_start_that_is_ended_at_once_forgets_nothing(qtbot, start, towns, trained, monkeypatch):
    """Data and network that torch has not read yet are kept; and all is kept before the end."""
    pages = {
        "names": {"data": str(towns)},
        "digits": {"network": str(trained), "drawing": {"ink": "nothing"}},
    }
    write_state(paths.SETTINGS, {"data": None, "pages": pages})
    monkeypatch.setattr(app, "SAVE", 50)
    window = start(None)
    window.worker.ready.disconnect()  # torch is never there
    window.show_page("text")
    window.pages["text"].write.prompt.setPlainText("Before the end")

    def kept():
        return json.loads(paths.SETTINGS.read_text())["pages"]

    def written():
        return "text" in kept() and "Before" in kept()["text"]["widgets"]["textPrompt"]

    qtbot.waitUntil(written, timeout=60_000)
    assert kept()["names"]["data"] == str(towns)
    assert kept()["digits"]["network"] == str(trained)


def test_what_is_gone_or_makes_no_sense_is_said(start, tmp_path):
    """A sentence each, and the program starts with what it has."""
    first = start("digits", ["--theme", "light"])
    first.window.close()
    values = json.loads(paths.SETTINGS.read_text())
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing of the kind")
    values["page"] = "kitchen"
    values["geometry"] = "no geometry"
    values["pages"]["digits"] |= {
        "recipe": {"lr": "fast"},
        "network": str(tmp_path / "gone.safetensors"),
        "drawing": {"ink": "nothing"},
        "seconds": -4,
        "widgets": {"digitsTabs": "Nowhere", "penWidth": 10**20},
    }
    values["pages"]["names"] |= {"data": str(tmp_path / "gone.txt"), "network": str(broken)}
    values["pages"]["text"] = {"widgets": {"textPrompt": 5, "runsSplitter": "wide"}, "recipe": 7}
    values["pages"]["runs"] = [1, 2]
    paths.SETTINGS.write_text(json.dumps(values))
    second = start("digits")
    said = second.window.notices.words.text()
    for words in ("lr=fast", "gone.safetensors", "drawing", "gone.txt"):
        assert words in said, words
    assert len(said.splitlines()) == 4
    everything_loaded(second)
    names = second.window.pages["names"]
    assert second.page.network.words == names.network.words == "the shipped network"
    assert "broken" in names.run_bar.message.text()
    assert second.window.notices.isVisible()
    QTest.mouseClick(second.window.findChild(QWidget, "closeNotice"), Qt.MouseButton.LeftButton)
    assert not second.window.notices.isVisible()


def test_a_broken_file_is_a_sentence_and_fresh_leaves_it_alone(start):
    """``--fresh`` neither reads nor writes it; a start without it keeps it aside."""
    paths.SETTINGS.write_text("{")
    fresh = start("digits", ["--fresh"])
    assert not fresh.window.notices.isVisible()
    fresh.window.close()
    assert paths.SETTINGS.read_text() == "{"
    window = start(None)
    assert "damaged" in window.notices.words.text()
    assert len(list(paths.SETTINGS.parent.glob("settings-unusable-*.json"))) == 1
    window.close()
    assert json.loads(paths.SETTINGS.read_text())["page"] == "digits"


@pytest.mark.parametrize("place", ["file/settings.json", "folder"])
def test_where_nothing_can_be_written_the_program_starts(start, tmp_path, monkeypatch, place):
    """It says at once that nothing will be remembered, in one sentence."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(paths, "SETTINGS", tmp_path / place)
    window = start(None)
    words = window.notices.words.text()
    assert "will not be remembered" in words and "\n" not in words


def test_a_window_from_a_screen_that_is_gone_comes_back_onto_one(qtbot, start):
    """As it was, but where it can be seen."""
    far = QMainWindow()
    qtbot.addWidget(far)
    far.setGeometry(20_000, 9_000, 1290, 730)
    place = base64.b64encode(far.saveGeometry().data()).decode()
    write_state(paths.SETTINGS, {"geometry": place})
    window = start(None)
    screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    assert any(screen.intersects(window.frameGeometry()) for screen in screens)


def test_a_splitter_divides_as_it_did(qtbot, start):
    """On a page that was not seen yet; sizes that make no sense change nothing."""
    (halves,) = start(None).pages["runs"].kept_widgets()
    before = halves.sizes()
    for sizes in ([1], [-5, 300], ["a", "b"], [10**30, 5]):
        give_values([halves], {"runsSplitter": sizes})
        assert halves.sizes() == before
    for widget in (halves.widget(0), halves.widget(1)):
        widget.setMinimumHeight(1)  # the screen of a test has no room for more
    upper, lower = before
    give_values([halves], {"runsSplitter": [upper + 40, lower - 40]})
    assert values_of([halves])["runsSplitter"][0] == upper + 40


def test_the_command_line_goes_before_what_was_remembered(start, tmp_path):
    """A page, a theme and data that are named are followed."""
    kept = {"theme": "dark", "page": "text", "data": None, "pages": {"names": {"data": None}}}
    write_state(paths.SETTINGS, kept)
    window = start(None, ["--theme", "light", "--page", "names", "--data", str(tmp_path)])
    assert window.page_name == "names" and theme.current() is theme.LIGHT
    assert window.pages["names"].session.first_data == tmp_path
