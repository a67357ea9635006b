"""watch: a script or notebook of a person's own, run unedited and diagnosed."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ..arguments import positive
from . import Command, say


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("program", metavar="SCRIPT.py|NOTEBOOK.ipynb", type=Path)
    parser.add_argument(
        "--seconds", type=positive, default=0.0, metavar="S", help="end each training after that"
    )
    parser.add_argument(
        "--budget",
        type=positive,
        default=15.0,
        metavar="S",
        help="seconds for experiments (15), on a busy machine up to three times as many",
    )
    parser.add_argument(
        "--python", metavar="INTERPRETER", help="another Python, with the program's packages"
    )
    parser.add_argument(
        "--save-fix",
        type=Path,
        metavar="FILE",
        help="write a copy of the program with the first proposed change",
    )
    parser.add_argument(
        "--figures", type=Path, metavar="FOLDER", help="keep the figures that it shows there"
    )
    parser.add_argument("--no-record", action="store_true", help="leave no record among the runs")
    parser.add_argument(
        "arguments", nargs="*", default=[], metavar="ARGS", help="of the program, behind --"
    )


def _watch(options: argparse.Namespace) -> dict[str, Any]:
    from ..doctor.diagnosis import Cause
    from ..files import structured
    from ..programs.fixes.propose import propose
    from ..programs.launch import ProgramRun, watch_to_end
    from ..programs.source import save_changed

    run = ProgramRun(
        options.program,
        tuple(options.arguments),
        options.seconds,
        options.budget,
        options.python,
        not options.no_record,
        sys.stderr if options.json else None,
        figures=options.figures,
    )
    answer = watch_to_end(run, _tell)
    options.stopped_by = run.stopped_by
    saved = None
    for loop in answer["loops"]:
        for values in loop["diagnosis"]["causes"] if loop["diagnosis"] else ():
            fix = propose(run.program, structured(values, Cause))
            values["change"] = {"words": fix.words, "diff": fix.diff} if fix else None
            if fix and options.save_fix and not saved:
                saved = options.save_fix
                save_changed(run.program, fix.changed, saved)
    answer["saved"] = str(saved) if saved else None
    return answer


def _tell(loop: dict[str, Any], seconds: float) -> None:
    from ..programs.place_words import examined_words, loop_words

    say(examined_words(loop_words(loop), seconds))


def _show(answer: dict[str, Any]) -> str:
    from ..doctor.diagnosis import Diagnosis
    from ..doctor.rules.crash import usual_cause
    from ..programs.by_hand import ChangedByHand, nothing_seen
    from ..programs.loss_words import loss_words
    from ..programs.place_words import loop_words

    parts = []
    for line in answer["skipped"]:
        parts.append(f"{_where(line)}: {line['text']}: {line['reason']}.")
    for failed in answer["failed"]:
        parts.append(f"{_where(failed)} failed: {failed['error'].rstrip('.')}.")
        if why := usual_cause(failed["error"]):
            parts.append(f"Its usual cause: {why}.")
    for figure in answer.get("figures", ()):
        parts.append(f"{_where(figure)}: a figure, kept in {figure['file']}.")
    for loop in answer["loops"]:
        head = f"{loop_words(loop)}: {loop['steps']:,} steps in {loop['seconds']:.1f} s"
        if loss := loss_words(loop):
            head += f", {loss}"
        parts += ["", f"{head}."]
        if loop["diagnosis"]:
            parts += [Diagnosis.from_dict(loop["diagnosis"]).text()]
            for cause in loop["diagnosis"]["causes"]:
                if change := cause["change"]:
                    words = f"{cause['title']}. A change that may fix it: {change['words']}"
                    parts += ["", f"{words}.", change["diff"].rstrip()]
        else:
            parts += ["It has no diagnosis: the program ended before it was examined."]
        if loop["record"]:
            parts += ["", f"The record is in {loop['record']}"]
    if answer["saved"]:
        parts += ["", f"A copy with the first change is in {answer['saved']}"]
    if not answer["loops"]:
        parts.append(nothing_seen([ChangedByHand(**one) for one in answer["by_hand"]]))
    return "\n".join(parts)


def _where(place: dict[str, Any]) -> str:
    line = f"line {place['line']}" if place["line"] else "a line that is not known"
    return f"cell {place['cell']}, {line}" if place["cell"] is not None else line


def _status(answer: dict[str, Any]) -> int:
    status = int(answer["exit_status"])
    return 128 - status if status < 0 else status


WATCH = Command(
    "watch",
    "run a script or a notebook, and diagnose its trainings",
    _options,
    _watch,
    _show,
    _status,
)
