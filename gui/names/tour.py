"""The tour of the names page: begin a name, train, look at letters, climb the ladder."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QListWidget, QTableWidget, QWidget

from gui.names.bigram_card import BigramCard
from gui.names.letter_bars import LetterBars
from gui.names.page import LADDER, Page
from gui.session_state import State
from gui.tour import Guide


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

    guide.train("lecture mlp", guide.seconds)
    _begin(guide, "kat")
    guide.wait("layers are on the wall", lambda: len(session.history.layers) > 0)
    guide.look("names-training")
    guide.turn_to("namesTabs", "Letters")
    _map_of_network(guide, page)
    guide.look("names-letters")
    guide.click("stopButton")
    guide.finish()

    _sweep(guide, page)
    _ladder(guide, page)
    _two(guide, page)
    guide.turn_to("namesTabs", "Learning")


def _begin(guide: Guide, prefix: str) -> None:
    guide.type_text("namePrefix", prefix)
    guide.wait(f"names begin with {prefix}", lambda: _all_begin(guide, prefix), 10)
    guide.expect(f"names go on from {prefix}: {', '.join(_names(guide)[:4])}", True)


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
    guide.wait("the name is read", lambda: names.item(0).text()[:10] in words.text(), 10)
    guide.expect(words.text(), "nats" in words.text())


def _take_letter(guide: Guide, page: Page) -> None:
    bars = guide.find(LetterBars, "letterBars")
    before = page.names.prefix.text()
    at = bars.rect_of(5).center()
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPointF(at).toPoint())
    after = page.names.prefix.text()
    guide.expect(f"a click on a bar takes its letter: {before} becomes {after}", after > before)


def _map_of_network(guide: Guide, page: Page) -> None:
    guide.click("mapSourceNetwork")
    card = page.letters.findChild(BigramCard)
    guide.wait("the network's own names are counted", lambda: card.map.count() > 0)
    guide.rest(1500)
    guide.expect("the bigrams of the list, and of the network's names, are on the map", True)


def _sweep(guide: Guide, page: Page) -> None:
    guide.turn_to("namesTabs", "Learning rate")
    guide.click("sweepButton")
    use = guide.find(QAbstractButton, "useRate")
    guide.wait("a valley is found", use.isEnabled)
    guide.look("names-sweep")
    guide.expect(guide.find(QLabel, "sweepSentence").text(), True)


def _ladder(guide: Guide, page: Page) -> None:
    guide.turn_to("namesTabs", "Ladder")
    guide.type_number("ladderLength", max(1, round(guide.seconds / 6)))
    guide.click("trainLadder")
    table = guide.find(QTableWidget, "ladderTable")
    guide.wait("the first rung is done", lambda: bool(page.ladder.table.results))
    longest = 30 * len(LADDER) + 2 * guide.seconds
    guide.wait("the ladder is climbed", lambda: not page.climb.climbing, longest)
    done = len(page.ladder.table.results)
    guide.expect(f"{done} of {table.rowCount()} rungs have a result", done == len(LADDER))
    guide.look("names-ladder")


def _two(guide: Guide, page: Page) -> None:
    box = page.names.compare
    guide.choose("compareBox", box.itemText(2))
    _begin(guide, "mar")
    others = guide.find(QWidget, "nameListOther")
    guide.wait("two networks answer", others.isVisible)
    guide.look("names-two")
