"""A rule is declared once, with id, title, criterion and source; it says what it measured."""

from collections.abc import Callable
from dataclasses import dataclass

from ..diagnosis import Check, Picture
from ..evidence import Evidence

SQUARED_LOSSES = ("mse_loss", "square")


@dataclass(frozen=True)
class Rule:
    """Decides whether one thing is wrong with a training.

    Attributes:
        id: of the cause that it names; never changes, records have it.
        title: of what is checked.
        criterion: when it passes, in a sentence.
        expected: what should be measured, in short.
        source: the lecture or paper; "".
        decide: looks at the evidence.
    """

    id: str
    title: str
    criterion: str
    expected: str
    source: str
    decide: Callable[["Rule", Evidence], Check]

    def check(self, evidence: Evidence) -> Check:
        """Return the check of a training."""
        return self.decide(self, evidence)

    def passed(self, measured: str, expected: str = "", picture: Picture | None = None) -> Check:
        """Return a check that passed."""
        expected = expected or self.expected
        return Check(self.id, self.title, True, measured, expected, picture=picture)

    def failed(
        self,
        measured: str,
        confidence: float,
        where: str = "",
        expected: str = "",
        picture: Picture | None = None,
    ) -> Check:
        """Return a check that failed."""
        sure = round(min(0.99, max(0.05, confidence)), 2)
        expected = expected or self.expected
        # What an experiment measured is a sentence; here it becomes a part of one.
        words = measured.removesuffix(".")
        return Check(self.id, self.title, False, words, expected, where, sure, picture)

    def not_checked(self, why: str) -> Check:
        """Return a check for which there was nothing to look at."""
        return Check(self.id, self.title, None, why)

    def by_experiment(self, evidence: Evidence, id: str) -> Check:
        """Return a check that passed as the experiment of that id did, if it was done."""
        done = evidence.experiments.get(id)
        if done is None or not done.passed:
            return self.not_checked(done.measured if done else "it was not tried")
        return self.passed(done.measured, done.expected)


def rule(
    id: str, title: str, criterion: str, expected: str, source: str = ""
) -> Callable[[Callable[[Rule, Evidence], Check]], Rule]:
    """Declare a function as a rule."""
    return lambda decide: Rule(id, title, criterion, expected, source, decide)


def names(found: list[str] | tuple[str, ...], most: int = 3) -> str:
    """Return the first of some names, and how many more there are."""
    shown = ", ".join(found[:most])
    return shown + (f" and {len(found) - most} more" if len(found) > most else "")


def wired(rule: Rule, evidence: Evidence) -> str:
    """Return in words how most of the observed steps are wired so; "" if they are not."""
    steps = [step for step in evidence.observations if step.has_backward]
    found = [words for step in steps for cause, words in step.wiring if cause == rule.id]
    return found[-1] if len(found) > len(steps) / 2 else ""
