"""An expression at work: its numbers change by a step downhill, by new noise, or by hand."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..telemetry.events import Array, frozen
from ..telemetry.history import Curve
from .differences import GradientCheck, check
from .evaluation import backward, forward, handed_on
from .graph import Graph, Kind, Node

TOO_FAR = "The step led too far: take a smaller learning rate, or start over."


class Lab:
    """Holds the numbers of a graph, and what they make of one another.

    Attributes:
        graph: what is evaluated.
        seed: what the first numbers of ``randn`` and all noise are drawn from.
        frozen: whether noise stays as it was drawn.
        step: how many steps downhill were made.
        losses: the value of the last line before each step.
        values, gradients: of the nodes, by index; noise and fixed numbers have no gradient.
    """

    def __init__(self, graph: Graph, seed: int = 0, frozen: bool = False) -> None:
        self.graph = graph
        self.seed = seed
        self.frozen = frozen
        self.start_over()

    def start_over(self) -> None:
        """Take the numbers of the text again, and those that the seed gives.

        Raises:
            ExpressionError: with these, something can't be computed.
        """
        self._random = torch.Generator().manual_seed(self.seed)
        self.step, self.losses = 0, Curve()
        self._leaves = {
            node.index: self._first(node) for node in self.graph.nodes if not node.inputs
        }
        self._evaluate()

    def _first(self, node: Node) -> Tensor:
        if node.start is None:
            return self._draw(node)
        return torch.tensor(node.start, dtype=torch.float64)

    def _draw(self, node: Node) -> Tensor:
        return torch.randn(node.shape, generator=self._random, dtype=torch.float64)

    def _evaluate(self) -> None:
        sloped = self.graph.sloped
        leaves = {
            index: tensor.detach().requires_grad_(index in sloped)
            for index, tensor in self._leaves.items()
        }
        values = forward(self.graph, leaves)
        gradients = backward(self.graph, values)
        self._leaves, self._values, self._gradients = leaves, values, gradients

    @property
    def values(self) -> Mapping[int, Array]:
        """The value of each node, by index."""
        return {index: frozen(tensor) for index, tensor in self._values.items()}

    @property
    def gradients(self) -> Mapping[int, Array]:
        """The gradient of the last line by each node that has one, by index."""
        return {index: frozen(tensor) for index, tensor in self._gradients.items()}

    @property
    def loss(self) -> float:
        """The value of the last line."""
        return self._values[self.graph.root].item()

    def draw_noise(self) -> None:
        """Draw all noise anew, unless it is frozen.

        Raises:
            ExpressionError: with it, something can't be computed; it stays as it was.
        """
        noise = self.graph.of(Kind.NOISE)
        if noise and not self.frozen:
            self._change({node.index: self._draw(node) for node in noise})

    def descend(self, rate: float) -> None:
        """Go a step downhill: each learned number minus the rate times its gradient.

        Raises:
            UserError: nothing can be learned, or the step leads where something can't be computed;
                then all numbers stay as they were.
        """
        learned = self.graph.of(Kind.LEARNED)
        if not learned:
            raise UserError("Nothing is learned here: give a name a plain number, such as w = 0.5.")
        loss = self.loss
        moved = {
            node.index: self._leaves[node.index].detach() - rate * self._gradients[node.index]
            for node in learned
        }
        if not self.frozen:
            moved |= {node.index: self._draw(node) for node in self.graph.of(Kind.NOISE)}
        try:
            self._change(moved)
        except UserError as error:
            raise UserError(f"{TOO_FAR} {error}") from None
        self.losses.extend(np.array([float(self.step)]), np.array([loss]))
        self.step += 1

    def set_number(self, leaf: int, number: int, value: float) -> None:
        """Set one number of a leaf by hand.

        Raises:
            ExpressionError: with it, something can't be computed; it stays as it was.
        """
        moved = self._leaves[leaf].detach().clone()
        moved.reshape(-1)[number] = value
        self._change({leaf: moved})

    def _change(self, moved: Mapping[int, Tensor]) -> None:
        before = self._leaves
        self._leaves = {**before, **moved}
        try:
            self._evaluate()
        except UserError:
            self._leaves = before
            raise

    def check(self, leaf: int) -> GradientCheck:
        """Hold the gradient of a leaf against its finite difference; noise stands still for it.

        Raises:
            ExpressionError: a nudge leads where something can't be computed.
        """
        return check(self.graph, self._leaves, leaf, self._gradients[leaf])

    def handed_on(self, index: int) -> tuple[Array, ...]:
        """Return what a node adds to the gradient of each of its inputs."""
        return self._hand_on(index, self._gradients[index])

    def slopes(self, index: int) -> tuple[Array, ...]:
        """Return the local derivatives of a node that is one number, by each of its inputs."""
        return self._hand_on(index, torch.ones_like(self._values[index]))

    def _hand_on(self, index: int, from_above: Tensor) -> tuple[Array, ...]:
        node = self.graph.nodes[index]
        inputs = [self._values[i] for i in node.inputs]
        return tuple(frozen(part) for part in handed_on(node, inputs, from_above))

    def gathered(self, done: int) -> dict[int, Array]:
        """Return the gradients as they are when so many nodes have handed theirs on.

        What is used twice gathers from both: gradients add up.
        """
        gathered = {}
        if self.graph.root in self.graph.sloped:
            gathered[self.graph.root] = np.ones(())
        for index in self.graph.backward[:done]:
            node = self.graph.nodes[index]
            for which, part in zip(node.inputs, self.handed_on(index), strict=True):
                if which in self.graph.sloped:
                    gathered[which] = gathered.get(which, 0.0) + part
        return gathered

    def answer(self, name: str, points: str, at: Array) -> Array:
        """Return a named value as it would be for other points; noise is left out, as it is 0.

        Args:
            name: of the value, (n, ...) for n points.
            points: the name of the points.
            at: other points (n, 2).

        Raises:
            UserError: it has not one number for each point.
        """
        graph = self.graph
        leaves = {index: tensor.detach() for index, tensor in self._leaves.items()}
        leaves |= {n.index: torch.zeros((), dtype=torch.float64) for n in graph.of(Kind.NOISE)}
        leaves[graph.names[points]] = torch.tensor(at, dtype=torch.float64)
        index = graph.names[name]
        try:
            with torch.no_grad():
                answers = frozen(forward(graph, leaves, graph.before(index))[index])
        except RuntimeError as error:  # sizes that fit the given points only
            raise UserError(f"{name} can't be asked for other points: {error}") from None
        if answers.size != len(at):
            raise UserError(f"{name} has not one number for each point.")
        return answers
