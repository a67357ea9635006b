"""runs and export: what trainings have left, and how it leaves for other programs."""

import argparse
import time
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..numbers import number
from ..paths import RUNS
from ..runs.folder import find_run, run_named
from . import Command

WAYS = ("tensorboard", "csv", "zip", "huggingface")


def _runs(options: argparse.Namespace) -> dict[str, Any]:
    from ..runs.library import Library

    return {"runs": [entry.to_dict() for entry in Library(RUNS).entries()]}


def _show_runs(answer: dict[str, Any]) -> str:
    rows = [_row(run) for run in answer["runs"]]
    if not rows:
        return f"No run yet: train one, and it is kept in {RUNS}."
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    return (
        "*" if run["star"] else " ",
        run["run"],
        run["state"],
        f"{run['step']:,} steps",
        "" if run["loss"] is None else f"{run['loss_on']} loss {_loss(run['loss'])}",
        time.strftime("%Y-%m-%d %H:%M", time.localtime(run["begun"])),
        run["verdict"],
        run["name"],
    )


def _loss(value: float) -> str:
    """Return a loss with four places, and one that they would not suit with its power of ten."""
    return f"{value:.4f}" if not value or 1e-3 <= abs(value) < 1e4 else number(value)


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_name", metavar="RUN|CHECKPOINT")
    parser.add_argument("--to", required=True, choices=WAYS)
    parser.add_argument("--out", required=True, type=Path, metavar="PATH")


def _export(options: argparse.Namespace) -> dict[str, Any]:
    from ..runs.export import export, network_to_huggingface

    if options.to == "huggingface" and not run_named(RUNS, options.run_name):
        from ..training.checkpoint import find_checkpoint

        path = find_checkpoint(options.run_name)
        network_to_huggingface(path, options.out)
        return {"run": path.name, "to": options.to, "out": str(options.out)}
    run = find_run(RUNS, options.run_name)
    if options.to not in ("tensorboard", "huggingface") and options.out.is_dir():
        raise UserError(f"--out {options.out} is a folder; name a file in it.")
    export(run, options.to, options.out)
    return {"run": run.name, "to": options.to, "out": str(options.out)}


def _show_export(answer: dict[str, Any]) -> str:
    return str(answer["out"])


LIST = Command("runs", "list what trainings have left", lambda parser: None, _runs, _show_runs)
EXPORT = Command(
    "export",
    "write a run, or a network, for other programs",
    _export_options,
    _export,
    _show_export,
)
