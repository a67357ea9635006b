"""A diagnosis: one frozen object, the same from a script, the command line and the screen."""

import dataclasses
import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import SettingValue, plain, structured
from ..numbers import figures
from ..runs.loop_record import LoopRecord, read_record
from . import html_report, markdown_report

VERDICTS = {
    "broken": "Something is wrong.",
    "too_small": "The model is too small (underfitting).",
    "undertrained": "It is not trained enough (undertrained).",
    "overfitting": "It overfits.",
    "at_floor": "It is as good as this data allows.",
    "fine": "It is fine.",
    "unknown": "I can't tell.",
}
DOUBTFUL = "Something may be wrong."
"""The verdict ``broken`` where a cause as clear as the first is right in fewer than half of all
programs."""
COMPARISON = "reference_networks"
"""The id of the experiment that compares a network with those of other sizes."""
CUT_SHORT = "The examination was cut short: not everything was tried."
WIDTH = 92
WORTH_IT = 0.01
"""A gain, as a part of the loss: a smaller one is none, two equal trainings differ by as much."""
Z80 = 1.2816
"""Standard deviations on either side of a mean, between which four of five cases lie."""


@dataclass(frozen=True)
class Series:
    """A line of a picture: y over x, under a name.

    Attributes:
        name: what it is, in a word or two.
        x, y: its points, in order.
        low, high: a band around it, at the same x; () for none.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Picture:
    """Evidence as a chart: some lines, or bars, under a title.

    Attributes:
        question: its title; records have it by this name.
        kind: ``lines`` or ``bars`` (one bar for each of ``names``, the first series' values).
        series: what is drawn.
        names: what stands under the bars.
        x_label, y_label: what the axes are.
        log: whether y is on a logarithmic scale.
        levels: horizontal lines, each with its name.
    """

    question: str
    kind: str
    series: tuple[Series, ...]
    names: tuple[str, ...] = ()
    x_label: str = "step"
    y_label: str = ""
    log: bool = False
    levels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing that was checked; declared by a rule.

    Attributes:
        id: the id of the cause that it would be.
        title: what was checked.
        passed: True, False, or None if it was not checked (``measured`` says why).
        measured, expected: in words with numbers.
        where: the layer, parameter or file that it is about; "".
        confidence: 0 to 1, of a check that failed.
        picture: its evidence as a chart, if there is one.
    """

    id: str
    title: str
    passed: bool | None
    measured: str = ""
    expected: str = ""
    where: str = ""
    confidence: float = 0.0
    picture: Picture | None = None


@dataclass(frozen=True)
class Experiment:
    """What was tried on a copy, and its result.

    Attributes:
        id: of the experiment, such as ``overfit_one_batch``.
        title: its name in the field.
        measured, expected: in words with numbers.
        passed: True, False, or None if it could not be done (``measured`` says why).
        values: the numbers by name.
        seconds: how long it took.
        picture: its result as a chart, if there is one.
    """

    id: str
    title: str
    measured: str
    expected: str
    passed: bool | None
    values: tuple[tuple[str, float], ...] = ()
    seconds: float = 0.0
    picture: Picture | None = None


@dataclass(frozen=True)
class CodeLine:
    """A line of the program that is at fault, or in which that shows.

    Attributes:
        file: its path.
        cell: of a notebook, counted from 1; None in a script.
        line: in that cell, or in the script.
        text: what stands there.
    """

    file: str
    cell: int | None
    line: int
    text: str

    @property
    def place(self) -> str:
        """Where it is, in words: ``cell 3, line 7``, ``train.py, line 40``."""
        line = f"line {self.line}"
        return (
            f"{Path(self.file).name}, {line}" if self.cell is None else f"cell {self.cell}, {line}"
        )


@dataclass(frozen=True)
class Proof:
    """Whether a fix helps: two copies were trained alike, one with it and one without.

    Attributes:
        proved: True; False where it brought nothing that is certain; None if it could not be tried
            (``measured`` says why).
        fix: what was fixed on the copy, such as ``learning rate 0.001``.
        measured: in words with numbers.
        unfixed, fixed: the losses on new data at the end; NaN.
        gain: by how much the latter is lower; NaN.
        low, high: four of five such gains lie between them; NaN.
        steps: that both were trained for.
        settings: of a recipe, where these are the fix; ().
        picture: both losses on new data over the steps.
        factor: what the learning rate was multiplied by, where another one is the fix; NaN.
    """

    proved: bool | None
    fix: str
    measured: str
    unfixed: float = math.nan
    fixed: float = math.nan
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    steps: int = 0
    settings: tuple[tuple[str, SettingValue], ...] = ()
    picture: Picture | None = None
    factor: float = math.nan

    @property
    def words(self) -> str:
        """The result in a word or two."""
        return {True: "Proved", False: "Not proved", None: "Could not be tried"}[self.proved]

    @property
    def refuted(self) -> bool:
        """Whether it is certain that the fix brings next to nothing."""
        return self.proved is False and self.high < 2 * WORTH_IT * abs(self.unfixed)


@dataclass(frozen=True)
class Cause:
    """What is wrong.

    Attributes:
        id: one of :data:`core.doctor.verdict.causes.CAUSES`.
        title: the field's term.
        where: the layer, parameter or place in the code; "".
        evidence: what was measured against what was expected.
        fix: what fixes it.
        confidence: 0 to 1.
        settings: of a recipe, what to set to fix it; () where nothing was proved to.
        lines: of the program, most telling first; () where none is known.
        proof: whether its fix helps; None if that was not tried.
        score: 0 to 1, by which causes are ranked: how clear its check is, and what its fix brought.
    """

    id: str
    title: str
    where: str
    evidence: str
    fix: str
    confidence: float
    settings: tuple[tuple[str, SettingValue], ...] = ()
    lines: tuple[CodeLine, ...] = ()
    proof: Proof | None = None
    score: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """What the loss will be if the training goes on.

    Attributes:
        at: the number of steps; twice as many as were done, or those that are planned.
        median: of the loss there.
        low, high: between them it is in four of five cases.
        on: ``validation`` where there is a loss on new data, else ``training``.
        now: the loss now, without its noise.
        chance: that it falls by a hundredth or more, 0 to 1.
        picture: the curve so far and ahead.
    """

    at: int
    median: float
    low: float
    high: float
    on: str
    now: float
    chance: float
    picture: Picture

    @property
    def gain(self) -> float:
        """What it brings, as a share of the loss now."""
        return (self.now - self.median) / abs(self.now) if self.now else 0.0

    @property
    def words(self) -> str:
        """What it says, where there is no picture."""
        what = "new data" if self.on == "validation" else "training batches"
        return (
            f"Trained on to step {self.at:,}, the loss on {what} is most likely"
            f" {figures(self.median)}, and in 4 of 5 cases between {figures(self.low)} and"
            f" {figures(self.high)}."
        )

    @property
    def caption(self) -> str:
        """What it says, and how its picture is read."""
        return f"{self.words} Dashed: the most likely loss; the band: those of 4 of 5 cases."


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor says, and why.

    Attributes:
        verdict: one of :data:`VERDICTS`.
        sentence: what a beginner understands.
        confidence: 0 to 1.
        causes: what is wrong, most likely first.
        checks: everything that was checked.
        experiments: everything that was tried.
        settings: what to change in the recipe for a verdict that is no fault (a larger model, more
            steps); () where nothing was proved to help.
        seconds: how long the doctor took.
        training_kind: classification, adversarial, ...; "" if that is not known.
        forecast: what more steps would bring; None where something is wrong, or it can't be told.
        proof: whether what the verdict asks for helps; None if that was not tried.
    """

    verdict: str
    sentence: str
    confidence: float
    causes: tuple[Cause, ...] = ()
    checks: tuple[Check, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    settings: tuple[tuple[str, SettingValue], ...] = ()
    seconds: float = 0.0
    training_kind: str = ""
    forecast: Forecast | None = None
    proof: Proof | None = None

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        doubtful = self.verdict == "broken" and self.confidence < 0.5
        return DOUBTFUL if doubtful else VERDICTS[self.verdict]

    @property
    def comparison(self) -> Experiment | None:
        """What networks of other sizes reach; None if none was compared."""
        found = (done for done in self.experiments if done.id == COMPARISON)
        return next((done for done in found if done.picture is not None), None)

    def cut_short(self) -> "Diagnosis":
        """Return it as that of an examination that a person stopped: its sentence says so."""
        return dataclasses.replace(self, sentence=f"{self.sentence} {CUT_SHORT}")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON; NaN and infinity become None."""
        values: dict[str, Any] = plain(dataclasses.asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Diagnosis":
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError: it is not a diagnosis.
        """
        found = structured(values, cls)
        if found.verdict not in VERDICTS:
            raise ValueError(found.verdict)
        if not all(map(_is_drawable, _pictures(found))):
            raise ValueError("a picture of it has a line whose points are not whole")
        return found

    def text(self) -> str:
        """Return it as a page of plain text: the verdict, the causes, experiments and checks."""
        lines = [_wrapped(f"{self.headline} {self.sentence}", "")]
        if self.training_kind:
            lines += ["", f"Kind of training: {self.training_kind}."]
        if self.forecast:
            lines += ["", _wrapped(f"Forecast: {self.forecast.words}", "", "   ")]
        if self.proof:
            lines += ["", _proof(self.proof, "")]
        for number, cause in enumerate(self.causes, 1):
            where = f" ({cause.where})" if cause.where else ""
            lines += ["", _wrapped(f"{number}. {cause.title}{where}", "", "   ")]
            for line in cause.lines[:1]:
                lines += [_wrapped(f"{line.place}: {line.text}", "   ", "      ")]
            lines += [_wrapped(f"evidence: {cause.evidence}", "   ", "      ")]
            lines += [_wrapped(f"fix: {cause.fix}", "   ", "      ")]
            if cause.proof:
                lines += [_proof(cause.proof, "   ")]
            lines += [f"   {cause.id}, confidence {cause.confidence:.0%}"]
        for done in (x for x in self.experiments if x.passed is not None):
            lines += ["", _wrapped(f"Experiment: {done.title}. {done.measured}", "", "   ")]
        passed = [check.title for check in self.checks if check.passed]
        unchecked = sum(check.passed is None for check in self.checks)
        if passed:
            lines += ["", _wrapped(f"Passed checks: {', '.join(passed)}.", "", "   ")]
        if 0 < unchecked < len(self.checks):  # where nothing was observed, that is said above
            lines += ["", f"Not checked: {unchecked}; the window and --json say which, and why."]
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return it as a page of Markdown: the verdict, the causes, experiments and checks."""
        return markdown_report.report(self.headline, self)

    def _repr_html_(self) -> str:
        """Return it as a notebook shows it."""
        return html_report.report(self.headline, self)


def _proof(proof: Proof, first: str) -> str:
    tried = f" ({proof.fix})" if proof.fix else ""
    return _wrapped(f"{proof.words}{tried}: {proof.measured}", first, first + "   ")


def _wrapped(text: str, first: str, rest: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest or first)


def _pictures(value: object) -> Iterator[Picture]:
    """Return all pictures in a diagnosis, wherever they stand."""
    if isinstance(value, Picture):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _pictures(part)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _pictures(getattr(value, field.name))


def _is_drawable(picture: Picture) -> bool:
    """Whether each line has as many heights as places, and so has the band around it."""
    return picture.kind == "bars" or all(
        len(series.x) == len(series.y)
        and all(map(math.isfinite, series.x))
        and len(series.low) == len(series.high)
        and len(series.low) in (0, len(series.x))
        for series in picture.series
    )


def read_diagnosis(path: Path) -> tuple[LoopRecord, Diagnosis | None]:
    """Read a record and its diagnosis, None while the loop goes on.

    Raises:
        UserError: it is no record, or is damaged.
    """
    record = read_record(path)
    try:
        return record, Diagnosis.from_dict(record.diagnosis) if record.diagnosis else None
    except ValueError:
        raise UserError(f"{path} is no record of watch; choose a file that it wrote.") from None
