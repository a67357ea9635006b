"""The way from ink to MNIST's frame, judged by MNIST itself, and files that are no digits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.errors import UserError
from core.playgrounds.digits.data import bundled
from core.playgrounds.digits.ink import LARGEST, Frame, centre, framed, ink_of, read_image
from core.telemetry.events import Array


@pytest.fixture(scope="module")
def digits() -> Array:
    """500 of MNIST's own digits, 0 to 1."""
    images: Array = bundled().validation.images.numpy().astype(np.float32) / 255
    return images


def drawn(ink: int = 0, paper: int = 255, mode: str = "L", side: int = 200) -> Image.Image:
    """A 7 on paper, in greys."""
    image = Image.new("L", (side, side), paper)
    s = side / 200
    corners = [(60 * s, 50 * s), (140 * s, 50 * s), (90 * s, 160 * s)]
    ImageDraw.Draw(image).line(corners, fill=ink, width=round(16 * s), joint="curve")
    return image.convert(mode)


def seven() -> Array:
    """What the network should be shown for `drawn`."""
    picture = centre(ink_of(drawn()))
    assert picture is not None
    return picture


def shown(path: Path) -> Array:
    """What the network is shown for a file."""
    picture = centre(read_image(path))
    assert picture is not None
    return picture


def test_mnist_is_left_as_it_is(digits: Array) -> None:
    """Centring a digit of MNIST changes next to nothing: it is centred already."""
    difference = np.array([np.abs(centre(digit) - digit).mean() for digit in digits])
    assert difference.mean() < 0.001
    assert (difference < 0.001).mean() > 0.98


def test_centre_of_mass_as_in_mnist(digits: Array) -> None:
    """Wherever a digit lies on a large sheet, its mass ends up where MNIST puts it."""
    rng = np.random.default_rng(0)
    at = np.arange(28) + 0.5
    for digit in digits[::10]:
        sheet = np.zeros((80, 80), np.float32)
        top, left = rng.integers(0, 52, 2)
        sheet[top : top + 28, left : left + 28] = digit
        picture = centre(sheet)
        assert picture is not None
        for axis in (0, 1):
            profile = picture.sum(axis)
            assert 13.9 <= (profile * at).sum() / profile.sum() <= 15.1
        assert np.abs(picture - digit).mean() < 0.12, "it moved"


def test_large_ink_is_scaled_into_the_box(digits: Array) -> None:
    """A digit twelve times as large becomes the same picture again."""
    difference = [
        np.abs(centre(digit.repeat(12, 0).repeat(12, 1)) - digit).mean() for digit in digits[::5]
    ]
    assert np.mean(difference) < 0.02


def test_the_frame_is_where_the_picture_came_from(digits: Array) -> None:
    """The frame of a digit of MNIST is its own picture; of one moved and enlarged, moves along."""
    sheet = np.zeros((100, 100), np.float32)
    sheet[30:86, 10:66] = digits[0].repeat(2, 0).repeat(2, 1)
    found = framed(sheet)
    assert found is not None
    assert found[1] == Frame(30, 10, 56)


def test_no_ink_no_picture() -> None:
    """An empty sheet has no digit, however large it is."""
    assert centre(np.zeros((336, 336), np.float32)) is None
    assert centre(np.full((5, 9), 0.05, np.float32)) is None


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "CMYK", "RGBA", "LA", "I", "F"])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_any_mode_and_either_polarity(mode: str, ink: int, paper: int) -> None:
    """Whatever way a picture keeps its greys, dark on light or light on dark, it is the same 7."""
    picture = centre(ink_of(drawn(ink, paper, mode)))
    assert picture is not None
    assert np.abs(picture - seven()).mean() < 0.02


@pytest.mark.parametrize("deep", [np.uint16, np.int32, np.float32])
def test_deep_greys(deep: type) -> None:
    """Sixteen bits a pixel, or fractions of one, are brought to scale rather than cut off."""
    grey = np.asarray(drawn(ink=100, paper=200))
    image = Image.fromarray(grey.astype(deep) * deep(257 if deep is not np.float32 else 1 / 255))
    picture = centre(ink_of(image))
    assert picture is not None
    assert np.abs(picture - seven()).mean() < 0.01


@pytest.mark.parametrize("colour", [0, 255])
def test_ink_on_nothing(tmp_path: Path, colour: int) -> None:
    """Ink on a transparent sheet is read by its shape, be it black or white as paper."""
    ink = Image.eval(drawn(), lambda grey: 255 - grey)
    image = Image.merge("LA", (Image.new("L", ink.size, colour), ink)).convert("RGBA")
    image.save(tmp_path / "ink.png")
    assert np.abs(shown(tmp_path / "ink.png") - seven()).mean() < 0.01


def test_opaque_png_with_alpha(tmp_path: Path) -> None:
    """An alpha channel that hides nothing changes nothing."""
    drawn(mode="RGBA").save(tmp_path / "opaque.png")
    assert np.abs(shown(tmp_path / "opaque.png") - seven()).mean() < 0.01


def test_cmyk_jpeg(tmp_path: Path) -> None:
    """A JPEG from a printer's program is no negative of itself."""
    drawn(mode="CMYK").save(tmp_path / "print.jpg", quality=90)
    assert np.abs(shown(tmp_path / "print.jpg") - seven()).mean() < 0.02


def test_animation(tmp_path: Path) -> None:
    """Of an animation the first picture is read."""
    blank = Image.new("L", (200, 200), 255)
    drawn().save(tmp_path / "moving.gif", save_all=True, append_images=[blank, blank])
    assert np.abs(shown(tmp_path / "moving.gif") - seven()).mean() < 0.02


def test_a_photo_lying_on_its_side(tmp_path: Path) -> None:
    """A camera's note of how it was held is heeded."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    drawn().rotate(90).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    assert np.abs(shown(tmp_path / "photo.jpg") - seven()).mean() < 0.02


def test_the_callers_picture_stays(tmp_path: Path) -> None:
    """Reading the ink of a large picture leaves the picture its size."""
    image = drawn(side=2000)
    assert ink_of(image).shape == (336, 336)
    assert image.size == (2000, 2000)


@pytest.mark.parametrize("colour", [0, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (64, 64)])
def test_nothing_but_paper(tmp_path: Path, size: tuple[int, int], colour: int) -> None:
    """A picture of one colour, down to a single pixel, holds no ink."""
    Image.new("L", size, colour).save(tmp_path / "blank.png")
    assert centre(read_image(tmp_path / "blank.png")) is None


def test_wholly_transparent(tmp_path: Path) -> None:
    """A picture that can't be seen holds no ink."""
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "air.png")
    assert centre(read_image(tmp_path / "air.png")) is None


def test_huge(tmp_path: Path) -> None:
    """A small file that unpacks to gigabytes is refused before it is unpacked."""
    for side in (8_100, 14_000):
        Image.new("1", (side, side)).save(tmp_path / "huge.png")
        assert side * side > LARGEST
        with pytest.raises(UserError, match="64 million pixels; scale it down"):
            read_image(tmp_path / "huge.png")


def test_no_image(tmp_path: Path) -> None:
    """What is no image is called so, and the formats that work are named."""
    (tmp_path / "notes.png").write_text("a shopping list")
    (tmp_path / "empty.png").touch()
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name in ("notes.png", "empty.png", "page.eps"):
        with pytest.raises(UserError, match="is no image; choose a PNG"):
            read_image(tmp_path / name)


def test_no_file(tmp_path: Path) -> None:
    """A file that isn't there, or is a folder, ends in a sentence."""
    with pytest.raises(UserError, match="No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(UserError, match="can't be read"):
        read_image(tmp_path)


def test_a_decoder_that_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a decoder raises on a file it can't make sense of, a person gets a sentence."""

    def give_up(*arguments: object, **options: object) -> None:
        raise EOFError

    path = tmp_path / "cut.gif"
    path.write_bytes(b"GIF89a")
    monkeypatch.setattr(Image, "open", give_up)
    with pytest.raises(UserError, match=r"can't be read as an image \(the file is broken\)"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp", "tiff"])
def test_broken_files(tmp_path: Path, suffix: str) -> None:
    """A file cut short or scribbled into is read as far as it goes, or refused in a sentence."""
    path = tmp_path / f"digit.{suffix}"
    drawn(mode="RGB").save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    assert np.abs(shown(path) - seven()).mean() < 0.03
    refused = 0
    for trial in range(60):
        broken = bytearray(whole[: int(len(whole) * rng.uniform(0.1, 1))] if trial % 2 else whole)
        for spot in rng.integers(0, len(broken), 8):
            broken[spot] = rng.integers(256)
        path.write_bytes(bytes(broken))
        try:
            ink = read_image(path)
        except UserError as error:
            refused += 1
            assert str(error).startswith(str(path))
        else:
            assert ink.ndim == 2
            assert np.isfinite(ink).all()
    assert refused, "nothing was broken: this test shows nothing"
