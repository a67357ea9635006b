"""What judges a program: the protocol, and the judges of this project.

A judge is made anew for each program. The program calls ``judge.watch()`` where it would call
``glassbox.watch()``: what that returns is entered around the loop, told of every step, and left.
``judge.answer()`` then says what is wrong. ``Judge`` is one that sees everything and says nothing:
what a tool needs of the variables around the loop it finds in ``variables``.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from bench.rows import sized
from core import watch


@dataclass(frozen=True)
class Answer:
    """What a judge says of a program.

    Attributes:
        broken: whether it is said to be at fault.
        causes: their ids, the most likely first.
        words: the tool's own words, as far as they have no id, and anything else worth reading.
    """

    broken: bool
    causes: list[str]
    words: list[str] = field(default_factory=list)


class CannotJudgeError(Exception):
    """A judge lacks what it needs in a program; says what."""


class Judge:
    """Nobody: runs the program and finds nothing. Others override what they need."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.losses: list[float] = []

    def watch(self) -> Any:
        """Return what the program enters around its loop."""
        return self

    def __enter__(self) -> Self:
        self.variables = dict(sys._getframe(1).f_locals)
        self.begin()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def begin(self) -> None:
        """Prepare, before the first step."""

    def end(self) -> None:
        """Conclude, behind the last step or where an error ended the loop."""

    def step(self, loss: Any) -> None:
        """Take the loss of a step, after its update."""
        self.losses.append(float(loss.detach() if isinstance(loss, Tensor) else loss))

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Take a loss on other data, and an accuracy of 0 to 1."""

    @contextmanager
    def using(self) -> Iterator[None]:
        """Stand around the place where the network is used."""
        yield

    def answer(self) -> Answer:
        """Return what is wrong."""
        return Answer(False, [], [f"losses {self.losses[:1]} to {self.losses[-1:]}"])

    def modules(self) -> list[nn.Module]:
        """Return the networks in the variables around the loop, and in objects among them."""
        found = []
        for value in self._values():
            if isinstance(value, nn.Module) and list(value.parameters()):
                found.append(value)
        return found

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Return the optimisers in the variables around the loop, and in objects among them."""
        return [value for value in self._values() if isinstance(value, torch.optim.Optimizer)]

    def _values(self) -> list[Any]:
        values = list(self.variables.values())
        for value in list(values):
            if not isinstance(value, nn.Module | Tensor) and hasattr(value, "__dict__"):
                values += vars(value).values()
        unique = {id(value): value for value in values}
        return list(unique.values())


class Glassbox(Judge):
    """The doctor of this project, with a budget of some seconds for its experiments."""

    budget = sized(4.0, 0.5)

    def watch(self) -> Any:
        """Return the doctor's own context."""
        self.seen = watch(quiet=True, record=False, budget=self.budget)
        return self.seen

    def answer(self) -> Answer:
        """Return its causes; its words are the verdict and each cause's evidence."""
        found = self.seen.diagnosis
        causes = [cause.id for cause in found.causes]
        words = [f"{found.verdict} ({found.training_kind}): {found.sentence}"]
        words += [f"{c.id} {c.confidence:.2f} ({c.where}): {c.evidence}" for c in found.causes]
        return Answer(found.verdict == "broken" or bool(causes), causes, words)
