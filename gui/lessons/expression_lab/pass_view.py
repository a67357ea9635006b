"""A pass through a graph, node by node: what is seen of it at each moment."""

from collections.abc import Mapping

from core.errors import UserError
from core.expressions.differences import GradientCheck
from core.expressions.graph import Kind
from core.expressions.lab import Lab
from core.numbers import number
from gui.lessons.expression_lab.boxes import Seen

CHECKED = 64
"""Numbers of a leaf up to which each is nudged."""


class Pass:
    """Where a pass stands. At first it is complete: everything is seen, and nothing is lit."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._ahead, self._behind = lab.graph.forward, lab.graph.backward
        self._checks: dict[int, GradientCheck] = {}
        self.finish()

    def finish(self) -> None:
        """Be through with it."""
        self._done, self.lit = self._whole, False
        self._checks.clear()

    def clear(self) -> None:
        """Stand before the first node: only leaves have a value."""
        self._done, self.lit = 0, False
        self._checks.clear()

    @property
    def _whole(self) -> int:
        return len(self._ahead) + len(self._behind)

    @property
    def complete(self) -> bool:
        """Whether every node has its value and its gradient."""
        return self._done == self._whole

    @property
    def through(self) -> bool:
        """Whether the forward pass is done, so that a step forward begins a new one."""
        return self._done >= len(self._ahead)

    def forward(self) -> int:
        """Go to the next node of the forward pass, from the last one to the first; return it."""
        self._checks.clear()
        if self.through:
            self._done = 0
        self._done, self.lit = self._done + 1, True
        return self._ahead[self._done - 1]

    def back(self) -> int | None:
        """Go to the next node of the backward pass and return it; None where there is none."""
        self._checks.clear()
        first = len(self._ahead)
        if self._done < first or self.complete:
            self._done = first
        if not self._behind:
            return None
        self._done, self.lit = self._done + 1, True
        return self._behind[self._done - first - 1]

    def check(self) -> None:
        """Hold the gradients of small leaves against finite differences, when all are there."""
        if not self.complete:
            return
        for node in self._lab.graph.of(Kind.LEARNED, Kind.GIVEN):
            if node.count <= CHECKED:
                try:
                    self._checks[node.index] = self._lab.check(node.index)
                except UserError:  # next door to a place where nothing can be computed
                    continue

    def seen(self) -> tuple[Mapping[int, Seen], Mapping[int, str]]:
        """Return what is seen of each node, and what flows to each input of the lit one.

        What flows is told for single numbers, and "" for many.
        """
        lab, back = self._lab, self._done - len(self._ahead)
        values = lab.values
        gradients = lab.gradients if self.complete else lab.gathered(back) if back > 0 else {}
        lit = self._lit()
        role = "gradient" if back > 0 else "activation"
        ahead = set(self._ahead[self._done :])
        seen = {
            node.index: Seen(
                None if node.index in ahead else values[node.index],
                gradients.get(node.index),
                self._checks.get(node.index),
                role if node.index == lit else "",
            )
            for node in lab.graph.nodes
        }
        return seen, self._handed(lit) if back > 0 else {}

    def _lit(self) -> int:
        if not self.lit:
            return -1
        order = [*self._ahead, *self._behind]
        return order[self._done - 1]

    def _handed(self, lit: int) -> Mapping[int, str]:
        if lit < 0:
            return {}
        node = self._lab.graph.nodes[lit]
        parts: dict[int, list[str]] = {}
        for source, part in zip(node.inputs, self._lab.handed_on(lit), strict=True):
            if source in self._lab.graph.sloped:
                words = parts.setdefault(source, [])
                words += [number(float(part))] if not part.shape else []
        return {source: " + ".join(words) for source, words in parts.items()}
