"""The digits' data: what trains, what is held out, and that nothing leaks between them."""

import torch

from core.playgrounds.digits.augment import augment
from core.playgrounds.digits.data import full, prepare


def test_the_bundled_digits_are_balanced_and_held_apart(bundled):
    """450 of each digit train, 50 others of each validate."""
    assert torch.bincount(bundled.train.labels).tolist() == [450] * 10
    assert torch.bincount(bundled.validation.labels).tolist() == [50] * 10
    train = {image.numpy().tobytes() for image in bundled.train.images}
    assert not any(image.numpy().tobytes() in train for image in bundled.validation.images)


def test_all_of_mnist_is_read_and_held_apart(real_data, bundled):
    """The official split; and what the bundled set holds out is not trained on here either."""
    digits = full(real_data)
    assert len(digits.test) == 10_000 and len(digits.validation) == 5_000
    assert 54_000 < len(digits.train) < 55_000
    held = {image.numpy().tobytes() for image in bundled.validation.images}
    assert not any(image.numpy().tobytes() in held for image in digits.train.images)


def test_prepared_digits_have_mean_0_and_spread_1(bundled):
    """The one way in gives the network numbers of the usual size."""
    prepared = prepare(bundled.train.images)
    assert prepared.shape == (4500, 1, 28, 28)
    assert abs(float(prepared.mean())) < 0.05 and abs(float(prepared.std()) - 1) < 0.05


def test_bytes_and_shares_are_prepared_alike(bundled):
    """A data set's bytes and a canvas's shares of ink meet the same function."""
    images = bundled.train.images[:5]
    assert torch.allclose(prepare(images), prepare(images.float() / 255))


def test_augmentation_changes_each_picture_in_its_own_way(bundled):
    """The same digit twice in a batch comes out as two; the same seed gives the same again."""
    ink = bundled.train.images[:1].float().div(255).unsqueeze(1).repeat(4, 1, 1, 1)
    labels = bundled.train.labels[:1].repeat(4)
    for how in ("affine", "pen"):
        changed = augment(how, ink, labels, torch.Generator().manual_seed(1))
        again = augment(how, ink, labels, torch.Generator().manual_seed(1))
        assert torch.equal(changed, again)
        assert not torch.allclose(changed[0], changed[1], atol=0.05)
        assert changed.min() >= 0 and changed.max() <= 1.001
        assert 0.5 < float(changed.sum() / ink.sum()) < 2.5, "the digit is still there"
    assert torch.equal(augment("none", ink, labels, torch.Generator()), ink)
