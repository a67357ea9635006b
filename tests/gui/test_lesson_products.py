"""Lesson 1 on the screen: its live parts are pointed at, dragged, drawn on and typed into."""

import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from core.playgrounds.digits.data import prepare
from core.playgrounds.digits.recipe import DigitsRecipe
from core.playgrounds.names.recipe import NamesRecipe
from gui import theme
from gui.lessons.parts import attention, convolution, layers, lookup, product, rows, softmax
from gui.session_state import State
from tests.gui.shelf import Shelf

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
FEW = {"steps": 20, "batch_size": 32, "augment": "none"}
CNN = DigitsRecipe(channels=(4, 6), kernel=3, **FEW)
MLP = DigitsRecipe(model="mlp", hidden=(24,), batch_norm=False, **FEW)


@pytest.fixture
def shelf(qtbot, qapp, runs, monkeypatch, tmp_path):
    """Playgrounds that have no network yet, and room for a part."""
    monkeypatch.setattr("gui.session.CHECKPOINTS", tmp_path)
    yield from opened(qtbot, "digits", "names", "text")


def opened(qtbot, *names):
    """Open a window with these playgrounds, torch loaded; close it at the end."""
    window = Shelf(*names)
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.worker.ready, timeout=60_000):
        window.worker.start()
    window.until = lambda condition: qtbot.waitUntil(condition, timeout=60_000)
    yield window
    window.close()


def learn(shelf, name, recipe):
    """Train a playground's network for the recipe's steps."""
    session, ended = shelf.pages[name].session, []
    session.ended.connect(ended.append)
    session.recipe = recipe
    session.start(1.0)
    shelf.until(lambda: bool(ended) and session.state is State.READY)
    return session.replica.model


def hover(board, point) -> None:
    """Move the mouse there; the offscreen platform's own cursor does not tell of it reliably."""
    kind, none = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
    there, no_key = QPointF(point), Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(kind, there, board.mapToGlobal(there), none, none, no_key)
    QApplication.sendEvent(board, move)


def cell(board, name, row, column) -> QPoint:
    """Return the middle of a cell."""
    return board.grids()[name].cell(row, column).center().toPoint()


def drag(board, edge, way) -> None:
    """Drag an edge so far."""
    start = board.grips()[edge].center().toPoint()
    QTest.mousePress(board, LEFT, pos=start)
    for share in (0.5, 1.0):
        QTest.mouseMove(board, start + way * share)
        QApplication.processEvents()
    QTest.mouseRelease(board, LEFT, pos=start + way)


# A small layer.


def test_a_result_says_its_sum(shelf):
    """A number of y that is pointed at is told as a sum of its row and its column."""
    part = shelf.show_part(product.Part(shelf.room, {}))
    board, cut = part.board, part.layer.cut(part.sizes)
    hover(board, cell(board, "y", 2, 1))
    assert board.spot == ("y", 2, 1)
    words = board.describe().replace("−", "-")
    assert words.startswith("y is ") and words.endswith(f"= {cut['y'][2, 1]}")
    for x, w in zip(cut["x"][2], cut["w"][:, 1], strict=True):
        assert f"{x}·{w}" in words


def test_sizes_are_dragged_and_typed(shelf):
    """The edges change the sizes, the fields follow; and the other way round."""
    part = shelf.show_part(product.Part(shelf.room, {}))
    drag(part.board, "batch", QPoint(0, 70))
    drag(part.board, "inputs", QPoint(50, 0))
    assert (part.sizes.batch, part.sizes.inputs, part.sizes.rows) == (5, 3, 3)
    assert part.fields["rows"].value() == 3 and "y (5 × 2)" in part.result.text()
    part.fields["outputs"].setValue(4)
    assert part.board.grids()["y"].columns == 4


def test_inner_sizes_set_apart_leave_no_result(shelf):
    """There is a sentence in place of the sum; tied together again they fit."""
    part = shelf.show_part(product.Part(shelf.room, {}))
    QTest.mouseClick(part.together, LEFT, pos=QPoint(8, part.together.height() // 2))
    drag(part.board, "rows", QPoint(0, -40))
    assert (part.sizes.inputs, part.sizes.rows) == (4, 5)
    assert "y" not in part.board.grids() and "?" in part.result.text()
    assert "A row of x has 4 numbers, but a column of W has 5 weights" in part.board.describe()
    part.together.click()
    assert part.sizes.fits and "y" in part.board.grids()


def test_a_weight_that_is_turned_changes_its_column_alone(shelf):
    """With a click, with the right button, and with a key."""
    part = shelf.show_part(product.Part(shelf.room, {}))
    before = part.layer.cut(part.sizes)["y"].copy()
    QTest.mouseClick(part.board, LEFT, pos=cell(part.board, "w", 0, 1))
    changed = part.layer.cut(part.sizes)["y"] != before
    assert changed[:, 1].any() and not changed[:, 0].any()
    QTest.mouseClick(part.board, RIGHT, pos=cell(part.board, "w", 0, 1))
    assert (part.layer.cut(part.sizes)["y"] == before).all()
    QTest.keyClicks(part.board, "+-")
    assert (part.layer.cut(part.sizes)["y"] == before).all()


def test_the_arrow_keys_go_from_matrix_to_matrix(shelf):
    """From y to the left lies x, upwards b and then W."""
    board = shelf.show_part(product.Part(shelf.room, {})).board
    for key, name in (
        (Qt.Key.Key_Left, "x"),
        (Qt.Key.Key_Right, "y"),
        (Qt.Key.Key_Up, "b"),
        (Qt.Key.Key_Up, "w"),
        (Qt.Key.Key_Down, "b"),
    ):
        QTest.keyClick(board, key)
        assert board.spot[0] == name
        assert board.accessibleDescription() == board.describe()


# A digit in the network.


def test_without_a_network_the_parts_say_so(shelf):
    """No part is empty or puzzling before the first training."""
    part = shelf.show_part(layers.Part(shelf.room, {}))
    assert part.source.text() == "There is no network yet: train one on the Digits page."
    assert "nothing to be summed" in shelf.show_part(rows.Part(shelf.room, {})).title.text()
    other = shelf.show_part(lookup.Part(shelf.room, {}))
    assert other.source.text() == "There is no network yet: train one on the Names page."


@pytest.mark.parametrize("recipe", [CNN, MLP], ids=["cnn", "mlp"])
def test_a_drawn_digit_goes_through_the_network_that_was_trained(shelf, recipe):
    """The scores are the network's own; another network, other layers."""
    part = shelf.show_part(layers.Part(shelf.room, {}))
    model = learn(shelf, "digits", recipe)
    shelf.until(lambda: "after 20 steps" in part.source.text())
    assert len(part.stages.buttons) == len(part.digit.stages)
    QTest.mouseClick(part.findChild(QWidget, "lessonClear"), LEFT)
    shelf.until(lambda: part.digit.picture is None)
    assert part.words.text() == layers.BLANK
    for y in (60, 100, 140, 180):
        QTest.mousePress(part.canvas, LEFT, pos=QPoint(118, y))
        QTest.mouseMove(part.canvas, QPoint(118, y + 30))
        QTest.mouseRelease(part.canvas, LEFT, pos=QPoint(118, y + 30))
    shelf.until(lambda: part.digit.picture is not None)
    with torch.no_grad():
        scores = model(prepare(torch.from_numpy(part.digit.picture)[None]))[0].numpy()
    assert part.digit.scores == pytest.approx(scores, abs=1e-5)


def test_a_clicked_output_is_summed_below(shelf):
    """Of a filter, at the place that was clicked on its map; row after row on the slider."""
    learn(shelf, "digits", CNN)
    above = shelf.show_part(layers.Part(shelf.room, {}))
    shelf.until(lambda: bool(above.digit.stages))
    QTest.mouseClick(above.outputs, LEFT, pos=cell(above.outputs, "units", 0, 2))
    QTest.mouseClick(above.outputs, LEFT, pos=cell(above.outputs, "map", 11, 9))
    part = shelf.show_part(rows.Part(shelf.room, {}))
    assert part.title.text() == "Conv 1, filter 3, at row 12, column 10"
    said = above.digit.here.outputs[2, 11, 9]
    assert f"relu makes **{said:.2f}**" in part.words.words
    part.slider.setFocus()
    QTest.keyClick(part.slider, Qt.Key.Key_Home)
    QTest.keyClick(part.slider, Qt.Key.Key_Right)
    assert "The first 1 of 3 rows" in part.words.words
    QTest.mouseClick(part.play, LEFT)
    assert part.slider.value() == 0
    shelf.until(lambda: part.slider.value() == 3)


def test_the_last_layers_outputs_are_scores_of_digits(shelf):
    """Chosen with the buttons of the layers and the keyboard."""
    learn(shelf, "digits", MLP)
    part = shelf.show_part(layers.Part(shelf.room, {}))
    shelf.until(lambda: bool(part.digit.stages))
    QTest.mouseClick(part.stages.buttons["1"], LEFT)
    assert part.digit.here is part.digit.stages[-1]
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(part.outputs, key)
    assert part.digit.unit == 2
    below = shelf.show_part(rows.Part(shelf.room, {}))
    assert below.title.text() == "Output: the score of 2"


def test_a_temperature_evens_the_shares_and_keeps_their_order(shelf):
    """What is shown at 1 is what the Digits page says."""
    learn(shelf, "digits", MLP)
    part = shelf.show_part(softmax.Part(shelf.room, {}))
    part.digit.follow()
    replica = part.session.replica
    right = replica.playground.read(replica.model, replica.recipe, part.digit.picture)
    shares = part.board.columns[3]
    assert part.number.text() == "1.00" and shares == pytest.approx(right, abs=1e-5)
    part.slider.setFocus()
    QTest.keyClick(part.slider, Qt.Key.Key_End)
    hot = part.board.columns[3]
    assert part.temperature == 10.0 and hot.max() < shares.max()
    assert (hot.argsort() == shares.argsort()).all()
    hover(part.board, cell(part.board, "÷ their sum", 4, 0))
    assert part.board.describe().endswith("the share of 4.")


# A table, a filter, a head.


def test_a_letter_picks_its_row_and_two_add_theirs(shelf):
    """The numbers are those of the embedding that was trained."""
    recipe = NamesRecipe(model="mlp", embedding=6, hidden=(16,), context=3, steps=20)
    model = learn(shelf, "names", recipe)
    part = shelf.show_part(lookup.Part(shelf.room, {}))
    table = model.embedding.product.weight.detach().numpy()
    board, letters = part.board, model.alphabet.letters
    QTest.mouseClick(board, LEFT, pos=cell(board, "letters", 5, 0))
    assert board.result() == pytest.approx(table[5])
    assert f"One 1, at “{letters[5]}”" in part.words.words
    QTest.mouseClick(board, LEFT, pos=cell(board, "ones", 2, 0))
    assert board.result() == pytest.approx(table[5] + table[2], abs=1e-6)
    assert "their rows are added" in part.words.words
    learn(shelf, "names", NamesRecipe(model="bigram-count"))
    shelf.until(lambda: "counts pairs" in part.words.words)
    assert not board.isVisible()


def test_a_filter_of_the_network_slides(shelf):
    """Its first filter, over pixels as the network meets them; its copies are counted."""
    model = learn(shelf, "digits", CNN)
    part = shelf.show_part(convolution.Part(shelf.room, {}))
    weights = model.conv[0].product.weight[0, 0].detach().numpy()
    assert part.board.weights == pytest.approx(weights)
    assert "only **9 weights**: each stands in it 9 times" in part.words.words
    QTest.mouseClick(part.play, LEFT)
    shelf.until(lambda: part.board.spot == ("result", 0, 1))
    hover(part.board, cell(part.board, "filter", 1, 1))
    assert "Weight 5 of the filter" in part.board.describe()


def test_a_network_without_filters_gets_one_by_hand(shelf):
    """And the part says so."""
    learn(shelf, "digits", MLP)
    part = shelf.show_part(convolution.Part(shelf.room, {}))
    assert "no filters" in part.title.text()


def test_without_attention_there_is_an_example(shelf):
    """The part says so, and its fields wait."""
    part = shelf.show_part(attention.Part(shelf.room, {}))
    assert not part.prompt.isEnabled() and "made by hand" in part.words.words
    hover(part.board, cell(part.board, "shares", 3, 2))
    assert "“it” looks at “cat” with" in part.board.describe()
    hover(part.board, cell(part.board, "scores", 0, 3))
    assert "no token looks ahead" in part.board.describe()


def test_a_typed_prompt_is_attended_to(qtbot, qapp, runs):
    """By the head that is chosen of the shipped network; an empty one is a line's end."""
    for window in opened(qtbot, "text"):
        part = window.show_part(attention.Part(window.room, {}))
        window.until(lambda part=part: part.prompt.isEnabled())
        assert part.head.count() == 4 and "after 6,000 steps" in part.source.text()
        before = part.board.look.scores
        part.prompt.setFocus()
        QTest.keyClick(part.prompt, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(part.prompt, "Good night")
        assert len(part.board.words) < len(before) and part.board.words[0] == "Good"
        scores = part.board.look.scores
        part.head.setFocus()
        QTest.keyClick(part.head, Qt.Key.Key_Up)
        assert (part.board.look.scores != scores).any()
        part.prompt.clear()
        assert part.board.words == ["↵"]


def test_the_parts_change_with_the_theme(shelf, qapp):
    """What is painted takes the colours of the other theme."""
    part = shelf.show_part(product.Part(shelf.room, {}))
    light = part.board.grab().toImage()
    theme.apply(qapp, "dark")
    dark = part.board.grab().toImage()
    theme.apply(qapp, "light")
    assert light != dark
