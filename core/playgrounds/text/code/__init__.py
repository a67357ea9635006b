"""What the script of a training on a text is filled with."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from ....errors import UserError
from ....paths import RESOURCES
from ....tokenizers import WORDS
from .. import repeats
from ..corpus import holds_tiny, texts_in, tiny
from ..encode import MOST_WINDOWS
from ..plays import JUDGES
from ..recipe import REPEATS, TextRecipe
from ..tokens import LEARNED_FROM

SPLIT = WORDS.index("| ?")
"""Where the pattern is parted, for its lines to be short."""


def values(recipe: TextRecipe, source: Path | None) -> dict[str, Any]:
    """Return where the text lies, its tokenizer, and the layers of the network.

    Raises:
        UserError: the source is not there.
    """
    made = recipe.dataset == REPEATS
    if made:
        source = None
    if source and not source.exists():
        raise UserError(f"{source} is not there; choose the text again.")
    texts: list[Path] = []
    if source and source.is_file():
        texts = [source.resolve()]
    elif source and holds_tiny(source):
        texts = [tiny(source).resolve()]
    elif source:
        texts = [path.resolve() for path in texts_in(source)]
    data = texts[0] if len(texts) == 1 else RESOURCES / "plays" / "plays.zip"
    data = texts[0].parent if len(texts) > 1 else data
    size = sum(path.stat().st_size for path in texts or [data])
    inputs = recipe.context * recipe.width
    learned = recipe.model == "gpt" and recipe.position == "learned"
    return {
        "data": data,
        "texts": len(texts),
        "made": repeats if made else None,
        "prompt": "abcxyzabc" if made else "ROMEO:\n",
        "judges": JUDGES,
        "pattern_parts": [WORDS[:SPLIT], WORDS[SPLIT:]],
        "huge": size > LEARNED_FROM,
        "context": recipe.sees,
        "long": not made and (not texts or size > MOST_WINDOWS),
        "most": MOST_WINDOWS,
        "activation": recipe.activation,
        "pairs": list(pairwise([inputs, *recipe.hidden])),
        "inputs": [inputs, *recipe.hidden][-1],
        "output": "model.output" if learned else "model[-1]",
        "blocks": recipe.model == "gpt",
        "unbiased": recipe.model == "gpt",
    }
