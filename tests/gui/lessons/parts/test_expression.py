"""The expression lab: typed, stepped through, dragged, and trained."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QSlider, QSpinBox, QWidget

from core.expressions.functions import CALLABLE, SOURCES
from core.expressions.presets import PRESETS
from core.lessons.text import Live, lessons
from gui import theme
from gui.lessons.expression_lab.boxes import cells
from gui.lessons.parts.expression import Part
from gui.lessons.parts.expression_functions import Part as Functions

WIDE = 826  # pixels of the column in the smallest window
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def make(qtbot):
    """Make a lab that is shown: ``make("neuron")``."""

    def made(preset="lecture", **options):
        part = Part(None, {"preset": preset, **options})
        qtbot.addWidget(part)
        part.resize(WIDE, 900)
        part.show()
        return part

    return made


def typed(part, qtbot, text):
    """Type a text in place of what is there."""
    part.view.input.setFocus()
    part.view.input.selectAll()
    for number, line in enumerate(text.split("\n")):
        if number:
            qtbot.keyClick(part.view.input, Qt.Key.Key_Return)
        qtbot.keyClicks(part.view.input, line)


def value(part, name):
    """Return a value by its name, as numbers."""
    return part.lab.values[part.lab.graph.names[name]].tolist()


def seen(part):
    """Return what is seen of each node, by index."""
    return part._stepper.state()[0]


def words(part):
    """Return the explanation under the buttons."""
    return part.view.words.text()


def pixels(widget) -> np.ndarray:
    """Return what is seen (height, width, 4)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4).copy()


def number_place(part, name, which=0) -> QPoint:
    """Return where a number of a leaf is."""
    node = part.lab.graph.nodes[part.lab.graph.names[name]]
    scale = part.view.graph._places.scale
    area = cells(node, part.view.graph._places.boxes[node.index])
    across = (which + 0.5) / max(1, node.count)
    spot = QPointF(area.left() + across * area.width(), area.center().y())
    return (spot * scale).toPoint()


def drag(graph, place, way, keys=Qt.KeyboardModifier.NoModifier) -> None:
    """Press, move in two steps, release."""
    for kind, x in (
        (QEvent.Type.MouseButtonPress, 0),
        (QEvent.Type.MouseMove, way // 2),
        (QEvent.Type.MouseMove, way),
        (QEvent.Type.MouseButtonRelease, way),
    ):
        spot = QPointF(place.x() + x, place.y())
        event = QMouseEvent(kind, spot, graph.mapToGlobal(spot), LEFT, LEFT, keys)
        QApplication.sendEvent(graph, event)


def test_what_is_typed_becomes_a_graph(make, qtbot) -> None:
    """Names, values and gradients stand there as soon as the text can be understood."""
    part = make()
    typed(part, qtbot, "a = 3\nb = a*a\nb.tanh() + b")
    assert [node.operation for node in part.lab.graph.nodes] == [
        "number",
        "multiply",
        "tanh",
        "add",
    ]
    assert value(part, "b") == 9
    assert all(shown.value is not None for shown in seen(part).values())
    assert part.view.problem.text() == "4 nodes; 1 number is learned."
    assert part.view.presets.currentIndex() == -1


def test_an_error_is_underlined_and_told_while_typing(make, qtbot) -> None:
    """The last good graph pales and its buttons rest until the text is whole again."""
    part = make()
    typed(part, qtbot, "a = 3\na * (a + ")
    missing = "Line 2, character 9: something is missing after “+”: a number or a name."
    assert part.view.problem.text() == missing
    assert part.view.problem.property("role") == "fault"
    [mark] = part.view.input.extraSelections()
    assert mark.cursor.blockNumber() == 1 and mark.cursor.hasSelection()
    pale = pixels(part.view.graph)
    assert not part.view.graph.isEnabled() and not part.view.controls.step.isEnabled()
    qtbot.keyClicks(part.view.input, "1)")
    assert part.view.problem.property("role") == "muted"
    assert not part.view.input.extraSelections()
    assert part.view.graph.isEnabled() and part.view.controls.step.isEnabled()
    assert not np.array_equal(pixels(part.view.graph), pale)


def test_values_that_are_not_finite_are_explained(make, qtbot) -> None:
    """A logarithm below zero is no fault of the grammar, and has a sentence all the same."""
    part = make()
    typed(part, qtbot, "a = -3\nlog(a)")
    assert "only a number above 0" in part.view.problem.text()
    assert part.view.input.extraSelections()


def test_a_huge_text_is_pasted_only_as_far_as_it_takes(make, qtbot) -> None:
    """To say that it is too long, and nobody waits for the rest; undo takes it away."""
    part = make()
    before = part.view.input.toPlainText()
    QApplication.clipboard().setText("(" * 2_000_000)
    part.view.input.paste()
    assert "longer than 4,000 characters" in part.view.problem.text()
    assert len(part.view.input.toPlainText()) < 5_000
    part.view.input.undo()
    assert part.view.input.toPlainText() == before and part.lab is not None


def test_undo_brings_back_what_was_typed(make, qtbot) -> None:
    """Also after a preset was put in its place; the first preset can't be undone."""
    part = make()
    first = part.view.input.toPlainText()
    part.view.input.setFocus()
    qtbot.keySequence(part.view.input, QKeySequence.StandardKey.Undo)
    assert part.view.input.toPlainText() == first
    typed(part, qtbot, "a = 3\na**2")
    part.view.presets.setFocus()
    qtbot.keyClick(part.view.presets, Qt.Key.Key_End)
    assert "moons" in part.view.input.toPlainText()
    qtbot.keySequence(part.view.input, QKeySequence.StandardKey.Undo)
    assert part.view.input.toPlainText() == "a = 3\na**2"
    assert part.lab.loss == 9


def test_forward_and_back_go_node_by_node(make, qtbot) -> None:
    """One node is lit, tells what it does, and what lies ahead has no value yet."""
    part = make(begin="empty")
    graph = part.lab.graph
    assert [seen(part)[i].value is None for i in graph.forward] == [True] * 3
    assert all(shown.gradient is None for shown in seen(part).values())
    for done, index in enumerate(graph.forward, 1):
        qtbot.mouseClick(part.view.controls.forward, LEFT)
        assert [seen(part)[i].value is not None for i in graph.forward] == [
            n < done for n in range(3)
        ]
        assert [i for i, shown in seen(part).items() if shown.current] == [index]
        assert seen(part)[index].current == "activation"
        assert "Forward: " in words(part)
    for index in graph.backward:
        qtbot.mouseClick(part.view.controls.back, LEFT)
        assert [i for i, shown in seen(part).items() if shown.current] == [index]
        assert seen(part)[index].current == "gradient"
    assert "To a: local derivative −3, times −2 = " in words(part)
    handed = part._stepper.state()[1]
    assert handed == {graph.names["a"]: "6", graph.names["b"]: "−4"}
    qtbot.mouseClick(part.view.controls.forward, LEFT)
    assert seen(part)[graph.names["a"]].gradient is None, "a new pass begins"
    qtbot.mouseClick(part.view.controls.run_all, LEFT)
    assert all(shown.value is not None and not shown.current for shown in seen(part).values())
    assert float(seen(part)[graph.names["a"]].gradient) == 6


def test_the_lit_node_and_its_edges_are_painted(make, qtbot) -> None:
    """Blue in the forward pass, orange in the backward pass."""
    part = make()
    still = pixels(part.view.graph)
    qtbot.mouseClick(part.view.controls.forward, LEFT)
    ahead = pixels(part.view.graph)
    qtbot.mouseClick(part.view.controls.back, LEFT)
    back = pixels(part.view.graph)
    box = part.view.graph.box(part.lab.graph.root)
    ring = (int(box.center().y()), int(box.left()) - 3)
    blue, _, red, _ = back[ring].astype(int)
    assert red > blue + 20, "the light around the last node is orange"
    assert not np.array_equal(still, ahead) and not np.array_equal(ahead, back)


def test_leaves_are_checked_when_all_stands_still(make, qtbot) -> None:
    """Beside each gradient its finite difference appears, and agrees."""
    part = make("neuron")
    leaves = [part.lab.graph.names[name] for name in ("x", "y", "w", "b")]
    qtbot.waitUntil(lambda: all(seen(part)[leaf].check for leaf in leaves), timeout=5000)
    assert all(seen(part)[leaf].check.agrees for leaf in leaves)
    told = part.view.graph.describe(part.lab.graph.names["b"])
    assert "learned by gradient descent" in told and "finite difference: " in told


def test_a_step_goes_downhill_and_says_so(make, qtbot) -> None:
    """Learned numbers move against their gradients; given ones stay."""
    part = make("neuron")
    before, given = value(part, "w"), value(part, "x")
    slope = part.lab.gradients[part.lab.graph.names["w"]]
    loss = part.lab.loss
    qtbot.mouseClick(part.view.controls.step, LEFT)
    assert value(part, "w") == pytest.approx(before - 0.05 * slope)
    assert value(part, "x") == given
    assert part.lab.loss < loss
    assert "Step 1." in words(part) and "−0.05 ×" in words(part)


def test_it_plays_until_it_is_paused_or_hidden(make, qtbot) -> None:
    """Play goes on by itself; Pause, typing and hiding each stand still."""
    part = make("xor")
    play = part.view.controls.play
    qtbot.mouseClick(play, LEFT)
    assert play.text() == "Pause"
    qtbot.waitUntil(lambda: part.lab.step > 20, timeout=5000)
    qtbot.mouseClick(play, LEFT)
    assert play.text() == "Play" and not part._clock.isActive()
    qtbot.mouseClick(play, LEFT)
    part.hide()
    assert not part._clock.isActive()
    part.show()
    qtbot.mouseClick(play, LEFT)
    qtbot.keyClick(part.view.input, Qt.Key.Key_Return)
    assert not part._clock.isActive() and part.lab.step == 0


def test_start_over_takes_the_numbers_of_the_text(make, qtbot) -> None:
    """As before the first step."""
    part = make("neuron")
    for _ in range(3):
        qtbot.mouseClick(part.view.controls.step, LEFT)
    qtbot.mouseClick(part.view.controls.again, LEFT)
    assert part.lab.step == 0 and value(part, "w") == [-0.6, 0.4, 0.9]


def test_a_number_is_dragged(make, qtbot) -> None:
    """To the right it grows, to the left it shrinks, with Shift by a tenth; results follow."""
    part = make()
    drag(part.view.graph, number_place(part, "c"), 20)
    assert value(part, "c") == pytest.approx(12, abs=0.2)
    assert value(part, "L") == pytest.approx((-6 + value(part, "c")) * -2)
    before = value(part, "f")
    drag(part.view.graph, number_place(part, "f"), -20)
    drag(part.view.graph, number_place(part, "f"), -20, Qt.KeyboardModifier.ShiftModifier)
    assert before - 0.6 < value(part, "f") < before - 0.4
    result = part.view.graph.box(part.lab.graph.root).center().toPoint()
    drag(part.view.graph, result, 40)
    assert value(part, "L") == pytest.approx(
        (value(part, "a") * value(part, "b") + value(part, "c")) * value(part, "f")
    ), "a result can't be dragged"


def test_the_one_of_several_numbers_that_is_held_moves(make, qtbot) -> None:
    """Written numbers and bars alike, also during training."""
    part = make("neuron")
    drag(part.view.graph, number_place(part, "x", 2), 50)
    assert value(part, "x") == pytest.approx([1, -2, 1.0], abs=0.05)
    qtbot.mouseClick(part.view.controls.play, LEFT)
    drag(part.view.graph, number_place(part, "x", 0), -30)
    assert value(part, "x")[0] < 0.8
    assert part._clock.isActive()


def test_the_arrow_keys_go_through_the_graph(make, qtbot) -> None:
    """Left and right choose, up and down change; a node that is chosen is told about."""
    part = make()
    part.view.graph.setFocus()
    qtbot.keyClick(part.view.graph, Qt.Key.Key_Right)
    assert "learned by gradient descent" in part.view.graph.accessibleDescription()
    qtbot.keyClick(part.view.graph, Qt.Key.Key_Up)
    assert value(part, "a") > 2
    for _ in range(9):
        qtbot.keyClick(part.view.graph, Qt.Key.Key_Right)
    assert "Back through L = (a × b + c) × f" in words(part)
    before = value(part, "L")
    qtbot.keyClick(part.view.graph, Qt.Key.Key_Down)
    assert value(part, "L") == before


def test_noise_is_seen_and_can_be_frozen(make, qtbot) -> None:
    """It is another number at every step, until it is frozen; only there the box is offered."""
    part = make("noise")
    freeze = part.findChild(QCheckBox, "expressionFreeze")
    noise = next(node.index for node in part.lab.graph.nodes if node.operation == "noise")
    drawn = [float(seen(part)[noise].value)]
    for _ in range(2):
        qtbot.mouseClick(part.view.controls.step, LEFT)
        drawn.append(float(seen(part)[noise].value))
    assert len(set(drawn)) == 3
    assert seen(part)[noise].gradient is None
    freeze.setFocus()
    qtbot.keyClick(freeze, Qt.Key.Key_Space)
    for control in (part.view.controls.step, part.view.controls.forward):
        qtbot.mouseClick(control, LEFT)
        assert float(seen(part)[noise].value) == drawn[-1]
    part.take("lecture")
    assert not freeze.isVisible() and not freeze.isChecked()


def test_the_seed_draws_other_weights(make, qtbot) -> None:
    """The same seed the same ones."""
    part = make("xor")
    first = value(part, "w1")
    seed = part.findChild(QSpinBox, "expressionSeed")
    seed.setValue(1)
    assert value(part, "w1") != first
    seed.setValue(0)
    assert value(part, "w1") == first


def test_the_map_shows_the_decision_boundary(make, qtbot) -> None:
    """It changes during training, until nearly all points are classified correctly."""
    part = make("moons")
    assert part.view.map.isVisible()
    begin = pixels(part.view.map)
    qtbot.mouseClick(part.view.controls.play, LEFT)
    qtbot.waitUntil(lambda: part.view.map.accuracy >= 0.95, timeout=20_000)
    qtbot.mouseClick(part.view.controls.play, LEFT)
    assert "Accuracy: " in words(part)
    assert not np.array_equal(pixels(part.view.map), begin)


@pytest.mark.parametrize("name", ["neuron", "noise"])
def test_without_points_there_is_no_map(make, name) -> None:
    """Nor where the answer can't be asked for other points."""
    part = make(name)
    assert part.view.map.isHidden()
    part.view.input.setPlainText("x = moons(4)\ny = moons_label(4)\nout = x[0]")
    part.view.input.setPlainText("x = moons(4)\ny = moons_label(4)\nout = mean(x * [1, 2])\nout**2")
    assert part.lab is not None and part.view.map.isHidden()


def test_too_large_steps_are_told(make, qtbot) -> None:
    """What runs away stands still with a sentence that says what to do."""
    part = make()
    part.findChild(QSlider, "expressionRate").setValue(99)
    for _ in range(9):
        qtbot.mouseClick(part.view.controls.step, LEFT)
    assert "learning rate" in words(part)
    assert np.isfinite(part.lab.loss)


def test_noise_that_cannot_be_computed_with_is_told(make, qtbot) -> None:
    """Sooner or later log meets a noise below zero: a sentence, and the last good pass stays."""
    part = make()
    part.view.input.setPlainText("a = 1\na * log(noise())")
    seed = part.findChild(QSpinBox, "expressionSeed")
    while part.lab is None:  # the first noise must be above zero
        seed.setValue(seed.value() + 1)
    for _ in range(40):
        qtbot.mouseClick(part.view.controls.run_all, LEFT)
        qtbot.mouseClick(part.view.controls.forward, LEFT)
        if "only a number above 0" in words(part):
            break
    assert "only a number above 0" in words(part)
    assert np.isfinite(part.lab.loss)


def test_nothing_to_learn_leaves_only_looking(make, qtbot) -> None:
    """Without a learned number there is no step, and no way back where nothing has a slope."""
    part = make()
    typed(part, qtbot, "2 * 3")
    assert not part.view.controls.step.isEnabled() and part.view.controls.forward.isEnabled()
    qtbot.mouseClick(part.view.controls.back, LEFT)
    assert "There is no gradient" in words(part)
    typed(part, qtbot, "a = 2\na * 3")
    qtbot.mouseClick(part.view.controls.run_all, LEFT)
    assert "Both passes are done" in words(part)
    typed(part, qtbot, "2 * 3")
    qtbot.mouseClick(part.view.controls.run_all, LEFT)
    assert "There is no gradient" in words(part)


@pytest.mark.parametrize("text", ["3", "w = 3"])
@pytest.mark.parametrize("button", ["forward", "run_all"])
def test_a_single_value_has_nothing_to_compute(make, qtbot, text, button) -> None:
    """Whichever button asks for it."""
    part = make()
    typed(part, qtbot, text)
    qtbot.mouseClick(getattr(part.view.controls, button), LEFT)
    assert "There is nothing to compute" in words(part)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_the_smallest_window(make, name) -> None:
    """Understood at once, and without scrolling sideways."""
    part = make(name)
    assert part.view.problem.property("role") == "muted"
    assert part.view.graph.width() <= part.view.area.viewport().width() + 1
    boxes = [part.view.graph.box(node.index) for node in part.lab.graph.nodes]
    assert min(box.left() for box in boxes) >= 0
    assert max(box.right() for box in boxes) <= part.view.graph.width()
    assert max(box.bottom() for box in boxes) <= part.view.graph.height()


def test_a_wide_graph_is_scrolled(make) -> None:
    """It is never drawn too small to be read; in a wider window it is larger, and whole."""
    part = make("moons")
    part.view.input.setPlainText("a = 1\na" + ".tanh()" * 30)
    part.take("moons")
    for width in (WIDE, 1000, WIDE):
        part.resize(width, 900)
        QApplication.processEvents()
        assert part.view.area.viewport().height() >= part.view.graph.height()
        assert part.view.graph.width() <= part.view.area.viewport().width() + 1
        assert part.view.graph.box(part.lab.graph.root).right() <= part.view.graph.width()
    part.view.input.setPlainText("a = 1\na" + ".tanh()" * 30)
    assert part.view.graph.width() > part.view.area.viewport().width()


def test_it_follows_the_theme(make, qapp, qtbot) -> None:
    """All of it is painted in the colours of the moment, and the training goes on."""
    part = make("xor")
    qtbot.mouseClick(part.view.controls.step, LEFT)
    light = pixels(part)
    try:
        theme.apply(qapp, "dark")
        QApplication.processEvents()
        dark = pixels(part)
    finally:
        theme.apply(qapp, "light")
    assert part.lab.step == 1
    assert light[..., :3].mean() > 180 > 80 > dark[..., :3].mean()


def test_everything_can_be_reached_and_explains_itself(make) -> None:
    """Each control has a name, a tooltip, and takes the focus by key."""
    part = make("noise")
    names = "Input Graph Preset Forward Back RunAll Step Play Rate Fast Freeze Seed Reset"
    for name in names.split():
        widget = part.findChild(QWidget, f"expression{name}")
        assert widget.accessibleName() or widget.text(), name
        assert widget.toolTip() or name == "Graph"
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_the_list_of_functions_is_the_parsers(qtbot) -> None:
    """What may be written stands there, all of it."""
    part = Functions(None, {})
    qtbot.addWidget(part)
    text = " ".join(found.text() for found in part.findChildren(QLabel))
    for name in (*CALLABLE, *SOURCES):
        assert f"{name}(" in text


def test_the_lesson_uses_presets_that_there_are() -> None:
    """Every preset has its place in the lesson."""
    blocks = lessons()["2-differentiable"].blocks
    used = [b.options["preset"] for b in blocks if isinstance(b, Live) and b.name == "expression"]
    assert sorted(used) == sorted(PRESETS)


def test_the_code_of_an_expression_is_shown_while_it_is_typed(make, qtbot):
    """Below the lab: its lines change with the text and the learning rate; a mistake leaves it."""
    part = make("neuron")
    source = part.code.source
    assert not source.isVisible()
    qtbot.mouseClick(part.view.show_code, LEFT)
    assert source.isVisible() and "o = torch.tanh(torch.dot(w, x) + b)" in source.toPlainText()
    typed(part, qtbot, "w = 2\n(w - 1)**2")
    assert "loss = (w - 1)**2" in source.toPlainText()
    part.view.controls.begin_with(0.1, False)
    assert "lr = 0.1" in source.toPlainText() and "Marked" in part.code.caption.text()
    marked = source.toPlainText().split("\n").index("lr = 0.1")
    assert source.marks_at(marked) and not source.marks_at(marked + 1)
    qtbot.keyClicks(part.view.input, " +")
    assert part.lab is None and "loss = (w - 1)**2" in source.toPlainText()
    typed(part, qtbot, "data(2)**2")
    assert source.toPlainText() == "" and "nothing that is learned" in part.code.caption.text()
    qtbot.mouseClick(part.code.hide_button, LEFT)
    assert not source.isVisible() and part.view.show_code.text() == "Show the code"
