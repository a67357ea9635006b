"""How often each class is drawn, where a loop draws them otherwise than they occur.

As by a sampler with weights, for a class that is rare. A network that has learned from every fifth
example being a failure is wrong about data in which every sixtieth is, and right to be: what it is
compared on, and what other networks learn from, has to have the shares of its batches.
"""

import torch
from torch import Tensor

from .replay import Replay

MOST_CLASSES, FEWEST_BATCHES = 100, 8
ERRORS, OTHER = 5.0, 1.5
"""Standard errors of the mean over batches, and times a share, by which another one is not so by
chance."""


def drawn_shares(replay: Replay, labels: Tensor) -> dict[float, float]:
    """Return the share of each class in the batches; nothing where it is about that in the data.

    Args:
        replay: has batches of several steps.
        labels: of the data that they are drawn from, a row each.
    """
    drawn, labels = [aims.flatten().cpu() for _, aims in replay.batches], labels.cpu()
    if labels[0].numel() != 1 or len(drawn) < FEWEST_BATCHES:
        return {}
    classes, counts = torch.unique(labels, return_counts=True)
    if not 1 < len(classes) <= MOST_CLASSES:
        return {}
    if not all(bool(torch.isin(aims, classes.to(aims)).all()) for aims in drawn):
        return {}  # what it is compared with is made of labels, and is none itself
    each = torch.stack([(aims[:, None] == classes.to(aims)).float().mean(0) for aims in drawn])
    shares, known = each.mean(0), counts / len(labels)
    # Where classes come one after another batches differ, and their mean says little.
    size = sum(map(len, drawn))
    error = (each.var(0) / len(drawn)).sqrt() + (known * (1 - known) / size).sqrt()
    other = (shares > OTHER * known) | (shares < known / OTHER)
    if not bool((other & ((shares - known).abs() > ERRORS * error)).any()):
        return {}
    return dict(zip(classes.tolist(), shares.tolist(), strict=True))


def drawn_again(
    labels: Tensor, shares: dict[float, float], count: int, generator: torch.Generator
) -> Tensor:
    """Return so many rows of these shares, some of them several times, as a sampler draws them."""
    odds = torch.zeros(len(labels))
    for name, share in shares.items():
        rows = labels.flatten().cpu() == name
        odds[rows] = share / max(1, int(rows.sum()))
    return torch.multinomial(odds, count, replacement=True, generator=generator)


def of_shares(
    labels: Tensor, shares: dict[float, float], most: int, generator: torch.Generator
) -> Tensor:
    """Return as many rows of these shares as there are, each once."""
    order = torch.randperm(len(labels), generator=generator)
    mixed = labels.flatten().cpu()[order]
    of_each = {name: order[mixed == name] for name, share in shares.items() if share > 0}
    of_each = {name: rows for name, rows in of_each.items() if len(rows)}
    most = min([most, *(int(len(rows) / shares[name]) for name, rows in of_each.items())])
    chosen = torch.cat([rows[: round(most * shares[name])] for name, rows in of_each.items()])
    return chosen[torch.randperm(len(chosen), generator=generator)]
