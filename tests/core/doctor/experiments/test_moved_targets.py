"""Masks and other targets of pixels that are not moved as their pictures are."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch

SIDE = 16


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


@pytest.fixture
def scenes():
    """Pictures (300, 1, 16, 16) of one disc, and where it is."""
    places = torch.rand(300, 2, 1, 1) * 10 + 3
    return drawn(places)


def drawn(places):
    """Return discs on noise, and their masks, around places (N, 2, 1, 1)."""
    grid = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"))
    masks = ((grid - places).square().sum(1, keepdim=True) < 9).float()
    return masks + 0.3 * torch.randn(len(places), 1, SIDE, SIDE), masks


def some(count=16):
    """Return which examples of a batch are moved."""
    return torch.rand(count, 1, 1, 1) < 0.5


def causes_of(batch, loss_of, out=1, steps=60, net=None):
    """Train on what ``batch()`` returns, and return the causes."""
    net = net or nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, out, 3, padding=1)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch(net, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(steps):
            x, y = batch()
            loss = loss_of(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    return {cause.id: cause for cause in seen.diagnosis.causes}


def drawn_from(pictures, targets):
    """Return a random batch."""
    rows = torch.randint(0, len(pictures), (16,))
    return pictures[rows], targets[rows]


@pytest.mark.parametrize("moved", ["alone", "both", "in turn"])
@pytest.mark.parametrize("turn", [lambda x: x.flip(-1), lambda x: x.rot90(1, (-2, -1))])
def test_pictures_that_are_moved_without_their_masks(scenes, moved, turn):
    """Alone, or whenever masks are not: each is moved by a chance of its own."""

    def batch():
        x, y = drawn_from(*scenes)
        first = some()
        second = {"alone": torch.zeros_like(first), "both": first, "in turn": some()}[moved]
        return torch.where(first, turn(x), x), torch.where(second, turn(y), y)

    causes = causes_of(batch, F.binary_cross_entropy_with_logits)
    assert ("labels_shuffled" in causes) == (moved != "both")
    if moved != "both":
        assert "fit their pictures far better when" in causes["labels_shuffled"].evidence


@pytest.mark.parametrize("both", [True, False])
def test_classes_of_pixels(scenes, both):
    """A class for each pixel, as whole numbers; a border has none."""
    pictures, masks = scenes
    classes = masks[:, 0].long() * torch.randint(1, 3, (300, 1, 1))
    classes[:, 0] = 255
    pictures = pictures + (classes[:, None] == 2)

    def batch():
        x, y = drawn_from(pictures, classes)
        moved = some()
        y = torch.where(moved[:, 0], y.flip(-1), y) if both else y
        return torch.where(moved, x.flip(-1), x), y

    causes = causes_of(batch, partial(F.cross_entropy, ignore_index=255), out=3)
    assert ("labels_shuffled" in causes) == (not both)


def test_quantities_of_pixels(scenes):
    """A picture is restored from a noisy one, which is flipped."""
    pictures, masks = scenes

    def batch():
        x, y = drawn_from(pictures, masks * 2)
        return torch.where(some(), x.flip(-2), x), y

    assert "labels_shuffled" in causes_of(batch, F.mse_loss)


def test_one_of_two_that_look_alike_is_meant():
    """The left one of two discs: what is around a pixel does not tell which, the network learns."""
    left, right = (torch.rand(300, 2, 1, 1) * 3 + 3 for _ in range(2))
    right[:, 1] = SIDE - 1 - left[:, 1]
    right[:, 0] = left[:, 0]
    (one, mask), (other, _) = drawn(left), drawn(right)
    bright = torch.rand(300, 1, 1, 1) + 0.3
    pictures = one * bright + other * bright.flip(0)
    wide = nn.Sequential(nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 256))
    net = nn.Sequential(wide, nn.Unflatten(1, (1, SIDE, SIDE)))
    causes = causes_of(
        lambda: drawn_from(pictures, mask), F.binary_cross_entropy_with_logits, net=net
    )
    assert "labels_shuffled" not in causes


def test_to_move_pictures_back_may_be_the_task(scenes):
    """Pictures that are flipped at random are to be put upright: a mark tells which ones are."""
    pictures, masks = scenes
    pictures = pictures.clone()
    pictures[..., 0] = 3.0
    wide = nn.Sequential(nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 256))
    net = nn.Sequential(wide, nn.Unflatten(1, (1, SIDE, SIDE)))

    def batch():
        x, y = drawn_from(pictures, masks)
        return torch.where(some(), x.flip(-1), x), y

    causes = causes_of(batch, F.binary_cross_entropy_with_logits, net=net, steps=300)
    assert "labels_shuffled" not in causes


def test_outputs_that_are_moved_back_are_compared_with_what_was_not_moved(scenes):
    """A consistency: what is said of the flipped picture is flipped back."""
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch(net, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(60):
            x, y = drawn_from(*scenes)
            moved = some()
            out = net(torch.where(moved, x.flip(-1), x))
            out = torch.where(moved, out.flip(-1), out)
            loss = F.binary_cross_entropy_with_logits(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    assert "labels_shuffled" not in {cause.id for cause in seen.diagnosis.causes}
