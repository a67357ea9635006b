"""The code behind an expression: its gradient descent in plain PyTorch."""

from ..errors import UserError
from ..expressions.functions import FUNCTIONS
from ..expressions.graph import Graph, Kind, Node
from ..expressions.sources import NOISE, SEED
from .script import CELL

STEPS = 100
PRECEDENCES = {"add": 10, "subtract": 10, "multiply": 20, "divide": 20, "matmul": 20}
SIGN, POWER, ATOM = 30, 40, 100
CALLS = {"max": "torch.maximum", "min": "torch.minimum", "softplus": "F.softplus"}
"""What torch calls a function that has another name there."""
TAKEN = frozenset("torch F np steps lr seed generator losses step p moons points labels".split())
"""Names that the script itself needs."""
NOTHING = "The last line depends on nothing that is learned: give a name a plain number, as w = 2."
MOONS = f'''
def moons(count):
    """Two interleaved half circles, and +1 or -1: which of them."""
    random = np.random.default_rng({SEED})
    labels = np.where(np.arange(count) % 2 == 0, 1.0, -1.0)[:, None]
    angle = np.pi * random.random(count)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    points = 1.2 * (np.where(labels > 0, upper, lower) - (0.5, 0.25))
    points += {NOISE} * random.standard_normal((count, 2))
    return torch.from_numpy(points), torch.from_numpy(labels)

'''


def write_expression(graph: Graph, rate: float, seed: int = 0, frozen: bool = False) -> str:
    """Return the training of an expression as a script that needs no Glassbox.

    Its losses are those of the lab that starts over with this seed.

    Args:
        graph: of the expression.
        rate: the learning rate.
        seed: of what is random.
        frozen: whether noise keeps its first sample.

    Raises:
        UserError: the loss depends on nothing that is learned.
    """
    return _Writer(graph).script(rate, seed, frozen)


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._names: dict[int, str] = {}
        used = set(graph.names) | TAKEN
        for node in graph.nodes:
            is_leaf = not node.inputs and node.kind is not Kind.LITERAL
            name = node.name or (node.kind.name.lower() if is_leaf else "")
            name = "loss" if not name and node.index == graph.root else name
            if name and (name in TAKEN or not node.name):
                while name in used:
                    name += "_"
            used.add(name)
            if name:
                self._names[node.index] = name

    def script(self, rate: float, seed: int, frozen: bool) -> str:
        graph = self._graph
        needed = graph.ancestors(graph.root)
        learned = [node for node in graph.of(Kind.LEARNED) if node.index in needed]
        if not learned:
            raise UserError(NOTHING)
        noise = [] if frozen else list(graph.of(Kind.NOISE))
        drawn = any(node.start is None for node in graph.nodes if not node.inputs)
        has_moons = any(node.operation.startswith("moons") for node in graph.nodes)
        leaves = [self._leaf(n) for n in graph.nodes if not n.inputs and n.index in self._names]
        results = [
            f"    {self._names[node.index]} = {self._computed(node)[0]}"
            for node in graph.nodes
            if node.inputs and node.index in self._names
        ]
        loss = self._names[graph.root]
        body = "\n".join(results)
        softplus = any(node.operation == "softplus" for node in graph.nodes)
        names = ", ".join(self._names[node.index] for node in learned)
        names += "," if len(learned) == 1 else ""
        lines = [
            '"""An expression is trained by gradient descent, in plain PyTorch."""\n',
            f"{CELL} Settings",
            *(["import numpy as np"] if has_moons else []),
            "import torch",
            *(["import torch.nn.functional as F"] if softplus else []),
            "",
            "torch.set_default_dtype(torch.float64)",
            f"steps = {STEPS}",
            f"lr = {_number(rate)}",
            *([f"generator = torch.Generator().manual_seed({seed})"] if drawn else []),
            f"\n{CELL} Numbers",
            *([MOONS] if has_moons else []),
            *leaves,
            f"\n{CELL} Training",
            "losses = []",
            "for step in range(steps):",
            body,
            f"    {loss}.backward()",
            f"    losses.append({loss}.item())",
            "    with torch.no_grad():",
            f"        for p in ({names}):",
            "            p -= lr * p.grad",
            "            p.grad = None",
            *[f"    {self._leaf(node)}  # resampled" for node in noise],
            "    if step % 10 == 0:",
            '        print(f"step {step:3d}  loss {losses[-1]:.4f}")',
            f"\n{CELL} Use",
            *[
                f'print("{self._names[node.index]} =", {self._names[node.index]}.tolist())'
                for node in learned
            ],
        ]
        return "\n".join(lines) + "\n"

    def _leaf(self, node: Node) -> str:
        name, learned = self._names[node.index], node.kind is Kind.LEARNED
        grad = ", requires_grad=True" if learned else ""
        if node.operation.startswith("moons"):
            return f"{name} = moons({node.shape[0]})[{int(node.operation == 'moons_label')}]"
        if node.start is None:
            return f"{name} = torch.randn({node.shape}, generator=generator{grad})"
        return f"{name} = torch.tensor({node.start.tolist()}{grad})"

    def _written(self, index: int) -> tuple[str, int, bool]:
        """Return a node as it is used: its code, how closely that binds, whether it is a tensor."""
        if index in self._names:
            return self._names[index], ATOM, True
        return self._computed(self._graph.nodes[index])

    def _computed(self, node: Node) -> tuple[str, int, bool]:
        if node.kind is Kind.LITERAL:
            assert node.start is not None
            if node.shape:
                return f"torch.tensor({node.start.tolist()})", ATOM, True
            value = float(node.start)
            return _number(value), SIGN if value < 0 else ATOM, False
        found = [self._written(index) for index in node.inputs]
        is_tensor = any(tensor for _, _, tensor in found)
        if node.operation == "negate":
            return f"-{_bracketed(found[0], SIGN)}", SIGN, is_tensor
        if node.operation == "power":
            return f"{_bracketed(found[0], POWER + 1)}**{_number(node.exponent)}", POWER, is_tensor
        if binds := PRECEDENCES.get(node.operation):
            left, right = _bracketed(found[0], binds), _bracketed(found[1], binds + 1)
            return f"{left} {FUNCTIONS[node.operation].sign} {right}", binds, is_tensor
        arguments = ", ".join(
            text if tensor else f"torch.tensor(float({text}))" for text, _, tensor in found
        )
        if node.operation == "stack":
            return f"torch.stack([{arguments}])", ATOM, True
        call = CALLS.get(node.operation, f"torch.{node.operation}")
        return f"{call}({arguments}{', -1' if node.operation == 'softmax' else ''})", ATOM, True


def _bracketed(found: tuple[str, int, bool], least: int) -> str:
    text, binds, _ = found
    return text if binds >= least else f"({text})"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)
