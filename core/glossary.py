"""The terms that the window uses: what each means, its formula, its lecture, its PyTorch name.

They are written in ``resources/glossary``, whose README describes the format.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .errors import UserError
from .paths import RESOURCES

FOLDER = RESOURCES / "glossary"
README = "README.md"
"""The one file of the folder that describes the others and defines no terms."""

LECTURES = {
    "micrograd": "micrograd: the spelled-out intro to neural networks and backpropagation",
    "makemore, part 1": "makemore, part 1: the spelled-out intro to language modeling",
    "makemore, part 2": "makemore, part 2: MLP",
    "makemore, part 3": "makemore, part 3: activations & gradients, BatchNorm",
    "makemore, part 4": "makemore, part 4: becoming a backprop ninja",
    "makemore, part 5": "makemore, part 5: building a WaveNet",
    "Let's build GPT": "Let's build GPT: from scratch, in code, spelled out",
    "Let's build the GPT tokenizer": "Let's build the GPT tokenizer",
    "Let's reproduce GPT-2": "Let's reproduce GPT-2 (124M)",
}
"""The lectures as ``Lecture:`` names them, and their whole titles."""

FIELDS = ("Also", "Formula", "Lecture", "PyTorch", "See")
"""The lines below a meaning, in their order; each may be missing."""

_FIELD = re.compile(rf"- ({'|'.join(FIELDS)}): (.+)")
_WORD = re.compile(r"\w+")
_JOINED = str.maketrans("", "", "-_‐‑– \u00a0\t\n")
"""What a word is compared without."""


@dataclass(frozen=True)
class Term:
    """One entry of the glossary.

    Attributes:
        title: the term.
        also: other words that find the same entry: synonyms, abbreviations, irregular plurals.
        meaning: what it is, in one or two sentences; `code` stands between backticks.
        formula: in plain text; "" where there is none.
        lecture: the lectures that treat it, by the keys of :data:`LECTURES`, or papers.
        pytorch: what PyTorch calls it, as it is imported, such as ``torch.nn.Linear``.
        see: titles of related entries.
    """

    title: str
    also: tuple[str, ...]
    meaning: str
    formula: str = ""
    lecture: tuple[str, ...] = ()
    pytorch: tuple[str, ...] = ()
    see: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The title and all other words that find it."""
        return (self.title, *self.also)


def load(folder: Path = FOLDER) -> tuple[Term, ...]:
    """Read every term file of a folder, and return the terms by title.

    Raises:
        UserError: a file does not keep the format; the sentence names the file and the line.
    """
    owners: dict[str, str] = {}
    places: dict[str, str] = {}
    found: list[Term] = []
    for file in sorted(folder.glob("*.md")):
        if file.name == README:
            continue
        for line, term in _read(file):
            place = f"{file.name}, line {line}"
            for name in term.names:
                if (key := _key(name)) in owners:
                    raise UserError(
                        f"{place}: '{name}' already finds the entry '{owners[key]}'; "
                        "each word finds one entry."
                    )
                owners[key] = term.title
            places[term.title] = place
            found.append(term)
    titles = {term.title for term in found}
    for term in found:
        for other in term.see:
            if other not in titles:
                raise UserError(
                    f"{places[term.title]}: 'See' names '{other}', which is no title of an entry."
                )
    return tuple(sorted(found, key=lambda term: term.title.lower()))


@lru_cache(maxsize=1)
def terms() -> tuple[Term, ...]:
    """Return all terms by title; the files are read once."""
    return load()


def find(word: str) -> Term | None:
    """Return the entry of a word: a title or synonym, in any case, also in the plural."""
    index = _index()
    key = _key(word)
    singulars = (key, key.removesuffix("s"), key.removesuffix("es"))
    return next((index[name] for name in singulars if name in index), None)


def search(query: str) -> list[Term]:
    """Return the entries that a query finds, the best first; all of them for an empty query.

    An entry whose title is or begins with the query comes before one with such a synonym, then
    those that have it inside a title or synonym, then those whose meaning has all its words.
    """
    key = _key(query)
    if not key:
        return list(terms())
    ranked = [(rank, term) for term in terms() if (rank := _rank(term, key, query)) is not None]
    # Sorting is stable, and the terms are in alphabetical order already.
    return [term for _, term in sorted(ranked, key=lambda pair: pair[0])]


def terms_in(text: str) -> list[tuple[int, int, Term]]:
    """Return where a sentence uses a term: start, end and the term, without overlaps.

    Where several begin at one place the longest counts. Only whole words match; a regular plural,
    and a hyphen in the place of a space, match as well.
    """
    found: list[tuple[int, int, Term]] = []
    longest = _longest()
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    number = 0
    while number < len(words):
        start, end = words[number]
        first = text[start:end].lower()
        # A first word that begins no term may still be a whole one: batchnorm, losses.
        length = longest.get(first.partition("_")[0], 1)
        for last in range(min(number + length, len(words)) - 1, number - 1, -1):
            if (term := find(text[start : words[last][1]])) is not None:
                found.append((start, words[last][1], term))
                number = last
                break
        number += 1
    return found


def _read(file: Path) -> Iterator[tuple[int, Term]]:
    """Yield the terms of a file, each with the line of its heading."""
    lines = file.read_text(encoding="utf-8").splitlines()
    heads = [number for number, text in enumerate(lines, 1) if text.startswith("## ")]
    before = range(1, heads[0] if heads else len(lines) + 1)
    if not lines or not lines[0].startswith("# "):
        raise UserError(
            f"{file.name}, line 1: the file begins with '# ' and the name of its theme."
        )
    for number in before[1:]:
        if lines[number - 1].strip():
            raise UserError(
                f"{file.name}, line {number}: '## ' and a term come first, then its text."
            )
    for number, end in zip(heads, [*heads[1:], len(lines) + 1], strict=True):
        yield number, _term(file, number, lines[number - 1 : end - 1])


def _term(file: Path, head: int, lines: list[str]) -> Term:
    """Make a term of its section.

    Args:
        file: whose section it is.
        head: the line of the heading.
        lines: the section, from its heading on.

    Raises:
        UserError: the section does not keep the format.
    """
    title = lines[0].removeprefix("## ").strip()
    meaning: list[str] = []
    fields: dict[str, str] = {}
    for number, text in enumerate(lines[1:], head + 1):
        place = f"{file.name}, line {number}"
        if not text.strip():
            continue
        if not text.startswith("- "):
            if fields:
                raise UserError(f"{place}: the meaning stands above the lines of the list.")
            meaning.append(text.strip())
            continue
        match = _FIELD.fullmatch(text.rstrip())
        if match is None:
            raise UserError(
                f"{place}: a line of the list is '- ', one of {', '.join(FIELDS)}, ': ' and a text."
            )
        name, value = match.groups()
        if fields and FIELDS.index(name) <= FIELDS.index(next(reversed(fields))):
            raise UserError(f"{place}: the lines come once each, in the order {', '.join(FIELDS)}.")
        if name in ("Formula", "PyTorch") and not _is_code(value):
            raise UserError(f"{place}: {name} is written between backticks.")
        fields[name] = value
    if not title or not meaning:
        raise UserError(f"{file.name}, line {head}: a term has a heading and a meaning below it.")
    return Term(
        title=title,
        also=_listed(fields.get("Also", ""), ", "),
        meaning=" ".join(meaning),
        formula=fields.get("Formula", "").strip("`"),
        lecture=_listed(fields.get("Lecture", ""), "; "),
        pytorch=tuple(part.strip("`") for part in _listed(fields.get("PyTorch", ""), ", ")),
        see=_listed(fields.get("See", ""), "; "),
    )


def _is_code(value: str) -> bool:
    """Whether it is made of parts between backticks, with nothing but commas between them."""
    return re.fullmatch(r"`[^`]+`(, `[^`]+`)*", value) is not None


def _listed(value: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(separator)) if value else ()


def _key(words: str) -> str:
    """Return a word as it is compared: small letters, neither spaces nor hyphens.

    ``warm-up``, ``warm up`` and ``warmup`` are one word, and so are ``batch_norm`` and BatchNorm.
    """
    return words.lower().translate(_JOINED)


@lru_cache(maxsize=1)
def _index() -> dict[str, Term]:
    return {_key(name): term for term in terms() for name in term.names}


@lru_cache(maxsize=1)
def _longest() -> dict[str, int]:
    """Return of how many words the longest term is that begins with a word, by that word."""
    longest: dict[str, int] = {}
    for name in _names():
        parts = re.findall(r"[^\W_]+", name.lower())
        longest[parts[0]] = max(longest.get(parts[0], 1), len(parts))
    return longest


def _names() -> Iterator[str]:
    return (name for term in terms() for name in term.names)


def _rank(term: Term, key: str, query: str) -> int | None:
    """Return how well a term answers a query, 0 the best; None if not at all."""
    title, *also = map(_key, term.names)
    singular = key.removesuffix("s") or key
    tests: Iterable[bool] = (
        title in (key, singular),
        key in also or singular in also,
        title.startswith(key),
        any(name.startswith(key) for name in also),
        key in title,
        any(key in name for name in also),
        _has_all(term.meaning, query),
    )
    return next((rank for rank, passed in enumerate(tests) if passed), None)


def _has_all(meaning: str, query: str) -> bool:
    """Whether each word of the query begins a word of the meaning."""
    has = [word.lower() for word in _WORD.findall(meaning)]
    wanted = [word.lower() for word in _WORD.findall(query)]
    return bool(wanted) and all(any(word.startswith(part) for word in has) for part in wanted)
