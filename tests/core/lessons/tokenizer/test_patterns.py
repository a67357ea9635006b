"""The pieces are those within which tiktoken merges."""

import pytest
import regex
import tiktoken

from core.lessons.tokenizer.patterns import GPT2, GPT4, cut
from core.tokenizers import GPT2_WORDS, gpt2

HARD = [
    "I'll say: DON'T! It's 127 + 677 = 804, 12345678",
    "  two  spaces\n\n\n   three\t\ttabs \r\n end  \n ",
    "def f(x):\n    if x:\n        return x**2  # why?\n\n\n",
    "こんにちは。お元気ですか 🙂👍🏽 e\u0301 ½ ٣٤٥٦ Ⅷ",
    "\x1c\x1d\x85\u00a0\u2003\u200b\u2028 odd spaces \x00\x0b\x0c ſ 'ſ 'S 'LL",
    " " * 50 + "x" + "\n" * 7 + " " * 9,
    "'''quotes''' ''s 's't're",
    "",
]


def pieces_by_tiktoken(pattern, text):
    """Return the pieces: with all of them as tokens, tiktoken answers with nothing else."""
    found = {text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += sorted({piece.encode() for piece in found} - set(tokens))
    ranks = {token: rank for rank, token in enumerate(tokens)}
    encoding = tiktoken.Encoding("all", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    numbers = encoding.encode_ordinary(text)
    return [encoding.decode_single_token_bytes(number).decode() for number in numbers]


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("pattern", [GPT2, GPT4], ids=["gpt2", "gpt4"])
def test_the_pieces_are_tiktokens(pattern, text):
    """Also of odd spaces, digits of other scripts and capital contractions."""
    pieces = pattern.pieces(text)
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.text for piece in pieces] == pieces_by_tiktoken(pattern.text, text)
    assert all(text.startswith(piece.text, piece.start) for piece in pieces)


LECTURE = {
    GPT2: r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    GPT4: r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
}
"""As they were in 2023."""


@pytest.mark.parametrize("text", HARD)
def test_the_lectures_patterns_cut_alike(text):
    """But for white space at the end of a text, which GPT-4's did not keep together then."""
    for pattern, lecture in LECTURE.items():
        text = text if pattern is GPT2 else text.rstrip()
        pieces = [match.group() for match in regex.finditer(lecture, text)]
        assert [piece.text for piece in pattern.pieces(text)] == pieces


def test_gpt2s_is_the_tokenizers_own():
    """One pattern, whose pieces one by one give the tokens of the whole."""
    assert GPT2.text == GPT2_WORDS
    tokenizer = gpt2()
    for text in HARD:
        parts = [tokenizer.encode(piece.text) for piece in GPT2.pieces(text)]
        assert [int(t) for part in parts for t in part] == tokenizer.encode(text).tolist()


def test_where_they_differ():
    """Long numbers, indentation and capital contractions; not plain words."""
    pieces = cut("Well 1234 is'S\n    x")
    ours, theirs = pieces.differing
    assert " 1234" in {pieces.gpt2[i].text for i in ours}
    assert {"123", "4", "'S"} <= {pieces.gpt4[i].text for i in theirs}
    assert not any(cut("plain words only").differing)
    assert pieces.gpt4[2].kind == "one to three digits"
