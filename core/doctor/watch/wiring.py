"""How a network is wired: what stands in its calls that hardly anybody means.

Each finding is named by the cause that it is; :func:`wiring` says it in words.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from .contexts import LOOK_UPS, index_of
from .data_wiring import interpolated_classes, overwritten
from .diffusion_noise import uniform_noise
from .episode_ends import ends_ignored
from .graph import StepGraph, Wired, made_without_data
from .loss_wiring import minimised_similarity, wrong_form, zeros_of_a_mask
from .node_wiring import mixed_graphs, summed_neighbours
from .padding import (
    RECURRENT,
    blank_in_targets,
    mask_upside_down,
    padding_in_loss,
    padding_read,
)
from .pairs import pushed_although_alike
from .policy_wiring import unlearns_rewards
from .returns import returns_of_the_past
from .shared_targets import hidden_in_targets, shifted_twice
from .tape import PRODUCTS, RANDOM, Op
from .variables import Variables

RESHAPES = ("view", "reshape")
REGROUPS = (*RESHAPES, "flatten", "unflatten")
MOVES = frozenset(
    (
        "view reshape flatten contiguous transpose permute movedim swapaxes t T mT getitem chunk "
        "split unbind squeeze unsqueeze unflatten float to"
    ).split()
)
"""Calls that only move numbers."""
SCALES = frozenset(
    "mul rmul imul div truediv rtruediv itruediv normalize rms_norm layer_norm".split()
)
BEFORE_SOFTMAX = (
    MOVES | SCALES | frozenset("masked_fill add radd iadd sub where dropout clamp tanh".split())
)
SPLITS = (MOVES | SCALES | {"add", "radd", "iadd"}) - set(
    "transpose permute movedim swapaxes t T mT".split()
)
"""Calls between a layer and the reshape that splits its outputs into heads."""
MASKS = ("masked_fill", "mul", "rmul", "imul", "where")
WIDE, LARGE_LOGITS = 16, 1.0
"""Width of queries, and standard deviation of their products with keys, that ask for a scale."""
HARDLY_SCALED = 0.5
"""A factor from which on it is none for products that wide."""
FEW_EXAMPLES, FEW_VALUES = 2, 8
"""Of a batch norm: examples, and values of a channel, below which their variance means little."""
NORMS = frozenset(
    (
        "batch_norm layer_norm group_norm instance_norm rms_norm normalize std var std_mean"
        " var_mean rsqrt norm"
    ).split()
)
MANY_BLOCKS, GROWS = 5, 10.0
"""Residual branches, and times by which their sum grows, that ask for a normalisation."""
MIN_ANSWERS, SHIFTED = 64, 0.5
"""Tokens to be said; and the share of them that are the next ones of a decoder's input."""
SHIFTS = frozenset("getitem narrow roll pad split chunk unbind".split())
"""Calls by which tokens that were looked up may come to another place."""
NORMAL = ("randn", "randn_like", "normal")
ATTENTION, BATCH_NORM, RECURRENCE = "attention", "batch norm", "recurrence"
PLACES, BOOTSTRAP = "sequence of classes", "target of rewards and later values"
CUTS, MANY_CALLS = ("detach", "data"), 3
"""Calls that leave a gradient behind; and calls of a layer that make it a recurrent one."""


def wiring(graph: StepGraph, variables: Variables) -> tuple[tuple[str, str], ...]:
    """Return what is wired oddly in a step: the cause and how it shows, in words."""
    with torch.no_grad():
        found = [(cause, find(graph, variables)) for cause, find in FINDINGS.items()]
    return tuple((cause, one[0]) for cause, one in found if one)


def parts(graph: StepGraph) -> frozenset[str]:
    """Return which of the parts a step has that not all networks have, and rules ask for."""
    calls = Counter(id(t) for op in graph.ops for t in op.inputs if id(t) in graph.weights)
    names = {op.name for op in graph.ops}
    given = graph.inputs[0] if graph.inputs else None
    has = {
        ATTENTION: attends(graph),
        BATCH_NORM: "batch_norm" in names,
        RECURRENCE: bool(names & RECURRENT) or max(calls.values(), default=0) >= MANY_CALLS,
        PLACES: _has_places(graph.targets, given),
        BOOTSTRAP: bool(graph.tape.bootstraps),
    }
    return frozenset(part for part, there in has.items() if there)


def _has_places(targets: Tensor | None, given: Tensor | None) -> bool:
    """Whether there are several classes to tell for a row of the inputs."""
    if targets is None or given is None or targets.is_floating_point() or not given.dim():
        return False
    return targets.numel() > len(given)


def wired_in(cause: str, graph: StepGraph, variables: Variables) -> Op | None:
    """Return the call in which something is wired oddly; None if it is none, or in no call."""
    with torch.no_grad():
        found = FINDINGS[cause](graph, variables) if cause in FINDINGS else None
    return found[1] if found else None


def _dims_scrambled(graph: StepGraph, variables: Variables) -> Wired:
    """A view or reshape in the place of a transpose: the numbers stay in their order."""
    for op in graph.ops:
        if op.name not in RESHAPES or graph.kind(op.args[0]) not in ("data", "signal"):
            continue
        before, after = tuple(op.args[0].shape), tuple(op.outputs[0].shape)
        # Examples may have become steps, as of a batch that a recurrent network wants behind them.
        swapped = before[:1] != after[:1] and len(before) == len(after) > 2
        kept = 0 if swapped else 1
        sizes = [[size for size in shape[kept:] if size > 1] for shape in (before, after)]
        same = before[:1] == after[:1] or (swapped and not _in_pieces(graph, op))
        if same and sizes[0] != sizes[1] and sorted(sizes[0]) == sorted(sizes[1]):
            return f"{op.name} makes {after} of {before}, and moves no number", op
    return _heads_not_moved(graph)


def _in_pieces(graph: StepGraph, reshape: Op) -> bool:
    """Whether a reshape cuts examples into pieces, as many as wide, that another joins; or joins.

    Between the two no recurrent layer may take the first dimension for its steps.
    """
    for first in (op for op in graph.ops if op.name in REGROUPS):
        made = {id(first.outputs[0])}
        for op in graph.ops[graph.ops.index(first) + 1 :]:
            if not any(id(t) in made for t in op.inputs):
                continue
            if op.name in RECURRENT and not op.args[-1]:  # not batch_first
                break
            made |= {id(t) for t in op.outputs}
            comes_back = op.outputs[0].shape[:1] == first.args[0].shape[:1]
            if reshape in (first, op) and op.name in REGROUPS and comes_back:
                return True
    return False


def _state_detached(graph: StepGraph, variables: Variables) -> Wired:
    """Between the steps of one sequence: what came before the last is not learned from.

    Where each step has a loss of its own, as over several windows, more than the last is reached;
    and an input that is moved along a gradient, a network that is iterated without one, and a
    window of a long sequence are no steps of a recurrence.
    """
    reached = {id(graph.tape.root)}
    for op in reversed(graph.tape.ops):
        if getattr(op.function, "__name__", "") == "grad":
            return None
        if any(id(t) in reached and t.requires_grad for t in op.outputs):
            reached |= {id(t) for t in op.inputs if t.requires_grad}
    calls_of: dict[int, list[Op]] = {}
    for op in graph.ops:
        window = op.name in RECURRENT and min(op.inputs[0].shape[:2]) > 1
        for tensor in op.inputs if op.grad_enabled and not window else ():
            if id(tensor) in graph.weights and tensor.dim() > 1:
                calls_of.setdefault(id(tensor), []).append(op)
    for key, calls in calls_of.items():
        if len(calls) < MANY_CALLS or id(calls[-1].outputs[0]) not in reached:
            continue
        if any(id(t) in reached for op in calls[:-1] for t in op.outputs):
            continue
        before = graph.ancestors(calls[-1].outputs[0])
        cuts = [
            op
            for op in graph.ops
            if op.name in CUTS
            and id(op.outputs[0]) in before
            and graph.kind(op.inputs[0]) == "signal"
        ]
        if len(cuts) >= len(calls) - 1:
            name = variables.name(graph.weights[key])
            words = f"the state is detached between {len(calls)} steps through {name}"
            return f"{words}: the gradient of the loss reaches the last alone", cuts[-1]
    return None


# Positions.


def _one_position(graph: StepGraph, variables: Variables) -> Wired:
    """One row of a table of positions, for every place of a sequence."""
    given = next((t for t in graph.inputs if t.dim() > 1), None)
    if given is None:
        return None
    counted = made_without_data(graph.tape.ops)
    rows, length = given.shape[:2]
    for op in graph.ops:
        index = index_of(op) if op.name in LOOK_UPS else None
        table = next((t for t in op.inputs if graph.kind(t) == "weights"), None)
        if index is None or table is None or id(index) not in counted:
            continue
        of_places = index.shape in ((length,), (1, length), (rows, length)) and length != rows
        if (
            of_places
            and length > 2
            and len(table) >= length
            and bool((index == index[..., :1]).all())
        ):
            words = f"row {int(index.flatten()[0])} of a table of {len(table)} positions"
            return f"{words} is added at each of {length} places", op
    return None


# Attention.


def attentions(graph: StepGraph) -> list[tuple[Op, Op, list[Op]]]:
    """Return each softmax of a product of two signals, that product, and what lies between."""
    found = []
    for op in graph.ops:
        if op.name != "softmax" or graph.kind(op.outputs[0]) != "signal":
            continue
        product, between = graph.back(op.args[0], BEFORE_SOFTMAX)
        if product is None or product.name not in PRODUCTS or op.outputs[0].dim() < 2:
            continue
        if sum(graph.kind(t) == "signal" for t in product.inputs) == 2:
            found.append((op, product, between))
    return found


def _heads_not_moved(graph: StepGraph) -> Wired:
    found = next(unmoved_heads(graph), None)
    return (_says_heads(found), found) if found is not None else None


def unmoved_heads(graph: StepGraph) -> Iterator[Op]:
    """Yield where heads are split off tokens, or joined behind them, by a reshape alone.

    Tokens (B, L, h * d) as (B, h, L, d): of a head, rows are no tokens, but pieces of few of them.
    """
    given, made = [], []
    for softmax, product, _ in attentions(graph):
        behind = [op.outputs[0] for op in graph.users(softmax.outputs[0]) if op.name == "dropout"]
        shares = (softmax.outputs[0], *behind)
        weighs = [op for t in shares for op in graph.users(t) if _weighs_values(op, t)]
        given += [*product.inputs[:2], *(op.inputs[1] for op in weighs if len(op.inputs) > 1)]
        made += [op.outputs[0] for op in weighs]
    for op in graph.ops:
        if op.name == "scaled_dot_product_attention":
            given += op.inputs[:3]
            made += op.outputs[:1]
    for tensor in given:
        split = _reshaped_by(graph, tensor)
        if split is not None and _heads_before_tokens(
            split.args[0].shape, split.outputs[0].shape, tensor
        ):
            source, _ = graph.back(split.args[0], SPLITS)
            if source is not None and source.name in PRODUCTS and "conv" not in source.name:
                yield split
    for tensor in made:
        for op in graph.users(tensor):
            reshaped = op.name in RESHAPES and op.args[0] is tensor
            if reshaped and _heads_before_tokens(op.outputs[0].shape, tensor.shape, tensor):
                yield op


def _says_heads(op: Op) -> str:
    before, after = tuple(op.args[0].shape), tuple(op.outputs[0].shape)
    words = f"{op.name} makes {after} of {before}, and moves no number"
    return f"{words}: tokens and features are mixed among the heads"


def _reshaped_by(graph: StepGraph, value: Tensor) -> Op | None:
    """Return the reshape that a factor of an attention came from, with the same two last sizes."""
    for _ in range(12):
        op = graph.made_by(value)
        signals = [t for t in op.inputs if graph.kind(t) == "signal"] if op is not None else []
        if op is None or not signals or op.name in PRODUCTS:
            return None
        if op.name in RESHAPES and op.args[0].shape != op.outputs[0].shape:
            return op
        value = signals[0]
    return None


def _heads_before_tokens(flat: torch.Size, heads: torch.Size, used: Tensor) -> bool:
    """Whether shapes are tokens (..., L, h * d) and heads of them (..., h, L, d), or (B * h, L, d).

    Where there are as many heads as tokens, a shape does not tell which of both stand first.
    """
    if len(flat) < 2 or len(heads) < len(flat) or len(heads) < 3:
        return False
    first, length, wide = len(flat) - 2, flat[-2], heads[-1]
    if heads[-2] != length or length < 2 or not 0 < wide < flat[-1] or flat[-1] % wide:
        return False
    if {used.shape[-1], used.shape[-2]} != {length, wide}:
        return False
    if len(heads) > len(flat):
        return heads[:first] == flat[:first] and heads[first] != length
    return len(flat) == 3 and heads[0] == flat[0] * (flat[-1] // wide)


def _attention_unscaled(graph: StepGraph, variables: Variables) -> Wired:
    """Self-attention by plain products of queries and keys."""
    for _, product, between in attentions(graph):
        signals = [t for t in product.inputs if graph.kind(t) == "signal"]
        sources = [graph.back(t, MOVES | SCALES) for t in signals]
        linear = [op for op, _ in sources if op is not None and op.name in PRODUCTS]
        passed = [*between, *(op for _, ops in sources for op in ops)]
        if len(linear) < 2 or any(_makes_smaller(op) for op in passed):
            continue
        width, logits = signals[0].shape[-1], product.outputs[0].float()
        of_one = linear[0].operand(0) is linear[1].operand(0)
        size = float(logits[torch.isfinite(logits)].std())
        if of_one and width >= WIDE and size > LARGE_LOGITS:
            words = (
                f"products of queries and keys of {width} numbers go into the softmax as they are,"
                f" with a standard deviation of {size:.2g}"
            )
            return words, product
    return None


def _makes_smaller(op: Op) -> bool:
    """Whether it normalises, or multiplies by anything but a number that leaves a signal large."""
    if op.name not in SCALES:
        return False
    factors = [a for a in (*op.args, *op.kwargs.values()) if isinstance(a, int | float)]
    if ("mul" not in op.name and "div" not in op.name) or not factors or not factors[0]:
        return True
    factor = abs(factors[0]) if "mul" in op.name else 1 / abs(factors[0])
    return factor < HARDLY_SCALED


def _weighs_values(op: Op, shares: Tensor) -> bool:
    return op.name in ("matmul", "bmm") and op.operand(0) is shares


def _attention_axis(graph: StepGraph, variables: Variables) -> Wired:
    """Shares that are summed up along one axis, and were made along another."""
    for softmax, _, _ in attentions(graph):
        shares, dim = softmax.outputs[0], softmax.argument(1, "dim")
        if not isinstance(dim, int) or dim % shares.dim() == shares.dim() - 1:
            continue
        behind = [op.outputs[0] for op in graph.users(shares) if op.name == "dropout"]
        if any(_weighs_values(op, t) for t in (shares, *behind) for op in graph.users(t)):
            words = f"the softmax runs along dimension {dim} of {tuple(shares.shape)}, not the last"
            return words, softmax
    return None


def _attention_mask_late(graph: StepGraph, variables: Variables) -> Wired:
    """Shares that are set to zero after their softmax, so that they don't sum to one."""
    random = {id(t) for op in graph.tape.ops if op.name in RANDOM for t in op.outputs}
    for softmax, _, _ in attentions(graph):
        shares = softmax.outputs[0]
        for op in graph.users(shares):
            masks = [t for t in op.inputs if t is not shares and graph.kind(t) != "signal"]
            masks = [t for t in masks if t.shape[-2:] == shares.shape[-2:]]
            if op.name not in MASKS or not masks or shares.shape[-1] != shares.shape[-2]:
                continue
            if graph.ancestors(masks[0]) & random:
                continue  # dropout by hand
            if any(_weighs_values(user, op.outputs[0]) for user in graph.users(op.outputs[0])):
                left = float(op.outputs[0].float().sum(-1).mean())
                if left < 1 - 1e-3:
                    words = f"{op.name} comes after the softmax: shares sum to {left:.2f}, not to 1"
                    return words, op
    return None


def _self_attentions(graph: StepGraph) -> list[tuple[Op, Tensor]]:
    """Return what weighs the values by an attention of one signal to itself, and that signal."""
    found = []
    for softmax, product, _ in attentions(graph):
        made = [graph.back(t, MOVES)[0] for t in product.inputs if graph.kind(t) == "signal"]
        sources = [op.operand(0) for op in made if op is not None and op.name in PRODUCTS]
        if len(sources) == 2 and sources[0] is sources[1]:
            found.append((softmax, sources[0]))
    for op in graph.ops:
        if op.name == "multi_head_attention_forward" and op.args[0] is op.args[1]:
            found.append((op, op.args[0]))
        elif op.name == "scaled_dot_product_attention":
            made = [graph.back(t, MOVES)[0] for t in op.args[:2]]
            sources = [m.operand(0) for m in made if m is not None and m.name in PRODUCTS]
            if len(sources) == 2 and sources[0] is sources[1]:
                found.append((op, sources[0]))
    return found


def _residual_missing(graph: StepGraph, variables: Variables) -> Wired:
    """Several self-attentions, and around none of them a path that adds what it was given."""
    attentions = _self_attentions(graph)
    used = {frozenset(graph.origin.get(id(op.outputs[0]), ())) for op, _ in attentions}
    if len(used) < 2:
        return None
    adds = [
        [graph.ancestors(t) for t in op.inputs[:2]]
        for op in graph.ops
        if op.name in ("add", "iadd", "radd")
        and sum(graph.kind(t) == "signal" for t in op.inputs) > 1
    ]
    for op, _ in attentions:
        mine = id(op.outputs[0])
        if any((mine in a) != (mine in b) for a, b in adds):
            return None
    words = (
        f"{len(used)} self-attentions follow one another, and nothing is added to what they make"
    )
    return words, attentions[0][0]


def attends(graph: StepGraph) -> bool:
    """Whether there is any attention."""
    names = ("multi_head_attention_forward", "scaled_dot_product_attention")
    return bool(attentions(graph)) or any(op.name in names for op in graph.ops)


# What the loss is made of.


def _derivative_cut(graph: StepGraph, variables: Variables) -> Wired:
    """A derivative by the inputs that stands in the loss, and has no graph of its own.

    One that goes into the network again, as that of an adversarial example, needs none.
    """
    behind = graph.ancestors(graph.tape.root)
    for by, derivative in graph.tape.derivatives:
        if id(derivative) not in behind or id(by) in graph.weights:
            continue
        reached = {id(derivative)}
        for op in graph.ops:
            if any(id(t) in reached for t in op.inputs):
                reached |= {id(t) for t in op.outputs}
                if any(id(t) in graph.weights for t in op.inputs):
                    break
        else:
            words = (
                "autograd.grad without create_graph: its result, in the loss, moves no parameter"
            )
            return words, None
    return None


def _noise_of_another_draw(graph: StepGraph, variables: Variables) -> Wired:
    """Targets that are drawn from a normal distribution, beside noise that the network is given."""
    maker = graph.made_by_behind_views(graph.targets)
    if maker is None or maker.name not in NORMAL or graph.targets is None:
        return None
    behind = graph.ancestors(graph.outputs)
    if id(maker.outputs[0]) in behind:
        return None
    given = [op.outputs[0] for op in graph.tape.ops if op.name in NORMAL]
    if any(id(t) in behind and t.shape == graph.targets.shape for t in given):
        words = (
            f"the targets are drawn by {maker.name}, and the noise in the inputs is another draw"
        )
        return words, maker
    return None


def _rows_of_another_draw(graph: StepGraph, variables: Variables) -> Wired:
    """Rows of one data set that are picked by other numbers for the targets than for the inputs."""
    outputs, targets = graph.outputs, graph.targets
    for op in graph.ops:
        if op.name == "kl_div":  # of a student and its teacher
            outputs, targets = op.argument(0, "input"), op.argument(1, "target")
    asked, behind = graph.ancestors(targets), graph.ancestors(outputs)
    picks = [op for op in graph.tape.ops if op.name in ("getitem", "index_select")]
    picks = [op for op in picks if graph.kind(op.args[0]) == "data" and _picked_by(op) is not None]
    ours = [op for op in picks if id(op.outputs[0]) in behind]
    theirs = [op for op in picks if id(op.outputs[0]) in asked and id(op.outputs[0]) not in behind]
    for op in theirs:
        index = _picked_by(op)
        alike = [o for o in ours if len(o.args[0]) == len(op.args[0])]
        assert index is not None
        if graph.kind(targets) != "signal":  # the next one of the same row may be asked for
            alike = [o for o in alike if o.args[0] is not op.args[0]]
        known = [i for o in alike if (i := _picked_by(o)) is not None and i.shape == index.shape]
        made_of = graph.ancestors(index)
        if any(made_of & graph.ancestors(i) or torch.equal(i, index) for i in known):
            continue
        if known:
            return "the targets are of other rows than the inputs: two draws of indices", op
    return None


def _picked_by(op: Op) -> Tensor | None:
    """Return the row of whole numbers by which rows are picked; None."""
    index = op.argument(1 if op.name == "getitem" else 2, "index")
    if isinstance(index, tuple):  # x[i, None]
        rest = [part for part in index[1:] if isinstance(part, Tensor | int)]
        index = index[0] if index and not rest else None
    whole = isinstance(index, Tensor) and index.dim() == 1 and not index.is_floating_point()
    return index if whole and index.dtype != torch.bool and len(index) > 3 else None


def _actions_of_another_draw(graph: StepGraph, variables: Variables) -> Wired:
    """Values of some rows that are gathered by the actions of others."""
    made = graph.ancestors(graph.outputs)
    picks = [op for op in graph.tape.ops if op.name in ("getitem", "index_select")]
    for op in graph.ops:
        if op.name != "gather" or id(op.outputs[0]) not in made:
            continue
        draws: list[list[Tensor]] = []
        for part in (op.argument(0, "input"), op.argument(2, "index")):
            behind = graph.ancestors(part)
            found = [_picked_by(pick) for pick in picks if id(pick.outputs[0]) in behind]
            draws.append([t for t in found if t is not None and len(t) == len(op.outputs[0])])
        values, actions = draws
        apart = all(not torch.equal(a, b) for a in values for b in actions)
        if values and actions and apart:
            words = (
                "values of some rows are gathered by the actions of others: two draws of indices"
            )
            return words, op
    return None


def _mixed_by_another_order(graph: StepGraph, variables: Variables) -> Wired:
    """Examples that are mixed with those of one order, and their labels with those of another."""
    call = graph.loss
    if call is None:
        return None
    calls = [op for op in graph.ops if op.name == call.op.name == call.kind]
    targets = [op.argument(1, "target") for op in calls] or [call.targets]
    behind = graph.ancestors(call.outputs)
    both = behind.union(*(graph.ancestors(t) for t in targets))
    orders: dict[bool, list[Tensor]] = {True: [], False: []}
    for op in graph.tape.ops:
        if op.name not in ("getitem", "index_select") or graph.kind(op.args[0]) != "data":
            continue
        index, made = _picked_by(op), id(op.outputs[0])
        if index is not None and len(index) == len(op.args[0]) and made in both:
            orders[made in behind].append(index)
    apart = [
        [a for a in orders[side] if not any(torch.equal(a, b) for b in orders[not side])]
        for side in (True, False)
    ]
    if all(apart):
        words = "examples are mixed with others of their batch, and labels with those of others"
        return words, call.op
    return None


def _unrelated_targets(graph: StepGraph, variables: Variables) -> Wired:
    finders = (
        _noise_of_another_draw,
        _rows_of_another_draw,
        _actions_of_another_draw,
        _mixed_by_another_order,
    )
    found = next((found for find in finders if (found := find(graph, variables))), None)
    return found or shifted_twice(graph)


def _answer_given(graph: StepGraph, variables: Variables) -> Wired:
    """A decoder that looks up, beside the question, the very tokens that it is to say."""
    targets = graph.targets
    if targets is None or targets.is_floating_point() or targets.numel() < MIN_ANSWERS:
        return None
    labels = targets.flatten()
    looked_up = [
        (op, op.argument(0, "input") if op.name == "embedding" else op.args[1])
        for op in graph.ops
        if op.name in ("embedding", "getitem") and graph.is_embedding(op)
    ]
    # Of each the users are asked for last: a loader picks every example by itself.
    rows = [
        t
        for op, t in looked_up
        if isinstance(t, Tensor)
        and t.dim() == 2
        and min(t.shape) > 2
        and not t.is_floating_point()
        and graph.kind(t) == "data"
        and not any(user.name in SHIFTS for user in graph.users(op.outputs[0]))
    ]
    same = [t for t in rows if t.numel() == len(labels)]
    same = [t for t in same if bool((t.flatten() == labels)[labels >= 0].all())]
    others = [t for t in rows if not any(t is s for s in same)]
    shifted = any(
        t.numel() == len(labels)
        and float((t[:, 1:] == labels.view(t.shape)[:, :-1]).float().mean()) > SHIFTED
        for t in others
    )
    if same and others and not shifted and len(torch.unique(labels[labels >= 0])) > 2:
        words = "beside the question the network is given the answer, at the same places"
        return words, graph.made_by(same[0])
    return None


def _own_partner(graph: StepGraph) -> Wired:
    """Examples that are to be found among others, and are compared with themselves."""
    for op in graph.ops:
        if op.name == "triplet_margin_loss" and torch.equal(*op.inputs[:2]):
            return "anchors are their own positives: both are the same numbers", op
    call, labels = graph.loss, graph.targets
    if call is None or labels is None or call.kind not in ("cross_entropy", "nll_loss"):
        return None
    count = len(labels) if labels.dim() == 1 else 0
    if count < 4 or labels.tolist() != list(range(count)):
        return None
    product, _ = graph.back(call.outputs, SCALES | {"log_softmax", "add", "sub"})
    if product is None or product.name not in ("matmul", "mm"):
        return None
    ours, theirs = product.inputs[:2]
    both = graph.kind(ours) == graph.kind(theirs) == "signal" and ours.dim() == theirs.dim() == 2
    if both and ours.shape == theirs.T.shape and torch.equal(ours, theirs.T):
        return "each example is its own partner: the same numbers stand on both sides", product
    return None


def _growing_residuals(graph: StepGraph, variables: Variables) -> Wired:
    """A sum of many residual branches that grows from one to the next, and is never normalised."""
    if any(op.name in NORMS for op in graph.ops):
        return None
    stream: list[Op] = []
    for op in graph.ops:
        signals = [t for t in op.inputs[:2] if graph.kind(t) == "signal"]
        if op.name not in ("add", "iadd", "radd") or len(signals) < 2:
            continue
        if any(id(a) in graph.ancestors(b) for a, b in (signals, signals[::-1])):
            stream.append(op)
    if len(stream) < MANY_BLOCKS:
        return None
    first, last = (float(op.outputs[0].float().std()) for op in (stream[0], stream[-1]))
    if not last > GROWS * first:
        return None
    words = (
        f"the sum of {len(stream)} residual branches has a standard deviation of {first:.3g} behind"
        f" the first, {last:.3g} behind the last, and nothing normalises it"
    )
    return words, stream[0]


# Modules.


def _layer_repeated(graph: StepGraph, variables: Variables) -> Wired:
    """One module in several places of a list, where each was to have weights of its own."""
    for root in variables.modules.values():
        for name, container in root.named_modules():
            if not isinstance(container, nn.Sequential | nn.ModuleList):
                continue
            places: dict[int, list[str]] = {}
            for place, child in container._modules.items():
                if child is not None and any(True for _ in child.parameters()):
                    places.setdefault(id(child), []).append(f"{name}.{place}" if name else place)
            if shared := next((found for found in places.values() if len(found) > 1), None):
                return f"{', '.join(shared[:4])} are one module with the same weights", None
    return None


def _batch_norm_tiny(graph: StepGraph, variables: Variables) -> Wired:
    """Statistics of one or two examples."""
    for op in graph.ops:
        if op.name == "batch_norm" and op.argument(5, "training", False):
            given = op.inputs[0]
            values = given.numel() // max(1, given.shape[1])
            if len(given) <= FEW_EXAMPLES and values < FEW_VALUES:
                return f"batch norm takes mean and variance of {values} values a channel", op
    return None


FINDINGS: dict[str, Callable[[StepGraph, Variables], Wired]] = {
    "dims_scrambled": _dims_scrambled,
    "state_detached": _state_detached,
    "attention_unscaled": _attention_unscaled,
    "attention_axis": _attention_axis,
    "attention_mask_late": _attention_mask_late,
    "data_overwritten": overwritten,
    "labels_noisy": lambda graph, variables: interpolated_classes(graph),
    "layer_repeated": _layer_repeated,
    "batch_norm_tiny": _batch_norm_tiny,
    "padding_read": lambda graph, variables: padding_read(graph),
    "padding_in_loss": lambda graph, variables: padding_in_loss(graph),
    "inputs_ignored": lambda graph, variables: mask_upside_down(graph),
    "residual_missing": _residual_missing,
    "positions_missing": _one_position,
    "detached_regulariser": _derivative_cut,
    "labels_shuffled": _unrelated_targets,
    "future_leak": lambda graph, variables: (
        _answer_given(graph, variables) or _own_partner(graph) or hidden_in_targets(graph)
    ),
    "wrong_loss": lambda graph, variables: wrong_form(graph) or pushed_although_alike(graph),
    "wrong_update_sign": lambda graph, variables: (
        minimised_similarity(graph) or unlearns_rewards(graph, variables)
    ),
    "normalisation_missing": lambda graph, variables: (
        _growing_residuals(graph, variables) or summed_neighbours(graph)
    ),
    "batch_mixed": lambda graph, variables: mixed_graphs(graph),
    "collapse": lambda graph, variables: zeros_of_a_mask(graph),
    "labels_out_of_range": lambda graph, variables: blank_in_targets(graph),
    "returns_of_the_past": lambda graph, variables: (
        (found[0], None) if (found := returns_of_the_past(graph)) else None
    ),
    "terminal_ignored": lambda graph, variables: ends_ignored(graph),
    "noise_not_normal": lambda graph, variables: uniform_noise(graph),
}


# The outputs.

REACH = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
}
"""What an activation can bring out."""


def unreachable(targets: Tensor, activation: str) -> float:
    """Return the share of targets that outputs behind an activation can't come near."""
    low, high = REACH.get(activation, (-math.inf, math.inf))
    values = targets.detach().float().flatten()
    margin = 0.02 * float(values.std(correction=0)) if len(values) else 0.0
    outside = (values < low - margin) | (values > high + margin)
    return float(outside.float().mean()) if len(values) else 0.0
