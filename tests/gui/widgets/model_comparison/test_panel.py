"""The comparison on the screen: what is asked for, what was reached, and what is best."""

import math
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QToolTip,
)

from core.model_comparison import ComparedModel, Result
from core.playgrounds.digits.recipe import MEASURE as DIGITS
from core.playgrounds.names.recipe import MEASURE
from gui import theme
from gui.widgets.model_comparison.panel import ComparisonPanel
from gui.widgets.model_comparison.picture import ComparisonPicture
from gui.widgets.model_comparison.table import ComparisonTable
from gui.widgets.model_comparison.text import span
from gui.widgets.table_cells import Header

RECIPES = {"lecture": "l", "tuned": "t"}
MODELS = [
    ComparedModel("bigram-count", "counts <pairs> of letters", RECIPES, 2.454, "Part 1"),
    ComparedModel("bigram", "learns the counts", RECIPES, 2.49, "Part 1"),
    ComparedModel("mlp", "sees three letters", RECIPES, 2.17, "Part 2"),
    ComparedModel("mlp-bn", "keeps its layers alive", RECIPES, 2.1057, "Part 3"),
    ComparedModel("wavenet", "joins letters two by two", RECIPES, 1.9937, "Part 5"),
    ComparedModel("gru", "reads and remembers", RECIPES, None, "makemore.py"),
    ComparedModel("transformer", "looks back", RECIPES, 1.92, "makemore.py"),
]
COUNT = Result("count", 729, 1, 0.02, 2.4543, 2.4551)
MLP = Result("mlp-tuned", 11_897, 12_000, 20.1, 2.05, 2.1)
WAVENET = Result("wave-tuned", 76_579, 4_000, 140.0, 1.80, 1.991)
ROW = {compared.model: row for row, compared in enumerate(MODELS)}


@pytest.fixture
def panel(qtbot):
    """A panel on the screen, before any training."""
    made = ComparisonPanel(MODELS, MEASURE)
    qtbot.addWidget(made)
    made.resize(700, 640)
    made.show()
    return made


@pytest.fixture
def filled(panel):
    """A panel with three results."""
    for model, result in (("bigram-count", COUNT), ("mlp", MLP), ("wavenet", WAVENET)):
        panel.show_result(model, result)
    QApplication.processEvents()
    return panel


def table_of(panel) -> ComparisonTable:
    """Return the table of a panel."""
    return panel.findChild(ComparisonTable, "ladderTable")


def texts(panel, model: str) -> list[str]:
    """Return what stands in a model's row."""
    table = table_of(panel)
    return [table.item(ROW[model], column).text() for column in range(table.columnCount())]


def middle(table, model: str) -> QPoint:
    """Return a place in a model's row."""
    return table.visualItemRect(table.item(ROW[model], 1)).center()


def named(panel, kind, name: str):
    """Return a widget of the panel by its name."""
    return panel.findChild(kind, name)


def test_all_models_stand_there_before_any_training(panel) -> None:
    """Each model has its row and its lecture's loss; a lecture that told none has a dash."""
    assert texts(panel, "wavenet") == ["wavenet", "", "", "", "", "1.994"]
    assert texts(panel, "gru")[-1] == "–"
    lecture = table_of(panel).item(ROW["wavenet"], 5).toolTip()
    assert "Part 5" in lecture and "1.9937" in lecture


def test_a_result_fills_its_row(filled) -> None:
    """Parameters, both losses and the time stand in the row; steps and recipe in its tooltip."""
    row = ["mlp", "11,897", "2.050", "2.100", "20 s", "2.170"]
    assert texts(filled, "mlp") == row
    help = table_of(filled).item(ROW["mlp"], 3).toolTip()
    assert "12,000 steps" in help and "mlp-tuned" in help and "Enter" in help
    assert texts(filled, "gru")[1:5] == [""] * 4


def test_an_idea_is_text_not_markup(filled) -> None:
    """What is written in angle brackets reaches the reader."""
    help = table_of(filled).item(0, 0).toolTip()
    assert "&lt;pairs&gt;" in help


def test_the_best_is_marked_by_star_and_weight(filled) -> None:
    """Only the lowest dev loss is bold with a star, and the mark moves on."""
    table = table_of(filled)
    starred = [model for model, row in ROW.items() if table.look(row, 3).star]
    assert starred == ["wavenet"] and table.look(ROW["wavenet"], 3).bold
    filled.show_result("gru", Result("g", 1, 1, 1.0, 1.9, 1.95))
    assert table.look(ROW["gru"], 3).star and not table.look(ROW["wavenet"], 3).star


def test_a_loss_that_blew_up_is_never_the_best(filled) -> None:
    """A loss that is NaN is said as such, and is left out of star and picture."""
    filled.show_result("gru", Result("g", 1, 9, 1.0, math.nan, math.nan))
    assert texts(filled, "gru")[2:4] == ["NaN", "NaN"]
    assert table_of(filled).best == "wavenet"
    assert "diverged" in table_of(filled).item(ROW["gru"], 3).toolTip()
    filled.grab()


def test_who_learns_by_heart_is_told_so(filled) -> None:
    """Only where dev and train loss are far apart does the tooltip speak of overfitting."""
    table = table_of(filled)
    assert "overfits" in table.item(ROW["wavenet"], 3).toolTip()
    assert "overfits" not in table.item(ROW["mlp"], 3).toolTip()


def test_a_double_click_chooses_a_result(filled, qtbot) -> None:
    """A double click on a row with a result hands its model on; without one, nothing happens."""
    table, chosen = table_of(filled), []
    filled.rowChosen.connect(chosen.append)
    for model in ("gru", "mlp"):
        at = middle(table, model)
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert chosen == ["mlp"]


def test_enter_chooses_a_result(filled, qtbot) -> None:
    """Arrows and Enter do it without a mouse; Tab does not get caught in the table."""
    table, chosen = table_of(filled), []
    filled.rowChosen.connect(chosen.append)
    table.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(table, key)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Enter)
    assert chosen == ["bigram-count", "mlp"]
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert not table.hasFocus()


def test_training_is_asked_for(panel, qtbot) -> None:
    """The button hands on recipes and seconds as they are chosen."""
    named(panel, QSpinBox, "ladderLength").setValue(45)
    with qtbot.waitSignal(panel.trainAsked, timeout=1000) as caught:
        qtbot.mouseClick(named(panel, QPushButton, "trainLadder"), Qt.MouseButton.LeftButton)
    assert caught.args == ["tuned", 45]


def test_a_lecture_has_its_own_length(panel, qtbot) -> None:
    """With the lectures' recipes the seconds are not to be chosen, and a sentence says why."""
    recipes, length = (
        named(panel, QComboBox, "ladderRecipes"),
        named(panel, QSpinBox, "ladderLength"),
    )
    plan = named(panel, QLabel, "ladderPlan")
    assert "2.3 min in all" in plan.text()
    recipes.setFocus()
    qtbot.keyClick(recipes, Qt.Key.Key_Down)
    assert not length.isEnabled() and "number of steps" in plan.text()
    with qtbot.waitSignal(panel.trainAsked, timeout=1000) as caught:
        qtbot.mouseClick(named(panel, QPushButton, "trainLadder"), Qt.MouseButton.LeftButton)
    assert caught.args[0] == "lecture"
    qtbot.keyClick(recipes, Qt.Key.Key_Up)
    assert length.isEnabled()


def test_while_it_trains(panel, qtbot) -> None:
    """The row that trains is marked, the bar shows the share, and only Stop can be pressed."""
    table, bar = table_of(panel), named(panel, QProgressBar, "ladderProgress")
    train, stop = (named(panel, QPushButton, n) for n in ("trainLadder", "stopLadder"))
    assert train.isEnabled() and not stop.isEnabled() and not bar.isVisible()
    panel.set_running("bigram", 0.1, "bigram, 12 s left")
    panel.set_running("mlp", 0.25, "mlp, 12 s left")
    assert [row for row in ROW.values() if table.look(row, 0).runs] == [ROW["mlp"]]
    spoken = table.item(ROW["mlp"], 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "trains now" in spoken
    assert bar.isVisible() and bar.value() == 250
    assert named(panel, QLabel, "ladderWords").text() == "mlp, 12 s left"
    assert not train.isEnabled() and not named(panel, QComboBox, "ladderRecipes").isEnabled()
    with qtbot.waitSignal(panel.stopAsked, timeout=1000):
        qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    panel.set_running(None, 1.0, "Done.")
    assert not any(table.look(row, 0).runs for row in ROW.values())
    assert train.isEnabled() and not stop.isEnabled() and not bar.isVisible()


def test_it_can_be_kept_from_training(panel) -> None:
    """While something else trains the comparison can't be begun; its end doesn't enable it."""
    train = named(panel, QPushButton, "trainLadder")
    panel.set_enabled_to_train(False)
    panel.set_running("mlp", 0.5, "")
    panel.set_running(None, 0.0, "")
    assert not train.isEnabled()
    panel.set_enabled_to_train(True)
    assert train.isEnabled()


def test_the_picture_goes_down_to_the_left(filled) -> None:
    """A lower loss is further left, and pointing at a row tells what it reached."""
    picture = named(filled, ComparisonPicture, "ladderPicture")
    assert picture.x_of(1.991) < picture.x_of(2.1) < picture.x_of(2.4551)
    inside = [1.80, 2.4551, 2.49, 1.92]
    assert all(90 < picture.x_of(value) < picture.width() - 50 for value in inside)
    point = picture.rect_of(ROW["mlp"]).center().toPoint()
    event = QHelpEvent(QEvent.Type.ToolTip, point, picture.mapToGlobal(point))
    QApplication.sendEvent(picture, event)
    assert "2.1000" in QToolTip.text()


def test_a_row_of_the_picture_selects_that_of_the_table(filled, qtbot) -> None:
    """A click on the picture shows which row of the table it is."""
    picture = named(filled, ComparisonPicture, "ladderPicture")
    at = picture.rect_of(ROW["wavenet"]).center().toPoint()
    qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, pos=at)
    assert table_of(filled).currentRow() == ROW["wavenet"]


@pytest.mark.parametrize("width", [420, 640, 900])
def test_the_scale_has_a_few_round_numbers(filled, width) -> None:
    """At every width there are numbers to read it by, none upon another."""
    filled.resize(width, 640)
    QApplication.processEvents()
    picture = named(filled, ComparisonPicture, "ladderPicture")
    xs = [picture.x_of(value) for value in picture.ticks()]
    assert len(xs) >= 3
    assert min(b - a for a, b in pairwise(xs)) > 30


def test_clearing_forgets_all(filled) -> None:
    """Cleared, the rows are empty, no star is left and the picture says what comes."""
    filled.clear_results()
    assert texts(filled, "wavenet")[1:5] == [""] * 4
    assert table_of(filled).best is None
    assert named(filled, ComparisonPicture, "ladderPicture").count() == 0


def test_other_names_are_not_compared(filled) -> None:
    """On another list the lecture's column is faint, its ticks are gone, and a sentence says so."""
    table, note = table_of(filled), named(filled, QLabel, "ladderNote")
    picture = named(filled, ComparisonPicture, "ladderPicture")
    before = picture.x_of(1.991)
    assert not note.isVisible() and table.look(ROW["mlp"], 5).role == "text"
    filled.set_comparable(False, "The lectures used other names.")
    assert note.isVisible() and note.text() == "The lectures used other names."
    assert table.look(ROW["mlp"], 5).role == "faint"
    assert picture.x_of(1.991) != before  # the lecture's 2.49 is no longer on the scale
    filled.set_comparable(True, "")
    assert not note.isVisible() and picture.x_of(1.991) == before


@pytest.mark.parametrize("width", [420, 500, 640, 900])
def test_seven_rows_fit_without_scrolling(filled, width) -> None:
    """At every width the columns fill the table, and header and rows take at most 300 pixels."""
    filled.resize(width, 640)
    QApplication.processEvents()
    table = table_of(filled)
    assert table.height() <= 300
    assert table.verticalScrollBar().maximum() == table.horizontalScrollBar().maximum() == 0
    last = table.visualItemRect(table.item(len(MODELS) - 1, 5))
    assert last.bottom() <= table.viewport().height()
    assert abs(last.right() - table.viewport().width()) <= 1
    name = table.fontMetrics().horizontalAdvance("bigram-count")
    assert table.columnWidth(0) > name + 8


def test_ideas_stand_where_there_is_room(filled) -> None:
    """A wide table tells each model's idea below its name; a narrow one in the tooltip alone."""
    table = table_of(filled)
    assert table.look(ROW["gru"], 0).below == "reads and remembers"
    filled.resize(420, 640)
    QApplication.processEvents()
    assert table.look(ROW["gru"], 0).below == ""
    assert "reads and remembers" in table.item(ROW["gru"], 0).toolTip()


def test_both_themes_paint(filled, qapp) -> None:
    """A change of theme reaches rows and picture: the paper is the theme's."""
    filled.set_running("gru", 0.5, "gru")
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        picture = table_of(filled).viewport().grab().toImage()
        corner = picture.pixelColor(2, picture.height() // 2 + 3)
        assert corner.lightness() < 80
    finally:
        theme.apply(qapp, "light")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.02, "< 1 s"),
        (20.1, "20 s"),
        (99, "99 s"),
        (140, "2.3 min"),
        (5400, "90.0 min"),
        (7200, "2.0 h"),
    ],
)
def test_times_are_short(seconds: float, words: str) -> None:
    """A length of time is one short word."""
    assert span(seconds) == words


@pytest.mark.parametrize("width", [480, 561, 640, 900])
def test_titles_fit_their_columns(qtbot, width):
    """Also those of digits, which are longer; they end at the right, and would lose their begin."""
    made = ComparisonTable(MODELS, DIGITS)
    qtbot.addWidget(made)
    made.resize(width, 400)
    for column in range(1, made.columnCount()):
        title = made.horizontalHeaderItem(column).text()
        assert made.columnWidth(column) >= Header.width_of(title), title
