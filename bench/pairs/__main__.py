"""How well a tool finds what is wrong with a training: ``python -m bench.pairs run``.

Each pair is run faulty and fixed under a judge, whose answers are counted: how many of the
faulty programs it calls broken, how often a right cause is the first or among the first three that
it names, and how many of the fixed ones it calls broken. Some styles were kept back while the
doctor's rules were tuned: ``--half judging`` runs these.

    python -m bench.pairs run [--half tuning|judging] [--only NAME] [--judge PEER] [--out FILE]
    python -m bench.pairs list
    python -m bench.pairs table FILE ...
"""

import argparse
import contextlib
import io
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from bench.pairs.judges import Answer, CannotJudgeError, Glassbox, Judge
from bench.pairs.peers import PEERS
from bench.pairs.registry import HALVES, STYLES, Pair, chosen
from bench.rows import row, show, sized

JUDGES: dict[str, Callable[[], Judge]] = {"glassbox": Glassbox, "nobody": Judge, **PEERS}


def ask(one: Pair, faulty: bool, make: Callable[[], Judge], seed: int = 0) -> dict[str, Any]:
    """Run one program of a pair under a judge, and return the answer as a record of plain values.

    An error of a program belongs to it; where the judge can't answer at all, ``failed`` says why,
    and it counts as one that found nothing.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    begin, ended, failed = time.perf_counter(), "", ""
    answer = Answer(False, [])
    try:
        judge = make()
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                one.run(judge.watch, faulty)
            except CannotJudgeError:
                raise
            except Exception as error:
                ended = "".join(traceback.format_exception(error, limit=-2))
            answer = judge.answer()
    except CannotJudgeError as error:
        failed = str(error)
    except Exception:  # of the judge: it goes on with the next program
        failed = traceback.format_exc(limit=-3)
    seconds = time.perf_counter() - begin
    return {
        "program": one.name,
        "style": one.style,
        "faulty": faulty,
        "right": one.causes if faulty else (),
        "broken": answer.broken,
        "causes": answer.causes,
        "words": answer.words,
        "seconds": round(seconds, 2),
        "ended": ended,
        "failed": failed,
    }


def place(answer: dict[str, Any]) -> int | None:
    """Return at which place a right cause stands among those that were named, or None."""
    right = (n for n, cause in enumerate(answer["causes"]) if cause in answer["right"])
    return next(right, None)


def wrong(answer: dict[str, Any]) -> bool:
    """Return whether a faulty program's cause was not first, or a fixed one was called broken."""
    return place(answer) != 0 if answer["faulty"] else answer["broken"]


def line(answer: dict[str, Any]) -> str:
    """Return an answer as a line, with the judge's words where it is wrong."""
    state = "faulty" if answer["faulty"] else "fixed"
    named = ", ".join(answer["causes"]) or ("broken" if answer["broken"] else "-")
    mark = "WRONG" if wrong(answer) else "right"
    shown = f"{mark} {answer['program']:32} {state:6} {answer['seconds']:5.1f} s  {named}"
    if wrong(answer):
        shown += f"   (right: {', '.join(answer['right']) or 'nothing'})"
        shown += "".join(f"\n      {words}" for words in answer["words"])
    for what in ("ended", "failed"):
        if answer[what] and (what == "failed" or not answer["faulty"]):
            shown += f"\n      {what}: {answer[what]}"
    return shown


def rates(answers: list[dict[str, Any]]) -> dict[str, float]:
    """Return detection, right cause first, among three, and false alarms (0 to 1), and seconds."""
    bad = [answer for answer in answers if answer["faulty"]]
    good = [answer for answer in answers if not answer["faulty"]]
    places = [place(answer) for answer in bad]
    return {
        "found": sum(answer["broken"] for answer in bad) / max(1, len(bad)),
        "first": sum(n == 0 for n in places) / max(1, len(bad)),
        "three": sum(n is not None and n < 3 for n in places) / max(1, len(bad)),
        "alarms": sum(answer["broken"] for answer in good) / max(1, len(good)),
        "seconds": median([answer["seconds"] for answer in answers] or [0.0]),
        "slowest": max((answer["seconds"] for answer in answers), default=0.0),
        "failed": sum(bool(answer["failed"]) for answer in answers),
    }


def table(answers: list[dict[str, Any]]) -> str:
    """Return the rates of each judge as a table in Markdown."""
    lines = [
        "| judge | faulty programs found | right cause first | among the first three"
        " | fixed ones called broken | seconds: median, slowest | could not judge |",
        "|" + " --- |" * 7,
    ]
    for judge in Counter(answer["judge"] for answer in answers):
        mine = [answer for answer in answers if answer["judge"] == judge]
        r = rates(mine)
        shares = " | ".join(f"{r[what]:.1%}" for what in ("found", "first", "three", "alarms"))
        times = f"{r['seconds']:.1f}, {r['slowest']:.1f}"
        lines.append(f"| {judge} | {shares} | {times} | {r['failed']} of {len(mine)} |")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> None:
    """Run pairs under a judge; print each answer, the table, and the rows of the bench."""
    pairs = [one for one in chosen(options.half, options.only) if one.style in options.style]
    pairs = sized(pairs, pairs[:1])
    answers = []
    for one in pairs:
        for faulty in (True, False):
            answer = {
                "judge": options.judge,
                **ask(one, faulty, JUDGES[options.judge], options.seed),
            }
            answers.append(answer)
            print(line(answer), file=sys.stderr, flush=True)
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(answer) + "\n")
    print(table(answers), file=sys.stderr)
    r = rates(answers)
    show(
        [
            row(f"{len(pairs)} pairs of strangers: faulty found", r["found"], 0.9, "%"),
            row("the right cause named first", r["first"], 0.8, "%"),
            row("the right cause among the first three", r["three"], 0.92, "%"),
            row("fixed programs with any cause", r["alarms"], 0.03, "%", True),
        ]
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run, list, or make the table of files that were written with ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run pairs under a judge")
    runs.add_argument("--half", choices=HALVES)
    runs.add_argument("--only", metavar="NAME", help="a part of a program's name")
    runs.add_argument("--style", choices=STYLES, nargs="+", default=STYLES, help="only these")
    runs.add_argument("--judge", choices=JUDGES, default="glassbox")
    runs.add_argument("--seed", type=int, default=0)
    runs.add_argument("--out", type=Path, help="also write every answer to this file, a JSON line")
    commands.add_parser("list", help="print every pair: half, style, name, causes, fault")
    tables = commands.add_parser("table", help="print the table of answers")
    tables.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    if options.command == "run":
        run(options)
    elif options.command == "list":
        for half in HALVES:
            for one in chosen(half):
                causes = " or ".join(one.causes)
                print(f"{half:8} {one.style:11} {one.name:32} {causes}: {one.fault}")
    else:
        lines = [text for file in options.files for text in file.read_text().splitlines()]
        print(table([json.loads(text) for text in lines]))


if __name__ == "__main__":
    main()
