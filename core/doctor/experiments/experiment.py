"""An experiment is declared once, with id, title and criterion; what it finds is typed."""

import dataclasses
from dataclasses import dataclass

from ..diagnosis import Experiment, Picture


@dataclass(frozen=True)
class ExperimentResult:
    """The numbers that an experiment finds: a subclass has them as fields."""

    def values(self) -> tuple[tuple[str, float], ...]:
        """Return them by name, as a diagnosis keeps them."""
        return tuple((name, float(value)) for name, value in dataclasses.asdict(self).items())


@dataclass(frozen=True)
class Outcome:
    """What an experiment found.

    Attributes:
        passed: whether the network meets the criterion; None if only a part was tried.
        measured: in words with numbers.
        result: the numbers.
        picture: they as a chart, under the experiment's title if it has none of its own.
        expected: the criterion, where it depends on the network.
    """

    passed: bool | None
    measured: str
    result: ExperimentResult
    picture: Picture | None = None
    expected: str = ""


@dataclass(frozen=True)
class Declared:
    """An experiment.

    Attributes:
        id: never changes; records have it.
        title: its name in the field.
        criterion: what is expected of a network that is right.
    """

    id: str
    title: str
    criterion: str

    def done(self, outcome: Outcome, seconds: float = 0.0) -> Experiment:
        """Return what the diagnosis says of it."""
        picture = outcome.picture
        if picture is not None and not picture.question:
            picture = dataclasses.replace(picture, question=self.title)
        return Experiment(
            self.id,
            self.title,
            outcome.measured,
            outcome.expected or self.criterion,
            outcome.passed,
            outcome.result.values(),
            round(seconds, 3),
            picture,
        )

    def not_done(self, why: str) -> Experiment:
        """Return what the diagnosis says of it where it could not be tried."""
        return Experiment(self.id, self.title, why, "", None)
