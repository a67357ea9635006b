"""Beginnings of names, or letters, as the points of a scatter plot: by the kind of next letter."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.playgrounds.names.reports import END
from gui.charts.scatter import Marks
from gui.names.letter_symbols import called, is_vowel, sign

KINDS, ROLES = ("vowel", "other letter", "end of the name"), ("activation", "muted", "gradient")
ENDS = "■"  # where a name ends


def name_marks(values: Mapping[str, Any]) -> Marks:
    """Return the marks of beginnings of names, each the letter that comes next; or of letters."""
    letters, contexts = values["targets"], values["contexts"]
    kinds = [2 if letter == END else int(not is_vowel(letter)) for letter in letters]

    def tell(index: int) -> str:
        if not contexts:
            return f"The letter {called(letters[index])}."
        before = contexts[index] or "nothing yet"
        return f"After “{before}”, the next letter is: {called(letters[index])}."

    signs = [ENDS if letter == END else sign(letter)[-1] for letter in letters]
    return Marks(np.array(kinds), KINDS, ROLES, signs, tell=tell)
