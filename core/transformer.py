"""The part that a transformer is made of: a block that looks back, and then thinks.

In the comments B is the batch, T the tokens of a sequence, E the width, H the heads.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Layer, LowRankLinear, layers_of

LOOKED_AT = 4  # sequences of a batch whose attention is measured
TINY = 1e-6  # keeps a query of zeros what it is
SLOWEST = 1000.0  # how much slower the last pair of dimensions is turned than the first


class Block(nn.Module):
    """Tokens look at those before them, then each thinks for itself (Vaswani et al. 2017).

    Norms stand before the branches and not behind the sums, as in GPT-2.

    Attributes:
        rotary: whether queries and keys are turned by their place, so that only distances count
            (Su et al. 2021); else the places have to be in what comes in.
        qk_norm: whether queries and keys have all the same length (Henry et al. 2020).
        sharpness: what their products are multiplied by, so that attention is neither even nor
            hard at first, whatever their number of dimensions.

    Args:
        bias: whether norms and products add something of their own.
        gelu: the nonlinearity: "gelu", or "gelu_tanh" as GPT-2 has it.
        rank: of the additions to the attention's products; 0 for none.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        dropout: float = 0.0,
        rotary: bool = False,
        qk_norm: bool = False,
        bias: bool = True,
        gelu: str = "gelu",
        rank: int = 0,
    ) -> None:
        super().__init__()
        self.width = width
        self.heads = heads
        self.rotary = rotary
        self.qk_norm = qk_norm
        size = width // heads
        self.sharpness = size**0.5 if qk_norm else size**-0.5
        self.entered: Tensor | None = None
        """What the last forward began with, while somebody listens to ``attend``."""
        self.norm = nn.LayerNorm(width, bias=bias)
        self.attend = Layer(_product(width, 3 * width, bias, rank))
        self.project = Layer(_product(width, width, bias, rank), dropout=dropout)
        self.norm_too = nn.LayerNorm(width, bias=bias)
        self.expand = Layer(nn.Linear(width, 4 * width, bias), gelu)
        self.contract = Layer(nn.Linear(4 * width, width, bias), dropout=dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, E) to (B, T, E)."""
        self.entered = x.detach() if self.attend.listener is not None else None
        query, key, value = self.three(self.attend.forward(self.norm.forward(x)))
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            # A processor's attention takes four times as long in half precision.
            with torch.autocast("cpu", enabled=False):
                parts = query.float(), key.float(), value.float()
                seen = F.scaled_dot_product_attention(*parts, is_causal=True, scale=self.sharpness)
        else:
            seen = F.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=self.sharpness
            )
        return self._think(x, seen)

    def read(self, x: Tensor, kept: Tensor, first: int) -> Tensor:
        """Read on: what is new looks at itself and at what was kept, and is kept too.

        Args:
            x: (B, t, E).
            kept: room for the keys and values of a whole context, (2, B, H, C, E / H), of which
                the first ``first`` places are filled; the next t are filled here.
            first: the place of the first new token.

        Returns:
            (B, t, E).
        """
        query, key, value = self.three(self.attend.forward(self.norm.forward(x)), first)
        new, end = x.shape[1], first + x.shape[1]
        keys, values = kept.narrow(3, 0, end).unbind()
        keys.narrow(2, first, new).copy_(key)
        values.narrow(2, first, new).copy_(value)
        # A single token may look at everything there is.
        mask = None if new == 1 else torch.ones(new, end, device=x.device).tril(first).bool()
        seen = F.scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, scale=self.sharpness
        )
        return self._think(x, seen)

    def three(self, attended: Tensor, first: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Part what ``attend`` says into query, key and value.

        Args:
            attended: (B, T, 3E).
            first: the place of the first token.

        Returns:
            Three tensors (B, H, T, E / H).
        """
        batch, time, width = attended.shape
        parts = attended.view(batch, time, 3, self.heads, width // 3 // self.heads)
        if not (self.qk_norm or self.rotary):
            query, key, value = parts.unbind(2)
            return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        both, value = parts[:, :, :2], parts[:, :, 2]
        if self.qk_norm:
            # By hand: torch's own norm takes three times as long for one token.
            both = both / torch.linalg.vector_norm(both, dim=-1, keepdim=True).clamp(min=TINY)
        if self.rotary:
            both = _turn(both, first)
        query, key = both.unbind(2)
        return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)

    def attention(self, attended: Tensor) -> Tensor:
        """Return how much each token looks at each before it: (B, T, 3E) to (B, H, T, T)."""
        query, key, _ = self.three(attended)
        scores = query @ key.transpose(-1, -2) * self.sharpness
        ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        shares: Tensor = scores.masked_fill(ahead, float("-inf")).softmax(-1)
        return shares

    def _think(self, x: Tensor, seen: Tensor) -> Tensor:
        """Add both branches to the stream: what was seen (B, H, T, E / H), and the thought."""
        x = x + self.project.forward(seen.transpose(1, 2).reshape(x.shape))
        return x + self.contract.forward(self.expand.forward(self.norm_too.forward(x)))


def _product(inputs: int, outputs: int, bias: bool, rank: int) -> nn.Linear:
    if rank:
        return LowRankLinear(inputs, outputs, bias, rank)
    return nn.Linear(inputs, outputs, bias)


@lru_cache(maxsize=8)
def _turns(places: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return what vectors are multiplied by at each place to be turned, each (places, 1, 1, size).

    The first for the vector itself, the cosines; the second for the vector with its halves
    swapped, the sines, negative in the first half.
    """
    half = size // 2
    # Whoever asks first: a table that was made while sampling serves a training, too.
    with torch.inference_mode(False):
        speeds = SLOWEST ** -(torch.arange(half, device=device) / half)
        angles = torch.arange(places, device=device)[:, None, None, None] * speeds
        cosine, sine = angles.cos(), angles.sin()
        return torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1)


def _turn(x: Tensor, first: int) -> Tensor:
    """Turn pairs of dimensions by their place: (B, T, ..., H, D), the first at this place."""
    size, end = x.shape[-1], first + x.shape[1]
    # Tables of a power of two, so that a growing text does not need new ones at each token.
    itself, exchanged = _turns(1 << (end - 1).bit_length(), size, x.device)
    turned = x.roll(size // 2, -1) * exchanged[first:end]
    return torch.addcmul(turned, x, itself[first:end])


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
        shares = block.attention(heard[block.attend][:LOOKED_AT].float())
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
def quieten(model: nn.Module, blocks: int, share: float = 1.0) -> None:
    """Let each branch add little at first: the sum of all keeps its size (GPT-2, 2019).

    Args:
        model: made of blocks.
        blocks: how many there are.
        share: how much of that a branch adds; near zero, each block begins by handing on what it
            was given, and is soon heard as far as it helps (Bachlechner et al. 2020, "ReZero").
    """
    for name, layer in layers_of(model).items():
        if name.endswith(("project", "contract")):
            layer.product.weight.mul_(share * (2 * blocks) ** -0.5)
