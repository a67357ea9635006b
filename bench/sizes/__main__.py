"""Too small, undertrained, fine or overfitting, and how often the doctor is right about it.

Up to 15 watched loops of each class and half. What a loop is, was measured: it was trained for
three times as long, and with four times the units (``python -m bench.sizes.measure``, which writes
``labels.json``). By the loops of ``loops.py`` thresholds were chosen; the kinds in
``more_loops.py`` were kept back, and judged once.

    python -m bench.sizes [--half tuning|judging] [--only spirals] [--budget 15]
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bench.rows import row, show, sized
from bench.sizes import more_loops
from bench.sizes.loops import LOOPS
from bench.sizes.measure import LABELS, SEED
from core import watch

CLASSES = ("too_small", "undertrained", "fine", "overfitting")
HALVES = ("tuning", "judging")
EACH = 15
SAME = {"at_floor": "fine"}


def half_of(loop: str) -> str:
    """Return the half that a kind of loop belongs to."""
    return HALVES[LOOPS[loop].__module__ == more_loops.__name__]


def chosen(half: str | None, only: str | None) -> list[dict[str, Any]]:
    """Return the loops of a half, or of both: as many kinds of each class as there are."""
    measured = json.loads(LABELS.read_text())
    found = []
    for part in [half] if half else HALVES:
        for label in CLASSES:
            fitting = [x for x in measured if x["label"] == label and half_of(x["loop"]) == part]
            seen: Counter[str] = Counter()
            for each in fitting:  # one of each kind, then the second of each, ...
                each["turn"] = seen[each["loop"]]
                seen[each["loop"]] += 1
            fitting.sort(key=lambda x: x["turn"])
            found += fitting[:EACH]
    return [x for x in found if (only or "") in x["loop"]]


def examine(each: dict[str, Any], budget: float) -> dict[str, Any]:
    """Run a loop under the doctor, and return what it said."""
    made: list[Any] = []

    def watched() -> Any:
        made.append(watch(quiet=True, record=False, budget=budget))
        return made[-1]

    torch.manual_seed(SEED)
    begin = time.perf_counter()
    LOOPS[each["loop"]](watched, each["size"], each["steps"], each["rows"], lambda *_: None)
    found = made[0].diagnosis
    said = found.verdict
    return {
        "loop": each["loop"],
        "size": each["size"],
        "label": each["label"],
        "said": SAME.get(said, said),
        "causes": [cause.id for cause in found.causes],
        "sentence": found.sentence,
        "compared": [x.measured for x in found.experiments if x.id == "reference_networks"],
        "seconds": round(time.perf_counter() - begin, 1),
        "experiments": found.seconds,
    }


def main(words: Sequence[str] | None = None) -> None:
    """Run the loops, print the confusion matrix, then the row."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes", description=__doc__)
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--only")
    parser.add_argument("--budget", type=float, default=15.0)
    parser.add_argument("--out", type=Path, help="also write every answer to this file")
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    loops = chosen(options.half, options.only)
    answers = []
    for each in sized(loops, [min(loops, key=lambda x: x["steps"])]):
        answer = examine(each, sized(options.budget, 0.1))
        answers.append(answer)
        mark = "ok " if answer["said"] == answer["label"] else "NOT"
        print(
            f"{mark} {answer['label']:13} {answer['said']:13} {answer['loop']} {answer['size']},"
            f" {answer['seconds']} s {answer['causes'] or ''} {answer['sentence']}",
            file=sys.stderr,
            flush=True,
        )
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(answer) + "\n")
    print(confusion(answers), file=sys.stderr)
    right = sum(x["said"] == x["label"] for x in answers) / max(1, len(answers))
    show([row(f"size and length told right, of {len(answers)} loops", right, 0.85, "%")])


def confusion(answers: Sequence[dict[str, Any]]) -> str:
    """Return the confusion matrix as a table: what a loop is, and what was said."""
    counts = Counter((x["label"], x["said"]) for x in answers)
    columns = [*CLASSES, *sorted({x["said"] for x in answers} - set(CLASSES))]
    lines = [f"| is / said | {' | '.join(columns)} |", "|" + " --- |" * (len(columns) + 1)]
    for label in CLASSES:
        lines.append(f"| {label} | {' | '.join(str(counts[label, c]) for c in columns)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
