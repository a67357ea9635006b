"""The tour of the text page: a prompt goes on, another word is chosen, a small GPT learns."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QTextEdit

from gui.session_state import State
from gui.text.attention_map import AttentionMap
from gui.text.candidate_list import CandidateList
from gui.text.page import Page
from gui.tour import Guide


def play(guide: Guide) -> None:
    """Play the page's part."""
    page = guide.find(Page, "pageText")
    session = page.session
    guide.wait("the starter is loaded", lambda: session.state is State.READY)
    guide.wait("the starter is judged", lambda: bool(session.history.evaluations))
    _write(guide, page)
    _choose_another(guide, page)
    guide.look("text")
    guide.show_block("blocks.0.attention")
    for tab in ("Tokens", "Attention", "Logit lens"):
        guide.turn_to("textTabs", tab)
        if tab == "Attention":
            _look_about(guide)
        guide.look(f"text-{tab.lower().replace(' ', '-')}")
    _representations(guide, page)
    _mute_a_head(guide, page)
    guide.turn_to("textTabs", "Learning")
    _mute(guide, page)

    guide.train("tuned gpt", 2000 if guide.long else 30)
    guide.type_number("writeLength", 2000)  # so that it still writes when it is to be stopped
    guide.click("generateButton")
    guide.wait("it writes while it learns", lambda: len(page.write.writing.said) > 5)
    guide.wait("layers are on the wall", lambda: len(session.history.layers) > 0)
    guide.look("text-training")
    guide.turn_to("textTabs", "Heads")
    guide.wait("the heads have been measured", lambda: len(page.heads.gap.lines) == 2)
    guide.click("stopGenerationButton")
    guide.finish()
    guide.turn_to("textTabs", "Samples")
    guide.wait("the last sample is written", lambda: len(page.timeline.samples) >= 2)
    steps = ", ".join(f"{sample.step:,}" for sample in page.timeline.samples)
    guide.expect(f"samples stand at steps {steps}", page.timeline.samples[0].step == 0)
    guide.look("text-samples")
    _form_an_induction_head(guide, page)
    guide.turn_to("textTabs", "Learning")


def _write(guide: Guide, page: Page) -> None:
    guide.type_text("textPrompt", "JULIET:")
    guide.type_number("writeLength", 120)
    guide.click("generateButton")
    guide.wait("it has written", lambda: len(page.write.writing.said) == 120)
    output = guide.find(QTextEdit, "textOutput")
    text = output.toPlainText()
    guide.expect(f"it goes on: {text[:60]!r}", text.startswith("JULIET:") and len(text) > 100)


def _mute(guide: Guide, page: Page) -> None:
    """Mute dimensions of the embedding: the text is written anew, from the same seed."""
    guide.click("generateButton")
    guide.wait("it has written", lambda: not page.write.writing.running)
    before = page.write.output.toPlainText()
    guide.open_layer(0)
    guide.mute(*page.learning.layer.ablation.units[:12])
    guide.wait("it is written anew", lambda: not page.write.writing.running)
    guide.expect("another text", page.write.output.toPlainText() != before)
    guide.look("text-muted")
    guide.click("resetInterventions")
    guide.wait("it is written once more", lambda: not page.write.writing.running)
    guide.expect("the text is the same again", page.write.output.toPlainText() == before)
    guide.click("layerBack")


def _choose_another(guide: Guide, page: Page) -> None:
    """Hover over a token, and go on from there with another one."""
    output = guide.find(QTextEdit, "textOutput")
    cursor = output.textCursor()
    cursor.setPosition(len("JULIET:") + 12)
    output.verticalScrollBar().setValue(0)
    guide.rest(100)
    place = output.cursorRect(QTextCursor(cursor)).center()
    QTest.mouseMove(output.viewport(), place)
    QTest.mouseClick(output.viewport(), Qt.MouseButton.LeftButton, pos=place)
    rows = guide.find(CandidateList, "candidateList")
    guide.wait("its candidates are shown", lambda: rows.count() > 4)  # as many as fit
    before = [said.token for said in page.write.writing.said]
    QTest.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.rect_of(4).center().toPoint())
    guide.wait("it goes on from there", lambda: not page.write.writing.running)
    after = [said.token for said in page.write.writing.said]
    guide.expect("another word was chosen, and the text goes on from it", before != after)


def _mute_a_head(guide: Guide, page: Page) -> None:
    """Find the head that the network needs most, and let it write the same text without it."""
    guide.turn_to("textTabs", "Heads")
    guide.click("generateButton")  # a text in which a token was chosen would stay
    guide.wait("it has written", lambda: not page.write.writing.running)
    guide.click("measureImportance")
    button = page.heads.importance
    guide.wait("the heads' importance is measured", lambda: button.text() == "Measure importance")
    most = int(page.heads.map.values.argmax())
    place = page.heads.map.rect_of(most).center().toPoint()
    QTest.mouseClick(page.heads.map, Qt.MouseButton.LeftButton, pos=place)
    before = page.write.output.toPlainText()
    guide.click("muteHead")
    guide.wait("it has written without it", lambda: not page.write.writing.running)
    guide.expect("another text", page.write.output.toPlainText() != before)
    guide.look("text-heads")
    guide.click("resetInterventions")
    guide.wait("it has written with it", lambda: not page.write.writing.running)


def _form_an_induction_head(guide: Guide, page: Page) -> None:
    """Learn random letters that are repeated; in the long tour until a head looks back for them."""
    guide.turn_to("textTabs", "Heads")
    guide.choose("headMeasure", "Induction score")
    guide.train("induction heads", 1200 if guide.long else 150)
    guide.expect(page.own_text.text(), page.own_text.isVisible())
    guide.wait("the heads have been measured", page.heads.gap.isVisible)
    guide.finish()
    least = 0.5 if guide.long else 0.0
    guide.wait("an induction head has formed", lambda: page.heads.map.values.max() > least)
    guide.look("text-induction")


def _look_about(guide: Guide) -> None:
    picture = guide.find(AttentionMap, "attentionMap")
    place = picture.cell(9, 8).center().toPoint()
    QTest.mouseMove(picture, place)
    guide.rest(100)
    words = guide.find(QLabel, "attentionMessage").text()
    guide.expect(words, "attends to" in words)


def _representations(guide: Guide, page: Page) -> None:
    """Look at the most frequent tokens, by t-SNE of their embedding."""
    guide.turn_to("textTabs", "PCA")
    card = page.representation
    guide.choose("representationPlace", "token embedding")
    guide.click("representationTsne")
    guide.wait("t-SNE is computed", lambda: card.projected)
    guide.look("text-tsne")
    guide.click("representationPca")
