"""Tokenizers: nothing is lost, whatever the text; learned in the right order; kept, and read."""

import base64
import codecs
import json
import os
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import regex
import tiktoken

from core import byte_pairs, tokenizers
from core.errors import UserError
from core.interruption import CancelledError, heeding
from core.tokenizers import (
    WORDS,
    Tokenizer,
    Whole,
    characters,
    from_dict,
    only_characters,
    train_bpe,
)

LESSON = (
    "The cat sat on the mat, and the rat sat on the cat; that's that, they'll say 1234 times.\n\n"
    "Ἡ γάτα κάθεται — η γάτα!\n\t小猫坐在垫子上。 Zoë's naïve café.\r\n"
) * 12
STRANGE = {
    "nothing": "",
    "Greek": "Μῆνιν ἄειδε, θεά, Πηληϊάδεω Ἀχιλῆος\n",
    "Chinese": "道可道，非常道。名可名，非常名。\u3000\u3000無名天地之始。",
    "joined emoji": "a 👩‍👩‍👧‍👦 b 🏳️‍🌈 🇬🇷 👍🏽",
    "control": "\x00\x01\x07\x1b[0m\x7f\x85\u2028\u200b\ufeff\ufffd\x1c",
    "line ends": "\r\n\n\r \n\t\n   \r\n\n\n",
    "unknown to all": "\U0010ffff\ue000𓀀",
    "GPT-2's own mark": "<|endoftext|> and <|fim_prefix|>",
    "long": "a" * 3000 + " " * 3000 + "\n" * 3000 + "." * 3000 + "7" * 3000,
    "combining": "e\u0301e\u0301\u0301 n\u0303",
}


@pytest.fixture(scope="module")
def gpt2():
    """GPT-2's tokenizer, as it is shipped."""
    return tokenizers.gpt2()


@pytest.fixture(scope="module")
def bpe():
    """Pairs of a small text in several scripts."""
    return train_bpe([LESSON], 330)


@pytest.fixture(params=["bpe", "characters", "gpt2"])
def tokenizer(request, bpe):
    """Each of the three kinds."""
    if request.param == "gpt2":
        return request.getfixturevalue("gpt2")
    return bpe if request.param == "bpe" else characters(LESSON)


def occurring(tokenizer, text):
    """Make one that keeps the tokens of a text only."""
    return tokenizer.keeping(np.bincount(tokenizer.encode(text), minlength=tokenizer.size))


@pytest.mark.parametrize("kind", STRANGE)
def test_no_text_loses_anything(tokenizer, kind):
    """What was encoded is decoded to the same text, also if only some tokens are kept."""
    for each in (tokenizer, occurring(tokenizer, LESSON)):
        tokens = each.encode(STRANGE[kind])
        assert tokens.dtype == np.int64 and each.decode(tokens.tolist()) == STRANGE[kind]
        assert not len(tokens) or 0 <= tokens.min() <= tokens.max() < each.size


def test_random_texts_lose_nothing(tokenizer):
    """Characters from all of Unicode, those of the lesson and spaces, mixed at random."""
    dice = random.Random(7)
    planes = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    kept = occurring(tokenizer, LESSON)
    for _ in range(150):
        text = "".join(
            dice.choice([*" \n\r\t'", dice.choice(LESSON), chr(dice.randint(*dice.choice(planes)))])
            for _ in range(dice.randint(1, 60))
        )
        for each in (tokenizer, kept):
            assert each.decode(each.encode(text).tolist()) == text
            assert b"".join(map(each.bytes_of, each.encode(text).tolist())) == text.encode()


def test_a_known_character_is_one_token():
    """Whatever its script; a strange one is as many as it has bytes."""
    text = "abc äöü Ωμέγα 小 😀\n"
    found = characters(text)
    assert found.size == 256 + len({c for c in text if not c.isascii()})
    assert len(found.encode(text)) == len(text)
    assert all(len(found.encode(c)) == len(c.encode()) for c in "éЖ猫🐈")
    assert found.merges() == [] and found.newline == ord("\n")
    assert characters(text * 3) == characters(reversed(text)) != characters(text + "é")


@pytest.mark.parametrize("size", [256, 257, 300, 330])
def test_a_vocabulary_has_exactly_the_size_that_was_asked_for(size):
    """And with 256 there are bytes only."""
    made = train_bpe([LESSON], size)
    assert made.size == size == 256 + len(made.learned) == 256 + len(made.merges())
    assert len(made.encode(LESSON)) < len(LESSON.encode()) or size == 256
    if size == 256:
        assert made.encode("né").tolist() == list("né".encode())


def test_each_merge_is_made_of_what_was_there(bpe):
    """Its halves are bytes or earlier merges, and together they are the token."""
    known = {bytes([byte]) for byte in range(256)}
    for number, (one, other) in enumerate(bpe.merges()):
        assert one in known and other in known
        assert one + other == bpe.learned[number] == bpe.bytes_of(256 + number)
        known.add(one + other)


def test_always_the_commonest_pair_is_merged():
    """As in the lecture (and Sennrich et al. 2016): counted slowly, within the cut-out words."""
    made = train_bpe([LESSON], 300)
    words = Counter(
        tuple(bytes([b]) for b in word.encode()) for word in regex.findall(WORDS, LESSON)
    )
    for merged in made.merges():
        counts = Counter()
        for word, times in words.items():
            for pair in pairwise(word):
                counts[pair] += times
        assert counts[merged] == max(counts.values())
        after = Counter()
        for word, times in words.items():
            parts = list(word)
            at = 0
            while at + 1 < len(parts):
                if (parts[at], parts[at + 1]) == merged:
                    parts[at : at + 2] = [parts[at] + parts[at + 1]]
                at += 1
            after[tuple(parts)] += times
        words = after
    slow = Counter(token for word, times in words.items() for token in word for _ in range(times))
    assert slow == Counter(map(made.bytes_of, made.encode(LESSON).tolist()))


def test_pieces_or_the_whole_teach_the_same(bpe):
    """A text may be handed over piece by piece."""
    part = len(LESSON) // 12
    pieces = (LESSON[at : at + part] for at in range(0, len(LESSON), part))
    assert train_bpe(pieces, 330).learned == bpe.learned


def test_a_short_text_has_as_many_tokens_as_it_has_pairs_to_merge():
    """Each of its words is one token then, and a larger vocabulary changes nothing."""
    text = "hello hello world. " * 20
    made = train_bpe([text], 4000)
    assert 256 < made.size < 4000 and made == train_bpe([text], made.size)
    assert {made.bytes_of(t) for t in made.encode(text).tolist()} >= {b" hello", b" world"}


def test_a_lesson_that_is_broken_off_is_broken_off():
    """What the reader of the text raises comes through."""

    def pieces():
        yield "hello hello"
        raise UserError("The text has changed.")

    with pytest.raises(UserError, match=r"^The text has changed\.$"):
        train_bpe(pieces(), 300)


def test_learning_from_a_large_text_is_given_up_when_nobody_waits():
    """Also while its pairs are merged: that is done in another process."""
    letters = "".join(random.Random(1).choices("acgt", k=400_000))
    read = []

    def pieces():
        for at in (0, 200_000):
            yield letters[at : at + 200_000]
        read.append(True)

    with heeding(lambda: bool(read)), pytest.raises(CancelledError):
        train_bpe(pieces(), 100_000)


@pytest.mark.parametrize(("size", "apart"), [(2_000, False), (200_000, True)])
def test_only_a_short_text_is_merged_in_this_process(monkeypatch, size, apart):
    """However few its pieces are: a million Chinese signs take a second."""
    learn, here = byte_pairs.learn, []
    monkeypatch.setattr(byte_pairs, "learn", lambda *given: here.append(1) or learn(*given))
    letters = "".join(random.Random(1).choices("acgt ", k=size))
    assert train_bpe([letters], 300).size == 300 and (not here) == apart


def test_a_process_that_fails_while_it_learns_is_said(monkeypatch):
    """Short of memory, for example: a sentence, and no vocabulary."""
    monkeypatch.setattr(byte_pairs, "__file__", "/nowhere.py")
    with pytest.raises(UserError, match=r"ended with status 2"):
        train_bpe(["one ", "two "], 300)


@pytest.mark.parametrize("kept", [False, True])
def test_plain_values_bring_it_back(tokenizer, kept):
    """The same tokens for every text, and the same values again."""
    if kept:
        tokenizer = occurring(tokenizer, "The cat sat on the mat. Zoë")
    again = from_dict(tokenizer.to_dict())
    assert again == tokenizer and hash(again) == hash(tokenizer)
    assert (again.kind, again.size) == (tokenizer.kind, tokenizer.size)
    assert again.merges() == tokenizer.merges()
    for text in [LESSON, *STRANGE.values()]:
        assert np.array_equal(again.encode(text), tokenizer.encode(text))


def test_keeping_leaves_what_occurs_as_it_is(tokenizer):
    """A text of kept tokens is as long as before; there are its tokens and the bytes, no more."""
    text = "The cat sat on the mat; the rat, too."
    kept = occurring(tokenizer, text)
    old, new = tokenizer.encode(text).tolist(), kept.encode(text).tolist()
    assert list(map(tokenizer.bytes_of, old)) == list(map(kept.bytes_of, new))
    several = {t for t in old if len(tokenizer.bytes_of(t)) > 1}
    assert kept.size == 256 + len(several)
    assert len(kept.encode(LESSON)) >= len(tokenizer.encode(LESSON))
    fewer = occurring(kept, "The cat")
    assert fewer.size <= kept.size and fewer.decode(fewer.encode(LESSON).tolist()) == LESSON
    assert kept != tokenizer or not several


def spelled(*tokens):
    """Tokens as a checkpoint has them."""
    return [base64.b64encode(token).decode() for token in tokens]


DAMAGED = {
    "nothing": ({}, "no tokenizer that is known here; there are bpe, characters, gpt2"),
    "an unknown kind": ({"tokenizer": "words"}, "no tokenizer that is known"),
    "a kind that is no word": ({"tokenizer": ["bpe"]}, "no tokenizer that is known"),
    "tokens in no base64": ({"tokenizer": "bpe", "learned": ["é?"]}, "can't be read"),
    "tokens cut short": ({"tokenizer": "bpe", "learned": ["YWI"]}, "can't be read"),
    "numbers for tokens": ({"tokenizer": "bpe", "learned": [1]}, "can't be read"),
    "no list": ({"tokenizer": "bpe", "learned": None}, "can't be read"),
    "a number": ({"tokenizer": "characters", "learned": 3}, "can't be read"),
    "a token twice": ({"tokenizer": "bpe", "learned": spelled(b"ab", b"ab")}, "a token twice"),
    "a byte again": ({"tokenizer": "bpe", "learned": spelled(b"a")}, "twice"),
    "an empty one": ({"tokenizer": "bpe", "learned": spelled(b"")}, "an empty one"),
    "words that are kept": ({"tokenizer": "bpe", "kept": ["a"]}, "can't be read"),
    "nothing kept": ({"tokenizer": "bpe", "kept": []}, "none of its tokenizer's"),
    "beyond all": ({"tokenizer": "bpe", "kept": [*range(257)]}, "none of its tokenizer's"),
    "below zero": ({"tokenizer": "bpe", "kept": [-1, *range(255)]}, "none of its tokenizer's"),
    "in no order": ({"tokenizer": "bpe", "kept": [1, 0, *range(2, 256)]}, "none of its"),
    "without a byte": ({"tokenizer": "bpe", "kept": [*range(255)]}, "does not keep the bytes"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_tokenizer_is_refused_with_a_sentence(kind):
    """What a stranger's file may say."""
    values, words = DAMAGED[kind]
    with pytest.raises(UserError, match=words) as refused:
        from_dict(values)
    assert str(refused.value).endswith(".")


def test_no_character_is_shown_in_parts(tokenizer):
    """The pieces are whole characters, and together the text; at no token too late."""
    text = "小猫 👩‍👩‍👧 é" + STRANGE["unknown to all"] + "!"
    for each in (tokenizer, occurring(tokenizer, "a")):
        whole, shown, said = Whole(each), "", b""
        for token in each.encode(text).tolist():
            shown += whole.feed(token)
            said += each.bytes_of(token)
            assert shown == codecs.getincrementaldecoder("utf-8")("ignore").decode(said)
        assert shown == text and whole.end() == ""


def test_an_unfinished_character_becomes_one_mark():
    """At the end, or when something else follows; what is no character does not stop it."""
    tokenizer = characters("a")
    whole = Whole(tokenizer)
    assert [whole.feed(byte) for byte in "é".encode()[:1]] == [""]
    assert whole.feed(ord("b")) == "\ufffdb"
    assert whole.feed("小".encode()[0]) == "" and whole.end() == "\ufffd"
    assert Whole(tokenizer).feed(0xFF) == "\ufffd"
    assert tokenizer.decode([*"小".encode()[:2], ord("b")]) == "\ufffdb"


def test_characters_alone_are_numbered_by_their_codes():
    """As nanoGPT does; another character is refused, and nothing is spelled in bytes."""
    text = "小 Zoë\n!"
    made = only_characters(text)
    assert made.closed and made.size == 7 and not characters(text).closed
    assert made.encode("".join(sorted(set(text)))).tolist() == list(range(7))
    assert from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert made.decode(made.encode(text).tolist()) == text and made.bytes_of(made.newline) == b"\n"
    with pytest.raises(UserError, match=r"knows 7 characters, and not “\\t” “a” “é”; use a text"):
        made.encode("Zoé\ta")
    assert made.known("Zoé\ta") == "Zo" and made.refusal("Zoë") == "" == characters("").refusal("é")
    assert only_characters("ab").newline == 0


def test_gpt2s_is_gpt2s(gpt2):
    """50,257 tokens, and the numbers that everybody knows."""
    assert gpt2.size == 50257 and gpt2.kind == "gpt2" and gpt2.merges() == []
    assert gpt2.encode("Hello world").tolist() == [15496, 995]
    assert gpt2.newline == 198
    assert "learned" not in gpt2.to_dict()
    assert gpt2.bytes_of(50256) == b"<|endoftext|>"


def test_gpt2s_is_that_of_tiktoken(gpt2, monkeypatch):
    """Cut for cut, where the data folder has tiktoken's own files."""
    folder = Path(os.environ.get("GLASSBOX_DATA", "nowhere")) / "tiktoken"
    if not folder.is_dir():
        pytest.skip("needs tiktoken's files: set GLASSBOX_DATA to a folder that holds tiktoken/")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    own = tiktoken.get_encoding("gpt2")
    assert gpt2._encoding._mergeable_ranks == own._mergeable_ranks
    for text in STRANGE.values():
        assert gpt2.encode(text).tolist() == own.encode(text, disallowed_special=())


def test_each_has_a_name_for_the_screen(tokenizer):
    """And its newline is a line's end, kept tokens or not."""
    assert tokenizer.title
    for each in (tokenizer, occurring(tokenizer, "a")):
        assert isinstance(each, Tokenizer) and each.bytes_of(each.newline) == b"\n"


def test_half_a_surrogate_pair_is_encoded_as_a_replacement_mark():
    """As a terminal hands it over for bytes that are no UTF-8."""
    known = characters("")
    assert known.decode(known.encode("caf\udce9")) == "caf\N{REPLACEMENT CHARACTER}"


def test_a_million_spaces_are_no_trouble():
    """Its pattern could not hold so long a run."""
    text = "x" + " " * 1_000_000 + "y"
    known = train_bpe(["a few words"], 256)
    assert known.decode(known.encode(text)) == text


@pytest.mark.parametrize("kept", [[10**30], [-(10**30)], [float("inf")]])
def test_kept_tokens_that_are_no_tokens_are_refused(kept):
    """However large they are."""
    with pytest.raises(UserError, match="can't be read"):
        from_dict({"tokenizer": "characters", "learned": [], "kept": kept})
