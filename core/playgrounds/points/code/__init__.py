"""What the script of a training on points is filled with."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from ....errors import UserError
from ..recipe import DRAWN, VALUES, PointsRecipe


def values(recipe: PointsRecipe, source: Path | None) -> dict[str, Any]:
    """Return where drawn points lie, and the layers of the network.

    Raises:
        UserError: the points are to be drawn, and there is no file of them.
    """
    file = source if source and source.is_file() else None
    if recipe.dataset == DRAWN and file is None:
        raise UserError("No points are drawn yet; draw some of both classes on the plane first.")
    sizes = [recipe.inputs, *recipe.hidden]
    return {
        "drawn": recipe.dataset == DRAWN,
        "data": file.resolve() if file else "",
        "dimensions": VALUES.get(recipe.dataset, 2),
        "pairs": list(pairwise(sizes)),
        "width": sizes[-1],
    }
