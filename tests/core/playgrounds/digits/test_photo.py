"""Photos: light that is uneven, lines on the paper, dirt, and Otsu's threshold."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.photos import KINDS, photo
from core.playgrounds.digits.data import bundled
from core.playgrounds.digits.ink import centre, contrast_of, ink_of
from core.playgrounds.digits.photo import Crop, default_threshold, ink_above, otsu
from tests.core.test_cli import answer


def sheet() -> Image.Image:
    """White paper in even light."""
    return Image.new("L", (300, 240), 235)


def seven(image: Image.Image, ink: int = 40, shift: int = 0) -> Image.Image:
    """Write a 7 on it."""
    corners = [(100 + shift, 60), (180 + shift, 60), (130 + shift, 180)]
    ImageDraw.Draw(image).line(corners, fill=ink, width=14, joint="curve")
    return image


def lit(image: Image.Image, light: np.ndarray) -> Image.Image:
    """Let light fall on it, (H, W) or what is as large as it."""
    return Image.fromarray((np.asarray(image, float) * light).clip(0, 255).astype(np.uint8))


def pixels(image: Image.Image) -> np.ndarray:
    """What the network is shown."""
    picture = centre(ink_of(image))
    assert picture is not None
    return picture


@pytest.mark.parametrize("far", [0.3, 0.5])
def test_a_slope_of_the_light_is_no_ink(far: float) -> None:
    """However dark the far side of the paper is, the network sees the same 7."""
    slope = np.linspace(1, far, 300)[None, :]
    assert np.abs(pixels(lit(seven(sheet()), slope)) - pixels(seven(sheet()))).mean() < 0.02


def test_the_edge_of_a_shadow_is_no_ink() -> None:
    """A shadow across the digit leaves it whole, on both sides."""
    shadow = np.where(np.arange(300) < 140, 0.45, 1.0)[None, :]
    assert np.abs(pixels(lit(seven(sheet()), shadow)) - pixels(seven(sheet()))).mean() < 0.03


def test_lines_on_the_paper_are_left_out() -> None:
    """Ruled lines as dark as a pencil's go, and the stroke that they cross stays."""
    image = sheet()
    for y in range(20, 240, 40):
        ImageDraw.Draw(image).line([(0, y), (300, y)], fill=110, width=2)
    assert np.abs(pixels(seven(image)) - pixels(seven(sheet()))).mean() < 0.03


def test_dirt_and_what_touches_the_edge_are_left_out() -> None:
    """Specks, and a table beyond the paper, move the frame around the digit by nothing."""
    image = seven(sheet())
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 300, 12), fill=30)
    for place in ((20, 200), (280, 40), (260, 220)):
        draw.ellipse((*place, place[0] + 4, place[1] + 4), fill=60)
    assert np.abs(pixels(image) - pixels(seven(sheet()))).mean() < 0.02


def test_otsu_parts_two_groups() -> None:
    """The threshold lies between two heaps of values, also where one is far smaller."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.05, 0.02, 5000), rng.normal(0.7, 0.05, 300)])
    assert 0.15 < otsu(values.clip(0, 1)) < 0.55


def test_crop_and_threshold_decide_what_is_read() -> None:
    """Of two digits the cropped one is read; a threshold above all contrast leaves nothing."""
    one = seven(sheet(), shift=-70)
    both = seven(seven(sheet(), shift=-70), shift=90)
    cropped = centre(ink_of(both, Crop(0, 0, 0.5, 1)))
    assert cropped is not None
    assert np.abs(cropped - pixels(one)).mean() < 0.04 < np.abs(pixels(both) - pixels(one)).mean()
    found = contrast_of(both)
    assert 0.2 < default_threshold(found) < 0.8
    assert centre(ink_above(found, 0.99)) is None and centre(ink_above(found, 0.3)) is not None


def test_faint_ink_in_uneven_light_is_read() -> None:
    """Pencil on grey paper under a slope of light: fainter than the light's own differences."""
    paper = Image.new("L", (300, 240), 180)
    faint = lit(seven(paper, ink=140), np.linspace(1, 0.5, 300)[None, :])
    assert np.abs(pixels(faint) - pixels(seven(sheet()))).mean() < 0.03


def test_the_command_line_reads_photos_of_every_kind(tmp_path) -> None:
    """`predict` of the shipped network reads a real 5 in each kind of light and paper."""
    data, rng = bundled().validation, np.random.default_rng(0)
    five = data.images[(data.labels == 5).nonzero()[3, 0]].numpy()
    files = []
    for number, kind in enumerate(KINDS):
        files.append(tmp_path / f"{number}.png")
        photo(five, kind, rng).save(files[-1])
    found = answer("predict", "digits", *files)["predictions"]
    assert [p["digit"] for p in found] == [5] * len(KINDS), json.dumps(found)
