"""How well a loss is forecast: ``python -m bench.forecast``.

40 trainings of 8 programs, each forecast after a quarter, a half and three quarters of its steps:
its end, and twice the time; and, when its learning rate's schedule has ended, what a schedule twice
as long would bring, which was trained, too. Once on the training losses and once on the validation
losses. Families and the width of the band were chosen on other programs: ``--half tuning``.

    python -m bench.forecast [--half judging|tuning] [--folder DIR]
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from bench.forecast.programs import Case, cases
from bench.forecast.recording import Curves, Recording, recorded
from bench.rows import row, show, sized
from core.doctor.verdict.forecast import Schedule, forecast, means_of

SHARES = (0.25, 0.5, 0.75, 1.0)
TRUTH = 0.1
"""The part of the steps before a target over which the true loss is averaged."""


@dataclass(frozen=True)
class Answer:
    """One forecast, and what came.

    Attributes:
        case: of which training.
        on: ``training`` or ``validation``.
        share: of the training that was known.
        to: ``end``, ``twice`` or, of a schedule that has ended, ``twice the schedule``.
        error: of the median, as a share of the loss that came; NaN if nothing was forecast.
        covered: whether that lay in the band.
        width: of the band, as a share of the loss.
        why: nothing was forecast; "".
    """

    case: Case
    on: str
    share: float
    to: str
    error: float
    covered: bool
    width: float
    why: str = ""


def answers(recording: Recording) -> Iterator[Answer]:
    """Forecast one training from its parts."""
    planned, twice = recording.planned, recording.twice
    end, constant = planned.planned, recording.case.schedule == "constant"
    rates = Schedule() if constant else Schedule(tuple(range(1, end + 1)), tuple(planned.rates))
    for on in ("training", "validation"):
        for share in SHARES:
            now = round(share * end)
            asked = [("end", end, planned)] if share < 1 else []
            if share < 0.5:  # after a half, twice the time is the end
                asked.append(("twice", 2 * now, planned))
            elif constant and share > 0.5:
                asked.append(("twice", 2 * now, twice))
            elif share == 1:
                asked.append(("twice the schedule", 2 * end, twice))
            x, y = _curve(planned, on)
            known = x <= now
            x, y = (x[known], y[known]) if on == "validation" else means_of(x[known] - 1, y[known])
            # What is asked for is the mean over a stretch, so that its own noise is small.
            targets = np.array([(1 - TRUTH / 2) * at for _, at, _ in asked])
            found = forecast(x, y, targets, rates, now)
            for place, (to, at, curves) in enumerate(asked):
                truth = _truth(curves, on, at)
                about = (recording.case, on, share, to)
                if isinstance(found, str):
                    yield Answer(*about, np.nan, False, np.nan, found)
                    continue
                low, middle, high = (
                    float(line[place]) for line in (found.low, found.median, found.high)
                )
                error, width = abs(middle - truth) / abs(truth), (high - low) / abs(truth)
                yield Answer(*about, error, low <= truth <= high, width)


def _curve(curves: Curves, on: str) -> tuple[np.ndarray, np.ndarray]:
    if on == "training":
        return np.arange(1.0, len(curves.losses) + 1), np.array(curves.losses)
    steps, losses = np.array(curves.validations, float).T
    return steps, losses


def _truth(curves: Curves, on: str, at: float) -> float:
    x, y = _curve(curves, on)
    return float(y[(x > (1 - TRUTH) * at) & (x <= at)].mean())


def table(found: list[Answer]) -> str:
    """Return the numbers of all, and by what was known, asked and trained."""
    lines = [f"{'':34} forecasts  in the band  median error  90 % below  band's width  none"]
    groups = {"all": found}
    for key in ("on", "share", "to"):
        for value in sorted({getattr(a, key) for a in found}):
            name = f"{value:.0%} known" if key == "share" else f"{key} {value}"
            groups[name] = [a for a in found if getattr(a, key) == value]
    for key in ("program", "schedule"):
        for value in sorted({getattr(a.case, key) for a in found}):
            groups[value] = [a for a in found if getattr(a.case, key) == value]
    for name, part in groups.items():
        done = [a for a in part if not a.why]
        if done:
            errors = [a.error for a in done]
            lines.append(
                f"{name:34} {len(done):9} {_covered(done):12.1%} {median(errors):13.2%}"
                f" {np.quantile(errors, 0.9):11.1%} {median(a.width for a in done):13.1%}"
                f" {len(part) - len(done):5}"
            )
    return "\n".join(lines)


def _covered(found: Sequence[Answer]) -> float:
    return sum(a.covered for a in found) / max(1, len(found))


def main(words: Sequence[str] | None = None) -> None:
    """Train what is not kept in the folder, forecast it, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=__doc__)
    parser.add_argument("--half", choices=("judging", "tuning"), default="judging")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "glassbox-forecast",
        help="where the recorded losses are kept",
    )
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    chosen = cases(options.half)
    chosen = sized(chosen, [dataclasses.replace(case, steps=40) for case in chosen[-1:]])
    found: list[Answer] = []
    for case in chosen:
        mine = list(answers(recorded(case, options.folder)))
        found += mine
        said = [f"{a.error:.1%}{'' if a.covered else '!'}" if not a.why else "-" for a in mine]
        print(f"{case.name}: {' '.join(said)}", file=sys.stderr, flush=True)
    print(table(found), file=sys.stderr)
    done = [a for a in found if not a.why]
    part = [a for a in done if a.share < 1]
    on = {name: [a for a in part if a.on == name] for name in ("validation", "training")}
    rows = [
        row(f"losses in the 80 % band, of {len(part)} forecasts", _covered(part), 0.75, "%"),
        row("the median error of them", _middle(part), 0.015, "%", True),
    ]
    rows += [
        row(f"that of {len(on[n])} on {n} losses", _middle(on[n]), 0.015, "%", True) for n in on
    ]
    show(rows)


def _middle(found: Sequence[Answer]) -> float:
    return median([a.error for a in found]) if found else float("nan")


if __name__ == "__main__":
    main()
