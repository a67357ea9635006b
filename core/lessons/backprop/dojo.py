"""What a learner has solved or seen, in the lecture's order, and what is kept of it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from torch import Tensor

from ...errors import UserError
from ...expressions import limits
from ...expressions.tensor_parser import parse_tensor
from ...expressions.tensor_program import TensorProgram
from .checker import GradientVerdict, check
from .network import ForwardPass, first_batch, known_of
from .steps import CLOSED, STEPS, GradientStep

HINTS = 3


class StepState(Enum):
    """Where a step stands."""

    LOCKED = "locked"
    """A gradient that it needs is not known yet."""
    OPEN = "open"
    SOLVED = "solved"
    """Typed, and right."""
    SEEN = "answer shown"
    """The answer was shown: later steps are open, but this one was not solved."""

    @property
    def done(self) -> bool:
        """Whether its gradient is known."""
        return self in (StepState.SOLVED, StepState.SEEN)


class Dojo:
    """The progress of one learner.

    Attributes:
        made: the forward pass that the gradients are of.
        typed: the text that stands in each step's field, by the step's key; it may be unchecked.
        hints: how many hints of each step were taken.
    """

    def __init__(self) -> None:
        self.made: ForwardPass = first_batch()
        self.start_over()

    def start_over(self) -> None:
        """Forget all progress."""
        self.typed: dict[str, str] = {}
        self.hints: dict[str, int] = {}
        self._solved: dict[str, TensorProgram] = {}
        self._seen: set[str] = set()

    def state(self, step: GradientStep) -> StepState:
        """Return where a step stands."""
        if step.key in self._seen:
            return StepState.SEEN
        if step.key in self._solved:
            return StepState.SOLVED
        return StepState.LOCKED if self.missing(step) else StepState.OPEN

    def missing(self, step: GradientStep) -> list[GradientStep]:
        """Return the steps that must be done before this one."""
        return [earlier for earlier in _before(step) if not self._done(earlier)]

    def count(self, state: StepState, steps: tuple[GradientStep, ...] = STEPS) -> int:
        """Return how many steps are in a state."""
        return sum(self.state(step) is state for step in steps)

    def next_open(self, after: GradientStep) -> GradientStep | None:
        """Return another step that is open, from one on and then from the beginning."""
        group = CLOSED if after in CLOSED else STEPS
        place = group.index(after)
        order = (*group[place + 1 :], *group[:place])
        return next((step for step in order if self.state(step) is StepState.OPEN), None)

    def gradients(self, step: GradientStep) -> dict[str, Tensor]:
        """Return the gradients that a step may use: autograd's, of the steps before it."""
        return {s.gradient: self.made.gradients[s.tensor] for s in _before(step)}

    def check(self, step: GradientStep, text: str) -> GradientVerdict:
        """Compare a typed gradient with autograd's; one that is right is solved.

        Raises:
            UserError: the step is locked.
        """
        if missing := self.missing(step):
            raise UserError(f"Do {missing[0].gradient} first: this gradient is made of it.")
        self.typed[step.key] = text
        verdict = check(step, text, self.made, self.gradients(step))
        if verdict.outcome.right and verdict.program is not None:
            self._solved[step.key] = verdict.program
        return verdict

    def take_hint(self, step: GradientStep) -> int:
        """Take the next hint, if there is one; return how many were taken."""
        self.hints[step.key] = min(HINTS, self.hints.get(step.key, 0) + 1)
        return self.hints[step.key]

    def may_see(self, step: GradientStep) -> bool:
        """Whether the answer may be shown: after all hints, or once it is solved."""
        return self.hints.get(step.key, 0) >= HINTS or self._done(step)

    def show_answer(self, step: GradientStep) -> str:
        """Return the answer; a step that was not solved counts as seen.

        Raises:
            UserError: hints are left, or the step is locked.
        """
        if not self.may_see(step) or self.missing(step):
            raise UserError("Take the three hints first; then the answer may be shown.")
        if self.state(step) is not StepState.SOLVED:
            self._seen.add(step.key)
        return step.answer

    @property
    def ready(self) -> bool:
        """Whether every gradient is known, so that the network can be trained by them."""
        return all(map(self._done, STEPS))

    def programs(self) -> tuple[tuple[str, TensorProgram], ...]:
        """Return a program for each gradient that training needs, in order, by its name.

        One's own where it was solved, else the answer that was seen. Where both closed forms are
        known they take the place of the long ways that they replace.

        Raises:
            UserError: a gradient is not known yet.
        """
        if not self.ready:
            left = next(step for step in STEPS if not self._done(step))
            raise UserError(f"{left.gradient} is not known yet; solve it, or have it shown.")
        closed = all(map(self._done, CLOSED))
        replaced = {step.tensor: step for step in CLOSED} if closed else {}
        made = [(step, replaced.get(step.tensor, step)) for step in STEPS]
        programs = [(step.gradient, self._program(which)) for step, which in made]
        return _needed(programs)

    def known_programs(self) -> tuple[tuple[str, TensorProgram], ...]:
        """Return what :meth:`programs` does, or until then each gradient that is known."""
        if self.ready:
            return self.programs()
        return tuple((s.gradient, self._program(s)) for s in STEPS if self._done(s))

    def _program(self, step: GradientStep) -> TensorProgram:
        if step.key in self._solved and step.key not in self._seen:
            return self._solved[step.key]
        return parse_tensor(step.answer, known_of({**self.made.tensors, **self.gradients(step)}))

    def _done(self, step: GradientStep) -> bool:
        return step.key in self._solved or step.key in self._seen

    def save(self) -> dict[str, Any]:
        """Return what comes back at the next start, as plain values."""
        return {
            "solved": {key: program.text for key, program in self._solved.items()},
            "seen": sorted(self._seen),
            "hints": dict(self.hints),
            "typed": dict(self.typed),
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take what :meth:`save` returned, or what a file says that it did: all is checked anew."""
        self.start_over()
        solved, seen, hints, typed = (
            _plain(values, name) for name in ("solved", "seen", "hints", "typed")
        )
        for step in (*STEPS, *CLOSED):
            if isinstance(taken := hints.get(step.key), int):
                self.hints[step.key] = max(0, min(HINTS, taken))
            if self.missing(step):
                continue
            if step.key in seen and self.hints.get(step.key) == HINTS:
                self._seen.add(step.key)
            if isinstance(text := solved.get(step.key), str):
                self.check(step, text)
            text = typed.get(step.key, self.typed.get(step.key))
            if isinstance(text, str) and len(text) <= limits.CHARACTERS:
                self.typed[step.key] = text


def _plain(values: Mapping[str, Any], name: str) -> dict[Any, Any]:
    """Return a dictionary of the values, or a list as one; empty where it is neither."""
    found = values.get(name)
    if isinstance(found, list):
        return {key: True for key in found if isinstance(key, str)}
    return found if isinstance(found, dict) else {}


def _before(step: GradientStep) -> tuple[GradientStep, ...]:
    """Return the steps whose gradients one may use, in the lecture's order."""
    if step.known is None:
        return STEPS[: STEPS.index(step)]
    return tuple(earlier for earlier in STEPS if earlier.gradient in step.known)


def _needed(
    programs: list[tuple[str, TensorProgram]],
) -> tuple[tuple[str, TensorProgram], ...]:
    """Leave out the gradients that none of the parameters' needs."""
    wanted = {"dC", "dW1", "db1", "dW2", "db2", "dbngain", "dbnbias"}
    kept: list[tuple[str, TensorProgram]] = []
    for name, program in reversed(programs):
        if name in wanted:
            kept.insert(0, (name, program))
            wanted |= program.names
    return tuple(kept)
