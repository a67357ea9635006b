"""Contexts of a text, or tokens, as the points of a scatter plot: by the kind of next token."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gui.charts.scatter import Marks
from gui.widgets.token_text import shortened, shown

KINDS = ("space or ↵ first", "letter first", "other")
ROLES = ("activation", "gradient", "update")


def token_marks(values: Mapping[str, Any]) -> Marks:
    """Return the marks of contexts, each the token that comes next; or of tokens themselves."""
    spelled, contexts = values["spelled"], values["contexts"]
    words = [shown(raw) for raw in spelled]

    def tell(index: int) -> str:
        if not contexts:
            return f"The token “{shortened(words[index])}”, the {index + 1:,}. most frequent."
        before = shown(contexts[index])[-48:]
        return f"After “…{before}” comes “{shortened(words[index])}”."

    return Marks(
        np.array([_kind(raw) for raw in spelled]),
        KINDS,
        ROLES,
        [shortened(w, 12) for w in words],
        tell=tell,
    )


def _kind(raw: bytes) -> int:
    text = raw.decode("utf-8", "replace")
    return 0 if text[:1].isspace() else 1 if text[:1].isalpha() else 2
