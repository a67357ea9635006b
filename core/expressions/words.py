"""What happens at a node, in a sentence with its numbers: forward, and the chain rule backward."""

import re

from ..numbers import number, raised
from ..telemetry.events import Array
from .functions import FUNCTIONS, size
from .graph import Graph, Kind, Node
from .lab import Lab

DEEP = 3
"""How far a formula is written out in a sentence."""
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@"}


def title(node: Node) -> str:
    """Return what a node is called, or else what makes it: ``×``, ``tanh``, ``3``."""
    return node.name or sign(node)


def sign(node: Node) -> str:
    """Return what makes a node: ``×``, ``x²``, ``tanh``; for a leaf what it comes from."""
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
    """Return what makes a node, of its inputs: ``a × b``, ``tanh(n)``, ``… + c``.

    Args:
        graph: where the node is.
        node: of which it is told.
        depth: how far what has no name is written out; beyond, there are points.
    """
    parts = [_part_of(graph, graph.nodes[index], node, depth) for index in node.inputs]
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


def _part_of(graph: Graph, part: Node, whole: Node, depth: int) -> str:
    if part.name or not part.inputs:
        return title(part)
    if depth <= 1:
        return "…"
    words = formula(graph, part, depth - 1)
    tight = whole.operation in ("power", "negate", *SIGNS) and whole.operation != "add"
    return f"({words})" if tight and part.operation in ("negate", *SIGNS) else words


def _called(graph: Graph, node: Node) -> str:
    """Return a node's name and what makes it: ``n = x × w + b``."""
    made = formula(graph, node, DEEP)
    return f"{node.name} = {made}" if node.name and node.inputs else made


def told(value: Array) -> str:
    """Return a value in a few words: a number, some numbers, or from where to where."""
    if value.size <= 4 and value.ndim < 2:
        numbers = ", ".join(number(float(v)) for v in value.reshape(-1))
        return f"[{numbers}]" if value.ndim else numbers
    low, high = number(float(value.min())), number(float(value.max()))
    return f"{size(value.shape)}, " + (f"all {low}" if low == high else f"from {low} to {high}")


def forward_words(lab: Lab, index: int) -> str:
    """Say what a node makes in the forward pass."""
    graph, values = lab.graph, lab.values
    node = graph.nodes[index]
    made = told(values[index])
    if node.shape or any(graph.nodes[i].shape for i in node.inputs):
        sizes = " and ".join(size(graph.nodes[i].shape) for i in node.inputs)
        return f"**Forward: {_called(graph, node)}.** From {sizes}: {made}."
    numbers = [_bracketed(number(float(values[i]))) for i in node.inputs]
    if node.operation in SIGNS:
        words = f"{numbers[0]} {SIGNS[node.operation]} {numbers[1]}"
    elif node.operation == "power":
        words = f"{numbers[0]}{raised(node.exponent)}"
    elif node.operation == "negate":
        words = f"−{numbers[0]}"
    else:
        words = f"{node.operation}({', '.join(n.strip('()') for n in numbers)})"
    return f"**Forward: {_called(graph, node)}.** {words} = {made}."


def backward_words(lab: Lab, index: int) -> str:
    """Say what a node hands on in the backward pass: local derivative × what came from above."""
    graph = lab.graph
    node = graph.nodes[index]
    words = [
        f"**Back through {_called(graph, node)}.**",
        f"From above: {told(lab.gradients[index])}.",
    ]
    if index == graph.root:
        words[1] = "It begins here: the result changes with itself by 1."
    single = not node.shape and not any(graph.nodes[i].shape for i in node.inputs)
    parts = lab.handed_on(index)
    slopes = lab.slopes(index) if single else parts
    for which, source in enumerate(node.inputs):
        if source in graph.sloped:
            say = _numbers_part if single else _arrays_part
            called = graph.nodes[source].name or formula(graph, graph.nodes[source], DEEP)
            words.append(f"To {called}: {say(lab, node, which, slopes[which], parts[which])}.")
        elif graph.nodes[source].kind is Kind.NOISE:
            words.append("To the noise: nothing; the gradient passes it by.")
    return " ".join(words)


def _numbers_part(lab: Lab, node: Node, which: int, slope: Array, part: Array) -> str:
    numbers = [number(float(lab.values[i])) for i in node.inputs]
    words = _slope(lab, node, which, numbers, number(float(lab.values[node.index])))
    here, above = number(float(slope)), number(float(lab.gradients[node.index]))
    words = words if words == here else f"{words} = {here}"
    return f"local derivative {words}, times {above} = **{told(part)}**"


def _arrays_part(lab: Lab, node: Node, which: int, slope: Array, part: Array) -> str:
    labels = [_part_of(lab.graph, lab.graph.nodes[i], node, 1) for i in node.inputs]
    if node.operation == "matmul" and node.shape:
        other = f"{labels[1 - which]} transposed"
        product = f"{other} @ what comes" if which else f"what comes from above @ {other}"
        return f"{product}{' from above' if which else ''}: {told(part)}"
    words = _slope(lab, node, which, labels, node.name or "out")
    used = lab.graph.nodes[node.inputs[which]].count < node.count
    many = ", summed over all its uses" if used else ""
    return f"local derivative {words}, times what comes from above{many}: {told(part)}"


def _slope(lab: Lab, node: Node, which: int, arguments: list[str], out: str) -> str:
    if node.operation == "stack":
        return "1"
    words = FUNCTIONS[node.operation].slopes[which]
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
