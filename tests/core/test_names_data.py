"""Lists of names: read, refused, split as the lectures do, and turned into letters."""

import random
import re

import pytest
import torch

from core import playgrounds
from core.errors import UserError
from core.playgrounds.names import wordlist
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.encode import IGNORED, rows, windows

WORDS = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "zoe", "luna", "ella", "ivy", "ada"]


def listing(tmp_path, content, name="names.txt"):
    """A file of this content."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_split_is_the_lectures():
    """Seed 42, shuffled, 80, 10 and 10 per cent, as makemore has it."""
    data = wordlist.bundled()
    words, _ = wordlist.words_of(wordlist.RESOURCES / "names" / "names.txt")
    random.seed(42)
    random.shuffle(words)
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    assert list(data.train) == words[:first]
    assert list(data.dev) == words[first:second] and list(data.test) == words[second:]


def test_windows_are_those_of_the_lecture():
    """Three letters of context, padded with the mark, and the letter that follows."""
    alphabet = Alphabet.of(WORDS)
    inputs, targets = [], []
    for word in WORDS:
        context = [0, 0, 0]
        for letter in word + ".":
            symbol = alphabet.letters.index(letter)
            inputs.append(context)
            targets.append(symbol)
            context = [*context[1:], symbol]
    found = windows(WORDS, alphabet, 3)
    assert found.inputs.tolist() == inputs and found.targets.tolist() == targets


@pytest.mark.parametrize("context", [2, 5, 8, 16])
def test_whole_names_have_every_letter_once(context):
    """Whatever the context, each letter and each end is a target exactly once."""
    alphabet = Alphabet.of(WORDS)
    found = rows(WORDS, alphabet, context)
    letters = sum(len(word) + 1 for word in WORDS)
    assert int((found.targets != IGNORED).sum()) == letters
    assert sorted(found.targets[found.targets != IGNORED].tolist()) == sorted(
        windows(WORDS, alphabet, 3).targets.tolist()
    )


def test_a_name_beyond_the_context_goes_on_in_rows_of_its_own():
    """The last letters of isabella are guessed from the letters right before them."""
    alphabet = Alphabet.of(WORDS)
    found = rows(["isabella"], alphabet, 4)
    assert len(found) == 1 + 5
    assert alphabet.decode(found.inputs[0].tolist()) == ".isa"
    assert alphabet.decode(found.inputs[-1].tolist()) == "ella"
    assert found.targets[-1].tolist() == [IGNORED, IGNORED, IGNORED, 0]


@pytest.mark.parametrize("names", ["Αθήνα Ξάνθη", "Иван Мария", "小明 美丽", "Zoë Łukasz"])
def test_letters_of_any_script(tmp_path, names):
    """The alphabet is the file's own, and what was encoded can be decoded."""
    words = names.split()
    data = wordlist.load(listing(tmp_path, "\n".join(words * 5)))
    assert set(data.alphabet.letters) == {".", *"".join(words)}
    for word in words:
        assert data.alphabet.decode(data.alphabet.encode(word).tolist()) == word


def test_accents_may_be_composed_or_not(tmp_path):
    """An e with its accent behind it is the same letter as é."""
    words, _ = wordlist.words_of(listing(tmp_path, "rene\u0301\nren\u00e9\n"))
    assert words[0] == words[1] == "ren\u00e9"


def test_spaces_and_hyphens_are_letters_and_marks_are_left_out(tmp_path):
    """New York stays; a line with the end mark is left out, and that is said."""
    lines = ["New   York", "Aix-en-Provence", "St. Gallen"] + ["Rome"] * 10
    data = wordlist.load(listing(tmp_path, "\r\n".join(lines)))
    everything = {*data.train, *data.dev, *data.test}
    assert {"New York", "Aix-en-Provence"} <= everything and "St. Gallen" not in everything
    assert "1 with a" in data.title and "left out" in data.title


LETTERS = "".join(chr(0x4E00 + i) for i in range(3100))
WRONG = {
    "empty": ("", "no names"),
    "one name": ("emma", "only 1 name"),
    "binary": (b"\x89PNG\0\0\0", "zero bytes"),
    "latin-1": ("ren\u00e9\n".encode("latin-1") * 20, "not in UTF-8 .* line 1"),
    "endless": ("a" * 5000, "5,000 letters in line 1"),
    "control": ("anna\n" * 20 + "b\x07b\n", "control character"),
    "too many": ("ab\n" * 1_000_001, "1,000,001 names"),
    "no letters of names": ("\n".join(LETTERS), "different letters"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence(tmp_path, kind):
    """Each says the file, what is wrong with it, and what to do."""
    content, words = WRONG[kind]
    path = listing(tmp_path, content)
    with pytest.raises(UserError) as refused:
        wordlist.load(path)
    assert str(path) in str(refused.value) and re.search(words, str(refused.value))
    assert str(refused.value).endswith(".")


def test_utf16_that_says_so_is_read(tmp_path):
    """A file of Windows' notepad is understood."""
    data = wordlist.load(listing(tmp_path, "\n".join(WORDS).encode("utf-16")))
    assert set(data.train) <= set(WORDS)


def test_an_enormous_file_is_not_even_read(tmp_path):
    """More than 64 MB are refused by their size."""
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(UserError, match="larger than 64 MB"):
        wordlist.load(path)


def test_a_folder_without_names_falls_back_and_says_so(tmp_path):
    """The bundled list is used, and its title says it."""
    assert "bundled" in wordlist.load(tmp_path).title
    (tmp_path / "names").mkdir()
    listing(tmp_path / "names", "\n".join(WORDS))
    assert "makemore" in wordlist.load(tmp_path).title


def test_an_unknown_letter_is_named():
    """The sentence says which letter, and which there are; a capital is explained."""
    alphabet = Alphabet.of(WORDS)
    with pytest.raises(UserError, match="never met “ß”; its letters are a b"):
        alphabet.encode_prefix("straße"[4:])
    with pytest.raises(UserError, match="small: write “e”"):
        alphabet.encode_prefix("E")
    with pytest.raises(UserError, match="leave it out"):
        alphabet.encode_prefix("em.")


def test_a_bad_alphabet_is_refused():
    """What a stranger's file may say: no text, no mark, a letter twice."""
    for letters in (7, "", ".", "abc", ".aab"):
        with pytest.raises(UserError):
            Alphabet(letters)


def test_the_survey_counts_pairs():
    """The bigrams of the training names, the mark around each, all of them."""
    names = playgrounds.get("names")
    data = names.load(None)
    survey = names.survey(data)
    counts, letters = survey["bigrams"], survey["letters"]
    assert counts.sum() == sum(len(word) + 1 for word in data.train)
    starts = sum(word.startswith("a") for word in data.train)
    assert counts[0, letters.index("a")] == starts
    assert not counts.flags.writeable and torch.is_tensor(torch.tensor(counts))
