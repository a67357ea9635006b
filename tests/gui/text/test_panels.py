"""Tokens, attention and the inside of a text network: each panel by itself, with tiny networks."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListView, QPushButton

from core import playgrounds
from core.playgrounds.text import inside
from core.playgrounds.text.recipe import TextRecipe
from gui.text.attention_panel import AttentionPanel
from gui.text.logit_lens_panel import PLACES, LogitLensPanel
from gui.text.tokens_panel import LARGE, TokensPanel

TEXT = playgrounds.get("text")
LESSON = "The cat sat on the mat.\nA rat, by the way, sat on the cat! Γάτα, 小猫 😀.\n"
LOUD = {"gain": 0.3, "branch_gain": 5.0}
SMALL = TextRecipe(
    tokenizer="bpe", vocab_size=280, layers=3, heads=2, width=32, context=16, batch_size=16
).replace(LOUD)
CHARACTERS = SMALL.replace({"tokenizer": "characters", "layers": 1, "heads": 4})
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A text of a few sentences, again and again."""
    path = tmp_path_factory.mktemp("text") / "lesson.txt"
    path.write_text(LESSON * 40, encoding="utf-8")
    return TEXT.load(path)


@pytest.fixture(scope="module")
def build(data):
    """Make a fresh network of a recipe: ``build(recipe)``."""

    def make(recipe):
        return TEXT.build(recipe, TEXT.vocabulary(data, recipe)).eval()

    return make


@pytest.fixture
def shown(qtbot, qapp):
    """Show a panel: ``shown(AttentionPanel)``; hidden again at the end."""
    made = []

    def show(kind):
        panel = kind()
        made.append(panel)
        qtbot.addWidget(panel)
        panel.resize(900, 560)
        panel.show()
        qtbot.waitExposed(panel)
        return panel

    yield show
    for panel in made:
        panel.hide()


@pytest.fixture
def asked(monkeypatch):
    """How often the network was looked into, whatever for."""
    calls = []
    for name in ("attention", "logit_lens", "neighbours"):
        whole = getattr(inside, name)

        def look(*args, whole=whole, name=name):
            calls.append(name)
            return whole(*args)

        monkeypatch.setattr(inside, name, look)
    return calls


def tokens_of(model, text=LESSON):
    """A text's tokens."""
    return model.tokenizer.encode(text).tolist()


def describe_data(data, recipe):
    """What a survey of the text by a recipe's tokenizer tells."""
    return TEXT.describe_data(data, TEXT.vocabulary(data, recipe))


# Tokens


def test_merges_are_listed_when_they_are_seen(shown, data):
    """A vocabulary of thousands takes a while, which nobody waits for who looks elsewhere."""
    panel = shown(TokensPanel)
    panel.hide()
    panel.show_data_views(describe_data(data, SMALL), 50_000, 32)
    model = panel.findChild(QListView, "mergeList").model()
    assert model.rowCount() == 0 and panel.facts.text().startswith("280 tokens")
    panel.show()
    assert model.rowCount() == 280 - 256 and panel.count.text() != ""


def test_tokens_merges_and_facts(shown, data, qtbot):
    """The excerpt is cut, the merges stand in their order, the facts are those of the text."""
    panel = shown(TokensPanel)
    values = describe_data(data, SMALL)
    panel.show_data_views(values, 50_000, 32)
    tokenizer = values["tokenizer"]
    assert panel.text.toPlainText() == values["excerpt"]
    cut = [token for _, token in panel.view._pieces]
    assert cut == tokenizer.encode(values["excerpt"]).tolist()
    assert panel.count.text() == f"{len(cut)} tokens"
    model = panel.findChild(QListView, "mergeList").model()
    lines = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert len(lines) == 280 - 256 and [line.split()[0] for line in lines[:3]] == ["1", "2", "3"]
    joined = [b"".join(pair) for pair in tokenizer.merges()]
    assert joined == [tokenizer.bytes_of(token) for token in range(256, 280)]
    facts = panel.facts.text()
    assert facts.startswith("280 tokens, byte pairs of its text")
    occurring = int((values["counts"] > 0).sum())
    assert f" {occurring} of them" in facts and f"{280 * 32:,} numbers" in facts
    assert "18 % of the network" in facts
    qtbot.wait(150)


def test_typing_cuts_again(shown, data, qtbot):
    """A moment after the last key, what was typed stands there as tokens; nothing is none."""
    panel = shown(TokensPanel)
    panel.show_data_views(describe_data(data, SMALL), 50_000, 32)
    panel.text.clear()
    QTest.keyClicks(panel.text, "the cat")
    qtbot.waitUntil(
        lambda: b"".join(raw for raw, _ in panel.view._pieces) == b"the cat", timeout=2000
    )
    panel.text.setPlainText("小猫 😀")
    qtbot.waitUntil(lambda: "".join(_text(panel)) == "小猫 😀", timeout=2000)
    panel.text.clear()
    qtbot.waitUntil(lambda: panel.view.count() == 0, timeout=2000)
    assert panel.count.text() == "0 tokens"


def _text(panel):
    return b"".join(raw for raw, _ in panel.view._pieces).decode()


def test_a_typed_text_outlives_the_next_network(shown, data, qtbot):
    """Another tokenizer cuts what stands there; only an empty box is filled with an excerpt."""
    panel = shown(TokensPanel)
    panel.show_data_views(describe_data(data, SMALL), 50_000, 32)
    panel.text.setPlainText("the mat")
    qtbot.waitUntil(lambda: _text(panel) == "the mat", timeout=2000)
    merged = panel.view.count()
    assert panel.merges.isVisible()
    panel.show_data_views(describe_data(data, CHARACTERS), 50_000, 32)
    assert panel.text.toPlainText() == "the mat" and panel.view.count() == 7 > merged
    assert not panel.merges.isVisible() and "spelled in bytes" in panel.why.text()


def test_the_panel_names_the_dataset_and_what_it_shows(shown, data, tmp_path, qtbot):
    """An excerpt goes with its dataset; without merges none are promised; a merge is not cut."""
    panel = shown(TokensPanel)
    panel.show_data_views(describe_data(data, SMALL), 50_000, 32)
    assert "occur in the dataset (lesson.txt, " in panel.facts.text()
    assert panel.vocabulary.title.text() == "BPE merges"
    panel.resize(430, 480)
    qtbot.waitUntil(lambda: panel.vocabulary.geometry().top() > panel.text.geometry().bottom())
    assert panel.merges.sizeHintForColumn(0) <= panel.merges.viewport().width()
    path = tmp_path / "other.txt"
    path.write_text("One two three. " * 60)
    other = TEXT.load(path)
    panel.show_data_views(describe_data(other, CHARACTERS), 50_000, 32)
    assert "occur in the dataset (other.txt, " in panel.facts.text()
    assert panel.vocabulary.title.text() == "Vocabulary"
    assert panel.text.toPlainText().startswith("One two three.")


def test_what_was_typed_just_before_turning_away(shown, data, qtbot):
    """Back at the panel, the tokens are those of the text that stands there."""
    panel = shown(TokensPanel)
    panel.show_data_views(describe_data(data, SMALL), 50_000, 32)
    qtbot.wait(150)
    panel.text.setPlainText("on the way")
    panel.hide()
    panel.show()
    qtbot.waitUntil(lambda: _text(panel) == "on the way", timeout=1000)


def test_nothing_ticks_in_a_hidden_tokens_panel(qtbot, qapp, data):
    """A survey that comes while nobody looks is shown later, and no timer runs till then."""
    panel = TokensPanel()
    qtbot.addWidget(panel)
    panel.show_data_views(describe_data(data, SMALL), 50_000, 32)
    ticking = panel._settle.isActive()
    panel._settle.stop()
    assert not ticking
    panel.show()
    qtbot.waitUntil(lambda: panel.view.count() > 0, timeout=1000)
    panel.hide()


@pytest.mark.parametrize(
    ("size", "share", "offered"),
    [(LARGE + 100, 0.3, True), (LARGE + 100, 0.95, False), (LARGE, 0.3, False)],
)
def test_only_what_occurs_is_offered_for_large_vocabularies(shown, data, size, share, offered):
    """The button is there where it saves something, says how much, and tells that it was asked."""
    panel = shown(TokensPanel)
    values = describe_data(data, SMALL)

    class Large:
        """A tokenizer that has more tokens than it needs."""

        kind, title, learned, closed = "gpt2", "GPT-2's", (), False

        def __init__(self):
            self.size = size

        def merges(self):
            return []

        def refusal(self, text):
            return ""

        def encode(self, text):
            return values["tokenizer"].encode(text)

        def bytes_of(self, token):
            return values["tokenizer"].bytes_of(token)

    counts = (np.arange(size) < share * size).astype(int)
    panel.show_data_views({**values, "tokenizer": Large(), "counts": counts}, 10**6, 32)
    button = panel.findChild(QPushButton, "keepOccurring")
    assert button.isVisible() == offered and not panel.merges.isVisible()
    asked = []
    panel.keepAsked.connect(lambda: asked.append(True))
    if offered:
        assert f"{counts.sum():,}" in panel.facts.text()
        QTest.mouseClick(button, LEFT)
        assert asked == [True]
    panel.show_data_views(values, 50_000, 32)
    assert not button.isVisible()


def test_the_recipe_takes_what_occurs(qtbot, window):
    """Clicked on the page, the button sets the next run's recipe, and the form shows it."""
    from PySide6.QtWidgets import QWidget

    from tests.gui.conftest import Program

    program = Program(qtbot, window, "text")
    program.ready()
    program.session.recipe = TextRecipe(tokenizer="gpt2")
    panel = program.page.tokens
    program.page.tabs.setCurrentWidget(panel)
    panel.keep.show()
    QTest.mouseClick(panel.keep, LEFT)
    assert program.session.recipe.occurring
    box = program.page.findChild(QWidget, "setting_occurring")
    assert box.isChecked() if hasattr(box, "isChecked") else "on" in box.currentText().lower()


# Attention


def test_the_map_is_of_the_chosen_layer_and_head(shown, build):
    """Each choice shows its own map, which is what the network says, row by row a sum of 1."""
    panel, model = shown(AttentionPanel), build(SMALL)
    panel.set_model(model)
    tokens = tokens_of(model)[:12]
    panel.set_tokens(tokens)
    assert (panel.layer.count(), panel.head.count()) == (3, 2)
    maps, seen = inside.attention(model, tokens), []
    for layer in range(3):
        for head in range(2):
            choose(panel.layer, layer)
            choose(panel.head, head)
            now = panel.map._weights
            assert np.allclose(now, maps[layer, head]) and np.allclose(now.sum(1), 1, atol=1e-4)
            assert not any(np.allclose(now, other, atol=1e-3) for other in seen)
            assert (panel.lines._weights == now).all()
            seen.append(now.copy())
    assert len(panel.map._tokens) == 12 and panel.map._tokens == panel.lines._tokens


def choose(box, index):
    """Choose an entry with the keyboard, as a person does."""
    box.setFocus()
    while box.currentIndex() < index:
        QTest.keyClick(box, Qt.Key.Key_Down)
    while box.currentIndex() > index:
        QTest.keyClick(box, Qt.Key.Key_Up)


def test_a_long_text_is_seen_at_its_end(shown, build):
    """No more tokens than the context has, and these are the last ones."""
    panel, model = shown(AttentionPanel), build(SMALL)
    panel.set_model(model)
    panel.set_tokens(tokens_of(model) * 4)
    assert panel._tokens == (tokens_of(model) * 4)[-16:] and panel.map._weights.shape == (16, 16)


def test_pointing_in_the_map_picks_the_word(shown, build):
    """The sentence names both tokens, and the lines are those of the same token."""
    panel, model = shown(AttentionPanel), build(SMALL)
    panel.set_model(model)
    panel.set_tokens(tokens_of(model, "The cat sat on the mat."))
    QTest.mouseMove(panel.map, panel.map.cell(3, 1).center().toPoint())
    assert "attends to" in panel.words.text() and panel.lines._row == 3
    QTest.mouseMove(panel.lines, panel.lines.place(1).center().toPoint())
    assert panel.map._row == 1


def test_a_model_without_heads_says_so(shown, build):
    """A bigram has nobody to look at; the choices sleep, and wake with the next gpt."""
    panel, bigram, model = shown(AttentionPanel), build(SMALL.replace({"model": "bigram"})), None
    panel.set_model(bigram)
    panel.set_tokens(tokens_of(bigram))
    assert "does not attend" in panel.words.text() and not panel.map._tokens
    assert not panel.layer.isEnabled() and not panel.head.isEnabled()
    panel.grab()
    for spot in (QPoint(20, 20), QPoint(40, 40)):  # the mouse over a map of nothing
        QTest.mouseMove(panel.map, spot)
    QApplication.sendEvent(panel.map, QEvent(QEvent.Type.Leave))
    assert "does not attend" in panel.words.text()
    model = build(CHARACTERS)
    panel.set_model(model)
    panel.set_tokens(tokens_of(model))
    assert "does not attend" not in panel.words.text()
    assert (panel.layer.count(), panel.head.count()) == (1, 4) and len(panel.map._tokens) == 16


def test_another_network_empties_the_map(shown, build):
    """Nothing of the old one is left, until there is a text for the new one."""
    panel, one, other = shown(AttentionPanel), build(SMALL), build(CHARACTERS)
    panel.set_model(one)
    panel.set_tokens(tokens_of(one))
    panel.set_model(other)
    assert not panel.map._tokens and not panel.lines._tokens
    panel.grab()


def test_the_map_follows_new_weights(shown, build, qtbot):
    """While a network learns, the map is drawn again, now and then."""
    panel, model = shown(AttentionPanel), build(SMALL)
    panel.set_model(model)
    panel.set_tokens(tokens_of(model))
    before = panel.map._weights.copy()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    for _ in range(5):
        panel.follow()
    qtbot.waitUntil(lambda: not np.allclose(panel.map._weights, before), timeout=3000)
    assert not panel._soon.isActive()


@pytest.mark.parametrize("kind", [AttentionPanel, LogitLensPanel])
def test_a_network_that_came_apart_is_painted(shown, build, kind):
    """NaN in its weights: whatever is shown, nothing breaks."""
    panel, model = shown(kind), build(SMALL)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    panel.set_model(model)
    panel.set_tokens(tokens_of(model))
    panel.grab()


# Inside


def test_the_lens_has_a_row_for_each_layer(shown, build):
    """From the tokens themselves to the last layer, whose answers are the network's own."""
    panel, model = shown(LogitLensPanel), build(SMALL)
    panel.set_model(model)
    tokens = tokens_of(model)[:12]
    panel.set_tokens(tokens)
    rows = panel.lens.rows
    assert [name for name, _ in rows] == ["tokens", "layer 1", "layer 2", "layer 3"]
    assert len(panel.lens.heads) == PLACES and all(len(row) == PLACES for _, row in rows)
    with torch.no_grad():
        shares = model(torch.tensor([tokens]))[0].softmax(-1).max(-1).values[-PLACES:]
    assert [p for _, p in rows[-1][1]] == pytest.approx(shares.tolist(), abs=1e-4)
    panel.grab()


def test_neighbours_of_a_token(shown, build):
    """The nearest first, itself not among them; of several tokens the last, which is said."""
    panel, model = shown(LogitLensPanel), build(SMALL)
    panel.set_model(model)
    panel.word.clear()
    assert not panel.near.text()
    QTest.keyClicks(panel.word, "cat")
    token = tokens_of(model, "cat")[-1]
    assert f"token {token}" in panel.near_words.text()
    cosines = [float(line.split()[0]) for line in panel.near.text().split("\n")]
    assert len(cosines) == 14 and cosines == sorted(cosines, reverse=True) and cosines[0] < 1
    panel.word.setText("rat zebra")
    count = len(tokens_of(model, "rat zebra"))
    assert count > 1 and f"{count} tokens, this the last" in panel.near_words.text()
    panel.word.setText("ж")  # a byte of a character that is in no text
    assert panel.near.text()


def test_models_without_layers_or_points_say_so(shown, build):
    """A bigram has neither; an mlp has points, but no layer could answer in its stead."""
    panel = shown(LogitLensPanel)
    panel.set_model(build(SMALL.replace({"model": "bigram"})))
    assert "no layers" in panel.lens_words.text() and "no embedding" in panel.near_words.text()
    assert not panel.near.text() and not panel.lens.rows
    panel.set_model(build(SMALL.replace({"model": "mlp", "hidden": (24,)})))
    assert "no layers" in panel.lens_words.text() and panel.near.text()
    panel.grab()
    panel.set_model(build(SMALL))
    assert "no layers" not in panel.lens_words.text() and len(panel.lens.rows) == 4


def test_another_network_is_looked_into(shown, build):
    """Rows, words and neighbours are the new one's at once."""
    panel = shown(LogitLensPanel)
    one, other = build(SMALL), build(SMALL.replace({"seed": 9, "layers": 2}))
    panel.set_model(one)
    panel.set_tokens(tokens_of(one))
    near = panel.near.text()
    panel.set_model(other)
    assert len(panel.lens.rows) == 3 and panel.near.text() != near
    assert len(panel.lens.heads) == 1  # a line's end, until there is a text


@pytest.mark.parametrize("kind", [AttentionPanel, LogitLensPanel])
def test_nothing_is_asked_while_nobody_looks(shown, build, qtbot, asked, kind):
    """Hidden, a panel costs a training nothing; shown again, it catches up at once."""
    panel, model = shown(kind), build(SMALL)
    panel.set_model(model)
    panel.set_tokens(tokens_of(model))
    assert asked
    panel.follow()
    panel.hide()
    asked.clear()
    text = tokens_of(model, "A rat, by the way")
    panel.set_tokens(text)
    panel.follow()
    panel.set_model(model)
    panel.set_tokens(text)
    qtbot.wait(600)
    assert not asked and not panel._soon.isActive()
    panel.show()
    assert asked
    heads = panel.map._tokens if kind is AttentionPanel else panel.lens.heads
    assert len(heads) == min(len(text), 16 if kind is AttentionPanel else PLACES)
