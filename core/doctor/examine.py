"""A recipe or a checkpoint of a playground, from training to diagnosis."""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from core.doctor.again import FAULTS, Again, Batch
from core.doctor.attend import Attending, advise
from core.doctor.case import Case, DataSeen, UseSeen
from core.doctor.consult import again_of, explore
from core.doctor.diagnosis import Diagnosis, Experiment, Picture, Series
from core.doctor.rules import judge
from core.doctor.survey import overlap, survey
from core.doctor.verdict import conclude
from core.errors import UserError
from core.playground import TrainingSet
from core.telemetry.events import ENDINGS, Diagnosed, Event, Failed, Progress
from core.training.checkpoint import Checkpoint
from core.training.control import Control
from core.training.judging import judging
from core.training.learner import Learner
from core.training.trainer import Run, train

CLOSELY = 0.05
"""The share of the time for looking, where that is what the training is for."""
QUICK = 0.35
"""The share of the budget for experiments on single steps; the rest is for copies that train."""
ANSWERS = 20_000  # that are looked at, for what the labels are like
SETTLING = 5
COMPARED = 600  # answers
ENOUGH = 1000  # examples, for the run's own last judgement
JUDGED = 2048  # examples, for a loss on new data


def examine(run: Run, control: Control, budget: float) -> Iterator[Event]:
    """Train, look, try things out, and say what is wrong, if anything is.

    Args:
        run: what is trained, and for how long.
        control: may stop it; what was tried by then is told.
        budget: seconds for experiments after the training.

    Yields:
        The events of the training; Diagnosed and Progress; the training's own ending last.

    Raises:
        UserError: the run can't begin.
    """
    own = run.attendant
    attending = own if isinstance(own, Attending) else Attending(CLOSELY)
    run = replace(run, attendant=attending, judged=run.judged or ENOUGH)
    ending: Event | None = None
    try:
        for event in train(run, control):
            if isinstance(event, ENDINGS):
                ending = event
            else:
                yield event
    except (IndexError, RuntimeError) as error:
        if attending.learner is None:
            raise
        tape = attending.watching.end()
        if tape is not None:
            attending.watching.crashed(tape, None)
        ending = Failed(attending.learner.step, _in_words(error))
    learner = attending.learner
    if learner is None:  # what counts is not trained by steps
        yield Diagnosed(1, _counted(run), final=True)
    else:
        crash = ending.sentence if isinstance(ending, Failed) else ""
        yield from _diagnose(attending, learner, control, budget, crash)
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
    attending: Attending, learner: Learner, control: Control, budget: float, crash: str
) -> Iterator[Event]:
    begin = time.perf_counter()
    case = attending.case(crash=crash)
    case.planned = max(case.planned, attending.watching.count)
    again = again_of(attending.watching)
    if again is not None and not crash and not control.abandoned:
        yield Progress("Looking at the data", 0.0)
        case.data = _data(again, attending, learner)
        case.facts["constant_inputs"] = all(
            len(inputs[0]) > 3 and bool((inputs[0] == inputs[0][:1]).all())
            for inputs, _ in _batches(learner, COMPARED)
        )
        case.use = _use(learner)
        _set_floors(case, learner)
    if again is not None and not control.abandoned:
        for words, share in explore(case, again, QUICK * budget, attending.watching.faithful):
            yield Progress(words, QUICK * share)
    checks = judge(case)
    found = conclude(case, checks, advise(learner, case))
    yield Diagnosed(learner.step, found)
    left = budget - (time.perf_counter() - begin)
    if found.verdict != "broken" and not crash and not control.stopping and learner.step > 30:
        yield from _copies(case, learner, control, left)
    seconds = round(time.perf_counter() - begin, 2)
    yield Diagnosed(
        learner.step, conclude(case, judge(case), advise(learner, case), seconds), final=True
    )


# The data.


def _batches(learner: Learner, most: int) -> list[Batch]:
    """Draw some more batches, as the training does, but pictures as they are in the data."""
    plain = {"augment": "none"} if "augment" in learner.recipe.to_dict() else {}
    recipe = learner.recipe.replace(plain)
    found: list[Batch] = []
    seen = 0
    while seen < most and len(found) < 400:
        batch = learner.examples.batch(learner.batches.next(), recipe, learner.batches.generator)
        inputs, targets = learner.sabotage.batch(*batch) if learner.sabotage else batch
        found.append(((inputs,), targets))
        seen += targets.numel()
    return found


def _data(again: Again, attending: Attending, learner: Learner) -> DataSeen:
    batches = _batches(learner, ANSWERS)
    inputs, targets = _joined(batches)
    seen = survey(again, attending.watching.scan, (inputs, targets))
    values = dict(vars(seen))
    try:
        values["overlap"], values["overlap_with"] = _overlap(learner), "the validation data"
    except (UserError, *FAULTS):
        pass  # stays unseen
    values["context"] = int(getattr(learner.recipe, "sees", 0))
    return DataSeen(**values)


def _joined(batches: list[Batch]) -> tuple[Tensor, Tensor]:
    """Put batches behind one another; whole names of different lengths flat."""
    inputs, targets = [b[0][0] for b in batches], [b[1] for b in batches]
    if len({t.shape[1:] for t in inputs}) > 1:
        return torch.cat([t.flatten() for t in inputs]), torch.cat([t.flatten() for t in targets])
    return torch.cat(inputs), torch.cat(targets)


def _held_out(learner: Learner) -> TrainingSet:
    change = getattr(learner.sabotage, "held_out", None)
    if change is not None:
        found: TrainingSet = change(learner)
        return found
    return learner.playground.held_out(
        learner.data, learner.recipe, learner.vocabulary, learner.device
    )


def _overlap(learner: Learner) -> float:
    learned, judged = learner.examples, _held_out(learner)
    if learned is judged:
        return 1.0
    for name in ("images", "inputs", "ids"):
        one, other = getattr(learned, name, None), getattr(judged, name, None)
        if isinstance(one, Tensor) and isinstance(other, Tensor):
            return overlap(one, other)
    return math.nan


def _set_floors(case: Case, learner: Learner) -> None:
    try:
        case.floors = learner.playground.baselines(learner.data, learner.recipe, learner.vocabulary)
    except (UserError, *FAULTS):
        case.floors = {}
    if case.data is not None and case.floors:
        floors = case.floors
        here = floors.get("pair", math.nan)
        case.data = replace(case.data, floor_here=here, floor_longer=floors.get("triple", math.nan))
    case.facts["cannot_grow"] = not learner.playground.grown(learner.recipe)
    seen = _loss(learner, learner.model, _batches(learner, JUDGED))
    new = _loss(learner, learner.model, _new_batches(learner))
    case.facts |= {"seen_loss": seen, "new_loss": new, "train_loss": seen}
    case.facts["spare"] = learner.playground.spare
    if new > 0:
        case.facts["train_above_validation"] = seen / new - 1


def _new_batches(learner: Learner) -> list[Batch]:
    examples = _held_out(learner)
    size = min(256, max(1, learner.batches.size), len(examples))
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator(learner.device).manual_seed(0)
    found: list[Batch] = []
    for part in torch.split(order.to(learner.device), size):
        inputs, targets = examples.batch(part, learner.recipe, generator)
        found.append(((inputs,), targets))
        if sum(len(t) for _, t in found) >= JUDGED or sum(t.numel() for _, t in found) > ANSWERS:
            break
    return found


@torch.no_grad()
def _loss(learner: Learner, model: Any, batches: list[Batch], used: bool = True) -> float:
    """Return the mean loss over batches, as the network is used (or as it is trained)."""
    playground, recipe = learner.playground, learner.recipe
    total = []
    for inputs, targets in batches:
        if used:
            with judging(model):
                outputs = model(*inputs)
        else:
            outputs = model(*inputs)
        total.append(float(playground.loss(recipe, outputs, targets)))
    good = [x for x in total if math.isfinite(x)]
    return sum(good) / len(good) if good else math.nan


def _use(learner: Learner) -> UseSeen | None:
    """Hold the loss of the same batches against one another: as it is trained, as it is used."""
    batches = _batches(learner, COMPARED)
    standing = copy.deepcopy(learner.model)
    try:
        # The running means of a batch norm follow weights that move; they may catch up first.
        for _ in range(SETTLING):
            _loss(learner, standing.train(learner.model.training), batches, used=False)
        used = _loss(learner, standing, batches)
        trained = _loss(learner, standing.train(learner.model.training), batches, used=False)
    except FAULTS:
        return None
    return UseSeen(loss_trained=trained, loss_used=used)


# Copies that train.


def _copies(case: Case, learner: Learner, control: Control, budget: float) -> Iterator[Event]:
    """Train copies: half as long, a quarter as long, and twice as wide; see what each brings."""
    yield Progress("Would more time help? Copies train for a half and a quarter", QUICK)
    whole = learner.step
    now = _loss(learner, learner.model, _new_batches(learner))
    end = time.perf_counter() + budget
    grown = learner.playground.grown(learner.recipe)
    share = 0.4 if grown else 0.95
    half = _trained(learner, {}, whole // 2, control, time.perf_counter() + share * budget * 0.65)
    quarter = _trained(
        learner, {}, whole // 4, control, time.perf_counter() + share * budget * 0.35
    )
    if half is None or quarter is None or control.stopping:
        case.trials["longer"] = Experiment(
            "longer", "Would more time help?", "There was no time to try it.", "", None
        )
        return
    case.trials["longer"] = _longer(case, now, half, quarter, whole)
    yield Diagnosed(learner.step, conclude(case, judge(case), advise(learner, case)))
    if not grown:
        return
    yield Progress("Would a larger model help? One of twice the width trains", 0.7)
    wide = _trained(learner, grown, whole // 2, control, end)
    steps = whole // 2
    if wide is None:  # there was no time: both for a quarter
        wide = _trained(learner, grown, whole // 4, control, end + 0.3 * budget)
        half, steps = quarter, whole // 4
    if wide is None:
        case.trials["wider"] = Experiment(
            "wider", "Would a larger model help?", "There was no time to try it.", "", None
        )
        return
    gain = (half - wide) / abs(half) if half else 0.0
    what = ", ".join(f"{k} = {v}" for k, v in grown.items())
    case.trials["wider"] = Experiment(
        "wider",
        "Would a larger model help?",
        f"After {steps:,} steps new data has a loss of {wide:.3g} with {what}, else {half:.3g}.",
        "about the same",
        gain < 0.015,
        (("loss", now * (1 - gain)), ("gain", gain)),
        picture=Picture(
            "Would a larger model help?",
            "bars",
            (Series("loss on new data", (0.0, 1.0), (half, wide)),),
            names=("as it is", "twice the width"),
            x_label="",
        ),
    )


def _longer(case: Case, now: float, half: float, quarter: float, whole: int) -> Experiment:
    """Draw three lengths on: what doubling brought last, and how fast that fades."""
    last, before = half - now, quarter - half
    fading = min(1.0, max(0.3, last / before)) if before > 1e-9 and last > 0 else 0.5
    twice = now - max(0.0, last) * fading
    gain = (now - twice) / abs(now) if now else 0.0
    train = case.facts.get("train_loss", math.nan)
    gap = (now - train) / abs(now) if math.isfinite(train) and now else 0.0
    x = (whole / 4, whole / 2, float(whole))
    return Experiment(
        "longer",
        "Would more time help?",
        f"A quarter of the steps reached {quarter:.3g}, half of them {half:.3g}, all {now:.3g} on"
        f" new data: twice as many would reach about {twice:.3g}.",
        "about the same",
        gain < 0.015,
        (("now", now), ("twice", twice), ("gain", gain), ("gap", gap), ("noise", 0.004)),
        picture=Picture(
            "Would more time help?",
            "lines",
            (
                Series("measured", x, (quarter, half, now)),
                Series("drawn on", (x[2], 2 * x[2]), (now, twice)),
            ),
        ),
    )


def _trained(
    learner: Learner, changes: dict[str, Any], steps: int, control: Control, end: float
) -> float | None:
    """Train a fresh copy with other settings; return its loss on new data, None without time."""
    try:
        recipe = learner.recipe.replace(changes)
        copied = Learner(
            learner.playground, recipe, learner.data, learner.device, sabotage=learner.sabotage
        )
    except UserError:
        return None
    begin = time.perf_counter()
    for step in range(max(1, steps)):
        copied.learn(*copied.take(), step / max(1, steps))
        if step % 16 == 15:
            now = time.perf_counter()
            if (
                control.stopping
                or now + (now - begin) / (step + 1) * (steps - step - 1) > end + 1.0
            ):
                return None
    return _loss(copied, copied.model, _new_batches(copied))


def examine_checkpoint(
    checkpoint: Checkpoint, data: Any, device: torch.device, control: Control, budget: float
) -> Iterator[Event]:
    """Go on with a checkpoint for a while, in small steps, and say what is to be seen.

    Raises:
        UserError: the data does not fit it.
    """
    recipe = checkpoint.recipe.replace(
        {"lr": checkpoint.recipe.lr * 0.1, "schedule": "constant", "steps": 0}
    )
    going_on = replace(checkpoint, recipe=recipe, resume={})
    run = Run(
        checkpoint.playground,
        recipe,
        data,
        device,
        seconds=max(2.0, 0.3 * budget),
        watched=True,
        resume=going_on,
    )
    yield from examine(run, control, 0.5 * budget)
