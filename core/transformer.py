"""The part that a transformer is made of: a block that looks back, and then thinks.

In the comments B is the batch, T the tokens of a sequence, E the width, H the heads.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.layers import Layer, layers_of

LOOKED_AT = 4  # sequences of a batch whose attention is measured


class Block(nn.Module):
    """Tokens look at those before them, then each thinks for itself (Vaswani et al. 2017).

    Norms stand before the branches and not behind the sums, as in GPT-2.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.heads = heads
        self.entered: Tensor | None = None
        """What the last forward began with, while somebody listens to ``attend``."""
        self.norm = nn.LayerNorm(width)
        self.attend = Layer(nn.Linear(width, 3 * width))
        self.project = Layer(nn.Linear(width, width), dropout=dropout)
        self.norm_too = nn.LayerNorm(width)
        self.expand = Layer(nn.Linear(width, 4 * width), "gelu")
        self.contract = Layer(nn.Linear(4 * width, width), dropout=dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, E) to (B, T, E)."""
        self.entered = x.detach() if self.attend.listener is not None else None
        query, key, value = three(self.attend(self.norm(x)), self.heads)
        return self._think(x, F.scaled_dot_product_attention(query, key, value, is_causal=True))

    def read(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Read on: what is new looks at itself and at what was kept.

        Args:
            x: (B, t, E).
            past: keys and values of what came before, (B, 2, H, p, E / H); None at the beginning.

        Returns:
            (B, t, E), and the keys and values of all, (B, 2, H, p + t, E / H).
        """
        query, key, value = three(self.attend(self.norm(x)), self.heads)
        kept = torch.stack([key, value], 1)
        if past is not None:
            kept = torch.cat([past, kept], 3)
        new, all_ = x.shape[1], kept.shape[3]
        # A single token may look at everything there is.
        mask = None if new == 1 else torch.ones(new, all_, device=x.device).tril(all_ - new).bool()
        key, value = kept.unbind(1)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self._think(x, seen), kept

    def _think(self, x: Tensor, seen: Tensor) -> Tensor:
        """Add both branches to the stream: what was seen (B, H, T, E / H), and the thought."""
        x = x + self.project(seen.transpose(1, 2).reshape(x.shape))
        out: Tensor = x + self.contract(self.expand(self.norm_too(x)))
        return out


def three(attended: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Part what ``attend`` says (B, T, 3E) into query, key and value, each (B, H, T, E / H)."""
    batch, time, width = attended.shape
    parts = attended.view(batch, time, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
    return cast(tuple[Tensor, Tensor, Tensor], parts.unbind())


def attention(attended: Tensor, heads: int) -> Tensor:
    """Return how much each token looks at each before it: (B, T, 3E) to (B, H, T, T)."""
    query, key, _ = three(attended, heads)
    scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5
    ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    shares: Tensor = scores.masked_fill(ahead, float("-inf")).softmax(-1)
    return shares


@torch.no_grad()
def measure_blocks(blocks: Sequence[Block], heard: Mapping[Layer, Tensor]) -> dict[Layer, Tensor]:
    """Return the numbers that only a block's layers have, each (2,), NaN where a layer has none.

    For ``attend`` how evenly a token looks about: the entropy of its attention in nats, the mean
    over tokens and heads (0 looks at one token only, ln T at all of them alike). For ``project``
    and ``contract`` the standard deviation of the residual stream behind them.

    Args:
        blocks: those of a model.
        heard: what the layers have said in one forward, before dropout.
    """
    found: dict[Layer, Tensor] = {}
    for block in blocks:
        if block.entered is None or block.attend not in heard:
            continue
        shares = attention(heard[block.attend][:LOOKED_AT].float(), block.heads)
        entropy = torch.special.entr(shares).sum(-1).mean()
        none = torch.full_like(entropy, float("nan"))
        found[block.attend] = torch.stack([entropy, none])
        stream = block.entered
        for layer in (block.project, block.contract):
            stream = stream + heard[layer]
            found[layer] = torch.stack([none, stream.float().std()])
        block.entered = None
    return found


@torch.no_grad()
def quieten(model: nn.Module, blocks: int) -> None:
    """Let each branch add little at first: the sum of all keeps its size (GPT-2, 2019)."""
    for name, layer in layers_of(model).items():
        if name.endswith(("project", "contract")):
            layer.product.weight.mul_((2 * blocks) ** -0.5)
