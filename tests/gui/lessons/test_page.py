"""The page of the lessons: its list, texts, links and live parts."""

import importlib

import pytest
from PySide6.QtCore import QPoint, QSignalBlocker, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox

from core.lessons.text import LINK, Explanation, Heading, Items, Live, Paragraph, lessons
from gui import theme
from gui.lessons.lesson_view import Reveal
from gui.lessons.parts.question import Part as Question
from gui.lessons.prose import Prose
from gui.window import page_names
from tests.gui.hands import Hands, point_at, turn_wheel
from tests.gui.lessons.shelf import Shelf

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def reader(qtbot, qapp):
    """The lessons' page, with playgrounds that have no network yet."""
    window = Shelf("digits", "names", "text")
    qtbot.addWidget(window)
    window.show()
    hands = Hands(qtbot, window, "lessons")
    yield hands
    window.close()


def test_the_help_of_a_list_covers_no_title(reader):
    """It is told where there is none."""
    titles = reader.page.list
    item = titles.visualItemRect(titles.item(1)).center()
    assert point_at(titles.viewport(), item) == ""
    with QSignalBlocker(titles):
        titles.clear()
    assert point_at(titles.viewport(), item) == "The lessons, in reading order."


def load(reader):
    """Let torch be loaded, and the lesson's parts be made."""
    reader.window.worker.start()
    reader.until(lambda: bool(reader.page.view.parts) and reader.page.view.parts[-1].isVisible())
    QApplication.processEvents()  # and be laid out


def links():
    """Return the targets of all links in all lessons."""
    found = []
    for lesson in lessons().values():
        for block in lesson.blocks:
            if isinstance(block, Paragraph):
                found += LINK.findall(block.words)
            elif isinstance(block, Explanation):
                found += [link for words in block.paragraphs for link in LINK.findall(words)]
            elif isinstance(block, Items):
                found += [link for item in block.items for link in LINK.findall(item)]
    return [target for _, target in found]


def test_every_link_leads_somewhere():
    """To a page, to a heading of a lesson, or to the web."""
    for target in links():
        kind, _, where = target.partition(":")
        if kind == "page":
            assert where in page_names(), target
        elif kind == "lesson":
            name, _, anchor = where.partition("#")
            headings = [b.anchor for b in lessons()[name].blocks if isinstance(b, Heading)]
            assert not anchor or anchor in headings, target
        else:
            assert kind == "https", target


def test_every_live_part_is_there():
    """Each is a module with a Part."""
    for lesson in lessons().values():
        for block in lesson.blocks:
            if isinstance(block, Live):
                assert importlib.import_module(f"gui.lessons.parts.{block.name}").Part


def test_the_text_stands_before_torch_and_its_parts_after(reader):
    """One can read at once; what is played with comes when torch is loaded."""
    view = reader.page.view
    assert view.isVisible() and view.findChildren(Prose) and not view.parts
    load(reader)
    wanted = [block for block in view.lesson.blocks if isinstance(block, Live)]
    assert len(view.parts) == len(wanted)


def test_the_list_turns_to_another_lesson_and_keeps_the_place(reader):
    """With the keyboard, too; who comes back is where he was."""
    titles = reader.page.list
    assert [titles.item(row).text() for row in range(titles.count())] == [
        lesson.title for lesson in lessons().values()
    ]
    first = reader.page.view
    reader.qtbot.waitUntil(lambda: first.verticalScrollBar().maximum() > 300)
    first.verticalScrollBar().setValue(300)
    titles.setFocus()
    QTest.keyClick(titles, Qt.Key.Key_Down)
    assert reader.page.view.lesson is list(lessons().values())[1]
    QTest.keyClick(titles, Qt.Key.Key_Up)
    assert reader.page.view is first and first.verticalScrollBar().value() == 300


def test_a_section_is_turned_to(reader):
    """A click on its title brings its heading to the top, also once the parts have come."""
    sections = reader.page.sections
    row = sections.count() - 2
    place = sections.visualItemRect(sections.item(row)).center()
    QTest.mouseClick(sections.viewport(), LEFT, pos=place)
    load(reader)
    words = sections.item(row).text()
    view = reader.page.view
    title = next(made for made in view.findChildren(QLabel) if made.text() == words)

    def near() -> bool:
        return abs(title.mapTo(view, QPoint(0, 0)).y()) < 40

    reader.until(near)


def test_links_lead_to_pages_and_lessons(reader):
    """A page is turned to; a lesson is opened at a heading, also from another page."""
    reader.page.follow("page:names")
    assert reader.window.page is reader.window.pages["names"]
    last = list(lessons().values())[-1]
    lessons_page = reader.window.pages["lessons"]
    lessons_page.open_lesson(last.name, last.sections[-1].anchor)
    assert reader.window.page is lessons_page and lessons_page.view.lesson is last
    assert lessons_page.list.chosen() == last.name
    bar = lessons_page.view.verticalScrollBar()
    reader.until(lambda: bar.value() > 0)


def test_a_question_is_answered_and_explained(reader):
    """The wrong choice is marked, the right one too, and the reason appears; one may try again."""
    load(reader)
    question = reader.page.view.findChild(Question)
    told = []
    question.answered.connect(told.append)
    right = next(block for block in reader.page.view.lesson.blocks if isinstance(block, Live))
    number = int(right.options["answer"]) - 1
    wrong = (number + 1) % len(question.choices)
    assert not question.why.isVisible()
    QTest.mouseClick(question.choices[wrong], LEFT)
    assert question.choices[wrong].text().startswith("✗")
    assert question.choices[number].text().startswith("✓") and question.why.isVisible()
    QTest.keyClick(question.choices[number], Qt.Key.Key_Space)
    assert told == [False, True] and not question.choices[wrong].text().startswith("✗")


def test_an_explanation_is_revealed_once_the_experiment_has_run(reader):
    """Or on demand; until then the text does not answer the question above it."""
    load(reader)
    reader.page.open_lesson("3-gradients")
    view = reader.page.view
    first, second = view.findChildren(Reveal)[:2]
    assert first.hint.isVisible() and not any(p.isVisible() for p in first.paragraphs)
    view.parts[0].played.emit()
    assert all(p.isVisible() for p in first.paragraphs) and not first.hint.isVisible()
    assert second.hint.isVisible()
    second.hint.linkActivated.emit("reveal:open")
    assert second.paragraphs[0].isVisible() and not second.hint.isVisible()


def test_the_wheel_scrolls_and_changes_no_number(reader):
    """Unless the field is being edited."""
    load(reader)
    view = reader.page.view
    field, bar = view.findChild(QSpinBox, "product_batch"), view.verticalScrollBar()
    before = field.value()
    view.ensureWidgetVisible(field, 0, 200)
    read = bar.value()
    turn_wheel(field)
    assert field.value() == before and bar.value() > read
    field.setFocus()
    reader.until(field.hasFocus)
    turn_wheel(field)
    assert field.value() == before - 1


def test_the_keys_go_to_the_end_and_back(reader):
    """Home and End, and the list of sections marks where one reads."""
    load(reader)
    page = reader.page
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_End)
    assert page.view.verticalScrollBar().value() == page.view.verticalScrollBar().maximum()
    assert page.sections.chosen() == page.view.lesson.sections[-1].anchor
    QTest.keyClick(page.view, Qt.Key.Key_Home)
    assert page.view.verticalScrollBar().value() == 0
    page.view.show_anchor(page.view.lesson.sections[2].anchor)
    assert page.sections.chosen() == page.view.lesson.sections[2].anchor


def test_nothing_overlaps(reader):
    """The column is as high as its text needs, at any width of the window."""
    load(reader)
    column = reader.page.view.widget()
    for width in (1280, 1000):
        reader.window.resize(width, 740)
        need = column.layout().totalHeightForWidth
        reader.until(lambda need=need: column.height() >= need(column.width()))


def test_the_text_takes_the_colours_of_another_theme(reader, qapp):
    """Links and code are written anew."""
    linked = next(p for p in reader.page.view.findChildren(Prose) if "href" in p.text())
    assert theme.LIGHT.activation in linked.text()
    theme.apply(qapp, "dark")
    assert theme.DARK.activation in linked.text()
    theme.apply(qapp, "light")


def test_what_the_parts_keep_comes_back(reader):
    """As it was, where no part has asked for it yet; what a file has in its place is left."""
    page = reader.page
    kept = {"backprop": {"solved": {"logprobs": "-F.one_hot(Yb, 27) / n"}}}
    page.restore_state({"parts": kept})
    assert page.save_state()["parts"] == kept
    page.restore_state({"parts": ["nothing"]})
    page.open_lesson("4-backpropagation")
    load(reader)
    part = next(part for part in page.view.parts if part.objectName() == "backprop_steps")
    reader.until(lambda: part.count.text() == "1 of 26 solved")
