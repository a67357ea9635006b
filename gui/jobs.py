"""What the worker is given to do: each job calls one function of core and puts its events away.

Torch is imported inside the jobs, since they run in the worker's thread.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import playgrounds
from core.errors import UserError
from core.telemetry.events import Answer, Fetched, Progress, Surveyed, Weights
from core.telemetry.mailbox import Mailbox
from core.training.control import Control, Question
from core.training.recipe import Recipe
from gui.worker import Job

if TYPE_CHECKING:
    from core.lessons.pair_settings import Side
    from core.playground import Playground, Vocabulary
    from core.training.trainer import Run

FRAME = 0.1  # seconds between two reports of progress


@dataclass(frozen=True)
class Order:
    """A run as the screen asks for it."""

    name: str
    recipe: Recipe
    data: Path | None
    device: str
    seconds: float | None
    steps: int | None
    record: Path | None
    resume: Path | None
    control: Control


_data: dict[str, tuple[Any, Any]] = {}
"""The data that each playground read last, and what it was; only the worker's thread is here."""


def _load(name: str, source: Path | None) -> Any:
    # A file of a person's own may have been changed since.
    what = (source, source.stat().st_mtime if source and source.is_file() else 0.0)
    if name not in _data or _data[name][0] != what:
        _data[name] = (what, playgrounds.get(name).load(source))
    return _data[name][1]


SOON = 0.3  # seconds: what is ready by then is not spoken of


def _get_ready(order: Order, playground: "Playground", data: Any, mailbox: Mailbox) -> None:
    """Let a run's data be made ready, and tell how far it is if that takes a while."""
    from core.download import CancelledError

    begun = told = time.monotonic()

    def tell(words: str, share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - begun > SOON and now - told > FRAME:
            told = now
            mailbox.put(Progress(words, share))

    def cancelled() -> bool:
        return order.control.stopping

    try:
        playground.get_ready(data, order.recipe, tell, cancelled)
    except CancelledError:
        raise UserError("Stopped before the training began; nothing was kept.") from None


def _run(order: Order, mailbox: Mailbox) -> "Run":
    """Return an order as a run, its data loaded and made ready."""
    from core.training.device import choose_device
    from core.training.trainer import Run

    playground, data = playgrounds.get(order.name), _load(order.name, order.data)
    _get_ready(order, playground, data, mailbox)
    device = choose_device(order.device)
    return Run(playground, order.recipe, data, device, order.seconds, order.steps)


def train(order: Order) -> Job:
    """Train a network; every event of the run goes into the mailbox."""

    def job(mailbox: Mailbox) -> None:
        from core.runs.recorder import FileRecorder
        from core.training.checkpoint import load_checkpoint

        assert order.record is not None
        run = replace(
            _run(order, mailbox),
            resume=load_checkpoint(order.resume) if order.resume else None,
            recorder=FileRecorder(order.record, order.data),
        )
        _train(run, order.control, mailbox)

    return job


def resume(order: Order) -> Job:
    """Do what is left of a run whose record is the order's."""

    def job(mailbox: Mailbox) -> None:
        from core.runs.resume import resume_run

        assert order.record is not None
        run = resume_run(order.record)
        _get_ready(order, run.playground, run.data, mailbox)
        _train(run, order.control, mailbox)

    return job


def _train(run: "Run", control: Control, mailbox: Mailbox) -> None:
    """Train for a screen, with the doctor beside it."""
    from core.doctor.run_doctor import RunDoctor
    from core.training.trainer import train

    mailbox.put_all(train(replace(run, watched=True, observers=(RunDoctor(),)), control))


def sweep(order: Order) -> Job:
    """Try learning rates, over the order's number of steps."""

    def job(mailbox: Mailbox) -> None:
        from core.training.lr_range_test import sweep

        mailbox.put_all(sweep(_run(order, mailbox), order.control))

    return job


def examine(order: Order, fault: str, budget: float) -> Job:
    """Train a network while the doctor watches, and let it try things on copies.

    Args:
        order: what is trained, and how long.
        fault: the id of what is broken on purpose first; "" for nothing.
        budget: how many seconds may be spent on trying.
    """

    def job(mailbox: Mailbox) -> None:
        if order.control.stopping:  # it waited too long
            return
        from core.doctor.examine import examine
        from core.doctor.faults.fault_injection import FaultyLearner
        from core.doctor.faults.gallery import FAULTS

        run = replace(_run(order, mailbox), watched=True)
        if fault:
            run = replace(run, make_learner=partial(FaultyLearner, FAULTS[fault].make()))
        mailbox.put_all(examine(run, order.control, budget))

    return job


def examine_file(
    path: Path,
    sources: Mapping[str, Path | None],
    device: str,
    control: Control,
    budget: float,
) -> Job:
    """Examine a checkpoint: go on with it while the doctor watches, and let it try things.

    Args:
        path: of the checkpoint, which knows its playground.
        sources: the data of each playground.
        device: where it is trained on.
        control: may stop it.
        budget: how many seconds may be spent in all.
    """

    def job(mailbox: Mailbox) -> None:
        if control.stopping:
            return
        from core.doctor.examine import examine_checkpoint
        from core.training.checkpoint import load_checkpoint
        from core.training.device import choose_device

        checkpoint = load_checkpoint(path)
        name = checkpoint.playground.name
        data, place = _load(name, sources.get(name)), choose_device(device)
        mailbox.put_all(examine_checkpoint(checkpoint, data, place, control, budget))

    return job


def play_case_study(source: Path | None, control: Control, budget: float, steps: int) -> Job:
    """Play the case of actual_words with the text playground's data.

    Args:
        source: the text.
        control: may stop it.
        budget: how many seconds may be spent on trying in each chapter.
        steps: of each chapter.
    """

    def job(mailbox: Mailbox) -> None:
        if control.stopping:
            return
        from core.lessons.case_study import play_case_study as play

        mailbox.put_all(play(_load("text", source), control, budget, steps))

    return job


def train_pair(sides: "tuple[Side, Side]", source: Path | None, control: Control) -> Job:
    """Train two networks of lesson 3 in lock step, on the names playground's data."""

    def job(mailbox: Mailbox) -> None:
        if control.stopping:  # it waited too long
            return
        from core.lessons.paired_runs import train_pair as train

        mailbox.put_all(train(sides, _load("names", source), control))

    return job


def survey(name: str, source: Path | None) -> Job:
    """Read data, and tell what the screen shows of it."""

    def job(mailbox: Mailbox) -> None:
        mailbox.put(Surveyed(playgrounds.get(name).survey(_load(name, source), {})))

    return job


def open_checkpoint(name: str, path: Path, data: Path | None) -> Job:
    """Open a checkpoint of this playground, and evaluate it on the validation data."""

    def job(mailbox: Mailbox) -> None:
        from core.training.checkpoint import load_checkpoint
        from core.training.opening import open_checkpoint

        checkpoint = load_checkpoint(path)
        found = checkpoint.playground.name
        if found != name:
            raise UserError(f"{path} holds a network for {found}, not {name}.")
        mailbox.put_all(open_checkpoint(path, checkpoint, _load(name, data)))

    return job


def fetch(name: str, folder: Path, cancelled: Callable[[], bool]) -> Job:
    """Download a playground's full data set."""

    def job(mailbox: Mailbox) -> None:
        from core.download import CancelledError

        def progress(words: str, share: float) -> None:
            mailbox.put(Progress(words, share))

        try:
            playgrounds.get(name).fetch(folder, progress, cancelled)
        except CancelledError:
            raise UserError("The download was cancelled; nothing was kept.") from None
        mailbox.put(Fetched(str(folder)))

    return job


def ask(
    name: str, recipe: Recipe, vocabulary: "Vocabulary", weights: Weights, question: Question
) -> Job:
    """Answer a question about a network that is not being trained."""

    def job(mailbox: Mailbox) -> None:
        from core.training.replica import Replica

        replica = Replica(playgrounds.get(name), recipe, vocabulary)
        replica.update(weights.arrays)
        mailbox.put(question(replica.model, weights.step))

    return job


EXPORTED, ARRIVED = "exported", "arrived"
"""Topics of the answers that a run was written for another program, or has come in."""


def export_run(folder: Path, way: str, out: Path) -> Job:
    """Write a run for another program."""

    def job(mailbox: Mailbox) -> None:
        from core.runs.export import export

        export(folder, way, out)
        mailbox.put(Answer(EXPORTED, 0, {"path": out}))

    return job


def unpack_run(packed: Path, runs: Path) -> Job:
    """Bring a run from a zip into the folder of runs, once all of it was found to be good."""

    def job(mailbox: Mailbox) -> None:
        from core.runs.bundle import unpack

        mailbox.put(Answer(ARRIVED, 0, {"path": unpack(packed, runs)}))

    return job
