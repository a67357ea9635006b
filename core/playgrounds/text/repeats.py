"""A text that only who looks back can foresee: random letters, again and again.

Each passage says some letters in a random order, each once, over and over; then the next begins,
with nothing in between. What follows a letter is nowhere to be learned but in the passage itself,
which is what an induction head does (Olsson et al. 2022); how far back it lies is another number
each time, so that no fixed distance will do. A line's end is a letter like the others.
"""

import random
import string

LETTERS = "\n" + string.ascii_lowercase
FEWEST = 3  # letters of a passage; at most all
LENGTH = 80  # characters of a passage
PASSAGES = 10_000
SEED = 0


def repeated_letters(passages: int = PASSAGES) -> str:
    """Return the text; the same at each call."""
    generator = random.Random(SEED)  # noqa: S311, nothing is to be kept secret

    def passage() -> str:
        letters = generator.sample(LETTERS, generator.randint(FEWEST, len(LETTERS)))
        return ("".join(letters) * LENGTH)[:LENGTH]

    return "".join(passage() for _ in range(passages))
