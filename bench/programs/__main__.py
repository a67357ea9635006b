"""Programs as they are, watched unedited: ``python -m bench.programs``.

python -m bench.programs own [--only NAME] [--out FILE]      faulty and healthy ones of our own
python -m bench.programs public --folder DIR --data DIR   programs of others, from clones
python -m bench.programs cost                                a loop watched, against bare
python -m bench.programs picture                             until the first curve in the window
python -m bench.programs list                                the public ones, and where they are
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.programs import cost, own, public
from bench.rows import row, show, sized


def judge_own(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run our own programs, and return their rows."""
    chosen = [one for one in own.programs() if options.only in one.name]
    answers = []
    for program in sized(chosen, chosen[:2]):
        answers.append(own.judge(program, sized(options.seconds, 0.5), sized(options.budget, 0.1)))
        print(own.line_of(answers[-1]), file=sys.stderr, flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(answers[-1]) + "\n")
    faulty = [answer for answer in answers if answer["right"]]
    healthy = [answer for answer in answers if not answer["right"]]
    first = [answer for answer in faulty if answer["first"]]
    alarms = _share([bool(answer["causes"]) for answer in healthy])
    at_line = _share([answer["at_line"] for answer in first])
    return [
        row(
            f"{len(faulty)} faulty: right cause first", len(first) / max(1, len(faulty)), 0.75, "%"
        ),
        row("and at the right line, of those", at_line, 0.9, "%"),
        row(f"{len(healthy)} healthy: false alarms", alarms, 0.03, "%", True),
    ]


def judge_public(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the programs of others, and return their rows."""
    scores = []
    for program in public.PROGRAMS:
        if options.only not in program.path:
            continue
        answer = public.ask(program, options.folder, options.data, options.seconds)
        score = public.score(program, answer, options.seconds)
        scores.append(score)
        missed = [what for what, right in score.judgements if not right]
        words = "right" if score.ended and not missed else "; ".join(missed)
        said = "" if score.ended else f"  ended otherwise: {answer['error']}"
        print(f"{program.path}: {words}{said}", file=sys.stderr, flush=True)
    judged = [right for score in scores for _, right in score.judgements]
    ended = _share([score.ended for score in scores])
    return [
        row(f"{len(scores)} public programs ran to their end", ended, 0.9, "%"),
        row(f"steps, losses and uses recognised, of {len(judged)}", _share(judged), 0.95, "%"),
    ]


def _share(held: list[bool]) -> float:
    return sum(held) / max(1, len(held))


def main(words: Sequence[str] | None = None) -> None:
    """Run one part, and print its rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.programs", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    ours = parts.add_parser("own", help="faulty and healthy programs of our own")
    theirs = parts.add_parser("public", help="programs of others, from clones")
    for part in (ours, theirs):
        part.add_argument("--only", default="", metavar="NAME", help="a part of its name")
        part.add_argument("--seconds", type=float, default=10.0, help="of each training (10)")
    ours.add_argument("--budget", type=float, default=15.0, help="seconds of experiments (15)")
    ours.add_argument("--out", type=Path, help="also write every answer to this file")
    theirs.add_argument("--folder", type=Path, required=True, help="of the clones")
    theirs.add_argument("--data", type=Path, required=True, help="folder of full data sets")
    parts.add_parser("cost", help="the time of a loop that is watched, against bare")
    parts.add_parser("picture", help="seconds from the choice of a file to its first curve")
    parts.add_parser("list", help="print where the programs of others are")
    options = parser.parse_args(words)
    if options.part == "own":
        show(judge_own(options))
    elif options.part == "public":
        show(judge_public(options))
    elif options.part == "cost":
        whole, second = cost.median_ratios()
        show(
            [
                row("a loop of some four seconds, watched over bare", whole, 1.03, "x", True),
                row("its second half", second, 1.03, "x", True),
            ]
        )
    elif options.part == "picture":
        from bench.programs import picture  # which loads Qt

        show([row("seconds to the first picture", picture.seconds(), 5.0, "s", True)])
    else:
        for program in public.PROGRAMS:
            owner, commit = public.REPOSITORIES[program.path.split("/")[0]]
            print(f"{owner}/{program.path} {commit[:12]} {program.arguments}")


if __name__ == "__main__":
    main()
