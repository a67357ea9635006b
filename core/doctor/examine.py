"""A recipe or a checkpoint of a playground, from training to diagnosis."""

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..interruption import CancelledError, heeded
from ..telemetry.events import ENDINGS, Diagnosed, Event, Failed, Progress, Stopped
from ..training.checkpoint import Checkpoint
from ..training.control import Control
from ..training.learner import Learner
from ..training.trainer import Run, train
from .diagnose import experiment, replay_of
from .diagnosis import Diagnosis
from .evidence import DataStats, Evidence
from .experiments.data_checks import check_data
from .experiments.overlaps import overlap
from .experiments.proved_fixes import prove_fixes
from .experiments.replay import REPLAY_ERRORS, Replay, copy_of
from .experiments.run_access import (
    EVALUATED,
    MAX_TARGETS,
    loss_on,
    mean_loss,
    training_batches,
    validation_batches,
)
from .experiments.training_copies import train_copies
from .rules import apply_rules
from .run_doctor import RunDoctor, advise, floors_of
from .verdict.conclusion import conclude
from .watch.observation import InferenceStats
from .watch.watcher import Batch

CLOSELY = 0.05
"""The share of the time for observations, where the training is for them."""
QUICK = 0.35
"""The share of the budget for experiments on single steps; the rest is for copies that train."""
COPIES = 0.7
"""The share of what is then left for copies; the rest is for fixes that are tried."""
SETTLING = 5
COMPARED = 600
"""Targets, for the losses in both modes."""
ENOUGH = 1000
"""Examples, for the run's own last evaluation."""


def examine(run: Run, control: Control, budget: float) -> Iterator[Event]:
    """Train, observe, experiment, and diagnose.

    Args:
        run: what is trained, and for how long.
        control: may stop it; what was found by then is kept.
        budget: seconds for experiments after the training.

    Yields:
        The events of the training; Diagnosed and Progress; the training's own ending last.

    Raises:
        UserError: the run can't begin.
    """
    own = next((x for x in run.observers if isinstance(x, RunDoctor)), None)
    doctor = own or RunDoctor(CLOSELY)
    observers = run.observers if own else (*run.observers, doctor)
    run = replace(run, observers=observers, eval_examples=run.eval_examples or ENOUGH)
    ending: Event | None = None
    try:
        for event in train(run, control):
            if isinstance(event, ENDINGS):
                ending = event
            else:
                yield event
    except (IndexError, RuntimeError) as error:
        if doctor.learner is None:
            raise
        tape = doctor.watcher.stop_recording()
        if tape is not None:
            doctor.watcher.observe_crash(tape, None)
        ending = Failed(doctor.learner.step, _in_words(error))
    finally:
        doctor.watcher.stop_recording()  # a step that failed was being recorded
    learner = doctor.learner
    if learner is None and isinstance(ending, Stopped):
        unknown = Diagnosis("unknown", "It was stopped before its first step.", 0.0)
        yield Diagnosed(0, unknown, final=True)
    elif learner is None:  # what counts is not trained by steps
        yield Diagnosed(1, _counted(run), final=True)
    else:
        crash = ending.sentence if isinstance(ending, Failed) else ""
        yield from _diagnose(doctor, learner, control, budget, crash)
    if ending is not None:
        yield ending


def _in_words(error: Exception) -> str:
    return f"The training ended with an error: {str(error).splitlines()[0]}."


def _counted(run: Run) -> Diagnosis:
    return Diagnosis(
        "at_floor",
        "A table of counts is as good as it can be once everything is counted; to see further needs"
        " another model.",
        0.9,
    )


def _diagnose(
    doctor: RunDoctor, learner: Learner, control: Control, budget: float, crash: str
) -> Iterator[Event]:
    begin = time.perf_counter()
    case = doctor.case(crash=crash)
    case.planned = max(case.planned, doctor.watcher.count)
    end = begin + budget
    stopped = control.stopping  # while it trained: what is quick is tried all the same

    def cancelled() -> bool:
        return control.abandoned or (control.stopping and not stopped)

    with suppress(CancelledError):  # what was found by then is kept
        yield from heeded(_try(doctor, learner, case, control, end, budget), cancelled)
    seconds = round(time.perf_counter() - begin, 2)
    found = conclude(case, apply_rules(case), seconds)
    found = found.cut_short() if control.stopping else found
    yield Diagnosed(learner.step, found, final=True)


def _try(
    doctor: RunDoctor,
    learner: Learner,
    case: Evidence,
    control: Control,
    end: float,
    budget: float,
) -> Iterator[Event]:
    """Check the data, experiment, and try fixes; add what comes out to the evidence."""
    crash = case.crash
    replay = replay_of(doctor.watcher)
    if replay is not None and not crash:
        yield Progress("Data checks", 0.0)
        case.data = _data(replay, doctor, learner)
        case.constant_inputs = all(
            len(inputs[0]) > 3 and bool((inputs[0] == inputs[0][:1]).all())
            for inputs, _ in training_batches(learner, COMPARED)
        )
        case.inference = _both_ways(learner)
        _set_floors(case, learner)
    if replay is not None:
        for words, share in experiment(case, replay, QUICK * budget, doctor.watcher.repeatable):
            yield Progress(words, QUICK * share)
    found = conclude(case, apply_rules(case))
    yield Diagnosed(learner.step, found)
    left = end - time.perf_counter()
    tries = not crash and not control.stopping and learner.step > 30
    if found.verdict not in ("broken", "overfitting") and tries:
        for words, share in train_copies(case, learner, COPIES * left):
            yield Progress(words, QUICK + COPIES * (1 - QUICK) * share)
            yield Diagnosed(learner.step, conclude(case, apply_rules(case)))
    found = conclude(case, apply_rules(case))
    left = end - time.perf_counter()
    if tries and left > 0:
        wrong = [cause.id for cause in found.causes] or [found.verdict]
        advice = advise(learner, case, doctor.planned)
        for words, share in prove_fixes(case, learner, wrong, advice, left):
            yield Progress(words, 1 - left / budget * (1 - share))


# The data.


def _data(replay: Replay, doctor: RunDoctor, learner: Learner) -> DataStats:
    batches = training_batches(learner, MAX_TARGETS)
    inputs, targets = _joined(batches)
    stats = check_data(replay, doctor.watcher.variables, (inputs, targets))
    stats = replace(stats, context=learner.recipe.sees)
    trained, validation = learner.examples, learner.held_out()
    if trained is validation:
        return replace(stats, overlap=1.0, overlap_with="the validation data")
    try:
        share = overlap(trained.contents, validation.contents)
    except REPLAY_ERRORS:
        return stats
    return replace(stats, overlap=share, overlap_with="the validation data")


def _joined(batches: list[Batch]) -> tuple[Tensor, Tensor]:
    """Concatenate batches; names of different lengths are flattened."""
    inputs, targets = [b[0][0] for b in batches], [b[1] for b in batches]
    if len({t.shape[1:] for t in inputs}) > 1:
        return torch.cat([t.flatten() for t in inputs]), torch.cat([t.flatten() for t in targets])
    return torch.cat(inputs), torch.cat(targets)


def _set_floors(case: Evidence, learner: Learner) -> None:
    case.floors = floors_of(learner)
    if case.data is not None and case.floors:
        case.data = replace(
            case.data,
            context_entropy=case.floors.get("pair", math.nan),
            longer_context_entropy=case.floors.get("triple", math.nan),
        )
    case.can_grow = bool(learner.playground.resized(learner.recipe, 2.0))
    trained, trained_error = mean_loss(learner, learner.model, training_batches(learner, EVALUATED))
    new, new_error = mean_loss(learner, learner.model, validation_batches(learner))
    case.training_loss, case.new_loss, case.train_loss = trained, new, trained
    case.spare_classes = learner.playground.spare
    if new > 0:
        # Only what is more than chance: with few examples, either may be the harder ones.
        certain = trained - new - 2 * math.hypot(trained_error, new_error)
        case.training_harder = max(0.0, certain) / new


def _both_ways(learner: Learner) -> InferenceStats | None:
    """Measure the loss of the same batches in eval mode, and as the network is trained."""
    batches = training_batches(learner, COMPARED)
    model = copy_of(learner.model)
    try:
        # The running statistics of batch norm lag behind the weights; they may catch up first.
        for _ in range(SETTLING):
            loss_on(learner, model.train(learner.model.training), batches, inference=False)
        used = loss_on(learner, model, batches)
        trained = loss_on(learner, model.train(learner.model.training), batches, inference=False)
    except REPLAY_ERRORS:
        return None
    return InferenceStats(training_loss=trained, inference_loss=used)


def examine_checkpoint(
    checkpoint: Checkpoint, data: Any, device: torch.device, control: Control, budget: float
) -> Iterator[Event]:
    """Resume a checkpoint for a while, with small steps, and diagnose that.

    Raises:
        UserError: the data does not fit it.
    """
    recipe = checkpoint.recipe.replace(
        {"lr": checkpoint.recipe.lr * 0.1, "schedule": "constant", "steps": 0}
    )
    resume_run = replace(checkpoint, recipe=recipe, resume={})
    run = Run(
        checkpoint.playground,
        recipe,
        data,
        device,
        seconds=max(2.0, 0.3 * budget),
        watched=True,
        resume=resume_run,
    )
    yield from examine(run, control, 0.5 * budget)
