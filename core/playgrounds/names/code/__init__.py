"""What the script of a training on names is filled with."""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from ....errors import UserError
from ....paths import RESOURCES
from ..recipe import NamesRecipe
from ..wordlist import holds_names, listed, words_of


def values(recipe: NamesRecipe, source: Path | None) -> dict[str, Any]:
    """Return where the names lie, and the layers of the network.

    Raises:
        UserError: the source is not there.
    """
    if source and not source.exists():
        raise UserError(f"{source} is not there; choose the list again.")
    own = source is not None and source.is_file()
    data, title = RESOURCES / "names" / "names.txt", "the names that Glassbox brings"
    if source and own:
        data, title = source.resolve(), "a name a line"
    elif source and holds_names(source):
        data, title = listed(source).resolve(), "makemore's names"
    inputs = recipe.context * recipe.embedding
    return {
        "data": data,
        "own": own,
        "title": title,
        "context": recipe.sees,
        "activation": {"gru": "", "wavenet": "tanh"}.get(recipe.model, recipe.activation),
        "pairs": list(pairwise([inputs, *recipe.hidden])),
        "width": [inputs, *recipe.hidden][-1],
        "fusions": recipe.context.bit_length() - 1,
        "output": "model[-1]" if not recipe.whole else "model.output",
        "blocks": recipe.model == "transformer",
        "unbiased": recipe.model in ("mlp-bn", "wavenet", "gru"),
        "longest": _longest(data, data.stat().st_mtime_ns) if recipe.whole else 0,
    }


@lru_cache(maxsize=4)
def _longest(path: Path, stamp: int) -> int:
    """Return how many letters the longest name of a file has, as it was at that time."""
    return max(map(len, words_of(path)[0]), default=0)
