"""A lesson is a file of Markdown, which is read here block by block.

A lesson is ``resources/lessons/NUMBER-name.md``. It begins with ``# Title`` and a sentence in
italics that says what is learned. A paragraph that is nothing but
``{{name key=value key="two words"}}`` is a live part: something interactive. Lines that begin with
``>`` explain the result of the live part above; they stay hidden until it has run.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import UserError
from ..paths import RESOURCES

FOLDER = RESOURCES / "lessons"
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
"""``[words](target)``; a target is page:NAME, lesson:NAME#anchor or an address."""
_HEADING = re.compile(r"(#{2,3}) +(.+)")
_LIVE = re.compile(r"\{\{\s*(\w+)\s*(.*?)\s*\}\}", re.DOTALL)
_ITEM = re.compile(r"(?:-|\d+\.) +")


@dataclass(frozen=True)
class Heading:
    """The title of a section (level 2) or of a subsection (level 3)."""

    words: str
    level: int

    @property
    def anchor(self) -> str:
        """Its name in links: its words in lower case, joined by hyphens."""
        return "-".join(re.findall(r"[\w']+", self.words.lower())).replace("'", "")


@dataclass(frozen=True)
class Paragraph:
    """Words with inline Markdown: ``*``, ``**``, backticks and links."""

    words: str


@dataclass(frozen=True)
class Items:
    """A list; each item has inline Markdown."""

    items: tuple[str, ...]
    numbered: bool


@dataclass(frozen=True)
class Code:
    """Preformatted lines: a formula, or a few lines of Python."""

    lines: str


@dataclass(frozen=True)
class Live:
    """A live part: the name of its module, and its options."""

    name: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Explanation:
    """Paragraphs on the result of the last live part, hidden until it has run."""

    paragraphs: tuple[str, ...]


Block = Heading | Paragraph | Items | Code | Live | Explanation


@dataclass(frozen=True)
class Lesson:
    """A lesson: its name is that of its file; ``summary`` says what is learned."""

    name: str
    title: str
    summary: str
    blocks: tuple[Block, ...]

    @property
    def sections(self) -> tuple[Heading, ...]:
        """The headings of its sections."""
        return tuple(b for b in self.blocks if isinstance(b, Heading) and b.level == 2)


@cache
def lessons() -> Mapping[str, Lesson]:
    """Return the lessons by their names, in the order of their numbers."""
    files = sorted(FOLDER.glob("*-*.md"), key=_number)
    return {file.stem: parse(file.stem, file.read_text(encoding="utf-8")) for file in files}


def _number(file: Path) -> tuple[int, str]:
    number = file.stem.partition("-")[0]
    return (int(number) if number.isdigit() else 0), file.stem


def parse(name: str, text: str) -> Lesson:
    """Read a lesson.

    Raises:
        UserError: it has no title or no summary, or a live part can't be read.
    """
    parts = list(_paragraphs(text))
    if len(parts) < 2 or not parts[0].startswith("# "):
        raise UserError(f"The lesson {name} does not begin with a line '# Title'.")
    summary = parts[1]
    if summary[:1] != "*" or summary[-1:] != "*":
        raise UserError(f"The lesson {name} lacks its summary: a paragraph in *italics*.")
    blocks = tuple(_block(name, part) for part in parts[2:])
    return Lesson(name, parts[0][2:].strip(), _joined(summary[1:-1]), blocks)


def _paragraphs(text: str) -> Iterator[str]:
    """Split a text at its empty lines, but not within a code fence."""
    for number, piece in enumerate(re.split(r"^```\w*$", text, flags=re.MULTILINE)):
        if number % 2:
            yield f"```{piece}"
        else:
            yield from (part.strip() for part in re.split(r"\n\s*\n", piece) if part.strip())


def _block(lesson: str, part: str) -> Block:
    if part.startswith("```"):
        return Code(part[3:].strip("\n"))
    if part.startswith("{{"):
        return _live(lesson, part)
    if part.startswith(">"):
        words = "\n".join(line.removeprefix(">").strip() for line in part.splitlines())
        return Explanation(tuple(_joined(words) for words in re.split(r"\n\n+", words)))
    if found := _HEADING.fullmatch(part):
        return Heading(found[2], len(found[1]))
    if _ITEM.match(part):
        items = re.split(r"\n(?=(?:-|\d+\.) )", part)
        return Items(tuple(_joined(_ITEM.sub("", i, count=1)) for i in items), part[0] != "-")
    return Paragraph(_joined(part))


def _live(lesson: str, part: str) -> Live:
    found = _LIVE.fullmatch(part)
    try:
        words = shlex.split(found[2]) if found else []
    except ValueError:
        found = None
    if found is None or not all("=" in word for word in words):
        raise UserError(f"The lesson {lesson} has a live part that can't be read: {part[:60]}")
    return Live(found[1], {k: _joined(v) for k, _, v in (word.partition("=") for word in words)})


def _joined(lines: str) -> str:
    return " ".join(lines.split())
