"""The map of heads: colours, choosing, muting, scaling, and what follows from it on the page."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.interventions import Intervention, Part
from core.playgrounds.text.heads import HeadScores, head_layer
from core.playgrounds.text.inside import attention
from core.playgrounds.text.recipe import REPEATS, TextRecipe
from gui.text.head_map import HeadMap
from gui.text.heads_panel import HeadsPanel
from tests.gui.conftest import Program

LEFT = Qt.MouseButton.LeftButton
SMALL = TextRecipe(
    tokenizer="characters", layers=2, heads=2, width=32, context=16, batch_size=4, steps=8
).replace({"gain": 0.3, "branch_gain": 5.0})


def place(cells, index):
    """Where to click for a cell."""
    return cells.rect_of(index).center().toPoint()


@pytest.fixture
def program(qtbot, window, tmp_path):
    """The text page with a small GPT that has just learned."""
    text = tmp_path / "lesson.txt"
    text.write_text("The cat sat on the mat, the dog on the log.\n" * 40)
    made = Program(qtbot, window, "text")
    made.ready()
    made.learn(SMALL, text)
    return made


def test_a_recipe_may_bring_its_own_text(program):
    """The dataset card says so, and the heads are scored on that text's letters."""
    page, session = program.page, program.session
    assert page.own_text.isHidden()
    page.recipe.choose("induction heads")
    assert page.own_text.isVisible() and session.recipe.dataset == REPEATS
    small = {"heads": 2, "width": 16, "context": 16, "batch_size": 4, "steps": 8}
    program.learn(session.recipe.replace(small), session.data)
    assert session.info.dataset == "repeated random letters"
    heads = show_heads(program)
    assert heads.map.count() == 4 and len(session.replica.model.tokenizer._bytes) == 27
    heads.importance.click()
    program.until(lambda: np.isfinite(heads.map.values).all() and heads._importance is not None)
    page.recipe.choose("tuned gpt")
    assert page.own_text.isHidden()


def show_heads(program):
    """Turn to the tab, and wait for the scores."""
    page = program.page
    page.tabs.setCurrentIndex(
        [page.tabs.tabText(i) for i in range(page.tabs.count())].index("Heads")
    )
    program.until(lambda: np.isfinite(page.heads.map.values).all())
    return page.heads


def generate(program):
    """Write a text, and return it."""
    write = program.page.write
    write.settings.length.setValue(40)
    write.generate.click()
    program.until(lambda: not write.writing.running)
    return write.output.toPlainText()


def test_a_double_click_mutes_exactly_that_head(program):
    """The replica computes without it; a second one lets it be heard again."""
    heads = show_heads(program)
    QTest.mouseDClick(heads.map, LEFT, pos=place(heads.map, 2))
    part = Part(head_layer(1), 0, head=True)
    assert program.session.interventions == (Intervention(part, 0.0),)
    assert heads.map._silent == {2}
    QTest.mouseDClick(heads.map, LEFT, pos=place(heads.map, 2))
    assert program.session.interventions == () and not heads.map._silent
    _click_chooses(program, heads)
    _keys_choose_mute_and_scale(program, heads)


def _click_chooses(program, heads):
    """A click chooses a head here and in the attention map, and the other way round."""
    page = program.page
    QTest.mouseClick(heads.map, LEFT, pos=place(heads.map, 3))
    assert (page.attention.layer.currentIndex(), page.attention.head.currentIndex()) == (1, 1)
    assert "Layer 2, head 2: induction" in heads.words.text()
    program.turn_to("Attention")
    page.attention.layer.setFocus()
    QTest.keyClick(page.attention.layer, Qt.Key.Key_Up)
    assert heads.map.choice == 1
    assert program.session.interventions == ()


def _keys_choose_mute_and_scale(program, heads):
    """The arrow keys go from head to head, Space mutes, the slider scales, the button unmutes."""
    session = show_heads(program) and program.session
    heads.map.setFocus()
    heads.select(0, 0)
    QTest.keyClick(heads.map, Qt.Key.Key_Right)
    QTest.keyClick(heads.map, Qt.Key.Key_Space)
    part = Part(head_layer(0), 1, head=True)
    assert session.interventions == (Intervention(part, 0.0),)
    assert heads.mute.text() == "Unmute" and heads.factor.value() == 0
    heads.factor.setValue(40)
    assert session.interventions == (Intervention(part, 2.0),)
    assert heads.map._altered == {1} and "× 2.00" in heads.words.text()
    QTest.mouseClick(heads.mute, LEFT)
    assert session.interventions == (Intervention(part, 0.0),)
    QTest.mouseClick(heads.mute, LEFT)
    assert session.interventions == ()


def test_what_the_page_shows_follows_at_once(program):
    """Text and candidates, logit lens and attention are those of the changed network, and back."""
    page, session = program.page, program.session
    before = generate(program)
    page.write._point(20)
    rows = list(page.write.candidates._rows)
    whole = [said.probability for said in page.write.writing.said]
    program.turn_to("Logit lens")
    lens = page.inside.lens.rows
    session.change_part(Intervention(Part(head_layer(0), 0, head=True)))
    assert page.inside.lens.rows != lens
    program.until(lambda: not page.write.writing.running)
    assert [said.probability for said in page.write.writing.said] != whole
    assert page.write.candidates._rows and list(page.write.candidates._rows) != rows
    program.turn_to("Attention")
    page.attention.choose(1, 1)
    model, tokens = session.replica.model, page.attention._tokens
    assert np.allclose(page.attention.map._weights, attention(model, tokens)[1, 1])
    muted = page.attention.map._weights.copy()
    session.intervene(())
    assert not np.allclose(page.attention.map._weights, muted)
    program.until(lambda: not page.write.writing.running)
    assert page.write.output.toPlainText() == before
    assert [said.probability for said in page.write.writing.said] == whole
    _a_choice_of_ones_own_stays(program)


def _a_choice_of_ones_own_stays(program):
    """A text in which a person chose a token could not be written again."""
    write = program.page.write
    write._point(5)
    write._branch(write.candidates._rows[3][0])
    program.until(lambda: not write.writing.running)
    text = write.output.toPlainText()
    program.session.change_part(Intervention(Part(head_layer(0), 0, head=True)))
    assert write.output.toPlainText() == text and not write.writing.running


def test_scores_are_those_of_the_changed_network(program):
    """What is muted in the first layer is missed in the second."""
    heads = show_heads(program)
    before = heads.map.values.copy()
    heads.scaled.emit(0, 1, 0.0)
    program.until(lambda: not np.allclose(heads.map.values[1], before[1], atol=1e-6))
    assert np.allclose(heads.map.values[0], before[0])  # where it looks is no matter of its own
    heads.scaled.emit(0, 1, 1.0)
    program.until(lambda: np.allclose(heads.map.values, before))
    _importance_on_demand(program, heads)


def _importance_on_demand(program, heads):
    """Of all heads, on text that was not learned from; the button offers to stop meanwhile."""
    heads.select(1, 0)
    QTest.mouseClick(heads.importance, LEFT)
    assert heads.importance.text() == "Stop"
    program.until(lambda: heads.importance.text() == "Measure importance")
    assert heads.measure.currentText() == "Importance (ablation)"
    assert heads.map.values.shape == (2, 2) and np.isfinite(heads.map.values).all()
    assert np.abs(heads.map.values).max() > 1e-4
    assert "validation sequences of 16 tokens" in heads.importance_words.text()
    assert "without it the loss" in heads.words.text()


def test_curves_grow_while_it_learns(program, tmp_path, monkeypatch):
    """Each measurement is a point; the next run begins anew."""
    heads = show_heads(program)
    program.train(SMALL.replace({"steps": 0}), data=tmp_path / "lesson.txt")
    program.until(lambda: bool(heads.curves.lines) and len(heads.curves.lines[0].x) > 1)
    program.stop()
    named = [line.name for line in heads.curves.lines if line.name]
    assert len(heads.curves.lines) == 5 and named[0].startswith("layer ")
    assert [line.name for line in heads.gap.lines] == ["first time", "second time"]
    assert all(np.isfinite(line.y).all() for line in heads.gap.lines)
    _nothing_is_asked_while_hidden(program, monkeypatch)


def test_a_training_that_is_soon_over_has_the_scores_of_its_end(program, tmp_path):
    """Else one that is shorter than a measurement would have no curve at all."""
    heads = show_heads(program)
    program.learn(SMALL.replace({"steps": 3}), tmp_path / "lesson.txt")
    program.until(lambda: bool(heads.curves.lines) and heads.curves.lines[0].x[-1] == 3)
    assert heads.gap.isVisible()


def _nothing_is_asked_while_hidden(program, monkeypatch):
    """Another tab is seen: interventions cost no scores."""
    asked = []
    program.page.tabs.setCurrentIndex(0)
    monkeypatch.setattr(program.session, "ask", lambda question, topic: asked.append(topic))
    program.session.change_part(Intervention(Part(head_layer(0), 0, head=True)))
    assert "head scores" not in asked


@pytest.fixture
def panel(qtbot):
    """A panel by itself, shown."""
    made = HeadsPanel()
    qtbot.addWidget(made)
    made.resize(600, 900)
    made.show()
    yield made
    made.hide()


@pytest.mark.parametrize(("layers", "across"), [(12, 12), (48, 25), (1, 1)])
def test_many_heads_can_be_pointed_at(panel, layers, across):
    """GPT-2's smallest and largest: each cell is some pixels large, and inside."""
    panel._shape = (layers, across)
    panel.show_scores(scores(layers, across))
    cells = panel.map
    assert cells.count() == layers * across
    rects = [cells.rect_of(i) for i in range(cells.count())]
    assert min(min(r.width(), r.height()) for r in rects) >= 7
    assert max(r.right() for r in rects) <= cells.width()
    assert max(r.bottom() for r in rects) <= cells.minimumHeight()
    assert cells.index_at(rects[-1].center()) == cells.count() - 1
    assert f"Layer {layers}, head {across}" in cells.describe(cells.count() - 1)
    panel.grab()


def scores(layers, across):
    """Made-up scores."""
    values = np.linspace(0, 1, layers * across).reshape(layers, across)
    return HeadScores(values, values, values, np.array([3.0, 2.0]), 8)


def test_a_network_without_heads_says_so(panel):
    """Nothing can be muted or measured."""
    from core import playgrounds

    text = playgrounds.get("text")
    recipe = TextRecipe(model="bigram", tokenizer="characters")
    model = text.build(recipe, text.vocabulary(text.load(None), recipe))
    panel.set_model(model)
    assert panel.map.count() == 0 and not panel.mute.isEnabled()
    assert not panel.importance.isEnabled()
    panel.grab()
    QTest.keyClick(panel.map, Qt.Key.Key_Space)


def test_unmeasured_heads_are_grey(qtbot):
    """NaN is no number, and no fault."""
    cells = HeadMap()
    qtbot.addWidget(cells)
    cells.resize(300, 200)
    from gui.charts import colormaps

    cells.show_heads(np.array([[0.5, np.nan]]), colormaps.sequential, (0.0, 1.0), str)
    cells.grab()
    assert torch.isnan(torch.tensor(cells.csv_rows()[1][2]))
