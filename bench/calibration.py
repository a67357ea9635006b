"""Whether what is said with 90 % is right in nine of ten: ``python -m bench.calibration``.

Asks the doctor about programs of which it is known what is wrong with them: both programs of every
pair, healthy ones, loops and playgrounds with planted faults, and loops whose size and length were
measured. Then it holds what was said against what is right.

    python -m bench.calibration [--source pairs ...] [--half judging] [--every 4] [--keep FILE]
    python -m bench.calibration --keep FILE --half judging --kept --picture PICTURE
    python -m bench.calibration --keep FILE --half tuning --fit

With ``--keep`` answers are kept as JSON lines, and what stands there is not asked again. ``--fit``
prints the table of ``core/doctor/verdict/calibration.py``.
"""

import argparse
import contextlib
import io
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bench.healthy.__main__ as healthy
import bench.loops.examine as loops
import bench.pairs.__main__ as pairs
import bench.sizes.__main__ as sizes
from bench import doctor
from bench.pairs.judges import Glassbox
from bench.pairs.registry import Pair
from bench.pairs.registry import chosen as chosen_pairs
from bench.rows import row, show, sized
from bench.sizes.measure import SEED
from core import playgrounds, watch
from core.doctor.diagnosis import Z80, Diagnosis
from core.doctor.faults.gallery import Fault, fitting
from core.doctor.verdict.calibration import calibrated
from core.training.recipe import Recipe

HALVES = ("tuning", "judging")
SOURCES = ("pairs", "healthy", "loops", "gallery", "sizes")
BUDGET = sized(4.0, 0.5)
SIZES_BUDGET = sized(8.0, 0.5)
FEWEST = 10
"""Answers of a pool, at least."""
SURE = 0.85
BINS = (0.0, 0.5, 0.7, 0.85, 0.95, 1.01)

Record = dict[str, Any]
Said = tuple[float, bool]
"""A score or a confidence, and whether what was said with it is right."""


@dataclass(frozen=True)
class Program:
    """A program whose answer is known.

    Attributes:
        source: the bench that it is of.
        name: within it.
        right: the causes that name its fault; () where it has none.
        label: what its size and length are: one of :data:`bench.sizes.CLASSES`; "" where not known.
        ask: runs it under the doctor, and returns verdict, confidence, and ``said``: id, score and
            confidence of each cause.
    """

    source: str
    name: str
    right: tuple[str, ...]
    label: str
    ask: Callable[[], Record]


def _said(found: Diagnosis) -> Record:
    said = [(cause.id, cause.score, cause.confidence) for cause in found.causes]
    return {"verdict": found.verdict, "confidence": found.confidence, "said": said}


def _watched(run: Callable[[Callable[[], Any]], None], budget: float, seed: int) -> Record:
    """Run a program that is handed its ``watch``."""
    made: list[Any] = []

    def watched() -> Any:
        made.append(watch(quiet=True, record=False, budget=budget))
        return made[-1]

    random.seed(seed)
    torch.manual_seed(seed)
    run(watched)
    return _said(made[0].diagnosis)


def _pair(one: Pair, faulty: bool) -> Record:
    judge = Glassbox()
    pairs.ask(one, faulty, lambda: judge)
    return _said(judge.seen.diagnosis)


def _loop(case: loops.Case) -> Record:
    answer = loops.examine(case)
    if answer.failed:
        raise RuntimeError(answer.failed)
    return {
        "verdict": answer.verdict,
        "confidence": answer.confidence,
        "said": answer.said,
    }


def _planted(playground: str, recipe: Recipe, fault: Fault) -> Record:
    return _said(doctor.ask(playground, recipe, fault)[0])


def _sized(each: Record) -> Record:
    loop = sizes.LOOPS[each["loop"]]

    def run(watched: Callable[[], Any]) -> None:
        loop(watched, each["size"], each["steps"], each["rows"], lambda *_: None)

    return _watched(run, SIZES_BUDGET, SEED)


def programs(source: str, half: str) -> Iterator[Program]:
    """Give the programs of a half of a source; of the gallery and the loops each second is one."""
    if source == "pairs":
        for one in chosen_pairs(half):
            for faulty in (True, False):
                name = f"{one.name}, {'faulty' if faulty else 'fixed'}"
                right = one.causes if faulty else ()
                yield Program(source, name, right, "", partial(_pair, one, faulty))
    elif source == "healthy":
        for each in healthy.chosen(half, None):
            if each.run.__module__.rpartition(".")[2] in healthy.HALVES[half]:
                yield Program(source, each.name, (), "", partial(_watched, each.run, BUDGET, 0))
    elif source == "sizes":
        for x in sizes.chosen(half, None):
            name = f"{x['loop']} {x['size']} {x['steps']} {x['rows']}"
            yield Program(source, name, (), x["label"], partial(_sized, x))
    elif source == "loops":
        for case in loops.cases(None, None, 1)[HALVES.index(half) :: 2]:
            right = (case.expected, *case.also) if case.expected else case.also
            name = f"{case.script}, {case.how}"
            yield Program(source, name, right, "", partial(_loop, case))
    else:
        yield from list(_gallery())[HALVES.index(half) :: 2]


def _gallery() -> Iterator[Program]:
    for playground, models in doctor.MODELS.items():
        for name in models.values():
            recipe = playgrounds.get(playground).recipes[name].replace({"steps": 0, "seed": 42})
            for fault in fitting(recipe):
                right = (fault.cause, *fault.also)
                ask = partial(_planted, playground, recipe, fault)
                yield Program("gallery", f"{playground} {name} {fault.id}", right, "", ask)


def read(path: Path) -> list[Record]:
    """Return the answers that a file has."""
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def asked(options: argparse.Namespace) -> list[Record]:
    """Return what is kept of the halves that are wanted, and answers about what is not.

    A program that can't be run is passed over.
    """
    kept = read(options.keep) if options.keep else []
    known = {(x["source"], x["program"]) for x in kept}
    records = [record for record in kept if record["half"] in options.half]
    for source, half in product(() if options.kept else options.source, options.half):
        todo = list(programs(source, half))[:: options.every]
        for one in todo[: sized(len(todo), 1)]:
            if (source, one.name) in known:
                continue
            begin = time.perf_counter()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    answer = one.ask()
            except Exception as error:  # of the program: there is no answer to be judged
                print(f"{source} {one.name}: {error}", file=sys.stderr, flush=True)
                continue
            about = {"source": source, "half": half, "program": one.name, "right": one.right}
            about |= {"label": one.label, **answer}
            about["seconds"] = round(time.perf_counter() - begin, 1)
            records.append(about)
            if options.keep:
                with options.keep.open("a") as file:
                    file.write(json.dumps(about) + "\n")
    return records


# What is said against what is right.


def firsts(records: Sequence[Record]) -> list[tuple[float, float, bool]]:
    """Return score, confidence and whether it is right, of each cause that is named first."""
    found = []
    for record in records:
        if record["said"] and not record["label"]:
            cause, score, confidence = record["said"][0]
            found.append((score, confidence, cause in record["right"]))
    return found


def verdicts(records: Sequence[Record]) -> list[Said]:
    """Return confidence and whether it is right, of each verdict on size and length."""
    found = []
    for record in records:
        if record["label"] and record["verdict"] != "broken":
            said = sizes.SAME.get(record["verdict"], record["verdict"])
            found.append((record["confidence"], said == record["label"]))
    return found


def fitted(said: Sequence[Said]) -> list[tuple[float, float]]:
    """Return a map from score to the share that is right: few points, neither of them falling.

    Neighbours are pooled until each pool has FEWEST answers and a higher share than the one below
    (isotonic regression); a pool counts one right and one wrong answer more than it has.
    """
    pools: list[list[Said]] = [[]]
    for one in sorted(said):
        if len(pools[-1]) >= FEWEST and pools[-1][-1][0] != one[0]:
            pools.append([])
        pools[-1].append(one)
        while len(pools) > 1 and len(pools[-1]) >= FEWEST and _falls(pools):
            _pool_last(pools)
    while len(pools) > 1 and (len(pools[-1]) < FEWEST or _falls(pools)):
        _pool_last(pools)
    return [(round(_mean(pool), 2), round(_share(pool), 2)) for pool in pools]


def _falls(pools: Sequence[Sequence[Said]]) -> bool:
    return _share(pools[-1]) <= _share(pools[-2])


def _pool_last(pools: list[list[Said]]) -> None:
    last = pools.pop()
    pools[-1] += last


def _share(pool: Sequence[Said]) -> float:
    return (sum(right for _, right in pool) + 1) / (len(pool) + 2)


def _mean(pool: Sequence[Said]) -> float:
    return sum(score for score, _ in pool) / len(pool)


def reliability(said: Sequence[Said]) -> list[tuple[float, float, int, int]]:
    """Return a row for each bin that holds something: its ends, how many, how many are right."""
    rows = []
    for low, high in pairwise(BINS):
        inside = [right for confidence, right in said if low <= confidence < high]
        if inside:
            rows.append((low, high, len(inside), sum(inside)))
    return rows


def calibration_error(said: Sequence[Said]) -> float:
    """Return by how much confidence and share right differ in a bin, weighted by its size."""
    total = 0.0
    for low, high, _, right in reliability(said):
        inside = [confidence for confidence, _ in said if low <= confidence < high]
        total += abs(sum(inside) - right)
    return total / max(1, len(said))


def table(said: Sequence[Said]) -> str:
    """Return the bins as a table in Markdown, with what 80 % of such shares lie between."""
    lines = ["| said | times | right | 80 % interval |", "|" + " --- |" * 4]
    for low, high, count, right in reliability(said):
        ends = " to ".join(f"{end:.0%}" for end in interval(right, count))
        said_in = f"{low:.0%} to {min(1.0, high):.0%}"
        lines.append(f"| {said_in} | {count} | {right / count:.0%} | {ends} |")
    return "\n".join(lines)


def interval(right: int, count: int) -> tuple[float, float]:
    """Return within what a share lies four times of five (Wilson 1927)."""
    share, z2 = right / count, Z80**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z80 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def draw(file: Path, scores: Sequence[Said], said: Sequence[Said]) -> None:
    """Draw the reliability diagram: scores as rules have them, and what a person reads."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from gui import theme
    from gui.charts.lines import Line, PaintedChart

    app = QApplication.instance() or QApplication(["calibration"])
    assert isinstance(app, QApplication)
    theme.load_fonts()
    theme.apply(app, "light")
    chart = PaintedChart(
        y_title="share that is right",
        x_title="what is said",
        write=lambda share: f"{share:.0%}",
    )
    chart.x_write = chart.write
    ends = np.array([0.0, 1.0])
    lines = [Line("as often right as said", "faint", dash=(4, 3), x=ends, y=ends)]
    sides = (("score of the rule", "muted", scores), ("confidence", "activation", said))
    for name, role, values in sides:
        rows = reliability(values)
        line = Line(name, role, dot=3.5, hollow=values is scores)
        inside = [[one for one in values if low <= one[0] < high] for low, high, *_ in rows]
        line.x = np.array([_mean(pool) for pool in inside])
        line.y = np.array([right / count for *_, count, right in rows])
        if values is said:
            line.low, line.high = np.array([interval(r, count) for *_, count, r in rows]).T
        lines.append(line)
    chart.x_holds = chart.y_holds = (0.0, 1.0)
    chart.set_lines(lines)
    chart.resize(560, 380)
    chart.show()
    app.processEvents()
    chart.grab().save(str(file))


def judge(records: Sequence[Record], options: argparse.Namespace) -> None:
    """Print the tables of causes and of verdicts, draw the causes', and print the rows."""
    causes = firsts(records)
    scores = [(score, right) for score, _, right in causes]
    said = [(calibrated(score), right) for score, _, right in causes]
    for what, values in (
        ("Causes named first, their scores", scores),
        ("Causes named first, their confidences", said),
        ("Verdicts on size and length", verdicts(records)),
    ):
        error = calibration_error(values)
        print(f"{what}: calibration error {error:.3f}\n\n{table(values)}\n", file=sys.stderr)
    if options.fit:
        print(f"SHARES = {((0.0, 0.0), *fitted(scores))}", file=sys.stderr)
    if options.picture:
        draw(options.picture, scores, said)
    sure = [right for confidence, right in said if confidence >= SURE]
    share = sum(sure) / max(1, len(sure))
    show(
        [
            row(f"right, of {len(sure)} causes said with {SURE:.0%} or more", share, 0.85, "%"),
            row("expected calibration error", calibration_error(said), 0.1, "%", True),
        ]
    )


def main(words: Sequence[str] | None = None) -> None:
    """Ask, and judge the answers."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--source", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--half", nargs="+", choices=HALVES, default=HALVES)
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th program")
    parser.add_argument("--keep", type=Path, help="the file of answers")
    parser.add_argument("--kept", action="store_true", help="judge what is kept, and ask nothing")
    parser.add_argument("--fit", action="store_true", help="print a table that fits the scores")
    parser.add_argument("--picture", type=Path, help="draw the reliability diagram there")
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    judge(asked(options), options)


if __name__ == "__main__":
    main()
