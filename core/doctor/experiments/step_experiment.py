"""An experiment on copies of an observed step, where observation alone does not decide.

It is a function of the step (:class:`~core.doctor.experiments.replay.Replay`); whatever it does to
weights, it does to copies.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from ..evidence import Evidence
from .experiment import Declared, Outcome
from .replay import REPLAY_ERRORS, Replay, reason

Run = Callable[[Replay, Evidence, float], Outcome]
"""A step, what is known, and the seconds of a usual core that there are."""


@dataclass(frozen=True)
class StepExperiment(Declared):
    """An experiment on copies of a step.

    Attributes:
        run: does it.
        seconds: of a usual core that it may take.
        expensive: whether it is left out where a cause is clear already.
    """

    run: Run
    seconds: float = 0.5
    expensive: bool = False

    def attempt(self, replay: Replay, evidence: Evidence, most: float) -> None:
        """Do it within some seconds, and add to the evidence what came out."""
        begin = time.perf_counter()
        try:
            outcome = self.run(replay, evidence, min(self.seconds, most))
        except REPLAY_ERRORS as error:
            evidence.add(self.not_done(f"This could not be tried: {reason(error)}."))
        else:
            evidence.add(self.done(outcome, time.perf_counter() - begin), outcome.result)


def experiment(
    id: str, title: str, criterion: str, seconds: float = 0.5, expensive: bool = False
) -> Callable[[Run], StepExperiment]:
    """Declare a function as an experiment."""
    return lambda run: StepExperiment(id, title, criterion, run, seconds, expensive)


def experiments_of(*modules: ModuleType) -> tuple[StepExperiment, ...]:
    """Return the experiments that modules declare, in their order."""
    declared = (found for module in modules for found in vars(module).values())
    return tuple(found for found in declared if isinstance(found, StepExperiment))
