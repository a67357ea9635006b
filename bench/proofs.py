"""Whether fixes that the doctor shows as proved help in a fresh run.

    python -m bench.proofs [--every 1] [--only names] [--seed 42] [--seconds 4] [--budget 20]

Faults of the gallery are planted, and examined. Each fix that is shown as proved is then tried once
more, where the doctor had no part in it: two trainings from another seed, one with it and one
without, are compared by their loss on new data (by their wrong answers where the fix changes what
the loss is).
"""

import argparse
import math
import sys
from statistics import fmean
from typing import Any

import torch

from bench.doctor import BUDGET, MODELS, MOST, SECONDS, _data, ask
from bench.rows import row, show, sized
from core import playgrounds
from core.doctor.experiments.run_access import losses_on, shares_wrong_on, validation_batches
from core.doctor.faults.fault_injection import FaultyLearner
from core.doctor.faults.gallery import Fault, fitting
from core.training.learner import Learner
from core.training.recipe import Recipe

OTHER_SEED = 1000
"""What is added to the seed in a fresh run."""
STEPS = sized(400, 5)


def fresh(
    playground: str, recipe: Recipe, fault: Fault | None, settings: dict[str, Any]
) -> tuple[float, float]:
    """Return the losses on new data of two fresh runs: without some settings, and with them."""
    found, cpu = playgrounds.get(playground), torch.device("cpu")
    recipe = recipe.replace({"seed": recipe.seed + OTHER_SEED})
    made: Learner
    if fault:
        made = FaultyLearner(fault.make(), found, recipe, _data(playground), cpu)
    else:
        made = Learner(found, recipe, _data(playground), cpu)
    changed = made.recipe.replace(settings)
    scales = [found.uniform_loss(r, made.vocabulary) for r in (made.recipe, changed)]
    judge = losses_on if math.isclose(*scales) else shares_wrong_on
    ends = []
    for changes in ({}, settings):
        learner = made.copy(changes)
        for step in range(STEPS):
            loss, _ = learner.learn(*learner.take(), step / STEPS)
            if not math.isfinite(float(loss)):
                break
        losses = judge(learner, learner.model, validation_batches(learner))
        mean = fmean(losses)
        ends.append(mean if math.isfinite(mean) else math.inf)
    return ends[0], ends[1]


def proofs(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Plant faults, and try again each fix that was shown as proved."""
    number, runs, tried, helped = 0, 0, 0, 0
    for playground, models in MODELS.items():
        if options.only not in (None, playground):
            continue
        for name in models.values():
            base = playgrounds.get(playground).recipes[name]
            recipe = base.replace({"steps": 0, "seed": options.seed})
            for fault in fitting(recipe):
                number += 1
                if number % options.every or runs >= MOST:
                    continue
                runs += 1
                diagnosis, *_ = ask(playground, recipe, fault, options.seconds, options.budget)
                for cause in diagnosis.causes:
                    words = f"{playground} {name} {fault.id}: {cause.id} {cause.confidence:.2f}"
                    if cause.proof:
                        words += f": {cause.proof.words} ({cause.proof.fix})"
                    if cause.settings:
                        tried += 1
                        before, after = fresh(playground, recipe, fault, dict(cause.settings))
                        helped += after < before
                        words += f": afresh {before:.4g} -> {after:.4g}"
                        words += "" if after < before else " NOT LOWER"
                    print(words, file=sys.stderr, flush=True)
    share = helped / tried if tried else 1.0
    return [
        row(f"proved fixes that help in a fresh run, of {tried}", share, 0.95, "%"),
        row("runs with a planted fault", runs, None, "runs"),
    ]


def main(words: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.proofs", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th run")
    parser.add_argument("--only", choices=list(MODELS))
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--budget", type=float, default=20.0)
    options = parser.parse_args(words)
    options.budget = sized(options.budget, BUDGET)
    torch.set_num_threads(1)
    show(proofs(options))


if __name__ == "__main__":
    main(sys.argv[1:])
