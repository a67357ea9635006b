"""The tour of the names page: begin a name, train, look at letters, compare models."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QListWidget, QWidget

from core.playgrounds.names.recipe import COMPARED_MODELS
from gui.names.bigram_card import BigramCard
from gui.names.letter_bars import LetterBars
from gui.names.page import Page
from gui.session_state import State
from gui.tour import Guide

ENDLESS, SHOWN = 1_000_000, 4_000  # steps of a run that is stopped, and until its picture
FEW = 3  # models of the comparison that the short tour waits for


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageNames")
    session = page.session
    guide.wait("the starter is loaded", lambda: session.state is State.READY)
    guide.wait("the starter is judged", lambda: bool(session.history.evaluations))
    _begin(guide, "bro")
    _click_name(guide)
    guide.look("names")
    _take_letter(guide, page)
    guide.show_block("memory")
    guide.turn_to("namesTabs", "Learning")
    _mute(guide, page)

    guide.train("lecture mlp", ENDLESS)
    _begin(guide, "kat")
    guide.wait("the layer table has a snapshot", lambda: len(session.history.layers) > 0)
    guide.wait("the loss falls", lambda: session.history.loss.x[-1] > SHOWN)
    guide.look("names-training")
    guide.turn_to("namesTabs", "Letters")
    _map_of_network(guide, page)
    guide.look("names-letters")
    _representations(guide, page)
    guide.click("stopButton")
    guide.finish()

    _range_test(guide, page)
    _model_comparison(guide, page)
    _two(guide, page)
    guide.turn_to("namesTabs", "Learning")


def _begin(guide: Guide, prefix: str) -> None:
    guide.type_text("namePrefix", prefix)
    guide.wait(f"names begin with {prefix}", lambda: _all_begin(guide, prefix))
    guide.say(f"names from {prefix}: {', '.join(_names(guide)[:4])}")


def _names(guide: Guide) -> list[str]:
    names = guide.find(QListWidget, "nameList")
    return [names.item(row).text() for row in range(names.count())]


def _all_begin(guide: Guide, prefix: str) -> bool:
    names = _names(guide)
    return bool(names) and all(name.startswith(prefix) for name in names)


def _click_name(guide: Guide) -> None:
    """Click a name; it is read letter by letter below."""
    names = guide.find(QListWidget, "nameList")
    place = names.visualItemRect(names.item(0)).center()
    QTest.mouseClick(names.viewport(), Qt.MouseButton.LeftButton, pos=place)
    words = guide.find(QLabel, "surpriseSentence")
    guide.wait("the name is read", lambda: names.item(0).text()[:10] in words.text())
    guide.expect(words.text(), "nats" in words.text())


def _take_letter(guide: Guide, page: Page) -> None:
    bars = guide.find(LetterBars, "letterBars")
    before = page.names.prefix.text()
    at = bars.rect_of(5).center()
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPointF(at).toPoint())
    after = page.names.prefix.text()
    guide.expect(f"a click on a bar takes its letter: {before} becomes {after}", after > before)


def _mute(guide: Guide, page: Page) -> None:
    """Mute a tenth of the embedding's dimensions: other letters follow, and other names."""
    before = _names(guide)
    guide.open_layer(0)
    guide.mute(*page.learning.layer.ablation.units[:12])
    guide.wait("other names are made", lambda: _names(guide) != before)
    guide.look("names-muted")
    guide.click("resetInterventions")
    guide.wait("the names are the same again", lambda: _names(guide) == before)
    guide.click("layerBack")


def _map_of_network(guide: Guide, page: Page) -> None:
    guide.click("mapSourceNetwork")
    card = page.letters.findChild(BigramCard)
    assert card is not None
    guide.wait("the network's own names are counted", lambda: card.map.count() > 0)
    guide.expect("the network's bigrams are on the map", card.map.isVisible())


def _range_test(guide: Guide, page: Page) -> None:
    guide.turn_to("namesTabs", "LR test")
    guide.click("sweepButton")
    use = guide.find(QAbstractButton, "useRate")
    guide.wait("a valley is found", use.isEnabled)
    guide.look("names-sweep")
    sentence = guide.find(QLabel, "sweepSentence").text()
    guide.expect(sentence, any(figure.isdigit() for figure in sentence))


def _model_comparison(guide: Guide, page: Page) -> None:
    guide.turn_to("namesTabs", "Models")
    guide.type_number("ladderLength", 20 if guide.long else 1)
    guide.click("trainLadder")
    results = page.comparison_panel.table.results
    wanted = len(COMPARED_MODELS) if guide.long else FEW
    guide.wait(f"{wanted} models are trained", lambda: len(results) >= wanted)
    if page.comparison.run.running:
        guide.click("stopLadder")
    guide.wait("the comparison has ended", lambda: not page.comparison.run.running)
    guide.expect(f"{len(results)} models are compared", len(results) >= wanted)
    guide.look("names-ladder")


def _two(guide: Guide, page: Page) -> None:
    box = page.names.compare
    guide.choose("compareBox", box.itemText(2))
    _begin(guide, "mar")
    others = guide.find(QWidget, "nameListOther")
    guide.wait("two networks answer", others.isVisible)
    guide.look("names-two")


def _representations(guide: Guide, page: Page) -> None:
    """Look at beginnings of names in the last hidden layer, while it learns."""
    guide.turn_to("namesTabs", "PCA")
    card = page.representation
    guide.wait("beginnings of names are in the plane", lambda: card.scatter.count() > 100)
    guide.look("names-pca")
