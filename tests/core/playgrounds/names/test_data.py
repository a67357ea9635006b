"""Lists of names: read, refused, split as the lectures do, and turned into letters."""

import codecs
import random
import re
import unicodedata

import numpy as np
import pytest
import torch

from core import playgrounds
from core.errors import UserError
from core.playgrounds.names import wordlist
from core.playgrounds.names.alphabet import Alphabet
from core.playgrounds.names.encode import IGNORED, rows, windows
from core.playgrounds.names.evaluation import check_alphabet, loss_of, surprise, totals
from core.playgrounds.names.recipe import NamesRecipe

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


def build_dataset(words, alphabet, size):
    """What the lecture (makemore, part 2) does, letter by letter."""
    inputs, targets = [], []
    for word in words:
        context = [0] * size
        for letter in word + ".":
            symbol = alphabet.letters.index(letter)
            inputs.append(context)
            targets.append(symbol)
            context = [*context[1:], symbol]
    return inputs, targets


@pytest.mark.parametrize("context", [1, 2, 3, 8, 16])
def test_windows_are_those_of_the_lecture(context):
    """Some letters of context, padded with the mark, and the letter that follows."""
    alphabet = Alphabet.of(WORDS)
    found = windows(WORDS, alphabet, context)
    assert (found.inputs.tolist(), found.targets.tolist()) == build_dataset(
        WORDS, alphabet, context
    )


def test_the_bundled_names_become_the_lectures_windows():
    """All dev names, with the alphabet of the whole list, a to z behind the mark."""
    data = wordlist.bundled()
    assert data.alphabet.letters == ".abcdefghijklmnopqrstuvwxyz"
    found = windows(data.dev, data.alphabet, 3)
    assert (found.inputs.tolist(), found.targets.tolist()) == build_dataset(
        data.dev, data.alphabet, 3
    )


def test_the_split_leaves_a_list_as_it_is_and_loses_no_name():
    """The shuffle is of a copy, and not of the program's own dice; each name is in one part."""
    words = [f"name{i}" for i in range(37)]
    given, dice = list(words), random.getstate()
    parts = wordlist.split(words)
    assert words == given and random.getstate() == dice
    assert [len(part) for part in parts] == [29, 4, 4]
    assert sorted(sum(parts, ())) == sorted(words)


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


@pytest.mark.parametrize("context", [1, 3, 4, 8, 16])
def test_each_letter_of_whole_names_sees_what_stands_before_it(context):
    """Row by row: the mark and the letters before each target, as far back as the context."""
    alphabet = Alphabet.of(WORDS)
    inputs, targets, beyond = [], [], []
    for word in WORDS:
        marked = [0, *alphabet.encode(word).tolist(), 0]
        seen, wanted = marked[:-1][:context], marked[1:][:context]
        inputs.append(seen + [0] * (context - len(seen)))
        targets.append(wanted + [IGNORED] * (context - len(wanted)))
        beyond += [marked[place - context : place + 1] for place in range(context + 1, len(marked))]
    found = rows(WORDS, alphabet, context)
    assert found.inputs.tolist() == inputs + [piece[:-1] for piece in beyond]
    last = [[IGNORED] * (context - 1) + [piece[-1]] for piece in beyond]
    assert found.targets.tolist() == targets + last


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


@pytest.mark.parametrize("word", ["Αθήνα", "Андрей", "Ёлка", "Zoë", "Nguyễn", "Åsa"])
def test_decomposed_letters_are_one_symbol_in_a_list_and_in_what_is_typed(tmp_path, word):
    """Greek, Cyrillic and Latin accents, as macOS writes them, are those of the keyboard."""
    apart = unicodedata.normalize("NFD", word)
    assert apart != word
    data = wordlist.load(listing(tmp_path, f"{apart}\n" * 10))
    assert data.train[0] == word and set(data.alphabet.letters) == {".", *word}
    assert data.alphabet.encode_prefix(apart).tolist() == data.alphabet.encode(word).tolist()


def test_spaces_and_hyphens_are_letters_and_marks_are_left_out(tmp_path):
    """New York stays; a line with the end mark is left out, and that is said."""
    lines = ["New   York", "Aix-en-Provence", "St. Gallen"] + ["Rome"] * 10
    data = wordlist.load(listing(tmp_path, "\r\n".join(lines)))
    everything = {*data.train, *data.dev, *data.test}
    assert {"New York", "Aix-en-Provence"} <= everything and "St. Gallen" not in everything
    assert "1 with a" in data.title and "left out" in data.title


def test_names_with_the_mark_do_not_count_as_names(tmp_path):
    """Nine names and many with the mark in them are nine names."""
    path = listing(tmp_path, "Rome\n" * 9 + "St. Gallen\n" * 50)
    assert wordlist.words_of(path) == (["Rome"] * 9, 50)
    with pytest.raises(UserError, match=r"only 9 names; .* at least 10"):
        wordlist.load(path)


LETTERS = "".join(chr(0x4E00 + i) for i in range(3100))
WRONG = {
    "empty": ("", "no names"),
    "blank lines": (" \n\t\r\n\n", "no names"),
    "only marks": ("a.b\n" * 20, "no names"),
    "one name": ("emma", "only 1 name;"),
    "nine names": ("emma\n" * 9, "only 9 names;"),
    "binary": (b"\x89PNG\0\0\0", "zero bytes"),
    "latin-1": ("ren\u00e9\n".encode("latin-1") * 20, "not in UTF-8 .* line 1"),
    "latin-1 further down": (b"anna\n" * 20 + b"ren\xe9\n", r"byte 0xe9 in line 21\)"),
    "UTF-16 without a mark": ("anna\n".encode("utf-16-le") * 20, "zero bytes"),
    "endless": ("a" * 5000, "5,000 letters in line 1;"),
    "endless further down": ("anna\n\n" * 20 + "a" * 101, "101 letters in line 41;"),
    "control": ("anna\n" * 20 + "b\x07b\n", r"control character U\+0007"),
    "too many": ("ab\n" * 1_000_001, "1,000,001 names.* at most 1,000,000"),
    "no letters of names": ("\n".join(LETTERS), "3,101 different letters, more than 3,000"),
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


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF8, "utf-8"),
    ],
)
def test_an_encoding_that_says_so_is_read(tmp_path, mark, encoding):
    """A file of Windows' notepad is understood; its first bytes are no letter."""
    words = ["Zoë", "Αθήνα", *WORDS]
    path = listing(tmp_path, mark + "\r\n".join(words).encode(encoding))
    assert wordlist.words_of(path) == (words, 0)


def test_what_is_just_small_enough_is_taken(tmp_path):
    """Ten names, names of 100 letters, and 3,000 symbols, the end mark among them."""
    assert len(wordlist.load(listing(tmp_path, "emma\n" * 10)).train) == 8
    assert wordlist.load(listing(tmp_path, ("a" * 100 + "\n") * 10)).train[0] == "a" * 100
    assert len(wordlist.load(listing(tmp_path, "\n".join(LETTERS[:2999]))).alphabet) == 3000
    with pytest.raises(UserError, match="3,001 different letters"):
        wordlist.load(listing(tmp_path, "\n".join(LETTERS[:3000])))


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
    """The sentence says which letter, and which there are."""
    alphabet = Alphabet.of(WORDS)
    with pytest.raises(UserError, match="never met “ß”; its letters are a b"):
        alphabet.encode_prefix("straße"[4:])
    with pytest.raises(UserError, match="leave it out"):
        alphabet.encode_prefix("em.")


def test_the_other_case_of_a_letter_is_read_where_only_that_is_known():
    """Emma is emma to a list of small letters; in a list that has both, each stays what it is."""
    small = Alphabet.of(WORDS)
    assert small.fold("EmMa") == "emma"
    assert small.encode_prefix("Em").tolist() == small.encode("em").tolist()
    assert Alphabet.of(["Anna", "ADA"]).fold("anDa") == "anDa"
    assert Alphabet.of(["EMMA"]).fold("Emma") == "EMMA"
    assert small.fold("İß") == "İß", "whose other case is two letters"


def test_an_unknown_letter_is_named_wherever_it_stands():
    """In the midst of names; a space by its name; and with too many letters to list, how many."""
    alphabet = Alphabet.of(WORDS)
    for cut in (windows, rows):
        with pytest.raises(UserError, match="never met “ñ”"):
            cut(["emma", "niño"], alphabet, 3)
    with pytest.raises(UserError, match="never met “space”"):
        alphabet.encode_prefix("em ma")
    with pytest.raises(UserError, match="never met “x”; it is not among its 2,999 letters"):
        Alphabet("." + LETTERS[:2999]).encode_prefix("x")


def test_a_list_with_strange_letters_is_refused_by_a_network():
    """Some of them are named, the first eight; a list with fewer letters is welcome."""
    known = Alphabet.of(WORDS)
    check_alphabet(known, Alphabet.of(["emma"]))
    with pytest.raises(UserError, match="does not know ß é from this list"):
        check_alphabet(known, Alphabet.of(["emmé", "eßa"]))
    with pytest.raises(UserError, match="does not know А Б В Г Д Е Ж З … from"):
        check_alphabet(known, Alphabet.of(["АБВГДЕЖЗИ"]))


def model_of(name):
    """A small fresh network of four letters' context, fewer than many names have."""
    recipe = NamesRecipe().replace(
        {"model": name, "context": 4, "embedding": 8, "hidden": (16,), "width": 16, "heads": 2}
    )
    names = playgrounds.get("names")
    network = names.build(recipe, {"letters": Alphabet.of(WORDS).letters})
    if name == "bigram-count":
        seen = windows(WORDS, network.alphabet, 1)
        network.observe(seen.inputs, seen.targets)
    return network


MODELS = ["bigram-count", "bigram", "mlp", "mlp-bn", "wavenet", "gru", "transformer"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("words", [["ava", "ivy", "mia"], WORDS, WORDS[::-1]])
def test_the_totals_of_names_sum_to_the_loss(model, words):
    """Each name's total is its own; over all letters, end marks included, they make the loss."""
    network = model_of(model)
    found = totals(network, words)
    letters = sum(len(word) + 1 for word in words)
    assert found.shape == (len(words),) and not found.flags.writeable
    assert found.sum() / letters == pytest.approx(loss_of(network, words), rel=1e-5)
    alone = [float(totals(network, [word])[0]) for word in words]
    assert found.tolist() == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_the_surprise_at_letters_sums_to_the_total_of_a_name(model):
    """One number a letter, and one for the end, whether the context holds the name or not."""
    network = model_of(model)
    for word, total in zip(WORDS, totals(network, WORDS), strict=True):
        parts = surprise(network, word)
        assert parts.shape == (len(word) + 1,) and (parts > 0).all()
        assert parts.sum() == pytest.approx(total, rel=1e-4)


def test_surprise_is_minus_ln_of_the_counted_share():
    """What is counted by hand is what is said: how often a letter followed, of all that did."""
    network, pairs = model_of("bigram-count"), {}
    for word in WORDS:
        for pair in zip("." + word, word + ".", strict=True):
            pairs[pair] = pairs.get(pair, 0) + 1
    letters, more = network.alphabet.letters, network.smoothing
    expected = []
    for first, second in zip(".emma", "emma.", strict=True):
        whole = sum(pairs.get((first, other), 0) + more for other in letters)
        expected.append(-np.log((pairs.get((first, second), 0) + more) / whole))
    np.testing.assert_allclose(surprise(network, "emma"), expected, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_judging_leaves_a_network_as_it_was(training):
    """It is judged without dropout, so twice alike, and goes on in the mode that it was in."""
    network = model_of("mlp").train(training)
    assert loss_of(network, WORDS) == loss_of(network, WORDS)
    assert network.training == training


def test_a_bad_alphabet_is_refused():
    """What a stranger's file may say: no text, no mark, a letter twice."""
    for letters in (7, "", ".", "abc", ".aab"):
        with pytest.raises(UserError):
            Alphabet(letters)


def test_the_survey_counts_pairs():
    """The bigrams of the training names, the mark around each, all of them."""
    names = playgrounds.get("names")
    data = names.load(None)
    describe_data = names.describe_data(data, {})
    counts, letters = describe_data["bigrams"], describe_data["letters"]
    assert counts.sum() == sum(len(word) + 1 for word in data.train)
    starts = sum(word.startswith("a") for word in data.train)
    assert counts[0, letters.index("a")] == starts
    assert not counts.flags.writeable and torch.is_tensor(torch.tensor(counts))
