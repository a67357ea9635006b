"""Byte pairs of a text, in this process or, run as a script, in one of their own.

``rustbpe`` keeps Python's lock while it merges, for seconds where words hardly repeat (Chinese,
DNA, logs): so long no other thread runs, the window's least of all, and it can't be told to stop.
"""

import json
import os
import sys
from collections.abc import Iterable

BYTES = 256


def learn(pieces: Iterable[str], size: int, pattern: str) -> list[bytes]:
    """Return the tokens beyond the 256 bytes, in the order in which they were merged.

    Args:
        pieces: the text.
        size: how many tokens there are at most, the bytes included.
        pattern: how the text is cut into words before; no pair reaches beyond one.
    """
    import rustbpe  # type: ignore[import-untyped]

    trainer = rustbpe.Tokenizer()
    # It asks for so many at a time, and counts them before it asks again.
    at_once = os.cpu_count() or 1
    trainer.train_from_iterator(iter(pieces), size, buffer_size=at_once, pattern=pattern)
    ranks = sorted(trainer.get_mergeable_ranks(), key=lambda pair: pair[1])
    return [bytes(token) for token, _ in ranks[BYTES:]]


def main() -> None:
    """Learn from standard input, a piece a line as JSON; a token a line comes out, hexadecimal."""
    pieces = (json.loads(line) for line in sys.stdin.buffer)
    tokens = learn(pieces, int(sys.argv[1]), sys.argv[2])
    sys.stdout.writelines(f"{token.hex()}\n" for token in tokens)


if __name__ == "__main__":
    main()
