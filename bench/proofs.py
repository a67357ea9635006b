"""Whether fixes that the doctor shows as proved help in a fresh run.

    python -m bench.proofs [--part settings|loops] [--only names] [--model mlp] [--every 1]
        [--seed 42] [--steps 600] [--out FILE]

In the part ``settings`` faults of the gallery are planted whose cause a setting may fix, and the
doctor tries that fix. It is then tried once more, where the doctor had no part in it: two trainings
from another seed, one with it and one without. In the part ``loops`` the doctor tries to fix the
cause of a faulty program of a pair (``bench.pairs``); its fixed program is the fresh run, from
another seed. Whether the cause is found is measured by ``bench.doctor`` and ``bench.pairs``.

What counts is the loss on new data (the wrong answers where the fix changes what the loss is); of
a loop that measures none, the criterion of its last batches, each before it was learned from.
"""

import argparse
import contextlib
import io
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from bench.doctor import MODELS, MOST, _data
from bench.pairs.judges import Judge
from bench.pairs.registry import Pair, chosen
from bench.rows import row, show, sized
from core import playgrounds, watch
from core.doctor.diagnose import replay_of
from core.doctor.diagnosis import WORTH_IT, Proof
from core.doctor.evidence import Evidence, evidence_of
from core.doctor.experiments import step_fixes
from core.doctor.experiments.proved_fixes import not_tried, prove_fixes
from core.doctor.experiments.run_access import losses_on, shares_wrong_on, validation_batches
from core.doctor.experiments.step_fixes import FIXES, prove_steps
from core.doctor.faults.fault_injection import FaultyLearner
from core.doctor.faults.gallery import Fault, fitting
from core.doctor.run_doctor import advise
from core.doctor.watch.watcher import LoopWatcher
from core.training.recipe import Recipe

PARTS = ("settings", "loops")
OTHER_SEED = 1000
"""What is added to the seed in a fresh run."""
LAST = 0.1
"""The part of a loop's steps whose mean loss is its end."""
OTHER_LOSS = ("double_softmax",)
"""Causes whose fix changes what the loss is."""
SMALL = {
    "batch_size": 32,
    "hidden": (32,),
    "embedding": 8,
    "width": 32,
    "heads": 2,
    "layers": 2,
    "tokenizer": "characters",
}
"""Settings of the networks, as far as they have them."""
MORE_THAN_CRITERION = ("wrong_update_sign", "regulariser_dominates")
"""Causes of programs whose loss has another sign, or a penalty in it."""
BUDGET = 1e4
"""Seconds for a fix: none is given up, whatever runs beside it; its work is bounded."""
RATES = ("lr_too_high", "lr_too_low", "oscillation")
"""Causes that another rate may fix, in any recipe."""


@dataclass(frozen=True)
class Tried:
    """A fix that the doctor tried, or would have, and what a fresh run says of it.

    Attributes:
        program: in which a fault was planted.
        cause: whose fix it is.
        proved, fix, why: of the proof; ``why`` in the doctor's words.
        before, after: the losses of the fresh runs without and with the fix; NaN if there is none.
    """

    program: str
    cause: str
    proved: bool | None
    fix: str
    why: str
    before: float = math.nan
    after: float = math.nan

    @property
    def is_known(self) -> bool:
        """Whether there was a fresh run to judge it by."""
        return not (math.isnan(self.before) or math.isnan(self.after))

    @property
    def helps(self) -> bool:
        """Whether the loss of the fresh run is lower by more than a hundredth."""
        if math.isinf(self.before):
            return math.isfinite(self.after)
        return self.before - self.after > WORTH_IT * abs(self.before)

    def __str__(self) -> str:
        said = {True: "proved", False: "not proved", None: "not tried"}[self.proved]
        words = f"{self.program}: {self.cause}: {said} ({self.fix})"
        if self.is_known:
            wrong = self.proved is not None and self.proved != self.helps
            words += f": afresh {self.before:.4g} -> {self.after:.4g}{' WRONG' * wrong}"
        return f"{words}\n      {self.why}"


# Settings.


def fresh(
    playground: str, recipe: Recipe, fault: Fault, settings: dict[str, Any], steps: int
) -> tuple[float, float]:
    """Return the losses on new data of two fresh runs: without some settings, and with them."""
    found, cpu = playgrounds.get(playground), torch.device("cpu")
    recipe = recipe.replace({"seed": recipe.seed + OTHER_SEED})
    made = FaultyLearner(fault.make(), found, recipe, _data(playground), cpu)
    changed = made.recipe.replace(settings)
    scales = [found.uniform_loss(r, made.vocabulary) for r in (made.recipe, changed)]
    judge = losses_on if math.isclose(*scales) else shares_wrong_on
    ends = []
    for changes in ({}, settings):
        learner = made.copy(changes)
        for step in range(steps):
            loss, _ = learner.learn(*learner.take(), step / steps)
            if not math.isfinite(float(loss)):
                break
        ends.append(_finite(fmean(judge(learner, learner.model, validation_batches(learner)))))
    return ends[0], ends[1]


def small(playground: str, name: str, seed: int) -> Recipe:
    """Return a recipe of a playground, for a network that is small."""
    recipe = playgrounds.get(playground).recipes[name]
    known = {key for key, setting in recipe.settings().items() if setting.applies(recipe)}
    sizes = {key: size for key, size in SMALL.items() if key in known}
    return recipe.replace({"steps": 0, "seed": seed, **sizes})


def fixable(recipe: Recipe) -> list[Fault]:
    """Return the faults whose cause some setting of a recipe may fix."""
    settings = recipe.settings().values()
    causes = {*RATES, *(cause for setting in settings for cause in setting.fixes)}
    return [fault for fault in fitting(recipe) if causes & {fault.cause, *fault.also}]


def by_settings(options: argparse.Namespace) -> Iterator[Tried]:
    """Plant faults, and try again each fix that the doctor tried."""
    runs = [
        (playground, name, fault)
        for playground, models in MODELS.items()
        for model, name in models.items()
        if options.only in (None, playground) and options.model in (None, model)
        for fault in fixable(small(playground, name, options.seed))
    ]
    for playground, name, fault in runs[options.every - 1 :: options.every][:MOST]:
        found, cpu = playgrounds.get(playground), torch.device("cpu")
        recipe = small(playground, name, options.seed)
        learner = FaultyLearner(fault.make(), found, recipe, _data(playground), cpu)
        for step in range(options.steps):
            learner.learn(*learner.take(), step / options.steps)
        evidence = Evidence(np.arange(options.steps), np.full(options.steps, np.nan), [])
        advice = advise(learner, evidence)
        causes = [cause for cause in (fault.cause, *fault.also) if cause in advice]
        for _ in prove_fixes(evidence, learner, causes, advice, BUDGET):
            pass  # nobody waits for progress
        for cause, proof in evidence.proofs.items():
            settings = dict(proof.settings)
            ends = fresh(playground, recipe, fault, settings, options.steps)
            yield _tried(f"{playground} {name} {fault.id}", cause, proof, *ends)


def _tried(program: str, cause: str, proof: Proof, *ends: float) -> Tried:
    return Tried(program, cause, proof.proved, proof.fix, proof.measured, *ends)


# Watched loops.


class Losses(Judge):
    """Nobody: notes what a program's loss is at its end.

    Args:
        closely: whether to observe every step, where the loss is more than its criterion.
    """

    def __init__(self, closely: bool) -> None:
        super().__init__()
        self._closely = closely

    def watch(self) -> Any:
        """Return a watch that tries nothing."""
        seen = watch(quiet=True, record=False, budget=0.0)
        if self._closely:
            seen._loop.watcher = LoopWatcher(share=1.0, every=0.0)
        self.watcher = seen._loop.watcher
        return seen

    def last(self, cause: str) -> float:
        """Return the loss on other data, or the criterion of the last batches; infinite if NaN.

        Args:
            cause: whose fix is judged; where that changes what the loss is, the share of wrong
                answers is returned.
        """
        watcher = self.watcher
        if cause in OTHER_LOSS:
            replay = replay_of(watcher)
            assert replay is not None
            with torch.no_grad():
                batches = [(replay.outputs(b), b[1]) for b in replay.matching_batches()]
            return fmean(float((given.argmax(1) != y).float().mean()) for given, y in batches)
        if watcher.validations:
            return _finite(watcher.validations[-1][1])
        if self._closely:
            found = [o.criterion.value for o in watcher.observations]
        else:
            found = watcher.losses()[1].tolist()
        found = found[-max(1, round(LAST * len(found))) :]
        return _finite(fmean(found)) if found else math.nan


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def train(one: Pair, faulty: bool, judge: Judge, seed: int) -> None:
    """Run a program of a pair under a judge; an error that ends it is the program's."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
        one.run(judge.watch, faulty)


def by_loops(options: argparse.Namespace) -> Iterator[Tried]:
    """Try to fix faulty programs, and run the fixed ones."""
    step_fixes.SECONDS = BUDGET
    pairs = [one for one in chosen(options.half, options.only) if one.causes[0] in FIXES]
    for one in pairs[options.every - 1 :: options.every][:MOST]:
        cause = one.causes[0]
        faulty = Losses(False)
        train(one, True, faulty, options.seed)
        watcher = faulty.watcher
        replay, evidence = replay_of(watcher), evidence_of(watcher)
        if replay is None or not watcher.repeatable:
            why = "its step can't be repeated" if replay else "its step was not understood"
            evidence.proofs[cause] = not_tried(why)
        else:
            first = watcher.first_weights
            prove_steps(replay, watcher.variables, evidence, [cause], first, BUDGET)
        ends = []
        for fault in (True, False):
            nobody = Losses(cause in MORE_THAN_CRITERION)
            train(one, fault, nobody, options.seed + OTHER_SEED)
            ends.append(nobody.last(cause))
        yield _tried(f"{one.style} {one.name}", cause, evidence.proofs[cause], *ends)


def rates(tried: list[Tried]) -> list[dict[str, Any]]:
    """Return the rows of the table; print which were not tried, and why."""
    known = [t for t in tried if t.is_known]
    proved = [t for t in known if t.proved]
    others = [t for t in known if t.proved is False]
    untried = Counter(t.why for t in tried if t.proved is None)
    for why, times in untried.most_common():
        print(f"{times} could not be tried: {why}", file=sys.stderr)

    def helping(some: list[Tried]) -> float:
        return sum(t.helps for t in some) / max(1, len(some))

    return [
        row(
            f"proved fixes that lower the loss by 1 % afresh, of {len(proved)}",
            helping(proved) if proved else 1.0,
            0.95,
            "%",
        ),
        row(f"not proved, and would have, of {len(others)}", helping(others), None, "%"),
        row(f"could not be tried, of {len(tried)}", sum(untried.values()), None, "fixes"),
    ]


def main(words: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.proofs", description=__doc__)
    parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th program")
    parser.add_argument("--only", help="a playground, or a part of a program's name")
    parser.add_argument("--model", help="of a playground")
    parser.add_argument("--half", help="of the pairs")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--steps", type=int, default=sized(600, 5), help="of a playground's run")
    parser.add_argument("--out", type=Path, help="also write each to this file, a JSON line")
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    tried = []
    for part in options.part:
        for one in (by_settings if part == "settings" else by_loops)(options):
            tried.append(one)
            print(one, file=sys.stderr, flush=True)
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(vars(one)) + "\n")
    show(rates(tried))


if __name__ == "__main__":
    main(sys.argv[1:])
