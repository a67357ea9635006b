"""How often the doctor is right: every fault in every playground and model, and clean runs.

    python -m bench.doctor faults [--seeds 3] [--only names] [--model gru] [--fault cut] [--every 1]
    python -m bench.doctor clean [--seeds 5]
    python -m bench.doctor verdicts
    python -m bench.doctor cost
    python -m bench.doctor times
    python -m bench.doctor causes

Each run trains for some seconds, is examined on its events, and is asked for the first cause. The
table says what was found; ``--out`` keeps a JSON line for each run.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.rows import row, show, sized
from bench.sizes import __main__ as sizes
from core import playgrounds, watch
from core.doctor.diagnosis import Diagnosis
from core.doctor.examine import examine
from core.doctor.faults.fault_injection import FaultyLearner
from core.doctor.faults.gallery import FAULTS, Fault, fitting
from core.doctor.rules import RULES
from core.doctor.run_doctor import RunDoctor
from core.doctor.verdict.causes import CAUSES
from core.doctor.verdict.kinds import KINDS
from core.paths import data_source
from core.telemetry.events import Diagnosed
from core.training.control import Control
from core.training.learner import Learner
from core.training.recipe import Recipe
from core.training.trainer import Run, train

MODELS = {
    "digits": {"cnn": "modern", "mlp": "plain mlp"},
    "names": {
        "mlp": "tuned mlp",
        "mlp-bn": "tuned mlp-bn",
        "wavenet": "tuned wavenet",
        "gru": "tuned gru",
        "transformer": "tuned transformer",
        "bigram": "tuned bigram",
    },
    "text": {"gpt": "tuned gpt", "mlp": "tuned mlp", "bigram": "tuned bigram"},
}
HEALTHY: dict[str, dict[str, dict[str, Any]]] = {
    "digits": {
        "modern": {},
        "plain mlp": {},
        "plain mlp, sgd 0.1": {"optimizer": "sgd", "lr": 0.1},
        "plain mlp, tanh": {"activation": "tanh"},
        "plain mlp, dropout": {"dropout": 0.2},
        "plain mlp, smoothed": {"label_smoothing": 0.1},
        "plain mlp, batch norm": {"batch_norm": True},
    },
    "names": {
        "tuned mlp": {},
        "tuned mlp, relu": {"activation": "relu"},
        "tuned mlp-bn": {},
        "tuned wavenet": {},
        "tuned gru": {},
        "tuned transformer": {},
        "tuned bigram": {},
        "lecture mlp, improved": {},
        "lecture mlp-bn": {},
        "lecture wavenet": {},
        "counted bigram": {},
    },
    "text": {
        "tuned gpt": {},
        "tuned gpt, dropout": {"dropout": 0.1},
        "characters gpt": {},
        "nanoGPT, on a CPU": {},
        "tuned mlp": {},
        "tuned bigram": {},
    },
}
SECONDS, BUDGET = sized((4.0, 4.0), (0.3, 0.1))
WATCHED_STEPS = sized(8000, 20)
MOST = sized(1_000_000, 1)
"""Runs of a table at most."""


@dataclass(frozen=True)
class Answer:
    """One run: what was done, and what the doctor said."""

    playground: str
    recipe: str
    fault: str
    seed: int
    verdict: str
    causes: tuple[str, ...]
    seconds: float
    first: float


def ask(
    playground: str,
    recipe: Recipe,
    fault: Fault | None,
    seconds: float = SECONDS,
    budget: float = BUDGET,
    steps: int | None = None,
) -> tuple[Diagnosis, float, float]:
    """Train, and return the diagnosis, its time, and that of the first verdict."""
    found = playgrounds.get(playground)
    data = _data(playground)
    run = Run(
        found,
        recipe,
        data,
        torch.device("cpu"),
        seconds=None if steps else seconds,
        steps=steps,
        watched=True,
        probe_every=1.0,
        make_learner=partial(FaultyLearner, fault.make()) if fault else Learner,
    )
    begin, first, diagnosis = time.perf_counter(), 0.0, None
    for event in examine(run, Control(), budget):
        if isinstance(event, Diagnosed):
            first = first or time.perf_counter() - begin
            diagnosis = event.diagnosis
    assert diagnosis is not None
    return diagnosis, time.perf_counter() - begin, first


_loaded: dict[str, Any] = {}


def _data(playground: str) -> Any:
    if playground not in _loaded:
        _loaded[playground] = playgrounds.get(playground).load(data_source())
    return _loaded[playground]


def faults(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Plant every fault wherever it can be planted."""
    answers, number = [], 0
    for playground, models in MODELS.items():
        for model, name in models.items():
            if options.only not in (None, playground) or options.model not in (None, model):
                continue
            recipe = playgrounds.get(playground).recipes[name].replace({"steps": 0})
            for fault in fitting(recipe):
                for seed in range(options.seeds):
                    number += 1
                    skipped = number % options.every or options.fault not in (None, fault.id)
                    skipped = skipped or len(answers) >= MOST
                    if skipped:
                        continue
                    answers.append(_one(playground, name, recipe, fault, 42 + seed, options))
    right = [a for a in answers if a.causes and a.causes[0] in _right(FAULTS[a.fault])]
    found = [a for a in answers if a.verdict in ("broken", "overfitting")]
    _confusion(answers)
    count = max(1, len(answers))
    return [
        row(f"faults found, of {len(answers)}", len(found) / count, 0.95, "%"),
        row("the right cause named first", len(right) / count, 0.85, "%"),
        row("the slowest first verdict", max((a.first for a in answers), default=0), 20, "s", True),
    ]


def _right(fault: Fault) -> set[str]:
    return {fault.cause, *fault.also}


def clean(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Examine runs in which nothing is wrong."""
    answers = []
    for playground, recipes in HEALTHY.items():
        if options.only not in (None, playground):
            continue
        for name, changes in recipes.items():
            base = playgrounds.get(playground).recipes
            known = name if name in base else name.rpartition(",")[0]
            recipe = base[known].replace({"steps": 0, **changes})
            for seed in range(options.seeds):
                if len(answers) >= MOST:
                    continue
                answers.append(_one(playground, name, recipe, None, 42 + seed, options))
    wrong = [a for a in answers if a.verdict == "broken" or a.causes]
    share = len(wrong) / max(1, len(answers))
    return [row(f"false alarms on {len(answers)} clean runs", share, 0.02, "%", True)]


VERDICTS: list[tuple[str, str, str, dict[str, Any], int]] = [
    ("undertrained", "names", "tuned mlp", {}, 60),
    ("undertrained", "names", "tuned gru", {}, 60),
    ("undertrained", "names", "tuned wavenet", {}, 120),
    ("undertrained", "names", "tuned mlp-bn", {}, 80),
    ("undertrained", "names", "tuned transformer", {}, 100),
    ("undertrained", "text", "characters gpt", {}, 60),
    ("undertrained", "text", "tuned gpt", {}, 60),
    ("undertrained", "text", "tuned mlp", {}, 60),
    ("undertrained", "digits", "plain mlp", {}, 30),
    ("undertrained", "digits", "modern", {}, 30),
    ("too_small", "names", "tuned mlp", {"hidden": (4,), "embedding": 4}, 2500),
    ("too_small", "names", "tuned mlp", {"hidden": (8,), "dropout": 0.0}, 2500),
    ("too_small", "names", "tuned gru", {"width": 8, "dropout": 0.0}, 1200),
    ("too_small", "names", "tuned wavenet", {"width": 6}, 2500),
    ("too_small", "names", "tuned mlp-bn", {"hidden": (6, 6), "dropout": 0.0}, 2500),
    ("too_small", "names", "tuned transformer", {"embedding": 4, "heads": 1}, 2000),
    ("too_small", "text", "characters gpt", {"width": 8, "heads": 1, "layers": 1}, 2000),
    ("too_small", "text", "tuned mlp", {"hidden": (6,)}, 2000),
    ("too_small", "digits", "plain mlp", {"hidden": (3,)}, 2500),
    ("too_small", "digits", "plain mlp", {"hidden": (4, 4)}, 2500),
    ("fine", "names", "tuned bigram", {}, 600),
    ("fine", "names", "tuned bigram", {"lr": 0.05}, 900),
    ("fine", "names", "lecture bigram", {}, 200),
    ("fine", "text", "tuned bigram", {"tokenizer": "characters"}, 1200),
    ("fine", "text", "tuned bigram", {"tokenizer": "characters", "lr": 0.05}, 1500),
    # Its loss on new data is lowest, 0.38, at step 540 and 0.42 at the end: it overfits.
    ("overfitting", "digits", "plain mlp", {"hidden": (), "lr": 3e-3}, 1500),
    ("fine", "names", "counted bigram", {}, 1),
    ("fine", "names", "tuned mlp", {"hidden": (200,), "dropout": 0.1}, 6000),
    ("fine", "names", "tuned mlp", {"hidden": (128,), "dropout": 0.1, "context": 3}, 6000),
    ("fine", "digits", "modern", {}, 2500),
]
"""What each run is, its playground, recipe, settings, and number of steps."""


def verdicts(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Examine runs made to be too short, too small, overfitted, or fine (or at their floor)."""
    right = 0
    for expected, playground, name, changes, steps in VERDICTS[:MOST]:
        base = playgrounds.get(playground).recipes[name]
        recipe = base.replace({"steps": 0, "schedule": "cosine", **changes})
        steps = sized(steps, 5)
        diagnosis, seconds, _ = ask(playground, recipe, None, budget=options.budget, steps=steps)
        good = diagnosis.verdict == expected or (
            expected == "fine" and diagnosis.verdict == "at_floor"
        )
        right += good
        causes = [cause.id for cause in diagnosis.causes]
        print(
            f"{'ok ' if good else 'NOT'} {expected:13} {diagnosis.verdict:13} {playground} {name}"
            f" {changes} {steps} steps, {seconds:.0f} s {causes} {diagnosis.sentence}",
            file=sys.stderr,
            flush=True,
        )
    return [row(f"verdicts right, of {len(VERDICTS)}", right / len(VERDICTS), 0.85, "%")]


LOOP = """
for i in range(STEPS):
    ix = torch.randint(0, len(X), (32,), generator=g)
    h = torch.tanh(C[X[ix]].view(32, -1) @ W1 + b1)
    loss = F.cross_entropy(h @ W2 + b2, Y[ix])
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -0.1 * p.grad
    LOOK
"""
STEPS, ROUNDS = sized((15_000, 5), (50, 1))


def cost(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the lecture's loop bare and watched in turn, and a playground's run with the doctor."""
    ratios = []
    for _ in range(ROUNDS):
        bare, watched = _loop(False), _loop(True)
        if not all(torch.equal(a, b) for a, b in zip(bare[1], watched[1], strict=True)):
            raise AssertionError("the watched loop has other weights")
        ratios.append(watched[0] / bare[0])
    runs = [_speed(True) / _speed(False) for _ in range(ROUNDS)]
    return [
        row("the lecture's loop, watched against bare, time", median(ratios), 1.03, "x", True),
        row("a run of names, attended against not, steps/s", median(runs), 0.97, "x"),
    ]


def _loop(watched: bool) -> tuple[float, list[torch.Tensor]]:
    """Return the seconds of the lecture's loop, and the weights that it ends with."""
    names = playgrounds.get("names")
    recipe = names.recipes["lecture mlp, improved"]
    data = _data("names")
    examples = names.prepare(data, recipe, names.vocabulary(data, recipe), torch.device("cpu"))
    g = torch.Generator().manual_seed(1)
    sizes = [(27, 10), (30, 200), (200,), (200, 27), (27,)]
    scales = [1.0, 0.3, 0.01, 0.01, 0.0]
    parameters = [
        (scale * torch.randn(size, generator=g)).requires_grad_()
        for size, scale in zip(sizes, scales, strict=True)
    ]
    space: dict[str, Any] = {
        "torch": torch,
        "F": torch.nn.functional,
        "STEPS": STEPS,
        "X": examples.inputs.long(),
        "Y": examples.targets,
        "g": g,
        "parameters": parameters,
        "watch": watch,
    }
    space |= dict(zip(("C", "W1", "b1", "W2", "b2"), parameters, strict=True))
    source = LOOP.replace("LOOK", "seen.step(loss)" if watched else "pass")
    seen = watch(quiet=True, record=False, budget=0.0)
    if watched:
        seen._loop.watcher.start_recording(None)
        space["seen"] = seen
    begin = time.perf_counter()
    exec(compile(source, "<the lecture's loop>", "exec"), space)
    spent = time.perf_counter() - begin
    seen._loop.watcher.stop_recording()
    return spent, [p.detach() for p in parameters]


def _speed(attended: bool) -> float:
    """Return the steps a second of a run in the window's way, with the doctor beside it or not."""
    names = playgrounds.get("names")
    recipe = names.recipes["lecture mlp, improved"].replace({"steps": 0})
    run = Run(
        names,
        recipe,
        _data("names"),
        torch.device("cpu"),
        steps=WATCHED_STEPS,
        observers=(RunDoctor(),) if attended else (),
    )
    events = list(train(run, Control()))
    return WATCHED_STEPS / events[-1].seconds


LENGTH, TRIES, WATCHED_BUDGET = sized((20.0, 30.0, 15.0), (0.3, 0.1, 0.1))
"""Seconds: what the window trains and tries things for, and what ``watch`` tries things for."""
WATCHED = [
    ("names_mlp", 100, 2500, 20000),
    ("digits_cnn", 16, 500, 3500),
    ("text_lstm", 64, 600, 360000),
]
"""Loops of ``bench.sizes`` with their width, steps and rows."""


def times(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Examine the playgrounds' default networks as the window does, and three watched loops."""
    found = []
    for playground in MODELS:
        recipe = playgrounds.get(playground).recipe_type().replace({"steps": 0})
        _, whole, first = ask(playground, recipe, None, LENGTH, TRIES)
        found.append(row(f"{playground}, first verdict", first, 20, "s", True))
        tried = whole - LENGTH
        found.append(row(f"{playground}, all experiments", tried, 60, "s", True))
    for name, size, steps, rows in WATCHED:
        each = {"loop": name, "size": size, "steps": sized(steps, 5), "rows": rows, "label": ""}
        seconds = sizes.examine(each, WATCHED_BUDGET)["experiments"]
        found.append(row(f"watched {name}, all experiments", seconds, 60, "s", True))
    return found


def causes_table() -> str:
    """Return the causes and their criteria as the table of docs/doctor.md."""
    rules = {rule.id: rule for rule in RULES}
    lines = ["| id | cause | check | criterion | fix | source |", "|" + " --- |" * 6]
    for id, cause in CAUSES.items():
        rule = rules[id]
        fixes = " ".join(dict.fromkeys((cause.fix, *(fix for _, fix in KINDS.get(id, ())))))
        cells = (f"`{id}`", cause.title, rule.title, rule.criterion, fixes, rule.source)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _one(
    playground: str,
    name: str,
    recipe: Recipe,
    fault: Fault | None,
    seed: int,
    options: argparse.Namespace,
) -> Answer:
    recipe = recipe.replace({"seed": seed})
    diagnosis, seconds, first = ask(playground, recipe, fault, options.seconds, options.budget)
    causes = tuple(cause.id for cause in diagnosis.causes)
    label = fault.id if fault else ""
    answer = Answer(playground, name, label, seed, diagnosis.verdict, causes, seconds, first)
    if fault:
        good = bool(causes) and causes[0] in _right(fault)
    else:
        good = diagnosis.verdict != "broken" and not causes
    words = " ".join(f"{c.id} {c.confidence:.2f}" for c in diagnosis.causes) or "-"
    mark = "ok " if good else "NOT"
    wanted = fault.cause if fault else "clean"
    print(
        f"{mark} {playground} {name} {label} ({wanted}): {diagnosis.verdict}: {words}",
        file=sys.stderr,
        flush=True,
    )
    if options.out:
        with options.out.open("a") as file:
            file.write(json.dumps(vars(answer)) + "\n")
    return answer


def _confusion(answers: list[Answer]) -> None:
    """Print which cause was named first where another was right."""
    wrong = Counter(
        (FAULTS[a.fault].cause, a.causes[0] if a.causes else a.verdict)
        for a in answers
        if not (a.causes and a.causes[0] in _right(FAULTS[a.fault]))
    )
    print(f"{'planted':26} {'named first':26} times", file=sys.stderr)
    for (planted, named), times in wrong.most_common():
        print(f"{planted:26} {named:26} {times}", file=sys.stderr)


def main(words: list[str]) -> None:
    """Run one of the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.doctor", description=__doc__)
    parser.add_argument("table", choices=["faults", "clean", "verdicts", "cost", "times", "causes"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=list(MODELS))
    parser.add_argument("--model")
    parser.add_argument("--fault", choices=list(FAULTS))
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th run")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--budget", type=float, default=BUDGET)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(words)
    options.budget = sized(options.budget, BUDGET)
    if options.table == "causes":
        print(causes_table())
        return
    torch.set_num_threads(1)
    tables = {
        "faults": faults,
        "clean": clean,
        "verdicts": verdicts,
        "cost": cost,
        "times": times,
    }
    show(tables[options.table](options))


if __name__ == "__main__":
    main(sys.argv[1:])
