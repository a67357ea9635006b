"""The tour of the lessons: each is opened, and its live parts are played with."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QSlider, QWidget

from gui.lessons.boards.board import Board
from gui.lessons.page import Page
from gui.lessons.parts.expression import Part as ExpressionLab
from gui.lessons.parts.layers import Part as Layers
from gui.lessons.parts.question import Part as Question
from gui.tour import Guide


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageLessons")
    guide.wait("the lesson is alive", lambda: bool(page.view.parts))
    _products(guide, page)
    _differentiable(guide, page)
    _gradients(guide, page)


def _products(guide: Guide, page: Page) -> None:
    """Read a sum, set sizes apart, follow a digit, pick a letter's row, and type to a head."""
    sessions = [page.room.session(name) for name in ("digits", "names", "text")]
    guide.wait("the networks are there", lambda: all(s.weights for s in sessions))
    _answer(guide)
    guide.look("lessons")
    _show(guide, page, "productPart")
    _point(guide, "productBoard", "y", 1, 1)
    guide.look("lessons-product")
    guide.click("productTogether")
    guide.type_number("product_rows", 5)
    board = guide.find(Board, "productBoard")
    guide.expect(board.describe(), "The two inner sizes have to be the same" in board.describe())
    guide.look("lessons-misfit")
    guide.click("productTogether")
    _show(guide, page, "layersPart")
    guide.wait(
        "the digit has gone through", lambda: bool(guide.find(Layers, "layersPart").digit.stages)
    )
    _press(guide, "lessonOutputs", "units", 0, 2)
    guide.look("lessons-digit")
    _show(guide, page, "rowsPart")
    _point(guide, "lessonSum", "products", 1, 1)
    guide.look("lessons-rows")
    _show(guide, page, "softmaxPart")
    temperature = guide.find(QSlider, "lessonTemperature")
    temperature.setFocus()
    QTest.keyClick(temperature, Qt.Key.Key_PageUp)
    board = guide.find(Board, "lessonSoftmax")
    guide.expect(board.describe(), "the share of" in board.describe())
    _press(guide, "lessonLookup", "letters", 5, 0)
    _show(guide, page, "convolutionPart")
    guide.click("lessonSlide")
    board = guide.find(Board, "lessonConvolution")
    guide.wait("the filter slides", lambda: board.spot == ("result", 0, 1))
    guide.look("lessons-convolution")
    guide.type_text("lessonPrompt", "My kingdom for a")
    _show(guide, page, "attentionPart")
    _point(guide, "lessonAttention", "shares", 2, 1)
    board = guide.find(Board, "lessonAttention")
    guide.expect(board.describe(), "looks at" in board.describe())
    guide.look("lessons-attention")


def _answer(guide: Guide) -> None:
    """Guess the answer to the first question."""
    question = guide.find(Question, "lessonQuestion")
    guide.wait("the question is asked", question.isVisible)
    guide.rest(300)  # until all of the lesson has its place
    QTest.mouseClick(question.choices[1], Qt.MouseButton.LeftButton)
    guide.expect("the guess is judged and explained", question.why.isVisible())


def _show(guide: Guide, page: Page, name: str) -> None:
    """Scroll to a live part."""
    part = guide.find(QWidget, name)
    content = page.view.widget()
    assert content is not None
    top = part.mapTo(content, part.rect().topLeft()).y()
    page.view.verticalScrollBar().setValue(top - 24)
    guide.rest(150)


def _place(guide: Guide, board: str, matrix: str, row: int, column: int) -> tuple[Board, QPoint]:
    made = guide.find(Board, board)
    return made, made.grids()[matrix].cell(row, column).center().toPoint()


def _point(guide: Guide, board: str, matrix: str, row: int, column: int) -> None:
    """Point at a cell of a matrix."""
    made, place = _place(guide, board, matrix, row, column)
    QTest.mouseMove(made, place)
    guide.rest(100)


def _press(guide: Guide, board: str, matrix: str, row: int, column: int) -> None:
    """Click a cell of a matrix."""
    made, place = _place(guide, board, matrix, row, column)
    QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=place)
    guide.rest(100)


def _differentiable(guide: Guide, page: Page) -> None:
    """Go node by node through the lecture's example, type a net's worth, and part two moons."""
    page.open_lesson("2-differentiable")
    guide.wait("the lesson is alive", lambda: bool(page.view.parts))
    labs = [part for part in page.view.parts if isinstance(part, ExpressionLab)]
    guide.wait("the expressions are read", lambda: all(lab.lab for lab in labs))
    _scroll_to(guide, page, labs[0])
    for name in ("Forward", "Forward", "Forward", "Back", "Back", "Back"):
        guide.click(f"expression{name}")
        guide.rest(150)
    words = guide.find(QLabel, "expressionProblem")
    gradients = labs[0].lab.gradients if labs[0].lab else {}
    guide.expect("the gradients of the lecture: 6, −4, −2, 4", gradients.get(0) == 6)
    guide.look("lessons-differentiable")
    guide.type_text("expressionInput", "(a*b + c).tanh() * noise()")
    guide.expect(words.text(), "“a” has no value yet" in words.text())
    guide.type_text("expressionInput", "mean([1, 2, 3] * noise(3))**2")
    guide.expect(words.text(), "nodes" in words.text())
    _part_moons(guide, page, labs[-1])


def _part_moons(guide: Guide, page: Page, lab: ExpressionLab) -> None:
    _scroll_to(guide, page, lab)
    QTest.mouseClick(lab.view.controls.play, Qt.MouseButton.LeftButton)
    guide.wait("the moons are parted", lambda: lab.view.map.parted > 0.97)
    guide.look("lessons-moons")
    QTest.mouseClick(lab.view.controls.play, Qt.MouseButton.LeftButton)
    guide.say(f"{lab.view.map.parted:.0%} of the points are on their side")


def _scroll_to(guide: Guide, page: Page, part: QWidget) -> None:
    guide.rest(200)
    page.view.verticalScrollBar().setValue(part.y() - 8)
    guide.rest(200)


def _gradients(guide: Guide, page: Page) -> None:
    """Guess what layer 1 of ten sigmoids sees, measure it, and cure it with batch norm."""
    page.open_lesson("3-gradients")
    guide.wait("the lesson is alive", lambda: bool(page.view.parts))
    part = page.view.parts[0]
    guide.wait("it is laid out", lambda: part.height() >= part.heightForWidth(part.width()))
    guide.look("lessons-gradients")
    _experiment(guide, page, "norm", 2)
    if guide.long:
        _experiment(guide, page, "sigmoid", 0)


def _experiment(guide: Guide, page: Page, key: str, guess: int) -> None:
    """Guess, train both networks, and read what was measured."""
    page.view.ensureWidgetVisible(guide.find(QWidget, f"twinStart_{key}"), 50, 400)
    guide.click(f"twinChoice{guess}_{key}")
    guide.click(f"twinStart_{key}")
    answer = guide.find(QLabel, f"twinAnswer_{key}")
    guide.wait("the answer is measured", lambda: "of the gradient" in answer.text())
    guide.say(answer.text())
    outcome = guide.find(QLabel, f"twinOutcome_{key}")
    guide.wait("both networks are trained", lambda: "After" in outcome.text())
    guide.say(outcome.text())
    guide.look(f"lessons-gradients-{key}")
