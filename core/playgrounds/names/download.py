"""makemore's list of names, from its repository."""

from collections.abc import Callable
from pathlib import Path

from ...download import Source, fetch

SOURCE = Source(
    "names.txt",
    ["https://raw.githubusercontent.com/karpathy/makemore/master/names.txt"],
    "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    228_145,
    228_145,
)


def fetch_names(
    folder: Path, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
) -> None:
    """Bring makemore's 32,033 names into ``folder/names``.

    Raises:
        UserError, CancelledError: see :func:`core.download.fetch`.
    """
    fetch([SOURCE], folder / "names", progress, cancelled)
