"""Trains the programs once, and keeps their losses in a file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from bench.forecast.programs import PROGRAMS, Case, Task, rate_at

VALIDATIONS = 40
"""Measured in a training, evenly spread."""


@dataclass
class Curves:
    """The losses of one training.

    Attributes:
        planned: its steps.
        losses: of each step.
        rates: the learning rate of each step.
        validations: steps and losses on new data.
    """

    planned: int
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class Recording:
    """A case, trained as it is planned, and again with all of its schedule twice as long."""

    case: Case
    planned: Curves
    twice: Curves


def recorded(case: Case, folder: Path) -> Recording:
    """Return the losses of a case, from a file if it was trained before."""
    name = case.name.replace(" ", "_").replace(",", "")
    path = folder / f"{name}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        return Recording(case, Curves(**kept["planned"]), Curves(**kept["twice"]))
    if case.schedule == "constant":  # the longer one is the same one, going on
        twice = _train(case, 2 * case.steps)
        half = case.steps
        within = [point for point in twice.validations if point[0] <= half]
        planned = Curves(half, twice.losses[:half], twice.rates[:half], within)
    else:
        planned, twice = _train(case, case.steps), _train(case, 2 * case.steps)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"planned": asdict(planned), "twice": asdict(twice)}))
    return Recording(case, planned, twice)


def _train(case: Case, steps: int) -> Curves:
    torch.manual_seed(case.seed)
    task = PROGRAMS[case.program](case.size)
    parameters = list(task.model.parameters())
    if case.optimizer == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(parameters, lr=case.rate)
    else:
        optimizer = torch.optim.SGD(parameters, lr=case.rate, momentum=0.9)
    curves = Curves(steps)
    trained = task.rows - task.held
    order, at = torch.randperm(trained), 0
    every = max(1, case.steps // VALIDATIONS)
    for step in range(steps):
        rate = case.rate * rate_at(case.schedule, step / steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        if at + case.batch > trained:
            order, at = torch.randperm(trained), 0
        loss = task.loss(order[at : at + case.batch])
        at += case.batch
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curves.losses.append(float(loss.detach()))
        curves.rates.append(rate)
        if (step + 1) % every == 0:
            curves.validations.append((step + 1, _validate(task)))
    return curves


@torch.no_grad()
def _validate(task: Task) -> float:
    """Return the loss on the rows that are held back; the training goes on as it was."""
    task.model.eval()
    with torch.random.fork_rng(devices=[]):
        loss = float(task.loss(torch.arange(task.rows - task.held, task.rows)))
    task.model.train()
    return loss
