"""Examine the doctor on loops of strangers: ``python -m bench.loops.examine``.

Every loop runs as it is, in its healthy variants, and with every fault planted, each in a process
of its own; then one table says what was detected, what was named first, and what was a false alarm.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.loops.planted import FAULTS, HEALTHY
from bench.loops.planted.words import Edit
from bench.rows import row, show, sized

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TIMEOUT = 120.0
NOTHING = "(none)"


@dataclass(frozen=True)
class Case:
    """A loop to run.

    Attributes:
        script: whose text.
        how: what is different in it.
        edits: the replacements.
        expected: the cause to be named; "" for a loop that is in order.
        also: other causes that are as right, or that a loop in order may be told.
        seed: what it runs with; None for the script's own.
    """

    script: str
    how: str
    edits: tuple[Edit, ...]
    expected: str = ""
    also: tuple[str, ...] = ()
    seed: int | None = None

    def source(self) -> str:
        """Return the text with the replacements made.

        Raises:
            ValueError: what is to be replaced does not stand there exactly once.
        """
        text = (HERE / f"{self.script}.py").read_text()
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{self.script}, {self.how}: {text.count(old)} times {old!r}")
            text = text.replace(old, new)
        return text


@dataclass(frozen=True)
class Answer:
    """What the doctor said of a loop.

    Attributes:
        script, how, expected, also, seed: of the case.
        verdict, causes, sentence, confidence: of the diagnosis; "failed" and none without one.
        evidence: of the first cause.
        said: id, score and confidence of each cause.
        seconds: of the whole loop, with the doctor.
        raised: what the loop raised; "".
        failed: why there is no diagnosis; "".
    """

    script: str
    how: str
    expected: str
    also: tuple[str, ...]
    seed: int | None
    verdict: str = "failed"
    causes: tuple[str, ...] = ()
    sentence: str = ""
    evidence: str = ""
    seconds: float = TIMEOUT
    raised: str = ""
    failed: str = ""
    confidence: float = 0.0
    said: tuple[tuple[str, float, float], ...] = ()

    @property
    def alarmed(self) -> bool:
        """Whether anything was called wrong that is not allowed to be."""
        allowed = () if self.expected else self.also
        return self.verdict == "broken" or bool(set(self.causes) - set(allowed))

    @property
    def first(self) -> str:
        """The cause that was named first."""
        return self.causes[0] if self.causes else NOTHING

    @property
    def is_first(self) -> bool:
        """Whether the right cause was named first."""
        return self.first in (self.expected, *self.also)

    @property
    def is_named(self) -> bool:
        """Whether the right cause was named at all."""
        return bool({self.expected, *self.also} & set(self.causes))

    @property
    def wrong(self) -> bool:
        """Whether this is not what should have been said."""
        return bool(self.failed) or (not self.is_first if self.expected else self.alarmed)


def cases(script: str | None, what: str | None, seeds: int) -> list[Case]:
    """Return what is to be run: of one script or all, one fault (or ``healthy``) or all."""
    found = []
    for name in FAULTS:
        if script not in (None, name):
            continue
        for number in range(seeds):
            for h in HEALTHY[name]:
                seed = h.seed if number == 0 else 100 * number + (h.seed or 0)
                found.append(Case(name, h.how, h.edits, "", h.allowed, seed))
            for f in FAULTS[name]:
                found.append(Case(name, f.how, f.edits, f.id, f.also, number or None))
    if what:
        found = [c for c in found if what in (c.expected or "healthy", c.how)]
    return found


def examine(case: Case) -> Answer:
    """Run a loop in a process of its own, and return what the doctor said of it."""
    about = (case.script, case.how, case.expected, case.also, case.seed)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    if case.seed is not None:
        environment["SEED"] = str(case.seed)
    with tempfile.TemporaryDirectory() as folder:
        loop, out = Path(folder) / f"{case.script}.py", Path(folder) / "answer.json"
        loop.write_text(case.source())
        command = [sys.executable, "-m", "bench.loops.runner", str(loop), str(out)]
        try:
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, timeout=TIMEOUT, capture_output=True, text=True
            )
        except subprocess.TimeoutExpired:
            return Answer(*about, failed=f"more than {TIMEOUT:.0f} s")
        if not out.exists():
            return Answer(*about, failed=f"ended with {ended.returncode}: {ended.stderr[-300:]}")
        found = json.loads(out.read_text())
    ending = {"seconds": round(found["seconds"], 1), "raised": found.get("raised", "")}
    if "diagnosis" not in found:
        return Answer(*about, failed=found["failed"], **ending)
    diagnosis = found["diagnosis"]
    causes = diagnosis["causes"]
    return Answer(
        *about,
        verdict=diagnosis["verdict"],
        causes=tuple(cause["id"] for cause in causes),
        sentence=diagnosis["sentence"],
        evidence=causes[0]["evidence"] if causes else "",
        confidence=diagnosis["confidence"],
        said=tuple((c["id"], c["score"], c["confidence"]) for c in causes),
        **ending,
    )


def line(answer: Answer) -> str:
    """Return what one line says of an answer."""
    mark = "WRONG" if answer.wrong else "ok"
    planted = answer.expected or "healthy"
    seed = "" if answer.seed is None else f", seed {answer.seed}"
    return (
        f"{mark:5} {answer.script:15} {planted:22} {answer.verdict:12} {answer.first:22}"
        f" {answer.seconds:5.1f} s  {answer.how}{seed}"
    )


def more(answer: Answer) -> str:
    """Return what further lines say of an answer that is wrong."""
    said = [
        f"all causes: {', '.join(answer.causes)}" if len(answer.causes) > 1 else "",
        answer.sentence,
        f"evidence: {answer.evidence}" if answer.evidence else "",
        f"raised: {answer.raised}" if answer.raised else "",
        answer.failed,
    ]
    return "\n".join(f"      {part}" for part in said if part)


def share(answers: Iterable[bool]) -> str:
    """Return how many of them are so, and how much that is."""
    all_of_them = list(answers)
    if not all_of_them:
        return "-"
    return f"{sum(all_of_them)}/{len(all_of_them)} ({sum(all_of_them) / len(all_of_them):.0%})"


def table(answers: list[Answer]) -> str:
    """Return the summary: by script and in all, then which causes were taken for which."""
    lines = [
        f"{'script':15} {'detected':>15} {'right first':>15} {'exactly':>15} {'named':>15}"
        f" {'false alarms':>15} {'seconds':>8}"
    ]
    for script in [*FAULTS, "all"]:
        mine = [a for a in answers if script in (a.script, "all")]
        if not mine:
            continue
        faults = [a for a in mine if a.expected]
        well = [a for a in mine if not a.expected]
        cells = (
            share(a.alarmed for a in faults),
            share(a.is_first for a in faults),
            share(a.first == a.expected for a in faults),
            share(a.is_named for a in faults),
            share(a.alarmed for a in well),
        )
        seconds = sum(a.seconds for a in mine) / len(mine)
        lines.append(f"{script:15} {' '.join(f'{c:>15}' for c in cells)} {seconds:8.1f}")
    failed = sum(bool(a.failed) for a in answers)
    if failed:
        lines.append(f"without a diagnosis: {failed}")
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    for a in answers:
        if a.expected:
            taken[a.expected]["right" if a.is_first else a.first] += 1
        elif a.alarmed:
            taken["healthy"][a.first] += 1
    lines += ["", f"{'planted':22} named first"]
    for planted, named in sorted(taken.items()):
        lines.append(f"{planted:22} {', '.join(f'{c} x {n}' for c, n in named.most_common())}")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    """Run what was asked for; print each answer, then the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.loops.examine", description=__doc__)
    parser.add_argument("--script", choices=FAULTS, help="one script only")
    parser.add_argument("--fault", help="a cause, the words of a fault, or healthy")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds of each")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--every", type=int, default=1, help="only every so many of them")
    parser.add_argument("--wrong", action="store_true", help="print only what is wrong")
    parser.add_argument(
        "--out", type=Path, help="also write every answer to this file, as JSON lines"
    )
    arguments = parser.parse_args(words)
    chosen = cases(arguments.script, arguments.fault, arguments.seeds)[:: arguments.every]
    chosen = chosen[: sized(len(chosen), 1)]
    if not chosen:
        parser.error("there is no such fault")
    answers = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for answer in pool.map(examine, chosen):
            answers.append(answer)
            if answer.wrong or not arguments.wrong:
                print(line(answer), flush=True)
            if answer.wrong and more(answer):
                print(more(answer), flush=True)
            if arguments.out:
                with arguments.out.open("a") as file:
                    file.write(json.dumps(asdict(answer)) + "\n")
    print("\n" + table(answers))
    faults = [a for a in answers if a.expected]
    well = [a for a in answers if not a.expected]
    show(
        [
            row(
                f"other people's loops, faults found, of {len(faults)}",
                mean(faults, "alarmed"),
                0.9,
                "%",
            ),
            row("the right cause named first", mean(faults, "is_first"), 0.65, "%"),
            row(
                f"false alarms on {len(well)} of them", mean(well, "alarmed"), 0.05, "%", most=True
            ),
        ]
    )


def mean(answers: list[Answer], what: str) -> float:
    """Return the share of answers of which something holds."""
    return sum(bool(getattr(a, what)) for a in answers) / max(1, len(answers))


if __name__ == "__main__":
    main(sys.argv[1:])
