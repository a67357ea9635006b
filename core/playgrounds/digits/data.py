"""Digits as tensors: the bundled 5,000, or the whole of MNIST.

MNIST is LeCun, Cortes and Burges, 1998: 60,000 pictures to train on and 10,000 to be judged by,
each 28 x 28, its digit scaled into a box of 20 x 20 and moved so that the centre of its ink is the
centre of the picture.
"""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ...files import check_is_file, unpacked
from ...paths import RESOURCES

MEAN, STD = 0.1307, 0.3081
HELD_OUT = 50  # of each digit of the bundled 5,000: validation there, and never trained on


@dataclass(frozen=True)
class Split:
    """Pictures (N, 28, 28) as bytes, 0 paper and 255 ink, and their labels (N,) as int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Digits:
    """A data set: what trains, what validates during training, and what judges at the end."""

    name: str
    train: Split
    validation: Split
    test: Split


def prepare(images: Tensor) -> Tensor:
    """Turn ink into what the network reads: the one way in, for data sets and for the canvas.

    Args:
        images: (B, 28, 28) or (B, 1, 28, 28), bytes from 0 to 255 or floats from 0 to 1.

    Returns:
        (B, 1, 28, 28) floats; MNIST as a whole has mean 0 and standard deviation 1.
    """
    ink = images.float() / 255 if images.dtype == torch.uint8 else images
    return (ink.view(-1, 1, 28, 28) - MEAN) / STD


def bundled() -> Digits:
    """Return the 5,000 digits that are shipped: 450 of each to train on, 50 to validate."""
    with np.load(RESOURCES / "digits" / "mnist5000.npz", allow_pickle=False) as file:
        images, labels = torch.from_numpy(file["images"]), torch.from_numpy(file["labels"]).long()
    rank = torch.stack([torch.cumsum(labels == d, 0) for d in range(10)]).gather(0, labels[None])[0]
    held = rank > 500 - HELD_OUT
    train = Split(images[~held], labels[~held])
    validation = Split(images[held], labels[held])
    return Digits("bundled MNIST, 4,500 + 500 held out", train, validation, validation)


def full(folder: Path) -> Digits:
    """Return all of MNIST from ``folder/mnist``; its last 5,000 training pictures validate.

    The pictures that the bundled set holds out are left out of training here too, so that a
    network trained on everything can still be judged on them.

    Raises:
        UserError: a file is missing or is not what its name says.
    """
    raw = folder / "mnist" / "MNIST" / "raw"
    images, labels = _split(raw, "train", 60_000)
    held = {image.numpy().tobytes() for image in bundled().validation.images}
    kept = torch.tensor([image.tobytes() not in held for image in images.numpy()])
    kept[55_000:] = False
    train = Split(images[kept], labels[kept])
    validation = Split(images[55_000:], labels[55_000:])
    test = Split(*_split(raw, "t10k", 10_000))
    return Digits("MNIST, 60,000 + 10,000", train, validation, test)


def _split(raw: Path, prefix: str, count: int) -> tuple[Tensor, Tensor]:
    images = _idx(raw / f"{prefix}-images-idx3-ubyte", (count, 28, 28))
    labels = _idx(raw / f"{prefix}-labels-idx1-ubyte", (count,))
    if labels.max() > 9:
        raise UserError(f"{prefix}-labels-idx1-ubyte in {raw} has labels that are no digits.")
    return images, labels.long()


def _idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Read an IDX file of bytes, packed or not (the format: LeCun's page on MNIST)."""
    packed = path.with_name(path.name + ".gz")
    header = 4 + 4 * len(shape)
    size = header + math.prod(shape)
    try:
        if path.exists():
            check_is_file(path)
            with path.open("rb") as file:
                content = file.read(size + 1)
        else:
            content = unpacked(packed, size)  # a small file can be packed from gigabytes
    except FileNotFoundError:
        raise UserError(
            f"{packed} is missing; a data folder holds mnist/MNIST/raw with MNIST's four files."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{packed} can't be read ({error}); download it again.") from None
    whole = len(content) == size
    if not whole or tuple(np.frombuffer(content[4:header], ">u4")) != shape:
        raise UserError(f"{path.name} in {path.parent} is not MNIST's file; download it again.")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy())
