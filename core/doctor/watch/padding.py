"""Padding that is read, masks that leave out the tokens in its place, and blanks in targets."""

import torch
from torch import Tensor

from .graph import StepGraph, Wired
from .tape import Op

RECURRENT = frozenset("gru lstm rnn_tanh rnn_relu".split())
PADDED = 0.4
"""Share of rows that end in padding."""
MASKED = 1e4
"""Numbers below the negative of it are those of a mask."""
BY_CLASSES = ("cross_entropy", "nll_loss")
COUNTED, SELDOM = 0.6, 0.1
"""Share of the targets that are padding; and of the tokens that are the same and none."""
MIN_ROWS, ALL = 4, 0.99
"""Rows with padding, and the share of what is left out there that is none."""


def padding_read(graph: StepGraph) -> Wired:
    """The last position of a recurrent network's output, where rows end in padding."""
    if found := _padded_again(graph):
        return found
    tokens = next((t for t in graph.inputs if t.dim() == 2 and not t.is_floating_point()), None)
    if tokens is None or tokens.shape[1] < 3 or len(tokens) < 8:
        return None
    for op in graph.ops:
        if op.name != "getitem" or not isinstance(op.args[1], tuple) or len(op.args[1]) < 2:
            continue
        maker = graph.made_by(op.args[0])
        rows, place = op.args[1][:2]
        states = maker is not None and maker.name in RECURRENT and op.args[0].dim() == 3
        if states and (words := _padding_read_at(tokens, place)):
            return words, op
        last = isinstance(place, int) and place == -1 and isinstance(rows, slice)
        if not last or maker is None or maker.name not in RECURRENT or op.args[0].dim() != 3:
            continue
        if len(op.outputs[0]) != len(tokens):
            continue
        values, counts = torch.unique(tokens[:, -1], return_counts=True)
        pad = values[counts.argmax()]
        padded = float((tokens[:, -2:] == pad).all(1).float().mean())
        begins = float((tokens[:, 0] == pad).float().mean())
        if padded > PADDED and begins < 0.05:
            words = (
                f"{padded:.0%} of the rows end in token {int(pad)}, and their last output is read"
            )
            return words, op
    return None


def _padded_again(graph: StepGraph) -> Wired:
    """The last place of what was padded behind a recurrent network: zeros, where rows are shorter.

    That of ``pad_packed_sequence``, along the first dimension or the second.
    """
    for op in graph.ops:
        index = op.args[1] if op.name == "getitem" else None
        places = index if isinstance(index, tuple) else (index,)
        last = any(isinstance(place, int) and place == -1 for place in places)
        if not last or op.args[0].dim() != 3 or op.outputs[0].dim() != 2:
            continue
        maker, _ = graph.back(op.args[0], frozenset(("index_select", "cpu", "to")))
        if maker is None or maker.name != "pad_packed_sequence":
            continue
        zeros = float((op.outputs[0] == 0).all(1).float().mean())
        if zeros > PADDED:
            words = (
                f"the last output is read of rows that are padded behind the recurrent network:"
                f" {zeros:.0%} of them are zeros"
            )
            return words, op
    return None


def _padding_read_at(tokens: Tensor, place: object) -> str:
    """Say of how many rows padding is read at a place of each one's own; "" of few."""
    if (
        not isinstance(place, Tensor)
        or place.shape != tokens.shape[:1]
        or place.is_floating_point()
    ):
        return ""
    if len(torch.unique(place)) < 2 or int(place.max()) >= tokens.shape[1]:
        return ""
    edges = tokens[:, [0, -1]].flatten()
    values, counts = torch.unique(edges, return_counts=True)
    pad = values[counts.argmax()]
    each = torch.arange(len(tokens), device=tokens.device)
    # The token behind the last one may be there to be read; not the one behind that.
    both = (tokens[each, place] == pad) & (tokens[each, (place - 1).clamp(min=0)] == pad)
    padded = float((both & (place > 0)).float().mean())
    if padded <= PADDED:
        return ""
    return f"of {padded:.0%} of the rows the output is read at a place of token {int(pad)}"


def padding_in_loss(graph: StepGraph) -> Wired:
    """Find a loss that counts padding: most targets are one class behind the end of the tokens."""
    tokens, call = _tokens(graph), graph.loss
    if tokens is None or call is None or call.op.name not in BY_CLASSES:
        return None
    # Losses of each target are weighed by a mask behind it.
    weighed = (
        call.op.argument(2, "weight") is not None or call.op.argument(6, "reduction") == "none"
    )
    if weighed or call.targets.is_floating_point() or call.targets.numel() != tokens.numel():
        return None
    labels = call.targets.reshape(tokens.shape)
    pad, fill = labels[:, -1].mode().values, tokens[:, -1].mode().values
    ignored = call.op.argument(4, "ignore_index", -100)
    if len(torch.unique(labels)) < 3 or bool((labels == ignored).any()):
        return None
    # From behind, as far as nothing but padding comes.
    behind = (tokens == fill).flip(1).long().cumprod(1).flip(1).bool()
    inside = tokens[~behind]
    counted = float((labels[behind] == pad).float().mean()) if bool(behind.any()) else 0.0
    share = float(behind.float().mean())
    if not share > COUNTED or counted < ALL or float((inside == fill).float().mean()) > SELDOM:
        return None
    return f"{share:.0%} of the targets are {int(pad)}, behind the end of what is read", call.op


# Masks.


def mask_upside_down(graph: StepGraph) -> Wired:
    """Find a mask that leaves out the tokens of a row, and keeps its padding."""
    tokens = _tokens(graph)
    if tokens is None:
        return None
    for op in graph.ops:
        kept = _kept(op, tokens)
        if kept is not None and (share := _keeps_padding(tokens, kept)):
            what = "the pooling" if op.name in ("mul", "rmul") else "the attention"
            words = (
                f"{what} leaves out the tokens of {share:.0%} of the rows, and takes their padding:"
                " the mask is upside down"
            )
            return words, op
    return None


def _tokens(graph: StepGraph) -> Tensor | None:
    """Return the tokens of a row (N, T); of rows of numbers, which ones are not all zero."""
    for given in graph.inputs:
        if given.dim() == 2 and not given.is_floating_point():
            return given
        if given.dim() == 3 and given.is_floating_point():
            return (given != 0).any(-1).long()
    return None


def _kept(op: Op, tokens: Tensor) -> Tensor | None:
    """Return which tokens a call keeps by a mask of rows (N, T); None if it has no such mask."""
    if op.name == "multi_head_attention_forward":
        mask = op.argument(14, "key_padding_mask")
        return None if mask is None else _per_token(_passes(mask, left_out=True), tokens)
    if op.name == "scaled_dot_product_attention":
        mask = op.argument(3, "attn_mask")
        return None if mask is None else _per_token(_passes(mask, left_out=False), tokens)
    if op.name == "masked_fill" and len(op.args) > 1 and isinstance(op.args[1], Tensor):
        return _per_token(~op.args[1].bool(), tokens)
    if op.name in ("mul", "rmul"):
        masks = [t for t in op.inputs if t.dim() == 3 and t.shape[-1] == 1 and _is_binary(t)]
        return _per_token(masks[0] != 0, tokens) if masks else None
    return None


def _passes(mask: Tensor, left_out: bool) -> Tensor:
    """Return where a mask lets attention look: it adds -inf, or says which are left out or kept."""
    if mask.is_floating_point():
        return mask > -MASKED
    return ~mask.bool() if left_out else mask.bool()


def _is_binary(mask: Tensor) -> bool:
    return bool(((mask == 0) | (mask == 1)).all())


def _per_token(kept: Tensor, tokens: Tensor) -> Tensor | None:
    """Return a mask of keys, or of what is pooled, as one of tokens (N, T); None."""
    rows, length = tokens.shape
    if kept.dim() == 3 and kept.shape == (rows, length, 1):  # of what is pooled
        return kept[..., 0]
    if kept.dim() > 2 and kept.shape[0] == rows and kept.shape[-1] == length:
        return kept.flatten(1, -2).any(1)  # by any query and head
    return kept if kept.shape == tokens.shape else None


def _keeps_padding(tokens: Tensor, kept: Tensor) -> float:
    """Return the share of the rows of which one token alone is kept, at one end; 0 if none is."""
    some = kept.any(1) & ~kept.all(1)
    if int(some.sum()) < max(MIN_ROWS, len(tokens) / 2):
        return 0.0
    tokens, kept = tokens[some], kept[some]
    values = torch.unique(tokens[kept])
    left_out = tokens[~kept]
    at_an_end = (kept[:, 1:] != kept[:, :-1]).sum(1) <= 1
    if len(values) != 1 or not bool(at_an_end.all()):
        return 0.0
    others = left_out != values[0]
    # Rows of numbers are told from rows of zeros alone.
    varied = len(torch.unique(left_out)) > 2 or (int(tokens.max()) == 1 and not int(values[0]))
    return float(some.float().mean()) if varied and float(others.float().mean()) > ALL else 0.0


def blank_in_targets(graph: StepGraph) -> Wired:
    """Targets of a CTC loss, as long as they are said to be, in which its blank stands.

    The blank is what is said between two labels; a label of that number is never learned.
    """
    for op in graph.ops:
        if op.name != "ctc_loss":
            continue
        targets, lengths = op.argument(1, "targets"), op.argument(3, "target_lengths")
        blank = op.argument(4, "blank", 0)
        counts = torch.as_tensor(lengths).flatten().tolist()  # of one example alone a number
        if targets.dim() > 1:
            rows = zip(targets, counts, strict=True)
            targets = torch.cat([row[:count] for row, count in rows])
        else:
            targets = targets[: sum(counts)]
        found = int((targets == blank).sum())
        if found:
            words = f"{found} of {len(targets)} targets of the CTC loss are {blank}, its blank"
            return words, op
    return None
