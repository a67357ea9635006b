"""The write panel: a text streams, stops, goes on, branches, and says how likely each token was."""

import pytest
import torch
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest

from core import playgrounds
from core.playgrounds.text.recipe import TextRecipe
from core.training.checkpoint import load_checkpoint
from core.training.control import Control
from core.training.trainer import Run, train
from gui import theme
from gui.text.text_output import surprise_colour
from gui.text.write_panel import EARLIER, LEGEND, WritePanel

SMALL = TextRecipe(
    tokenizer="characters", layers=1, heads=2, width=32, context=16, batch_size=16, lr=1e-2
)
ENGLISH = "The cat sat on the mat.\nA rat, by the way, sat on the cat!\n"
SCRIPTS = {
    "greek": "Η γάτα κάθισε στο χαλί.\nΈνας αρουραίος κάθισε στη γάτα!\n",
    "chinese": "小猫坐在垫子上。\n一只老鼠坐在小猫上！\n",
    "emoji": "😀 cat 🐈 sat 😀 on 🧶 the 🐈 mat 😀\n",
}
LEFT = Qt.MouseButton.LeftButton


def network(folder, text, steps=120, **rest):
    """Train a small network on a text, over and over."""
    path, out = folder / "text.txt", folder / "text.safetensors"
    path.write_text(text * 40, encoding="utf-8")
    playground = playgrounds.get("text")
    run = Run(
        playground,
        SMALL.replace(rest),
        playground.load(path),
        torch.device("cpu"),
        steps=steps,
        out=out,
    )
    list(train(run, Control()))
    return load_checkpoint(out).model().eval()


@pytest.fixture(scope="module")
def english(tmp_path_factory):
    """A network of characters that learned two sentences."""
    return network(tmp_path_factory.mktemp("english"), ENGLISH)


@pytest.fixture(scope="module", params=SCRIPTS)
def foreign(request, tmp_path_factory):
    """A text whose characters have several bytes each, and a network of byte pairs for it."""
    text = SCRIPTS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    return text, network(folder, text, tokenizer="bpe", vocab_size=270)


@pytest.fixture
def empty(qtbot, qapp):
    """The panel, shown, before there is a network."""
    made = WritePanel()
    qtbot.addWidget(made)
    made.resize(360, 820)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.writing.stop()
    made.hide()


@pytest.fixture
def panel(empty, english):
    """The panel with a network that learned two sentences."""
    empty.set_model(english)
    empty.settings.length.setValue(60)
    return empty


def click(button):
    """Click a button."""
    QTest.mouseClick(button, LEFT)


def texts(panel):
    """The tokens that were said, in letters."""
    return [said.text for said in panel.writing.said]


def write(qtbot, panel, prompt=None):
    """Click Generate, and wait until it is over; returns what was said."""
    if prompt is not None:
        panel.prompt.setPlainText(prompt)
    with qtbot.waitSignal(panel.writing.ended, timeout=20_000):
        click(panel.generate)
    return "".join(texts(panel))


def spot(panel, place, along=0.5):
    """Where in the output a token's letter stands: so far from its left edge to its right."""
    cursor = QTextCursor(panel.output.document())
    begin = panel.output._begins[place]
    cursor.setPosition(begin)
    one = panel.output.cursorRect(cursor)
    cursor.setPosition(begin + 1)
    other = panel.output.cursorRect(cursor)
    return QPoint(round(one.left() + along * (other.left() - one.left())), one.center().y())


def point(panel, place, along=0.5):
    """Move the mouse to a token."""
    QTest.mouseMove(panel.output.viewport(), QPoint(1, panel.output.viewport().height() - 2))
    QTest.mouseMove(panel.output.viewport(), spot(panel, place, along))


def letter(panel, start=0):
    """The place of a said token that is a plain letter, from some place on."""
    return next(i for i, text in enumerate(texts(panel)) if i >= start and text.isalpha())


def ground(panel, place):
    """The colour behind a token."""
    cursor = QTextCursor(panel.output.document())
    cursor.setPosition(panel.output._begins[place] + 1)
    return cursor.charFormat().background().color()


def test_nothing_can_be_clicked_before_there_is_a_network(empty, english):
    """The buttons sleep; with a network one can generate, and nothing else yet."""
    buttons = (empty.generate, empty.halt, empty.more, empty.again)
    assert not any(button.isEnabled() for button in buttons)
    QTest.keyClick(empty.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert not empty.writing.running and not empty.output.toPlainText()
    empty.set_model(english)
    assert [button.isEnabled() for button in buttons] == [True, False, False, True]


def test_text_streams_and_the_program_lives_on(panel, qtbot):
    """Tokens come in many portions; meanwhile a clock of the same thread keeps ticking."""
    told, ticks = [], []
    panel.writing.streamed.connect(lambda fresh: told.append(len(fresh)))
    panel.settings.length.setValue(400)
    clock = QTimer(panel)
    clock.timeout.connect(lambda: ticks.append(len(told)))
    clock.start(5)
    written = write(qtbot, panel, "The cat")
    clock.stop()
    assert sum(told) == 400 and len(told) > 5 and max(told) < 200
    assert len(set(ticks)) > 3  # between one portion and the next
    assert panel.output.toPlainText() == "The cat" + written and len(written) == 400
    assert panel.words.text() == LEGEND


def test_stop_and_continue(panel, qtbot):
    """Stop keeps what stands there; Continue writes behind it, as many tokens as are asked for."""
    panel.settings.length.setValue(5000)
    panel.prompt.setPlainText("The ")
    click(panel.generate)
    qtbot.waitUntil(lambda: len(panel.writing.said) > 20)
    assert panel.halt.isEnabled() and not panel.more.isEnabled()
    click(panel.halt)
    before = panel.output.toPlainText()
    assert not panel.writing.running and panel.more.isEnabled() and not panel.halt.isEnabled()
    qtbot.wait(60)
    assert panel.output.toPlainText() == before and len(before) < 5000
    panel.settings.length.setValue(30)
    with qtbot.waitSignal(panel.writing.ended):
        click(panel.more)
    after = panel.output.toPlainText()
    assert after.startswith(before) and len(after) == len(before) + 30


def test_continued_behind_a_text_that_was_read_in_part_the_network_writes(panel, qtbot):
    """What was not read any more is left out, and the surprisal of the part is not said of it."""
    panel.prompt.setPlainText("The cat sat on the mat.\n" * 100)
    click(panel.judge)
    qtbot.waitUntil(lambda: len(panel.writing.said) > 20)
    click(panel.halt)
    assert "surprisal" in panel.words.text()
    read, there = len(panel.writing.said), panel.output.toPlainText()
    panel.settings.length.setValue(400)
    panel.settings.temperature.setValue(5.0)  # as nobody wrote it
    with qtbot.waitSignal(panel.writing.ended, timeout=20_000):
        click(panel.more)
    written = panel.output.toPlainText()
    assert written.startswith(there) and len(panel.writing.said) == read + 400
    assert not panel.prompt.toPlainText().startswith(written[: read + 200])
    assert panel.words.text() == LEGEND


def test_stopped_and_continued_is_what_would_have_been_written(panel, qtbot):
    """A pause changes no random number: 20 and 40 more are the same as 60 at once."""
    whole = write(qtbot, panel, "A rat")
    panel.settings.length.setValue(20)
    assert write(qtbot, panel) == whole[:20]
    panel.settings.length.setValue(40)
    with qtbot.waitSignal(panel.writing.ended):
        click(panel.more)
    assert "".join(texts(panel)) == whole


def test_a_seed_repeats_its_text(panel, qtbot):
    """The same seed writes the same, the button beside takes the next one and writes another."""
    panel.settings.temperature.setValue(1.5)
    first = write(qtbot, panel)
    assert write(qtbot, panel) == first
    with qtbot.waitSignal(panel.writing.ended):
        click(panel.again)
    other = "".join(texts(panel))
    assert panel.settings.seed.value() == 2 and other != first
    panel.settings.seed.setValue(1)
    assert write(qtbot, panel) == first


def test_settings_count(panel, qtbot):
    """A single choice at each place writes one text, whatever the seed; the length is kept."""
    panel.settings.top_k.setValue(1)
    panel.settings.length.setValue(7)
    found = set()
    for seed in range(3):
        panel.settings.seed.setValue(seed)
        found.add(write(qtbot, panel))
    assert len(found) == 1 and len(panel.writing.said) == 7
    assert all(s.token == s.candidates[0].token for s in panel.writing.said)
    assert panel.settings.top_k.maximum() == panel._model.tokenizer.size


def test_a_long_prompt_says_what_is_seen_of_it(panel, qtbot):
    """More tokens than the context: a sentence; the next prompt that fits takes it away."""
    long = "The cat sat on the mat. " * 4
    written = write(qtbot, panel, long)
    assert f"{len(long)} tokens" in panel.words.text() and "last 16" in panel.words.text()
    assert panel.output.toPlainText() == long + written
    write(qtbot, panel, long[:16])
    assert panel.words.text() == LEGEND


def test_an_empty_prompt_begins_by_itself(panel, qtbot):
    """Nothing typed is a beginning too, and so is a single line's end."""
    written = write(qtbot, panel, "")
    assert len(written) == 60 and panel.output.toPlainText() == written
    assert write(qtbot, panel, "\n") == written


def test_control_and_enter_generate(panel, qtbot):
    """Both Enter keys do, with Control; without it, Enter is a line's end of the prompt."""
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        with qtbot.waitSignal(panel.writing.ended, timeout=20_000):
            QTest.keyClick(panel.prompt, key, Qt.KeyboardModifier.ControlModifier)
        assert len(panel.writing.said) == 60
    panel.prompt.setPlainText("")
    QTest.keyClicks(panel.prompt, "ab")
    QTest.keyClick(panel.prompt, Qt.Key.Key_Return)
    assert panel.prompt.toPlainText() == "ab\n" and not panel.writing.running


def test_generate_while_it_writes_begins_anew(panel, qtbot):
    """An impatient second click leaves no half of the first text behind."""
    expected = write(qtbot, panel, "The ")
    panel.settings.length.setValue(5000)
    panel.prompt.setPlainText("A rat")
    click(panel.generate)
    qtbot.waitUntil(lambda: len(panel.writing.said) > 10)
    panel.settings.length.setValue(60)
    assert write(qtbot, panel, "The ") == expected
    assert panel.output.toPlainText() == "The " + expected


@pytest.mark.parametrize("prompt", ["Ελλάδα", "小猫", "😀👩‍👩‍👧", "é\u0301", "\t\x01", "\r\n"])
def test_characters_that_it_never_met(panel, qtbot, prompt):
    """They are spelled in bytes; the prompt stands there whole, and the text goes on."""
    panel.settings.top_k.setValue(3)
    written = write(qtbot, panel, prompt)
    typed = panel.prompt.toPlainText()
    assert panel.output.toPlainText() == typed + written and len(panel.writing.said) == 60


def test_other_scripts_stream_whole(empty, qtbot, foreign):
    """Characters that are made of several tokens are shown when they are whole, never broken."""
    text, model = foreign
    empty.set_model(model)
    empty.settings.length.setValue(150)
    empty.settings.temperature.setValue(0.3)
    pieces = []
    empty.writing.streamed.connect(lambda fresh: pieces.extend(said.text for said in fresh))
    written = write(qtbot, empty, text[:5])
    assert "\ufffd" not in written and set(written) <= set(text)
    assert len(pieces) == 150 and "".join(pieces) == written
    assert sum(ord(c) > 127 for c in written) > 10
    assert empty.output.toPlainText() == text[:5] + written
    # Each place of the text on the screen still belongs to its own token (UTF-16 is counted).
    for place, said in enumerate(empty.writing.said):
        if said.text:
            assert empty.output.place_at(empty.output._begins[place]) == place


@pytest.mark.parametrize("along", [0.3, 0.7])
def test_pointing_shows_ten_candidates(panel, qtbot, along):
    """Wherever in the letter the mouse is: its own candidates, its own share, and a mark."""
    panel.settings.temperature.setValue(1.2)
    write(qtbot, panel, "The ")
    for start in (3, 20, 40):
        place = letter(panel, start)
        point(panel, place, along)
        said = panel.writing.said[place]
        assert panel._place == place
        shown = panel.candidates
        assert shown.count() == 10 and f"“{said.text}”" in shown._title
        assert f"{100 * said.probability:.1f} %" in shown._title
        assert [row[0] for row in shown._rows] == [c.token for c in said.candidates]
        shares = [row[2] for row in shown._rows]
        assert shares == sorted(shares, reverse=True) and shown._said == said.token
        marks = panel.output.extraSelections()
        assert [mark.cursor.selectedText() for mark in marks] == [said.text]


def test_the_prompt_has_no_candidates(panel, qtbot):
    """What was typed was not drawn: pointing at it, or beside the text, shows nothing."""
    write(qtbot, panel, "The ")
    QTest.mouseMove(panel.output.viewport(), QPoint(1, panel.output.viewport().height() - 2))
    cursor = QTextCursor(panel.output.document())
    cursor.setPosition(1)
    QTest.mouseMove(panel.output.viewport(), panel.output.cursorRect(cursor).center())
    assert panel.candidates.count() == 0 and panel._place == -1


def test_a_candidate_goes_on_from_there(panel, qtbot):
    """What stood before is kept, the token replaced, and as much as was asked for comes behind."""
    panel.settings.temperature.setValue(1.2)
    write(qtbot, panel, "The ")
    before, place = texts(panel), letter(panel, 15)
    point(panel, place)
    rows = panel.candidates._rows
    choice = next(i for i, row in enumerate(rows) if row[0] != panel.writing.said[place].token)
    _, raw, probability = rows[choice]
    with qtbot.waitSignal(panel.writing.ended):
        QTest.mouseClick(
            panel.candidates, LEFT, pos=panel.candidates.rect_of(choice).center().toPoint()
        )
    after = texts(panel)
    assert after[:place] == before[:place] and after[place] == raw.decode()
    assert panel.writing.said[place].probability == probability
    assert len(after) == place + 1 + 60
    assert panel.output.toPlainText() == "The " + "".join(after)
    assert panel.candidates.count() == 0 and not panel.output.extraSelections()
    told = panel.writing.tokens
    assert told[-len(after) :] == [said.token for said in panel.writing.said]
    # And from there once more, at the first token of all.
    point(panel, 0)
    other = panel.candidates._rows[-1]
    with qtbot.waitSignal(panel.writing.ended):
        panel.candidates.candidateChosen.emit(other[0])
    assert panel.writing.said[0].token == other[0] and len(panel.writing.said) == 61


def test_a_branch_within_the_text_is_what_the_network_says(panel, qtbot):
    """Behind a branch the shares are those of the whole text before, not of a part of it."""
    write(qtbot, panel, "The ")
    place = letter(panel, 5)
    point(panel, place)
    token = panel.candidates._rows[-1][0]
    with qtbot.waitSignal(panel.writing.ended):
        panel.candidates.candidateChosen.emit(token)
    model, tokens = panel._model, panel.writing.tokens
    at = len(tokens) - len(panel.writing.said) + place + 1
    assert at <= model.context
    with torch.no_grad():
        shares = model(torch.tensor([tokens[:at]]))[0, -1].softmax(-1)
    said = panel.writing.said[place + 1]
    assert said.probability == pytest.approx(float(shares[said.token]), abs=1e-4)


def test_a_branch_while_it_writes(panel, qtbot):
    """Pointing works in mid-stream, and a click there bends the text at once."""
    panel.settings.length.setValue(5000)
    panel.settings.temperature.setValue(1.2)
    panel.prompt.setPlainText("The ")
    click(panel.generate)
    qtbot.waitUntil(lambda: len(panel.writing.said) > 30)
    panel.output.verticalScrollBar().setValue(0)
    place = letter(panel, 10)
    point(panel, place)
    assert panel._place == place
    kept, token = texts(panel)[:place], panel.candidates._rows[-1][0]
    panel.candidates.candidateChosen.emit(token)
    assert panel.writing.running and panel.writing.said[place].token == token
    qtbot.waitUntil(lambda: len(panel.writing.said) > place + 20)
    click(panel.halt)
    assert texts(panel)[:place] == kept
    assert panel.output.toPlainText() == "The " + "".join(texts(panel))


def test_the_less_likely_the_deeper(panel, qtbot):
    """Ordered by their shares, the tokens' grounds grow paler, and all are of one hue."""
    panel.settings.temperature.setValue(2.0)
    write(qtbot, panel, "The ")
    seen = [place for place, text in enumerate(texts(panel)) if text.strip() and text != "\0"]
    by_share = sorted(seen, key=lambda place: panel.writing.said[place].probability)
    depths = [ground(panel, place).alpha() for place in by_share]
    assert depths == sorted(depths, reverse=True) and depths[0] > depths[-1] + 30
    hue = theme.current().colour("gradient").rgb()
    assert {ground(panel, place).rgb() for place in by_share} == {hue}
    assert surprise_colour(1.0).alpha() == 0 and surprise_colour(0.0).alpha() <= 120


def test_another_theme_colours_it_anew(panel, qtbot, qapp):
    """Grounds and ink change with the theme; the text, the mark and what comes next stay right."""
    write(qtbot, panel, "The ")
    place = letter(panel, 5)
    point(panel, place)
    before, text = ground(panel, place), panel.output.toPlainText()
    try:
        theme.apply(qapp, "dark")
        qtbot.wait(20)
        after = ground(panel, place)
        assert after.rgb() != before.rgb() and after.alpha() == before.alpha()
        assert panel.output.toPlainText() == text
        marks = panel.output.extraSelections()
        assert [m.cursor.selectedText() for m in marks] == [texts(panel)[place]]
        panel.settings.length.setValue(10)
        with qtbot.waitSignal(panel.writing.ended):
            click(panel.more)
        assert panel.output.toPlainText() == "The " + "".join(texts(panel))
        point(panel, place + 1)
        assert panel._place == place + 1
    finally:
        theme.apply(qapp, "light")


def test_a_network_that_came_apart_says_so(panel, qtbot, tmp_path):
    """NaN in its weights: a sentence, nothing is written; a sound network takes it away."""
    sound, broken = panel._model, network(tmp_path, ENGLISH, steps=1)
    with torch.no_grad():
        broken.norm.weight.fill_(float("nan"))
    panel.set_model(broken)
    assert write(qtbot, panel, "The ") == ""
    assert "diverged" in panel.words.text() and panel.words.property("role") == "fault"
    assert not panel.writing.running and panel.generate.isEnabled()
    panel.set_model(sound)
    assert len(write(qtbot, panel)) == 60
    assert panel.words.text() == LEGEND and panel.words.property("role") == "small"


def test_it_comes_apart_while_it_writes(panel, qtbot, tmp_path):
    """New weights that are no numbers end the text with the sentence; what stands there stays."""
    panel.set_model(model := network(tmp_path, ENGLISH, steps=1))
    panel.settings.length.setValue(5000)
    panel.prompt.setPlainText("The ")
    click(panel.generate)
    qtbot.waitUntil(lambda: len(panel.writing.said) > 10)
    with torch.no_grad():
        model.norm.weight.fill_(float("nan"))
    with qtbot.waitSignal(panel.writing.ended):
        panel.writing.renew()
    assert "diverged" in panel.words.text() and len(panel.writing.said) > 10
    said = "".join(texts(panel)).replace("\r", "\n")  # as a text field shows it
    assert panel.output.toPlainText() == "The " + said


def test_new_weights_count_at_once(panel, qtbot, tmp_path):
    """A text that goes on takes the weights that came meanwhile, with nothing remembered."""
    panel.set_model(model := network(tmp_path, ENGLISH, steps=1))
    panel.settings.length.setValue(10)
    write(qtbot, panel, "The ")
    model.load_state_dict(network(tmp_path, ENGLISH, steps=60).state_dict())
    panel.writing.renew()
    panel.settings.length.setValue(1)
    before = panel.writing.tokens
    with qtbot.waitSignal(panel.writing.ended):
        click(panel.more)
    with torch.no_grad():
        shares = model(torch.tensor([before[-model.context :]]))[0, -1].softmax(-1)
    said = panel.writing.said[-1]
    assert said.probability == pytest.approx(float(shares[said.token]), abs=1e-4)


def test_hidden_it_writes_no_more(panel, qtbot):
    """Nobody sees it: the text waits, and can be continued."""
    panel.settings.length.setValue(5000)
    click(panel.generate)
    qtbot.waitUntil(lambda: len(panel.writing.said) > 10)
    panel.hide()
    count = len(panel.writing.said)
    qtbot.wait(60)
    assert not panel.writing.running and len(panel.writing.said) == count
    panel.show()
    assert not panel.writing.running and panel.more.isEnabled()


def test_another_network_begins_anew(panel, qtbot, foreign):
    """What the old one wrote is said to be its, can't be continued, and may be pointed at."""
    panel.settings.temperature.setValue(1.2)
    write(qtbot, panel, "The ")
    place = letter(panel, 5)
    old = panel.writing.said[place]
    assert panel.words.text() == LEGEND
    panel.set_model(foreign[1])
    assert panel.words.text() == EARLIER
    assert not panel.more.isEnabled() and panel.candidates.count() == 0
    point(panel, place)
    assert panel.candidates.count() == 0 or f"“{old.text}”" in panel.candidates._title
    panel.candidates.candidateChosen.emit(old.token)
    assert not panel.writing.running
    write(qtbot, panel, "")
    assert panel.words.text() == LEGEND


def test_the_text_of_a_larger_vocabulary_stays_harmless(panel, qtbot, tmp_path):
    """Tokens that the present network does not know may still be pointed at."""
    small = panel._model
    panel.set_model(network(tmp_path, ENGLISH, tokenizer="bpe", vocab_size=276))
    write(qtbot, panel, "The ")
    place = next(
        i for i, said in enumerate(panel.writing.said) if said.token >= small.tokenizer.size
    )
    panel.set_model(small)
    point(panel, place)


def test_the_reader_who_scrolled_away_is_left_alone(panel, qtbot):
    """The view follows the text at its end, and stays where it was put otherwise."""
    panel.settings.length.setValue(3000)
    click(panel.generate)
    bar = panel.output.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 200, timeout=20_000)
    assert bar.value() >= bar.maximum() - 4
    bar.setValue(0)
    high = bar.maximum()
    qtbot.waitUntil(lambda: bar.maximum() > high, timeout=20_000)
    assert bar.value() == 0
    click(panel.halt)
