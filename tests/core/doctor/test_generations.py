"""Loops that generate afterwards: contexts that stay, or whose newest token is at the wrong end."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core import watch

TOKENS, CONTEXT = 30, 3


def windows(newest_first=False, ends=False):
    """Rows of three tokens of a walk, and the next one; ``ends``: of each second row only zeros."""
    generator = torch.Generator().manual_seed(0)
    walk = [1]
    for step in torch.randint(1, 4, (900,), generator=generator).tolist():
        walk.append(1 + (walk[-1] + step) % (TOKENS - 1))
    rows = torch.tensor(walk).unfold(0, CONTEXT + 1, 1)
    x, y = rows[:, :-1], rows[:, -1]
    if ends:
        x, y = torch.zeros(900, CONTEXT, dtype=torch.long), torch.zeros(900, dtype=torch.long)
        x[::2], y[::2] = rows[:450, :-1], rows[:450, -1]
    return (x.flip(1) if newest_first else x).contiguous(), y


def rows_of(x, y):
    """Draw some rows."""
    i = torch.randint(0, len(x), (32,))
    return x[i], y[i]


def causes(x, y, generate, steps=60, cut=rows_of):
    """Train a small network on windows, let it generate, and return the ids of its causes."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Embedding(TOKENS, 8), nn.Flatten(), nn.Linear(8 * CONTEXT, 32), nn.Tanh(),
        nn.Linear(32, TOKENS),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with watch(net, quiet=True, record=False, budget=0.0) as seen:
        for _ in range(steps):
            given, aims = cut(x, y)
            loss = F.cross_entropy(net(given), aims)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.step(loss)
    with seen.using(), torch.no_grad():
        generate(lambda context: net(context).softmax(1).multinomial(1))
    return [cause.id for cause in seen.diagnosis.causes]


def by_lists(place):
    """Keep the context in a list, with the newest token at its end or in front."""

    def generate(draw):
        context = [1, 2, 3]
        for _ in range(12):
            new = int(draw(torch.tensor([context])))
            context = [*context[1:], new] if place else [new, *context[:-1]]

    return generate


def by_cat(place):
    """Let several texts grow, of which the network sees one end."""

    def generate(draw):
        text = torch.arange(1, 13).view(4, 3)
        for _ in range(12):
            new = draw(text[:, -CONTEXT:] if place else text[:, :CONTEXT])
            text = torch.cat([text, new] if place else [new, text], 1)

    return generate


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("way", [by_lists, by_cat])
@pytest.mark.parametrize("at_end", [True, False])
def test_the_end_of_the_newest_token(newest_first, way, at_end):
    """Where it is in training: wrong is only the other one."""
    found = causes(*windows(newest_first), way(at_end))
    assert found == ([] if at_end != newest_first else ["train_eval_mismatch"])


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("at_end", [True, False])
def test_windows_of_a_text(ahead, at_end):
    """They are cut while it is read, forwards or backwards."""
    text = windows()[0][:, 0]

    def cut(x, y):
        starts = torch.randint(0, len(text) - CONTEXT, (32,)).tolist()
        given = torch.stack([text[i + 1 - ahead : i + 1 - ahead + CONTEXT] for i in starts])
        return given, torch.stack([text[i + CONTEXT * ahead] for i in starts])

    found = causes(text, text, by_lists(at_end), cut=cut)
    assert found == ([] if at_end == ahead else ["train_eval_mismatch"])


def many_texts(draw):
    """Begin anew as soon as 0 is drawn."""
    for _ in range(12):
        context = [0] * CONTEXT
        while len(context) < 20:
            context.append(int(draw(torch.tensor([context[-CONTEXT:]]))))
            if context[-1] == 0:
                break


def test_texts_that_end_at_once_have_no_frozen_context():
    """Zeros follow zeros: the context that moves on looks as it did."""
    assert "context_frozen" not in causes(*windows(ends=True), many_texts, 200)


def test_a_frozen_context():
    """Tokens that differ, all of the first context."""

    def generate(draw):
        for _ in range(20):
            draw(torch.tensor([[1, 2, 3]]))

    assert causes(*windows(), generate)[:1] == ["context_frozen"]
