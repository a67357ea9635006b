"""How often the doctor calls a healthy program broken: ``python -m bench.healthy``.

Own programs in the styles of official examples, lectures and course notebooks, each a few seconds
long. Those in ``judging.py`` were kept back while rules were tuned: ``--half judging`` runs these.

    python -m bench.healthy [--half tuning|judging] [--seeds 3] [--only gan] [--budget 4]
"""

import argparse
import importlib
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bench.healthy.programs import PROGRAMS, Program
from bench.rows import row, show, sized
from core import watch

TUNING = (
    *("supervised", "sequences", "generative", "decisions", "transfer", "science", "practice"),
    *("styles", "branches"),
)
HALVES = {"tuning": TUNING, "judging": ("judging",)}


def chosen(half: str | None, only: str | None) -> list[Program]:
    """Return the programs of a half, or of both."""
    for module in HALVES[half] if half else (*TUNING, *HALVES["judging"]):
        importlib.import_module(f"bench.healthy.{module}")
    return [program for program in PROGRAMS if (only or "") in program.name]


def examine(program: Program, seed: int, budget: float) -> dict[str, Any]:
    """Run a program under the doctor, and return what it said."""
    torch.manual_seed(seed)
    made: list[Any] = []

    def watched() -> Any:
        made.append(watch(quiet=True, record=False, budget=budget))
        return made[-1]

    begin = time.perf_counter()
    try:
        program.run(watched)
    except Exception:  # of the program or of the doctor: either way it is no healthy run
        return {"verdict": "failed", "causes": [], "sentence": traceback.format_exc(limit=-3)}
    found = made[0].diagnosis
    return {
        "verdict": found.verdict,
        "training_kind": found.training_kind,
        "causes": [f"{c.id} {c.confidence:.2f} ({c.where}): {c.evidence}" for c in found.causes],
        "sentence": found.sentence,
        "seconds": time.perf_counter() - begin,
        "unsure": found.confidence == 0,
    }


def main(words: Sequence[str] | None = None) -> None:
    """Run the programs, each with every seed; print what is wrong, then the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.healthy", description=__doc__)
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--budget", type=float, default=4.0)
    parser.add_argument("--out", type=Path, help="also write every answer to this file")
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    programs = chosen(options.half, options.only)
    programs, seeds = sized(programs, programs[:1]), sized(options.seeds, 1)
    answers = []
    for seed in range(options.first_seed, options.first_seed + seeds):
        for program in programs:
            answer = examine(program, seed, options.budget)
            answer |= {"program": program.name, "kind": program.kind, "seed": seed}
            answer["wrong"] = bool(answer["causes"]) or answer["verdict"] in ("broken", "failed")
            answers.append(answer)
            mark = "WRONG" if answer["wrong"] else "ok"
            print(
                f"{mark:5} {program.name:28} {answer['verdict']:12}"
                f" {answer.get('training_kind', ''):28} {answer.get('seconds', 0):4.1f} s",
                file=sys.stderr,
                flush=True,
            )
            for words in answer["causes"] or ([answer["sentence"]] if answer["wrong"] else []):
                print(f"      {words}", file=sys.stderr, flush=True)
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(answer) + "\n")
    wrong = sum(answer["wrong"] for answer in answers) / max(1, len(answers))
    kinds = len({program.kind for program in programs})
    what = f"false alarms, {len(programs)} healthy programs of {kinds} kinds, {seeds} seeds"
    show([row(what, wrong, 0.02, "%", True)])


if __name__ == "__main__":
    main()
