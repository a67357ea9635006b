"""diagnose: what is wrong with a training, a checkpoint, or a loop that was watched."""

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import playgrounds
from ..arguments import positive
from ..errors import UserError
from ..paths import COMMAND, RUNS, data_source, expanded
from ..runs.folder import LAST, loop_named, run_named
from . import Command, say
from .opened import opened
from .run_options import (
    ProgressPrinter,
    add_options,
    control_of,
    run_of,
    say_progress,
    settings_of,
)

if TYPE_CHECKING:
    from ..doctor.diagnosis import Diagnosis
    from ..doctor.faults.fault_injection import FaultyLearner
    from ..telemetry.events import Event
    from ..training.recipe import Recipe

LENGTH = 20.0  # seconds


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="RECORD|CHECKPOINT|PLAYGROUND")
    add_options(parser)
    parser.add_argument("--break", dest="fault", metavar="FAULT", help="inject a fault first")
    parser.add_argument(
        "--budget", type=positive, default=30.0, metavar="S", help="seconds for experiments (30)"
    )


def _diagnose(options: argparse.Namespace) -> dict[str, Any]:
    from ..doctor.diagnosis import Diagnosis, read_diagnosis
    from ..runs.run_info import read_run_info

    if options.subject in playgrounds.all_names():
        return _diagnose_recipe(options).to_dict()
    if options.subject.endswith((".py", ".ipynb")):
        raise UserError(
            f"{options.subject} is a program: '{COMMAND} watch {options.subject}' runs it, and"
            " diagnoses its trainings."
        )
    loop = loop_named(RUNS, options.subject)
    if loop or options.subject.endswith(".json"):
        _, diagnosis = read_diagnosis(loop or expanded(options.subject))
        if diagnosis is None:
            raise UserError(
                f"{options.subject} has no diagnosis yet: its loop goes on, or was killed."
            )
        found: dict[str, Any] = diagnosis.to_dict()
        return found
    if folder := run_named(RUNS, options.subject):
        if said := read_run_info(folder).diagnosis:
            try:
                return Diagnosis.from_dict(said).to_dict()
            except ValueError:
                raise UserError(f"The diagnosis in {folder} is damaged.") from None
        options.subject = str(folder / LAST)
    return _diagnose_checkpoint(options).to_dict()


def _diagnose_recipe(options: argparse.Namespace) -> "Diagnosis":
    from ..doctor.examine import examine
    from ..training.preparation import prepare_data

    run = run_of(options, options.subject, seconds=LENGTH)
    if not options.steps:  # a recipe's own number of steps is longer than a doctor needs
        run = dataclasses.replace(run, steps=None, seconds=options.seconds or LENGTH)
    run = dataclasses.replace(run, watched=True, probe_every=1.0)
    if options.fault:
        run = dataclasses.replace(run, make_learner=_faulty(options.fault, run.recipe))
    control = control_of(options)
    prepare_data(run, control, say_progress, interval=1.0)
    return _heard(examine(run, control, options.budget))


def _faulty(name: str, recipe: "Recipe") -> Callable[..., "FaultyLearner"]:
    """Return what makes a learner with that fault."""
    from ..doctor.faults.fault_injection import FaultyLearner
    from ..doctor.faults.gallery import FAULTS, fitting

    known = [fault.id for fault in fitting(recipe)]
    if name not in known:
        which = f"those that can: {', '.join(known)}" if known else "no fault can"
        raise UserError(f"The fault '{name}' can't be injected there; {which}.")
    return partial(FaultyLearner, FAULTS[name].make())


def _diagnose_checkpoint(options: argparse.Namespace) -> "Diagnosis":
    from ..doctor.examine import examine_checkpoint
    from ..training.device import choose_device

    if (used := settings_of(options)) or options.fault:
        what = used[0] if used else "--break"
        raise UserError(f"A checkpoint has its recipe; {what} needs a playground.")
    checkpoint = opened(options.subject)
    device = choose_device(options.device)
    data = checkpoint.playground.load(data_source(options.data))
    return _heard(examine_checkpoint(checkpoint, data, device, control_of(options), options.budget))


def _heard(events: "Iterator[Event]") -> "Diagnosis":
    """Return the last diagnosis among events, and say what is being done meanwhile."""
    from ..telemetry.events import Diagnosed, Metrics, Progress

    printer, diagnosis = ProgressPrinter(), None
    for event in events:
        if isinstance(event, Diagnosed):
            diagnosis = event.diagnosis
        elif isinstance(event, Progress):
            say(event.words)
        elif isinstance(event, Metrics):
            printer.tell(event)
    assert diagnosis is not None
    return diagnosis


def _show_diagnosis(answer: dict[str, Any]) -> str:
    from ..doctor.diagnosis import Diagnosis

    return Diagnosis.from_dict(answer).text()


DIAGNOSE = Command(
    "diagnose", "say what is wrong with a training", _options, _diagnose, _show_diagnosis
)
