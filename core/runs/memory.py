"""When a run's moments are kept, and what a copy of the network writes at them."""

from collections.abc import Mapping
from pathlib import Path

from core.runs.moments import NEXT, Moment, moments_of, write_moment
from core.telemetry.events import Array, Snapshot, frozen
from core.training.learner import Learner
from core.training.pace import Pace
from core.training.replica import Replica

TOKENS = 60  # of a sample, at most
TEMPERATURE, SEED = 0.8, 1


class Memory:
    """Keeps moments of a run, so that they cost a share of its time at most.

    Args:
        folder: of its record.
        learner: the run's.
        share: of the time, for the moments, and again for what is written at some of them.
    """

    def __init__(self, folder: Path, learner: Learner, share: float) -> None:
        self._folder, self._learner = folder, learner
        self._pace = Pace(0.1, share)
        self._writing = Pace(0.5, share)
        self._seen = Snapshot(learner.step, ())
        """What the probes saw last."""
        self._newest = max(moments_of(folder), default=-1)

    def see(self, snapshot: Snapshot) -> None:
        """Take notice of what the probes saw, and keep the moment if it is time."""
        self._seen = snapshot
        if snapshot.step >= max(self._newest + 1, NEXT * self._newest) and self._pace.due():
            self.keep()

    def keep(self, last: bool = False) -> None:
        """Keep the network as it is; the last moment has what it wrote in any case.

        Raises:
            UserError: it can't be written.
        """
        step = self._learner.step
        if step == self._newest:
            return
        weights = {n: frozen(t) for n, t in self._learner.model.state_dict().items()}
        samples: tuple[str, ...] = ()
        if self._writes(last):
            with self._writing.spending():
                samples = self._samples(weights)
        with self._pace.spending():  # apart from that: a moment is cheap, and writing is not
            write_moment(self._folder, Moment(step, self._seen, weights, samples))
        self._newest = step

    def _writes(self, last: bool) -> bool:
        """Whether it is time to write; before the first step there is only noise to be written."""
        if not self._learner.playground.sampled or not self._learner.step:
            return False
        return last or self._writing.due()

    def _samples(self, weights: Mapping[str, Array]) -> tuple[str, ...]:
        """Let a copy of the network write, with the same random numbers each time."""
        learner = self._learner
        copy = Replica(learner.playground, learner.recipe, learner.vocabulary)
        copy.update(weights)
        made = learner.playground.sample(
            copy.model,
            learner.recipe,
            prompt="",
            count=learner.playground.sampled,
            tokens=TOKENS,
            temperature=TEMPERATURE,
            top_k=None,
            top_p=None,
            seed=SEED,
        )
        return tuple(made["samples"])
