"""Whether fixes that the doctor shows as proved help in a fresh run.

    python -m bench.proofs [--part settings|loops] [--only names] [--model mlp] [--every 1]
        [--seed 42] [--steps 600] [--budget 15] [--out FILE]

In the part ``settings`` faults of the gallery whose cause a setting may fix are planted and
examined. Each fix that was tried is then tried once more, where the doctor had no part in it: two
trainings from another seed, one with it and one without. In the part ``loops`` the faulty program
of a pair (``bench.pairs``) is examined, and its fixed program is the fresh run, from another seed.

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

from bench.doctor import MODELS, MOST, _data, ask
from bench.pairs.judges import Glassbox, Judge
from bench.pairs.registry import Pair, chosen
from bench.rows import row, show, sized
from core import playgrounds
from core.doctor.diagnosis import WORTH_IT, Proof
from core.doctor.experiments.run_access import losses_on, shares_wrong_on, validation_batches
from core.doctor.experiments.step_fixes import FIXES
from core.doctor.faults.fault_injection import FaultyLearner
from core.doctor.faults.gallery import Fault, fitting
from core.doctor.watch.watcher import LoopWatcher
from core.training.learner import Learner
from core.training.recipe import Recipe

PARTS = ("settings", "loops")
OTHER_SEED = 1000
"""What is added to the seed in a fresh run."""
LAST = 0.1
"""The part of a loop's steps whose mean loss is its end."""
OTHER_LOSS = ("double_softmax",)
"""Causes whose fix changes what the loss is."""
RATES = ("lr_too_high", "lr_too_low", "oscillation")
"""Causes that another rate may fix, in any recipe."""


@dataclass(frozen=True)
class Tried:
    """A fix that the doctor tried, or would have, and what a fresh run says of it.

    Attributes:
        program: what was examined.
        cause: whose fix it is; a verdict's id.
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
    playground: str, recipe: Recipe, fault: Fault | None, settings: dict[str, Any], steps: int
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
        count = changes.get("steps", steps)
        for step in range(count):
            loss, _ = learner.learn(*learner.take(), step / count)
            if not math.isfinite(float(loss)):
                break
        ends.append(_finite(fmean(judge(learner, learner.model, validation_batches(learner)))))
    return ends[0], ends[1]


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
        for fault in fixable(playgrounds.get(playground).recipes[name])
    ]
    for playground, name, fault in runs[options.every - 1 :: options.every][:MOST]:
        base = playgrounds.get(playground).recipes[name]
        recipe = base.replace({"steps": 0, "seed": options.seed})
        diagnosis, *_ = ask(playground, recipe, fault, budget=options.budget, steps=options.steps)
        for id, proof in [(c.id, c.proof) for c in diagnosis.causes] + [
            (diagnosis.verdict, diagnosis.proof)
        ]:
            if proof is None:
                continue
            ends = (math.nan, math.nan)
            if proof.settings:
                ends = fresh(playground, recipe, fault, dict(proof.settings), options.steps)
            yield _tried(f"{playground} {name} {fault.id}", id, proof, *ends)


def _tried(program: str, cause: str, proof: Proof, *ends: float) -> Tried:
    return Tried(program, cause, proof.proved, proof.fix, proof.measured, *ends)


# Watched loops.


class Losses(Judge):
    """Nobody: notes what a program's loss is at its end."""

    def begin(self) -> None:
        """Observe every step."""
        self._wrong: list[float] = []
        self._watcher = LoopWatcher(share=1.0, every=0.0)
        self._watcher.start_recording(sys._getframe(2))

    def step(self, loss: Any) -> None:
        """Take the loss of a step, and its share of wrong answers where labels are classes."""
        self._watcher.step(loss, sys._getframe(1))
        graph = self._watcher.graph
        if graph is None or graph.outputs is None or graph.targets is None:
            return
        outputs, targets = graph.outputs, graph.targets
        if outputs.dim() == 2 and outputs.shape[:1] == targets.shape:
            self._wrong.append(float((outputs.argmax(1) != targets).float().mean()))

    def validate(self, loss: Any, accuracy: Any = None) -> None:
        """Take a loss on other data."""
        self._watcher.validate(loss, accuracy)

    def end(self) -> None:
        """Stop observing."""
        self._watcher.stop_recording()

    def last(self, cause: str) -> float:
        """Return the loss on other data, or the criterion of the last batches; infinite if NaN.

        Args:
            cause: whose fix is judged; where that changes what the loss is, the share of wrong
                answers is returned.
        """
        watcher = self._watcher
        if cause in OTHER_LOSS:
            found = self._wrong
        elif watcher.validations:
            return _finite(watcher.validations[-1][1])
        else:  # in parts of what the best constant reaches, where inputs are the targets, too
            seen = [o.criterion for o in watcher.observations if o.criterion.kind]
            found = [c.value / (c.uniform if c.uniform > 0 else 1.0) for c in seen]
            found = found or watcher.losses()[1].tolist()
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
    """Examine faulty programs, and run the fixed ones."""
    pairs = [one for one in chosen(options.half, options.only) if set(one.causes) & set(FIXES)]
    for one in pairs[options.every - 1 :: options.every][:MOST]:
        doctor = Glassbox()
        doctor.budget = options.budget
        train(one, True, doctor, options.seed)
        proofs = {c.id: c.proof for c in doctor.seen.diagnosis.causes if c.proof}
        fresh_runs = []
        for faulty in (True, False):
            fresh_runs.append(Losses())
            train(one, faulty, fresh_runs[-1], options.seed + OTHER_SEED)
        for id, proof in proofs.items():
            known = id in one.causes
            ends = [run.last(id) if known else math.nan for run in fresh_runs]
            yield _tried(f"{one.style} {one.name}", id, proof, *ends)


def rates(tried: list[Tried]) -> list[dict[str, Any]]:
    """Return the rows of the table; print which were not tried, and why."""
    known = [t for t in tried if t.is_known]
    proved = [t for t in known if t.proved]
    others = [t for t in known if t.proved is False]
    untried = Counter(t.why for t in tried if t.proved is None)
    for why, times in untried.most_common():
        print(f"{times} could not be tried: {why}", file=sys.stderr)
    unknown = sum(t.proved is not None and not t.is_known for t in tried)
    print(f"{unknown} proofs of another cause than the planted one", file=sys.stderr)

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
    parser.add_argument("--steps", type=int, default=sized(600, 40), help="of a playground's run")
    parser.add_argument("--budget", type=float, default=sized(15.0, 1.0))
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
