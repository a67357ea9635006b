"""The names page, used as a person uses it."""

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from core.playgrounds.names.recipe import COMPARED_MODELS, NamesRecipe
from gui.background_job import STOPPING
from gui.session_state import State

NAMES = "pageNames namePrefix nameList letterBars ladderTable_names surpriseInput bigramMap"
QUICK = NamesRecipe(hidden=(24,), embedding=4, context=3, batch_size=64, lr=1e-2, dropout=0.0)
SIXTY = QUICK.replace({"steps": 60})
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


def test_the_names_that_others_rely_on_are_there(quick):
    """Each promised objectName belongs to exactly one widget of the window."""
    for name in NAMES.split():
        assert len(quick.window.findChildren(QWidget, name)) == 1, name


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


def test_temperature_top_k_and_count(quick):
    """A single choice at each letter makes one name, over and over; the count is kept."""
    settings = quick.page.names.settings
    settings.count.setValue(7)
    settings.top_k.setValue(1)
    quick.until(lambda: len(names(quick)) == 7 and len(set(names(quick))) == 1)
    settings.top_k.setValue(0)
    settings.temperature.setValue(0.1)
    quick.until(lambda: len(set(names(quick))) > 1)
    cool = len(set(names(quick)))
    settings.temperature.setValue(2.0)
    quick.until(lambda: len(set(names(quick))) > cool)


def test_a_letter_that_it_never_met_is_named(quick):
    """The sentence says which; fixed, the names come back."""
    quick.page.names.prefix.setText("bröd")
    problem = quick.page.findChild(QLabel, "prefixProblem")
    quick.until(problem.isVisible)
    assert "“ö”" in problem.text() and not names(quick)
    begin(quick, "br")
    quick.until(lambda: bool(names(quick)))
    assert not problem.isVisible()


def test_a_beginning_longer_than_the_context(quick):
    """It goes on from the last letters, and keeps the whole."""
    long = "mariaguadalupechristina"
    quick.page.names.prefix.setText(long)
    quick.until(lambda: bool(names(quick)) and all(n.startswith(long) for n in names(quick)))


def test_a_bar_is_a_letter(quick):
    """A click takes it; the end mark brings the name to where it is read."""
    begin(quick, "ann")
    bars = quick.page.names.bars
    quick.until(lambda: bars.count() == 27)
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.rect_of(1).center().toPoint())
    assert quick.page.names.prefix.text() == "anna"
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.rect_of(0).center().toPoint())
    assert quick.page.surprise.input.text() == "anna"


def test_surprise_is_what_the_network_says(quick):
    """A click on a name reads it, and the sentence has the sum of its letters."""
    shown = quick.page.names.names
    quick.until(lambda: shown.count() > 0)
    place = shown.visualItemRect(shown.item(0)).center()
    QTest.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, pos=place)
    field = quick.page.findChild(QLineEdit, "surpriseInput")
    assert field.text() == shown.item(0).text()
    field.setText("emma")
    sentence = quick.page.findChild(QLabel, "surpriseSentence").text()
    total = quick.page._player(quick.session.replica).surprise("emma").total
    assert f"{total:.1f} nats" in sentence and "training names" in sentence


def test_training_by_a_click(quick):
    """Train: curve and wall fill, names change meanwhile, the model comparison gets the result."""
    quick.page.names.prefix.setText("ka")
    quick.until(lambda: all(n.startswith("ka") for n in names(quick)))
    before = names(quick)
    quick.learn(QUICK.replace({"steps": 300}))
    quick.until(lambda: names(quick) != before)
    history = quick.session.history
    assert len(history.layers) == 3
    assert history.loss.y[-1] < history.loss.y[0] - 0.3
    result = quick.page.comparison_panel.table.results["mlp"]
    assert result.judged == history.evaluations["val_loss"].y[-1]
    box = quick.page.findChild(QComboBox, "compareBox")
    assert box.count() >= 2


def test_two_networks_on_one_beginning(quick):
    """The second one's names stand beside, with the same seed, and can be put away again."""
    quick.learn(SIXTY)
    box = quick.page.findChild(QComboBox, "compareBox")
    begin(quick, "jo")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    quick.until(lambda: len(names(quick, "others")) == 20)
    assert all(name.startswith("jo") for name in names(quick, "others"))
    assert names(quick, "others") != names(quick)
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert not quick.page.names.others.isVisible()


@pytest.mark.parametrize("model", ["mlp-bn", "wavenet", "gru", "transformer"])
def test_every_kind_of_network_can_be_opened_layer_by_layer(quick, model):
    """Each layer of each model has weights, activity and what its units look for."""
    small = {"context": 4, "embedding": 8, "hidden": (16,), "width": 16, "heads": 2, "depth": 1}
    recipe = NamesRecipe().replace({"model": model, **small, "batch_size": 32})
    quick.train(recipe, seconds=60)
    quick.until(lambda: len(quick.session.history.layers) > 0)
    seen = []
    quick.session.layer_viewed.connect(seen.append)
    for info in quick.session.info.layers:
        quick.page.learning.open_layer(info.name)
        quick.until(lambda info=info: bool(seen) and seen[-1].layer == info.name)
        view = seen[-1]
        assert view.weights.shape == (info.units, info.fan_in)
        assert len(view.activity) == info.units and view.seeks.shape[1:] == (4, 27)
        assert view.maps.shape == (info.units,)
    quick.stop()


def test_counting_trains_in_one_step(quick):
    """The counted bigram has no layers to look at, and ends at once."""
    quick.session.recipe = NamesRecipe().replace({"model": "bigram-count"})
    quick.page.run_bar.transport.train.click()
    quick.until(lambda: "bigram-count" in quick.page.comparison_panel.table.results)
    quick.ready()
    assert quick.session.info.layers == () and quick.page.comparison_panel.table.results[
        "bigram-count"
    ].judged == pytest.approx(2.44, abs=0.1)


def test_the_networks_own_bigrams(quick):
    """The map shows the list, and on a click the names that the network makes."""
    quick.turn_to("Letters")
    card = quick.page.letters.bigrams
    quick.until(lambda: card.map.count() == 27 * 27)
    answers = []
    quick.session.answered.connect(answers.append)
    click(quick, "mapSourceNetwork")
    quick.until(lambda: bool(answers))
    assert answers[0].values["counts"].sum() > 4000
    assert "names of the network" in " ".join(w.text() for w in card.findChildren(QLabel))


def test_a_list_of_ones_own_is_learned(quick, tmp_path):
    """Dropped on the card, it is read and trained on; the old network says what it can't."""
    path = greek(tmp_path)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    quick.page.data.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, none))
    quick.until(lambda: quick.session.data == path)
    assert "towns.txt" in quick.page.findChild(QComboBox, "dataBox").currentText()
    quick.learn(SIXTY, path)
    quick.page.names.prefix.setText("Αθ")
    quick.until(lambda: bool(names(quick)) and all(n.startswith("Αθ") for n in names(quick)))
    assert quick.page.names.bars.count() == len({".", *"".join(GREEK)})
    quick.session.open_starter()
    message = quick.page.findChild(QLabel, "runMessage")
    quick.until(lambda: "does not know" in message.text())
    quick.page.names.prefix.setText("ma")
    quick.until(lambda: bool(names(quick)) and all(n.startswith("ma") for n in names(quick)))


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
def test_a_bad_list_is_refused_and_nothing_is_lost(quick, tmp_path, content, sentence):
    """The card says what is wrong; the choice, the data and the network stay."""
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    quick.session.choose_data(path)
    words = quick.page.findChild(QLabel, "dataMessage")
    quick.until(lambda: sentence in words.text())
    assert quick.session.data is None and quick.session.state is State.READY
    assert quick.page.findChild(QComboBox, "dataBox").currentIndex() == 0
    quick.until(lambda: bool(names(quick)))


def test_a_second_network_with_other_letters_says_so(quick, tmp_path):
    """Greek beside English: no names, but a sentence, and nothing breaks."""
    chosen(quick, greek(tmp_path))
    quick.learn(SIXTY, quick.session.data)
    box = quick.page.findChild(QComboBox, "compareBox")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    quick.page.names.prefix.setText("Αθ")
    quick.until(lambda: bool(names(quick)))
    assert names(quick, "others") == []


def test_all_models_are_trained_by_one_button(quick, monkeypatch):
    """Seven models, one after another; a double click plays with one of them."""
    start = quick.session.start
    monkeypatch.setattr(quick.session, "start", lambda seconds: start(seconds / 5))
    quick.turn_to("Models")
    quick.page.findChild(QWidget, "ladderLength").setValue(1)
    click(quick, "trainLadder")
    quick.until(lambda: not quick.page.comparison.run.running, 240)
    results = quick.page.comparison_panel.table.results
    assert set(results) == {compared.model for compared in COMPARED_MODELS}
    assert all(r.parameters > 0 and 1.5 < r.judged < 3.4 for r in results.values())
    quick.ready()
    quick.page.comparison_panel.rowChosen.emit("mlp")
    quick.until(lambda: quick.session.info.model == "mlp")
    quick.ready()


def test_a_comparison_can_be_stopped(quick):
    """Stop ends the run and the comparison; what was reached stays."""
    quick.turn_to("Models")
    quick.page.findChild(QWidget, "ladderLength").setValue(30)
    click(quick, "trainLadder")
    quick.until(lambda: "bigram-count" in quick.page.comparison_panel.table.results)
    quick.until(lambda: quick.session.state is State.TRAINING)
    click(quick, "stopLadder")
    assert quick.page.comparison_panel.controls.words.text() == STOPPING
    quick.ready()
    assert not quick.page.comparison.run.running
    assert "bigram-count" in quick.page.comparison_panel.table.results


def test_a_range_test_finds_a_rate_and_the_recipe_takes_it(quick):
    """The valley is marked; one click, and the next run uses it."""
    quick.session.recipe = QUICK
    quick.turn_to("LR test")
    click(quick, "sweepButton")
    use = quick.page.findChild(QWidget, "useRate")
    quick.until(use.isEnabled)
    quick.ready()
    click(quick, "useRate")
    assert quick.session.recipe.lr != QUICK.lr
    line = quick.page.findChild(QLineEdit, "setting_lr")
    assert float(line.text()) == pytest.approx(quick.session.recipe.lr)


def test_a_recipe_with_steps_takes_them(quick):
    """The length box shows them in place of seconds, and the run ends there."""
    length = quick.page.run_bar.transport.length
    quick.session.recipe = QUICK.replace({"steps": 90})
    assert not length.isEnabled() and "90" in length.text()
    quick.page.run_bar.transport.train.click()
    quick.until(lambda: "mlp" in quick.page.comparison_panel.table.results)
    assert quick.session.history.loss.x[-1] == 90
    quick.session.recipe = QUICK
    assert length.isEnabled() and length.value() == 60


def test_a_network_for_digits_is_refused(quick):
    """Opened on this page, it says what it is for."""
    from core.paths import CHECKPOINTS

    quick.session.open_checkpoint(CHECKPOINTS / "digits.safetensors")
    message = quick.page.findChild(QLabel, "runMessage")
    quick.until(lambda: "for digits, not names" in message.text())
    quick.until(lambda: bool(names(quick)))


@pytest.mark.parametrize("what", ["comparison", "range test"])
def test_the_window_closes_in_the_middle(quick, what):
    """A model comparison or a range test ends with the window; no thread is left (see conftest)."""
    if what == "comparison":
        quick.page.comparison.run.start("tuned", 60)
        quick.until(lambda: quick.session.state is State.TRAINING)
    else:
        quick.session.range_test(100_000)
        quick.until(lambda: quick.session.state is State.RANGE_TEST)
    quick.window.close()
    assert not quick.window.worker.isRunning()
