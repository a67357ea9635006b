"""The tab Network: what is chosen in it is marked in the layer table and in the code, and back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from core.code.script import write_script
from core.interventions import Intervention, Part
from gui.widgets.network_panel import HOW, NetworkPanel
from gui.widgets.source_text import SourceText


@pytest.fixture
def pages():
    """One page is enough: the tab is the same on all."""
    return ["names"]


@pytest.fixture
def names(quick):
    """The program at its names, a small network on its map."""
    quick.page.tabs.setCurrentWidget(panel(quick))
    quick.until(lambda: panel(quick).map.rect_of("hidden.0") is not None)
    return quick


def panel(program) -> NetworkPanel:
    """The tab."""
    return program.page.network_panel


def choose(program, key):
    """Click a block of the map."""
    view = panel(program).map
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect_of(key).center())


def blue(program):
    """Return the lines of the code that are marked as the chosen part's."""
    source = program.find("codeSource", SourceText)
    lines = source.toPlainText().split("\n")
    return [
        line.strip()
        for row, line in enumerate(lines)
        if any(mark.role == "activation" for mark in source.marks_at(row))
    ]


def test_a_chosen_layer_is_explained_and_marked_in_table_and_code(names):
    """Its product with shapes, its row in the table, its lines in the script."""
    words = names.find("networkWords", QLabel)
    assert words.text().startswith(HOW) and not names.find("networkOpen").isEnabled()
    names.session.recipe = names.session.trained
    choose(names, "hidden.0")
    assert words.text().startswith("A matrix product: (B × 12) @ (12 × 24) + bias, then")
    names.click("networkTable")
    assert names.page.tabs.currentWidget() is names.page.learning
    assert names.page.learning.table.chosen == "hidden.0"
    names.page.tabs.setCurrentWidget(panel(names))
    names.click("networkCode")
    names.until(lambda: len(blue(names)) == 2)
    assert blue(names)[0] == "nn.Linear(12, 24),"
    names.click("hideCode")
    choose(names, "reshape.0")  # what is no layer has lines, too
    assert not names.find("networkOpen").isEnabled()
    names.click("networkCode")
    names.until(lambda: blue(names) == ["nn.Flatten(),  # (B, C * E)"])
    assert "flatten" in names.find("codeCaption", QLabel).text()
    names.session.recipe = names.session.trained.replace({"model": "gru"})
    names.until(lambda: blue(names) == [])
    assert "not in the network of these settings" in names.find("codeCaption", QLabel).text()
    names.click("hideCode")


def test_the_code_is_that_of_the_network_on_the_map(names):
    """Also where the settings beside it are of another one; until one of them is changed."""
    source, caption = names.find("codeSource", SourceText), names.find("codeCaption", QLabel)
    names.session.recipe = names.session.trained.replace({"model": "gru"})
    choose(names, "hidden.0")
    names.click("networkCode")
    names.until(lambda: blue(names)[:1] == ["nn.Linear(12, 24),"])
    assert source.toPlainText() + "\n" == write_script("names", names.session.trained)
    assert caption.text().startswith("The code of the network on the map, the shipped network, in")
    names.session.recipe = names.session.recipe.replace({"lr": 0.02})
    names.until(lambda: "nn.Linear(12, 24)" not in source.toPlainText())
    assert "All of this training" in caption.text()
    names.click("hideCode")
    names.click("showCode")
    names.until(lambda: "GRU" in source.toPlainText() or "gru" in source.toPlainText())
    names.click("hideCode")


def test_a_changed_unit_is_marked_on_the_map(names):
    """So that nobody takes a changed network for the trained one."""
    view = panel(names).map
    before = view.grab().toImage()
    names.session.change_part(Intervention(Part("hidden.0", 3)))
    assert view.grab().toImage() != before
    names.session.intervene(())
    assert view.grab().toImage() == before


def test_a_layer_opens_from_the_map_and_is_chosen_in_it(names):
    """A double click opens it under Learning; one that is opened in the table is chosen."""
    view = panel(names).map
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=view.rect_of("output").center())
    assert names.page.tabs.currentWidget() is names.page.learning
    assert names.page.learning.layer.info.name == "output"
    names.page.learning.close_layer()
    names.page.learning.table.opened.emit("embedding")
    names.page.tabs.setCurrentWidget(panel(names))
    assert view.key == "embedding"


def test_another_network_has_another_map(names, sixty):
    """As soon as it trains; what was measured stands in its blocks."""
    view = panel(names).map
    names.learn(sixty.replace({"hidden": (24, 16), "steps": 20}))
    names.until(lambda: view.rect_of("hidden.1") is not None)
    assert "parameters" in names.find("networkCount", QLabel).text()
    assert (
        names.find("networkSource", QLabel).text() == panel(names).source.source.words.capitalize()
    )
    names.until(lambda: "hidden.1" in view.measured)
