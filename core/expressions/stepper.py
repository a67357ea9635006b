"""The forward and the backward pass of an expression, one node at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UserError
from ..numbers import number
from ..telemetry.events import Array
from .finite_differences import GradientCheck
from .graph import Kind
from .lab import Lab

CHECKED = 64
"""Leaves with more numbers than this are not checked against finite differences."""


@dataclass(frozen=True)
class NodeState:
    """What is known of a node at this moment; None for what is not computed yet.

    Attributes:
        current: ``activation`` while the forward pass is at this node, ``gradient`` the backward
            pass, "" otherwise.
    """

    value: Array | None = None
    gradient: Array | None = None
    check: GradientCheck | None = None
    current: str = ""


class Stepper:
    """The position in both passes. It begins complete: every value and gradient is shown."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._ahead, self._behind = lab.graph.forward, lab.graph.backward
        self._checks: dict[int, GradientCheck] = {}
        self.finish()

    def finish(self) -> None:
        """Complete both passes."""
        self._go_to(len(self._ahead) + len(self._behind), current=False)

    def clear(self) -> None:
        """Go before the first node: only leaves have a value."""
        self._go_to(0, current=False)

    def _go_to(self, done: int, current: bool = True) -> None:
        self._done, self._has_current = done, current
        self._checks.clear()

    @property
    def complete(self) -> bool:
        """Whether every node has its value and its gradient."""
        return self._done == len(self._ahead) + len(self._behind)

    @property
    def forward_done(self) -> bool:
        """Whether the forward pass is done, so that a step forward begins a new one."""
        return self._done >= len(self._ahead)

    def forward(self) -> int | None:
        """Compute the next node of the forward pass, after the last the first; return it.

        None where an expression is a single name or number: there is nothing to compute.
        """
        if not self._ahead:
            return None
        self._go_to(1 if self.forward_done else self._done + 1)
        return self._ahead[self._done - 1]

    def back(self) -> int | None:
        """Go to the next node of the backward pass and return it; None where there is none."""
        first = len(self._ahead)
        if not self._behind:
            return None
        self._go_to(1 + (first if self.complete else max(first, self._done)))
        return self._behind[self._done - first - 1]

    def check(self) -> None:
        """Compare the gradients of small leaves with finite differences, once all are there."""
        if not self.complete:
            return
        for node in self._lab.graph.of(Kind.LEARNED, Kind.CONSTANT):
            if node.count <= CHECKED:
                try:
                    self._checks[node.index] = self._lab.check(node.index)
                except UserError:  # next to a point where a value is not finite
                    continue

    def state(self) -> tuple[Mapping[int, NodeState], Mapping[int, str]]:
        """Return the state of each node, and the gradient on each edge of the current one.

        The gradients are in words for single numbers, and "" for arrays.
        """
        lab, back = self._lab, self._done - len(self._ahead)
        values = lab.values
        gradients: Mapping[int, Array] = lab.partial_gradients(back) if back > 0 else {}
        if self.complete:
            gradients = lab.gradients
        current = [*self._ahead, *self._behind][self._done - 1] if self._has_current else -1
        role = "gradient" if back > 0 else "activation"
        ahead = set(self._ahead[self._done :])
        states = {
            node.index: NodeState(
                None if node.index in ahead else values[node.index],
                gradients.get(node.index),
                self._checks.get(node.index),
                role if node.index == current else "",
            )
            for node in lab.graph.nodes
        }
        return states, self._edge_gradients(current) if back > 0 and current >= 0 else {}

    def _edge_gradients(self, current: int) -> Mapping[int, str]:
        node = self._lab.graph.nodes[current]
        parts: dict[int, list[str]] = {}
        for source, part in zip(node.inputs, self._lab.input_gradients(current), strict=True):
            if source in self._lab.graph.with_gradient:
                words = parts.setdefault(source, [])
                words += [number(float(part))] if not part.shape else []
        return {source: " + ".join(words) for source, words in parts.items()}
