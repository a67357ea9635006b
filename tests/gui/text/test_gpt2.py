"""GPT-2 in the window: opened, asked, looked into, judged by, and trained further."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QPushButton
from safetensors.torch import load_file, save_file

from core.interventions import Intervention, Part
from core.playgrounds.text.heads import head_layer
from gui.text import logit_lens_panel
from tests.core.playgrounds.text.foreign import test_nanogpt_characters as nano
from tests.core.playgrounds.text.foreign.reference import random_weights
from tests.gui.conftest import Program

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny GPT-2 as Hugging Face has it, and a text."""
    found = tmp_path_factory.mktemp("gpt2")
    save_file(random_weights(), found / "model.safetensors")
    config = {"model_type": "gpt2", "n_head": 4, "n_layer": 2}
    (found / "config.json").write_text(json.dumps(config))
    (found / "lesson.txt").write_text("The cat sat on the mat, the dog on the log.\n" * 40)
    return found


@pytest.fixture
def program(qtbot, window):
    """The text page, without a network yet."""
    made = Program(qtbot, window, "text")
    made.ready()
    return made


def drop(card, path):
    """Let a file fall onto a card; returns whether it would be taken."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, LEFT, NONE)
    enter.setAccepted(False)
    card.dragEnterEvent(enter)
    card.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, LEFT, NONE))
    return enter.isAccepted()


def test_a_name_that_is_too_long_is_no_folder(program, tmp_path):
    """It can't be taken, and nothing is raised."""
    assert not drop(program.page.recipe, tmp_path / (300 * "n"))


def opened(program, folder):
    """Open it from the data of the test, evaluated on its small text."""
    program.session.data = folder / "lesson.txt"
    assert drop(program.page.recipe, folder / "model.safetensors")
    program.until(lambda: "val_loss" in program.session.history.evaluations)
    program.ready()


def test_it_is_opened_and_all_panels_show_it(program, folder):
    """What it is, a text that it writes, its attention, its lens, and its nearest tokens."""
    opened(program, folder)
    page = program.page
    said = page.run_bar.message.text()
    assert "A GPT-2 of 2 layers, 16 wide, as Hugging Face has it: 811,088 parameters" in said
    assert page.write.network.text() == "A GPT-2 of 2 layers, 16 wide, as Hugging Face has it"
    assert program.session.recipe.heads == 4 and program.session.recipe.tokenizer == "gpt2"
    page.write.settings.length.setValue(12)
    page.findChild(QPushButton, "generateButton").click()
    program.until(lambda: not page.write.writing.running)
    assert len(page.write.writing.said) == 12 and page.write.output.toPlainText()
    program.turn_to("Attention")
    assert page.attention.layer.count() == 2 and page.attention.head.count() == 4
    program.turn_to("Logit lens")
    assert [name for name, _ in page.inside.lens.rows] == ["tokens", "layer 1", "layer 2"]
    assert len(page.inside.near.text().splitlines()) == logit_lens_panel.NEAR
    _a_head_is_muted(program)


def _a_head_is_muted(program):
    """A double click on its cell mutes exactly it; lens and candidates are other ones at once."""
    page, heads = program.page, program.page.heads
    lens = page.inside.lens.rows
    program.session.change_part(Intervention(Part(head_layer(1), 2, head=True)))
    assert page.inside.lens.rows != lens
    program.session.intervene(())
    assert page.inside.lens.rows == lens
    tabs = [page.tabs.tabText(i) for i in range(page.tabs.count())]
    page.tabs.setCurrentIndex(tabs.index("Heads"))
    program.until(lambda: np.isfinite(heads.map.values).all())
    assert heads.map.values.shape == (2, 4)
    before = [said.probability for said in page.write.writing.said]
    place = heads.map.rect_of(6).center().toPoint()
    QTest.mouseDClick(heads.map, LEFT, pos=place)
    assert program.session.interventions == (
        Intervention(Part(head_layer(1), 2, head=True), factor=0.0),
    )
    program.until(lambda: not page.write.writing.running)
    assert [said.probability for said in page.write.writing.said] != before


def test_it_is_what_a_training_starts_from(program, folder):
    """As soon as it is opened; another network of Glassbox's is begun anew, as ever."""
    start = program.find("startFrom", QComboBox)
    assert start.currentText() == "New initialisation"
    opened(program, folder)
    assert start.currentText() == "The present network" and start.isEnabled()
    assert program.session.resume_from == folder / "model.safetensors"
    recipe = program.session.recipe
    recipe = recipe.replace({"steps": 2, "batch_size": 2, "lr": 1e-5, "schedule": "constant"})
    program.learn(recipe, folder / "lesson.txt")
    before = load_file(folder / "model.safetensors")["wte.weight"]
    now = program.session.weights.arrays["embedding.product.weight"]
    assert 0 < abs(now[:9] - before[:9].numpy()).max() < 1e-3
    assert start.currentText() == "The present network"
    assert program.session.resume_from == program.session.file
    program.session.open_checkpoint(program.session.file)
    program.until(lambda: start.currentText() == "New initialisation")
    assert program.session.resume_from is None
    program.ready()


def test_a_text_of_ones_own_is_judged(program, folder):
    """Each token with its probability, the mean below; then it can be gone on from."""
    opened(program, folder)
    write, text = program.page.write, "The cat sat on the mat, " * 12
    button = program.page.findChild(QPushButton, "surprisalButton")
    write.prompt.setPlainText(text)
    button.click()
    program.until(lambda: not write.writing.running)
    assert write.output.toPlainText() == text
    count = len(write.writing.said)
    assert count == len(program.session.replica.model.tokenizer.encode(text)) > 24
    message = program.page.findChild(QLabel, "writeMessage").text()
    assert message.startswith(f"{count} tokens, surprisal 1")
    assert "bits per character" in message
    write.settings.length.setValue(3)
    write.more.click()
    program.until(lambda: not write.writing.running)
    assert len(write.writing.said) == count + 3
    write.prompt.setPlainText("")
    button.click()
    assert "Type a text above" in program.page.findChild(QLabel, "writeMessage").text()


def test_a_long_prompt_is_read_piece_by_piece(program, folder):
    """And what is written then is what would have been written at once."""
    opened(program, folder)
    write = program.page.write
    write.settings.length.setValue(5)
    write.prompt.setPlainText("the cat " * 30)
    write.start()
    program.until(lambda: not write.writing.running)
    model = program.session.replica.model
    tokens = write.writing.tokens
    assert len(tokens) == len(model.tokenizer.encode("the cat " * 30)) + 5
    assert "the network sees the last 24" in program.page.findChild(QLabel, "writeMessage").text()


def test_what_is_no_network_is_refused(program, folder, tmp_path, monkeypatch):
    """By the dialog or dropped; a sentence stands where the run's would."""
    asked = []

    def ask(parent, title, folder, kinds):
        asked.append(kinds)
        return str(tmp_path / "ckpt.pt"), kinds

    (tmp_path / "ckpt.pt").write_bytes(b"nothing")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    program.page.recipe.open.click()
    program.until(lambda: "no checkpoint of nanoGPT" in program.page.run_bar.message.text())
    assert asked == ["Checkpoints (*.safetensors *.pt *.pth *.ckpt)"]
    assert not drop(program.page.recipe, folder / "lesson.txt")
    program.ready()


def test_a_character_network_of_nanogpt(program, tmp_path):
    """What it does not know is said where it is typed; where its characters are from, too."""
    (tmp_path / "input.txt").write_text(nano.VERSE)
    path = nano.kept(tmp_path, *nano.made(nano.VERSE))
    program.session.data = tmp_path / "input.txt"
    assert drop(program.page.recipe, path)
    program.until(lambda: "val_loss" in program.session.history.evaluations)
    program.ready()
    page, message = program.page, program.page.findChild(QLabel, "writeMessage")
    assert "characters are taken to be those of the text" in page.run_bar.message.text()
    assert str(tmp_path / "input.txt") in page.write.network.toolTip()
    page.write.prompt.setPlainText("Zoë")
    assert "and not “Z” “ë”; use a text" in message.text()
    page.write.generate.click()
    assert "and not “Z” “ë”; use a text" in message.text() and not page.write.writing.running
    page.write.prompt.setPlainText("the dög ")
    assert "and not" not in message.text()
    page.write.generate.click()
    program.until(lambda: not page.write.writing.running)
    assert set(page.write.output.toPlainText()) <= set(nano.VERSE)
    page.inside.word.setText("Q")
    assert "and not “Q”" in page.inside.near_words.text()
    page.tokens.text.setPlainText("a Q")
    turn = [page.tabs.tabText(i) for i in range(page.tabs.count())].index("Tokens")
    page.tabs.setCurrentIndex(turn)
    assert "and not “Q”" in page.tokens.why.text()


def test_a_field_that_a_choice_makes_appear_is_brought_into_view(program, window):
    """The rank behind lora, on a small screen."""
    window.resize(1280, 720)
    box = program.page.findChild(QComboBox, "setting_trained")
    rank = program.page.findChild(QLineEdit, "setting_lora_rank")
    assert rank.isHidden()
    box.setCurrentText("lora")
    box.textActivated.emit("lora")
    program.until(lambda: rank.visibleRegion().boundingRect().contains(rank.rect()))
