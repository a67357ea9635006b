"""train: a new network, one from a checkpoint, or the rest of an interrupted run."""

import argparse
import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import positive
from ..errors import UserError
from ..files import check_place, free_place
from ..paths import COMMAND, RUNS, data_source
from ..runs.folder import run_named
from ..signals import ignore_signals
from ..tensor_file import FOREIGN
from . import Command, say
from .opened import opened
from .run_options import (
    ProgressPrinter,
    add_options,
    control_of,
    run_of,
    say_progress,
    settings_of,
)

if TYPE_CHECKING:
    from ..training.trainer import Run

OBSERVED = 0.005
"""The share of the time that the doctor's observations take, where no screen asks for them."""


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("playground", nargs="?", metavar="PLAYGROUND")
    add_options(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="a checkpoint of its own, besides")
    parser.add_argument(
        "--weights-only", action="store_true", help="let that be smaller, not to be resumed"
    )
    parser.add_argument(
        "--save-every", type=positive, metavar="S", help="also write it every so many seconds"
    )
    parser.add_argument(
        "--resume",
        metavar="RUN|CHECKPOINT",
        help="do the rest of a run that was interrupted; or begin a run from a checkpoint",
    )


def _train(options: argparse.Namespace) -> dict[str, Any] | None:
    from ..doctor.run_doctor import RunDoctor
    from ..runs.recorder import FileRecorder
    from ..telemetry.events import (
        Diagnosed,
        Evaluated,
        Failed,
        Finished,
        Metrics,
        Noted,
        Started,
        Stopped,
    )
    from ..training.distributed import ProcessGroup
    from ..training.preparation import prepare_data
    from ..training.trainer import train

    if ProcessGroup.follows():
        _follow(options)
        return None
    if options.out and options.out.is_dir():
        raise UserError(f"--out {options.out} is a folder; name a file in it.")
    if options.out and options.out.suffix in FOREIGN:  # it would be opened as a pickle
        raise UserError(
            f"--out {options.out} is what other programs call a pickle; a checkpoint is written as"
            f" safetensors: name it {options.out.with_suffix('.safetensors')}."
        )
    run = _run(options)
    if options.out:
        check_place(options.out)
    run = dataclasses.replace(
        run,
        out=options.out,
        weights_only=options.weights_only,
        save_every=options.save_every,
    )
    if ProcessGroup.started():
        run = dataclasses.replace(run, group=ProcessGroup(run.device))
    else:
        run = dataclasses.replace(run, observers=(RunDoctor(OBSERVED),))
    control, printer, doctor = control_of(options), ProgressPrinter(), ""
    whole, note, judged, seen_at = False, "", 0, 0
    answer: dict[str, Any] = {"playground": run.playground.name}
    prepare_data(run, control, say_progress, interval=1.0)
    for event in train(run, control):
        if isinstance(event, Started):
            answer |= {"model": event.model, "device": event.device, "dataset": event.dataset}
            answer |= {"parameters": event.parameters}
            if event.note:
                say(event.note)
            first = event.step
        elif isinstance(event, Metrics):
            answer["train_loss"] = round(event.recent_loss, 6)
            whole = event.progress >= 1.0
            printer.tell(event)
        elif isinstance(event, Evaluated) and event.step == first and run.starts_from_checkpoint:
            answer["val_loss_before"] = round(event.metrics["val_loss"], 6)
            say(f"validation loss before it {answer['val_loss_before']:.4f}")
        elif isinstance(event, Evaluated):
            answer["metrics"] = {name: round(v, 6) for name, v in event.metrics.items()}
            answer["val_loss"] = answer["metrics"]["val_loss"]
            judged = event.step
        elif isinstance(event, Diagnosed):
            doctor, seen_at = event.diagnosis.sentence, event.step
        elif isinstance(event, Noted):
            say(event.sentence)
        elif isinstance(event, Failed):
            kept = f" They are in {event.checkpoint}." if event.checkpoint else ""
            raise UserError(event.sentence + kept)
        elif isinstance(event, Finished | Stopped):
            if not event.checkpoint:
                raise UserError("Stopped before the first step; nothing was kept.")
            steps, seconds = event.step - first, max(1e-9, event.seconds - run.elapsed)
            answer |= {"steps": event.step, "seconds": round(event.seconds, 3)}
            answer |= {"steps_per_second": round(steps / seconds, 2)}
            answer["checkpoint"], note = event.checkpoint, event.note
            if judged != event.step:  # a signal left no time for it
                for name in ("val_loss", "metrics"):
                    answer.pop(name, None)
            if seen_at != event.step:
                doctor = doctor and f"at step {seen_at:,}: {doctor}"
    if doctor:
        say(f"The doctor: {doctor}")
    if "train_loss" in answer and (words := run.playground.loss_difference(run.recipe)):
        say(words)
    if note:
        say(note)
    if isinstance(event, Stopped) and not whole and isinstance(run.recorder, FileRecorder):
        say(
            f"Stopped at step {event.step:,}. The rest is done by"
            f" '{COMMAND} {shlex.join(_rest(options, run.recorder.folder))}'."
        )
    if run.group:
        run.group.leave()
    return answer


def _rest(options: argparse.Namespace, folder: Path) -> list[str]:
    """Return the command that does the rest of a run.

    It repeats what the person asked for and the record does not keep: the checkpoint besides; and
    of a run that was gone on with, where it lies, its data and device, if others were named.
    """
    goes_on = bool(options.resume and run_named(RUNS, options.resume))
    words = ["train", "--resume", options.resume if goes_on else folder.name]
    for name in ("data", "device") if goes_on else ():
        if (value := getattr(options, name)) not in (None, "auto"):
            words += [f"--{name}", value]
    if options.out:
        words += ["--out", str(options.out)]
    if options.weights_only:
        words += ["--weights-only"]
    if options.save_every:
        words += ["--save-every", f"{options.save_every:g}"]
    return words


def _follow(options: argparse.Namespace) -> None:
    """Do what the leader does, and answer nothing: it does."""
    from ..training.distributed import ProcessGroup
    from ..training.trainer import follow

    ignore_signals()  # the leading process ends all
    try:
        run = _run(options)
        group = ProcessGroup(run.device)
        follow(dataclasses.replace(run, group=group))
        group.leave()
    except UserError:
        raise SystemExit(2) from None  # the leader says the same


def _run(options: argparse.Namespace) -> "Run":
    """Return the run that was asked for: a new one, or what is left of one."""
    from ..runs.recorder import FileRecorder
    from ..runs.resume import resume_run
    from ..training.distributed import ProcessGroup

    if options.resume and (broken_off := run_named(RUNS, options.resume)):
        if used := settings_of(options):
            raise UserError(f"A run goes on by its own recipe; leave {used[0]} out.")
        device = None if options.device == "auto" else options.device
        run = resume_run(broken_off, options.data, device, ProcessGroup.follows())
        if options.playground not in (None, run.playground.name):
            raise UserError(f"{options.resume} is a run of {run.playground.name}.")
        if not ProcessGroup.follows():
            say(f"{broken_off.name} {_place(run)}")
        return run
    resume = opened(options.resume) if options.resume else None
    playground = options.playground or (resume.playground.name if resume else "")
    if not playground:
        raise UserError(
            f"Say which playground ('{COMMAND} playgrounds' lists them), or what to --resume."
        )
    run = run_of(options, playground, seconds=60.0, resume=resume)
    folder = free_place(RUNS, f"{run.playground.name}-{run.recipe.to_dict()['model']}")
    return dataclasses.replace(run, recorder=FileRecorder(folder, data_source(options.data)))


def _place(run: "Run") -> str:
    """Return where a run goes on."""
    if run.resume is None:
        return "was ended before its first checkpoint, and begins again."
    return f"goes on from its last checkpoint, step {int(run.resume.about['steps']):,}."


def _show(answer: dict[str, Any]) -> str:
    # There is no training loss where no step was left.
    loss = f"loss {answer['train_loss']:.4f}, " if "train_loss" in answer else ""
    before = f"{answer['val_loss_before']:.4f} -> " if "val_loss_before" in answer else ""
    after = f"{answer['val_loss']:.4f}" if "val_loss" in answer else "not known"
    return (
        f"{answer['model']} with {answer['parameters']:,} parameters on {answer['dataset']}:"
        f" {answer['steps']:,} steps, {answer['seconds']:.0f} s on {answer['device']},"
        f" {loss}validation {before}{after}\n"
        f"{answer['checkpoint']}"
    )


TRAIN = Command("train", "train a network, and keep its run", _options, _train, _show)
