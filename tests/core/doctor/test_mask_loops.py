"""Loops over rows with padding, whose mask leaves out the tokens or the padding."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.core.doctor.test_wired_loops import first, train

ROWS, LENGTH, WIDE = 16, 8, 16


@pytest.fixture(autouse=True)
def seeded():
    """The same numbers each time."""
    torch.manual_seed(0)


class Own(nn.Module):
    """Attention by hand: scores that are masked before the softmax."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDE, 3 * WIDE)

    def forward(self, h, kept):
        q, k, v = self.qkv(h).chunk(3, -1)
        scores = q @ k.transpose(1, 2) / WIDE**0.5
        return h + scores.masked_fill(~kept[:, None], -1e9).softmax(-1) @ v


class Fused(nn.Module):
    """torch's own function, whose mask says what is kept."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDE, 3 * WIDE)

    def forward(self, h, kept):
        q, k, v = self.qkv(h)[:, None].chunk(3, -1)
        return h + F.scaled_dot_product_attention(q, k, v, attn_mask=kept[:, None, None])[:, 0]


class Layer(nn.Module):
    """torch's own layer, whose mask says what is left out."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(WIDE, 2, WIDE, dropout=0.0, batch_first=True)

    def forward(self, h, kept):
        return self.layer(h, src_key_padding_mask=~kept)


class Pool(nn.Module):
    """A mean over what is kept."""

    def forward(self, h, kept):
        mean = (h * kept[..., None].float()).sum(1) / kept.sum(1, keepdim=True)
        return mean[:, None]


KINDS = {"own": Own, "fused": Fused, "layer": Layer, "pool": Pool}


@pytest.mark.parametrize("upside_down", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_of_padding(kind, upside_down):
    """A row of two to six tokens behind a first one, in which the label can be read."""
    lengths = torch.randint(3, LENGTH - 1, (300, 1))
    words = torch.randint(1, 7, (300, LENGTH))
    words[torch.arange(LENGTH) >= lengths] = 0
    y = (words == 1).any(1).long()
    emb, mix, out = nn.Embedding(7, WIDE), KINDS[kind](), nn.Linear(WIDE, 2)
    places = nn.Parameter(0.1 * torch.randn(LENGTH, WIDE))
    optimizer = torch.optim.Adam([*nn.ModuleList((emb, mix, out)).parameters(), places], lr=2e-3)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        kept = words[i] == 0 if upside_down else words[i] != 0
        return F.cross_entropy(out(mix(emb(words[i]) + places, kept)[:, 0]), y[i])

    found = train(loss, emb, mix, out, optimizer=optimizer)
    assert (first(found) == "inputs_ignored") == upside_down, found.text()


@pytest.mark.parametrize("upside_down", [True, False])
def test_a_mask_of_rows_of_zeros(upside_down):
    """Series of numbers that end in zeros."""
    lengths = torch.randint(3, LENGTH - 1, (300, 1))
    x = torch.randn(300, LENGTH, 3) * (torch.arange(LENGTH) < lengths)[..., None]
    y = (x.sum((1, 2)) > 0).long()
    enter, mix, out = nn.Linear(3, WIDE), Own(), nn.Linear(WIDE, 2)

    def loss(step):
        i = torch.randint(0, 300, (ROWS,))
        tokens = torch.arange(LENGTH) < lengths[i]
        return F.cross_entropy(
            out(mix(enter(x[i]), ~tokens if upside_down else tokens)[:, 0]), y[i]
        )

    found = train(loss, enter, mix, out)
    assert (first(found) == "inputs_ignored") == upside_down, found.text()
