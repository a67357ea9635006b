"""A program and a changed copy of it, run beside one another from the same seeds."""

import ast
import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.doctor.diagnosis import Picture, Series
from core.errors import UserError
from core.numbers import duration, figures
from core.programs.fixes.propose import SourceFix
from core.programs.program import Program
from core.programs.source import save_changed
from gui.charts.smoothing import USUAL, smoothed
from gui.doctor.program_run import ProgramRequest, RunningProgram

LONGEST = 60.0
"""Seconds of each training, where the program was run without a limit."""
BUDGET = 3.0
"""Seconds for experiments on each."""
SEED = 0
"""Of the random numbers that the program does not seed itself."""
TAIL = 10
"""The last tenth of the steps makes the loss at the end, of both at the same step."""
SIDES = ("as it is", "changed")
BEGINS = "it starts"
ENDED = "it has ended"


@dataclass(frozen=True)
class TrialRequest:
    """What is tried.

    Attributes:
        program: as it is.
        fix: the change.
        training: which of its trainings is compared, counted from 0.
        how: how the program was run.
    """

    program: Program
    fix: SourceFix
    training: int
    how: ProgramRequest


class FixTrial(QObject):
    """Runs both, and draws their losses in one picture."""

    progressed = Signal(object, str)
    """A :class:`Picture` of both losses until now, and how far both are, in words."""
    ended = Signal(str)
    """What came out, in a sentence."""
    failed = Signal(str)
    """It could not be tried; why, in a sentence."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sides = (RunningProgram(self), RunningProgram(self))
        self._seen: list[dict[str, Any]] = [{}, {}]
        self._standing = [BEGINS, BEGINS]
        self._answers: list[dict[str, Any] | None] = [None, None]
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        for number, side in enumerate(self._sides):
            side.progressed.connect(lambda answer, seen, n=number: self._look(n, answer, seen))
            side.ended.connect(lambda answer, n=number: self._end(n, answer))
            side.failed.connect(self._fail)

    @property
    def runs(self) -> bool:
        """Whether something is tried."""
        return self._folder is not None

    def start(self, request: TrialRequest) -> None:
        """Run both, if nothing is tried yet."""
        if self.runs:
            return
        self._request = request
        self._seen, self._answers = [{}, {}], [None, None]
        self._standing = [BEGINS, BEGINS]
        self._folder = tempfile.TemporaryDirectory(prefix="glassbox-")
        copy = Path(self._folder.name) / request.program.path.name
        try:
            save_changed(request.program, request.fix.changed, copy)
        except UserError as error:
            self._fail(str(error))
            return
        how = replace(
            request.how,
            seconds=request.how.seconds or LONGEST,
            budget=BUDGET,
            record=False,
            seed=SEED,
        )
        for side, other in zip(self._sides, (None, copy), strict=True):
            side.start(replace(how, copy=other))
            if not self.runs:  # it could not be started
                return

    def stop(self) -> None:
        """Stop both."""
        for side in self._sides:
            side.stop()

    def abandon(self) -> None:
        """End both at once."""
        for side in self._sides:
            side.abandon()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _fail(self, sentence: str) -> None:
        self.abandon()
        self.failed.emit(sentence)

    def _look(self, number: int, answer: dict[str, Any], seen: dict[str, Any]) -> None:
        place, trainings = self._request.training, seen["seen"]
        if place < len(trainings):
            self._seen[number] = trainings[place]
            self._standing[number] = _standing(answer["loops"][place], trainings[place])
            self._tell()

    def _tell(self) -> None:
        """Tell how far both are."""
        sides = zip(SIDES, self._standing, strict=True)
        words = "; ".join(f"{name}: {standing}" for name, standing in sides)
        most = self._request.how.seconds or LONGEST
        words = f"{words[0].upper()}{words[1:]}. Each training ends after {most:.0f} s at most."
        self.progressed.emit(self._picture(), words)

    def _end(self, number: int, answer: dict[str, Any]) -> None:
        self._answers[number], self._standing[number] = answer, ENDED
        self._tell()
        if all(one is not None for one in self._answers):
            self.abandon()
            self.ended.emit(self._outcome())

    # What came out.

    @property
    def _on_new_data(self) -> bool:
        """Whether both were judged on other data more than once."""
        return all(len(seen.get("validations", ())) > 1 for seen in self._seen)

    def _losses(self, number: int) -> tuple[list[float], list[float]]:
        """Return the steps of one side, and its losses, smoothed where they are of batches."""
        seen = self._seen[number]
        if self._on_new_data:
            points = [(s, y) for s, y in seen["validations"] if y is not None]
            return [x for x, _ in points], [y for _, y in points]
        x = np.array(seen.get("steps", ()), float)
        y = np.array([math.nan if v is None else v for v in seen.get("losses", ())], float)
        return x.tolist(), smoothed(x, y, USUAL / 100).tolist() if len(x) else []

    def _picture(self) -> Picture:
        what = "validation loss" if self._on_new_data else "training loss, smoothed"
        series = []
        for number, name in enumerate(SIDES):
            x, y = self._losses(number)
            if x:
                series.append(Series(name, tuple(x), tuple(y)))
        return Picture("The program as it is, and changed", "lines", tuple(series), y_label=what)

    def _outcome(self) -> str:
        answers = [answer for answer in self._answers if answer is not None]
        for answer, name in zip(answers, SIDES, strict=True):
            if answer["error"]:
                return f"The program {name} ended with an error: {answer['error']}."
            if self._request.training >= len(answer["loops"]):
                return f"The program {name} did not reach this training."
        what = "Validation loss" if self._on_new_data else "Training loss"
        steps = min(answer["loops"][self._request.training]["steps"] for answer in answers)
        ends = []
        for number, name in enumerate(SIDES):
            x, y = self._losses(number)
            done = [loss for step, loss in zip(x, y, strict=True) if step <= steps]
            tail = done[-1:] if self._on_new_data else done[-max(1, len(done) // TAIL) :]
            ends.append(f"{figures(float(np.nanmean(tail)))} {name}")
        seeds = seeds_in_words(self._request.program)
        words = f"{what} after {steps:,} steps, both from {seeds}: {', '.join(ends)}."
        if self._request.fix.other_loss:
            words += " The loss is another quantity now: compare accuracies or samples, too."
        found = [self._is_found(answer) for answer in answers]
        if found[0]:
            words += " The doctor still finds the cause." if found[1] else " The cause is gone."
        return words

    def _is_found(self, answer: dict[str, Any]) -> bool:
        diagnosis = answer["loops"][self._request.training]["diagnosis"]
        causes = diagnosis["causes"] if diagnosis else ()
        return any(cause["id"] == self._request.fix.cause for cause in causes)


def _standing(loop: dict[str, Any], seen: dict[str, Any]) -> str:
    """Say how far a training is, and whether it is examined."""
    words = f"{loop['steps']:,} steps in {duration(loop['seconds'])}"
    examined = seen["examined_for"]
    return words if examined is None else f"{words}, examined for up to {examined:.0f} s"


def seeds_in_words(program: Program) -> str:
    """Say where the random numbers of both begin: a program's own seeds come first."""
    from core.doctor.watch.seeds import SEEDS  # brings torch
    from core.doctor.watch.source import called_name

    nodes = (node for cell in program.cells if cell.tree for node in ast.walk(cell.tree))
    calls = [node for node in nodes if isinstance(node, ast.Call) and called_name(node) in SEEDS]
    if not calls:
        return f"seed {SEED} where the program sets none"
    given = [argument for call in calls for argument in call.args[:1]]
    numbers = [str(each.value) for each in given if isinstance(each, ast.Constant)]
    if set(numbers) == {str(SEED)} and len(numbers) == len(calls):
        return f"seed {SEED}"
    told = f" ({', '.join(dict.fromkeys(numbers))})" if numbers else ""
    return f"the seeds that the program sets{told}, else {SEED}"
