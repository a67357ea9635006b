"""What texts cost, and GPT-4's tokens only from a file that is there and right."""

import base64
import hashlib
import math

import pytest

from core.errors import UserError
from core.lessons.tokenizer import costs
from core.lessons.tokenizer.characters import bytes_in_words, characters_of
from core.lessons.tokenizer.presets import MOST, PRESETS, too_long, usable


def test_languages_cost_what_their_bytes_cost():
    """Ratios are taken of the counts that the tokenizers give; English is cheapest."""
    table = costs.compare([(p.title, p.text) for p in PRESETS] + [("nothing", "")], None)
    assert table.tokenizers == ("characters", "bytes", "BPE 512", "BPE 1,024", "GPT-2")
    rows = {row.title: row for row in table.texts}
    english, german, japanese = (rows[name] for name in ("English", "German", "Japanese"))
    gpt2 = table.tokenizers.index("GPT-2")
    assert english.bytes_per_token(gpt2) > german.bytes_per_token(gpt2) > 1
    assert japanese.tokens_per_character(gpt2) > 1 > english.tokens_per_character(gpt2)
    assert english.bytes_per_token(1) == 1.0 and english.tokens_per_character(0) == 1.0
    assert english.tokens_per_word(gpt2) == english.tokens[gpt2] / english.words
    assert english.tokens[2] >= english.tokens[3] > english.tokens[4]
    nothing = rows["nothing"]
    assert math.isnan(nothing.bytes_per_token(1)) and math.isnan(nothing.tokens_per_word(1))
    assert "not on this machine" in table.missing


def test_gpt4s_file_is_checked(tmp_path, monkeypatch):
    """Another one is refused with its path; the right one is used."""
    path = tmp_path / "tiktoken" / costs.GPT4_FILES[1]
    path.parent.mkdir()
    path.write_bytes(b"not it")
    with pytest.raises(UserError, match="is not the file of GPT-4's tokens"):
        costs.gpt4(tmp_path)
    made = b"\n".join(base64.b64encode(bytes([b])) + b" %d" % b for b in range(256))
    path.write_bytes(made)
    monkeypatch.setattr(costs, "GPT4_SHA256", hashlib.sha256(made).hexdigest())
    table = costs.compare([("sum", "127 + 677")], tmp_path)
    assert table.tokenizers[-1] == "GPT-4" and table.texts[0].tokens[-1] == 9 and not table.missing
    monkeypatch.setattr(costs, "GPT4_SHA256", hashlib.sha256(b"x y z").hexdigest())
    path.write_bytes(b"x y z")
    costs._read_gpt4.cache_clear()
    with pytest.raises(UserError, match="is not the file"):
        costs.gpt4(tmp_path)


def test_a_text_as_characters():
    """With their code points and bytes; what is odd has a name, too."""
    e, smile, end = characters_of("é🙂\n")
    assert e.written == "U+00E9" and e.raw == b"\xc3\xa9" and "acute" in e.name
    assert len(smile.raw) == 4 and end.name == "line feed"
    assert "3 characters, 7 bytes" in bytes_in_words("é🙂\n")
    assert "ASCII" in bytes_in_words("abc") and bytes_in_words("") == "There is no text."
    assert "1 × 1 byte + 1 × 2 bytes + 1 × 4 bytes" in bytes_in_words("é🙂\n")


def test_a_text_is_bounded_and_whole():
    """The rest is said; half of a surrogate pair is replaced, a pair is one character."""
    assert len(usable("x" * (MOST + 5))) == MOST and "10,000" in too_long("x" * (MOST + 5))
    assert too_long("x") == "" and usable("a\ud83d") == "a\ufffd"
    assert usable("\ud83d\ude42") == "🙂"
    assert all(usable(p.text) == p.text for p in PRESETS)
