"""An expression in training: its numbers change by gradient steps, by new noise, or by hand."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..telemetry.events import Array, frozen
from ..telemetry.history import Curve
from .evaluation import backward, forward, input_gradients
from .finite_differences import GradientCheck, check
from .graph import Graph, Kind, Node

DIVERGED = "The step was too large: take a smaller learning rate, or start over."


class Lab:
    """Holds the leaves of a graph, and the values and gradients that follow from them.

    Attributes:
        graph: what is evaluated.
        seed: of the generator behind ``randn`` and noise.
        frozen: whether noise keeps its last sample.
        step: how many gradient steps were made.
        losses: the loss before each step.
        values, gradients: of the nodes, by index; noise and literals have no gradient.
    """

    def __init__(self, graph: Graph, seed: int = 0, frozen: bool = False) -> None:
        self.graph = graph
        self.seed = seed
        self.frozen = frozen
        self.start_over()

    def start_over(self) -> None:
        """Take the numbers of the text and of the seed again.

        Raises:
            ExpressionError: a value or gradient would not be finite.
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
        leaves = {
            index: tensor.detach().requires_grad_(index in self.graph.with_gradient)
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
        """The gradient of the loss with respect to each node that has one, by index."""
        return {index: frozen(tensor) for index, tensor in self._gradients.items()}

    @property
    def loss(self) -> float:
        """The value of the last line of the text."""
        return self._values[self.graph.root].item()

    def resample(self) -> None:
        """Draw new noise, unless it is frozen.

        Raises:
            ExpressionError: a value or gradient would not be finite; the noise stays as it was.
        """
        noise = self.graph.of(Kind.NOISE)
        if noise and not self.frozen:
            self._change({node.index: self._draw(node) for node in noise})

    def gradient_step(self, rate: float) -> None:
        """Make a step of gradient descent: each learned number minus rate times gradient.

        Raises:
            UserError: there are no learned numbers, or a value or gradient would not be finite
                after the step; then all numbers stay as they were.
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
            raise UserError(f"{DIVERGED} {error}") from None
        self.losses.extend(np.array([float(self.step)]), np.array([loss]))
        self.step += 1

    def set_number(self, leaf: int, number: int, value: float) -> None:
        """Set one number of a leaf by hand.

        Raises:
            ExpressionError: a value or gradient would not be finite; it stays as it was.
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
        """Compare the gradient of a leaf with its finite difference; noise keeps its sample.

        Raises:
            ExpressionError: a value is not finite so close to the present one.
        """
        return check(self.graph, self._leaves, leaf, self._gradients[leaf])

    def input_gradients(self, index: int) -> tuple[Array, ...]:
        """Return a node's part of the gradient of each of its inputs."""
        return self._chain(index, self._gradients[index])

    def local_derivatives(self, index: int) -> tuple[Array, ...]:
        """Return the derivatives of a node that is one number, with respect to each input."""
        return self._chain(index, torch.ones_like(self._values[index]))

    def _chain(self, index: int, upstream: Tensor) -> tuple[Array, ...]:
        node = self.graph.nodes[index]
        inputs = [self._values[i] for i in node.inputs]
        return tuple(frozen(part) for part in input_gradients(node, inputs, upstream))

    def partial_gradients(self, done: int) -> dict[int, Array]:
        """Return the gradients after so many nodes of the backward pass.

        A value that is used twice accumulates both: gradients add up.
        """
        sums = {}
        if self.graph.root in self.graph.with_gradient:
            sums[self.graph.root] = np.ones(())
        for index in self.graph.backward[:done]:
            node = self.graph.nodes[index]
            for which, part in zip(node.inputs, self.input_gradients(index), strict=True):
                if which in self.graph.with_gradient:
                    sums[which] = sums.get(which, 0.0) + part
        return sums

    def predict(self, name: str, points: str, at: Array) -> Array:
        """Return a named value for other points, with noise of 0.

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
                answers = frozen(forward(graph, leaves, graph.ancestors(index))[index])
        except RuntimeError as error:  # sizes that match the original points only
            raise UserError(f"{name} can't be computed for other points: {error}") from None
        if answers.size != len(at):
            raise UserError(f"{name} has not one number for each point.")
        return answers
