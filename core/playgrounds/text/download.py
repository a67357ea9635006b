"""Tiny Shakespeare, from the repository of char-rnn."""

from collections.abc import Callable
from pathlib import Path

from ...download import Source, fetch

SOURCE = Source(
    "input.txt",
    [
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    ],
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    1_115_394,
    1_115_394,
)


def fetch_tiny(
    folder: Path, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
) -> None:
    """Bring Tiny Shakespeare into ``folder/tinyshakespeare``.

    Raises:
        UserError, CancelledError: see :func:`core.download.fetch`.
    """
    fetch([SOURCE], folder / "tinyshakespeare", progress, cancelled)
