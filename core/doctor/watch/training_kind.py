"""Recognises the kind of training from one observed step: what a rule may assume about its loss."""

import math

import torch
from torch import Tensor

from .graph import StepGraph, of_unit_vectors
from .observation import ObservedInput, ObservedLoss
from .shared_targets import FURTHEST
from .tape import RANDOM, SAMPLED, Backward, Op
from .variables import Variables

ADVERSARIAL = "adversarial"
ACTOR = "reinforcement learning"
PHYSICS, META = "physics-informed", "meta-learning"
DIFFERENTIATES = (PHYSICS, META)
"""Kinds with a derivative in their loss: by coordinates, or by weights that are adapted."""
CONTRASTIVE = "contrastive"
DISTILLATION = "distillation"
DENOISING = "denoising"
AUTOENCODER = "autoencoder"
LANGUAGE = "language model"
LABELLING = "sequence labelling"
CLASSIFICATION = "classification"
REGRESSION = "regression"
INPUTS = "optimisation of inputs"
RANGE_TEST = "learning-rate range test"
"""Known by its rates, not by a step."""
OTHER = "other"

SUPERVISED = (CLASSIFICATION, LANGUAGE, LABELLING, REGRESSION)
"""Kinds whose labels are facts about the inputs."""
COMPARABLE = (*SUPERVISED, AUTOENCODER, DENOISING, DISTILLATION)
"""Kinds whose loss has a scale that is known, and falls as the network learns."""

SIMILARITIES = frozenset(
    "cosine_similarity cosine_embedding_loss triplet_margin_loss pairwise_distance cdist "
    "margin_ranking_loss".split()
)
COSINES = ("cosine_similarity", "cosine_embedding_loss")
CLASSES = ("cross_entropy", "nll_loss", "nll_by_hand")
DISTANCES = tuple("mse_loss square l1_loss smooth_l1_loss huber_loss".split())
FEW_ADVANTAGES = 8
"""Of a step, below which their range says little."""
MOSTLY = 0.5
"""Share of the labels that are the inputs' own tokens, or of the inputs that a mask hides."""
SUMMED = 4.0
"""Times the mean of its elements, from which on a loss counts as a sum."""


def recognise(
    graph: StepGraph,
    variables: Variables,
    loss: ObservedLoss,
    inputs: tuple[ObservedInput, ...],
) -> str:
    """Return the kind of training that a step belongs to, as a field's term.

    Args:
        graph: the step, of the loss that was reported.
        variables: those around the loop.
        loss: its loss function in numbers.
        inputs: of the network.
    """
    if _picks_actions(graph):
        return ACTOR
    if _is_adversarial(graph, variables):
        return ADVERSARIAL if loss.kind or not _has_actor(graph) else ACTOR
    if _only_inputs_are_trained(graph, variables):
        return INPUTS
    derived = [op for op in graph.ops if op.name == "grad" and op.function.__name__ == "grad"]
    if derived:
        by_weights = any(id(t) in graph.weights for op in derived for t in op.inputs[1:])
        return META if by_weights else PHYSICS
    if _compares_examples(graph):
        return CONTRASTIVE
    if any(op.name in ("kl_div", "kl_divergence") for op in graph.ops) or _has_teacher(graph):
        return DISTILLATION
    return _by_targets(graph, loss, inputs)


def summed_items(graph: StepGraph) -> float:
    """Return by how much the loss exceeds the mean of its elements: 1 for a mean."""
    items = 1.0
    tensor = graph.tape.root
    for op in reversed(graph.ops):
        if op.name == "sum" and op.inputs and op.outputs[0].numel() < op.inputs[0].numel():
            kind = graph.kind(op.inputs[0])
            if kind == "signal" and op.inputs[0].numel() > SUMMED * op.outputs[0].numel():
                return op.inputs[0].numel() / max(1, op.outputs[0].numel())
        if op.kwargs.get("reduction") == "sum" and op.inputs:
            return float(op.inputs[0].numel())
        if tensor is None or op.name == "mean":
            break
    return items


# Which kind.


def _only_inputs_are_trained(graph: StepGraph, variables: Variables) -> bool:
    """Whether a picture or the like is optimised, through a network that is fixed."""
    held = {id(p) for p in variables.module_parameters()}
    used = [t for op in graph.ops for t in op.inputs if id(t) in held]
    moved = {id(p) for p in graph.tape.parameters}
    if not used or not moved:
        return False
    asked = all(found.through_grad for found in graph.tape.passes)  # as for an attack
    return not any(t.requires_grad for t in used) or (asked and moved.isdisjoint(held))


def _is_adversarial(graph: StepGraph, variables: Variables) -> bool:
    """Whether a loss passes through parameters that another optimiser moves, and not its own."""
    optimizers = [
        {id(p) for g in o.param_groups for p in g["params"]} for o in variables.optimizers
    ]
    if len(optimizers) < 2:
        return False
    passes = graph.tape.passes
    reached = [{id(p) for p in found.parameters} for found in passes]
    owned = set[int]().union(*optimizers)
    # A critic that no optimiser holds: one loss reaches it alone, another one goes through it.
    forgotten = any(a and not a & owned and a < b and b & owned for a in reached for b in reached)
    return forgotten or any(_passes_through(found, optimizers) for found in passes)


def _passes_through(found: Backward, optimizers: list[set[int]]) -> bool:
    reached = {id(p) for p in found.parameters}
    owned = set[int]().union(*optimizers)
    return bool(found.updated) and bool((reached - found.updated) & owned)


def _has_actor(graph: StepGraph) -> bool:
    """Whether the mean of a critic's values is maximised, which is trained by their errors."""
    maximised = bool(graph.ops) and graph.ops[-1].name == "neg" and graph.loss is None
    return maximised and any(op.name in DISTANCES for op in graph.tape.ops)


def _picks_actions(graph: StepGraph) -> bool:
    """Whether log-probabilities or values of drawn actions are in the loss.

    Either log-probabilities of what was sampled are weighed by rewards of both signs, or values are
    picked by the number of an action and compared with real numbers.
    """
    call = graph.loss
    if call is not None and call.kind in DISTANCES:
        made = graph.made_by_behind_views(call.outputs)
        if made is not None and made.name == "getitem" and len(made.inputs) == 1:
            made = graph.made_by_behind_views(made.inputs[0])  # gather(1, a[:, None])[:, 0]
        if made is not None and made.name == "gather" and call.targets.is_floating_point():
            return True
    return _weighed_actions(graph) is not None


def _weighed_actions(graph: StepGraph) -> tuple[Op, Tensor] | None:
    """Return what weighs log-probabilities of drawn actions by rewards, and these; None."""
    picked = [op for op in graph.ops if op.name == "gather" and op.outputs[0].requires_grad]
    sampled = graph.tape.drew_actions or any(op.name in SAMPLED for op in graph.tape.ops)
    for op in graph.ops:
        if op.name not in ("mul", "rmul") or len(op.inputs) < 2:
            continue
        weights = [t for t in op.inputs if not t.requires_grad and t.is_floating_point()]
        values = [t for t in op.inputs if t.requires_grad]
        if not weights or not values or weights[0].numel() > values[0].numel():
            continue
        behind = graph.ancestors(values[0])
        drawn = any(id(p.outputs[0]) in behind for p in picked) or (
            sampled and _is_log_probability(graph, values[0])
        )
        both = bool((weights[0] > 0).any()) and bool((weights[0] < 0).any())
        if drawn and (both or sampled or weights[0].numel() == 1):
            return op, weights[0]
    return None


def entropy_bonus(graph: StepGraph) -> float:
    """Return what a nat of a policy's entropy is worth, over the range of its advantages; or 0.

    The best policy then takes actions in proportion to ``exp(advantage / worth)`` (Haarnoja et al.
    2018): where a nat is worth more than all advantages differ by, hardly any better ones.
    """
    weighed = _weighed_actions(graph)
    if weighed is None or weighed[1].numel() < FEW_ADVANTAGES or len(graph.terms) < 2:
        return 0.0
    with torch.no_grad():
        spread = float(weighed[1].max() - weighed[1].min())
        gain, bonus = 0.0, 0.0
        for value, factor in graph.terms:
            if not isinstance(value, Tensor) or graph.kind(value) != "signal":
                continue
            behind = graph.ancestors(value)
            rows = 1.0 if not _is_sum(graph, value) else float(weighed[1].numel())
            if id(weighed[0].outputs[0]) in behind:
                gain = abs(factor) * rows
            elif any(_is_entropy(graph, op) and id(op.outputs[0]) in behind for op in graph.ops):
                bonus = abs(factor) * rows
    return bonus / (gain * spread) if gain * spread > 0 else 0.0


def _is_sum(graph: StepGraph, value: Tensor) -> bool:
    """Whether a term is a sum over examples, and no mean."""
    op = graph.made_by(value)
    while op is not None and op.name in ("neg", "mul", "rmul", "squeeze") and op.inputs:
        op = graph.made_by(op.inputs[0])
    return op is not None and op.name == "sum" and op.outputs[0].dim() == 0


def _is_entropy(graph: StepGraph, op: Op) -> bool:
    """Whether it is ``p * log p``, of probabilities of the same outputs."""
    if op.name != "mul" or len(_signals(graph, op.inputs)) < 2:
        return False
    shares = [t for t in op.inputs[:2] if bool((t >= 0).all()) and bool((t <= 1).all())]
    return (
        len(shares) == 1
        and shares[0].dim() > 1
        and bool(((shares[0].float().sum(-1) - 1).abs() < 1e-3).all())
    )


def _is_log_probability(graph: StepGraph, value: Tensor) -> bool:
    """Whether a value is a logarithm of a density at a sample: no larger than it can be."""
    behind = graph.ancestors(value)
    return any(
        op.name in ("log", "log_softmax", "logsumexp") and id(op.outputs[0]) in behind
        for op in graph.ops
    )


def compared_rows(graph: StepGraph) -> list[Tensor]:
    """Return the signals that the loss compares by their cosines, a row an example."""
    found = list[Tensor]()
    for op in graph.ops:
        if op.name in COSINES:
            found += _signals(graph, op.inputs)
        elif _multiplies_examples(graph, op) and of_unit_vectors(op):
            found.append(op.inputs[0])  # the other one stands in columns
    return [tensor for tensor in found if tensor.dim() == 2 and min(tensor.shape) > 1]


def _compares_examples(graph: StepGraph) -> bool:
    """Whether the loss compares the outputs of examples with one another."""
    # One signal beside a table of vectors is compared with these, as a codebook is.
    if any(op.name in SIMILARITIES and len(_signals(graph, op.inputs)) > 1 for op in graph.ops):
        return True
    return any(_multiplies_examples(graph, op) for op in graph.ops)


def _multiplies_examples(graph: StepGraph, op: Op) -> bool:
    """Whether it multiplies the outputs of each example with those of each other one."""
    if op.name not in ("matmul", "mm", "einsum") or len(_signals(graph, op.inputs)) < 2:
        return False
    shape, left, right = op.outputs[0].shape, op.inputs[0], op.inputs[1]
    if len(shape) != 2 or left.dim() != 2 or not 3 < shape[0] == len(left):
        return False
    if graph.outputs is not None and graph.outputs.numel() != op.outputs[0].numel():
        return False
    rows = graph.inputs[0] if graph.inputs else None
    among_examples = rows is None or rows.dim() == 0 or shape[0] % len(rows) == 0
    return among_examples and shape[1] in (shape[0], len(right))


def _signals(graph: StepGraph, tensors: tuple[Tensor, ...]) -> list[Tensor]:
    return [t for t in tensors if graph.kind(t) == "signal"]


def _has_teacher(graph: StepGraph) -> bool:
    """Whether the targets are the outputs of a network that is not trained."""
    targets = graph.targets
    return targets is not None and graph.kind(targets) == "signal" and not targets.requires_grad


def _by_targets(graph: StepGraph, loss: ObservedLoss, inputs: tuple[ObservedInput, ...]) -> str:
    targets = graph.targets
    if targets is None:
        return OTHER
    ids = {id(t) for t in graph.inputs}
    noise = {
        id(t)
        for op in graph.tape.ops
        if op.name in RANDOM
        for t in op.outputs
        if t.is_floating_point()
    }
    if targets.is_floating_point() and loss.kind not in CLASSES:
        given = graph.ancestors(graph.inputs[0]) if ids else set()
        shared = noise & graph.ancestors(targets) & given
        if shared and not _sources(graph, given) <= shared:  # else the inputs are what was drawn
            return DENOISING
        noisy = any(id(targets) in graph.ancestors(t) for t in graph.inputs)
        if noisy or any(_same(targets, t) for t in graph.inputs):
            return AUTOENCODER
    if loss.is_classification or "binary" in loss.kind:
        tokens = [x for x in inputs if x.is_tokens and len(x.shape) > 1]
        each_position = bool(tokens) and (
            targets.dim() > 1 or any(math.prod(x.shape) == targets.numel() for x in inputs)
        )
        if not each_position or targets.is_floating_point():
            return CLASSIFICATION
        # Tokens that no output stands for are not what is predicted, but for that of a beginning.
        known = any(x.next_in_row or x.transposed for x in tokens) or not loss.classes
        can_be = any(x.largest < loss.classes for x in tokens)
        return LANGUAGE if known or (can_be and _says_tokens(graph, targets)) else LABELLING
    return REGRESSION if loss.kind in DISTANCES else OTHER


def _says_tokens(graph: StepGraph, targets: Tensor) -> bool:
    """Whether labels are tokens of the inputs, in their order, or hidden there.

    They may be shifted in the loss itself. Numbers that are to be sorted are none.
    """
    for ids in graph.inputs:
        if ids.is_floating_point() or ids.dim() != 2 or targets.numel() % len(ids):
            continue
        labels = targets.reshape(len(ids), -1)
        counted = labels >= 0
        if labels.shape == ids.shape and bool(counted.any()):
            _, counts = torch.unique(ids[counted], return_counts=True)
            if int(counts.max()) > MOSTLY * int(counts.sum()):
                return True  # hidden, as in a masked language model
        for places in range(FURTHEST + 1):
            ahead = ids[:, places:][:, : labels.shape[1]]
            same = ahead == labels[:, : ahead.shape[1]]
            if float(same[counted[:, : ahead.shape[1]]].float().mean()) > MOSTLY:
                return True
    return False


def _sources(graph: StepGraph, ancestors: set[int]) -> set[int]:
    """Return those of some tensors that were drawn at random, or there before the step."""
    drawn = {id(t) for op in graph.tape.ops if op.name in RANDOM for t in op.outputs}
    return {key for key in ancestors if key in drawn or key not in graph.maker}


def _same(targets: Tensor, tensor: Tensor) -> bool:
    """Whether the targets are the inputs, perhaps in another shape or range."""
    if not tensor.is_floating_point() or tensor.numel() != targets.numel() or targets.numel() < 16:
        return False
    with torch.no_grad():
        a, b = tensor.detach().float().flatten(), targets.detach().float().flatten()
        a, b = a - a.mean(), b - b.mean()
        return bool((a * b).sum() > 0.99999 * a.norm() * b.norm())
