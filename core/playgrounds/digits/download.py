"""The whole of MNIST, from torchvision's mirrors of it."""

from collections.abc import Callable
from pathlib import Path

from ...download import Source, fetch

FILES = {
    "train-images-idx3-ubyte.gz": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
        9_912_422,
    ),
    "train-labels-idx1-ubyte.gz": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        60_008,
        28_881,
    ),
    "t10k-images-idx3-ubyte.gz": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
        1_648_877,
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        10_008,
        4_542,
    ),
}
"""SHA-256 and size of the unpacked content, and about the size of the packed file."""


def holds_mnist(folder: Path) -> bool:
    """Whether a data folder has a place for MNIST; what is missing there is then an error."""
    return (folder / "mnist").is_dir()


def fetch_mnist(
    folder: Path, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
) -> None:
    """Bring MNIST into ``folder/mnist``, laid out as torchvision has it.

    Raises:
        UserError, CancelledError: see :func:`core.download.fetch`.
    """
    from torchvision.datasets import MNIST  # slow to import, and wanted for its mirrors alone

    sources = [
        Source(name, [mirror + name for mirror in MNIST.mirrors], *about)
        for name, about in FILES.items()
    ]
    fetch(sources, folder / "mnist" / "MNIST" / "raw", progress, cancelled)
