"""Letters on the names page: pairs, points, and layers looked into with what was typed."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from core.playgrounds.names.recipe import NamesRecipe
from core.playgrounds.names.wordlist import bundled
from gui.session_state import State


@pytest.fixture
def letters(quick):
    """The page at its letters."""
    quick.turn_to("Letters")
    return quick


def click(program, name):
    """Click a widget of the page, by its name."""
    QTest.mouseClick(program.page.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def test_the_map_counts_the_training_list(letters):
    """A cell says how often its pair occurs in the names that are trained on."""
    train, card = bundled().train, letters.page.letters.bigrams
    alphabet = letters.session.info.vocabulary["letters"]
    for first, second in ("an", "qu", "ie"):
        cell = alphabet.index(first) * len(alphabet) + alphabet.index(second)
        count = sum(name[i : i + 2] == first + second for name in train for i in range(len(name)))
        assert f"{count:,}" in card.map.describe(cell)
    begins = sum(name.startswith("a") for name in train)
    assert f"{begins:,}" in card.map.describe(alphabet.index("a"))


def test_the_networks_map_follows_while_it_trains(letters, letters_recipe):
    """Asked in mid-training it answers, and again later from newer weights; then it rests."""
    answers = []
    letters.session.answered.connect(answers.append)
    letters.train(letters_recipe)
    click(letters, "mapSourceNetwork")
    letters.until(lambda: len(answers) > 0 and letters.session.state is State.TRAINING)
    click(letters, "mapSourceDifference")
    letters.until(lambda: answers[-1].step > answers[0].step)
    shown = letters.page.findChild(QLabel, "bigramReadout").text()
    assert f"at step {answers[-1].step:,}" in shown
    letters.page.tabs.setCurrentIndex(0)
    assert not letters.page.letters._timer.isActive()
    letters.stop()


def test_a_network_of_other_letters_has_no_map_of_this_list(letters, towns, greek_network):
    """Its pairs can't be laid beside the list's; the card says why, and shows any list chosen."""
    letters.session.open_checkpoint(greek_network)
    letters.until(lambda: letters.session.info.vocabulary["letters"].startswith(".Α"))
    letters.ready()
    click(letters, "mapSourceNetwork")
    card = letters.page.letters.bigrams
    letters.until(lambda: "other letters" in card._words)
    assert card.map.count() == 0
    click(letters, "mapSourceData")
    assert card.map.count() == 27 * 27
    letters.session.choose_data(towns)
    distinct = len(set("".join(towns.read_text(encoding="utf-8").split())))
    letters.until(lambda: card.map.across() == distinct + 1)


def test_points_move_as_it_learns(letters, letters_recipe):
    """Each letter has a point in the embedding, and training moves it."""
    cloud = letters.page.letters.embedding.map
    letters.train(letters_recipe)
    letters.until(lambda: cloud.count() == 27)
    before = np.array(cloud._points)
    letters.until(lambda: not np.allclose(before, cloud._points, atol=0.05))
    letters.stop()
    assert "of 4 dimensions" in letters.page.findChild(QLabel, "embeddingWords").text()


def test_a_table_has_no_points(letters):
    """The bigram has no embedding: in its place stands why."""
    cloud = letters.page.letters.embedding.map
    letters.until(lambda: cloud.count() == 27)
    letters.learn(NamesRecipe(model="bigram", lr=0.1, batch_size=512, steps=60))
    assert cloud.count() == 0
    letters.session.open_starter()
    letters.until(lambda: cloud.count() == 27)


def test_an_opened_layer_shows_what_was_typed(quick):
    """Typing looks into it again: its answers to the beginning change; a strange letter harms not.

    What the network never met is left out of the look, and the page goes on.
    """
    views, failures = [], []
    quick.session.ended.connect(failures.append)
    quick.session.layer_viewed.connect(views.append)
    first = quick.session.info.layers[1].name
    quick.page.learning.open_layer(first)
    quick.until(lambda: len(views) > 0)
    for prefix in ("qq", "ma"):
        seen = views[-1]
        quick.page.names.prefix.setText(prefix)
        quick.until(lambda seen=seen: not np.allclose(views[-1].maps, seen.maps))
    looks = len(views)
    quick.page.names.prefix.setText("maö")
    quick.until(lambda: len(views) > looks)
    assert np.allclose(views[-1].maps, views[looks - 1].maps) and not failures
