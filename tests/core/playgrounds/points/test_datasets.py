"""The points: those that settings make, and those of a file."""

import numpy as np
import pytest

from core.errors import UserError
from core.playgrounds.points import datasets
from core.playgrounds.points.recipe import DATASETS, DRAWN, GENERATED, PointsRecipe

ROWS = [[-1.0, 0.5, 0.0], [-1.2, 0.25, 0.0], [1.0, -0.5, 1.0], [1.5, 0.0, 1.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("dataset", GENERATED)
def test_settings_make_the_same_points_each_time(dataset):
    """As many as are wanted, divided by the share, within the plane, of spread about 1."""
    recipe = PointsRecipe(dataset=dataset, points=200, noise=0.0, val_share=0.25)
    found = datasets.generated(recipe)
    assert (len(found.train), len(found.validation)) == (150, 50)
    assert found.train.inputs.shape == (150, recipe.inputs)
    assert np.abs(found.train.inputs).max() <= datasets.SIDE
    assert 0.5 < found.train.inputs.std() < 1.5
    if recipe.classes:
        assert set(found.train.targets) == set(range(recipe.classes))
    else:
        exact = datasets.truth(dataset, found.train.inputs.astype(float))
        assert found.train.targets == pytest.approx(exact, abs=1e-5)
    again = datasets._generated.__wrapped__(dataset, 200, 0.0, 0.25, 0)
    assert np.array_equal(again.train.inputs, found.train.inputs)


def test_noise_seed_and_new_points():
    """Noise moves points, a seed draws others, and those that test are none of either."""
    recipe = PointsRecipe(dataset="circles", noise=0.0)
    still, noisy = (datasets.generated(recipe.replace({"noise": noise})) for noise in (0.0, 0.3))
    radius = np.linalg.norm(still.train.inputs, axis=1)
    assert np.allclose(np.minimum(abs(radius - 0.8), abs(radius - 1.8)), 0, atol=1e-5)
    assert np.linalg.norm(noisy.train.inputs, axis=1).std() > radius.std()
    other = datasets.generated(recipe.replace({"data_seed": 1}))
    assert not np.array_equal(other.train.inputs, still.train.inputs)
    seen = {tuple(at) for part in (still.train, still.validation) for at in part.inputs.tolist()}
    assert not seen & {tuple(at) for at in datasets.new_points(recipe).inputs.tolist()}


def test_a_data_set_of_values_has_no_classes():
    """Every name says what it is."""
    kinds = {name: PointsRecipe(dataset=name).outputs for name in DATASETS}
    assert kinds == {
        **dict.fromkeys(DATASETS, 2),
        "blobs": 3,
        "surface": 1,
        "curve": 1,
    }


def test_drawn_points_are_kept_in_a_file_by_what_they_are(tmp_path):
    """The same points have the same file; they are read as they were drawn."""
    path = datasets.save_rows(ROWS, tmp_path / "new")
    assert datasets.save_rows([list(row) for row in ROWS], tmp_path / "new") == path
    assert datasets.save_rows(ROWS[:-1], tmp_path / "new") != path
    loaded = datasets.load(path)
    assert [list(row) for row in loaded.rows] == ROWS and "5 points" in loaded.title
    found = datasets.divided_rows(ROWS, PointsRecipe(dataset=DRAWN, val_share=0.4))
    assert (len(found.train), len(found.validation)) == (3, 2)


def test_a_file_without_a_heading_is_read(tmp_path):
    """Lines of numbers, with empty ones between them."""
    path = tmp_path / "mine.csv"
    path.write_text("0, 1, 0\n\n1, 0, 1\n0.5, 0.5, 1\n-1, -1, 0\n", "utf-8")
    assert len(datasets.load(path).rows) == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has 0 points"),
        (b"x,y,class\n0,0,0\n", "has 1 points"),
        (b"0,0,0\n0,1,0\n1,0,0\n1,1,0\n", "of one class alone"),
        (b"0,0,0\n9,1,1\n1,0,0\n1,1,0\n", "from -2.5 to 2.5"),
        (b"0,0,0\n1,1,2\n1,0,0\n1,1,0\n", "0 or 1"),
        (b"0,0\n1,1\n1,0\n1,1\n", "not x,y,class"),
        (b"nan,0,0\n1,1,1\n1,0,0\n1,1,0\n", "not x,y,class"),
        (b"a,b,c\n", "in numbers"),
        (b"\xff\xfe\x00", "no text"),
        (b"0,0,1\n" * 6000, "has 6,000 points"),
        (b"0,0,1\n" * 400_000, "larger than 1 MB"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, words):
    """In a sentence that says what is wrong with it."""
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        datasets.load(path)
    with pytest.raises(UserError, match="is not there"):
        datasets.load(tmp_path / "gone.csv")
    with pytest.raises(UserError):
        datasets.save_rows([[0, 0, 1]] * 5, tmp_path)
    assert list(tmp_path.iterdir()) == [path]
