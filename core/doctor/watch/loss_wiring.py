"""Losses that are fed with another form than they take, or that nothing keeps from their end."""

import torch
from torch import Tensor

from .evaluation_notes import MANY_EXAMPLES
from .graph import VIEWS, StepGraph, Wired
from .tape import Op
from .tape_replay import replay

NEARLY_ONE, LARGE_ERROR = 1e-3, 0.5
"""By which a sum of shares may miss 1; and by which one of no shares exceeds it."""
SUMS_UP = frozenset("add radd iadd sub sum mean pow square".split())
FACTORS = frozenset("mul rmul div truediv".split())
MANY_SUMMANDS, NEARLY_ALL = 64, 0.9
OF_TWO = ("cosine_embedding_loss", "margin_ranking_loss")
MARGINS = (*OF_TWO, "hinge_embedding_loss", "soft_margin_loss")
"""Losses whose labels are -1 and 1; of some they stand behind two tensors that are compared."""
MEETS = frozenset("where add radd sub rsub mul rmul".split())
"""Calls by which outputs meet targets in a loss by hand."""
HINGES = frozenset("relu clamp clamp_min clip max maximum".split())
SMOOTH = frozenset("softplus log_sigmoid exp".split())
SUMS = frozenset("add radd sub rsub neg".split())
TO_A_NUMBER = frozenset("mean sum mul rmul div truediv neg pow square log1p".split())
"""Calls behind the margin of an example, on the way to the loss."""
LARGER, FALLS = 1.01, 0.999
"""Times the error of each example, and the loss then, below which it falls as errors grow."""
LINEAR = VIEWS | SUMS | FACTORS | frozenset("mean sum neg getitem masked_fill".split())
"""Calls of which a straight line comes out where one goes in."""
POSITIVE = frozenset("exp softplus relu square pow abs sigmoid".split())
"""Calls behind which no number is below 0."""
FLOORS = frozenset("add radd clamp clamp_min clip".split())
LARGEST_FLOOR, MOST_LOST = 1e-4, 0.5
"""What is added to a likelihood so that its logarithm is finite, at most; and the share of examples
that have less, above which it was computed as no number can hold it."""
NUMBER_BY_NUMBER = POSITIVE | frozenset(
    "add radd sub rsub mul rmul div truediv neg clamp clamp_min sqrt rsqrt reciprocal tanh".split()
)

# What goes into a loss.


def _softmax_of_one(graph: StepGraph) -> Wired:
    """Outputs that are shares of one number alone, whatever that is."""
    op = graph.made_by_behind_views(graph.outputs)
    if op is None or op.name not in ("softmax", "log_softmax") or not op.outputs[0].dim():
        return None
    dim = op.argument(1, "dim")
    if isinstance(dim, int) and op.outputs[0].shape[dim] == 1:
        words = f"the {op.name.replace('_', ' ')} of a single output is the same whatever it is"
        return words, op
    return None


def _divergence_of_no_logarithms(graph: StepGraph) -> Wired:
    """A kl_div whose first argument is no logarithm of probabilities."""
    for op in graph.ops:
        given = op.argument(0, "input") if op.name == "kl_div" else None
        if not isinstance(given, Tensor) or given.dim() < 2 or graph.kind(given) != "signal":
            continue
        dims = range(1, given.dim())
        sums = [(given.float().sum(dim) - 1).abs().max() for dim in dims]
        if bool((given >= 0).all()) and min(sums) < NEARLY_ONE:
            return "kl_div takes logarithms of probabilities, and is given the probabilities", op
        # Of some classes alone they sum to less than 1; where an example is masked, to more.
        sums = [given.float().exp().sum(dim).median() - 1 for dim in dims]
        if min(sums) > LARGE_ERROR:
            words = "kl_div takes logarithms of probabilities, and is given numbers that are none"
            return words, op
    return None


def _before_views(graph: StepGraph, value: Tensor) -> Tensor:
    while (op := graph.made_by(value)) is not None and op.name in VIEWS:
        value = op.inputs[0]
    return value


def _summands(graph: StepGraph, value: Tensor) -> list[Tensor]:
    """Return what is summed up to a tensor, itself included, before any views."""
    found: list[Tensor] = []
    todo = [value]
    while todo and len(found) < MANY_SUMMANDS:
        part = _before_views(graph, todo.pop())
        found.append(part)
        op = graph.made_by(part)
        by_number = op is not None and op.name in FACTORS and len(op.inputs) == 1
        if op is not None and (op.name in SUMS_UP or by_number):
            todo += op.inputs
    return found


def _overlap(graph: StepGraph, op: Op) -> tuple[Tensor, Tensor] | None:
    """Return outputs and masks whose overlap a quotient is: products by the sum of both; None."""
    total = {id(t) for t in _summands(graph, op.inputs[1])} if len(op.inputs) > 1 else set[int]()
    for product in map(graph.made_by, _summands(graph, op.inputs[0]) if total else []):
        if product is None or product.name != "mul" or len(product.inputs) < 2:
            continue
        both = [_before_views(graph, t) for t in product.inputs]
        outputs = [t for t in both if graph.kind(t) == "signal"]
        masks = [t for t in both if graph.kind(t) == "data" and bool(((t == 0) | (t == 1)).all())]
        found = bool(outputs and masks and outputs[0].numel())
        if found and {id(outputs[0]), id(masks[0])} <= total:
            return outputs[0], masks[0]
    return None


def _overlap_of_scores(graph: StepGraph) -> Wired:
    """A Dice or Jaccard loss: a sum of products by the sum of both, of what are no shares."""
    for op in graph.ops:
        if op.name not in ("div", "truediv") or (found := _overlap(graph, op)) is None:
            continue
        low, high = float(found[0].min()), float(found[0].max())
        if low < -NEARLY_ONE or high > 1 + NEARLY_ONE:
            words = f"an overlap is of probabilities, and is given {low:.3g} to {high:.3g}"
            return words, op
    return None


def _margin_of_zeros(graph: StepGraph) -> Wired:
    """A margin of scores times labels that are 0 and 1: whatever the scores, a 0 costs the same.

    The loss has no other term, in which these may count.
    """
    for op in graph.ops:
        targets = op.argument(2 if op.name in OF_TWO else 1, "target")
        if op.name in MARGINS and isinstance(targets, Tensor) and _zeros_and_ones(targets):
            return f"{op.name} takes labels of -1 and 1, and is given 0 and 1", op
    terms = [t for t, _ in graph.terms if graph.kind(t) == "signal"]
    if len(terms) != 1:
        return None
    nonlinear, _ = graph.back(terms[0], TO_A_NUMBER)
    if nonlinear is None or nonlinear.name not in HINGES | SMOOTH:
        return None
    inner = next((t for t in nonlinear.inputs if graph.kind(t) == "signal"), terms[0])
    product, passed = graph.back(inner, SUMS)
    # A mask may well be multiplied with all that goes into a hinge, its margin included.
    margin = any(isinstance(a, int | float) and a for one in passed for a in one.args)
    if product is None or "mul" not in product.name or margin != (nonlinear.name in HINGES):
        return None
    labels = [t for t in product.inputs if graph.kind(t) == "data"]
    scores = [t for t in product.inputs if graph.kind(t) == "signal"]
    alike = labels and scores and labels[0].numel() == scores[0].numel()
    if alike and _zeros_and_ones(labels[0].abs()):
        words = "the margin is of scores times labels, which are 0 and 1, and not -1 and 1"
        return f"{words}: of a 0 it is the same whatever the score", product
    return None


def _margin_without_an_end(graph: StepGraph) -> Wired:
    """Scores less that of the right class, of which no part is cut off: it falls without a bound.

    A penalty on the weights would be a bound, and so would any curve on the way to the loss.
    """
    root = graph.tape.root
    penalised = any(graph.kind(term) == "weights" for term, _ in graph.terms)
    if root is None or penalised or root.numel() != 1 or not float(root) < 0:
        return None
    for op in graph.ops:
        if op.name != "sub" or len(op.inputs) != 2:
            continue
        scores, right = op.inputs
        pick, _ = graph.back(right, frozenset(("unsqueeze", "view", "reshape")))
        if pick is not None and pick.name == "getitem" and pick.inputs[0] is not scores:
            pick = graph.made_by(pick.inputs[0])  # [:, None] behind it
        if pick is None or not pick.inputs or pick.inputs[0] is not scores or scores.dim() != 2:
            continue
        by_class = any(graph.kind(t) == "data" and _is_whole(t) for t in pick.inputs[1:])
        of_each = right.shape == (len(scores), 1) and scores.shape[1] > 1
        if by_class and of_each and pick.name in ("getitem", "gather") and _is_linear(graph, op):
            words = (
                "scores less that of the right class are summed up with no max(0, ...): the loss,"
                f" {float(root):.3g} by now, has no lower bound"
            )
            return words, op
    return None


def _is_whole(index: Tensor) -> bool:
    return not index.is_floating_point() and index.dtype != torch.bool


def _is_linear(graph: StepGraph, made: Op) -> bool:
    """Whether the loss is linear in what a call made."""
    todo, seen = [made.outputs[0]], set[int]()
    while todo:
        value = todo.pop()
        for op in graph.users(value):
            if id(op) in seen:
                continue
            seen.add(id(op))
            signals = [t for t in op.inputs if graph.kind(t) == "signal"]
            divides = op.name in FACTORS and len(signals) > 1
            if op.name not in LINEAR or divides:
                return False
            todo += op.outputs
    return True


def _falls_with_the_error(graph: StepGraph) -> Wired:
    """A loss made of the cross-entropy of each example alone, which a larger one makes lower.

    As where a focal loss weighs by the probability, and not by what lacks of it to 1. Where
    anything else comes in, such as a reward, either sign may be meant.
    """
    root = graph.tape.root
    calls = [op for op in graph.ops if op.name in ("cross_entropy", "nll_loss")]
    if graph.loss is not None or root is None or root.numel() != 1 or len(calls) != 1:
        return None
    errors = calls[0].outputs[0]
    if errors.numel() < 2 or not float(root) > 0 or not bool((errors >= 0).all()):
        return None
    made = {id(errors)}
    for op in graph.ops:
        if any(id(t) in made for t in op.inputs):
            if not all(id(t) in made for t in op.inputs):
                return None
            made |= {id(t) for t in op.outputs}
    try:
        with torch.no_grad():
            larger = replay(graph.tape, (root,), {id(errors): errors.detach() * LARGER})[0]
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None
    if not float(larger) < FALLS * float(root):
        return None
    words = (
        f"a cross-entropy of each example that is {LARGER - 1:.0%} larger makes the loss"
        f" {1 - float(larger / root):.1%} lower: what is wrong is to become more wrong"
    )
    return words, calls[0]


def _zeros_and_ones(labels: Tensor) -> bool:
    return bool(
        ((labels == 0) | (labels == 1)).all() and (labels == 0).any() and (labels == 1).any()
    )


def met_all_targets(graph: StepGraph) -> tuple[Op, Tensor, Tensor] | None:
    """Return where outputs (N, 1) met targets (N) in a loss by hand, and both of them.

    From there on each number of the square goes its own way to one mean or sum. Where a dimension
    was added for that, as for pairs, or the square is reduced along one side, it may be meant.
    """
    for op in graph.ops:
        met = _square_of_both(graph, op) if op.name in MEETS and op.outputs else None
        if met and _ends_in_one_number(graph, op.outputs[0]):
            return op, *met
    return None


def shapes_that_met(outputs: torch.Size, targets: torch.Size, errors: int) -> str:
    """Say of which shapes outputs and targets were, and of how many elements their errors."""
    return (
        f"outputs of shape {tuple(outputs)} meet targets of shape {tuple(targets)}, and are"
        f" broadcast to {errors:,} errors"
    )


def _square_of_both(graph: StepGraph, op: Op) -> tuple[Tensor, Tensor] | None:
    """Return a column of outputs and a row of targets of which an operation made a square."""
    count = len(op.outputs[0]) if op.outputs[0].dim() == 2 else 0
    if count < MANY_EXAMPLES or op.outputs[0].shape != (count, count):
        return None
    columns = [t for t in op.inputs if t.shape == (count, 1) and graph.kind(t) == "signal"]
    rows = [t for t in op.inputs if t.shape == (count,) and graph.kind(t) == "data"]
    others = [t for t in op.inputs if t.dim() > 1 and t.shape != (count, 1)]
    if not columns or not rows or others:
        return None
    meant = any(_was_given_a_dimension(graph, t) for t in columns)
    return None if meant else (columns[0], rows[0])


def _was_given_a_dimension(graph: StepGraph, value: Tensor) -> bool:
    """Whether a column was a row before, number by number."""
    for _ in range(12):
        op = graph.made_by(value)
        before = next((t for t in op.inputs if graph.kind(t) == "signal"), None) if op else None
        if op is None or before is None:
            return False
        if before.dim() < 2:
            return True
        if before.shape != value.shape:
            return op.name in ("sum", "mean", "norm", "logsumexp", "amax", "amin")
        value = before
    return False


def _ends_in_one_number(graph: StepGraph, square: Tensor) -> bool:
    """Whether a square meets numbers, or squares of the same making, up to one mean or sum."""
    shape = square.shape
    for _ in range(12):
        users = graph.users(square)
        if not users:
            return False
        if any(op.outputs[0].numel() == 1 and op.name in ("mean", "sum") for op in users):
            return True
        if any(op.outputs[0].shape != shape for op in users):
            return False
        if any(op.name in ("softmax", "log_softmax", "cumsum", "logcumsumexp") for op in users):
            return False
        square = users[0].outputs[0]
    return False


# Likelihoods.


def _rate_and_not_its_logarithm(graph: StepGraph) -> Wired:
    """A Poisson loss that takes the logarithm of a rate, or the rate, and is given the other."""
    for op in graph.ops:
        if op.name == "poisson_nll_loss":
            given, of_log = op.argument(0, "input"), op.argument(2, "log_input", True)
        else:
            given, of_log = _logarithm_of_a_rate(graph, op), True
        if not isinstance(given, Tensor) or graph.kind(given) != "signal":
            continue
        made = graph.made_by_behind_views(given)
        if of_log and made is not None and made.name in POSITIVE:
            words = (
                f"the loss takes the logarithm of a rate, and is given what {made.name} makes,"
                " never below 0: so no rate is below 1"
            )
            return words, op
        if not of_log and float(given.min()) < 0:
            return f"the loss takes a rate, and is given {float(given.min()):.3g}", op
    return None


def _logarithm_of_a_rate(graph: StepGraph, op: Op) -> Tensor | None:
    """Return z of a Poisson loss by hand: ``z.exp() - n * z``; None of anything else."""
    if op.name != "sub" or len(op.inputs) < 2:
        return None
    rate, product = (graph.made_by(t) for t in op.inputs[:2])
    if rate is None or rate.name != "exp" or product is None or "mul" not in product.name:
        return None
    counted = any(graph.kind(t) == "data" for t in product.inputs)
    return rate.inputs[0] if counted and any(t is rate.inputs[0] for t in product.inputs) else None


def _error_over_a_free_spread(graph: StepGraph) -> Wired:
    """Errors divided by a spread of the network's own, which nothing else in the loss holds."""
    for op in graph.ops:
        if op.name not in ("div", "truediv", "mul", "rmul") or len(op.inputs) < 2:
            continue
        for spread in op.inputs[:2]:
            error = op.inputs[1] if spread is op.inputs[0] else op.inputs[0]
            divides = op.name in ("div", "truediv")
            if (divides and spread is not op.inputs[1]) or not spread.requires_grad:
                continue
            source, passed = _elementwise(graph, spread)
            names = {one.name for one in passed}
            if not names & (POSITIVE - {"sigmoid"} if divides else {"exp"}):
                continue
            if not _is_error(graph, error) or id(source) in graph.ancestors(error):
                continue
            if not (_is_squared(graph, error) or _is_squared_behind(graph, op)):
                continue
            chain = {id(one) for one in passed} | {id(op)}
            made = [source, *(one.outputs[0] for one in passed), *_picked_again(graph, source)]
            if all(id(user) in chain for t in made for user in graph.users(t)):
                words = (
                    "errors are divided by a standard deviation of the network's own, whose"
                    " logarithm is not in the loss: the larger it is, the lower the loss"
                )
                return words, op
    return None


def _picked_again(graph: StepGraph, source: Tensor) -> list[Tensor]:
    """Return what else is picked out of the tensor that this was, and not for its exponential."""
    picked = graph.made_by(source)
    if picked is None or picked.name not in ("getitem", "select", "unbind"):
        return []
    others = [op for op in graph.users(picked.inputs[0]) if op is not picked]
    made = [t for op in others for t in op.outputs]
    return [t for t in made if any(op.name not in ("neg", "exp") for op in graph.users(t))]


def _elementwise(graph: StepGraph, value: Tensor) -> tuple[Tensor, list[Op]]:
    """Return what a tensor was made of number by number, and the calls that did."""
    passed: list[Op] = []
    for _ in range(8):
        op = graph.made_by(value)
        of_one = [t for t in op.inputs if t.requires_grad] if op is not None else []
        if op is None or op.name not in NUMBER_BY_NUMBER | VIEWS or len(of_one) != 1:
            break
        passed.append(op)
        value = of_one[0]
    return value, passed


def _is_error(graph: StepGraph, value: Tensor) -> bool:
    """Whether it is a difference of a signal and data, or its square or size."""
    op, passed = graph.back(value, frozenset("pow square abs mul view squeeze".split()))
    for one in (op, *passed):
        if one is not None and one.name in ("sub", "rsub", "mse_loss", "l1_loss"):
            return {graph.kind(t) for t in one.inputs[:2]} == {"signal", "data"}
    return False


def _is_squared(graph: StepGraph, value: Tensor) -> bool:
    op = graph.made_by_behind_views(value)
    return op is not None and (op.name in ("pow", "square", "mse_loss", "abs", "l1_loss"))


def _is_squared_behind(graph: StepGraph, op: Op) -> bool:
    users = graph.users(op.outputs[0])
    return any(user.name in ("pow", "square", "abs") for user in users)


def _risk_set_reversed(graph: StepGraph) -> Wired:
    """Cox' partial likelihood, summed up from the first to die: over who is dead already.

    Scores stand in the order of a time, are summed up in that order, and are counted by a mask of
    who has died.
    """
    orders = {
        id(op.outputs[-1]): (op.inputs[0], op)
        for op in graph.tape.ops
        if op.name in ("argsort", "sort") and op.inputs and graph.kind(op.inputs[0]) == "data"
    }
    for op in graph.ops:
        if op.name == "log":
            total = graph.made_by(op.inputs[0])
            total = total if total is not None and total.name == "cumsum" else None
            made = graph.made_by(total.inputs[0]) if total is not None else None
            scores = made.inputs[0] if made is not None and made.name == "exp" else None
        else:
            scores = op.inputs[0] if op.name == "logcumsumexp" else None
        pick = graph.made_by_behind_views(scores) if scores is not None else None
        if pick is None or pick.name not in ("getitem", "index_select") or len(pick.inputs) < 2:
            continue
        known = orders.get(id(pick.inputs[1]))
        if scores is None or known is None or not _less_of(graph, scores, op.outputs[0]):
            continue
        times, negated = known[0], 0
        while (maker := graph.made_by(times)) is not None and maker.name in VIEWS | {"neg"}:
            negated += maker.name == "neg"
            times = maker.inputs[0]
        if times.dim() != 1 or not times.is_floating_point():
            continue
        in_order = times[pick.inputs[1]].float()
        if not bool((in_order.diff() >= 0).all()) or not _masks_by(graph, pick.inputs[1]):
            continue
        words = (
            "the risk set is summed up from the shortest time on: of each who dies it has those who"
            " died before, and not those who are still alive"
        )
        return words, op
    return None


def _less_of(graph: StepGraph, scores: Tensor, total: Tensor) -> bool:
    """Whether the difference of both is taken."""
    return any(
        op.name in ("sub", "rsub") and {id(scores), id(total)} <= {id(t) for t in op.inputs}
        for op in graph.ops
    )


def _masks_by(graph: StepGraph, order: Tensor) -> bool:
    """Whether yes and no of each example, in an order, is picked or weighed with."""
    for op in graph.tape.ops:
        if op.name in ("getitem", "index_select") and any(t is order for t in op.inputs[1:]):
            mask = op.outputs[0]
            values = torch.unique(mask.float())
            of_two = len(values) == 2 and bool(((values == 0) | (values == 1)).all())
            if of_two and graph.kind(op.inputs[0]) == "data":
                return True
    return False


def _logarithm_of_what_underflowed(graph: StepGraph) -> Wired:
    """A likelihood of which most examples have less than is added to it, so that it can't rise.

    As of a product of densities: the logarithm of it is to be added up instead, by logsumexp. What
    is to fall is no likelihood: a penalty on the logarithm of activations makes them 0.
    """
    for term, factor in graph.terms:
        if not isinstance(term, Tensor):
            continue
        log, passed = graph.back(term, frozenset(("mean", "sum", "neg", *VIEWS)))
        falls = (factor > 0) == (sum(op.name == "neg" for op in passed) % 2 == 0)
        if log is None or log.name != "log" or falls:
            continue
        made = graph.made_by(log.inputs[0])
        if made is None or made.name not in FLOORS or not made.inputs:
            continue
        given = (*made.args[1:], *made.kwargs.values())
        floor = next((n for n in given if isinstance(n, float) and 0 < n <= LARGEST_FLOOR), 0.0)
        likelihood = made.inputs[0].detach()
        if not floor or bool((likelihood < 0).any()):
            continue
        lost = float((likelihood <= floor).float().mean())
        if lost > MOST_LOST:
            words = (
                f"the logarithm of a likelihood that is below {floor:g}, which is added to it, for"
                f" {lost:.0%} of the examples: these have no gradient"
            )
            if made.name.startswith(("clamp", "clip")):
                words = words.replace("which is added to it", "its least value")
            return words, log
    return None


def wrong_form(graph: StepGraph) -> Wired:
    """Find a loss that is given what it does not take, or lacks a part of a likelihood."""
    finders = (
        _softmax_of_one,
        _divergence_of_no_logarithms,
        _overlap_of_scores,
        _margin_of_zeros,
        _margin_without_an_end,
        _falls_with_the_error,
        _rate_and_not_its_logarithm,
        _error_over_a_free_spread,
        _risk_set_reversed,
        _logarithm_of_what_underflowed,
    )
    return next((found for find in finders if (found := find(graph))), None)


# What is compared.


def zeros_of_a_mask(graph: StepGraph) -> Wired:
    """Find a smallest distance that is always the zero of a mask, or a largest of what is below 0.

    What a mask leaves out of a table of all examples with all has to be set to infinity before the
    smallest one of a row is looked for. Elsewhere, as where maps are scaled to begin at 0, it may
    be wanted.
    """
    for op in graph.ops:
        if op.name not in ("min", "amin", "max", "amax") or not op.inputs:
            continue
        product, found = graph.made_by(op.inputs[0]), op.outputs[0]
        if product is None or product.name not in ("mul", "rmul") or len(product.inputs) != 2:
            continue
        masks = [t for t in product.inputs if not t.requires_grad and _is_mask(t)]
        values = [t for t in product.inputs if t.requires_grad]
        if not masks or not values or not found.requires_grad or bool((found != 0).any()):
            continue
        if masks[0].shape != values[0].shape or not _is_square(values[0]):
            continue
        smallest = op.name in ("min", "amin")
        kept = values[0].detach()[masks[0] != 0]
        beyond = (kept > 0) if smallest else (kept < 0)
        if len(kept) and float(beyond.float().mean()) > NEARLY_ALL:
            which = "smallest" if smallest else "largest"
            words = f"the {which} of what is multiplied with a mask is the zero of the mask, always"
            return words, op
    return None


def _is_square(tensor: Tensor) -> bool:
    return tensor.dim() == 2 and tensor.shape[0] == tensor.shape[1]


def _is_mask(tensor: Tensor) -> bool:
    """Whether there are zeros and ones in it, and nothing else."""
    zeros, ones = (tensor == 0), (tensor == 1)
    return bool((zeros | ones).all()) and bool(zeros.any()) and bool(ones.any())


# Which end of it is better.


def _is_cosine_by_hand(op: Op) -> bool:
    """Whether rows of length 1 are multiplied with one another."""
    if op.name != "mul" or len(op.inputs) != 2 or op.inputs[0].shape != op.inputs[1].shape:
        return False
    lengths = [t.float().norm(dim=-1) for t in op.inputs if t.dim() > 1 and t.shape[-1] > 1]
    return len(lengths) == 2 and all(bool(((x - 1).abs() < NEARLY_ONE).all()) for x in lengths)


def minimised_similarity(graph: StepGraph) -> Wired:
    """Find a measure of how alike outputs and targets are that is made as small as it can be."""
    terms = [(t, factor) for t, factor in graph.terms if graph.kind(t) == "signal"]
    if len(terms) != 1 or not terms[0][1] > 0:
        return None
    measure, passed = graph.back(terms[0][0], frozenset(("mean", "sum", "neg", *VIEWS)))
    if measure is None or sum(op.name == "neg" for op in passed) % 2:
        return None
    if measure.name == "cosine_similarity" or _is_cosine_by_hand(measure):
        kinds = {graph.kind(t): t for t in measure.inputs[:2]}
        # From what a network made of something, as of a picture before, one may well go away.
        made = graph.ancestors(kinds.get("data"))
        if set(kinds) == {"signal", "data"} and not any(
            graph.kinds.get(key) == "signal" for key in made
        ):
            words = (
                "the cosine similarity of outputs and targets is minimised, and not its negative"
            )
            return words, measure
    if measure.name in ("div", "truediv") and _overlap(graph, measure) is not None:
        words = "the overlap of outputs and targets is minimised, and not 1 less that"
        return words, measure
    return None
