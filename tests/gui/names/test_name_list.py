"""The list of names: what a row says, how it is chosen and copied, and what an update keeps."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from core.playgrounds.names.reports import Name
from gui import theme
from gui.names.name_list import NameList

NAMES = [
    Name("brogyacha", 0.000042, False),
    Name("bron", 0.12, True),
    Name("brody", 1 / 3210, True),
    Name("bro", 0.0, False),
]


@pytest.fixture
def names(qtbot):
    """A list of four names after "bro"."""
    made = NameList()
    qtbot.addWidget(made)
    made.resize(340, 240)
    made.show()
    made.show_names(NAMES, "bro")
    return made


def centre(names: NameList, row: int) -> QPoint:
    """Return the middle of a row, to be clicked."""
    return names.visualItemRect(names.item(row)).center()


def texts(names: NameList) -> list[str]:
    """Return the texts of all rows."""
    return [names.item(row).text() for row in range(names.count())]


def ink(names: NameList, row: int, left: float, right: float) -> int:
    """Count the pixels of a part of a row that differ from its ground."""
    names.clearFocus()
    area = names.visualItemRect(names.item(row))
    picture = names.viewport().grab(area).toImage()
    ground = picture.pixelColor(2, 2)
    columns = range(int(left * area.width()), int(right * area.width()))
    points = ((x, y) for x in columns for y in range(area.height()))
    return sum(picture.pixelColor(x, y) != ground for x, y in points)


def test_a_row_is_exactly_its_name(names) -> None:
    """The rows' texts are the names, in the order given."""
    assert texts(names) == [name.text for name in NAMES]


def test_a_row_explains_itself(names) -> None:
    """Pointing at a row says whether it is new and how probable its ending was."""
    point = centre(names, 0)
    at = names.viewport().mapToGlobal(point)
    QApplication.sendEvent(names.viewport(), QHelpEvent(QEvent.Type.ToolTip, point, at))
    assert QToolTip.text() == (
        "<p>brogyacha: new, not in the training list. After “bro”, this ending has a probability "
        "of 0.0042 %: about one in 24,000.</p>"
    )
    assert "bron: a copy, it stands in the training list." in names.item(1).toolTip()
    assert "too small" in names.item(3).toolTip()
    role = Qt.ItemDataRole.AccessibleDescriptionRole
    assert names.item(2).data(role) == "copy, 1 in 3,200"


def test_without_a_prefix_it_is_the_whole_name(names) -> None:
    """Names begun from nothing are judged as a whole, and no text is taken for markup."""
    names.show_names([Name("<b>ab", 0.5, False)], "")
    assert names.item(0).toolTip() == (
        "<p>&lt;b&gt;ab: new, not in the training list. As a whole it has a probability of "
        "50 %.</p>"
    )


def test_an_update_keeps_the_rows(names) -> None:
    """The rows that are there are rewritten; more are added and spare ones go."""
    first = names.item(0)
    names.show_names([Name("ada", 0.1, True)] * 6, "")
    assert names.item(0) is first and texts(names) == ["ada"] * 6
    names.show_names(NAMES[:2], "bro")
    assert names.item(0) is first and texts(names) == ["brogyacha", "bron"]


class Paints(QObject):
    """Counts how often a widget is painted."""

    count = 0

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_a_new_probability_alone_is_shown(names, qtbot) -> None:
    """The same name with another probability is painted anew, and says the new one."""
    names.show_names([Name("bron", 0.5, True)], "bro")
    before = names.viewport().grab().toImage()
    paints = Paints()
    names.viewport().installEventFilter(paints)
    qtbot.wait(100)  # what the rows that went have left to do
    paints.count = 0
    names.show_names([Name("bron", 0.001, True)], "bro")
    QApplication.processEvents()
    assert paints.count == 1
    assert "one in 1,000" in names.item(0).toolTip()
    assert names.viewport().grab().toImage() != before


def test_a_click_and_enter_choose_a_name(names, qtbot) -> None:
    """A click, or the arrow keys and Enter, tell the name."""
    with qtbot.waitSignal(names.nameChosen, timeout=1000) as caught:
        qtbot.mouseClick(names.viewport(), Qt.MouseButton.LeftButton, pos=centre(names, 1))
    assert caught.args == ["bron"]
    qtbot.keyClick(names, Qt.Key.Key_Down)
    with qtbot.waitSignal(names.nameChosen, timeout=1000) as caught:
        qtbot.keyClick(names, Qt.Key.Key_Return)
    assert caught.args == ["brody"]


def test_the_keyboard_begins_at_the_first_row(names, qtbot) -> None:
    """With the focus, Enter at once chooses the first name."""
    names.setFocus(Qt.FocusReason.TabFocusReason)
    assert not names.selectedItems()
    with qtbot.waitSignal(names.nameChosen, timeout=1000) as caught:
        qtbot.keyClick(names, Qt.Key.Key_Enter)
    assert caught.args == ["brogyacha"]


def test_all_names_are_copied_or_the_selected(names, qtbot) -> None:
    """Ctrl+C takes all names; with a selection, those; a click with Ctrl selects only."""
    qtbot.keyClick(names, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "brogyacha\nbron\nbrody\nbro"
    left, view = Qt.MouseButton.LeftButton, names.viewport()
    qtbot.mouseClick(view, left, pos=centre(names, 2))
    with qtbot.assertNotEmitted(names.nameChosen):
        qtbot.mouseClick(view, left, Qt.KeyboardModifier.ControlModifier, centre(names, 0))
    qtbot.keyClick(names, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "brogyacha\nbrody"


def test_a_selection_ends_with_its_names(names, qtbot) -> None:
    """The same names again leave the selection; other names take it away."""
    qtbot.mouseClick(names.viewport(), Qt.MouseButton.LeftButton, pos=centre(names, 2))
    names.show_names(NAMES, "bro")
    assert [item.text() for item in names.selectedItems()] == ["brody"]
    names.show_names([Name("ada", 0.1, True), *NAMES[1:]], "")
    assert not names.selectedItems()


def test_an_empty_list_has_a_hint(names) -> None:
    """Without names the hint stands in the middle, and no row is left."""
    names.set_hint("Train it first.")
    names.show_names([], "")
    assert names.count() == 0 and names.accessibleDescription() == "Train it first."
    with_hint = names.viewport().grab().toImage()
    names.set_hint("")
    assert names.viewport().grab().toImage() != with_hint


def test_copies_and_news_are_told_apart_without_colour(names) -> None:
    """Two rows that differ in nothing else differ in shape: a copy has a frame."""
    names.show_names([Name("ana", 0.01, True), Name("ana", 0.01, False)], "")
    assert ink(names, 0, 0.4, 0.7) > 1.5 * ink(names, 1, 0.4, 0.7) > 0


def test_the_prefix_is_quieter_than_the_rest(names) -> None:
    """What was given is painted otherwise than what the network made of it."""
    names.show_names([Name("nnnnnn", 0.01, True)], "nnn")
    area = names.visualItemRect(names.item(0))
    picture = names.viewport().grab(area).toImage()

    def darkest(left: int, right: int) -> int:
        points = ((x, y) for x in range(left, right) for y in range(area.height()))
        return min(picture.pixelColor(x, y).lightness() for x, y in points)

    wide = names.fontMetrics().horizontalAdvance("nnn")
    assert darkest(8, 8 + wide - 2) > darkest(8 + wide + 2, 8 + 2 * wide) + 25


def test_in_a_narrow_place_the_name_stays(names) -> None:
    """At 150 px a long name drops its probability, then its mark, before it is cut."""
    names.resize(150, 240)
    names.show_names([Name("brogyachana", 1e-5, False), Name("brox", 1e-5, True)], "bro")
    wide = names.fontMetrics().horizontalAdvance("brogyachana") + 12
    room = names.visualItemRect(names.item(0)).width()
    assert wide < room
    assert ink(names, 0, wide / room, 1.0) < ink(names, 1, wide / room, 1.0)
    names.resize(340, 240)
    assert ink(names, 0, 0.75, 1.0) > 0


def test_a_long_name_is_cut_and_its_probability_stays(names) -> None:
    """In a list of the usual width; a name of no letter has words in its place."""
    names.resize(284, 240)
    names.show_names([Name("osrpkszebahlspqmmczujgcwtqnfyarlwn", 1e-30, False)], "")
    usual = ink(names, 0, 0.75, 1.0)
    names.show_names([Name("zr", 1e-30, False)], "")
    assert ink(names, 0, 0.75, 1.0) == usual > 0
    names.show_names([Name("", 0.04, False)], "")
    assert ink(names, 0, 0.0, 0.3) > 0 and names.item(0).text() == ""


def test_a_thousand_names_of_all_scripts(names) -> None:
    """Many rows can be shown and scrolled, in any script and at any length."""
    words = ["Александр", "王小明", "محمد", "Ζωή", "a" * 200]
    rng = np.random.default_rng(0)
    many = [Name(words[i % 5] + str(i), float(rng.random() ** 9), i % 2 == 0) for i in range(1000)]
    names.show_names(many, "А")
    names.scrollToBottom()
    assert names.count() == 1000 and not names.grab().isNull()
    assert names.item(999).text() == many[999].text


def test_two_lists_have_names_of_their_own(qtbot) -> None:
    """A second list, to compare with, can be found by another name."""
    other = NameList("nameListOther")
    qtbot.addWidget(other)
    assert other.objectName() == "nameListOther" and other.accessibleName()


def test_it_follows_the_theme(names, qapp) -> None:
    """After a change of theme the names are painted in the new text colour."""
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        picture = names.viewport().grab(names.visualItemRect(names.item(0))).toImage()
    finally:
        theme.apply(qapp, "light")
    points = ((x, y) for x in range(8, 90) for y in range(picture.height()))
    assert max(picture.pixelColor(x, y).lightness() for x, y in points) > 200
