"""Photos of digits: how many the shipped network reads.

The photos are synthetic: real digits of MNIST that no network here was trained on, written with a
pen of some colour on a sheet and photographed as people do, in uneven light, with the shadow of a
hand, out of focus, on lined paper. Ways to read them were compared on seed 1; seed 2 judges.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFilter

from bench.rows import row, show, sized
from core import playgrounds
from core.paths import CHECKPOINTS, data_folder
from core.playgrounds.digits.data import Split, bundled, full
from core.playgrounds.digits.download import holds_mnist
from core.playgrounds.digits.ink import centre, ink_of
from core.training.checkpoint import load_checkpoint

EACH = sized(100, 2)
"""Photos of each kind."""
JUDGED = 2
"""The seed of the photos that judge."""
FLOOR = 0.97
SIZE = (400, 480)  # pixels, height and width
PENS = ((25, 25, 30), (20, 40, 130), (170, 30, 40), (20, 95, 60), (95, 95, 100))
"""Black, blue, red and green ink, and pencil."""
Light = Callable[[np.random.Generator], np.ndarray]


def _even(rng: np.random.Generator) -> np.ndarray:
    return np.ones(SIZE)


def _slope(rng: np.random.Generator) -> np.ndarray:
    """Light from one side: the far end has a third to a half of it."""
    return 1 - rng.uniform(0.5, 0.67) * _ramp(rng)


def _lamp(rng: np.random.Generator) -> np.ndarray:
    """A lamp over one place; the corners are dark."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    top, left = rng.uniform(0.2, 0.8, 2) * SIZE
    far = np.hypot(y - top, x - left) / max(SIZE)
    return 1 / (1 + rng.uniform(1.5, 4) * far**2)


def _shadow(rng: np.random.Generator) -> np.ndarray:
    """The edge of a shadow across the sheet, sharp or soft."""
    edge = (_ramp(rng) - rng.uniform(0.3, 0.7)) / rng.uniform(0.005, 0.08)
    return 1 - rng.uniform(0.35, 0.6) / (1 + np.exp(-edge.clip(-50, 50)))


def _ramp(rng: np.random.Generator) -> np.ndarray:
    """0 to 1 across the sheet, in any direction."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    return (along - along.min()) / np.ptp(along)


KINDS: dict[str, tuple[Light, str]] = {
    "even light": (_even, ""),
    "light from a side": (_slope, ""),
    "under a lamp": (_lamp, ""),
    "shadow's edge": (_shadow, ""),
    "rough paper": (_slope, "rough"),
    "out of focus": (_slope, "blurred"),
    "grey or tinted paper": (_lamp, "tinted"),
    "lined paper": (_slope, "lined"),
    "squared paper": (_shadow, "squared"),
    "blackboard": (_slope, "board"),
}
"""The light that each kind of photo is taken in, and what else is particular."""


def photo(digit: np.ndarray, kind: str, rng: np.random.Generator) -> Image.Image:
    """Return a photo of a digit (28, 28) of bytes."""
    light, how = KINDS[kind]
    paper = np.array((250, 249, 245)) * rng.uniform(0.9, 1.0)
    if how == "tinted":
        paper = np.array((1.0, 0.93, 0.8)) * rng.uniform(140, 235) * rng.uniform(0.9, 1.0, 3)
    pen = np.array(PENS[rng.integers(len(PENS))], float)
    if how == "board":
        paper, pen = np.array((45, 60, 50.0)), np.array((225, 225, 215.0))
    sheet = np.ones((*SIZE, 3)) * paper
    if how == "rough":
        sheet *= 1 + rng.uniform(0.03, 0.06) * _grain(rng, rng.uniform(1, 6))[..., None]
    if how in ("lined", "squared"):
        _rule(sheet, how, rng)
    cover = _written(digit, rng)[..., None] * rng.uniform(0.75, 1.0)
    scene = (sheet * (1 - cover) + pen * cover) * light(rng)[..., None]
    scene += rng.normal(0, rng.uniform(1, 4), scene.shape)
    image = Image.fromarray(scene.clip(0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(3, 6) if how == "blurred" else 0.8))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(60, 95)))
    return Image.open(file)


def _written(digit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how much of each pixel a digit covers: large or small, anywhere on the sheet."""
    side = int(rng.uniform(0.35, 0.9) * min(SIZE))
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    smooth = np.asarray(large.filter(ImageFilter.GaussianBlur(side / 60)), float) / 255
    edged = ((smooth - 0.5) * 6 + 0.5).clip(0, 1)  # a pen's edge is sharper than MNIST's pixels
    cover = np.zeros(SIZE)
    top, left = (int(rng.uniform(0, whole - side)) for whole in SIZE)
    cover[top : top + side, left : left + side] = edged
    return cover


def _grain(rng: np.random.Generator, radius: float) -> np.ndarray:
    """Return noise of mean 0 and deviation 1, as coarse as the radius says."""
    coarse = rng.normal(0, 1, [int(side / radius) for side in SIZE]).astype(np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize(SIZE[::-1], Image.Resampling.BICUBIC))
    return (smooth - smooth.mean()) / smooth.std()


def _rule(sheet: np.ndarray, how: str, rng: np.random.Generator) -> None:
    """Print lines on a sheet, or squares, in a pale blue or grey."""
    colour = np.array((150, 180, 220)) if rng.random() < 0.7 else np.array((185, 185, 185))
    step, wide = int(rng.uniform(40, 110)), int(rng.integers(1, 4))
    first = int(rng.integers(step))
    for shift in range(wide):
        sheet[first + shift :: step] = colour
        if how == "squared":
            sheet[:, first + shift :: step] = colour


def photos(count: int, seed: int) -> Iterator[tuple[int, str, Image.Image]]:
    """Yield labels, kinds and photos: so many of each kind, of digits in random order."""
    digits, rng = _digits(), np.random.default_rng(seed)
    for kind in KINDS:
        for index in rng.permutation(len(digits))[:count]:
            image = digits.images[index].numpy()
            yield int(digits.labels[index]), kind, photo(image, kind, rng)


def _digits() -> Split:
    """Return MNIST's test digits, or those of the bundled set that are never trained on."""
    folder = data_folder()
    return full(folder).test if folder and holds_mnist(folder) else bundled().validation


def measure(seed: int, read: Callable[[Image.Image], np.ndarray] = ink_of) -> dict[str, float]:
    """Return the share of photos of each kind that the shipped network reads."""
    checkpoint = load_checkpoint(CHECKPOINTS / "digits.safetensors")
    model, playground = checkpoint.model(), playgrounds.get("digits")
    right: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for label, kind, image in photos(EACH, seed):
        picture = centre(read(image))
        answer = None
        if picture is not None:
            answer = int(playground.read(model, checkpoint.recipe, picture).argmax())
        right[kind].append(answer == label)
    return {kind: float(np.mean(hits)) for kind, hits in right.items()}


def main(words: list[str]) -> None:
    """Print the share of all photos that are read right, and of each kind to stderr."""
    parser = argparse.ArgumentParser(prog="python -m bench.photos", description=__doc__)
    parser.add_argument("--seed", type=int, default=JUDGED)
    found = measure(parser.parse_args(words).seed)
    for kind, share in found.items():
        print(f"  {kind}: {share:.1%}", file=sys.stderr)
    what = f"{EACH * len(KINDS):,} synthetic photos of digits"
    show([row(what, float(np.mean(list(found.values()))), FLOOR, "%")])


if __name__ == "__main__":
    main(sys.argv[1:])
