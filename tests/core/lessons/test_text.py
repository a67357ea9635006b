"""A lesson's file: what is read of it, and what is wrong with it in a sentence."""

import pytest

from core.doctor.verdict.causes import CAUSES, LESSONS, lesson_on
from core.errors import UserError
from core.lessons.text import Code, Explanation, Heading, Items, Live, Paragraph, lessons, parse

TEXT = """# Rows and columns

*You will see
what happens.*

## First, look!

Some `code` and
a [link](page:digits).

- one
- two, on
  two lines

1. first
2. second

```python
a = 1

b = 2
```

{{product size=3
  ask="Which one?"}}

> What it shows,
> in two lines.
>
> And more.

### Don't stop
"""


def test_a_lesson_is_read_block_after_block():
    """Headings, paragraphs, lists, code with empty lines in it, and live parts with options."""
    lesson = parse("1-test", TEXT)
    assert (lesson.title, lesson.summary) == ("Rows and columns", "You will see what happens.")
    assert lesson.blocks == (
        Heading("First, look!", 2),
        Paragraph("Some `code` and a [link](page:digits)."),
        Items(("one", "two, on two lines"), numbered=False),
        Items(("first", "second"), numbered=True),
        Code("a = 1\n\nb = 2"),
        Live("product", {"size": "3", "ask": "Which one?"}),
        Explanation(("What it shows, in two lines.", "And more.")),
        Heading("Don't stop", 3),
    )


def test_a_heading_has_an_anchor():
    """It is made of its words, so that links can be written without looking it up."""
    lesson = parse("1-test", TEXT)
    assert [block.anchor for block in lesson.blocks if isinstance(block, Heading)] == [
        "first-look",
        "dont-stop",
    ]
    assert [section.words for section in lesson.sections] == ["First, look!"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "does not begin with a line '# Title'"),
        ("Words.\n\n*So.*", "does not begin with a line '# Title'"),
        ("# Title\n\nNo summary.", "lacks its summary"),
        ("# Title\n\n*So.*\n\n{{product size}}", "can't be read: {{product size}}"),
        ('# Title\n\n*So.*\n\n{{product ask="open}}', "can't be read"),
        ("# Title\n\n*So.*\n\n{{product", "can't be read"),
    ],
)
def test_a_faulty_lesson_is_a_sentence(text, sentence):
    """It says which lesson, and what is wrong in it."""
    with pytest.raises(UserError, match="1-test") as failed:
        parse("1-test", text)
    assert sentence in str(failed.value)


def test_lessons_are_found_by_being_there():
    """They stand in the order of their numbers, and each ends with the other pages."""
    found = lessons()
    assert list(found) == sorted(found) and "1-products" in found
    for lesson in found.values():
        assert lesson.sections[-1].words == "See it in your own run"


def test_the_lessons_that_the_doctor_names_are_there():
    """Each of its links leads to a lesson, and to a heading in it."""
    for target, causes in LESSONS.items():
        name, _, anchor = target.partition("#")
        anchors = {section.anchor for section in lessons()[name].sections}
        assert not anchor or anchor in anchors, target
        assert set(causes) <= set(CAUSES)
    assert lesson_on("vanishing_gradient") and not lesson_on("class_imbalance")
