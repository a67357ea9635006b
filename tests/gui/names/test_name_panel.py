"""Beginnings and names on their page: without a network, with one, and with two."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from gui.names import name_panel
from gui.names import page as page_module
from gui.session_state import State


def texts(shown):
    """What stands in a list."""
    return [shown.item(row).text() for row in range(shown.count())]


def click(program, name):
    """Click a widget of the page, by its name."""
    QTest.mouseClick(program.page.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def painted(widget):
    """Whether more than one colour is seen in it."""
    image = widget.grab().toImage()
    places = ((x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2))
    return len({image.pixel(x, y) for x, y in places}) > 1


def compare(program, index):
    """Choose the network that stands beside the first."""
    box = program.page.findChild(QComboBox, "compareBox")
    box.setCurrentIndex(index)
    box.activated.emit(index)


def test_without_any_network_there_are_hints(bare, sixty):
    """Nothing is blank, nothing breaks whatever is clicked; the first training wakes the page."""
    panel = bare.page.names
    assert bare.session.weights is None and panel.names.count() == 0 and panel.bars.count() == 0
    assert painted(panel.names.viewport()) and painted(panel.bars)
    panel.prefix.setText("zoë")
    QTest.keyClicks(bare.page.surprise.input, "emma")
    for name in ("nextSeed", "letterBars", "openStarter"):
        click(bare, name)
    panel.settings.count.setValue(3)
    assert painted(bare.page.surprise.letters)
    for tab in range(bare.page.tabs.count()):
        bare.page.tabs.setCurrentIndex(tab)
    bare.turn_to("Letters")
    for name in ("mapSourceNetwork", "mapSourceDifference", "mapSourceData"):
        click(bare, name)
    assert painted(bare.page.letters.embedding.map)
    bare.turn_to("Models")
    table = bare.page.comparison_panel.table
    place = table.row_rect(2).center().toPoint()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert bare.session.state is State.READY and panel.names.count() == 0
    panel.settings.count.setValue(20)
    bare.page.names.prefix.setText("el")
    bare.learn(sixty)
    bare.until(lambda: bare.page.names.names.count() == 20)
    assert all(name.startswith("el") for name in texts(bare.page.names.names))
    bare.page.surprise.show_word("emma")
    assert "emma" in bare.page.findChild(QLabel, "surpriseSentence").text()


def test_bars_list_and_surprise_tell_the_same(quick):
    """A name's surprise is what its letters' bars say, and the odds beside it in the list."""
    panel = quick.page.names
    quick.until(lambda: panel.names.count() == 20)
    player = quick.page._player(quick.session.replica)
    for row in range(3):
        name = panel.names.item(row).name
        bars = []
        for at, letter in enumerate(name.text + "."):
            panel.prefix.setText(name.text[:at])
            bars.append(panel.bars._shares[player.letters.index(letter)])
        panel.prefix.setText("")
        quick.until(lambda row=row, name=name: panel.names.item(row).name == name)
        total = -np.log(bars).sum()
        assert player.surprise(name.text).total == pytest.approx(total, rel=1e-4)
        assert name.probability == pytest.approx(np.exp(-total), rel=1e-3)
        quick.page.surprise.show_word(name.text)
        sentence = quick.page.findChild(QLabel, "surpriseSentence").text()
        assert f"{total:.1f} nats" in sentence


def test_copies_are_marked_by_the_list_that_was_learned(quick, towns):
    """A name of the training list is a copy, every other is new; a list only chosen counts not."""
    from core.playgrounds.names.wordlist import bundled

    words, panel = set(bundled().train), quick.page.names
    panel.settings.count.setValue(200)
    quick.until(lambda: panel.names.count() == 200)
    marks = {(panel.names.item(i).name.known, panel.names.item(i).text()) for i in range(200)}
    assert marks == {(name in words, name) for name in texts(panel.names)}
    assert {known for known, _ in marks} == {True, False}
    quick.session.choose_data(towns)
    quick.until(lambda: quick.session.data == towns)
    click(quick, "nextSeed")
    quick.until(lambda: {panel.names.item(i).name.known for i in range(200)} == {True, False})


def test_a_network_with_other_letters_beside_this_one(quick, towns, sixty):
    """It says which letter it does not know; with nothing typed it writes its own."""
    quick.learn(sixty, towns)
    panel = quick.page.names
    titles = [panel.compare.itemText(i) for i in range(panel.compare.count())]
    compare(quick, titles.index(page_module.STARTER))
    quick.until(lambda: panel.others.count() == 20)
    assert panel.others.isVisible() and panel.title_other.isVisible()
    assert all(name.isascii() for name in texts(panel.others))
    panel.prefix.setText("Σ")
    quick.until(lambda: panel.others.count() == 0 and panel.names.count() == 20)
    assert "“Σ”" in panel.others._hint and painted(panel.others.viewport())
    panel.prefix.setText("")
    quick.until(lambda: panel.others.count() == 20)
    compare(quick, 0)
    assert not panel.others.isVisible() and panel.names.count() == 20


def test_the_second_network_stays_what_the_box_says(quick, sixty, monkeypatch):
    """When a network leaves the shelf, box and lists still agree on what is beside."""
    monkeypatch.setattr(page_module, "KEPT", 1)
    compare(quick, 1)
    quick.until(lambda: quick.page.names.others.count() == 20)
    quick.learn(sixty)
    box, others = quick.page.names.compare, quick.page.names.others
    assert others.isVisible() == (box.currentIndex() > 0)


def test_a_checkpoint_with_other_letters_plays(quick, greek_network):
    """It makes names, reads them, says what can't be judged, and may stand beside another."""
    quick.session.open_checkpoint(greek_network)
    message = quick.page.findChild(QLabel, "runMessage")
    quick.until(lambda: "does not know" in message.text())
    assert quick.session.state is State.READY
    panel = quick.page.names
    panel.prefix.setText("Αθ")
    quick.until(  # the names before it go one by one
        lambda: (
            panel.names.count() == 20 and all(name.startswith("Αθ") for name in texts(panel.names))
        )
    )
    quick.page.surprise.show_word("Αθήνα")
    assert "nats" in quick.page.findChild(QLabel, "surpriseSentence").text()
    quick.page.surprise.show_word("emma")
    assert "“e”" in quick.page.findChild(QLabel, "surpriseSentence").text()
    panel.prefix.clear()
    quick.session.open_starter()
    quick.until(lambda: quick.session.info.vocabulary["letters"].startswith(".a"))
    quick.ready()
    compare(quick, panel.compare.findText("greek"))
    quick.until(lambda: panel.others.count() == 20)
    panel.prefix.setText("Α")  # known to the second only; the first is asked first
    quick.until(lambda: panel.problem.isVisible())
    assert panel.names.count() == 0 and panel.others.count() == 0
    QTest.keyClick(panel.prefix, Qt.Key.Key_Backspace)
    quick.until(lambda: panel.names.count() == 20 and panel.others.count() == 20)


def test_a_capital_is_read_as_a_small_letter(quick):
    """The letters, the names and a hint go by what the network read; the box keeps what stands."""
    panel = quick.page.names
    QTest.keyClicks(panel.prefix, "Bro")
    quick.until(lambda: all(name.startswith("bro") for name in texts(panel.names)))
    assert panel.problem.isVisible() and panel.problem.property("role") == "small"
    assert panel.problem.text().startswith("Read as “bro”") and panel.bars.isEnabled()
    assert "after “bro”" in panel.bars.describe(1) and panel.prefix.text() == "Bro"
    panel.prefix.setText("bro")
    assert not panel.problem.isVisible()


def test_numbers_changed_while_it_trains_count_at_once(quick, letters_recipe):
    """Names wait for one another while a network learns, but not for the person."""
    panel = quick.page.names
    quick.train(letters_recipe)
    panel.settings.count.setValue(5)
    assert panel.names.count() == 5
    panel.prefix.setText("qu")
    quick.until(lambda: all(name.startswith("qu") for name in texts(panel.names)))
    quick.stop()


def test_names_follow_new_weights_at_once_if_not_too_often(quick, monkeypatch):
    """The list is that of the bars' weights; where weights come often, it rests in between."""
    panel, asked = quick.page.names, []
    quick.until(lambda: panel.names.count() == 20 and not panel._settle.isActive())
    names = panel.settings.names
    monkeypatch.setattr(panel.settings, "names", lambda *of: asked.append(of) or names(*of))
    panel._written = 0.0  # long ago
    panel.follow()
    assert panel._settle.isActive() and panel._settle.interval() == 0
    quick.until(lambda: len(asked) == 1)
    monkeypatch.setattr(name_panel, "CALM", 60.0)  # which is not over before the next line
    monkeypatch.setattr(name_panel, "SLOWEST", 60.0)
    panel.follow()
    rest = panel._settle.interval()
    assert 0 < rest <= 60_000
    panel.follow()
    assert panel._settle.interval() == rest, "its time does not begin anew"
    panel._settle.setInterval(0)
    quick.until(lambda: len(asked) == 2)


def test_what_was_never_met_leaves_nothing_of_what_was_typed_before(quick, letters_recipe):
    """No bars and no names; and the caption is that of the network, whichever comes."""
    panel = quick.page.names
    panel.prefix.setText("zo")
    assert panel.bars.count()
    panel.prefix.setText("zoë 9")
    assert not panel.bars.count() and not panel.names.count()
    quick.train(letters_recipe)
    quick.until(lambda: quick.session.weights is not None and quick.session.weights.step > 1)
    assert panel.network.text() == f"In training, step {quick.session.weights.step:,}"
    quick.stop()


def test_the_caption_is_of_the_step_that_wrote_the_names(quick, letters_recipe, monkeypatch):
    """New weights come more often than new names, and change it only together with them."""
    panel, session = quick.page.names, quick.session
    show, written, told = panel.names.show_names, [], []

    def show_names(names, prefix):
        written.append(session.weights.step)
        show(names, prefix)

    monkeypatch.setattr(panel.names, "show_names", show_names)
    session.weights_changed.connect(lambda: told.append((panel.network.text(), written[-1:])))
    quick.train(letters_recipe)
    quick.until(lambda: len(set(written)) > 3)
    quick.click("pauseButton")
    quick.until(lambda: session.state is State.PAUSED)
    said = [(words, step[0]) for words, step in told if step and "In training" in words]
    written_by = [(words.removesuffix(", paused"), step) for words, step in said]
    assert said and all(words == f"In training, step {step:,}" for words, step in written_by)
    now = f"In training, step {session.weights.step:,}, paused"
    quick.until(lambda: panel.network.text() == now)
    quick.stop()
    quick.until(lambda: panel.network.text().startswith("Run "))
