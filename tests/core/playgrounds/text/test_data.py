"""Texts: read, refused, divided, cut into pieces and into tokens, and turned into examples."""

import codecs
import hashlib
import os
import random
import re
import runpy
import threading
import weakref
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from core import playgrounds, tokenizers
from core.errors import UserError
from core.interruption import CancelledError, heeding
from core.paths import RESOURCES
from core.playgrounds.text import corpus, encode, evaluation, tokens
from core.playgrounds.text.corpus import Stretch, Text
from core.playgrounds.text.encode import Stretches, Windows
from core.playgrounds.text.recipe import TextRecipe
from core.playgrounds.text.tokens import TextData, tokenise
from core.tokenizers import characters, train_bpe

TEXT = playgrounds.get("text")
LINES = (
    "The cat sat on the mat.\n\nAnd the rat -- it sat, too:\n  so they said.\nΉταν ώρα!\n小猫 😀\n"
)


def written(tmp_path, content, name="text.txt"):
    """A file of this content."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def text_of(content):
    """A text in memory."""
    raw = content.encode()
    return Text((Stretch(raw, 0, len(raw)),), len(content))


def whole(text):
    """All of a text."""
    return "".join(text.pieces())


@pytest.fixture
def small_files(monkeypatch, tmp_path):
    """Every text counts as a large one; its tokens go to a folder of the test's own."""
    folder = tmp_path / "tokens"
    monkeypatch.setattr(corpus, "IN_MEMORY", 0)
    monkeypatch.setattr(tokens, "IN_MEMORY", 0)
    monkeypatch.setattr(tokens, "TOKENS", folder)
    return folder


WRONG = {
    "empty": (b"", "is empty; choose a text"),
    "a mark and nothing": (codecs.BOM_UTF8, "is empty; choose a text"),
    "one character": (b"a" * 5000, "one character only, again and again"),
    "line ends": (b"\n" * 5000, "one character only"),
    "short": (b"too short\n" * 9 + b"by one wo", "has only 99 characters; .* at least 100"),
    "binary": (b"GIF89\0\xff" * 50, "is no text .*zero bytes"),
    "latin-1": ("café\n".encode("latin-1") * 50, r"not in UTF-8 \(byte 0xe9 in line 1\)"),
    "latin-1 further down": (b"tea\n" * 50 + b"caf\xe9 \n", r"byte 0xe9 in line 51\)"),
    "cut within a character": (("tea\n" * 50 + "小").encode()[:-1], r"byte 0xe5 in line 51\)"),
    "UTF-16 without a mark": (("café\n" * 50).encode("utf-16-le"), "zero bytes"),
    "half UTF-16": (codecs.BOM_UTF16_LE + ("tea\n" * 50).encode("utf-16-le")[:-1], "no whole"),
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence(tmp_path, monkeypatch, kind, large):
    """What is wrong with it, and what to do; also if it is read from the disk, bit by bit."""
    if large:
        monkeypatch.setattr(corpus, "PIECE", 7)
        if "half" not in kind:
            monkeypatch.setattr(corpus, "IN_MEMORY", 0)
    content, words = WRONG[kind]
    with pytest.raises(UserError) as refused:
        TEXT.load(written(tmp_path, content))
    assert re.search(words, str(refused.value)) and str(refused.value).endswith(".")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_an_encoding_that_says_so_is_read(tmp_path, encoding):
    """A file of Windows' notepad is understood; its first bytes are no letter."""
    content = LINES * 5
    data = corpus.load(written(tmp_path, ("\ufeff" + content).encode(encoding)))
    assert whole(data.train) + whole(data.val) == content
    assert data.letters == set(content) and "text.txt" in data.title


def test_a_large_text_in_utf16_is_to_be_saved_anew(tmp_path, monkeypatch):
    """It is not brought into memory."""
    path = written(tmp_path, LINES.encode("utf-16"))
    monkeypatch.setattr(corpus, "IN_MEMORY", 50)
    with pytest.raises(UserError, match=r"large and in UTF-16; save it as UTF-8"):
        corpus.load(path)


def test_an_enormous_text_is_refused_by_its_size(tmp_path, monkeypatch):
    """A file or a folder, before it is looked through."""
    monkeypatch.setattr(corpus, "LARGEST", 1500)
    monkeypatch.setattr(corpus, "_look_through", lambda stretch: pytest.fail("it was read"))
    path = written(tmp_path, "ab" * 751)
    for source in (path, tmp_path):
        with pytest.raises(UserError, match="choose a part of it"):
            corpus.load(source)


def test_a_file_that_is_not_there_is_not_replaced_by_the_plays(tmp_path):
    """A sentence instead."""
    with pytest.raises(UserError, match=r"gone\.txt is not there"):
        corpus.load(tmp_path / "gone.txt")


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root"
)
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    """With the system's reason."""
    path = written(tmp_path, LINES * 5)
    path.chmod(0)
    with pytest.raises(UserError, match=r"can't be read \("):
        corpus.load(path)


def test_a_file_that_changes_or_goes_away_is_noticed(tmp_path, small_files):
    """After it was opened: the tokens would be those of another text."""
    path = written(tmp_path, LINES * 20)
    data = corpus.load(path)
    assert whole(data.train) + whole(data.val) == LINES * 20
    about = path.stat()
    path.write_text("Something else. " * 200, encoding="utf-8")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 10**9))
    for read in (lambda: whole(data.train), lambda: TextData(data).val(characters("a"))):
        with pytest.raises(UserError, match="has changed since it was opened; choose it again"):
            read()
    assert not list(small_files.glob("*"))
    path.unlink()
    with pytest.raises(UserError, match=r"can't be read \("):
        whole(data.val)


@pytest.mark.parametrize("piece", [5, 64, 1 << 20])
@pytest.mark.parametrize("letters", ["ab c\n", "αβ γ\n", "小猫\n坐", "😀a\n🇬🇷é", LINES])
def test_nine_tenths_of_the_characters_are_learned_from(tmp_path, monkeypatch, letters, piece):
    """Characters and not bytes, in memory or in a file, however it is read."""
    content = (letters * 300)[:1003]
    monkeypatch.setattr(corpus, "PIECE", piece)
    for limit in (0, 1 << 20):
        monkeypatch.setattr(corpus, "IN_MEMORY", limit)
        data = corpus.load(written(tmp_path, content))
        assert whole(data.train) == content[:902] and whole(data.val) == content[902:]
        assert (data.train.characters, data.val.characters) == (902, 101)
        assert data.train.size + data.val.size == len(content.encode())
        assert data.letters == set(content) and "1,003 characters" in data.title


def test_the_smallest_text(tmp_path):
    """A hundred characters are enough: ninety and ten."""
    data = corpus.load(written(tmp_path, "ab" * 50))
    assert (data.train.characters, data.val.characters) == (90, 10)


def test_a_folder_of_texts_is_one_text(tmp_path):
    """By name, a line's end behind each; what is no text by its name is left alone."""
    parts = {"b.txt": "second " * 30, "a.MD": "first " * 30, "c.text": "小third " * 30}
    for name, content in parts.items():
        written(tmp_path, content, name)
    written(tmp_path, b"\0\0\0", "picture.png")
    (tmp_path / "folder.txt").mkdir()
    data = corpus.load(tmp_path)
    everything = parts["a.MD"] + "\n" + parts["b.txt"] + "\n" + parts["c.text"] + "\n"
    assert whole(data.train) + whole(data.val) == everything
    assert data.train.characters == int(0.9 * len(everything)) and not data.tiny
    assert "3 texts" in data.title
    written(tmp_path, "café".encode("latin-1"), "d.txt")
    with pytest.raises(UserError, match="not in UTF-8"):
        corpus.load(tmp_path)


def test_too_many_texts_are_refused(tmp_path, monkeypatch):
    """They are to be joined."""
    monkeypatch.setattr(corpus, "MOST_FILES", 2)
    for number in range(3):
        written(tmp_path, LINES, f"{number}.txt")
    with pytest.raises(UserError, match="more than 2 texts; join them"):
        corpus.load(tmp_path)


def test_a_data_folder_has_tiny_shakespeare(tmp_path):
    """Known as such, whatever else lies beside it."""
    path = corpus.tiny(tmp_path)
    path.parent.mkdir()
    path.write_text(LINES * 5, encoding="utf-8")
    written(tmp_path, LINES, "README.md")
    data = corpus.load(tmp_path)
    assert data.tiny and data.title.startswith("Tiny Shakespeare")
    assert whole(data.train) + whole(data.val) == LINES * 5
    assert not corpus.load(path).tiny  # a file of one's own, by whatever name


def test_the_real_tiny_shakespeare_is_divided_as_nanogpt_does():
    """The first 1,003,854 characters are learned from."""
    source = os.environ.get("GLASSBOX_DATA", "nowhere")
    if not corpus.holds_tiny(Path(source)):
        pytest.skip("needs Tiny Shakespeare: set GLASSBOX_DATA to a folder with tinyshakespeare/")
    data = corpus.load(Path(source))
    assert (data.train.characters, data.val.characters) == (1_003_854, 111_540)
    assert len(data.letters) == 65 and data.tiny
    assert data.train.start(14) == "First Citizen:"


def test_the_plays_are_shakespeares():
    """38 of them, two of which judge; laid out as speeches."""
    data = corpus.load(None)
    train, val = whole(data.train), whole(data.val)
    assert (len(train), len(val)) == (data.train.characters, data.val.characters)
    assert set(train) | set(val) == data.letters
    assert "PROSPERO:\n" in val and "PROSPERO:\n" not in train and "HAMLET:\n" in train
    assert "**" not in train + val and "&amp;" not in train + val
    # The text that the starter has learned from, and was judged by.
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in (train, val)]
    assert hashes == ["d8e8d032b6984eff", "7c7d83d0a42347a8"]


def test_what_is_spoken_is_left_of_a_play():
    """Speakers with a colon; directions, headings and escapes are gone."""
    markdown = (
        "# Title\n\n_Enter all._\n\n**ANN**  \nWell met\\! _Aside._ Oh  \nyes.\n\n_Exit._\n\n"
        "But no — stay.\n\n## Scene\n\n**BOB**  \nSalt &amp; bread.\n"
    )
    build = runpy.run_path(str(RESOURCES / "plays" / "build.py"))
    assert (
        build["spoken"](markdown)
        == "ANN:\nWell met! Oh\nyes.\nBut no--stay.\n\nBOB:\nSalt & bread.\n"
    )


@pytest.mark.parametrize("kind", ["bpe", "characters"])
def test_the_tokens_of_pieces_are_those_of_the_whole(kind):
    """However large the pieces are, whatever stands beside the lines' ends."""
    dice = random.Random(3)
    parts = [
        "word",
        "it's",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        ".",
        "?!",
        "12",
        "é",
        "小",
        "😀",
    ]
    parts += ["\u00a0", "\u2028", "\u0085", "x\ny", "x.\ny", "x \ny", "x\n y", "x\r\ny"]
    content = LINES * 4 + "".join(dice.choice(parts) for _ in range(1500)) + "\n" + LINES
    tokenizer = train_bpe([content], 400) if kind == "bpe" else characters(content)
    text, expected = text_of(content), tokenizer.encode(content).tolist()
    counts = set()
    for size in (1, 2, 3, 5, 8, 13, 21, 50, 100, 333, 1000, 5000, 1 << 20):
        pieces = list(text.pieces(size))
        assert "".join(pieces) == content
        assert [t for piece in pieces for t in tokenizer.encode(piece).tolist()] == expected
        counts.add(len(pieces))
    assert max(counts) > 50 and 1 in counts


def test_pieces_are_about_as_large_as_was_asked_for():
    """Where there are lines' ends to cut at."""
    pieces = list(text_of("a line of a text\n" * 1000).pieces(500))
    assert max(map(len, pieces)) < 1000 and len(pieces) > 20
    assert text_of("a line\n" * 9).start(10) == "a line\na l"
    assert text_of(LINES).start(10**6) == LINES


def test_stretches_of_a_text_are_read_one_after_another(tmp_path, monkeypatch):
    """From a file or from memory, in parts of parts."""
    monkeypatch.setattr(corpus, "IN_MEMORY", 0)
    path = written(tmp_path, "0123456789")
    stamp = path.stat().st_mtime_ns
    for stretch in (Stretch(path, 0, 10, stamp), Stretch(b"0123456789", 0, 10)):
        assert stretch.since(2).until(5).read(1, 3) == b"34"
        assert stretch.since(2).until(5).read(0, 99) == b"23456"
        assert Text((stretch.since(8), stretch.until(3)), 5).start(9) == "89012"


def test_a_small_text_is_cut_into_tokens_in_memory(tmp_path, monkeypatch):
    """Nothing is written; the words and the share are told."""
    monkeypatch.setattr(tokens, "TOKENS", tmp_path / "tokens")
    told, tokenizer = [], train_bpe([LINES * 9], 300)
    made = tokenise(text_of(LINES * 9), tokenizer, lambda words, share: told.append(share))
    assert made.ids.dtype == torch.int32 and made.characters == len(LINES * 9)
    assert made.ids[:].tolist() == tokenizer.encode(LINES * 9).tolist()
    assert told and told[-1] == 1.0 and told == sorted(told)
    assert made.counts.sum() == len(made) and not (tmp_path / "tokens").exists()


def test_the_tokens_of_a_large_text_are_kept_in_a_file(tmp_path, small_files, monkeypatch):
    """Written once; read from there the next time, by the same text and tokenizer alone."""
    path = written(tmp_path, LINES * 60)
    monkeypatch.setattr(Text.pieces, "__defaults__", (300,))
    data, tokenizer = corpus.load(path), characters(LINES)
    made = TextData(data).train(tokenizer)
    assert made.ids[:].tolist() == tokenizer.encode(whole(data.train)).tolist()
    [file] = small_files.glob("*")
    assert file.suffix == ".int32" and file.stat().st_size == 4 * len(made)
    with monkeypatch.context() as patched:
        patched.setattr(tokens, "_keep", lambda *rest: pytest.fail("it was cut again"))
        again = TextData(corpus.load(path)).train(tokenizer)
        assert again.ids[:].tolist() == made.ids[:].tolist()
    assert TextData(data).train(characters("")).ids[:].tolist() == list(whole(data.train).encode())
    assert (
        TextData(data).val(tokenizer).ids[:].tolist() == tokenizer.encode(whole(data.val)).tolist()
    )
    assert len(list(small_files.glob("*"))) == 3
    path.write_text(LINES.upper() * 60, encoding="utf-8")
    os.utime(path, ns=(1, 10**18))
    other = corpus.load(path)
    found = TextData(other).train(tokenizer)
    assert (
        found.ids[:].tolist()
        == tokenizer.encode(whole(other.train)).tolist()
        != made.ids[:].tolist()
    )


def test_who_changes_their_mind_leaves_nothing_behind(tmp_path, small_files, monkeypatch):
    """Neither a file, nor half of one, nor a thread; the next try begins anew."""
    monkeypatch.setattr(Text.pieces, "__defaults__", (100,))
    data = TextData(corpus.load(written(tmp_path, LINES * 60)))
    seen = []

    def cancelled():
        seen.append([file.name[:10] for file in small_files.glob("*")])
        return len(seen) > 5

    with pytest.raises(CancelledError), heeding(cancelled):
        data.train(characters(LINES))
    assert seen[-1] == [".glassbox-"] and not list(small_files.glob("*"))
    assert len(data.train(characters(LINES))) == data.corpus.train.characters
    with pytest.raises(CancelledError), heeding(lambda: True):
        data.tokenizer(TextRecipe(vocab_size=300))
    assert data.tokenizer(TextRecipe(vocab_size=300)).size == 300
    assert all(
        thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()
    )


def test_a_text_that_nobody_waits_for_is_not_read_to_its_end(tmp_path, monkeypatch):
    """It is looked through, and its pairs are counted, piece by piece."""
    monkeypatch.setattr(corpus, "PIECE", 100)
    monkeypatch.setattr(Text.pieces, "__defaults__", (100,))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    path, asked = written(tmp_path, LINES * 60), []

    def cancelled():
        asked.append(path)
        return len(asked) == 4

    with pytest.raises(CancelledError), heeding(cancelled):
        corpus.load(path)
    assert len(asked) == 4
    data, told = TextData(corpus.load(path)), []
    with pytest.raises(CancelledError), heeding(lambda: len(told) == 4):
        data.tokenizer(TextRecipe(vocab_size=300), lambda *about: told.append(about))
    assert len(told) == 4


def test_tokens_that_can_not_be_written_are_told(tmp_path, small_files, monkeypatch):
    """With the folder, and what to do."""

    def full(*rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match=r"can't be written to .*tokens \(No space.*make room"):
        TextData(corpus.load(written(tmp_path, LINES * 60))).train(characters(LINES))
    assert not list(small_files.glob("*"))


def test_a_tokenizer_is_learned_from_the_training_part_alone(tmp_path):
    """What stands only in the last tenth is no token; letters are known from both parts."""
    path = written(tmp_path, "the cat sat. " * 90 + "zyzzyva 小 " * 10)
    data = TextData(corpus.load(path))
    learned = data.tokenizer(TextRecipe(vocab_size=262))
    assert learned.size == 262 and not any(b"zy" in token for token in learned.learned)
    assert data.tokenizer(TextRecipe(vocab_size=262)) is learned
    assert data.tokenizer(TextRecipe(vocab_size=258)).size == 258
    known = data.tokenizer(TextRecipe(tokenizer="characters", vocab_size=300))
    assert len(known.encode("小")) == 1
    most = data.tokenizer(TextRecipe(vocab_size=8192))
    assert 262 < most.size < 300 and data.train(most).ids[0] == most.encode("the")[0]


def test_only_the_latest_tokenizers_stay(tmp_path):
    """Of many vocabularies that were tried, and many checkpoints that were opened."""
    data, made = TextData(corpus.load(written(tmp_path, LINES * 20))), []
    for size in range(258, 258 + 2 * tokenizers.KEPT):
        tokenizer = data.tokenizer(TextRecipe(vocab_size=size))
        opened = tokenizers.from_dict(tokenizer.keeping(np.arange(tokenizer.size)).to_dict())
        made += [weakref.ref(tokenizer), weakref.ref(opened)]
    del tokenizer, opened
    assert sum(each() is not None for each in made) <= 2 * tokenizers.KEPT
    assert data.tokenizer(TextRecipe(vocab_size=size)) is made[-2]()


def test_of_gpt2s_tokens_those_may_be_kept_that_occur(tmp_path):
    """And the bytes, with which all others are spelled."""
    data = TextData(corpus.load(written(tmp_path, LINES * 20)))
    full = data.tokenizer(TextRecipe(tokenizer="gpt2"))
    some = data.tokenizer(TextRecipe(tokenizer="gpt2", occurring=True))
    assert full.size == 50257 and 256 < some.size < 400
    long, short = data.train(full).ids[:].tolist(), data.train(some).ids[:].tolist()
    assert list(map(full.bytes_of, long)) == list(map(some.bytes_of, short))
    assert some.decode(some.encode("Never met: Ω猫").tolist()) == "Never met: Ω猫"


def test_entropies_of_pairs_are_the_same_by_table_and_by_sorting(tmp_path, monkeypatch):
    """A small vocabulary is counted in a table, piece by piece, a large one is sorted."""
    data = TextData(corpus.load(written(tmp_path, LINES * 20)))
    tokens = data.train(characters(""))
    table = evaluation.entropies(tokens)
    monkeypatch.setattr(evaluation, "TABLE", 1)
    assert evaluation.entropies(tokens) == pytest.approx(table)
    monkeypatch.setattr(evaluation, "PAIRED", 200)
    monkeypatch.setattr(evaluation, "MOST_PAIRS", len(tokens) // 2)
    assert evaluation.entropies(tokens) == pytest.approx(table, abs=0.3)


def test_the_survey_says_what_a_tokenizer_makes_of_a_text(tmp_path):
    """Counts, tokens, and what tables of tokens and of pairs would reach, counted by hand."""
    content = "abab cab. " * 100
    data = TEXT.load(written(tmp_path, content))
    about = TEXT.describe_data(data, {})
    assert (about["characters"], about["letters"], about["tiny"]) == (1000, 5, False)
    recipe = TextRecipe(tokenizer="characters")
    describe_data = TEXT.describe_data(data, TEXT.vocabulary(data, recipe))
    train = content[:900]
    shares = {c: train.count(c) / 900 for c in set(train)}
    assert (
        describe_data["counts"][ord("a")] == train.count("a")
        and describe_data["counts"].sum() == 900
    )
    assert describe_data["unigram"] == pytest.approx(-sum(p * np.log(p) for p in shares.values()))
    pairs = {}
    for pair in pairwise(train):
        pairs[pair] = pairs.get(pair, 0) + 1
    both = -sum(n / 899 * np.log(n / 899) for n in pairs.values())
    assert describe_data["bigram"] == pytest.approx(both - describe_data["unigram"], abs=1e-6)
    assert (
        describe_data["characters_per_token"] == 1.0 and describe_data["excerpt"] == content[900:]
    )


@pytest.mark.parametrize(("size", "context"), [(100, 8), (97, 8), (9, 8), (50, 1), (1000, 31)])
def test_stretches_are_of_the_text_and_every_token_is_asked_for(size, context):
    """Each token's target is the one behind it; an epoch reaches all parts of the text."""
    examples = Stretches(torch.arange(size, dtype=torch.int32), context)
    generator, asked = torch.Generator().manual_seed(1), set()
    for _ in range(60):
        tokens_, targets = examples.batch(torch.arange(len(examples)), None, generator)
        assert tokens_.shape == (len(examples), context) and tokens_.dtype == torch.int64
        assert torch.equal(tokens_[:, 1:], targets[:, :-1]) and (targets == tokens_ + 1).all()
        for number, begin in enumerate(tokens_[:, 0].tolist()):
            assert number * context <= begin < (number + 1) * context or begin == size - context - 1
        asked |= set(targets.flatten().tolist())
    assert asked == set(range(1, size))


@pytest.mark.parametrize("most", [1 << 22, 10])
def test_windows_are_of_the_text(monkeypatch, most):
    """Each has the tokens before its target; of a long text some are drawn, and in the end all."""
    monkeypatch.setattr(encode, "MOST_WINDOWS", most)
    examples = Windows(torch.arange(103, dtype=torch.int32), 5)
    assert len(examples) == (98 if most > 103 else 8)
    generator, asked = torch.Generator().manual_seed(1), set()
    for _ in range(100):
        windows, targets = examples.batch(torch.arange(len(examples)), None, generator)
        assert windows.shape == (len(examples), 5)
        assert (windows + torch.arange(5, 0, -1) == targets[:, None]).all()
        asked |= set(targets.tolist())
    assert asked >= set(range(5, 5 + len(examples) * examples.stride))


@pytest.mark.parametrize(
    "line", ["some words of a line\r\n", "words without end ", "ab\n\u3000\ncd "]
)
def test_pieces_of_other_texts_are_cut_alike(tmp_path, line):
    """Line ends of Windows, no line ends at all, and spaces of another script."""
    whole = line * 400
    path = tmp_path / "text.txt"
    path.write_bytes(whole.encode())
    text = corpus.load(path).train
    known = train_bpe([whole], 262)
    expected = known.encode("".join(text.pieces())).tolist()
    for size in (37, 64, 101, 1000):
        pieces = list(text.pieces(size))
        assert [t for piece in pieces for t in known.encode(piece).tolist()] == expected
    assert line.startswith("ab") or len(list(text.pieces(100))) > 20


def test_a_data_folder_without_tiny_shakespeare_is_not_read_as_texts(tmp_path):
    """Its README is no text to learn from."""
    (tmp_path / "names").mkdir()
    (tmp_path / "README.md").write_text("what lies here\n" * 100)
    assert "plays" in corpus.load(tmp_path).title
