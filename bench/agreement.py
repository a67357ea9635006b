"""Whether one program gets one answer: ``python -m bench.agreement [--programs 15] [--runs 10]``.

Loops of ``bench.loops``, healthy and with a fault, run again and again, every second time beside
processes that keep all cores busy. A run agrees if verdict and first cause are those that most runs
of its program have.
"""

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.loops.examine import Answer, cases, examine
from bench.rows import row, show, sized

BUSY = "while True: pass"


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Keep all cores busy meanwhile, if that is wanted."""
    count = (os.cpu_count() or 1) if wanted else 0
    beside = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in beside:
            process.kill()
            process.wait()


def agreeing(answers: Sequence[Answer]) -> int:
    """Return how many answers are the most frequent one."""
    return Counter((answer.verdict, answer.first) for answer in answers).most_common(1)[0][1]


def main(words: Sequence[str] | None = None) -> None:
    """Run the programs, and print how many of the runs agree."""
    parser = argparse.ArgumentParser(prog="python -m bench.agreement", description=__doc__)
    parser.add_argument("--programs", type=int, default=15)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args(words)
    count, runs = sized((options.programs, options.runs), (1, 2))
    known = cases(None, None, 1)
    chosen = known[:: max(1, len(known) // count)][:count]
    agreed, whole = 0, 0
    for case in chosen:
        answers = []
        for number in range(runs):
            with busy(number % 2 == 1):
                answers.append(examine(case))
        alike = agreeing(answers)
        agreed, whole = agreed + alike, whole + (alike == runs)
        told = Counter(f"{answer.verdict} {answer.first}" for answer in answers)
        print(f"{case.script}, {case.how or 'as it is'}: {dict(told)}", file=sys.stderr, flush=True)
    what = f"runs that agree, {runs} of each of {count} programs, half of them beside others"
    show(
        [
            row(what, agreed / (count * runs), 0.95, "%"),
            row("programs of which all runs agree", whole / count, None, "%"),
        ]
    )


if __name__ == "__main__":
    main()
