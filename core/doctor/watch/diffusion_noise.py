"""Sees in a step of a diffusion model whether the noise that it learns to predict is normal."""

import torch
from torch import Tensor

from .graph import StepGraph, Wired
from .tape import Op

UNIFORM = ("rand", "rand_like")
SUMS, PRODUCTS = ("add", "radd", "iadd"), ("mul", "rmul")
UNIT_VARIANCE = 1e-3
"""By which the squares of the weights of data and noise may miss a sum of 1."""


def uniform_noise(graph: StepGraph) -> Wired:
    """Targets that are uniform numbers, mixed into the inputs as normal noise is.

    That is by weights that differ from example to example, as their times do, and whose squares sum
    to 1: so the variance of data and normal noise is kept (Ho et al. 2020, equation 4). Flow
    matching, whose weights sum to 1, may begin with any distribution; and uniform numbers that are
    moved to a mean of 0 are meant to be what they are.
    """
    maker = graph.made_by_behind_views(graph.targets)
    if maker is None or maker.name not in UNIFORM or not graph.inputs:
        return None
    noise = maker.outputs[0]
    behind = set[int]().union(*(graph.ancestors(given) for given in graph.inputs))
    for op in graph.tape.ops:
        if op.name in SUMS and id(op.outputs[0]) in behind and _keeps_variance(graph, op, noise):
            words = (
                f"the noise that is added and predicted comes from {maker.name}: uniform between 0"
                " and 1, with a mean of 0.5, and not normal with a mean of 0"
            )
            return words, maker
    return None


def _keeps_variance(graph: StepGraph, added: Op, noise: Tensor) -> bool:
    """Whether data and noise are added with weights whose squares sum to 1, several of them."""
    weights: dict[bool, Tensor] = {}
    for product in map(graph.made_by, added.inputs[:2]):
        if product is None or product.name not in PRODUCTS or len(product.inputs) != 2:
            return False
        smaller, larger = sorted(product.inputs, key=Tensor.numel)
        of_noise = id(noise) in graph.ancestors(larger)
        if larger.numel() != noise.numel() or smaller.numel() == larger.numel():
            return False
        weights[of_noise] = smaller.detach().flatten().float()
    if len(weights) < 2 or weights[True].shape != weights[False].shape:
        return False
    total = weights[True].square() + weights[False].square()
    several = len(torch.unique(weights[True])) > 1
    return several and bool(((total - 1).abs() < UNIT_VARIANCE).all())
