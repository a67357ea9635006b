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
_OVERFLOW = "this overflows to infinity; make its inputs smaller."
_INFINITE_SLOPE = "the derivative is infinite here; change the numbers a little."
_DOMAIN = {
    "log": "only a number above 0 has a logarithm; the input is not.",
    "sqrt": "only a number from 0 on has a square root; the input is negative.",
    "divide": "this divides by 0; change the denominator.",
    "power": "this power is not defined: 0 to a negative power, or a root of a negative number.",
}


def apply(node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Return the value of a node with these inputs."""
    if node.operation == "power":
        return inputs[0] ** node.exponent
    return _OPERATIONS[node.operation](*inputs)


def forward(
    graph: Graph, leaves: Mapping[int, Tensor], wanted: Collection[int] | None = None
) -> dict[int, Tensor]:
    """Return the value of each node, or of those that are wanted.

    Args:
        graph: what is evaluated.
        leaves: the value of each node without inputs.
        wanted: indices, with everything that these depend on; all of them if left out.

    Raises:
        ExpressionError: a value is NaN or infinite.
    """
    values = dict(leaves)
    for node in graph.nodes:
        if node.inputs and (wanted is None or node.index in wanted):
            inputs = [values[index] for index in node.inputs]
            values[node.index] = made = apply(node, inputs)
            if not torch.isfinite(made).all():
                raise ExpressionError(_DOMAIN.get(node.operation, _OVERFLOW), node.place)
    return values


def backward(graph: Graph, values: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """Return the gradient of the loss with respect to each node that has one, by autograd.

    Raises:
        ExpressionError: a gradient is NaN or infinite.
    """
    asked = sorted(graph.with_gradient)
    if graph.root not in graph.with_gradient:
        return {index: torch.zeros_like(values[index]) for index in asked}
    found = torch.autograd.grad(values[graph.root], [values[i] for i in asked], allow_unused=True)
    gradients = {
        index: torch.zeros_like(values[index]) if gradient is None else gradient
        for index, gradient in zip(asked, found, strict=True)
    }
    broken = {index for index, part in gradients.items() if not torch.isfinite(part).all()}
    for index in graph.backward:  # the first whose inputs get it
        if broken & set(graph.nodes[index].inputs):
            raise ExpressionError(_INFINITE_SLOPE, graph.nodes[index].place)
    return gradients


def input_gradients(node: Node, inputs: Sequence[Tensor], upstream: Tensor) -> list[Tensor]:
    """Return a node's part of the gradient of each input: local derivative × upstream gradient."""
    own = [tensor.detach().requires_grad_() for tensor in inputs]
    found = torch.autograd.grad(apply(node, own), own, upstream, allow_unused=True)
    return [
        torch.zeros_like(tensor) if part is None else part
        for tensor, part in zip(own, found, strict=True)
    ]
