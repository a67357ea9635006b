"""Special tokens: the same characters as text of a person, and as one token of the program."""

from dataclasses import dataclass

from ...tokenizers import GPT2_END, gpt2

Tokens = list[tuple[bytes, int]]
"""Of each token its bytes and its number."""


@dataclass(frozen=True)
class SpecialTokens:
    """A text in GPT-2's tokens, both ways.

    Attributes:
        spelled: with special tokens spelled out, like all other text of a person.
        allowed: with each ``<|endoftext|>`` as the one token that separates texts.
    """

    spelled: Tokens
    allowed: Tokens


def encode(text: str) -> SpecialTokens:
    """Return a text in GPT-2's tokens, with special tokens and without."""
    tokenizer = gpt2()

    def tokens_of(piece: str) -> Tokens:
        return [(tokenizer.bytes_of(token), token) for token in tokenizer.encode(piece).tolist()]

    end, allowed = (GPT2_END.encode(), tokenizer.size - 1), Tokens()
    for number, piece in enumerate(text.split(GPT2_END)):
        allowed += [end, *tokens_of(piece)] if number else tokens_of(piece)
    return SpecialTokens(tokens_of(text), allowed)
