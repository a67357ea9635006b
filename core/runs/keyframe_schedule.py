"""When a run's moments are kept, and what a copy of the network writes at them."""

from contextlib import suppress
from pathlib import Path

from ..errors import UserError
from ..telemetry.events import Array, Snapshot, frozen
from ..training.learner import Learner
from ..training.pace import Pace
from ..training.replica import Replica
from .keyframes import NEXT, Keyframe, keyframes_of, write_moment

TOKENS = 60  # of a sample, at most
TEMPERATURE, SEED = 0.8, 1


class KeyframeSchedule:
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
        self._newest = max(keyframes_of(folder), default=-1)

    def see(self, snapshot: Snapshot) -> None:
        """Take notice of what the probes saw, and keep the moment if it is time."""
        self._seen = snapshot
        if snapshot.step >= max(self._newest + 1, NEXT * self._newest) and self._pace.due():
            samples = self._samples()
            with self._pace.spending():  # a moment is cheap, and what is written beside it is not
                self._remember(samples)

    def keep(self, last: bool = False) -> None:
        """Keep the network as it is; the last moment has what it wrote in any case.

        Raises:
            UserError: it can't be written.
        """
        if self._learner.step != self._newest:
            self._remember(self._samples(last))

    def _remember(self, samples: tuple[str, ...]) -> None:
        step = self._learner.step
        write_moment(self._folder, Keyframe(step, self._seen, self._weights(), samples))
        self._newest = step

    def _weights(self) -> dict[str, Array]:
        return {name: frozen(t) for name, t in self._learner.model.state_dict().items()}

    def _samples(self, last: bool = False) -> tuple[str, ...]:
        """Let it write, if it writes and it is time; before the first step that is noise."""
        learner = self._learner
        if not learner.playground.sampled or not learner.step:
            return ()
        if not (last or self._writing.due()):
            return ()
        with self._writing.spending(), suppress(UserError):
            return self._written()
        return ()  # it has diverged, and its weights are kept all the same

    def _written(self) -> tuple[str, ...]:
        """Let a copy of the network write, with the same random numbers each time."""
        learner = self._learner
        copy = Replica(learner.playground, learner.recipe, learner.vocabulary, self._weights())
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
