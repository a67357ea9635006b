"""Whatever a person reads uses the field's terms; words that were given up occur nowhere."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

from tests.retired_words import NAMES, SHOWN

ROOT = Path(__file__).parents[1]
RETIRED = [(re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in SHOWN.items()]


def retired_in(text):
    """Return each word of a text that was given up, with what stands instead."""
    return [
        f"{found.group()!r} in {text.strip()[:90]!r}: {instead}"
        for pattern, instead in RETIRED
        if (found := pattern.search(text))
    ]


def sources(*patterns):
    """Return the files of the project of these patterns."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.split() if (ROOT / line).exists()]


def test_no_text_of_the_program_has_a_retired_word():
    """Also those that are seldom shown: errors, reports, sentences of rare cases."""
    found = []
    for path in sources("core/*.py", "gui/*.py", "main.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            # Ids and keys are one word, and stay as they are.
            if isinstance(text, str) and " " in text.strip():
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                found += [f"{where} {words}" for words in retired_in(text)]
    assert not found, "\n".join(found)


def test_no_page_of_documentation_has_a_retired_word():
    """README, docs, lessons, glossary."""
    found = []
    for path in sources("*.md"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("- Also:"):
                continue  # what a reader may search for in the glossary
            found += [f"{path.relative_to(ROOT)}:{number} {words}" for words in retired_in(line)]
    assert not found, "\n".join(found)


def test_no_name_in_the_code_is_retired():
    """Identifiers of core and gui."""
    found = []
    for path in sources("core/*.py", "gui/*.py"):
        text = io.StringIO(path.read_text(encoding="utf-8"))
        for token in tokenize.generate_tokens(text.readline):
            if token.type == tokenize.NAME and token.string in NAMES:
                found.append(f"{path.relative_to(ROOT)}:{token.start[0]} {token.string}")
    assert not found, "\n".join(found)


def test_no_two_classes_have_one_name():
    """Except what each page, part or playground has of its own."""
    own = {"Page", "Part", "MLP", "Bigram"}
    places = {}
    for path in sources("core/*.py", "gui/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1 and name not in own}
    assert not twice, twice
