"""Pictures that are flipped or rotated at random while their targets are not, such as masks.

What a target shows can mostly be seen near the same place of its picture: a fit of what is around
each pixel tells roughly where. Where a picture alone was moved, the fit agrees with the target once
that is moved alike, and far better than as it is. The network can't know which ones were moved: its
outputs agree with the moved targets, too. One that is to move pictures back learns to do so.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .replay import Replay

MOST_EXAMPLES, MOST_CLASSES, LONGEST_SIDE = 128, 6, 48
"""Examples, the most frequent classes of pixels, and pixels along a side that are looked at."""
SMALLEST_SIDE = 6
CLEARLY = 0.2
"""By which the correlation of a fit with a target is higher once that is moved."""
SHARE_MOVED = (0.15, 0.9)
"""Of the examples; what moves all of them alike can be learned."""
FEWEST_MOVED = 8
WINDOWS = (3, 7)
"""Pixels around each one whose mean is looked at."""

MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "flipped left to right": lambda pictures: pictures.flip(-1),
    "flipped upside down": lambda pictures: pictures.flip(-2),
    "rotated by 180 degrees": lambda pictures: pictures.flip(-1, -2),
    "rotated by 90 degrees": lambda pictures: pictures.rot90(1, (-2, -1)),
    "rotated by 270 degrees": lambda pictures: pictures.rot90(-1, (-2, -1)),
}


def moved_targets(replay: Replay) -> str:
    """Say that many targets fit their pictures better once they are moved; "" if they don't."""
    graph = replay.graph
    pairs = [(x[0], y) for x, y in replay.batches if len(x) == 1 and _is_dense(x[0], y)]
    if not pairs or graph.outputs is None or graph.targets is None or graph.outputs.dim() < 3:
        return ""
    pairs = [(x, y) for x, y in pairs if (x.shape[1:], y.shape[1:], y.dtype) == _form(pairs[-1])]
    pictures, targets = (torch.cat(some)[-MOST_EXAMPLES:] for some in zip(*pairs, strict=True))
    classes = _classes(targets, graph.outputs.shape[1])
    planes = _planes(targets, classes)
    fit = _fitted(_features(_small(pictures.float())), planes)
    as_it_is = _correlation(fit, planes)
    gains = {
        name: _correlation(fit, move(planes)) - as_it_is
        for name, move in MOVES.items()
        if move(planes).shape == planes.shape
    }
    best = torch.stack(list(gains.values())).max(0).values
    for name, gain in gains.items():
        moved = (gain > CLEARLY) & (gain == best)
        share = float(moved.float().mean())
        often = SHARE_MOVED[0] < share < SHARE_MOVED[1] and int(moved.sum()) >= FEWEST_MOVED
        if often and _outputs_agree(replay, moved, MOVES[name], classes):
            return f"{share:.0%} of the targets fit their pictures far better when {name}"
    return ""


def _form(pair: tuple[Tensor, Tensor]) -> tuple[torch.Size, torch.Size, torch.dtype]:
    pictures, targets = pair
    return pictures.shape[1:], targets.shape[1:], targets.dtype


def _is_dense(pictures: Tensor, targets: Tensor) -> bool:
    """Whether targets have a number, or a few, for each pixel of a picture."""
    if pictures.dim() != 4 or targets.dim() not in (3, 4) or len(pictures) != len(targets):
        return False
    size = pictures.shape[-2:]
    return pictures.is_floating_point() and targets.shape[-2:] == size and min(size) > SMALLEST_SIDE


def _classes(targets: Tensor, outputs: int) -> Tensor | None:
    """Return the most frequent classes of pixels; None where targets are quantities.

    Args:
        targets: a class, or quantities, for each pixel.
        outputs: how many the network tells apart; what is beyond, such as a border, is no class.
    """
    if targets.is_floating_point() or targets.dtype == torch.bool:
        return None
    classes, counts = torch.unique(targets, return_counts=True)
    known = (classes >= 0) & (classes < outputs)
    classes, counts = classes[known], counts[known]
    most: Tensor = classes[counts.argsort(descending=True)[:MOST_CLASSES]]
    return most.cpu()


def _planes(targets: Tensor, classes: Tensor | None) -> Tensor:
    """Return targets as planes of numbers, one for each class: (N, K, h, w)."""
    planes = targets if targets.dim() == 4 else targets[:, None]
    if classes is not None:
        planes = planes[:, :1].cpu() == classes[None, :, None, None]
    return _small(planes[:, :MOST_CLASSES].float())


def _small(pictures: Tensor) -> Tensor:
    """Return pictures with sides of some tens of pixels."""
    height, width = (min(side, LONGEST_SIDE) for side in pictures.shape[-2:])
    return F.adaptive_avg_pool2d(pictures.detach().cpu(), (height, width))


def _features(pictures: Tensor) -> Tensor:
    """Return what is at and around each pixel, whichever way a picture is turned: (N, D, h, w)."""
    found = [torch.ones_like(pictures[:, :1]), pictures]
    for window in WINDOWS:
        mean, square = (
            F.avg_pool2d(x, window, stride=1, padding=window // 2, count_include_pad=False)
            for x in (pictures, pictures.square())
        )
        found += [mean, (square - mean.square()).clamp(min=0).sqrt()]
    return torch.cat(found, 1)


def _fitted(features: Tensor, planes: Tensor) -> Tensor:
    """Return the best sum of features for each plane: (N, K, h, w)."""
    rows = features.movedim(1, -1).flatten(0, -2).double()
    aims = planes.movedim(1, -1).flatten(0, -2).double()
    spread = rows.std(0)
    rows = rows / spread.where(spread > 1e-6, 1.0)
    square = rows.T @ rows + 1e-3 * len(rows) * torch.eye(rows.shape[1])
    found: Tensor = rows @ torch.linalg.solve(square, rows.T @ aims)
    return found.float().view(len(planes), *planes.shape[-2:], -1).movedim(-1, 1)


def _correlation(some: Tensor, others: Tensor) -> Tensor:
    """Return the correlation of two planes or several, for each example: (N,)."""
    a, b = (t.flatten(2) - t.flatten(2).mean(-1, keepdim=True) for t in (some, others))
    a, b = a.flatten(1), b.flatten(1)
    lengths = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(b, dim=1)
    found: Tensor = (a * b).sum(1) / lengths.clamp(min=1e-9)
    return found


def _outputs_agree(
    replay: Replay, moved: Tensor, move: Callable[[Tensor], Tensor], classes: Tensor | None
) -> bool:
    """Whether outputs of the newest step agree better with its targets that seem to be moved."""
    outputs, targets = replay.graph.outputs, replay.graph.targets
    assert outputs is not None and targets is not None
    outputs = outputs if outputs.dim() == 4 else outputs[:, None]
    if outputs.dim() != 4 or len(outputs) != len(targets):
        return False
    if classes is not None:
        outputs = outputs.detach().cpu().softmax(1)[:, classes]
    last = moved[-len(targets) :]
    said, planes = (t[-len(last) :] for t in (_small(outputs.float()), _planes(targets, classes)))
    if said.shape != planes.shape or not bool(last.any()):
        return False
    gain = _correlation(said, move(planes)) - _correlation(said, planes)
    return float(gain[last].mean()) > 0
