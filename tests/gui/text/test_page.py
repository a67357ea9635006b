"""The text page, used as a person uses it, with small networks and small texts."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from core.playgrounds.text.recipe import TextRecipe
from core.training import device
from core.training.checkpoint import load_checkpoint
from core.training.memory import needed
from gui import background_job
from gui import session as session_module
from gui.session_state import State
from gui.text.sample_timeline import SampleTimeline
from gui.text.sampler import Sample
from gui.widgets import recipe_card
from gui.widgets.curve_card import CharacterCard
from gui.widgets.layer_table import activation_words

PROMISED = (
    "pageText textPrompt generateButton stopGenerationButton continueButton textOutput"
    " candidateList sampleTimeline attentionMap attentionLines tokenText mergeList lensView"
    " neighbourWord characterPlot"
)
RECIPE = TextRecipe(
    tokenizer="characters", layers=2, heads=2, width=32, context=16, batch_size=16, lr=1e-2
)
SIXTY = RECIPE.replace({"steps": 60})
LESSON = "The cat sat on the mat.\nA rat, by the way, sat on the cat!\n"
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def lesson(tmp_path):
    """A text of two sentences, again and again."""
    path = tmp_path / "lesson.txt"
    path.write_text(LESSON * 40, encoding="utf-8")
    return path


@pytest.fixture
def texting(qtbot, window, monkeypatch):
    """The program at its texts where nothing is shipped."""
    from tests.gui.conftest import Program

    monkeypatch.setattr(background_job, "SHARE", 1.0)  # look often
    made = Program(qtbot, window, "text")
    made.ready()
    return made


@pytest.fixture
def taught(texting, lesson):
    """The same, after sixty steps on the two sentences."""
    texting.learn(SIXTY, lesson)
    return texting


def click(texting, name):
    """Click a widget of the page, by its name."""
    QTest.mouseClick(texting.page.findChild(QWidget, name), LEFT)


def message(texting, name="dataMessage"):
    """What a label says."""
    return texting.page.findChild(QLabel, name).text()


def drop(texting, *urls):
    """Let files fall onto the data card; returns whether they would be taken."""
    mime = QMimeData()
    mime.setUrls([url if isinstance(url, QUrl) else QUrl.fromLocalFile(str(url)) for url in urls])
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, LEFT, NONE)
    enter.setAccepted(False)
    texting.page.data.dragEnterEvent(enter)
    texting.page.data.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, LEFT, NONE))
    return enter.isAccepted()


def lines(plot):
    """The reference lines of a plot: their names on the screen, by their keys."""
    return {name: words for name, (_, words, _) in plot.levels.items()}


def rows(texting):
    """The texts that stand in the timeline, the newest first."""
    return [w.text() for w in texting.page.timeline.findChildren(QLabel, "sampleText")]


def test_the_names_that_others_rely_on_are_there(texting):
    """Each promised objectName belongs to a widget of the page."""
    for name in PROMISED.split():
        found = texting.page.findChild(QWidget, name)
        assert found is not None or texting.page.objectName() == name, name


def test_without_a_network_nothing_breaks(texting):
    """Every tab opens, every key is taken, no button that needs a network can be clicked."""
    assert texting.session.weights is None
    for tab in range(texting.page.tabs.count()):
        texting.page.tabs.setCurrentIndex(tab)
        texting.window.grab()
    assert not texting.page.write.generate.isEnabled()
    texting.page.write.prompt.setPlainText("Ελλάδα 😀")
    texting.page.inside.word.setText("king")
    texting.page.tokens.text.setPlainText("cat")
    texting.qtbot.wait(150)
    assert texting.session.state is State.READY


def test_it_writes_while_it_learns(texting, lesson):
    """In mid-training it streams, and what it writes is by the newest weights."""
    texting.train(RECIPE, data=lesson)
    write = texting.page.write
    write.settings.length.setValue(5000)
    seen = []
    texting.session.weights_changed.connect(lambda: seen.append(len(write.writing.said)))
    click(texting, "generateButton")
    texting.until(lambda: len(seen) > 1 and len(write.writing.said) > 60)
    assert texting.session.state is State.TRAINING and write.writing.running
    assert seen[-1] > seen[0]  # weights arrived between two of its words
    write.writing.stop()
    loss = texting.session.history.loss
    texting.until(lambda: loss.y[-1] < loss.y[0] - 0.5)
    click(texting, "stopButton")
    texting.ready()
    kept = load_checkpoint(next(iter(session_module.RUNS.glob("*/last.safetensors"))))
    assert write._model.state_dict().keys() == kept.model().state_dict().keys()
    for name, value in kept.model().state_dict().items():
        assert (write._model.state_dict()[name] == value).all(), name


def test_the_same_seed_writes_better_after_training(texting, lesson):
    """Before the first step the network stammers bytes; after some it writes the text's letters."""
    texting.session.recipe, texting.session.data = RECIPE.replace({"steps": 150}), lesson
    texting.session.start(60, paused=True)
    texting.until(lambda: texting.session.state is State.PAUSED)
    write = texting.page.write
    write.settings.length.setValue(80)

    def share():
        with texting.qtbot.waitSignal(write.writing.ended, timeout=20_000):
            click(texting, "generateButton")
        text = "".join(said.text for said in write.writing.said)
        return sum(c in set(LESSON) for c in text) / max(1, len(text))

    early = share()
    click(texting, "pauseButton")
    texting.until(lambda: texting.session.state is State.READY)
    assert texting.session.weights.step == 150
    assert share() > 0.9 > early


def test_the_caption_names_the_steps_that_wrote_the_text(texting, lesson):
    """While the network learns on, it tells what wrote the text from what it has learned since."""
    texting.session.recipe, texting.session.data = RECIPE, lesson
    texting.session.start(60, paused=True)
    texting.until(lambda: texting.session.state is State.PAUSED)
    write = texting.page.write
    write.settings.length.setValue(20)
    with texting.qtbot.waitSignal(write.writing.ended, timeout=20_000):
        click(texting, "generateButton")
    assert write.network.text() == "In training, step 0, paused"
    click(texting, "stepButton")
    now = "Written at step 0; now in training, step 1, paused"
    texting.until(lambda: write.network.text() == now)
    assert "Written at step 0. The network that answers here" in write.network.toolTip()
    with texting.qtbot.waitSignal(write.writing.ended, timeout=20_000):
        click(texting, "continueButton")
    now = "Written at steps 0 to 1; now in training, step 1, paused"
    assert write.network.text() == now
    with texting.qtbot.waitSignal(write.writing.ended, timeout=20_000):
        click(texting, "surprisalButton")
    assert write.network.text() == "In training, step 1, paused"
    click(texting, "stepButton")
    now = "Read at step 1; now in training, step 2, paused"
    texting.until(lambda: write.network.text() == now)
    texting.stop()
    texting.until(lambda: write.network.text().startswith("Read at step 1; now run "))
    texting.session.open_checkpoint(texting.session.file)
    texting.until(lambda: write.network.text().startswith("Run "))


def test_samples_stand_in_the_timeline(texting, lesson):
    """At step 0 and later ones appear, the newest on top; a new run begins with an empty list."""
    texting.turn_to("Samples")
    texting.learn(RECIPE.replace({"steps": 120}), lesson)
    timeline = texting.page.timeline
    texting.until(lambda: len(timeline.samples) >= 2 and not texting.page.sampler._stream.running)
    steps = [sample.step for sample in timeline.samples]
    assert steps == sorted(set(steps)) and steps[0] <= 10 and steps[-1] > 100
    assert all(sample.text for sample in timeline.samples)
    assert timeline.samples[0].text != timeline.samples[-1].text
    texting.qtbot.wait(20)
    assert len(rows(texting)) == len(steps)
    assert timeline.samples[-1].text.strip("\n") in rows(texting)
    old = list(timeline.samples)
    texting.learn(RECIPE.replace({"steps": 30, "seed": 5}), lesson)
    texting.until(lambda: len(timeline.samples) >= 1 and not texting.page.sampler._stream.running)
    assert not any(sample in old for sample in timeline.samples)
    texting.qtbot.wait(20)
    assert len(rows(texting)) == len(timeline.samples)


def test_a_sample_has_the_loss_of_its_step_or_of_one_before(texting, lesson):
    """A loss that was measured later or earlier would be taken for the sample's own."""
    texting.learn(RECIPE.replace({"steps": 5}), lesson)
    sampler, timeline = texting.page.sampler, texting.page.timeline
    texting.until(lambda: len(timeline.samples) >= 2 and not sampler._stream.running)
    history = texting.session.history
    found = history.evaluations["val_nats_per_char"]
    for step, other in ((0, ""), (3, "in training"), (5, "")):
        sampler._step = step
        sampler._on_ended("")
        sample = timeline.samples[-1]
        assert (sample.step, sample.other) == (step, other)
        known = history.loss.y[:3].mean() if other else found.y[found.x == step][0]
        assert sample.loss == pytest.approx(known)  # a token is a character
    history.loss.cut(0)
    sampler._step = 3
    sampler._on_ended("")
    assert timeline.samples[-1].other == "at step 0"


@pytest.mark.parametrize("other", ["", "at step 0"])
def test_a_loss_of_another_step_says_so(qtbot, other):
    """Else it would be taken for that of the sample; a long word is broken, not cut off."""
    timeline = SampleTimeline()
    qtbot.addWidget(timeline)
    timeline.resize(300, 400)
    timeline.show()
    timeline.add(Sample(50, 5.558, other, "To GLOUCESTERSHIRE, " + "x" * 300))
    told = [label.text() for label in timeline.findChildren(QLabel)]
    assert "Step 50" in told and "5.558 nats a char" in told
    assert ("at step 0" in told) == bool(other)
    words = timeline.findChild(QLabel, "sampleText")
    right = partial(words.mapTo, timeline)
    qtbot.waitUntil(lambda: right(words.rect().topRight()).x() < timeline.width())
    assert words.height() > 3 * words.fontMetrics().height()
    assert words.text().startswith("To GLOUCESTERSHIRE, ")  # as it is copied


def test_the_first_sample_is_of_a_network_that_learned_nothing(texting, lesson):
    """It says step 0, and the same seed's network always begins with the same words."""
    found, timeline = [], texting.page.timeline
    texting.session.recipe, texting.session.data = RECIPE, lesson
    for _ in range(2):
        texting.session.start(60, paused=True)
        texting.until(lambda: texting.session.state is State.PAUSED)
        texting.until(lambda: bool(timeline.samples))
        found.append(timeline.samples[0])
        texting.stop()
        texting.until(lambda: not texting.page.sampler._stream.running)
    assert [sample.step for sample in found] == [0, 0]
    assert found[0].text == found[1].text


def test_step_0_is_sampled_in_a_quick_run_too(texting, lesson):
    """However quick the steps are: what they are compared with is there."""
    texting.learn(SIXTY, lesson)
    texting.until(lambda: not texting.page.sampler._stream.running)
    assert texting.page.timeline.samples[0].step == 0


def test_the_loss_is_held_against_what_counting_reaches(taught):
    """A uniform guess, unigram baseline, pairs: three lines, each lower, with their values."""
    plot = taught.page.learning.loss.plot
    found = lines(plot)
    assert set(found) == {"uniform", "unigram", "bigram"}
    values = {name: plot.levels[name][0] for name in found}
    assert values["uniform"] == pytest.approx(math.log(256))
    assert values["uniform"] > values["unigram"] > values["bigram"] > 0
    assert found["unigram"] == f"unigram baseline {values['unigram']:.2f}"


def test_known_results_are_for_tiny_shakespeare_only(texting, lesson, tmp_path):
    """The lines of nanoGPT stand there where it learned the same text, and go with another one."""
    plot = texting.page.characters.plot
    texting.learn(RECIPE.replace({"steps": 5}), lesson)
    assert not lines(plot)
    folder = tmp_path / "data"
    (folder / "tinyshakespeare").mkdir(parents=True)
    (folder / "tinyshakespeare" / "input.txt").write_text(LESSON * 40)
    texting.session.choose_data(folder)
    texting.until(lambda: texting.session.data == folder)
    assert texting.page.findChild(QComboBox, "dataBox").currentText() == "Tiny Shakespeare"
    texting.learn(RECIPE.replace({"steps": 5}), folder)
    assert set(lines(plot)) == {"nanoGPT, CPU", "nanoGPT, A100"}
    texting.learn(RECIPE.replace({"steps": 5}), lesson)
    assert not lines(plot)


def test_characters_are_judged_and_drawn(taught):
    """The loss per character has its number beside the question, with bits in the tooltip."""
    card, found = taught.page.characters, taught.session.history.evaluations
    nats = found["val_nats_per_char"].y[-1]
    assert found["val_loss"].y[-1] == pytest.approx(nats, rel=1e-6)  # characters are tokens
    assert card.now.text() == f"{nats:.3f}" and f"{nats / math.log(2):.4f} bits" in (
        card.now.toolTip()
    )


def test_panels_are_given_tokens_of_the_network_that_they_look_into(taught, monkeypatch):
    """Not of the session's next one, whose vocabulary may be larger."""
    page, vocabulary = taught.page, taught.session.replica.model.tokenizer.size
    given = []
    for panel in (page.attention, page.inside):
        monkeypatch.setattr(panel, "set_tokens", given.append)
    larger = SimpleNamespace(known=str, encode=lambda text: np.full(len(text), vocabulary))
    monkeypatch.setattr(
        taught.session, "replica", SimpleNamespace(model=SimpleNamespace(tokenizer=larger))
    )
    page._show_text(typed=True)
    assert len(given) == 2 and all(0 <= token < vocabulary for some in given for token in some)
    page.write.prompt.setPlainText("The cat")
    assert len(given[-1]) == 7 and max(given[-1]) < vocabulary


def test_byte_pairs_cost_less_per_character(texting, lesson):
    """A token of several characters shares its loss out among them."""
    texting.learn(SIXTY.replace({"tokenizer": "bpe", "vocab_size": 275}), lesson)
    found = texting.session.history.evaluations
    assert found["val_nats_per_char"].y[-1] < 0.8 * found["val_loss"].y[-1]
    facts = message(texting, "tokenFacts")
    assert facts.startswith("275 tokens, byte pairs of its text")


def test_the_wall_tells_of_attention_and_of_the_stream(texting, lesson):
    """Rows that attend have an entropy, those that add to the stream its spread; others neither."""
    snapshots = []
    texting.session.snapshot_taken.connect(snapshots.append)
    texting.learn(SIXTY, lesson)
    infos, stats = texting.session.info.layers, snapshots[-1].layers
    said = {
        info.name: " ".join(activation_words(info, row))
        for info, row in zip(infos, stats, strict=True)
    }
    attends = {name for name in said if "attend" in name}
    assert len(attends) == 2
    assert {name for name, words in said.items() if "entropy" in words} == attends
    adding = {name for name, words in said.items() if "stream" in words}
    assert {n for n in said if "project" in n or "contract" in n} <= adding
    assert not adding & attends
    row = next(row for i, row in zip(infos, stats, strict=True) if "attend" in i.name)
    assert 0 < row.attention_entropy < math.log(16)
    assert texting.page.learning.table.snapshot is snapshots[-1]


def test_every_layer_can_be_opened(texting, lesson):
    """A click on its row: weights and activity, but no pictures of what a text's unit seeks."""
    texting.train(RECIPE, data=lesson)
    texting.until(lambda: bool(texting.session.history.layers))
    seen = []
    texting.session.layer_viewed.connect(seen.append)
    learning = texting.page.learning
    for row, info in enumerate(texting.session.info.layers):
        place = learning.table.row_rect(row).center()
        QTest.mouseClick(learning.table, LEFT, pos=place)
        texting.until(lambda info=info: bool(seen) and seen[-1].layer == info.name)
        assert learning.layer.isVisible() and not learning.layer.seeks.isVisible()
        assert seen[-1].weights.shape == (info.units, info.fan_in)
        assert len(seen[-1].activity) == info.units and seen[-1].maps.shape == (info.units,)
        assert learning.layer.weights.isVisible() and not learning.layer.weights.waits.isVisible()
        click(texting, "layerBack")
        assert not learning.layer.isVisible()
    texting.stop()


def test_an_opened_layer_follows_the_prompt(taught):
    """Typing asks anew what the layer makes of it."""
    seen = []
    taught.session.layer_viewed.connect(seen.append)
    name = next(i.name for i in taught.session.info.layers if "expand" in i.name)
    taught.page.learning.open_layer(name)
    taught.until(lambda: bool(seen))
    taught.page.learning._timer.stop()
    before, count = seen[-1].maps, len(seen)
    taught.page.write.prompt.setPlainText("A rat, by the way")
    taught.until(lambda: len(seen) > count)
    assert (seen[-1].maps != before).any()
    taught.page.learning.close_layer()


@pytest.mark.parametrize("model", ["mlp", "bigram"])
def test_other_models_play_too(texting, lesson, model):
    """They write, are judged, and what they have not is said by the panels."""
    recipe = SIXTY.replace({"model": model, "hidden": (24,), "context": 8})
    texting.learn(recipe, lesson)
    write = texting.page.write
    write.settings.length.setValue(40)
    with texting.qtbot.waitSignal(write.writing.ended, timeout=20_000):
        click(texting, "generateButton")
    assert len(write.writing.said) == 40
    for tab in range(texting.page.tabs.count()):
        texting.page.tabs.setCurrentIndex(tab)
        texting.window.grab()
    texting.until(lambda: "does not attend" in message(texting, "attentionMessage"))
    texting.until(lambda: "no layers that could answer" in texting.page.inside.lens_words.text())
    assert bool(texting.page.inside.near.text()) == (model == "mlp")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02" * 90, "zero bytes"),
        (b"a" * 500, "one character only"),
        (b"too short", "only 9 characters"),
        ("Zo\u00eb\n".encode("latin-1") * 90, "not in UTF-8"),
    ],
)
def test_a_bad_text_is_refused_and_nothing_is_lost(texting, lesson, tmp_path, content, sentence):
    """The card says what is wrong; the text that was chosen before stays, and can be learned."""
    texting.session.choose_data(lesson)
    texting.until(lambda: texting.session.data == lesson)
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    texting.session.choose_data(path)
    texting.until(lambda: sentence in message(texting))
    box = texting.page.findChild(QComboBox, "dataBox")
    assert texting.session.data == lesson and texting.session.state is State.READY
    assert box.currentIndex() == 2 and box.currentText() == "lesson.txt …"
    texting.session.choose_data(lesson)
    texting.until(lambda: not message(texting))


def test_a_folder_of_texts_can_be_dropped(texting, tmp_path):
    """All of its texts are learned from, each with its characters."""
    folder = tmp_path / "letters"
    folder.mkdir()
    for name, text in (("one.txt", LESSON * 20), ("two.md", "Ελλάδα, γάτα.\n" * 90)):
        (folder / name).write_text(text, encoding="utf-8")
    assert drop(texting, folder)
    texting.until(lambda: texting.session.data == folder)
    assert texting.page.findChild(QComboBox, "dataBox").currentText() == "letters …"
    texting.learn(RECIPE.replace({"steps": 5}), folder)
    assert "2 texts of letters" in texting.session.info.dataset
    tokenizer = texting.page.write._model.tokenizer
    assert len(tokenizer.encode("Ελλάδα")) == 6


def test_what_is_no_file_here_can_not_be_dropped(texting):
    """A link from a browser is not a text; it must not be taken for some folder."""
    drop(texting, QUrl("https://example.org/text.txt"))
    texting.until(lambda: texting.session.state is State.READY)
    assert texting.session.data is None
    assert "can't be used as data" in message(texting)


def test_a_folder_without_texts_is_not_called_a_text(texting, tmp_path):
    """Where nothing is to be learned from, the card does not say that it was chosen."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    drop(texting, folder)
    texting.until(lambda: texting.session.state is State.READY)
    assert texting.page.findChild(QComboBox, "dataBox").currentText() != "pictures …"


def test_a_drop_in_mid_training_is_left_alone(texting, lesson, tmp_path):
    """What is learned from can't be changed under a run."""
    texting.train(RECIPE, data=lesson)
    assert not drop(texting, tmp_path)
    assert texting.session.data == lesson
    texting.stop()


def test_a_text_that_is_shorter_than_the_context_says_so(texting, tmp_path):
    """The run does not begin; a shorter context is what helps."""
    path = tmp_path / "short.txt"
    path.write_text(LESSON * 2)
    texting.session.recipe, texting.session.data = SIXTY.replace({"context": 512}), path
    click(texting, "trainButton")
    texting.until(lambda: "shorter context" in message(texting, "runMessage"))
    texting.ready()


@pytest.mark.parametrize("tab", ["Attention", "Logit lens"])
def test_a_typed_prompt_is_looked_at(taught, tab):
    """As long as nothing was written, attention and lens are those of the prompt."""
    page = taught.page
    taught.turn_to(tab)
    page.write.prompt.setPlainText("cat")
    taught.qtbot.wait(700)
    shown = page.attention.map._tokens if tab == "Attention" else page.inside.lens.heads
    assert shown == list("cat")


def test_attention_and_lens_are_of_what_was_written(taught):
    """As soon as the text ends, they show its last tokens."""
    page = taught.page
    taught.turn_to("Attention")
    page.write.settings.length.setValue(30)
    with taught.qtbot.waitSignal(page.write.writing.ended, timeout=20_000):
        click(taught, "generateButton")
    tokens = page.write.writing.tokens
    assert page.attention._tokens == tokens[-16:] and len(page.attention.map._tokens) == 16
    taught.turn_to("Logit lens")
    assert len(page.inside.lens.rows) == 3 and len(page.inside.lens.heads) == 9


@pytest.mark.parametrize("pages", [("names", "text")])
def test_another_page_ends_the_writing(taught):
    """Nobody sees it there; back again, it can be continued."""
    write = taught.page.write
    write.settings.length.setValue(5000)
    click(taught, "generateButton")
    taught.until(lambda: len(write.writing.said) > 10)
    taught.window.show_page("names")
    assert not write.writing.running
    taught.window.show_page("text")
    assert write.more.isEnabled()


def test_a_new_run_while_it_writes(taught, lesson):
    """The old text ends where it is; the new network writes by its own tokens."""
    write = taught.page.write
    write.settings.length.setValue(5000)
    click(taught, "generateButton")
    taught.until(lambda: len(write.writing.said) > 10)
    taught.learn(SIXTY.replace({"tokenizer": "bpe", "vocab_size": 270}), lesson)
    assert not write.writing.running and not write.more.isEnabled()
    write.settings.length.setValue(20)
    with taught.qtbot.waitSignal(write.writing.ended, timeout=20_000):
        click(taught, "generateButton")
    assert len(write.writing.said) == 20 and write._model.tokenizer.size == 270


@pytest.mark.parametrize("when", ["writing", "sampling"])
def test_the_window_closes_in_the_middle(texting, lesson, when):
    """Whoever writes stops, the thread ends, and the network is kept."""
    texting.train(RECIPE, data=lesson)
    if when == "writing":
        texting.page.write.settings.length.setValue(5000)
        click(texting, "generateButton")
        texting.until(lambda: len(texting.page.write.writing.said) > 10)
    texting.window.close()
    assert not texting.window.worker.isRunning() and not texting.page.write.writing.running
    assert len(list(session_module.RUNS.glob("*/last.safetensors"))) == 1


@pytest.mark.parametrize("offset", (-3, 0, 3))
def test_a_curve_card_comes_to_rest(qtbot, qapp, offset):
    """At the width where its number just fits, showing and hiding it moves nothing for ever."""
    from PySide6.QtWidgets import QHBoxLayout

    window = QWidget()
    row = QHBoxLayout(window)
    sizes = []

    class Counted(CharacterCard):
        def resizeEvent(self, event):
            sizes.append(event.size())
            super().resizeEvent(event)

    cards = [Counted({}), Counted({})]
    for card in cards:
        card.now.setText("1.234")
        row.addWidget(card, 1)
    qtbot.addWidget(window)
    window.resize(1200, 260)
    window.show()
    card = cards[0]
    assert card.now.isVisible()
    border = next(w for w in range(1200, 300, -1) if not _fits(window, card, w))
    sizes.clear()
    window.resize(border + offset, 260)
    qtbot.wait(500)
    assert len(sizes) <= 8
    assert len({size.width() for size in sizes[-2:]}) <= 2


def _fits(window, card, width):
    """Whether the number stands beside the question at a width of the window."""
    window.resize(width, 260)
    return card.now.isVisible()


def test_the_range_test_finds_a_rate_and_the_recipe_takes_it(texting, lesson):
    """As on the other playgrounds' pages: a click raises the rate, another takes what it found."""
    texting.session.data = lesson
    texting.session.recipe = RECIPE.replace({"lr": 1e-5})
    tabs = texting.page.tabs
    tabs.setCurrentIndex(tabs.count() - 1)
    assert tabs.tabText(tabs.currentIndex()) == "LR test"
    click(texting, "sweepButton")
    use = texting.page.findChild(QWidget, "useRate")
    texting.until(use.isEnabled)
    click(texting, "useRate")
    assert 1e-4 < texting.session.recipe.lr < 1


def test_what_is_computed_in_half_precision_is_counted_so(texting, monkeypatch):
    """What the form says of memory is what the run would: a processor with bfloat16 keeps less."""
    recipe = SIXTY.replace({"width": 512, "batch_size": 2048})
    whole, half = (needed(recipe, mixed=mixed) for mixed in (False, True))
    monkeypatch.setattr(recipe_card, "free_memory", lambda: (whole + half) // 2)
    problem = texting.page.findChild(QLabel, "recipeProblem")
    for in_bfloat16 in (False, True):
        monkeypatch.setattr(device, "multiplies_in_bfloat16", lambda _, can=in_bfloat16: can)
        texting.session.recipe = recipe.replace({"seed": int(in_bfloat16)})
        assert problem.isVisibleTo(texting.window) != in_bfloat16
    assert half < whole
