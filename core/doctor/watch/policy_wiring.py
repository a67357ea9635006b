"""Sees whether a policy is rewarded with the right sign."""

import torch
from torch import Tensor

from .graph import StepGraph, Wired
from .tape import Op, ops_behind
from .tape_replay import replay
from .variables import Variables

REWARDS = ("reward", "return", "advantage", "adv")
"""With these, the names of what a policy is to make larger begin."""
HANDS_ON = frozenset("clamp clip view reshape squeeze unsqueeze flatten sum stack cat".split())
"""Calls that leave the sign of what they are given."""
MANY_CALLS = 8
ALIKE = 0.5
"""Correlation of a factor with the rewards, from which on it grows with them."""


def unlearns_rewards(graph: StepGraph, variables: Variables) -> Wired:
    """Log-probabilities of actions, weighted by rewards, are minimised (Williams 1992: a minus)."""
    root = graph.tape.root
    rewards = {
        id(tensor): name
        for name, tensor in variables.data.items()
        if name.rpartition(".")[2].lower().startswith(REWARDS) and tensor.is_floating_point()
    }
    if root is None or not rewards or root.numel() != 1:
        return None
    ops = ops_behind(graph.tape, [root])
    for op in ops:
        if op.name not in ("mul", "rmul") or len(op.inputs) != 2:
            continue
        acts = [t for t in op.inputs if t.requires_grad]
        factors = [t for t in op.inputs if not t.requires_grad and t.is_floating_point()]
        if len(acts) != 1 or len(factors) != 1 or acts[0].shape != factors[0].shape:
            continue
        reward = _made_of(graph, factors[0], rewards, variables)
        direction = _with_probability(graph, acts[0]) * _correlation(factors[0], reward)
        if not direction:
            continue
        if direction * _slope(graph, ops, op, root) > 0:
            name = rewards[id(reward)]
            return f"the probability of an action falls the more, the larger its {name} is", op
    return None


def _slope(graph: StepGraph, ops: list[Op], op: Op, root: Tensor) -> float:
    """Return the mean derivative of the loss by what a call made; 0 where it can't be repeated."""
    product = op.outputs[0].detach().clone().requires_grad_()
    behind, given = {id(op.outputs[0])}, dict[int, Tensor]()
    for other in ops:  # a rollout, as all that it does not change, stays as it is
        if behind.intersection(id(t) for t in other.inputs):
            behind |= {id(t) for t in other.outputs}
        else:
            given |= {id(t): t.detach() for t in other.outputs}
    given[id(op.outputs[0])] = product
    try:
        with torch.enable_grad():
            loss = replay(graph.tape, (root,), given)[0]
            slope = torch.autograd.grad(loss, product, allow_unused=True)[0]
    except (RuntimeError, ValueError, IndexError, TypeError):
        return 0.0
    return 0.0 if slope is None else float(slope.mean())


def _made_of(
    graph: StepGraph, factor: Tensor, rewards: dict[int, str], variables: Variables
) -> Tensor | None:
    """Return the rewards that a factor is, or is made of; None."""
    known = {id(t): t for t in variables.data.values() if id(t) in rewards}
    if id(factor) in known:
        return known[id(factor)]
    behind = ops_behind(graph.tape, [factor])
    return next((known[id(t)] for op in behind for t in op.inputs if id(t) in known), None)


def _with_probability(graph: StepGraph, value: Tensor) -> float:
    """Return 1 of what grows with the probability of actions, -1 of what falls with it, or 0."""
    sign = 1.0
    for _ in range(MANY_CALLS):
        maker = graph.made_by(value)
        if maker is None:
            break
        if maker.name == "exp":  # a ratio of probabilities
            return sign
        if maker.name in ("cross_entropy", "nll_loss"):
            return -sign
        if maker.name != "neg" and maker.name not in HANDS_ON:
            break
        sign = -sign if maker.name == "neg" else sign
        value = next((t for t in maker.inputs if t.requires_grad), value)
    return sign if bool((value.detach() <= 0).all()) else 0.0  # log-probabilities


def _correlation(factor: Tensor, reward: Tensor | None) -> float:
    """Return 1 where a factor grows with the rewards, -1 where it falls, and 0 where neither."""
    if reward is None or reward.numel() != factor.numel() or reward.numel() < 2:
        return 0.0
    both = torch.stack([factor.detach().flatten().float(), reward.detach().flatten().float()])
    found = float(torch.corrcoef(both)[0, 1])
    return 1.0 if found > ALIKE else -1.0 if found < -ALIKE else 0.0
