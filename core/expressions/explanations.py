"""What happens at a node, in a sentence with its numbers: forward, and by the chain rule back."""

import re

from ..numbers import number, raised
from ..telemetry.events import Array
from .functions import FUNCTIONS, size
from .graph import Graph, Kind, Node
from .lab import Lab

DEPTH = 3
"""How deep a formula is written out in a sentence."""
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@"}


def title(node: Node) -> str:
    """Return the name of a node, or else its operation: ``×``, ``tanh``, ``3``."""
    return node.name or sign(node)


def sign(node: Node) -> str:
    """Return the operation of a node: ``×``, ``x²``, ``tanh``; of a leaf its source."""
    if node.operation == "power":
        return f"x{raised(node.exponent)}"
    if node.operation == "negate":
        return "−x"
    if node.operation == "stack":
        return "[ ]"
    if node.operation == "number":
        one = node.start is not None and not node.start.shape
        return number(float(node.start or 0.0)) if one else size(node.shape)
    return SIGNS.get(node.operation, node.operation)


def formula(graph: Graph, node: Node, depth: int = 1) -> str:
    """Return the formula of a node: ``a × b``, ``tanh(n)``, ``… + c``.

    Args:
        graph: where the node is.
        node: of the graph.
        depth: how deep nodes without a name are written out; below it stands ``…``.
    """
    parts = [_operand(graph, graph.nodes[index], node, depth) for index in node.inputs]
    if not parts:
        return title(node)
    if node.operation in SIGNS:
        return f"{parts[0]} {SIGNS[node.operation]} {parts[1]}"
    if node.operation == "power":
        return f"{parts[0]}{raised(node.exponent)}"
    if node.operation == "negate":
        return f"−{parts[0]}"
    if node.operation == "stack":
        return f"[{', '.join(parts)}]"
    return f"{node.operation}({', '.join(parts)})"


def _operand(graph: Graph, part: Node, whole: Node, depth: int) -> str:
    if part.name or not part.inputs:
        return title(part)
    if depth <= 1:
        return "…"
    words = formula(graph, part, depth - 1)
    tight = whole.operation in ("power", "negate", *SIGNS) and whole.operation != "add"
    return f"({words})" if tight and part.operation in ("negate", *SIGNS) else words


def _assignment(graph: Graph, node: Node) -> str:
    """Return a node's name and formula: ``n = x × w + b``."""
    made = formula(graph, node, DEPTH)
    return f"{node.name} = {made}" if node.name and node.inputs else made


def value_in_words(value: Array) -> str:
    """Return a number, a few numbers, or the shape and range of many."""
    if value.size <= 4 and value.ndim < 2:
        numbers = ", ".join(number(float(v)) for v in value.reshape(-1))
        return f"[{numbers}]" if value.ndim else numbers
    low, high = number(float(value.min())), number(float(value.max()))
    return f"{size(value.shape)}, " + (f"all {low}" if low == high else f"from {low} to {high}")


def explain_forward(lab: Lab, index: int) -> str:
    """Return what a node computes in the forward pass."""
    graph, values = lab.graph, lab.values
    node = graph.nodes[index]
    made = value_in_words(values[index])
    if node.shape or any(graph.nodes[i].shape for i in node.inputs):
        sizes = " and ".join(size(graph.nodes[i].shape) for i in node.inputs)
        return f"**Forward: {_assignment(graph, node)}.** From {sizes}: {made}."
    numbers = [_bracketed(number(float(values[i]))) for i in node.inputs]
    if node.operation in SIGNS:
        words = f"{numbers[0]} {SIGNS[node.operation]} {numbers[1]}"
    elif node.operation == "power":
        words = f"{numbers[0]}{raised(node.exponent)}"
    elif node.operation == "negate":
        words = f"−{numbers[0]}"
    else:
        words = f"{node.operation}({', '.join(n.strip('()') for n in numbers)})"
    return f"**Forward: {_assignment(graph, node)}.** {words} = {made}."


def explain_backward(lab: Lab, index: int) -> str:
    """Return what a node passes back to its inputs: local derivative × upstream gradient."""
    graph = lab.graph
    node = graph.nodes[index]
    words = [
        f"**Back through {_assignment(graph, node)}.**",
        f"Upstream gradient: {value_in_words(lab.gradients[index])}.",
    ]
    if index == graph.root:
        words[1] = "The backward pass begins here: the gradient of the loss by itself is 1."
    single = not node.shape and not any(graph.nodes[i].shape for i in node.inputs)
    parts = lab.input_gradients(index)
    local = lab.local_derivatives(index) if single else parts
    for which, source in enumerate(node.inputs):
        if source in graph.with_gradient:
            explain = _explain_numbers if single else _explain_arrays
            called = graph.nodes[source].name or formula(graph, graph.nodes[source], DEPTH)
            words.append(f"To {called}: {explain(lab, node, which, local[which], parts[which])}.")
        elif graph.nodes[source].kind is Kind.NOISE:
            words.append("The noise receives no gradient.")
    return " ".join(words)


def _explain_numbers(lab: Lab, node: Node, which: int, local: Array, part: Array) -> str:
    numbers = [number(float(lab.values[i])) for i in node.inputs]
    words = _derivative(lab, node, which, numbers, number(float(lab.values[node.index])))
    here, upstream = number(float(local)), number(float(lab.gradients[node.index]))
    words = words if words == here else f"{words} = {here}"
    return f"local derivative {words}, times {upstream} = **{value_in_words(part)}**"


def _explain_arrays(lab: Lab, node: Node, which: int, local: Array, part: Array) -> str:
    labels = [_operand(lab.graph, lab.graph.nodes[i], node, 1) for i in node.inputs]
    if node.operation == "matmul" and node.shape:
        other = f"{labels[1 - which]} transposed"
        product = f"{other} @ upstream gradient" if which else f"upstream gradient @ {other}"
        return f"{product}: {value_in_words(part)}"
    words = _derivative(lab, node, which, labels, node.name or "out")
    broadcast = lab.graph.nodes[node.inputs[which]].count < node.count
    summed = ", summed over the broadcast dimensions" if broadcast else ""
    return f"local derivative {words}, times the upstream gradient{summed}: {value_in_words(part)}"


def _derivative(lab: Lab, node: Node, which: int, arguments: list[str], out: str) -> str:
    if node.operation == "stack":
        return "1"
    words = FUNCTIONS[node.operation].derivatives[which]
    count = node.exponent
    if node.operation == "power":
        words = "2 × {a}" if count == 2 else f"{{n}} × {{a}}{raised(count - 1)}"
    elif node.operation == "mean":
        count = lab.graph.nodes[node.inputs[0]].count
    names = {"a": arguments[0], "b": arguments[-1], "out": out, "n": f"{count:g}"}
    alone = words in ("{a}", "{b}", "{out}")
    return re.sub(r"\{(\w+)\}", lambda f: names[f[1]] if alone else _bracketed(names[f[1]]), words)


def _bracketed(words: str) -> str:
    return f"({words})" if words.startswith("−") else words
