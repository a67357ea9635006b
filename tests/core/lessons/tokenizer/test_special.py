"""Special tokens, as tiktoken encodes them; and GPT-2's tokens by the lesson's own way."""

import pytest
import tiktoken

from core.lessons.tokenizer.special import encode
from core.tokenizers import GPT2_END, GPT2_WORDS, gpt2

TEXTS = [
    "",
    "plain",
    f"a{GPT2_END}b",
    GPT2_END,
    f"{GPT2_END}{GPT2_END} x",
    "<|endoftext|",
    "🙂 127 ",
]


@pytest.fixture(scope="module")
def encoding():
    """GPT-2's encoding as tiktoken has it: its own encode, with the shipped merges."""
    tokenizer = gpt2()
    ranks = {tokenizer.bytes_of(token): token for token in range(tokenizer.size - 1)}
    return tiktoken.Encoding(
        "gpt2", pat_str=GPT2_WORDS, mergeable_ranks=ranks, special_tokens={GPT2_END: 50256}
    )


@pytest.mark.parametrize("text", TEXTS)
def test_both_ways_are_tiktokens(encoding, text):
    """Allowed it is one token, else it is spelled."""
    found = encode(text)
    allowed, spelled = ([token for _, token in way] for way in (found.allowed, found.spelled))
    assert allowed == encoding.encode(text, allowed_special="all")
    assert spelled == encoding.encode(text, disallowed_special=())
    assert (50256 in allowed) == (GPT2_END in text) and 50256 not in spelled
    for way in (found.allowed, found.spelled):
        assert b"".join(raw for raw, _ in way) == text.encode()
