"""The names page, used as a person uses it."""

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from core.playgrounds.names.recipe import COMPARED_MODELS, NamesRecipe
from gui.session_state import State

NAMES = "pageNames namePrefix nameList letterBars ladderTable_names surpriseInput bigramMap"
QUICK = NamesRecipe(hidden=(24,), embedding=4, context=3, batch_size=64, lr=1e-2, dropout=0.0)
GREEK = ["Αθήνα", "Ξάνθη", "Βόλος", "Πάτρα", "Λάρισα", "Σπάρτη"]


def names(naming, which="names"):
    """What stands in the list."""
    shown = getattr(naming.page.names, which)
    return [shown.item(row).text() for row in range(shown.count())]


def begin(naming, prefix):
    """Type the beginning of a name, in place of what is there."""
    field = naming.page.names.prefix
    field.clear()
    QTest.keyClicks(field, prefix)


def click(naming, name):
    """Click a button of the page."""
    QTest.mouseClick(naming.page.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def greek(tmp_path):
    """A list of towns."""
    path = tmp_path / "towns.txt"
    path.write_text("\n".join(GREEK * 6), encoding="utf-8")
    return path


def chosen(naming, path):
    """Choose a list of one's own, and wait until it was read."""
    naming.session.choose_data(path)
    naming.until(lambda: naming.session.state is State.READY)


def test_the_names_that_others_rely_on_are_there(naming):
    """Each promised objectName belongs to exactly one widget of the window."""
    for name in NAMES.split():
        assert len(naming.window.findChildren(QWidget, name)) == 1, name


def test_a_newcomer_types_and_is_answered(naming):
    """The shipped network goes on from each key; with nothing typed, it begins by itself."""
    naming.until(lambda: len(names(naming)) == 20)
    assert len({name[0] for name in names(naming)}) > 3
    for prefix in ("b", "br", "bro"):
        begin(naming, prefix)
        naming.until(lambda prefix=prefix: all(n.startswith(prefix) for n in names(naming)))
    assert len(names(naming)) == 20


def test_a_seed_repeats_its_names(naming):
    """The same seed gives the same names again, another one others."""
    seed = naming.page.names.settings.seed
    naming.until(lambda: len(names(naming)) == 20)  # else there is nothing yet to come back to
    before = names(naming)
    click(naming, "nextSeed")
    naming.until(lambda: names(naming) != before)
    seed.setValue(seed.value() - 1)
    naming.until(lambda: names(naming) == before)


def test_temperature_top_k_and_count(naming):
    """A single choice at each letter makes one name, over and over; the count is kept."""
    settings = naming.page.names.settings
    settings.count.setValue(7)
    settings.top_k.setValue(1)
    naming.until(lambda: len(names(naming)) == 7 and len(set(names(naming))) == 1)
    settings.top_k.setValue(0)
    settings.temperature.setValue(0.1)
    naming.until(lambda: len(set(names(naming))) > 1)
    cool = len(set(names(naming)))
    settings.temperature.setValue(2.0)
    naming.until(lambda: len(set(names(naming))) > cool)


def test_a_letter_that_it_never_met_is_named(naming):
    """The sentence says which; fixed, the names come back."""
    naming.page.names.prefix.setText("bröd")
    problem = naming.page.findChild(QLabel, "prefixProblem")
    naming.until(problem.isVisible)
    assert "“ö”" in problem.text() and not names(naming)
    begin(naming, "br")
    naming.until(lambda: bool(names(naming)))
    assert not problem.isVisible()


def test_a_beginning_longer_than_the_context(naming):
    """It goes on from the last letters, and keeps the whole."""
    long = "mariaguadalupechristina"
    naming.page.names.prefix.setText(long)
    naming.until(lambda: bool(names(naming)) and all(n.startswith(long) for n in names(naming)))


def test_a_bar_is_a_letter(naming):
    """A click takes it; the end mark brings the name to where it is read."""
    begin(naming, "ann")
    bars = naming.page.names.bars
    naming.until(lambda: bars.count() == 27)
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.rect_of(1).center().toPoint())
    assert naming.page.names.prefix.text() == "anna"
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.rect_of(0).center().toPoint())
    assert naming.page.surprise.input.text() == "anna"


def test_surprise_is_what_the_network_says(naming):
    """A click on a name reads it, and the sentence has the sum of its letters."""
    shown = naming.page.names.names
    naming.until(lambda: shown.count() > 0)
    place = shown.visualItemRect(shown.item(0)).center()
    QTest.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, pos=place)
    field = naming.page.findChild(QLineEdit, "surpriseInput")
    assert field.text() == shown.item(0).text()
    field.setText("emma")
    sentence = naming.page.findChild(QLabel, "surpriseSentence").text()
    total = naming.page._player(naming.session.replica).surprise("emma").total
    assert f"{total:.1f} nats" in sentence and "training names" in sentence


def test_training_by_a_click(naming):
    """Train: curve and wall fill, names change meanwhile, the model comparison gets the result."""
    naming.page.names.prefix.setText("ka")
    naming.until(lambda: all(n.startswith("ka") for n in names(naming)))
    before = names(naming)
    naming.train(QUICK, seconds=3)
    naming.until(lambda: len(naming.session.history.layers) == 3)
    naming.until(lambda: names(naming) != before)
    naming.ready()
    history = naming.session.history
    assert history.loss.y[-1] < history.loss.y[0] - 0.3
    result = naming.page.comparison_panel.table.results["mlp"]
    assert result.judged == history.evaluations["val_loss"].y[-1]
    box = naming.page.findChild(QComboBox, "compareBox")
    assert box.count() >= 2


def test_two_networks_on_one_beginning(naming):
    """The second one's names stand beside, with the same seed, and can be put away again."""
    naming.train(QUICK, seconds=1)
    naming.ready()
    box = naming.page.findChild(QComboBox, "compareBox")
    begin(naming, "jo")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    naming.until(lambda: len(names(naming, "others")) == 20)
    assert all(name.startswith("jo") for name in names(naming, "others"))
    assert names(naming, "others") != names(naming)
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert not naming.page.names.others.isVisible()


@pytest.mark.parametrize("model", ["mlp-bn", "wavenet", "gru", "transformer"])
def test_every_kind_of_network_can_be_opened_layer_by_layer(naming, model):
    """Each layer of each model has weights, activity and what its units look for."""
    small = {"context": 4, "embedding": 8, "hidden": (16,), "width": 16, "heads": 2, "depth": 1}
    recipe = NamesRecipe().replace({"model": model, **small, "batch_size": 32})
    naming.train(recipe, seconds=60)
    naming.until(lambda: len(naming.session.history.layers) > 0)
    seen = []
    naming.session.layer_viewed.connect(seen.append)
    for info in naming.session.info.layers:
        naming.page.learning.open_layer(info.name)
        naming.until(lambda info=info: bool(seen) and seen[-1].layer == info.name)
        view = seen[-1]
        assert view.weights.shape == (info.units, info.fan_in)
        assert len(view.activity) == info.units and view.seeks.shape[1:] == (4, 27)
        assert view.maps.shape == (info.units,)
    naming.stop()


def test_counting_trains_in_one_step(naming):
    """The counted bigram has no layers to look at, and ends at once."""
    naming.session.recipe = NamesRecipe().replace({"model": "bigram-count"})
    naming.page.run_bar.transport.train.click()
    naming.until(lambda: "bigram-count" in naming.page.comparison_panel.table.results)
    naming.ready()
    assert naming.session.info.layers == () and naming.page.comparison_panel.table.results[
        "bigram-count"
    ].judged == pytest.approx(2.44, abs=0.1)


def test_the_networks_own_bigrams(naming):
    """The map shows the list, and on a click the names that the network makes."""
    naming.page.tabs.setCurrentIndex(1)
    card = naming.page.letters.bigrams
    naming.until(lambda: card.map.count() == 27 * 27)
    answers = []
    naming.session.answered.connect(answers.append)
    click(naming, "mapSourceNetwork")
    naming.until(lambda: bool(answers))
    assert answers[0].values["counts"].sum() > 4000
    assert "names of the network" in " ".join(w.text() for w in card.findChildren(QLabel))


def test_a_list_of_ones_own_is_learned(naming, tmp_path):
    """Dropped on the card, it is read and trained on; the old network says what it can't."""
    path = greek(tmp_path)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    naming.page.data.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, none))
    naming.until(lambda: naming.session.data == path)
    assert "towns.txt" in naming.page.findChild(QComboBox, "dataBox").currentText()
    naming.train(QUICK, seconds=1, data=path)
    naming.ready()
    naming.page.names.prefix.setText("Αθ")
    naming.until(lambda: bool(names(naming)) and all(n.startswith("Αθ") for n in names(naming)))
    assert naming.page.names.bars.count() == len({".", *"".join(GREEK)})
    naming.session.open_starter()
    message = naming.page.findChild(QLabel, "runMessage")
    naming.until(lambda: "does not know" in message.text())
    naming.page.names.prefix.setText("ma")
    naming.until(lambda: bool(names(naming)) and all(n.startswith("ma") for n in names(naming)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no names"),
        (b"anna\n", "only 1 name"),
        (b"\x00\x01\x02", "zero bytes"),
        ("Zoë\n".encode("latin-1") * 20, "not in UTF-8"),
        (b"a" * 3000, "3,000 letters in line 1"),
    ],
)
def test_a_bad_list_is_refused_and_nothing_is_lost(naming, tmp_path, content, sentence):
    """The card says what is wrong; the choice, the data and the network stay."""
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    naming.session.choose_data(path)
    words = naming.page.findChild(QLabel, "dataMessage")
    naming.until(lambda: sentence in words.text())
    assert naming.session.data is None and naming.session.state is State.READY
    assert naming.page.findChild(QComboBox, "dataBox").currentIndex() == 0
    assert names(naming)


def test_a_second_network_with_other_letters_says_so(naming, tmp_path):
    """Greek beside English: no names, but a sentence, and nothing breaks."""
    chosen(naming, greek(tmp_path))
    naming.train(QUICK, seconds=1, data=naming.session.data)
    naming.ready()
    box = naming.page.findChild(QComboBox, "compareBox")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    naming.page.names.prefix.setText("Αθ")
    naming.until(lambda: bool(names(naming)))
    assert names(naming, "others") == []


def test_all_models_are_trained_by_one_button(naming):
    """Seven models, one after another; a double click plays with one of them."""
    naming.page.tabs.setCurrentIndex(2)
    naming.page.findChild(QWidget, "ladderLength").setValue(1)
    click(naming, "trainLadder")
    naming.until(lambda: not naming.page.comparison.run.running, 240)
    results = naming.page.comparison_panel.table.results
    assert set(results) == {compared.model for compared in COMPARED_MODELS}
    assert all(r.parameters > 0 and 1.5 < r.judged < 3.4 for r in results.values())
    naming.ready()
    naming.page.comparison_panel.rowChosen.emit("mlp")
    naming.until(lambda: naming.session.info.model == "mlp")
    naming.ready()


def test_a_comparison_can_be_stopped(naming):
    """Stop ends the run and the comparison; what was reached stays."""
    naming.page.tabs.setCurrentIndex(2)
    naming.page.findChild(QWidget, "ladderLength").setValue(30)
    click(naming, "trainLadder")
    naming.until(lambda: "bigram-count" in naming.page.comparison_panel.table.results)
    naming.until(lambda: naming.session.state is State.TRAINING)
    click(naming, "stopLadder")
    naming.ready()
    assert not naming.page.comparison.run.running
    assert "bigram-count" in naming.page.comparison_panel.table.results


def test_a_range_test_finds_a_rate_and_the_recipe_takes_it(naming):
    """The valley is marked; one click, and the next run uses it."""
    naming.session.recipe = QUICK
    naming.page.tabs.setCurrentIndex(3)
    click(naming, "sweepButton")
    use = naming.page.findChild(QWidget, "useRate")
    naming.until(use.isEnabled)
    naming.ready()
    click(naming, "useRate")
    assert naming.session.recipe.lr != QUICK.lr
    line = naming.page.findChild(QLineEdit, "setting_lr")
    assert float(line.text()) == pytest.approx(naming.session.recipe.lr)


def test_a_recipe_with_steps_takes_them(naming):
    """The length box shows them in place of seconds, and the run ends there."""
    length = naming.page.run_bar.transport.length
    naming.session.recipe = QUICK.replace({"steps": 90})
    assert not length.isEnabled() and "90" in length.text()
    naming.page.run_bar.transport.train.click()
    naming.until(lambda: "mlp" in naming.page.comparison_panel.table.results)
    assert naming.session.history.loss.x[-1] == 90
    naming.session.recipe = QUICK
    assert length.isEnabled() and length.value() == 60


def test_a_network_for_digits_is_refused(naming):
    """Opened on this page, it says what it is for."""
    from core.paths import CHECKPOINTS

    naming.session.open_checkpoint(CHECKPOINTS / "digits.safetensors")
    message = naming.page.findChild(QLabel, "runMessage")
    naming.until(lambda: "for digits, not names" in message.text())
    assert names(naming)


@pytest.mark.parametrize("what", ["comparison", "range test"])
def test_the_window_closes_in_the_middle(naming, what):
    """A model comparison or a range test ends with the window; no thread is left (see conftest)."""
    if what == "comparison":
        naming.page.comparison.run.start("tuned", 60)
        naming.until(lambda: naming.session.state is State.TRAINING)
    else:
        naming.session.range_test(100_000)
        naming.until(lambda: naming.session.state is State.RANGE_TEST)
    naming.window.close()
    assert not naming.window.worker.isRunning()
