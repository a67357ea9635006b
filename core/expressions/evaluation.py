"""The graph in torch, in double precision: values forward, gradients backward."""

from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor

from .graph import Graph, Node
from .tokens import ExpressionError

_OPERATIONS: Mapping[str, Callable[..., Tensor]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "matmul": torch.matmul,
    "negate": torch.neg,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "softplus": torch.nn.functional.softplus,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "abs": torch.abs,
    "max": torch.maximum,
    "min": torch.minimum,
    "sum": torch.sum,
    "mean": torch.mean,
    "dot": torch.dot,
    "softmax": lambda x: torch.softmax(x, -1),
    "stack": lambda *items: torch.stack(items),
}
_TOO_LARGE = "this grew beyond all numbers; make what goes in smaller."
_STEEP = "the slope is infinitely steep here; move the numbers a little."
_BLAME = {
    "log": "only a number above 0 has a logarithm; what comes in is not.",
    "sqrt": "only a number from 0 on has a square root; what comes in is below.",
    "divide": "this divides by 0; change what stands below the line.",
    "power": "this power is no number: 0 to a negative power, or a root of a negative one.",
}


def apply(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Return what a node makes of its inputs."""
    if node.operation == "power":
        return inputs[0] ** node.exponent
    return _OPERATIONS[node.operation](*inputs)


def forward(
    graph: Graph, leaves: Mapping[int, Tensor], wanted: Collection[int] | None = None
) -> dict[int, Tensor]:
    """Return the value of each node, or of those that are wanted.

    Args:
        graph: what is evaluated.
        leaves: the value of each node that is made from nothing.
        wanted: indices, with everything that these depend on; all of them if left out.

    Raises:
        ExpressionError: a value is no number any more.
    """
    values = dict(leaves)
    for node in graph.nodes:
        if node.inputs and (wanted is None or node.index in wanted):
            inputs = [values[index] for index in node.inputs]
            values[node.index] = made = apply(node, inputs)
            if not torch.isfinite(made).all():
                raise ExpressionError(_BLAME.get(node.operation, _TOO_LARGE), node.place)
    return values


def backward(graph: Graph, values: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """Return the gradient of the last line by each node that has one, by autograd.

    Raises:
        ExpressionError: a gradient is no number.
    """
    asked = sorted(graph.sloped)
    if graph.root not in graph.sloped:
        return {index: torch.zeros_like(values[index]) for index in asked}
    found = torch.autograd.grad(values[graph.root], [values[i] for i in asked], allow_unused=True)
    gradients = {
        index: torch.zeros_like(values[index]) if gradient is None else gradient
        for index, gradient in zip(asked, found, strict=True)
    }
    broken = {index for index, part in gradients.items() if not torch.isfinite(part).all()}
    for index in graph.backward:  # the first that hands on what is no number
        if broken & set(graph.nodes[index].inputs):
            raise ExpressionError(_STEEP, graph.nodes[index].place)
    return gradients


def handed_on(node: Node, inputs: Sequence[Tensor], from_above: Tensor) -> list[Tensor]:
    """Return what a node adds to the gradient of each input: local derivative × from above."""
    own = [tensor.detach().requires_grad_() for tensor in inputs]
    found = torch.autograd.grad(apply(node, own), own, from_above, allow_unused=True)
    return [
        torch.zeros_like(tensor) if part is None else part
        for tensor, part in zip(own, found, strict=True)
    ]
