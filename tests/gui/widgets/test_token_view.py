"""Tokens as chips: what is shown, told and reached."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QScrollArea

from core.tokenizers import characters, train_bpe
from gui import theme
from gui.widgets import token_view
from gui.widgets.token_text import shown
from gui.widgets.token_view import TokenView
from tests.gui.hands import ink, middle, point_at

TEXT = "The old man and the sea.\nThe sea was calm, and the old man said nothing."


def pieces_of(text: str) -> list[tuple[bytes, int]]:
    """Return the tokens of a text: byte pairs that were learned on another."""
    tokenizer = train_bpe([TEXT * 3], 280)
    return [(tokenizer.bytes_of(token), int(token)) for token in tokenizer.encode(text)]


@pytest.fixture
def view(qtbot):
    """A view of a short text."""
    made = TokenView()
    qtbot.addWidget(made)
    made.resize(260, 300)
    made.show()
    made.show_tokens(pieces_of(TEXT))
    return made


@pytest.fixture
def scrolled(qtbot):
    """A view in a scroll area, as a page has it."""
    area = QScrollArea()
    qtbot.addWidget(area)
    area.setWidgetResizable(True)
    area.resize(300, 160)
    area.setWidget(TokenView())
    area.show()
    return area


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b" the", "·the"),
        (b"  ", "··"),
        (b" of the ", "·of the·"),
        (b".\n", ".↵"),
        (b"\n  ", "↵··"),
        (b"\tx", "→x"),
        (b"\xc3", "⟨c3⟩"),
        (b" \xf0\x9f", "·⟨f0 9f⟩"),
        ("é\u200b".encode(), "é⟨e2 80 8b⟩"),
        (b"\x00", "⟨00⟩"),
        ("\u0301".encode(), "◌\u0301"),
        ("🙂".encode(), "🙂"),
        (b"", ""),
    ],
)
def test_a_token_can_be_seen_whatever_its_bytes(raw: bytes, words: str) -> None:
    """Spaces, line ends, tabs, parts of characters and what is invisible have a picture."""
    assert shown(raw) == words


@pytest.mark.parametrize("width", [90, 260, 700])
def test_chips_wrap_within_the_width(view, width: int) -> None:
    """No chip leaves the widget, none lies on another, and their order is that of the text."""
    view.resize(width, 300)
    places = [view.rect_of(i) for i in range(view.count())]
    assert all(p.left() >= 0 and p.right() <= width for p in places)
    for one, next_one in pairwise(places):
        below = next_one.top() >= one.bottom() and next_one.left() < one.left() + 1
        assert below or (next_one.top() == one.top() and next_one.left() >= one.right())


def test_a_newline_ends_the_line(view) -> None:
    """What follows a token with a line's end begins a new line, however much room there is."""
    view.resize(3000, 300)
    at = next(i for i in range(view.count()) if b"\n" in pieces_of(TEXT)[i][0])
    tops = [view.rect_of(i).top() for i in range(view.count())]
    assert len(set(tops[: at + 1])) == len(set(tops[at + 1 :])) == 1
    assert tops[at] < tops[at + 1] and view.rect_of(at + 1).left() == view.rect_of(0).left()


def test_a_token_longer_than_the_line_is_shortened(view) -> None:
    """A token of 400 letters stays within the widget."""
    view.show_tokens([(b"a" * 400, 5), (b"b", 6)])
    assert view.rect_of(0).right() <= view.width()
    assert view.rect_of(1).top() > view.rect_of(0).top()


def test_the_id_stands_beneath_its_chip(view) -> None:
    """Under each chip there is the number, and only there; a longer one makes the chip wider."""
    view.show_tokens([(b"a", 1), (b"a", 1234567)])
    for i in range(2):
        below = view.rect_of(i).toRect()
        below.setTop(int(view.chip_of(i).bottom()) + 1)
        assert ink(view, below)
    assert view.rect_of(1).width() > view.rect_of(0).width() + 10


def test_the_height_follows_the_tokens(view, scrolled) -> None:
    """Narrower is higher; in a scroll area a long text can be scrolled to its end."""
    assert view.heightForWidth(120) > view.heightForWidth(260) > view.heightForWidth(2000)
    inside = scrolled.widget()
    inside.show_tokens(pieces_of(TEXT * 20))
    QApplication.processEvents()
    assert 200 < inside.rect_of(inside.count() - 1).bottom() <= inside.height()
    assert inside.height() == inside.heightForWidth(inside.width())
    assert scrolled.verticalScrollBar().maximum() > 0
    inside.show_tokens([])
    QApplication.processEvents()
    assert scrolled.verticalScrollBar().maximum() == 0


def test_pointing_at_a_token_tells_it(view, qtbot) -> None:
    """The mouse tells a token's place, outlines its chip, and says its number and bytes."""
    pieces = pieces_of(TEXT)
    index = next(i for i, (raw, _) in enumerate(pieces) if raw == b" the")
    times = sum(token == pieces[index][1] for _, token in pieces)
    before = view.grab().toImage()
    with qtbot.waitSignal(view.tokenHovered, timeout=1000) as caught:
        qtbot.mouseMove(view, middle(view, index))
    assert caught.args == [index]
    edge = view.chip_of(index).toRect()
    outlined = view.grab().toImage().pixelColor(edge.center().x(), edge.top())
    assert outlined.lightness() < before.pixelColor(edge.center().x(), edge.top()).lightness() - 40
    words = point_at(view, middle(view, index))
    assert words.startswith(f"Token {pieces[index][1]}\n“·the”, in bytes 20 74 68 65")
    assert times == 2 and "stands 2 times" in words
    with qtbot.waitSignal(view.tokenHovered, timeout=1000) as caught:
        qtbot.mouseMove(view, QPoint(250, 295))
    assert caught.args == [-1]


def test_an_emoji_is_told_byte_by_byte(view) -> None:
    """A character that the tokenizer has no token for is four chips, each a byte."""
    tokenizer = characters("abc")
    tokens = tokenizer.encode("a🙂")
    view.show_tokens([(tokenizer.bytes_of(token), int(token)) for token in tokens])
    told = [view.describe(i).split("\n")[1] for i in range(view.count())]
    assert told[1:] == [f"“⟨{b}⟩”, in bytes {b}" for b in ("f0", "9f", "99", "82")]
    assert "once" in view.describe(1)


def test_markup_in_a_token_is_no_markup(view) -> None:
    """A token that looks like HTML is shown as it is."""
    view.show_tokens([(b"<br>", 7)])
    words = point_at(view, middle(view, 0))
    assert "<br>" in words


def test_arrow_keys_go_through_the_tokens(view, qtbot) -> None:
    """Right goes on, Down goes to the chip below, and each says what it is."""
    view.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.current == 1
    qtbot.keyClick(view, Qt.Key.Key_Down)
    here, there = view.rect_of(1), view.rect_of(view.current)
    assert there.top() == here.top() + token_view.PITCH
    line = [p for p in map(view.rect_of, range(view.count())) if p.top() == there.top()]
    assert there == min(line, key=lambda p: abs(p.center().x() - here.center().x()))
    assert view.accessibleDescription() == view.describe(view.current)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.rect_of(view.current).top() == here.top()


def test_keys_scroll_to_what_they_reach(scrolled, qtbot) -> None:
    """In a scroll area the token that is gone to comes into view."""
    view = scrolled.widget()
    view.show_tokens(pieces_of(TEXT * 5))
    QApplication.processEvents()
    view.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(5):
        qtbot.keyClick(view, Qt.Key.Key_Down)
    top, place = scrolled.verticalScrollBar().value(), view.rect_of(view.current)
    assert 0 < top <= place.top() and place.bottom() <= top + scrolled.viewport().height()


def test_only_what_is_exposed_is_painted(view, monkeypatch) -> None:
    """Of 2,000 tokens those of the exposed lines are painted."""
    view.show_tokens([(b" word", i) for i in range(2000)])
    painted = []
    original = view._chips
    monkeypatch.setattr(
        view, "_chips", lambda painter, these: painted.append(these) or original(painter, these)
    )
    view.grab(QRect(0, 900, 260, 100))
    assert painted and 0 < len(painted[-1]) < 40
    tops = [view.rect_of(i).top() for i in painted[-1]]
    assert min(tops) <= 900 and max(tops) + token_view.PITCH >= 999


def test_without_a_text_there_is_a_hint(view, qtbot) -> None:
    """An empty view says what to do, and can be pointed at."""
    view.show_tokens([])
    assert view.accessibleDescription() == token_view.EMPTY
    assert ink(view, view.rect())
    qtbot.mouseMove(view, QPoint(130, 150))
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.count() == 0 and view.heightForWidth(260) == token_view.EMPTY_HEIGHT


def test_neighbours_differ_in_both_themes(view, qapp) -> None:
    """Chips that touch have different tints, in light and in dark, over the theme's colours."""
    view.show_tokens([(b" ", 1)] * 6)
    inside = [view.chip_of(i).topLeft().toPoint() + QPoint(6, 3) for i in range(6)]
    try:
        for name in ("light", "dark"):
            theme.apply(qapp, name)
            QApplication.processEvents()
            picture = view.grab().toImage()
            colours = [picture.pixelColor(point).name() for point in inside]
            assert len(set(colours[:5])) == 5 and colours[5] == colours[0]
    finally:
        theme.apply(qapp, "light")
